"""When each kind of simulated instrument trades: the one place that asks for sessions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from grok_sauce.market import sessions
from grok_sauce.simulator.catalogue import Asset

_DAY: Final = timedelta(days=1)
_AUCTION: Final = 60  # the closing auction prints in the minute that starts at the close
_LATE: Final = 900  # volatility indices are calculated a quarter of an hour longer
_LATE_PATHS: Final = frozenset({"VIX"})


class Span(NamedTuple):
    """One trading day in Unix seconds: all hours start..end, the regular ones opening..closing.

    closing is the end of the last regular minute, that of the closing auction included.
    """

    day: date
    start: int
    opening: int
    closing: int
    end: int


class Hours:
    """Trading days of this world: those of the exchange, or of a recording once it began."""

    def __init__(self, recorded: Iterable[date] = ()) -> None:
        self._recorded = frozenset(recorded)
        self._first = min(self._recorded, default=date.max)

    def is_open(self, day: date) -> bool:
        """True when shares trade on that day."""
        if day >= self._first:
            return day in self._recorded
        return sessions.is_session(day)

    def span(self, asset: Asset, day: date) -> Span | None:
        """The hours of an asset that count to that day; None when it has none."""
        if day >= self._first and day not in self._recorded:
            return None
        hours = sessions.hours(asset.kind, day)
        if hours is None:
            return None
        start, end = int(hours[0]), int(hours[1])
        if asset.kind == "future":
            return Span(day, start, start, end, end)
        opening, close = (int(edge) for edge in sessions.regular(day))
        if asset.kind == "index":
            late = _LATE if asset.path in _LATE_PATHS else _AUCTION
            return Span(day, start, opening, close + late, close + late)
        return Span(day, start, opening, close + _AUCTION, end)

    def under_way(self, asset: Asset, now: float) -> Span | None:
        """The trading day under way, else the last one begun; None before a recording's first."""
        day = sessions.new_york_date(now) + (_DAY if asset.kind == "future" else 0 * _DAY)
        for _ in range(400):
            span = self.span(asset, day)
            if span is not None and span.start <= now:
                return span
            day -= _DAY
        return None

    def before(self, asset: Asset, day: date, n: int = 1) -> date | None:
        """The n-th trading day of the asset before day."""
        for _ in range(400):
            day -= _DAY
            if self.span(asset, day) is not None:
                n -= 1
                if n == 0:
                    return day
        return None

    def after(self, asset: Asset, day: date) -> Span | None:
        """The hours of the next trading day after day; None when a recording has ended."""
        for _ in range(12):
            day += _DAY
            span = self.span(asset, day)
            if span is not None:
                return span
        return None


@lru_cache(maxsize=512)
def midnight(day: date) -> int:
    """The Unix time from which the day's trading minutes count: noon less twelve hours.

    On the two Sundays when the clock changes this is an hour off midnight; nothing trades then.
    """
    return int(sessions.instant(day, 12)) - 43_200
