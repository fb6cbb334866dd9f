"""Levels of the strategy with the time they were known, and how they are chosen from a chain.

KnownLevels(known_at, source, contract, factor, factor_at, levels)
of_chain(chain, factor, known_at, source, score) -> KnownLevels
Timeline(items, known_at).at(time) -> the newest item known by then
ByContract(items, known_at, contract).at(time, contract) -> the newest that fits a contract
Recent(known_at).add(item), .at(time)          the same for what goes on arriving
LookAhead: somebody decided with what was not known yet
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import Any, Final, Generic, TypeVar

from grok_sauce.analytics.conversion import Factor, to_future
from grok_sauce.errors import GrokSauceError
from grok_sauce.strategies.contracts import same_prices
from grok_sauce.values import dataclass

T = TypeVar("T")

NAMES: Final = ("put_wall", "support_1", "support_2", "support_3")  # in the order of testing
STRONG: Final = 5  # strikes of which the nearest three are the supports


class LookAhead(GrokSauceError):
    """A decision was asked for with something that became known after it."""


@dataclass(frozen=True, slots=True)
class KnownLevels:
    """Levels in the future's prices, unrounded, with the moment they could be used from.

    known_at and factor_at are Unix seconds; source says whose options ("QQQ"); contract is
    the one whose prices these are (None: not told, or no future); factor is what carried
    them there (None: they are the instrument's own). levels are (name, price) in order.
    """

    known_at: float
    source: str
    contract: str | None
    factor: float | None
    factor_at: float | None
    levels: tuple[tuple[str, float], ...]

    def distinct(self) -> tuple[tuple[str, float], ...]:
        """Levels in order; one that equals an earlier one is dropped with its name.

        >>> KnownLevels(0, "QQQ", None, None, None, (("put_wall", 5.0), ("support_1", 5.0),
        ...     ("support_2", 4.0))).distinct()
        (('put_wall', 5.0), ('support_2', 4.0))
        """
        first: dict[float, str] = {}
        for name, price in self.levels:
            first.setdefault(price, name)
        return tuple((name, price) for price, name in first.items())

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "known_at": self.known_at,
            "source": self.source,
            "contract": self.contract,
            "factor": self.factor,
            "factor_at": self.factor_at,
            "levels": [[name, price if isfinite(price) else None] for name, price in self.levels],
        }


@dataclass(frozen=True, slots=True)
class StrikeSums:
    """What the rule reads of a chain, all expiries in scope together, one value a strike.

    put_oi in contracts, put_gex (stored positive) and net_gex in $ per 1 % move; None where
    not known.
    """

    spot: float
    strikes: Sequence[float]
    put_oi: Sequence[float | None]
    put_gex: Sequence[float | None]
    net_gex: Sequence[float | None]


def put_wall(sums: StrikeSums) -> float | None:
    """The strike with most put open interest; tied: nearest to spot, then the higher.

    None when no put is open.
    """
    rows = zip(sums.put_oi, sums.strikes, strict=True)
    known = [(oi, -abs(strike - sums.spot), strike) for oi, strike in rows if oi and oi > 0]
    return max(known)[2] if known else None


def supports(sums: StrikeSums, score: str = "default") -> tuple[float, ...]:
    """The three nearest of the five strongest strikes below spot, nearest first.

    Strength is the put gamma exposure. "legacy" adds put open interest to |net exposure|, as
    the first program did: contracts and dollars, which do not add. Ties go to the nearer.

    >>> sums = StrikeSums(520.4, (505, 508, 510, 513, 514, 515, 525), (0,) * 7,
    ...     (9e8, 1.6e9, 3.4e9, 2.3e9, 1e8, 1e9, 5e9), (0,) * 7)
    >>> supports(sums)
    (515, 513, 510)
    """
    scored = []
    for strike, oi, put, net in zip(
        sums.strikes, sums.put_oi, sums.put_gex, sums.net_gex, strict=True
    ):
        if score == "legacy":
            strength = None if oi is None or net is None else oi + abs(net)
        else:
            strength = put
        if strike < sums.spot and strength is not None and strength > 0:
            scored.append((strength, strike))
    strong = sorted(scored, reverse=True)[:STRONG]
    return tuple(sorted((strike for _, strike in strong), reverse=True)[:3])


def of_chain(
    sums: StrikeSums, factor: Factor | None, known_at: float, source: str, score: str = "default"
) -> KnownLevels:
    """The levels of a chain, carried to the future by factor (None: left as they are)."""
    wall = put_wall(sums)
    named = [] if wall is None else [(NAMES[0], wall)]
    named += zip(NAMES[1:], supports(sums, score), strict=False)
    moved = [(name, to_future(at, factor) if factor else float(at)) for name, at in named]
    if factor is None:
        return KnownLevels(known_at, source, None, None, None, tuple(moved))
    return KnownLevels(known_at, source, factor.contract, factor.value, factor.at, tuple(moved))


class Timeline(Generic[T]):
    """Things by the time they became known; of two of one moment the later given counts."""

    def __init__(self, items: Iterable[T], known_at: Callable[[T], float]) -> None:
        self._items = sorted(items, key=known_at)
        self._times = [known_at(item) for item in self._items]

    def __len__(self) -> int:
        return len(self._items)

    def at(self, time: float) -> T | None:
        """The newest known at a Unix time; None before the first."""
        place = bisect_right(self._times, time)
        return self._items[place - 1] if place else None


class Recent(Generic[T]):
    """What goes on arriving, in order of time: the newest known at a moment not long ago.

    A candle is told a moment after its close, when newer levels may be there already: asked
    for the close, it gives those of the close. One writer.
    """

    def __init__(self, known_at: Callable[[T], float], span: float = 300.0) -> None:
        self._known_at = known_at
        self._span = span  # seconds back that can be asked for
        self._items: deque[T] = deque()

    def add(self, item: T) -> None:
        """Take the next; one known before the last taken is left out."""
        items, at = self._items, self._known_at(item)
        if items and at < self._known_at(items[-1]):
            return
        items.append(item)
        # The first but one is old enough to answer for every moment in the span.
        while len(items) > 1 and self._known_at(items[1]) <= at - self._span:
            items.popleft()

    def at(self, time: float) -> T | None:
        """The newest known at a Unix time; None when none was, or it is longer ago than span."""
        for item in reversed(self._items):
            if self._known_at(item) <= time:
                return item
        return None


class ByContract(Generic[T]):
    """A timeline of things that may say which contract's prices they are in."""

    def __init__(
        self,
        items: Iterable[T],
        known_at: Callable[[T], float],
        contract: Callable[[T], str | None],
    ) -> None:
        self._items = list(items)
        self._known_at = known_at
        self._contract = contract
        self._all = Timeline(self._items, known_at)
        self._fitting: dict[str | None, Timeline[T]] = {}

    def at(self, time: float, contract: str | None) -> T | None:
        """The newest known that is of this contract or says none.

        Where there is none, the newest of all, so that the reason for not using it can be told.
        """
        if contract not in self._fitting:
            fitting = [
                item
                for item in self._items
                if (own := self._contract(item)) is None or same_prices(own, contract)
            ]
            self._fitting[contract] = Timeline(fitting, self._known_at)
        found = self._fitting[contract].at(time)
        return self._all.at(time) if found is None else found
