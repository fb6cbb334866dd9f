"""One upgraded WebSocket: joins the socket, the frames and a protocol session."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final, Protocol

from grok_sauce.runtime.clock import Clock
from grok_sauce.simulator import websocket
from grok_sauce.simulator.desk import Key
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.link import Link

log = logging.getLogger(__name__)

_CLOSE_WAIT: Final = 1.0  # seconds for the client to answer a Close
_BACKLOG: Final = 256 * 1024  # bytes a slow client may owe before data are conflated further
_BACKLOG_LIMIT: Final = 64 * 1024 * 1024  # bytes after which it is dropped


class Session(Protocol):
    """A protocol on a WebSocket: text in, texts out. Called by one thread at a time."""

    closing: tuple[int, str] | None

    @property
    def busy(self) -> bool: ...
    def receive(self, text: str) -> list[str]: ...
    def pump(self) -> list[str]: ...
    def note(self, changed: frozenset[Key]) -> None: ...
    def tick(self, room: bool = True) -> list[str]: ...
    def closed(self) -> None: ...


class Peer:
    """Feeds a session from its socket (run) and from the market's beat (tick)."""

    def __init__(self, session: Session, link: Link, faults: Faults, clock: Clock) -> None:
        self._session = session
        self._link = link
        self._faults = faults
        self._clock = clock
        self._lock = threading.Lock()
        self._reader = websocket.Reader()
        self._opened = clock.monotonic()
        self._closing_at: float | None = None

    def run(self, first: bytes, receive: Callable[[int], bytes]) -> None:
        """Read until the connection ends. first: bytes that came behind the upgrade."""
        try:
            data = first or receive(65536)
            while data and not self._link.gone:
                if self._faults.flag("half_open"):
                    data = receive(65536)  # heard by nobody
                    continue
                for message in self._reader.feed(data):
                    self._take(message)
                data = receive(65536)
        except websocket.Violation as violation:
            self.close(violation.code, violation.reason)
        except OSError as problem:
            log.debug("connection lost: %s", problem)
        finally:
            with self._lock:
                self._session.closed()
            self._link.finish()

    def tick(self, changed: frozenset[Key]) -> None:
        """Pass on what moved and send what is due; never waits for the reader's thread."""
        self._session.note(changed)
        if self._faults.flag("half_open"):
            return
        now = self._clock.monotonic()
        lives = self._faults.number("cut_after")
        overdue = self._closing_at is not None and now - self._closing_at > _CLOSE_WAIT
        too_slow = self._link.backlog > _BACKLOG_LIMIT
        if overdue or too_slow or (lives and now - self._opened >= lives):
            self.abort()
            return
        if self._closing_at is not None or not self._lock.acquire(blocking=False):
            return
        try:
            self._send(self._session.tick(room=self._link.backlog < _BACKLOG))
        finally:
            self._lock.release()

    def close(self, code: int, reason: str) -> None:
        """Say goodbye; the socket is torn down when the client does not answer in time."""
        if self._closing_at is None:
            self._closing_at = self._clock.monotonic()
            self._put(websocket.close_frame(code, reason))
            self._link.finish()

    def abort(self) -> None:
        """Tear the socket down without a goodbye."""
        self._link.abort()

    def _take(self, message: websocket.Message) -> None:
        if message.opcode == websocket.PING:
            self._put(websocket.frame(websocket.PONG, message.payload))
        elif message.opcode == websocket.CLOSE:
            code = websocket.close_code(message.payload)
            self.close(1000 if code == 1005 else code, "")
        elif message.opcode in (websocket.TEXT, websocket.BINARY) and self._closing_at is None:
            text = message.payload.decode("utf-8", "replace")
            with self._lock:
                self._send(self._session.receive(text))
            while self._closing_at is None and not self._link.gone:
                with self._lock:  # let go between slices: the beat must get its turn
                    if not self._session.busy:
                        break
                    self._send(self._session.pump())

    def _send(self, texts: list[str]) -> None:
        if texts:
            self._put(b"".join(websocket.frame(websocket.TEXT, t.encode()) for t in texts))
        if self._session.closing is not None:
            self.close(*self._session.closing)

    def _put(self, data: bytes) -> None:
        if not self._faults.flag("half_open"):  # else swallowed: open, and silent
            self._link.send(data)
