"""What tests of schedule, dispatcher and operator share: a bench with a clock set by hand.

The ledger is the real one, on a database in memory that can be told to refuse writes. Calls
run in place, so that a test decides what happens when.
"""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grok_sauce.alerts import records, rounds
from grok_sauce.alerts.dispatcher import Dispatcher
from grok_sauce.alerts.ledger import Ledger, NewAlert
from grok_sauce.alerts.legs import mapped_text
from grok_sauce.alerts.model import Alert, Delivery, Destination, HeldAlert, Outcome, ReleaseOptions
from grok_sauce.alerts.numbers import Numbers
from grok_sauce.alerts.routing import Route
from grok_sauce.alerts.schema import MIGRATIONS
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import StoreBusy
from grok_sauce.runtime.clock import ManualClock

START = 1797449527.0


class MemoryStore:
    """Store without a committer: each write is one transaction in memory.

    faults is worked off write by write: "before" refuses it, "after" keeps it and refuses all
    the same, "" lets it pass. What is beyond the list passes.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect(
            ":memory:", check_same_thread=False, isolation_level=None
        )
        for script in MIGRATIONS:
            self._connection.executescript(script)
        self.faults: list[str] = []
        self.writes = 0

    def write(self, job: Any, wait_s: float | None = None, *, withdraw: bool = False) -> Any:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "before":
            raise StoreBusy("the test refuses", undecided=False)
        self.writes += 1
        (answer,) = rounds.commit(self._connection, [job]).answers
        if fault == "after":
            raise StoreBusy("the test is too slow", undecided=True)
        if answer.error is not None:
            raise answer.error
        return answer.value

    def later(self, job: Any) -> None:
        rounds.commit(self._connection, [job])

    def read(self, job: Any) -> Any:
        return job(self._connection)

    def close(self) -> None:
        self._connection.close()


def target(port: int = 9060, **changes: Any) -> Destination:
    values: dict[str, Any] = {
        "id": f"localhost:{port}",
        "host": "localhost",
        "port": port,
        "path": "/receive",
        "name": "",
        "strategies": ("Momentum",),
        "mode": "live",
    }
    return Destination(**(values | changes))


def route(ticker: str, *targets: Destination, **changes: Any) -> Route:
    values: dict[str, Any] = {
        "ticker": ticker,
        "strategies": ("Momentum",),
        "options": ReleaseOptions(),
        "destinations": targets,
        "gap_policy": "warn",
        "group": ticker,
        "no_open_between": (),
        "no_open_news_min": 0,
        "modes": {"Momentum": "live"},
    }
    return Route(**(values | changes))


class Tree:
    """Routes that a test changes as it likes."""

    def __init__(self, *routes: Route) -> None:
        self.routes = {each.ticker: each for each in routes}

    def lookup(self, ticker: str) -> Route | None:
        return self.routes.get(ticker)


@dataclass
class Blocks:
    """Guards: reason stops every open."""

    reason: str | None = None

    def blocks_open(self, route: Route, strategies: Sequence[str], ticker: str) -> str | None:
        return self.reason


@dataclass(frozen=True)
class Sent:
    """One POST that reached a target."""

    at_ms: int
    target: str
    key: str
    body: dict[str, Any]
    attempt: int

    @property
    def leg(self) -> str:
        return f"{self.body['action']} {self.body['direction']}"


Answer = Callable[[Destination, Mapping[str, str]], Outcome]

OK = Outcome("delivered", 200, "answered 200", 3.0)
REFUSED = Outcome("refused", 400, "answered 400", 3.0)
DOWN = Outcome("not_sent", None, "connection refused", 1.0)
BUSY = Outcome("not_accepted", 503, "answered 503", 3.0)
SILENT = Outcome("ambiguous", None, "no answer within 5 s", 5000.0)


class Wire:
    """A transport: what was sent, and answers by target (a list is worked off, then OK)."""

    def __init__(self, time: SteadyTime) -> None:
        self._time = time
        self.sent: list[Sent] = []
        self.answers: dict[str, list[Outcome] | Answer | Outcome] = {}
        self.before: Callable[[], None] = lambda: None

    def send(self, destination: Destination, body: str, headers: Mapping[str, str]) -> Outcome:
        self.before()
        now = self._time.now_ms()
        key, attempt = headers["Idempotency-Key"], int(headers["X-Attempt"])
        self.sent.append(Sent(now, destination.id, key, json.loads(body), attempt))
        answer = self.answers.get(destination.id, OK)
        if isinstance(answer, Outcome):
            return answer
        if isinstance(answer, list):
            return answer.pop(0) if answer else OK
        return answer(destination, headers)

    def reached(self, target: str | None = None) -> list[Sent]:
        return [each for each in self.sent if target in (None, each.target)]


class NoWait(threading.Event):
    """An event that nobody waits for."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


def in_place(call: Callable[..., None], *args: Any) -> None:
    call(*args)


