"""Candles of one symbol: minutes of memory and disk joined, put together, told as JSON."""

from __future__ import annotations

import logging
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Collection
from datetime import date
from itertools import pairwise
from math import isnan, nan
from pathlib import Path
from typing import Any, Final

from grok_sauce.analytics import chart_bars
from grok_sauce.analytics.chart_bars import DAY_MS, STEPS, Candles, Known
from grok_sauce.analytics.vwap import Vwap
from grok_sauce.engine import Engine
from grok_sauce.market import sessions
from grok_sauce.market.candles import Columns
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.products import Kind
from grok_sauce.runtime import concurrency
from grok_sauce.storage.candles import Past, read_past
from grok_sauce.storage.database import StorageError
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

HOURS: Final = ("regular", "extended")
MOST: Final = 5000  # candles in one answer
USUAL: Final = 400
# Candles of a day at most: regular hours, all hours. What is read back for so many candles.
_A_DAY: Final = {"regular": 23_400_000, "extended": 57_600_000}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which candles: [start, end) in ms, None for open ends; the newest `limit` of them."""

    timeframe: str
    hours: str = "regular"
    start: int | None = None
    end: int | None = None
    limit: int = USUAL


@dataclass(frozen=True, slots=True)
class Minutes:
    """One-minute bars of a stretch, ascending, and what is known of the symbol's past."""

    columns: Columns
    known: Known | None
    revision: int


class CandleReader:
    """Reads what is kept of a symbol: on the engine's thread, and beside the loop from disk."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path

    def minutes(self, streamer: str, start: int, end: int | None) -> Minutes:
        """Minutes that start in [start, end), those of disk where memory begins later."""
        state = self._engine.state

        def copy() -> tuple[Columns, int | None, bool, int]:
            series = state.candles(streamer, "m")
            if series is None or not len(series):
                return _columns([]), None, False, 0
            whole = series.snapshot_at is not None
            return series.columns(start, end), series.times[0], whole, series.revision

        columns, oldest, is_whole, revision = self._engine.call(copy)
        past = Past([], None)
        if oldest is None or start < oldest:
            until = oldest if end is None else min(end, oldest if oldest is not None else end)
            past = self._past(streamer, start, until if until is not None else 1 << 62)
        known = [each for each in (oldest, past.oldest) if each is not None]
        if not known:
            return Minutes(columns, None, revision)
        return Minutes(
            _joined(past.bars, columns),
            Known(min(known), oldest if is_whole else None),
            revision,
        )

    def oldest(self, streamer: str) -> int | None:
        """Start of the oldest minute that is kept anywhere."""
        found = self.minutes(streamer, 0, 1)
        return None if found.known is None else found.known.oldest

    def first(self, streamer: str, timeframe: str, tho: bool) -> int | None:
        """Start of the oldest bar in memory: a page asks again when history has come."""
        days, minutes = ("d", tho), ("m", False)
        period, has_tho = days if timeframe == "1d" else minutes
        series = self._engine.state.candles(streamer, period, has_tho)
        return series.times[0] if series is not None and len(series) else None

    def daily(self, streamer: str, tho: bool) -> tuple[Columns, int]:
        """The feed's own daily bars, and their revision."""
        state = self._engine.state

        def copy() -> tuple[Columns, int]:
            series = state.candles(streamer, "d", tho)
            return (_columns([]), 0) if series is None else (series.columns(), series.revision)

        return self._engine.call(copy)

    def _past(self, streamer: str, start: int, end: int) -> Past:
        try:
            return concurrency.offload(read_past, self._path, streamer, start, end)
        except (StorageError, sqlite3.Error) as problem:
            log.warning("chart: bars kept of %s are not read: %s", streamer, problem)
            return Past([], None)


