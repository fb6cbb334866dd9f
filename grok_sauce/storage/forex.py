"""Trades told by an expert advisor: a SQLite file of its own, one row a change of a ticket."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple, fields
from typing import Final, Literal

from grok_sauce.storage import database
from grok_sauce.values import dataclass

KEEP: Final = 50_000  # rows; the oldest go first

# A step that was released is never changed. time and received: Unix ms.
MIGRATIONS: Final = (
    """
    CREATE TABLE trades (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        ticket INTEGER NOT NULL,
        symbol TEXT NOT NULL,
        type TEXT NOT NULL,
        entry REAL NOT NULL,
        sl REAL,
        tp REAL,
        status TEXT NOT NULL,
        time INTEGER NOT NULL,
        received INTEGER NOT NULL,
        UNIQUE (ticket, status, time)
    )
    """,
)


@dataclass(frozen=True, slots=True)
class Trade:
    """What an advisor said of a ticket. Prices in the symbol's quote currency.

    sl and tp are None where the order has none. time: when it happened, as the advisor says,
    Unix ms UTC.
    """

    ticket: int
    symbol: str
    type: str
    entry: float
    sl: float | None
    tp: float | None
    status: str
    time: int


@dataclass(frozen=True, slots=True)
class KeptTrade:
    """A trade as it is kept: seq orders by arrival, received is Unix ms of the wall clock."""

    seq: int
    trade: Trade
    received: int


Added = Literal["stored", "duplicate", "conflict"]

_TRADE: Final = tuple(field.name for field in fields(Trade))
_ROW: Final = ("seq", *_TRADE, "received")


def add(connection: sqlite3.Connection, trade: Trade, received: int, keep: int = KEEP) -> Added:
    """Keep a trade, in one transaction; of more than keep the oldest go.

    A ticket, status and time that are there already are a duplicate, and a conflict where
    anything else differs; neither changes the file.

    Raises:
        sqlite3.Error: nothing was kept (disk full, read-only, locked).
    """
    with database.transaction(connection):
        before = connection.execute(
            f"SELECT {', '.join(_TRADE)} FROM trades WHERE ticket = ? AND status = ? AND time = ?",
            (trade.ticket, trade.status, trade.time),
        ).fetchone()
        if before is not None:
            return "duplicate" if Trade(*before) == trade else "conflict"
        connection.execute(
            f"INSERT INTO trades ({', '.join(_TRADE)}, received)"
            f" VALUES ({', '.join('?' * len(_TRADE))}, ?)",
            (*astuple(trade), received),
        )
        connection.execute(
            "DELETE FROM trades WHERE seq <= (SELECT max(seq) FROM trades) - ?", (keep,)
        )
    return "stored"


def newest(connection: sqlite3.Connection, limit: int = -1) -> tuple[list[KeptTrade], int]:
    """The newest trades by arrival (limit -1: all), and how many are kept."""
    connection.execute("BEGIN")
    try:
        (total,) = connection.execute("SELECT count(*) FROM trades").fetchone()
        rows = connection.execute(
            f"SELECT {', '.join(_ROW)} FROM trades ORDER BY seq DESC LIMIT ?", (limit,)
        ).fetchall()
    finally:
        connection.execute("ROLLBACK")
    return [KeptTrade(row[0], Trade(*row[1:-1]), row[-1]) for row in rows], total
