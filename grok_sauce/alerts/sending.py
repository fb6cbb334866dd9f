"""One delivery from its turn to its written end: commit, send, commit."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from grok_sauce.alerts import records
from grok_sauce.alerts.model import Delivery, DeliveryState, Destination, Outcome
from grok_sauce.alerts.moves import IllegalMove
from grok_sauce.alerts.plans import QTY_UNKNOWN, Rules
from grok_sauce.alerts.retries import MAX_ATTEMPTS, delay_ms
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import StoreBusy

if TYPE_CHECKING:
    import sqlite3

    from grok_sauce.alerts.ledger import Ledger

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0
TOO_OLD: Final = "too_old"
UNKNOWN_OUTCOME: Final = "outcome_unknown"
ATTEMPTS_USED_UP: Final = "attempts_used_up"

Read = Callable[[Callable[["sqlite3.Connection"], Any]], Any]


class Sends(Protocol):
    """alerts.transport.Transport, or what stands in for it."""

    def send(self, destination: Destination, body: str, headers: Mapping[str, str]) -> Outcome:
        """One POST; never raises."""


class Lasting:
    """Writes that are repeated until the store has decided on them.

    read is Store.read; over ends the repeating: what is not written then is found by the next
    start.
    """

    def __init__(self, ledger: Ledger, read: Read, over: threading.Event) -> None:
        self._ledger = ledger
        self._read = read
        self._over = over

    def keep(self, job: Callable[[], T]) -> T:
        """What job returns, or raises other than StoreBusy.

        Raises:
            StoreBusy: over is set and the store still refuses.
        """
        pause = FIRST_PAUSE_S
        while True:
            try:
                return job()
            except StoreBusy:
                if self._over.wait(pause):
                    raise
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def look(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """What job finds in the store."""
        found: T = self.keep(lambda: self._read(job))
        return found

    def move(self, delivery: Delivery, to: DeliveryState, **how: Any) -> Delivery:
        """Take a delivery to another state, once, however often the store has to be asked.

        Raises:
            IllegalMove: somebody else moved it.
        """
        undecided = False

        def job() -> Delivery:
            nonlocal undecided
            try:
                return self._ledger.move(delivery.id, to, **how).delivery
            except StoreBusy as busy:
                undecided = undecided or busy.undecided
                raise
            except IllegalMove as problem:
                if undecided and problem.was == to:  # it had been written all the same
                    return self.found(delivery)
                raise

        return self.keep(job)

    def found(self, delivery: Delivery) -> Delivery:
        """A delivery as it is stored; cancelled when it is not (any more)."""
        row = self.look(lambda connection: records.delivery(connection, delivery.id))
        return replace(delivery, state="cancelled") if row is None else row


class Sender:
    """Makes attempts. chance spreads retries (seeded in tests)."""

    def __init__(
        self,
        lasting: Lasting,
        transport: Sends,
        rules: Callable[[], Rules],
        is_paused: Callable[[], bool],
        time: SteadyTime,
        chance: random.Random,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> None:
        self._lasting = lasting
        self._transport = transport
        self._rules = rules
        self._is_paused = is_paused
        self._time = time
        self._chance = chance
        self._max_attempts = max_attempts

    def attempt(self, delivery: Delivery) -> tuple[Delivery, Outcome | None]:
        """Send it if it may still be sent; how it stands then, and how the attempt ended.

        No byte leaves before `sending` is durable; what is known after that is written before
        this returns.
        """
        destination, why = self._rules().check(delivery)
        if destination is None or why is not None:
            return self._lasting.move(delivery, "skipped", reason=why), None
        if not delivery.body:
            return self._lasting.move(delivery, "uncertain", reason=QTY_UNKNOWN), None
        if self._is_paused() or self._is_late(delivery):
            return delivery, None  # the schedule sees to it
        delivery = self._lasting.move(delivery, "sending", detail=delivery.target)
        # The store may have taken its time.
        destination, why = self._rules().check(delivery)
        if destination is None or why is not None or self._is_paused() or self._is_late(delivery):
            back = self._lasting.move(
                delivery, "retry_wait", reason="not_sent", detail="it may not be sent any more"
            )
            return back, None
        outcome = self._post(delivery, destination)
        return self._written(delivery, outcome), outcome

    def _is_late(self, delivery: Delivery) -> bool:
        return self._time.now_ms() >= delivery.expires_ms

    def _post(self, delivery: Delivery, destination: Destination) -> Outcome:
        headers = {
            "Idempotency-Key": delivery.key,
            "webhook-id": delivery.key,
            "X-Attempt": str(delivery.attempts),
        }
        try:
            return self._transport.send(destination, delivery.body, headers)
        except Exception as bug:
            log.exception("alerts: sending to %s failed in our own code", delivery.target)
            return Outcome("ambiguous", None, f"our own fault: {type(bug).__name__}", 0.0)

    def _written(self, delivery: Delivery, outcome: Outcome) -> Delivery:
        """The end of an attempt, made durable."""
        to, how = self._after(delivery, outcome)
        return self._lasting.move(delivery, to, detail=outcome.detail, outcome=outcome, **how)

    def _after(self, delivery: Delivery, outcome: Outcome) -> tuple[DeliveryState, dict[str, Any]]:
        if outcome.kind == "delivered":
            return "delivered", {}
        if outcome.kind == "refused":
            return "refused", {"reason": f"answered_{outcome.status}"}
        if outcome.kind == "ambiguous" and delivery.policy == "hold":
            return "uncertain", {"reason": UNKNOWN_OUTCOME}
        if delivery.attempts >= self._max_attempts:
            return "dead", {"reason": ATTEMPTS_USED_UP}
        delay = delay_ms(delivery.attempts, outcome.retry_after_s, self._chance)
        reason = UNKNOWN_OUTCOME if outcome.kind == "ambiguous" else outcome.kind
        return "retry_wait", {"reason": reason, "not_before_ms": self._time.now_ms() + delay}
