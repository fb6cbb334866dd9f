"""The calendar page and the same events as JSON: complete from the newest snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import flask

from grok_sauce.web import format
from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, page, respond

TOPIC: Final = "calendar.event"
REACTIONS: Final = "event.reaction"
HOME: Final = "USD"  # what is shown unless the address says otherwise
EVERYWHERE: Final = "All"  # OPEC, G7: what concerns every currency
# Impact filter -> impacts shown; a holiday is always shown.
LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "all": ("high", "medium", "low", "holiday"),
    "medium": ("high", "medium", "holiday"),
    "high": ("high", "holiday"),
}

Row = dict[str, Any]


def show(site: Site) -> flask.Response:
    """GET /calendar[?currency=&impact=&event=&symbol=]; what is not known counts as not said."""
    snapshot, args = site.deps.snapshot, flask.request.args
    seq, found = snapshot.read(TOPIC)
    reactions_seq, reactions = snapshot.read(REACTIONS)
    payload = found.get("")
    currency = args.get("currency", "").upper()
    if currency != "ALL" and currency not in _currencies(payload):
        currency = HOME
    impact = args.get("impact", "")
    impact = impact if impact in LEVELS else "all"
    events = _chosen(payload, currency, impact)
    return page(
        "calendar.html",
        "calendar",
        calendar=payload,
        days=days(events, site.deps.settings_store.settings.display.time_zone),
        currencies=_currencies(payload),
        currency=currency,
        impact=impact,
        reactions=reactions.get(""),
        epoch=snapshot.epoch,
        seq=seq,
        reactions_seq=reactions_seq,
        now_ms=site.deps.clock.market() * 1000,
    )


def events(site: Site) -> flask.Response:
    """GET /api/calendar[?currency=&impact=]: {epoch, seq, calendar}; all events unless filtered.

    impact: all, medium (and higher) or high.
    """
    args = flask.request.args
    currency, impact = args.get("currency", "ALL").upper(), args.get("impact", "all").lower()
    if not (currency.isascii() and currency.isalpha() and len(currency) == 3):
        raise Refusal(422, "invalid", "currency must be three letters, such as USD.", "currency")
    if impact not in LEVELS:
        raise Refusal(422, "invalid", f"impact must be one of {', '.join(LEVELS)}.", "impact")
    seq, found = site.deps.snapshot.read(TOPIC)
    payload = found.get("")
    if payload is not None:
        payload = {**payload, "events": _chosen(payload, currency, impact)}
    return respond({"epoch": site.deps.snapshot.epoch, "seq": seq, "calendar": payload})


def _currencies(payload: Mapping[str, Any] | None) -> list[str]:
    """Those of the week, the user's first."""
    found = {row["currency"] for row in payload["events"]} if payload else set()
    return [HOME, *sorted(found - {HOME, EVERYWHERE})]


def _chosen(payload: Mapping[str, Any] | None, currency: str, impact: str) -> list[Row]:
    """Events of a currency and at least so much impact, by time."""
    return [
        row
        for row in (payload["events"] if payload else ())
        if currency == "ALL" or row["currency"] in (currency, EVERYWHERE)
        if row["impact"] in LEVELS[impact]
    ]


def days(rows: list[Row], zone: str) -> list[Row]:
    """[{label, rows, releases, coming}] by day in a display zone; those without a day last.

    releases: rows that are no holidays; coming: how many of them are still upcoming.
    """
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(_day(row, zone), []).append(row)
    return [
        {
            "label": label,
            "rows": [{**row, "at_ms": _ms(row)} for row in own],
            "releases": sum(row["impact"] != "holiday" for row in own),
            "coming": sum(row["status"] == "upcoming" for row in own),
        }
        for label, own in sorted(found.items(), key=lambda item: item[0] == "Day not known")
    ]


def _day(row: Row, zone: str) -> str:
    if row["time"] is not None:
        return format.date(_ms(row), zone)
    return "Day not known" if row["day"] is None else format.day(row["day"])


def _ms(row: Row) -> float | None:
    if row["time"] is None:
        return None
    return datetime.fromisoformat(row["time"]).timestamp() * 1000
