"""GET and POST with time limits, a size cap, a named User-Agent and typed errors."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlencode, urlsplit

from grok_sauce import __version__
from grok_sauce.errors import BadPayload, SourceError, reason_of
from grok_sauce.runtime import concurrency
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from ssl import SSLContext

    import urllib3

    from grok_sauce.runtime.clock import Clock

USER_AGENT: Final = f"grok-sauce/{__version__}"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # where users name certificates of theirs
_REDIRECTS: Final = 8
# Order and case as browsers and libraries have them: some services look at it.
_USUAL: Final = {"Accept-Encoding": "gzip, deflate", "Accept": "*/*", "Connection": "keep-alive"}
_PIECE: Final = 65536
_TURN: Final = 8  # pieces between two turns of others; half a megabyte takes about 5 ms
# What a text answer that is no JSON is quoted with in an error: enough to recognise a page.
_EXCERPT: Final = 120


class Unreachable(SourceError):
    """No answer: name not found, connection refused, cut, or too slow."""


class HttpStatus(SourceError):
    """An answer that is not a success; answer has all of it."""

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        self.answer = answer

    @property
    def status(self) -> int:
        """The HTTP status code."""
        return self.answer.status


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer. Names of headers are in lower case; url has no query string."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def is_html(self) -> bool:
        """True for a web page: what proxies and servers in maintenance send instead of JSON."""
        if "html" in self.headers.get("content-type", "").lower():
            return True
        return self.body.lstrip()[:1] == b"<"

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            BadPayload: it is not JSON (NaN and Infinity are not either).
        """
        try:
            return json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            kind = "a web page" if self.is_html else "no JSON"
            raise BadPayload(f"{self.url} sent {kind} where JSON was expected") from None


