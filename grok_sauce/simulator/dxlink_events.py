"""How dxLink writes events: field lists, special values, COMPACT and FULL, frames that fit."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

# One official SDK closes with 1009 at 65,536 bytes; stay clear of it.
FRAME_LIMIT: Final = 60_000

_COMMON: Final = ("eventSymbol", "eventTime")
_INDEXED: Final = (*_COMMON, "eventFlags", "index", "time", "sequence")
_TRADE: Final = (
    *_COMMON,
    *("time", "timeNanoPart", "sequence", "exchangeCode", "price", "change", "size", "dayId"),
    *("dayVolume", "dayTurnover", "tickDirection", "extendedTradingHours"),
)

# What a client gets that names no fields. Keys are the event types that are served.
EVENT_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "Quote": (
        *_COMMON,
        *("sequence", "timeNanoPart", "bidTime", "bidExchangeCode", "bidPrice", "bidSize"),
        *("askTime", "askExchangeCode", "askPrice", "askSize"),
    ),
    "Trade": _TRADE,
    "TradeETH": _TRADE,
    "Summary": (
        *_COMMON,
        *("dayId", "dayOpenPrice", "dayHighPrice", "dayLowPrice", "dayClosePrice"),
        *("dayClosePriceType", "prevDayId", "prevDayClosePrice", "prevDayClosePriceType"),
        *("prevDayVolume", "openInterest"),
    ),
    "Profile": (
        *_COMMON,
        *("description", "shortSaleRestriction", "tradingStatus", "statusReason"),
        *("haltStartTime", "haltEndTime", "highLimitPrice", "lowLimitPrice", "high52WeekPrice"),
        *("low52WeekPrice", "beta", "earningsPerShare", "dividendFrequency", "exDividendAmount"),
        *("exDividendDayId", "shares", "freeFloat"),
    ),
    "Greeks": (*_INDEXED, "price", "volatility", "delta", "gamma", "theta", "rho", "vega"),
    "Candle": (
        *_INDEXED,
        *("count", "open", "high", "low", "close", "volume", "vwap", "bidVolume", "askVolume"),
        *("impVolatility", "openInterest"),
    ),
    "TimeAndSale": (
        *_INDEXED,
        *("timeNanoPart", "exchangeCode", "price", "size", "bidPrice", "askPrice"),
        *("exchangeSaleConditions", "tradeThroughExempt", "aggressorSide", "spreadLeg"),
        *("extendedTradingHours", "validTick", "type"),
    ),
    "Underlying": (
        *_INDEXED,
        *("volatility", "frontVolatility", "backVolatility", "callVolume", "putVolume"),
        *("optionVolume", "putCallRatio"),
    ),
    "TheoPrice": (
        *_INDEXED,
        *("price", "underlyingPrice", "delta", "gamma", "dividend", "interest"),
    ),
}

# Known to dxFeed but not behind this market's token: subscribed without an answer.
SILENT_TYPES: Final = frozenset(
    {"Series", "Order", "SpreadOrder", "AnalyticOrder", "OtcMarketsOrder", "OptionSale"}
    | {"Configuration", "Message", "DailyCandle", "TradeHistory"}
)

# Times and identities: unknown is 0, never "NaN" (clients read them as integers).
_WHOLE: Final = frozenset(
    {"eventTime", "eventFlags", "index", "time", "sequence", "timeNanoPart", "bidTime", "askTime"}
    | {"count", "openInterest", "dayId", "prevDayId", "exDividendDayId"}
    | {"haltStartTime", "haltEndTime", "optionVolume"}
)


def wire(value: Any) -> Any:
    """A value as JSON can carry it: unknown numbers are the string "NaN".

    >>> wire(float("nan")), wire(None), wire(float("-inf")), wire(2.5)
    ('NaN', 'NaN', '-Infinity', 2.5)
    """
    if value is None:
        return "NaN"
    if isinstance(value, float):
        if value != value:
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return float(value)
    if isinstance(value, (bool, int, str)):
        return value
    return wire(value.item())  # a numpy scalar


def whole(value: Any) -> int:
    """A time, identity or count; 0 when it is not known."""
    if value is None or isinstance(value, str) or value != value:
        return 0
    return int(value)


def complete(kind: str, symbol: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with type, symbol and every whole number in place, values as on the wire."""
    full = {name: wire(value) for name, value in event.items()}
    full["eventType"], full["eventSymbol"] = kind, symbol
    if kind == "Underlying" and "optionVolume" not in full:
        full["optionVolume"] = whole(event.get("callVolume")) + whole(event.get("putVolume"))
    if kind == "Candle":
        full.setdefault("VWAP", full.get("vwap", "NaN"))
    for name in EVENT_FIELDS[kind]:
        if name in _WHOLE:
            full[name] = whole(event.get(name, full.get(name)))
    return full


def blanked(event: dict[str, Any]) -> dict[str, Any]:
    """The event of complete() with "NaN" for each price and size (a fault)."""
    return {
        name: "NaN"
        if isinstance(value, (int, float)) and name not in _WHOLE and not isinstance(value, bool)
        else value
        for name, value in event.items()
    }


def compact(fields: Sequence[str], event: Mapping[str, Any]) -> str:
    """One event as the inside of a COMPACT run: values in exactly this order.

    >>> compact(["eventSymbol", "price", "buyer"], {"eventSymbol": "SPY", "price": 597.5})
    '"SPY",597.5,"NaN"'
    """
    get = event.get
    return json.dumps([get(name, "NaN") for name in fields], separators=(",", ":"))[1:-1]


def full(fields: Sequence[str], event: Mapping[str, Any]) -> str:
    """One event as a FULL object; eventType and eventSymbol are always in it."""
    get = event.get
    names = dict.fromkeys(("eventType", "eventSymbol", *fields))
    return json.dumps({name: get(name, "NaN") for name in names}, separators=(",", ":"))


def frames(channel: int, kind: str | None, pieces: Iterable[str]) -> list[str]:
    """FEED_DATA texts, each below FRAME_LIMIT bytes, holding the pieces in order.

    kind is the type name of a COMPACT run; None for FULL objects.

    >>> frames(1, "Trade", ['"SPY",1.5', '"QQQ",2.5'])
    ['{"type":"FEED_DATA","channel":1,"data":["Trade",["SPY",1.5,"QQQ",2.5]]}']
    """
    head = f'{{"type":"FEED_DATA","channel":{channel},"data":['
    tail = "]}"
    if kind is not None:
        head, tail = f'{head}"{kind}",[', "]]}"
    texts: list[str] = []
    held: list[str] = []
    size = len(head) + len(tail)
    for piece in pieces:
        if held and size + len(piece) + 1 > FRAME_LIMIT:
            texts.append(head + ",".join(held) + tail)
            held, size = [], len(head) + len(tail)
        held.append(piece)
        size += len(piece) + 1
    if held:
        texts.append(head + ",".join(held) + tail)
    return texts
