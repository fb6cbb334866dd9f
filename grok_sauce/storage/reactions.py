"""Event reactions on disk: one row a release, with what each symbol did, for three years.

A release is one (week, id): an id names an event within its week only. A row is written again
whenever something of it is known better; 30 releases a week of four symbols are 8 MB a year.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Final

import orjson

from grok_sauce.storage import database
from grok_sauce.values import dataclass

KEEP_DAYS: Final = 1100
DAY_MS: Final = 86_400_000
_PLAIN: Final = (
    *("week", "id", "time", "title", "currency", "impact", "cluster"),
    *("forecast", "actual", "surprise", "unit"),
)
_COLUMNS: Final = (*_PLAIN, "gamma", "rows")

Key = tuple[str, str]  # week, id


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One release of the calendar and what was measured of it.

    week: ISO date of its Sunday in New York. time: Unix ms, market time. cluster: the group
    released in the same minute, None when alone. forecast, actual, surprise: numbers in unit.
    gamma: {symbol, regime, net, flip, spot, as_of, state}, None while it is not known. rows:
    symbol -> event_reaction.row.
    """

    week: str
    id: str
    time: int
    title: str
    currency: str
    impact: str
    cluster: str | None = None
    forecast: float | None = None
    actual: float | None = None
    surprise: float | None = None
    unit: str | None = None
    gamma: Mapping[str, Any] | None = None
    rows: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.week, self.id


def write(connection: sqlite3.Connection, changes: Mapping[Key, EventRecord | None]) -> int:
    """Keep releases, newest content, and drop those that are None; one transaction.

    Returns how many rows were written or dropped.

    Raises:
        sqlite3.Error: nothing of this call was kept (disk full, read-only, locked).
    """
    before = connection.total_changes
    with database.transaction(connection):
        for (week, name), record in changes.items():
            if record is None:
                connection.execute(
                    "DELETE FROM event_reactions WHERE week = ? AND id = ?", (week, name)
                )
                continue
            plain = [getattr(record, column) for column in _PLAIN]
            gamma = None if record.gamma is None else orjson.dumps(record.gamma)
            connection.execute(
                f"INSERT OR REPLACE INTO event_reactions ({', '.join(_COLUMNS)})"
                f" VALUES ({', '.join('?' * len(_COLUMNS))})",
                (*plain, gamma, orjson.dumps(record.rows)),
            )
    return connection.total_changes - before


def prune(connection: sqlite3.Connection, keep_days: int = KEEP_DAYS) -> int:
    """Drop releases older than the newest one by so many days; returns how many went."""
    with database.transaction(connection):
        cursor = connection.execute(
            "DELETE FROM event_reactions WHERE time < (SELECT MAX(time) FROM event_reactions) - ?",
            (keep_days * DAY_MS,),
        )
    return cursor.rowcount


def read(connection: sqlite3.Connection, start_ms: int, end_ms: int) -> Iterator[EventRecord]:
    """Releases of [start_ms, end_ms), ascending by time."""
    return _read(connection, "time >= ? AND time < ?", (start_ms, end_ms))


def read_title(
    connection: sqlite3.Connection, title: str, currency: str, end_ms: int
) -> Iterator[EventRecord]:
    """All releases of one event until end_ms (before it), ascending by time."""
    where = "title = ? AND currency = ? AND time < ?"
    return _read(connection, where, (title, currency, end_ms))


def has_table(connection: sqlite3.Connection) -> bool:
    """Whether this file has been brought to a version that knows this table."""
    found = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'event_reactions'"
    )
    return found.fetchone() is not None


def _read(
    connection: sqlite3.Connection, where: str, values: tuple[Any, ...]
) -> Iterator[EventRecord]:
    found = connection.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM event_reactions WHERE {where} ORDER BY time, id",
        values,
    )
    for row in found:
        given = dict(zip(_COLUMNS, row, strict=True))
        gamma = given["gamma"]
        given["gamma"] = None if gamma is None else orjson.loads(gamma)
        given["rows"] = orjson.loads(given["rows"])
        yield EventRecord(**given)
