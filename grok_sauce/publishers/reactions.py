"""Event reactions on their way to disk: a tenant of History, told by the desk that measures."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable
from typing import Final

from grok_sauce.storage import reactions
from grok_sauce.storage.reactions import EventRecord, Key

LIMIT: Final = 5_000  # changes that may wait for the disk: half a year of releases


class ReactionKeeper:
    """keep() and drop() on the loop, write() in History's native thread.

    A change stands for all earlier ones of its release. While the disk is full at most limit
    changes wait (the oldest go first, counted in dropped).
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.dropped = 0
        # Both ends of a deque may be used from two threads without a lock.
        self._told: deque[tuple[Key, EventRecord | None]] = deque(maxlen=limit)
        self._waiting: dict[Key, EventRecord | None] = {}  # of the native thread alone

    @property
    def depth(self) -> int:
        """Changes waiting for the disk."""
        return len(self._told) + len(self._waiting)

    def keep(self, records: Iterable[EventRecord]) -> None:
        """Write these at the next chance; never blocks or raises."""
        for record in records:
            self._tell(record.key, record)

    def drop(self, keys: Iterable[Key]) -> None:
        """Forget these: there is no such event any more."""
        for key in keys:
            self._tell(key, None)

    def _tell(self, key: Key, record: EventRecord | None) -> None:
        self.dropped += len(self._told) == self.limit
        self._told.append((key, record))

    # ---- the tenant, on a native thread --------------------------------------------------

    def write(self, connection: sqlite3.Connection) -> int:
        """Write what waits; see history.Tenant."""
        while self._told:
            key, record = self._told.popleft()
            self._waiting[key] = record
        if not self._waiting:
            return 0
        written = reactions.write(connection, self._waiting)
        self._waiting.clear()
        return written

    def prune(self, connection: sqlite3.Connection) -> None:
        """Drop very old releases."""
        reactions.prune(connection)
