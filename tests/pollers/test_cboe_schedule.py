"""When Cboe is asked, and from which age its prices are late."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market.sessions import (
    NEW_YORK,
    instant,
    is_session,
    new_york,
    new_york_date,
    regular,
)
from grok_sauce.pollers.cboe_schedule import FREEZE, due, is_frozen, is_late

WEDNESDAY, THURSDAY = date(2026, 12, 16), date(2026, 12, 17)
HALF_DAY = date(2026, 11, 27)
FRIDAY, SATURDAY, MONDAY = date(2026, 12, 18), date(2026, 12, 19), date(2026, 12, 21)


def at(day: date, hour: int, minute: int = 0) -> float:
    return instant(day, hour, minute)


@pytest.mark.parametrize(
    "now, last, expected",
    [
        (at(WEDNESDAY, 14), None, at(WEDNESDAY, 14)),
        (at(SATURDAY, 14), None, at(SATURDAY, 14)),
        (at(WEDNESDAY, 14), at(WEDNESDAY, 13, 58), at(WEDNESDAY, 14, 3)),
        (at(WEDNESDAY, 9, 31), at(WEDNESDAY, 7), at(WEDNESDAY, 9, 30)),
        (at(WEDNESDAY, 15, 54), at(WEDNESDAY, 15, 53), at(WEDNESDAY, 15, 58)),
        (at(WEDNESDAY, 15, 59), at(WEDNESDAY, 15, 58), at(WEDNESDAY, 16, 35)),
        (at(WEDNESDAY, 16, 10), at(WEDNESDAY, 16, 3), at(WEDNESDAY, 16, 35)),
        (at(WEDNESDAY, 22), at(WEDNESDAY, 15, 58), at(WEDNESDAY, 16, 35)),
        (at(WEDNESDAY, 22), at(WEDNESDAY, 16, 36), at(THURSDAY, 9, 30)),
        (at(THURSDAY, 8), at(WEDNESDAY, 16, 36), at(THURSDAY, 9, 30)),
        (at(THURSDAY, 8), at(WEDNESDAY, 12), at(THURSDAY, 8)),
        (at(SATURDAY, 8), at(FRIDAY, 16, 36), at(MONDAY, 9, 30)),
        (at(SATURDAY, 8), at(FRIDAY, 16, 20), at(SATURDAY, 8)),
        (at(HALF_DAY, 13, 10), at(HALF_DAY, 12, 59), at(HALF_DAY, 13, 35)),
    ],
    ids=[
        "at the start", "at the start of a weekend", "every interval", "at the opening",
        "to the close", "then the freeze", "with nothing between", "a missed freeze",
        "then the next opening",
        "nothing before it", "yesterday's freeze was missed", "nothing on a weekend",
        "Friday's freeze was missed", "a half day's freeze",
    ],
)  # fmt: skip
def test_the_next_pull_is_due(now: float, last: float | None, expected: float) -> None:
    assert due(now, last, 300.0) == expected


@given(
    now=st.floats(at(date(2026, 11, 23), 0), at(date(2026, 12, 31), 0)),
    ago=st.floats(0, 20 * 86400),
)
def test_a_pull_that_is_due_is_followed_by_one_that_is_not(now: float, ago: float) -> None:
    assert due(now, now, 300.0) > now
    last = now - ago
    if due(now, last, 300.0) <= now:
        day = new_york_date(now)
        opened = is_session(day) and now >= regular(day)[0]
        assert opened or ago > 0


@pytest.mark.parametrize(
    "now, as_of, late",
    [
        (at(WEDNESDAY, 14), at(WEDNESDAY, 13, 44), False),
        (at(WEDNESDAY, 14), at(WEDNESDAY, 13, 34), True),
        (at(WEDNESDAY, 9, 45), at(date(2026, 12, 15), 16, 15), False),
        (at(WEDNESDAY, 10), at(date(2026, 12, 15), 16, 15), True),
        (at(WEDNESDAY, 16, 34), at(WEDNESDAY, 15, 45), False),
        (at(WEDNESDAY, 16, 45), at(WEDNESDAY, 15, 30), True),
        (at(THURSDAY, 8), at(WEDNESDAY, 16, 15), False),
        (at(THURSDAY, 8), at(WEDNESDAY, 15), True),
        (at(SATURDAY, 8), at(FRIDAY, 16, 15), False),
        (at(SATURDAY, 8), at(THURSDAY, 16, 15), True),
        (at(HALF_DAY, 15), at(HALF_DAY, 13), False),
    ],
)
def test_prices_are_late_when_a_working_source_had_newer_ones(
    now: float, as_of: float, late: bool
) -> None:
    assert is_late(now, as_of, 300.0) is late


def test_closing_prices_are_called_so_only_outside_the_session() -> None:
    close = at(WEDNESDAY, 16, 15)

    assert is_frozen(at(WEDNESDAY, 17), close)
    assert is_frozen(at(THURSDAY, 8), close)
    assert not is_frozen(at(THURSDAY, 9, 40), close)
    assert not is_frozen(at(WEDNESDAY, 15), at(WEDNESDAY, 14, 45))


# ---- a whole year ------------------------------------------------------------------------

YEAR = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
# The exchange's own calendar of the year.
HOLIDAYS = {
    date(2026, 1, 1), date(2026, 1, 19), date(2026, 2, 16), date(2026, 4, 3), date(2026, 5, 25),
    date(2026, 6, 19), date(2026, 7, 3), date(2026, 9, 7), date(2026, 11, 26), date(2026, 12, 25),
}  # fmt: skip
HALF_DAYS = {date(2026, 11, 27), date(2026, 12, 24)}
TRADING = [day for day in YEAR if day.weekday() < 5 and day not in HOLIDAYS]


def freeze_of(day: date) -> float:
    """16:35 New York, 13:35 on half days, on New York's own clock."""
    hour = 13 if day in HALF_DAYS else 16
    return datetime(day.year, day.month, day.day, hour, 35, tzinfo=NEW_YORK).timestamp()


