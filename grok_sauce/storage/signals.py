"""What the signal strategy decided and what came of it: a SQLite file of its own.

Evaluations, signals with the time they were told, ends of paper trades, what goes to the alert
router, and the strategy's memory: what one candle brought is one transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import field
from typing import Any, Final

from grok_sauce.storage import database
from grok_sauce.values import dataclass

# A step that was released is never changed. Times are Unix ms, of the market unless said.
MIGRATIONS: Final = (
    """
    CREATE TABLE evaluations (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        symbol TEXT NOT NULL,
        closed INTEGER NOT NULL,
        result TEXT NOT NULL,
        mode TEXT NOT NULL,
        crossed INTEGER NOT NULL,
        document TEXT NOT NULL,
        UNIQUE (symbol, closed)
    );
    CREATE TABLE signals (
        id TEXT PRIMARY KEY,
        symbol TEXT NOT NULL,
        time INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        payload TEXT NOT NULL,
        told INTEGER
    );
    CREATE INDEX signals_time ON signals (symbol, time);
    CREATE TABLE trades (
        signal TEXT PRIMARY KEY,
        symbol TEXT NOT NULL,
        kind TEXT NOT NULL,
        ended INTEGER NOT NULL,
        points REAL,
        dollars REAL,
        document TEXT NOT NULL
    );
    CREATE INDEX trades_ended ON trades (symbol, ended);
    CREATE TABLE posts (
        id TEXT PRIMARY KEY,
        signal TEXT NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        until INTEGER NOT NULL,
        state TEXT NOT NULL,
        text TEXT NOT NULL,
        alert TEXT
    );
    CREATE INDEX posts_signal ON posts (signal);
    CREATE TABLE states (
        symbol TEXT PRIMARY KEY,
        document TEXT NOT NULL
    )
    """,
)

DAY_MS: Final = 86_400_000
ENDED: Final = ("trade", "order")  # kinds of ends: a trade, an order that was never filled


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """One candle judged. mode: "live", "off" (only would have been told) or "late"."""

    symbol: str
    closed: int
    result: str
    mode: str
    crossed: bool
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SignalRow:
    """A signal: payload is the message of topic trade.signal."""

    id: str
    symbol: str
    time: int
    expires: int
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EndRow:
    """How a signal's paper order or trade ended; points and dollars are None for an order."""

    signal: str
    symbol: str
    kind: str
    ended: int
    points: float | None
    dollars: float | None
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PostRow:
    """An alert for the router. state: "waiting", "taken", "refused", "late" or "void"."""

    id: str
    signal: str
    kind: str  # "open" or "close"
    body: dict[str, Any]
    until: int  # after this it is of no use any more
    state: str = "waiting"
    text: str = ""
    alert: str | None = None


@dataclass(slots=True)
class Step:
    """What is stored together. states: the memory of each symbol, whole."""

    evaluations: list[EvaluationRow] = field(default_factory=list)
    signals: list[SignalRow] = field(default_factory=list)
    ends: list[EndRow] = field(default_factory=list)
    posts: list[PostRow] = field(default_factory=list)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)


def store(connection: sqlite3.Connection, step: Step) -> None:
    """Keep a step, all or nothing. What is there already under its key stays as it is.

    Raises:
        sqlite3.Error: nothing was kept.
    """
    with database.transaction(connection):
        connection.executemany(
            "INSERT OR IGNORE INTO evaluations (symbol, closed, result, mode, crossed, document)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                (row.symbol, row.closed, row.result, row.mode, row.crossed, _text(row.document))
                for row in step.evaluations
            ],
        )
        connection.executemany(
            "INSERT OR IGNORE INTO signals (id, symbol, time, expires, payload)"
            " VALUES (?, ?, ?, ?, ?)",
            [
                (row.id, row.symbol, row.time, row.expires, _text(row.payload))
                for row in step.signals
            ],
        )
        connection.executemany(
            "INSERT OR IGNORE INTO trades (signal, symbol, kind, ended, points, dollars, document)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (*_plain(row, "signal", "symbol", "kind", "ended", "points", "dollars"),
                 _text(row.document))
                for row in step.ends
            ],
        )  # fmt: skip
        connection.executemany(
            "INSERT OR IGNORE INTO posts (id, signal, kind, body, until, state, text)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (row.id, row.signal, row.kind, _text(row.body), row.until, row.state, row.text)
                for row in step.posts
            ],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO states (symbol, document) VALUES (?, ?)",
            [(symbol, _text(document)) for symbol, document in step.states.items()],
        )


def state_of(connection: sqlite3.Connection, symbol: str) -> dict[str, Any] | None:
    """The memory kept of a symbol."""
    row = connection.execute("SELECT document FROM states WHERE symbol = ?", (symbol,)).fetchone()
    return None if row is None else json.loads(row[0])


def untold(connection: sqlite3.Connection) -> list[SignalRow]:
    """Signals that were stored and, as far as is known, not told; oldest first."""
    rows = connection.execute(
        "SELECT id, symbol, time, expires, payload FROM signals WHERE told IS NULL ORDER BY time"
    )
    return [SignalRow(row[0], row[1], row[2], row[3], json.loads(row[4])) for row in rows]


def told(connection: sqlite3.Connection, ids: Sequence[str], at: int) -> None:
    """Note that signals were told, at wall-clock ms."""
    with database.transaction(connection):
        connection.executemany(
            "UPDATE signals SET told = ? WHERE id = ?", [(at, name) for name in ids]
        )


def waiting(connection: sqlite3.Connection) -> list[PostRow]:
    """Alerts for the router that wait, in the order they were made."""
    rows = connection.execute(
        "SELECT id, signal, kind, body, until, state, text, alert FROM posts"
        " WHERE state = 'waiting' ORDER BY rowid"
    )
    return [_post(row) for row in rows]


def posts_of(connection: sqlite3.Connection, signal: str) -> list[PostRow]:
    """What the router was or will be sent about a signal."""
    rows = connection.execute(
        "SELECT id, signal, kind, body, until, state, text, alert FROM posts"
        " WHERE signal = ? ORDER BY rowid",
        (signal,),
    )
    return [_post(row) for row in rows]


def settle(
    connection: sqlite3.Connection, post: str, state: str, text: str, alert: str | None = None
) -> None:
    """What became of an alert for the router."""
    with database.transaction(connection):
        connection.execute(
            "UPDATE posts SET state = ?, text = ?, alert = ? WHERE id = ? AND state = 'waiting'",
            (state, text, alert, post),
        )


def forget(connection: sqlite3.Connection, before: int) -> None:
    """Drop what is older than a market time (ms)."""
    with database.transaction(connection):
        connection.execute("DELETE FROM evaluations WHERE closed < ?", (before,))
        connection.execute(
            "DELETE FROM posts WHERE signal IN (SELECT id FROM signals WHERE time < ?)", (before,)
        )
        connection.execute("DELETE FROM trades WHERE ended < ?", (before,))
        connection.execute("DELETE FROM signals WHERE time < ?", (before,))


def _post(row: tuple[Any, ...]) -> PostRow:
    return PostRow(row[0], row[1], row[2], json.loads(row[3]), *row[4:])


def _plain(row: EndRow, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))
