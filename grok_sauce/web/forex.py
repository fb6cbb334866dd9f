"""The exchange with an expert advisor: its page, settings and news out, trades in, its token."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import asdict
from typing import Any, Final

import flask

from grok_sauce.questions import Unavailable
from grok_sauce.settings.forex import KNOBS
from grok_sauce.storage.database import StorageError
from grok_sauce.web.bodies import read_object
from grok_sauce.web.errors import Refusal
from grok_sauce.web.forex_token import HEADER
from grok_sauce.web.forex_trades import FIELDS, read_trade
from grok_sauce.web.site import Site, page, respond

TOPIC: Final = "forex.trade"
SHOWN: Final = 50
MOST: Final = 1_000  # trades in one JSON answer
MOST_BODY: Final = 4_096  # bytes of one trade
PATIENCE: Final = 15.0  # seconds for all trades to be read
_SYMBOL: Final = re.compile(r"[A-Za-z0-9._#+/-]{1,24}", re.ASCII)


def show(site: Site) -> flask.Response:
    """GET /forex: complete without a script."""
    found = site.ask("settings.read")
    snapshot = site.deps.snapshot
    # Read before the trades: what is newer than seq says is drawn twice, never missed.
    seq = snapshot.seq(TOPIC)
    trades = site.deps.questions.ask("forex.trades")
    problem = trades.reason if isinstance(trades, Unavailable) else None
    return page(
        "forex.html",
        "forex",
        settings=found["settings"]["forex"],
        revision=found["revision"],
        knobs=[knob._asdict() for knob in KNOBS],
        advice=site.ask("forex.advice"),
        blackout=site.ask("forex.blackout"),
        trades=None if problem else trades,
        problem=problem,
        token={"masked": site.forex.masked, "is_given": site.forex.is_given},
        header=HEADER,
        epoch=snapshot.epoch,
        seq=seq,
    )


def settings(site: Site) -> flask.Response:
    """GET /api/forex/settings: what an advisor is told, with units and limits."""
    found = site.ask("settings.read")
    return respond(
        {
            "settings": found["settings"]["forex"],
            "revision": found["revision"],
            "knobs": [knob._asdict() for knob in KNOBS],
            **site.ask("forex.advice"),
        }
    )


def old_settings(site: Site) -> flask.Response:
    """GET /forex_settings_json: flat, under the names that advisors of the old server read."""
    found = asdict(site.deps.settings_store.settings.forex)
    advice = site.ask("forex.advice")
    return respond(
        {
            **{knob.old: found[knob.name] for knob in KNOBS},
            "TimeZone": advice["time_zone"],
            "UTCOffsetMinutes": advice["utc_offset_minutes"],
            "InHours": advice["in_hours"],
            "AsOf": advice["as_of"],
        }
    )


def blackout(site: Site) -> flask.Response:
    """GET /api/forex/blackout[?symbol=EURUSD]: may a position be opened as far as news go?"""
    symbol = flask.request.args.get("symbol", "").strip()
    if symbol and not _SYMBOL.fullmatch(symbol):
        raise Refusal(422, "invalid", "symbol must be a broker's, such as EURUSD.", "symbol")
    return respond(site.ask("forex.blackout", symbol=symbol))


def trades(site: Site) -> flask.Response:
    """GET /api/forex/trades[?limit=]: {epoch, seq, forex: {total, keep, trades}}, newest first."""
    text = flask.request.args.get("limit", str(SHOWN))
    if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) or not 1 <= int(text) <= MOST:
        raise Refusal(422, "invalid", f"limit must be a whole number from 1 to {MOST}.", "limit")
    snapshot = site.deps.snapshot
    seq = snapshot.seq(TOPIC)
    found = site.ask("forex.trades", limit=int(text))
    return respond({"epoch": snapshot.epoch, "seq": seq, "forex": found})


def export(site: Site) -> flask.Response:
    """GET /api/forex/trades.csv: all that are kept, newest first; unknown is empty."""
    found = site.ask("forex.trades", PATIENCE, limit=None)
    columns = ("seq", *FIELDS, "received")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for trade in found["trades"]:
        writer.writerow(["" if trade[name] is None else trade[name] for name in columns])
    response = flask.Response(text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="forex-trades.csv"'
    return response


def take(site: Site) -> flask.Response:
    """POST /forex_trades {ticket, symbol, type, entry, sl, tp, status, time}: kept once."""
    flask.request.max_content_length = MOST_BODY
    body = read_object(FIELDS)
    trade = read_trade(body, site.deps.clock.real())
    try:
        added = site.deps.controls.do("forex.trade", trade=trade)
    except StorageError as problem:
        raise Refusal(503, "unavailable", f"Send it again: {problem}.", retry_after=5) from None
    if added == "conflict":
        raise Refusal(
            409,
            "conflict",
            "This ticket, status and time came before with other values; they stay as they were.",
        )
    return respond({"status": added}, 201 if added == "stored" else 200)


def reveal(site: Site) -> flask.Response:
    """POST /api/forex/token/reveal: the whole token, for the button that copies it."""
    _nothing()
    return respond(_token(site))


def renew(site: Site) -> flask.Response:
    """POST /api/forex/token: another token; advisors with the old one are refused from now on."""
    _nothing()
    site.forex.renew()
    return respond(_token(site), 201)


def _token(site: Site) -> dict[str, Any]:
    return {"token": site.forex.value, "masked": site.forex.masked, "header": HEADER}


def _nothing() -> None:
    if flask.request.content_length:
        read_object()
