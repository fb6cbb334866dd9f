"""Per-strike columns of a chain's exposures, and the tables of its largest strikes.

columns(prepared, found, nearest_smile) -> {name: [...]}    equal lengths, ascending strike
tops(table) -> {oi, volume, put_call, put_call_floor}
in_points(columns, factor), strike_rows(columns) -> the same in another unit, or as rows
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from grok_sauce.analytics import put_call
from grok_sauce.analytics.chain_facts import plain
from grok_sauce.analytics.gex import Exposures, Measures, Prepared, Sides
from grok_sauce.market.chain import Bools, Floats

if TYPE_CHECKING:
    from grok_sauce.analytics.skew import Smile

TOP: Final = 10
MEASURES: Final = ("gex", "dex", "vex", "chex")
# What one row of the machine interface holds; the columns hold more.
ROW: Final = (
    "strike", "call_gex", "put_gex", "net_gex", "call_oi", "put_oi", "call_volume",
    "put_volume", "call_iv", "put_iv",
)  # fmt: skip
_GEX: Final = tuple(
    f"{side}_gex{weight}" for weight in ("", "_volume") for side in ("call", "put", "net")
)


class Strikes:
    """Sums per strike as arrays, NaN where nothing is known, for lists, walls and tables."""

    def __init__(self, prepared: Prepared, found: Exposures) -> None:
        self.strike = prepared.strikes
        # What a contract of another size holds cannot be compared with the rest.
        standard = prepared.chain.multiplier > 0
        self.oi = _known_sums(prepared, np.where(standard, prepared.oi, np.nan))
        self.volume = _known_sums(prepared, np.where(standard, prepared.volume, np.nan))
        self.found = found


def _known_sums(prepared: Prepared, values: Floats) -> Sides:
    """Sums of a column; NaN at a strike where no contract of that side is known."""
    sums = prepared.by_strike(values)
    known = prepared.by_strike(np.where(np.isnan(values), 0.0, 1.0))
    return Sides(*(np.where(n > 0, s, np.nan) for s, n in zip(sums, known, strict=True)))


def columns(table: Strikes, nearest: Smile | None) -> dict[str, list[float | None]]:
    """Every column as a list; None where nothing is known.

    call_/put_ gex, dex, vex, chex by open interest and (with _volume) by volume: puts of gex
    as positive magnitudes, of the others as they are, so that the dealers' net is call - put.
    call_iv, put_iv: of the nearest expiry, as fractions.
    """
    found: dict[str, list[float | None]] = {"strike": plain(table.strike)}
    for suffix, measures in (("", table.found.oi), ("_volume", table.found.volume)):
        found |= _measured(measures, suffix)
    for name, sides in (("oi", table.oi), ("volume", table.volume)):
        found[f"call_{name}"], found[f"put_{name}"] = plain(sides.call), plain(sides.put)
    call_iv, put_iv = _smile_on(table.strike, nearest)
    return found | {"call_iv": plain(call_iv), "put_iv": plain(put_iv)}


def _measured(measures: Measures, suffix: str) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for name in MEASURES:
        sides: Sides = getattr(measures, name)
        found[f"call_{name}{suffix}"] = _masked(sides.call, measures.call_known)
        found[f"put_{name}{suffix}"] = _masked(sides.put, measures.put_known)
    either = measures.call_known | measures.put_known
    found[f"net_gex{suffix}"] = _masked(measures.gex.net, either)
    return found


def _masked(values: Floats, known: Bools) -> list[float | None]:
    return plain(values if known.all() else np.where(known, values, np.nan))


def _smile_on(strikes: Floats, smile: Smile | None) -> tuple[Floats, Floats]:
    call, put = np.full(len(strikes), np.nan), np.full(len(strikes), np.nan)
    if smile is not None and len(strikes):
        place = np.searchsorted(strikes, smile.strikes)
        call[place], put[place] = smile.call_iv, smile.put_iv
    return call, put


def tops(table: Strikes) -> dict[str, Any]:
    """The strikes with the most open interest, volume, and puts per call; ten of each at most.

    oi rows carry the exposure of that strike and side, volume rows their share of open
    interest (of_oi). Of equals the lower strike comes first, its call before its put.
    """
    gex = table.found.oi
    exposure = np.concatenate(
        (
            np.where(gex.call_known, gex.gex.call, np.nan),
            np.where(gex.put_known, gex.gex.put, np.nan),
        )
    )
    oi, volume = np.concatenate(table.oi), np.concatenate(table.volume)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_oi = np.where(oi > 0, volume / oi, np.nan)
    return {
        "oi": _top(table.strike, oi, "oi", exposure, "gex"),
        "volume": _top(table.strike, volume, "volume", of_oi, "of_oi"),
        "put_call": put_call.top_strikes(table.strike, *table.oi),
        "put_call_floor": put_call.FLOOR,
    }


def _top(
    strikes: Floats, values: Floats, name: str, beside: Floats, beside_name: str
) -> list[dict[str, Any]]:
    """Rows of the largest values above 0; values holds the calls, then the puts."""
    size = len(strikes)
    places = np.flatnonzero(values > 0)
    order = np.lexsort((places >= size, strikes[places % size], -values[places]))[:TOP]
    chosen = places[order]
    return [
        {"strike": strike, "side": "P" if is_put else "C", name: value, beside_name: other}
        for strike, is_put, value, other in zip(
            strikes[chosen % size].tolist(),
            (chosen >= size).tolist(),
            values[chosen].tolist(),
            plain(beside[chosen]),
            strict=True,
        )
    ]


def in_points(
    given: Mapping[str, list[float | None]], factor: float
) -> dict[str, list[float | None]]:
    """The columns with gamma exposure divided by factor (0.01 x spot): $ per point."""
    return {
        name: [None if value is None else value / factor for value in values]
        if name in _GEX
        else values
        for name, values in given.items()
    }


def strike_rows(given: Mapping[str, list[float | None]]) -> list[dict[str, float | None]]:
    """One dict a strike: the keys of ROW first, then every other column."""
    names = (*ROW, *(name for name in given if name not in ROW))
    values = zip(*(given[name] for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in values]
