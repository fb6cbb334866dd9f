"""What charts need of the feed: symbols looked up, candles and quotes wanted, let go later."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from grok_sauce.desks.chart_candles import has_regular_days
from grok_sauce.engine import Engine
from grok_sauce.errors import GrokSauceError
from grok_sauce.feeds.subscriptions import VIEW, Subscription
from grok_sauce.following.watchlist import HISTORY_SESSIONS, TICKERS, history_start
from grok_sauce.market import sessions
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import Instrument, candle_symbol, provisional
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.update import Update
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

OWNER: Final = "charts"
AGAIN: Final = 15.0  # seconds until a symbol is looked up again whose record did not come
# Sessions of minutes that memory holds of one symbol at most.
DEEPEST: Final = 12
DEEPEST_FUTURE: Final = 8
DAY_MS: Final = 86_400_000
DAILY_BACK: Final = 730 * DAY_MS  # of daily bars

Want = Callable[[str, Sequence[Subscription], int], None]
Resolve = Callable[[Sequence[str]], Mapping[str, Instrument]]


@dataclass(frozen=True, slots=True)
class Doors:
    """What the desk is joined to.

    want: the feed's. resolve: the broker's records. publish: to pages. table, gex_symbols:
    the user's symbols. bars: the file that minutes are kept in.
    """

    want: Want
    resolve: Resolve
    publish: Callable[[Sequence[Update]], None]
    table: Callable[[], Sequence[str]]
    gex_symbols: Callable[[], Sequence[str]]
    bars: Path


class ChartFollower:
    """Which symbols charts follow. woken() is called when a record has come."""

    def __init__(
        self, engine: Engine, clock: Clock, doors: Doors, woken: Callable[[], object]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._doors = doors
        self._woken = woken
        self._lock = threading.Lock()
        self._resolved: dict[str, Instrument] = {}
        self._tried: dict[str, float] = {}  # symbol -> when it was looked up last (monotonic)
        self._deep: set[str] = set()  # whose minutes are wanted as far back as memory holds
        self._day: str | None = None
        self._wanted: tuple[Subscription, ...] = ()

    def instrument(self, symbol: str) -> Instrument:
        """What is known of a symbol by now."""
        known = self._engine.state.instruments.get(symbol) or self._resolved.get(symbol)
        return known or provisional(symbol)

    def can_deepen(self, symbol: str) -> bool:
        """Can the feed be asked for older minutes?"""
        return symbol not in self._deep and self.instrument(symbol).problem is None

    def deepen(self, symbol: str) -> bool:
        """Want older minutes while the symbol is followed; False when they are wanted already."""
        if not self.can_deepen(symbol):
            return False
        self._deep.add(symbol)
        return True

    def follow(self, symbols: Mapping[str, bool]) -> None:
        """Follow exactly these; the value says whether a symbol's daily bars are wanted."""
        self._roll_day()
        self._let_go(symbols)
        self._look_up_missing(symbols)
        wanted = tuple(self._subscriptions(symbols))
        if wanted != self._wanted:
            self._wanted = wanted
            self._doors.want(OWNER, wanted, VIEW)

    def _roll_day(self) -> None:
        """Futures are looked up again each New York day, so that they follow the roll."""
        today = sessions.new_york_date(self._clock.market()).isoformat()
        if self._day not in (None, today):
            with self._lock:
                futures = [name for name, known in self._resolved.items() if known.kind == "future"]
                for name in futures:
                    del self._resolved[name]
                    self._tried.pop(name, None)
        self._day = today

    def _let_go(self, symbols: Mapping[str, bool]) -> None:
        self._deep &= symbols.keys()
        gone = [symbol for symbol in self._resolved if symbol not in symbols]
        for symbol in gone:
            del self._resolved[symbol]
            self._tried.pop(symbol, None)
        left = [symbol for symbol in gone if symbol not in self._doors.table()]
        if left:
            nothing: list[Instrument | None] = [None] * len(left)
            self._engine.put(Batch("Instrument", left, (nothing,), self._clock.market()))

    def _look_up_missing(self, symbols: Mapping[str, bool]) -> None:
        """Ask for the records of what is not in the table, beside the caller."""
        table, now = set(self._doors.table()), self._clock.monotonic()
        for symbol in symbols:
            if symbol in table or symbol in self._resolved:
                continue
            if now - self._tried.get(symbol, -AGAIN) >= AGAIN:
                self._tried[symbol] = now
                concurrency.spawn(self._look_up, symbol, name=f"look up {symbol}")

    def _look_up(self, symbol: str) -> None:
        try:
            found = self._doors.resolve([symbol]).get(symbol)
        except GrokSauceError as problem:
            log.info("chart: %s is not looked up: %s", symbol, problem)
            return
        if found is None:
            return
        with self._lock:
            self._resolved[symbol] = found
        if symbol not in self._doors.table():
            self._engine.put(Batch("Instrument", [symbol], ([found],), self._clock.market()))
        self._woken()

    def _subscriptions(self, symbols: Mapping[str, bool]) -> list[Subscription]:
        now = self._clock.market()
        found: list[Subscription] = []
        for symbol, wants_days in symbols.items():
            instrument = self.instrument(symbol)
            is_root = instrument.kind == "future" and instrument.contract is None
            if instrument.problem is not None or is_root:
                continue
            streamer = instrument.streamer
            found += [Subscription(kind, streamer) for kind in TICKERS]
            since = history_start(now, instrument.kind, self._sessions(instrument))
            found.append(Subscription("Candle", candle_symbol(streamer, "m"), since))
            if wants_days:
                days = candle_symbol(streamer, "d", has_regular_days(instrument))
                back = int(now * 1000) // DAY_MS * DAY_MS - DAILY_BACK
                found.append(Subscription("Candle", days, back))
        return found

    def _sessions(self, instrument: Instrument) -> int:
        if instrument.symbol not in self._deep:
            return HISTORY_SESSIONS
        return DEEPEST_FUTURE if instrument.kind == "future" else DEEPEST
