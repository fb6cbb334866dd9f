"""Candle snapshots as the live service sends them (dxlink.md section 6 in words of its own)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.feeds.candle_snapshots import CandleHistory, CandleSnapshots, SnapshotDone, clean
from grok_sauce.market.batches import Batch

AT = 1797449527.0
T0 = 1797449520000  # start of the running minute, ms
MINUTE = 60_000


def bar(age: int, flags: int = 0, close: Any = 100.5, index: int | None = None) -> tuple[Any, ...]:
    """A row that starts `age` minutes before the running one."""
    time = T0 - age * MINUTE
    return (flags, time << 10 if index is None else index, time, 12, 100.0, 101.0, 99.0, close, 5e3)


def marker(age: int, flags: int = 10) -> tuple[Any, ...]:
    """The empty row that ends a snapshot."""
    return (flags, 0, T0 - age * MINUTE, 0, "NaN", "NaN", "NaN", "NaN", "NaN")


def events(*rows: tuple[Any, ...], symbol: str = "SPY{=m}") -> Batch:
    return Batch("Candle", [symbol] * len(rows), tuple(zip(*rows, strict=True)), AT)


def times(batch: Batch) -> list[int]:
    """Minutes before the running one, in order."""
    return [(T0 - time) // MINUTE for time in batch.columns[2]]


def expecting(symbol: str = "SPY{=m}", history: CandleHistory | None = None) -> CandleSnapshots:
    snapshots = CandleSnapshots(history)
    snapshots.expect(symbol, T0 - 10 * MINUTE)
    return snapshots


def test_a_snapshot_is_handed_over_once_it_is_whole_and_in_order_of_time() -> None:
    snapshots = expecting()

    nothing = snapshots.take(events(bar(0, 4), bar(1), bar(2)), now=1.0)
    (batch,), (done,) = snapshots.take(events(bar(3), marker(10)), now=1.1)

    assert nothing == ([], [])
    assert batch.snapshot
    assert batch.symbols == ("SPY{=m}",) * 4
    assert times(batch) == [3, 2, 1, 0]
    assert done == SnapshotDone("SPY{=m}", 4, T0 - 3 * MINUTE, T0, False, False)
    assert snapshots.rejected == 0


@pytest.mark.parametrize("late", [False, True], ids=["in time", "after the snapshot was closed"])
def test_the_end_mark_does_not_take_away_the_bar_at_the_time_asked_from(late: bool) -> None:
    snapshots = expecting()
    oldest = bar(10)
    mark = (10, oldest[1], oldest[2], *marker(10)[3:])

    first, _ = snapshots.take(events(bar(0, 4), bar(1), oldest), now=1.0)
    closed, _ = snapshots.tick(AT, now=60.0) if late else ([], [])
    last, _ = snapshots.take(events(mark), now=60.1)

    assert [times(batch) for batch in [*first, *closed, *last]] == [[10, 1, 0]]


def test_the_end_mark_counts_though_it_is_a_row_to_remove() -> None:
    snapshots = expecting()

    ready, done = snapshots.take(events(bar(0, 4), bar(1), marker(2, 8 | 2)), now=1.0)

    assert [times(batch) for batch in ready] == [[1, 0]]
    assert len(done) == 1


def test_a_snapshot_cut_by_a_limit_says_so() -> None:
    snapshots = expecting()

    ready, (done,) = snapshots.take(events(bar(0, 4), bar(1, 16)), now=1.0)

    assert times(ready[0]) == [1, 0]
    assert done.snipped


def test_an_empty_snapshot_is_complete_and_replaces_nothing() -> None:
    snapshots = expecting()

    ready, (done,) = snapshots.take(events(marker(0, 14)), now=1.0)

    assert ready == []
    assert (done.bars, done.first, done.last) == (0, None, None)


def test_updates_after_the_snapshot_pass_at_once() -> None:
    snapshots = expecting()
    snapshots.take(events(bar(1, 4), marker(2)), now=1.0)

    (batch,), done = snapshots.take(events(bar(0, close=100.7), bar(0, close=100.9)), now=2.0)

    assert not batch.snapshot
    assert list(batch.columns[7]) == [100.7, 100.9]
    assert done == []


def test_a_transaction_is_held_back_until_its_last_event() -> None:
    snapshots = expecting()
    snapshots.take(events(bar(1, 4), marker(2)), now=1.0)

    pending = snapshots.take(events(bar(0, 1), bar(1, 1)), now=2.0)
    (batch,), _ = snapshots.take(events(bar(0, 0, close=100.9)), now=2.1)

    assert pending == ([], [])
    assert times(batch) == [0, 1, 0]


def test_a_bar_taken_back_later_comes_out_as_a_removal_without_values() -> None:
    snapshots = expecting()
    snapshots.take(events(bar(1, 4), marker(2)), now=1.0)

    (batch,), _ = snapshots.take(events(bar(1, 2, index=77)), now=2.0)

    assert [column[0] for column in batch.columns] == [2, 77, T0 - MINUTE, *[None] * 6]


def test_a_removal_at_an_impossible_time_is_dropped() -> None:
    snapshots = expecting()
    snapshots.take(events(bar(1, 4), marker(2)), now=1.0)

    row = (2, 77, 2_147_483_648_000, 0, "NaN", "NaN", "NaN", "NaN", "NaN")

    assert snapshots.take(events(row), now=2.0) == ([], [])


def test_a_bar_taken_back_within_the_snapshot_never_comes_out() -> None:
    snapshots = expecting()

    (batch,), _ = snapshots.take(
        events(bar(0, 4, index=1), bar(1, index=2), bar(1, 2, index=2), marker(3)), now=1.0
    )

    assert times(batch) == [0]


def test_history_without_marks_is_complete_after_three_quiet_seconds() -> None:
    snapshots = expecting()
    snapshots.take(events(bar(2), bar(1)), now=1.0)
    snapshots.take(events(bar(0)), now=2.0)

    # The live bar keeps changing; that is no new history.
    snapshots.take(events(bar(0, close=100.9)), now=4.5)
    early = snapshots.tick(AT, now=4.9)
    (batch,), (done,) = snapshots.tick(AT, now=5.0)

    assert early == ([], [])
    assert times(batch) == [2, 1, 0]
    assert batch.columns[7][-1] == 100.9
    assert done.guessed


def test_begin_starts_over() -> None:
    snapshots = expecting()
    snapshots.take(events(bar(5, 4), bar(6)), now=1.0)

    (batch,), _ = snapshots.take(events(bar(0, 4), bar(1), marker(2)), now=2.0)

    assert times(batch) == [1, 0]


def test_a_bar_sent_twice_counts_once_and_the_last_word_wins() -> None:
    snapshots = expecting()

    (batch,), _ = snapshots.take(
        events(bar(0, 4, close=100.1), bar(1), bar(0, close=100.9), marker(2)), now=1.0
    )

    assert times(batch) == [1, 0]
    assert batch.columns[7][-1] == 100.9


def test_rows_that_cannot_be_bars_are_counted_and_left_out() -> None:
    snapshots = expecting()
    odd = [
        bar(1, close="NaN"),
        bar(2, close=0.0),
        bar(3, close=-1.0),
        bar(4, close=500.0),  # above the high
        (0, 1, 2_147_483_648_000, 1, 1.0, 1.0, 1.0, 1.0, 1.0),  # the year 2038
        (0, 1, 0, 1, 1.0, 1.0, 1.0, 1.0, 1.0),
    ]

    (batch,), (done,) = snapshots.take(events(bar(0, 4), *odd, marker(9)), now=1.0)

    assert times(batch) == [0]
    assert done.bars == 1
    assert snapshots.rejected == len(odd)


def test_other_spellings_of_the_symbol_are_the_same_stream() -> None:
    snapshots = expecting("SPY{=d,tho=true}")

    (batch,), _ = snapshots.take(events(bar(0, 4), marker(1), symbol="SPY{=1d,tho=true}"), now=1.0)

    assert batch.symbols == ("SPY{=d,tho=true}",)


def test_with_and_without_regular_hours_are_two_streams() -> None:
    snapshots = expecting("SPY{=d}")

    ready, done = snapshots.take(events(bar(0, 4), marker(1), symbol="SPY{=d,tho=true}"), now=1.0)

    assert (ready, done) == ([], [])
    assert snapshots.strangers == 2


def test_what_was_removed_is_dropped() -> None:
    snapshots = expecting()
    snapshots.forget("SPY{=m}")

    assert snapshots.take(events(bar(0, 4), marker(1)), now=1.0) == ([], [])


def test_after_a_reconnect_history_is_asked_from_the_last_complete_bar() -> None:
    history = CandleHistory()
    first = expecting(history=history)
    first.take(events(bar(1, 4), bar(2), marker(10)), now=1.0)
    first.take(events(bar(0)), now=2.0)

    again = CandleSnapshots(history)

    assert again.expect("SPY{=m}", T0 - 10 * MINUTE) == T0 - MINUTE
    assert again.expect("SPY{=m}", T0 - 99 * MINUTE) == T0 - 99 * MINUTE  # never had that much
    assert again.expect("QQQ{=m}", T0 - 10 * MINUTE) == T0 - 10 * MINUTE


def test_a_snapshot_that_was_cut_off_is_asked_for_in_full() -> None:
    history = CandleHistory()
    expecting(history=history).take(events(bar(0, 4), bar(1)), now=1.0)

    assert CandleSnapshots(history).expect("SPY{=m}", T0 - 10 * MINUTE) == T0 - 10 * MINUTE


def test_a_symbol_that_was_dropped_is_asked_for_in_full() -> None:
    history = CandleHistory()
    snapshots = expecting(history=history)
    snapshots.take(events(bar(0, 4), bar(1), marker(2)), now=1.0)

    snapshots.forget("SPY{=m}")

    assert snapshots.expect("SPY{=m}", T0 - 10 * MINUTE) == T0 - 10 * MINUTE


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from([0, 0, 0, 1, 2, 4, 8, 10, 16]), st.booleans()),
        max_size=30,
    )
)
def test_however_flags_come_no_bar_repeats_within_a_snapshot_and_all_are_clean(
    rows: list[tuple[int, int, bool]],
) -> None:
    snapshots = expecting()
    ready: list[Batch] = []

    for age, flags, good in rows:
        row = bar(age, flags, close=100.5 if good else "NaN")
        ready += snapshots.take(events(row), now=1.0)[0]
    ready += snapshots.tick(AT, now=9.0)[0]

    for batch in ready:
        if batch.snapshot:
            assert times(batch) == sorted(set(times(batch)), reverse=True)
        for row in zip(*batch.columns, strict=True):
            assert row[0] == 2 or clean(row, AT) is not None
