"""The calendar's payload: actuals by release and period, surprises, clusters, what comes next."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics import calendar_table
from grok_sauce.analytics.calendar_table import standardised
from grok_sauce.analytics.view import View
from grok_sauce.market.batches import Batch
from grok_sauce.market.calendar_week import CalendarEvent, CalendarWeek, carried, in_order, start_of
from grok_sauce.market.measures import MEASURES
from grok_sauce.market.releases import JOINS, Observation, Release, Revision
from grok_sauce.market.sessions import instant
from grok_sauce.market.source_note import SourceNote
from grok_sauce.market.state import MarketState

WEDNESDAY = date(2026, 12, 16)
AT = instant(WEDNESDAY, 8, 30)
FETCHED = instant(date(2026, 12, 16), 7)


def event(
    title: str = "Retail Sales m/m",
    day: date = WEDNESDAY,
    hour: int = 8,
    minute: int = 30,
    *,
    currency: str = "USD",
    impact: str = "high",
    forecast: str | None = "0.3%",
    previous: str | None = "0.2%",
) -> CalendarEvent:
    at = instant(day, hour, minute)
    return CalendarEvent(title, currency, at, day, "time", impact, forecast, previous)  # type: ignore[arg-type]


def untimed(title: str, timing: str, impact: str = "low") -> CalendarEvent:
    return CalendarEvent(title, "USD", None, WEDNESDAY, timing, impact, None, None)  # type: ignore[arg-type]


SPEECH = event("FOMC Member Williams Speaks", hour=15, minute=15, impact="medium", forecast=None,
               previous=None)  # fmt: skip


def week_of(*events: CalendarEvent) -> CalendarWeek:
    ordered = in_order(events)
    return CalendarWeek(ordered, start_of(ordered), FETCHED)


def release(key: str, *rows: tuple[str, float], updated: float | None = AT + 60) -> Release:
    observations = tuple(Observation(date.fromisoformat(day), value) for day, value in rows)
    return Release(MEASURES[key], observations, updated, AT + 90)


RETAIL = release("RSAFS:pch", ("2026-11-01", 0.52), ("2026-10-01", 0.21))


class Calendar:
    """A state, a clock hand, and the payload it makes."""

    def __init__(self, week: CalendarWeek | None, now: float = AT + 300.0) -> None:
        self.state = MarketState()
        self.now = now
        self.settings: Mapping[str, Any] = {}
        self.cache: dict[Any, Any] = {}
        self.give("CalendarWeek", "ForexFactory", week)

    def give(self, kind: str, name: str, value: Any) -> None:
        self.state.apply(Batch(kind, [name], ([value],), self.now))

    def has(self, *releases: Release) -> Calendar:
        for each in releases:
            self.give("Releases", each.measure.key, each)
        return self

    def payload(self, now: float | None = None) -> dict[str, Any]:
        view = View(
            self.state,
            self.now if now is None else now,
            {},
            (),
            settings=self.settings,
            cache=self.cache,
        )
        found: dict[str, Any] = calendar_table.table(view)[""]
        return found

    def row(self, title: str, now: float | None = None) -> dict[str, Any]:
        return next(row for row in self.payload(now)["events"] if row["title"] == title)


def test_a_release_gets_its_actual_and_surprise_from_fred() -> None:
    row = Calendar(week_of(event())).has(RETAIL).row("Retail Sales m/m")

    assert (row["actual"], row["forecast"], row["previous"]) == ("0.5%", "0.3%", "0.2%")
    assert row["surprise"] == pytest.approx(0.2)
    assert (row["better"], row["growth"], row["unit"]) == (True, 1, "%")
    assert (row["status"], row["actual_source"]) == ("released", "FRED RSAFS:pch")
    assert (row["period"], row["time"]) == ("2026-11-01", "2026-12-16T13:30:00Z")


def test_claims_are_counted_in_units_and_more_of_them_is_worse() -> None:
    thursday = date(2026, 12, 17)
    claims = event("Unemployment Claims", thursday, forecast="220K", previous="224K")
    found = release("ICSA:lin", ("2026-12-12", 231_000.0), ("2026-12-05", 224_000.0),
                    updated=instant(thursday, 8, 31))  # fmt: skip

    row = Calendar(week_of(claims), instant(thursday, 9)).has(found).row("Unemployment Claims")

    assert (row["actual"], row["actual_value"], row["surprise"]) == ("231K", 231_000.0, 11_000.0)
    assert (row["better"], row["unit"]) == (False, "claims")


@pytest.mark.parametrize(
    "key, value, better",
    [("RSAFS:pch", 0.3, None), ("RSAFS:pch", 0.1, False), ("RSAFS:pch", 0.6, True)],
)
def test_better_is_unknown_for_what_came_as_expected(
    key: str, value: float, better: bool | None
) -> None:
    row = (
        Calendar(week_of(event())).has(release(key, ("2026-11-01", value))).row("Retail Sales m/m")
    )

    assert row["better"] is better


def test_the_same_title_of_another_country_gets_no_american_figure() -> None:
    found = Calendar(week_of(event(currency="AUD"))).has(RETAIL).row("Retail Sales m/m")

    assert found["actual"] is None
    assert found["status"] == "no_source"
    assert found["why"] == "no source of actual values has this event"


def test_a_figure_of_another_period_is_no_actual_however_near_in_time() -> None:
    before = release("RSAFS:pch", ("2026-10-01", 0.21), ("2026-09-01", 0.1))

    row = Calendar(week_of(event())).has(before).row("Retail Sales m/m")

    assert (row["actual"], row["status"]) == (None, "waiting")
    assert row["why"] == "FRED has no value of this period yet"


def test_an_event_is_upcoming_then_waits_then_has_its_actual() -> None:
    calendar = Calendar(week_of(event()))
    before = calendar.row("Retail Sales m/m", AT - 1)
    at_zero = calendar.row("Retail Sales m/m", AT)
    calendar.has(RETAIL)
    after = calendar.row("Retail Sales m/m", AT + 90)

    assert (before["status"], before["why"]) == ("upcoming", "not released yet")
    assert (at_zero["status"], at_zero["actual"]) == ("waiting", None)
    assert (after["status"], after["actual"], after["why"]) == ("released", "0.5%", None)


def test_a_release_whose_source_is_switched_off_says_so() -> None:
    calendar = Calendar(week_of(event()))
    calendar.give("SourceNote", "fred", SourceNote("fred", "FRED", False, "FRED is off: no key."))

    row = calendar.row("Retail Sales m/m")

    assert (row["status"], row["why"]) == ("no_source", "FRED is off: no key.")
    assert row["has_actual_source"] is True


def test_a_speech_has_no_figures_to_miss() -> None:
    calendar = Calendar(week_of(SPEECH))

    before = calendar.row(SPEECH.title, AT)
    after = calendar.row(SPEECH.title, AT + 86_400.0)

    assert (before["status"], after["status"]) == ("upcoming", "held")
    assert (after["has_figures"], after["why"], after["actual"]) == (False, None, None)


def test_what_no_source_has_says_why() -> None:
    ism = event("ISM Services PMI", hour=10, minute=0, forecast="52.4", previous="52.1")

    row = Calendar(week_of(ism), instant(WEDNESDAY, 11)).row("ISM Services PMI")

    assert (row["status"], row["has_actual_source"]) == ("no_source", False)
    assert row["why"] == "ISM's indices are not on FRED"


def test_releases_of_one_minute_and_currency_are_clustered() -> None:
    housing = event("Housing Starts", impact="low", forecast="1.34M", previous="1.32M")
    alone = event("Industrial Production m/m", hour=9, minute=15)
    foreign = event("Employment Change", currency="CAD", forecast="21.4K")
    speech = replace(SPEECH, at=AT)

    rows = Calendar(week_of(event(), housing, alone, foreign, speech)).payload()["events"]

    clusters = {row["title"]: row["cluster"] for row in rows}
    assert clusters == {
        "Retail Sales m/m": "2026-12-16T13:30Z.USD",
        "Housing Starts": "2026-12-16T13:30Z.USD",
        "Industrial Production m/m": None,
        "Employment Change": None,
        SPEECH.title: None,
    }


def test_the_next_event_is_the_next_of_the_us_with_a_time() -> None:
    tentative = untimed("Loan Officer Survey", "tentative")
    holiday = event("Bank Holiday", hour=9, minute=0, impact="holiday")
    foreign = event("GDP m/m", hour=10, currency="GBP")
    calendar = Calendar(week_of(event(), tentative, holiday, foreign, SPEECH))

    at_first = calendar.payload(AT - 60)["next"]
    then = calendar.payload(AT)["next"]
    at_last = calendar.payload(AT + 86_400.0)["next"]

    assert at_first == "2026-12-13.USD.retail-sales-m-m.1"
    assert then == "2026-12-13.USD.fomc-member-williams-speaks.1"
    assert at_last is None


def test_a_holidays_clock_time_is_not_told() -> None:
    row = Calendar(week_of(event("Bank Holiday", impact="holiday", forecast=None))).payload()[
        "events"
    ][0]

    assert (row["time"], row["all_day"], row["day"]) == (None, True, "2026-12-16")
    assert row["status"] == "holiday"


@pytest.mark.parametrize("timing", ["all_day", "tentative", "unknown"])
def test_what_has_no_time_is_unscheduled(timing: str) -> None:
    row = Calendar(week_of(untimed("Survey", timing))).row("Survey")

    assert (row["time"], row["status"], row["timing"]) == (None, "unscheduled", timing)


def test_a_moved_event_keeps_its_id_and_tells_its_first_time() -> None:
    moved = carried(week_of(event()), week_of(event(minute=45)))

    before = Calendar(week_of(event())).row("Retail Sales m/m")
    after = Calendar(moved).row("Retail Sales m/m")

    assert before["id"] == after["id"]
    assert (before["moved_from"], after["moved_from"]) == (None, "2026-12-16T13:30:00Z")


def test_a_previous_value_that_the_release_revised_tells_what_it_was() -> None:
    revised = release("RSAFS:pch", ("2026-11-01", 0.52), ("2026-10-01", -0.14))

    before = Calendar(week_of(event())).row("Retail Sales m/m")
    after = Calendar(week_of(event())).has(revised).row("Retail Sales m/m")

    assert (before["previous"], before["revised_from"]) == ("0.2%", None)
    assert (after["previous"], after["revised_from"]) == ("-0.1%", "0.2%")
    assert after["previous_value"] == pytest.approx(-0.1)


def test_the_surprise_is_that_of_the_first_value_seen() -> None:
    later = replace(RETAIL, revisions=(Revision(date(2026, 11, 1), 0.44, 0.52),))

    row = Calendar(week_of(event())).has(later).row("Retail Sales m/m")

    assert (row["actual"], row["actual_revised"]) == ("0.4%", "0.5%")
    assert row["surprise"] == pytest.approx(0.1)


def test_gdp_of_one_quarter_is_not_called_revised_by_its_next_release() -> None:
    gdp = event("Prelim GDP q/q", forecast="2.1%", previous="1.8%")
    found = release("A191RL1Q225SBEA:lin", ("2026-07-01", 2.3), ("2026-04-01", 3.0))
    second = replace(found, revisions=(Revision(date(2026, 7, 1), 1.8, 2.3),))

    row = Calendar(week_of(gdp)).has(second).row("Prelim GDP q/q")

    assert (row["actual"], row["previous"], row["revised_from"]) == ("2.3%", "1.8%", None)
    assert row["surprise"] == pytest.approx(0.2)


def test_a_surprise_is_measured_in_the_deviations_of_eight_earlier_ones() -> None:
    past = [0.1, -0.2, 0.0, 0.3, -0.1, 0.2, -0.3, 0.1]
    calendar = Calendar(week_of(event())).has(RETAIL)

    calendar.settings = {"surprises": {"Retail Sales m/m": past}}
    known = calendar.row("Retail Sales m/m")
    calendar.settings = {"surprises": {"Retail Sales m/m": past[1:]}}
    unknown = calendar.row("Retail Sales m/m")

    assert known["surprise_z"] == pytest.approx(0.2 / statistics.stdev(past))
    assert (unknown["surprise_z"], unknown["past_surprises"]) == (None, 7)


def test_an_old_file_says_which_week_it_is_of() -> None:
    payload = Calendar(week_of(event()), AT + 7 * 86_400.0).payload()

    assert payload["stale"] is True
    assert payload["problem"] == "The newest file is of the week of 2026-12-13, not of 2026-12-20."
    assert payload["week"] == {"from": "2026-12-13", "to": "2026-12-19"}


def test_a_file_is_stale_after_26_hours() -> None:
    calendar = Calendar(week_of(event(), event("Later", date(2026, 12, 18))))

    assert calendar.payload(FETCHED + 26 * 3600.0)["stale"] is False
    assert calendar.payload(FETCHED + 26 * 3600.0 + 1)["stale"] is True


def test_a_source_that_is_off_says_why_and_leaves_no_events() -> None:
    calendar = Calendar(None)
    note = SourceNote("forex_factory", "ForexFactory", False, "ForexFactory is off: in Setup.")
    calendar.give("SourceNote", "forex_factory", note)

    payload = calendar.payload()

    assert (payload["on"], payload["problem"]) == (False, "ForexFactory is off: in Setup.")
    assert (payload["events"], payload["next"], payload["fetched_at"]) == ([], None, None)


def test_the_payload_is_made_anew_only_when_something_changed() -> None:
    calendar = Calendar(week_of(event(), SPEECH))

    first, same = calendar.payload(AT - 900.0), calendar.payload(AT - 700.0)
    then = calendar.payload(AT)

    assert first is same
    assert then is not first


def test_an_upcoming_release_has_no_source_that_failed() -> None:
    row = Calendar(week_of(event()), AT - 3600.0).row("Retail Sales m/m")

    assert (row["status"], row["has_actual_source"], row["surprise"]) == ("upcoming", True, None)


titles = st.sampled_from(
    [*JOINS, "FOMC Member Cook Speaks", "Bank Holiday", "<b>x</b>", "中国 PMI"]
)
figures = st.none() | st.from_regex(r"-?[0-9]{1,3}(\.[0-9])?[%KM]?", fullmatch=True)


@st.composite
def weeks(draw: st.DrawFn) -> CalendarWeek:
    events = []
    for _ in range(draw(st.integers(0, 12))):
        impact = draw(st.sampled_from(["high", "medium", "low", "holiday"]))
        day = date(2026, 12, draw(st.integers(13, 19)))
        made = event(
            draw(titles), day, draw(st.integers(0, 23)), draw(st.integers(0, 59)),
            currency=draw(st.sampled_from(["USD", "EUR", "All"])), impact=impact,
            forecast=draw(figures), previous=draw(figures),
        )  # fmt: skip
        events.append(replace(made, at=None, timing="tentative") if draw(st.booleans()) else made)
    return week_of(*events)


@st.composite
def known_releases(draw: st.DrawFn) -> list[Release]:
    chosen = draw(st.lists(st.sampled_from(sorted(MEASURES)), max_size=6, unique=True))
    months = ("2026-12-12", "2026-12-05", "2026-11-01", "2026-10-01", "2026-09-01", "2026-07-01")
    value = st.floats(-1e6, 1e6, allow_nan=False)
    return [
        release(
            key, *((month, draw(value)) for month in months), updated=draw(st.none() | st.just(AT))
        )
        for key in chosen
    ]


@given(weeks(), known_releases(), st.floats(-4 * 86_400.0, 4 * 86_400.0))
def test_every_week_makes_a_payload_that_is_true_of_itself(
    week: CalendarWeek, releases: list[Release], later: float
) -> None:
    now = AT + later
    payload = Calendar(week, now).has(*releases).payload()
    rows = payload["events"]

    json.dumps(payload, allow_nan=False)
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids)) == len(week.events)
    assert payload["next"] in (None, *ids)
    for row in rows:
        _check(row, rows, now)


def _check(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], now: float) -> None:
    assert (row["actual"] is None) == (row["actual_value"] is None) == (row["status"] != "released")
    if row["actual"] is not None:
        assert row["currency"] == "USD"
        assert row["has_actual_source"]
    if row["surprise"] is not None:
        assert row["surprise"] == pytest.approx(row["actual_value"] - row["forecast_value"])
        assert row["better"] is None or row["better"] == (row["surprise"] * row["growth"] > 0)
    if row["cluster"] is not None:
        mates = [other for other in rows if other["cluster"] == row["cluster"]]
        assert len(mates) > 1
        assert {(mate["currency"], (mate["time"] or "")[:16]) for mate in mates} == {
            (row["currency"], (row["time"] or "")[:16])
        }


@given(st.floats(-10, 10), st.lists(st.floats(-10, 10), max_size=20))
def test_a_deviation_needs_eight_surprises_that_differ(surprise: float, past: list[float]) -> None:
    found = standardised(surprise, past)

    if len(past) < 8 or len(set(past)) == 1:
        assert found is None
    elif found is not None:
        assert found == pytest.approx(surprise / statistics.stdev(past))
