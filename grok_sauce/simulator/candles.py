"""Minute bars put together into longer ones."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.errors import BadPayload
from grok_sauce.market.instruments import CandleSymbol, canonical_period
from grok_sauce.simulator.paths import Array

Row = tuple[int, int, float, float, float, float, float]

DAY: Final = 86_400
PERIODS: Final = {
    "m": 60, "2m": 120, "3m": 180, "5m": 300, "10m": 600, "15m": 900, "20m": 1200, "30m": 1800,
    "h": 3600, "2h": 7200, "4h": 14_400, "d": DAY,
}  # fmt: skip


def period_seconds(period: str) -> int | None:
    """Length of a bar; None for a period that this market does not serve."""
    try:
        return PERIODS.get(canonical_period(period))
    except BadPayload:
        return None


def aggregate(
    keys: NDArray[np.int64], bars: tuple[Array, Array, Array, Array, Array, Array]
) -> list[Row]:
    """Join neighbouring bars with equal keys.

    keys: start of the long bar that each minute belongs to, in ms, ascending. bars: count,
    open, high, low, close, volume by minute. Volumes and counts add up; NaN stays NaN.
    """
    if not len(keys):
        return []
    count, opened, high, low, close, volume = bars
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    last = np.concatenate([first[1:], [len(keys)]]) - 1
    columns = (
        np.add.reduceat(count, first).astype(np.int64),
        opened[first],
        np.maximum.reduceat(high, first),
        np.minimum.reduceat(low, first),
        close[last],
        np.add.reduceat(volume, first),
    )
    return list(zip(keys[first].tolist(), *(column.tolist() for column in columns), strict=True))


def base_of(streamer: str) -> str | None:
    """The instrument behind a symbol that may be a candle's."""
    if "{" not in streamer:
        return streamer
    try:
        return CandleSymbol.parse(streamer).base
    except BadPayload:
        return None


def joined(rows: list[Row]) -> list[Row]:
    """Bars with one start made one: an evening's futures can share a bar with the day before."""
    made: list[Row] = []
    for row in rows:
        if made and made[-1][0] == row[0]:
            time, count, opened, high, low, _, volume = made[-1]
            made[-1] = (
                time, count + row[1], opened, max(high, row[3]), min(low, row[4]), row[5],
                volume + row[6],
            )  # fmt: skip
        else:
            made.append(row)
    return made
