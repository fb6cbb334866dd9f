"""A small HTTP/1.1: requests out of a byte stream, answers as values, no framework."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import field
from http import HTTPStatus
from threading import Event
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from grok_sauce.values import dataclass

HEAD_LIMIT: Final = 32 * 1024  # bytes of request line and headers
BODY_LIMIT: Final = 1024 * 1024  # bytes

Receive = Callable[[int], bytes]


class BadRequest(Exception):
    """What arrived is not a request that can be answered; status says how to refuse it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case; path is raw (still percent-encoded).

    params are the values of a route's {placeholders}, decoded.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    peer: str
    params: Mapping[str, str] = field(default_factory=dict)

    def values(self, name: str) -> list[str]:
        """All values of a query parameter, given as `name[]=` or `name=`."""
        return [*self.query.get(f"{name}[]", ()), *self.query.get(name, ())]


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer goes wrong on purpose: never, by a reset, late, or in drops."""

    hang: bool = False
    reset: bool = False
    wait: float = 0.0  # seconds
    drip: int = 0  # bytes a second


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    manner: Manner | None = None

    def encode(self, keep: bool) -> bytes:
        """The bytes on the wire. keep: whether the connection stays open."""
        phrase = HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "Status"
        lines = [
            f"HTTP/1.1 {self.status} {phrase}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            f"Connection: {'keep-alive' if keep else 'close'}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + self.body


def json_response(status: int, value: Any) -> Response:
    """A JSON answer; a NaN in it is a bug of the caller and raises ValueError."""
    return Response(status, json.dumps(value, allow_nan=False).encode())


def html_response(status: int, title: str) -> Response:
    """The kind of page a proxy in front of an API answers with."""
    head = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
    page = f"{head}<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n"
    page += "</body>\r\n</html>\r\n"
    return Response(status, page.encode(), "text/html")


class Stream:
    """Bytes of one connection with look-ahead: HTTP first, what is left goes to a WebSocket."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._buffer = bytearray()

    def rest(self) -> bytes:
        """What was received and not read yet."""
        left = bytes(self._buffer)
        self._buffer.clear()
        return left

    def request(self, peer: str) -> Request | None:
        """The next request; None when the client closed between requests.

        Raises:
            BadRequest: too large, malformed, or cut off.
        """
        head = self._head()
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequest(400, "malformed request line")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise BadRequest(400, "malformed header")
            headers[name.lower()] = value.strip()
        path, _, query = words[1].partition("?")
        body = self._body(headers)
        return Request(words[0], path, parse_qs(query, keep_blank_values=True), headers, body, peer)

    def _head(self) -> bytes | None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise BadRequest(431, "request head is too large")
            if not self._more():
                if self._buffer.strip():
                    raise BadRequest(400, "request was cut off")
                return None
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        return head.lstrip(b"\r\n")

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if "transfer-encoding" in headers:
            raise BadRequest(411, "send a Content-Length")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            raise BadRequest(400, "malformed Content-Length")
        size = int(length)
        if size > BODY_LIMIT:
            raise BadRequest(413, f"body is larger than {BODY_LIMIT} bytes")
        while len(self._buffer) < size:
            if not self._more():
                raise BadRequest(400, "body was cut off")
        body = bytes(self._buffer[:size])
        del self._buffer[:size]
        return body

    def _more(self) -> bool:
        data = self._receive(65536)
        self._buffer += data
        return bool(data)


def deliver(
    response: Response,
    keep: bool,
    send: Callable[[bytes], None],
    reset: Callable[[], None],
    stop: Event,
) -> bool:
    """Send an answer in its manner; False when the connection is of no more use."""
    manner, data = response.manner, response.encode(keep)
    if manner is None:
        send(data)
        return keep
    if manner.hang:
        stop.wait()
        return False
    stop.wait(manner.wait)
    if manner.reset:
        reset()
        return False
    step = max(1, manner.drip // 20) if manner.drip else len(data)
    for at in range(0, len(data), step):
        if at:
            stop.wait(step / manner.drip)
        if stop.is_set():
            return False
        send(data[at : at + step])
    return keep


def match(pattern: str, path: str) -> dict[str, str] | None:
    """The decoded {placeholders} when a raw path fits a pattern, else None.

    >>> match("/instruments/equities/{symbol}", "/instruments/equities/BRK%2FB")
    {'symbol': 'BRK/B'}
    >>> match("/instruments/equities/{symbol}", "/instruments/equities") is None
    True
    """
    wanted, given = pattern.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    found: dict[str, str] = {}
    for want, have in zip(wanted, given, strict=True):
        if want.startswith("{"):
            if not have:
                return None
            found[want[1:-1]] = unquote(have)
        elif want != have:
            return None
    return found
