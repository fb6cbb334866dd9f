"""The ledger: every change of an alert or a delivery is one durable write, events with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from grok_sauce.alerts import ledger_rows as rows
from grok_sauce.alerts import records, rounds
from grok_sauce.alerts.books import Books
from grok_sauce.alerts.gaps import PositionRow
from grok_sauce.alerts.ledger_rows import Stamp
from grok_sauce.alerts.ledger_values import (
    GAP_BLOCKED,
    Moved,
    NewAlert,
    OpenWork,
    Planned,
    PlannedLeg,
    Received,
)
from grok_sauce.alerts.model import Delivery, DeliveryState, HeldAlert, Outcome, ReleaseOptions
from grok_sauce.alerts.moves import IllegalMove
from grok_sauce.alerts.receiving import receive_all
from grok_sauce.alerts.records import TokenRow

__all__ = [
    "IllegalMove",
    "Ledger",
    "Moved",
    "NewAlert",
    "OpenWork",
    "Planned",
    "PlannedLeg",
    "PositionRow",
    "Received",
    "TokenRow",
]

_ARRIVED: Final = ("delivered", "skipped")


class Ledger(Books):
    """All writes of the alert half. Callable from any (green) thread; Books has the smaller ones.

    Each method raises StoreBusy when it could not be made durable. Only receive() and a write
    whose commit had begun may still become so: others are taken back.
    """

    def receive(self, new: NewAlert) -> Received:
        """Store what came: held, or a duplicate, or why it cannot be delivered.

        Raises:
            StoreBusy: not within the store's wait_s; the row may still commit, and what is
                sent again then is its duplicate.
        """
        received: Received = self._store.write(rounds.Together(receive_all, new))
        return received

    def open_work(self) -> OpenWork:
        """What the last run left, after its loose ends were tied. For the start.

        What was being sent is tried again where the target or its policy allows a repetition,
        else it is uncertain. An open whose close ended without arriving is uncertain too.
        """
        stamp = self._stamp()

        def job(connection: sqlite3.Connection) -> OpenWork:
            found = _tie_loose_ends(connection, stamp)
            switches = records.switches(connection)
            blocked = connection.execute(
                "SELECT seq FROM alert a WHERE state = 'held'"
                " AND EXISTS (SELECT 1 FROM json_each(a.flags) WHERE value = ?)",
                (GAP_BLOCKED,),
            )
            return OpenWork(
                held=records.held(connection),
                deliveries=records.unsettled(connection),
                paused=records.is_on(switches.get("paused")),
                dry=records.is_on(switches.get("dry")),
                blocked=frozenset(seq for (seq,) in blocked),
                found=found,
            )

        return self._write(job)

    def release(self, plans: Sequence[Planned]) -> list[Delivery]:
        """Release a batch: its delivery rows in the order given, which is that of their lanes.

        Raises:
            IllegalMove: one of the alerts is not held any more; none is released then.
        """
        stamp = self._stamp()

        def job(connection: sqlite3.Connection) -> list[Delivery]:
            last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'delivery'")
            batch = (last.fetchone() or (0,))[0] + 1  # the id of its first delivery
            made: list[int] = []
            for plan in plans:
                row = _known(connection, plan.seq)
                if not plan.legs:
                    rows.move_alert(connection, stamp, row, "cancelled", reason="no_destination")
                    continue
                rows.move_alert(connection, stamp, row, "released")
                for leg in plan.legs:
                    made.append(rows.insert_delivery(connection, stamp, plan.seq, leg, batch))
                rows.settle_alert(connection, stamp, plan.seq)
            return [_made(connection, id) for id in made]

        return self._write(job)

    def cancel(
        self,
        seqs: Sequence[int],
        reason: str,
        who: str = "router",
        pair: tuple[str, str] | None = None,
    ) -> None:
        """Cancel held alerts; pair links two of them (alert ids) to each other.

        Raises:
            IllegalMove: one is not held any more; none is cancelled then.
        """
        stamp = self._stamp(who)

        def job(connection: sqlite3.Connection) -> None:
            for seq in seqs:
                row = _known(connection, seq)
                rows.move_alert(connection, stamp, row, "cancelled", reason=reason)
                if pair is not None and row.id in pair:
                    other = pair[1] if row.id == pair[0] else pair[0]
                    connection.execute(
                        "UPDATE alert SET link_kind = 'pair', link_id = ? WHERE seq = ?",
                        (other, seq),
                    )

        self._write(job)

    def move(
        self,
        delivery: int,
        to: DeliveryState,
        *,
        reason: str | None = None,
        who: str = "router",
        detail: str = "",
        outcome: Outcome | None = None,
        not_before_ms: int = 0,
        qty: int | None = None,
        body: str | None = None,
        key: str | None = None,
        expires_ms: int | None = None,
    ) -> Moved:
        """Take a delivery to another state; its alert follows in the same transaction.

        sending counts an attempt, which an outcome ends; waiting (a person sends again) counts
        anew. qty, body, key and expires_ms stay as they are when None.

        Raises:
            IllegalMove: that state cannot follow.
        """
        stamp = self._stamp(who)

        def job(connection: sqlite3.Connection) -> Moved:
            seq = rows.move_delivery(
                connection,
                stamp,
                delivery,
                to,
                reason=reason,
                detail=detail,
                outcome=outcome,
                not_before_ms=not_before_ms,
                qty=qty,
                body=body,
                key=key,
                expires_ms=expires_ms,
            )
            state = rows.settle_alert(connection, stamp, seq)
            return Moved(_made(connection, delivery), state)

        return self._write(job)

    def hold_again(
        self,
        seq: int,
        release_ms: int,
        who: str,
        *,
        group: str | None = None,
        options: ReleaseOptions | None = None,
        strategies: Sequence[str] | None = None,
        detail: str = "replayed",
    ) -> HeldAlert:
        """Hold a duplicate, unrouted or cancelled alert once more.

        group, options and strategies are what the routing tree says now; None keeps what it
        said on arrival.

        Raises:
            IllegalMove: it is none of the three.
        """
        stamp = self._stamp(who)

        def job(connection: sqlite3.Connection) -> HeldAlert:
            row = _known(connection, seq)
            rows.move_alert(connection, stamp, row, "held", detail=detail)
            known = replace(
                row,
                release_ms=release_ms,
                group=group or row.group,
                options=options or row.options,
                strategies=row.strategies if strategies is None else tuple(strategies),
            )
            held = records.held_of(known)
            connection.execute(
                "UPDATE alert SET release_ms = ?, grp = ?, options = ?, strategies = ?"
                " WHERE seq = ?",
                (
                    *(release_ms, held.group, records.options_text(held.options)),
                    *(records.flags_text(known.strategies), seq),
                ),
            )
            return held

        return self._write(job)

    def acknowledge(self, ids: Sequence[str], who: str) -> int:
        """Note that a person has seen these alerts; how many were not yet acknowledged."""
        stamp = self._stamp(who)

        def job(connection: sqlite3.Connection) -> int:
            done = 0
            for id in dict.fromkeys(ids):
                row = records.alert_by_id(connection, id)
                if row is None or row.acknowledged_ms is not None:
                    continue
                connection.execute(
                    "UPDATE alert SET acknowledged_ms = ? WHERE seq = ?", (stamp.at_ms, row.seq)
                )
                rows.event(connection, stamp, row.seq, row.state, row.state, detail="acknowledged")
                done += 1
            return done

        return self._write(job)

    def opened_qty(self, ticker: str) -> int | None:
        """The size last delivered as an open of a ticker; None when none was."""
        row = self._store.read(lambda connection: records.position(connection, ticker))
        return None if row is None else row.opened_qty

    def positions(self) -> dict[str, PositionRow]:
        """Where the alerts say each ticker stands."""
        return self._store.read(records.positions)

    def _stamp(self, who: str = "router") -> Stamp:
        return Stamp(self._time.now_ms(), self._time.wall_ms(), who)


def _known(connection: sqlite3.Connection, seq: int) -> records.AlertRow:
    row = records.alert(connection, seq)
    if row is None:
        raise IllegalMove(f"alert {seq}", None, "anything")
    return row


def _made(connection: sqlite3.Connection, id: int) -> Delivery:
    found = records.delivery(connection, id)
    if found is None:
        raise ValueError(f"delivery {id} belongs to no alert")
    return found


def _tie_loose_ends(connection: sqlite3.Connection, stamp: Stamp) -> dict[str, int]:
    """What a sudden end left half done; how many deliveries went to which state."""
    found: dict[str, int] = {}
    touched: set[int] = set()

    def go(one: Delivery, to: DeliveryState, reason: str, detail: str) -> None:
        touched.add(rows.move_delivery(connection, stamp, one.id, to, reason=reason, detail=detail))
        found[to] = found.get(to, 0) + 1

    for one in records.deliveries_in(connection, ("sending",)):
        repeat = one.idempotent or one.policy == "resend"
        go(
            one,
            "retry_wait" if repeat else "uncertain",
            "stopped_while_sending",
            "the program stopped while it was being sent",
        )
    waiting = [one for one in records.unsettled(connection) if one.after_close]
    for one in waiting:
        closes = (
            other.state
            for other in records.deliveries_of(connection, [one.alert_seq])
            if other.target == one.target and other.leg == "close"
        )
        state = next(closes, "delivered")
        if one.state == "waiting" and state not in (*_ARRIVED, "waiting", "sending", "retry_wait"):
            go(one, "uncertain", "close_not_delivered", f"its close is {state}")
    for seq in touched:
        rows.settle_alert(connection, stamp, seq)
    return found
