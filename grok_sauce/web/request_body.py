"""The body of a request, read from its connection within a time and a size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from grok_sauce.errors import GrokSauceError
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.connections import CONNECTION, Connection

LINE_LIMIT: Final = 256  # bytes of a line between chunks
TRAILER_LIMIT: Final = 16  # lines behind the last chunk
POLITE_LIMIT: Final = 262_144  # bytes of a body too large that are read before it is refused
POLITE_S: Final = 1.0
MAX_LENGTH_DIGITS: Final = 12


class BadBody(GrokSauceError):
    """A body that is not taken. status is the HTTP status that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def read_body(environ: Mapping[str, Any], limit: int, seconds: float, clock: Clock) -> bytes:
    """The whole body, of a plain or a chunked request; b"" when there is none.

    seconds are those for all of it: one that sends a byte now and then is not waited for.
    After an error the connection is closed with the answer, except where the body could be
    read to its end.

    Raises:
        BadBody: 400 not HTTP or broken off, 408 not there in time, 411 of no known length on
            a foreign server, 413 above limit bytes.
    """
    connection: Connection | None = environ.get(CONNECTION)
    chunked = _is_chunked(environ)
    length = 0 if chunked else _length(environ)
    if connection is None:
        return _read_elsewhere(environ, chunked, length, limit)
    if not chunked and not length:
        return b""
    reader = _Reader(connection, seconds, clock)
    try:
        if length <= limit:
            connection.proceed()
        body = reader.chunks(limit) if chunked else reader.plain(length, limit)
    except TimeoutError:
        connection.end()
        raise BadBody(408, "The body did not arrive in time") from None
    except OSError:
        connection.end()
        raise BadBody(400, "The connection broke off") from None
    except BadBody as problem:
        if problem.status != 413 or chunked or not reader.skipped(length):
            connection.end()
        raise
    finally:
        reader.restore()
    connection.taken()
    return body


def _is_chunked(environ: Mapping[str, Any]) -> bool:
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    if not coding:
        return False
    if coding.strip().lower() != "chunked":
        _refuse(environ, 400, "Transfer-Encoding must be chunked")
    if environ.get("CONTENT_LENGTH"):
        _refuse(environ, 400, "Content-Length and Transfer-Encoding exclude each other")
    return True


def _length(environ: Mapping[str, Any]) -> int:
    text = environ.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit()):
        _refuse(environ, 400, "Content-Length is not a number")
    if len(text) > MAX_LENGTH_DIGITS:
        _refuse(environ, 413, "Too large")
    return int(text)


def _refuse(environ: Mapping[str, Any], status: int, message: str) -> None:
    """Refuse what cannot be read to its end.

    Raises:
        BadBody: always.
    """
    connection: Connection | None = environ.get(CONNECTION)
    if connection is not None:
        connection.end()
    raise BadBody(status, message)


def _read_elsewhere(environ: Mapping[str, Any], chunked: bool, length: int, limit: int) -> bytes:
    """The body on a server that is not ours (a test client, another WSGI server)."""
    if length > limit:
        raise BadBody(413, "Too large")
    if chunked and not environ.get("wsgi.input_terminated"):
        raise BadBody(411, "Content-Length is needed")
    body: bytes = environ["wsgi.input"].read(limit + 1 if chunked else length)
    if len(body) > limit:
        raise BadBody(413, "Too large")
    if len(body) < length:
        raise BadBody(400, "The connection broke off")
    return body


class _Reader:
    """Reads from a connection until a moment; never waits in a buffer for the rest."""

    def __init__(self, connection: Connection, seconds: float, clock: Clock) -> None:
        self._connection = connection
        self._rfile = connection.rfile
        self._clock = clock
        self._until = clock.monotonic() + seconds

    def plain(self, length: int, limit: int) -> bytes:
        """A body of a known length."""
        if length > limit:
            raise BadBody(413, "Too large")
        return self._exactly(length)

    def chunks(self, limit: int) -> bytes:
        """A chunked body (RFC 9112 section 7.1), without its extensions and trailers."""
        parts: list[bytes] = []
        total = 0
        while True:
            size = _chunk_size(self._line())
            if size == 0:
                break
            total += size
            if total > limit:
                raise BadBody(413, "Too large")
            parts.append(self._exactly(size))
            if self._line():
                raise BadBody(400, "A chunk is longer than it says")
        for _ in range(TRAILER_LIMIT):
            if not self._line():
                return b"".join(parts)
        raise BadBody(400, "Too many trailers")

    def skipped(self, length: int) -> bool:
        """Read a refused body to its end, so that its sender can read why; False: too much."""
        if length > POLITE_LIMIT:
            return False
        self._until = self._clock.monotonic() + POLITE_S
        try:
            self._connection.proceed()
            self._exactly(length)
        except (OSError, BadBody):
            return False
        self._connection.taken()
        return True

    def restore(self) -> None:
        """Give the connection its own patience back."""
        self._connection.sock.settimeout(self._connection.timeout)

    def _exactly(self, count: int) -> bytes:
        waiting = self._waiting()
        if waiting >= count:
            return self._rfile.read(count)
        parts: list[bytes] = []
        while count:
            if not waiting:
                raise BadBody(400, "The connection broke off")
            parts.append(self._rfile.read(min(waiting, count)))
            count -= len(parts[-1])
            waiting = self._waiting() if count else 0
        return b"".join(parts)

    def _waiting(self) -> int:
        """How many bytes are there to read at once; 0 at the end of the stream."""
        left = self._until - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.sock.settimeout(left)
        return len(self._rfile.peek(1))

    def _line(self) -> bytes:
        """The next line without its end."""
        line = b""
        while not line.endswith(b"\n"):
            waiting = self._waiting()
            if not waiting:
                raise BadBody(400, "The connection broke off")
            line += self._rfile.readline(min(waiting, LINE_LIMIT))
            if len(line) > LINE_LIMIT:
                raise BadBody(400, "A line of the body is too long")
        return line.rstrip(b"\r\n")


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or len(digits) > 8 or digits.strip(b"0123456789abcdefABCDEF"):
        raise BadBody(400, "A chunk has no size")
    return int(digits, 16)
