"""Drives the broker's community SDK against a market and reports what it understood, as JSON.

    sdk_client.py HTTP_BASE OPTION_SYMBOL

Runs in an environment of its own that has `tastytrade`; nothing of the project is imported.
The whole way in is genuine: OAuth refresh, quote token, then the streamer's address from there.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import tastytrade.session
from tastytrade import DXLinkStreamer
from tastytrade.dxfeed import Candle, Greeks, Profile, Quote, Summary, Trade


class Complaints(logging.Handler):
    """What the SDK only says in its log: events it skipped, messages it did not know."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text.startswith(("Failed to parse", "Unknown message")):
            self.texts.append(text[:300])


async def collect(streamer: Any, kinds: list[Any], seconds: float, seen: list[Any]) -> None:
    """Put everything that arrives within so many seconds into seen."""
    with anyio.move_on_after(seconds):
        while True:
            for kind in kinds:
                while (event := streamer.get_event_nowait(kind)) is not None:
                    seen.append(event)
            await anyio.sleep(0.02)


async def play(base: str, option: str) -> dict[str, Any]:
    complaints = Complaints()
    logger = logging.getLogger("tastytrade")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(complaints)
    tastytrade.session.API_URL = base
    session = tastytrade.Session("demo", "demo")
    kinds = [Quote, Trade, Summary, Profile, Greeks, Candle]
    first: list[Any] = []
    after: list[Any] = []
    async with DXLinkStreamer(session) as streamer:
        for kind in (Quote, Trade, Summary, Profile):
            await streamer.subscribe(kind, ["SPY", "QQQ"])
        await streamer.subscribe(Greeks, [option])
        start = datetime.now(UTC) - timedelta(days=10)
        await streamer.subscribe_candle(["SPY"], "1d", start_time=start)
        await collect(streamer, kinds, 6.0, first)
        await streamer.unsubscribe(Quote, ["SPY", "QQQ"])
        await collect(streamer, kinds, 0.7, [])
        await collect(streamer, kinds, 2.0, after)
        await streamer.unsubscribe_all(Trade)
        with anyio.move_on_after(5):
            while "Trade" in streamer._subscription_state:
                await anyio.sleep(0.05)
        trade_is_closed = "Trade" not in streamer._subscription_state
    bars = [event for event in first if isinstance(event, Candle)]
    return {
        "counts": Counter(type(event).__name__ for event in first),
        "symbols": sorted({event.event_symbol for event in first}),
        "crossed": [str(e) for e in first if isinstance(e, Quote) and e.bid_price > e.ask_price],
        "greeks": [float(e.delta) for e in first if isinstance(e, Greeks)],
        "candle_begin": sum(bar.snapshot_begin for bar in bars),
        "candle_end": sum(bar.snapshot_end or bar.snapshot_snip for bar in bars),
        "candle_times": [bar.time for bar in bars],
        "quotes_after_unsubscribe": sum(isinstance(event, Quote) for event in after),
        "trade_is_closed": trade_is_closed,
        "complaints": complaints.texts,
    }


if __name__ == "__main__":
    print(json.dumps(anyio.run(play, *sys.argv[1:])))
