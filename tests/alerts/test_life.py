"""The whole life of alerts, step by random step, against a small model of what must hold.

Real ledger, schedule and operator; a clock set by hand; a store that refuses at times; and a
process that dies between a write and its effect.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from grok_sauce.alerts import records
from grok_sauce.alerts.model import SETTLED, Delivery, Outcome
from grok_sauce.alerts.moves import IllegalMove, roll_up
from grok_sauce.alerts.operator import Operator
from grok_sauce.alerts.store import StoreBusy
from grok_sauce.errors import SettingsError
from tests.alerts.send_kit import (
    BUSY,
    DOWN,
    OK,
    REFUSED,
    SILENT,
    Bench,
    Tree,
    alert,
    reversal,
    route,
    target,
)

PLAIN, SAFE, OTHER = "localhost:9060", "localhost:9061", "localhost:9062"
OUTCOMES = (OK, OK, OK, DOWN, BUSY, REFUSED, SILENT)


class Killed(BaseException):
    """The process dies here."""


class Life(RuleBasedStateMachine):
    """Steps of people, senders, targets, the disk and the power supply."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench(
            Tree(
                route("NQ", target(9060), target(9061, idempotent=True)),
                route("ES_L", target(9060), group="ES"),
                route("ES_S", target(9062), group="ES", gap_policy="block_open"),
            )
        )
        for name in (PLAIN, SAFE, OTHER):
            self.bench.wire.answers[name] = self.answer
        self.outcomes: list[Outcome] = []
        self.die_in: int | None = None
        self.broken: list[str] = []
        self.acknowledged: set[str] = set()  # answered 200
        # What a target has done: its key, how often. A person may allow one more.
        self.effects: Counter[str] = Counter()
        self.allowed: Counter[str] = Counter()
        self.seen: dict[str, set[str]] = {SAFE: set()}
        self.log: list[tuple[tuple[str, str], int, bool, int]] = []
        self.make_operator()

    def make_operator(self) -> None:
        bench = self.bench
        self.operator = Operator(
            bench.ledger,
            bench.dispatcher,
            bench.tree,  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            bench.wire,
            bench.time,
            lambda seqs: None,
            read=bench.store.read,
        )

    def answer(self, destination: Any, headers: Any) -> Outcome:
        """A target: acts before it answers, and dies or is silent as told."""
        outcome = self.outcomes.pop(0) if self.outcomes else OK
        key = headers["Idempotency-Key"]
        row = self.bench.delivery_by_key(key)
        # The sender takes an error in here for one of the transport, so they are collected.
        for is_so, what in (
            (row.state == "sending", "bytes left before that was durable"),
            (row.body, "an order without a size"),
            (self.bench.time.now_ms() < row.expires_ms, "an order past its freshness limit"),
            (not self.bench.dispatcher.is_paused, "an order in a pause"),
            (not self.bench.dispatcher.is_dry, "an order in dry mode"),
            (destination.id == row.target, "an order to another target"),
        ):
            if not is_so:
                self.broken.append(f"{what}: {row}")
        lane = (row.ticker, row.target)
        self.log.append((lane, row.batch, row.leg == "open", row.id))
        if outcome.kind in ("delivered", "ambiguous"):
            if row.target not in self.seen:
                self.effects[key] += 1
            elif key not in self.seen[row.target]:
                self.seen[row.target].add(key)
                self.effects[key] += 1
            self.check_close_before(row)
        if self.die_in is not None:
            self.die_in -= 1
            if self.die_in < 0:
                self.die_in = None
                raise Killed
        return outcome

    def check_close_before(self, row: Delivery) -> None:
        """An open whose alert closes first: only after that arrived, or by decision."""
        if not row.after_close or self.allowed[row.key]:
            return
        (close,) = (
            each
            for each in self.bench.deliveries(row.alert_id)
            if each.leg == "close" and each.target == row.target
        )
        if close.state != "delivered":
            self.broken.append(f"opened on a close that is {close.state}: {row}")

    def live(self, call: Any, *args: Any) -> Any:
        """Do something in a process that may die in it; a dead one is started again."""
        try:
            return call(*args)
        except Killed:
            self.restart()
            return None

    def restart(self) -> None:
        self.die_in = None
        self.bench.store.faults = []
        self.bench.start()
        self.make_operator()

    # What happens.

    @rule(
        kind=st.sampled_from(["open", "close", "reversal", "ask", "short"]),
        ticker=st.sampled_from(["NQ", "NQ", "ES_L", "ES_S"]),
        number=st.sampled_from([None, 1, 2]),
        key=st.sampled_from([None, None, "k1", "k2"]),
        busy=st.sampled_from(["", "", "", "before", "after"]),
    )
    def receive(self, kind: str, ticker: str, number: int | None, key: Any, busy: str) -> None:
        value = {
            "open": alert("buy", "flat"),
            "short": alert("sell", "flat"),
            "close": alert("sell", "long"),
            "reversal": reversal(),
            "ask": reversal(prev_qty=None, new_qty=None),
        }[kind]
        value = replace(value, ticker=ticker, trade_number=number)
        self.bench.store.faults = [busy]
        try:
            found = self.bench.store_alert(value, exact_key=key)
        except StoreBusy:
            return  # answered 503: not promised; when it was kept it is sent once all the same
        finally:
            self.bench.store.faults = []
        self.acknowledged.add(f"A{self.bench.count}")
        if found is not None:
            self.bench.dispatcher.take(*found)

    @rule(outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=4))
    def targets_will_answer(self, outcomes: list[Outcome]) -> None:
        self.outcomes = list(outcomes)

    @rule(
        seconds=st.sampled_from([0.0, 0.3, 2.1, 6.0, 20.0, 70.0]),
        faults=st.lists(st.sampled_from(["", "before", "after"]), max_size=3),
    )
    def time_passes(self, seconds: float, faults: list[str]) -> None:
        self.bench.store.faults = list(faults)
        self.live(self.bench.advance, seconds)
        self.bench.store.faults = []

    @rule(sends=st.integers(0, 2), seconds=st.sampled_from([2.1, 6.0]))
    def power_fails_while_sending(self, sends: int, seconds: float) -> None:
        self.die_in = sends
        self.live(self.bench.advance, seconds)
        self.die_in = None

    @rule()
    def power_fails(self) -> None:
        self.restart()

    @rule(on=st.booleans())
    def pause(self, on: bool) -> None:
        self.operator.pause(on, "tester")

    @rule(on=st.booleans())
    def dry(self, on: bool) -> None:
        self.operator.dry(on, "tester")

    @precondition(lambda self: self.bench.count)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        id = data.draw(self.ids())
        with contextlib.suppress(IllegalMove, SettingsError):  # not there, or too late
            self.live(self.operator.cancel, id, "tester")

    @precondition(lambda self: self.bench.count)
    @rule(
        data=st.data(),
        decision=st.sampled_from(["arrived", "send"]),
        late=st.booleans(),
        qty=st.sampled_from([None, 2]),
    )
    def decide(self, data: Any, decision: Any, late: bool, qty: int | None) -> None:
        open_questions = [each for each in self.bench.deliveries() if each.state == "uncertain"]
        if not open_questions:
            return
        each = open_questions[data.draw(st.integers(0, len(open_questions) - 1))]
        if decision == "send":
            self.allowed[each.key] += 1
        try:
            self.operator.decide(each.alert_id, each.id, decision, "tester", qty, late)
        except SettingsError:
            self.allowed[each.key] -= decision == "send"

    @precondition(lambda self: self.bench.count)
    @rule(data=st.data(), mode=st.sampled_from(["same", "as_new"]), late=st.booleans())
    def replay(self, data: Any, mode: Any, late: bool) -> None:
        id = data.draw(self.ids())
        before = {each.id: each for each in self.bench.deliveries(id)}
        self.operator.replay([id], "tester", mode, late)
        for each in self.bench.deliveries(id):
            was = before.get(each.id)
            if was is not None and was.state in SETTLED and each.state == "waiting":
                assert (was.key == each.key) == (mode == "same")
                self.allowed[each.key] += 1

    def ids(self) -> Any:
        return st.integers(1, self.bench.count).map(lambda n: f"A{n}")

    # What must hold.

    @invariant()
    def every_order_was_sent_as_it_should(self) -> None:
        assert not getattr(self, "broken", None)

    @invariant()
    def no_acknowledged_alert_is_lost(self) -> None:
        if not hasattr(self, "bench"):
            return
        kept = self.bench.store.read(
            lambda connection: {
                id for (id,) in connection.execute("SELECT id FROM alert").fetchall()
            }
        )
        assert self.acknowledged <= kept

    @invariant()
    def nothing_takes_effect_twice_unless_a_person_said_so(self) -> None:
        if not hasattr(self, "bench"):
            return
        for key, times in self.effects.items():
            assert times <= 1 + self.allowed[key], key

    @invariant()
    def an_alert_is_what_its_deliveries_say(self) -> None:
        if not hasattr(self, "bench"):
            return
        rows = self.bench.store.read(
            lambda connection: connection.execute(
                "SELECT a.id, a.state, group_concat(d.state) FROM delivery d"
                " JOIN alert a ON a.seq = d.alert_seq GROUP BY a.seq"
            ).fetchall()
        )
        for id, state, states in rows:
            assert state == roll_up(states.split(",")), id

    def teardown(self) -> None:
        """In the end: with time, power, room on the disk and good targets nothing is left."""
        if not hasattr(self, "bench"):
            return
        self.outcomes = []
        self.restart()
        self.operator.pause(False, "tester")
        self.live(self.bench.advance, 700.0)
        left = [each for each in self.bench.deliveries() if each.state not in SETTLED]
        assert left == []
        assert self.bench.dispatcher.depth() == 0
        held = self.bench.store.read(records.held)
        assert held == []
        assert not self.broken
        self.check_order()
        self.bench.store.close()

    def check_order(self) -> None:
        """First attempts leave each lane release by release, closes first, each in its order."""
        first: dict[tuple[str, str], list[tuple[int, bool, int]]] = {}
        seen: set[int] = set()
        for lane, batch, is_open, id in self.log:
            if id not in seen and not self.was_touched(id):
                first.setdefault(lane, []).append((batch, is_open, id))
            seen.add(id)
        for lane, places in first.items():
            assert places == sorted(places), lane

    def was_touched(self, id: int) -> bool:
        """Did a person put it back into its lane?"""
        count: int = self.bench.store.read(
            lambda connection: connection.execute(
                "SELECT count(*) FROM delivery_event WHERE delivery_id = ? AND now = 'waiting'"
                " AND who != 'router'",
                (id,),
            ).fetchone()[0]
        )
        return count > 0


CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much]

TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None, suppress_health_check=CHECKS
)


@pytest.mark.slow
@pytest.mark.endurance
@pytest.mark.timeout(3600)
class TestLongLife(Life.TestCase):  # type: ignore[misc]
    settings = settings(
        max_examples=2000, stateful_step_count=50, deadline=None, suppress_health_check=CHECKS
    )
