"""ForexFactory's weekly file of the embedded market: JSON and XML, 429, a late week's turn."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Final
from xml.sax.saxutils import escape

from grok_sauce.market.sessions import new_york
from grok_sauce.simulator import agenda
from grok_sauce.simulator.cboe import anyone
from grok_sauce.simulator.http1 import Request, Response, html_response
from grok_sauce.simulator.services import Route, Services

TURN: Final = 600.0  # seconds after Sunday 00:00 New York until the new week is served


def _planned(services: Services) -> list[agenda.Planned]:
    """The week that is served, as it is known."""
    now = services.clock.market()
    sunday = agenda.this_week(now - TURN)
    if services.faults.text("forexfactory") == "old_week":
        sunday -= timedelta(days=7)
    return agenda.week(int(services.about.get("seed", 42)), sunday, now)


def _trouble(services: Services) -> Response | None:
    """429 and web pages with status 200, as its host answers who asks too often."""
    trouble = services.faults.text("forexfactory")
    if trouble == "429":
        return html_response(429, "429 Too Many Requests")
    return html_response(200, "Request Denied") if trouble == "html" else None


def as_json(services: Services, request: Request) -> Response:
    """Six texts an event, slashes escaped, New York time with its offset."""
    refusal = _trouble(services)
    if refusal is not None:
        return refusal
    rows = [
        {
            "title": planned.title,
            "country": planned.currency,
            "date": new_york(planned.at).isoformat(timespec="seconds"),
            "impact": planned.impact,
            "forecast": planned.forecast,
            "previous": planned.previous,
        }
        for planned in _planned(services)
    ]
    if services.faults.text("forexfactory") == "undated":
        rows = [{**row, "date": ""} if n % 5 == 0 else row for n, row in enumerate(rows)]
    text = json.dumps(rows, separators=(",", ":")).replace("/", "\\/")
    return Response(200, text.encode(), "application/json")


def as_xml(services: Services, request: Request) -> Response:
    """The same week: windows-1252, month-day-year, a 12-hour clock in UTC, CDATA."""
    refusal = _trouble(services)
    if refusal is not None:
        return refusal
    lines = ['<?xml version="1.0" encoding="windows-1252"?>', "<weeklyevents>"]
    for planned in _planned(services):
        when = datetime.fromtimestamp(planned.at, UTC)
        clock = f"{(when.hour + 11) % 12 + 1}:{when:%M}{'am' if when.hour < 12 else 'pm'}"
        lines += [
            "\t<event>",
            f"\t\t<title>{escape(planned.title)}</title>",
            f"\t\t<country>{planned.currency}</country>",
            f"\t\t<date><![CDATA[{when:%m-%d-%Y}]]></date>",
            f"\t\t<time><![CDATA[{clock}]]></time>",
            f"\t\t<impact><![CDATA[{planned.impact}]]></impact>",
            _figure("forecast", planned.forecast),
            _figure("previous", planned.previous),
            "\t\t<url><![CDATA[https://www.forexfactory.com/calendar]]></url>",
            "\t</event>",
        ]
    text = "\n".join([*lines, "</weeklyevents>", ""])
    return Response(200, text.encode("windows-1252"), "text/xml")


def _figure(name: str, text: str) -> str:
    return f"\t\t<{name}><![CDATA[{text}]]></{name}>" if text else f"\t\t<{name} />"


ROUTES: Final = (
    Route("GET", "/ff_calendar_thisweek.json", as_json, anyone),
    Route("GET", "/ff_calendar_thisweek.xml", as_xml, anyone),
)
