"""The calendar's page and API: what the address chooses, and that nothing is made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from grok_sauce.update import Update
from grok_sauce.web.app import OPENAPI
from grok_sauce.web.calendar import days
from grok_sauce.web.indicator_side import nearest, side
from tests.browser.calendar_week import (
    HOSTILE,
    calendar_off,
    make_calendar,
    make_event,
    make_news,
    make_reactions,
    make_sentiment,
    to_ms,
)

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]
FILE: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
NOW = "2026-12-16T19:32:07+00:00"


def site_with(make_site: Make, *, real: bool = False, **topics: Any) -> SimpleNamespace:
    site = make_site(real=real, rows=False)
    names = {"calendar": "calendar.event", "reactions": "event.reaction",
             "news": "news.headline", "sentiment": "sentiment.index"}  # fmt: skip
    site.snapshot.publish([Update(names[name], "", value) for name, value in topics.items()])
    return site


def titles(answer: Any) -> list[str]:
    return [event["title"] for event in answer.get_json()["calendar"]["events"]]


def test_all_events_are_told_unless_the_address_filters(make_site: Make, browse: Browse) -> None:
    opened = browse(site_with(make_site, calendar=make_calendar()).app)

    everything = opened.open("/api/calendar")
    dollar = opened.open("/api/calendar?currency=usd")
    high = opened.open("/api/calendar?currency=USD&impact=high")

    assert everything.get_json()["seq"] == 1
    assert len(titles(everything)) == 9
    assert "Trade Balance" not in titles(dollar)
    assert titles(high) == ["Retail Sales m/m", "Bank Holiday", "Unemployment Claims"]


def test_an_answer_is_as_the_documentation_says(make_site: Make, browse: Browse) -> None:
    schema = FILE["paths"]["/api/calendar"]["get"]["responses"]["200"]["content"][
        "application/json"
    ]["schema"]
    validator = Draft202012Validator({**schema, "components": FILE["components"]})

    for payload in (make_calendar(), calendar_off()):
        answer = browse(site_with(make_site, calendar=payload).app).open("/api/calendar")
        assert [error.message for error in validator.iter_errors(answer.get_json())] == []


@pytest.mark.parametrize(
    "query, field", [("currency=DOLLAR", "currency"), ("impact=huge", "impact")]
)
def test_a_filter_that_is_none_is_refused_by_name(
    query: str, field: str, make_site: Make, browse: Browse
) -> None:
    answer = browse(site_with(make_site, calendar=make_calendar()).app).open(
        f"/api/calendar?{query}"
    )

    assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, field)


def test_before_the_first_event_the_answer_is_null(make_site: Make, browse: Browse) -> None:
    answer = browse(make_site().app).open("/api/calendar")

    assert answer.get_json() == {"epoch": "e1", "seq": 0, "calendar": None}


def test_the_page_stands_complete_without_scripts(make_site: Make, browse: Browse) -> None:
    site = site_with(make_site, real=True, calendar=make_calendar(), reactions=make_reactions())

    text = browse(site.app).open("/calendar").get_data(as_text=True)

    assert "Industrial Production m/m" in text
    assert 'title="Revised, first told as 0.2%"' in text
    assert "no source of actual values has this event" in text
    assert "Trade Balance" not in text.partition("</tbody>")[0]
    assert HOSTILE not in text
    assert '<a href="/calendar" aria-current="page">Calendar</a>' in text


def test_a_page_without_its_source_says_where_to_switch_it_on(
    make_site: Make, browse: Browse
) -> None:
    site = site_with(make_site, real=True, calendar=calendar_off())

    text = browse(site.app).open("/calendar").get_data(as_text=True)

    assert "ForexFactory is off: switched off in Setup." in text
    assert 'href="/setup#sources"' in text


@pytest.mark.parametrize(
    "query, shown", [("", "3 USD all e1 1"), ("currency=eur&impact=huge", "3 USD all e1 1"),
                     ("currency=all&impact=high", "2 ALL high e1 1"),
                     ("currency=cny", "1 CNY all e1 1")],
)  # fmt: skip
def test_an_address_chooses_and_what_is_unknown_counts_as_not_said(
    query: str, shown: str, make_site: Make, browse: Browse
) -> None:
    site = site_with(make_site, calendar=make_calendar())

    text = browse(site.app).open(f"/calendar?{query}").get_data(as_text=True)

    assert shown in text


def test_days_follow_the_display_zone_and_the_unknown_day_is_last() -> None:
    late = make_event("Late", "2026-12-17T03:30:00Z")
    undated = {**make_event("Undated", None), "day": None}

    new_york = days([undated, late], "new_york")
    utc = days([undated, late], "utc")

    assert [day["label"] for day in new_york] == ["Wed 16 Dec", "Day not known"]
    assert [day["label"] for day in utc] == ["Thu 17 Dec", "Day not known"]


def test_the_nearest_events_are_the_latest_five_and_the_next_three() -> None:
    hours = [make_event(f"E{hour}", f"2026-12-16T{hour:02}:00:00Z") for hour in range(24)]
    holiday = make_event("Bank Holiday", "2026-12-16T12:30:00Z", impact="holiday")
    foreign = make_event("Foreign", "2026-12-16T12:40:00Z", currency="EUR")

    found = nearest([*hours, holiday, foreign], to_ms("2026-12-16T12:00:00Z"))

    assert [event["title"] for event in found] == [
        *("E8", "E9", "E10", "E11", "E12"),
        *("E13", "E14", "E15"),
    ]


def test_beside_the_table_stands_what_is_known_now(make_site: Make) -> None:
    site = site_with(
        make_site, calendar=make_calendar(), reactions=make_reactions(), news=make_news(),
        sentiment=make_sentiment(),
    )  # fmt: skip
    now = datetime.fromisoformat(NOW).timestamp()
    site.deps.clock.set_market(now)

    found = side(SimpleNamespace(deps=site.deps))  # type: ignore[arg-type]

    assert found["next"]["title"] == HOSTILE
    assert {row["title"]: row["move"] for row in found["rows"]}[
        "Industrial Production m/m"
    ] == -0.02
    assert found["reactions"]["statistics"] == []
    assert found["sentiment"]["master_sentiment"] == 0.14


def test_beside_the_table_nothing_is_made_up_before_the_first_word(make_site: Make) -> None:
    found = side(SimpleNamespace(deps=make_site().deps))  # type: ignore[arg-type]

    assert found["rows"] == []
    assert [found[name] for name in ("calendar", "sentiment", "news", "reactions", "next")] == [
        None
    ] * 5


def test_the_real_table_page_carries_its_side_with_reasons(make_site: Make, browse: Browse) -> None:
    off = make_news(on=False, problem="NewsAPI is off: no key.", headlines=[])
    none = make_sentiment(plain=None, finance=None, newest=None, on=False,
                          problem="NewsAPI is off: no key.")  # fmt: skip
    site = site_with(make_site, real=True, calendar=calendar_off(), news=off, sentiment=none)

    text = browse(site.app).open("/indicator").get_data(as_text=True)

    assert text.count("NewsAPI is off: no key.") >= 2
    assert "ForexFactory is off: switched off in Setup." in text
