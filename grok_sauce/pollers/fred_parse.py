"""FRED's answers as values: observations, the release of a series, days of a release.

parse_observations(body, measure) -> tuple[Observation, ...]       newest first
parse_release(body) -> (id, name);  parse_dates(body) -> tuple[date, ...]
refusal(status, body) -> str       what an error answer says
"""

from __future__ import annotations

import re
from datetime import UTC, date
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, Final

from grok_sauce.errors import BadPayload
from grok_sauce.market.headlines import plain
from grok_sauce.market.measures import COUNTS, Measure
from grok_sauce.market.releases import Observation
from grok_sauce.pollers import fields

WHO: Final = "FRED"
MISSING: Final = "."
ROWS: Final = 100_000  # FRED's own limit
_NUMBER: Final = re.compile(r"-?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,2})?", re.ASCII)


def parse_observations(body: bytes, measure: Measure) -> tuple[Observation, ...]:
    """A `series/observations` answer, newest first; values in units, counts not in thousands.

    Where an answer has several vintages of a period the latest known one counts.

    Raises:
        BadPayload: no JSON, an error, other units than asked for, or a field that is not as
            documented; one wrong row refuses the series, because its number would be missed.
    """
    answer = _good(body)
    rows = fields.items(answer, "observations", WHO)
    if len(rows) > ROWS:
        raise fields.bad(WHO, "observations", f"at most {ROWS} rows", len(rows))
    units = answer.get("units")
    if units != measure.units:
        raise fields.bad(WHO, "units", repr(measure.units), units)
    size = COUNTS.get(measure.series, 1.0) if measure.units in ("lin", "chg") else 1.0
    found: dict[date, tuple[str, float | None]] = {}
    for index, row in enumerate(rows):
        where = f"observations[{index}]"
        period = fields.day(fields.member(row, "date", where, WHO), f"{where}.date", WHO)
        known = row.get("realtime_start")
        if known is not None and not isinstance(known, str):
            raise fields.bad(WHO, f"{where}.realtime_start", "a text", known)
        value = _value(row.get("value"), f"{where}.value")
        if period not in found or (known or "") >= found[period][0]:
            found[period] = (known or "", None if value is None else value * size)
    return tuple(Observation(period, found[period][1]) for period in sorted(found, reverse=True))


def parse_release(body: bytes) -> tuple[int, str]:
    """A `series/release` answer: id and name of the release a series belongs to.

    Raises:
        BadPayload: not as documented.
    """
    rows = fields.items(_good(body), "releases", WHO)
    if not rows:
        raise fields.bad(WHO, "releases", "one release", rows)
    number = fields.member(rows[0], "id", "releases[0]", WHO)
    name = rows[0].get("name")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 10**6:
        raise fields.bad(WHO, "releases[0].id", "a whole number", number)
    if not isinstance(name, str):
        raise fields.bad(WHO, "releases[0].name", "a text", name)
    return number, plain(name, 120)


def parse_dates(body: bytes) -> tuple[date, ...]:
    """A `release/dates` answer: days, ascending; FRED tells no time of day.

    Raises:
        BadPayload: not as documented.
    """
    rows = fields.items(_good(body), "release_dates", WHO)
    if len(rows) > ROWS:
        raise fields.bad(WHO, "release_dates", f"at most {ROWS} rows", len(rows))
    found = set()
    for index, row in enumerate(rows):
        where = f"release_dates[{index}]"
        found.add(fields.day(fields.member(row, "date", where, WHO), f"{where}.date", WHO))
    return tuple(sorted(found))


def parse_updated(header: str | None) -> float | None:
    """The Last-Modified header, when the series last changed (Unix seconds); None without one.

    >>> parse_updated("Fri, 28 Jun 2024 14:01:02 GMT"), parse_updated("yesterday")
    (1719583262.0, None)
    """
    try:
        found = parsedate_to_datetime(header or "")
        unix = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return unix if unix > 0 else None


def refusal(body: bytes) -> str:
    """What an error answer says; "" when it says nothing."""
    try:
        answer = fields.document(body, WHO)
    except BadPayload:
        return ""
    said = answer.get("error_message") if isinstance(answer, dict) else None
    return plain(said, 200) if isinstance(said, str) else ""


def _good(body: bytes) -> dict[str, Any]:
    """The answer as an object, if it is not an error."""
    answer = fields.document(body, WHO)
    if not isinstance(answer, dict):
        raise fields.bad(WHO, "the answer", "an object", answer)
    if "error_code" in answer:
        raise BadPayload(f"{WHO}: {refusal(body) or 'an error without a message'}")
    return answer


def _value(value: object, field: str) -> float | None:
    """A text with a number, or "." for none."""
    if value == MISSING:
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = float(value)
        if isfinite(number):
            return number
    raise fields.bad(WHO, field, 'a number as text or "."', value)
