"""One POST to one listener: on the checked address, under a hard time limit, never elsewhere."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import io
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

from grok_sauce.alerts.model import Destination, Outcome, OutcomeKind
from grok_sauce.errors import GrokSauceError, reason_of
from grok_sauce.runtime.clock import Clock

CONNECT_S: Final = 1.0
TOTAL_S: Final = 5.0
REST_S: Final = 0.5  # for the rest of an answer whose status is known; nothing depends on it
ANSWER_BYTES: Final = 4096
SHOWN: Final = 300  # characters of the answer that are kept
NOT_ACCEPTED: Final = frozenset({408, 425, 429, 503})
_SECONDS: Final = re.compile(r"[0-9]{1,9}")

Address = tuple[int, tuple[Any, ...]]


class Addresses(Protocol):
    """What alerts.targets.TargetGuard gives: where a host and port may be connected to."""

    def addresses(self, host: str, port: int) -> Sequence[Address]:
        """Checked (family, socket address) pairs, in the order in which they are tried."""


class Transport:
    """Sends orders. keys_of gives the signing keys of a target ("localhost:9060"), newest first.

    No redirects, no proxies, no second lookup of the name. Never raises: whatever happens is
    an Outcome, and it says whether bytes of the request may have left.
    """

    def __init__(
        self,
        guard: Addresses,
        clock: Clock,
        keys_of: Callable[[str], Sequence[bytes]] = lambda target: (),
        *,
        connect_s: float = CONNECT_S,
        total_s: float = TOTAL_S,
    ) -> None:
        self._guard = guard
        self._clock = clock
        self._keys_of = keys_of
        self._connect_s = connect_s
        self._total_s = total_s

    def send(self, destination: Destination, body: str, headers: Mapping[str, str]) -> Outcome:
        """POST body (JSON) with these headers beside our own; webhook-id is what is signed."""
        began = self._clock.monotonic()
        deadline = began + self._total_s

        def ended(kind: OutcomeKind, detail: str) -> Outcome:
            return Outcome(kind, None, detail, self._ms_since(began))

        data = body.encode()
        try:
            signed = self._signed(destination.id, data, headers)
            request = request_bytes(destination, data, {**headers, **signed})
            sock = self._connected(destination.host, destination.port, deadline)
        except (GrokSauceError, OSError, ValueError) as problem:
            return ended("not_sent", _in_words(problem))
        with contextlib.closing(sock):
            # From here on a failure does not tell whether the target has read the request.
            try:
                reader = _Reader(sock, self._clock, deadline)
                response = self._answer(sock, request, reader)
            except TimeoutError:
                return ended("ambiguous", f"no answer within {self._total_s:g} s")
            except (OSError, http.client.HTTPException, ValueError) as problem:
                return ended("ambiguous", f"sent, then: {_in_words(problem)}")
            took = self._ms_since(began)
            reader.ends(REST_S)
            return Outcome(
                kind=kind_of(response.status),
                status=response.status,
                detail=f"answered {response.status}",
                ms=took,
                retry_after_s=retry_after_s(response.getheader("Retry-After"), self._clock.real()),
                text=_start_of(response),
            )

    def _ms_since(self, began: float) -> float:
        return round((self._clock.monotonic() - began) * 1000, 1)

    def _signed(self, target: str, data: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        at = int(self._clock.real())
        keys = self._keys_of(target)
        stamp = {"webhook-timestamp": str(at)}
        if not keys:
            return stamp
        return stamp | {"webhook-signature": signature(keys, headers["webhook-id"], at, data)}

    def _connected(self, host: str, port: int, deadline: float) -> socket.socket:
        """A connection to the first of the checked addresses that takes it."""
        problem: OSError = OSError(f"{host} has no address that may be used")
        for family, address in self._guard.addresses(host, port):
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(min(self._connect_s, left))
                sock.connect(address)
                if sock.getsockname() == sock.getpeername():
                    # Nobody listens; the system had picked this very port for our own end.
                    raise ConnectionRefusedError("connection refused")
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as failed:
                sock.close()
                problem = failed
            else:
                return sock
        raise problem

    def _answer(
        self, sock: socket.socket, request: bytes, reader: _Reader
    ) -> http.client.HTTPResponse:
        sock.settimeout(reader.left())
        sock.sendall(request)
        stand_in: Any = reader  # all that HTTPResponse asks of a socket is makefile()
        response = http.client.HTTPResponse(stand_in, method="POST")
        response.begin()
        return response


def request_bytes(destination: Destination, data: bytes, headers: Mapping[str, str]) -> bytes:
    """The whole request, sent in one piece: simple listeners read only once.

    The Host is what the user's listener matches its prefix against, whatever the address.

    Raises:
        ValueError: a header or the path holds something that would end its line.
    """
    lines = {
        "Host": f"{destination.host}:{destination.port}",
        "User-Agent": "grok-sauce",
        "Content-Type": "application/json",
        "Content-Length": str(len(data)),
        "Connection": "close",
        **headers,
    }
    text = [f"POST {destination.path} HTTP/1.1", *(f"{k}: {v}" for k, v in lines.items())]
    for line in text:
        if not line.isprintable() or not line.isascii():
            raise ValueError(f"{line.split()[0]} cannot be sent as it is")
    if " " in destination.path:
        raise ValueError("the path of a target has no blanks")
    return "\r\n".join([*text, "", ""]).encode("ascii") + data


def kind_of(status: int) -> OutcomeKind:
    """What an HTTP status says of the order.

    >>> [kind_of(status) for status in (204, 302, 400, 429, 500, 503)]
    ['delivered', 'refused', 'refused', 'not_accepted', 'ambiguous', 'not_accepted']
    """
    if 200 <= status <= 299:
        return "delivered"
    if status in NOT_ACCEPTED:
        return "not_accepted"
    if 300 <= status <= 499:
        return "refused"
    return "ambiguous"


def retry_after_s(text: str | None, now: float) -> float | None:
    """Seconds of a Retry-After (a count or an HTTP date, RFC 9110 section 10.2.3), else None.

    >>> retry_after_s("7", 0.0), retry_after_s("soon", 0.0)
    (7.0, None)
    >>> retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", 45.0)
    15.0
    """
    if text is None:
        return None
    if _SECONDS.fullmatch(text.strip()):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(at.timestamp() - now, 0.0)


def signature(keys: Sequence[bytes], message_id: str, at: int, data: bytes) -> str:
    """webhook-signature of Standard Webhooks: one "v1,..." per key, so that keys can change.

    at: Unix seconds, what webhook-timestamp says.
    """
    signed = f"{message_id}.{at}.".encode() + data
    digests = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def _in_words(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return "no connection in time"
    if isinstance(problem, OSError):
        return (reason_of(problem) or str(problem) or type(problem).__name__).lower()
    return str(problem) or type(problem).__name__


def _start_of(response: http.client.HTTPResponse) -> str:
    """The first characters of an answer, as far as they come; its status is known already."""
    data = b""
    try:
        while len(data) < ANSWER_BYTES:
            more = response.read1(ANSWER_BYTES - len(data))
            if not more:
                break
            data += more
    except (OSError, http.client.HTTPException, ValueError):
        pass  # it stopped half-way: what has come is shown
    return data.decode("utf-8", "replace")[:SHOWN]


class _Reader:
    """A socket as http.client reads it: every read ends at the deadline, however it drips."""

    def __init__(self, sock: socket.socket, clock: Clock, deadline: float) -> None:
        self._sock = sock
        self._clock = clock
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Raw(self))

    def ends(self, seconds: float) -> None:
        """Read no longer than so many seconds more."""
        self._deadline = min(self._deadline, self._clock.monotonic() + seconds)

    def left(self) -> float:
        """Seconds to the deadline; raises TimeoutError when there are none."""
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def receive(self, buffer: Any) -> int:
        self._sock.settimeout(self.left())
        return self._sock.recv_into(buffer)


class _Raw(io.RawIOBase):
    def __init__(self, owner: _Reader) -> None:
        super().__init__()
        self._owner = owner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._owner.receive(buffer)
