"""Gamma exposure for later: one snapshot a market minute of what the pages were told."""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from grok_sauce.errors import BadPayload
from grok_sauce.storage import gex_snapshots
from grok_sauce.storage.gex_snapshots import MINUTE_MS, GexMinute
from grok_sauce.update import Update

log = logging.getLogger(__name__)

VIEW: Final = "all"  # the one view that is kept
KEPT: Final = frozenset({"live", "stale", "closed"})  # not what is still loading or refused
LIMIT: Final = 600  # minutes that may wait for the disk: 100 of each of six symbols
RAW: Final = 60  # payloads that may wait to be encoded


class GexHistory:
    """A publisher that notes, and a tenant of History, which writes.

    publish() keeps the first payload of each symbol's minute; a closed market is kept once a
    session and date of open interest, not once a minute. Encoding and writing happen in
    History's worker, off the loop. A disk that is full makes at most LIMIT minutes wait (the
    oldest go first, counted in dropped).
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.dropped = 0
        self.refused = 0  # payloads that were none
        self._told: dict[str, object] = {}  # symbol -> the minute or closed session kept last
        # Both ends of a deque may be used from two threads without a lock.
        self._raw: deque[Mapping[str, Any]] = deque(maxlen=RAW)
        self._rows: deque[GexMinute] = deque()
        self._problem: str | None = None

    @property
    def depth(self) -> int:
        """Minutes waiting for the disk."""
        return len(self._raw) + len(self._rows)

    def publish(self, updates: Sequence[Update]) -> None:
        """Note the first payload of each minute; never blocks or raises."""
        for update in updates:
            if update.topic == "gex.levels" and update.payload is not None:
                symbol, _, view = update.key.rpartition(":")
                if view == VIEW:
                    self._note(symbol, update.payload)

    def _note(self, symbol: str, payload: Mapping[str, Any]) -> None:
        try:
            mark = _mark(payload)
        except (KeyError, TypeError, ValueError) as problem:
            self._complain(f"{symbol}: {type(problem).__name__} {problem}")
            return
        if self._problem is not None:
            problem_text, self._problem = self._problem, None
            self._complain(problem_text)
        if mark is None or self._told.get(symbol) == mark:
            return
        self._told[symbol] = mark
        self.dropped += len(self._raw) == RAW
        self._raw.append(payload)

    def _complain(self, text: str) -> None:
        """Once: the same payload comes again each second."""
        if not self.refused:
            log.warning("history of gamma exposure: not kept: %s", text)
        self.refused += 1

    # ---- the tenant, on a native thread --------------------------------------------------

    def write(self, connection: sqlite3.Connection) -> int:
        """Encode and write what waits; see history.Tenant."""
        while self._raw:
            try:
                self._rows.append(gex_snapshots.encode(self._raw.popleft()))
            except BadPayload as problem:
                self._problem = str(problem)  # logged on the loop, where locks may be touched
        while len(self._rows) > self.limit:
            self._rows.popleft()
            self.dropped += 1
        if not self._rows:
            return 0
        written = gex_snapshots.write(connection, self._rows)
        self._rows.clear()
        return written

    def prune(self, connection: sqlite3.Connection) -> None:
        """Drop old payloads and very old levels."""
        gex_snapshots.prune(connection)


def _mark(payload: Mapping[str, Any]) -> object:
    """What makes this payload new: its minute, or for a closed market its open interest.

    None: it is not worth keeping.
    """
    state = payload["status"]["state"]
    if state not in KEPT:
        return None
    as_of = datetime.fromisoformat(payload["as_of"])
    if state == "closed":
        return state, payload["oi_date"], gex_snapshots.session_of(as_of.timestamp())
    return int(as_of.timestamp() * 1000) // MINUTE_MS
