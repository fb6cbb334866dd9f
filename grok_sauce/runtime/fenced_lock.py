"""One owner of something at a time, over machines: a lease in Redis with a fencing token."""

from __future__ import annotations

import threading
from typing import Any, Final, Protocol

from grok_sauce.runtime.clock import Clock
from grok_sauce.values import dataclass

LEASE: Final = 5.0  # seconds a lock outlives its owner
MARGIN: Final = 1.5  # seconds before the lease ends in which an owner must have stopped

# Tokens grow for ever: by one, and never below the server's own clock, so that a server that
# forgot everything gives none again that was given before.
_TAKE: Final = """
local held = redis.call('GET', KEYS[1])
if held then
  local token, owner = string.match(held, '^(%d+) (.*)$')
  if owner ~= ARGV[1] then return {'', held} end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {token, held}
end
local now = redis.call('TIME')
local token = tonumber(redis.call('GET', KEYS[2]) or '0') + 1
token = math.max(token, tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000))
local text = string.format('%.0f', token)
redis.call('SET', KEYS[2], text)
redis.call('SET', KEYS[1], text .. ' ' .. ARGV[1], 'PX', ARGV[2])
return {text, text .. ' ' .. ARGV[1]}
"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Link(Protocol):
    """What carries out one command at a Redis server."""

    def do(self, *command: str | bytes | int | float) -> Any: ...


@dataclass(frozen=True, slots=True)
class Fence:
    """Proof of ownership: its number, and the lock's content while it holds."""

    token: int
    text: str


class FencedLock:
    """A named lock at a Redis server. Thread-safe; commands raise what the link raises.

    owner names this process and must differ from that of every other one. fence is None from
    the moment on at which somebody else could become the owner, less MARGIN, by this process's
    own monotonic clock: whoever acts as the owner asks for it before each act, and has what it
    writes checked against it at the server.
    """

    def __init__(
        self, link: Link, key: str, owner: str, clock: Clock, lease: float = LEASE
    ) -> None:
        self._link = link
        self.key = key
        self.counter = f"{key}:token"
        self.owner = owner
        self._clock = clock
        self.lease = lease
        self._lock = threading.Lock()
        self._fence: Fence | None = None
        self._until = 0.0
        self.holder: str | None = None  # somebody else, as far as is known

    @property
    def fence(self) -> Fence | None:
        """What this process owns now, if anything."""
        with self._lock:
            if self._fence is None or self._clock.monotonic() >= self._until:
                return None
            return self._fence

    @property
    def left(self) -> float:
        """Seconds for which fence stays good without a further keep()."""
        with self._lock:
            return 0.0 if self._fence is None else max(0.0, self._until - self._clock.monotonic())

    def keep(self) -> Fence | None:
        """Take the lock, or hold it for another lease; None where somebody else has it.

        One that ran out unnoticed is taken anew, with a higher token.
        """
        asked = self._clock.monotonic()  # the lease runs from then at the latest
        milliseconds = round(self.lease * 1000)
        token, held = self._link.do(
            "EVAL", _TAKE, 2, self.key, self.counter, self.owner, milliseconds
        )
        with self._lock:
            if not token:
                self._fence = None
                self.holder = _text(held).partition(" ")[2]
                return None
            self.holder = None
            self._fence = Fence(int(token), _text(held))
            self._until = asked + self.lease - min(MARGIN, self.lease / 3)
            return self._fence if self._clock.monotonic() < self._until else None

    def lost(self) -> None:
        """The server said that somebody else is the owner: own nothing from now on."""
        with self._lock:
            self._fence = None

    def release(self) -> None:
        """Let go, so that the next owner need not wait for the lease to end."""
        with self._lock:
            fence, self._fence = self._fence, None
        if fence is not None:
            self._link.do("EVAL", _RELEASE, 1, self.key, fence.text)


def _text(found: Any) -> str:
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
