"""The store of alerts: one committer gathers what waits into one durable transaction."""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from grok_sauce.alerts import rounds
from grok_sauce.alerts.owned_file import BUSY_MS, OwnedFile
from grok_sauce.alerts.readers import Readers
from grok_sauce.alerts.steady import MS, SteadyTime
from grok_sauce.errors import GrokSauceError
from grok_sauce.runtime import concurrency
from grok_sauce.storage import database

log = logging.getLogger(__name__)

T = TypeVar("T")

ROUND: Final = 500  # writes in one transaction at most
QUEUE: Final = 10_000  # writes that may wait; beyond it senders are asked to come again at once
GATHER: Final = 2  # turns of the others at most before a round begins
BEAT: Final = 0.2  # seconds until the committer looks whether it was asked to stop
PROBE_BEATS: Final = 5  # beats between two looks whether a failing store recovered
IDLE_BEATS: Final = 50  # beats without a write until one is made to see that it can be
LATENCIES: Final = 1000  # writes that the p99 is taken of


class StoreBusy(GrokSauceError):
    """A write is not durable (now): no answer in time, no room, no right to write, closed.

    undecided: it may still become so; False: it never will, nothing of it was kept.
    """

    def __init__(self, message: str, undecided: bool = False) -> None:
        super().__init__(message)
        self.undecided = undecided


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What the store says of itself; latency is of its last 1,000 writes, None before the first.

    problem is the sentence of the red banner; set_aside where a damaged file was put at start.
    """

    latency_p99_ms: float | None
    problem: str | None
    writes: int
    commits: int
    set_aside: Path | None
    writable: bool
    waiting: int


@dataclass(eq=False, slots=True)
class Write:
    """One write on its way. done is None when nobody waits for it; over: durable or refused."""

    job: rounds.Job
    began_ms: int
    done: concurrency.Done | None = field(default_factory=concurrency.Done)
    value: Any = None
    error: Exception | None = None
    over: bool = False

    def end(self, value: Any, error: Exception | None) -> None:
        """Wake whoever waits. Never called in the pool."""
        self.value, self.error, self.over = value, error, True
        if self.done is not None:
            self.done.set()


class Store:
    """alerts.db and its one writer. A worker: run() is the committer.

    While no committer runs (before the start, after the stop, between two tries of the
    supervisor) whoever writes commits for himself, so that the end of a delivery can still
    be written while the process stops. wait_s (seconds) is how long a write is waited for;
    page_limit (pages of 4 KiB) stands for a full disk. Both may be changed at any time.
    """

    name = "alert store"

    def __init__(
        self, path: Path, time: SteadyTime, *, wait_s: float = 0.8, page_limit: int | None = None
    ) -> None:
        self.page_limit = page_limit
        self.path = path
        self._time = time
        self.wait_s = wait_s
        self._file = OwnedFile(path, time)
        self._readers = Readers(path, BUSY_MS)
        self._pending: deque[Write] = deque()
        self._wake = threading.Event()
        self._turn = threading.Lock()  # one round at a time; taken outside the pool only
        self._running = False
        self._closed = False  # no new writes
        self._shut = False  # no file
        self._problem: str | None = "the alert store is not open"
        self._told = False  # of the problem, in the log
        self._told_aside = False
        self._writes = 0
        self._commits = 0
        self._latencies: deque[int] = deque(maxlen=LATENCIES)

    def open(self) -> Path | None:
        """Become the owner and open the file; returns where a damaged one was put.

        A disk that is full or a folder that cannot be written does not stop the start: the
        store says so in facts(), refuses writes, and tries again by itself.

        Raises:
            StartupError: another process owns it, or a newer version of the program made it.
        """
        with self._turn:
            self._tell(concurrency.offload(self._file.open))
        return self._file.set_aside

    def write(
        self,
        job: Callable[[sqlite3.Connection], T],
        wait_s: float | None = None,
        *,
        withdraw: bool = False,
    ) -> T:
        """Run job(connection) in the next transaction; durable when this returns.

        The job runs once, perhaps on a native thread: SQL and arithmetic only. withdraw takes
        a write back that nobody has begun when the time is over.

        Raises:
            StoreBusy: not durable within wait_s (seconds), or not at all.
            Exception: whatever the job raised; nothing of it was kept.
        """
        wait = self.wait_s if wait_s is None else wait_s
        entry = Write(job, self._time.now_ms())
        done = cast(concurrency.Done, entry.done)
        self._put(entry)
        if not self._running:
            wait = self._commit_here(done, wait)
        if not done.wait(wait):
            gone = withdraw and self._withdraw(entry)
            if gone or not done.is_set():  # else it was committed this very moment
                raise StoreBusy(self._problem or "the alert store is too slow", undecided=not gone)
        if entry.error is not None:
            raise entry.error
        return cast(T, entry.value)

    def later(self, job: Callable[[sqlite3.Connection], object]) -> Write:
        """Write when there is a round, without waiting; lost when the store fails or closes."""
        entry = Write(job, self._time.now_ms(), None, over=self._closed)
        if not self._closed:
            self._pending.append(entry)
            self._wake.set()
        return entry

    def read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """What job finds in one consistent view of the file; it sees every write that returned.

        Raises:
            StoreBusy: the file cannot be read.
        """
        try:
            return self._readers.read(job)
        except sqlite3.Error as error:
            raise StoreBusy(f"alerts cannot be read: {rounds.trouble_of(error) or error}") from None
        except database.StorageError as error:
            raise StoreBusy(f"alerts cannot be read: {error}") from None

    def facts(self) -> StoreFacts:
        """Numbers and sentences for health and the banner."""
        latencies = sorted(self._latencies)
        p99 = float(latencies[math.ceil(len(latencies) * 0.99) - 1]) if latencies else None
        return StoreFacts(
            latency_p99_ms=p99,
            problem=self._problem,
            writes=self._writes,
            commits=self._commits,
            set_aside=self._file.set_aside,
            writable=self._problem is None,
            waiting=len(self._pending),
        )

    def run(self, stop: threading.Event) -> None:
        """Commit what waits until stop is set; what was asked for by then is finished."""
        self._running = True
        quiet = 0  # beats
        try:
            while not stop.is_set():
                if self._wake.wait(BEAT):
                    self._wake.clear()
                    while self._pending and not stop.is_set():
                        self._gather()
                        self._round()
                    quiet = 0 if self._problem is None else quiet + 1
                else:
                    quiet += 1
                if self._problem is not None and quiet >= PROBE_BEATS:
                    quiet = 0
                    self._recover()
                elif quiet >= IDLE_BEATS:
                    self.later(rounds.touch)
        finally:
            self._running = False
            self._drain()

    def close(self) -> None:
        """Finish what waits, fold the log into the file, let go of it. Writes are refused."""
        self._closed = True
        self._drain()
        with self._turn:
            self._refuse(self._take(len(self._pending)), "the alert store is closed")
            self._readers.close()
            self._shut = True
            concurrency.offload(self._file.close)
            self._problem = "the alert store is closed"

    # Beside the pool: green threads, or the threads of those who call.

    def _put(self, entry: Write) -> None:
        if self._closed:
            raise StoreBusy("the alert store is closed")
        if len(self._pending) >= QUEUE:
            raise StoreBusy(self._problem or "too much waits for the alert store")
        self._pending.append(entry)
        if not self._wake.is_set():  # setting it costs more than looking
            self._wake.set()

    def _withdraw(self, entry: Write) -> bool:
        try:
            self._pending.remove(entry)
        except ValueError:
            return False
        return True

    def _commit_here(self, done: concurrency.Done, wait: float) -> float:
        """Commit without a committer; returns how long is left to wait for another's round."""
        for _ in range(max(1, math.ceil(wait * MS / BUSY_MS))):
            self._round()
            if done.is_set():
                return 0.0
        return wait if self._running else 0.0

    def _gather(self) -> None:
        """Let those who are about to write come along: a round costs little more for many."""
        seen = 0
        for _ in range(GATHER):
            if len(self._pending) == seen:
                return
            seen = len(self._pending)
            concurrency.sleep(0)

    def _drain(self) -> None:
        for _ in range(len(self._pending) // ROUND + 4):
            if not self._pending:
                return
            self._round()

    def _take(self, most: int = ROUND) -> list[Write]:
        return [self._pending.popleft() for _ in range(min(most, len(self._pending)))]

    def _round(self) -> None:
        """One transaction with all that waits, then wake those who wait."""
        with self._turn:
            batch = self._take()
            if not batch:
                return
            if self._shut:
                self._refuse(batch, "the alert store is closed")
                return
            try:
                result = concurrency.offload(
                    self._file.commit, [entry.job for entry in batch], self.page_limit
                )
            except BaseException:
                self._refuse(batch, "the alert store was interrupted", undecided=True)
                raise
            if result.again and not self._closed:
                self._pending.extendleft(reversed(batch))
                self._tell(result.trouble)
            elif result.trouble is not None:
                self._tell(result.trouble)
                self._refuse(batch, self._problem or result.trouble)
            else:
                self._settle(batch, result.answers)
        if self._problem is not None and result.trouble is None:
            self._recover()

    def _settle(self, batch: Sequence[Write], answers: Sequence[rounds.Answer]) -> None:
        now = self._time.now_ms()
        self._commits += 1
        self._writes += len(batch)
        for entry, answer in zip(batch, answers, strict=True):
            self._latencies.append(now - entry.began_ms)
            entry.end(answer.value, answer.error)
            if entry.done is None and answer.error is not None:
                log.error("alerts: a write failed: %s", answer.error)

    def _refuse(self, batch: Sequence[Write], why: str, undecided: bool = False) -> None:
        for entry in batch:
            entry.end(None, StoreBusy(why, undecided))

    def _recover(self) -> None:
        with self._turn:
            if not self._shut:
                self._tell(concurrency.offload(self._file.probe, self.page_limit))

    def _tell(self, trouble: str | None) -> None:
        """Note and log what changed; one line when it begins and one when it is over."""
        problem = None if trouble is None else f"alerts cannot be stored: {trouble}"
        if problem is not None and problem != self._problem:
            log.error("%s", problem)
            self._told = True
        elif problem is None and self._told:
            log.warning("alerts are stored again")
            self._told = False
        self._problem = problem
        aside = self._file.set_aside
        if aside is not None and not self._told_aside:
            log.error("alerts: the database was damaged and put aside as %s", aside.name)
            self._told_aside = True
