"""The connection of a request, for an application that reads the body by itself."""

from __future__ import annotations

import io
import socket
from typing import Any, Final

CONNECTION: Final = "grok_sauce.connection"  # where a WSGI environment holds its Connection


class Connection:
    """The connection of a request, for an application that reads the body by itself.

    rfile is what the server reads requests from, sock its socket, timeout the seconds of
    patience that the server has with it.
    """

    __slots__ = ("_handler", "rfile", "sock", "timeout")

    def __init__(self, handler: Any, timeout: float) -> None:
        self._handler = handler
        self.rfile: io.BufferedReader = handler.rfile
        self.sock: socket.socket = handler.connection
        self.timeout = timeout

    def proceed(self) -> None:
        """Tell a client that waits for "100 Continue" to send its body."""

    def taken(self) -> None:
        """The body was read from rfile to its end: what follows is the next request."""
        self._handler.rfile = io.BytesIO()  # this server closes after each answer

    def end(self) -> None:
        """Close after the answer, whatever else the client still sends."""
        self._handler.close_connection = True
        self._handler.rfile = io.BytesIO()  # nobody waits for the rest


class GreenConnection(Connection):
    """The same for eventlet's server, which keeps count of what was read of a body."""

    __slots__ = ("_input",)

    def __init__(self, handler: Any, timeout: float, body: Any) -> None:
        super().__init__(handler, timeout)
        self._input = body

    def proceed(self) -> None:
        self._input.read(0)

    def taken(self) -> None:
        self._input.position = self._input.content_length or 0
        self._input.chunk_length = 0

    def end(self) -> None:
        self._handler.close_connection = True


class DirectConnection(Connection):
    """The same for a request that is answered without WSGI."""

    __slots__ = ("is_read",)

    def __init__(self, handler: Any, timeout: float) -> None:
        super().__init__(handler, timeout)
        headers = handler.headers
        length = headers.get("content-length") or "0"
        self.is_read = length == "0" and headers.get("transfer-encoding") is None

    def proceed(self) -> None:
        if self._handler.headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def taken(self) -> None:
        self.is_read = True

    def end(self) -> None:
        self._handler.close_connection = True
