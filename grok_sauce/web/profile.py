"""Volume profiles and opening ranges as JSON."""

from __future__ import annotations

import re
from typing import Any, Final

import flask
import orjson

from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site
from grok_sauce.web.tickers import normal_symbol

PROFILE: Final = "profile.levels"
ORB: Final = "orb.breakout"
SPAN: Final = re.compile(r"day|week|prior_week|week-[2-8]")


def profile(site: Site) -> flask.Response:
    """GET /api/profile?symbol=[&span=]: {epoch, seq, profile}; span leaves only that one in it."""
    symbol = normal_symbol(flask.request.args.get("symbol"))
    span = flask.request.args.get("span", "").strip().lower()
    if span and not SPAN.fullmatch(span):
        raise Refusal(
            422, "invalid", "span must be day, week, prior_week, or week-2 and on.", "span"
        )
    seq, found = _newest(site, PROFILE, symbol)
    if span:
        if span not in found["spans"]:
            raise Refusal(404, "not_kept", f"{span} is not kept; see the settings.", "span")
        found = {
            **found,
            "spans": {span: found["spans"][span]},
            "reasons": {name: why for name, why in found["reasons"].items() if name == span},
        }
    return _quick({"epoch": site.deps.snapshot.epoch, "seq": seq, "profile": found})


def orb(site: Site) -> flask.Response:
    """GET /api/orb?symbol=: {epoch, seq, orb}; without a symbol {epoch, orbs}: all of the table."""
    epoch = site.deps.snapshot.epoch
    if "symbol" in flask.request.args:
        seq, found = _newest(site, ORB, normal_symbol(flask.request.args["symbol"]))
        return _quick({"epoch": epoch, "seq": seq, "orb": found})
    table = site.deps.settings_store.settings.indicators.groups()
    payloads = [site.deps.snapshot.read(ORB, symbol)[1].get(symbol) for symbol in table]
    return _quick({"epoch": epoch, "orbs": [each for each in payloads if each is not None]})


def _newest(site: Site, topic: str, symbol: str) -> tuple[int, dict[str, Any]]:
    seq, found = site.deps.snapshot.read(topic, symbol)
    payload: dict[str, Any] | None = found.get(symbol)
    if payload is not None:
        return seq, payload
    if symbol in site.deps.settings_store.settings.indicators.groups():
        raise Refusal(503, "loading", f"The bars of {symbol} are loading.", retry_after=2)
    raise Refusal(
        404, "not_watched", f"{symbol} is not watched: add it to the table on /setup.", "symbol"
    )


def _quick(value: dict[str, Any]) -> flask.Response:
    """Hundreds of bins as JSON in a fifth of the time."""
    return flask.Response(orjson.dumps(value), mimetype="application/json")
