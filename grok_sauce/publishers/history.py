"""History: keeps closed one-minute bars in SQLite, and plays them back at the next start."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Final, Protocol

from grok_sauce.market.batches import Batch
from grok_sauce.market.candles import REMOVE_EVENT, series_key
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import candle_symbol
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.settings import knob
from grok_sauce.storage import bars, database
from grok_sauce.storage.bars import KEEP_SESSIONS, MINUTE_MS, BarRow, BarStore
from grok_sauce.storage.database import StorageError
from grok_sauce.update import Update
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

FLUSH: Final = 1.0  # seconds of real time between two writes
LOOK: Final = 0.1  # seconds of real time between two looks at what waits
SOON: Final = 4_000  # waiting bars that are written at once: a long history is not piled up
LIMIT: Final = 200_000  # bars that may wait for the disk
AT_ONCE: Final = 5_000  # bars in one transaction
PRUNE: Final = 86_400.0  # seconds of real time between two prunes
BACK: Final = timedelta(days=14)  # what is played back: this week and the one before, whole
GRACE_MS: Final = 1_000  # after its end a minute may still be corrected

Item = Batch | list[BarRow]  # what waits for the disk


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """HISTORY_*: how much is kept."""

    ENV: ClassVar[dict[str, str]] = {"sessions": "HISTORY_SESSIONS"}

    # Days that have bars; a weekend's evening counts to Monday. Ten hold what RVOL and the
    # profile of the week before need.
    sessions: int = knob(KEEP_SESSIONS, low=10, high=2000)


class Tenant(Protocol):
    """Another table family of the file, written by the file's one owner.

    Both run on a native thread: no logging, no green locks.
    """

    def write(self, connection: sqlite3.Connection) -> int:
        """Write what waits; returns how many rows. What raises sqlite3.Error waits on."""

    def prune(self, connection: sqlite3.Connection) -> None:
        """Drop what is too old; once a day."""


class History:
    """The only writer of a history file: a sink for candles, a publisher, and a worker.

    put() takes candle batches of sources (their history and live bars), publish() the
    engine's "candle.close"; a bar told both ways is kept once. A minute is written when it has
    ended. A disk that is full or read-only costs nothing but the history: it is said on
    status, logged once, tried again each second, and at most `limit` bars wait meanwhile
    (the oldest go first, counted in dropped). tenants keep other tables of the same file.
    """

    name = "history"

    def __init__(
        self,
        path: Path,
        clock: Clock,
        status: SourceStatus | None = None,
        keep_sessions: int = KEEP_SESSIONS,
        limit: int = LIMIT,
        tenants: Sequence[Tenant] = (),
    ) -> None:
        self.path = path
        self.limit = limit
        self.dropped = 0
        self.status = status or SourceStatus("history", "History")
        self._clock = clock
        self._keep = keep_sessions
        self._tenants = tuple(tenants)
        self._lock = threading.Lock()
        self._waiting: deque[Item] = deque()
        self._depth = 0
        self._forming: dict[tuple[str, int], BarRow] = {}
        self._pruned_at: float | None = None

    @property
    def depth(self) -> int:
        """Bars waiting for the disk, minutes that are still forming included."""
        return self._depth + len(self._forming)

    # ---- ways in ------------------------------------------------------------------------

    def put(self, batch: Batch) -> None:
        """Take a batch of any kind; only one-minute candles are kept. Never blocks or raises."""
        if batch.kind == "Candle" and batch.symbols:
            self._take(batch)

    def publish(self, updates: Sequence[Update]) -> None:
        """Take the minutes that closed in this beat."""
        rows: list[BarRow] = []
        for update in updates:
            bar = update.payload
            # Those of the candle owner are keyed "SYMBOL TIMEFRAME"; it keeps them itself.
            if update.topic == "candle.close" and bar is not None and update.key == bar["symbol"]:
                prices = (bar["open"], bar["high"], bar["low"], bar["close"])
                name = bar.get("streamer") or bar["symbol"]
                rows.append((name, bar["time"], *prices, bar["volume"], bar.get("count")))
        if rows:
            self._take(rows)

    def _take(self, item: Item) -> None:
        with self._lock:
            self._waiting.append(item)
            self._depth += _size(item)
            self._trim()

    def _trim(self) -> None:
        """Let the oldest go when too many wait. Call it with the lock held."""
        while self._depth > self.limit and len(self._waiting) > 1:
            gone = _size(self._waiting.popleft())
            self._depth -= gone
            self.dropped += gone

    # ---- the worker ---------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Write once a second until stop is set, then once more.

        Raises:
            StorageError: the file cannot be opened.
        """
        try:
            store = concurrency.offload(BarStore, self.path, self._clock.real())
        except StorageError as problem:
            self._failed(str(problem))
            raise
        if store.set_aside is not None:
            message = f"{self.path} was damaged: kept as {store.set_aside.name}, a new one begun"
            log.warning("history: %s", message)
            self.status.failed(message, self._clock.real())
        self.status.state, self.status.detail = "live", ""
        try:
            waited = 0.0
            while not stop.wait(LOOK):
                waited += LOOK
                is_long = self._depth >= SOON and self.status.state == "live"
                if waited >= FLUSH or is_long:
                    waited = 0.0
                    self.flush(store)
            self.flush(store)
        finally:
            concurrency.offload(store.close)

    def flush(self, store: BarStore) -> None:
        """Write every minute that has ended; what cannot be written now waits on."""
        with self._lock:
            items = self._waiting.copy()
            self._waiting.clear()
            self._depth = 0
        edge = int(self._clock.market() * 1000) - MINUTE_MS - GRACE_MS
        is_old = self._pruned_at is None or self._clock.monotonic() - self._pruned_at >= PRUNE
        written, problem = concurrency.offload(self._write, store, items, edge, is_old)
        if items:
            with self._lock:
                self._waiting.extendleft(reversed(items))
                self._depth += sum(map(_size, items))
                self._trim()
        self.status.facts["waiting"] = self.depth
        self.status.facts["dropped"] = self.dropped
        if written:
            self.status.events += written
            self.status.last_event = self._clock.real()
        if problem is not None:
            self._failed(f"{self.path} cannot be written: {problem}")
            return
        if is_old:
            self._pruned_at = self._clock.monotonic()
        if self.status.state != "live":
            log.info("history: %s is written again", self.path)
            self.status.state, self.status.detail = "live", ""

    def _write(
        self, store: BarStore, items: deque[Item], edge: int, prune: bool
    ) -> tuple[int, sqlite3.Error | None]:
        """Runs on a native thread; takes from items what is safe on the disk.

        _forming is touched here alone. Returns (rows new or different, what went wrong).
        """
        written = 0
        try:
            ended = sorted(key for key in self._forming if key[1] <= edge)
            if ended:
                written += store.write([self._forming[key] for key in ended])
                for key in ended:
                    del self._forming[key]
            while items:
                some = _first(items)
                written += store.write(self._ended(some, edge))
                for _ in some:
                    items.popleft()
            for tenant in self._tenants:
                written += tenant.write(store.connection)
            if prune:
                store.prune(self._keep)
                for tenant in self._tenants:
                    tenant.prune(store.connection)
        except sqlite3.Error as problem:
            return written, problem
        return written, None

    def _ended(self, items: Sequence[Item], edge: int) -> Iterator[BarRow]:
        """Bars whose minute has ended, one by one; the others are kept until it has."""
        for item in items:
            for row in _rows(item) if isinstance(item, Batch) else item:
                if row[1] <= edge:
                    yield row
                else:
                    self._forming[row[0], row[1]] = row

    def _failed(self, message: str) -> None:
        if self.status.state != "backoff":
            log.warning("history: %s; the numbers go on, this is not kept", message)
        self.status.state, self.status.detail = "backoff", message
        self.status.failed(message, self._clock.real())


