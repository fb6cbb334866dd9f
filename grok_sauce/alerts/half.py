"""The alert half of a process: its parts joined, its workers, and what it says of itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from grok_sauce.alerts.dispatcher import Dispatcher
from grok_sauce.alerts.guards import Calendar, Guards
from grok_sauce.alerts.intake import RETRY_AFTER, Answer, Intake, Post
from grok_sauce.alerts.ledger import Ledger
from grok_sauce.alerts.limits import Limits
from grok_sauce.alerts.news import News
from grok_sauce.alerts.numbers import Numbers
from grok_sauce.alerts.operator import Operator
from grok_sauce.alerts.probe import Probe
from grok_sauce.alerts.report import Live, Report
from grok_sauce.alerts.retention import Keep
from grok_sauce.alerts.routing_file import RoutingFile
from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.alerts.targets import TargetGuard
from grok_sauce.alerts.tokens import Tokens, Verified
from grok_sauce.alerts.transport import Transport
from grok_sauce.alerts.upkeep import Upkeep
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.supervisor import Supervisor
from grok_sauce.storage.database import StorageError
from grok_sauce.update import Update

log = logging.getLogger(__name__)

STOPPING: Final = 4.2  # seconds: sends under way get four
SILENT_S: Final = 2.0  # a dispatcher that did not look for so long is in trouble
OWN: Final = Verified(None, "signals", None)  # who speaks for the strategy of this process
NOT_YET: Final = Answer(
    503, {"status": "error", "message": "The alert store is not open yet"}, RETRY_AFTER
)


class AlertHalf:
    """Webhook to port. folder holds alerts.db, routing.json, the first token and backups.

    own_ports are where this process itself listens: no alert is sent there. publish tells
    pages. loopback_only says that nobody but this machine can connect. calendar gives the times
    of high-impact events, None where nobody knows them. forwarding False: a database that is
    made now begins in dry mode.

    Raises:
        StartupError: another process owns the database, or a newer version made it.
    """

    def __init__(
        self,
        folder: Path,
        settings: AlertSettings,
        clock: Clock,
        own_ports: Callable[[], set[int]],
        publish: Callable[[Sequence[Update]], None],
        *,
        loopback_only: bool,
        forwarding: bool = True,
        calendar: Calendar | None = None,
    ) -> None:
        self.settings = settings
        self._folder = folder
        self._forwarding = forwarding
        self.time = SteadyTime(clock)
        self.numbers = Numbers(self.time)
        self.store = Store(folder / "alerts.db", self.time, wait_s=settings.store_wait_s)
        folder.mkdir(parents=True, exist_ok=True)
        self._lamps_turned = 0
        self._is_new = not self.store.path.exists()
        self.store.open()
        self.ledger = Ledger(self.store, self.time)
        self._guard = TargetGuard(own_ports, settings.target_hosts)
        self.routing = RoutingFile(
            folder / "routing.json",
            self.time,
            self._guard,
            self.ledger.audit,
            target_path=settings.target_path,
            on_rename=self._renamed,
        )
        self.guards = Guards(self.routing, self.time, calendar)
        self.tokens = Tokens(self.ledger, self.time, settings, loopback_only=loopback_only)
        self._join(clock, publish)

    def _join(self, clock: Clock, publish: Callable[[Sequence[Update]], None]) -> None:
        settings, time = self.settings, self.time
        transport = self._transport(clock)
        self.dispatcher = Dispatcher(
            self.ledger,
            self.routing,
            transport,
            self.guards,
            time,
            clock,
            self.numbers,
            self._changed,
            read=self.store.read,
            sends=settings.concurrent_sends,
            max_attempts=settings.max_attempts,
            is_ready=lambda: self.intake.is_open,
        )
        self.probe = Probe(
            self.routing,
            self._guard,
            time,
            settings.probe_s,
            breakers=lambda: self.dispatcher.facts()["breakers"],
            changed=self._lamp_turned,
            connect_s=settings.connect_timeout_s,
        )
        self.report = Report(
            self.store, self.routing, time, alarm=settings.alarm, live=self._live()
        )
        self.news = News(
            self.report, publish, lambda: f"{self.routing.revision}.{self._lamps_turned}"
        )
        self.operator = Operator(
            self.ledger,
            self.dispatcher,
            self.routing,
            self.guards,
            transport,
            time,
            self._changed,
            read=self.store.read,
        )
        receiver = Intake(
            self.ledger,
            self.routing,
            self.tokens,
            Limits(settings, clock.monotonic),
            time,
            settings,
            self.numbers,
            self.dispatcher.take,
            self.dispatcher.depth,
            lambda seq: self.news.changed([seq]),
        )
        self.intake = Door(receiver)
        self.refused, self.audit = receiver.refused, self.ledger.audit
        # The store outlives the others: how a last delivery ended must still be written.
        self._workers, self._committer = Supervisor(clock), Supervisor(clock)
        self.supervisors = [self._workers, self._committer]

    def _transport(self, clock: Clock) -> Transport:
        settings = self.settings
        return Transport(
            self._guard,
            clock,
            settings.signing_keys,
            connect_s=settings.connect_timeout_s,
            total_s=settings.send_timeout_s,
        )

    def _live(self) -> Live:
        return Live(
            guards=self.guards.active,
            breakers=self._breakers,
            problems=self.problems,
            rejected_hour=lambda: int(self.numbers.snapshot()["rejected_hour"]),
            lamps=self.probe.lamps,
            paused_until=self.guards.paused_until,
            token_file=lambda: self.tokens.file,
        )

    # ---- life --------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the door as soon as the database lets us, and work until close()."""
        self._committer.start([self.store])
        self._workers.start(
            [
                self,
                self.dispatcher,
                self.probe,
                self._upkeep(),
                self.news,
            ]
        )

    name = "alert door"

    def _upkeep(self) -> Upkeep:
        keep = Keep(self.settings.keep_days, self.settings.keep_dead_days)
        return Upkeep(self.store, self.time, self._folder / "backups", keep=keep)

    def run(self, stop: threading.Event) -> None:
        """Load tree, tokens and pauses; then let alerts in. A worker, so that it is tried again.

        Raises:
            GrokSauceError: the database or the folder cannot be used yet.
        """
        if not self.intake.is_open:
            try:
                self._load()
            except OSError as problem:
                raise StorageError(f"{self._folder} cannot be used: {problem}") from None
            self.intake.open()
        stop.wait()

    def _load(self) -> None:
        self.routing.load()
        if not self._forwarding and self._is_new:
            # The dispatcher may have read the switches already.
            self.ledger.switch("dry", "1", "first start of a demo")
            self.dispatcher.dry(True)
        self.guards.load(self.ledger.switches())
        written = self.tokens.first_start(self._folder)
        if written is not None:
            log.warning("alerts: the webhook's token is in %s (readable by you alone)", written)

    def close(self) -> list[str]:
        """Answer 503 from now on, finish what is under way; names of workers that are late."""
        self.intake.close()
        late = self._workers.stop(STOPPING)
        late += self._committer.stop(1.0)
        self.store.close()
        return late

    def own(self, body: dict[str, Any]) -> Answer:
        """An alert of this program itself, as its webhook would take it; durable when 200."""
        sent = orjson.dumps(body)
        post = Post("POST", None, {}, sent, OWN.name, False, True, client=OWN.name)
        return self.intake.answer(post, OWN)

    # ---- what it says of itself ----------------------------------------------------------------

    def problems(self) -> list[str]:
        """What a red banner says."""
        store, found = self.store.facts(), []
        if store.problem is not None:
            found.append(
                f"Alerts cannot be stored: {store.problem}. Senders are asked to try again."
            )
        if store.set_aside is not None:
            found.append(
                f"The alert database was damaged; it was put aside as {store.set_aside.name} "
                "and a new one begun."
            )
        if self.routing.problem is not None:
            found.append(self.routing.problem)
        return found

    def trouble(self) -> list[str]:
        """Why the router is not in order, for /health; empty while it is."""
        store, age = self.store.facts(), self.dispatcher.facts()["tick_age_s"]
        found = [] if store.problem is None else [f"the alert store: {store.problem}"]
        if not self.intake.is_open:
            found.append("alerts are not let in yet")
        if age is not None and age > SILENT_S:
            found.append(f"the alert dispatcher stands still for {age:.0f} s")
        return found

    def facts(self) -> dict[str, Any]:
        """What the health report gets: the lamp, the queue, what is wrong, all figures."""
        now = self.news.latest
        trouble = self.trouble()
        lamp = {"mark": "off", "text": "starting", "needs": 0}
        if now is not None:
            lamp = {"mark": now["mark"], "text": now["text"], "needs": now["needs"]}
        if trouble:
            lamp = {**lamp, "mark": "down", "text": "in trouble"}
        facts = self.dispatcher.facts()
        return {
            "router": lamp,
            "queues": [
                {
                    "name": "Alerts to targets",
                    "depth": facts["undelivered"],
                    "limit": self.settings.high_water,
                }
            ],
            "problems": trouble,
            "alerts": {**self.numbers.snapshot(), **self._gauges(facts)},
        }

    def _gauges(self, facts: dict[str, Any]) -> dict[str, Any]:
        oldest, store = facts["oldest_received_ms"], self.store.facts()
        return {
            "held": facts["held"],
            "sending": facts["sending"],
            "undelivered": facts["undelivered"],
            "oldest_undelivered_s": (
                None if oldest is None else max(0.0, (self.time.now_ms() - oldest) / 1000)
            ),
            "store_p99_ms": store.latency_p99_ms,
            "breakers_open": len(facts["breakers"]),
        }

    def _breakers(self) -> list[dict[str, Any]]:
        shift = self.time.wall_ms() - self.time.now_ms()
        breakers = self.dispatcher.facts()["breakers"]
        return [{"target": target, "next_probe_ms": at + shift} for target, at in breakers.items()]

    # ---- between the parts ---------------------------------------------------------------------

    def _changed(self, seqs: Iterable[int]) -> None:
        self.news.changed(seqs)

    def _lamp_turned(self) -> None:
        self._lamps_turned += 1
        self.news.changed(())

    def _renamed(self, old: str, new: str) -> None:
        for name, value in self.guards.rename(old, new):
            self.ledger.switch(name, value, "router")


class Door:
    """What the webhook layer asks: shut until everything is loaded, and from the stop on.

    Before the tokens are loaded nobody can be told from a stranger, so everybody is asked to
    send again, which costs a known sender nothing.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.is_open = False

    def open(self) -> None:
        """Let alerts in."""
        self.is_open = True

    def close(self) -> None:
        """From now on senders are asked to send again later."""
        self._intake.close()

    def answer(self, post: Post, own: Verified | None = None) -> Answer:
        """The intake's answer; own as there."""
        return self._intake.answer(post, own) if self.is_open else NOT_YET
