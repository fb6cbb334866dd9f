"""The loop's stalls are measured, in milliseconds, worst of each minute kept."""

from __future__ import annotations

import threading

from grok_sauce.runtime.clock import ManualClock, RealClock
from grok_sauce.runtime.loop_watch import LoopWatch


def test_nothing_measured_is_unknown_not_zero() -> None:
    report = LoopWatch(ManualClock()).report()

    assert report == {"p50": None, "p99": None, "max": None, "minutes": []}


def test_percentiles_longest_and_worst_of_each_minute() -> None:
    clock = ManualClock()
    watch = LoopWatch(clock)

    for late in [0.001] * 98 + [0.050]:
        watch.note(late)
    clock.advance(60)
    watch.note(0.004)

    assert watch.report() == {"p50": 1.0, "p99": 50.0, "max": 50.0, "minutes": [50.0, 4.0]}


def test_waking_early_counts_as_on_time() -> None:
    watch = LoopWatch(ManualClock())

    watch.note(-0.002)

    assert watch.report()["max"] == 0.0


def test_runs_until_it_is_told_to_stop() -> None:
    watch, stop = LoopWatch(RealClock()), threading.Event()
    thread = threading.Thread(target=watch.run, args=(stop,), daemon=True)
    thread.start()
    waiting = threading.Event()
    while watch.report()["p50"] is None and not waiting.wait(0.01):
        pass

    stop.set()
    thread.join(5)

    assert not thread.is_alive()
