"""Wire: the way from us to one browser's WebSocket; and the private seam by which we reach it.

The seam: Engine.IO makes the WebSocket of a connection with `server._async["websocket"]`,
calls it with (handler, server), and its handler, a bound method of the connection's
`engineio.socket.Socket`, is given the WebSocket to send on. `install` puts a subclass in
that place which hands the handler a Wire instead. `_async` is private, so the version is
pinned and tests/publishers/test_broadcast_seam.py names what moved when it moves.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

from grok_sauce.publishers import frames

log = logging.getLogger(__name__)

# The kernel's buffer of a browser that stops reading holds old states: keep it short.
SEND_BUFFER: Final = 128 * 1024
# What a browser sends over a WebSocket begins with one of these Engine.IO types: CLOSE, PING
# (the probe), PONG, MESSAGE, UPGRADE.
_PACKETS: Final = frozenset("12345")
RECHECK: Final = 2.0  # seconds after which a waiting thread looks whether it is still connected
# Sends without waiting; where the flag is missing the socket itself never waits (eventlet).
DONT_WAIT: Final[int] = getattr(socket, "MSG_DONTWAIT", 0)


class Waiting(Protocol):
    """A message that is made at the moment its turn comes."""

    def take(self) -> frames.Message: ...


class Wire:
    """What Engine.IO takes for its WebSocket: send, wait, close.

    lock is held while anything is being written. since is when the present write began
    (real monotonic seconds), None while nothing is written. direct is the socket's send
    that must never wait; None where there is no fast lane.
    """

    def __init__(
        self,
        websocket: Any,
        raw: Any,
        lock: Any,
        send_all: Callable[[bytes], Any],
        monotonic: Callable[[], float],
        packs: bool,
    ) -> None:
        self._websocket = websocket
        self._raw = raw
        self._monotonic = monotonic
        self.send_all = send_all
        self.lock = lock
        self.packs = packs
        self.direct: Callable[[bytes, int], int] | None = None
        self.since: float | None = None
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    @property
    def socket(self) -> Any:
        """Engine.IO sets its time-out here."""
        return getattr(self._websocket, "socket", self._raw)

    def send(self, message: Any) -> None:
        """Write a packet (text) or a waiting message, which is made only when its turn comes.

        Raises:
            OSError: the connection is gone; a frame may be cut, so nothing follows it.
        """
        with self.lock:
            if isinstance(message, str):
                data = self._frame(message.encode())
            elif isinstance(message, bytes):
                data = frames.frame(message, 0x82)
            else:
                taken = message.take()
                data = taken.packed if self.packs else taken.plain
            self.write(data)

    def write(self, data: bytes) -> None:
        """Write bytes with the lock held already, however long the browser takes."""
        self.since = self._monotonic()
        try:
            self.send_all(data)
        except OSError:
            self.abort()
            raise
        finally:
            self.since = None

    def wait(self) -> str | None:
        """The next packet; None when the browser is gone or sends what no browser of ours does."""
        packet = self._websocket.wait()
        if isinstance(packet, str) and packet[:1] in _PACKETS:
            return packet
        return None

    def close(self) -> None:
        """End the connection in good manners."""
        self._websocket.close()

    def abort(self) -> None:
        """End it at once: whoever waits in a read or write of this socket wakes with an error."""
        try:
            self._raw.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("socket was closed already")

    def _frame(self, body: bytes) -> bytes:
        return (frames.packed_frame(body) if self.packs else None) or frames.frame(body)


def accept_deflate(offers: dict[str, list[dict[str, Any]]] | None) -> dict[str, Any] | None:
    """Agree to permessage-deflate only where one compressed frame serves every browser.

    offers: the parsed Sec-WebSocket-Extensions. Every message starts without context
    (server_no_context_takeover, which a server may demand unasked: RFC 7692 7.1.1.1), so
    it is the same for all. A browser that wants a smaller window of us, or anything we do
    not know, is declined and gets plain frames.

    >>> accept_deflate({"permessage-deflate": [{"client_max_window_bits": True}]})
    {'server_no_context_takeover': True, 'client_no_context_takeover': True}
    >>> accept_deflate({"permessage-deflate": [{"server_max_window_bits": "10"}]}) is None
    True
    """
    for offer in (offers or {}).get("permessage-deflate", []):
        unknown = offer.keys() - {
            "server_no_context_takeover",
            "client_no_context_takeover",
            "server_max_window_bits",
            "client_max_window_bits",
        }
        if not unknown and str(offer.get("server_max_window_bits", "15")) == "15":
            answer: dict[str, Any] = {
                "server_no_context_takeover": True,
                "client_no_context_takeover": True,
            }
            if "server_max_window_bits" in offer:
                answer["server_max_window_bits"] = 15  # asked for, so it must be answered
            return answer
    return None


Opened = Callable[[str, Wire], None]


def install(
    engine: Any, mode: str, opened: Opened, closed: Opened, monotonic: Callable[[], float]
) -> str | None:
    """Make Engine.IO hand its connections a Wire; returns why not when the seam is missing.

    engine is the engineio.Server. opened(engine's session id, wire) is called before the
    first packet, closed(...) after the last. Only this server is changed.
    """
    drivers = getattr(engine, "_async", None)
    if not isinstance(drivers, dict) or not isinstance(drivers.get("websocket"), type):
        return "engineio.Server._async['websocket'] is not a class any more"
    base = drivers["websocket"]
    if mode == "eventlet":
        if not hasattr(base, "_negotiate_permessage_deflate"):
            return f"{base.__name__}._negotiate_permessage_deflate is gone"
        made = _green_class(base, opened, closed, monotonic)
    else:
        made = _threaded_class(base, opened, closed, monotonic)
    engine._async = {**drivers, "websocket": made}  # the dictionary is shared by all servers
    return None


def _green_class(base: Any, opened: Opened, closed: Opened, monotonic: Callable[[], float]) -> type:
    class GreenWebSocket(base):  # type: ignore[misc]
        """eventlet's WebSocket of one connection, with a Wire in front."""

        handler: Any

        def _negotiate_permessage_deflate(self, offers: Any) -> dict[str, Any] | None:
            return accept_deflate(offers)

        def __call__(self, environ: Any, start_response: Any) -> Any:
            inner = self.handler

            def handler(websocket: Any) -> Any:
                green = websocket.socket
                wire = Wire(
                    websocket,
                    green.fd,
                    websocket._sendlock,
                    green.sendall,
                    monotonic,
                    "permessage-deflate" in websocket.extensions,
                )
                if not hasattr(green.fd, "cipher"):  # a send under TLS is no single system call
                    wire.direct = green.fd.send
                return _talk(inner, wire, opened, closed)

            self.handler = handler
            return super().__call__(environ, start_response)

    return GreenWebSocket


def _threaded_class(
    base: Any, opened: Opened, closed: Opened, monotonic: Callable[[], float]
) -> type:
    import simple_websocket

    class ThreadedWebSocket(base):  # type: ignore[misc]
        """simple-websocket's WebSocket of one connection, with a Wire in front."""

        app: Any

        def __init__(self, handler: Any, server: Any, **kwargs: Any) -> None:
            super().__init__(handler, server, **kwargs)
            # Its own limit: without one a message is collected whole before it is refused.
            self.server_args["max_message_size"] = int(server.max_http_buffer_size)

        def __call__(self, environ: Any, start_response: Any) -> Any:
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)  # it would pack once per browser
            raw = environ.get("werkzeug.socket")
            inner = self.app
            if raw is not None:
                # The web server's limit for half a request would end a silent browser.
                raw.settimeout(None)

                def app(websocket: Any) -> Any:
                    wire = Wire(websocket, raw, threading.Lock(), raw.sendall, monotonic, False)
                    return _talk(inner, wire, opened, closed)

                self.app = app
            return super().__call__(environ, start_response)

        def wait(self) -> Any:
            """As the base class, but not for ever.

            After a message over the limit simple-websocket 1.1 wakes its reader a moment
            before it says that the connection ended; the reader may then sleep on.
            """
            while True:
                try:
                    packet = self.ws.receive(timeout=RECHECK)
                except simple_websocket.ConnectionClosed:
                    return None
                if packet is not None or not self.ws.connected:
                    return packet

    return ThreadedWebSocket


def _talk(inner: Any, wire: Wire, opened: Opened, closed: Opened) -> Any:
    """Run Engine.IO's handler on the wire."""
    session = inner.__self__.sid
    opened(session, wire)
    try:
        return inner(wire)
    finally:
        closed(session, wire)
