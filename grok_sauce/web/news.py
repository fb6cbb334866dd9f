"""The news page, headlines and economy as JSON, and the search that asks NewsAPI."""

from __future__ import annotations

import math
from typing import Any, Final

import flask

from grok_sauce.web.bodies import read_object
from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, page, respond

TOPIC: Final = "news.headline"
ECONOMY: Final = "fred.release"
SENTIMENT: Final = "sentiment.index"
LONGEST: Final = 500  # characters of a search


def show(site: Site) -> flask.Response:
    """GET /news."""
    seq, found = site.deps.snapshot.read(TOPIC)
    return page(
        "news.html",
        "news",
        news=found.get(""),
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
    if answer["news"] is not None and words.split():
        rows = [row for row in answer["news"]["headlines"] if _has(row, words.casefold().split())]
        answer["news"] = {**answer["news"], "headlines": rows}
    return respond(answer)


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


def _has(row: dict[str, Any], words: list[str]) -> bool:
    text = " ".join((row["title"], row["publisher"] or "", *row["tickers"])).casefold()
    return all(word in text for word in words)
