"""Everything a chain says about gamma and levels, as one JSON object.

report(chain, rates, gamma="model", ...) -> payload        $ per 1 % move
in_unit(payload, "usd_per_point") -> payload               the other unit
document(payload, "pct"|"point") -> payload                columns turned into rows

The page, the API and the command all serve this object. Unknown is None, numbers are
unrounded, nothing in it is NaN or infinite. Needs numpy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from grok_sauce.analytics import chain_facts, level_columns, max_pain, put_call, skew, walls
from grok_sauce.analytics import gex as exposure
from grok_sauce.analytics import zero_gamma as flips
from grok_sauce.analytics.conversion import Factor, to_future
from grok_sauce.analytics.forward import Forward, Rates, forwards
from grok_sauce.analytics.implied_volatility import STALE
from grok_sauce.analytics.level_list import level_rows, level_values
from grok_sauce.analytics.level_outlook import outlook
from grok_sauce.analytics.pairs import Pairs, pair_up
from grok_sauce.errors import BadPayload
from grok_sauce.market import sessions
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.expiries import ahead
from grok_sauce.market.instruments import FutureContract
from grok_sauce.market.products import PRODUCTS
from grok_sauce.values import dataclass

PER_PERCENT: Final = "usd_per_1pct"
PER_POINT: Final = "usd_per_point"
UNITS: Final = {"pct": PER_PERCENT, "point": PER_POINT}
_IN_UNIT: Final = ("call", "put", "net", "gross", "absolute_net")
DEFINITION: Final = {
    "dealer": "calls +, puts -: dealers are modelled long the calls and short the puts",
    "gex": "gamma x open interest x multiplier x spot^2 x 0.01: $ of delta per 1 % move",
    "per_point": "the same / (0.01 x spot): $ of delta per point",
    "dex": "delta x open interest x multiplier x spot: $ of underlying",
    "vex": "vanna x open interest x multiplier x spot x 0.01: $ of delta per volatility point",
    "chex": "charm x open interest x multiplier x spot / 365: $ of delta per calendar day",
    "zero_gamma": "root nearest to spot of net gamma re-priced at spots within 20 %, each "
    "contract at its own volatility and time",
    "strike_sign": "first change of sign of net GEX between neighbouring strikes; a comparison",
    "cumulative": "where the sum of net GEX from the lowest strike changes sign; a comparison",
    "call_wall": "most call gamma at or above spot",
    "put_wall": "most put gamma at or below spot",
    "resistance": "strikes above spot with the largest net GEX above 0",
    "support": "strikes below spot with the largest put GEX",
    "max_pain": "strike at which all options of one expiry and settlement pay least",
    "strike_iv": "of the nearest expiry",
    "expiry": "settled contracts are left out: PM 16:00 (13:00 on half days), AM 09:30 New York",
}


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the pieces of the report share."""

    chain: OptionChain
    rates: Rates
    pairs: Pairs
    forwards: tuple[Forward | None, ...]
    smiles: tuple[skew.Smile | None, ...]
    shown: tuple[int, ...]  # expiries with contracts here, not settled, the next first
    prepared: exposure.Prepared
    found: exposure.Exposures
    strikes: level_columns.Strikes

    @property
    def nearest(self) -> int | None:
        return self.shown[0] if self.shown else None


