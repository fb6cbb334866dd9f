"""Levels by the time they were known: a SQLite file of their own, one row a set.

A set is one underlying's put wall and supports, in its own prices, with what carries them to a
future. Live that is a row a market minute, some 400 a session and future; 200 bytes each make
65 MB for two futures and KEEP_DAYS.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, Final

import orjson

from grok_sauce.storage import database
from grok_sauce.values import dataclass

FILE: Final = "levels.db"  # in the data folder
KEEP_DAYS: Final = 400
DAY: Final = 86_400.0

# A step that was released is never changed. Times: Unix seconds.
MIGRATIONS: Final = (
    """
    CREATE TABLE levels (
        future TEXT NOT NULL,
        known_at REAL NOT NULL,
        symbol TEXT NOT NULL,
        feed TEXT NOT NULL,
        as_of REAL NOT NULL,
        oi_date TEXT,
        spot REAL NOT NULL,
        contract TEXT NOT NULL,
        kind TEXT NOT NULL,
        factor REAL NOT NULL,
        factor_at REAL NOT NULL,
        frozen INTEGER NOT NULL,
        put_wall REAL NOT NULL,
        supports TEXT NOT NULL,
        legacy TEXT NOT NULL,
        PRIMARY KEY (future, known_at)
    ) WITHOUT ROWID;
    CREATE TABLE told (
        symbol TEXT PRIMARY KEY,
        known_at REAL NOT NULL,
        document BLOB NOT NULL
    ) WITHOUT ROWID
    """,
)


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One set as it was known. Times are Unix seconds of market time, prices the source's.

    future: "/NQ", symbol: whose options ("QQQ"), feed: "dxlink" or "cboe". known_at: when the
    program had it, as_of: when its numbers were true, oi_date: the evening of the open interest.
    contract: the one that kind ("ratio" or "basis") and factor carry to, factor_at its time;
    frozen: the factor was not recomputed any more. supports, legacy: at most three, nearest
    first, by the two ways of scoring strikes.
    """

    future: str
    known_at: float
    symbol: str
    feed: str
    as_of: float
    oi_date: str | None
    spot: float
    contract: str
    kind: str
    factor: float
    factor_at: float
    frozen: bool
    put_wall: float
    supports: tuple[float, ...]
    legacy: tuple[float, ...]


_COLUMNS: Final = tuple(field.name for field in fields(LevelRow))
_NAMES: Final = ", ".join(_COLUMNS)
_LISTS: Final = ("supports", "legacy")


def add(connection: sqlite3.Connection, rows: Iterable[LevelRow]) -> int:
    """Keep sets in one transaction; the first told of a moment stays. Returns how many are new.

    Raises:
        sqlite3.Error: nothing of this call was kept (disk full, read-only, locked).
    """
    new = 0
    with database.transaction(connection):
        for row in rows:
            cursor = connection.execute(
                f"INSERT OR IGNORE INTO levels ({_NAMES})"
                f" VALUES ({', '.join('?' * len(_COLUMNS))})",
                [_cell(name, getattr(row, name)) for name in _COLUMNS],
            )
            new += cursor.rowcount
    return new


def tell(
    connection: sqlite3.Connection, symbol: str, known_at: float, document: dict[str, Any]
) -> None:
    """Keep what was told of a symbol last.

    Raises:
        sqlite3.Error: it was not kept.
    """
    with database.transaction(connection):
        connection.execute(
            "INSERT OR REPLACE INTO told (symbol, known_at, document) VALUES (?, ?, ?)",
            (symbol, known_at, orjson.dumps(document)),
        )


def last_told(
    connection: sqlite3.Connection, symbol: str, until: float
) -> tuple[float, dict[str, Any]] | None:
    """(known_at, document) told last, unless that was after until."""
    row = connection.execute(
        "SELECT known_at, document FROM told WHERE symbol = ? AND known_at <= ?", (symbol, until)
    ).fetchone()
    return None if row is None else (row[0], orjson.loads(row[1]))


def newest(
    connection: sqlite3.Connection, future: str, symbol: str, until: float
) -> LevelRow | None:
    """The newest set of an underlying for a future known by a Unix time; None without one."""
    row = connection.execute(
        f"SELECT {_NAMES} FROM levels WHERE future = ? AND symbol = ? AND known_at <= ?"
        " ORDER BY known_at DESC LIMIT 1",
        (future, symbol, until),
    ).fetchone()
    return None if row is None else _row(row)


def between(
    connection: sqlite3.Connection, future: str, start: float, end: float
) -> Iterator[LevelRow]:
    """Sets known in [start, end), ascending."""
    for row in connection.execute(
        f"SELECT {_NAMES} FROM levels WHERE future = ? AND known_at >= ? AND known_at < ?"
        " ORDER BY known_at",
        (future, start, end),
    ):
        yield _row(row)


def futures(connection: sqlite3.Connection) -> list[str]:
    """Futures of which something is kept, sorted."""
    return [name for (name,) in connection.execute("SELECT DISTINCT future FROM levels ORDER BY 1")]


def prune(connection: sqlite3.Connection, now: float, keep_days: int = KEEP_DAYS) -> int:
    """Drop sets known longer ago than that; returns how many."""
    with database.transaction(connection):
        cursor = connection.execute(
            "DELETE FROM levels WHERE known_at < ?", (now - keep_days * DAY,)
        )
        return cursor.rowcount


def _cell(name: str, value: Any) -> Any:
    return orjson.dumps(value).decode() if name in _LISTS else value


def _row(values: tuple[Any, ...]) -> LevelRow:
    found = dict(zip(_COLUMNS, values, strict=True))
    for name in _LISTS:
        found[name] = tuple(orjson.loads(found[name]))
    found["frozen"] = bool(found["frozen"])
    return LevelRow(**found)
