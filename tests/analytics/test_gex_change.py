"""analytics.gex_change: what a strike gained since the open, in an hour, in five minutes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics.gex_change import changes

MINUTE = 60_000
OPEN = 1_797_431_400_000  # 2026-12-16 09:30 New York


def at(*minutes: int) -> list[int]:
    """Minutes after the open in Unix ms."""
    return [OPEN + minute * MINUTE for minute in minutes]


def test_each_column_looks_back_its_own_span() -> None:
    minutes = at(0, 30, 55, 85, 90)

    found = changes(minutes, [[1.0, -2.0], [3.0, 0.0], [4.0, 5.0], [9.0, 6.0], [11.0, 1.0]], OPEN)

    assert found["since_open"] == [10.0, 3.0]
    assert found["hour"] == [8.0, 1.0]
    assert found["five"] == [2.0, -5.0]
    assert found["since"] == {"since_open": minutes[0], "hour": minutes[1], "five": minutes[3]}


def test_a_strike_outside_the_window_then_or_now_is_unknown() -> None:
    found = changes(at(0, 5), [[None, 1.0, 1.0], [2.0, None, 4.0]], OPEN)

    assert found["five"] == [None, None, 3.0]


@pytest.mark.parametrize(
    "back, known",
    [(4, False), (5, True), (6, True), (7, True), (8, False)],
)
def test_five_minutes_are_five_and_not_any_gap(back: int, known: bool) -> None:
    found = changes(at(100 - back, 100), [[1.0], [2.0]], OPEN)

    assert found["five"] == ([1.0] if known else [None])


def test_a_day_begun_late_has_no_change_since_the_open() -> None:
    found = changes(at(6, 70), [[1.0], [2.0]], OPEN)

    assert found["since_open"] == [None]
    assert found["since"]["since_open"] is None


def test_what_was_kept_before_the_open_does_not_stand_for_it() -> None:
    minutes = at(-30, 1, 20)

    found = changes(minutes, [[100.0], [7.0], [9.0]], OPEN)

    assert found["since_open"] == [2.0]
    assert found["since"]["since_open"] == minutes[1]


def test_an_earlier_minute_can_be_looked_at() -> None:
    found = changes(at(0, 5, 10), [[1.0], [2.0], [50.0]], OPEN, at=1)

    assert (found["since_open"], found["five"]) == ([1.0], [1.0])


def test_the_first_minute_and_an_empty_day_know_no_change() -> None:
    first = changes(at(0), [[1.0, 2.0]], OPEN)
    empty = changes([], [], OPEN)

    assert (first["since_open"], first["five"]) == ([None, None], [None, None])
    assert (empty["since_open"], empty["hour"], empty["five"]) == ([], [], [])


@given(
    gaps=st.lists(st.integers(1, 20), min_size=1, max_size=30),
    data=st.data(),
)
def test_a_change_added_to_its_base_is_the_value_again(
    gaps: list[int], data: st.DataObject
) -> None:
    minutes = at(*(sum(gaps[: place + 1]) for place in range(len(gaps))))
    value = st.none() | st.integers(-(10**12), 10**12).map(float)
    net = [data.draw(st.lists(value, min_size=3, max_size=3)) for _ in minutes]

    found = changes(minutes, net, OPEN)

    for name in ("since_open", "hour", "five"):
        since = found["since"][name]
        for strike, change in enumerate(found[name]):
            if change is None:
                continue
            base = net[minutes.index(since)][strike]
            assert base is not None
            assert base + change == net[-1][strike]
