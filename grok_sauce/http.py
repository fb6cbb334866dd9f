"""GET and POST with time limits, a size cap, a named User-Agent and typed errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from grok_sauce import __version__
from grok_sauce.errors import BadPayload, SourceError, reason_of
from grok_sauce.runtime import concurrency
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    import requests

    from grok_sauce.runtime.clock import Clock

USER_AGENT: Final = f"grok-sauce/{__version__}"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
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
        import requests  # 0.1 s of start-up: only when something is asked

        deadline = self._clock.monotonic() + self._whole
        shown = _without_query(url)
        sent = {"User-Agent": self._user_agent, **(headers or {})}
        try:
            with requests.Session() as session:
                session.trust_env = (urlsplit(url).hostname or "") not in LOOPBACK
                with session.request(
                    method,
                    url,
                    params=dict(params) if params else None,
                    data=data,
                    headers=sent,
                    timeout=self._timeout,
                    allow_redirects=redirects,
                    stream=True,
                    # An auth of our own keeps a .netrc from replacing the Authorization header.
                    auth=_leave_alone,
                ) as response:
                    content = self._read(response, shown, limit or self._limit, deadline)
        except requests.exceptions.Timeout:
            raise Unreachable(f"{shown} did not answer in time") from None
        except (requests.exceptions.RequestException, OSError, ValueError) as problem:
            raise Unreachable(f"{shown} cannot be reached: {_reason(problem)}") from None
        lowered = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status_code, lowered, content, shown)
        if answer.status != 304 and not 200 <= answer.status < 300:
            raise HttpStatus(
                f"{shown} answered {answer.status} {_summary(answer)}".rstrip(), answer
            )
        return answer

    def _read(self, response: requests.Response, shown: str, limit: int, deadline: float) -> bytes:
        """The whole body; the size is counted after decompression, so a bomb stops early."""
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_content(_PIECE):
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


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


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
