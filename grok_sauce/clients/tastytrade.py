"""tastytrade's REST service: tokens, instruments, futures months, option chains. Reads only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson

from grok_sauce.clients.tastytrade_errors import RETIRED_LOGIN
from grok_sauce.clients.tastytrade_futures import (
    NEW_YORK,
    FutureRecord,
    front_month,
    number,
    read_future,
)
from grok_sauce.clients.tastytrade_tokens import (
    AccessToken,
    QuoteToken,
    TastytradeSettings,
    Throttle,
    Tokens,
)
from grok_sauce.errors import BadPayload
from grok_sauce.http import Http, HttpStatus
from grok_sauce.market.instruments import HINTS, Instrument, Kind, provisional
from grok_sauce.market.listing import ListedChain, read_nested
from grok_sauce.runtime.clock import Clock

__all__ = [
    "RETIRED_LOGIN",
    "AccessToken",
    "FutureRecord",
    "QuoteToken",
    "Tastytrade",
    "TastytradeSettings",
    "front_month",
]

log = logging.getLogger(__name__)

NEW_CHAIN_HOUR: Final = 8  # New York: new strikes and open interest are out by then
FUTURES_KEPT: Final = 600.0  # seconds for which a product's months are not asked again
# About this symbol, not about us: it does not exist or is written in a way no symbol is.
NOT_FOUND: Final = (400, 404, 422)
MOST_AT_ONCE: Final = 100  # symbols in one list request


class Tastytrade:
    """One customer's view of the service. Thread-safe.

    Every method may raise SourceRefused (the user must act) or SourceError (time may help).
    """

    def __init__(
        self,
        settings: TastytradeSettings,
        http: Http,
        clock: Clock,
        store_dir: Path | None,
        throttle: Throttle | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._tokens = Tokens(settings, http, clock, store_dir, throttle)
        self._lock = threading.Lock()
        self._chains: dict[str, tuple[str, bytes]] = {}
        self._futures: dict[str, tuple[float, list[FutureRecord]]] = {}

    # ---- tokens ---------------------------------------------------------------------

    def access_token(self) -> AccessToken:
        """A token for REST calls with more than 60 s left."""
        return self._tokens.access_token()

    def quote_token(self) -> QuoteToken:
        """A token for dxLink with more than 5 min left."""
        return self._tokens.quote_token()

    def renew_quote_token(self) -> QuoteToken:
        """A new token for dxLink, whatever is cached."""
        return self._tokens.renew_quote_token()

    # ---- instruments ----------------------------------------------------------------

    def equity(self, symbol: str) -> Instrument | None:
        """A share, ETF or index; None when the broker does not know it."""
        item = self._data(f"/instruments/equities/{quote(symbol, safe='')}")
        return None if item is None else read_equity(item, symbol)

    def equities(self, symbols: Sequence[str]) -> dict[str, Instrument]:
        """Those of the symbols that the broker knows, asked for in as few requests as it takes."""
        found: dict[str, Instrument] = {}
        for start in range(0, len(symbols), MOST_AT_ONCE):
            some = list(symbols[start : start + MOST_AT_ONCE])
            data = self._data(
                "/instruments/equities", {"symbol[]": some, "per-page": len(some), "page-offset": 0}
            )
            for item in _items(data):
                symbol = item.get("symbol")
                if isinstance(symbol, str) and symbol in some:
                    instrument = read_equity(item, symbol)
                    if instrument is not None:
                        found[symbol] = instrument
        return found

    def search(self, prefix: str) -> list[Instrument]:
        """Symbols that begin so, as the broker orders them; [] for none."""
        text = prefix.strip()
        if not text:
            return []
        data = self._data(f"/symbols/search/{quote(text, safe='')}")
        results = []
        for item in _items(data):
            symbol = item.get("symbol")
            if not isinstance(symbol, str) or not symbol:
                continue
            known = provisional(symbol)
            name, options = item.get("description"), item.get("options")
            results.append(
                Instrument(
                    symbol,
                    symbol,
                    known.kind,
                    name if isinstance(name, str) else known.name,
                    has_options=options if isinstance(options, bool) else None,
                    problem=known.problem,
                    hint=known.hint,
                )
            )
        return results

    def futures(self, product: str) -> list[FutureRecord]:
        """The listed months of a product ("ES"), nearest first; [] when there is no such."""
        code = product.strip("/").upper()
        now = self._clock.monotonic()
        with self._lock:
            kept = self._futures.get(code)
        if kept is not None and now - kept[0] < FUTURES_KEPT:
            return list(kept[1])
        data = self._data("/instruments/futures", {"product-code[]": [code]})
        records = [record for item in _items(data) if (record := read_future(item)) is not None]
        records = [record for record in records if record.product in ("", code)]
        records.sort(key=lambda record: (record.expires_at or float("inf"), record.symbol))
        with self._lock:
            self._futures[code] = (now, records)
        return list(records)

    def resolve(self, user_symbol: str, now: float) -> Instrument:
        """What a user's symbol stands for at market time `now`; a problem is told in it.

        A future's root ("/ES") becomes its front month. user_symbol is normalised already.
        """
        if user_symbol.startswith("/"):
            return self._resolve_future(user_symbol, now)
        if user_symbol in HINTS:
            return provisional(user_symbol)
        return self.equity(user_symbol) or _unknown(user_symbol)

    def resolve_all(self, user_symbols: Sequence[str], now: float) -> dict[str, Instrument]:
        """resolve() for many: all shares in one request, each future's root in one."""
        shares = [
            symbol for symbol in user_symbols if not symbol.startswith("/") and symbol not in HINTS
        ]
        known = self.equities(shares) if shares else {}
        return {
            symbol: (known.get(symbol) or _unknown(symbol))
            if symbol in shares
            else self.resolve(symbol, now)
            for symbol in user_symbols
        }

    def _resolve_future(self, user_symbol: str, now: float) -> Instrument:
        root = user_symbol[1:]
        records = self.futures(root)
        record = front_month(records, now)
        if record is None:
            return _unknown(user_symbol)
        known = provisional(user_symbol)
        return Instrument(
            user_symbol,
            record.streamer,
            "future",
            record.name or known.name,
            record.tick or known.tick,
            record.multiplier or known.multiplier,
            known.has_options,
            root,
            record.symbol,
        )

    # ---- option chains --------------------------------------------------------------

    def chain(self, underlying: str) -> dict[str, Any]:
        """The nested chain of an underlying as the broker sends it (its `data` member).

        Shares and indices: {"items": [{"root-symbol", "expirations": [...]}]}; a future's
        root ("/ES"): {"futures": [...], "option-chains": [...]}. Asked once a day: again
        after 08:00 New York and when the date changes. {"items": []} when there is none.
        """
        day = chain_day(self._clock.market())
        with self._lock:
            kept = self._chains.get(underlying)
        if kept is None or kept[0] != day:
            kept = (day, self.chain_body(underlying))
        # Bytes are kept, not objects: a tenth of the memory, and every caller gets its own.
        data = _data_of(_loads(kept[1]))
        if not isinstance(data, dict):
            raise BadPayload(f"tastytrade: the option chain of {underlying} is no object")
        with self._lock:
            self._chains[underlying] = kept
        return data

    def chain_body(self, underlying: str) -> bytes:
        """The same as the broker's answer, asked for now and not kept: read it with read_chain."""
        if underlying.startswith("/"):
            path = f"/futures-option-chains/{quote(underlying[1:], safe='')}/nested"
        else:
            path = f"/option-chains/{quote(underlying, safe='')}/nested"
        try:
            return self._tokens.get(path, what=f"option chain of {underlying}").body
        except HttpStatus as problem:
            if problem.status not in NOT_FOUND:
                raise
            return b'{"data":{"items":[]}}'

    # ---- requests -------------------------------------------------------------------

    def _data(self, path: str, params: dict[str, Any] | None = None) -> Any:
        """The `data` member of an answer; None where the thing asked for does not exist."""
        try:
            answer = self._tokens.get(path, params, what="instrument")
        except HttpStatus as problem:
            if problem.status in NOT_FOUND:
                return None
            raise
        return _data_of(_loads(answer.body))


