"""alerts.db itself and the lock that makes this process its owner; used in the pool."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from grok_sauce.alerts import rounds
from grok_sauce.alerts.schema import MIGRATIONS
from grok_sauce.alerts.steady import MS, SteadyTime
from grok_sauce.errors import StartupError
from grok_sauce.runtime.lock import FolderLock
from grok_sauce.storage import database

BUSY_MS: Final = 500  # a statement waits so long for another program's lock
CHECKPOINT_PAGES: Final = 8000  # of log; upkeep folds it in long before
_NO_LIMIT: Final = 0xFFFFFFFE  # SQLite's own
_UNWRITABLE: Final = "the file or its folder cannot be written"


class OwnedFile:
    """The writer's connection. One caller at a time; no events, no logging in here.

    Opening may fail for want of room or rights and is tried again by whoever comes next; a
    damaged file is set aside only then, never under a router that knows what was in it.
    """

    def __init__(self, path: Path, time: SteadyTime) -> None:
        self.path = path
        self.set_aside: Path | None = None
        self._time = time
        self._lock = FolderLock(path.parent, f"{path.name}.lock")
        self._locked = False
        self._connection: sqlite3.Connection | None = None
        self._limit: int | None = None

    def open(self) -> str | None:
        """Own and open the file; the sentence when that is not possible now.

        Raises:
            StartupError: another process owns it, or a newer version of the program made it.
        """
        if self._connection is not None:
            return None
        if not self._locked:
            try:
                self._lock.take()
            except StartupError:
                if not os.access(self.path.parent, os.W_OK | os.X_OK):
                    return _UNWRITABLE
                raise StartupError(
                    f"another process owns {self.path}; "
                    "stop it, or give --data of its own to this one"
                ) from None
            self._locked = True
        # Orders and addresses are in it: for the owner alone, from the first byte on.
        with contextlib.suppress(OSError):  # opening says what is wrong
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            opened = database.open_database(self.path, MIGRATIONS, now=self._time.wall_ms() / MS)
        except database.StorageError as problem:
            cause = problem.__context__
            if not isinstance(cause, sqlite3.Error | OSError):  # made by a newer version
                self.close()
                raise StartupError(str(problem)) from None
            return rounds.trouble_of(cause) or str(problem)
        self.set_aside = opened.set_aside or self.set_aside
        self._connection = opened.connection
        for pragma in (
            "synchronous=FULL",
            f"busy_timeout={BUSY_MS}",
            "cache_size=-8192",  # KiB
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        return None

    def commit(self, jobs: Sequence[rounds.Job], page_limit: int | None) -> rounds.Round:
        """One transaction, see rounds.commit; opens the file first where that is still due."""
        connection, trouble = self._ready(page_limit)
        if connection is None:
            return rounds.Round(trouble=trouble)
        return rounds.commit(connection, jobs)

    def probe(self, page_limit: int | None) -> str | None:
        """The sentence of what ails the file; None when it can be written."""
        connection, trouble = self._ready(page_limit)
        return trouble if connection is None else rounds.probe(connection)

    def close(self) -> None:
        """Fold the log into the file, close it, and let go of the lock."""
        if self._connection is not None:
            try:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error:
                pass  # the next start reads the log instead
            finally:
                self._connection.close()
                self._connection = None
        self._lock.release()
        self._locked = False

    def _ready(self, page_limit: int | None) -> tuple[sqlite3.Connection | None, str | None]:
        try:
            trouble = self.open()
        except StartupError as problem:
            return None, str(problem)
        if self._connection is not None and page_limit != self._limit:
            self._connection.execute(f"PRAGMA max_page_count={page_limit or _NO_LIMIT}")
            self._limit = page_limit
        return self._connection, trouble
