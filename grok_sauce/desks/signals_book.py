"""The file of the signal strategy, used off the loop by one at a time."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.storage import database, signals
from grok_sauce.storage.database import StorageError

log = logging.getLogger(__name__)

T = TypeVar("T")


class Book:
    """Opens the file when it is first used. In a demo it begins empty: nothing outlives the run."""

    def __init__(self, path: Path, clock: Clock, demo: bool = False) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._set_aside: Path | None = None
        if demo:
            for leftover in path.parent.glob(f"{path.name}*"):
                leftover.unlink(missing_ok=True)

    def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What work gives, done on a native thread with the open file.

        Raises:
            StorageError: the file cannot be used; nothing of a transaction was kept.
        """
        with self._lock:
            found: T = concurrency.offload(self._use, work)
        aside, self._set_aside = self._set_aside, None
        if aside is not None:
            log.warning("%s was damaged: kept as %s, a new one begun", self.path.name, aside.name)
        return found

    def close(self) -> None:
        """Let the file go; the next use opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                concurrency.offload(connection.close)

    def _use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                opened = database.open_database(self.path, signals.MIGRATIONS, self._clock.real())
                # A signal that was told must be there after a power cut.
                opened.connection.execute("PRAGMA synchronous=FULL")
                self._connection, self._set_aside = opened.connection, opened.set_aside
            return work(self._connection)
        except sqlite3.Error as problem:
            raise StorageError(f"{self.path.name} cannot be used: {problem}") from None
