"""Actual values of events: joined by release and period, with a reason where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market.calendar_week import CalendarEvent
from grok_sauce.market.measures import COUNTS, MEASURES
from grok_sauce.market.releases import (
    CONFERENCE_BOARD,
    JOINS,
    MICHIGAN,
    Observation,
    Release,
    Revision,
    actual,
    period_of,
)
from grok_sauce.market.sessions import instant

CPI = MEASURES["CPIAUCSL:pch"]
DAY = date(2026, 12, 11)
AT = instant(DAY, 8, 30)


def event(
    title: str = "CPI m/m", day: date = DAY, forecast: str | None = "0.3%", currency: str = "USD",
    hour: int = 8, minute: int = 30,
) -> CalendarEvent:  # fmt: skip
    at = instant(day, hour, minute)
    return CalendarEvent(title, currency, at, day, "time", "high", forecast, "0.2%")


def release(
    key: str = CPI.key,
    rows: tuple[tuple[str, float | None], ...] = (("2026-11-01", 0.42), ("2026-10-01", 0.17)),
    updated: float | None = AT + 60,
) -> dict[str, Release]:
    observations = tuple(Observation(date.fromisoformat(day), value) for day, value in rows)
    return {key: Release(MEASURES[key], observations, updated, AT + 120)}


@pytest.mark.parametrize("joined", [join for join in JOINS.values() if join.measure], ids=str)
def test_every_joined_measure_is_followed(joined: object) -> None:
    assert joined.measure in MEASURES  # type: ignore[attr-defined]


def test_every_count_is_a_series_that_is_followed() -> None:
    assert set(COUNTS) <= {measure.series for measure in MEASURES.values()}


def test_the_actual_is_rounded_as_published_and_compared_with_the_forecast() -> None:
    found = actual(event(), release(), AT + 300)

    assert (found.value, found.text, found.exact) == (0.4, "0.4%", 0.42)
    assert found.surprise == pytest.approx(0.1)
    assert (found.period, found.measure, found.why) == (date(2026, 11, 1), CPI.key, None)


# A week of August 2026 (ForexFactory) and FRED's way of dating what was released in it.
@pytest.mark.parametrize(
    "title, day, period",
    [
        ("Non-Farm Employment Change", date(2026, 8, 7), date(2026, 7, 1)),
        ("Unemployment Claims", date(2026, 8, 6), date(2026, 8, 1)),
        ("JOLTS Job Openings", date(2026, 8, 4), date(2026, 6, 1)),
        ("Advance GDP q/q", date(2026, 7, 30), date(2026, 4, 1)),
        ("Prelim GDP q/q", date(2026, 8, 26), date(2026, 4, 1)),
        ("Final GDP q/q", date(2026, 9, 24), date(2026, 4, 1)),
        ("Core PCE Price Index m/m", date(2026, 1, 29), date(2025, 12, 1)),
        ("Unemployment Claims", date(2026, 11, 25), date(2026, 11, 21)),
    ],
)
def test_an_event_has_the_period_that_its_release_tells_of(
    title: str, day: date, period: date
) -> None:
    join = JOINS[title]

    assert join.measure is not None
    assert period_of(MEASURES[join.measure].rhythm, day, join.lag) == period


def test_counts_are_compared_in_their_own_unit() -> None:
    releases = release("PAYEMS:chg", (("2026-11-01", 92_400.0),))

    found = actual(event("Non-Farm Employment Change", forecast="85K"), releases, AT + 300)

    assert (found.value, found.text, found.surprise) == (92_000.0, "92K", 7_000.0)


def test_an_index_of_another_unit_has_no_surprise() -> None:
    found = actual(event(forecast="85K"), release(), AT + 300)

    assert (found.text, found.surprise) == ("0.4%", None)


@pytest.mark.parametrize("forecast", [None, "<0.1%", "Pass"])
def test_without_a_forecast_in_numbers_there_is_no_surprise(forecast: str | None) -> None:
    found = actual(event(forecast=forecast), release(), AT + 300)

    assert (found.value, found.surprise) == (0.4, None)


@pytest.mark.parametrize(
    "found, why",
    [
        (actual(event(), release(), AT - 3600), "not released yet"),
        (actual(event(), {}, AT + 300), "FRED has not answered"),
        (actual(event(), release(rows=(("2026-10-01", 0.2),)), AT + 300),
         "FRED has no value of this period yet"),
        (actual(event(), release(rows=(("2026-11-01", None),)), AT + 300),
         "FRED has no value of this period yet"),
        (actual(event(), release(updated=AT - 29 * 86400), AT + 300),
         "FRED has not got it yet (last changed 2026-11-12 08:30)"),
        (actual(event("CB Consumer Confidence"), release(), AT + 300), CONFERENCE_BOARD),
        (actual(event("Prelim UoM Consumer Sentiment"), release(), AT + 300), MICHIGAN),
        (actual(event("CPI m/m", currency="CHF"), release(), AT + 300),
         "no source of actual values has this event"),
        (actual(event("CPI Flash Estimate y/y"), release(), AT + 300),
         "no source of actual values has this event"),
        (actual(replace(event(), at=None, timing="tentative"), release(), AT + 300),
         "the calendar gives no time of release"),
    ],
    ids=["before it", "not asked", "older rows", "a dot", "before the update", "not on FRED",
         "a month late", "another currency", "another title", "tentative"],
)  # fmt: skip
def test_where_there_is_no_actual_there_is_a_reason(found: object, why: str) -> None:
    assert (found.value, found.text, found.surprise, found.why) == (None, None, None, why)  # type: ignore[attr-defined]


def test_a_second_estimate_is_not_shown_with_the_first_ones_value() -> None:
    """GDP's three estimates are of one quarter: only a later change of the series proves it."""
    day = date(2026, 8, 26)
    prelim = event("Prelim GDP q/q", day, "2.0%")
    rows = (("2026-04-01", 2.4),)
    at = instant(day, 8, 30)

    before = actual(prelim, release("A191RL1Q225SBEA:lin", rows, at - 27 * 86400), at + 60)
    unsaid = actual(prelim, release("A191RL1Q225SBEA:lin", rows, None), at + 60)
    after = actual(prelim, release("A191RL1Q225SBEA:lin", rows, at + 60), at + 300)

    assert (before.value, unsaid.value, after.value) == (None, None, 2.4)
    assert unsaid.why == "FRED does not say which of several releases its value is of"


