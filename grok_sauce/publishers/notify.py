"""Notices on their way out: a durable outbox, and a worker a target that delivers and retries."""

from __future__ import annotations

import logging
import math
import queue
import random
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from grok_sauce.errors import GrokSauceError, SourceError, SourceRefused
from grok_sauce.publishers.notify_target import Letter, Target, Undeliverable
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.storage.database import StorageError
from grok_sauce.storage.notices import Message, NoticeStore

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOK: Final = 0.5  # seconds between two looks at the clock
PAUSES: Final = (5.0, 15.0, 60.0, 300.0, 900.0, 1800.0)  # seconds after each failure
ATTEMPTS: Final = 8
DEADLINE: Final = 45.0  # seconds of one attempt, whatever a server does
LIFE: Final = {"notice": 7200.0, "digest": 21600.0, "summary": 21600.0, "test": 0.0}  # seconds


class Outbox:
    """The file of notices, for whoever needs it: one at a time, beside the loop.

    Opened by the first who uses it. Every method raises StorageError when the disk refuses.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._store: NoticeStore | None = None

    def use(self, work: Callable[[NoticeStore], T]) -> T:
        """work(store) on a native thread: it must not log or touch green locks.

        Raises:
            StorageError: the file cannot be opened, read or written.
        """
        with self._lock:
            now = self._clock.real()
            was_closed = self._store is None
            try:
                found: T = concurrency.offload(self._run, work, now)
            except sqlite3.Error as problem:
                raise StorageError(f"{self.path} cannot be used: {problem}") from None
            aside = None if self._store is None else self._store.set_aside
            if was_closed and aside is not None:
                log.warning("notices: %s was damaged: kept as %s", self.path.name, aside.name)
            return found

    def _run(self, work: Callable[[NoticeStore], T], now: float) -> T:
        if self._store is None:
            self._store = NoticeStore(self.path, now)
        return work(self._store)

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        with self._lock:
            if self._store is not None:
                concurrency.offload(self._store.close)
                self._store = None


class Delivery:
    """The worker of one target. What it cannot send waits, is tried again, and grows too old.

    is_on() says whether the user wants this target now. refused is the sentence of a target
    that will not take anything until somebody acts; a test that passes clears it.
    """

    def __init__(
        self,
        target: Target,
        outbox: Outbox,
        clock: Clock,
        is_on: Callable[[], bool],
        deadline: float = DEADLINE,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.target = target
        self.name = f"notices-{target.name}"
        self.refused: str | None = None
        self._outbox = outbox
        self._clock = clock
        self._is_on = is_on
        self._deadline = deadline
        self._jitter = jitter
        self._wake = threading.Event()
        self._due = -math.inf  # real time of the next look into the outbox
        self._failures = 0
        self._hanging: threading.Thread | None = None
        self._stop = threading.Event()

    def wake(self) -> None:
        """Something may wait."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Deliver until stop is set.

        Raises:
            StorageError: the outbox cannot be used.
        """
        self._due, self._stop = -math.inf, stop
        while not stop.is_set():
            if self._wake.wait(LOOK):
                self._wake.clear()
                if not self._failures:
                    self._due = -math.inf
            while not stop.is_set() and self._clock.real() >= self._due and self.step():
                pass

    def step(self) -> bool:
        """Try the next message that is due; False when there is nothing to do now."""
        now = self._clock.real()
        if self.refused is not None or not self._is_on():
            self._due = now + 5.0
            return False
        name = self.target.name
        found = self._outbox.use(lambda store: store.next(name, now))
        if not isinstance(found, Message):
            self._due = math.inf if found is None else found
            return False
        done = self._attempt(found)
        if not self._stop.is_set() or done.state == "sent":
            self._outbox.use(lambda store: store.settle(done))  # cut short, it is as it was
        return True

    def _attempt(self, message: Message) -> Message:
        """The message after one more attempt, or given up for its age."""
        now = self._clock.real()
        if not -60.0 <= now - message.made <= LIFE[message.kind]:
            return message._replace(state="expired", done=now)
        began = self._clock.monotonic()
        count = message.attempts + 1
        try:
            remark = self._guarded(letter(message))
        except SourceRefused as problem:
            self.refused = str(problem)
            log.warning("notices: %s refused: %s", self.target.name, problem)
            return message._replace(attempts=count, error=self.refused)
        except Undeliverable as problem:
            return message._replace(state="failed", attempts=count, done=now, error=str(problem))
        except GrokSauceError as problem:
            return self._again(message, count, str(problem))
        took = self._clock.monotonic() - began
        if self._failures:
            log.info("notices: %s takes messages again", self.target.name)
        self._failures = 0
        done = self._clock.real()
        return message._replace(
            state="sent", attempts=count, done=done, took=took, error=remark or None
        )

    def _again(self, message: Message, count: int, why: str) -> Message:
        """After a failure that may pass: this message and all behind it wait."""
        if not self._failures:
            log.warning("notices: %s: %s", self.target.name, why)
        pause = PAUSES[min(self._failures, len(PAUSES) - 1)] * (0.75 + 0.5 * self._jitter())
        self._failures += 1
        now = self._clock.real()
        self._due = now + pause
        if count >= ATTEMPTS:
            return message._replace(state="failed", attempts=count, done=now, error=why)
        return message._replace(attempts=count, next_try=self._due, error=why)

    def _guarded(self, one: Letter) -> str:
        """Send on a thread of its own, so that a server that dribbles holds up nothing.

        Raises:
            GrokSauceError: as Target.send().
        """
        if self._hanging is not None and self._hanging.is_alive():
            raise SourceError("the attempt before has not ended yet")
        answers: queue.Queue[Any] = queue.Queue(maxsize=1)

        def work() -> None:
            try:
                answers.put(self.target.send(one))
            except GrokSauceError as problem:
                answers.put(problem)
            except Exception as bug:  # noqa: BLE001 - a plugin's; its text may hold the address
                log.error("notices: %s failed: %s", self.target.name, type(bug).__name__)  # noqa: TRY400
                answers.put(Undeliverable(f"{type(bug).__name__} while sending"))

        thread = concurrency.spawn(work, name=self.name)
        found = self._answer(answers)
        if found is None:
            self._hanging = thread
            raise SourceError(f"no end within {self._deadline:g} s")
        if isinstance(found, GrokSauceError):
            raise found
        return str(found)

    def _answer(self, answers: queue.Queue[Any]) -> Any:
        """What comes within the deadline; None when nothing does, or the process ends."""
        end = self._clock.monotonic() + self._deadline
        while not self._stop.is_set():
            left = end - self._clock.monotonic()
            try:
                return answers.get(timeout=max(0.0, min(LOOK, left)))
            except queue.Empty:
                if left <= 0:
                    break
        return None

    # ---- the test button ----------------------------------------------------------------

    def test(self, one: Letter) -> dict[str, Any]:
        """Send now, once, whatever is switched off: {ok, text, seconds}; noted in the log."""
        began = self._clock.monotonic()
        ok, error = True, ""
        try:
            error = self._guarded(one)
            self.refused, self._failures = None, 0
            self._due = -math.inf
            self.wake()
        except GrokSauceError as problem:
            ok, error = False, str(problem)
        took = self._clock.monotonic() - began
        now = self._clock.real()
        noted = Message(
            *(self.target.name, "test", one.severity, one.title, one.text, one.at),
            state="sent" if ok else "failed",
            uid=one.uid,
            attempts=1,
            done=now,
            took=took,
            error=error or None,
        )
        self._outbox.use(lambda store: store.put((), (), [noted]))
        text = f"sent in {took:.1f} s" if ok else error
        return {"ok": ok, "text": f"{text}; {error}" if ok and error else text, "seconds": took}


def letter(message: Message) -> Letter:
    """A message as a target takes it."""
    return Letter(message.title, message.text, message.severity, message.uid, message.made)
