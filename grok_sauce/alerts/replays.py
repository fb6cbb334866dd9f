"""Replays: alerts that a person wants sent again, in their lanes, under the old or a new key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from grok_sauce.alerts import records
from grok_sauce.alerts.lanes import DRY
from grok_sauce.alerts.legs import legs
from grok_sauce.alerts.model import SETTLED, Delivery, LegKind, ReleaseOptions
from grok_sauce.alerts.moves import IllegalMove
from grok_sauce.alerts.routing import Routes
from grok_sauce.alerts.schedule import CLOSE_NOT_DELIVERED
from grok_sauce.alerts.sending import Read
from grok_sauce.alerts.steady import MS, SteadyTime
from grok_sauce.alerts.store import StoreBusy

if TYPE_CHECKING:
    import sqlite3

    from grok_sauce.alerts.dispatcher import Dispatcher
    from grok_sauce.alerts.ledger import Ledger

FAILED: Final = ("expired", "dead", "refused")
NOT_SENT: Final = frozenset({*FAILED, "skipped", "cancelled"})
LATE: Final = "its open is older than its freshness limit: confirm that"


def fresh_ms(row: records.AlertRow, kind: LegKind) -> int:
    """For how long a leg of an alert may be sent."""
    options = row.options or ReleaseOptions()
    return round((options.fresh_open_s if kind == "open" else options.fresh_close_s) * MS)


class Replays:
    """Puts alerts back on their way; each refusal is a sentence."""

    def __init__(
        self, ledger: Ledger, dispatcher: Dispatcher, tree: Routes, time: SteadyTime, read: Read
    ) -> None:
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._tree = tree
        self._time = time
        self._read = read

    def failed(self, between: tuple[int, int], target: str | None) -> list[records.AlertRow]:
        """Alerts received between two wall-clock times of which a delivery failed for good."""
        found: list[records.AlertRow] = self._read(
            lambda connection: _failed(connection, between, target)
        )
        return found

    def replay(
        self,
        row: records.AlertRow,
        who: str,
        mode: Literal["same", "as_new"],
        confirm_late: bool,
        target: str | None,
        only_failed: bool,
    ) -> str | None:
        """Send an alert again; why not, or None when it is on its way."""
        if row.alert is None:
            return "it could not be read, so there is nothing to send"
        if row.state == "held":
            return "it still waits for its window"
        try:
            if row.state in ("duplicate", "unrouted", "cancelled"):
                return self._hold(row, who, confirm_late)
            return self._again(row, who, mode, confirm_late, target, only_failed)
        except IllegalMove as problem:
            return f"it changed meanwhile: {problem}"
        except StoreBusy as problem:
            self._dispatcher.look_again()
            return f"the store did not answer: {problem}"

    def _hold(self, row: records.AlertRow, who: str, confirm_late: bool) -> str | None:
        """One that was never released goes through a window of its own."""
        alert = row.alert
        route = None if alert is None else self._tree.lookup(alert.ticker)
        if alert is None or route is None:
            return "no target lists its ticker"
        now = self._time.now_ms()
        release = now + round(route.options.delay_s * MS)
        age_s = (release - row.received_ms) / MS
        options = route.options
        opens = any(leg.kind == "open" for leg in legs(alert, options.reversal_qty, None))
        if opens and now >= row.received_ms + round(options.fresh_open_s * MS):
            if not confirm_late:
                return LATE
            options = replace(options, fresh_open_s=age_s + options.fresh_open_s)
        if now >= row.received_ms + round(options.fresh_close_s * MS):
            options = replace(options, fresh_close_s=age_s + options.fresh_close_s)
        # A person wants it sent: it does not cancel out again with its pair.
        options = replace(options, net_zero_cancel=False)
        held = self._ledger.hold_again(
            row.seq,
            release,
            who,
            group=route.group,
            options=options,
            strategies=route.strategies,
        )
        self._dispatcher.take(held)
        return None

    def _again(
        self,
        row: records.AlertRow,
        who: str,
        mode: Literal["same", "as_new"],
        confirm_late: bool,
        target: str | None,
        only_failed: bool,
    ) -> str | None:
        """One that was released: its deliveries go back to their lanes."""
        every: list[Delivery] = self._read(
            lambda connection: records.deliveries_of(connection, [row.seq])
        )
        some = [each for each in every if target in (None, each.target)]
        chosen = _chosen(some, FAILED if only_failed else NOT_SENT)
        if not chosen:
            if any(each.state == "uncertain" for each in some):
                return "nobody knows whether it arrived: decide that first"
            if not some:
                return "it was not sent to this target"
            if only_failed or any(each.state not in SETTLED for each in some):
                return "it is still on its way"
            chosen = some  # all of it was delivered, and a person wants it once more
        why = self._why_not(every, chosen, confirm_late)
        if why is not None:
            return why
        now = self._time.now_ms()
        moved: list[Delivery] = []
        try:
            for each in chosen:
                how: dict[str, Any] = {"who": who, "detail": f"replayed, {mode}"}
                if mode == "as_new":
                    again = now + 1 if each.key.endswith(f"-{now}") else now
                    how["key"] = f"{row.id}-{each.target}-{each.leg}-{again}"
                if now >= each.expires_ms:
                    how["expires_ms"] = now + fresh_ms(row, each.leg)
                moved.append(self._ledger.move(each.id, "waiting", **how).delivery)
        finally:
            self._dispatcher.put(moved)
        return None

    def _why_not(
        self, every: Sequence[Delivery], chosen: Sequence[Delivery], confirm_late: bool
    ) -> str | None:
        now = self._time.now_ms()
        ids = {each.id for each in chosen}
        for each in chosen:
            if not each.body:
                return "its size is not known"
            if each.leg != "open":
                continue
            if now >= each.expires_ms and not confirm_late:
                return LATE
            close = _close_of(each, every)
            if close is not None and close.id not in ids and not _lets_open(close):
                return "its close was not delivered: decide about that first"
        return None


def _failed(
    connection: sqlite3.Connection, between: tuple[int, int], target: str | None
) -> list[records.AlertRow]:
    seqs = connection.execute(
        "SELECT DISTINCT a.seq FROM alert a JOIN delivery d ON d.alert_seq = a.seq"
        f" WHERE a.wall_ms >= ? AND a.wall_ms < ? AND d.state IN ({records.marks(FAILED)})"
        " AND (? IS NULL OR d.target = ?) ORDER BY a.seq",
        (*between, *FAILED, target, target),
    ).fetchall()
    rows = (records.alert(connection, seq) for (seq,) in seqs)
    return [row for row in rows if row is not None]


def _chosen(some: Sequence[Delivery], states: Sequence[str] | frozenset[str]) -> list[Delivery]:
    """What failed, closes first; an open that only waits for such a close goes with it."""
    closes = [each for each in some if each.leg == "close" and each.state in states]
    targets = {each.target for each in closes}
    opens = [
        each
        for each in some
        if each.leg == "open"
        and (
            each.state in states
            or (
                each.state == "uncertain"
                and each.reason == CLOSE_NOT_DELIVERED
                and each.target in targets
            )
        )
    ]
    return [*closes, *opens]


def _close_of(opened: Delivery, every: Sequence[Delivery]) -> Delivery | None:
    if not opened.after_close:
        return None
    return next(
        (each for each in every if each.leg == "close" and each.target == opened.target), None
    )


def _lets_open(close: Delivery) -> bool:
    return close.state == "delivered" or (close.state == "skipped" and close.reason == DRY)
