"""Dollars per point of an underlying as contracts of the future that hedges it.

scale_of(factor, multiplier) -> FuturesScale | None
in_contracts(dollars_per_point, scale) -> float
"""

from __future__ import annotations

from grok_sauce.analytics.conversion import Factor
from grok_sauce.values import dataclass


@dataclass(frozen=True, slots=True)
class FuturesScale:
    """What one point of a future is to an underlying.

    contract: the future, "/ESZ6". multiplier: $ per point of it. points: how far the underlying
    moves when the future moves one point. at: market time (Unix seconds) of the prices that
    say so; frozen: they are not of now.
    """

    contract: str
    multiplier: float
    points: float
    at: float
    frozen: bool


def scale_of(factor: Factor | None, multiplier: float | None) -> FuturesScale | None:
    """The scale of a conversion factor; None without one, or without the future's multiplier.

    An index and its own future move point for point; an ETF moves one point divided by their
    ratio. The basis is taken as constant: over a day its drift is cents.
    """
    if factor is None or multiplier is None or multiplier <= 0 or factor.value == 0:
        return None
    points = 1.0 if factor.kind == "basis" else 1.0 / factor.value
    return FuturesScale(factor.contract, multiplier, points, factor.at, factor.frozen)


def in_contracts(dollars_per_point: float, scale: FuturesScale) -> float:
    """How many futures gain as much as $ per point of the underlying says.

    Delta 0.5 of 600 SPX options of 100 is 30,000 $ per point: 600 contracts of /ES at 50. The
    same 30,000 $ per point of SPY, when /ES is 10 times SPY, are 3,000 $ per point of /ES.

    >>> index = FuturesScale("/ESZ6", 50.0, 1.0, 0.0, False)
    >>> fund = FuturesScale("/ESZ6", 50.0, 0.1, 0.0, False)
    >>> in_contracts(30_000, index), in_contracts(30_000, fund)
    (600.0, 60.0)
    """
    return dollars_per_point * scale.points / scale.multiplier
