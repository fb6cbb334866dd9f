"""Levels as a list in order of price, each with its distance and its price on the future.

level_rows(values, spot, convert) -> rows, the highest level first, spot among them
level_values(walls, resistances, supports, ...) -> {key: strike or price}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from grok_sauce.analytics.walls import Ranked, Walls

# key -> label, in the order of importance that breaks ties of value.
LABELS: Final[dict[str, str]] = {
    "spot": "Spot",
    "zero_gamma": "Zero gamma",
    "zero_gamma_0dte": "Zero gamma, 0DTE",
    "zero_gamma_ex_0dte": "Zero gamma, ex 0DTE",
    "call_wall": "Call wall",
    "call_wall_2": "Second call wall",
    "put_wall": "Put wall",
    "put_wall_2": "Second put wall",
    "put_wall_oi": "Put wall by OI",
    "max_gex": "Max |net GEX|",
    "absolute_gamma": "Absolute gamma",
    "max_pain": "Max pain",
    "resistance_1": "Resistance 1",
    "resistance_2": "Resistance 2",
    "resistance_3": "Resistance 3",
    "support_1": "Support 1",
    "support_2": "Support 2",
    "support_3": "Support 3",
}
_RANK: Final = {key: place for place, key in enumerate(LABELS)}


def level_values(
    found: Walls,
    resistances: Ranked,
    supports: Ranked,
    flips: Mapping[str, float | None],
    pain: float | None,
) -> dict[str, float | None]:
    """Every level under its key. flips: zero gamma of "all", "zero_dte" and "ex_zero_dte"."""
    values = {
        "zero_gamma": flips.get("all"),
        "zero_gamma_0dte": flips.get("zero_dte"),
        "zero_gamma_ex_0dte": flips.get("ex_zero_dte"),
        "call_wall": found.call_wall,
        "call_wall_2": found.call_wall_2,
        "put_wall": found.put_wall,
        "put_wall_2": found.put_wall_2,
        "put_wall_oi": found.put_wall_oi,
        "max_gex": found.max_gex_strike,
        "absolute_gamma": found.absolute_gamma_strike,
        "max_pain": pain,
    }
    return values | _numbered("resistance", resistances) | _numbered("support", supports)


def _numbered(name: str, ranked: Ranked) -> dict[str, float | None]:
    return {f"{name}_{place}": value for place, value in enumerate(ranked.by_strength, start=1)}


def level_rows(
    values: Mapping[str, float | None],
    spot: float | None,
    convert: Callable[[float], float] | None = None,
) -> list[dict[str, Any]]:
    """Rows {key, label, value, distance, distance_percent, future}, the highest value first.

    distance is value - spot in points, distance_percent in percent of spot; future what convert
    makes of the value, None without it. A level that is None has no row.

    >>> rows = level_rows({"call_wall": 6050.0, "put_wall": None}, 6000.0)
    >>> [(row["key"], row["distance"]) for row in rows]
    [('call_wall', 50.0), ('spot', 0.0)]
    """
    known = [(key, value) for key, value in _with_spot(values, spot) if value is not None]
    known.sort(key=lambda pair: (-pair[1], _RANK[pair[0]]))
    return [_row(key, value, spot, convert) for key, value in known]


def _with_spot(
    values: Mapping[str, float | None], spot: float | None
) -> Iterable[tuple[str, float | None]]:
    yield from values.items()
    yield "spot", spot


def _row(
    key: str, value: float, spot: float | None, convert: Callable[[float], float] | None
) -> dict[str, Any]:
    return {
        "key": key,
        "label": LABELS[key],
        "value": value,
        "distance": None if spot is None else value - spot,
        "distance_percent": None if not spot else (value / spot - 1) * 100,
        "future": None if convert is None else convert(value),
    }
