"""Futures of the simulated market: listed months, the front one, the broker's records."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from grok_sauce.errors import BadPayload
from grok_sauce.market.instruments import FutureContract
from grok_sauce.market.products import MONTHS, PRODUCTS
from grok_sauce.market.sessions import (
    instant,
    is_session,
    previous_session,
    third_friday,
)
from grok_sauce.simulator.catalogue import FUTURES, Asset
from grok_sauce.simulator.tape import Listing
from grok_sauce.values import dataclass

RATE: Final = 0.043  # what money costs, also for options
_DAY: Final = timedelta(days=1)
_LISTED: Final = 5  # contracts a product shows
_YIELD: Final = {"SPX": 0.012, "NDX": 0.007, "RUT": 0.013, "DJI": 0.017, "ZB": 0.044, "ZN": 0.041}
_FINANCIAL: Final = frozenset({"SPX", "NDX", "RUT", "DJI"})
_CALM_VIX: Final = 19.5  # where far volatility futures settle down
_SHARES: Final = (1.0, 0.08, 0.02, 0.01, 0.005)  # of the front month's volume, by distance


@dataclass(frozen=True, slots=True)
class Month:
    """One contract: last_trade is its last day, roll the first day it is no longer in front."""

    contract: FutureContract
    last_trade: date
    roll: date


def months(product: str, today: date) -> list[Month]:
    """Listed contracts of a product that still trade, nearest first."""
    terms = PRODUCTS[product]
    found: list[Month] = []
    year, month = today.year, today.month
    while len(found) < _LISTED:
        if MONTHS[month - 1] in terms.months:
            last = last_trade(product, year, month)
            if last >= today:
                contract = FutureContract(product, month, year, terms.exchange)
                found.append(Month(contract, last, _roll(product, year, month, last)))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


def front(product: str, today: date) -> int:
    """Index in months() of the contract that is traded most: the first before its roll."""
    listed = months(product, today)
    return next(place for place, month in enumerate(listed) if today < month.roll)


def last_trade(product: str, year: int, month: int) -> date:
    """Last trading day by the exchanges' rules, in sessions of New York.

    Equity indices: the third Friday. Volatility: 30 days before the third Friday of the next
    month. Crude oil: the third session before the 25th of the month before. Metals: the
    third last session of the month. Bonds and notes: the eighth last. Bitcoin: the last Friday.
    """
    path = FUTURES[product].path
    following = date(year + month // 12, month % 12 + 1, 1)
    if path in _FINANCIAL:
        return _on_session(third_friday(year, month))
    if path == "VIX":
        return _on_session(third_friday(following.year, following.month) - timedelta(days=30))
    if path == "WTI":
        before = date(year, month, 1) - _DAY
        return previous_session(_on_session(date(before.year, before.month, 25)), 3)
    if path == "BTC":
        last = following - _DAY
        return _on_session(last - timedelta(days=(last.weekday() - 4) % 7))
    return previous_session(following, 8 if path in ("ZB", "ZN") else 3)


def _roll(product: str, year: int, month: int, last: date) -> date:
    """Equity indices: Monday of the last week; deliverable ones: before the delivery month."""
    path = FUTURES[product].path
    if path in _FINANCIAL:
        return last - timedelta(days=last.weekday())
    if path in ("VIX", "BTC"):
        return last
    if path == "WTI":
        return previous_session(last, 2)
    return previous_session(date(year, month, 1), 2)


def _on_session(day: date) -> date:
    return day if is_session(day) else previous_session(day)


def listing(streamer: str, today: date, origin: date) -> Listing | None:
    """The contract behind "/ESZ26:XCME"; None when it is not listed today.

    origin is the day the world began: what must not change with the passing of days is
    taken as of then.
    """
    try:
        wanted = FutureContract.parse(streamer, today)
    except BadPayload:
        return None
    asset = FUTURES.get(wanted.product)
    if asset is None or wanted.streamer != streamer:
        return None
    for month in months(wanted.product, today):
        if month.contract == wanted:
            return _listing(streamer, asset, month, origin)
    return None


def _listing(streamer: str, asset: Asset, month: Month, origin: date) -> Listing:
    def share(day: date) -> float:
        product = month.contract.product
        listed = [each.contract for each in months(product, day)]
        if month.contract not in listed:
            return 0.0
        away = abs(listed.index(month.contract) - front(product, day))
        return _SHARES[min(away, len(_SHARES) - 1)]

    if asset.path == "VIX":
        years = max((month.last_trade - origin).days, 0) / 365
        pull = math.exp(-5.0 * years)  # far months move less than spot
        level = _CALM_VIX * (asset.anchor / _CALM_VIX) ** pull
        return Listing(streamer, asset, level, pull, share_on=share)
    rate = RATE - _YIELD.get(asset.path, 0.0)
    return Listing(streamer, asset, asset.anchor, 1.0, month.last_trade, rate, share)


def records(product: str, today: date) -> list[dict[str, Any]]:
    """Broker records of the listed contracts (reference: instruments/futures), nearest first."""
    if product not in FUTURES:
        return []
    listed, ahead = months(product, today), front(product, today)
    return [_record(product, listed, place, ahead) for place in range(len(listed))]


def _record(product: str, listed: list[Month], place: int, ahead: int) -> dict[str, Any]:
    terms, month = PRODUCTS[product], listed[place]
    following = listed[place + 1].contract.short if place + 1 < len(listed) else None
    stops = datetime.fromtimestamp(instant(month.last_trade, 16), UTC).isoformat()
    return {
        "symbol": month.contract.short,
        "product-code": product,
        "product-group": "Simulated",
        "exchange": {"XCBF": "CFE", "XCME": "CME", "XCBT": "CME", "XNYM": "CME"}.get(
            terms.exchange, "CME"
        ),
        "streamer-exchange-code": terms.exchange,
        "streamer-symbol": month.contract.streamer,
        "active": True,
        "active-month": place == ahead,
        "next-active-month": place == ahead + 1,
        "is-closing-only": False,
        "expiration-date": month.last_trade.isoformat(),
        "last-trade-date": month.last_trade.isoformat(),
        "stops-trading-at": stops,
        "expires-at": stops,
        "contract-size": f"{float(terms.multiplier)}",
        "notional-multiplier": f"{float(terms.multiplier)}",
        "tick-size": f"{terms.tick}",
        "display-factor": f"{terms.tick}",
        "main-fraction": "0.0",
        "sub-fraction": "0.0",
        "roll-target-symbol": following,
        "future-product": {
            "root-symbol": f"/{product}",
            "code": product,
            "description": terms.name,
            "exchange": terms.exchange,
            "product-type": "Financial",
            "listed-months": list(terms.months),
            "active-months": list(terms.months),
            "notional-multiplier": f"{float(terms.multiplier)}",
            "tick-size": f"{terms.tick}",
            "supported": True,
        },
    }
