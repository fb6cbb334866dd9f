"""Workers are kept alive, refused ones wait for a person, one line tells an outage."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from grok_sauce.errors import SourceError, SourceRefused
from grok_sauce.runtime.backoff import Backoff
from grok_sauce.runtime.clock import RealClock
from grok_sauce.runtime.supervisor import Supervisor


class Scripted:
    """Plays one act a run; when the script is over it waits to be stopped."""

    def __init__(self, name: str, *acts: Callable[[], None]) -> None:
        self.name = name
        self._acts = list(acts)
        self.runs = 0
        self.steady = threading.Event()

    def run(self, stop: threading.Event) -> None:
        self.runs += 1
        if self._acts:
            self._acts.pop(0)()
            return
        self.steady.set()
        stop.wait()


def fail(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def at_once() -> Backoff:
    return Backoff(first=0.001, longest=0.002)


def test_failed_worker_is_restarted_until_it_runs() -> None:
    worker = Scripted("feed", fail(SourceError("cut")), fail(ValueError("bug")), lambda: None)
    supervisor = Supervisor(RealClock(), at_once)

    supervisor.start([worker])

    assert worker.steady.wait(5)
    assert supervisor.statuses["feed"].restarts == 3
    assert supervisor.stop() == []
    assert supervisor.statuses["feed"].state == "stopped"


def test_refused_worker_waits_for_a_person() -> None:
    worker = Scripted("feed", fail(SourceRefused("token revoked")))
    supervisor = Supervisor(RealClock(), at_once)
    supervisor.start([worker])
    deadline = threading.Event()
    while supervisor.statuses["feed"].state != "refused" and not deadline.wait(0.01):
        pass

    assert worker.runs == 1
    assert not worker.steady.wait(0.1)
    supervisor.retry("feed")

    assert worker.steady.wait(5)
    assert worker.runs == 2
    supervisor.stop()


def test_outage_is_one_line_however_often_it_is_tried(caplog: pytest.LogCaptureFixture) -> None:
    worker = Scripted("feed", *[fail(SourceError("no route")) for _ in range(6)])
    supervisor = Supervisor(RealClock(), at_once)

    with caplog.at_level(logging.WARNING):
        supervisor.start([worker])
        assert worker.steady.wait(5)
    supervisor.stop()

    assert [record.message for record in caplog.records] == ["feed: lost: no route"]


def test_one_workers_bug_does_not_end_the_others() -> None:
    broken, good = Scripted("broken", *[fail(KeyError("x"))] * 3), Scripted("good")
    supervisor = Supervisor(RealClock(), at_once)

    supervisor.start([broken, good])

    assert good.steady.wait(5)
    assert broken.steady.wait(5)
    supervisor.stop()


def test_a_worker_may_be_waited_for_less_long_than_others() -> None:
    near, far = (Scripted(name, *[fail(SourceError("cut"))] * 2) for name in ("near", "far"))
    near.longest_pause = 0.5  # type: ignore[attr-defined]
    made: list[Backoff] = []

    def backoff() -> Backoff:
        made.append(Backoff(first=0.001, longest=60.0))
        return made[-1]

    supervisor = Supervisor(RealClock(), backoff)
    supervisor.start([near])
    assert near.steady.wait(5)
    supervisor.start([far])
    assert far.steady.wait(5)

    assert [each.longest for each in made] == [0.5, 60.0]
    assert supervisor.stop() == []


def test_two_workers_of_one_name_are_a_mistake() -> None:
    supervisor = Supervisor(RealClock(), at_once)

    with pytest.raises(ValueError, match="two workers"):
        supervisor.start([Scripted("a"), Scripted("a")])
    supervisor.stop()


def test_backoff_starts_over_only_after_steady_running() -> None:
    backoff = Backoff(jitter=lambda: 1.0)
    delays = [backoff.next() for _ in range(4)]

    backoff.ran(59.0)
    after_short = backoff.next()
    backoff.ran(60.0)

    assert delays == [1.0, 2.0, 4.0, 8.0]
    assert after_short == 16.0
    assert backoff.next() == 1.0
