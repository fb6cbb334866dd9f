"""What goes out on one socket: a queue and a writer, so that no sender waits for a slow reader."""

from __future__ import annotations

import logging
import socket
import struct
import threading
from collections import deque
from typing import Final

from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.simulator.faults import Faults

log = logging.getLogger(__name__)

LINGER_OFF: Final = struct.pack("ii", 1, 0)  # close with a reset, not with a goodbye
_BEAT: Final = 0.05  # seconds between two dribbles of the fault `slow`


class Link:
    """The sending half of a connection. Any thread may call send(), finish() and abort()."""

    def __init__(self, sock: socket.socket, faults: Faults, clock: Clock) -> None:
        self._sock = sock
        self._faults = faults
        self._clock = clock
        self._ready = threading.Condition()
        self._queue: deque[tuple[float, bytes, bool]] = deque()  # not before, bytes, faulty
        self._finishing = False
        self._gone = threading.Event()
        self.backlog = 0  # bytes waiting
        self._writer = concurrency.spawn(self._write, name="simulator-writer")

    @property
    def gone(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._gone.is_set()

    def send(self, data: bytes, faulty: bool = True) -> None:
        """Queue bytes; they go out in order. faulty: latency and slowness apply to them."""
        with self._ready:
            if self._finishing or self.gone:
                return
            due = self._clock.monotonic()
            if faulty:
                due += self._faults.number("latency")
            self._queue.append((due, data, faulty))
            self.backlog += len(data)
            self._ready.notify()

    def finish(self) -> None:
        """Send what is queued, then say that nothing more follows."""
        with self._ready:
            self._finishing = True
            self._ready.notify()

    def join(self, timeout: float) -> None:
        """Wait at most timeout seconds until the writer has ended; then end it."""
        self._writer.join(timeout)
        if self._writer.is_alive():
            self.abort()

    def abort(self, reset: bool = True) -> None:
        """End the socket now; reset tears it down without a goodbye."""
        with self._ready:
            self._gone.set()
            self._queue.clear()
            self.backlog = 0
            self._ready.notify()
        try:
            if reset:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_OFF)
            self._sock.shutdown(socket.SHUT_RDWR)  # wakes a reader that is blocked on it
        except OSError:
            log.debug("the other side was gone already")

    def _write(self) -> None:
        try:
            while (taken := self._next()) is not None:
                self._put(*taken)
            if not self.gone:
                self._sock.shutdown(socket.SHUT_WR)
        except OSError as problem:
            log.debug("writing ended: %s", problem)
        finally:
            self._gone.set()

    def _next(self) -> tuple[bytes, bool] | None:
        """All bytes that may go now, joined; None when the writer is to end."""
        with self._ready:
            while not self.gone:
                if not self._queue:
                    if self._finishing:
                        return None
                    self._ready.wait()
                    continue
                now = self._clock.monotonic()
                due, _, faulty = self._queue[0]
                if due > now:
                    self._ready.wait(due - now)
                    continue
                parts: list[bytes] = []
                while self._queue and self._queue[0][0] <= now and self._queue[0][2] == faulty:
                    parts.append(self._queue.popleft()[1])
                data = b"".join(parts)
                self.backlog -= len(data)
                return data, faulty
            return None

    def _put(self, data: bytes, faulty: bool) -> None:
        at = 0
        while at < len(data) and not self.gone:
            rate = self._faults.number("slow") if faulty else 0.0
            if not rate:
                self._sock.sendall(data[at:] if at else data)
                return
            step = max(1, int(rate * _BEAT))
            self._sock.sendall(data[at : at + step])
            at += step
            self._gone.wait(_BEAT)
