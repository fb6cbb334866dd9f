"""POST /webhook before Flask: a body within its limits, the sender's address, the answer."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import orjson

from grok_sauce.alerts.intake import Answer, Post
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock, RealClock
from grok_sauce.runtime.direct import Response, place_of
from grok_sauce.values import dataclass
from grok_sauce.web.request_body import BadBody, read_body
from grok_sauce.web.visitors import FORWARDING, Networks, read_visitor

PATH: Final = "/webhook"
MAX_BODY: Final = 16_384  # bytes
READ_S: Final = 5.0

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

HEADERS: Final = (
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)
_STATUS: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Sender:
    """Where a request comes from, as far as it can be believed.

    address is the client's, behind trusted proxies the one they name; client the key for
    limits (one address, or one /64 network of IPv6); forwarded: it passed any proxy or
    tunnel; loopback: the peer is this machine; trusted: the peer is a trusted proxy.
    """

    address: str
    client: str
    forwarded: bool
    loopback: bool
    trusted: bool


def sender_of(environ: Mapping[str, Any], proxies: Networks) -> Sender:
    """The sender of a request, from its WSGI environment alone."""
    # Joined and compared as a whole: this runs for every alert.
    if FORWARDING.isdisjoint(environ) and "HTTP_X_FORWARDED" not in " ".join(environ):
        return _direct(str(environ.get("REMOTE_ADDR") or ""))
    loopback = _known(str(environ.get("REMOTE_ADDR") or ""))[2]
    visitor = read_visitor(environ, (), proxies)
    trusted = not visitor.forwarded  # there are such headers, and they were believed
    address, client, _ = _known(visitor.address)
    return Sender(address, client if trusted else f"via {client}", True, loopback, trusted)


@lru_cache(maxsize=1024)
def _direct(peer: str) -> Sender:
    address, client, loopback = _known(peer)
    return Sender(address, client, False, loopback, False)


@lru_cache(maxsize=1024)
def _known(text: str) -> tuple[str, str, bool]:
    """(address in its plain form, key for limits, is it loopback) of an address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text[:64], f"unknown:{text[:40]}", False
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        address = mapped
    client = str(address)
    if isinstance(address, ipaddress.IPv6Address) and not address.is_loopback:
        client = str(ipaddress.ip_network(f"{address}/64", strict=False))
    return str(address), client, address.is_loopback


def webhook_layer(
    app: Wsgi,
    intake: Callable[[Post], Answer] | None,
    address_of: Callable[[Mapping[str, Any]], Sender],
    elsewhere: str | None = None,
    *,
    max_body: int = MAX_BODY,
    read_s: float = READ_S,
    refused: Callable[[str, str], None] | None = None,
    clock: Clock | None = None,
) -> WebhookLayer:
    """An application that answers /webhook and /webhook/<token> and hands on everything else.

    The path of an alert holds a secret: nothing behind this layer sees it. intake None:
    this process takes no alerts, and elsewhere says which does. read_s are the seconds that
    a body may take. refused(address, what) is told of bodies that never reach intake.
    """
    return WebhookLayer(
        app, intake, address_of, elsewhere, max_body, read_s, refused, clock or RealClock()
    )


class WebhookLayer:
    """See webhook_layer(). A WSGI application, and for its own paths one without WSGI."""

    def __init__(
        self,
        app: Wsgi,
        intake: Callable[[Post], Answer] | None,
        address_of: Callable[[Mapping[str, Any]], Sender],
        elsewhere: str | None,
        max_body: int,
        read_s: float,
        refused: Callable[[str, str], None] | None,
        clock: Clock,
    ) -> None:
        self._app = app
        self._intake = intake
        self._address_of = address_of
        self._elsewhere = elsewhere
        self._max_body = max_body
        self._read_s = read_s
        self._refused = refused
        self._clock = clock

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """The WSGI application."""
        if not self.takes(environ.get("PATH_INFO") or ""):
            return self._app(environ, start)
        status, headers, body = self.respond(environ)
        start(status, list(headers))
        return [body] if body else []

    def takes(self, path: str) -> bool:
        """Is this a path of alerts?"""
        return path.startswith(PATH) and path[len(PATH) : len(PATH) + 1] in ("", "/")

    def respond(self, environ: dict[str, Any]) -> Response:
        """Status line, header fields and body for one of its paths."""
        answer = self._take(environ, str(environ["PATH_INFO"])[len(PATH) + 1 :])
        body = orjson.dumps(answer.document)
        length = ("Content-Length", str(len(body)))
        if answer.status >= HTTPStatus.BAD_REQUEST:
            # Nothing was waited for: a sender of refused requests must not starve the others.
            concurrency.sleep(0)
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        return _STATUS[answer.status], (*HEADERS, length, *answer.headers), b"" if is_head else body

    def _take(self, environ: dict[str, Any], token: str) -> Answer:
        if self._intake is None:
            where = f"; send to {self._elsewhere}" if self._elsewhere else ""
            return _error(404, f"No alerts are taken here{where}")
        if "/" in token:
            return _error(404, "Not found")
        sender = self._address_of(environ)
        body = b""
        if environ["REQUEST_METHOD"] == "POST":
            try:
                body = read_body(environ, self._max_body, self._read_s, self._clock)
            except BadBody as problem:
                if self._refused is not None:
                    self._refused(sender.address, f"body {problem.status}")
                return _error(problem.status, str(problem))
        return self._intake(
            Post(
                method=environ["REQUEST_METHOD"],
                token=token or None,
                headers=_Headers(environ),
                body=body,
                address=sender.address,
                forwarded=sender.forwarded,
                loopback=sender.loopback,
                trusted=sender.trusted,
                client=sender.client,
            )
        )


class _Headers(Mapping[str, str]):
    """The headers of a request by their names in lower case, looked up when asked for."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        return str(self._environ[str(place_of(name))])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and place_of(name) in self._environ

    def __iter__(self) -> Iterator[str]:
        for key in self._environ:
            if key.startswith("HTTP_"):
                yield key[5:].lower().replace("_", "-")
            elif key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                yield key.lower().replace("_", "-")

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _error(status: int, message: str) -> Answer:
    return Answer(status, {"status": "error", "message": message})
