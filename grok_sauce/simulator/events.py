"""Feed events of an instrument as dicts with every dxFeed field; NaN where a field is unknown."""

from __future__ import annotations

import math
from typing import Any, Final

from grok_sauce.market.sessions import day_id
from grok_sauce.simulator.paths import seeded
from grok_sauce.simulator.prices import Prices, Print
from grok_sauce.simulator.tape import Listing

Event = dict[str, Any]
_NAN: Final = math.nan
_SEQUENCE: Final = 1 << 22
_YEAR_RANGE: Final = (0.72, 1.09)  # 52-week low and high, as parts of the anchor


def head(kind: str, streamer: str) -> Event:
    """What every event starts with."""
    return {"eventType": kind, "eventSymbol": streamer, "eventTime": 0}


def index_of(time_ms: int, sequence: int = 0) -> int:
    """dxFeed's index of an indexed event."""
    return ((time_ms // 1000) << 32) | ((time_ms % 1000) << 22) | (sequence % _SEQUENCE)


def quote(listing: Listing, tick: Print) -> Event:
    """Best bid and offer around the last tick; an index has a wide composite without sizes."""
    index = listing.asset.kind == "index"
    venue = "\0" if index else "Q"
    return head("Quote", listing.streamer) | {
        "sequence": 0,
        "timeNanoPart": 0,
        "bidTime": 0,
        "bidExchangeCode": venue,
        "bidPrice": tick.plan.bids[tick.slot],
        "bidSize": tick.plan.bid_sizes[tick.slot],
        "askTime": 0,
        "askExchangeCode": venue,
        "askPrice": tick.plan.asks[tick.slot],
        "askSize": tick.plan.ask_sizes[tick.slot],
    }


def trade(kind: str, listing: Listing, tick: Print) -> Event:
    """The last print and the session's volume; kind "Trade" (regular) or "TradeETH"."""
    regular = kind == "Trade"
    prices = tick.plan.prices
    before = prices[tick.slot - 1] if tick.slot else float(tick.tape.open[tick.index])
    change = tick.price - before
    volume = tick.total(regular)
    return head(kind, listing.streamer) | {
        "time": tick.time_ms,
        "timeNanoPart": 0,
        "sequence": tick.slot,
        "exchangeCode": "\0" if listing.asset.kind == "index" else "Q",
        "price": tick.price,
        "change": round(change, 9),
        "size": tick.size,
        "dayId": tick.day,
        "dayVolume": volume,
        "dayTurnover": _turnover(tick, regular),
        "tickDirection": "UP" if change > 0 else "DOWN" if change < 0 else "ZERO",
        "extendedTradingHours": not regular,
    }


def _turnover(tick: Print, regular: bool) -> float:
    """Money traded, each bar at the mean of its high, low and close."""
    tape, inside = tick.tape, tick.tape.regular
    if math.isnan(tick.volume):
        return _NAN
    middle = (tape.high + tape.low + tape.close) / 3
    worth = middle * tape.volume
    if regular:
        return float(worth[inside.start : tick.index].sum()) + tick.price * tick.volume
    before = float(worth[: min(tick.index, inside.start)].sum())
    late = float(worth[inside.stop : tick.index].sum()) if tick.index >= inside.stop else 0.0
    return before + late + tick.price * tick.volume


def summary(listing: Listing, prices: Prices, now: float) -> Event | None:
    """The trading day under way: NaN before its open, dayClosePrice once it is over."""
    tape = prices.tape(listing, now)
    if tape is None:
        return None
    inside = tape.regular
    last = min(tape.at(now), inside.stop - 1)
    opened = high = low = close = _NAN
    if last >= inside.start:
        tick = prices.at(listing, tape, last, now)
        opened = float(tape.open[inside.start])
        high, low = tick.high, tick.low
        if last > inside.start:
            high = max(high, float(tape.high_so_far[last - 1]))
            low = min(low, float(tape.low_so_far[last - 1]))
        if last == inside.stop - 1 and now >= tape.span.closing:
            close = float(tape.close[last])
    before = prices.before(listing, tape.span.day)
    known = before is not None and before.regular.stop > before.regular.start
    return head("Summary", listing.streamer) | {
        "dayId": day_id(tape.span.day),
        "dayOpenPrice": opened,
        "dayHighPrice": high,
        "dayLowPrice": low,
        "dayClosePrice": close,
        "dayClosePriceType": "REGULAR" if math.isnan(close) else "FINAL",
        "prevDayId": day_id(before.span.day) if before else 0,
        "prevDayClosePrice": float(before.close[before.regular.stop - 1])
        if before is not None and known
        else _NAN,
        "prevDayClosePriceType": "FINAL" if known else "REGULAR",
        "prevDayVolume": float(before.total_regular[-1]) if before is not None and known else _NAN,
        "openInterest": _open_interest(listing, prices, now),
    }


def _open_interest(listing: Listing, prices: Prices, now: float) -> int:
    """Open contracts of a future as of last evening; 0 for everything else."""
    span = prices.span(listing, now)
    if listing.asset.kind != "future" or span is None or not listing.asset.volume:
        return 0
    rng = seeded(0, listing.streamer, "open interest", span.day.toordinal())
    part = listing.share_on(span.day) if listing.share_on else 1.0
    return int(listing.asset.volume * 1.6 * max(part, 0.02) * (0.97 + 0.06 * rng.random()))


def profile(listing: Listing, halted_at: float | None) -> Event:
    """Who it is and whether it trades."""
    asset = listing.asset
    return head("Profile", listing.streamer) | {
        "description": asset.name,
        "shortSaleRestriction": "INACTIVE" if asset.volume else "UNDEFINED",
        "tradingStatus": "ACTIVE" if halted_at is None else "HALTED",
        "statusReason": "" if halted_at is None else "News pending",
        "haltStartTime": 0 if halted_at is None else int(halted_at * 1000),
        "haltEndTime": 0,
        "highLimitPrice": _NAN,
        "lowLimitPrice": _NAN,
        "high52WeekPrice": round(listing.scale * _YEAR_RANGE[1], 2),
        "low52WeekPrice": round(listing.scale * _YEAR_RANGE[0], 2),
        "beta": _NAN,
        "earningsPerShare": _NAN,
        "dividendFrequency": _NAN,
        "exDividendAmount": _NAN,
        "exDividendDayId": 0,
        "shares": _NAN,
        "freeFloat": _NAN,
    }


def candle(symbol: str, row: tuple[int, int, float, float, float, float, float]) -> Event:
    """The live bar of a candle symbol as an update (flags 0)."""
    time_ms, count, opened, high, low, close, volume = row
    return head("Candle", symbol) | {
        "eventFlags": 0,
        "index": index_of(time_ms),
        "time": time_ms,
        "sequence": 0,
        "count": count,
        "open": opened,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "vwap": _NAN,
        "bidVolume": _NAN,
        "askVolume": _NAN,
        "impVolatility": _NAN,
        "openInterest": 0,
    }
