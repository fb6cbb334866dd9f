"""What waits for Redis: of some channels the newest of each key, of others every message."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from grok_sauce.runtime.clock import Clock
from grok_sauce.update import Update
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

Body = Mapping[str, Any]
# (key, payload) of an update -> what is told, None when this one is not.
Shape = Callable[[str, Any], Body | None]

AT_ONCE: Final = 500  # messages of one journey
REMEMBERED: Final = 1000  # identities of messages of one channel that are not told twice
BROKEN: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError)


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of Redis and what goes there.

    Without whole the newest of each key waits, and a key is told once in `every` seconds. With
    whole every message waits, in order, at most so many (the oldest go, counted). identity names
    a message: one with the name of one told before is not told (without whole: of the one told
    last of its key). expires says until when (market time) a message is worth telling; None
    where it is always. kept names the string of Redis that holds the newest message's data for
    late comers, and for how many seconds.
    """

    name: str
    topic: str
    shape: Shape
    every: float = 0.0
    whole: int = 0
    identity: Callable[[Body], str] | None = None
    expires: Callable[[Body], float | None] | None = None
    kept: Callable[[Body], tuple[str, int]] | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """One message that waits: its channel, its key, and its body (of whole channels)."""

    channel: Channel
    key: str
    value: Any
    expires: float | None = None


class Waiting:
    """Filled by publish() of whoever tells news, emptied by the one worker that sends.

    counts: (channel, what became of it) -> how many; what is "dropped" (too many waited),
    "expired", "refused" (not of the documented shape, or not taken by Redis).
    """

    def __init__(self, channels: Sequence[Channel], clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._topics: dict[str, list[Channel]] = {}
        for channel in channels:
            self._topics.setdefault(channel.topic, []).append(channel)
        self._newest: dict[tuple[str, str], Waits] = {}
        self._told_at: dict[tuple[str, str], float] = {}  # monotonic
        self._whole: dict[str, deque[Waits]] = {c.name: deque() for c in channels if c.whole}
        self._known: dict[str, deque[str]] = {
            name: deque(maxlen=REMEMBERED) for name in self._whole
        }
        self._complained: set[str] = set()
        self._last: dict[tuple[str, str], str] = {}  # identity of what was told last
        self.counts: Counter[tuple[str, str]] = Counter()

    @property
    def depth(self) -> int:
        """Messages that wait."""
        with self._lock:
            return len(self._newest) + sum(len(queue) for queue in self._whole.values())

    def put(self, updates: Sequence[Update]) -> bool:
        """Note what is to be told; True when some of it should go at once. Never blocks."""
        urgent = False
        for update in updates:
            for channel in self._topics.get(update.topic, ()):
                if channel.whole:
                    urgent = self._append(channel, update.key, update.payload) or urgent
                else:
                    self._replace(channel, update.key, update.payload)
        return urgent

    def _replace(self, channel: Channel, key: str, payload: Any) -> None:
        with self._lock:
            if payload is None:
                self._newest.pop((channel.name, key), None)
                self._told_at.pop((channel.name, key), None)
                self._last.pop((channel.name, key), None)
            else:
                self._newest[channel.name, key] = Waits(channel, key, payload)

    def _append(self, channel: Channel, key: str, payload: Any) -> bool:
        body = None if payload is None else self.shaped(channel, key, payload)
        if body is None:
            return False
        try:
            name = None if channel.identity is None else channel.identity(body)
            expires = None if channel.expires is None else channel.expires(body)
        except BROKEN as problem:
            self.complain(channel, f"{type(problem).__name__} {problem}")
            return False
        with self._lock:
            if name is not None:
                if name in self._known[channel.name]:
                    return False
                self._known[channel.name].append(name)
            queue = self._whole[channel.name]
            if len(queue) >= channel.whole:
                queue.popleft()
                self.counts[channel.name, "dropped"] += 1
            queue.append(Waits(channel, key, body, expires))
        return True

    def shaped(self, channel: Channel, key: str, payload: Any) -> Body | None:
        """What a channel tells of a payload; None for nothing, or for one that cannot be read."""
        try:
            return channel.shape(key, payload)
        except BROKEN as problem:
            self.complain(channel, f"{type(problem).__name__} {problem}")
            return None

    def is_news(self, item: Waits, body: Body) -> bool:
        """False when the newest of its key was told already, by its identity."""
        if item.channel.whole or item.channel.identity is None:
            return True
        place, name = (item.channel.name, item.key), item.channel.identity(body)
        if self._last.get(place) == name:
            return False
        self._last[place] = name
        return True

    def totals(self) -> dict[tuple[str, str], int]:
        """The counts as they are now."""
        return dict(self.counts)

    def complain(self, channel: Channel, text: str) -> None:
        """Count a message that cannot be told; logged once a channel."""
        self.counts[channel.name, "refused"] += 1
        if channel.name not in self._complained:
            self._complained.add(channel.name)
            log.warning("redis: %s: not told: %s", channel.name, text)

    def due(self) -> list[Waits]:
        """What may be told now, oldest of the whole ones first; gone from here, see back()."""
        now, market = self._clock.monotonic(), self._clock.market()
        found: list[Waits] = []
        with self._lock:
            for name, queue in self._whole.items():
                while queue and len(found) < AT_ONCE:
                    item = queue.popleft()
                    if item.expires is not None and market >= item.expires:
                        self.counts[name, "expired"] += 1
                    else:
                        found.append(item)
            ready = [
                place
                for place, item in self._newest.items()
                if now - self._told_at.get(place, float("-inf")) >= item.channel.every
            ]
            for place in ready[: AT_ONCE - len(found)]:
                found.append(self._newest.pop(place))
                self._told_at[place] = now
        return found

    def back(self, items: Sequence[Waits]) -> None:
        """These were not told after all; what came meanwhile stands before them."""
        with self._lock:
            for item in reversed(items):
                place = item.channel.name, item.key
                if item.channel.whole:
                    queue = self._whole[item.channel.name]
                    if len(queue) < item.channel.whole:
                        queue.appendleft(item)
                    else:
                        self.counts[item.channel.name, "dropped"] += 1
                else:
                    self._told_at.pop(place, None)
                    self._last.pop(place, None)
                    self._newest.setdefault(place, item)