def after_freeze(pulls: list[float]) -> Counter[date]:
    """Pulls by the trading day whose closing file they fetched."""
    found: Counter[date] = Counter()
    for pull in pulls:
        day = new_york(pull).date()
        if day in TRADING and freeze_of(day) <= pull:
            found[day] += 1
    return found


@pytest.mark.parametrize("step", [5.0, 60.0, 1800.0])
def test_every_trading_day_of_a_year_is_fetched_once_after_its_close(step: float) -> None:
    now, last, pulls = at(date(2026, 1, 1), 0), None, []
    while now < at(date(2027, 1, 1), 0):
        coming = due(now, last, 300.0)
        if coming > now:
            # A poller that looks every step sees it then; nothing falls due in between.
            now += max(step, (coming - now) // step * step)
            continue
        last = now
        pulls.append(now)
        now += step

    counted = after_freeze(pulls)
    assert set(counted) == set(TRADING)  # no day skipped: both clock changes, all half days
    assert set(counted.values()) == {1}
    late = [pull - freeze_of(new_york(pull).date()) for pull in pulls
            if pull >= freeze_of(new_york(pull).date())]  # fmt: skip
    assert max(late) <= step
    outside = [pull for pull in pulls[1:] if new_york(pull).date() not in TRADING]
    assert outside == []


@given(
    day=st.sampled_from(TRADING[1:-5]),
    off=st.floats(-6 * 3600, 3 * 86400),
    length=st.floats(0, 5 * 86400),
)
def test_a_closing_file_that_was_missed_is_fetched_once_at_the_next_start(
    day: date, off: float, length: float
) -> None:
    # The process is off for a while; before, it fetched what was due.
    stops = freeze_of(day) + off
    last = stops - 1.0
    if last >= freeze_of(day):
        last = freeze_of(day)
    starts = stops + length
    coming = due(starts, last, 300.0)
    newest = max(freeze_of(each) for each in TRADING if freeze_of(each) <= starts)
    under_way = is_session(new_york_date(starts)) and starts >= regular(new_york_date(starts))[0]

    if last < newest and not under_way:
        assert coming == starts  # at once
        following = due(starts, starts, 300.0)
        assert following == min(regular(each)[0] for each in TRADING if regular(each)[0] > starts)
    elif last < newest:
        assert coming <= starts  # the session's own files are newer


@given(day=st.sampled_from(TRADING), minute=st.integers(0, 24 * 60 - 1))
def test_the_offset_to_the_close_is_the_same_all_year(day: date, minute: int) -> None:
    now = at(day, 0) + minute * 60

    if regular(day)[1] <= now < freeze_of(day):
        assert due(now, regular(day)[1] - 1, 300.0) == freeze_of(day)
    assert freeze_of(day) - regular(day)[1] == FREEZE
