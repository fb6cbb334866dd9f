"""Threads of the dispatcher: sends beside each other, writes on a few, all of them counted."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

log = logging.getLogger(__name__)

WRITERS: Final = 16

Start = Callable[..., object]


class Crew:
    """start(call) runs a call beside the caller; done() is called after each."""

    def __init__(self, start: Start, done: Callable[[], None]) -> None:
        self._start = start
        self._done = done
        self._lock = threading.Lock()
        self._jobs: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._writers = 0
        self._active = 0

    @property
    def active(self) -> int:
        """How many threads are at work."""
        return self._active

    def beside(self, call: Callable[..., None], *args: Any) -> None:
        """Run a call on a thread of its own."""

        began = False

        def run() -> None:
            nonlocal began
            began = True
            try:
                call(*args)
            finally:
                with self._lock:
                    self._active -= 1
                self._done()

        with self._lock:
            self._active += 1
        try:
            self._start(run)
        except RuntimeError:
            if began:
                raise
            # No more threads: everybody waits for this one call, but nothing is lost.
            log.exception("alerts: no thread could be started")
            run()

    def write(self, call: Callable[..., None], *args: Any) -> None:
        """Run a call on one of at most WRITERS threads; what starts beside never waits for it."""
        with self._lock:
            self._jobs.append((call, args))
            if self._writers >= WRITERS:
                return
            self._writers += 1
        self.beside(self._work_off)

    def _work_off(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._writers -= 1
                    return
                call, args = self._jobs.popleft()
            try:
                call(*args)
            except Exception:
                log.exception("alerts: a write failed")  # the next ones must not stop for it
