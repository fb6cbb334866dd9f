"""Hold windows, pairs and order: tables, and properties over random alerts."""

from __future__ import annotations

import random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from grok_sauce.alerts.hold import Windows, in_order, net_zero_pairs
from grok_sauce.alerts.model import HeldAlert, ReleaseOptions
from tests.alerts.send_kit import alert, reversal


def held(seq: int, value: Any = None, at: int = 0, delay_s: float = 2.0, **more: Any) -> HeldAlert:
    options = ReleaseOptions(delay_s=delay_s, net_zero_cancel=more.pop("cancels", True))
    group = more.pop("group", "NQ")
    return HeldAlert(
        seq, f"A{seq}", value or alert(), group, at, at + round(delay_s * 1000), options
    )


def seqs(alerts: Any) -> list[int]:
    return [each.seq for each in alerts]


def test_the_first_alert_opens_the_window_and_all_leave_at_its_end() -> None:
    windows = Windows()
    windows.add(held(1, at=0))
    windows.add(held(2, at=1500))

    early = windows.due(1999)
    (window,) = windows.due(2000)
    windows.add(held(3, at=2001))

    assert early == []
    assert seqs(window.alerts) == [1, 2]
    assert windows.next_ms() == 4001


@given(
    st.lists(st.tuples(st.sampled_from(["add", "take", "due"]), st.integers(0, 4000)), max_size=60)
)
def test_the_oldest_and_those_after_a_seq_are_what_a_look_at_all_finds(
    steps: list[tuple[str, int]],
) -> None:
    windows = Windows()

    for seq, (what, number) in enumerate(steps, 1):
        if what == "add":
            windows.add(held(seq, at=number, group="AB"[number % 2]))
        elif what == "take":
            windows.take(number % (seq + 1))
        else:
            windows.due(number)

        waiting = windows.all()
        assert windows.oldest_ms() == min((each.received_ms for each in waiting), default=None)
        after = number % (seq + 1)
        assert windows.after(after) == {each.seq for each in waiting if each.seq > after}


def test_groups_have_windows_of_their_own() -> None:
    windows = Windows()
    windows.add(held(1, at=0, group="A"))
    windows.add(held(2, at=1000, group="B"))

    assert [window.group for window in windows.due(2500)] == ["A"]
    assert [window.group for window in windows.due(3000)] == ["B"]


def test_a_shorter_delay_ends_the_window_for_all() -> None:
    windows = Windows()
    windows.add(held(1, at=0, delay_s=10))
    windows.add(held(2, at=500, delay_s=1))

    assert windows.next_ms() == 1500
    assert seqs(windows.due(1500)[0].alerts) == [1, 2]


def test_without_delay_each_leaves_alone_in_order_of_arrival() -> None:
    windows = Windows()
    for seq in (3, 1, 2):
        windows.add(held(seq, delay_s=0))

    left = [seqs(windows.due(0)[0].alerts) for _ in range(3)]

    assert left == [[1], [2], [3]]


def test_a_release_that_is_being_written_keeps_the_next_of_its_group_back() -> None:
    windows = Windows()
    windows.add(held(1))

    assert windows.due(9000, busy=["NQ"]) == []
    assert windows.next_ms(busy=["NQ"]) is None
    assert seqs(windows.due(9000)[0].alerts) == [1]


def test_one_that_is_taken_out_is_not_released() -> None:
    windows = Windows()
    windows.add(held(1))
    windows.add(held(2))

    taken = windows.take(1)

    assert taken is not None
    assert windows.take(1) is None
    assert seqs(windows.due(9000)[0].alerts) == [2]
    assert len(windows) == 0


