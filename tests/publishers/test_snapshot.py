"""The snapshot: newest values, sequence numbers, one moment."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.publishers.snapshot import SHARED, Snapshot, room_of
from grok_sauce.update import TOPICS, Update


def row(symbol: str, order: int, **fields: Any) -> Update:
    return Update("indicator.rows", symbol, {"symbol": symbol, "order": order, **fields})


def test_a_new_snapshot_knows_nothing_and_says_so() -> None:
    snapshot = Snapshot()

    assert snapshot.rows() == []
    assert snapshot.health() is None
    assert snapshot.get("gex.levels", "SPX") is None
    assert snapshot.seq("indicator.rows") == 0
    assert snapshot.read("indicator.rows") == (0, {})


def test_each_run_of_the_process_has_an_epoch_of_its_own() -> None:
    assert Snapshot().epoch != Snapshot().epoch
    assert Snapshot("run-1").epoch == "run-1"


def test_rows_stand_in_the_users_order_not_in_that_of_arrival() -> None:
    snapshot = Snapshot()

    snapshot.publish([row("VIX", 2), row("SPY", 0), row("IYR", 1)])

    assert [found["symbol"] for found in snapshot.rows()] == ["SPY", "IYR", "VIX"]


def test_the_newest_row_wins_and_none_removes_it() -> None:
    snapshot = Snapshot()
    snapshot.publish([row("SPY", 0, price=1.0), row("QQQ", 1, price=2.0)])

    snapshot.publish([row("SPY", 0, price=3.0), Update("indicator.rows", "QQQ", None)])

    assert snapshot.rows() == [{"symbol": "SPY", "order": 0, "price": 3.0}]
    assert snapshot.get("indicator.rows", "QQQ") is None


def test_a_beat_with_many_rows_counts_once_for_their_room() -> None:
    snapshot = Snapshot()

    snapshot.publish([row("SPY", 0), row("QQQ", 1), row("SPY", 0)])
    snapshot.publish([Update("service.health", "", {"ok": True})])
    snapshot.publish([row("SPY", 0)])

    assert snapshot.seq("indicator.rows") == 2
    assert snapshot.seq("service.health") == 1
    assert snapshot.health() == {"ok": True}


def test_topics_with_a_room_per_key_count_apart() -> None:
    snapshot = Snapshot()

    snapshot.publish([Update("gex.levels", "SPX:0dte", {"flip": 1})])
    snapshot.publish([Update("gex.levels", "SPX:all", {"flip": 2})])
    snapshot.publish([Update("gex.levels", "SPX:all", {"flip": 3})])

    assert snapshot.seq("gex.levels:SPX:0dte") == 1
    assert snapshot.read("gex.levels", "SPX:all") == (2, {"SPX:all": {"flip": 3}})
    assert snapshot.read("gex.levels", "NDX:all") == (0, {})


def test_every_shared_topic_is_a_topic() -> None:
    assert set(TOPICS) >= SHARED


@pytest.mark.parametrize("topic", TOPICS)
def test_a_room_starts_with_its_topic(topic: str) -> None:
    assert room_of(topic, "X").startswith(topic)
    assert (room_of(topic, "X") == room_of(topic, "Y")) is (topic in SHARED)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("ABC"), st.none() | st.integers(0, 9)), max_size=4),
        max_size=12,
    )
)
def test_the_snapshot_is_what_a_plain_dictionary_would_hold(
    beats: list[list[tuple[str, int | None]]],
) -> None:
    snapshot = Snapshot()
    plain: dict[str, int] = {}

    for beat in beats:
        snapshot.publish([Update("indicator.rows", key, value) for key, value in beat])
        for key, value in beat:
            if value is None:
                plain.pop(key, None)
            else:
                plain[key] = value

    assert snapshot.read("indicator.rows") == (sum(1 for beat in beats if beat), plain)


def test_sequence_number_and_rows_are_of_one_moment_while_another_thread_publishes() -> None:
    snapshot = Snapshot()
    torn = []

    def write() -> None:
        for number in range(1, 3001):
            snapshot.publish([row("SPY", 0, n=number), row("QQQ", 1, n=number)])

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        seq, rows = snapshot.read("indicator.rows")
        if rows and {rows["SPY"]["n"], rows["QQQ"]["n"]} != {seq}:
            torn.append((seq, rows))
    writer.join()

    assert torn == []
    assert snapshot.seq("indicator.rows") == 3000
