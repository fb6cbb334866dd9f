"""Minutes: which one-minute bars closed since the last beat."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final

from grok_sauce.market.events import Bar
from grok_sauce.market.state import MarketState
from grok_sauce.update import Update

MINUTE_MS: Final = 60_000
GRACE: Final = 1.0  # seconds after the minute in which its last prints still arrive
TRANSIT: Final = 0.2  # seconds of real time they need on their way


class Minutes:
    """Tells each closed minute of each followed symbol once, in order.

    A minute is closed when a later bar of the symbol exists, or a second after its end by
    the exchange's clock. Minutes that ended before a symbol was followed are history, not news;
    those missed while a link was down are told when they arrive.
    """

    def __init__(self) -> None:
        self._told: dict[str, int] = {}  # streamer -> start of the newest minute told

    def closed(
        self,
        state: MarketState,
        streamers: Mapping[str, Sequence[str]],
        now: float,
        speed: float = 1.0,
    ) -> list[Update]:
        """Updates "candle.close" of this beat; streamers: streamer -> user symbols."""
        for gone in self._told.keys() - streamers.keys():
            del self._told[gone]
        edge = int((now - max(GRACE, TRANSIT * speed)) * 1000) - MINUTE_MS
        updates = []
        for streamer, symbols in streamers.items():
            told = self._told.get(streamer)
            if told is None:
                # The minute under way is the first whose close is news.
                self._told[streamer] = int(now * 1000) // MINUTE_MS * MINUTE_MS - 1
                continue
            series = state.candles(streamer, "m")
            if series is None or not len(series) or series.times[-1] <= told:
                continue
            last = series.times[-1]
            for bar in series.bars(series.times[bisect_right(series.times, told)]):
                if bar.time < last or bar.time <= edge:
                    self._told[streamer] = bar.time
                    updates += [_update(symbol, streamer, bar) for symbol in symbols]
        return updates


def _update(symbol: str, streamer: str, bar: Bar) -> Update:
    payload = {
        "symbol": symbol,
        "streamer": streamer,
        "timeframe": "1m",
        "time": bar.time,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": bar.volume,
        "count": bar.count,
    }
    return Update("candle.close", symbol, payload)
