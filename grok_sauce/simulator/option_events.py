"""What one option's events say: greeks, quote, last trade, newest print, the day."""

from __future__ import annotations

import math
from datetime import date
from typing import Final

from grok_sauce.market.sessions import day_id
from grok_sauce.simulator.events import Event, index_of
from grok_sauce.simulator.slices import Slice

_NAN: Final = math.nan


def greeks(part: Slice, place: int) -> Event:
    """Greeks of the contract in a place, as of when it was priced."""
    time_ms = int(part.priced_at[place] * 1000)
    columns = part.columns
    return {
        "eventFlags": 0,
        "index": index_of(time_ms),
        "time": time_ms,
        "sequence": 0,
        "price": float(columns["price"][place]),
        "volatility": float(columns["vol"][place]),
        "delta": float(columns["delta"][place]),
        "gamma": float(columns["gamma"][place]),
        "theta": float(columns["theta"][place]),
        "rho": float(columns["rho"][place]),
        "vega": float(columns["vega"][place]),
    }


def quote(part: Slice, place: int) -> Event:
    """Its best bid and ask."""
    size = 1 + place * 7919 % 97
    return {
        "sequence": 0,
        "timeNanoPart": 0,
        "bidTime": 0,
        "bidExchangeCode": "C",
        "bidPrice": float(part.columns["bid"][place]),
        "bidSize": float(size),
        "askTime": 0,
        "askExchangeCode": "C",
        "askPrice": float(part.columns["ask"][place]),
        "askSize": float(1 + size * 31 % 89),
    }


def trade(part: Slice, place: int, traded: float, session: date) -> Event:
    """Its last trade, at the bid or at the ask; traded: contracts of the day so far."""
    bid, ask = float(part.columns["bid"][place]), float(part.columns["ask"][place])
    at_ask = bid == 0.0 or _draw(int(traded), place) % 7 < 4
    return {
        "time": int(part.priced_at[place] * 1000),
        "timeNanoPart": 0,
        "sequence": 0,
        "exchangeCode": "C",
        "price": ask if at_ask else bid,
        "change": _NAN,
        "size": float(1 + int(traded) % 10),
        "dayId": day_id(session),
        "dayVolume": traded,
        "dayTurnover": _NAN,
        "tickDirection": "UNDEFINED",
        "extendedTradingHours": False,
    }


def time_and_sale(part: Slice, place: int) -> Event:
    """What the newest growth of the volume was, as one trade at the bid or at the ask."""
    bid, ask = float(part.columns["bid"][place]), float(part.columns["ask"][place])
    time_ms = int(part.printed_at[place] * 1000)
    draw = _draw(time_ms, place)
    at_ask = bid == 0.0 or draw % 7 < 4
    side = "BUY" if at_ask else "SELL"
    return {
        "eventFlags": 0,
        "index": index_of(time_ms),
        "time": time_ms,
        "sequence": 0,
        "timeNanoPart": 0,
        "exchangeCode": "C",
        "price": ask if at_ask else bid,
        "size": float(part.printed[place]),
        "bidPrice": bid,
        "askPrice": ask,
        "exchangeSaleConditions": "",
        "tradeThroughExempt": "\0",
        "aggressorSide": "UNDEFINED" if draw % 11 == 0 else side,
        "spreadLeg": draw % 5 == 0,
        "extendedTradingHours": False,
        "validTick": True,
        "type": "NEW",
    }


def summary(part: Slice, place: int, session: date) -> Event:
    """The day; open interest of the evening before."""
    held = float(part.open_interest[place])  # a recording may not know it
    return {
        "dayId": day_id(session),
        "dayOpenPrice": _NAN,
        "dayHighPrice": _NAN,
        "dayLowPrice": _NAN,
        "dayClosePrice": _NAN,
        "dayClosePriceType": "REGULAR",
        "prevDayId": 0,
        "prevDayClosePrice": _NAN,
        "prevDayClosePriceType": "REGULAR",
        "prevDayVolume": _NAN,
        "openInterest": int(held) if held == held else _NAN,
    }


def _draw(number: int, place: int) -> int:
    """A number that looks like chance and is the same each time."""
    return number * 2654435761 + place
