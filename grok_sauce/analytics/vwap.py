"""Volume-weighted average price since an open, with the width of its bands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Vwap:
    """price: the average; deviation: one volume-weighted standard deviation, same unit."""

    price: float
    deviation: float
    volume: float

    def band(self, times: float) -> tuple[float, float]:
        """(lower, upper) at so many deviations."""
        return self.price - times * self.deviation, self.price + times * self.deviation


def vwap(points: Iterable[tuple[float, float | None]]) -> Vwap | None:
    """The average of (price, volume) pairs; None when nothing traded.

    price = sum(p v) / sum(v), variance = sum(v (p - price)^2) / sum(v). With bars a price is
    typical(high, low, close). A point without volume, or with none at all, has no weight.

    Kept as a running mean with the squared distances from it (West 1979): the difference
    of two large sums would lose the digits the bands are made of.

    >>> found = vwap([(100.0, 500.0), (100.5, 300.0), (101.0, 200.0), (100.2, 1000.0)])
    >>> round(found.price, 3), round(found.deviation, 6)
    (100.275, 0.286138)
    """
    total = mean = squares = 0.0
    for price, volume in points:
        if volume is None or not volume > 0:
            continue
        total += volume
        away = price - mean
        mean += away * (volume / total)  # the first one lands on its price exactly
        squares += volume * away * (price - mean)
    if not total > 0:
        return None
    return Vwap(mean, sqrt(max(0.0, squares / total)), total)


def typical(high: float, low: float, close: float) -> float:
    """A bar's price: the mean of high, low and close."""
    return (high + low + close) / 3


def distance(price: float | None, average: Vwap | None) -> float | None:
    """How far price is above (+) or below (-) the average, in percent of the average."""
    if price is None or average is None or not average.price > 0:
        return None
    return (price - average.price) / average.price * 100
