"""CandleSeries: bars of one symbol and period in columns, keyed by start time, bounded.

len(series), series.last -> Bar | None, series.bar(time) -> Bar | None
series.bars(start=None, end=None) -> list[Bar]          start <= time < end, ms, oldest first
series.columns(start=None, end=None) -> Columns         frozen copies of the arrays
series.missing(start, end) -> list[int]                 expected starts that have no bar
series.times, .opens, .highs, .lows, .closes, .volumes, .counts     arrays, read only
series.revision (grows with each change), .snapshot_at (arrival of the history, None before)
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import isnan, nan
from operator import gt, le, lt
from sys import float_info
from typing import Any, Final, NamedTuple

from grok_sauce.errors import BadPayload
from grok_sauce.market.events import EARLIEST, LATEST, Bar, Row, amount, tally
from grok_sauce.market.instruments import CandleSymbol

LIMIT: Final = 12_000  # bars; five sessions of minutes of a share are 4,800, of a future 6,900

# Bits of eventFlags (dxLink: Candle snapshot).
REMOVE_EVENT: Final = 0x02
_SNAPSHOT_MARKS: Final = 0x04 | 0x08 | 0x10  # begin, end, snip

Key = tuple[str, str, bool]  # base symbol, canonical period, regular hours only


@lru_cache(maxsize=4096)
def series_key(symbol: str) -> Key | None:
    """The series a candle symbol belongs to, whatever its spelling; None for others.

    Series are of last prices aligned to midnight: {price=bid} and the like are not kept.

    >>> series_key("SPY{=1m,tho=true}"), series_key("SPY{=m,price=bid}")
    (('SPY', 'm', True), None)
    """
    try:
        candle = CandleSymbol.parse(symbol)
    except BadPayload:
        return None
    if set(candle.attributes) - {("tho", "true")}:
        return None
    return candle.base, candle.period, candle.tho


class Columns(NamedTuple):
    """Copies of a stretch of a series, oldest first, one length.

    times are ms UTC; an unknown volume is nan here and only here, an unknown count -1.
    """

    times: array[int]
    opens: array[float]
    highs: array[float]
    lows: array[float]
    closes: array[float]
    volumes: array[float]
    counts: array[int]


class CandleSeries:
    """Bars of one (base, period, tho), ascending by time, at most `limit`, the newest kept.

    A bar that is missing is missing: nothing is filled in. One writer. period_ms is the
    length of a bar, None where it is not fixed.
    """

    def __init__(self, period_ms: int | None = None, limit: int = LIMIT) -> None:
        self.period_ms = period_ms
        self.limit = limit
        self.revision = 0
        self.snapshot_at: float | None = None
        self.times = array("q")
        self.opens = array("d")
        self.highs = array("d")
        self.lows = array("d")
        self.closes = array("d")
        self.volumes = array("d")  # nan: unknown
        self.counts = array("q")  # -1: unknown
        self._columns: tuple[array[Any], ...] = (
            self.times,
            self.opens,
            self.highs,
            self.lows,
            self.closes,
            self.volumes,
            self.counts,
        )

    def __len__(self) -> int:
        return len(self.times)

    # ---- reading ------------------------------------------------------------------------

    def _at(self, place: int) -> Bar:
        volume, count = self.volumes[place], self.counts[place]
        return Bar(
            self.times[place],
            self.opens[place],
            self.highs[place],
            self.lows[place],
            self.closes[place],
            None if isnan(volume) else volume,
            None if count < 0 else count,
        )

    def _range(self, start: int | None, end: int | None) -> range:
        first = 0 if start is None else bisect_left(self.times, start)
        last = len(self.times) if end is None else bisect_left(self.times, end)
        return range(first, max(first, last))

    @property
    def last(self) -> Bar | None:
        """The newest bar (in session it is still forming)."""
        return self._at(-1) if self.times else None

    def bar(self, time: int) -> Bar | None:
        """The bar that starts exactly at time (ms)."""
        place = bisect_left(self.times, time)
        return self._at(place) if place < len(self) and self.times[place] == time else None

    def bars(self, start: int | None = None, end: int | None = None) -> list[Bar]:
        """Bars with start <= time < end, oldest first; None leaves a side open."""
        return [self._at(place) for place in self._range(start, end)]

    def columns(self, start: int | None = None, end: int | None = None) -> Columns:
        """The same stretch as copies of the arrays, for calculations on another thread."""
        span = self._range(start, end)
        return Columns(*(column[span.start : span.stop] for column in self._columns))

    def missing(self, start: int, end: int) -> list[int]:
        """Starts on the period's grid in [start, end) without a bar: gaps, or minutes unprinted.

        The grid counts from start. Raises ValueError when bars have no fixed length.
        """
        if self.period_ms is None:
            raise ValueError("bars of this period have no fixed length")
        span = self._range(start, end)
        there = set(self.times[span.start : span.stop])
        return [time for time in range(start, end, self.period_ms) if time not in there]

    # ---- writing ------------------------------------------------------------------------

    def upsert(self, bar: Bar) -> None:
        """Put one bar in its place; a bar of the same time is replaced (the last wins)."""
        times = self.times
        self.revision += 1
        values = _values(bar)
        place = len(times) - 1 if times and times[-1] == bar.time else bisect_left(times, bar.time)
        if place < len(times) and times[place] == bar.time:
            for column, value in zip(self._columns, values, strict=True):
                column[place] = value
            return
        if place == 0 and len(times) >= self.limit:
            return  # older than everything kept
        for column, value in zip(self._columns, values, strict=True):
            column.insert(place, value)
        self._trim()

    def remove(self, time: int) -> None:
        """Take out the bar that starts at time, if there is one."""
        place = bisect_left(self.times, time)
        if place < len(self) and self.times[place] == time:
            self.revision += 1
            for column in self._columns:
                del column[place]

    def replace(self, bars: Iterable[Bar], at: float) -> None:
        """Take a snapshot: its bars replace all that are not older than its oldest.

        bars may come in any order and repeat a time (the last given wins). No bars: there
        is no history, and nothing is replaced. at is the arrival.
        """
        fresh = sorted({bar.time: bar for bar in bars}.values(), key=lambda bar: bar.time)
        self.splice(tuple(zip(*map(_values, fresh), strict=True)), at)

    def splice(self, columns: Sequence[Sequence[float]], at: float) -> None:
        """replace() with columns that are clean and ascending by time; none for no bars."""
        self.snapshot_at = at
        self.revision += 1
        if not columns:
            return
        keep = bisect_left(self.times, columns[0][0])
        for column, values in zip(self._columns, columns, strict=True):
            del column[keep:]
            column.extend(values)
        self._trim()

    def _trim(self) -> None:
        excess = len(self.times) - self.limit
        if excess > 0:
            for column in self._columns:
                del column[:excess]


def _values(bar: Bar) -> tuple[float, ...]:
    """A bar as a row of the arrays."""
    return (
        bar.time,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        nan if bar.volume is None else bar.volume,
        -1 if bar.count is None else bar.count,
    )


def take_updates(series: CandleSeries, rows: Iterable[Row]) -> int:
    """Apply live rows of FIELDS["Candle"] in order; returns how many were no bars."""
    rejected = 0
    for row in rows:
        flags = row[0] if isinstance(row[0], int) else 0
        if flags & REMOVE_EVENT:
            # The empty row that ends a snapshot carries REMOVE too and removes nothing.
            if not flags & _SNAPSHOT_MARKS and isinstance(row[2], int):
                series.remove(row[2])
        elif (bar := Bar.of(row)) is not None:
            series.upsert(bar)
        else:
            rejected += 1
    return rejected


def take_snapshot(series: CandleSeries, rows: Iterable[Row], at: float) -> int:
    """Apply the rows of one symbol's whole snapshot; returns how many were no bars."""
    rows = [row for row in rows if not (isinstance(row[0], int) and row[0] & REMOVE_EVENT)]
    columns = _clean_columns(rows)
    if columns is not None:
        series.splice(columns, at)
        return 0
    bars = [bar for row in rows if (bar := Bar.of(row)) is not None]
    series.replace(bars, at)
    return len(rows) - len(bars)


