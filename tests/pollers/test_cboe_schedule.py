"""When Cboe is asked, and from which age its prices are late."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market.sessions import instant, is_session, new_york_date, regular
from grok_sauce.pollers.cboe_schedule import due, is_frozen, is_late

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