class Http:
    """Requests to named services: one connection each, closed after it.

    connect and read limit one wait, whole the complete answer (seconds); limit is the
    largest body taken (bytes). Proxies of the environment are used except to loopback,
    credentials of a .netrc never. Nothing is repeated: that is the caller's choice.
    """

    def __init__(
        self,
        clock: Clock,
        user_agent: str = USER_AGENT,
        connect: float = 5.0,
        read: float = 15.0,
        whole: float = 60.0,
        limit: int = 64 * 1024 * 1024,
    ) -> None:
        self._clock = clock
        self._user_agent = user_agent
        self._timeout = (connect, read)
        self._whole = whole
        self._limit = limit
        self._trusted: dict[str, SSLContext] = {}

    def get(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
        redirects: bool = False,
    ) -> Answer:
        """The answer, success (2xx) or 304. A redirect is followed only when asked for.

        Raises:
            Unreachable: no answer, or not a whole one in time.
            HttpStatus: any other status.
            BadPayload: the body is larger than limit.
        """
        return self._ask("GET", url, params, None, headers, limit, redirects)

    def post(
        self,
        url: str,
        body: Any,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Answer:
        """Send body as JSON and return the answer; errors as get(). Never redirected."""
        data = json.dumps(body, allow_nan=False).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self._ask("POST", url, None, data, sent, limit, False)

    def post_form(
        self,
        url: str,
        fields: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Answer:
        """Send fields as a form does and return the answer; errors as get(). Never redirected."""
        data = urlencode(fields).encode()
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._ask("POST", url, None, data, sent, limit, False)

    def get_json(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Any:
        """The JSON that url answers with; errors as get(), BadPayload for anything but JSON."""
        return self.get(
            url, params, {"Accept": "application/json", **(headers or {})}, limit
        ).json()

    def post_json(
        self,
        url: str,
        body: Any,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Any:
        """Send body as JSON, return the JSON answered; errors as get_json()."""
        return self.post(url, body, {"Accept": "application/json", **(headers or {})}, limit).json()

    def _ask(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        data: bytes | None,
        headers: Mapping[str, str] | None,
        limit: int | None,
        redirects: bool,
    ) -> Answer:
        # Not requests, which stands on it: 6 MB and 0.05 s less at the start. No .netrc either.
        import urllib3

        deadline = self._clock.monotonic() + self._whole
        shown = _without_query(url)
        if not url.startswith(("http://", "https://")):
            raise Unreachable(f"{shown} is no address of the web; check the settings")
        connect, read = self._timeout
        try:
            with self._pools(url) as pools:
                response = pools.request(
                    method,
                    _with_query(url, params),
                    body=data,
                    headers={"User-Agent": self._user_agent, **_USUAL, **(headers or {})},
                    timeout=urllib3.Timeout(connect=connect, read=read),
                    redirect=redirects,
                    # Elsewhere an Authorization header is not sent on.
                    retries=urllib3.Retry(None, 0, 0, _REDIRECTS) if redirects else False,
                    preload_content=False,
                )
                try:
                    content = self._read(response, shown, limit or self._limit, deadline)
                finally:
                    response.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
            if _is_timeout(problem):
                raise Unreachable(f"{shown} did not answer in time") from None
            raise Unreachable(f"{shown} cannot be reached: {_reason(problem)}") from None
        lowered = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status, lowered, content, shown)
        if answer.status != 304 and not 200 <= answer.status < 300:
            raise HttpStatus(
                f"{shown} answered {answer.status} {_summary(answer)}".rstrip(), answer
            )
        return answer

    def _pools(self, url: str) -> urllib3.PoolManager:
        """Connections to url, straight or through the proxy of the environment."""
        import urllib3

        parts = urlsplit(url)
        local = (parts.hostname or "") in LOOPBACK
        terms: dict[str, Any] = {}
        if parts.scheme == "https":
            named = [] if local else [os.environ[name] for name in BUNDLES if os.environ.get(name)]
            terms["ssl_context"] = self._trust(named[0] if named else "")
        proxy = None if local else _proxy(url)
        if proxy is None:
            return urllib3.PoolManager(**terms)
        user = urllib3.util.parse_url(proxy).auth
        told = urllib3.util.make_headers(proxy_basic_auth=unquote(user)) if user else None
        return urllib3.ProxyManager(proxy, proxy_headers=told, **terms)

    def _trust(self, bundle: str) -> SSLContext:
        """What certificates are held against; made once, for it reads 140 of them."""
        if bundle not in self._trusted:
            import certifi
            from urllib3.util.ssl_ import create_urllib3_context

            context = create_urllib3_context()
            folder = os.path.isdir(bundle)
            file = None if folder else bundle or certifi.where()
            context.load_verify_locations(cafile=file, capath=bundle if folder else None)
            self._trusted[bundle] = context
        return self._trusted[bundle]

    def _read(
        self, response: urllib3.BaseHTTPResponse, shown: str, limit: int, deadline: float
    ) -> bytes:
        """The whole body; the size is counted after decompression, so a bomb stops early."""
        pieces: list[bytes] = []
        size = 0
        for piece in response.stream(_PIECE, decode_content=True):
            size += len(piece)
            if size > limit:
                raise BadPayload(f"{shown} sent more than {limit} bytes")
            if self._clock.monotonic() > deadline:
                raise Unreachable(f"{shown} sent its answer too slowly")
            pieces.append(piece)
            if len(pieces) % _TURN == 0:
                # Data that is there already is read without waiting: let others have a turn.
                concurrency.sleep(0)
        return b"".join(pieces)


def _is_timeout(problem: Exception) -> bool:
    from urllib3.exceptions import NewConnectionError, TimeoutError

    cause = getattr(problem, "reason", problem)
    # Somebody who refuses counts as too slow there.
    return isinstance(cause, TimeoutError) and not isinstance(cause, NewConnectionError)


def _with_query(url: str, params: Mapping[str, Any] | None) -> str:
    given = {name: value for name, value in (params or {}).items() if value is not None}
    if not given:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(given, doseq=True)}"


def _proxy(url: str) -> str | None:
    """The proxy the environment (or the system) names for url; None: straight there."""
    from urllib import request

    parts = urlsplit(url)
    host = parts.hostname or ""
    known = request.getproxies()
    proxy = known.get(parts.scheme) or known.get("all")
    spelt = host if parts.port is None else f"{host}:{parts.port}"
    if not proxy or request.proxy_bypass(spelt) or _is_within(host, known.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_within(host: str, networks: str) -> bool:
    """Is host an address of a network in no_proxy ("10.0.0.0/8")? urllib knows names only."""
    for network in networks.split(","):
        try:
            if ipaddress.ip_address(host) in ipaddress.ip_network(network.strip()):
                return True
        except ValueError:
            continue
    return False


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _without_query(url: str) -> str:
    """An address fit for logs: a query string may hold a key, the user part a password.

    Raises:
        Unreachable: it is no address.
    """
    try:
        parts = urlsplit(url)
        host, number = parts.hostname or "", parts.port
    except ValueError:
        raise Unreachable("an address that cannot be read; check the settings") from None
    port = f":{number}" if number else ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{parts.path}"


def _reason(problem: Exception) -> str:
    """The innermost cause in a few words, without the address (it may carry a key)."""
    cause: BaseException = problem
    while True:
        inner = cause.__cause__ or cause.__context__
        if inner is None:
            break
        cause = inner
    if isinstance(cause, OSError) and cause.strerror:
        return reason_of(cause)
    return type(cause).__name__


def _summary(answer: Answer) -> str:
    """What the body says of the failure, one line."""
    if answer.is_html:
        return "with a web page"
    text = answer.body[:_EXCERPT].decode("utf-8", "replace")
    return " ".join(text.split())
