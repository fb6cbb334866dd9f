"""FRED of the embedded market: series, transformations, releases and their days, its errors."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from grok_sauce.market.sessions import new_york_date
from grok_sauce.simulator import agenda
from grok_sauce.simulator.figures import PATHS
from grok_sauce.simulator.http1 import Request, Response, json_response
from grok_sauce.simulator.services import Route, Services
from grok_sauce.simulator.tokens import DEMO

KEY: Final = DEMO * 8  # 32 characters, as FRED wants them
UNITS: Final = ("lin", "chg", "pch", "pc1")
_ROWS: Final = 36  # periods back that are served
_LATE: Final = timedelta(days=60)  # what the fault "late" holds back


def _seed(services: Services) -> int:
    return int(services.about.get("seed", 42))


def _one(request: Request, name: str, default: str = "") -> str:
    return "".join(request.values(name)[:1]) or default


def _error(status: int, text: str) -> Response:
    return json_response(status, {"error_code": status, "error_message": text})


def key(services: Services, request: Request) -> Response | None:
    """The key in the address, and JSON asked for."""
    trouble = services.faults.text("fred")
    if trouble == "429":
        return _error(429, "Too Many Requests.  Exceeded Rate Limit")
    given = _one(request, "api_key")
    if trouble == "key" or (given != KEY and re.fullmatch("[a-z0-9]{32}", given)):
        return _error(400, "Bad Request.  The value for variable api_key is not registered.")
    if given != KEY:
        text = "Bad Request.  The value for variable api_key is not a 32 character alpha-numeric "
        return _error(400, text + "lower-case string.  Read https://fred.stlouisfed.org/docs/api")
    if _one(request, "file_type", "xml") != "json":
        return Response(200, b'<?xml version="1.0" encoding="utf-8" ?>\n<fred />\n', "text/xml")
    return None


def observations(services: Services, request: Request) -> Response:
    """Rows of a series, values as text, "." where there is none."""
    series, units = _one(request, "series_id"), _one(request, "units", "lin")
    if series not in agenda.SERIES:
        return _error(400, "Bad Request.  The series does not exist.")
    if units not in UNITS:
        return _error(400, "Bad Request.  Variable units is not one of: lin, chg, pch, pc1.")
    seed, now = _seed(services), services.clock.market()
    trouble = services.faults.text("fred")
    if trouble == "late":
        now -= _LATE.total_seconds()
    rhythm = PATHS[series].rhythm if series in PATHS else "daily"
    found = agenda.transformed(agenda.known(seed, series, now, _ROWS), units, rhythm)
    rows = [(day, _text(value)) for day, value in found]
    if trouble == "dots" and rows:
        rows[0] = (rows[0][0], ".")
    if trouble == "values" and rows:
        rows[0] = (rows[0][0], "n/a")
    newest_first = _one(request, "sort_order", "asc") == "desc"
    limit = _one(request, "limit", "100000")
    count = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 7 else 100_000
    ordered = rows if newest_first else rows[::-1]
    return _rows(seed, series, units, now, ordered[:count], newest_first)


def _rows(
    seed: int, series: str, units: str, now: float, rows: list[tuple[date, str]], desc: bool
) -> Response:
    today = str(new_york_date(now))
    answer = {
        "realtime_start": today,
        "realtime_end": today,
        "observation_start": "1600-01-01",
        "observation_end": "9999-12-31",
        "units": units,
        "output_type": 1,
        "file_type": "json",
        "order_by": "observation_date",
        "sort_order": "desc" if desc else "asc",
        "count": len(rows),
        "offset": 0,
        "limit": 100000,
        "observations": [
            {"realtime_start": today, "realtime_end": today, "date": str(day), "value": value}
            for day, value in rows
        ],
    }
    response = json_response(200, answer)
    changed = agenda.changed_at(seed, series, now)
    if changed is None:
        return response
    moment = format_datetime(datetime.fromtimestamp(int(changed), UTC), usegmt=True)
    return Response(200, response.body, headers=(("Last-Modified", moment),))


def _text(value: float | None) -> str:
    return "." if value is None else f"{value:.5f}".rstrip("0").rstrip(".")


def release(services: Services, request: Request) -> Response:
    """The release a series belongs to."""
    number = agenda.release_of(_one(request, "series_id"))
    if number is None:
        return _error(400, "Bad Request.  The series does not exist.")
    today = str(new_york_date(services.clock.market()))
    found: dict[str, Any] = {
        "id": number,
        "realtime_start": today,
        "realtime_end": today,
        "name": agenda.RELEASES[number],
        "press_release": True,
    }
    return json_response(200, {"realtime_start": today, "realtime_end": today, "releases": [found]})


def dates(services: Services, request: Request) -> Response:
    """Days of a release, those to come with include_release_dates_with_no_data."""
    text = _one(request, "release_id")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if number not in agenda.RELEASES:
        return _error(400, "Bad Request.  The release does not exist.")
    today = new_york_date(services.clock.market())
    try:
        start = date.fromisoformat(_one(request, "realtime_start", str(today)))
    except ValueError:
        return _error(400, "Bad Request.  The value for variable realtime_start is not a date.")
    future = _one(request, "include_release_dates_with_no_data", "false") == "true"
    end = today + timedelta(days=90 if future else 0)
    days = agenda.release_days(number, max(start, today - timedelta(days=400)), end)
    if _one(request, "sort_order", "asc") == "desc":
        days.reverse()
    rows = [{"release_id": number, "date": str(day)} for day in days]
    return json_response(200, {"count": len(rows), "release_dates": rows})


ROUTES: Final = (
    Route("GET", "/fred/series/observations", observations, key),
    Route("GET", "/fred/series/release", release, key),
    Route("GET", "/fred/release/dates", dates, key),
)
