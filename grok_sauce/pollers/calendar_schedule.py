"""When the week's file is fetched: once a day, after the week's turn, around releases; pure.

due(now, last, at, zone, held, refresh) -> float       the next fetch after one at `last`
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from grok_sauce.market.calendar_week import CalendarWeek, week_of
from grok_sauce.market.sessions import instant, new_york_date

FRESH: Final = 3600.0  # a start fetches nothing while a copy is younger
TURN: Final = 30 * 60.0  # after Sunday 00:00 New York: the new week's file is there
AGAIN: Final = 3600.0  # between two tries while the old week is still served
REFRESH: Final = 300.0  # between two fetches around a release
BEFORE, AFTER = 3600.0, 1800.0  # seconds around a release in which it is refreshed
STALE: Final = 26 * 3600.0


def due(
    now: float,
    last: float | None,
    at: time,
    zone: str,
    held: CalendarWeek | None,
    refresh: bool,
) -> float:
    """The market time of the next fetch; at most now when it is due.

    last: the fetch before, None without one. at: time of day in zone. held: the week in hand.
    refresh: also every five minutes around USD events of high or medium impact.
    """
    if last is None:
        return now
    times = [next_daily(last, at, zone)]
    turn = next_turn(last)
    times.append(turn)
    if held is not None and held.start is not None and not held.is_current(now):
        times.append(max(last + AGAIN, instant(week_of(new_york_date(now)), 0) + TURN))
    if refresh and held is not None:
        around = next_around(max(now, last + REFRESH), held)
        if around is not None:
            times.append(around)
    return min(times)


def next_daily(after: float, at: time, zone: str) -> float:
    """The first moment after `after` at which the zone's clocks show `at`.

    A time that the change to summer leaves out is taken an hour later, one that comes twice
    the first time.
    """
    place = ZoneInfo(zone)
    day = datetime.fromtimestamp(after, place).date()
    while True:
        moment = datetime.combine(day, at, place).timestamp()
        if moment > after:
            return moment
        day += timedelta(days=1)


def next_turn(after: float) -> float:
    """The first moment after `after` at which a new week's file is there."""
    sunday = week_of(new_york_date(after))
    while instant(sunday, 0) + TURN <= after:
        sunday += timedelta(days=7)
    return instant(sunday, 0) + TURN


def next_around(earliest: float, week: CalendarWeek) -> float | None:
    """The first moment from `earliest` on that lies around a release; None without one."""
    for event in week.of("USD"):
        if event.at is not None and event.impact in ("high", "medium"):
            start, end = event.at - BEFORE, event.at + AFTER
            if earliest <= end:
                return max(earliest, start)
    return None
