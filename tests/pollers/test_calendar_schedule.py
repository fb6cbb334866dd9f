"""When the week's file is fetched: the daily time in its zone, the week's turn, releases."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market.calendar_week import CalendarEvent, CalendarWeek
from grok_sauce.market.sessions import instant, new_york
from grok_sauce.pollers.calendar_schedule import due, next_daily, next_turn

SIX, CHICAGO = time(6, 0), "America/Chicago"
WEDNESDAY = date(2026, 12, 9)


def week(*events: CalendarEvent, start: date = date(2026, 12, 6)) -> CalendarWeek:
    return CalendarWeek(events, start, 0.0)


def release(at: float, impact: str = "high", currency: str = "USD") -> CalendarEvent:
    return CalendarEvent(
        "CPI m/m", currency, at, new_york(at).date(), "time", impact, None, None  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    "day, utc_hour",
    [(date(2026, 12, 9), 12), (date(2026, 7, 8), 11), (date(2026, 3, 8), 11),
     (date(2026, 11, 1), 12)],
    ids=["winter", "summer", "the day summer begins", "the day it ends"],
)  # fmt: skip
def test_six_in_chicago_is_six_in_chicago_all_year(day: date, utc_hour: int) -> None:
    found = next_daily(instant(day, 1), SIX, CHICAGO)

    assert found == instant(day, 7)  # New York is an hour ahead
    assert found % 86400 / 3600 == utc_hour


def test_it_is_fetched_at_the_start_and_then_daily() -> None:
    last = instant(WEDNESDAY, 10)

    assert due(last, None, SIX, CHICAGO, None, False) == last
    assert due(last, last, SIX, CHICAGO, week(), False) == instant(date(2026, 12, 10), 7)


def test_a_day_that_slept_through_the_hour_is_fetched_when_it_wakes() -> None:
    last, now = instant(WEDNESDAY, 7), instant(date(2026, 12, 10), 15)

    assert due(now, last, SIX, CHICAGO, week(), False) <= now


def test_the_new_week_is_fetched_on_sunday() -> None:
    last = instant(date(2026, 12, 12), 20)

    found = due(last, last, SIX, CHICAGO, week(), False)

    assert found == next_turn(last) == instant(date(2026, 12, 13), 0, 30)


def test_while_last_weeks_file_is_served_it_is_asked_for_hourly() -> None:
    now = instant(date(2026, 12, 13), 0, 30)

    assert due(now, now, SIX, CHICAGO, week(), False) == now + 3600


def test_refresh_asks_every_five_minutes_around_a_release_only() -> None:
    at = instant(WEDNESDAY, 13)
    held = week(release(at))
    before, inside = instant(WEDNESDAY, 9), at - 600

    assert due(before, before, SIX, CHICAGO, held, True) == at - 3600
    assert due(inside, inside, SIX, CHICAGO, held, True) == inside + 300
    assert due(at + 1800, at + 1800, SIX, CHICAGO, held, True) == instant(date(2026, 12, 10), 7)
    assert due(before, before, SIX, CHICAGO, held, False) == instant(date(2026, 12, 10), 7)


@pytest.mark.parametrize("event", [
    release(instant(WEDNESDAY, 13), "low"), release(instant(WEDNESDAY, 13), "holiday"),
    release(instant(WEDNESDAY, 13), "high", "EUR"),
])  # fmt: skip
def test_other_events_cause_no_refresh(event: CalendarEvent) -> None:
    now = instant(WEDNESDAY, 12, 30)

    assert due(now, now, SIX, CHICAGO, week(event), True) == instant(date(2026, 12, 10), 7)


@given(
    st.floats(instant(date(2026, 1, 1), 0), instant(date(2027, 1, 1), 0)),
    st.sampled_from(["America/Chicago", "Europe/Berlin", "Asia/Kathmandu", "UTC"]),
    st.times(),
    st.booleans(),
)
def test_after_a_fetch_the_next_is_later_and_within_a_day(
    now: float, zone: str, at: time, refresh: bool
) -> None:
    at = at.replace(tzinfo=None, microsecond=0)

    found = due(now, now, at, zone, week(release(now + 100)), refresh)

    assert now < found <= now + 26 * 3600
