"""When FRED is asked: at the release, often until it has come, seldom else."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market.sessions import instant
from grok_sauce.pollers.fred_schedule import HOT_STEP, REST, WATCH, due, times

DAY = date(2026, 12, 11)
AT = instant(DAY, 8, 30)
OLD, NEW = AT - 29 * 86400, AT + 90
RELEASES = (AT - 29 * 86400, AT, AT + 33 * 86400)


def test_days_become_times_by_the_usual_clock() -> None:
    assert times([date(2026, 12, 11), date(2026, 7, 14)], (8, 30)) == (
        instant(date(2026, 7, 14), 8, 30), AT,
    )  # fmt: skip


def test_the_next_request_is_at_the_release() -> None:
    last = AT - 3 * 3600

    assert due(last, last, 600, RELEASES, OLD) == AT


def test_right_after_the_release_it_is_asked_every_minute_until_it_has_come() -> None:
    assert due(AT, AT, 600, RELEASES, OLD) == AT + HOT_STEP
    assert due(AT + 120, AT + 120, 600, RELEASES, NEW) == AT + 120 + REST


def test_a_release_that_is_late_is_asked_for_every_interval_for_a_day() -> None:
    later = AT + 2 * 3600

    assert due(later, later, 600, RELEASES, OLD) == later + 600
    given_up = AT + WATCH + 1
    assert due(given_up, given_up, 600, RELEASES, OLD) == given_up + REST


def test_without_a_time_of_change_two_hours_are_enough() -> None:
    assert due(AT + 3600, AT + 3600, 600, RELEASES, None) == AT + 3600 + 600
    assert due(AT + 7300, AT + 7300, 600, RELEASES, None) == AT + 7300 + REST


def test_an_unknown_calendar_is_an_hourly_look() -> None:
    assert due(AT, AT, 600, (), OLD) == AT + 3600
    assert due(AT, AT, 7200, (), OLD) == AT + 7200
    assert due(AT, None, 600, (), None) == AT


@given(
    st.floats(AT - 40 * 86400, AT + 40 * 86400),
    st.floats(60, 86400),
    st.none() | st.floats(AT - 60 * 86400, AT + 40 * 86400),
)
def test_a_request_is_never_sooner_than_a_minute_nor_later_than_half_a_day(
    last: float, interval: float, updated: float | None
) -> None:
    found = due(last, last, interval, RELEASES, updated)

    assert last < found <= last + REST
    assert found - last >= HOT_STEP or found in RELEASES
