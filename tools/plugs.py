"""Our parts as benchmarks see them: frames into the market state, a chain into its levels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from grok_sauce.bench.gex import Columns, levels
from grok_sauce.feeds.dxlink_messages import DxLinkSettings
from grok_sauce.feeds.dxlink_protocol import DxLinkProtocol
from grok_sauce.market.batches import FIELDS
from grok_sauce.market.state import MarketState
from grok_sauce.runtime import collector

AT = 1797449527.0
ROWS = frozenset(("SPY", "QQQ", "VIX"))  # of a table on screen
BEAT = 50  # frames; 5,000 events in 100 ms are a busy open


class Ingest:
    """Call it with one frame; quote(symbol) gives the last (bid, ask)."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        collector.settle()  # as the product does at its start
        self.state = MarketState()
        self._frames = 0
        # Benchmarks send each kind on a channel of its own, numbered 1, 3, 5, ...
        kinds = [kind for kind in ("Trade", "Quote", "Summary", "Greeks") if kind in fields]
        channels = {1 + 2 * place: (kind,) for place, kind in enumerate(kinds)}
        protocol = DxLinkProtocol("", DxLinkSettings(), channels=channels)
        protocol.start(0.0)

        def says(**message: Any) -> None:
            protocol.feed_bytes(orjson.dumps(message), AT, 0.0)

        says(type="AUTH_STATE", channel=0, state="AUTHORIZED")
        for number, (kind,) in channels.items():
            says(type="CHANNEL_OPENED", channel=number)
            says(type="FEED_CONFIG", channel=number, eventFields={kind: list(fields[kind])})
        self._feed: Callable[..., Any] = protocol.feed_bytes

    def __call__(self, frame: bytes) -> None:
        for batch in self._feed(frame, AT, 0.0).batches:
            self.state.apply(batch)
        self._frames += 1
        if self._frames % BEAT == 0:
            self.state.take_changed(ROWS)  # as the engine does with every beat

    def quote(self, symbol: str) -> tuple[float, float]:
        """The last bid and ask, raw."""
        row = self.state.last["Quote"][symbol]
        columns = FIELDS["Quote"]
        return row[columns.index("bidPrice")], row[columns.index("askPrice")]


def ingest(fields: Mapping[str, Sequence[str]]) -> Ingest:
    """A side for a feed benchmark: FUNC(fields) -> feed."""
    return Ingest(fields)


def gex(
    strike: Any, tau: Any, iv: Any, oi: Any, is_call: Any, spot: float, grid: Any
) -> dict[str, Any]:
    """A side for a GEX benchmark: columns of a chain and ascending spots, even in ln, to levels."""
    found = levels(Columns(strike, tau, iv, oi, is_call, spot), grid)
    return {
        "zero_gamma": np.nan if found.zero_gamma is None else found.zero_gamma,
        "profile": found.profile,
        "call_wall": found.call_wall,
        "put_wall": found.put_wall,
        "max_pain": found.max_pain,
    }