def _size(item: Item) -> int:
    return len(item.symbols) if isinstance(item, Batch) else len(item)


def _first(items: Sequence[Item]) -> list[Item]:
    """The first items, as many as make one transaction; at least one."""
    some: list[Item] = []
    size = 0
    for item in items:
        if some and size + _size(item) > AT_ONCE:
            break
        some.append(item)
        size += _size(item)
    return some


def _rows(batch: Batch) -> Iterator[BarRow]:
    """The bars of a candle batch that are last prices of one minute, all hours."""
    for symbol, row in zip(batch.symbols, zip(*batch.columns, strict=True), strict=True):
        key = series_key(symbol)
        if key is None or key[1:] != ("m", False):
            continue
        if isinstance(row[0], int) and row[0] & REMOVE_EVENT:
            continue
        bar = Bar.of(row)
        if bar is not None:
            prices = (bar.open, bar.high, bar.low, bar.close)
            yield (key[0], bar.time, *prices, bar.volume, bar.count)


def play_back(
    path: Path, now: float, streamers: Iterable[str] | None = None, back: timedelta = BACK
) -> Iterator[Batch]:
    """What the file knows of the last days, one batch per symbol, for the engine's sink.

    now: market time (Unix seconds); bars after it belong to another run and are left out.
    streamers: whose bars, None for all. Put them in before a feed starts: a snapshot replaces
    newer bars too. A file that is missing gives nothing, one that is damaged a warning.
    """
    try:
        connection = database.open_reader(path)
        if connection is None:
            return
        try:
            wanted = bars.symbols(connection) if streamers is None else streamers
            start, end = int((now - back.total_seconds()) * 1000), int(now * 1000)
            for streamer in wanted:
                found = bars.read_bars(connection, streamer, start, end)
                if found:
                    yield _batch(streamer, found, now)
        finally:
            connection.close()
    except (sqlite3.Error, StorageError) as problem:
        log.warning("history: %s is not played back: %s", path, problem)


def _batch(streamer: str, found: Sequence[Bar], now: float) -> Batch:
    symbol = candle_symbol(streamer, "m")
    times = [bar.time for bar in found]
    columns = (
        [0] * len(found),
        [time // 1000 << 32 | time % 1000 << 22 for time in times],
        times,
        [bar.count for bar in found],
        [bar.open for bar in found],
        [bar.high for bar in found],
        [bar.low for bar in found],
        [bar.close for bar in found],
        [bar.volume for bar in found],
    )
    return Batch("Candle", [symbol] * len(found), columns, now, snapshot=True)
