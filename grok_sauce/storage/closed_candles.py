"""Closed candles on disk: written once, read back at the next start and for archives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from grok_sauce.market.candle_close import DAY_MS, Closed
from grok_sauce.storage import database

FILE: Final = "candles.db"
KEEP_DAYS: Final = 120  # of one-minute candles; longer ones are few and stay
MIGRATIONS: Final = (
    # symbol: the user's ("/NQ"); time, until: start and end by the exchange's clock, Unix ms;
    # gap: ms of trading time before or inside it without a bar.
    """
    CREATE TABLE candles (
        symbol TEXT NOT NULL,
        timeframe TEXT NOT NULL,
        time INTEGER NOT NULL,
        until INTEGER NOT NULL,
        open REAL NOT NULL,
        high REAL NOT NULL,
        low REAL NOT NULL,
        close REAL NOT NULL,
        volume REAL,
        contract TEXT,
        source TEXT NOT NULL,
        gap INTEGER NOT NULL,
        switched TEXT,
        PRIMARY KEY (symbol, timeframe, time)
    ) WITHOUT ROWID
    """,
)
# What has closed never changes.
_INSERT: Final = (
    "INSERT OR IGNORE INTO candles (symbol, timeframe, time, until, open, high, low, close,"
    " volume, contract, source, gap, switched) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_COLUMNS: Final = (
    "timeframe, time, until, open, high, low, close, volume, contract, source, gap, switched"
)


class CandleStore:
    """The one writer of a file of candles; one user at a time, from any thread."""

    def __init__(self, path: Path, now: float) -> None:
        """Open or make the file; now (Unix seconds) dates one that had to be set aside.

        Raises:
            StorageError: see database.open_database.
        """
        self.path = path
        self._connection, self.set_aside = database.open_database(path, MIGRATIONS, now)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def write(self, candles: Sequence[tuple[str, Closed]]) -> int:
        """Add closed candles by user symbol, in one transaction; returns how many were new.

        Raises:
            sqlite3.Error: nothing of this call was kept.
        """
        rows = [
            (
                *(symbol, one.timeframe, one.time, one.end, one.open, one.high, one.low),
                *(one.close, one.volume, one.contract, one.source, one.gap, one.switched),
            )
            for symbol, one in candles
        ]
        before = self._connection.total_changes
        with database.transaction(self._connection):
            self._connection.executemany(_INSERT, rows)
        return self._connection.total_changes - before

    def read(self, symbol: str, timeframe: str, newest: int) -> list[Closed]:
        """The newest so many of a symbol, ascending."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM candles WHERE symbol = ? AND timeframe = ?"
            " ORDER BY time DESC LIMIT ?",
            (symbol, timeframe, newest),
        )
        return [Closed(*row) for row in rows.fetchall()][::-1]

    def prune(self, now: float, days: int = KEEP_DAYS) -> int:
        """Drop one-minute candles older than so many days; returns how many went."""
        with database.transaction(self._connection):
            cursor = self._connection.execute(
                "DELETE FROM candles WHERE timeframe = '1m' AND time < ?",
                (int(now * 1000) - days * DAY_MS,),
            )
        return cursor.rowcount


def read_between(path: Path, symbol: str, timeframe: str, start: int, end: int) -> list[Closed]:
    """Candles that start in [start, end) (ms), ascending; beside the file's writer.

    Raises:
        StorageError, sqlite3.Error: the file cannot be read.
    """
    connection = database.open_reader(path)
    if connection is None:
        return []
    try:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM candles WHERE symbol = ? AND timeframe = ?"
            " AND time >= ? AND time < ? ORDER BY time",
            (symbol, timeframe, start, end),
        )
        return [Closed(*row) for row in rows]
    finally:
        connection.close()
