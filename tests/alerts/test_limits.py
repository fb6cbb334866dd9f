"""Rate gates: exact moving windows, bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.alerts.limits import MAX_ADDRESSES, Limits, MovingWindows
from grok_sauce.alerts.settings import AlertSettings


@dataclass
class Watch:
    """Monotonic seconds, set by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


class TestSender:
    def test_six_hundred_fit_into_ten_seconds_and_the_next_does_not(self, watch: Watch) -> None:
        limits = Limits(AlertSettings(), watch)

        taken = []
        for _ in range(601):
            taken.append(limits.sender(1))
            watch.now += 0.01

        assert taken == [True] * 600 + [False]

    def test_fifty_a_second_go_on_for_ever(self, watch: Watch) -> None:
        limits = Limits(AlertSettings(), watch)

        for _ in range(3000):
            assert limits.sender(1)
            watch.now += 0.02

    def test_a_place_is_free_again_ten_seconds_after_it_was_taken(self, watch: Watch) -> None:
        limits = Limits(AlertSettings(webhook_rate=2), watch)
        limits.sender(1)
        watch.now += 4
        limits.sender(1)

        watch.now += 5.999
        before = limits.sender(1)
        watch.now += 0.001
        after = [limits.sender(1), limits.sender(1)]

        assert (before, after) == (False, [True, False])

    def test_one_token_takes_no_place_from_another(self, watch: Watch) -> None:
        limits = Limits(AlertSettings(webhook_rate=1), watch)

        assert [limits.sender(key) for key in (1, 1, 2, None)] == [True, False, True, True]


class TestUnknown:
    def test_ten_a_minute_and_a_hundred_a_day(self, watch: Watch) -> None:
        limits = Limits(AlertSettings(), watch)

        taken = 0
        for _ in range(24 * 60):
            for _ in range(12):
                taken += limits.unknown("203.0.113.9")
            watch.now += 60
        first_day = taken
        taken += sum(limits.unknown("203.0.113.9") for _ in range(12))

        assert (first_day, taken) == (100, 110)

    def test_the_eleventh_within_a_minute_is_refused(self, watch: Watch) -> None:
        limits = Limits(AlertSettings(), watch)

        assert [limits.unknown("203.0.113.9") for _ in range(11)] == [True] * 10 + [False]

    def test_a_minute_is_over_after_sixty_seconds_and_not_before(self, watch: Watch) -> None:
        limits = Limits(AlertSettings(unknown_per_minute=1), watch)
        limits.unknown("203.0.113.9")

        watch.now += 59.75
        before = limits.unknown("203.0.113.9")
        watch.now += 0.25

        assert (before, limits.unknown("203.0.113.9")) == (False, True)

    def test_an_ipv6_customer_is_one_address(self, watch: Watch) -> None:
        limits = Limits(AlertSettings(unknown_per_minute=1), watch)

        found = [
            limits.unknown(address)
            for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "::ffff:1.2.3.4")
        ]

        assert found == [True, False, True, True]
        assert not limits.unknown("1.2.3.4")

    def test_a_name_that_is_no_address_is_gated_too(self, watch: Watch) -> None:
        limits = Limits(AlertSettings(unknown_per_minute=1), watch)

        assert [limits.unknown("unix:"), limits.unknown("unix:")] == [True, False]

    def test_many_addresses_take_bounded_memory(self, watch: Watch) -> None:
        windows = MovingWindows(((10, 60.0), (100, 86_400.0)), MAX_ADDRESSES)

        for number in range(MAX_ADDRESSES + 500):
            windows.hit(number, watch.now)

        assert len(windows) == MAX_ADDRESSES

    def test_the_address_longest_out_of_use_is_forgotten_first(self) -> None:
        windows = MovingWindows(((1, 60.0),), 2)
        windows.hit("old", 0.0)
        windows.hit("new", 1.0)
        windows.hit("old", 2.0)  # refused, but seen
        windows.hit("third", 3.0)

        assert [windows.hit(key, 4.0) for key in ("old", "third")] == [False, False]


# Steps in quarters of a second: exact in floats, so both sides agree at the very edge.
steps = st.lists(st.tuples(st.integers(0, 24), st.integers(0, 2)), max_size=120)


@given(steps, st.integers(1, 4), st.integers(1, 9))
def test_windows_agree_with_counting_all_hits_anew(
    moves: list[tuple[int, int]], short: int, long: int
) -> None:
    rules = ((short, 2.0), (long, 10.0))
    windows = MovingWindows(rules, 10)
    now, hits = 0.0, []

    for quarters, key in moves:
        now += quarters / 4
        free = all(
            sum(1 for at, who in hits if who == key and at > now - seconds) < limit
            for limit, seconds in rules
        )

        assert windows.hit(key, now) is free

        if free:
            hits.append((now, key))
