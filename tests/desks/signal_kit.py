"""What the tests of the live strategy stand on: fakes with the owners' signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from grok_sauce.desks.signals import Doors, SignalDesk, Sources
from grok_sauce.desks.signals_book import Book
from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings import Settings, validate
from grok_sauce.strategies.candle import Candle
from grok_sauce.strategies.levels import KnownLevels
from grok_sauce.update import Update

LT = (21250.0, 21240.0, 21225.0, 21190.0, 21300.0)
EXAMPLE = (("14:00", 21265, 21270, 21255, 21260), ("14:15", 21258, 21261, 21241, 21246.25))


def unix(text: str) -> float:
    """A New York time; without a day it is Wednesday 2026-12-16."""
    full = text if "T" in text else f"2026-12-16T{text}"
    return datetime.fromisoformat(full).replace(tzinfo=ZoneInfo("America/New_York")).timestamp()


def candle(text: str, *prices: float, contract: str | None = "/NQH7", seconds: int = 900) -> Candle:
    return Candle(round(unix(text) * 1000), *map(float, prices), 100.0, contract, seconds)


class FakeCandles:
    """A candle owner that is told by hand."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], list[Candle]] = {}
        self.wanted: list[tuple[str, str]] = []
        self.listeners: list[Callable[[str, str, Candle], None]] = []

    def want(self, owner: str, wanted: Iterable[tuple[str, str]]) -> None:
        self.wanted = list(wanted)

    def history(self, symbol: str, timeframe: str) -> list[Candle]:
        return list(self.kept.get((symbol, timeframe), ()))

    def listen(self, callback: Callable[[str, str, Candle], None]) -> None:
        self.listeners.append(callback)

    def close(self, symbol: str, found: Candle, heard: bool = True) -> None:
        frame = "1m" if found.seconds == 60 else "15m"
        self.kept.setdefault((symbol, frame), []).append(found)
        for listener in self.listeners if heard else ():
            listener(symbol, frame, found)


class FakeLevels:
    """A level service with one set, and why there is none."""

    def __init__(self, known: KnownLevels | None, contract: str | None = "/NQH7") -> None:
        self.sets = [] if known is None else [known]
        self.asked: list[str] = []

    def known(self, symbol: str, at: float) -> KnownLevels | None:
        self.asked.append(symbol)
        found = [each for each in self.sets if each.known_at <= at]
        return max(found, key=lambda each: each.known_at, default=None)

    def why(self, symbol: str) -> str | None:
        return None if self.sets else "the chain of QQQ is loading"


class FakeTriggers:
    """LT levels of each bar, known at its end."""

    def __init__(self, *sets: LtLevels) -> None:
        self.sets = list(sets)

    def triggers(self, symbol: str, at: float) -> LtLevels | None:
        found = [each for each in self.sets if each.at <= at]
        return max(found, key=lambda each: each.at, default=None)


def wall(price: float = 21252.5, at: str = "12:00", source: str = "QQQ, cboe") -> KnownLevels:
    return KnownLevels(unix(at), source, "/NQH7", 41.27, unix(at), (("put_wall", price),))


def lt_of(text: str, prices: Sequence[float | None] = LT, contract: str | None = "/NQH7"
          ) -> LtLevels:  # fmt: skip
    start = unix(text)
    return LtLevels(
        "CME_MINI:NQ1!", "15m", contract, round(start * 1000), True, tuple(prices), start + 900
    )


class Kit:
    """A desk with fakes around it; start() gives another process's desk over the same file."""

    def __init__(self, folder: Path, **strategy: Any) -> None:
        self.folder = folder
        self.clock = ManualClock(unix("13:50"))
        self.candles = FakeCandles()
        self.levels = FakeLevels(wall())
        self.triggers = FakeTriggers(lt_of("13:45"), lt_of("14:00"), lt_of("14:15"))
        self.settings: Settings = validate({"strategy": {"enabled": True, **strategy}})
        self.told: list[Update] = []
        self.saved: list[dict[str, Any]] = []
        self.rows: dict[str, Any] = {}
        self.book: Book | None = None
        self.desk = self.start()

    def start(self, **more: Any) -> SignalDesk:
        self.candles.listeners.clear()
        self.book = Book(self.folder / "signals.db", self.clock)
        self.desk = SignalDesk(
            Sources(self.candles, self.levels, self.triggers),
            self.book,
            Doors(
                self.told.extend,
                lambda topic, key: self.rows.get(key),
                self.saved.append,
            ),
            self.clock,
            self.settings,
            **more,
        )
        self.desk.follow(self.settings)
        return self.desk

    def follow(self, **strategy: Any) -> None:
        self.settings = validate({"strategy": {"enabled": True, **strategy}})
        self.desk.follow(self.settings)

    def close(self, found: Candle, symbol: str = "/NQ", after: float = 1.0) -> None:
        """A candle closes, so many market seconds ago by the time it is judged."""
        self.clock.advance(max(0.0, found.end + after - self.clock.market()))
        self.candles.close(symbol, found)
        self.beat()

    def beat(self) -> None:
        self.desk._runs_wanted()
        self.desk.beat(0.0)

    def example(self, symbol: str = "/NQ", contract: str = "/NQH7") -> None:
        """The worked example: its second candle gives a signal."""
        for row in EXAMPLE:
            self.close(candle(*row, contract=contract), symbol)

    @property
    def signals(self) -> list[dict[str, Any]]:
        return [each.payload for each in self.told if each.topic == "trade.signal"]

    def state(self, symbol: str = "/NQ") -> dict[str, Any]:
        return self.desk.report.state(symbol)

    def minute(self, text: str, *prices: float, contract: str = "/NQH7", symbol: str = "/NQ"
               ) -> None:  # fmt: skip
        self.close(candle(text, *prices, contract=contract, seconds=60), symbol)