def report(
    chain: OptionChain,
    rates: Rates,
    *,
    gamma: exposure.GammaSource = "model",
    conversion: Factor | None = None,
    oi_whole: float | None = None,
    view: str = "all",
    previous_close: float | None = None,
    spot_alternative: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    stale: float = STALE,
    pains: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """All numbers of the contracts given, at chain.as_of, in $ per 1 % move.

    chain: the contracts of the view (chain.select). rates: what carries the spot where quotes
    give no forward. gamma: "model" re-computes it from volatility, "file" and "feed" take the
    chain's own. conversion: carries the levels to a future. oi_whole: open interest of all
    contracts of the underlying, for the share. previous_close: points, for the change.
    spot_alternative, status: what the caller knows better, passed on. stale: seconds after
    which greeks and quotes no longer count. pains: rows of max_pain.per_expiry, from a caller
    who knows of more strikes than the chain has.

    Where there is no spot, or greeks cannot be had from it (VIX), what needs them is None;
    open interest, volume and max pain stand.
    """
    listed, chain = chain, _compact(chain)
    parts = _prepare(chain, rates, gamma, stale)
    pain = pains
    if pain is None:
        pain = max_pain.per_expiry(chain, chain.as_of, pairs=parts.pairs)
    smile = None if parts.nearest is None else parts.smiles[parts.nearest]
    return {
        **_head(parts, gamma, view, previous_close, spot_alternative),
        "status": dict(status) if status is not None else chain_facts.status(chain),
        **_counts(parts, oi_whole),
        "expiries": chain_facts.expiry_rows(listed),
        **_exposed(parts),
        **_found_levels(parts, pain[0]["strike"] if pain else None, conversion),
        **outlook(chain, parts.shown, parts.forwards, parts.smiles, parts.pairs, stale),
        "max_pain": pain,
        "conversion": _conversion(conversion, chain.as_of),
        "definition": DEFINITION,
        "columns": level_columns.columns(parts.strikes, smile),
        "tops": level_columns.tops(parts.strikes),
    }


def _compact(chain: OptionChain) -> OptionChain:
    """The same contracts without the expiries of which there are none: less to look through."""
    here = np.unique(chain.expiry)
    return replace(
        chain,
        expiries=tuple(chain.expiries[place] for place in here.tolist()),
        expiry=np.searchsorted(here, chain.expiry),
    )


def _prepare(chain: OptionChain, rates: Rates, gamma: exposure.GammaSource, stale: float) -> _Parts:
    pairs = pair_up(chain)
    carried = forwards(chain, rates, pairs=pairs, stale=stale)
    curves = skew.smiles(chain, carried, pairs=pairs, both_sides=False, stale=stale)
    prepared = exposure.prepare(chain, rates, carried, gamma=gamma, stale=stale)
    found = exposure.exposures(prepared)
    places = {expiry: place for place, expiry in enumerate(chain.expiries)}
    shown = tuple(places[each] for each in ahead(places, chain.as_of))
    table = level_columns.Strikes(prepared, found)
    return _Parts(chain, rates, pairs, carried, curves, shown, prepared, found, table)


def _head(
    parts: _Parts,
    gamma: str,
    view: str,
    previous_close: float | None,
    alternative: Mapping[str, Any] | None,
) -> dict[str, Any]:
    chain, rates = parts.chain, parts.rates
    spot = parts.prepared.spot
    first = None if parts.nearest is None else parts.forwards[parts.nearest]
    ages = chain_facts.ages(chain)
    change = None if spot is None or previous_close is None else spot - previous_close
    return {
        "symbol": chain.symbol,
        "view": view,
        "view_label": chain_facts.view_label(view),
        "spot": spot,
        "spot_basis": None if spot is None else chain.spot_basis,
        "spot_label": chain_facts.spot_label(chain),
        "spot_at": None if chain.spot_at is None else _iso(chain.spot_at),
        "spot_age": ages["spot"],
        "spot_alternative": None if alternative is None else dict(alternative),
        "change": {
            "value": change,
            "percent": change / previous_close * 100
            if change is not None and previous_close
            else None,
        },
        "as_of": _iso(chain.as_of),
        "oi_date": ages["oi_date"],
        "ages": ages,
        "source": chain.source,
        "unit": PER_PERCENT,
        "unit_factor": None if spot is None else 0.01 * spot,
        "gamma": gamma,
        "rate": rates.rate,
        "rate_source": rates.rate_source,
        "rate_date": rates.rate_date,
        "dividend_yield": rates.dividend_yield,
        "forward_basis": None if first is None else first.basis,
        "american": chain_facts.is_american(chain),
    }


def _counts(parts: _Parts, oi_whole: float | None) -> dict[str, Any]:
    prepared, chain = parts.prepared, parts.chain
    first = chain_facts.nearest(chain)
    return {
        "scope": chain_facts.scope(chain, oi_whole),
        "contracts": prepared.contracts,
        "used": int(np.count_nonzero(prepared.used)),
        "excluded": dict(prepared.excluded),
        "coverage": prepared.coverage,
        "floored": prepared.floored,
        "nearest": None if first is None else chain_facts.expiry_terms(first, chain.as_of),
    }


def _exposed(parts: _Parts) -> dict[str, Any]:
    prepared, chain = parts.prepared, parts.chain
    counted = prepared.live & (chain.multiplier > 0)
    ratios = put_call.put_call(
        chain.is_call[counted], prepared.oi[counted], prepared.volume[counted]
    )
    totals = parts.found.oi.totals
    return {
        "totals": _finite(asdict(totals)),
        "totals_volume": _finite(asdict(parts.found.volume.totals)),
        "regime": totals.regime,
        "put_call": {
            **asdict(ratios),
            "oi_word": ratios.oi_word,
            "volume_word": ratios.volume_word,
        },
    }


def _finite(row: Mapping[str, float | None]) -> dict[str, float | None]:
    return {
        name: value if value is not None and math.isfinite(value) else None
        for name, value in row.items()
    }


def _root_row(one: flips.ZeroGamma) -> dict[str, Any]:
    return {
        "flip": one.flip,
        "roots": list(one.roots),
        "n_roots": one.n_roots,
        "reason": one.reason,
        "degraded": one.degraded,
    }


def _compared(parts: _Parts) -> dict[str, float | None]:
    """What other sites call zero gamma."""
    strikes, net = parts.prepared.strikes, parts.found.oi.gex.net
    known = parts.found.oi.totals.net is not None
    return {
        "strike_sign": flips.strike_sign(strikes, net) if known else None,
        "cumulative": flips.cumulative(strikes, net) if known else None,
    }


def _found_levels(parts: _Parts, pain: float | None, conversion: Factor | None) -> dict[str, Any]:
    """Zero gamma, walls, resistances and supports, by name and as one list."""
    strikes, spot = parts.prepared.strikes, parts.prepared.spot
    gex, oi = parts.found.oi.gex, parts.strikes.oi
    roots = flips.zero_gammas(parts.prepared)
    marks = walls.walls(strikes, gex.call, gex.put, oi.call, oi.put, spot)
    above, below = walls.resistance(strikes, gex.net, spot), walls.support(strikes, gex.put, spot)
    at: dict[str, float | None] = {which: one.flip for which, one in roots.items()}
    convert = None if conversion is None else (lambda level: to_future(level, conversion))
    return {
        "zero_gamma": {
            **{which: _root_row(one) for which, one in roots.items()},
            **_compared(parts),
        },
        **asdict(marks),
        "resistance": _ranked(above),
        "support": _ranked(below),
        "levels": level_rows(level_values(marks, above, below, at, pain), spot, convert),
    }


def _ranked(both: walls.Ranked) -> dict[str, list[float]]:
    return {order: list(strikes) for order, strikes in both._asdict().items()}


# ---- the future, the unit ---------------------------------------------------------------


def _conversion(factor: Factor | None, as_of: float) -> dict[str, Any] | None:
    if factor is None:
        return None
    words = "basis (points added)" if factor.kind == "basis" else "ratio (multiplied)"
    state = "frozen at the last good value" if factor.frozen else "recomputed as both legs quote"
    return {
        "contract": factor.contract,
        "kind": factor.kind,
        "value": factor.value,
        "age": as_of - factor.at,
        "frozen": factor.frozen,
        "tick": _tick(factor.contract, as_of),
        "note": f"{factor.contract} by {words}, {state}",
    }


def _tick(contract: str, as_of: float) -> float | None:
    try:
        product = FutureContract.parse(contract, sessions.new_york_date(as_of)).product
    except BadPayload:
        return None
    return PRODUCTS[product].tick if product in PRODUCTS else None


def in_unit(payload: Mapping[str, Any], unit: str) -> dict[str, Any]:
    """The payload in "usd_per_1pct" or "usd_per_point"; only gamma exposures depend on it.

    Raises:
        ValueError: another unit.
    """
    if unit not in UNITS.values():
        raise ValueError(f"unit must be {PER_PERCENT} or {PER_POINT}, not {unit!r}")
    if unit == payload["unit"]:
        return dict(payload)
    factor = payload["unit_factor"]
    if factor is None:
        return {**payload, "unit": unit}
    if unit == PER_PERCENT:
        factor = 1 / factor
    return {
        **payload,
        "unit": unit,
        "totals": _converted(payload["totals"], _IN_UNIT, factor),
        "totals_volume": _converted(payload["totals_volume"], _IN_UNIT, factor),
        "columns": level_columns.in_points(payload["columns"], factor),
        "tops": {
            **payload["tops"],
            "oi": [_converted(row, ("gex",), factor) for row in payload["tops"]["oi"]],
        },
    }


def _converted(row: Mapping[str, Any], names: Sequence[str], factor: float) -> dict[str, Any]:
    return {
        name: value / factor if name in names and value is not None else value
        for name, value in row.items()
    }


def document(payload: Mapping[str, Any], unit: str = "pct") -> dict[str, Any]:
    """What the API and the command give: `strikes` as rows in place of the columns.

    unit: "pct" or "point", or the payload's own spelling.
    """
    found = in_unit(payload, UNITS.get(unit, unit))
    rows = level_columns.strike_rows(found.pop("columns"))
    return {**found, "strikes": rows}


def _iso(moment: float) -> str:
    whole = datetime.fromtimestamp(math.floor(moment * 1000) / 1000, UTC)
    return whole.isoformat(timespec="milliseconds").replace("+00:00", "Z")
