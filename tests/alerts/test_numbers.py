"""Counters and percentiles: exact, bounded, from many threads."""

from __future__ import annotations

import statistics
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.alerts.numbers import COUNTERS, KEPT, KEPT_TARGETS, Numbers, percentile
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.runtime.clock import ManualClock


@pytest.fixture
def numbers(clock: ManualClock) -> Numbers:
    return Numbers(SteadyTime(clock))


def test_what_is_not_known_is_none_and_what_was_counted_is_a_number(numbers: Numbers) -> None:
    found = numbers.snapshot()

    assert {found[name] for name in COUNTERS} == {0}
    assert (found["received_hour"], found["rejected_hour"], found["targets"]) == (0, 0, {})
    assert {value for name, value in found.items() if name.endswith("_ms")} == {None}
    assert found["clock_offset_s"] is None


def test_only_known_names_are_counted(numbers: Numbers) -> None:
    with pytest.raises(KeyError):
        numbers.count("recieved")


def test_a_stored_alert_counts_as_received_and_under_its_state(numbers: Numbers) -> None:
    numbers.stored("held")
    numbers.stored("duplicate")

    found = numbers.snapshot()
    assert (found["received"], found["held"], found["duplicate"]) == (2, 1, 1)


def test_the_last_hour_forgets_by_the_minute(numbers: Numbers, clock: ManualClock) -> None:
    numbers.count("rejected", 5)
    clock.advance(30 * 60)
    numbers.count("rejected", 2)

    clock.advance(29 * 60)
    assert numbers.snapshot()["rejected_hour"] == 7
    clock.advance(2 * 60)
    assert numbers.snapshot()["rejected_hour"] == 2
    numbers.count("rejected")
    clock.advance(3600)
    assert numbers.snapshot()["rejected_hour"] == 0
    assert numbers.snapshot()["rejected"] == 8


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_that_of_numpy(values: list[float], share: float) -> None:
    expected = np.quantile(values, share, method="inverted_cdf")

    assert percentile(values, share) == expected


def test_percentiles_are_of_the_newest_durations(numbers: Numbers) -> None:
    for _ in range(KEPT):
        numbers.took("accept", 1e9)
    for ms in range(1, KEPT + 1):
        numbers.took("accept", ms)
    numbers.took("delivery", 7)

    found = numbers.snapshot()
    assert (found["accept_p50_ms"], found["accept_p95_ms"]) == (KEPT / 2, 3892)
    assert found["accept_p99_ms"] == 4056
    assert (found["delivery_p99_ms"], found["overshoot_p99_ms"]) == (7, None)


def test_the_clock_offset_is_the_median_of_the_last_fifty(numbers: Numbers) -> None:
    for _ in range(50):
        numbers.clock_offset(99_999_999)
    offsets = [-1800.0 * at for at in range(50)]
    for ms in offsets:
        numbers.clock_offset(ms)

    assert numbers.snapshot()["clock_offset_s"] == statistics.median(offsets) / 1000


def test_success_is_told_of_each_target_and_targets_are_bounded(numbers: Numbers) -> None:
    for port in range(KEPT_TARGETS):
        numbers.attempted(f"localhost:{port}", True)
    for good in (True, False, False, True):
        numbers.attempted("localhost:0", good)
    numbers.attempted("localhost:9999", False)

    targets = numbers.snapshot()["targets"]
    assert len(targets) == KEPT_TARGETS
    assert targets["localhost:0"] == {"attempts": 5, "success_percent": 60.0}
    assert targets["localhost:9999"] == {"attempts": 1, "success_percent": 0.0}
    assert "localhost:1" not in targets  # the longest unused


def test_many_threads_lose_no_count(numbers: Numbers) -> None:
    def work() -> None:
        for at in range(500):
            numbers.stored("held")
            numbers.took("accept", at)
            numbers.attempted("localhost:1", True)
            if at % 50 == 0:
                numbers.snapshot()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    found = numbers.snapshot()
    assert (found["received"], found["held"], found["received_hour"]) == (4000, 4000, 4000)
