"""The market's heartbeat: moves it on, tells every connection, keeps the tick log."""

from __future__ import annotations

import json
import logging
import math
import threading
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TextIO

from grok_sauce.runtime.clock import Clock
from grok_sauce.simulator.desk import Desk, Key

log = logging.getLogger(__name__)

BEAT: Final = 0.05  # seconds, real time; half of the usual aggregation period


class Listener(Protocol):
    """Whoever is told what moved."""

    def tick(self, changed: frozenset[Key]) -> None: ...


class TickLog:
    """One line for each new price that is handed to a socket, with its wall time.

    {"wall_ns": ..., "symbol": streamer symbol, "price": ...}; prices are those of Trade and
    TradeETH. Options are left out: a thousand contracts would bury the rest.
    """

    def __init__(self, out: TextIO, clock: Clock) -> None:
        self._out = out
        self._clock = clock
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}

    def note(self, symbol: str, price: float) -> None:
        """Write a line when the price is news; safe from any thread."""
        if symbol.startswith((".", "./")) or not math.isfinite(price):
            return
        with self._lock:
            if self._last.get(symbol) == price:
                return
            self._last[symbol] = price
            line = {"wall_ns": int(self._clock.real() * 1e9), "symbol": symbol, "price": price}
            self._out.write(json.dumps(line) + "\n")
            self._out.flush()


class Ticker:
    """A worker: every BEAT it advances the market and ticks the listeners."""

    name = "ticker"

    def __init__(
        self, desk: Desk, listeners: Callable[[], Iterable[Listener]], clock: Clock
    ) -> None:
        self._desk = desk
        self._listeners = listeners
        self._clock = clock

    def beat(self) -> None:
        """One beat. A listener that fails is logged; the others still get theirs."""
        changed = self._desk.beat()
        for listener in self._listeners():
            try:
                listener.tick(changed)
            except Exception:
                log.exception("a connection failed on the beat")

    def run(self, stop: threading.Event) -> None:
        """Beat until stop is set."""
        due = self._clock.monotonic()
        while not stop.is_set():
            self.beat()
            now = self._clock.monotonic()
            due = max(due + BEAT, now)  # a beat that took too long is not made up for
            stop.wait(due - now)
