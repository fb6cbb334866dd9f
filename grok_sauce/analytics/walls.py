"""Strikes that stand out: walls by gamma and by open interest, resistances and supports.

walls(strikes, call_gex, put_gex, call_oi, put_oi, spot) -> Walls
resistance(strikes, net, spot), support(strikes, put_gex, spot) -> Ranked

Per-strike arrays of equal length, strikes ascending in points, put exposures as positive
magnitudes. Any unit will do: a level is where the largest number stands, not how large it is.
A level is None where its side has nothing above 0. Definitions: SpotGamma's glossary for the
walls; without the restriction to one side of spot they carry "unrestricted" in their name.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grok_sauce.values import dataclass

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]

SECOND: Final = 0.70  # share of the first that makes another local maximum a second wall
RANKS: Final = 3
# Sums of the same contracts in another order differ in their last digits; equals must tie.
_EQUAL: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Walls:
    """Strikes in points; None where that side has no exposure (or no spot is known).

    call_wall, put_wall          most call gamma at or above spot, most put gamma at or below
    call_wall_2, put_wall_2      the next local maximum of that side, when it reaches 70 %
    ..._unrestricted             most gamma on any strike
    call_wall_oi, put_wall_oi    most open interest on any strike
    max_gex_strike               largest |call - put|
    absolute_gamma_strike        largest call + put
    """

    call_wall: float | None
    put_wall: float | None
    call_wall_2: float | None
    put_wall_2: float | None
    call_wall_unrestricted: float | None
    put_wall_unrestricted: float | None
    call_wall_oi: float | None
    put_wall_oi: float | None
    max_gex_strike: float | None
    absolute_gamma_strike: float | None


class Ranked(NamedTuple):
    """The same strikes twice: the strongest first, and the one nearest spot first."""

    by_strength: tuple[float, ...]
    by_distance: tuple[float, ...]


def walls(
    strikes: Floats,
    call_gex: Floats,
    put_gex: Floats,
    call_oi: Floats,
    put_oi: Floats,
    spot: float | None,
) -> Walls:
    """All walls of one set of strikes. A spot on a strike makes it eligible on both sides.

    Ties: call_wall the lowest strike, put_wall the highest, the others the nearest to spot,
    then the lower. Without a spot the restricted walls are None and ties go to the lower.

    >>> k, none = np.array([90.0, 95.0, 100.0, 105.0]), np.zeros(4)
    >>> found = walls(k, np.array([9.0, 1, 4, 4]), np.array([5.0, 8, 2, 9]), none, none, 99.0)
    >>> found.call_wall, found.put_wall, found.call_wall_unrestricted, found.put_wall_2
    (100.0, 95.0, 90.0, None)
    """
    above = strikes >= spot if spot is not None else np.zeros(len(strikes), dtype=np.bool_)
    below = strikes <= spot if spot is not None else above
    call_wall = _peak(strikes, call_gex, above, highest=False)
    put_wall = _peak(strikes, put_gex, below, highest=True)
    return Walls(
        call_wall=_at(strikes, call_wall),
        put_wall=_at(strikes, put_wall),
        call_wall_2=_second(strikes, call_gex, above, call_wall, highest=False),
        put_wall_2=_second(strikes, put_gex, below, put_wall, highest=True),
        call_wall_unrestricted=_nearest_peak(strikes, call_gex, spot),
        put_wall_unrestricted=_nearest_peak(strikes, put_gex, spot),
        call_wall_oi=_nearest_peak(strikes, call_oi, spot),
        put_wall_oi=_nearest_peak(strikes, put_oi, spot),
        max_gex_strike=_nearest_peak(strikes, np.abs(call_gex - put_gex), spot),
        absolute_gamma_strike=_nearest_peak(strikes, call_gex + put_gex, spot),
    )


def resistance(strikes: Floats, net: Floats, spot: float | None) -> Ranked:
    """Up to three strikes above spot with the largest net exposure above 0; ties: the lower.

    >>> resistance(np.array([95.0, 105, 110, 115]), np.array([9.0, 2, 5, -1]), 100.0)
    Ranked(by_strength=(110.0, 105.0), by_distance=(105.0, 110.0))
    """
    if spot is None:
        return Ranked((), ())
    return _ranked(strikes, net, strikes > spot, spot, highest=False)


def support(strikes: Floats, put_gex: Floats, spot: float | None) -> Ranked:
    """Up to three strikes below spot with the largest put exposure; ties: the higher.

    The first is the put wall unless that stands on spot itself.

    >>> support(np.array([85.0, 90, 95, 105]), np.array([7.0, 3, 7, 9]), 100.0)
    Ranked(by_strength=(95.0, 85.0, 90.0), by_distance=(95.0, 90.0, 85.0))
    """
    if spot is None:
        return Ranked((), ())
    return _ranked(strikes, put_gex, strikes < spot, spot, highest=True)


def _ranked(strikes: Floats, values: Floats, open_to: Bools, spot: float, highest: bool) -> Ranked:
    left = np.flatnonzero(open_to)
    best: list[float] = []
    while len(best) < RANKS and len(tied := _tied(values, left)):
        chosen = tied[-1] if highest else tied[0]
        best.append(float(strikes[chosen]))
        left = left[left != chosen]
    return Ranked(tuple(best), tuple(sorted(best, key=lambda strike: abs(strike - spot))))


def _tied(values: Floats, places: Places) -> Places:
    """Of these places, those that hold the largest value; none when it is not above 0."""
    if not len(places):
        return places
    here = np.fmax(values[places], 0.0)  # NaN is nothing
    largest = here.max()
    if not largest > 0:
        return places[:0]
    best: Places = places[here >= largest * (1 - _EQUAL)]
    return best


def _peak(strikes: Floats, values: Floats, side: Bools, highest: bool) -> int | None:
    tied = _tied(values, np.flatnonzero(side))
    if not len(tied):
        return None
    return int(tied[-1] if highest else tied[0])


def _nearest_peak(strikes: Floats, values: Floats, spot: float | None) -> float | None:
    tied = strikes[_tied(values, np.arange(len(strikes)))].tolist()
    if not tied:
        return None
    centre = tied[0] if spot is None else spot
    return float(min(tied, key=lambda strike: (abs(strike - centre), strike)))


def _second(
    strikes: Floats, values: Floats, side: Bools, first: int | None, highest: bool
) -> float | None:
    """The largest other local maximum of the side, when it reaches 70 % of the first.

    A local maximum is higher than the strikes (or runs of equal strikes) on both hands, on
    the whole axis: the slope of a mountain on the other side of spot is no wall. A run of
    equal strikes is one maximum, so the far end of a flat top is not a second wall.
    """
    if first is None:
        return None
    known = np.fmax(values, 0.0)
    gap = np.abs(np.diff(known)) > _EQUAL * np.maximum(known[1:], known[:-1])
    run = np.concatenate(([0], np.cumsum(gap)))
    heights = known[np.concatenate(([0], np.flatnonzero(gap) + 1))]
    fenced = np.concatenate(([-np.inf], heights, [-np.inf]))
    is_top = (heights > fenced[:-2]) & (heights > fenced[2:])
    places = np.flatnonzero(side & is_top[run] & (run != run[first]))
    tied = _tied(known, places)
    if not len(tied) or known[tied[0]] < SECOND * known[first]:
        return None
    return float(strikes[tied[-1] if highest else tied[0]])


def _at(strikes: Floats, place: int | None) -> float | None:
    return None if place is None else float(strikes[place])
