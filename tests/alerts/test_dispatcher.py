"""The dispatcher on the real ledger, with a clock set by hand and a wire that answers as told."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from grok_sauce.alerts.model import ReleaseOptions
from grok_sauce.alerts.store import StoreBusy
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


@pytest.fixture
def bench() -> Bench:
    return Bench(Tree(route("NQ", target())))


def test_an_alert_is_sent_when_its_window_ends(bench: Bench) -> None:
    id = bench.receive(alert())

    bench.advance(1.9)
    before = list(bench.wire.sent)
    bench.advance(0.3)

    assert before == []
    assert [each.leg for each in bench.wire.sent] == ["open long"]
    assert bench.wire.sent[0].key == f"{id}-localhost:9060-open"
    assert bench.alert(id).state == "done"
    assert bench.dispatcher.depth() == 0


def test_with_a_delay_of_nothing_it_is_sent_at_once(bench: Bench) -> None:
    options = ReleaseOptions(delay_s=0)
    bench.receive(alert(), options=options)
    bench.receive(alert("sell", "long"), options=options)

    bench.advance(0)

    # No window: in order of arrival, not closes first.
    assert [each.leg for each in bench.wire.sent] == ["open long", "close long"]


def test_a_close_overtakes_the_open_of_its_window_and_the_open_waits_the_gap(bench: Bench) -> None:
    bench.receive(alert("sell", "flat", qty=2))
    bench.advance(1)
    bench.receive(alert("sell", "long"))

    bench.advance(3)

    close, opened = bench.wire.sent
    assert (close.leg, opened.leg) == ("close long", "open short")
    assert opened.at_ms - close.at_ms == pytest.approx(250, abs=2)


def test_a_thousand_reversals_in_two_alerts_always_close_first() -> None:
    chance = random.Random(11)
    bench = Bench(Tree(*(route(f"T{n}", target(9000 + n % 7)) for n in range(1000))))
    starts = []
    for n in range(1000):
        close = alert("sell", "long", ticker=f"T{n}", trade_number=n, qty=1)
        opened = alert("sell", "flat", ticker=f"T{n}", trade_number=n + 1, qty=chance.randint(1, 9))
        first, second = (close, opened) if chance.random() < 0.5 else (opened, close)
        at = chance.uniform(0, 20)
        starts += [(at, first), (at + chance.uniform(0, 1.9), second)]
    starts.sort(key=lambda each: each[0])

    now = 0.0
    for at, each in starts:
        bench.advance(at - now)
        now = at
        bench.receive(each)
    bench.advance(10)

    by_ticker: dict[str, list[str]] = {}
    for each in bench.wire.sent:
        by_ticker.setdefault(each.body["ticker"], []).append(each.leg)
    assert len(by_ticker) == 1000
    assert set(map(tuple, by_ticker.values())) == {("close long", "open short")}


def test_open_and_close_of_one_trade_in_a_window_cancel_each_other(bench: Bench) -> None:
    one = bench.receive(alert(trade_id="Open_8", trade_number=8))
    other = bench.receive(alert("sell", "long", trade_id="Close_8", trade_number=8))

    bench.advance(5)

    assert bench.wire.sent == []
    rows = bench.alert(one), bench.alert(other)
    assert {(row.state, row.reason) for row in rows} == {("cancelled", "net_zero_pair")}
    assert rows[0].link == ("pair", other)
    assert rows[1].link == ("pair", one)


def test_a_close_after_its_open_was_released_is_delivered(bench: Bench) -> None:
    bench.receive(alert(trade_id="Open_8", trade_number=8))
    bench.advance(3)
    bench.receive(alert("sell", "long", trade_id="Close_8", trade_number=8))
    bench.advance(3)

    assert [each.leg for each in bench.wire.sent] == ["open long", "close long"]


def test_a_reversal_is_two_posts_and_the_open_comes_a_gap_after_the_close(bench: Bench) -> None:
    id = bench.receive(reversal())

    bench.advance(5)

    close, opened = bench.wire.sent
    assert (close.leg, close.body["qty"]) == ("close short", 1)
    assert (opened.leg, opened.body["qty"]) == ("open long", 2)
    assert close.key.endswith("-close")
    assert opened.key.endswith("-open")
    assert opened.at_ms - close.at_ms == pytest.approx(250, abs=2)
    assert bench.alert(id).state == "done"


@pytest.mark.parametrize("answer", [REFUSED, SILENT], ids=["refused", "silent"])
def test_an_open_whose_close_did_not_arrive_is_asked_about(bench: Bench, answer: object) -> None:
    bench.wire.answers["localhost:9060"] = [answer]  # type: ignore[list-item]
    id = bench.receive(reversal())

    bench.advance(30)

    assert [each.leg for each in bench.wire.sent] == ["close short"]
    assert bench.states(id)[1] == ("open", "uncertain", "close_not_delivered")


def test_an_open_of_unknown_size_is_asked_about_and_holds_nobody_up(bench: Bench) -> None:
    id = bench.receive(reversal(prev_qty=None, new_qty=None))
    bench.advance(3)
    bench.receive(alert("sell", "long"))
    bench.advance(3)

    assert bench.states(id) == [
        ("close", "delivered", None),
        ("open", "uncertain", "reversal_qty_unknown"),
    ]
    assert [each.leg for each in bench.wire.sent] == ["close short", "close long"]


def test_a_restart_between_the_legs_repeats_neither(bench: Bench) -> None:
    bench.receive(reversal())
    bench.advance(2.1)
    assert [each.leg for each in bench.wire.sent] == ["close short"]

    bench.start()
    bench.advance(3)

    assert [each.leg for each in bench.wire.sent] == ["close short", "open long"]


def test_a_window_keeps_its_end_over_a_restart(bench: Bench) -> None:
    bench.receive(alert())
    began = bench.time.now_ms()
    bench.advance(1.2)

    bench.start()
    bench.advance(2)

    assert bench.wire.sent[0].at_ms - began == pytest.approx(2000, abs=2)


def test_a_window_that_ended_while_nobody_ran_is_released_at_once(bench: Bench) -> None:
    bench.receive(alert())
    bench.clock.advance(20)

    bench.start()
    bench.advance(0)

    assert len(bench.wire.sent) == 1


def test_a_target_that_is_down_is_tried_again_and_order_is_kept(bench: Bench) -> None:
    down_until = bench.time.now_ms() + 30_000
    bench.wire.answers["localhost:9060"] = lambda *_: (
        DOWN if bench.time.now_ms() < down_until else OK
    )
    old = bench.receive(alert(), options=ReleaseOptions(fresh_open_s=10))
    bench.advance(4)
    close = bench.receive(alert("sell", "long"))
    bench.advance(4)
    young = bench.receive(alert("sell", "flat"))

    bench.advance(100)

    assert bench.states(old) == [("open", "expired", "too_old")]
    assert bench.states(close) == [("close", "delivered", None)]
    assert bench.states(young) == [("open", "delivered", None)]
    arrived = [each for each in bench.wire.sent if each.at_ms >= down_until]
    assert [each.leg for each in arrived] == ["close long", "open short"]


def test_uncertain_is_never_sent_again_by_itself(bench: Bench) -> None:
    bench.wire.answers["localhost:9060"] = [SILENT]
    id = bench.receive(alert())

    bench.advance(300)
    bench.start()
    bench.advance(300)

    assert len(bench.wire.sent) == 1
    assert bench.states(id) == [("open", "uncertain", "outcome_unknown")]
    assert bench.alert(id).state == "failed"


def test_an_idempotent_target_is_asked_again_with_the_same_key() -> None:
    bench = Bench(Tree(route("NQ", target(idempotent=True))))
    bench.wire.answers["localhost:9060"] = [SILENT, BUSY]
    bench.receive(alert())

    bench.advance(20)

    assert len(bench.wire.sent) == 3
    assert len({each.key for each in bench.wire.sent}) == 1
    assert [each.attempt for each in bench.wire.sent] == [1, 2, 3]


def test_a_lane_waits_while_its_head_is_tried_again_and_other_lanes_do_not() -> None:
    bench = Bench(Tree(route("NQ", target(9060), target(9061))))
    bench.wire.answers["localhost:9060"] = [DOWN] * 4
    bench.receive(alert())
    bench.advance(2.1)
    bench.receive(alert("sell", "long"))

    bench.advance(20)

    good = [each.leg for each in bench.wire.reached("localhost:9061")]
    bad = [each.leg for each in bench.wire.reached("localhost:9060")]
    assert good == ["open long", "close long"]
    assert bad == ["open long"] * 5 + ["close long"]
    assert bench.wire.reached("localhost:9061")[0].at_ms == bench.wire.sent[0].at_ms


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("switch", ["pause", "dry"])
def test_a_switch_said_while_it_loads_is_newer_than_what_was_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, switch: str, on: bool
) -> None:
    bench.ledger.switch({"pause": "paused", "dry": "dry"}[switch], None if on else "1", "before")
    bench.start(load=False)
    read = bench.ledger.open_work

    def read_then_somebody_switches() -> object:
        work = read()
        getattr(bench.dispatcher, switch)(on)
        return work

    monkeypatch.setattr(bench.ledger, "open_work", read_then_somebody_switches)
    bench.dispatcher.load()

    shown = {"pause": bench.dispatcher.is_paused, "dry": bench.dispatcher.is_dry}
    assert shown[switch] is on


def test_pause_holds_everything_and_freshness_counts_on(bench: Bench) -> None:
    bench.dispatcher.pause(True)
    opened = bench.receive(alert())
    close = bench.receive(alert("sell", "long"))

    bench.advance(70)
    bench.dispatcher.pause(False)
    bench.advance(1)

    assert bench.states(opened) == [("open", "expired", "too_old")]
    assert bench.states(close) == [("close", "delivered", None)]
    assert [each.leg for each in bench.wire.sent] == ["close long"]


def test_in_dry_mode_everything_is_skipped_and_nothing_is_sent(bench: Bench) -> None:
    bench.dispatcher.dry(True)
    id = bench.receive(reversal())

    bench.advance(5)

    assert bench.wire.sent == []
    assert bench.states(id) == [("close", "skipped", "dry_mode"), ("open", "skipped", "dry_mode")]
    assert bench.alert(id).state == "done"


def test_an_open_is_skipped_when_its_close_was_even_if_dry_mode_ended(bench: Bench) -> None:
    bench.dispatcher.pause(True)
    id = bench.receive(reversal())
    bench.advance(2.1)
    bench.dispatcher.dry(True)
    bench.dispatcher.pause(False)
    bench.dispatcher.step()
    bench.dispatcher.dry(False)

    bench.advance(5)

    assert bench.wire.sent == []
    assert bench.states(id) == [("close", "skipped", "dry_mode"), ("open", "skipped", "dry_mode")]


def test_a_strategy_that_is_off_gets_nothing_and_the_page_can_say_why() -> None:
    bench = Bench(Tree(route("NQ", target(mode="off", skip="strategy_off"))))
    id = bench.receive(alert())

    bench.advance(3)

    assert bench.wire.sent == []
    assert bench.states(id) == [("open", "skipped", "strategy_off")]


def test_the_mode_is_looked_at_again_right_before_sending(bench: Bench) -> None:
    bench.dispatcher.pause(True)
    id = bench.receive(alert())
    bench.advance(3)
    bench.tree.routes["NQ"] = route("NQ", target(mode="off", skip="strategy_off"))
    bench.dispatcher.pause(False)

    bench.advance(1)

    assert bench.states(id) == [("open", "skipped", "strategy_off")]


def test_a_port_taken_from_the_tree_gets_nothing_more(bench: Bench) -> None:
    bench.wire.answers["localhost:9060"] = [DOWN] * 3
    id = bench.receive(alert())
    bench.advance(2.1)
    bench.tree.routes["NQ"] = route("NQ", target(9061))

    bench.advance(20)

    assert bench.states(id) == [("open", "skipped", "not_in_tree")]


def test_guards_stop_opens_and_let_closes_pass(bench: Bench) -> None:
    bench.guards.reason = "blocked_news"
    opened = bench.receive(alert())
    close = bench.receive(alert("sell", "long", qty=2))

    bench.advance(5)

    assert bench.states(opened) == [("open", "skipped", "blocked_news")]
    assert bench.states(close) == [("close", "delivered", None)]


def test_the_gap_policy_stops_the_opens_of_that_alert(bench: Bench) -> None:
    bench.tree.routes["NQ"] = route("NQ", target(), gap_policy="block_open")
    bench.receive(alert())
    bench.advance(3)
    gapped = bench.receive(alert())  # from flat, though the one before it left long
    bench.start()
    bench.advance(3)

    assert bench.states(gapped) == [("open", "skipped", "gap")]


def test_opens_of_a_group_wait_for_all_its_closes() -> None:
    tree = Tree(route("NQ_L", target(9060), group="NQ"), route("NQ_S", target(9061), group="NQ"))
    bench = Bench(tree)
    bench.wire.answers["localhost:9060"] = [DOWN] * 3
    bench.receive(alert("sell", "flat", ticker="NQ_S"))
    bench.receive(alert("sell", "long", ticker="NQ_L"))

    bench.advance(10)

    close = bench.wire.reached("localhost:9060")[-1]
    (opened,) = bench.wire.reached("localhost:9061")
    assert opened.at_ms - close.at_ms == pytest.approx(250, abs=2)


def test_a_wall_clock_that_is_set_expires_and_reorders_nothing(bench: Bench) -> None:
    bench.wire.answers["localhost:9060"] = [DOWN] * 4
    bench.receive(alert())
    bench.advance(2.1)
    for jump in (3600, -7200):
        bench.clock._real += jump
        bench.advance(0.5)
    bench.receive(alert("sell", "long"))

    bench.advance(20)

    assert [state for _, state, _ in bench.states()] == ["delivered", "delivered"]
    assert [each.leg for each in bench.wire.sent[-2:]] == ["open long", "close long"]


def test_an_open_that_is_refused_leaves_its_lane_to_the_next(bench: Bench) -> None:
    bench.wire.answers["localhost:9060"] = [REFUSED]
    id = bench.receive(alert())
    bench.advance(3)
    bench.receive(alert("sell", "long"))
    bench.advance(3)

    assert bench.states(id) == [("open", "refused", "answered_400")]
    assert [each.leg for each in bench.wire.sent] == ["open long", "close long"]


def test_attempts_are_used_up_at_last() -> None:
    bench = Bench(Tree(route("NQ", target())), options={"max_attempts": 3})
    bench.wire.answers["localhost:9060"] = DOWN
    id = bench.receive(alert())

    bench.advance(30)

    assert bench.states(id) == [("open", "dead", "attempts_used_up")]
    assert len(bench.wire.sent) == 3


def test_an_open_breaker_stops_the_attempts_and_closes_when_one_arrives(bench: Bench) -> None:
    bench.wire.answers["localhost:9060"] = [DOWN] * 5
    bench.receive(alert("sell", "long"))

    bench.advance(8)
    spared = bench.dispatcher.facts()["breakers"]
    bench.advance(20)

    fifth, sixth = bench.wire.sent[4:6]
    assert sixth.at_ms - fifth.at_ms >= 5000
    assert spared == {"localhost:9060": pytest.approx(fifth.at_ms + 5000, abs=2)}
    assert bench.dispatcher.facts()["breakers"] == {}


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("at", range(6))
def test_a_store_that_refuses_loses_and_doubles_nothing(bench: Bench, fault: str, at: int) -> None:
    id = bench.receive(reversal())
    bench.store.faults = [""] * at + [fault]

    bench.advance(20)

    assert [each.leg for each in bench.wire.sent] == ["close short", "open long"]
    assert [state for _, state, _ in bench.states(id)] == ["delivered", "delivered"]
    assert bench.alert(id).state == "done"
    assert bench.dispatcher.depth() == 0


def test_what_was_stored_after_its_refusal_is_found_and_sent(bench: Bench) -> None:
    bench.store_alert(alert())  # nobody tells the dispatcher

    bench.advance(5)

    assert len(bench.wire.sent) == 1


def test_a_tree_that_cannot_be_asked_for_once_loses_nothing(bench: Bench) -> None:
    id = bench.receive(reversal())
    real, left = bench.tree.lookup, [StoreBusy("the audit is not written"), ValueError("a bug")]

    def lookup(ticker: str) -> object:
        if left:
            raise left.pop()
        return real(ticker)

    bench.tree.lookup = lookup  # type: ignore[method-assign, assignment]
    bench.advance(10)
    bench.receive(alert("sell", "long"))
    left += [ValueError("another bug")]
    bench.advance(10)

    assert [each.leg for each in bench.wire.sent] == ["close short", "open long", "close long"]
    assert bench.alert(id).state == "done"


def test_nothing_is_sent_before_the_rest_is_ready(bench: Bench) -> None:
    ready, stop, done = threading.Event(), threading.Event(), threading.Event()
    bench.options["is_ready"] = ready.is_set
    bench.receive(alert())
    bench.clock.advance(5)
    bench.start(load=False)
    bench.wire.before = done.set
    worker = threading.Thread(target=bench.dispatcher.run, args=(stop,))
    worker.start()

    early = done.wait(0.2)
    ready.set()
    came = done.wait(10)
    stop.set()
    worker.join(10)

    assert (early, came) == (False, True)


def test_every_change_is_told(bench: Bench) -> None:
    bench.receive(alert())

    bench.advance(3)

    assert set(bench.told) == {1}
    assert len(bench.told) >= 2  # released, delivered


def test_an_alert_that_nobody_lists_any_more_is_cancelled(bench: Bench) -> None:
    id = bench.receive(alert())
    bench.tree.routes.clear()

    bench.advance(3)

    assert (bench.alert(id).state, bench.alert(id).reason) == ("cancelled", "no_destination")


def test_reversals_in_one_window_send_all_closes_before_any_open(bench: Bench) -> None:
    bench.receive(reversal())
    bench.receive(replace(reversal(), action="sell", current_position="long", new_pos="short"))

    bench.advance(5)

    legs = [each.leg for each in bench.wire.sent]
    assert legs == ["close short", "close long", "open long", "open short"]


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_with_store_threads_and_sockets_as_in_life(mode: str, tmp_path: Path) -> None:
    program = Path(__file__).with_name("router_run.py")

    done = subprocess.run(
        [sys.executable, str(program), mode, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["depth"] == 0
    assert found["stopped"]
    assert found["stop_s"] < 5
    assert found["told"] == 40
    assert found["delivered"] == 4 * 8 * 2
    for n, seen in enumerate(found["seen"]):
        if n:  # closes of a window come first, and never a close without its open
            assert sorted(seen) == [f"T{n} close"] * 8 + [f"T{n} open"] * 8
            assert seen[0] == f"T{n} close"
    # The one that hangs: each close was sent once, and no open on top of it.
    assert found["seen"][0] == ["T0 close"] * 8
    hung = [(leg, state) for ticker, leg, state in found["states"] if ticker == "T0"]
    assert set(hung) == {("close", "uncertain"), ("open", "uncertain")}
