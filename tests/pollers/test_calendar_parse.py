"""ForexFactory's week in both forms: equal events, odd rows, hostile bytes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload
from grok_sauce.market.calendar_week import changes
from grok_sauce.market.sessions import instant, new_york
from grok_sauce.pollers.calendar_parse import parse_json, parse_week, parse_xml

NOW = 1_797_449_527.0
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


def event(**changed: Any) -> dict[str, Any]:
    return {
        "title": "CPI m/m",
        "country": "USD",
        "date": "2026-12-11T08:30:00-05:00",
        "impact": "High",
        "forecast": "0.3%",
        "previous": "0.2%",
        **changed,
    }


def as_json(*events: Any) -> bytes:
    return json.dumps(list(events)).replace("/", "\\/").encode()


def as_xml(*events: dict[str, Any]) -> bytes:
    """The XML form of the same events: UTC, 12-hour clock."""
    rows = []
    for row in events:
        when = datetime.fromisoformat(row["date"]).astimezone(UTC)
        clock = f"{when:%I:%M}".lstrip("0") + ("am" if when.hour < 12 else "pm")
        rows.append(xml_event(row, f"{when:%m-%d-%Y}", clock))
    return xml_file(*rows)


def xml_event(row: dict[str, Any], day: str, clock: str) -> str:
    figures = "".join(
        f"<{name}><![CDATA[{row[name]}]]></{name}>" if row[name] else f"<{name} />"
        for name in ("forecast", "previous")
    )
    return (
        f"<event><title>{escape(row['title'])}</title><country>{row['country']}</country>"
        f"<date><![CDATA[{day}]]></date><time><![CDATA[{clock}]]></time>"
        f"<impact><![CDATA[{row['impact']}]]></impact>{figures}"
        "<url><![CDATA[https://www.forexfactory.com/calendar/1]]></url></event>"
    )


def xml_file(*rows: str) -> bytes:
    head = '<?xml version="1.0" encoding="windows-1252"?>\n<weeklyevents>\n'
    return (head + "\n".join(rows) + "\n</weeklyevents>\n").encode("windows-1252")


def test_an_event_is_read_whole() -> None:
    week = parse_json(as_json(event()), NOW)

    (found,) = week.events
    assert (found.title, found.currency, found.impact) == ("CPI m/m", "USD", "high")
    assert (found.at, found.day, found.timing) == (
        instant(date(2026, 12, 11), 8, 30), date(2026, 12, 11), "time",
    )  # fmt: skip
    assert (found.forecast, found.previous) == ("0.3%", "0.2%")
    assert (week.start, week.fetched, week.problems) == (date(2026, 12, 6), NOW, ())


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(
            event,
            title=TEXT,
            country=st.sampled_from(["USD", "EUR", "JPY", "All"]),
            date=st.integers(0, 6 * 24 * 60).map(
                lambda minutes: new_york(instant(date(2026, 10, 25), 0) + minutes * 60).isoformat()
            ),
            impact=st.sampled_from(["High", "Medium", "Low", "Holiday"]),
            forecast=st.sampled_from(["", "0.3%", "85K"]),
            previous=st.sampled_from(["", "2.73|3.1", "-1.5M"]),
        ),
        max_size=12,
    )
)
def test_both_forms_of_a_week_are_equal(rows: list[dict[str, Any]]) -> None:
    rows = [row for row in rows if not set("<>&") & set(row["title"])]

    assert parse_json(as_json(*rows), NOW) == parse_xml(as_xml(*rows), NOW)


@pytest.mark.parametrize("given_date", ["", None])
def test_an_event_without_a_date_stays_and_says_so(given_date: str | None) -> None:
    week = parse_json(as_json(event(date=given_date), event()), NOW)

    assert [found.timing for found in week.events] == ["time", "unknown"]
    assert (week.events[1].at, week.events[1].day) == (None, None)
    assert week.start == date(2026, 12, 6)


@pytest.mark.parametrize(
    "clock, timing",
    [("All Day", "all_day"), ("Tentative", "tentative"), ("", "unknown"), ("Day 2", "all_day")],
)
def test_words_in_a_times_place_keep_the_day(clock: str, timing: str) -> None:
    content = xml_file(xml_event(event(), "12-11-2026", clock), xml_event(event(), "", clock))

    week = parse_xml(content, NOW)

    assert [(found.at, found.day) for found in week.events] == [
        (None, date(2026, 12, 11)), (None, None),
    ]  # fmt: skip
    assert [found.timing for found in week.events] == [timing, timing]


def test_an_evening_in_new_zealand_is_new_yorks_day_before() -> None:
    row = event(title="Manufacturing Sales q/q", country="NZD", forecast="", previous="2.6%")

    (found,) = parse_xml(xml_file(xml_event(row, "06-08-2025", "10:45pm")), NOW).events

    assert found.at == datetime(2025, 6, 8, 22, 45, tzinfo=UTC).timestamp()
    assert new_york(found.at or 0).isoformat() == "2025-06-08T18:45:00-04:00"


@pytest.mark.parametrize("clock, hour", [("12:00am", 0), ("12:30pm", 12), ("1:05 PM", 13)])
def test_the_twelve_hour_clock_has_two_twelves(clock: str, hour: int) -> None:
    (found,) = parse_xml(xml_file(xml_event(event(), "12-11-2026", clock)), NOW).events

    assert datetime.fromtimestamp(found.at or 0, UTC).hour == hour


def test_events_of_the_same_name_and_day_are_counted() -> None:
    twice = [event(title="FOMC Member Cook Speaks", date=f"2026-12-11T{hour}:00:00-05:00")
             for hour in (16, 10)]  # fmt: skip

    week = parse_json(as_json(*twice), NOW)

    assert [(new_york(found.at or 0).hour, found.ordinal) for found in week.events] == [
        (10, 0), (16, 1),
    ]  # fmt: skip
    assert len({found.key for found in week.events}) == 2


@pytest.mark.parametrize(
    "row, field",
    [
        (event(title=""), "title"), (event(title=None), "title"), (event(title=7), "title"),
        (event(country="US"), "country"), (event(country=None), "country"),
        (event(impact="Extreme"), "impact"), (event(impact=None), "impact"),
        (event(date="2026-12-11"), "date"), (event(date="soon"), "date"),
        (event(date=20261211), "date"), (event(date="0001-01-01T00:00:00+14:00"), "date"),
        (event(forecast=0.3), "forecast"), (event(previous=[]), "previous"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_read_names_its_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as alone:
        parse_json(as_json(row), NOW)
    beside = parse_json(as_json(event(), row), NOW)

    assert str(alone.value).startswith(f"ForexFactory: rows[0].{field} must be ")
    assert len(beside.events) == 1
    assert beside.problems[0].startswith(f"ForexFactory: rows[1].{field} must be ")


@pytest.mark.parametrize(
    "day, clock, field",
    [("13-01-2026", "1:00pm", "date"), ("2026-12-11", "1:00pm", "date"),
     ("12-11-2026", "25:00pm", "time"), ("12-11-2026", "0:30am", "time")],
)  # fmt: skip
def test_a_wrong_day_or_time_of_the_xml_is_named(day: str, clock: str, field: str) -> None:
    with pytest.raises(BadPayload, match=rf"event\[0\].{field} must be "):
        parse_xml(xml_file(xml_event(event(), day, clock)), NOW)


BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>
<weeklyevents><event><title>&b;</title></event></weeklyevents>"""


