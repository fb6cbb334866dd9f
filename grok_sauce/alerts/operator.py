"""What a person does with alerts: decide, replay, cancel, pause, acknowledge, test a port."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from grok_sauce.alerts import records
from grok_sauce.alerts.body import new_york_minute
from grok_sauce.alerts.lanes import BY_PERSON
from grok_sauce.alerts.model import UNSENT, Delivery, Destination, Leg
from grok_sauce.alerts.moves import IllegalMove
from grok_sauce.alerts.plans import body_of
from grok_sauce.alerts.replays import Replays, fresh_ms
from grok_sauce.alerts.routing import Route, StrategyView
from grok_sauce.alerts.sending import Read, Sends
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import StoreBusy
from grok_sauce.errors import SettingsError

if TYPE_CHECKING:
    from grok_sauce.alerts.dispatcher import Dispatcher
    from grok_sauce.alerts.ledger import Ledger

log = logging.getLogger(__name__)

CANCELLED: Final = "operator"  # the reason of what a person cancelled
LONGEST_TICKER: Final = 64


class Tree(Protocol):
    """The routing tree as it is now."""

    def lookup(self, ticker: str) -> Route | None: ...
    def strategy(self, name: str) -> StrategyView | None: ...


class DayPauses(Protocol):
    """alerts.guards.Guards."""

    def pause(self, strategy: str) -> tuple[str, str]: ...


class Operator:
    """The buttons. who is what the audit calls the one who pressed.

    Raises, besides what is said at each:
        SettingsError: something about the request is to be changed; field names it.
        IllegalMove: it is not (any more) in a state for that.
        StoreBusy: the store does not answer; what was asked for may or may not happen.
    """

    def __init__(
        self,
        ledger: Ledger,
        dispatcher: Dispatcher,
        tree: Tree,
        guards: DayPauses,
        transport: Sends,
        time: SteadyTime,
        changed: Callable[[Iterable[int]], None],
        *,
        read: Read,
    ) -> None:
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._tree = tree
        self._guards = guards
        self._transport = transport
        self._time = time
        self._changed = changed
        self._read = read
        self._replays = Replays(ledger, dispatcher, tree, time, read)

    def pause(self, on: bool, who: str) -> None:
        """Hold everything, or go on. Holding begins at once, whatever the store says."""
        if on:
            self._dispatcher.pause(True)
        self._ledger.switch("paused", "1" if on else None, who)
        if not on:
            self._dispatcher.pause(False)

    def dry(self, on: bool, who: str) -> None:
        """Skip whatever would be sent, or send again. Skipping begins at once."""
        if on:
            self._dispatcher.dry(True)
        self._ledger.switch("dry", "1" if on else None, who)
        if not on:
            self._dispatcher.dry(False)

    def daily_pause(self, strategy: str, who: str) -> None:
        """Stop a strategy's opens until its next resume_at."""
        if self._tree.strategy(strategy) is None:
            raise SettingsError("There is no such strategy.", "strategy")
        switch, until = self._guards.pause(strategy)
        self._ledger.switch(switch, until, who)

    def cancel(self, id: str, who: str) -> None:
        """Cancel a held alert, or what of a released one is not sent yet."""
        row = self._alert(id)
        if row.state == "held":
            self._cancel_held(row, who)
        elif row.state == "released":
            self._cancel_waiting(row, who)
        else:
            raise IllegalMove(f"alert {id}", row.state, "cancelled")
        self._done([row.seq], who, "cancel", id)

    def _cancel_held(self, row: records.AlertRow, who: str) -> None:
        taken = self._dispatcher.withdraw(row.seq)
        if taken is None:
            raise IllegalMove(f"alert {row.id}", "being released", "cancelled")
        try:
            self._ledger.cancel([row.seq], CANCELLED, who)
        except StoreBusy:
            self._dispatcher.take(*taken)  # the ledger decides whether it is still held
            raise

    def _cancel_waiting(self, row: records.AlertRow, who: str) -> None:
        # Opens first: when their close goes they would otherwise be asked about.
        claimed = [
            found
            for each in reversed(self._deliveries(row.seq))
            if (found := self._dispatcher.claim(each.id)) is not None
        ]
        if not claimed:
            raise IllegalMove(f"alert {row.id}", "being sent", "cancelled")
        after: dict[int, Delivery] = {each.id: each for each in claimed}
        try:
            for each in claimed:
                moved = self._ledger.move(each.id, "cancelled", reason=CANCELLED, who=who)
                after[each.id] = moved.delivery
        finally:
            self._dispatcher.put(after.values())

    def decide(
        self,
        id: str,
        delivery: int,
        decision: Literal["arrived", "send"],
        who: str,
        qty: int | None = None,
        confirm_late: bool = False,
    ) -> None:
        """Answer an uncertain delivery: it arrived, or it is to be sent (again), with the same key.

        qty is the size of one that was never sent; an open past its freshness limit needs
        confirm_late.
        """
        row = self._alert(id)
        found = next((each for each in self._deliveries(row.seq) if each.id == delivery), None)
        if found is None:
            raise SettingsError("This alert has no such delivery.", "delivery")
        if found.state != "uncertain":
            raise IllegalMove(f"delivery {delivery}", found.state, "decided")
        if decision == "arrived":
            if found.reason in UNSENT:
                raise SettingsError("It was never sent, so it cannot have arrived.", "decision")
            self._ledger.move(delivery, "delivered", who=who, detail="a person says it arrived")
        else:
            self._send(row, found, who, qty, confirm_late)
        self._done([row.seq], who, f"decide {decision}", f"{id} to {found.target}, {found.leg}")

    def _send(
        self,
        row: records.AlertRow,
        delivery: Delivery,
        who: str,
        qty: int | None,
        confirm_late: bool,
    ) -> None:
        now = self._time.now_ms()
        is_late = now >= delivery.expires_ms
        if is_late and delivery.leg == "open" and not confirm_late:
            raise SettingsError(
                "It is older than its freshness limit; confirm that it is still to be opened.",
                "confirm_late",
            )
        size = delivery.qty if qty is None else qty
        if size is None:
            raise SettingsError("Its size is not known; give it.", "qty")
        if size < 1:
            raise SettingsError("The size must be at least 1.", "qty")
        if delivery.reason not in UNSENT and size != delivery.qty:
            raise SettingsError(
                "It may have arrived with its own size; only that can be sent again.", "qty"
            )
        body = delivery.body
        if size != delivery.qty or not body:
            destination = self._destination(delivery)
            if row.alert is None:
                raise IllegalMove(f"alert {row.id}", row.state, "sent")
            leg = Leg(delivery.leg, delivery.side, size)
            body = body_of(row.id, row.alert, leg, destination, row.received_ms)
        try:
            moved = self._ledger.move(
                delivery.id,
                "waiting",
                reason=BY_PERSON,
                who=who,
                detail=f"sent by a person, size {size}",
                qty=size,
                body=body,
                expires_ms=now + fresh_ms(row, delivery.leg) if is_late else None,
            )
        except StoreBusy:
            self._dispatcher.look_again()
            raise
        self._dispatcher.put([moved.delivery])

    def _destination(self, delivery: Delivery) -> Destination:
        route = self._tree.lookup(delivery.ticker)
        for destination in route.destinations if route else ():
            if destination.id == delivery.target:
                return destination
        raise SettingsError(
            f"{delivery.target} is not listed for {delivery.ticker} any more.", "delivery"
        )

    def replay(
        self,
        ids: Sequence[str] | None,
        who: str,
        mode: Literal["same", "as_new"] = "same",
        confirm_late: bool = False,
        between: tuple[int, int] | None = None,
        target: str | None = None,
    ) -> dict[str, Any]:
        """Send alerts again: these, or all that failed between two times (wall ms) to target.

        Of an alert that failed in part only what failed is sent again; mode same keeps each
        Idempotency-Key, as_new makes new ones. Returns {"replayed": n, "refused": [{id,
        reason}]}.
        """
        rows: list[records.AlertRow] = []
        refused: list[dict[str, str]] = []
        if ids is None:
            if between is None:
                raise SettingsError("Say which alerts.", "ids")
            rows = self._replays.failed(between, target)
        else:
            for id in dict.fromkeys(ids):
                found = self._find(id)
                if found is None:
                    refused.append({"id": id, "reason": "there is no such alert"})
                else:
                    rows.append(found)
        replayed: list[records.AlertRow] = []
        for row in sorted(rows, key=lambda each: each.seq):
            why = self._replays.replay(row, who, mode, confirm_late, target, ids is None)
            if why is None:
                replayed.append(row)
            else:
                refused.append({"id": row.id, "reason": why})
        if replayed:
            text = ", ".join(row.id for row in replayed)
            self._done([row.seq for row in replayed], who, f"replay {mode}", text)
        return {"replayed": len(replayed), "refused": refused}

    def acknowledge(self, ids: Sequence[str], who: str) -> int:
        """Note that a person has seen these; how many were new to it."""
        count = self._ledger.acknowledge(ids, who)
        rows = [row for id in ids if (row := self._find(id)) is not None]
        self._done([row.seq for row in rows], who, "acknowledge", ", ".join(ids))
        return count

    def test(self, strategy: str, ticker: str, port: int, who: str) -> dict[str, Any]:
        """Send a harmless order straight to one port; how it went is kept with the target.

        Its ticker is TEST-<ticker> and its size 0: it asks for nothing even of a listener
        that does not look at the ticker. {ok, text, ms, status}.
        """
        route = self._tree.lookup(ticker)
        destination = next(
            (
                each
                for each in (route.destinations if route else ())
                if each.port == port and strategy in each.strategies
            ),
            None,
        )
        if destination is None:
            raise SettingsError(f"{strategy} does not list port {port} for {ticker}.", "port")
        wall = self._time.wall_ms()
        body = {
            "ticker": f"TEST-{ticker}"[:LONGEST_TICKER],
            "action": "close",
            "direction": "long",
            "qty": 0,
            "price": 0.0,
            "time": new_york_minute(wall),
        }
        key = f"TEST-{wall}-{destination.id}"
        headers = {"Idempotency-Key": key, "webhook-id": key, "X-Attempt": "1"}
        outcome = self._transport.send(
            destination, json.dumps(body, separators=(",", ":")), headers
        )
        text = outcome.detail
        if outcome.kind == "refused":
            text += ": it is there and did not take the test"
        result = {
            "ok": outcome.kind == "delivered",
            "text": text,
            "ms": outcome.ms,
            "status": outcome.status,
        }
        self._ledger.target_test(destination.id, {**result, "at_ms": wall})
        self._done([], who, "send test", f"{destination.id}: {text}")
        return result

    def _find(self, id: str) -> records.AlertRow | None:
        found: records.AlertRow | None = self._read(
            lambda connection: records.alert_by_id(connection, id)
        )
        return found

    def _alert(self, id: str) -> records.AlertRow:
        row = self._find(id)
        if row is None:
            raise SettingsError("There is no such alert.", "id")
        return row

    def _deliveries(self, seq: int) -> list[Delivery]:
        found: list[Delivery] = self._read(
            lambda connection: records.deliveries_of(connection, [seq])
        )
        return found

    def _done(self, seqs: Sequence[int], who: str, what: str, detail: str) -> None:
        """It is done and durable: tell the pages, and keep who did it."""
        self._changed(seqs)
        try:
            self._ledger.audit(who, what, detail)
        except StoreBusy as problem:
            log.warning("alerts: %s by %s is not in the audit: %s", what, who, problem)
