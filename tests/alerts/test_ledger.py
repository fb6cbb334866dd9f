"""The ledger: duplicates, gaps, releases, moves and what an alert comes to, over real SQLite."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_sauce.alerts import records
from grok_sauce.alerts.gaps import PositionRow
from grok_sauce.alerts.ledger import IllegalMove, Ledger, Planned, Received
from grok_sauce.alerts.model import (
    ALERT_MOVES,
    DELIVERY_MOVES,
    SETTLED,
    Leg,
    Outcome,
    ReleaseOptions,
)
from grok_sauce.alerts.moves import roll_up
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.runtime.clock import ManualClock
from tests.alerts.ledger_kit import a_leg, a_new, an_alert, released, running, store_in

OK = Outcome("delivered", 200, "answered 200", 12.5, text="<b>" + "y" * 400)
MINUTE = 60_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = store_in(tmp_path)
    store.open()
    yield store
    store.close()


@pytest.fixture
def ledger(store: Store, clock: ManualClock) -> Ledger:
    return Ledger(store, SteadyTime(clock))


def row(store: Store, seq: int) -> records.AlertRow:
    found = store.read(lambda one: records.alert(one, seq))
    assert found is not None
    return found


def story(store: Store, seq: int) -> list[tuple[int | None, str | None, str]]:
    """(delivery, was, now) of everything that happened to an alert."""
    return [(e.delivery, e.was, e.now) for e in store.read(lambda one: records.events(one, seq))]


# Receiving.


def test_what_was_received_reads_back_as_it_was(store: Store, ledger: Ledger) -> None:
    alert = an_alert("NQ/Long 5", price=None, qty=3, trade_id="Open_7", trade_number=7, prev_qty=0)
    options = ReleaseOptions(delay_s=0.5, reversal_qty="same", net_zero_cancel=False)
    new = a_new("a1", alert=replace(alert, flags=("bad_time",)), options=options, test=False)

    got = ledger.receive(new)
    found = row(store, got.seq)
    (held,) = store.read(records.held)

    assert got == Received(1, "a1", "held", None, ("bad_time",), False)
    assert found.alert == replace(alert, flags=("bad_time",))
    assert (found.strategies, found.body, found.token_id) == (("Momentum",), new.body, None)
    assert (held.alert, held.options, held.release_ms) == (found.alert, options, new.release_ms)
    assert story(store, got.seq) == [(None, None, "held")]


def test_an_invalid_and_an_unrouted_alert_are_stored_with_their_reason(
    store: Store, ledger: Ledger
) -> None:
    bad = ledger.receive(a_new("a1", state="invalid", reason="qty", alert=None, mapped=None))
    lost = ledger.receive(a_new("a2", state="unrouted", reason="no route for NQ"))

    assert [bad.state, lost.state] == ["invalid", "unrouted"]
    assert row(store, bad.seq).alert is None
    assert [row(store, one.seq).reason for one in (bad, lost)] == ["qty", "no route for NQ"]
    assert store.read(records.held) == []


def test_fifty_identical_alerts_at_once_are_held_once(tmp_path: Path) -> None:
    answers: list[Received] = []
    gate = threading.Barrier(50)
    with running(store_in(tmp_path, wait_s=20.0)) as store:
        ledger = Ledger(store, SteadyTime(ManualClock(market=1000.0)))

        def post(n: int) -> None:
            gate.wait()
            new = a_new(f"a{n}", exact_key="e:same", semantic_key="s:NQ:7")
            answers.append(ledger.receive(new))

        threads = [threading.Thread(target=post, args=(n,)) for n in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counted, _ = store.read(records.counts)

    (first,) = [one for one in answers if one.state == "held"]
    others = [one for one in answers if one.state == "duplicate"]
    assert counted == {"held": 1, "duplicate": 49}
    assert {(one.first_id, one.flags) for one in others} == {(first.id, ())}


def test_one_trade_with_other_content_is_a_duplicate_in_conflict(
    store: Store, ledger: Ledger
) -> None:
    first = ledger.receive(a_new("a1", exact_key="e:1", semantic_key="s:7"))
    other = ledger.receive(a_new("a2", exact_key="e:2", semantic_key="s:7"))
    again = ledger.receive(a_new("a3", exact_key="e:2", semantic_key="s:7"))
    free = ledger.receive(a_new("a4", exact_key="e:3", semantic_key="s:8"))

    assert first.state == free.state == "held"
    for one in (other, again):
        assert (one.state, one.first_id, one.flags) == ("duplicate", "a1", ("conflict",))
    assert row(store, other.seq).link == ("duplicate_of", "a1")
    assert row(store, other.seq).flags == ("conflict",)


@pytest.mark.parametrize(
    "after_ms, state",
    [(119_999, "duplicate"), (120_000, "held")],
    ids=["inside its window", "when its window is over"],
)
def test_a_key_counts_until_its_window_is_over(ledger: Ledger, after_ms: int, state: str) -> None:
    ledger.receive(a_new("a1", exact_key="e:1"))
    later = a_new("a2", 1_000_000 + after_ms, exact_key="e:1")

    assert ledger.receive(later).state == state


def test_the_first_key_is_over_and_the_second_still_finds_the_same_content(
    ledger: Ledger,
) -> None:
    ledger.receive(a_new("a1", exact_key="e:1", semantic_key="s:1"))

    again = ledger.receive(a_new("a2", 1_200_000, exact_key="e:1", semantic_key="s:1"))

    assert (again.state, again.first_id, again.flags) == ("duplicate", "a1", ())


def test_windows_follow_steady_time_whatever_the_wall_clock_says(ledger: Ledger) -> None:
    ledger.receive(a_new("a1", exact_key="e:1"))

    jumped = ledger.receive(a_new("a2", 1_005_000, exact_key="e:1", wall_ms=9_999_999_999))

    assert jumped.state == "duplicate"


def test_what_was_not_executed_claims_no_key(ledger: Ledger) -> None:
    keys: dict[str, Any] = {"exact_key": "e:1", "semantic_key": "s:1"}
    ledger.receive(a_new("a1", state="unrouted", **keys))
    ledger.receive(a_new("a2", state="invalid", alert=None, **keys))

    routed = ledger.receive(a_new("a3", **keys))
    resent = ledger.receive(a_new("a4", state="unrouted", **keys))

    assert routed.state == "held"
    assert (resent.state, resent.first_id) == ("duplicate", "a3")


# The position and its gaps.


def test_an_alert_that_starts_elsewhere_than_the_last_one_ended_is_a_gap(
    store: Store, ledger: Ledger
) -> None:
    short = an_alert(current_position="short", new_pos="flat")
    first = ledger.receive(a_new("a1", gap_policy="block_open"))  # flat -> long
    warned = ledger.receive(a_new("a2", alert=short))
    blocked = ledger.receive(a_new("a3", alert=short, gap_policy="block_open"))

    assert (first.flags, first.blocked) == ((), False)
    assert (warned.flags, warned.blocked) == (("gap",), False)
    assert (blocked.flags, blocked.blocked) == (("gap", "gap_blocked"), True)
    (event,) = store.read(lambda one: records.events(one, warned.seq))
    assert "short" in event.detail
    assert "long" in event.detail
    assert ledger.open_work().blocked == {blocked.seq}


def test_duplicates_tests_and_the_unrouted_do_not_move_the_position(ledger: Ledger) -> None:
    short = an_alert(new_pos="short")
    ledger.receive(a_new("a1", exact_key="e:1", wall_ms=77))
    ledger.receive(a_new("a2", exact_key="e:1", alert=short))
    ledger.receive(a_new("a3", alert=short, test=True))
    ledger.receive(a_new("a4", alert=short, state="unrouted"))

    assert ledger.positions() == {"NQ": PositionRow("NQ", "long", None, None, 77)}


def test_the_size_of_a_delivered_open_is_remembered_over_later_alerts(ledger: Ledger) -> None:
    leg = a_leg("a1", leg=Leg("open", "long", 4))
    (made,) = released(ledger, "a1", leg)
    assert ledger.opened_qty("NQ") is None

    ledger.move(made.id, "sending")
    ledger.move(made.id, "delivered", outcome=OK)
    ledger.receive(a_new("a2", alert=an_alert(current_position="long", new_pos="flat")))
    (closing,) = released(ledger, "a3", a_leg("a3", kind="close", leg=Leg("close", "long", 9)))
    ledger.move(closing.id, "sending")
    ledger.move(closing.id, "delivered", outcome=OK)

    assert ledger.opened_qty("NQ") == 4
    assert ledger.opened_qty("ES") is None


# Release and cancel.


def test_a_batch_is_released_in_the_order_given(store: Store, ledger: Ledger) -> None:
    first, second = (ledger.receive(a_new(id)).seq for id in ("a1", "a2"))

    made = ledger.release(
        [
            Planned(second, (a_leg("a2", 9061, "close"), a_leg("a2", 9060, "close"))),
            Planned(first, (a_leg("a1", 9060, idempotent=True, after_close=True),)),
        ]
    )
    later = released(ledger, "a3")

    assert [(one.alert_id, one.target, one.leg) for one in made] == [
        ("a2", "localhost:9061", "close"),
        ("a2", "localhost:9060", "close"),
        ("a1", "localhost:9060", "open"),
    ]
    assert [one.order for one in [*made, *later]] == sorted(one.order for one in [*made, *later])
    assert len({one.batch for one in made}) == 1
    assert later[0].batch > made[0].batch
    assert (made[2].idempotent, made[2].after_close, made[2].dry) == (True, True, False)
    assert (made[2].key, made[2].received_ms) == ("a1-localhost:9060-open", 1_000_000)
    assert row(store, first).state == row(store, second).state == "released"


def test_legs_that_are_skipped_or_asked_about_settle_at_once(store: Store, ledger: Ledger) -> None:
    skipped = released(ledger, "a1", a_leg("a1", state="skipped", reason="strategy_off"))
    asked = released(
        ledger,
        "a2",
        a_leg("a2", 9060, "close"),
        a_leg("a2", 9060, state="uncertain", reason="reversal_qty_unknown", body=""),
    )

    assert (skipped[0].state, skipped[0].reason) == ("skipped", "strategy_off")
    assert row(store, skipped[0].alert_seq).state == "done"
    assert (asked[1].state, asked[1].reason) == ("uncertain", "reversal_qty_unknown")
    assert row(store, asked[1].alert_seq).state == "released"
    assert story(store, skipped[0].alert_seq) == [
        (None, None, "held"),
        (None, "held", "released"),
        (skipped[0].id, None, "waiting"),
        (skipped[0].id, "waiting", "skipped"),
        (None, "released", "done"),
    ]


def test_a_release_to_nothing_cancels_and_says_why(store: Store, ledger: Ledger) -> None:
    got = ledger.receive(a_new("a1"))

    assert ledger.release([Planned(got.seq, ())]) == []
    assert (row(store, got.seq).state, row(store, got.seq).reason) == (
        "cancelled",
        "no_destination",
    )


def test_a_release_of_something_cancelled_meanwhile_releases_none(
    store: Store, ledger: Ledger
) -> None:
    kept, gone = (ledger.receive(a_new(id)).seq for id in ("a1", "a2"))
    ledger.cancel([gone], "operator", who="jane")

    with pytest.raises(IllegalMove, match="alert a2 is cancelled") as problem:
        ledger.release([Planned(kept, (a_leg("a1"),)), Planned(gone, (a_leg("a2"),))])
    with pytest.raises(IllegalMove):
        ledger.release([Planned(99, (a_leg("x"),))])

    assert (problem.value.was, problem.value.to) == ("cancelled", "released")
    assert row(store, kept).state == "held"
    assert store.read(records.unsettled) == []


def test_a_pair_that_nets_to_nothing_links_both(store: Store, ledger: Ledger) -> None:
    first, second = (ledger.receive(a_new(id)).seq for id in ("a1", "a2"))

    ledger.cancel([first, second], "net_zero_pair", pair=("a1", "a2"))

    assert row(store, first).link == ("pair", "a2")
    assert row(store, second).link == ("pair", "a1")
    assert {row(store, one).reason for one in (first, second)} == {"net_zero_pair"}
    with pytest.raises(IllegalMove):
        ledger.cancel([first], "twice")


def test_a_cancelled_alert_is_held_again_under_what_the_tree_says_now(
    store: Store, ledger: Ledger
) -> None:
    got = ledger.receive(a_new("a1", state="unrouted", group="NQ"))
    now = ReleaseOptions(delay_s=9.0)

    held = ledger.hold_again(
        got.seq, 5_000, "jane", group="futures", options=now, strategies=["New"]
    )

    assert (held.group, held.options, held.release_ms) == ("futures", now, 5_000)
    assert held.received_ms == 1_000_000
    assert store.read(records.held) == [held]
    assert row(store, got.seq).strategies == ("New",)
    assert story(store, got.seq)[-1] == (None, "unrouted", "held")
    with pytest.raises(IllegalMove):
        ledger.hold_again(got.seq, 6_000, "jane")


def test_an_invalid_alert_cannot_be_held(ledger: Ledger) -> None:
    got = ledger.receive(a_new("a1", state="invalid", alert=None))

    with pytest.raises(IllegalMove):
        ledger.hold_again(got.seq, 5_000, "jane")


# Moves.


def test_attempts_are_counted_and_what_ended_them_is_kept(store: Store, ledger: Ledger) -> None:
    (made,) = released(ledger, "a1")
    refused = Outcome("not_sent", None, "connection refused", 1.0)

    ledger.move(made.id, "sending")
    waits = ledger.move(made.id, "retry_wait", outcome=refused, not_before_ms=1_000_500)
    again = ledger.move(made.id, "sending")
    done = ledger.move(made.id, "delivered", outcome=OK)

    assert (waits.delivery.attempts, waits.delivery.not_before_ms) == (1, 1_000_500)
    assert (waits.alert_state, done.alert_state) == ("released", "done")
    assert (again.delivery.attempts, again.delivery.not_before_ms) == (2, 0)
    ended = [e for e in store.read(lambda one: records.events(one, 1)) if e.attempt is not None]
    assert [(e.attempt, e.status, e.ms, e.detail) for e in ended] == [
        (1, None, 1.0, "connection refused"),
        (2, 200, 12.5, "answered 200"),
    ]
    assert ended[1].answer == "<b>" + "y" * 297
    finished = row(store, 1).finished_ms
    assert finished is not None


def test_a_person_sends_again_with_a_size_and_counts_anew(store: Store, ledger: Ledger) -> None:
    (made,) = released(
        ledger,
        "a1",
        a_leg(
            "a1",
            state="uncertain",
            reason="reversal_qty_unknown",
            body="",
            leg=Leg("open", "long", None),
        ),
    )
    ledger.acknowledge(["a1"], "jane")
    failed = row(store, 1)

    sent = ledger.move(
        made.id, "waiting", who="jane", qty=2, body='{"qty":2}', key="other", expires_ms=9
    )

    assert (failed.state, failed.acknowledged_ms is None) == ("failed", False)
    assert sent.alert_state == "released"
    found = sent.delivery
    assert (found.qty, found.body, found.key, found.expires_ms) == (2, '{"qty":2}', "other", 9)
    assert (found.reason, found.attempts) == (None, 0)
    assert (row(store, 1).finished_ms, row(store, 1).acknowledged_ms) == (None, None)
    assert store.read(lambda one: records.events(one, 1))[-1].who == "jane"


@pytest.mark.parametrize("was", list(DELIVERY_MOVES))
def test_no_move_but_the_legal_ones_is_made(store: Store, ledger: Ledger, was: str) -> None:
    (made,) = released(ledger, "a1")

    for to in DELIVERY_MOVES:
        store.write(lambda c: c.execute("UPDATE delivery SET state = ?", (was,)))
        store.write(lambda c: c.execute("UPDATE alert SET state = 'released'"))
        before = len(story(store, 1))
        if to in DELIVERY_MOVES[was]:
            assert ledger.move(made.id, to).delivery.state == to  # type: ignore[arg-type]
        else:
            with pytest.raises(IllegalMove, match=f"is {was} and cannot become {to}"):
                ledger.move(made.id, to)  # type: ignore[arg-type]
            assert len(story(store, 1)) == before


def test_a_delivery_that_is_not_there_cannot_move(ledger: Ledger) -> None:
    with pytest.raises(IllegalMove, match="not stored") as problem:
        ledger.move(7, "sending")

    assert problem.value.was is None


ROLL_UPS = [
    ("delivered", "done"),
    ("skipped", "done"),
    ("delivered skipped", "done"),
    ("delivered uncertain", "partial"),
    ("delivered refused skipped", "partial"),
    ("delivered cancelled", "partial"),
    ("uncertain", "failed"),
    ("skipped expired", "failed"),
    ("dead refused cancelled", "failed"),
    ("delivered waiting", "released"),
    ("uncertain retry_wait", "released"),
    ("sending", "released"),
]


@pytest.mark.parametrize("states, expected", ROLL_UPS, ids=[states for states, _ in ROLL_UPS])
def test_an_alert_is_what_its_deliveries_came_to(states: Any, expected: str) -> None:
    assert roll_up(states.split()) == expected


# A model that knows nothing of SQL: what each delivery is, and the rule in other words.


def expected_state(states: list[str]) -> str:
    if any(one in ("waiting", "sending", "retry_wait") for one in states):
        return "released"
    if all(one in ("delivered", "skipped") for one in states):
        return "done"
    return "partial" if states.count("delivered") else "failed"


# A step: which delivery, and which of the moves that are legal then; above 90 an illegal one.
STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 99)), max_size=40)


@given(st.integers(1, 4), STEPS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_moves_keep_alert_and_deliveries_in_step(
    one_store: Store, count: int, steps: list[tuple[int, int]]
) -> None:
    clock = ManualClock(market=1000.0)
    ledger = Ledger(one_store, SteadyTime(clock))
    (last,) = one_store.read(lambda c: c.execute("SELECT count(*) FROM alert").fetchone())
    made = released(ledger, f"m{last}", *(a_leg(f"m{last}", 9060 + n) for n in range(count)))
    seq = made[0].alert_seq
    model = ["waiting"] * count
    attempts = [0] * count

    for place, choice in steps:
        clock.advance(1.0)
        place %= count
        legal = sorted(DELIVERY_MOVES[model[place]])
        illegal = sorted(set(DELIVERY_MOVES) - set(legal))
        if choice >= 90:
            with pytest.raises(IllegalMove):
                ledger.move(made[place].id, illegal[choice % len(illegal)])  # type: ignore[arg-type]
            continue
        to: Any = legal[choice % len(legal)]
        moved = ledger.move(made[place].id, to)
        model[place] = to
        attempts[place] = {"sending": attempts[place] + 1, "waiting": 0}.get(to, attempts[place])
        assert moved.alert_state == expected_state(model)
        assert moved.delivery.attempts == attempts[place]

    found = one_store.read(lambda c: records.deliveries_of(c, [seq]))
    assert [one.state for one in found] == model
    alert = row(one_store, seq)
    assert alert.state == expected_state(model)
    assert (alert.finished_ms is None) == (alert.state == "released")
    settled = one_store.read(
        lambda c: c.execute(
            "SELECT settled_ms IS NOT NULL FROM delivery WHERE alert_seq = ? ORDER BY id", (seq,)
        ).fetchall()
    )
    assert [bool(one) for (one,) in settled] == [one in SETTLED for one in model]
    follows(one_store, seq)


@pytest.fixture
def one_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One file for all examples of a property: opening costs more than they do."""
    store = store_in(tmp_path_factory.mktemp("alerts"))
    store.open()
    yield store
    store.close()


