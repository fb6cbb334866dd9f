"""Carrying price levels from an index or ETF to a future, and back.

FactorKeeper(contract, kind).update(...) -> Factor | None      smoothed, frozen with its age
to_future(level, factor), implied_spot(future_price, factor) -> float
to_tick(price, tick=0.25) -> float                             for display and orders only
fair_basis(spot, rate, dividend_yield, years) -> float         what the basis ought to be
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, Literal

from grok_sauce.values import dataclass

Kind = Literal["basis", "ratio"]

SMOOTHING: Final = 60.0  # seconds: weight of an observation falls by 1/e in this time
TOGETHER: Final = 2.0  # seconds between the two prices of one observation, at most
STALE: Final = 15.0  # seconds without an observation until the factor counts as frozen


@dataclass(frozen=True, slots=True)
class Factor:
    """What joins a source's price to a future's.

    kind "basis": future - source in points (index and its own future); "ratio": future /
    source (ETF to index or future). value is smoothed; source_price and future_price are of
    the last observation, at is its market time (of the older price). frozen: no longer
    recomputed, so at is the age to show.
    """

    contract: str
    kind: Kind
    value: float
    at: float
    frozen: bool
    source_price: float
    future_price: float


class FactorKeeper:
    """The factor of one source to one contract. After a roll, make another for the next.

    Feed it both mids as often as they come. An observation needs the market open, both
    prices known and at most 15 s old, stamped within 2 s of each other.
    """

    def __init__(self, contract: str, kind: Kind) -> None:
        self.contract = contract
        self.kind: Kind = kind
        self._factor: Factor | None = None
        self._seen: tuple[float, float] | None = None

    def update(
        self,
        now: float,
        source: float | None,
        source_at: float | None,
        future: float | None,
        future_at: float | None,
        is_open: bool,
    ) -> Factor | None:
        """The factor at market time now; None until there has been one observation.

        source and future are mids, *_at when they arrived, is_open whether the source is
        trading (a cash index outside 09:30-16:00 is not, whatever is still being sent).
        """
        one, other = _known(source, source_at, now), _known(future, future_at, now)
        if is_open and one and other and abs(one[1] - other[1]) <= TOGETHER:
            self._observe(*one, *other)
        if self._factor is None:
            return None
        frozen = not is_open or now - self._factor.at > STALE
        return replace(self._factor, frozen=frozen)

    def _observe(self, source: float, source_at: float, future: float, future_at: float) -> None:
        if self._seen is not None and (
            (source_at, future_at) == self._seen or max(source_at, future_at) < max(self._seen)
        ):
            return
        value = future - source if self.kind == "basis" else future / source
        if self._factor is not None and self._seen is not None:
            # The weight follows the time passed: many ticks in a second weigh no more than one.
            passed = max(source_at, future_at) - max(self._seen)
            before = self._factor.value
            value = before + (value - before) * -math.expm1(-passed / SMOOTHING)
        self._seen = (source_at, future_at)
        at = min(source_at, future_at)
        self._factor = Factor(self.contract, self.kind, value, at, False, source, future)


def _known(price: float | None, at: float | None, now: float) -> tuple[float, float] | None:
    """(price, at) of a price that counts; None for a missing, impossible or old one."""
    if price is None or at is None or not math.isfinite(price) or price <= 0:
        return None
    return (price, at) if now - at <= STALE else None


def to_future(level: float, factor: Factor) -> float:
    """A level of the source on the future's scale, unrounded.

    >>> qqq = Factor("/NQZ6", "ratio", 21475.25 / 520.40, 0.0, False, 520.40, 21475.25)
    >>> round(to_future(515, qqq), 2), to_tick(to_future(515, qqq))
    (21252.41, 21252.5)
    """
    return level + factor.value if factor.kind == "basis" else level * factor.value


def implied_spot(future_price: float, factor: Factor) -> float:
    """What the source would stand at, given the future: to_future turned round."""
    if factor.kind == "basis":
        return future_price - factor.value
    return future_price / factor.value


def to_tick(price: float, tick: float = 0.25) -> float:
    """The nearest multiple of the tick, halves up.

    >>> to_tick(21252.41), to_tick(21252.375), to_tick(110.02, 1 / 64)
    (21252.5, 21252.5, 110.015625)
    """
    return round(math.floor(price / tick + 0.5 + 1e-9) * tick, 10)


def fair_basis(spot: float, rate: float, dividend_yield: float, years: float) -> float:
    """Basis by cost of carry in points, to check an observed one against.

    >>> round(fair_basis(6000, 0.043, 0.012, 60 / 365), 2)
    30.65
    """
    return spot * math.expm1((rate - dividend_yield) * years)
