"""The table's symbols: resolved, subscribed, and changed while everything else keeps ticking."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta

from grok_sauce.errors import SourceError
from grok_sauce.feeds.subscriptions import BACKFILL, TABLE, Subscription
from grok_sauce.market import sessions
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import Instrument, candle_symbol, provisional
from grok_sauce.market.products import Kind
from grok_sauce.runtime.clock import Clock

log = logging.getLogger(__name__)

OWNER = "table"
WEEKS_OWNER = "weeks"
HISTORY_SESSIONS = 5  # sessions of one-minute candles that RVOL compares with
WEEKS_BACK = 2  # finished weeks whose regular minutes volume profiles want
TICKERS = ("Quote", "Trade", "TradeETH", "Summary", "Profile")

Resolve = Callable[[Sequence[str]], Mapping[str, Instrument]]
Want = Callable[[str, Iterable[Subscription], int], None]
Sink = Callable[[Batch], None]


class Watchlist:
    """A worker: resolves wanted symbols through the broker's records and subscribes them.

    A symbol that is being resolved, or whose record cannot be fetched now, goes ahead
    under what is known of it without asking (a plain stock or ETF needs no record);
    a future has to wait for its front month. Futures are resolved again each New York
    day, so that they follow the roll.
    """

    name = "watchlist"

    def __init__(self, resolve: Resolve, want: Want, sink: Sink, clock: Clock) -> None:
        self._resolve = resolve
        self._want = want
        self._sink = sink
        self._clock = clock
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._symbols: tuple[str, ...] = ()
        self._resolved: dict[str, Instrument] = {}
        self._announced: dict[str, Instrument] = {}
        self._day: str | None = None
        self._histories: tuple[str, ...] = ()

    def set_symbols(self, symbols: Sequence[str]) -> None:
        """Want exactly these user symbols from now on; only the difference is touched."""
        with self._lock:
            self._symbols = tuple(dict.fromkeys(symbols))
        self._announce()
        self._wake.set()

    @property
    def histories(self) -> tuple[str, ...]:
        """Candle symbols whose history is wanted, one for each symbol that can have one."""
        return self._histories

    def forget_resolutions(self) -> None:
        """Ask for every record again (the account or its address changed)."""
        with self._lock:
            self._resolved.clear()
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Resolve what is not resolved yet, and all futures at each new day, until stop is set."""
        while not stop.is_set():
            self._wake.clear()
            self._roll_day()
            failure = self._resolve_missing(stop)
            self._announce()
            if failure is not None:
                raise SourceError(f"symbols not resolved: {failure}")
            # The end of the wait is the time to look at the date; set_symbols ends it early.
            for _ in range(120):
                if self._wake.wait(0.5) or stop.is_set():
                    break

    def _roll_day(self) -> None:
        today = sessions.new_york_date(self._clock.market()).isoformat()
        with self._lock:
            if self._day not in (None, today):
                self._resolved = {
                    symbol: known
                    for symbol, known in self._resolved.items()
                    if known.kind != "future"
                }
            self._day = today

    def _resolve_missing(self, stop: threading.Event) -> str | None:
        """All shares in one request, then each future; what is wanted may change meanwhile."""
        failure = None
        tried: set[str] = set()
        while not stop.is_set():
            missing = [s for s in self._symbols if s not in self._resolved and s not in tried]
            some = [symbol for symbol in missing if not symbol.startswith("/")] or missing[:1]
            if not some:
                return failure
            tried.update(some)
            try:
                found = self._resolve(some)
            except SourceError as problem:
                failure = str(problem)
                continue
            with self._lock:
                self._resolved.update(found)
            self._announce()
        return None

    def _announce(self) -> None:
        """Tell the state which instruments there are, and the feed what to subscribe."""
        with self._lock:
            wanted = {s: self._resolved.get(s) or provisional(s) for s in self._symbols}
            changed = {s: i for s, i in wanted.items() if self._announced.get(s) != i}
            gone = [s for s in self._announced if s not in wanted]
            self._announced = wanted
            if not changed and not gone:
                return
            symbols = [*changed, *gone]
            records = [*changed.values(), *[None] * len(gone)]
            self._sink(Batch("Instrument", symbols, (records,), self._clock.market()))
            subscriptions = self._subscriptions(wanted.values())
            candles = [each.symbol for each in subscriptions if each.kind == "Candle"]
            self._histories = tuple(dict.fromkeys(candles))
            self._want(WEEKS_OWNER, self._weeks(wanted.values()), BACKFILL)
            self._want(OWNER, subscriptions, TABLE)

    def _subscriptions(self, instruments: Iterable[Instrument]) -> list[Subscription]:
        now = self._clock.market()
        found = []
        for instrument in instruments:
            streamer = instrument.streamer
            is_root = instrument.kind == "future" and instrument.contract is None
            if instrument.problem == "not_offered" or not streamer or is_root:
                continue  # a root alone is no contract: its prices would be another one's
            found += [Subscription(kind, streamer) for kind in TICKERS]
            if instrument.problem == "unknown_symbol":
                continue  # should the feed know it after all; places for candles are few
            since = history_start(now, instrument.kind)
            found.append(Subscription("Candle", candle_symbol(streamer, "m"), since))
        return found

    def _weeks(self, instruments: Iterable[Instrument]) -> list[Subscription]:
        """Regular minutes of the weeks before, for the volume profiles of shares.

        A future trades around the clock and an index has no volume. Places are few: when
        there are more symbols, the first ones get theirs.
        """
        since = weeks_start(self._clock.market())
        return [
            Subscription("Candle", candle_symbol(each.streamer, "m", tho=True), since)
            for each in instruments
            if each.kind not in ("future", "index") and each.problem is None and each.streamer
        ]


def weeks_start(now: float) -> int:
    """Unix ms of the opening of the first session two weeks before the week shown.

    Regular minutes from there are at most 15 sessions, less than a feed gives of one series;
    with the pre-market and the evening, so many would be far more than it gives.
    """
    shown = _shown(now)
    monday = shown - timedelta(days=shown.weekday(), weeks=WEEKS_BACK)
    first = monday if sessions.is_session(monday) else sessions.next_session(monday)
    return round(sessions.regular(first)[0] * 1000)


def history_start(now: float, kind: Kind = "etf", back: int = HISTORY_SESSIONS) -> int:
    """Unix ms from which one-minute candles are needed: so many sessions before the day shown.

    On a day without a session the last one is shown, and they count from that. Shares
    begin with the pre-market, a future with the evening before.
    """
    first = sessions.previous_session(_shown(now), back)
    hours = sessions.hours(kind, first) if kind == "future" else None
    return round((hours or sessions.extended(first))[0] * 1000)


def _shown(now: float) -> date:
    """Today, or the last session before it."""
    today = sessions.new_york_date(now)
    return today if sessions.is_session(today) else sessions.previous_session(today)
