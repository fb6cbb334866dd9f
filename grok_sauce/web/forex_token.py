"""The secret that an expert advisor shows: from .env, or made once and kept in a file of 0600."""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from pathlib import Path
from typing import Final

from grok_sauce.errors import StartupError
from grok_sauce.runtime.concurrency import offload
from grok_sauce.storage.files import make_private, write_private
from grok_sauce.web.errors import Refusal

log = logging.getLogger(__name__)

HEADER: Final = "X-Forex-Token"
FILE_NAME: Final = "forex_token"
SHOWN: Final = 4  # characters at the end that tell one token from another
MOST: Final = 512  # characters looked at
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{24,128}", re.ASCII)


class ForexToken:
    """The token in use. given (FOREX_TOKEN of .env) goes before the file, which is then unused.

    Raises:
        StartupError: the file holds something else, or cannot be read or made.
    """

    def __init__(self, path: Path, given: str | None = None) -> None:
        self._path = path
        self.is_given = given is not None
        self._value = given if given is not None else self._kept()

    def good(self, shown: str) -> bool:
        """Whether it is the token; takes the same time wherever they differ."""
        if not 0 < len(shown) <= MOST:
            return False
        return hmac.compare_digest(
            shown.encode("utf-8", "surrogatepass"), self._value.encode("utf-8", "surrogatepass")
        )

    @property
    def value(self) -> str:
        """The whole secret, for its owner alone."""
        return self._value

    @property
    def masked(self) -> str:
        """What a page shows of it."""
        return "••••••••" + self._value[-SHOWN:]

    def renew(self) -> str:
        """Make another one; the old one is refused from now on.

        Raises:
            Refusal: it comes from .env, or cannot be written.
        """
        if self.is_given:
            raise Refusal(422, "invalid", "The token is FOREX_TOKEN of .env; change it there.")
        token = secrets.token_urlsafe(32)
        try:
            offload(write_private, self._path, f"{token}\n".encode())
        except OSError as problem:
            raise Refusal(
                503, "unavailable", f"The new token was not written: {problem.strerror or problem}"
            ) from None
        self._value = token
        return token

    def _kept(self) -> str:
        try:
            if not self._path.exists():
                make_private(self._path, f"{secrets.token_urlsafe(32)}\n".encode())
                log.info("a token for the EA exchange is kept in %s", self._path)
            text = self._path.read_text("ascii").strip()
        except OSError as problem:
            raise StartupError(f"{self._path}: {problem.strerror or problem}") from None
        except ValueError:
            text = ""
        if not _TOKEN.fullmatch(text):
            raise StartupError(f"{self._path} does not hold a token; delete it, a new one is made")
        return text
