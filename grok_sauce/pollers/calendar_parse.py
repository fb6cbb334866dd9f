"""ForexFactory's week as values, from its JSON or its XML; both forms give equal events.

parse_json(body, now) -> CalendarWeek, parse_xml(body, now) -> CalendarWeek, parse_week(body, now)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, get_args
from xml.parsers import expat

from grok_sauce.errors import BadPayload
from grok_sauce.market.calendar_week import (
    CalendarEvent,
    CalendarWeek,
    Impact,
    Timing,
    in_order,
    start_of,
)
from grok_sauce.market.headlines import link, plain
from grok_sauce.market.sessions import new_york_date
from grok_sauce.pollers import fields

WHO: Final = "ForexFactory"
TITLE, FIGURE = 160, 40  # characters kept
ROWS: Final = 2000  # a week has about a hundred
_PROBLEMS: Final = 100  # rows told of
_CURRENCY: Final = re.compile(r"[A-Z]{3}|All")
_CLOCK: Final = re.compile(r"(1[0-2]|0?[1-9]):([0-5]\d)\s*(am|pm)", re.IGNORECASE | re.ASCII)
_DAY: Final = re.compile(r"day \d{1,2}", re.IGNORECASE | re.ASCII)
_WORDS: Final[dict[str, Timing]] = {
    "": "unknown",
    "all day": "all_day",
    "tentative": "tentative",
}
_COLUMNS: Final = ("title", "country", "date", "time", "impact", "forecast", "previous", "url")

Row = Mapping[str, Any]
When = tuple[float | None, date | None, Timing]


def parse_week(body: bytes, now: float) -> CalendarWeek:
    """A file of either form, told by its first character; now is its market time.

    Raises:
        BadPayload: it is neither, or none of its rows can be read.
    """
    start = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] == b"<" and not re.match(rb"<(!doctype\s+)?html", start, re.IGNORECASE):
        return parse_xml(body, now)
    return parse_json(body, now)


def parse_json(body: bytes, now: float) -> CalendarWeek:
    """`ff_calendar_thisweek.json`: an array of objects with six texts each.

    A row that cannot be read is left out and told in problems, naming its field; when no row
    can be read, the first problem is raised. There is no "actual" in this feed, ever.

    Raises:
        BadPayload: no JSON, no array, too many rows, no row can be read.
    """
    rows = fields.document(body, WHO)
    if not isinstance(rows, list):
        raise fields.bad(WHO, "the file", "an array", rows)
    return _week(rows, "rows", _json_when, now)


def parse_xml(body: bytes, now: float) -> CalendarWeek:
    """`ff_calendar_thisweek.xml`: windows-1252, month-day-year, 12-hour clock in UTC.

    Raises:
        BadPayload: no such XML (entities and a DOCTYPE are refused), no row can be read.
    """
    return _week(_xml_rows(body), "event", _xml_when, now)


def _week(
    rows: list[Any], where: str, when: Callable[[Row, str], When], now: float
) -> CalendarWeek:
    if len(rows) > ROWS:
        raise fields.bad(WHO, "the file", f"at most {ROWS} rows", len(rows))
    found: list[CalendarEvent] = []
    problems: list[str] = []
    for index, row in enumerate(rows):
        try:
            found.append(_event(row, f"{where}[{index}]", when))
        except BadPayload as problem:
            problems.append(str(problem))
    if problems and not found:
        raise BadPayload(problems[0])
    events = in_order(found)
    return CalendarWeek(events, start_of(events), now, tuple(problems[:_PROBLEMS]))


def _event(row: Row, where: str, when: Callable[[Row, str], When]) -> CalendarEvent:
    title = _text(row, "title", where, TITLE)
    if title is None:
        raise fields.bad(WHO, f"{where}.title", "a text", row.get("title"))
    country = row.get("country")
    if not isinstance(country, str) or not _CURRENCY.fullmatch(country):
        raise fields.bad(WHO, f"{where}.country", "a currency or All", country)
    named = row.get("impact")
    impact = _impact(named) if isinstance(named, str) else None
    if impact is None:
        raise fields.bad(WHO, f"{where}.impact", "High, Medium, Low or Holiday", named)
    at, day, timing = when(row, where)
    return CalendarEvent(
        title,
        country,
        at,
        day,
        timing,
        impact,
        _text(row, "forecast", where, FIGURE),
        _text(row, "previous", where, FIGURE),
        url=link(row.get("url")),
    )


def _impact(named: str) -> Impact | None:
    found: tuple[Impact, ...] = get_args(Impact)
    return next((impact for impact in found if impact == named.strip().lower()), None)


def _text(row: Row, name: str, where: str, limit: int) -> str | None:
    value = fields.member(row, name, where, WHO)
    if value is None:
        return None
    if not isinstance(value, str):
        raise fields.bad(WHO, f"{where}.{name}", "a text", value)
    return plain(value, limit) or None


def _json_when(row: Row, where: str) -> When:
    value = row.get("date")
    if value is None or value == "":
        return None, None, "unknown"
    at = fields.moment(value, f"{where}.date", WHO)
    return at, new_york_date(at), "time"


def _xml_when(row: Row, where: str) -> When:
    """The day is New York's where there is a clock time, and as written where there is none."""
    shown = (row.get("date") or "").strip()
    clock = " ".join((row.get("time") or "").split())
    if not shown:
        return None, None, _word(clock) or "unknown"
    month, _, rest = shown.partition("-")
    number, _, year = rest.partition("-")
    day = fields.day(f"{year}-{month}-{number}", f"{where}.date", WHO)
    if (word := _word(clock)) is not None:
        return None, day, word
    found = _CLOCK.fullmatch(clock)
    if found is None:
        raise fields.bad(WHO, f"{where}.time", "a time like 12:30pm", clock)
    hour = int(found[1]) % 12 + (12 if found[3].lower() == "pm" else 0)
    at = datetime(day.year, day.month, day.day, hour, int(found[2]), tzinfo=UTC).timestamp()
    return at, new_york_date(at), "time"


def _word(clock: str) -> Timing | None:
    """What stands in a time's place; meetings of several days have "Day 1", "Day 2"."""
    return "all_day" if _DAY.fullmatch(clock) else _WORDS.get(clock.lower())


class _Reader:
    """Collects the events' members; texts in CDATA or plain."""

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []
        self._path: list[str] = []
        self._pieces: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._path.append(tag)
        if len(self._path) > 3 or self._path[0] != "weeklyevents":
            raise BadPayload(f"{WHO}: {'/'.join(self._path)[:60]} is not part of the week's XML")
        if len(self._path) == 2:
            self.rows.append({})
        self._pieces = []

    def end(self, tag: str) -> None:
        self._path.pop()
        if len(self._path) == 2 and tag in _COLUMNS:
            self.rows[-1][tag] = "".join(self._pieces)

    def text(self, data: str) -> None:
        self._pieces.append(data)


def _xml_rows(body: bytes) -> list[dict[str, str]]:
    """The events of the XML, without ever resolving an entity."""
    reader, parser = _Reader(), expat.ParserCreate(encoding="windows-1252")

    def refuse(*_: object) -> None:
        raise BadPayload(f"{WHO}: the XML declares entities or a document type")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(body, True)
    except expat.ExpatError as problem:
        raise BadPayload(f"{WHO}: no XML of the week ({problem})") from None
    return reader.rows
