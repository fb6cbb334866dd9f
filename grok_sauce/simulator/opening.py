"""When a simulated market begins: a moment at which it is open, or the one asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from grok_sauce.errors import SettingsError
from grok_sauce.market import holidays, sessions

_FIRST: Final = 15 * 60  # seconds after the opening: the opening's rush is over
_LAST: Final = 30 * 60  # seconds before the close: something is left of the day
_DAY: Final = 86400.0

# The sessions before the first day and after the last one have to be known as well.
FIRST: Final = holidays.FIRST + timedelta(days=60)
LAST: Final = holidays.LAST - timedelta(days=60)


def opening(now: float) -> float:
    """A Unix time at which the regular session is open, for somebody who starts at `now`.

    Inside a regular session that is now. Else it is the last session day that began,
    the clock's place in the day scaled into 09:45 to 15:30 (on a half day to 12:30), so that
    another start gives another market time but never one before the opening.
    """
    local = sessions.new_york(now)
    day = local.date()
    if not sessions.is_session(day) or now < sessions.regular(day)[0]:
        day = sessions.previous_session(day)
    start, end = sessions.regular(day)
    if start <= now < end:
        return now
    seconds = local.hour * 3600 + local.minute * 60 + local.second
    share = seconds / _DAY
    return float(round(start + _FIRST + share * (end - _LAST - start - _FIRST)))


def read_start(text: str) -> float:
    """An ISO-8601 time as a Unix time; without a zone it is New York's clock.

    Raises:
        SettingsError: it is not such a time, or of a day whose calendar is not known.

    >>> read_start("2026-12-16T14:32:07"), read_start("2026-12-16T19:32:07Z")
    (1797449527.0, 1797449527.0)
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=sessions.NEW_YORK)
        found = moment.timestamp()
    except (ValueError, OverflowError):
        raise SettingsError(
            f"--start must be a time like 2026-12-16T09:25, not {text!r}", field="--start"
        ) from None
    check_day(found, "--start")
    return found


def check_day(moment: float, what: str) -> None:
    """Refuse a market time of a day whose calendar is not known.

    Raises:
        SettingsError: `what`, which names the option, is such a time.
    """
    if not (FIRST <= sessions.new_york_date(moment) <= LAST):
        raise SettingsError(
            f"{what} must lie between {FIRST} and {LAST}, the days whose holidays are known",
            field="--start",
        )


def iso(moment: float) -> str:
    """A Unix time as ISO-8601 in UTC, whole seconds.

    >>> iso(1797449527.0)
    '2026-12-16T19:32:07Z'
    """
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
