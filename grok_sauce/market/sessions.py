"""Trading days and hours in New York time: sessions, phases, expiries, settlement, DTE.

All instants are Unix seconds, all days are New York dates. kind is Instrument.kind.

is_session(day) -> bool                     is_half_day(day) -> bool
regular(day) -> (open, close)               09:30-16:00, half days to 13:00; ValueError if closed
extended(day) -> (start, end)               04:00-20:00, half days to 17:00; ValueError if closed
hours(kind, day) -> (start, end) | None     all trading of a kind that counts to that day
phase(kind, now) -> Phase(state, ends, next_state, session_date, half_day, holiday)
session_date(now, kind="equity") -> date    the session under way, else the last one begun
previous_session(day, n=1), next_session(day, n=1) -> date      strictly before, after day
sessions_before(day, n) -> list[date]       the n sessions before day, oldest first
minute_of_session(now, before_open=False) -> int | None
third_friday(year, month), monthly_expiration(year, month) -> date
is_monthly(expiry), is_witching(expiry) -> bool
dte(now, expiry) -> int                     calendar days from today's New York date
settlement(expiry, "AM"|"PM") -> float      years_to(settlement, now) -> float (act/365)
nearest_expiry([(expiry, "AM"|"PM"), ...], now) -> that pair | None
new_york(now) -> datetime, new_york_date(now) -> date, instant(day, hour, minute=0) -> float
day_id(day) -> int, day_of(day_id) -> date  days since 1970-01-01, as the feed counts
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final, Literal
from zoneinfo import ZoneInfo

from grok_sauce.market import holidays
from grok_sauce.market.products import Kind
from grok_sauce.values import dataclass

State = Literal["pre", "open", "after", "closed"]
Settlement = Literal["AM", "PM"]

NEW_YORK: Final = ZoneInfo("America/New_York")
YEAR: Final = 365 * 86400.0  # seconds in the year of act/365
_DAY: Final = timedelta(days=1)
_EPOCH: Final = date(1970, 1, 1).toordinal()

# Futures on the days the exchange for shares is closed, simplified from CME's holiday
# schedules: three holidays have no session, the day of an exceptional closure ends at
# the share market's usual opening, any other ends at 13:00; half days end at 13:15.
_NO_FUTURES: Final = frozenset({"New Year's Day", "Good Friday", "Christmas Day"})
_EXCEPTIONAL: Final = ("Mourning", "Hurricane")


# ---- the New York clock -----------------------------------------------------------------


def new_york(now: float) -> datetime:
    """A Unix time on New York's clock."""
    return datetime.fromtimestamp(now, NEW_YORK)


def new_york_date(now: float) -> date:
    """The date in New York."""
    return datetime.fromtimestamp(now, NEW_YORK).date()


