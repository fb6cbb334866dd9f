"""tastytrade login: access tokens by OAuth refresh, quote tokens for the stream, both cached."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlsplit

from grok_sauce.clients.tastytrade_errors import GRANT, explain
from grok_sauce.errors import BadPayload, SourceRefused
from grok_sauce.http import LOOPBACK, Answer, Http, HttpStatus
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.settings.environment import knob
from grok_sauce.storage.files import BrokenFile, read_json, write_private
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

ACCESS_LEFT: Final = 60.0  # seconds left at which an access token is renewed
QUOTE_LEFT: Final = 300.0
QUOTE_LIFE: Final = 24 * 3600.0  # by documentation, where the answer does not say
QUOTE_AGE: Final = 23 * 3600.0
PER_SECOND: Final = 2.0  # requests; the limits are unpublished
BURST: Final = 4
SMALL: Final = 64 * 1024  # bytes of a token answer


@dataclass(frozen=True, slots=True)
class TastytradeSettings:
    """CLIENT_*, REFRESH_TOKEN, TASTY_API_BASE: who asks, and where."""

    ENV: ClassVar[dict[str, str]] = {
        "client_id": "CLIENT_ID",
        "client_secret": "CLIENT_SECRET",
        "refresh_token": "REFRESH_TOKEN",
        "base_url": "TASTY_API_BASE",
    }

    client_id: str = knob("")
    client_secret: str = knob("", secret=True)
    refresh_token: str = knob("", secret=True)
    base_url: str = knob("https://api.tastyworks.com", url=True)

    def __repr__(self) -> str:
        return f"TastytradeSettings(base_url={self.base_url!r})"  # the rest are secrets

    @property
    def fingerprint(self) -> str:
        """Tells credentials and environments apart without holding them."""
        parts = (self.base_url.rstrip("/"), self.client_id, self.client_secret, self.refresh_token)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What REST calls carry; times are Unix seconds of real time."""

    token: str = field(repr=False)
    fetched_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class QuoteToken:
    """What dxLink is shown, and where; times are Unix seconds of real time.

    level is "api" for real-time quotes; anything else is delayed.
    """

    token: str = field(repr=False)
    url: str
    level: str
    expires_at: float
    fetched_at: float = 0.0


Token = TypeVar("Token", AccessToken, QuoteToken)


class Throttle:
    """At most PER_SECOND requests a second, a few at once after a pause; waits for its turn."""

    def __init__(self, clock: Clock, wait: Callable[[float], None] = concurrency.sleep) -> None:
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._next = -1e9  # monotonic time at which all places are free again, less a burst

    def turn(self) -> None:
        """Return when the next request may go."""
        with self._lock:
            now = self._clock.monotonic()
            start = max(self._next, now - (BURST - 1) / PER_SECOND)
            self._next = start + 1 / PER_SECOND
        if start > now:
            self._wait(start - now)


