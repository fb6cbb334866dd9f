"""Closed candles kept on disk: written beside the loop, read back when a symbol is followed."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar

from grok_sauce.errors import SourceError
from grok_sauce.market.candle_close import Closed
from grok_sauce.market.candle_line import LIMITS
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.storage.closed_candles import FILE, CandleStore, read_between
from grok_sauce.storage.database import StorageError

log = logging.getLogger(__name__)

LIMIT: Final = 50_000  # candles that may wait for the disk
PRUNE: Final = 86_400.0  # seconds (real) between two prunes

T = TypeVar("T")


def candle_file(data: Path, demo: bool) -> Path:
    """Where closed candles are kept. A demo begins empty: another start is another market."""
    path = data / FILE
    if demo:
        for leftover in data.glob(f"{FILE}*"):
            leftover.unlink(missing_ok=True)
    return path


class CandleKeeper:
    """One file, written by the owner's worker alone.

    A disk that is full or gone costs nothing but the keeping: it is logged once, and what
    waits is written when that works again (the oldest of it is dropped beyond LIMIT).
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._store: CandleStore | None = None
        self._waiting: list[tuple[str, Closed]] = []
        self._problem: str | None = None
        self._pruned_at: float | None = None

    @property
    def problem(self) -> str | None:
        """Why nothing can be kept now; None while it can."""
        return self._problem

    def open(self) -> None:
        """Open the file; what goes wrong is a problem(), not the end."""
        try:
            self._store = concurrency.offload(CandleStore, self.path, self._clock.real())
        except StorageError as trouble:
            self._failed(str(trouble))
            return
        if self._store.set_aside is not None:
            log.warning("candles: %s was damaged: kept as %s", FILE, self._store.set_aside.name)

    def close(self) -> None:
        """Write what waits and close."""
        self.flush()
        store, self._store = self._store, None
        if store is not None:
            concurrency.offload(store.close)

    def read(self, symbol: str) -> list[Closed]:
        """What memory should hold of a symbol."""

        def work(store: CandleStore) -> list[Closed]:
            return [
                candle
                for timeframe, most in LIMITS.items()
                for candle in store.read(symbol, timeframe, most)
            ]

        return self._ask(work) or []

    def between(self, symbol: str, timeframe: str, start: int, end: int) -> list[Closed]:
        """Candles that start in [start, end) (ms), ascending; for an archive, on any thread.

        Raises:
            SourceError: the file cannot be read.
        """
        try:
            return concurrency.offload(read_between, self.path, symbol, timeframe, start, end)
        except (sqlite3.Error, StorageError) as trouble:
            raise SourceError(f"{FILE} cannot be read: {trouble}") from None

    def put(self, candles: Iterable[tuple[str, Closed]]) -> None:
        """Keep these at the next flush."""
        self._waiting += candles
        excess = len(self._waiting) - LIMIT
        if excess > 0:
            del self._waiting[:excess]

    def flush(self) -> None:
        """Write what waits; what cannot be written waits on."""
        now = self._clock.monotonic()
        is_old = self._pruned_at is None or now - self._pruned_at >= PRUNE
        if self._store is None or not (self._waiting or is_old):
            return
        waiting, self._waiting = self._waiting, []
        market = self._clock.market()

        def work(store: CandleStore) -> bool:
            store.write(waiting)
            if is_old:
                store.prune(market)
            return True

        if self._ask(work) is None:
            self._waiting = waiting + self._waiting
        elif is_old:
            self._pruned_at = now

    def _ask(self, work: Callable[[CandleStore], T]) -> T | None:
        """Run on a native thread; None when the disk does not do it."""
        store = self._store
        if store is None:
            return None

        def attempt() -> tuple[T | None, str | None]:
            try:
                return work(store), None
            except sqlite3.Error as trouble:
                return None, str(trouble)

        found, trouble = concurrency.offload(attempt)
        if trouble is not None:
            self._failed(f"{self.path}: {trouble}")
        elif self._problem is not None:
            log.info("candles: %s is written again", self.path)
            self._problem = None
        return found

    def _failed(self, message: str) -> None:
        if self._problem is None:
            log.warning("candles: %s; they are told all the same, and not kept", message)
        self._problem = message
