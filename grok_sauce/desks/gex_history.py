"""What pages ask of kept gamma exposure: a day's heat map, one minute, the last levels."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from datetime import date as Date
from pathlib import Path
from typing import Any, Final, TypeVar

from grok_sauce.analytics.gex_change import changes
from grok_sauce.errors import SettingsError
from grok_sauce.market import sessions
from grok_sauce.market.instruments import normalise
from grok_sauce.publishers.gex_history import VIEW
from grok_sauce.questions import Questions
from grok_sauce.runtime import concurrency
from grok_sauce.storage import database, gex_snapshots
from grok_sauce.storage.database import StorageError
from grok_sauce.storage.gex_snapshots import GexDay

log = logging.getLogger(__name__)

T = TypeVar("T")
UNIT: Final = "usd_per_1pct"
# Levels that are told minute by minute beside the strikes.
LINES: Final = (
    *("spot", "zero_gamma", "zero_gamma_0dte", "zero_gamma_ex_0dte", "call_wall", "put_wall"),
    *("net_gex", "call_gex", "put_gex"),
)


class GexHistoryDesk:
    """Answers from the history file, read beside its writer; files are read off the loop.

    market() is market time: minutes after it belong to another run and are not told.
    """

    def __init__(self, path: Path, market: Callable[[], float]) -> None:
        self._path = path
        self._market = market

    def register(self, questions: Questions) -> None:
        """Answer "gex.history", "gex.minute" and "gex.last"."""
        questions.register("gex.history", self.history)
        questions.register("gex.minute", self.minute)
        questions.register("gex.last", self.last)

    def history(self, symbol: str, view: str = VIEW, date: str | None = None) -> dict[str, Any]:
        """The minutes of one session, the newest when no date is given.

        {symbol, view, unit, date, dates, minutes (Unix ms), strikes, net (a row a minute,
        whole dollars per 1 %, None where a strike was outside the window), a list per name of
        LINES, change: {since_open, hour, five, since}}. A symbol that nothing is kept of has
        date None and empty lists. Older sessions have levels but no strikes any more.

        Raises:
            SettingsError: the symbol, view or date is none that can be kept.
            StorageError: the file cannot be read.
        """
        name = normalise(symbol, "symbol")
        if view != VIEW:
            raise SettingsError(f"only the view {VIEW!r} is kept minute by minute", "view")
        asked = None if date is None else day_of(date)
        return self._read(lambda file: self._history(file, name, asked), _nothing(name))

    def minute(self, symbol: str, at_ms: int) -> dict[str, Any] | None:
        """The payload kept of the minute in which at_ms lies; None when there is none."""
        name = normalise(symbol, "symbol")
        if at_ms > self._market() * 1000:
            return None
        found: dict[str, Any] | None = self._read(
            lambda file: gex_snapshots.read_payload(file, name, at_ms), None
        )
        return found

    def last(self, symbol: str) -> dict[str, Any] | None:
        """The newest payload kept, whatever its age; its as_of says it."""
        name = normalise(symbol, "symbol")
        now = int(self._market() * 1000)
        found: dict[str, Any] | None = self._read(
            lambda file: gex_snapshots.read_last(file, name, now), None
        )
        return found

    def _history(self, file: sqlite3.Connection, symbol: str, asked: str | None) -> dict[str, Any]:
        today = gex_snapshots.session_of(self._market())
        dates = [day for day in gex_snapshots.dates(file, symbol) if day <= today]
        day = asked or (dates[-1] if dates else None)
        if day is None:
            return _nothing(symbol)
        return {**_told(symbol, day, gex_snapshots.read_day(file, symbol, day)), "dates": dates}

    def _read(self, work: Callable[[sqlite3.Connection], T], empty: T) -> T:
        """work on a reader of the file, in a native thread; empty while there is no such table."""

        def read() -> T:
            connection = database.open_reader(self._path)
            if connection is None:
                return empty
            try:
                return work(connection) if gex_snapshots.has_tables(connection) else empty
            except sqlite3.Error as problem:
                raise StorageError(f"{self._path} cannot be read: {problem}") from None
            finally:
                connection.close()

        return concurrency.offload(read)


def day_of(text: str) -> str:
    """A date as it is kept.

    Raises:
        SettingsError: it is none.
    """
    try:
        if len(text) != 10:
            raise ValueError(text)
        return Date.fromisoformat(text).isoformat()
    except (TypeError, ValueError):
        raise SettingsError("date must be a day like 2026-12-16", "date") from None


def _nothing(symbol: str) -> dict[str, Any]:
    return {**_told(symbol, None, GexDay([], [], [])), "dates": []}


def _told(symbol: str, day: str | None, kept: GexDay) -> dict[str, Any]:
    """A day as it is answered: all minutes over the same strikes."""
    axis = sorted({strike for strikes in kept.strikes for strike in strikes})
    net = _aligned(axis, kept)
    minutes = [levels.time for levels in kept.levels]
    opening = 0 if day is None else _opening(day)
    return {
        "symbol": symbol,
        "view": VIEW,
        "unit": UNIT,
        "date": day,
        "minutes": minutes,
        "strikes": axis,
        "net": [[None if x is None else round(x) for x in row] for row in net],
        **{name: [getattr(levels, name) for levels in kept.levels] for name in LINES},
        "change": changes(minutes, net, opening),
    }


def _aligned(axis: list[float], kept: GexDay) -> list[list[float | None]]:
    """One row a minute over axis; the window follows spot, so minutes differ in their strikes."""
    rows: list[list[float | None]] = []
    for strikes, net in zip(kept.strikes, kept.net, strict=True):
        if len(strikes) == len(axis):
            rows.append(list(net))
        else:
            known = dict(zip(strikes, net, strict=True))
            rows.append([known.get(strike) for strike in axis])
    return rows


def _opening(day: str) -> int:
    """09:30 of a session, Unix ms."""
    return int(sessions.instant(Date.fromisoformat(day), 9, 30) * 1000)
