"""Calls in any twelve hours: counted, spread, kept over restarts."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.pollers.quota import Quota

WINDOW = 12 * 3600.0
NOW = 1_797_449_527.0


@given(st.lists(st.floats(0, 4000), max_size=400), st.integers(1, 60))
def test_no_twelve_hours_hold_more_calls_than_allowed(steps: list[float], most: int) -> None:
    quota, now, made = Quota(most, WINDOW), NOW, []

    for step in steps:
        now += step
        if quota.take(now):
            made.append(now)

    for last in made:
        assert sum(last - WINDOW < at <= last for at in made) <= most


@given(st.lists(st.floats(0, 40_000), min_size=1, max_size=80), st.integers(1, 5))
def test_the_next_free_time_is_free_and_none_before_it_is(steps: list[float], most: int) -> None:
    quota, now = Quota(most, WINDOW), NOW
    for step in steps:
        now += step
        quota.take(now)

    free = quota.next_at(now)

    assert not quota.take(free - 1.0) if free > now else True
    assert quota.take(max(free, now))


def test_the_counter_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "news" / "calls.json"
    first = Quota(2, WINDOW, path)
    assert first.take(NOW)
    assert first.take(NOW + 100)

    second = Quota(2, WINDOW, path)

    assert not second.take(NOW + 200)
    assert second.used(NOW + 200) == 2
    assert second.last(NOW + 200) == NOW + 100
    assert second.next_at(NOW + 200) == NOW + WINDOW
    assert second.take(NOW + WINDOW)


def test_what_the_source_says_of_its_quota_counts_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "calls.json"
    first = Quota(48, WINDOW, path)
    first.take(NOW)
    first.take(NOW + 3600)

    until = first.exhausted(NOW + 3601)

    assert until == NOW + WINDOW
    assert Quota(48, WINDOW, path).next_at(NOW + 4000) == until
    assert not Quota(48, WINDOW, path).take(NOW + 4000)


def test_a_key_others_use_is_left_alone_for_the_whole_window() -> None:
    assert Quota(48, WINDOW).exhausted(NOW) == NOW + WINDOW


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"calls": 1, "not_before": 0}', '{"calls": [1e999], "not_before": 0}',
     '{"calls": ["x"], "not_before": 0}', "\x00", '{"calls": [], "not_before": null}'],
)  # fmt: skip
def test_a_spoilt_file_begins_a_new_count(tmp_path: Path, content: str) -> None:
    path = tmp_path / "calls.json"
    path.write_text(content)

    quota = Quota(1, WINDOW, path)

    assert quota.take(NOW)
    assert not quota.take(NOW)
    assert json.loads(path.read_text())["calls"] == [NOW]


def test_calls_of_a_clock_that_was_set_back_run_out_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "calls.json"
    path.write_text(json.dumps({"calls": [NOW + 10**6], "not_before": NOW + 10**6}))

    quota = Quota(1, WINDOW, path)

    assert not quota.take(NOW)
    assert quota.next_at(NOW) == NOW + WINDOW


def test_a_disk_that_refuses_still_counts_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    quota = Quota(2, WINDOW, tmp_path / "file" / "calls.json")

    taken = [quota.take(NOW), quota.take(NOW), quota.take(NOW)]

    assert taken == [True, True, False]
    assert len([r for r in caplog.records if "counted in memory" in r.getMessage()]) == 1


def test_many_threads_take_no_call_twice() -> None:
    quota, taken = Quota(48, WINDOW), []
    threads = [
        threading.Thread(target=lambda: taken.extend(quota.take(NOW) for _ in range(20)))
        for _ in range(8)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (sum(taken), len(taken)) == (48, 160)
