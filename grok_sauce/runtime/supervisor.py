"""Keeps workers alive: starts them, restarts the failed with backoff, stops the refused."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from grok_sauce.errors import GrokSauceError, SourceRefused
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.backoff import Backoff
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.worker import Worker, WorkerStatus

log = logging.getLogger(__name__)


class Supervisor:
    """Owns the workers of a process.

    A worker that returns before stop is set, or raises, is restarted after its
    backoff (1 s to 60 s, reset by 60 s of steady running). SourceRefused stops it until
    retry() is called: a revoked token is not hammered. An outage is logged once, when it
    starts; a worker with tells_outages logs both of its edges itself. A worker with
    longest_pause (seconds) is never waited for longer: for what runs on one's own machine.
    """

    def __init__(self, clock: Clock, make_backoff: Callable[[], Backoff] = Backoff) -> None:
        self._clock = clock
        self._make_backoff = make_backoff
        self._stop = threading.Event()
        self._wake: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        self.statuses: dict[str, WorkerStatus] = {}

    def start(self, workers: Iterable[Worker]) -> None:
        """Start each worker on a thread of its own; names must differ."""
        for worker in workers:
            if worker.name in self.statuses:
                raise ValueError(f"two workers are named {worker.name!r}")
            status = WorkerStatus(worker.name)
            self.statuses[worker.name] = status
            self._wake[worker.name] = threading.Event()
            self._threads.append(
                concurrency.spawn(self._keep, worker, status, name=f"worker-{worker.name}")
            )

    def retry(self, name: str) -> None:
        """Try a refused or waiting worker again now (the user changed something)."""
        self._wake[name].set()

    def stop(self, timeout: float = 5.0) -> list[str]:
        """Ask all to stop and wait; returns the names of those still running after timeout."""
        self._stop.set()
        for wake in self._wake.values():
            wake.set()
        deadline = self._clock.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._clock.monotonic()))
        return [thread.name for thread in self._threads if thread.is_alive()]

    def _keep(self, worker: Worker, status: WorkerStatus) -> None:
        backoff = self._make_backoff()
        backoff.longest = min(backoff.longest, getattr(worker, "longest_pause", backoff.longest))
        down = False
        while not self._stop.is_set():
            status.state, status.next_try = "running", None
            status.started = self._clock.real()
            began = self._clock.monotonic()
            refused = False
            try:
                worker.run(self._stop)
                if self._stop.is_set():
                    break
                raise GrokSauceError("ended without being asked to")
            except SourceRefused as problem:
                refused = True
                self._note(status, str(problem))
                log.warning("%s: refused, no further try until you act: %s", worker.name, problem)
            except GrokSauceError as problem:
                self._note(status, str(problem))
                down = down and not self._was_steady(began, backoff)
                if not down and not getattr(worker, "tells_outages", False):
                    log.warning("%s: lost: %s", worker.name, problem)
            except Exception as bug:
                self._note(status, f"{type(bug).__name__}: {bug}")
                down = down and not self._was_steady(began, backoff)
                if not down:
                    log.exception("%s: failed", worker.name)
            ran = self._clock.monotonic() - began
            backoff.ran(ran)
            down = True
            status.restarts += 1
            self._pause(worker.name, status, None if refused else backoff.next())
        status.state = "stopped"

    def _was_steady(self, began: float, backoff: Backoff) -> bool:
        """Did the run that just ended last long enough to end the outage before it?"""
        return self._clock.monotonic() - began >= backoff.reset_after

    def _note(self, status: WorkerStatus, message: str) -> None:
        status.last_error = message
        status.last_error_at = self._clock.real()

    def _pause(self, name: str, status: WorkerStatus, delay: float | None) -> None:
        status.state = "refused" if delay is None else "backoff"
        status.next_try = None if delay is None else self._clock.real() + delay
        wake = self._wake[name]
        wake.wait(delay)
        wake.clear()
