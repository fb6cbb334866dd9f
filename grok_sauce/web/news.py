"""The news page, headlines and economy as JSON, and the search that asks NewsAPI."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Final

import flask

from grok_sauce.web.bodies import read_object
from grok_sauce.web.errors import Refusal
from grok_sauce.web.format import date as format_date
from grok_sauce.web.format import minute as format_minute
from grok_sauce.web.site import Site, page, respond

TOPIC: Final = "news.headline"
ECONOMY: Final = "fred.release"
SENTIMENT: Final = "sentiment.index"
LONGEST: Final = 500  # characters of a search
THIS_WEEK: Final = 6.5 * 86400  # seconds in which a weekday says which day


def show(site: Site) -> flask.Response:
    """GET /news[?q=]; the address also keeps what the script filters and sorts by."""
    seq, found = site.deps.snapshot.read(TOPIC)
    news = found.get("")
    words = flask.request.args.get("q", "")[:LONGEST]
    rows = [] if news is None else filtered(news["headlines"], words)
    zone = site.deps.settings_store.settings.display.time_zone
    return page(
        "news.html",
        "news",
        news=news,
        shown=[_aged(row, site.deps.clock.market(), zone) for row in rows],
        words=words,
        sentiment=site.deps.snapshot.read(SENTIMENT)[1].get(""),
        epoch=site.deps.snapshot.epoch,
        seq=seq,
    )


def headlines(site: Site) -> flask.Response:
    """GET /api/news[?q=]: {epoch, seq, news}; q filters what is loaded, nobody is asked."""
    answer = _newest(site, TOPIC, "news")
    words = flask.request.args.get("q", "")
    if len(words) > LONGEST:
        raise Refusal(422, "invalid", f"q has at most {LONGEST} characters.", "q")
    if answer["news"] is not None:
        rows = filtered(answer["news"]["headlines"], words)
        answer["news"] = {**answer["news"], "headlines": rows}
    return respond(answer)


def sentiment(site: Site) -> flask.Response:
    """GET /api/sentiment: {epoch, seq, sentiment}."""
    return respond(_newest(site, SENTIMENT, "sentiment"))


def economy(site: Site) -> flask.Response:
    """GET /api/econ: {epoch, seq, econ}."""
    return respond(_newest(site, ECONOMY, "econ"))


def search(site: Site) -> flask.Response:
    """POST /api/news/search: ask NewsAPI, one call of its quota; 429 while none is free."""
    words = read_object(("q",))["q"]
    if not isinstance(words, str):
        raise Refusal(422, "invalid", "q must be text.", "q")
    found = site.deps.controls.do("news.search", q=words)
    refused = found.pop("refused")
    if refused is not None:
        raise Refusal(
            429,
            "quota_used",
            f"{refused['message']}; the next is free at {refused['next_at']}.",
            retry_after=max(1, math.ceil(refused["wait"])),
        )
    return respond(found)


def _newest(site: Site, topic: str, name: str) -> dict[str, Any]:
    """The newest payload of a topic, None before the first, with its place in the order."""
    snapshot = site.deps.snapshot
    seq, found = snapshot.read(topic)
    return {"epoch": snapshot.epoch, "seq": seq, name: found.get("")}


def filtered(rows: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """The rows that have every word in title, publisher or symbols; all for no words."""
    words = text.casefold().split()
    return [row for row in rows if all(word in _text(row) for word in words)]


def _text(row: dict[str, Any]) -> str:
    return " ".join((row["title"], row["publisher"] or "", *row["tickers"])).casefold()


def _aged(row: dict[str, Any], now: float, zone: str) -> dict[str, Any]:
    """A row with its time and its age as the page shows them, at market time now."""
    at = datetime.fromisoformat(row["published"]).timestamp()
    weekday, _, day = format_date(at * 1000, zone).partition(" ")
    shown = weekday if now - at < THIS_WEEK else day
    when = f"{shown} {format_minute(at * 1000, zone)}"
    return {**row, "when": when, "age": span(now - at)}


def span(seconds: float) -> str:
    """How old a headline is: minutes, hours and minutes, or days and hours.

    >>> span(840), span(86_640), span(266_400)
    ('14m', '24h 04m', '3d 02h')
    """
    minutes = max(0, int(seconds // 60))
    hours, rest = divmod(minutes, 60)
    if hours >= 72:
        return f"{hours // 24}d {hours % 24:02}h"
    return f"{hours}h {rest:02}m" if hours else f"{minutes}m"
