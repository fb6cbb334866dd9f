"""A Liquidity Trigger study for the embedded market: rows of the real one's shape, made up.

A level is the middle of the range of its look-back, and is gone where price is trading through
it. What the real script does is its author's; only the shape of a row is the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from grok_sauce.market.lt_levels import LOOKBACKS

NOTHING: Final = 1e100
Bar = Sequence[float | None]  # time (s), open, high, low, close, volume
NEAR: Final = 0.0004  # of the price: so near the level is being traded through


def rows(bars: Sequence[Bar], tick: float, first: int = 0) -> list[list[float]]:
    """Rows of the study for bars[first:]: time, four plots, then seven levels and counters."""
    spans = [_spans(bars, lookback, first) for lookback in LOOKBACKS]
    found = []
    for place in range(first, len(bars)):
        bar = bars[place]
        time, close = float(bar[0] or 0), float(bar[4] or 0)
        row = [time, close, close, 0.0, 0.0]
        for lookback, span in zip(LOOKBACKS, spans, strict=True):
            high, low = span[place - first]
            level = round((high + low) / 2 / tick) * tick
            there = place + 1 >= lookback and abs(level - close) > close * NEAR
            row += [round(level, 6) if there else NOTHING, float(min(place + 1, lookback))]
        found.append(row)
    return found


def _spans(bars: Sequence[Bar], lookback: int, first: int) -> list[tuple[float, float]]:
    """Highest high and lowest low of the last `lookback` bars, for each bar from `first` on."""
    highs: deque[tuple[int, float]] = deque()
    lows: deque[tuple[int, float]] = deque()
    found = []
    for place in range(max(0, first - lookback + 1), len(bars)):
        high, low = float(bars[place][2] or 0), float(bars[place][3] or 0)
        while highs and highs[-1][1] <= high:
            highs.pop()
        while lows and lows[-1][1] >= low:
            lows.pop()
        highs.append((place, high))
        lows.append((place, low))
        for held in (highs, lows):
            if held[0][0] <= place - lookback:
                held.popleft()
        if place >= first:
            found.append((highs[0][1], lows[0][1]))
    return found


SCRIPTS: Final[dict[str, str]] = {
    "PUB;93e43ec4c20f420fac2b70f0f2b286cf": "Liquidity Triggers",
    "PUB;7e87924bf26940f3b0e4e245ec9e30b2": "Liquidity Triggers",
}


def description(script: str, version: str) -> dict[str, Any] | None:
    """What the Pine service says of a script; None for one it does not have."""
    name = SCRIPTS.get(script)
    if name is None:
        return None
    number = "1" if version == "last" else version
    text = f"bmI9Ks46_{script[-12:]}_{number}"
    inputs = [
        {"id": "text", "type": "text", "defval": text, "isHidden": True},
        {"id": "pineId", "type": "text", "defval": script, "isHidden": True},
        {"id": "pineVersion", "type": "text", "defval": number, "isHidden": True},
        {"id": "pineFeatures", "type": "text", "defval": '{"indicator":1}', "isFake": True},
        {"id": "in_0", "name": "Show levels", "type": "bool", "defval": True, "isFake": True},
        {"id": "in_1", "name": "Colour", "type": "color", "defval": "#ff0000", "isFake": True},
        {"id": "__profile", "type": "bool", "defval": False, "isFake": True},
    ]
    meta = {
        "id": "Script$" + script + "@tv-scripting-101[v5]!",
        "scriptIdPart": script,
        "description": name,
        "pine": {"digest": "0" * 40, "version": number},
        "inputs": inputs,
        "plots": [{"id": f"plot_{place}", "type": "line"} for place in range(18)],
        "styles": {},
    }
    return {"success": True, "result": {"IL": "", "ilTemplate": text, "metaInfo": meta}}
