"""What event reactions are measured from: minutes of the state and of the file, kept exposures."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Mapping, Sequence
from math import nan
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from grok_sauce.analytics.event_reaction import (
    BACK,
    HORIZONS,
    MINUTE_MS,
    Known,
    gamma_since,
    iso,
)
from grok_sauce.engine import Engine
from grok_sauce.engine.minutes import GRACE, TRANSIT
from grok_sauce.market.candles import Columns
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import Instrument, provisional
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.storage import bars, database, gex_snapshots, reactions
from grok_sauce.storage.database import StorageError
from grok_sauce.storage.gex_snapshots import Levels
from grok_sauce.storage.reactions import EventRecord
from grok_sauce.values import dataclass

T = TypeVar("T")
FEED: Final = "dxlink"
LATE: Final = 1200.0  # market seconds after which even a delayed feed has told of a minute
# Where an instrument's own options are not followed: whose gamma exposure it moves with.
PROXIES: Final = {"SPY": "SPX", "QQQ": "NDX", "IWM": "RUT", "DIA": "DJX", "/ES": "SPX",
                  "/MES": "SPX", "/NQ": "NDX", "/MNQ": "NDX"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one symbol now.

    minutes: around each release asked for, in order. since, newest: starts of the first and
    the last minute of all (Unix ms), None without any. snapshot_at: when its history came.
    halted: since when (Unix seconds), None while it trades.
    """

    instrument: Instrument
    minutes: tuple[Columns, ...] = ()
    since: int | None = None
    newest: int | None = None
    snapshot_at: float | None = None
    halted: float | None = None


class Market(Protocol):
    """What the desk needs of the rest of the program."""

    def instrument(self, symbol: str) -> Instrument:
        """What is known of a user's symbol."""

    def see(self, symbols: Sequence[str], times: Sequence[int]) -> Mapping[str, Seen]:
        """Minutes around releases at these times (Unix ms), of each symbol."""

    def known(self, seen: Seen) -> Known:
        """How far those minutes can be trusted now."""

    @property
    def source(self) -> str:
        """LIVE, DELAYED, DEMO or REPLAY."""


def span_of(time: int) -> tuple[int, int]:
    """First and last instant (Unix ms) of the minutes a release at `time` is measured by."""
    start = time // MINUTE_MS * MINUTE_MS
    return start - BACK * MINUTE_MS, start + HORIZONS[-1] * MINUTE_MS


