"""The session in which the strategy trades: New York wall times, over midnight or within a day."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from grok_sauce.market.products import Kind
from grok_sauce.market.sessions import hours, instant, new_york
from grok_sauce.settings.strategy import Strategy


def session_of(settings: Strategy, close: float, kind: Kind) -> tuple[float, float] | None:
    """(start, end) in Unix seconds of the session in which a candle closes; None outside.

    A close at the start belongs to the candle before it, one at the end is inside. From 18:00
    to 16:00 means Sunday 18:00 to Friday 16:00. On a day on which the exchange ends earlier
    that is the end; a day without trading has no session.
    """
    local = new_york(close)
    day = local.date()
    start, end = _clock(settings.session_start), _clock(settings.session_end)
    if start > end and (local.hour, local.minute, local.second) > (*start, 0):
        day += timedelta(days=1)
    span = _span(day, start, end, kind)
    return span if span is not None and span[0] < close <= span[1] else None


@lru_cache(maxsize=4096)
def _span(
    day: date, start: tuple[int, int], end: tuple[int, int], kind: Kind
) -> tuple[float, float] | None:
    if day.weekday() >= 5:
        return None
    traded = hours(kind, day)
    if traded is None:
        return None
    before = day - timedelta(days=1) if start > end else day
    return instant(before, *start), min(instant(day, *end), traded[1])


def _clock(text: str) -> tuple[int, int]:
    hour, _, minute = text.partition(":")
    return int(hour), int(minute)
