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
    say: Callable[[str], None], frames: int = 1000, symbols: int = 20_000, repeats: int = 11
) -> list[Comparison]:
    """Median CPU per event of each side over the same frames."""
    say(f"{frames * PER_FRAME:,} events of {symbols:,} symbols, {repeats} times in turn")
    data = compose(frames, symbols)
    sides: list[tuple[Callable[[], Feed], bool]] = [(_ours, True), (lambda: orjson.loads, False)]
    why = missing("tastytrade")
    if not why:
        try:
            sdk_reader()
            sides.append((lambda: sdk_reader()[0], False))
        except ImportError as problem:
            why = str(problem)
    ours, parser, *rest = _medians(sides, data, repeats)
    sdk = rest[0] if rest else None
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


def _medians(
    sides: list[tuple[Callable[[], Feed], bool]], data: list[bytes], repeats: int
) -> list[float]:
    """Microseconds of CPU per event of each side; they take turns, so that a slow minute hits all.

    A side says whether it runs with the garbage collector as the product sets it at its start;
    the peers have Python's own way.
    """
    costs: list[list[float]] = [[] for _ in sides]
    usual = gc.get_threshold()
    for _ in range(repeats):
        for (make, settled), own in zip(sides, costs, strict=True):
            if settled:
                collector.settle()
            own.append(_cost(make(), data))
            gc.unfreeze()
            gc.set_threshold(*usual)
    return [statistics.median(own) / (len(data) * PER_FRAME) * 1e6 for own in costs]


def _cost(feed: Feed, data: list[bytes]) -> float:
    """Seconds of CPU for all frames; a fresh side each time, as after a start."""
    gc.collect()
    began = time.process_time()
    for frame in data:
        feed(frame)
    return time.process_time() - began
