"""Feed frames to the newest values in memory, against the parser alone and the broker's SDK."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Final

import orjson

from grok_sauce.bench.frames import PER_FRAME, compose, streaming
from grok_sauce.bench.peers import missing, sdk_reader
from grok_sauce.bench.report import Bar, Comparison
from grok_sauce.market.state import MarketState
from grok_sauce.runtime import collector

HELP: Final = "feed parse and state, against orjson alone and the tastytrade SDK"
UNIT: Final = "us CPU/event"

Feed = Callable[[bytes], object]


def measure(
    say: Callable[[str], None], frames: int = 1000, symbols: int = 20_000, repeats: int = 5
) -> list[Comparison]:
    """Median CPU per event of each side over the same frames."""
    say(f"{frames * PER_FRAME:,} events of {symbols:,} symbols, {repeats} times")
    data = compose(frames, symbols)
    usual = gc.get_threshold()
    collector.settle()  # as the product does at its start; the peers have Python's own way
    ours = _cost(_ours, data, repeats)
    gc.unfreeze()
    gc.set_threshold(*usual)
    parser = _cost(lambda: orjson.loads, data, repeats)
    why = missing("tastytrade")
    sdk = None
    if not why:
        try:
            sdk = _cost(lambda: sdk_reader()[0], data[: max(1, frames // 4)], min(3, repeats))
        except ImportError as problem:
            why = str(problem)
    return [
        Comparison("parse and state", UNIT, ours, "tastytrade SDK", sdk, Bar("faster", 18.0), why),
        Comparison("parse and state", UNIT, ours, "orjson.loads alone", parser),
    ]


def _ours() -> Feed:
    protocol, state = streaming(), MarketState()

    def feed(frame: bytes) -> None:
        for batch in protocol.feed_bytes(frame, 1.0, 1.0).batches:
            state.apply(batch)

    return feed


def _cost(make: Callable[[], Feed], data: list[bytes], repeats: int) -> float:
    """Microseconds of CPU per event; a fresh side each time, as after a start."""
    costs = []
    for _ in range(repeats):
        feed = make()
        gc.collect()
        began = time.process_time()
        for frame in data:
            feed(frame)
        costs.append(time.process_time() - began)
    return statistics.median(costs) / (len(data) * PER_FRAME) * 1e6