@pytest.mark.parametrize(
    "content, said",
    [
        (b"<html><body>Request Denied</body></html>", "a web page where JSON was expected"),
        (b"<!DOCTYPE html><html></html>", "a web page where JSON was expected"),
        (b"", "no JSON"), (b"{}", "the file must be an array"), (b"null", "must be an array"),
        (BOMB, "declares entities or a document type"),
        (b"<weeklyevents><event>", "no XML of the week"),
        (b"<other></other>", "other is not part of the week's XML"),
        (b"<weeklyevents><event><title><b>x</b></title></event></weeklyevents>", "not part of"),
        (b"[" + b"{}," * 2500 + b"{}]", "at most 2000 rows"),
    ],
)  # fmt: skip
def test_what_is_no_week_is_refused_with_the_reason(content: bytes, said: str) -> None:
    with pytest.raises(BadPayload) as caught:
        parse_week(content, NOW)

    assert said in str(caught.value)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_week_or_a_bad_payload(content: bytes) -> None:
    for parse in (parse_week, parse_xml, parse_json):
        try:
            week = parse(content, NOW)
        except BadPayload:
            continue
        assert week.events == ()


@given(st.lists(st.sampled_from(
    ["<weeklyevents>", "</weeklyevents>", "<event>", "</event>", "<title>x</title>", "<![CDATA[",
     "]]>", "<date>12-11-2026</date>", "<country>USD</country>", "&amp;", "&x;", "<!--", "-->",
     "<impact>High</impact>", "<time>1:00pm</time>", "\xe9"]), max_size=14))  # fmt: skip
