"""Volume-weighted average price since an open, with the width of its bands."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

from grok_sauce.values import dataclass


@dataclass(frozen=True, slots=True)
class Vwap:
    """price: the average; deviation: one volume-weighted standard deviation, same unit."""

    price: float
    deviation: float
    volume: float

    def band(self, times: float) -> tuple[float, float]:
        """(lower, upper) at so many deviations."""
        return self.price - times * self.deviation, self.price + times * self.deviation


class RunningVwap:
    """An average that grows point by point: bar after bar of a session.

    Kept as a running mean with the squared distances from it (West 1979): the difference
    of two large sums would lose the digits the bands are made of.
    """

    __slots__ = ("_mean", "_squares", "_total")

    def __init__(self) -> None:
        self._total = self._mean = self._squares = 0.0

    def add(self, price: float, volume: float | None) -> None:
        """Take a point in; one without volume, or with none at all, has no weight."""
        if volume is None or not volume > 0:
            return
        self._total += volume
        away = price - self._mean
        self._mean += away * (volume / self._total)  # the first one lands on its price exactly
        self._squares += volume * away * (price - self._mean)

    def copy(self) -> RunningVwap:
        """One that goes on by itself from here."""
        other = RunningVwap()
        other._total, other._mean, other._squares = self._total, self._mean, self._squares
        return other

    def value(self) -> Vwap | None:
        """The average so far; None when nothing traded."""
        if not self._total > 0:
            return None
        return Vwap(self._mean, sqrt(max(0.0, self._squares / self._total)), self._total)


def vwap(points: Iterable[tuple[float, float | None]]) -> Vwap | None:
    """The average of (price, volume) pairs; None when nothing traded.

    price = sum(p v) / sum(v), variance = sum(v (p - price)^2) / sum(v). With bars a price is
    typical(high, low, close).

    >>> found = vwap([(100.0, 500.0), (100.5, 300.0), (101.0, 200.0), (100.2, 1000.0)])
    >>> round(found.price, 3), round(found.deviation, 6)
    (100.275, 0.286138)
    """
    running = RunningVwap()
    for price, volume in points:
        running.add(price, volume)
    return running.value()


def typical(high: float, low: float, close: float) -> float:
    """A bar's price: the mean of high, low and close."""
    return (high + low + close) / 3


def distance(price: float | None, average: Vwap | None) -> float | None:
    """How far price is above (+) or below (-) the average, in percent of the average."""
    if price is None or average is None or not average.price > 0:
        return None
    return (price - average.price) / average.price * 100
