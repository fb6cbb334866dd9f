"""The tastytrade REST side of the embedded market: login, quote token, instruments, data."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs

from grok_sauce.simulator.http1 import Request, Response, html_response, json_response
from grok_sauce.simulator.services import Route, Services
from grok_sauce.simulator.tokens import DEMO

_PRODUCT_NAME: Final = re.compile(r"[^\s/]+/[^\s/]+")  # User-Agent: product/version
_FUTURE: Final = re.compile(r"/?([A-Z0-9]+?)[FGHJKMNQUVXZ]\d{1,2}")
_PRODUCTS: Final = ("ES", "MES", "NQ", "MNQ", "RTY", "M2K", "YM", "MYM", "VX", "CL", "GC", "ZN")
_BY_TYPE_LIMIT: Final = 100  # symbols over all types together
_PAGE: Final = 1000

# by-type query keys, and the names the single look-up uses
_KINDS: Final = {
    "index": "index",
    "equity": "equity",
    "equity-option": "equity-option",
    "equity option": "equity-option",
    "future": "future",
    "future-option": "future-option",
    "future option": "future-option",
    "cryptocurrency": "cryptocurrency",
}


# --- guards ------------------------------------------------------------------------------


def agent(services: Services, request: Request) -> Response | None:
    """The proxy in front: a User-Agent that is not product/version never gets further."""
    words = request.headers.get("user-agent", "").split(" ")
    if _PRODUCT_NAME.fullmatch(words[0]):
        return None
    return html_response(401, "401 Authorization Required")


def bearer(services: Services, request: Request) -> Response | None:
    """A living access token behind the word Bearer."""
    refusal = agent(services, request)
    if refusal is not None:
        return refusal
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer":
        return error(401, "unauthorized", "This endpoint requires an access token")
    if not services.tokens.access_is_good(token.strip()):
        return error(401, "token_invalid", "This token is invalid or has expired")
    return None


# --- envelopes ---------------------------------------------------------------------------


def error(status: int, code: str, text: str) -> Response:
    """The envelope of everything but /oauth/token."""
    return json_response(status, {"error": {"code": code, "message": text}})


def data(request: Request, value: Any, **more: Any) -> Response:
    """A good answer: data, its context, and what else belongs to it."""
    return json_response(200, {"data": value, "context": request.path, **more})


def _items(request: Request, items: list[dict[str, Any]]) -> Response:
    """A page of a list; page-offset counts pages from 0."""
    size, page = _whole(request, "per-page", _PAGE), _whole(request, "page-offset", 0)
    size = min(max(size, 1), _PAGE)
    shown = items[page * size : (page + 1) * size]
    pagination = {
        "per-page": size,
        "page-offset": page,
        "item-offset": page * size,
        "total-items": len(items),
        "total-pages": max(1, -(-len(items) // size)),
        "current-item-count": len(shown),
        "previous-link": None,
        "next-link": None,
        "paging-link-template": None,
    }
    return data(request, {"items": shown}, pagination=pagination)


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query.get(name, [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _missing(what: str, symbol: str) -> Response:
    return error(404, "record_not_found", f"Couldn't find {what} with symbol {symbol}")


# --- login -------------------------------------------------------------------------------


def _grant_error(code: str, text: str) -> Response:
    return json_response(400, {"error_code": code, "error_description": text})


def oauth_token(services: Services, request: Request) -> Response:
    """Exchange the refresh token; JSON and form bodies, and an envelope of its own."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            fields = {k: v[0] for k, v in parse_qs(request.body.decode()).items()}
        else:
            fields = json.loads(request.body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return _grant_error("invalid_request", "Malformed body")
    if fields.get("grant_type") != "refresh_token":
        return _grant_error("unsupported_grant_type", "Only refresh_token is served")
    if fields.get("client_secret") != DEMO:
        return _grant_error("invalid_grant", "Client secret mismatch")
    if fields.get("refresh_token") != DEMO:
        return _grant_error("invalid_grant", "Grant revoked")
    answer = {
        "access_token": services.tokens.new_access(),
        "token_type": "Bearer",
        "expires_in": max(1, int(services.tokens.access_life)),
    }
    return json_response(200, answer)


def api_quote_tokens(services: Services, request: Request) -> Response:
    """A streamer token, the address it is for, and whether it is real time."""
    answer = {
        "token": services.tokens.new_streamer(),
        "dxlink-url": services.dxlink_url,
        "level": services.level,
    }
    return data(request, answer)


# --- instruments -------------------------------------------------------------------------


def equity(services: Services, request: Request) -> Response:
    """One share, fund or index."""
    symbol = request.params["symbol"]
    found = services.desk.ask("equity", symbol)
    return _missing("Equity", symbol) if found is None else data(request, found)


def equities(services: Services, request: Request) -> Response:
    """Those asked for, the unknown left out; all of them when none is named."""
    symbols = request.values("symbol")
    if not symbols:
        return _items(request, services.desk.ask("equities", ""))
    found = [services.desk.ask("equity", symbol) for symbol in dict.fromkeys(symbols)]
    return _items(request, [item for item in found if item is not None])


def _future_symbols(services: Services, symbols: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for symbol in symbols:
        shape = _FUTURE.fullmatch(symbol.upper())
        months = services.desk.ask("futures", shape[1]) if shape else []
        wanted = "/" + symbol.upper().lstrip("/")
        found += [month for month in months if month.get("symbol") == wanted]
    return found


def futures(services: Services, request: Request) -> Response:
    """The months of the products asked for, single contracts, or everything."""
    products, symbols = request.values("product-code"), request.values("symbol")
    if not products and not symbols:
        products = list(_PRODUCTS)
    found = _future_symbols(services, symbols)
    for product in dict.fromkeys(products):
        found += services.desk.ask("futures", product.lstrip("/").upper())
    return _items(request, list({item["symbol"]: item for item in found}.values()))


def future(services: Services, request: Request) -> Response:
    """One contract."""
    symbol = request.params["symbol"]
    found = _future_symbols(services, [symbol])
    return data(request, found[0]) if found else _missing("Future", symbol)


def option_chain(services: Services, request: Request) -> Response:
    """The nested chain: one entry a root, expirations, strikes with streamer symbols."""
    symbol = request.params["symbol"]
    found = services.desk.ask("chain", symbol)
    if found is None:
        return _missing("Option chain", symbol)
    return data(request, found if "items" in found else {"items": [found]})


def no_futures_chain(services: Services, request: Request) -> Response:
    """This market lists no options on futures."""
    return _missing("Futures option chain", request.params["product"])


def search(services: Services, request: Request) -> Response:
    """Symbols that begin with what was typed."""
    found = services.desk.ask("equities", request.params["prefix"].upper())
    wanted = ("symbol", "description", "listed-market", "instrument-type", "is-index")
    items = [{name: item[name] for name in wanted if name in item} for item in found]
    return data(request, {"items": items})


# --- market data -------------------------------------------------------------------------


def by_type(services: Services, request: Request) -> Response:
    """Snapshots of up to 100 symbols; the unknown are left out."""
    asked = [
        (kind, symbol)
        for key, kind in _KINDS.items()
        if " " not in key
        for text in request.values(key)
        for symbol in text.split(",")
        if symbol
    ]
    if not asked:
        return error(400, "validation_error", "Name at least one symbol")
    if len(asked) > _BY_TYPE_LIMIT:
        text = f"At most {_BY_TYPE_LIMIT} symbols over all types"
        return error(422, "validation_error", text)
    found = [services.desk.ask("market_data", kind, symbol) for kind, symbol in asked]
    return data(request, {"items": [item for item in found if item is not None]})


def market_data(services: Services, request: Request) -> Response:
    """The snapshot of one symbol."""
    kind = _KINDS.get(request.params["kind"].lower())
    symbol = request.params["symbol"]
    found = services.desk.ask("market_data", kind, symbol) if kind else None
    return _missing("Market data", symbol) if found is None else data(request, found)


def market_metrics(services: Services, request: Request) -> Response:
    """Implied volatility index where the market has one; nothing is invented."""
    symbols = [s for text in request.values("symbols") for s in text.split(",") if s]
    if not symbols:
        return error(400, "validation_error", "symbols is missing")
    now = datetime.fromtimestamp(services.desk.now(), UTC).isoformat(timespec="milliseconds")
    items: list[dict[str, Any]] = []
    for symbol in symbols:
        found = services.desk.ask("equity", symbol)
        if found is None:
            continue
        item = {"symbol": symbol, "updated-at": now.replace("+00:00", "Z")}
        (event,) = services.desk.events("Underlying", [found.get("streamer-symbol", symbol)])
        volatility = (event or {}).get("volatility")
        if isinstance(volatility, float) and volatility == volatility:
            item["implied-volatility-index"] = f"{volatility:.9f}"
        items.append(item)
    return data(request, {"items": items})


def session(services: Services, request: Request) -> Response:
    """The trading session of shares, as the market's own calendar has it."""
    return data(request, services.desk.ask("session"))


ROUTES: Final = (
    Route("POST", "/oauth/token", oauth_token, agent),
    Route("GET", "/api-quote-tokens", api_quote_tokens, bearer),
    Route("GET", "/instruments/equities", equities, bearer),
    Route("GET", "/instruments/equities/{symbol}", equity, bearer),
    Route("GET", "/instruments/futures", futures, bearer),
    Route("GET", "/instruments/futures/{symbol}", future, bearer),
    Route("GET", "/option-chains/{symbol}/nested", option_chain, bearer),
    Route("GET", "/futures-option-chains/{product}", no_futures_chain, bearer),
    Route("GET", "/futures-option-chains/{product}/nested", no_futures_chain, bearer),
    Route("GET", "/symbols/search/{prefix}", search, bearer),
    Route("GET", "/market-data/by-type", by_type, bearer),
    Route("GET", "/market-data/{kind}/{symbol}", market_data, bearer),
    Route("GET", "/market-metrics", market_metrics, bearer),
    Route("GET", "/market-time/equities/sessions/current", session, bearer),
)
