"""When Cboe is asked and how old its prices may be; New York market time, pure.

due(now, last, interval) -> float          the next pull after one at `last`
is_late(now, as_of, interval) -> bool      older than a working source would be
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from grok_sauce.market.sessions import is_session, new_york_date, next_session, regular

DELAY: Final = 15 * 60.0  # seconds the content is behind by design
FREEZE: Final = 35 * 60.0  # after the close: the frozen closing quotes are there (16:35, 13:35)
_SLACK: Final = 5 * 60.0  # a slow pull, a late file


def due(now: float, last: float | None, interval: float) -> float:
    """The market time of the next pull; at most now when it is due.

    Every interval in the regular session, once after the closing freeze, and at once where
    the newest freeze was missed. Nothing at night: open interest comes with the opening.
    """
    if last is None:
        return now
    day = new_york_date(now)
    if is_session(day):
        opening, close = regular(day)
        if now < opening:
            return now if last < last_freeze(now) else opening
        following = max(last + interval, opening)
        if following < close:
            return following
        if last < close + FREEZE:
            return close + FREEZE
    elif last < last_freeze(now):
        return now
    return regular(next_session(day))[0]


def last_freeze(now: float) -> float:
    """The newest time at which closing quotes had been frozen."""
    day = new_york_date(now)
    while not (is_session(day) and regular(day)[1] + FREEZE <= now):
        day -= timedelta(days=1)
    return regular(day)[1] + FREEZE


def last_close(now: float) -> tuple[date, float]:
    """The newest session that has closed, and when."""
    day = new_york_date(now)
    while not (is_session(day) and regular(day)[1] <= now):
        day -= timedelta(days=1)
    return day, regular(day)[1]


def is_late(now: float, as_of: float, interval: float) -> bool:
    """Are these prices older than they should be? as_of: the underlying's last trade.

    In the session they may be as old as the delay, an interval and some slack together. When
    it is closed, and until the day's first file can be there, the last close's have to be.
    """
    allowed = DELAY + interval + _SLACK
    day = new_york_date(now)
    if is_session(day):
        opening, close = regular(day)
        if opening + allowed < now <= close + FREEZE + _SLACK:
            return as_of < min(now, close) - allowed
    return as_of < last_close(now)[1] - allowed


def is_frozen(now: float, as_of: float) -> bool:
    """Are these the last session's closing prices, with no session under way?"""
    day = new_york_date(now)
    under_way = is_session(day) and regular(day)[0] <= now < regular(day)[1]
    return not under_way and as_of >= last_close(now)[1] - DELAY
