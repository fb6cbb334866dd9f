"""Minutes of the past for charts: read beside the file's one writer."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from grok_sauce.market.events import Bar
from grok_sauce.storage import database
from grok_sauce.storage.bars import read_bars


class Past(NamedTuple):
    """Bars of a stretch, ascending, and the start of the oldest one kept at all (ms)."""

    bars: list[Bar]
    oldest: int | None


def read_past(path: Path, symbol: str, start_ms: int, end_ms: int) -> Past:
    """One-minute bars of a symbol that start in [start_ms, end_ms).

    Raises:
        StorageError, sqlite3.Error: the file cannot be read.
    """
    connection = database.open_reader(path)
    if connection is None:
        return Past([], None)
    try:
        if not _has_bars(connection):
            return Past([], None)
        row = connection.execute("SELECT MIN(time) FROM bars WHERE symbol = ?", (symbol,))
        return Past(read_bars(connection, symbol, start_ms, end_ms), row.fetchone()[0])
    finally:
        connection.close()


def _has_bars(connection: sqlite3.Connection) -> bool:
    """False for a file that its writer has not furnished yet."""
    tables = connection.execute("SELECT 1 FROM sqlite_master WHERE type='table' AND name='bars'")
    return tables.fetchone() is not None
