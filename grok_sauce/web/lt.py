"""Liquidity Trigger levels as JSON: the signal service's address."""

from __future__ import annotations

import flask

from grok_sauce.questions import Unavailable
from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, respond
from grok_sauce.web.tickers import normal_symbol


def levels(site: Site) -> flask.Response:
    """GET /lt/levels[?symbol=]: 404 with the reason while there are none."""
    given = flask.request.args.get("symbol", "").strip()
    asked = {"symbol": normal_symbol(given)} if given else {}
    found = site.deps.questions.ask("lt.levels", asked)
    if isinstance(found, Unavailable):
        reason = found.reason[:1].upper() + found.reason[1:]
        raise Refusal(404, "no_levels", reason)
    return respond(found)
