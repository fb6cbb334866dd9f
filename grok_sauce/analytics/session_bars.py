"""What the minute bars of a symbol say about today: RVOL's history, VWAP and the sparkline."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

from grok_sauce.analytics import rvol
from grok_sauce.analytics.rvol import MINUTE_MS, Base
from grok_sauce.analytics.vwap import Vwap, typical, vwap
from grok_sauce.market import sessions
from grok_sauce.market.candles import CandleSeries
from grok_sauce.market.products import Kind
from grok_sauce.values import dataclass

POINTS: Final = 60  # of a sparkline at most
LOOK_BACK: Final = 10  # sessions in which the 5 loaded ones are looked for
Cache = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """One session of a day: its first minute (ms UTC) and how many one-minute bars it has.

    is_pre: the pre-market, which is compared with pre-markets alone.
    """

    start: int
    minutes: int
    is_pre: bool = False

    @property
    def end(self) -> int:
        return self.start + self.minutes * MINUTE_MS


@lru_cache(maxsize=4096)
def window(kind: Kind, day: date, is_pre: bool = False) -> Window | None:
    """The session of a kind on a day; None when it has none.

    Regular hours include the bar that starts at the close: the closing auction prints in it.
    A future's session is all its hours, from 18:00 of the evening before.
    """
    if kind == "future":
        hours = sessions.hours(kind, day)
        if hours is None or is_pre:
            return None
        return Window(int(hours[0] * 1000), int(hours[1] - hours[0]) // 60)
    if not sessions.is_session(day):
        return None
    opening, close = sessions.regular(day)
    if is_pre:
        start = sessions.extended(day)[0]
        return Window(int(start * 1000), int(opening - start) // 60, True)
    return Window(int(opening * 1000), int(close - opening) // 60 + 1)


@lru_cache(maxsize=1024)
def windows_before(kind: Kind, day: date, is_pre: bool, n: int = LOOK_BACK) -> tuple[Window, ...]:
    """The n sessions of a kind before day, newest first."""
    found: list[Window] = []
    for _ in range(n * 2 + 14):
        day -= timedelta(days=1)
        span = window(kind, day, is_pre)
        if span is not None:
            found.append(span)
            if len(found) == n:
                break
    return tuple(found)


def history(
    series: CandleSeries | None, kind: Kind, day: date, is_pre: bool, cache: Cache, name: str
) -> Base:
    """The volume curves of the sessions before day; kept until older bars change."""
    if series is None or not len(series):
        return Base((), rvol.needs_sessions(0))
    today = window(kind, day, is_pre)
    older = bisect_left(series.times, today.start if today else 0)
    seen = (day, kind, series.snapshot_at, older, series.times[0])
    key = ("history", name, is_pre)
    kept = cache.get(key)
    if kept is None or kept[0] != seen:
        base = rvol.base(
            series.times,
            series.volumes,
            [(span.start, span.minutes) for span in windows_before(kind, day, is_pre)],
            gap=None if is_pre else rvol.GAP,
        )
        kept = cache[key] = (seen, base)
    found: Base = kept[1]
    return found


@dataclass(frozen=True, slots=True)
class Today:
    """Today's session by its closed minutes, and the one that is forming."""

    closed: Vwap | None
    spark: list[list[float]]  # [start of the minute in ms, its close], oldest first
    forming: tuple[float, float] | None  # (typical price, volume)

    @property
    def vwap(self) -> Vwap | None:
        """Since the session's open, the forming minute included. The width is not kept."""
        points = [(self.closed.price, self.closed.volume)] if self.closed else []
        return vwap([*points, self.forming] if self.forming else points)


def today(
    series: CandleSeries | None, span: Window, now: float, cache: Cache, name: str
) -> Today | None:
    """Today's minutes of a session; None when it has no bar. Closed minutes are added up once."""
    if series is None:
        return None
    first, last = bisect_left(series.times, span.start), bisect_left(series.times, span.end)
    if first == last:
        return None
    forming = None
    closed = last
    if series.times[last - 1] + MINUTE_MS > now * 1000:
        closed -= 1
        forming = _point(series, closed)
    # The last closed bar may still be corrected; what is older does not move.
    newest = (series.times[closed - 1], series.closes[closed - 1], series.volumes[closed - 1])
    seen = (span, series.snapshot_at, closed - first, newest if closed > first else None)
    key = ("today", name, span.is_pre)
    kept = cache.get(key)
    if kept is None or kept[0] != seen:
        average = vwap(_point(series, place) for place in range(first, closed))
        kept = cache[key] = (seen, average, _spark(series, first, closed, span))
    return Today(kept[1], kept[2], forming)


def _point(series: CandleSeries, place: int) -> tuple[float, float]:
    price = typical(series.highs[place], series.lows[place], series.closes[place])
    return price, series.volumes[place]


def _spark(series: CandleSeries, first: int, last: int, span: Window) -> list[list[float]]:
    """The last close of each stretch of minutes, stretches counted from the open."""
    stretch = -(-span.minutes // POINTS) * MINUTE_MS
    points: dict[int, list[float]] = {}
    for place in range(first, last):
        time = series.times[place]
        points[(time - span.start) // stretch] = [time, series.closes[place]]
    return list(points.values())