def read(reader: CandleReader, instrument: Instrument, asked: Asked, now_ms: int) -> dict[str, Any]:
    """Candles as JSON, with what is known of them.

    bars: [time_ms, open, high, low, close, volume]; vwap ([average, deviation]), vwap_regular
    and extended (outside regular hours) stand at the same places. starts: candles that begin a
    trading day. gaps: [from, to] in regular hours. ahead: the end of the regular hours under way
    or next today. first: the oldest there is (ms). more: whether earlier candles are kept.
    """
    if asked.timeframe == "1d":
        return _daily(reader, instrument, asked, now_ms)
    kind, streamer = instrument.kind, instrument.streamer
    step = STEPS[asked.timeframe]
    end = now_ms + DAY_MS if asked.end is None else asked.end
    reach = max(1, asked.limit * step // _A_DAY[asked.hours]) * DAY_MS * 7 // 5 + 4 * DAY_MS
    oldest = reader.oldest(streamer)
    while True:
        start = end - reach if asked.start is None else asked.start
        start = chart_bars.day_start(kind, start)
        minutes = reader.minutes(streamer, start, end)
        found = Candles()
        if minutes.known is not None:
            found = concurrency.offload(
                chart_bars.candles, minutes.columns, kind, step, minutes.known
            )
        if asked.hours == "regular":
            found = found.only_regular()
        is_enough = asked.start is not None or len(found.bars) >= asked.limit
        if is_enough or oldest is None or start <= oldest:
            break
        reach *= 3
    if asked.start is not None:
        found = found.tail(sum(1 for bar in found.bars if (bar[0] or 0) >= asked.start))
    found = found.tail(asked.limit)
    times = [int(bar[0] or 0) for bar in found.bars]
    has_more = (
        bool(times) and oldest is not None and _is_before(kind, asked.hours, oldest, times[0])
    )
    return {
        **_told(found, kind == "future"),
        "starts": _starts(times, found.days),
        "gaps": chart_bars.gaps(times, kind, step, min(end, now_ms)),
        "ahead": ahead(instrument, now_ms),
        "basis": "minutes",
        "first": oldest,
        "more": has_more,
        "revision": minutes.revision,
    }


class Tails:
    """The newest candles of what is watched: only minutes that are new are worked in."""

    def __init__(self, reader: CandleReader) -> None:
        self._reader = reader
        self._kept: dict[tuple[str, str], _Tail] = {}

    def keep(self, rooms: Collection[tuple[str, str]]) -> None:
        """Forget all but these (streamer symbol, timeframe)."""
        self._kept = {room: tail for room, tail in self._kept.items() if room in rooms}

    def tail(
        self, instrument: Instrument, timeframe: str, count: int, now_ms: int
    ) -> dict[str, Any]:
        """The newest few candles of all hours: {bars, extended, vwap, vwap_regular}."""
        if timeframe == "1d":
            return _daily(self._reader, instrument, Asked("1d", limit=count), now_ms)
        kind, room = instrument.kind, (instrument.streamer, timeframe)
        start = chart_bars.day_start(kind, now_ms)
        minutes = self._reader.minutes(instrument.streamer, start, None)
        if not len(minutes.columns.times):  # before today's first: those of the day before
            start = chart_bars.day_start(kind, start - 1)
            minutes = self._reader.minutes(instrument.streamer, start, None)
        if minutes.known is None or not len(minutes.columns.times):
            return _told(Candles(), kind == "future")
        kept = self._kept.get(room)
        if kept is None or not kept.goes_on(start, kind, minutes):
            kept = self._kept[room] = _Tail(start, kind, STEPS[timeframe], minutes.known)
        return _told(kept.with_forming(minutes.columns, count).tail(count), kind == "future")


class _Tail:
    """A day's minutes but the newest one, which still changes."""

    def __init__(self, start: int, kind: Kind, step: int, known: Known) -> None:
        self._sign = (start, kind, known)
        self._builder = chart_bars.Builder(kind, step, known)
        self._fed = 0
        self._newest: tuple[float, ...] = ()

    def goes_on(self, start: int, kind: Kind, minutes: Minutes) -> bool:
        """Are the minutes those that were fed, and newer ones? A correction begins anew."""
        fed, columns = self._fed, minutes.columns
        if (start, kind, minutes.known) != self._sign or len(columns.times) <= fed:
            return False
        return not fed or _row(columns, fed - 1) == self._newest

    def with_forming(self, columns: Columns, count: int) -> Candles:
        last = len(columns.times) - 1
        if self._fed < last:
            self._builder.feed(_slice(columns, self._fed, last))
            self._fed, self._newest = last, _row(columns, last - 1)
        fork = self._builder.fork(count + 1)
        fork.feed(_slice(columns, last, last + 1))
        return fork.found


def _slice(columns: Columns, first: int, last: int) -> Columns:
    return Columns(
        columns.times[first:last],
        columns.opens[first:last],
        columns.highs[first:last],
        columns.lows[first:last],
        columns.closes[first:last],
        columns.volumes[first:last],
        columns.counts[first:last],
    )


def _row(columns: Columns, place: int) -> tuple[float, ...]:
    volume = columns.volumes[place]
    prices = (columns.opens[place], columns.highs[place], columns.lows[place])
    return (columns.times[place], *prices, columns.closes[place], -1.0 if isnan(volume) else volume)


def ahead(instrument: Instrument, now_ms: int) -> int | None:
    """The end of today's regular hours while it lies ahead (ms)."""
    today = sessions.new_york_date(now_ms / 1000)
    for part in chart_bars.day_stretches(instrument.kind, today):
        if part.state == "open" and now_ms < part.end:
            return part.end - (0 if instrument.kind == "future" else chart_bars.MINUTE_MS)
    return None


def bands(found: Vwap | None) -> list[float] | None:
    """[average, one standard deviation]."""
    return None if found is None else [found.price, found.deviation]


def has_regular_days(instrument: Instrument) -> bool:
    """Whether daily bars are asked for with regular hours alone: only shares have others."""
    return instrument.kind not in ("future", "index")


def _daily(
    reader: CandleReader, instrument: Instrument, asked: Asked, now_ms: int
) -> dict[str, Any]:
    """The feed's own daily bars; while there are none, days put together from minutes."""
    columns, revision = reader.daily(instrument.streamer, has_regular_days(instrument))
    basis = "daily"
    rows = [list(row) for row in zip(*columns[:6], strict=True)]
    for row in rows:
        row[5] = None if row[5] != row[5] else row[5]
    if not rows:
        basis = "aggregated"
        minutes = reader.minutes(instrument.streamer, 0, None)
        revision = minutes.revision
        if minutes.known is not None:
            rows = concurrency.offload(
                chart_bars.days, minutes.columns, instrument.kind, minutes.known
            )
    first = int(rows[0][0]) if rows else None
    if asked.start is not None:
        rows = [row for row in rows if row[0] >= asked.start]
    if asked.end is not None:
        rows = [row for row in rows if row[0] < asked.end]
    rows = rows[-asked.limit :]
    none = [None] * len(rows)
    return {
        "bars": rows,
        "extended": [False] * len(rows),
        "vwap": none,
        "vwap_regular": none,
        "starts": [],
        "gaps": _missing_days([int(row[0]) for row in rows], instrument),
        "ahead": None,
        "basis": basis,
        "first": first,
        "more": bool(rows) and first is not None and first < rows[0][0],
        "revision": revision,
    }


def _missing_days(times: list[int], instrument: Instrument) -> list[tuple[int, int]]:
    """Sessions between the first and the last bar that have none, in runs."""
    found: list[tuple[int, int]] = []
    for one, other in pairwise(times):
        first, last = sessions.day_of(one // DAY_MS), sessions.day_of(other // DAY_MS)
        if (last - first).days <= 1 or instrument.kind == "future":
            continue
        expected = sessions.next_session(first)
        if expected < last:
            found.append((sessions.day_id(expected) * DAY_MS, other))
    return found


def _told(found: Candles, is_future: bool) -> dict[str, Any]:
    return {
        "bars": found.bars,
        "extended": found.extended,
        "vwap": [bands(each) for each in found.session],
        # A share's session is its regular hours: said once.
        "vwap_regular": [bands(each) for each in found.regular] if is_future else None,
    }


def _starts(times: list[int], days: list[date]) -> list[int]:
    found = []
    before: date | None = None
    for time, day in zip(times, days, strict=True):
        if before is not None and day != before:
            found.append(time)
        before = day
    return found


def _is_before(kind: Any, hours: str, oldest: int, first: int) -> bool:
    """Is there a candle before the first one shown? A pre-market alone is none in regular hours."""
    if oldest >= first:
        return False
    if hours != "regular":
        return True
    parts = chart_bars.stretches(kind, oldest, first - 1)
    return any(part.state == "open" and part.start < first for part in parts)


def _columns(bars: list[Bar]) -> Columns:
    return Columns(
        array("q", [bar.time for bar in bars]),
        array("d", [bar.open for bar in bars]),
        array("d", [bar.high for bar in bars]),
        array("d", [bar.low for bar in bars]),
        array("d", [bar.close for bar in bars]),
        array("d", [nan if bar.volume is None else bar.volume for bar in bars]),
        array("q", [-1 if bar.count is None else bar.count for bar in bars]),
    )


def _joined(past: list[Bar], newer: Columns) -> Columns:
    """Bars of disk before those of memory; where both have one, memory is right."""
    if not past:
        return newer
    older = _columns(past)
    cut = bisect_left(older.times, newer.times[0]) if len(newer.times) else len(past)
    return Columns(
        older.times[:cut] + newer.times,
        older.opens[:cut] + newer.opens,
        older.highs[:cut] + newer.highs,
        older.lows[:cut] + newer.lows,
        older.closes[:cut] + newer.closes,
        older.volumes[:cut] + newer.volumes,
        older.counts[:cut] + newer.counts,
    )