@lru_cache(maxsize=8192)
def instant(day: date, hour: int, minute: int = 0) -> float:
    """The Unix time of a New York wall time; twice in a year an hour has two or none of it."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK).timestamp()


def day_id(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def day_of(number: int) -> date:
    """The date of a day id.

    >>> day_of(20665)
    datetime.date(2026, 7, 31)
    """
    return date.fromordinal(number + _EPOCH)


# ---- days -------------------------------------------------------------------------------


def is_session(day: date) -> bool:
    """True when the New York Stock Exchange trades on that day."""
    return day.weekday() < 5 and holidays.closure(day) is None


def is_half_day(day: date) -> bool:
    """True when it closes at 13:00."""
    return holidays.half_day(day) is not None


def _sessions(day: date, step: timedelta) -> Iterator[date]:
    while True:
        day += step
        if is_session(day):
            yield day


@lru_cache(maxsize=2048)
def previous_session(day: date, n: int = 1) -> date:
    """The n-th session before day, n at least 1; day itself does not count."""
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    return next(islice(_sessions(day, -_DAY), n - 1, None))


@lru_cache(maxsize=2048)
def next_session(day: date, n: int = 1) -> date:
    """The n-th session after day, n at least 1; day itself does not count."""
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    return next(islice(_sessions(day, _DAY), n - 1, None))


def sessions_before(day: date, n: int) -> list[date]:
    """The n sessions before day, oldest first; day itself is not among them."""
    return list(islice(_sessions(day, -_DAY), n))[::-1]


# ---- hours ------------------------------------------------------------------------------


def _check_session(day: date) -> None:
    if not is_session(day):
        raise ValueError(f"{day} is not a session of the New York Stock Exchange")


@lru_cache(maxsize=2048)
def regular(day: date) -> tuple[float, float]:
    """Open and close of the regular session.

    Raises:
        ValueError: the exchange is closed on that day.
    """
    _check_session(day)
    return instant(day, 9, 30), instant(day, 13 if is_half_day(day) else 16)


@lru_cache(maxsize=2048)
def extended(day: date) -> tuple[float, float]:
    """Start of the pre-market and end of after-hours trading.

    Raises:
        ValueError: the exchange is closed on that day.
    """
    _check_session(day)
    return instant(day, 4), instant(day, 17 if is_half_day(day) else 20)


def hours(kind: Kind, day: date) -> tuple[float, float] | None:
    """First to last instant of trading that counts to that day; None without a session.

    A future's day starts at 18:00 of the evening before. An index is calculated in regular
    hours only. A kind not known yet is taken for a share.
    """
    spans = _spans(kind, day)
    return (spans[0][1], spans[-1][2]) if spans else None


@lru_cache(maxsize=4096)
def _spans(kind: Kind, day: date) -> tuple[tuple[State, float, float], ...]:
    """(state, start, end) of one trading day in order, without holes."""
    if kind == "future":
        return _future_spans(day)
    if not is_session(day):
        return ()
    opening, close = regular(day)
    if kind == "index":
        return (("open", opening, close),)
    start, end = extended(day)
    return ("pre", start, opening), ("open", opening, close), ("after", close, end)


def _future_spans(day: date) -> tuple[tuple[State, float, float], ...]:
    reason = holidays.closure(day)
    if day.weekday() >= 5 or reason in _NO_FUTURES:
        return ()
    if reason is not None:
        end = instant(day, 9, 30) if reason.startswith(_EXCEPTIONAL) else instant(day, 13)
    else:
        end = instant(day, 13, 15) if is_half_day(day) else instant(day, 17)
    return (("open", instant(day - _DAY, 18), end),)


@dataclass(frozen=True, slots=True)
class Phase:
    """Where a kind of instrument stands in its day.

    ends: when state gives way to next_state. session_date: the trading day under way, else
    the last one begun. half_day and holiday speak of the trading day under way, while
    closed of today's New York date.
    """

    state: State
    ends: float
    next_state: State
    session_date: date
    half_day: bool
    holiday: str | None


def phase(kind: Kind, now: float) -> Phase:
    """The phase at a Unix time.

    Shares and ETFs: pre 04:00, open 09:30, after 16:00 (13:00), closed 20:00 (17:00).
    Indices: open or closed. Futures: open from 18:00 to 17:00, Sunday to Friday.
    """
    today = new_york_date(now)
    day = today
    while True:
        spans = _spans(kind, day)
        for place, (state, start, end) in enumerate(spans):
            if now < start:
                return _closed(kind, now, today, start, state)
            if now < end:
                following: State = spans[place + 1][0] if place + 1 < len(spans) else "closed"
                return Phase(state, end, following, day, is_half_day(day), holidays.closure(day))
        day += _DAY


def _closed(kind: Kind, now: float, today: date, start: float, state: State) -> Phase:
    last = today
    while not (spans := _spans(kind, last)) or spans[0][1] > now:
        last -= _DAY
    return Phase("closed", start, state, last, is_half_day(today), holidays.closure(today))


def session_date(now: float, kind: Kind = "equity") -> date:
    """The trading day under way, else the last one begun (on Saturday: Friday).

    A future's can be a day on which shares do not trade: ask hours(), not regular().
    """
    return phase(kind, now).session_date


def minute_of_session(now: float, before_open: bool = False) -> int | None:
    """Whole minutes since 09:30 of today's New York date; after the close, its full length.

    before_open counts from 04:00 to 09:30 instead. None on a closed day and before the start.
    """
    today = new_york_date(now)
    if not is_session(today):
        return None
    opening, close = regular(today)
    start, end = (extended(today)[0], opening) if before_open else (opening, close)
    return None if now < start else int(min(now, end) - start) // 60


# ---- expiries ---------------------------------------------------------------------------


def third_friday(year: int, month: int) -> date:
    """The Friday from the 15th to the 21st."""
    first = date(year, month, 15)
    return first + timedelta(days=(4 - first.weekday()) % 7)


def monthly_expiration(year: int, month: int) -> date:
    """The third Friday, or the session before it when the exchange is closed on it.

    >>> monthly_expiration(2025, 9), monthly_expiration(2027, 6)
    (datetime.date(2025, 9, 19), datetime.date(2027, 6, 17))
    """
    friday = third_friday(year, month)
    return friday if is_session(friday) else previous_session(friday)


def is_monthly(expiry: date) -> bool:
    """True for the monthly expiration of its month."""
    return expiry == monthly_expiration(expiry.year, expiry.month)


def is_witching(expiry: date) -> bool:
    """True for the monthly expiration of March, June, September and December."""
    return expiry.month % 3 == 0 and is_monthly(expiry)


def dte(now: float, expiry: date) -> int:
    """Calendar days from today's New York date to expiry; 0 today, negative when past."""
    return (expiry - new_york_date(now)).days


@lru_cache(maxsize=4096)
def settlement(expiry: date, kind: Settlement = "PM") -> float:
    """The instant options of that expiry settle.

    PM: the regular close, 13:00 on half days. AM: 09:30. An expiry dated on a day without
    a session (Saturdays until 2015) settles on the session before it.
    """
    day = expiry if is_session(expiry) else previous_session(expiry)
    opening, close = regular(day)
    return opening if kind == "AM" else close


def years_to(settlement: float, now: float) -> float:
    """Years from now to settlement, act/365 with the time of day; 0 or less: expired."""
    return (settlement - now) / YEAR


def nearest_expiry(
    expiries: Iterable[tuple[date, Settlement]], now: float
) -> tuple[date, Settlement] | None:
    """The expiry that settles first among those still ahead; None when all have settled."""
    ahead = [(settlement(*expiry), expiry) for expiry in expiries]
    return min((pair for pair in ahead if pair[0] > now), default=(0.0, None))[1]
