"""A market of one-minute bars for tests: bars in, views of a moment out."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from grok_sauce.analytics.opening_range import Rules
from grok_sauce.analytics.view import View
from grok_sauce.market.batches import Batch
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.sessions import NEW_YORK
from grok_sauce.market.state import MarketState

MINUTE_MS = 60_000
SPY = Instrument("SPY", "SPY", "etf", tick=0.01)


def at(text: str) -> float:
    """A New York wall time, "2026-12-16 09:30", as Unix seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()


def ms(text: str) -> int:
    """The same in milliseconds."""
    return int(at(text) * 1000)


def minutes(start: str, *rows: Sequence[float]) -> list[Bar]:
    """One bar a minute from start: (open, high, low, close[, volume]); an empty row is no bar."""
    first = ms(start)
    return [
        Bar(first + place * MINUTE_MS, *row[:4], row[4] if len(row) > 4 else 100.0, None)
        for place, row in enumerate(rows)
        if row
    ]


def flat(start: str, count: int, price: float = 100.0, volume: float = 100.0) -> list[Bar]:
    """So many minutes at one price, half a point wide."""
    return minutes(start, *[(price, price + 0.25, price - 0.25, price, volume)] * count)


class Minutes:
    """A state with bars. instruments are user symbols followed in the table."""

    def __init__(self, *instruments: Instrument) -> None:
        self.state = MarketState()
        self.table = instruments or (SPY,)
        self.caches: dict[str, dict[Any, Any]] = {}
        self.follow(*self.table)

    def follow(self, *instruments: Instrument) -> None:
        """Records arrive, also of what is not in the table."""
        names = [each.symbol for each in instruments]
        self.state.apply(Batch("Instrument", names, (list(instruments),), 0.0))

    def put(
        self,
        bars: Sequence[Bar],
        streamer: str = "SPY",
        snapshot: bool = True,
        period: str = "m",
    ) -> None:
        """Bars arrive: as history, or one by one."""
        columns = (
            [0] * len(bars),
            [0] * len(bars),
            [bar.time for bar in bars],
            [bar.count for bar in bars],
            [bar.open for bar in bars],
            [bar.high for bar in bars],
            [bar.low for bar in bars],
            [bar.close for bar in bars],
            [bar.volume for bar in bars],
        )
        moment = bars[-1].time / 1000 if bars else 0.0
        symbols = [f"{streamer}{{={period}}}"] * len(bars)
        self.state.apply(Batch("Candle", symbols, columns, moment, snapshot=snapshot))

    def view(
        self,
        now: float,
        topic: str = "",
        settings: Mapping[str, Any] | None = None,
        results: Mapping[str, Any] | None = None,
        links: frozenset[str] = frozenset(),
    ) -> View:
        """A beat at a time; an analytic (by topic) keeps its cache from view to view."""
        symbols = tuple(each.symbol for each in self.table)
        return View(
            state=self.state,
            now=now,
            groups={"positive": symbols},
            symbols=symbols,
            settings=settings or {},
            results=results or {},
            cache=self.caches.setdefault(topic, {}),
            links=links,
        )


def recorded_spy(folder: Path) -> list[Bar]:
    """SPY, Friday 2013-10-04 and the whole week from 2013-10-07, all hours."""
    with gzip.open(folder / "spy_1min_2013-10-04_to_11.csv.gz", "rt", newline="") as text:
        return [
            Bar(
                int(datetime.fromisoformat(row["time"]).timestamp() * 1000),
                float(row["open"]),
                float(row["high"]),
                float(row["low"]),
                float(row["close"]),
                float(row["volume"]),
                None,
            )
            for row in csv.DictReader(text)
        ]


def slow_breaks(bars: list[Bar], chosen: Rules, count: int) -> list[tuple[str, int, float, str]]:
    """(side, minute, price, outcome) by reading the whole day anew for each question."""
    if not bars:
        return []
    start = bars[0].time
    end = start + count * MINUTE_MS
    first = [bar for bar in bars if bar.time < end]
    rest = [bar for bar in bars if bar.time >= end]
    high, low = max(bar.high for bar in first), min(bar.low for bar in first)
    if 2 * len(first) < count or high == low:
        return []
    found = []
    for side, sign in (("up", 1), ("down", -1)):
        level, stop = (high, low) if side == "up" else (low, high)
        for place, bar in enumerate(rest):
            value = bar.close
            if chosen.mode == "touch":
                value = bar.high if side == "up" else bar.low
            if not sign * (value - level) > chosen.buffer:
                continue
            price, after = bar.close, rest[place + 1 :]
            if chosen.mode == "touch":
                just = level + sign * (chosen.buffer + chosen.tick)
                price = bar.open if sign * (bar.open - just) > 0 else just
                price = min(price, bar.high) if side == "up" else max(price, bar.low)
                after = rest[place:]
            target = price + chosen.rr_ratio * (price - stop)
            outcome = "open"
            for one in after:
                worst, best = (one.low, one.high) if side == "up" else (one.high, one.low)
                if sign * (worst - stop) <= 0:
                    outcome = "stop"
                elif sign * (best - target) >= 0:
                    outcome = "target"
                if outcome != "open":
                    break
            found.append((side, bar.time, price, outcome))
            break
    return sorted(found)
