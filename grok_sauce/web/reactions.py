"""Event reactions as JSON: the week's as they are now, and all that is kept of one event."""

from __future__ import annotations

import re
from typing import Final

import flask

from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, respond

TOPIC: Final = "event.reaction"
LONGEST: Final = 120  # characters of a title
PATIENCE: Final = 10.0  # seconds for years of one event to be read


def week(site: Site) -> flask.Response:
    """GET /api/reactions: {epoch, seq, reactions}; reactions is None before the first."""
    seq, found = site.deps.snapshot.read(TOPIC)
    epoch = site.deps.snapshot.epoch
    return respond({"epoch": epoch, "seq": seq, "reactions": found.get("")})


def history(site: Site) -> flask.Response:
    """GET /api/history/reactions?title=[&currency=]: an event's releases, newest first."""
    args = flask.request.args
    title = args.get("title", "").strip()
    if not 0 < len(title) <= LONGEST:
        raise Refusal(422, "invalid", "title must be an event's, such as CPI m/m.", "title")
    currency = args.get("currency", "USD").strip()
    currency = "All" if currency.upper() == "ALL" else currency.upper()
    if currency != "All" and not re.fullmatch(r"[A-Z]{3}", currency):
        raise Refusal(422, "invalid", "currency must be three letters, such as USD.", "currency")
    return respond(site.ask("reactions.history", PATIENCE, title=title, currency=currency))
