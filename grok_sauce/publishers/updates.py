"""Every update and the latest state to Redis, for web roles of ours; never waited for."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from grok_sauce.roles.wire import (
    STREAMED,
    Entry,
    RoleSettings,
    encoded,
    field_of,
    head,
    message,
)
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.fenced_lock import Fence
from grok_sauce.update import Update

log = logging.getLogger(__name__)

WAITING: Final = 50  # beats for which Redis may be slow; more, and the state is written whole
KEPT: Final = 5_000  # updates for Streams that outlive an outage of Redis
LONGEST: Final = 10_000  # entries of a Stream, about
PATIENCE: Final = 0.25  # seconds between two looks whether this process is the owner

# One journey and one moment for all of it, and nothing of it unless the writer is the owner:
# KEYS lock, state, channel, streamed; ARGV lock's text, token, whole, message, head, number of
# fields, (field, value), number of keys gone, (field), number for Streams, (number, stream, json).
_WRITE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if ARGV[3] == '1' then redis.call('DEL', KEYS[2]) end
local at = 6
local fields = tonumber(ARGV[at])
for i = 1, fields do
  redis.call('HSET', KEYS[2], ARGV[at + 2 * i - 1], ARGV[at + 2 * i])
end
at = at + 2 * fields + 1
local gone = tonumber(ARGV[at])
for i = 1, gone do redis.call('HDEL', KEYS[2], ARGV[at + i]) end
at = at + gone + 1
redis.call('HSET', KEYS[2], '', ARGV[5])
local token, last = string.match(redis.call('GET', KEYS[4]) or '', '^(%d+) (%d+)$')
if token ~= ARGV[2] then last = '0' end
for i = 1, tonumber(ARGV[at]) do
  local number = ARGV[at + 3 * i - 2]
  if tonumber(number) > tonumber(last) then
    redis.call('XADD', ARGV[at + 3 * i - 1], 'MAXLEN', '~', LONGEST, '*',
      'token', ARGV[2], 'number', number, 'update', ARGV[at + 3 * i])
    last = number
  end
end
redis.call('SET', KEYS[4], ARGV[2] .. ' ' .. last)
return redis.call('PUBLISH', KEYS[3], ARGV[4])
""".replace("LONGEST", str(LONGEST))


class Link(Protocol):
    """What carries out one command at a Redis server."""

    def do(self, *command: str | bytes | int | float) -> Any: ...


def _is_kept(update: Update) -> bool:
    """Does it go to a Stream? A key like "#numbers" stands beside the rows of its topic."""
    if update.payload is None or update.key.startswith("#"):
        return False
    return update.topic in STREAMED