def test_any_pieces_of_the_xml_are_a_week_or_a_bad_payload(pieces: list[str]) -> None:
    content = "".join(pieces).encode("windows-1252")
    try:
        week = parse_xml(content, NOW)
    except BadPayload as problem:
        said = str(problem)
        assert said.startswith("ForexFactory: ")
        return
    assert all(found.title for found in week.events)


@pytest.mark.recorded
def test_recorded_weeks_are_read_without_a_row_left_out(recordings: Path) -> None:
    sunday = parse_week((recordings / "ff_week_2026-08-02_sunday.json").read_bytes(), NOW)
    friday = parse_week((recordings / "ff_week_2026-08-02_friday.json").read_bytes(), NOW)
    xml = parse_week((recordings / "ff_week_2025-06-08.xml").read_bytes(), NOW)

    assert (len(sunday.events), len(friday.events), len(xml.events)) == (94, 99, 71)
    assert (sunday.start, friday.start) == (date(2026, 8, 2), date(2026, 8, 2))
    assert xml.start == date(2025, 6, 8)
    assert not sunday.problems + friday.problems + xml.problems
    assert all(e.timing == "time" for week in (sunday, friday, xml) for e in week.events)


@pytest.mark.recorded
def test_recorded_figures_are_numbers_in_their_units(recordings: Path) -> None:
    friday = parse_week((recordings / "ff_week_2026-08-02_friday.json").read_bytes(), NOW)
    xml = parse_week((recordings / "ff_week_2025-06-08.xml").read_bytes(), NOW)
    jobs = next(e for e in friday.of("USD") if e.title == "Non-Farm Employment Change")
    cpi = next(e for e in xml.of("USD") if e.title == "CPI m/m")
    auction = next(e for e in xml.of("USD") if e.title == "10-y Bond Auction")

    texts = [e for e in (*friday.events, *xml.events) if e.forecast or e.previous]
    assert all(e.forecast_amount or not e.forecast for e in texts)
    assert all(e.previous_amount or not e.previous for e in texts)
    assert jobs.at == instant(date(2026, 8, 7), 8, 30)
    assert jobs.forecast_amount is not None
    assert (jobs.forecast_amount.value, jobs.impact) == (85_000.0, "high")
    assert (cpi.at, cpi.forecast) == (instant(date(2025, 6, 11), 8, 30), "0.2%")
    assert auction.previous_amount is not None
    assert (auction.previous_amount.value, auction.previous_amount.second) == (4.34, 2.6)


@pytest.mark.recorded
def test_five_days_of_a_recorded_week_add_and_fill_in_and_take_nothing_away(
    recordings: Path,
) -> None:
    sunday = parse_week((recordings / "ff_week_2026-08-02_sunday.json").read_bytes(), NOW)
    friday = parse_week((recordings / "ff_week_2026-08-02_friday.json").read_bytes(), NOW)

    found = changes(sunday, friday)

    kinds = [change.kind for change in found]
    assert (kinds.count("added"), kinds.count("removed")) == (5, 0)
    assert kinds.count("forecast") == 23
    filled = [c for c in found if c.kind == "forecast" and c.before and not c.before.forecast]
    assert filled
    assert all(change.after for change in found)
