"""One-minute bars on disk: written in batches, read by symbol and range."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from grok_sauce.market.events import Bar
from grok_sauce.storage import database
from grok_sauce.storage.history_schema import MIGRATIONS

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
KEEP_SESSIONS: Final = 60  # days with bars that are kept
NEW_YORK: Final = ZoneInfo("America/New_York")

# A bar that is there already with the same content costs no write.
_UPSERT: Final = """
    INSERT INTO bars (symbol, time, open, high, low, close, volume, count)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (symbol, time) DO UPDATE SET
        open = excluded.open, high = excluded.high, low = excluded.low,
        close = excluded.close, volume = excluded.volume, count = excluded.count
    WHERE (open, high, low, close) IS NOT (excluded.open, excluded.high, excluded.low,
                                           excluded.close)
       OR volume IS NOT excluded.volume OR count IS NOT excluded.count
"""

# symbol, time (ms), open, high, low, close, volume, count
BarRow = tuple[str, int, float, float, float, float, float | None, int | None]


class BarStore:
    """The writer's door to the bars of one file; one user at a time, from any thread."""

    def __init__(self, path: Path, now: float) -> None:
        """Open or make the file; now (Unix seconds) dates one that had to be set aside.

        set_aside says where a damaged one was moved to, None when there was none.

        Raises:
            StorageError: see database.open_database.
        """
        self.path = path
        self._connection, self.set_aside = database.open_database(path, MIGRATIONS, now)

    @property
    def connection(self) -> sqlite3.Connection:
        """The file's one writing connection, for the other table families of it."""
        return self._connection

    def close(self) -> None:
        self._connection.close()

    def write(self, rows: Iterable[BarRow]) -> int:
        """Insert or replace bars in one transaction; returns how many were new or different.

        Raises:
            sqlite3.Error: nothing of this call was kept (disk full, read-only, locked).
        """
        before = self._connection.total_changes
        with database.transaction(self._connection):
            self._connection.executemany(_UPSERT, rows)
        return self._connection.total_changes - before

    def prune(self, keep_sessions: int = KEEP_SESSIONS) -> int:
        """Drop what is older than the newest keep_sessions New York days that have bars.

        Saturdays and Sundays count towards the following weekday (a future's Sunday evening
        is Monday's session). Returns how many bars went.
        """
        hours = self._connection.execute("SELECT DISTINCT time / ? FROM bars", (HOUR_MS,))
        days = sorted({_session_day(hour * HOUR_MS) for (hour,) in hours})
        if len(days) <= keep_sessions:
            return 0
        # From the evening before on: that is where a future's session starts.
        oldest = days[-keep_sessions] - timedelta(days=1)
        start = datetime(oldest.year, oldest.month, oldest.day, 18, tzinfo=NEW_YORK)
        with database.transaction(self._connection):
            cursor = self._connection.execute(
                "DELETE FROM bars WHERE time < ?", (int(start.timestamp() * 1000),)
            )
        return cursor.rowcount

    def bars(self, symbol: str, start_ms: int, end_ms: int) -> list[Bar]:
        """See read_bars."""
        return read_bars(self._connection, symbol, start_ms, end_ms)

    def counts(self) -> dict[str, int]:
        """Bars kept per symbol."""
        return dict(
            self._connection.execute("SELECT symbol, COUNT(*) FROM bars GROUP BY symbol").fetchall()
        )


def read_bars(connection: sqlite3.Connection, symbol: str, start_ms: int, end_ms: int) -> list[Bar]:
    """Bars of a symbol that start in [start_ms, end_ms), ascending by time."""
    rows = connection.execute(
        "SELECT time, open, high, low, close, volume, count FROM bars"
        " WHERE symbol = ? AND time >= ? AND time < ? ORDER BY time",
        (symbol, start_ms, end_ms),
    )
    return [Bar(*row) for row in rows]


def symbols(connection: sqlite3.Connection) -> list[str]:
    """All symbols that have bars, in order."""
    return [row[0] for row in connection.execute("SELECT DISTINCT symbol FROM bars ORDER BY 1")]


def average_by_minute(
    connection: sqlite3.Connection, symbol: str, opens_ms: Sequence[int], minutes: int
) -> list[float] | None:
    """Mean volume of each minute since the open, over the sessions that start at opens_ms.

    A session without any bar is not counted; a minute without a bar in one that has some
    traded nothing. None when no session has bars or one has bars without volume.
    """
    totals = [0.0] * minutes
    found = 0
    for start in opens_ms:
        rows = connection.execute(
            "SELECT (time - ?) / ?, volume FROM bars WHERE symbol = ? AND time >= ? AND time < ?",
            (start, MINUTE_MS, symbol, start, start + minutes * MINUTE_MS),
        ).fetchall()
        found += bool(rows)
        for minute, volume in rows:
            if volume is None:
                return None
            totals[minute] += volume
    return [total / found for total in totals] if found else None


def _session_day(time_ms: int) -> date:
    """The New York weekday a bar is counted to; a weekend's go to Monday."""
    day = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(NEW_YORK).date()
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)
