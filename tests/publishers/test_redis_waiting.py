"""What waits for Redis: newest of a key or every message, limits, expiry, nothing twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.publishers.redis_waiting import AT_ONCE, Channel, Waiting
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.update import Update

PRICES = Channel("price.update", "rows", lambda key, row: row, every=1.0)
SIGNALS = Channel(
    "trade.signal",
    "signals",
    lambda key, payload: payload if payload["good"] else None,
    whole=3,
    identity=lambda body: str(body["id"]),
    expires=lambda body: body.get("until"),
)


def signal(number: int, until: float | None = None, good: bool = True) -> Update:
    return Update("signals", "", {"id": number, "until": until, "good": good})


def ids(waiting: Waiting) -> list[Any]:
    return [item.value["id"] for item in waiting.due()]


class TestNewest:
    def test_only_the_newest_of_a_key_is_told(self, clock: ManualClock) -> None:
        waiting = Waiting([PRICES], clock)

        waiting.put([Update("rows", "SPY", 1), Update("rows", "QQQ", 2), Update("rows", "SPY", 3)])

        assert {item.key: item.value for item in waiting.due()} == {"SPY": 3, "QQQ": 2}
        assert waiting.due() == []

    def test_a_key_is_told_once_in_its_time(self, clock: ManualClock) -> None:
        waiting = Waiting([PRICES], clock)
        waiting.put([Update("rows", "SPY", 1)])
        waiting.due()

        waiting.put([Update("rows", "SPY", 2), Update("rows", "QQQ", 9)])
        soon = [item.key for item in waiting.due()]
        clock.advance(0.9)
        waiting.put([Update("rows", "SPY", 3)])
        early = waiting.due()
        clock.advance(0.2)

        assert (soon, early) == (["QQQ"], [])
        assert [item.value for item in waiting.due()] == [3]

    def test_a_key_that_is_gone_is_not_told(self, clock: ManualClock) -> None:
        waiting = Waiting([PRICES], clock)

        waiting.put([Update("rows", "SPY", 1), Update("rows", "SPY", None)])

        assert waiting.due() == []
        assert waiting.depth == 0

    def test_what_comes_back_gives_way_to_what_is_newer(self, clock: ManualClock) -> None:
        waiting = Waiting([PRICES], clock)
        waiting.put([Update("rows", "SPY", 1), Update("rows", "QQQ", 2)])
        taken = waiting.due()
        waiting.put([Update("rows", "SPY", 5)])

        waiting.back(taken)

        assert {item.key: item.value for item in waiting.due()} == {"SPY": 5, "QQQ": 2}

    def test_thousands_of_keys_go_in_several_journeys(self, clock: ManualClock) -> None:
        waiting = Waiting([PRICES], clock)

        waiting.put([Update("rows", str(n), n) for n in range(AT_ONCE + 7)])

        assert [len(waiting.due()), len(waiting.due()), len(waiting.due())] == [AT_ONCE, 7, 0]


class TestWhole:
    def test_each_is_told_once_and_in_order(self, clock: ManualClock) -> None:
        waiting = Waiting([SIGNALS], clock)

        urgent = waiting.put([signal(1), signal(2), signal(1)])

        assert urgent
        assert ids(waiting) == [1, 2]
        assert not waiting.put([signal(2)])
        assert ids(waiting) == []

    def test_the_oldest_go_beyond_the_limit_and_are_counted(self, clock: ManualClock) -> None:
        waiting = Waiting([SIGNALS], clock)

        waiting.put([signal(number) for number in range(5)])

        assert ids(waiting) == [2, 3, 4]
        assert waiting.totals() == {("trade.signal", "dropped"): 2}

    def test_what_is_too_old_when_its_turn_comes_is_counted_and_not_told(
        self, clock: ManualClock
    ) -> None:
        waiting = Waiting([SIGNALS], clock)
        waiting.put([signal(1, until=clock.market() + 60), signal(2)])

        clock.advance(60)

        assert ids(waiting) == [2]
        assert waiting.totals() == {("trade.signal", "expired"): 1}

    def test_what_comes_back_keeps_its_place(self, clock: ManualClock) -> None:
        waiting = Waiting([SIGNALS], clock)
        waiting.put([signal(1), signal(2)])
        taken = waiting.due()
        waiting.put([signal(3), signal(4)])

        waiting.back(taken)

        assert ids(waiting) == [2, 3, 4]
        assert waiting.totals() == {("trade.signal", "dropped"): 1}

    @pytest.mark.parametrize("payload", [{}, 7, [], {"good": True}, "text"])
    def test_what_has_another_shape_is_counted_and_harms_nobody(
        self, clock: ManualClock, payload: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        waiting = Waiting([SIGNALS], clock)

        waiting.put([Update("signals", "", payload)] * 3 + [signal(1)])

        assert ids(waiting) == [1]
        assert waiting.totals() == {("trade.signal", "refused"): 3}
        assert len(caplog.records) == 1

    def test_what_its_shape_leaves_out_is_no_loss(self, clock: ManualClock) -> None:
        waiting = Waiting([SIGNALS], clock)

        urgent = waiting.put([signal(1, good=False)])

        assert not urgent
        assert (ids(waiting), waiting.totals()) == ([], {})


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 30)),
            st.just(("lost", 0)),
            st.just(("told", 0)),
        )
    )
)
def test_whatever_happens_none_is_told_twice_and_none_vanishes_uncounted(
    steps: list[tuple[str, int]],
) -> None:
    waiting = Waiting([SIGNALS], ManualClock())
    told: list[int] = []
    given_in: set[int] = set()

    for what, number in [*steps, ("told", 0)]:
        if what == "put":
            waiting.put([signal(number)])
            given_in.add(number)
        else:
            taken = waiting.due()
            assert len(taken) <= 3
            if what == "lost":
                waiting.back(taken)
            else:
                told += [item.value["id"] for item in taken]

    dropped = waiting.totals().get(("trade.signal", "dropped"), 0)
    assert len(told) == len(set(told))
    assert len(told) + dropped == len(given_in)
