"""NewsAPI of the embedded market: key, quota, a day's delay, withdrawn articles, refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from grok_sauce.market.sessions import new_york_date
from grok_sauce.simulator import stories
from grok_sauce.simulator.http1 import Request, Response, html_response, json_response
from grok_sauce.simulator.services import Route, Services
from grok_sauce.simulator.tokens import DEMO

DELAY: Final = 24 * 3600.0  # seconds the free plan is behind
REACH: Final = 30  # days a search goes back
SHOWN: Final = 100  # results of the free plan
_KEY: Final = {
    "key": ("apiKeyInvalid", "Your API key is invalid or incorrect. Check your key."),
    "disabled": ("apiKeyDisabled", "Your API key has been disabled."),
}


def key(services: Services, request: Request) -> Response | None:
    """The key, in any of the three ways; "demo" is the good one."""
    trouble = services.faults.text("newsapi")
    if trouble in _KEY:
        return _error(401, *_KEY[trouble])
    scheme, _, token = request.headers.get("authorization", "").rpartition(" ")
    given = request.headers.get("x-api-key") or token or "".join(request.values("apiKey")[:1])
    if not given:
        return _error(401, "apiKeyMissing", "Your API key is missing.")
    if given != DEMO or scheme not in ("", "Bearer"):
        return _error(401, *_KEY["key"])
    return None


def everything(services: Services, request: Request) -> Response:
    """Full-text search, newest first."""
    if not any(request.values(name) for name in ("q", "sources", "domains")):
        return _error(400, "parametersMissing", "Required parameters are missing.")
    return _answer(services, request, "".join(request.values("q")[:1]))


def headlines(services: Services, request: Request) -> Response:
    """The newest of everything, with the outlet's name behind each title."""
    if not any(request.values(name) for name in ("q", "sources", "country", "category")):
        return _error(400, "parametersMissing", "Required parameters are missing.")
    return _answer(services, request, "".join(request.values("q")[:1]), suffix=True)


def _answer(services: Services, request: Request, query: str, suffix: bool = False) -> Response:
    now, trouble = services.clock.market(), services.faults.text("newsapi")
    if trouble == "quota" or not services.news_calls.take(now):
        text = "You have made too many requests recently. Developer accounts are limited to 100 "
        text += "requests over a 24 hour period (50 requests available every 12 hours)."
        return _error(429, "rateLimited", text)
    if trouble == "html":
        return html_response(200, "Down for maintenance")
    size, page = _whole(request, "pageSize", 20 if suffix else 100), _whole(request, "page", 1)
    if not 1 <= size <= 100 or page < 1 or len(query) > 500:
        return _error(400, "parameterInvalid", "A parameter has a value that is not allowed.")
    if size * page > SHOWN:
        return _error(426, "maximumResultsReached", f"Limited to a max of {SHOWN} results.")
    rows = _matches(_seed(services), now, query, suffix)
    if trouble == "nulls":
        rows = [{**row, "title": None, "description": None} for row in rows]
    elif trouble == "types":
        rows = [{**row, "publishedAt": 20261209} for row in rows]
    shown = rows[(page - 1) * size : page * size]
    return json_response(200, {"status": "ok", "totalResults": len(rows), "articles": shown})


def _matches(seed: int, now: float, query: str, suffix: bool) -> list[dict[str, Any]]:
    until, today = now - DELAY, new_york_date(now - DELAY)
    found = []
    for back in range(REACH):
        for article in reversed(stories.articles(seed, today - timedelta(days=back))):
            if article.at <= until and matches(query, article.text):
                found.append(article)
    found.sort(key=lambda article: -article.at)
    if not suffix:
        return [article.row for article in found]
    return [_suffixed(article.row) for article in found]


def _suffixed(row: dict[str, Any]) -> dict[str, Any]:
    name = row["source"]["name"]
    title = str(row["title"])
    return row if title.endswith(name) else {**row, "title": f"{title} - {name}"}


def matches(query: str, text: str) -> bool:
    """A small part of NewsAPI's search: words, "phrases", +must, -not, OR between groups.

    >>> matches("fed OR inflation", "inflation eases"), matches("fed -rates", "fed on rates")
    (True, False)
    """
    if "[removed]" in text:
        return True  # what a withdrawn article said is gone, that it matched is not
    return any(all(map(_Term(text).fits, _terms(group))) for group in query.lower().split(" or "))


class _Term:
    def __init__(self, text: str) -> None:
        self._text = text

    def fits(self, term: str) -> bool:
        if term.startswith("-"):
            return term[1:] not in self._text
        return term.removeprefix("+") in self._text


def _terms(group: str) -> list[str]:
    phrases = group.replace("(", " ").replace(")", " ").split('"')
    found = [phrase.strip() for phrase in phrases[1::2]]
    for part in phrases[::2]:
        found += [word for word in part.split() if word not in ("and", "not")]
    return [term for term in found if term]


def _whole(request: Request, name: str, default: int) -> int:
    text = "".join(request.values(name)[:1])
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else default


def _seed(services: Services) -> int:
    return int(services.about.get("seed", 42))


def _error(status: int, code: str, message: str) -> Response:
    return json_response(status, {"status": "error", "code": code, "message": message})


ROUTES: Final = (
    Route("GET", "/v2/everything", everything, key),
    Route("GET", "/v2/top-headlines", headlines, key),
)