def follows(store: Store, seq: int) -> None:
    """Every event goes on where the one before ended, and no move skips a state."""
    now: dict[int | None, str] = {}
    for delivery, was, to in story(store, seq):
        assert now.get(delivery) == was
        if was is not None:
            assert to in (ALERT_MOVES if delivery is None else DELIVERY_MOVES)[was]
        now[delivery] = to


# Recovery.


def test_what_was_being_sent_is_repeated_only_where_that_is_allowed(
    store: Store, ledger: Ledger
) -> None:
    (plain,) = released(ledger, "a1", a_leg("a1"))
    (knows,) = released(ledger, "a2", a_leg("a2", idempotent=True))
    (repeats,) = released(ledger, "a3", a_leg("a3", policy="resend"))
    (waits,) = released(ledger, "a4")
    for one in (plain, knows, repeats):
        ledger.move(one.id, "sending")

    work = ledger.open_work()

    assert [(one.id, one.state) for one in work.deliveries] == [
        (knows.id, "retry_wait"),
        (repeats.id, "retry_wait"),
        (waits.id, "waiting"),
    ]
    assert work.found == {"uncertain": 1, "retry_wait": 2}
    (lost,) = store.read(lambda c: records.deliveries_in(c, ("uncertain",)))
    assert (lost.id, lost.reason) == (plain.id, "stopped_while_sending")
    assert row(store, plain.alert_seq).state == "failed"
    assert ledger.open_work().found == {}