def _clean_columns(rows: Sequence[Row]) -> Sequence[Sequence[float]] | None:
    """Rows as ascending columns if every one is a bar, in order of time; None otherwise.

    The same rules as Bar.of, a column at a time: a start brings a hundred thousand bars.
    """
    if not rows:
        return None
    _, _, times, counts, opens, highs, lows, closes, volumes = zip(*rows, strict=True)
    types = {type(value) for column in (opens, highs, lows, closes) for value in column}
    if set(map(type, times)) != {int} or not types <= {int, float}:
        return None
    clean = (
        min(times) >= EARLIEST
        and max(times) < LATEST
        and min(lows) > 0
        and max(highs) <= float_info.max
        and all(map(le, lows, opens))
        and all(map(le, opens, highs))
        and all(map(le, lows, closes))
        and all(map(le, closes, highs))
    )
    later = times[1:]
    ascending = all(map(lt, times, later))
    if not clean or not (ascending or all(map(gt, times, later))):
        return None
    columns: tuple[Sequence[float], ...] = (
        times,
        opens,
        highs,
        lows,
        closes,
        [nan if volume is None else volume for volume in map(amount, volumes)],
        [-1 if count is None else count for count in map(tally, counts)],
    )
    return columns if ascending else [column[::-1] for column in columns]