OPEN = alert(trade_number=8, qty=2)
CLOSE = alert("sell", "long", trade_number=8, qty=2)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (OPEN, alert("sell", "long", trade_number=9, qty=2)),
        (OPEN, alert("sell", "long", trade_number=8, qty=3)),
        (OPEN, alert("buy", "short", trade_number=8, qty=2)),  # closes the other side
        (OPEN, alert("sell", "long", trade_number=8, qty=2, ticker="ES")),
        (OPEN, OPEN),
        (CLOSE, CLOSE),
        (alert(qty=2), alert("sell", "long", qty=2)),
        (
            alert("sell", "flat", trade_number=8, qty=3),
            reversal(trade_number=8),
        ),
    ],
    ids=[
        *("other number", "other size", "other side", "other ticker", "two opens", "two closes"),
        *("no numbers", "two legs"),
    ],
)
def test_what_is_no_pair_does_not_cancel(one: Any, other: Any) -> None:
    assert net_zero_pairs([held(1, one), held(2, other)]) == []


@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["open first", "close first"])
def test_open_and_close_of_one_trade_are_a_pair_in_either_order(order: tuple[int, int]) -> None:
    opened, closed = held(order[0], OPEN), held(order[1], CLOSE)

    assert net_zero_pairs([opened, closed]) == [(opened, closed)]


def test_a_ticker_can_do_without_cancelling() -> None:
    assert net_zero_pairs([held(1, OPEN), held(2, CLOSE, cancels=False)]) == []


def test_each_alert_is_in_one_pair_at_most() -> None:
    found = net_zero_pairs([held(1, OPEN), held(2, OPEN), held(3, CLOSE)])

    assert [(one.seq, other.seq) for one, other in found] == [(1, 3)]


def test_order_is_by_time_then_number_then_seq() -> None:
    alerts = [
        held(1, alert(time_ms=30, trade_number=1)),
        held(2, alert(time_ms=10, trade_number=9)),
        held(3, alert(time_ms=10, trade_number=2)),
        held(4, alert(time_ms=10, trade_number=2)),
    ]

    assert seqs(in_order(alerts)) == [3, 4, 2, 1]


values = st.builds(
    alert,
    time_ms=st.none() | st.integers(0, 3),
    trade_number=st.none() | st.integers(0, 3),
)
some = st.lists(values, max_size=7).map(
    lambda all: [held(seq, value) for seq, value in enumerate(all, 1)]
)


@given(some, st.randoms(use_true_random=False))
def test_the_same_alerts_always_come_in_the_same_order(
    alerts: list[HeldAlert], chance: random.Random
) -> None:
    shuffled = list(alerts)
    chance.shuffle(shuffled)

    ordered = in_order(shuffled)

    assert ordered == in_order(alerts)
    assert sorted(seqs(ordered)) == seqs(alerts)


@given(some)
def test_two_with_times_that_differ_are_in_the_order_of_their_times(
    alerts: list[HeldAlert],
) -> None:
    times = [each.alert.time_ms for each in in_order(alerts) if each.alert.time_ms is not None]

    assert times == sorted(times)


@given(some)
def test_without_times_numbers_decide_and_without_them_arrival(alerts: list[HeldAlert]) -> None:
    timeless = [each for each in alerts if each.alert.time_ms is None]

    ordered = in_order(timeless)

    numbers = [each.alert.trade_number for each in ordered if each.alert.trade_number is not None]
    plain = [each.seq for each in ordered if each.alert.trade_number is None]
    assert numbers == sorted(numbers)
    assert plain == sorted(plain)


def test_what_came_after_the_end_waits_for_the_next_window() -> None:
    """A release that is late, after a restart or a stall, takes nothing in that came later."""
    windows = Windows()
    windows.add(held(1, at=0, delay_s=2))
    windows.add(held(2, at=2_000, delay_s=2))
    windows.add(held(3, at=2_001, delay_s=2))

    (first,) = windows.due(60_000)
    (second,) = windows.due(60_000)

    assert [each.seq for each in first.alerts] == [1, 2]
    assert [each.seq for each in second.alerts] == [3]
    assert second.end_ms == 4_001
    assert windows.due(60_000) == []
