"""Studies of one underlying as JSON: estimates, each with its unit, sign and caveat."""

from __future__ import annotations

from typing import Final

import flask
import orjson

from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site
from grok_sauce.web.tickers import normal_symbol

PATIENCE: Final = 15.0  # seconds: the first of a day reads the kept sessions


def studies(site: Site) -> flask.Response:
    """GET /api/studies?symbol=: see analytics.study_report."""
    symbol = normal_symbol(flask.request.args.get("symbol"))
    followed = site.deps.settings_store.settings.gex.symbols
    if symbol not in followed:
        raise Refusal(
            404,
            "not_followed",
            f"Studies are made of the GEX symbols only: {', '.join(followed) or 'none is chosen'}.",
            "symbol",
        )
    found = site.ask("studies", PATIENCE, symbol=symbol)
    return flask.Response(orjson.dumps(found), mimetype="application/json")
