"""What each channel of Redis says: payloads of topics under the names other programs read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from grok_sauce.desks.redis_prices import PRICES
from grok_sauce.market.times import iso
from grok_sauce.publishers.redis_waiting import Body, Channel

PRICE_EVERY: Final = 1.0  # seconds between two messages of one symbol
LEVELS_EVERY: Final = 5.0
HEALTH_EVERY: Final = 5.0
SIGNALS: Final = 100  # signals that may wait
CANDLES: Final = 500  # closed candles that may wait: three days of one future
PRICE_LIFE: Final = 300  # seconds
LEVELS_LIFE: Final = 14_400
LATEST: Final = "gex_levels_latest"
LT_LIFE: Final = 2_700  # two bars of 15 minutes and one to come
TIMEFRAME: Final = "15m"  # of candle.close
# The answer to a refresh that was asked for over Redis; a topic of this desk alone.
REFRESHED: Final = "gex.refreshed"
SERVICE: Final = "grok-sauce"
# A signal that does not say until when it is good is good for so many market seconds.
UNDATED: Final = 60.0


def channels(
    levels_of: Sequence[str],
    strategy_enabled: Callable[[], bool | None],
    market: Callable[[], float],
) -> list[Channel]:
    """Every channel that is published; market() is market time.

    levels_of: the underlyings whose levels are told. The first has gex.levels for itself:
    programs that read it know of one; each other has gex.levels:SYMBOL.
    """

    def until(body: Body) -> float:
        end = body.get("expires_at")
        return market() + UNDATED if end is None else datetime.fromisoformat(end).timestamp()

    return [
        Channel(
            "trade.signal",
            "trade.signal",
            trade_signal,
            whole=SIGNALS,
            identity=lambda body: str(body["id"]),
            expires=until,
        ),
        Channel(
            "candle.close",
            "candle.close",
            candle,
            whole=CANDLES,
            identity=lambda body: f"{body['symbol']} {body['timeframe']} {body['timestamp']}",
        ),
        *(_prices_of(topic) for topic in ("indicator.rows", PRICES)),
        *(
            _levels_of(symbol, "" if place == 0 else f":{symbol}")
            for place, symbol in enumerate(levels_of)
        ),
        # Who asks is answered, the same again or not.
        Channel("gex.levels", REFRESHED, levels, kept=lambda body: (LATEST, LEVELS_LIFE)),
        Channel(
            "lt.levels",
            "lt.levels",
            triggers,
            every=LEVELS_EVERY,
            identity=lambda body: f"{body['contract']} {body['candle_time']}",
            kept=lambda body: (f"lt.levels:{body['symbol']}", LT_LIFE),
        ),
        Channel(
            "service.health",
            "service.health",
            lambda key, report: health(report, strategy_enabled()),
            every=HEALTH_EVERY,
        ),
    ]


def _prices_of(topic: str) -> Channel:
    return Channel(
        "price.update",
        topic,
        price,
        every=PRICE_EVERY,
        identity=lambda body: f"{body['timestamp']} {body['close']} {body['volume']}",
        kept=lambda body: (f"price.update:{body['symbol']}", PRICE_LIFE),
    )


def base_symbol(symbol: str) -> str:
    """A future's product without the slash, as other programs name it.

    >>> base_symbol("/NQ"), base_symbol("QQQ")
    ('NQ', 'QQQ')
    """
    return symbol.removeprefix("/")


def trade_signal(key: str, payload: Mapping[str, Any]) -> Body | None:
    """A signal as the strategy tells it; nothing of what is no new signal."""
    return payload if payload["webhook_type"] == "trade_signal" else None


def candle(key: str, payload: Mapping[str, Any]) -> Body | None:
    """A closed 15-minute candle; timestamp is its start."""
    if payload["timeframe"] != TIMEFRAME:
        return None
    return {
        **payload,
        "baseSymbol": base_symbol(payload["symbol"]),
        "timestamp": payload["time"],
    }


def price(key: str, row: Mapping[str, Any]) -> Body | None:
    """A row of the indicator table: today's prices, timestamp that of the newest price event.

    close is the price now, None never: a symbol without a price is not told.
    """
    if row["price"] is None:
        return None
    return {
        "symbol": key,
        "baseSymbol": base_symbol(key),
        "open": row["open"],
        "high": row["day_high"],
        "low": row["day_low"],
        "close": row["price"],
        "previousClose": row["prev_close"],
        "volume": row["volume"],
        "timestamp": row["as_of"],
        "source": row["source"],
        "bid": row["bid"],
        "ask": row["ask"],
        "price_basis": row["price_basis"],
        "status": row["status"],
    }


def levels(key: str, document: Mapping[str, Any]) -> Body | None:
    """Levels on the future's scale; symbol is the underlying whose options they come from."""
    return {"symbol": document["definition"]["symbol"], **document}


def _levels_of(symbol: str, ending: str) -> Channel:
    """The channel of one underlying's levels."""
    return Channel(
        f"gex.levels{ending}",
        "signal.levels",
        lambda key, document: levels(key, document) if key == symbol else None,
        every=LEVELS_EVERY,
        kept=lambda body: (f"{LATEST}{ending}", LEVELS_LIFE),
    )


def triggers(key: str, payload: Mapping[str, Any]) -> Body | None:
    """Liquidity triggers of the newest closed bar, L0 to L6; nothing while there are none."""
    return payload if payload["state"] == "live" and payload["levels"] is not None else None


def health(report: Mapping[str, Any], strategy_enabled: bool | None) -> Body:
    """The health report in short; connected has each source that is not switched off.

    Whoever hears it hears it from Redis: that one is connected.
    """
    states = {source["name"]: source["state"] for source in report["sources"]}
    connected = {name: state == "live" for name, state in states.items() if state != "off"}
    return {
        "status": "ok" if report["ok"] else "degraded",
        "service": SERVICE,
        "version": report["version"],
        "timestamp": iso(report["clock"]["wall_ms"] / 1000),
        "connected": {"tradingview": False, **connected, "redis": True},
        "strategy_enabled": strategy_enabled,
        "problems": report["problems"],
        "mode": report["mode"]["name"],
        "session": report["session"]["state"],
        "feed_rate": report["feed_rate"],
        "up_since": iso(report["up_since_ms"] / 1000),
    }