class Tokens:
    """Both tokens of one set of credentials. Thread-safe: many callers, one renewal.

    Kept in store_dir (files of mode 0600), bound to base URL and credentials: a token of
    another environment is never used.
    """

    def __init__(
        self,
        settings: TastytradeSettings,
        http: Http,
        clock: Clock,
        store_dir: Path | None,
        throttle: Throttle | None = None,
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._store = store_dir
        self._throttle = throttle or Throttle(clock)
        self._access: AccessToken | None = None
        self._quote: QuoteToken | None = None
        self._refused: str | None = None
        self._access_lock = threading.Lock()
        self._quote_lock = threading.Lock()

    # ---- access ---------------------------------------------------------------------

    def access_token(self, renew: bool = False, unless: str | None = None) -> AccessToken:
        """A token with more than 60 s left. renew: not the one in use.

        unless: the token that was found wanting; if another one is in use by now (somebody
        else renewed), that one is returned.

        Raises:
            SourceRefused: no credentials, or refused; a grant that was refused is not shown
                to the server again.
            SourceError: not reachable, too fast, in maintenance.
        """
        with self._access_lock:
            token = self._access or self._load("access", AccessToken)
            if renew and token is not None and unless is not None and token.token != unless:
                renew = False
            if renew or token is None or not self._good_access(token):
                token = self._refresh()
                self._save("access", token)
            self._access = token
            return token

    def _good_access(self, token: AccessToken) -> bool:
        now = self._clock.real()
        # A token from the future was made under another clock; its end means nothing.
        return token.fetched_at <= now + 5 and token.expires_at - now >= ACCESS_LEFT

    def _refresh(self) -> AccessToken:
        settings = self._settings
        missing = [
            name
            for name, value in (
                ("CLIENT_SECRET", settings.client_secret),
                ("REFRESH_TOKEN", settings.refresh_token),
            )
            if not value
        ]
        if missing:
            raise SourceRefused(f"tastytrade: {' and '.join(missing)} missing in .env; {GRANT}")
        if self._refused is not None:
            raise SourceRefused(self._refused)  # every further try counts towards an IP block
        body = {
            "grant_type": "refresh_token",
            "refresh_token": settings.refresh_token,
            "client_secret": settings.client_secret,
        }
        if settings.client_id:
            body["client_id"] = settings.client_id
        self._throttle.turn()
        now = self._clock.real()
        try:
            answer = self._http.post_json(self.address("/oauth/token"), body, limit=SMALL)
        except HttpStatus as problem:
            failure = explain(problem.answer, "login")
            if isinstance(failure, SourceRefused):
                self._refused = str(failure)
            raise failure from None
        token, life = _member(answer, "access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not _is_number(life) or life <= 0:
            raise BadPayload("tastytrade: the login answer holds no access_token and expires_in")
        return AccessToken(token, now, now + float(life))

    # ---- quote ----------------------------------------------------------------------

    def quote_token(self) -> QuoteToken:
        """A quote token with more than 5 min left and less than 23 h old; errors as access_token().

        An account that may not stream is SourceRefused.
        """
        with self._quote_lock:
            token = self._quote or self._load("quote", QuoteToken)
            if token is None or not self._good_quote(token):
                token = self._fetch_quote()
            self._quote = token
            return token

    def renew_quote_token(self) -> QuoteToken:
        """A new quote token, whatever is cached; an earlier refusal is put to the test again."""
        self._refused = None
        with self._quote_lock:
            self._quote = self._fetch_quote()
            return self._quote

    def _good_quote(self, token: QuoteToken) -> bool:
        now = self._clock.real()
        age = now - token.fetched_at
        return -5 <= age < QUOTE_AGE and token.expires_at - now >= QUOTE_LEFT

    def _fetch_quote(self) -> QuoteToken:
        answer = self.get("/api-quote-tokens", what="quote token", limit=SMALL).json()
        data = _member(answer, "data")
        token, url, level = (_member(data, name) for name in ("token", "dxlink-url", "level"))
        if not isinstance(token, str) or not token or not isinstance(url, str):
            raise BadPayload("tastytrade: the quote token answer holds no token and dxlink-url")
        parts = urlsplit(url)
        if parts.scheme != "wss" and not (parts.scheme == "ws" and parts.hostname in LOOPBACK):
            raise BadPayload(
                "tastytrade: dxlink-url is no wss address; the token is not sent there"
            )
        now = self._clock.real()
        expires = _time(data.get("expires-at"))
        if expires is None or expires <= now:
            expires = now + QUOTE_LIFE
        fresh = QuoteToken(token, url, level if isinstance(level, str) else "", expires, now)
        self._save("quote", fresh)
        return fresh

    # ---- requests -------------------------------------------------------------------

    def address(self, path: str) -> str:
        """A path on the configured host."""
        return self._settings.base_url.rstrip("/") + path

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        what: str = "request",
        limit: int | None = None,
    ) -> Answer:
        """GET with an access token; repeated once with a new one after a 401.

        Raises:
            HttpStatus: 400, 404, 406, 422: about this request, not about us.
            SourceRefused: 401 again, 403, or no right to quotes.
            SourceError: 429, 5xx, no answer.
        """
        token = self.access_token().token
        try:
            return self._get(path, params, token, what, limit)
        except HttpStatus as problem:
            if problem.status != 401 or problem.answer.is_html:
                raise
        token = self.access_token(renew=True, unless=token).token
        try:
            return self._get(path, params, token, what, limit)
        except HttpStatus as problem:
            if problem.status != 401:
                raise
            raise explain(problem.answer, what) from None

    def _get(
        self,
        path: str,
        params: Mapping[str, Any] | None,
        token: str,
        what: str,
        limit: int | None,
    ) -> Answer:
        self._throttle.turn()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        try:
            return self._http.get(self.address(path), params, headers, limit)
        except HttpStatus as problem:
            failure = explain(problem.answer, what)
            if problem.status == 401 and not problem.answer.is_html:
                raise  # the caller renews and asks once more
            if isinstance(failure, HttpStatus):
                raise
            raise failure from None

    # ---- cache ----------------------------------------------------------------------

    def _path(self, name: str) -> Path | None:
        return None if self._store is None else self._store / f"tastytrade_{name}.json"

    def _load(self, name: str, cls: type[Token]) -> Token | None:
        path = self._path(name)
        if path is None:
            return None
        try:
            kept = read_json(path)
            if not isinstance(kept, dict) or kept.get("for") != self._settings.fingerprint:
                return None
            token = cls(**kept["token"])
            return token if all(map(_is_number, (token.fetched_at, token.expires_at))) else None
        except (BrokenFile, OSError, KeyError, TypeError) as problem:
            log.info("%s is not usable, a new token is fetched: %s", path.name, problem)
            return None

    def _save(self, name: str, token: AccessToken | QuoteToken) -> None:
        path = self._path(name)
        if path is None:
            return
        kept = {"for": self._settings.fingerprint, "token": asdict(token)}
        try:
            write_private(path, json.dumps(kept).encode())
        except OSError as problem:
            # The token works all the same; the next start has to fetch another.
            log.warning("%s cannot be written: %s", path, problem.strerror)


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise BadPayload(f"tastytrade: an answer without {name}")
    return value.get(name)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _time(text: object) -> float | None:
    """An ISO time as Unix seconds; None when it is none or names no zone."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None
