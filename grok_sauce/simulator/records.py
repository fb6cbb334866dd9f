"""Broker records of the simulated market: instruments, snapshots, the session, kebab-case."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

from grok_sauce.errors import BadPayload
from grok_sauce.market import sessions
from grok_sauce.market.instruments import FutureContract, parse_occ
from grok_sauce.market.products import PRODUCTS
from grok_sauce.simulator.catalogue import ASSETS, Asset
from grok_sauce.simulator.chains import BOOKS, Book
from grok_sauce.simulator.events import Event

_STATES = {"pre": "Pre-market", "open": "Open", "after": "Extended", "closed": "Closed"}


def equity(asset: Asset, listed: Book | None = None) -> dict[str, Any]:
    """One share, ETF or index as /instruments/equities shows it; listed are its options."""
    book = listed or BOOKS.get(asset.symbol)
    return {
        "id": 1000 + list(ASSETS).index(asset.symbol) if asset.symbol in ASSETS else 999,
        "symbol": asset.symbol,
        "instrument-type": "Equity",
        "description": asset.name,
        "short-description": asset.name[:20],
        "listed-market": asset.market,
        "cusip": None,
        "is-index": asset.kind == "index",
        "is-etf": asset.kind == "etf",
        "is-illiquid": False,
        "is-closing-only": False,
        "is-options-closing-only": False,
        "active": True,
        "lendability": "Easy To Borrow" if asset.volume else None,
        "borrow-rate": "0.0",
        "market-time-instrument-collection": "Index" if asset.kind == "index" else "Equity",
        "overnight-trading-permitted": False,
        "streamer-symbol": asset.symbol,
        "tick-sizes": [{"value": f"{asset.tick}"}],
        "option-tick-sizes": [
            {"threshold": "3.0", "value": f"{book.ticks[0]}"},
            {"value": f"{book.ticks[1]}"},
        ]
        if book is not None
        else [],
    }


def search(text: str, assets: dict[str, Asset]) -> list[dict[str, Any]]:
    """Records whose symbol starts with the text, then those with it in a word of their name."""
    wanted = text.strip().upper()
    if not wanted:
        return []
    by_symbol = [asset for asset in assets.values() if asset.symbol.startswith(wanted)]
    by_name = [
        asset
        for asset in assets.values()
        if asset not in by_symbol
        and len(wanted) > 1
        and any(word.startswith(wanted) for word in asset.name.upper().split())
    ]
    by_symbol.sort(key=lambda asset: (len(asset.symbol), asset.symbol))
    return [equity(asset) for asset in by_symbol + by_name]


def snapshot(kind: str, symbol: str, now: float, events: dict[str, Event | None]) -> dict[str, Any]:
    """One item of /market-data/by-type from the events of a symbol.

    What is unknown is left out, as is an index's volume. Numbers are strings.
    """
    quote, summary = events.get("Quote") or {}, events.get("Summary") or {}
    trade, late = events.get("Trade") or {}, events.get("TradeETH") or {}
    bid, ask = quote.get("bidPrice", math.nan), quote.get("askPrice", math.nan)
    day, before = summary.get("dayId"), summary.get("prevDayId")
    closed = _known(summary.get("dayClosePrice", math.nan))
    numbers = {
        "bid": bid,
        "bid-size": quote.get("bidSize"),
        "ask": ask,
        "ask-size": quote.get("askSize"),
        "mid": (bid + ask) / 2,
        "mark": (bid + ask) / 2,
        "last": trade.get("price"),
        "last-mkt": trade.get("price"),
        "last-ext": late.get("price"),
        "open": summary.get("dayOpenPrice"),
        "day-high-price": summary.get("dayHighPrice"),
        "day-low-price": summary.get("dayLowPrice"),
        "close": summary.get("dayClosePrice"),
        "prev-close": summary.get("prevDayClosePrice"),
        "volume": trade.get("dayVolume") if trade.get("dayId") == day else None,
        "open-interest": summary.get("openInterest") if "option" in kind else None,
    }
    item: dict[str, Any] = {
        "symbol": symbol,
        "instrument-type": {
            "index": "Index", "equity": "Equity", "future": "Future",
            "equity-option": "Equity Option",
        }.get(kind, "Equity"),
        "updated-at": iso(now),
        "is-trading-halted": (events.get("Profile") or {}).get("tradingStatus") == "HALTED",
        "halt-start-time": -1,
        "halt-end-time": -1,
    }  # fmt: skip
    item |= {name: f"{number}" for name, number in numbers.items() if _known(number)}
    if day:
        item |= {
            "summary-date": sessions.day_of(day).isoformat(),
            "close-price-type": "Final" if closed else "Unknown",
        }
    if before:
        item |= {
            "prev-close-date": sessions.day_of(before).isoformat(),
            "prev-close-price-type": "Final",
        }
    return item


def streamer_of(kind: str, symbol: str, today: date) -> str:
    """The feed's spelling of a broker's symbol; a symbol that is none comes back as it is."""
    try:
        if "option" in kind and not symbol.startswith("."):
            return parse_occ(symbol).streamer
        if kind == "future" and ":" not in symbol:
            contract = FutureContract.parse(symbol, today)
            exchange = PRODUCTS[contract.product].exchange
            return FutureContract(
                contract.product, contract.month, contract.year, exchange
            ).streamer
    except (BadPayload, KeyError):
        pass
    return symbol


def _known(number: Any) -> bool:
    return number is not None and not math.isnan(number)


def session(now: float) -> dict[str, Any]:
    """/market-time/equities/sessions/current, times in UTC."""
    phase = sessions.phase("equity", now)
    today = sessions.new_york_date(now)
    day = today if sessions.is_session(today) else sessions.next_session(today)
    return (
        {"state": _STATES[phase.state], "instrument-collection": "Equity"}
        | _times(day)
        | {
            "next-session": _times(sessions.next_session(day)),
            "previous-session": _times(sessions.previous_session(day)),
        }
    )


def _times(day: date) -> dict[str, Any]:
    opening, close = sessions.regular(day)
    start, end = sessions.extended(day)
    return {
        "session-date": day.isoformat(),
        "start-at": iso(start),
        "open-at": iso(opening),
        "close-at": iso(close),
        "close-at-ext": iso(end),
    }


def iso(now: float) -> str:
    """A Unix time as the broker writes it."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
