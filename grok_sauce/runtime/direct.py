"""Answering a request without WSGI: the few that come often and are whole at once."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import formatdate
from functools import lru_cache
from typing import Any, Final, Protocol
from urllib.parse import unquote

from grok_sauce.runtime.request_head import Headers

Response = tuple[str, Sequence[tuple[str, str]], bytes]  # "200 OK", header fields, body
# A client of which nothing is known is asked to come again; no number of it is made up.
FAILED: Final[Response] = (
    "503 Service Unavailable",
    (("Content-Length", "0"), ("Retry-After", "5")),
    b"",
)


class Direct(Protocol):
    """An application for some paths. It reads bodies by itself, through the Connection."""

    def takes(self, path: str) -> bool:
        """Is a request for this path its own?"""

    def respond(self, environ: dict[str, Any]) -> Response:
        """What a request is answered. Content-Length is among the header fields."""


def environ_of(command: str, path: str, headers: Headers, peer: str) -> dict[str, Any]:
    """What WSGI says of a request, as far as a Direct may ask for it.

    Names with an underscore are left out: they could pass for others (X_Real_IP). Fields of
    one name are joined by commas.
    """
    path, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": command,
        "PATH_INFO": unquote(path, encoding="latin-1") if "%" in path else path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": peer,
    }
    if headers.kept is None:
        headers.kept = _fields(headers)
    environ.update(headers.kept)
    return environ


def _fields(headers: Headers) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers.fields():
        place = place_of(name)
        if place is None:
            continue
        known = found.get(place)
        found[place] = value if known is None else f"{known},{value}"
    return found


@lru_cache(maxsize=256)
def place_of(name: str) -> str | None:
    """Where a WSGI environment has a header; None for a name that it must not have.

    >>> place_of("content-type"), place_of("X-Real-IP"), place_of("X_Real_IP")
    ('CONTENT_TYPE', 'HTTP_X_REAL_IP', None)
    """
    if "_" in name:
        return None
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def written(response: Response, connection: str, now: float) -> bytes:
    """The bytes of an answer. connection: "close", "keep-alive", "" to say nothing of it."""
    status, fields, body = response
    return b"%b%b%b" % (_head(status, tuple(fields)), _end(connection, int(now)), body)


@lru_cache(maxsize=64)
def _head(status: str, fields: tuple[tuple[str, str], ...]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields])
    return f"HTTP/1.1 {status}\r\n{lines}".encode()


@lru_cache(maxsize=4)
def _end(connection: str, second: int) -> bytes:
    told = f"Connection: {connection}\r\n" if connection else ""
    return f"Date: {_date(second)}\r\n{told}\r\n".encode()


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
