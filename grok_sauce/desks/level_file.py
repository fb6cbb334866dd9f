"""The file of known levels as the level service uses it: read and written off the loop."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.storage import database, known_levels
from grok_sauce.storage.database import StorageError
from grok_sauce.storage.known_levels import LevelRow

log = logging.getLogger(__name__)

T = TypeVar("T")
DAY: Final = 86_400.0
AGAIN: Final = 60.0  # seconds (real) until a disk that refused is tried again


class LevelFile:
    """One data folder's levels. A disk that refuses costs a warning, not the levels.

    problem says what is wrong with it now. One thread opens, writes and closes; any may read.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.problem: str | None = None
        self._path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._pruned: float | None = None  # monotonic
        self._refused_at = 0.0  # monotonic

    def open(self) -> bool:
        """Make ready to write; False when that cannot be, see problem."""
        if self._connection is not None:
            return True
        path, real = self._path, self._clock.real()
        try:
            opened = concurrency.offload(
                database.open_database, path, known_levels.MIGRATIONS, real
            )
        except StorageError as problem:
            self._refuse(problem)
            return False
        if opened.set_aside is not None:
            log.warning("%s was damaged; it is kept as %s", path, opened.set_aside)
        self._connection = opened.connection
        return True

    def write(
        self, rows: Sequence[LevelRow], told: Mapping[str, tuple[float, dict[str, Any]]]
    ) -> bool:
        """Keep sets, and documents as (known_at, document) by symbol; False: try again later."""
        now = self._clock.monotonic()
        if self.problem is not None and now - self._refused_at < AGAIN:
            return False
        if not self.open():
            return False
        connection, market = self._connection, self._clock.market()
        prunes = self._pruned is None or now - self._pruned >= DAY

        def work() -> None:
            assert connection is not None
            known_levels.add(connection, rows)
            for symbol, (known_at, document) in told.items():
                known_levels.tell(connection, symbol, known_at, document)
            if prunes:
                known_levels.prune(connection, market)

        try:
            concurrency.offload(work)
        except sqlite3.Error as problem:
            self._refuse(problem)
            return False
        self.problem = None
        self._pruned = now if prunes else self._pruned
        return True

    def newest(self, future: str, symbol: str, until: float) -> LevelRow | None:
        """The newest set of an underlying known by a Unix time.

        Raises:
            StorageError: the file cannot be read.
        """
        return self._read(lambda file: known_levels.newest(file, future, symbol, until))

    def told(self, symbol: str, until: float) -> dict[str, Any] | None:
        """The document told last, unless that was after until.

        Raises:
            StorageError: the file cannot be read.
        """
        found = self._read(lambda file: known_levels.last_told(file, symbol, until))
        return None if found is None else found[1]

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            concurrency.offload(self._connection.close)
            self._connection = None

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """work on a reader; None while there is no file."""

        def read() -> T | None:
            reader = database.open_reader(self._path)
            if reader is None:
                return None
            try:
                return work(reader)
            except sqlite3.Error as problem:
                raise StorageError(f"{self._path} cannot be read: {problem}") from None
            finally:
                reader.close()

        return concurrency.offload(read)

    def _refuse(self, problem: Exception) -> None:
        if self.problem is None:
            log.warning("levels are not kept: %s", problem)
        self.problem = str(problem)
        self._refused_at = self._clock.monotonic()
