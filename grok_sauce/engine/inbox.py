"""Inbox: batches on their way to the engine, bounded without losing the newest of anything."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from itertools import repeat
from typing import Any, Final

from grok_sauce.market.batches import FIELDS, Batch
from grok_sauce.market.state import TICKERS

log = logging.getLogger(__name__)

LIMIT: Final = 200_000  # events waiting; above it tickers are folded to one per symbol
HARD: Final = 5  # times the limit: the most that is kept of what cannot be folded


class Inbox:
    """Many threads put, one drains.

    Of quotes, trades, summaries, profiles and greeks only the newest counts: above the limit
    the oldest waiting ones are folded to one per symbol, which a symbol told of once a day
    survives. Candles, links and instruments are kept whole and in order; only at HARD times
    the limit the oldest go, counted in dropped and logged.

    conflated: events that a newer one replaced here. depth: events waiting.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.conflated = 0
        self.dropped = 0
        self._lock = threading.Lock()
        self._tickers: deque[Batch] = deque()
        self._others: deque[Batch] = deque()
        self._waiting = 0  # events in _tickers
        self._kept = 0  # events in _others
        self._folded: dict[str, dict[str, tuple[Any, ...]]] = {}

    @property
    def depth(self) -> int:
        """Events waiting now, folded ones included."""
        return self._waiting + self._kept + sum(map(len, self._folded.values()))

    def put(self, batch: Batch) -> None:
        """Take a batch; never blocks for longer than another put or drain takes."""
        with self._lock:
            if batch.kind in TICKERS:
                self._tickers.append(batch)
                self._waiting += len(batch.symbols)
                while self._waiting > self.limit:
                    self._fold(self._tickers.popleft())
                return
            self._others.append(batch)
            self._kept += len(batch.symbols)
            while self._kept > self.limit * HARD and len(self._others) > 1:
                self._drop(self._others.popleft())

    def drain(self) -> list[Batch]:
        """Everything that waits, older before newer within a kind; the inbox is empty then."""
        with self._lock:
            batches = [*self._unfolded(), *self._others, *self._tickers]
            self._folded = {}
            self._others.clear()
            self._tickers.clear()
            self._waiting = self._kept = 0
        return batches

    def _fold(self, batch: Batch) -> None:
        """Keep the newest per symbol of the oldest waiting batch."""
        self._waiting -= len(batch.symbols)
        columns = batch.columns
        if [*map(len, columns)] != [len(batch.symbols)] * len(FIELDS[batch.kind]):
            self.dropped += len(batch.symbols)  # of a wrong shape, the state would refuse it
            return
        newest = self._folded.setdefault(batch.kind, {})
        before = len(newest)
        newest.update(zip(batch.symbols, zip(*columns, repeat(batch.at)), strict=False))
        self.conflated += len(batch.symbols) - (len(newest) - before)

    def _unfolded(self) -> Sequence[Batch]:
        """The folded events as batches, one per kind and arrival."""
        batches = []
        for kind, newest in self._folded.items():
            by_arrival: dict[float, list[str]] = {}
            for symbol, row in newest.items():
                by_arrival.setdefault(row[-1], []).append(symbol)
            for at, symbols in sorted(by_arrival.items()):
                columns = tuple(zip(*(newest[symbol][:-1] for symbol in symbols), strict=True))
                batches.append(Batch(kind, symbols, columns, at))
        return batches

    def _drop(self, batch: Batch) -> None:
        if not self.dropped:
            log.error(
                "the engine cannot keep up: %s events are dropped (%d waiting)",
                batch.kind,
                self._kept,
            )
        self._kept -= len(batch.symbols)
        self.dropped += len(batch.symbols)
