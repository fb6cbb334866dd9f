"""Views: which symbol and expiries somebody looks at, kept for a while after the last one left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from grok_sauce.errors import SettingsError
from grok_sauce.runtime.clock import Clock
from grok_sauce.values import dataclass

MOST: Final = 16  # views at a time
LINGER: Final = 300.0  # seconds (real time) a view is kept after the last one left


class Kept(NamedTuple):
    """A view that is kept calculated. watched: a browser follows it now."""

    page: str
    symbol: str
    view: str
    watched: bool


@dataclass(slots=True)
class _Entry:
    watched: bool
    left_at: float  # monotonic; while watched of no meaning


class Views:
    """A table of views. Thread-safe; changed() is called, on the caller's thread, after a change.

    Nothing is counted: whoever tells us knows whether somebody is still there.
    """

    def __init__(self, clock: Clock, changed: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str, str], _Entry] = {}

    def watch(self, page: str, symbol: str, view: str) -> None:
        """Somebody follows a view.

        Raises:
            SettingsError: as many views are watched as there may be.
        """
        with self._lock:
            is_new = self._enter(page, symbol, view, watched=True)
        if is_new:
            self._changed()

    def touch(self, page: str, symbol: str, view: str) -> None:
        """Somebody asked for a view once: it is kept as if they had just left.

        Raises:
            SettingsError: as many views are watched as there may be.
        """
        with self._lock:
            is_new = self._enter(page, symbol, view, watched=False)
        if is_new:
            self._changed()

    def unwatch(self, page: str, symbol: str, view: str) -> None:
        """The last one left; a view nobody watched is ignored."""
        with self._lock:
            entry = self._entries.get((page, symbol, view))
            if entry is None or not entry.watched:
                return
            entry.watched, entry.left_at = False, self._clock.monotonic()
        self._changed()

    def sweep(self) -> None:
        """Let go of views that nobody came back to; call it every second or so."""
        now = self._clock.monotonic()
        with self._lock:
            gone = [
                key
                for key, entry in self._entries.items()
                if not entry.watched and now - entry.left_at >= LINGER
            ]
            for key in gone:
                del self._entries[key]
        if gone:
            self._changed()

    def kept(self) -> tuple[Kept, ...]:
        """All views kept now, in the order they came."""
        with self._lock:
            return tuple(Kept(*key, entry.watched) for key, entry in self._entries.items())

    def _enter(self, page: str, symbol: str, view: str, watched: bool) -> bool:
        """Is something new to be told? Makes room by the one that was left longest ago."""
        key, now = (page, symbol, view), self._clock.monotonic()
        entry = self._entries.get(key)
        if entry is not None:
            was, entry.left_at = entry.watched, now
            entry.watched = was or watched
            return entry.watched is not was
        if len(self._entries) >= MOST:
            left = [each for each in self._entries if not self._entries[each].watched]
            if not left:
                raise SettingsError(f"{MOST} views are open, which is the limit; close one")
            del self._entries[min(left, key=lambda each: self._entries[each].left_at)]
        self._entries[key] = _Entry(watched, now)
        return True
