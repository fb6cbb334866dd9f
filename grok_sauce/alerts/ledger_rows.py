"""The statements behind the ledger: each function is part of one transaction, run in the pool."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from grok_sauce.alerts import records
from grok_sauce.alerts.ledger_values import PlannedLeg
from grok_sauce.alerts.model import SETTLED, AlertState, DeliveryState, Outcome
from grok_sauce.alerts.moves import check_alert, check_delivery, roll_up
from grok_sauce.values import dataclass

ANSWER: Final = 300  # characters of a target's answer that are kept


@dataclass(frozen=True, slots=True)
class Stamp:
    """When and by whom: steady and wall-clock milliseconds, "router" or a user's name."""

    at_ms: int
    wall_ms: int
    who: str = "router"


def event(
    connection: sqlite3.Connection,
    stamp: Stamp,
    seq: int,
    was: str | None,
    now: str,
    *,
    delivery: int | None = None,
    detail: str = "",
    attempt: int | None = None,
    outcome: Outcome | None = None,
) -> None:
    """Write what happened. An outcome ends the attempt with that number."""
    ended: tuple[object, ...] = (None, None, None, None)
    if outcome is not None:
        ended = (attempt, outcome.status, outcome.ms, outcome.text[:ANSWER])
        detail = detail or outcome.detail
    connection.execute(
        "INSERT INTO delivery_event (alert_seq, delivery_id, at_ms, wall_ms, who, was, now,"
        " detail, attempt, status, ms, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (seq, delivery, stamp.at_ms, stamp.wall_ms, stamp.who, was, now, detail, *ended),
    )


def move_alert(
    connection: sqlite3.Connection,
    stamp: Stamp,
    row: records.AlertRow,
    to: AlertState,
    *,
    reason: str | None = None,
    detail: str = "",
) -> None:
    """Take an alert to another state and write the event.

    Raises:
        IllegalMove: that state cannot follow.
    """
    check_alert(row.id, row.state, to)
    finished = stamp.at_ms if to in ("done", "partial", "failed") else None
    fresh = to in ("held", "released")  # what was acknowledged before is not what comes now
    connection.execute(
        "UPDATE alert SET state = ?, reason = ?, finished_ms = ?,"
        " acknowledged_ms = iif(?, NULL, acknowledged_ms) WHERE seq = ?",
        (to, reason, finished, fresh, row.seq),
    )
    event(connection, stamp, row.seq, row.state, to, detail=detail or reason or "")


def settle_alert(connection: sqlite3.Connection, stamp: Stamp, seq: int) -> AlertState:
    """Bring an alert's state in line with its deliveries; returns it."""
    row = records.alert(connection, seq)
    if row is None:
        raise ValueError(f"a delivery without its alert {seq}")
    to = roll_up(records.delivery_states(connection, seq))
    if to != row.state:
        move_alert(connection, stamp, row, to)
    return to


def insert_delivery(
    connection: sqlite3.Connection, stamp: Stamp, seq: int, leg: PlannedLeg, batch: int
) -> int:
    """A delivery as planned; one that does not wait goes there from waiting. Returns its id."""
    target = leg.destination
    cursor = connection.execute(
        "INSERT INTO delivery (alert_seq, target, leg, side, qty, state, batch, key, body,"
        " expires_ms, gap_ms, after_close, dry, idempotent, policy, created_ms)"
        " VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(seq, target.id, leg.leg.kind, leg.leg.side, leg.leg.qty, batch, leg.key, leg.body),
            *(leg.expires_ms, leg.gap_ms, leg.after_close, leg.dry, target.idempotent),
            *(leg.policy, stamp.at_ms),
        ),
    )
    id = int(cursor.lastrowid or 0)
    event(connection, stamp, seq, None, "waiting", delivery=id, detail=target.id)
    if leg.state != "waiting":
        move_delivery(connection, stamp, id, leg.state, reason=leg.reason)
    return id


def move_delivery(
    connection: sqlite3.Connection,
    stamp: Stamp,
    id: int,
    to: DeliveryState,
    *,
    reason: str | None = None,
    detail: str = "",
    outcome: Outcome | None = None,
    not_before_ms: int = 0,
    qty: int | None = None,
    body: str | None = None,
    key: str | None = None,
    expires_ms: int | None = None,
) -> int:
    """Take a delivery to another state and write the event; returns its alert's seq.

    sending counts an attempt; a person who sends a settled one again begins to count anew.

    Raises:
        IllegalMove: that state cannot follow, or there is no such delivery.
    """
    found = connection.execute(
        "SELECT alert_seq, state, attempts FROM delivery WHERE id = ?", (id,)
    ).fetchone()
    check_delivery(id, None if found is None else found[1], to)
    seq, was, attempts = found
    if to == "sending":
        attempts += 1
    elif to == "waiting":
        attempts = 0
    connection.execute(
        "UPDATE delivery SET state = ?, reason = ?, attempts = ?, not_before_ms = ?,"
        " settled_ms = ?, qty = coalesce(?, qty), body = coalesce(?, body),"
        " key = coalesce(?, key), expires_ms = coalesce(?, expires_ms) WHERE id = ?",
        (
            *(to, reason, attempts, not_before_ms, stamp.at_ms if to in SETTLED else None),
            *(qty, body, key, expires_ms, id),
        ),
    )
    event(
        connection,
        stamp,
        int(seq),
        was,
        to,
        delivery=id,
        detail=detail or ("" if outcome else reason or ""),
        attempt=attempts,
        outcome=outcome,
    )
    if to == "delivered":
        _arrived(connection, stamp, id)
    return int(seq)


def _arrived(connection: sqlite3.Connection, stamp: Stamp, id: int) -> None:
    """Remember when the target last got something, and the size of what was opened."""
    target, leg, side, qty, ticker, test = connection.execute(
        "SELECT d.target, d.leg, d.side, d.qty, a.ticker, a.test FROM delivery d"
        " JOIN alert a ON a.seq = d.alert_seq WHERE d.id = ?",
        (id,),
    ).fetchone()
    connection.execute(
        "INSERT INTO target_state (target, delivered_ms) VALUES (?, ?)"
        " ON CONFLICT (target) DO UPDATE SET delivered_ms = excluded.delivered_ms",
        (target, stamp.at_ms),
    )
    if leg == "open" and qty is not None and not test:
        connection.execute(
            "INSERT INTO position (ticker, side, opened_qty, wall_ms) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (ticker) DO UPDATE SET opened_qty = excluded.opened_qty",
            (ticker, side, qty, stamp.wall_ms),
        )


def set_target(connection: sqlite3.Connection, target: str, column: str, state: object) -> None:
    """Keep JSON of a target: its breaker or its last test."""
    connection.execute(
        f"INSERT INTO target_state (target, {column}) VALUES (?, ?)"
        f" ON CONFLICT (target) DO UPDATE SET {column} = excluded.{column}",
        (target, json.dumps(state)),
    )
