"""Where candles come from: symbols looked up and wanted, bars of each source, who was away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

from grok_sauce.desks.chart_candles import has_regular_days
from grok_sauce.desks.chart_follow import Doors
from grok_sauce.engine import Engine
from grok_sauce.errors import GrokSauceError
from grok_sauce.feeds.subscriptions import TABLE, Subscription
from grok_sauce.feeds.tradingview_messages import SOURCE as TRADINGVIEW
from grok_sauce.feeds.tradingview_wants import streamer as tradingview_streamer
from grok_sauce.following.watchlist import history_start
from grok_sauce.market import sessions
from grok_sauce.market.candle_close import DAY_MS, Minutes
from grok_sauce.market.candles import CandleSeries, Columns
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import Instrument, candle_symbol, provisional
from grok_sauce.market.state import MarketState
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.strategies.contracts import front

log = logging.getLogger(__name__)

DXLINK: Final = "dxLink"
OWNER: Final = "candles"
AGAIN: Final = 15.0  # seconds (real) until a symbol whose record did not come is asked for again
DAYS_BACK: Final = 400 * DAY_MS  # of daily bars
# So long after a connection its bars count though its history has not come (real seconds).
PATIENCE: Final = 60.0
OUTAGES: Final = 50  # remembered


class CandleFollower:
    """Which symbols are subscribed at the price feed. woken() is called when a record has come."""

    def __init__(
        self, engine: Engine, clock: Clock, doors: Doors, woken: Callable[[], object]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._doors = doors
        self._woken = woken
        self._lock = threading.Lock()
        self._resolved: dict[str, Instrument] = {}
        self._tried: dict[str, float] = {}
        self._fresh: set[str] = set()  # looked up today
        self._day: object = None
        self._wanted: tuple[Subscription, ...] = ()

    def instrument(self, symbol: str) -> Instrument | None:
        """What a symbol stands for today; None while that is not known, or where it is nothing."""
        known = self._engine.state.instruments.get(symbol) or self._resolved.get(symbol)
        if known is None:
            known = provisional(symbol)
            if known.kind in ("future", "unknown"):
                return None
        is_root = known.kind == "future" and known.contract is None
        return None if is_root or known.problem is not None else known

    def follow(self, symbols: Mapping[str, bool]) -> None:
        """Want exactly these of the feed; the value says whether daily bars are wanted too."""
        today = sessions.new_york_date(self._clock.market())
        is_new_day, self._day = self._day != today, today
        if is_new_day:
            with self._lock:  # futures are looked up again each day, so that they follow the roll
                self._fresh = {name for name in self._fresh if not name.startswith("/")}
        for symbol in symbols:
            self._look_up_soon(symbol)
        wanted = tuple(self._subscriptions(symbols))
        if is_new_day or {each[:2] for each in wanted} != {each[:2] for each in self._wanted}:
            self._wanted = wanted
            self._doors.want(OWNER, wanted, TABLE)

    def _look_up_soon(self, symbol: str) -> None:
        with self._lock:
            now = self._clock.monotonic()
            if symbol in self._fresh or now - self._tried.get(symbol, -inf) < AGAIN:
                return
            self._tried[symbol] = now
        concurrency.spawn(self._look_up, symbol, name=f"candles: look up {symbol}")

    def _look_up(self, symbol: str) -> None:
        try:
            found = self._doors.resolve([symbol]).get(symbol)
        except GrokSauceError as problem:
            log.info("candles: %s is not looked up: %s", symbol, problem)
            return  # yesterday's record serves meanwhile
        if found is None:
            return
        if found.problem is not None:
            log.warning("candles: there are none of %s: %s", symbol, found.problem)
        with self._lock:
            self._resolved[symbol] = found
            self._fresh.add(symbol)
        self._woken()

    def _subscriptions(self, symbols: Mapping[str, bool]) -> list[Subscription]:
        now = self._clock.market()
        found: list[Subscription] = []
        for symbol, wants_days in symbols.items():
            instrument = self.instrument(symbol)
            if instrument is None:
                continue
            streamer = instrument.streamer
            since = history_start(now, instrument.kind)
            found.append(Subscription("Candle", candle_symbol(streamer, "m"), since))
            if wants_days:
                days = candle_symbol(streamer, "d", has_regular_days(instrument))
                back = int(now * 1000) // DAY_MS * DAY_MS - DAYS_BACK
                found.append(Subscription("Candle", days, back))
        return found


class Stretch(NamedTuple):
    """Minutes of a source as copies of its columns, to be made bars of beside the loop."""

    source: str
    contract: str | None
    columns: Columns
    oldest: int
    since: int | None
    outages: tuple[tuple[int, int], ...]

    def minutes(self) -> Minutes:
        """The same as bars."""
        is_first = self.source == TRADINGVIEW
        bars = bars_of(self.columns)
        return Minutes(
            self.source, self.contract, bars, self.oldest, self.since, is_first, self.outages
        )


class Look(NamedTuple):
    """What the sources have of a symbol: minutes of those that are there, the feed's days."""

    stretches: list[Stretch]
    days: Columns | None

    @property
    def bars(self) -> int:
        """How much there is to work through."""
        return sum(len(each.columns.times) for each in self.stretches)


