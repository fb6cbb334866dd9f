"""Runs the schedule: releases windows, sends deliveries, ends what may not be sent."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from grok_sauce.alerts import records
from grok_sauce.alerts.crew import Crew, Start
from grok_sauce.alerts.ledger_values import GAP_BLOCKED
from grok_sauce.alerts.model import SETTLED, Delivery, HeldAlert, Outcome
from grok_sauce.alerts.moves import IllegalMove
from grok_sauce.alerts.plans import OpenGuards, Rules
from grok_sauce.alerts.releasing import Releaser
from grok_sauce.alerts.retries import MAX_ATTEMPTS
from grok_sauce.alerts.routing import Routes
from grok_sauce.alerts.schedule import SLOTS, Action, ReleaseGroup, Schedule, Send, Settle
from grok_sauce.alerts.sending import UNKNOWN_OUTCOME, Lasting, Read, Sender, Sends
from grok_sauce.alerts.steady import MS, SteadyTime
from grok_sauce.alerts.store import StoreBusy
from grok_sauce.runtime import concurrency

if TYPE_CHECKING:
    from grok_sauce.alerts.ledger import Ledger
    from grok_sauce.alerts.numbers import Numbers
    from grok_sauce.runtime.clock import Clock

log = logging.getLogger(__name__)

BEAT_S: Final = 0.2  # at most between two looks at the schedule
LEAST_MS: Final = 2  # at least
SWEEP_S: Final = 2.0  # between two looks into the store for alerts nobody told us of
READY_S: Final = 0.05
FINISH_S: Final = 3.8  # for sends under way when the program stops
AFTER_BUG_S: Final = 1.0


class Dispatcher:
    """The worker between the store and the targets.

    Every change is durable before it has an effect and, as far as it is ours to say, after
    it. changed(seqs) is told of alerts after each; read is Store.read; nothing is looked at
    before is_ready() (tree and pauses are loaded). start(call, *args) runs a call beside the
    caller (tests run it in place).
    """

    name = "alert dispatcher"

    def __init__(
        self,
        ledger: Ledger,
        routes: Routes,
        transport: Sends,
        guards: OpenGuards,
        time: SteadyTime,
        clock: Clock,
        numbers: Numbers,
        changed: Callable[[Iterable[int]], None],
        *,
        read: Read,
        sends: int = SLOTS,
        max_attempts: int = MAX_ATTEMPTS,
        chance: random.Random | None = None,
        start: Start = concurrency.spawn,
        over: threading.Event | None = None,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self._ledger = ledger
        self._routes = routes
        self._guards = guards
        self._time = time
        self._clock = clock
        self._numbers = numbers
        self._changed = changed
        self._is_ready = is_ready
        self._lock = concurrency.brief_lock()  # of everything below; nothing waits in it
        self._schedule = Schedule(slots=sends)
        self._claimed: set[int] = set()  # by an operator, until put()
        self._look_again = self._sweeping = self._loaded = self._dry = False
        self._said: dict[str, bool] = {}  # by somebody: newer than whatever load() has read
        self._seen = 0  # the newest seq when the store was last looked through
        self._ticked: float | None = None
        self._swept: float | None = None
        self._wake = threading.Event()
        self._over = over or threading.Event()  # set: what is not written stays unwritten
        self._crew = Crew(start, self._wake.set)
        self._lasting = Lasting(ledger, read, self._over)
        self._releaser = Releaser(self._lasting, ledger, self.rules, numbers, self.look_again)
        self._sender = Sender(
            self._lasting,
            transport,
            self.rules,
            lambda: self._schedule.paused,
            time,
            chance or random.Random(),
            max_attempts,
        )

    # For those who bring or change alerts, from any thread.

    def take(self, held: HeldAlert, blocked: bool = False) -> None:
        """A stored alert to release at the end of its window; blocked: its opens are skipped."""
        with self._lock:
            self._schedule.hold(held, blocked)
            planned = self._schedule.next_ms()
        if planned is None or held.release_ms < planned:  # else it is looked at in time
            self._wake.set()

    def withdraw(self, seq: int) -> tuple[HeldAlert, bool] | None:
        """Take a held alert back before it is released, with its blocked mark; else None."""
        with self._lock:
            return self._schedule.withdraw(seq) if self._loaded else None

    def claim(self, delivery: int) -> Delivery | None:
        """Keep a delivery from being sent until put() brings it back; None: too late."""
        with self._lock:
            found = self._schedule.lanes.get(delivery)
            if found is None or self._schedule.lanes.is_busy(delivery):
                return None
            self._schedule.lanes.begin(found, sending=False)
            self._claimed.add(delivery)
            return found

    def put(self, deliveries: Iterable[Delivery]) -> None:
        """Deliveries that a person changed, as the ledger has them now."""
        with self._lock:
            lanes, some = self._schedule.lanes, []
            for delivery in deliveries:
                if delivery.id in self._claimed:
                    self._claimed.discard(delivery.id)
                    lanes.free(delivery)
                if not lanes.is_busy(delivery.id):  # else it is newer than what we are given
                    some.append(delivery)
            self._schedule.put(some, self._time.now_ms())
        self._wake.set()

    def look_again(self) -> None:
        """Somebody's write may have happened or not: look into the store for what is new."""
        with self._lock:
            self._look_again = True
        self._wake.set()

    def pause(self, on: bool) -> None:
        """Send nothing while on; nothing is dropped, but freshness counts on."""
        with self._lock:
            self._schedule.paused = self._said["paused"] = on
        self._wake.set()

    def dry(self, on: bool) -> None:
        """While on, whatever would be sent is skipped."""
        with self._lock:
            self._dry = self._said["dry"] = on

    @property
    def is_paused(self) -> bool:
        return self._schedule.paused

    @property
    def is_dry(self) -> bool:
        return self._dry

    def rules(self) -> Rules:
        """What decides now whether something is sent."""
        return Rules(self._routes, self._guards, self._dry)

    def depth(self) -> int:
        """How much is not delivered yet: alerts that are held and deliveries on their way."""
        with self._lock:
            return self._schedule.depth()

    def facts(self) -> dict[str, Any]:
        """For health and pages; milliseconds are steady.

        {loaded, tick_age_s (None before the first), paused, dry, held, sending, undelivered,
        oldest_received_ms (None: nothing waits), breakers: {target: next_probe_ms}}.
        """
        with self._lock:
            schedule = self._schedule
            oldest = [delivery.received_ms for delivery in schedule.lanes.all()]
            if (held := schedule.windows.oldest_ms()) is not None:
                oldest.append(held)
            return {
                "loaded": self._loaded,
                "tick_age_s": (
                    None if self._ticked is None else self._clock.monotonic() - self._ticked
                ),
                "paused": schedule.paused,
                "dry": self._dry,
                "held": len(schedule.windows),
                "sending": schedule.sending(),
                "undelivered": schedule.depth(),
                "oldest_received_ms": min(oldest, default=None),
                "breakers": schedule.breakers(),
            }

    # The worker.

    def run(self, stop: threading.Event) -> None:
        """Work until stop is set, then let what is under way finish."""
        self._over.clear()
        while not self._is_ready():
            if stop.wait(READY_S):
                return
        self.load()
        while not stop.is_set():
            self._wake.clear()
            self.step()
            self._wake.wait(self._pause_s())
        self._finish()

    def load(self) -> None:
        """Take over what the last run left; once.

        Raises:
            StoreBusy: the store does not answer yet.
        """
        if self._loaded:
            return
        work = self._ledger.open_work()
        breakers = self._ledger.breakers()
        now = self._time.now_ms()
        with self._lock:
            for held in work.held:
                self._schedule.hold(held, held.seq in work.blocked)
            self._schedule.load(work.deliveries, now)
            self._schedule.load_breakers(breakers, now)
            self._schedule.paused = self._said.get("paused", work.paused)
            self._dry = self._said.get("dry", work.dry)
            self._loaded = True
        found = ", ".join(f"{count} now {state}" for state, count in sorted(work.found.items()))
        left = f"; the last run had left {found}" if found else ""
        paused = "; paused" if self.is_paused else ""
        counts = len(work.held), len(work.deliveries)
        log.info("alerts: %d held, %d on their way%s%s", *counts, left, paused)

    def step(self) -> None:
        """Start everything that is due."""
        self._ticked = self._clock.monotonic()
        self._swept = self._ticked if self._swept is None else self._swept
        is_time = self._ticked - self._swept >= SWEEP_S
        if (is_time or self._look_again) and not self._sweeping:
            self._swept = self._ticked
            self._sweeping = True
            self._crew.write(self._sweep)
        with self._lock:
            actions = self._schedule.due(self._time.now_ms())
        for action in actions:
            self._begin(action)

    def _pause_s(self) -> float:
        with self._lock:
            at = self._schedule.next_ms()
        if at is None:
            return BEAT_S
        # Never nothing: a wait of 0 would let no green thread run.
        return min(max(at - self._time.now_ms(), LEAST_MS) / MS, BEAT_S)

    def _begin(self, action: Action) -> None:
        if isinstance(action, Send):
            self._crew.beside(self._send, action)
        elif isinstance(action, ReleaseGroup):
            self._crew.write(self._release, action)
        else:
            self._crew.write(self._settle, action)

    def _finish(self) -> None:
        deadline = self._clock.monotonic() + FINISH_S
        while self._clock.monotonic() < deadline:
            if not self._crew.active:
                return
            self._wake.clear()
            self._wake.wait(0.05)
        self._over.set()
        log.warning("alerts: %d writes or sends did not finish in time", self._crew.active)

    # What is done for each action; on a thread of its own.

    def _release(self, release: ReleaseGroup) -> None:
        try:
            made = self._releaser.write(release)
        except Exception:
            if self._over.is_set():  # the program stops; the next start releases it
                return
            log.exception("alerts: a release failed, it is tried again")
            self._over.wait(AFTER_BUG_S)
            with self._lock:
                self._schedule.released(release, (), self._time.now_ms())
            self.look_again()  # what is still held is found in the store
            return
        now = self._time.now_ms()
        self._numbers.took("overshoot", now - release.window.end_ms)
        with self._lock:
            self._schedule.released(release, made, now)
        self._wake.set()
        self._tell(held.seq for held in release.window.alerts)

    def _is_new(self, delivery: Delivery) -> bool:
        is_open = delivery.state in ("waiting", "retry_wait")
        return is_open and self._schedule.lanes.get(delivery.id) is None

    def _settle(self, settle: Settle) -> None:
        try:
            delivery = self._lasting.move(settle.delivery, settle.to, reason=settle.reason)
            self._numbers.count(settle.to)
        except IllegalMove:
            delivery = self._as_stored(settle.delivery)
        except Exception:
            if self._over.is_set():
                return
            log.exception("alerts: a delivery could not be ended, it is tried again")
            self._over.wait(AFTER_BUG_S)
            delivery = settle.delivery
        with self._lock:
            self._schedule.settled(delivery, self._time.now_ms())
        self._wake.set()
        self._tell([delivery.alert_seq])

    def _send(self, send: Send) -> None:
        outcome: Outcome | None = None
        try:
            delivery, outcome = self._sender.attempt(send.delivery)
        except IllegalMove:
            delivery = self._as_stored(send.delivery)
        except Exception:
            if self._over.is_set():
                return  # the program stops; the next start finds it as it was last written
            log.exception("alerts: a delivery to %s failed", send.delivery.target)
            self._over.wait(AFTER_BUG_S)
            delivery = self._as_stored(send.delivery)
        now = self._time.now_ms()
        with self._lock:
            breaker = self._schedule.sent(send, delivery, outcome, now)
        self._wake.set()
        self._count(send.delivery, delivery, outcome, now)
        if breaker is not None:
            self._crew.write(self._keep_breaker, delivery.target, breaker)
        if delivery != send.delivery:
            self._tell([delivery.alert_seq])

    def _as_stored(self, delivery: Delivery) -> Delivery:
        """How the store has it after somebody or something came between."""
        try:
            found = self._lasting.found(delivery)
            if found.state != "sending":
                return found
            # Nobody knows what became of it.
            return self._lasting.move(found, "uncertain", reason=UNKNOWN_OUTCOME)
        except (StoreBusy, IllegalMove):
            return delivery

    def _count(
        self, was: Delivery, delivery: Delivery, outcome: Outcome | None, now_ms: int
    ) -> None:
        if outcome is not None:
            self._numbers.attempted(delivery.target, outcome.kind == "delivered")
            if outcome.kind == "delivered":
                self._numbers.took("delivery", now_ms - delivery.received_ms)
        if delivery.state in SETTLED and delivery.state not in (was.state, "cancelled"):
            self._numbers.count(delivery.state)

    def _keep_breaker(self, target: str, state: dict[str, Any]) -> None:
        try:
            self._ledger.breaker(target, state)
        except StoreBusy as why:
            log.info("alerts: the breaker of %s is known until a restart only: %s", target, why)

    def _sweep(self) -> None:
        """Find held alerts that nobody told us of: stored after the sender had been refused."""
        # Seqs follow the commits: nothing new comes below what was seen.
        with self._lock:
            also_deliveries, self._look_again = self._look_again, False
            after = 0 if also_deliveries else self._seen
            known = self._schedule.windows.after(after)
        deliveries: list[Delivery] = []
        try:
            seen, rows = self._lasting.look(lambda each: records.open_after(each, after, known))
            if also_deliveries:
                deliveries = self._lasting.look(records.unsettled)
        except StoreBusy:
            return
        finally:
            self._sweeping = False
        with self._lock:
            self._seen = seen
            for held in rows:
                self._schedule.hold(held, GAP_BLOCKED in held.alert.flags)
            self._schedule.put(
                [each for each in deliveries if self._is_new(each)], self._time.now_ms()
            )
        self._wake.set()

    def _tell(self, seqs: Iterable[int]) -> None:
        try:
            self._changed(seqs)
        except Exception:
            log.exception("alerts: news of a change could not be told")
