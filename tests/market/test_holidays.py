"""The literal calendar against the exchange's, for every day of its range."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from grok_sauce.market import holidays, sessions

ANSWERS = json.loads((Path(__file__).parents[1] / "answers/nyse_calendar.json").read_text())
YEARS = range(2008, 2031)


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("year", YEARS)
def test_closures_and_half_days_are_those_of_the_exchange(year: int) -> None:
    answer = ANSWERS["years"][str(year)]

    weekdays = [day for day in days_of(year) if day.weekday() < 5]
    closed = [day.strftime("%m-%d") for day in weekdays if not sessions.is_session(day)]
    early = [day.strftime("%m-%d") for day in weekdays if sessions.is_half_day(day)]

    assert closed == answer["closed"].split()
    assert early == answer["early"].split()
    assert sum(map(sessions.is_session, days_of(year))) == answer["sessions"]


@pytest.mark.filterwarnings("ignore:Series.values:Warning")
def test_every_open_and_close_equals_exchange_calendars() -> None:
    calendars = pytest.importorskip("exchange_calendars")
    calendar = calendars.get_calendar("XNYS", start="2008-01-01", end="2030-12-31")

    theirs = {
        day.date(): (opening.timestamp(), close.timestamp())
        for day, opening, close in zip(
            calendar.sessions, calendar.opens, calendar.closes, strict=True
        )
    }
    ours = {
        day: sessions.regular(day)
        for year in YEARS
        for day in days_of(year)
        if sessions.is_session(day)
    }

    assert ours == theirs


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2012, 10, 29), "Hurricane Sandy"),
        (date(2018, 12, 5), "Mourning for George H. W. Bush"),
        (date(2025, 1, 9), "Mourning for Jimmy Carter"),
        (date(2026, 6, 19), "Juneteenth"),
        (date(2027, 12, 24), "Christmas Day"),
        (date(2026, 11, 27), None),
    ],
)
def test_a_closure_says_why(day: date, reason: str | None) -> None:
    assert holidays.closure(day) == reason


def test_no_day_is_listed_twice_or_on_a_weekend() -> None:
    listed = [*holidays.CLOSURES, *holidays.HALF_DAYS]

    assert len(set(listed)) == len(listed) == 217 + 50
    assert all(day.weekday() < 5 and holidays.covers(day) for day in listed)


def test_the_table_knows_where_it_ends() -> None:
    assert holidays.covers(date(2030, 12, 31))
    assert not holidays.covers(date(2031, 1, 2))
    assert not holidays.covers(date(2007, 12, 31))
