"""Quote tokens of the dxLink feed: which to use next, when to renew, when to give up."""

from __future__ import annotations

import logging
import threading
from typing import Final, Protocol
from urllib.parse import urlsplit

from grok_sauce.errors import GrokSauceError, SourceError, SourceRefused
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock

log = logging.getLogger(__name__)

RENEW_BEFORE: Final = 300.0  # renewed with less than this left (seconds)
RENEW_AGE: Final = 23 * 3600.0  # or when so old, whatever it says of itself
RENEW_AGAIN: Final = 300.0  # after a renewal that failed


class QuoteTokenLike(Protocol):
    """What the feed needs to know of a quote token; expires_at is Unix seconds of real time."""

    @property
    def token(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def expires_at(self) -> float: ...


class QuoteTokens(Protocol):
    """Where quote tokens come from: clients/tastytrade.py."""

    def quote_token(self) -> QuoteTokenLike: ...
    def renew_quote_token(self) -> QuoteTokenLike: ...


def is_delayed(token: QuoteTokenLike) -> bool:
    """True unless the token promises real-time quotes."""
    return token.level != "api" or urlsplit(token.url).path.rstrip("/").endswith("/delayed")


class TokenKeeper:
    """The token in use. The reader calls everything; only the fetch runs beside it."""

    def __init__(self, tokens: QuoteTokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._got = 0.0
        self._renew_at = 0.0
        self._value: str | None = None
        self._fresh: QuoteTokenLike | None = None
        self._renewal: threading.Thread | None = None
        self._rejections = 0
        self._another = False
        self.failure: str | None = None  # of the newest renewal

    def take(self) -> QuoteTokenLike:
        """The token for a new connection; errors as the source of tokens raises them."""
        if self._another:
            token = self._tokens.renew_quote_token()
            self._another = False
        else:
            token = self._tokens.quote_token()
        self._fresh = None
        self._adopt(token)
        return token

    def renewed(self) -> QuoteTokenLike | None:
        """A fresh token to show on the running connection, once; starts fetching when due."""
        token, self._fresh = self._fresh, None
        if token is not None:
            self._adopt(token)
            return token
        now = self._clock.real()
        if now >= self._renew_at and (self._renewal is None or not self._renewal.is_alive()):
            self._renew_at = now + RENEW_AGAIN
            self._renewal = concurrency.spawn(self._fetch, name="dxlink-token")
        return None

    def accepted(self) -> None:
        """The server serves us with this token."""
        self._rejections = 0

    def doubt(self) -> None:
        """Use another token next time: the server may have closed because of this one."""
        self._another = True

    def rejected(self, problem: Exception) -> GrokSauceError:
        """What to raise: one new token is tried, a second refusal is the user's to solve."""
        self._rejections += 1
        self._another = True
        if self._rejections < 2:
            return SourceError(f"{problem}; trying once with a new token")
        self._rejections = 0
        return SourceRefused(
            f"{problem}, and so was a new one; check with tastytrade that the account may "
            f"stream quotes, renew CLIENT_SECRET and REFRESH_TOKEN in .env, then retry"
        )

    def _adopt(self, token: QuoteTokenLike) -> None:
        if token.token != self._value:
            self._got = self._clock.real()
        self._value = token.token
        if not token.token:
            self._renew_at = float("inf")  # a server without sign-in: there is nothing to renew
            return
        self._renew_at = min(token.expires_at - RENEW_BEFORE, self._got + RENEW_AGE)

    def _fetch(self) -> None:
        try:
            self._fresh = self._tokens.renew_quote_token()
            self.failure = None
        except GrokSauceError as problem:
            self.failure = str(problem)
            log.warning("dxLink: quote token not renewed: %s", problem)