def test_a_changed_value_is_marked_revised() -> None:
    (held,) = release().values()
    changed = replace(held, revisions=(Revision(date(2026, 11, 1), 0.4, 0.42),))

    assert actual(event(), {CPI.key: changed}, AT + 300).revised
    assert not actual(event(), release(), AT + 300).revised


def test_the_released_figure_is_the_first_one_seen_and_now_is_the_newest() -> None:
    (held,) = release().values()
    changed = replace(held, revisions=(Revision(date(2026, 11, 1), 0.33, 0.42),))

    found = actual(event(), {CPI.key: changed}, AT + 300)

    assert (found.value, found.text, found.exact) == (0.3, "0.3%", 0.33)
    assert (found.now, found.now_text, found.surprise) == (0.42, "0.4%", pytest.approx(0.0))


def test_the_period_before_is_told_as_fred_has_it_by_now() -> None:
    found = actual(event(), release(rows=(("2026-11-01", 0.42), ("2026-10-01", -0.04))), AT + 300)
    unknown = actual(event(), release(rows=(("2026-11-01", 0.42),)), AT + 300)

    assert (found.before, found.before_text) == (0.0, "0.0%")
    assert (unknown.before, unknown.before_text) == (None, None)


def test_a_release_tells_its_latest_value_and_when_the_next_is_due() -> None:
    (held,) = release(
        rows=(("2026-12-01", None), ("2026-11-01", 0.4), ("2026-10-01", 0.2))
    ).values()
    dated = replace(held, dates=(DAY, date(2027, 1, 13)))

    assert dated.latest == Observation(date(2026, 11, 1), 0.4)
    assert dated.previous == Observation(date(2026, 10, 1), 0.2)
    assert dated.next_at(AT) == instant(date(2027, 1, 13), 8, 30)
    assert held.next_at(AT) is None


@given(
    st.sampled_from(["daily", "weekly", "monthly", "quarterly"]),
    st.dates(date(2008, 1, 1), date(2030, 12, 31)),
    st.integers(1, 4),
)
def test_a_period_is_over_before_its_release(rhythm: str, day: date, lag: int) -> None:
    found = period_of(rhythm, day, lag)  # type: ignore[arg-type]

    assert found < day
    assert period_of(rhythm, day, lag + 1) < found  # type: ignore[arg-type]
    if rhythm == "weekly":
        assert found.weekday() == 5
        assert day - found <= timedelta(days=7 * lag)
    elif rhythm != "daily":
        assert found.day == 1
