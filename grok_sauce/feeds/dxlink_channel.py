"""One dxLink channel: its state, what it holds, and the next message of changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Final, Literal

import orjson

from grok_sauce.errors import SourceError
from grok_sauce.feeds.dxlink_decode import ChannelDecoder
from grok_sauce.feeds.subscriptions import CANDLE, Changes, Key, Subscription, changes
from grok_sauce.values import dataclass

REOPENS: Final = 6  # a channel that closes so often in a row ends the connection
STEADY: Final = 60.0  # seconds after which a reopened channel counts as healthy
_ENVELOPE: Final = 80  # bytes of a FEED_SUBSCRIPTION around its entries

ChannelState = Literal["closed", "requested", "setup", "open"]


@dataclass(slots=True)
class Channel:
    """Times are monotonic. held is what the server was told of since the channel opened."""

    number: int
    kinds: tuple[str, ...]
    state: ChannelState = "closed"
    since: float = 0.0  # when the state was entered
    decoder: ChannelDecoder = field(default_factory=ChannelDecoder)
    held: dict[Key, Subscription] = field(default_factory=dict)
    last_add: int = 0  # entries in the newest message
    reopen_at: float | None = None
    _wanted: Mapping[Key, Subscription] = field(default_factory=dict)
    _dirty: bool = False
    _resend: bool = False
    _remove: deque[Subscription] = field(default_factory=deque)
    _add: deque[Subscription] = field(default_factory=deque)
    _closes: int = 0

    @property
    def pending(self) -> bool:
        """True while changes wait to be sent."""
        return bool(self._dirty or self._resend or self._remove or self._add)

    def want(self, entries: Mapping[Key, Subscription]) -> None:
        """Hold those of these that are of this channel's kinds."""
        self._wanted = {key: entry for key, entry in entries.items() if key[0] in self.kinds}
        self._dirty = True

    def resend(self) -> None:
        """Ask for everything again with the next message."""
        self._resend = True

    def enter(self, state: ChannelState, now: float) -> None:
        """Change the state; a channel that opens sends all it wants."""
        self.state, self.since, self.reopen_at = state, now, None
        self._dirty = self._dirty or state == "open"

    def closed(self, now: float) -> None:
        """The server closed it: forget what it held, open again after a pause.

        Raises:
            SourceError: it happens again and again.
        """
        self._closes = 1 if now - self.since >= STEADY else self._closes + 1
        if self._closes > REOPENS:
            raise SourceError(f"dxLink: the server keeps closing channel {self.number}")
        self.enter("closed", now)
        self.reopen_at = now + 0.25 * 2**self._closes
        self.held.clear()
        self._add.clear()
        self._remove.clear()
        self.decoder = ChannelDecoder()

    def next_changes(
        self, entries: int, adds: int, size: int, start: Callable[[Subscription], int]
    ) -> tuple[str, Changes] | None:
        """A message of at most `entries` changes in `size` bytes, removals first; None: no need.

        adds: how many of them may be additions. start tells where the history of a candle is
        asked from (Unix ms). What the message says counts as held from here on.
        """
        if self._resend:
            self._resend, self._dirty = False, True
            for key in self._wanted.keys() & self.held.keys():
                del self.held[key]
        if self._dirty:
            self._dirty = False
            todo = changes(self.held, self._wanted)
            self._remove, self._add = deque(todo.remove), deque(todo.add)
        space = size - _ENVELOPE
        # fromTime must be there on removal and is not looked at.
        removed, space = _take(self._remove, entries, space, lambda _: 0)
        added, _ = _take(self._add, min(adds, entries - len(removed)), space, start)
        if not removed and not added:
            return None
        for entry in removed:
            self.held.pop((entry.kind, entry.symbol), None)
        for entry in added:
            self.held[(entry.kind, entry.symbol)] = entry
        self.last_add = len(added)
        parts = [f'{{"type":"FEED_SUBSCRIPTION","channel":{self.number}']
        for word, some in (("remove", removed), ("add", added)):
            if some:
                parts.append(f',"{word}":[{",".join(some.values())}]')
        return "".join([*parts, "}"]), Changes(tuple(removed), tuple(added))


def _take(
    queue: deque[Subscription], most: int, space: int, start: Callable[[Subscription], int]
) -> tuple[dict[Subscription, str], int]:
    """Entries from the front of a queue that fit, with their JSON, and the bytes left."""
    taken: dict[Subscription, str] = {}
    while queue and len(taken) < most:
        entry = queue[0]
        said: dict[str, Any] = {"type": entry.kind, "symbol": entry.symbol}
        if entry.kind == CANDLE:
            said["fromTime"] = start(entry)
        text = orjson.dumps(said)
        if len(text) >= space:
            break
        queue.popleft()
        taken[entry] = text.decode()
        space -= len(text) + 1
    return taken, space