def test_an_open_whose_close_did_not_arrive_is_asked_about_after_a_restart(
    store: Store, ledger: Ledger
) -> None:
    def reversal(id: str) -> list[int]:
        made = released(
            ledger, id, a_leg(id, kind="close"), a_leg(id, kind="open", after_close=True)
        )
        return [one.id for one in made]

    lost_close, lost_open = reversal("a1")
    sent_close, sent_open = reversal("a2")
    wait_close, wait_open = reversal("a3")
    refused_close, refused_open = reversal("a4")
    for one in (lost_close, sent_close, refused_close):
        ledger.move(one, "sending")
    ledger.move(sent_close, "delivered", outcome=OK)
    ledger.move(refused_close, "refused", outcome=replace(OK, kind="refused", status=400))

    work = ledger.open_work()

    assert [one.id for one in work.deliveries] == [sent_open, wait_close, wait_open]
    asked = store.read(lambda c: records.deliveries_in(c, ("uncertain",)))
    assert [(one.id, one.reason) for one in asked] == [
        (lost_close, "stopped_while_sending"),
        (lost_open, "close_not_delivered"),
        (refused_open, "close_not_delivered"),
    ]
    for seq in range(1, 5):
        follows(store, seq)


def test_a_close_that_was_lost_at_one_target_stops_no_open_at_another(ledger: Ledger) -> None:
    made = released(
        ledger,
        "a1",
        *(a_leg("a1", port, "close") for port in (9060, 9061)),
        *(a_leg("a1", port, "open", after_close=True) for port in (9060, 9061)),
    )
    for one in made[:2]:
        ledger.move(one.id, "sending")
    ledger.move(made[1].id, "delivered", outcome=OK)

    work = ledger.open_work()

    assert [(one.target, one.leg) for one in work.deliveries] == [("localhost:9061", "open")]


