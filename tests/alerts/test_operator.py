"""What a person can do, on the real ledger and dispatcher."""

from __future__ import annotations

from typing import Any

import pytest

from grok_sauce.alerts import records
from grok_sauce.alerts.model import Outcome, ReleaseOptions
from grok_sauce.alerts.moves import IllegalMove
from grok_sauce.alerts.operator import Operator
from grok_sauce.alerts.store import StoreBusy
from grok_sauce.errors import SettingsError
from tests.alerts.send_kit import (
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

PORT = "localhost:9060"


class NamedTree(Tree):
    """A tree with one strategy."""

    def strategy(self, name: str) -> object | None:
        return object() if name == "Momentum" else None


class Pauses:
    def pause(self, strategy: str) -> tuple[str, str]:
        return f"daily_pause:{strategy}", "123"


@pytest.fixture
def bench() -> Bench:
    return Bench(NamedTree(route("NQ", target())))


@pytest.fixture
def operator(bench: Bench) -> Operator:
    return operator_of(bench)


def operator_of(bench: Bench) -> Operator:
    return Operator(
        bench.ledger,
        bench.dispatcher,
        bench.tree,  # type: ignore[arg-type]
        Pauses(),
        bench.wire,
        bench.time,
        bench._tell,
        read=bench.store.read,
    )


def audited(bench: Bench) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = bench.store.read(
        lambda connection: connection.execute("SELECT who, what FROM audit ORDER BY id").fetchall()
    )
    return found


def question(bench: Bench, id: str) -> int:
    return next(each.id for each in bench.deliveries(id) if each.state == "uncertain")


def uncertain(bench: Bench) -> str:
    bench.wire.answers[PORT] = [SILENT]
    id = bench.receive(alert())
    bench.advance(3)
    return id


def test_what_arrived_is_delivered_and_its_size_remembered(
    bench: Bench, operator: Operator
) -> None:
    id = uncertain(bench)

    operator.decide(id, question(bench, id), "arrived", "ann")

    assert bench.states(id) == [("open", "delivered", None)]
    assert bench.alert(id).state == "done"
    assert bench.ledger.opened_qty("NQ") == 1
    assert len(bench.wire.sent) == 1
    assert audited(bench)[-1] == ("ann", "decide arrived")


def test_what_did_not_arrive_is_sent_again_with_the_same_key(
    bench: Bench, operator: Operator
) -> None:
    id = uncertain(bench)

    operator.decide(id, question(bench, id), "send", "ann")
    bench.advance(1)

    assert bench.states(id) == [("open", "delivered", None)]
    assert len({each.key for each in bench.wire.sent}) == 1
    assert len(bench.wire.sent) == 2


def test_a_decision_is_made_once(bench: Bench, operator: Operator) -> None:
    id = uncertain(bench)
    delivery = question(bench, id)
    operator.decide(id, delivery, "send", "ann")

    with pytest.raises(IllegalMove):
        operator.decide(id, delivery, "send", "bob")


def test_the_open_of_a_reversal_is_sent_with_the_size_that_was_given(
    bench: Bench, operator: Operator
) -> None:
    id = bench.receive(reversal(prev_qty=None, new_qty=None))
    bench.advance(3)

    with pytest.raises(SettingsError) as problem:
        operator.decide(id, question(bench, id), "send", "ann")
    operator.decide(id, question(bench, id), "send", "ann", qty=2)
    bench.advance(1)

    assert problem.value.field == "qty"
    opened = bench.wire.sent[-1]
    assert (opened.leg, opened.body["qty"], opened.key) == ("open long", 2, f"{id}-{PORT}-open")
    assert bench.deliveries(id)[1].qty == 2


def test_what_was_never_sent_cannot_have_arrived(bench: Bench, operator: Operator) -> None:
    id = bench.receive(reversal(prev_qty=None, new_qty=None))
    bench.advance(3)

    with pytest.raises(SettingsError) as problem:
        operator.decide(id, question(bench, id), "arrived", "ann")

    assert problem.value.field == "decision"


def test_an_open_whose_close_was_refused_goes_when_a_person_says_so(
    bench: Bench, operator: Operator
) -> None:
    bench.wire.answers[PORT] = [REFUSED]
    id = bench.receive(reversal())
    bench.advance(3)

    operator.decide(id, question(bench, id), "send", "ann")
    bench.advance(1)

    assert bench.states(id) == [("close", "refused", "answered_400"), ("open", "delivered", None)]


def test_a_late_open_needs_a_word_more_and_then_gets_its_time(
    bench: Bench, operator: Operator
) -> None:
    id = uncertain(bench)
    bench.advance(90)
    bench.wire.answers[PORT] = [DOWN]

    with pytest.raises(SettingsError) as problem:
        operator.decide(id, question(bench, id), "send", "ann")
    operator.decide(id, question(bench, id), "send", "ann", confirm_late=True)
    bench.advance(10)

    assert problem.value.field == "confirm_late"
    assert bench.states(id) == [("open", "delivered", None)]


def test_the_size_of_what_may_have_arrived_cannot_be_changed(
    bench: Bench, operator: Operator
) -> None:
    id = uncertain(bench)

    with pytest.raises(SettingsError) as problem:
        operator.decide(id, question(bench, id), "send", "ann", qty=5)

    assert problem.value.field == "qty"


def test_a_held_alert_can_be_cancelled_and_replayed(bench: Bench, operator: Operator) -> None:
    id = bench.receive(alert())
    operator.cancel(id, "ann")
    bench.advance(5)
    sent_before = list(bench.wire.sent)

    answer = operator.replay([id], "ann")
    bench.advance(5)

    assert sent_before == []
    assert answer == {"replayed": 1, "refused": []}
    assert bench.alert(id).state == "done"
    assert len(bench.wire.sent) == 1


def test_what_waits_in_a_pause_can_be_cancelled_and_nobody_is_asked_about_it(
    bench: Bench, operator: Operator
) -> None:
    operator.pause(True, "ann")
    id = bench.receive(reversal())
    bench.advance(3)

    operator.cancel(id, "ann")
    operator.pause(False, "ann")
    bench.advance(5)

    assert bench.wire.sent == []
    assert bench.states(id) == [
        ("close", "cancelled", "operator"),
        ("open", "cancelled", "operator"),
    ]


def test_what_is_delivered_cannot_be_cancelled(bench: Bench, operator: Operator) -> None:
    id = bench.receive(alert())
    bench.advance(3)

    with pytest.raises(IllegalMove):
        operator.cancel(id, "ann")
    with pytest.raises(SettingsError):
        operator.cancel("nobody", "ann")


def test_a_pause_and_dry_mode_survive_a_restart(bench: Bench, operator: Operator) -> None:
    operator.pause(True, "ann")
    operator.dry(True, "ann")

    bench.start()

    assert (bench.dispatcher.is_paused, bench.dispatcher.is_dry) == (True, True)


def test_a_pause_holds_even_when_the_store_cannot_keep_it(bench: Bench, operator: Operator) -> None:
    bench.store.faults = ["before"]

    with pytest.raises(StoreBusy):
        operator.pause(True, "ann")

    assert bench.dispatcher.is_paused


@pytest.mark.parametrize("mode", ["same", "as_new"])
def test_a_replay_keeps_or_changes_the_key(bench: Bench, operator: Operator, mode: Any) -> None:
    id = bench.receive(alert())
    bench.advance(3)

    operator.replay([id], "ann", mode)
    bench.advance(1)

    first, second = bench.wire.sent
    assert (first.key == second.key) == (mode == "same")
    assert first.body == second.body


def test_a_replay_sends_only_what_failed(operator: Operator) -> None:
    bench = Bench(NamedTree(route("NQ", target(9060), target(9061))))
    operator = operator_of(bench)
    bench.wire.answers["localhost:9061"] = [REFUSED]
    id = bench.receive(alert())
    bench.advance(3)

    operator.replay([id], "ann")
    bench.advance(1)

    assert [each.target for each in bench.wire.sent] == [PORT, "localhost:9061", "localhost:9061"]
    assert bench.alert(id).state == "done"


def test_a_replayed_reversal_closes_again_before_it_opens(bench: Bench, operator: Operator) -> None:
    bench.wire.answers[PORT] = [REFUSED]
    id = bench.receive(reversal())
    bench.advance(3)
    assert bench.states(id)[1][2] == "close_not_delivered"

    operator.replay([id], "ann")
    bench.advance(2)

    assert [each.leg for each in bench.wire.sent] == ["close short", "close short", "open long"]
    gap = bench.wire.sent[2].at_ms - bench.wire.sent[1].at_ms
    assert gap == pytest.approx(250, abs=2)


def test_a_replayed_reversal_whose_close_fails_again_asks_again(
    bench: Bench, operator: Operator
) -> None:
    bench.wire.answers[PORT] = [REFUSED, REFUSED]
    id = bench.receive(reversal())
    bench.advance(3)

    operator.replay([id], "ann")
    bench.advance(2)

    assert [each.leg for each in bench.wire.sent] == ["close short", "close short"]
    assert bench.states(id)[1] == ("open", "uncertain", "close_not_delivered")


def test_replays_that_cannot_be_say_why(bench: Bench, operator: Operator) -> None:
    asked = uncertain(bench)
    bench.receive(alert("sell", "long", ticker="ES"))
    unrouted = f"A{bench.count}"
    late = bench.receive(alert(), options=ReleaseOptions(delay_s=60.0))

    answer = operator.replay(["nobody", asked, unrouted, late], "ann")

    reasons = {each["id"]: each["reason"] for each in answer["refused"]}
    assert answer["replayed"] == 0
    assert reasons["nobody"] == "there is no such alert"
    assert reasons[asked] == "nobody knows whether it arrived: decide that first"
    assert reasons[unrouted] == "no target lists its ticker"
    assert reasons[late] == "it still waits for its window"


def test_an_old_open_is_replayed_only_when_that_is_confirmed(
    bench: Bench, operator: Operator
) -> None:
    bench.wire.answers[PORT] = DOWN
    id = bench.receive(alert())
    bench.advance(100)
    bench.wire.answers[PORT] = OK
    assert bench.states(id) == [("open", "expired", "too_old")]

    refused = operator.replay([id], "ann")
    done = operator.replay([id], "ann", confirm_late=True)
    bench.advance(61)

    assert refused["replayed"] == 0
    assert "freshness" in refused["refused"][0]["reason"]
    assert done["replayed"] == 1
    assert bench.states(id) == [("open", "delivered", None)]


def test_an_old_alert_without_a_route_goes_once_it_has_one(
    bench: Bench, operator: Operator
) -> None:
    bench.receive(alert("sell", "long", ticker="ES"))
    id = f"A{bench.count}"
    bench.advance(3600)
    bench.tree.routes["ES"] = route("ES", target(9061))

    operator.replay([id], "ann")
    bench.advance(3)

    assert bench.states(id) == [("close", "delivered", None)]


def test_a_cancelled_pair_that_is_replayed_does_not_cancel_itself_again(
    bench: Bench, operator: Operator
) -> None:
    ids = [
        bench.receive(alert(trade_number=8)),
        bench.receive(alert("sell", "long", trade_number=8)),
    ]
    bench.advance(3)

    operator.replay(ids, "ann")
    bench.advance(3)

    assert [each.leg for each in bench.wire.sent] == ["close long", "open long"]


def test_all_that_failed_between_two_times_at_one_target_is_replayed_in_order() -> None:
    bench = Bench(NamedTree(route("NQ", target(9060), target(9061))))
    operator = operator_of(bench)
    bench.wire.answers[PORT] = REFUSED
    bench.wire.answers["localhost:9061"] = REFUSED
    begin = bench.time.wall_ms()
    for _ in range(3):
        bench.receive(alert("sell", "long"))
        bench.advance(5)
    end = bench.time.wall_ms()
    bench.receive(alert("sell", "long"))
    bench.advance(5)
    bench.wire.answers[PORT] = OK
    bench.wire.sent.clear()

    answer = operator.replay(None, "ann", between=(begin, end), target=PORT)
    bench.advance(1)

    assert answer == {"replayed": 3, "refused": []}
    assert [each.key.split("-")[0] for each in bench.wire.sent] == ["A1", "A2", "A3"]
    assert {each.target for each in bench.wire.sent} == {PORT}


@pytest.mark.parametrize(
    ("outcome", "ok"),
    [(OK, True), (DOWN, False), (REFUSED, False)],
    ids=["takes it", "down", "refuses"],
)
def test_a_test_goes_straight_to_the_port_and_is_kept(
    bench: Bench, operator: Operator, outcome: Outcome, ok: bool
) -> None:
    bench.wire.answers[PORT] = outcome
    operator.pause(True, "ann")

    result = operator.test("Momentum", "NQ", 9060, "ann")

    assert (result["ok"], result["status"]) == (ok, outcome.status)
    (sent,) = bench.wire.sent
    assert sent.body["ticker"] == "TEST-NQ"
    assert sent.body["qty"] == 0
    assert list(sent.body) == ["ticker", "action", "direction", "qty", "price", "time"]
    kept = bench.store.read(
        lambda connection: connection.execute("SELECT target, test FROM target_state").fetchone()
    )
    assert kept[0] == PORT
    assert f'"ok": {str(ok).lower()}' in kept[1]


def test_a_test_of_a_port_that_is_not_listed_is_refused(operator: Operator) -> None:
    with pytest.raises(SettingsError) as problem:
        operator.test("Momentum", "NQ", 9999, "ann")

    assert problem.value.field == "port"


def test_a_day_pause_is_kept(bench: Bench, operator: Operator) -> None:
    operator.daily_pause("Momentum", "ann")

    assert bench.ledger.switches() == {"daily_pause:Momentum": "123"}
    with pytest.raises(SettingsError):
        operator.daily_pause("Nobody", "ann")


def test_what_a_person_has_seen_is_noted_once(bench: Bench, operator: Operator) -> None:
    bench.wire.answers[PORT] = [REFUSED]
    id = bench.receive(alert())
    bench.advance(3)

    assert operator.acknowledge([id], "ann") == 1
    assert operator.acknowledge([id], "ann") == 0
    assert bench.alert(id).acknowledged_ms is not None


def test_a_decision_the_store_kept_after_all_is_carried_out(
    bench: Bench, operator: Operator
) -> None:
    id = uncertain(bench)
    bench.store.faults = ["after"]

    with pytest.raises(StoreBusy):
        operator.decide(id, question(bench, id), "send", "ann")
    bench.advance(3)

    row = bench.store.read(lambda connection: records.alert_by_id(connection, id))
    assert row.state == "done"
    assert len(bench.wire.sent) == 2
