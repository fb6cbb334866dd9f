"""Threads of the dispatcher: counted, few writers, nothing lost when none can be started."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from grok_sauce.alerts.crew import WRITERS, Crew
from grok_sauce.runtime import concurrency


def test_writes_share_a_few_threads_and_all_are_done() -> None:
    gate, peak, lock = threading.Event(), [0, 0], threading.Lock()
    finished = threading.Event()
    done: list[int] = []
    crew = Crew(concurrency.spawn, lambda: None)

    def job(number: int) -> None:
        with lock:
            peak[0] += 1
            peak[1] = max(peak)
        gate.wait(10)
        with lock:
            peak[0] -= 1
            done.append(number)
            if len(done) == 50:
                finished.set()

    for number in range(50):
        crew.write(job, number)
    gate.set()

    assert finished.wait(10)
    assert sorted(done) == list(range(50))
    assert peak[1] <= WRITERS


def test_what_starts_beside_does_not_wait_for_writers() -> None:
    gate, ran = threading.Event(), threading.Event()
    crew = Crew(concurrency.spawn, lambda: None)
    for _ in range(WRITERS + 5):
        crew.write(gate.wait, 10)  # type: ignore[arg-type]

    crew.beside(ran.set)

    assert ran.wait(10)
    gate.set()


def test_without_threads_a_call_is_made_all_the_same() -> None:
    def start(call: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    done: list[int] = []
    crew = Crew(start, lambda: None)

    crew.write(done.append, 1)
    crew.beside(done.append, 2)

    assert done == [1, 2]
    assert crew.active == 0


def test_an_error_of_the_call_itself_is_not_taken_for_a_missing_thread() -> None:
    def fail() -> None:
        done.append(1)
        raise RuntimeError("of the call")

    done: list[int] = []
    crew = Crew(lambda call: call(), lambda: None)

    with pytest.raises(RuntimeError):
        crew.beside(fail)

    assert done == [1]
    assert crew.active == 0


def test_a_write_that_fails_keeps_no_other_from_being_made() -> None:
    def fail() -> None:
        raise ValueError("a bug")

    done: list[int] = []
    crew = Crew(lambda call: call(), lambda: None)

    for _ in range(WRITERS + 1):
        crew.write(fail)
    crew.write(done.append, 1)

    assert done == [1]