@dataclass
class Bench:
    """Everything between a stored alert and the wire."""

    tree: Tree
    clock: ManualClock = field(default_factory=lambda: ManualClock(START, START))
    store: MemoryStore = field(default_factory=MemoryStore)
    guards: Blocks = field(default_factory=Blocks)
    told: list[int] = field(default_factory=list)
    count: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.time = SteadyTime(self.clock)
        self.wire = Wire(self.time)
        self.start()

    def start(self, load: bool = True) -> None:
        """A new process on the same database."""
        self.ledger = Ledger(self.store, self.time)  # type: ignore[arg-type]
        self.numbers = Numbers(self.time)
        self.dispatcher = Dispatcher(
            self.ledger,
            self.tree,
            self.wire,
            self.guards,
            self.time,
            self.clock,
            self.numbers,
            self._tell,
            read=self.store.read,
            chance=random.Random(5),
            start=in_place,
            over=NoWait(),
            **self.options,
        )
        if load:
            self.dispatcher.load()

    def _tell(self, seqs: Iterable[int]) -> None:
        self.told += seqs

    def new(self, alert: Alert, **changes: Any) -> NewAlert:
        """The alert as intake would store it now."""
        self.count += 1
        now = self.time.now_ms()
        found = self.tree.lookup(alert.ticker)
        options = changes.pop("options", found.options if found else ReleaseOptions())
        values: dict[str, Any] = {
            "id": f"A{self.count}",
            "state": "held" if found else "unrouted",
            "reason": None,
            "alert": alert,
            "mapped": mapped_text(alert),
            "body": "{}",
            "source": "127.0.0.1",
            "token_id": None,
            "received_ms": now,
            "wall_ms": self.time.wall_ms(),
            "exact_key": None,
            "exact_until_ms": now + 120_000,
            "semantic_key": None,
            "semantic_until_ms": now + 300_000,
            "group": found.group if found else alert.ticker,
            "release_ms": now + round(options.delay_s * 1000),
            "options": options,
            "strategies": ("Momentum",),
            "test": False,
            "gap_policy": found.gap_policy if found else "warn",
        }
        return NewAlert(**(values | changes))

    def store_alert(self, alert: Alert, **changes: Any) -> tuple[HeldAlert, bool] | None:
        """Store an alert; what the dispatcher would be told (None: it is not held)."""
        new = self.new(alert, **changes)
        got = self.ledger.receive(new)
        if got.state != "held":
            return None
        stored = replace(alert, flags=got.flags)
        held = HeldAlert(
            got.seq, new.id, stored, new.group, new.received_ms, new.release_ms, new.options
        )
        return held, got.blocked

    def receive(self, alert: Alert, **changes: Any) -> str:
        """Store an alert and tell the dispatcher; its id."""
        found = self.store_alert(alert, **changes)
        if found is not None:
            self.dispatcher.take(*found)
        return f"A{self.count}"

    def advance(self, seconds: float) -> None:
        """Let time pass; everything that falls due on the way is done at its time."""
        end = self.time.now_ms() + round(seconds * 1000)
        while True:
            self.settle()
            now = self.time.now_ms()
            if now >= end:
                return
            at = self.dispatcher._schedule.next_ms()
            goal = end if at is None else min(max(at, now + 1), end)
            self.clock.advance((goal - now) / 1000)
            if self.time.now_ms() < goal:  # parts of a millisecond
                self.clock.advance(0.0005)

    def settle(self) -> None:
        """Do everything that is due at this time."""
        for _ in range(2_000):
            self.dispatcher._wake.clear()
            self.dispatcher.step()
            if not self.dispatcher._wake.is_set():
                return
        raise AssertionError("the dispatcher goes round in a circle")

    def deliveries(self, id: str | None = None) -> list[Delivery]:
        every = self.store.read(lambda connection: records.deliveries_in(connection, list(STATES)))
        return [each for each in every if id in (None, each.alert_id)]

    def delivery_by_key(self, key: str) -> Delivery:
        """The delivery with this Idempotency-Key."""

        def job(connection: sqlite3.Connection) -> Delivery | None:
            found = connection.execute("SELECT id FROM delivery WHERE key = ?", (key,)).fetchone()
            return records.delivery(connection, found[0])

        row = self.store.read(job)
        assert row is not None
        return row

    def states(self, id: str | None = None) -> list[tuple[str, str, str | None]]:
        """(leg, state, reason) of deliveries, in order."""
        return [(each.leg, each.state, each.reason) for each in self.deliveries(id)]

    def alert(self, id: str) -> records.AlertRow:
        row = self.store.read(lambda connection: records.alert_by_id(connection, id))
        assert row is not None
        return row


STATES = (
    *("waiting", "sending", "retry_wait", "delivered", "refused", "expired", "dead"),
    *("skipped", "cancelled", "uncertain"),
)


def alert(action: str = "buy", position: str = "flat", **changes: Any) -> Alert:
    """buy flat: open long; sell long: close long; buy short with new_pos long: a reversal."""
    values: dict[str, Any] = {
        "ticker": "NQ",
        "new_pos": None,
        "qty": 1,
        "price": 100.0,
        "prev_qty": None,
        "new_qty": None,
        "trade_id": None,
        "trade_number": None,
        "time_ms": None,
    }
    return Alert(action=action, current_position=position, **(values | changes))  # type: ignore[arg-type]


def reversal(**changes: Any) -> Alert:
    values: dict[str, Any] = {"new_pos": "long", "qty": 3, "prev_qty": 1, "new_qty": 2}
    return alert("buy", "short", **(values | changes))
