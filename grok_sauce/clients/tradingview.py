"""TradingView's account: a token from a pasted one, cookies or a login; scripts of studies.

Order: a token kept from before, the pasted one, the page fetched with cookies, a login. With
none of them the token of somebody who is not signed in, whose prices are mostly delayed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from dataclasses import asdict, field
from pathlib import Path
from typing import Any, ClassVar, Final, Literal
from urllib.parse import quote

from grok_sauce.clients import tradingview_pages as pages
from grok_sauce.clients.tradingview_study import StudyCode, read_study
from grok_sauce.errors import BadPayload, SourceError, SourceRefused
from grok_sauce.http import Answer, Http, HttpStatus
from grok_sauce.runtime.clock import Clock
from grok_sauce.settings.environment import knob
from grok_sauce.storage.files import BrokenFile, read_json, write_private
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

ANONYMOUS: Final = "unauthorized_user_token"
FILE: Final = "tradingview_token.json"
LEFT: Final = 60.0  # seconds left at which a token counts as ended
REST: Final = 900.0  # between two renewals; doubles while they do not help
LONGEST_REST: Final = 4 * 3600.0
STUDY_KEPT: Final = 24 * 3600.0
PAGE: Final = 8 * 1024 * 1024  # bytes
SMALL: Final = 2 * 1024 * 1024

Kind = Literal["pasted", "cookies", "login", "anonymous"]


@dataclass(frozen=True, slots=True)
class TradingViewAccount:
    """TRADINGVIEW_*: who asks, and where. Nothing set: nobody, with delayed prices."""

    ENV: ClassVar[dict[str, str]] = {
        "token": "TRADINGVIEW_JWT_TOKEN",
        "sessionid": "TRADINGVIEW_SESSIONID",
        "sessionid_sign": "TRADINGVIEW_SESSIONID_SIGN",
        "username": "TRADINGVIEW_USERNAME",
        "password": "TRADINGVIEW_PASSWORD",
        "credentials": "TRADINGVIEW_CREDENTIALS",
        "base_url": "TRADINGVIEW_BASE",
        "pine_url": "TRADINGVIEW_PINE_BASE",
    }

    token: str = knob("", secret=True)
    sessionid: str = knob("", secret=True)
    sessionid_sign: str = knob("", secret=True)
    username: str = knob("", secret=True)
    password: str = knob("", secret=True)
    credentials: str = knob("", secret=True)
    base_url: str = knob("https://www.tradingview.com", url=True)
    pine_url: str = knob("https://pine-facade.tradingview.com", url=True)

    def __repr__(self) -> str:
        return f"TradingViewAccount(base_url={self.base_url!r})"  # the rest are secrets

    @property
    def login(self) -> tuple[str, str] | None:
        """User name and password; None when none are set. Raises SettingsError."""
        if self.username and self.password:
            return self.username, self.password
        return pages.credentials_of(self.credentials) if self.credentials else None

    @property
    def fingerprint(self) -> str:
        """Tells accounts and addresses apart without holding their secrets."""
        parts = (
            *(self.base_url, self.token, self.sessionid, self.username, self.password),
            self.credentials,
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Login:
    """What the socket is shown. expires_at: Unix seconds of real time, None: not told.

    cookies: value of a Cookie header, "" for none.
    """

    token: str = field(repr=False)
    kind: Kind
    expires_at: float | None
    cookies: str = field(default="", repr=False)

    @property
    def is_anonymous(self) -> bool:
        """Nobody is signed in."""
        return self.kind == "anonymous"


class TradingView:
    """One account. Thread-safe: many callers, one renewal. store_dir None keeps nothing."""

    def __init__(
        self, account: TradingViewAccount, http: Http, clock: Clock, store_dir: Path | None
    ) -> None:
        self._account = account
        self._http = http
        self._clock = clock
        self._path = None if store_dir is None else store_dir / FILE
        self._lock = threading.Lock()
        self._login: Login | None = None
        self._renewed_at: float | None = None  # monotonic
        self._rest = REST
        self._spurned = ""  # a pasted token the server did not take
        self._refused: str | None = None  # a login that was refused: not tried again by itself
        self._studies: dict[tuple[str, str], tuple[float, StudyCode]] = {}

    # ---- tokens -------------------------------------------------------------------------

    def login(self) -> Login:
        """The token to use now. One that has ended is used while there is no way to another.

        Raises:
            SourceRefused: what is set does not sign in; says the next step.
            SourceError: TradingView cannot be reached.
        """
        with self._lock:
            kept = self._login or self._load()
            if kept is None or self._has_ended(kept):
                try:
                    kept = self._obtain()
                except SourceError as problem:
                    if kept is None:
                        raise
                    # The socket has been seen to take tokens days after their end.
                    log.warning("%s; the token that has ended is used", problem)
            self._login = kept
            return kept

    def renew(self, evidence: str) -> Login | None:
        """Another token, because of what was seen with the one in use (a word for the log).

        None when the last renewal was less than 15 minutes ago (up to 4 hours while they do
        not help), or when there is no way to another one: a pasted token is the user's to
        replace. Errors as login().
        """
        with self._lock:
            now = self._clock.monotonic()
            if self._renewed_at is not None and now - self._renewed_at < self._rest:
                return None
            if not self._can_renew:
                return None
            if self._renewed_at is not None:
                steady = now - self._renewed_at > LONGEST_REST
                self._rest = REST if steady else min(self._rest * 2, LONGEST_REST)
            self._renewed_at = now
            log.info("TradingView: a new token is fetched: %s", evidence)
            self._login = self._fetch()
            return self._login

    def spurned(self, token: str) -> None:
        """The server refused this token: it is not shown again while there is another way."""
        with self._lock:
            if token == self._account.token:
                self._spurned = token
            if self._login is not None and self._login.token == token and self._can_renew:
                self._login = None
                self._forget()

    def forgive(self) -> None:
        """The user wants another try: a refused login may be shown once more."""
        with self._lock:
            self._refused = None

    @property
    def _can_renew(self) -> bool:
        account = self._account
        return bool(account.sessionid or account.credentials or account.username)

    def _has_ended(self, login: Login) -> bool:
        ends = login.expires_at
        return ends is not None and ends - self._clock.real() < LEFT

    def _obtain(self) -> Login:
        account = self._account
        ends = pages.expiry_of(account.token)
        late = ends is not None and ends - self._clock.real() < LEFT and self._can_renew
        if account.token and account.token != self._spurned and not late:
            if not pages.is_jwt(account.token):
                raise SourceRefused(
                    "TradingView: TRADINGVIEW_JWT_TOKEN is no token (three parts joined by dots); "
                    "copy auth_token anew, or " + pages.COOKIES
                )
            # As it is, ended or not, where there is no way to another.
            return Login(account.token, "pasted", ends, self._cookies())
        if self._can_renew:
            return self._fetch()
        if account.token:
            raise SourceRefused(
                "TradingView does not accept TRADINGVIEW_JWT_TOKEN; paste a new one into .env, or "
                + pages.COOKIES
            )
        return Login(ANONYMOUS, "anonymous", None)

    def _fetch(self) -> Login:
        """By cookies, then by login."""
        account = self._account
        if account.sessionid:
            login = self._by_cookies(self._cookies(), "cookies")
            if login is not None:
                return self._keep(login)
        pair = account.login
        if pair is None:
            raise SourceRefused(
                "TradingView: the cookies in .env are not signed in any more; " + pages.COOKIES
            )
        return self._keep(self._by_login(*pair))

    def _cookies(self) -> str:
        account = self._account
        parts = {"sessionid": account.sessionid, "sessionid_sign": account.sessionid_sign}
        return "; ".join(f"{name}={value}" for name, value in parts.items() if value)

    def _by_cookies(self, cookies: str, kind: Kind) -> Login | None:
        """The token of the page that is shown to these cookies; None when it shows none."""
        headers = {"Cookie": cookies, "Accept": "text/html"}
        answer = self._ask("GET", self._account.base_url.rstrip("/") + "/", headers, limit=PAGE)
        token = pages.token_in(answer.body)
        return None if token is None else Login(token, kind, pages.expiry_of(token), cookies)

    def _by_login(self, username: str, password: str) -> Login:
        if self._refused is not None:
            raise SourceRefused(self._refused)  # each further try brings the CAPTCHA nearer
        base = self._account.base_url.rstrip("/")
        headers = {"Referer": base + "/", "Origin": base, "Accept": "application/json"}
        form = {"username": username, "password": password, "remember": "on"}
        answer = self._ask("POST", f"{base}/accounts/signin/", headers, form)
        try:
            token = pages.login_token(answer.json())
        except SourceRefused as problem:
            self._refused = str(problem)
            raise
        found = pages.cookies_in(answer.headers.get("set-cookie", ""))
        cookies = "; ".join(f"{name}={value}" for name, value in found.items())
        if token is not None:
            return Login(token, "login", pages.expiry_of(token), cookies)
        login = self._by_cookies(cookies, "login") if cookies else None
        if login is None:
            raise BadPayload("TradingView: the login's answer holds no token and no cookies")
        return login

    def _ask(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        form: dict[str, str] | None = None,
        limit: int = SMALL,
    ) -> Answer:
        try:
            if form is not None:
                return self._http.post_form(url, form, headers, limit)
            return self._http.get(url, headers=headers, limit=limit)
        except HttpStatus as problem:
            status, body = problem.status, problem.answer.body[:400].decode("utf-8", "replace")
            if form is not None and status in (400, 401, 403):
                failure = pages.refused_login(body)
                if isinstance(failure, SourceRefused):
                    self._refused = str(failure)
                raise failure from None
            if status in (401, 403):
                raise SourceRefused(
                    f"TradingView refuses with HTTP {status}; {pages.COOKIES}"
                ) from None
            raise SourceError(f"TradingView: {method} answered with HTTP {status}") from None

    # ---- scripts ------------------------------------------------------------------------

    def study(self, script: str, version: str) -> StudyCode:
        """A published script for create_study; kept for a day.

        Raises:
            SourceRefused: no access to it. SourceError: not reachable, or another shape.
        """
        now = self._clock.monotonic()
        with self._lock:
            kept = self._studies.get((script, version))
            login = self._login
        if kept is not None and now - kept[0] < STUDY_KEPT:
            return kept[1]
        path = f"{quote(script, safe=';')}/{quote(version, safe='')}"
        url = f"{self._account.pine_url.rstrip('/')}/pine-facade/translate/{path}"
        headers = {"Accept": "application/json"}
        if login is not None and login.cookies:
            headers["Cookie"] = login.cookies
        code = read_study(self._ask("GET", url, headers).json(), script, version)
        with self._lock:
            self._studies[script, version] = (now, code)
        return code

    # ---- kept on disk -------------------------------------------------------------------

    def _load(self) -> Login | None:
        if self._path is None or not self._can_renew:
            return None
        try:
            kept = read_json(self._path)
            if not isinstance(kept, dict) or kept.get("for") != self._account.fingerprint:
                return None
            login = Login(**kept["login"])
            return login if pages.is_jwt(login.token) else None
        except (BrokenFile, OSError, KeyError, TypeError) as problem:
            log.info("%s is not usable, a new token is fetched: %s", FILE, problem)
            return None

    def _keep(self, login: Login) -> Login:
        self._spurned = "" if login.token != self._spurned else self._spurned
        if self._path is not None:
            kept: dict[str, Any] = {"for": self._account.fingerprint, "login": asdict(login)}
            try:
                write_private(self._path, json.dumps(kept).encode())
            except OSError as problem:
                # The token works all the same; the next start has to fetch another.
                log.warning("%s cannot be written: %s", self._path, problem.strerror)
        return login

    def _forget(self) -> None:
        if self._path is not None:
            try:
                self._path.unlink(missing_ok=True)
            except OSError as problem:
                log.warning("%s cannot be removed: %s", self._path, problem.strerror)