def read_chain(symbol: str, body: bytes) -> ListedChain:
    """All options in an answer of chain_body; takes tens of ms for a large index, no network."""
    return read_nested(symbol, _data_of(_loads(body)))


def chain_day(now: float) -> str:
    """Names the span in which one chain is good: changes at 00:00 and 08:00 New York.

    >>> chain_day(1797449527.0), chain_day(1797425000.0)
    ('2026-12-16 day', '2026-12-16 night')
    """
    local = datetime.fromtimestamp(now, NEW_YORK)
    return f"{local:%Y-%m-%d} {'day' if local.hour >= NEW_CHAIN_HOUR else 'night'}"


def read_equity(item: Any, symbol: str) -> Instrument | None:
    """One record of /instruments/equities as the instrument of a user's symbol.

    None when it is no record. Options: True where it lists option ticks, else not known.
    """
    if not isinstance(item, dict) or not isinstance(item.get("symbol"), str):
        return None
    kind: Kind = "equity"
    if item.get("is-index") is True:
        kind = "index"
    elif item.get("is-etf") is True:
        kind = "etf"
    streamer, name = item.get("streamer-symbol"), item.get("description")
    return Instrument(
        symbol,
        streamer if isinstance(streamer, str) and streamer else symbol,
        kind,
        name if isinstance(name, str) else "",
        _tick(item.get("tick-sizes")),
        has_options=True if item.get("option-tick-sizes") else None,
    )


def _tick(sizes: Any) -> float | None:
    """The tick above all thresholds: the entry that has none, else that of the highest."""
    if not isinstance(sizes, list):
        return None
    entries = [size for size in sizes if isinstance(size, dict)]
    for size in entries:
        if size.get("threshold") is None:
            return number(size.get("value"))
    if not entries:
        return None
    return number(max(entries, key=lambda size: number(size["threshold"]) or 0.0).get("value"))


def _unknown(symbol: str) -> Instrument:
    kind: Kind = "future" if symbol.startswith("/") else "unknown"
    product = symbol[1:] if kind == "future" else None
    return Instrument(symbol, symbol, kind, product=product, problem="unknown_symbol")


def _loads(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadPayload("tastytrade: an answer that is no JSON") from None


def _data_of(body: Any) -> Any:
    if not isinstance(body, dict) or "data" not in body:
        raise BadPayload("tastytrade: an answer without data")
    return body["data"]


def _items(data: Any) -> list[dict[str, Any]]:
    if data is None:
        return []
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        raise BadPayload("tastytrade: an answer without a list of items")
    return [item for item in data["items"] if isinstance(item, dict)]
