"""Rows read back as values, and lists of them by filter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grok_sauce.alerts import records
from grok_sauce.alerts.ledger import Ledger, Planned
from grok_sauce.alerts.model import Delivery, Leg, Outcome, ReleaseOptions
from grok_sauce.alerts.records import AlertFilter
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.runtime.clock import ManualClock
from tests.alerts.ledger_kit import a_leg, a_new, an_alert, released, store_in


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = store_in(tmp_path)
    store.open()
    yield store
    store.close()


@pytest.fixture
def ledger(store: Store, clock: ManualClock) -> Ledger:
    return Ledger(store, SteadyTime(clock))


@pytest.fixture
def filled(store: Store, ledger: Ledger) -> Store:
    """a0 NQ delivered, a1 ES refused at 9061, a2 unrouted, a3 NQ of another strategy held."""
    (good,) = released(ledger, "a0", wall_ms=100, alert=an_alert(trade_id="Open_Long_ID_1"))
    (bad,) = released(ledger, "a1", a_leg("a1", 9061), wall_ms=200, alert=an_alert("ES"))
    ledger.receive(a_new("a2", state="unrouted", wall_ms=300, alert=an_alert("YM")))
    ledger.receive(a_new("a3", wall_ms=400, strategies=("It's 100% new",)))
    ok = Outcome("delivered", 200, "answered 200", 1.0)
    for one, to in ((good, "delivered"), (bad, "refused")):
        ledger.move(one.id, "sending")
        ledger.move(one.id, to, outcome=ok)  # type: ignore[arg-type]
    return store


def ids(store: Store, wanted: AlertFilter, limit: int | None = 50) -> tuple[list[str], int]:
    rows, total = store.read(lambda one: records.listed(one, wanted, limit))
    return [row.id for row in rows], total


@pytest.mark.parametrize(
    "wanted, expected",
    [
        (AlertFilter(), ["a3", "a2", "a1", "a0"]),
        (AlertFilter(states=("done", "held")), ["a3", "a0"]),
        (AlertFilter(ticker="NQ"), ["a3", "a0"]),
        (AlertFilter(strategy="It's 100% new"), ["a3"]),
        (AlertFilter(target="localhost:9061"), ["a1"]),
        (AlertFilter(delivery_states=("delivered",)), ["a0"]),
        (AlertFilter(target="localhost:9061", delivery_states=("delivered",)), []),
        (AlertFilter(text="long_id"), ["a0"]),
        (AlertFilter(text="%"), []),
        (AlertFilter(from_ms=200, to_ms=400), ["a2", "a1"]),
        (AlertFilter(ticker="NQ", states=("held",), from_ms=400), ["a3"]),
    ],
    ids=str,
)
def test_a_filter_finds_the_newest_first(
    filled: Store, wanted: AlertFilter, expected: list[str]
) -> None:
    assert ids(filled, wanted) == (expected, len(expected))


def test_pages_follow_each_other_under_one_total(filled: Store) -> None:
    first = ids(filled, AlertFilter(), 2)
    second = ids(filled, AlertFilter(before=3), 2)
    whole = ids(filled, AlertFilter(), None)

    assert first == (["a3", "a2"], 4)
    assert second == (["a1", "a0"], 4)
    assert whole == (["a3", "a2", "a1", "a0"], 4)


def test_states_are_counted_and_those_without_any_are_absent(filled: Store) -> None:
    alerts, deliveries = filled.read(records.counts)

    assert alerts == {"done": 1, "failed": 1, "unrouted": 1, "held": 1}
    assert deliveries == {"delivered": 1, "refused": 1}


def test_a_delivery_reads_back_as_it_was_made(store: Store, ledger: Ledger) -> None:
    got = ledger.receive(a_new("a1", group="futures"))
    leg = a_leg(
        "a1",
        9061,
        "close",
        leg=Leg("close", "short", None),
        dry=True,
        after_close=False,
        policy="resend",
        idempotent=True,
        gap_ms=77,
    )

    ledger.release([Planned(got.seq, (leg,))])

    found = store.read(lambda one: records.delivery(one, 1))
    assert found == Delivery(
        id=1,
        order=1,
        alert_seq=got.seq,
        alert_id="a1",
        ticker="NQ",
        group="futures",
        batch=1,
        target="localhost:9061",
        leg="close",
        side="short",
        qty=None,
        state="waiting",
        reason=None,
        attempts=0,
        key="a1-localhost:9061-close",
        body="{}",
        received_ms=1_000_000,
        expires_ms=1_060_000,
        not_before_ms=0,
        gap_ms=77,
        after_close=False,
        dry=True,
        idempotent=True,
        policy="resend",
    )
    assert store.read(lambda one: records.delivery(one, 2)) is None


def test_alerts_are_found_by_id_and_by_seq_and_missed_as_none(filled: Store) -> None:
    by_id = filled.read(lambda one: records.alert_by_id(one, "a1"))

    assert by_id is not None
    assert filled.read(lambda one: records.alert(one, by_id.seq)) == by_id
    assert filled.read(lambda one: records.alert_by_id(one, "a9")) is None
    assert filled.read(lambda one: records.alert(one, 99)) is None


def test_options_of_another_version_are_read_as_far_as_they_are_known() -> None:
    text = '{"delay_s": 7.0, "of_tomorrow": true}'

    assert records.options_of(text) == ReleaseOptions(delay_s=7.0)
    assert records.options_of(None) is None


def test_many_alerts_deliveries_come_in_the_order_of_their_lanes(
    store: Store, ledger: Ledger
) -> None:
    seqs = [ledger.receive(a_new(f"a{n}")).seq for n in range(3)]
    ledger.release([Planned(seq, (a_leg(f"{seq}"),)) for seq in reversed(seqs)])
    many = [*seqs, *range(1000, 2200)]  # more than fit in one statement

    found = store.read(lambda one: records.deliveries_of(one, many))

    assert [one.alert_seq for one in found] == [3, 2, 1]


@pytest.mark.parametrize(
    "value, expected", [(None, False), ("", False), ("0", False), ("off", False), ("1", True)]
)
def test_a_switch_is_on_unless_it_says_otherwise(value: str | None, expected: bool) -> None:
    assert records.is_on(value) is expected
