"""Prices for Redis of the futures that signals are about, when the table does not have them."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from grok_sauce.analytics.indicator import AGING, STALE
from grok_sauce.analytics.trading_day import TradingDay
from grok_sauce.desks.chart_follow import Doors
from grok_sauce.engine import Engine
from grok_sauce.errors import GrokSauceError
from grok_sauce.feeds.subscriptions import TABLE, Subscription
from grok_sauce.market import sessions
from grok_sauce.market.instruments import Instrument
from grok_sauce.runtime.clock import Clock
from grok_sauce.update import Update

log = logging.getLogger(__name__)

OWNER: Final = "redis"
# What this desk tells the way out to Redis, and nobody else: rows like those of the table.
PRICES: Final = "redis.prices"
KINDS: Final = ("Quote", "Trade", "Summary")
LOOK: Final = 1.0  # seconds between two looks
AGAIN: Final = 15.0  # seconds until a symbol is looked up again whose record did not come


class RedisPrices:
    """Follows futures, and tells their prices as rows; symbols() names them.

    A future stands for its front month, looked up each New York day. One without a record or
    an entitlement is not told.
    """

    name = "redis-prices"

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        doors: Doors,
        symbols: Callable[[], Sequence[str]],
        publish: Callable[[Sequence[Update]], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._doors = doors
        self._symbols = symbols
        self._publish = publish
        self._known: dict[str, tuple[date, Instrument]] = {}
        self._tried: dict[str, float] = {}
        self._wanted: tuple[Subscription, ...] = ()

    def run(self, stop: threading.Event) -> None:
        """Follow and tell until stop is set."""
        while not stop.is_set():
            self.step()
            stop.wait(LOOK)

    def step(self) -> None:
        """One look."""
        table = set(self._doors.table())
        found = [self._instrument(name) for name in self._symbols() if name not in table]
        known = [each for each in found if each is not None and each.problem is None]
        wanted = tuple(Subscription(kind, each.streamer) for each in known for kind in KINDS)
        if wanted != self._wanted:
            self._wanted = wanted
            self._doors.want(OWNER, wanted, TABLE)
        rows = [(each.symbol, self._row(each)) for each in known]
        self._publish([Update(PRICES, symbol, row) for symbol, row in rows if row is not None])

    def _instrument(self, symbol: str) -> Instrument | None:
        """What a symbol stands for today; yesterday's record while today's does not come."""
        today = sessions.new_york_date(self._clock.market())
        day, known = self._known.get(symbol, (None, None))
        now = self._clock.monotonic()
        if day == today or now - self._tried.get(symbol, -math.inf) < AGAIN:
            return known
        self._tried[symbol] = now
        try:
            found = self._doors.resolve([symbol]).get(symbol)
        except GrokSauceError as problem:
            log.info("redis: %s is not looked up: %s", symbol, problem)
            return known
        if found is None:
            return known
        self._known[symbol] = today, found
        return found

    def _row(self, instrument: Instrument) -> dict[str, Any] | None:
        """The price as in a row of the table; None before the first trade."""
        state, now = self._engine.state, self._clock.market()
        trade = state.trade(instrument.streamer)
        if trade is None or trade.price is None:
            return None
        quote, summary = state.quote(instrument.streamer), state.summary(instrument.streamer)
        day = TradingDay.of(instrument.kind, now)
        is_today = summary is not None and summary.day_id == day.number
        was_before = summary is not None and summary.day_id == day.before
        return {
            "price": trade.price,
            "price_basis": "trade",
            "open": summary.day_open if summary and is_today else None,
            "day_high": summary.day_high if summary and is_today else None,
            "day_low": summary.day_low if summary and is_today else None,
            "prev_close": _close_before(summary, is_today, was_before),
            "volume": trade.day_volume if day.holds(trade) else None,
            "bid": None if quote is None else quote.bid,
            "ask": None if quote is None else quote.ask,
            "as_of": _iso(trade.at),
            "source": self._engine.source,
            "status": _status(day.is_closed, now - trade.at),
        }


def _close_before(summary: Any, is_today: bool, was_before: bool) -> float | None:
    """The close that today is measured against."""
    if is_today:
        found: float | None = summary.prev_close
        return found
    return summary.day_close if was_before else None


def _status(is_closed: bool, age: float) -> str:
    if is_closed:
        return "closed"
    return "live" if age <= AGING else "aging" if age <= STALE else "stale"


def _iso(at: float) -> str:
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