def test_open_work_is_all_that_is_left_to_do(tmp_path: Path, clock: ManualClock) -> None:
    before = store_in(tmp_path)
    before.open()
    ledger = Ledger(before, SteadyTime(clock))
    (done,) = released(ledger, "a1")
    ledger.move(done.id, "sending")
    ledger.move(done.id, "delivered", outcome=OK)
    (open_one,) = released(ledger, "a2")
    held = ledger.receive(a_new("a3"))
    ledger.switch("paused", "1", "jane")
    ledger.switch("dry", "off", "jane")
    before.close()

    after = store_in(tmp_path)
    after.open()
    work = Ledger(after, SteadyTime(clock)).open_work()
    after.close()

    assert [one.seq for one in work.held] == [held.seq]
    assert work.deliveries == [open_one]
    assert (work.paused, work.dry) == (True, False)


def test_acknowledging_counts_each_alert_once(store: Store, ledger: Ledger) -> None:
    for id in ("a1", "a2"):
        ledger.receive(a_new(id, state="unrouted"))

    counted = [ledger.acknowledge(ids, "jane") for ids in (["a1", "a1", "no"], ["a1", "a2"])]

    assert counted == [1, 1]
    assert row(store, 1).acknowledged_ms is not None
    assert row(store, 1).state == "unrouted"


def test_nothing_of_a_failed_write_stays(store: Store, ledger: Ledger) -> None:
    ledger.receive(a_new("a1", exact_key="e:1"))

    with pytest.raises(sqlite3.IntegrityError):
        ledger.receive(a_new("a1", exact_key="e:2"))  # an id is used once

    assert ledger.receive(a_new("a2", exact_key="e:2")).state == "held"