class CandleSources:
    """Reads bars on the engine's thread, and knows which source is connected since when.

    TradingView goes before dxLink where it has been connected since a candle began and speaks
    of the same contract. A source that has just come back counts when its history is there.
    pages are user symbol -> TradingView's symbol of which minutes are streamed; contract()
    tells what one of those stands for.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        pages: Callable[[], Mapping[str, str]],
        contract: Callable[[str], str | None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._pages = pages
        self._contract = contract
        self._links = {name: _Link(name) for name in (DXLINK, TRADINGVIEW)}
        self._seen: dict[str, float | None] = {}  # streamer -> arrival of its history

    def look(self, wanted: Sequence[tuple[Instrument, int | None]], now: float) -> dict[str, Look]:
        """Bars by user symbol: all when a history has come, else those from a moment (ms) on.

        Raises:
            SourceError: the engine does not answer.
        """
        for link in self._links.values():
            link.look(self._engine.state, now)
        pages = self._pages()
        return self._engine.call(
            lambda: {
                instrument.symbol: self._read(instrument, since, pages.get(instrument.symbol), now)
                for instrument, since in wanted
            }
        )

    def forget(self, instrument: Instrument) -> None:
        """Read all of a symbol again at the next look."""
        gone = [name for name in self._seen if name.startswith(instrument.streamer)]
        page = self._pages().get(instrument.symbol)
        for name in (*gone, *([tradingview_streamer(page)] if page else [])):
            self._seen.pop(name, None)

    def _read(
        self, instrument: Instrument, since: int | None, page: str | None, now: float
    ) -> Look:
        state = self._engine.state
        places = [(instrument.streamer, self._links[DXLINK], instrument.contract)]
        if page is not None:
            contract = self._contract(page) or front(instrument.product or "", now)
            if contract == instrument.contract:
                places.append((tradingview_streamer(page), self._links[TRADINGVIEW], contract))
        ready = []
        for streamer, link, contract in places:
            series = state.candles(streamer, "m")
            if series is not None and len(series) and self._is_ready(series, link, now):
                ready.append((streamer, link, contract, series))
        is_whole = any(self._is_new(streamer, series) for streamer, _, _, series in ready)
        start = None if is_whole else since
        stretches = [
            Stretch(
                *(link.name, contract, series.columns(start), series.times[0], link.since),
                tuple(link.outages),
            )
            for _, link, contract, series in ready
        ]
        days = self._days(instrument, state) if self._links[DXLINK].since is not None else None
        return Look(stretches, days)

    def _days(self, instrument: Instrument, state: MarketState) -> Columns | None:
        tho = has_regular_days(instrument)
        series = state.candles(instrument.streamer, "d", tho)
        if series is None or not len(series):
            return None
        is_new = self._is_new(candle_symbol(instrument.streamer, "d", tho), series)
        return series.columns(None if is_new else series.times[-1] - 7 * DAY_MS)

    def _is_ready(self, series: CandleSeries, link: _Link, now: float) -> bool:
        if link.since is None:
            return False
        if series.snapshot_at is not None and series.snapshot_at * 1000 >= link.since:
            return True
        return now * 1000 - link.since > PATIENCE * 1000 * max(1.0, self._clock.speed)

    def _is_new(self, streamer: str, series: CandleSeries) -> bool:
        """Has a history come since this was asked last?"""
        before = self._seen.get(streamer, -1.0)
        self._seen[streamer] = series.snapshot_at
        return before != series.snapshot_at


class _Link:
    """Since when a source has been connected (ms of market time), and when it was not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.since: int | None = None
        self.outages: list[tuple[int, int]] = []
        self._looked = 0
        self._down_at: int | None = None

    def look(self, state: MarketState, now: float) -> None:
        """Read the state of the connection."""
        changed = state.link_changed_at(self.name)
        at = None if changed is None else int(changed * 1000)
        if state.link_up(self.name) and at is not None:
            if self.since is not None and self.since != at:
                self._down_at = self._looked  # it was away between two looks
            if self._down_at is not None:
                self.outages = [*self.outages, (self._down_at, at)][-OUTAGES:]
            self.since, self._down_at = at, None
        elif self.since is not None:
            self.since, self._down_at = None, at
        self._looked = int(now * 1000)


def bars_of(columns: Columns) -> list[Bar]:
    """Columns as bars; nan and -1 are what is not known."""
    return [
        Bar(
            time,
            one,
            high,
            low,
            close,
            None if volume != volume else volume,
            count if count >= 0 else None,
        )
        for time, one, high, low, close, volume, count in zip(*columns, strict=True)
    ]
