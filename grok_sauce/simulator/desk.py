"""The one door to the simulated market for many threads: lock, watch counts, one beat."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from grok_sauce.runtime.clock import Clock
from grok_sauce.simulator.candle_symbols import CandleSymbol

Key = tuple[str, str]  # event type, streamer symbol (a candle's in canonical spelling)
BarRow = tuple[int, float, float, float, float, float, float]  # time ms, count, OHLC, volume

CANDLE_CAP: Final = 8000  # bars of one snapshot
_SESSION: Final = 390 * 60  # seconds of a regular day, the shortest that bars fill


class Market(Protocol):
    """What the servers ask of the simulated market. It need not know about threads."""

    now: float

    def advance(self, now: float) -> set[Key]: ...
    def watch(self, kind: str, streamer: str) -> None: ...
    def unwatch(self, kind: str, streamer: str) -> None: ...
    def event(self, kind: str, streamer: str) -> dict[str, Any] | None: ...
    def candles(
        self, base: str, period: str, tho: bool, from_ms: int, until: float
    ) -> Sequence[BarRow]: ...
    def equity(self, symbol: str) -> dict[str, Any] | None: ...
    def equities(self, prefix: str) -> list[dict[str, Any]]: ...
    def futures(self, product: str) -> list[dict[str, Any]]: ...
    def chain(self, underlying: str) -> dict[str, Any] | None: ...
    def market_data(self, kind: str, symbol: str) -> dict[str, Any] | None: ...
    def session(self) -> dict[str, Any]: ...


class Desk:
    """Serialises access to the market; a lock is held for short slices only."""

    def __init__(self, market: Market, clock: Clock) -> None:
        self._market = market
        self._clock = clock
        self._lock = threading.RLock()
        self._watched: Counter[Key] = Counter()
        self._events: dict[Key, dict[str, Any] | None] = {}  # of the present beat

    def beat(self) -> frozenset[Key]:
        """Move the market to the clock's time; which watched keys changed."""
        with self._lock:
            self._events.clear()
            now = self._clock.market()
            return frozenset(self._market.advance(now)) if now > self._market.now else frozenset()

    def watch(self, keys: Iterable[Key]) -> None:
        """Count one more watcher of each key."""
        with self._lock:
            for key in keys:
                self._watched[key] += 1
                if self._watched[key] == 1:
                    self._market.watch(*key)

    def unwatch(self, keys: Iterable[Key]) -> None:
        """Count one watcher less of each key."""
        with self._lock:
            for key in keys:
                self._watched[key] -= 1
                if self._watched[key] <= 0:
                    del self._watched[key]
                    self._market.unwatch(*key)

    def watched(self) -> int:
        """How many different keys somebody watches."""
        with self._lock:
            return len(self._watched)

    def events(self, kind: str, symbols: Sequence[str]) -> list[dict[str, Any] | None]:
        """Current events in the order of symbols; None where the market is silent.

        The dicts are shared between callers: read them only.
        """
        with self._lock:
            known = self._events
            answers: list[dict[str, Any] | None] = []
            for symbol in symbols:
                key = (kind, symbol)
                if key not in known:
                    known[key] = self._market.event(kind, symbol)
                answers.append(known[key])
            return answers

    def candles(self, candle: CandleSymbol, from_ms: int) -> list[BarRow]:
        """Bars since from_ms, oldest first, the last one live; at most CANDLE_CAP + 1 of them.

        One more than the cap tells the caller that there were more.
        """
        per_day = max(1.0, _SESSION / candle.seconds)
        days = CANDLE_CAP / per_day * max(1.0, candle.seconds / 86400) * 7 / 5 + 10
        with self._lock:
            now = self._market.now
            earliest = int((now - days * 86400) * 1000)
            rows = self._market.candles(
                candle.base, candle.period, candle.tho, max(from_ms, earliest), now
            )
        return list(rows[-CANDLE_CAP - 1 :])

    def ask(self, question: str, *args: Any) -> Any:
        """Call one of the market's look-ups (equity, chain, session ...) under the lock."""
        with self._lock:
            return getattr(self._market, question)(*args)

    def now(self) -> float:
        """Market time the prices stand at."""
        with self._lock:
            return self._market.now
