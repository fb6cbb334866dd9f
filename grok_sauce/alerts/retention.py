"""How long alerts are kept, and the small steps in which the old ones go."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from grok_sauce.alerts.records import marks
from grok_sauce.alerts.steady import MS
from grok_sauce.values import dataclass

DAY_MS: Final = 86_400 * MS
KEEP_SECURITY_ROWS: Final = 10_000
KEEP_AUDIT_ROWS: Final = 50_000
STEP: Final = 50  # alerts that go in one transaction: a few milliseconds
ROWS: Final = 500  # of the plain logs

_QUIET: Final = "'done', 'duplicate', 'cancelled'"
_DEAD: Final = "'partial', 'failed', 'invalid', 'unrouted'"


@dataclass(frozen=True, slots=True)
class Keep:
    """Days an alert is kept after its end: delivered ones, and those that needed a person."""

    done: int = 14
    dead: int = 30


USUAL: Final = Keep()


def old_alerts(
    connection: sqlite3.Connection, now_ms: int, after: int, keep: Keep = USUAL
) -> list[int]:
    """The next alerts (seqs above after) whose time is over; steady milliseconds.

    It is counted from when an alert ended, else from its receipt. What is held or on its way
    never goes.
    """
    rows = connection.execute(
        "SELECT seq FROM alert WHERE seq > ? AND ("
        f"(state IN ({_QUIET}) AND coalesce(finished_ms, received_ms) < ?)"
        f" OR (state IN ({_DEAD}) AND coalesce(finished_ms, received_ms) < ?))"
        " ORDER BY seq LIMIT ?",
        (after, now_ms - keep.done * DAY_MS, now_ms - keep.dead * DAY_MS, STEP),
    )
    return [seq for (seq,) in rows]


def drop_alerts(connection: sqlite3.Connection, seqs: Sequence[int]) -> int:
    """Delete these alerts with all that belongs to them, unless one was replayed meanwhile."""
    ended = connection.execute(
        f"SELECT seq FROM alert WHERE seq IN ({marks(seqs)}) AND state IN ({_QUIET}, {_DEAD})",
        tuple(seqs),
    )
    gone = [seq for (seq,) in ended]
    for table, column in (("delivery_event", "alert_seq"), ("delivery", "alert_seq")):
        connection.execute(f"DELETE FROM {table} WHERE {column} IN ({marks(gone)})", gone)
    connection.execute(f"DELETE FROM alert WHERE seq IN ({marks(gone)})", gone)
    return len(gone)


def drop_keys(connection: sqlite3.Connection, now_ms: int) -> int:
    """Delete some keys that count no more; how many went."""
    return connection.execute(
        "DELETE FROM seen WHERE key IN (SELECT key FROM seen WHERE until_ms < ? LIMIT ?)",
        (now_ms, ROWS),
    ).rowcount


def drop_rows(connection: sqlite3.Connection, table: str, keep: int) -> int:
    """Delete some of the oldest rows of a log beyond the newest keep; how many went."""
    return connection.execute(
        f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id <="
        f" (SELECT max(id) FROM {table}) - ? ORDER BY id LIMIT ?)",
        (keep, ROWS),
    ).rowcount
