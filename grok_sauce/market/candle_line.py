"""The closed candles of one symbol in order of time, and which of them are news."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from grok_sauce.market.candle_close import LENGTHS, Closed, day_began, run_of
from grok_sauce.market.products import Kind

# Candles that memory holds of one length; the disk has the rest.
LIMITS: Final[Mapping[str, int]] = {"1m": 3000, "15m": 3000, "1d": 800}


class Change(NamedTuple):
    """What one look brought: news in the order to be told, and all that is to be kept."""

    news: list[Closed]
    kept: list[Closed]


class CandleLine:
    """One symbol. put() takes closed candles, each once; what was taken never changes.

    A candle is news when it ended after began (ms), and is newer than the one of its length
    that was told last: candles of the past, and those that come after a newer one was told,
    are kept without being told.
    """

    def __init__(self, kind: Kind, began: int, kept: Iterable[Closed] = ()) -> None:
        self.kind = kind
        self._began = began
        self._told = dict.fromkeys(LENGTHS, -1)
        self._candles: dict[str, list[Closed]] = {timeframe: [] for timeframe in LENGTHS}
        for candle in sorted(kept, key=lambda each: each.time):
            self._candles[candle.timeframe].append(candle)
        self._trim()

    def history(self, timeframe: str) -> list[Closed]:
        """All that is held, ascending."""
        return list(self._candles[timeframe])

    def newest(self, timeframe: str) -> Closed | None:
        """The last one that is held."""
        held = self._candles[timeframe]
        return held[-1] if held else None

    def put(self, found: Sequence[Closed]) -> Change:
        """Take closed candles in any order; those that are held already change nothing."""
        news: list[Closed] = []
        kept: list[Closed] = []
        for candle in sorted(found, key=lambda each: each.time):
            own = self._take(candle)
            if own is None:
                continue
            kept.append(own)
            if own.end > self._began and own.time > self._told[own.timeframe]:
                self._told[own.timeframe] = own.time
                news.append(own)
        self._trim()
        # The minute that ends a quarter of an hour is told before the quarter.
        news.sort(key=lambda each: (each.end, LENGTHS[each.timeframe]))
        return Change(news, kept)

    def _take(self, candle: Closed) -> Closed | None:
        held = self._candles[candle.timeframe]
        place = bisect_left(held, candle.time, key=lambda each: each.time)
        if place < len(held) and held[place].time == candle.time:
            return None
        if place == 0 and len(held) >= LIMITS[candle.timeframe]:
            return None  # older than what memory holds
        before = held[place - 1] if place else None
        if before is not None:
            start = candle.time
            if candle.timeframe == "1d":
                start = day_began(self.kind, candle.time)
            switched = None if before.source == candle.source else before.source
            gap = candle.gap + run_of(self.kind, before.end, start)
            if gap != candle.gap or switched is not None:  # seldom, and copies are dear
                candle = replace(candle, gap=gap, switched=switched)
        held.insert(place, candle)
        return candle

    def _trim(self) -> None:
        for timeframe, held in self._candles.items():
            del held[: max(0, len(held) - LIMITS[timeframe])]