class EngineMarket:
    """The market state, read on the engine's thread."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    @property
    def source(self) -> str:
        return self._engine.source

    def instrument(self, symbol: str) -> Instrument:
        return self._engine.state.instruments.get(symbol) or provisional(symbol)

    def see(self, symbols: Sequence[str], times: Sequence[int]) -> Mapping[str, Seen]:
        def look() -> dict[str, Seen]:
            return {symbol: self._see(symbol, times) for symbol in symbols}

        return self._engine.call(look)

    def _see(self, symbol: str, times: Sequence[int]) -> Seen:
        instrument = self.instrument(symbol)
        series = self._engine.state.candles(instrument.streamer, "m")
        profile = self._engine.state.profile(instrument.streamer)
        halted = None
        if profile is not None and profile.is_halted:
            start = profile.halt_start
            halted = profile.at if start is None else start / 1000
        if series is None or not len(series):
            return Seen(instrument, (EMPTY,) * len(times), halted=halted)
        return Seen(
            instrument,
            tuple(series.columns(*span_of(time)) for time in times),
            series.times[0],
            series.times[-1],
            series.snapshot_at,
            halted,
        )

    def known(self, seen: Seen) -> Known:
        state = self._engine.state
        return known_of(
            seen,
            self._clock.market(),
            max(GRACE, TRANSIT * self._clock.speed),
            self._engine.source == "DELAYED",
            state.link_up(FEED),
            state.link_changed_at(FEED),
        )


EMPTY: Final = Columns(
    array("q"), array("d"), array("d"), array("d"), array("d"), array("d"), array("q")
)


def known_of(
    seen: Seen,
    now: float,
    grace: float,
    is_delayed: bool,
    link_up: bool | None,
    link_changed: float | None,
) -> Known:
    """How far the minutes of a symbol can be trusted at a market time.

    All but the newest are closed. The newest is when it ended `grace` seconds ago: on a live
    feed, whose link has not been lost since, and which sent the symbol's history after the
    link came back; a minute in which the link went down may lack its last trades. A feed that
    is delayed says nothing by the clock until LATE seconds have passed.
    """
    newest = 0 if seen.newest is None else seen.newest
    by_clock = now - (LATE if is_delayed else grace)
    changed = 0.0 if link_changed is None else link_changed
    if link_up is False:
        by_clock = min(by_clock, changed - grace)
        quiet = 0.0
    elif link_up is True and (seen.snapshot_at is None or seen.snapshot_at < changed):
        by_clock = quiet = 0.0
    else:
        quiet = now - max(LATE, grace)
    return Known(
        since=0 if seen.since is None else seen.since,
        closed=max(newest, int(by_clock * 1000)),
        whole=max(newest, int(quiet * 1000)),
    )


class Kept:
    """What is read of the history file beside its writer, off the loop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, work: Callable[[sqlite3.Connection], T], empty: T) -> T:
        """work(connection) on a native thread; empty while there is no file, or none of ours.

        Raises:
            StorageError: the file cannot be read.
        """

        def read() -> T:
            connection = database.open_reader(self._path)
            if connection is None:
                return empty
            try:
                return work(connection) if reactions.has_table(connection) else empty
            except sqlite3.Error as problem:
                raise StorageError(f"{self._path} cannot be read: {problem}") from None
            finally:
                connection.close()

        return concurrency.offload(read)

    def records(self, start_ms: int, end_ms: int) -> list[EventRecord]:
        """Releases kept of a stretch of time, oldest first."""
        return self.read(lambda file: list(reactions.read(file, start_ms, end_ms)), [])

    def of_title(self, title: str, currency: str, end_ms: int) -> list[EventRecord]:
        """Releases kept of one event, oldest first."""
        return self.read(lambda file: list(reactions.read_title(file, title, currency, end_ms)), [])

    def minutes(self, streamer: str, time: int) -> list[Bar]:
        """Minutes kept around a release."""
        start, end = span_of(time)
        return self.read(lambda file: bars.read_bars(file, streamer, start, end), [])

    def gamma(self, symbol: str, time: int) -> dict[str, Any] | None:
        """The newest exposure kept before a release, of the symbol or of its index.

        {symbol, regime, net ($ per 1 %), flip, spot, as_of, state}; None where none is near
        enough in time. regime is the sign of net, None for 0 or unknown.
        """
        oldest = int(gamma_since(time / 1000) * 1000)
        for name in dict.fromkeys((symbol, PROXIES.get(symbol, symbol))):
            before = [each for each in self._levels(name, oldest, time) if each.as_of < time]
            if before:
                return _exposure(name, before[-1])
        return None

    def _levels(self, symbol: str, start: int, end: int) -> list[Levels]:
        """Exposures of minutes in a stretch of time, true at its start or later."""

        def work(file: sqlite3.Connection) -> list[Levels]:
            found = gex_snapshots.read_levels(file, symbol, start - MINUTE_MS, end)
            return [each for each in found if each.as_of >= start]

        return self.read(work, [])


def _exposure(symbol: str, levels: Levels) -> dict[str, Any]:
    net = levels.net_gex
    return {
        "symbol": symbol,
        "regime": None if not net else "positive" if net > 0 else "negative",
        "net": net,
        "flip": levels.zero_gamma,
        "spot": levels.spot,
        "as_of": iso(levels.as_of / 1000),
        "state": levels.state,
    }


def joined(columns: Columns, kept: Sequence[Bar]) -> Columns:
    """Minutes of the state with those of the file where the state has none."""
    there = set(columns.times)
    rows = list(zip(*columns, strict=True)) + [
        (
            *(bar.time, bar.open, bar.high, bar.low, bar.close),
            nan if bar.volume is None else bar.volume,
            -1 if bar.count is None else bar.count,
        )
        for bar in kept
        if bar.time not in there
    ]
    if not rows:
        return EMPTY
    rows.sort(key=lambda row: row[0])
    codes = "qdddddq"
    found = zip(*rows, strict=True)
    return Columns(*(array(code, list(v)) for code, v in zip(codes, found, strict=True)))
