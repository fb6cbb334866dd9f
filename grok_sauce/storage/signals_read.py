"""Reading what the signal strategy decided: newest first, sums with their n."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

RESULTS: Final = ("all", "crosses", "signals")  # which evaluations are wanted
_WHERE: Final = {"all": "", "crosses": " AND crossed", "signals": " AND result = 'signal'"}


def evaluations(
    connection: sqlite3.Connection,
    symbol: str,
    limit: int,
    before: int | None = None,
    which: str = "all",
) -> list[dict[str, Any]]:
    """The newest evaluations, whole, as JSON values with seq and mode; before: only seq below."""
    edge = "" if before is None else " AND seq < ?"
    given = [symbol, *([] if before is None else [before]), limit]
    rows = connection.execute(
        "SELECT seq, mode, document FROM evaluations WHERE symbol = ?"
        f"{edge}{_WHERE[which]} ORDER BY closed DESC LIMIT ?",
        given,
    )
    return [_evaluation(row) for row in rows]


def evaluation(connection: sqlite3.Connection, seq: int) -> dict[str, Any] | None:
    """One evaluation by its number."""
    row = connection.execute(
        "SELECT seq, mode, document FROM evaluations WHERE seq = ?", (seq,)
    ).fetchone()
    return None if row is None else _evaluation(row)


def counts(connection: sqlite3.Connection, symbol: str) -> dict[str, int]:
    """How many evaluations of each kind are kept: {all, crosses, signals}."""
    found = {
        name: connection.execute(
            f"SELECT count(*) FROM evaluations WHERE symbol = ?{where}", (symbol,)
        ).fetchone()[0]
        for name, where in _WHERE.items()
    }
    return found


def signals(connection: sqlite3.Connection, symbol: str, limit: int) -> list[dict[str, Any]]:
    """The newest signals: {payload, time (ms), told (wall ms), seq, posts, end}.

    seq is the evaluation's number; posts what the router was sent; end how the paper trade or
    order ended, None while it has not.
    """
    rows = connection.execute(
        "SELECT s.id, s.payload, s.time, s.told, e.seq, t.document, t.kind FROM signals s"
        " LEFT JOIN evaluations e ON e.symbol = s.symbol AND e.closed = s.time"
        " LEFT JOIN trades t ON t.signal = s.id"
        " WHERE s.symbol = ? ORDER BY s.time DESC LIMIT ?",
        (symbol, limit),
    ).fetchall()
    return [
        {
            "id": row[0],
            "payload": json.loads(row[1]),
            "time": row[2],
            "told": row[3],
            "seq": row[4],
            "end": None if row[5] is None else {**json.loads(row[5]), "kind": row[6]},
            "posts": _posts(connection, row[0]),
        }
        for row in rows
    ]


def sums(connection: sqlite3.Connection, symbol: str, since: int = 0) -> dict[str, Any]:
    """Finished trades from a time (ms) on: {n, wins, points, dollars, mean_points, mean_dollars}.

    Means are None without a trade.
    """
    n, wins, points, dollars = connection.execute(
        "SELECT count(*), coalesce(sum(dollars > 0), 0), coalesce(sum(points), 0.0),"
        " coalesce(sum(dollars), 0.0) FROM trades"
        " WHERE symbol = ? AND kind = 'trade' AND ended >= ?",
        (symbol, since),
    ).fetchone()
    return {
        "n": n,
        "wins": wins,
        "points": round(points, 6),
        "dollars": round(dollars, 6),
        "mean_points": round(points / n, 6) if n else None,
        "mean_dollars": round(dollars / n, 6) if n else None,
    }


def signals_since(connection: sqlite3.Connection, symbol: str, since: int) -> int:
    """How many signals came from a time (ms) on."""
    (found,) = connection.execute(
        "SELECT count(*) FROM signals WHERE symbol = ? AND time >= ?", (symbol, since)
    ).fetchone()
    return int(found)


def _evaluation(row: tuple[Any, ...]) -> dict[str, Any]:
    return {"seq": row[0], "mode": row[1], **json.loads(row[2])}


def _posts(connection: sqlite3.Connection, signal: str) -> list[dict[str, Any]]:
    rows = connection.execute(
        "SELECT kind, state, text, alert FROM posts WHERE signal = ? ORDER BY rowid", (signal,)
    )
    return [dict(zip(("kind", "state", "text", "alert"), row, strict=True)) for row in rows]
