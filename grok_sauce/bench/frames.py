"""dxLink frames as a busy options feed sends them, made from a seed."""

from __future__ import annotations

import random
from typing import Any, Final

import orjson

from grok_sauce.feeds.dxlink_messages import DxLinkSettings
from grok_sauce.feeds.dxlink_protocol import CHANNELS, DxLinkProtocol
from grok_sauce.feeds.subscriptions import CANDLE

# The field lists that the tastytrade SDK asks for, so that both sides read equal frames.
FIELDS: Final[dict[str, list[str]]] = {
    "Quote": [
        "eventSymbol",
        "eventTime",
        "sequence",
        "timeNanoPart",
        "bidTime",
        "bidExchangeCode",
        "askTime",
        "askExchangeCode",
        "bidPrice",
        "askPrice",
        "bidSize",
        "askSize",
    ],
    "Greeks": [
        "eventSymbol",
        "eventTime",
        "eventFlags",
        "index",
        "time",
        "sequence",
        "price",
        "volatility",
        "delta",
        "gamma",
        "theta",
        "rho",
        "vega",
    ],
    "Trade": [
        "eventSymbol",
        "eventTime",
        "time",
        "timeNanoPart",
        "sequence",
        "exchangeCode",
        "dayId",
        "tickDirection",
        "extendedTradingHours",
        "price",
        "change",
        "size",
        "dayVolume",
        "dayTurnover",
    ],
    "Summary": [
        "eventSymbol",
        "eventTime",
        "dayId",
        "dayClosePriceType",
        "prevDayId",
        "prevDayClosePriceType",
        "openInterest",
        "dayOpenPrice",
        "dayHighPrice",
        "dayLowPrice",
        "dayClosePrice",
        "prevDayClosePrice",
        "prevDayVolume",
    ],
}
SHARES: Final = {"Quote": 60, "Greeks": 20, "Trade": 15, "Summary": 5}  # percent of the frames
PER_FRAME: Final = 100  # events
_WHOLE: Final = {
    "eventTime": 0,
    "eventFlags": 0,
    "timeNanoPart": 0,
    "dayId": 20474,
    "prevDayId": 20473,
    "openInterest": 1200,
}
_TEXT: Final = {"tickDirection": "ZERO_UP", "extendedTradingHours": False}


def compose(frames: int, symbols: int, seed: int = 7) -> list[bytes]:
    """Frames of 100 events of one kind each, most of them on few symbols, as in a market."""
    chance = random.Random(seed)
    names = [f".SPXW26{n // 800 % 12 + 1:02d}18C{4000 + 5 * (n % 800)}" for n in range(symbols)]
    names = [f"{name}{n // 9600 or ''}" for n, name in enumerate(names)]
    chance.shuffle(names)
    kinds = chance.choices(list(SHARES), list(SHARES.values()), k=frames)
    return [_frame(kind, chance, names) for kind in kinds]


def _frame(kind: str, chance: random.Random, names: list[str]) -> bytes:
    flat: list[Any] = []
    for _ in range(PER_FRAME):
        flat.extend(_value(field, chance, names) for field in FIELDS[kind])
    return orjson.dumps({"type": "FEED_DATA", "channel": 1, "data": [kind, flat]})


def _value(field: str, chance: random.Random, names: list[str]) -> Any:
    if field == "eventSymbol":
        return names[int(len(names) * chance.random() ** 4)]
    if field in _WHOLE:
        return _WHOLE[field]
    if field in _TEXT:
        return _TEXT[field]
    if field.endswith("PriceType"):
        return "REGULAR"
    if field.endswith("xchangeCode"):
        return "C"
    if field.lower().endswith("time"):
        return 1_790_000_000_000 + chance.randrange(10**9)
    if field in ("index", "sequence"):
        return chance.randrange(10**12)
    if field in ("bidSize", "askSize", "size", "dayHighPrice") and chance.random() < 0.02:
        return "NaN"
    if field.endswith(("Size", "Volume", "Turnover")) or field == "size":
        return float(chance.randrange(1, 5000))
    if field in ("volatility", "delta", "gamma", "theta", "rho", "vega"):
        return round(chance.random(), 12)
    return round(chance.random() * 100 + 0.05, 2)


def streaming() -> DxLinkProtocol:
    """Our side of a conversation that is past its handshake."""
    protocol = DxLinkProtocol("token", DxLinkSettings())
    protocol.start(0.0)
    opened: list[dict[str, Any]] = [
        {"type": "SETUP", "channel": 0},
        {"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED"},
    ]
    for number, kinds in CHANNELS.items():
        opened.append({"type": "CHANNEL_OPENED", "channel": number})
        config: dict[str, Any] = {"type": "FEED_CONFIG", "channel": number}
        if CANDLE not in kinds:
            config["eventFields"] = FIELDS
        opened.append(config)
    for message in opened:
        protocol.feed_bytes(orjson.dumps(message), 0.0, 0.0)
    assert protocol.phase == "streaming"
    return protocol
