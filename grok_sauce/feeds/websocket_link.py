"""A WebSocket to a feed: websocket-client connects, reading is ours (13 to 35 times cheaper)."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from grok_sauce.errors import SourceError, reason_of
from grok_sauce.feeds.websocket_frames import FrameSplitter
from grok_sauce.http import LOOPBACK, USER_AGENT

log = logging.getLogger(__name__)

_CLOSE, _PING = 0x8, 0x9
_SEND_WAIT: Final = 5.0  # a server that takes nothing for so long is gone


class LinkClosed(SourceError):
    """The connection ended; code is the WebSocket close code, 1006 without a close frame."""

    def __init__(self, message: str, code: int = 1006) -> None:
        super().__init__(message)
        self.code = code


class UpgradeRefused(SourceError):
    """The server answered the WebSocket handshake with an HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class WebSocketLink:
    """One connection. receive() and send() belong to one thread; shut() may come from another.

    name is for messages ("dxLink"); poll is how long receive() waits (seconds), connect
    limits the handshake, limit the size of a message (bytes). origin and user_agent are sent
    with the handshake, our own address and name unless given.

    Raises (from the constructor and both methods):
        UpgradeRefused, LinkClosed, SourceError: with the source's name.
    """

    def __init__(
        self,
        url: str,
        name: str,
        headers: Sequence[str] = (),
        poll: float = 0.1,
        connect: float = 10.0,
        limit: int = 16 * 1024 * 1024,
        origin: str | None = None,
        user_agent: str = USER_AGENT,
    ) -> None:
        self._name = name
        self._poll = poll
        self._splitter = FrameSplitter(limit)
        self._close: LinkClosed | None = None
        self._sending = threading.Lock()
        self._ws = self._connect(url, [f"User-Agent: {user_agent}", *headers], connect, origin)
        self._sock: Any = self._ws.sock
        self._sock.settimeout(poll)

    def _connect(self, url: str, headers: Sequence[str], connect: float, origin: str | None) -> Any:
        import websocket  # 40 ms of start-up: only when connecting

        host = urlsplit(url).hostname or ""
        try:
            return websocket.create_connection(
                url,
                timeout=connect,
                header=list(headers),
                origin=origin,
                # A proxy of the environment cannot reach our own machine.
                http_no_proxy=[host] if host in LOOPBACK else None,
                sockopt=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
                skip_utf8_validation=True,
                redirect_limit=3,
            )
        except websocket.WebSocketBadStatusException as problem:
            raise UpgradeRefused(
                f"{self._name}: {host} refused the connection with HTTP {problem.status_code}",
                int(problem.status_code),
            ) from None
        except (websocket.WebSocketException, OSError, ValueError) as problem:
            raise SourceError(f"{self._name}: no connection to {host}: {_words(problem)}") from None

    def receive(self) -> list[bytes]:
        """Messages that came; [] when none did within `poll`."""
        if self._close is not None:
            raise self._close
        try:
            count = self._sock.recv_into(self._splitter.space())
        except (TimeoutError, ssl.SSLWantReadError, BlockingIOError):
            return []
        except OSError as problem:
            if isinstance(problem, ssl.SSLError) and "timed out" in str(problem):
                return []
            raise LinkClosed(f"{self._name}: connection lost: {_words(problem)}") from None
        if not count:
            raise LinkClosed(f"{self._name}: connection ended without a close")
        messages = self._splitter.received(count)
        if self._splitter.controls:
            self._answer_controls()
        return messages

    def send(self, text: str) -> None:
        """Send one text message whole."""
        self._write(lambda: self._ws.send(text))

    def shut(self) -> None:
        """Say goodbye if possible and close; never raises."""
        try:
            if self._close is None and self._sending.acquire(timeout=1.0):
                try:
                    self._sock.settimeout(1.0)
                    self._ws.send_close()
                finally:
                    self._sending.release()
        except Exception as problem:  # noqa: BLE001 - it goes away either way
            log.debug("%s: close not sent: %s", self._name, _words(problem))
        try:
            self._ws.shutdown()
        except OSError as problem:
            log.debug("%s: not closed: %s", self._name, _words(problem))

    def _answer_controls(self) -> None:
        for control in self._splitter.controls:
            if control.opcode == _PING:
                payload = control.payload
                self._write(lambda payload=payload: self._ws.pong(payload))
            elif control.opcode == _CLOSE and self._close is None:
                reason = "".join(c for c in control.close_reason[:80] if c.isprintable())
                # Messages that came before it are still handed over.
                code = control.close_code
                self._close = LinkClosed(
                    f"{self._name}: closed by the server with {code} {reason}".rstrip(), code
                )
        self._splitter.controls.clear()

    def _write(self, action: Any) -> None:
        import websocket

        with self._sending:
            try:
                self._sock.settimeout(_SEND_WAIT)
                action()
            except (websocket.WebSocketException, OSError) as problem:
                raise LinkClosed(f"{self._name}: cannot send: {_words(problem)}") from None
            finally:
                self._sock.settimeout(self._poll)


def _words(problem: BaseException) -> str:
    """An error in words, without addresses or what the server said at length."""
    if isinstance(problem, OSError) and problem.strerror:
        return reason_of(problem)
    text = str(problem).splitlines()[0][:120] if str(problem) else ""
    return text or type(problem).__name__
