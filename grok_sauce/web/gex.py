"""The GEX page: complete from the newest snapshot, or from the last kept one with its date."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import flask
from werkzeug.wrappers import Response

from grok_sauce.questions import Unavailable
from grok_sauce.web.site import Site, page
from grok_sauce.web.tickers import choice, normal_symbol, normal_view, page_of

TOPIC: Final = "gex.levels"
UNITS: Final = ("pct", "point")
PATIENCE: Final = 2.0  # seconds for the last kept levels; the page opens without them too
FALLBACK: Final = "SPX"  # where nothing is chosen


def index(site: Site) -> Response:
    """GET /gex: to the first chosen symbol, or the page of ?symbol= where it has a slash."""
    query = flask.request.args.to_dict()
    given = query.pop("symbol", None)
    if given is not None:
        symbol = normal_symbol(given)
        if "/" in symbol:
            return show(site, symbol)
    else:
        symbol = next(iter(site.deps.settings_store.settings.gex.symbols), FALLBACK)
    return flask.redirect(page_of(symbol, **query))


def show(site: Site, symbol: str) -> Response:
    """GET /gex/<symbol>."""
    name = normal_symbol(symbol)
    query = flask.request.args.to_dict()
    if name != symbol and "/" not in name:
        return flask.redirect(page_of(name, **query))  # one address a page
    chosen = site.deps.settings_store.settings.gex
    view = normal_view(query.get("view"), "view")
    unit = choice("unit", UNITS, chosen.unit)
    room = f"{name}:{view}"
    # Of one moment: what is newer than seq says is drawn twice, never missed.
    seq, found = site.deps.snapshot.read(TOPIC, room)
    payload = found.get(room)
    return page(
        "gex.html",
        "gex",
        symbol=name,
        symbols=list(chosen.symbols),
        view=view,
        unit=unit,
        default_unit=chosen.unit,
        payload=_kept(site, name, view) if payload is None else payload,
        epoch=site.deps.snapshot.epoch,
        seq=seq,
    )


def _kept(site: Site, symbol: str, view: str) -> dict[str, Any] | None:
    """The last levels that were kept, marked as such; None when there are none of this view."""
    if view != "all":
        return None
    found = site.deps.questions.ask("gex.last", {"symbol": symbol}, PATIENCE)
    if found is None or isinstance(found, Unavailable):
        return None
    when = datetime.fromisoformat(found["as_of"]).strftime("%Y-%m-%d %H:%M UTC")
    text = f"These are the last levels kept, of {when}. Live ones come when the chain has loaded."
    return {**found, "status": {**found["status"], "state": "stale", "text": text}}
