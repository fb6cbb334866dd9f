"""Calls counted over a rolling time, kept on disk over restarts; when the next one is free.

quota = Quota(48, 12 * 3600.0, path)
quota.next_at(now, leave=0) -> float    now or earlier when a call is free
quota.take(now, leave=0) -> bool        count one call; False when none is free
quota.pace(now) -> float                seconds between calls that spread what is left
"""

from __future__ import annotations

import json
import logging
import threading
from bisect import insort
from math import isfinite
from pathlib import Path
from typing import Final

from grok_sauce.errors import GrokSauceError
from grok_sauce.settings import write_whole

log = logging.getLogger(__name__)

_MOST_KEPT: Final = 100_000  # times a file may hold


class QuotaUsed(GrokSauceError):
    """No call is free; next_at is when one is (market time, Unix seconds)."""

    def __init__(self, message: str, next_at: float) -> None:
        super().__init__(message)
        self.next_at = next_at


class Quota:
    """At most `most` calls in any `window` seconds, whoever makes them. Safe for threads.

    Times are market time. path None counts in memory only. A call is counted before it is
    made: one that fails may have reached the other side.
    """

    def __init__(self, most: int, window: float, path: Path | None = None) -> None:
        self.most = most
        self.window = window
        self._path = path
        self._lock = threading.Lock()
        self._calls: list[float] = []
        self._not_before = 0.0  # the source itself said that there are no more
        self._loaded = False
        self._refused = False

    def used(self, now: float) -> int:
        """Calls of the last window."""
        with self._lock:
            self._load(now)
            return len(self._calls)

    def last(self, now: float) -> float | None:
        """When the newest counted call was made; None without one in the window."""
        with self._lock:
            self._load(now)
            return self._calls[-1] if self._calls else None

    def next_at(self, now: float, leave: int = 0) -> float:
        """The market time from which a call is free; at most now when one is.

        leave: calls that are kept for others.
        """
        with self._lock:
            self._load(now)
            return self._next(now, leave)

    def pace(self, now: float) -> float:
        """Seconds between calls that make those left last until the oldest has run out."""
        with self._lock:
            self._load(now)
            if not self._calls:
                return 0.0
            left = self.most - len(self._calls)
            return (self._calls[0] + self.window - now) / max(1, left)

    def take(self, now: float, leave: int = 0) -> bool:
        """Count one call and say whether it may be made; leave: calls kept for others."""
        with self._lock:
            self._load(now)
            if self._next(now, leave) > now:
                return False
            insort(self._calls, now)
            self._write()
            return True

    def exhausted(self, now: float) -> float:
        """The source says that none is left: wait until the oldest counted call has run out.

        Returns that time. Without a call that we counted, somebody else used the key: the
        whole window is waited for.
        """
        with self._lock:
            self._load(now)
            oldest = self._calls[0] if self._calls else now
            self._not_before = max(self._not_before, oldest + self.window)
            self._write()
            return self._next(now)

    def _next(self, now: float, leave: int = 0) -> float:
        free, most = now, max(1, self.most - leave)
        if len(self._calls) >= most:
            # The call this many back has to run out first.
            free = self._calls[-most] + self.window
        return max(free, self._not_before)

    def _load(self, now: float) -> None:
        """Read the file once; forget calls that have run out."""
        if not self._loaded:
            self._loaded = True
            self._read(now)
        self._calls = [at for at in self._calls if now - at < self.window]
        if self._not_before > now + self.window:  # a clock that was set back
            self._not_before = now + self.window

    def _read(self, now: float) -> None:
        if self._path is None:
            return
        try:
            found = json.loads(self._path.read_bytes())
            calls = [float(at) for at in found["calls"]][:_MOST_KEPT]
            until = float(found["not_before"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as problem:
            log.warning("%s is of no use, calls are counted anew: %s", self._path.name, problem)
            return
        if all(map(isfinite, (*calls, until))):
            # Calls of the future are of a clock that was set back: they count from now on.
            self._calls = sorted(min(at, now) for at in calls)
            self._not_before = until

    def _write(self) -> None:
        if self._path is None:
            return
        text = json.dumps({"calls": self._calls, "not_before": self._not_before})
        try:
            write_whole(self._path, text.encode())
            self._refused = False
        except OSError as problem:
            if not self._refused:
                log.warning("%s not written, calls are counted in memory: %s", self._path, problem)
            self._refused = True
