"""Who owns the feed: the lease kept, sources that run only while it is good, waiting otherwise."""

from __future__ import annotations

import logging
import threading
from typing import Final

from grok_sauce.errors import GrokSauceError, SourceError
from grok_sauce.runtime.fenced_lock import FencedLock
from grok_sauce.runtime.worker import Worker

log = logging.getLogger(__name__)

RENEW: Final = 1.0  # seconds between two renewals of an owner
TRY: Final = 0.25  # seconds between two tries of a standby
LOOK: Final = 0.1  # seconds between two looks at the end of the lease


class Ownership:
    """Worker "feed lock": takes the lock when it is free and keeps it.

    taken_over is set once somebody else became the owner after this process had been it.
    """

    name = "feed lock"
    longest_pause = 1.0  # seconds; Redis is near

    def __init__(self, lock: FencedLock) -> None:
        self.lock = lock
        self.waited = False  # as a standby, for an owner that was there first
        self.owned = False  # at any time
        self.taken_over = False
        self.problem: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Keep or take it until stop is set.

        Raises:
            SourceError: Redis did not answer; what is owned ends with its lease.
        """
        while not stop.is_set():
            try:
                owner = self.lock.keep()
            except SourceError as problem:
                self.problem = str(problem)
                raise
            self.problem = None
            if owner is not None:
                if not self.owned:
                    log.info("feed: this process is the owner, token %d", owner.token)
                self.owned = True
            else:
                if not self.owned and not self.waited:
                    log.info("feed: %s owns it; this process stands by", self.lock.holder)
                self.waited = True
                self.taken_over = self.owned
            stop.wait(RENEW if owner is not None else TRY)


class Gate:
    """Worker "feed gate": open while the lock's lease is good, by this process's own clock."""

    name = "feed gate"

    def __init__(self, lock: FencedLock) -> None:
        self._lock = lock
        self._inside: set[threading.Event] = set()
        self._guard = threading.Lock()
        self._ended = False

    @property
    def is_open(self) -> bool:
        """May a source run now?"""
        return not self._ended and self._lock.fence is not None

    def run(self, stop: threading.Event) -> None:
        """Watch the lease until stop is set, and end what runs when it does."""
        was = False
        while not stop.wait(LOOK):
            is_open = self.is_open
            if was and not is_open:
                log.warning("feed: ownership ended, the sources stop")
            elif is_open and not was:
                log.info("feed: the sources run")
            if not is_open:
                self._end()
            was = is_open
        self._end()

    def close(self) -> None:
        """Let nothing run any more."""
        self._ended = True
        self._end()

    def enter(self) -> threading.Event:
        """What tells a source to stop. Call leave() with it afterwards."""
        inside = threading.Event()
        with self._guard:
            self._inside.add(inside)
        if not self.is_open:
            inside.set()
        return inside

    def leave(self, inside: threading.Event) -> None:
        """It has stopped."""
        with self._guard:
            self._inside.discard(inside)

    def _end(self) -> None:
        with self._guard:
            for inside in self._inside:
                inside.set()


class Gated:
    """A worker that runs only while the gate is open."""

    def __init__(self, worker: Worker, gate: Gate) -> None:
        self._worker = worker
        self._gate = gate
        self.name = worker.name
        self.tells_outages = getattr(worker, "tells_outages", False)
        self.longest_pause = getattr(worker, "longest_pause", 60.0)

    def run(self, stop: threading.Event) -> None:
        """Run the worker while the gate is open, until stop is set; raises what it raises."""
        while not stop.is_set():
            if not self._gate.is_open:
                stop.wait(LOOK)
                continue
            inside = self._gate.enter()
            try:
                self._worker.run(inside)
                if not inside.is_set():
                    raise GrokSauceError("ended without being asked to")
            finally:
                self._gate.leave(inside)
