"""Followed: tells upstream which views browsers follow, from the first one to the last."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from grok_sauce.errors import SettingsError
from grok_sauce.publishers.pages import Page, Refusal

Watch = Callable[[str, str, str], object]  # page, symbol, view


def nobody(page: str, symbol: str, view: str) -> None:
    """Where views are nobody's business."""


class Followed:
    """Rooms of pages with views, and who must be told of them. Thread-safe.

    members(room) counts who is in a room now. watch is called at each entry, unwatch when the
    last one has gone, however they went.
    """

    def __init__(self, members: Callable[[str], int], watch: Watch, unwatch: Watch) -> None:
        self._members = members
        self._watch = watch
        self._unwatch = unwatch
        self._lock = threading.Lock()  # who is the last one must not change while it is told
        self._rooms: dict[str, tuple[str, str, str]] = {}

    def enter(self, page: Page, room: str, join: Callable[[], None]) -> None:
        """join() the room, having told that its view is followed.

        Raises:
            Refusal: no further view can be followed; join() was not called.
        """
        with self._lock:
            if page.view:
                _, symbol, view = room.split(":", 2)
                try:
                    self._watch(page.name, symbol, view)
                except SettingsError as problem:
                    raise Refusal("too_many_views", str(problem), "view") from None
                self._rooms[room] = (page.name, symbol, view)
            join()

    def left(self) -> None:
        """Somebody left rooms: tell of those that nobody is in any more."""
        if not self._rooms:
            return
        with self._lock:
            for room in [room for room in self._rooms if not self._members(room)]:
                self._unwatch(*self._rooms.pop(room))


def loading(payload: Any) -> dict[str, Any]:
    """What an acknowledgement adds while a view is not there yet: {loading, done, of}."""
    if payload is None:
        return {"loading": True, "done": 0, "of": None}
    status = payload.get("status") if isinstance(payload, dict) else None
    if not isinstance(status, dict) or status.get("state") != "loading":
        return {}
    return {"loading": True, "done": status.get("loaded"), "of": status.get("of")}
