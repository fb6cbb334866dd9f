"""What stands beside the live table: sentiment, the calendar's nearest events, headlines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from grok_sauce.web.calendar import EVERYWHERE, HOME
from grok_sauce.web.site import Site

LATEST: Final = 5  # events that have been
COMING: Final = 3  # and that come
HEADLINES: Final = 8
HORIZON: Final = "5"  # minutes after an event whose reaction is shown

Payload = dict[str, Any]


def side(site: Site) -> Payload:
    """{calendar, sentiment, news, reactions, rows, next, now_ms}, cut to what is drawn at first.

    calendar, sentiment, news and reactions are the payloads of their topics, None before the
    first, with only the nearest events and the newest headlines. rows: those events by time,
    each with at_ms and move (percent of the first watched symbol, None while not known).
    """
    read = site.deps.snapshot.read
    now = site.deps.clock.market() * 1000
    calendar = read("calendar.event")[1].get("")
    reactions = read("event.reaction")[1].get("")
    news = read("news.headline")[1].get("")
    events = [] if calendar is None else nearest(calendar["events"], now)
    ids = {event["id"] for event in events}
    if calendar is not None:
        calendar = {**calendar, "events": events}
    if reactions is not None:
        own = {id: found for id, found in reactions["events"].items() if id in ids}
        reactions = {**reactions, "events": own, "statistics": []}
    if news is not None:
        news = {**news, "headlines": news["headlines"][:HEADLINES]}
    rows = [{**event, "at_ms": _ms(event), "move": _move(event, reactions)} for event in events]
    return {
        "calendar": calendar,
        "sentiment": read("sentiment.index")[1].get(""),
        "news": news,
        "reactions": reactions,
        "rows": rows,
        "next": next((row for row in rows if row["at_ms"] > now), None),
        "now_ms": now,
    }


def nearest(events: list[Payload], now_ms: float) -> list[Payload]:
    """The latest events that concern the dollar and the next ones, by time; no holidays."""
    timed = [
        event
        for event in events
        if event["currency"] in (HOME, EVERYWHERE)
        if event["time"] is not None and event["impact"] != "holiday"
    ]
    past = [event for event in timed if _ms(event) <= now_ms]
    return past[-LATEST:] + [event for event in timed if _ms(event) > now_ms][:COMING]


def _ms(event: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp() * 1000


def _move(event: Mapping[str, Any], reactions: Mapping[str, Any] | None) -> float | None:
    """Percent of the first watched symbol after HORIZON minutes."""
    found = None if reactions is None else reactions["events"].get(event["id"])
    move = found["rows"][0]["moves"].get(HORIZON) if found and found["rows"] else None
    percent: float | None = None if move is None else move["percent"]
    return percent
