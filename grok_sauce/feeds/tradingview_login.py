"""The login of the TradingView feed: which token to show, and what is evidence against it."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from grok_sauce.clients.tradingview import Login
from grok_sauce.clients.tradingview_study import StudyCode
from grok_sauce.errors import GrokSauceError, SourceError, SourceRefused
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock

log = logging.getLogger(__name__)

STUDY_AGAIN = 600.0  # seconds until a script that could not be had is asked for again


class Account(Protocol):
    """Where tokens and scripts come from: clients/tradingview.py."""

    def login(self) -> Login: ...
    def renew(self, evidence: str) -> Login | None: ...
    def spurned(self, token: str) -> None: ...
    def forgive(self) -> None: ...
    def study(self, script: str, version: str) -> StudyCode: ...


class LoginKeeper:
    """The login in use. The reader calls everything; what is fetched is fetched beside it."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._login: Login | None = None
        self._fresh: Login | None = None
        self._work: threading.Thread | None = None
        self._study_work: threading.Thread | None = None
        self._study_due = 0.0
        self._code: StudyCode | None = None
        self._rejections = 0
        self.failure: str | None = None  # of the newest renewal
        self.study_failure: str | None = None

    def take(self) -> Login:
        """The login for a new connection; errors as the account raises them."""
        self._fresh = None
        self._login = self._account.login()
        return self._login

    def accepted(self) -> None:
        """The server serves us with this token."""
        self._rejections = 0

    def rejected(self, problem: Exception) -> GrokSauceError:
        """What to raise: another token is tried once, a second refusal is the user's to solve."""
        self._rejections += 1
        login = self._login
        if login is None or login.is_anonymous:
            return problem if isinstance(problem, GrokSauceError) else SourceError(str(problem))
        self._account.spurned(login.token)
        if self._rejections < 2:
            return SourceError(f"{problem}; trying once with another token")
        self._rejections = 0
        return SourceRefused(
            f"{problem}, with another token too; sign in at www.tradingview.com, copy sessionid "
            f"and sessionid_sign (or auth_token) into .env anew, then retry"
        )

    def forgive(self) -> None:
        """The next connection is the user's wish."""
        self._account.forgive()

    def doubt(self, evidence: str) -> None:
        """Evidence against the token: another is fetched beside the reader, if it may be."""
        if self._login is None or self._login.is_anonymous:
            return
        if self._work is None or not self._work.is_alive():
            self._work = concurrency.spawn(self._renew, evidence, name="tradingview-token")

    def renewed(self) -> Login | None:
        """A fresh login to show on the running connection, once."""
        fresh, self._fresh = self._fresh, None
        if fresh is not None:
            self._login = fresh
        return fresh

    def study(self, script: str, version: str) -> StudyCode | None:
        """The script once it is here; asks for it beside the reader."""
        if self._code is not None and (self._code.script, self._code.version) == (script, version):
            return self._code
        now = self._clock.monotonic()
        busy = self._study_work is not None and self._study_work.is_alive()
        if now >= self._study_due and not busy:
            self._study_due = now + STUDY_AGAIN
            self._study_work = concurrency.spawn(
                self._fetch_study, script, version, name="tradingview-study"
            )
        return None

    def _renew(self, evidence: str) -> None:
        try:
            fresh = self._account.renew(evidence)
            self.failure = None
        except GrokSauceError as problem:
            self.failure = str(problem)
            log.warning("TradingView: token not renewed: %s", problem)
        else:
            if fresh is not None:
                self._fresh = fresh

    def _fetch_study(self, script: str, version: str) -> None:
        try:
            self._code = self._account.study(script, version)
            self.study_failure = None
        except GrokSauceError as problem:
            self.study_failure = str(problem)
            log.warning("TradingView: no levels: %s", problem)