class UpdatesOut:
    """A worker and a publisher. publish() keeps what is told; run() writes it, a call a beat.

    fence() is this process's proof that it owns the feed, None while it does not: nothing is
    written then. everything() gives the latest of all there is, with which the state is
    written whole at the start, after an outage and after a pause. Each message has the next
    number of this owner; a web role that misses one reads the state.
    """

    name = "updates out"
    longest_pause = 1.0  # seconds; Redis is near

    def __init__(
        self,
        link: Link,
        names: RoleSettings,
        fence: Callable[[], Fence | None],
        lost: Callable[[], None],
        everything: Callable[[], Iterable[Update]],
        clock: Clock,
    ) -> None:
        self._link = link
        self._names = names
        self._fence = fence
        self._lost = lost
        self._everything = everything
        self._clock = clock
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._beats: list[tuple[Update, ...]] = []
        self._streams: deque[tuple[int, Update]] = deque()
        self._numbered = 0
        self._whole = True
        self._token = 0
        self._seq = 0
        self._odd: set[str] = set()
        self.written = 0  # messages
        self.rewritten = 0  # of them whole states
        self.dropped = 0  # updates of Streams that were too many

    def publish(self, updates: Sequence[Update]) -> None:
        """Keep one beat for the worker; never waits for Redis."""
        with self._lock:
            for update in updates:
                if _is_kept(update):
                    self._numbered += 1
                    self._streams.append((self._numbered, update))
            while len(self._streams) > KEPT:
                self._streams.popleft()
                self.dropped += 1
            if not self._whole:
                self._beats.append(tuple(updates))
            if len(self._beats) > WAITING:
                self._start_over()
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Write until stop is set.

        Raises:
            SourceError: Redis did not answer; the next run() writes the state whole.
        """
        with self._lock:
            self._start_over()
        while not stop.is_set():
            fence = self._fence()
            if fence is None:
                with self._lock:
                    self._start_over()
                stop.wait(PATIENCE)
                continue
            self._write(fence)
            self._wake.wait(PATIENCE)
            self._wake.clear()

    @property
    def depth(self) -> int:
        """Beats that wait."""
        return len(self._beats)

    def _start_over(self) -> None:
        self._whole = True
        self._beats.clear()

    def _write(self, fence: Fence) -> None:
        if fence.token != self._token:  # another ownership: its messages count from 1
            self._token, self._seq = fence.token, 0
            with self._lock:
                self._start_over()
        with self._lock:
            whole, self._whole = self._whole, False
            beats = self._beats
            self._beats = []
            streams = list(self._streams)
        if not whole and not beats and not streams:
            return
        # What is published from here on waits for the next message, whether the state has it
        # by then or not: it is the latest of its key, so twice is as good as once.
        told = [tuple(self._everything())] if whole else beats
        entries = [self._encoded(beat) for beat in told]
        try:
            heard = self._link.do(*self._command(fence, whole, entries, streams))
        except BaseException:
            with self._lock:
                self._start_over()
            raise
        if heard == -1:
            self._lost()
            with self._lock:
                self._start_over()
            return
        self._seq += 1
        self.written += 1
        self.rewritten += whole
        with self._lock:
            done = streams[-1][0] if streams else 0
            while self._streams and self._streams[0][0] <= done:
                self._streams.popleft()

    def _command(
        self,
        fence: Fence,
        whole: bool,
        beats: list[list[Entry]],
        streams: list[tuple[int, Update]],
    ) -> list[str | bytes | int | float]:
        names, wall, seq = self._names, round(self._clock.real() * 1000), self._seq + 1
        latest = {field_of(topic, key): body for beat in beats for topic, key, body in beat}
        kept = [(field, body) for field, body in latest.items() if body is not None]
        gone = [field for field, body in latest.items() if body is None]
        told = message(fence.token, seq, wall, [] if whole else beats, whole)
        out: list[str | bytes | int | float] = [
            *("EVAL", _WRITE, 4, names.lock, names.state, names.updates, names.streamed),
            *(fence.text, fence.token, int(whole), told, head(fence.token, seq, wall)),
            len(kept),
        ]
        for field, body in kept:
            out += (field, body)
        out += (len(gone), *gone, len(streams))
        for number, update in streams:
            out += (number, names.stream(update.topic), self._streamed(update))
        return out

    def _encoded(self, beat: Iterable[Update]) -> list[Entry]:
        found = []
        for topic, key, payload in ((each.topic, each.key, each.payload) for each in beat):
            body = None if payload is None else self._body(topic, payload)
            if body is not None or payload is None:
                found.append(Entry(topic, key, body))
        return found

    def _body(self, topic: str, payload: Any) -> bytes | None:
        try:
            return encoded(payload)
        except TypeError as problem:
            if topic not in self._odd:
                self._odd.add(topic)
                log.error("%s is not told to web roles: %s", topic, problem)  # noqa: TRY400
            return None

    def _streamed(self, update: Update) -> bytes:
        """An update alone: what else its payload repeats (a list of recent ones) is left out."""
        payload = update.payload
        if isinstance(payload, dict):
            payload = {name: value for name, value in payload.items() if name != "recent"}
        body = self._body(update.topic, payload)
        return (
            b"null" if body is None else encoded([update.topic, update.key])[:-1] + b",%s]" % body
        )
