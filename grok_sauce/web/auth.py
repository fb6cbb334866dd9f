"""Proof of who may: the session secret, the password, the API token and the CSRF token."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, Final

from grok_sauce.errors import StartupError
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.concurrency import offload
from grok_sauce.storage.files import make_private
from grok_sauce.web.settings import WebSettings

log = logging.getLogger(__name__)

LIFE: Final = 12 * 3600.0  # seconds a login lasts, counted from the sign-in
MAX_PASSWORD: Final = 1024  # characters looked at; more is no password
MAX_REVOKED: Final = 10_000
HASHED: Final = "scrypt:"


def secret_keys(path: Path) -> list[bytes]:
    """The keys that sign sessions: the first in use, the others still accepted.

    Made on the first start, readable by the owner alone. To change it put a new line of
    64 hexadecimal digits first; logins under the old one stay good while it is there.

    Raises:
        StartupError: the file holds something else or cannot be written.
    """
    try:
        if not path.exists():
            make_private(path, f"{secrets.token_hex(32)}\n".encode())
        keys = [bytes.fromhex(line) for line in path.read_text("ascii").split()]
    except OSError as problem:
        raise StartupError(f"{path}: {problem.strerror or problem}") from None
    except ValueError:
        keys = []
    if not keys or any(len(key) < 32 for key in keys):
        raise StartupError(f"{path} does not hold a key; delete it, a new one is made")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        log.warning("%s can be read by others; run: chmod 600 %s", path, path)
    return keys


class Auth:
    """Checks proofs. Holds no state but the logins that ended early."""

    def __init__(self, settings: WebSettings, keys: Sequence[bytes], clock: Clock) -> None:
        self._password = settings.dashboard_password
        self._token = settings.api_token
        self._keys = tuple(keys)  # the first makes proofs, all of them check
        self._clock = clock
        self._revoked: dict[str, float] = {}

    @property
    def needed(self) -> bool:
        """A password is set."""
        return self._password is not None

    def check_password(self, given: str) -> bool:
        """Whether it is the password; takes the same time wherever they differ."""
        if self._password is None or not given or len(given) > MAX_PASSWORD:
            return False
        if self._password.startswith(HASHED):
            from werkzeug.security import check_password_hash

            return offload(check_password_hash, self._password, given)
        return self._same(given, self._password)

    def token_good(self, header: str | None) -> bool | None:
        """Whether an Authorization header holds the API token; None when it holds no token."""
        scheme, _, given = (header or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        if self._token is None:
            return False
        return self._same(given.strip(), self._token)

    def sign_in(self, session: MutableMapping[str, Any]) -> None:
        """Start a login under a new session id."""
        session.clear()
        session["sid"] = secrets.token_urlsafe(16)
        session["at"] = int(self._clock.real())
        session["pw"] = self._password_mark(self._keys[0])

    def sign_out(self, session: MutableMapping[str, Any]) -> None:
        """End a login; its cookie is refused from now on, wherever a copy lies."""
        now = self._clock.real()
        self._revoked = {sid: until for sid, until in self._revoked.items() if until > now}
        if self.signed_in(session) and len(self._revoked) < MAX_REVOKED:
            self._revoked[str(session["sid"])] = now + LIFE
        session.clear()

    def signed_in(self, session: Mapping[str, Any]) -> bool:
        """Whether this login still counts: its age, the password it was made with."""
        at, sid, mark = session.get("at"), session.get("sid"), session.get("pw")
        if not isinstance(at, int) or not isinstance(sid, str) or not isinstance(mark, str):
            return False
        age = self._clock.real() - at
        fresh = -60.0 <= age < LIFE and sid not in self._revoked
        made_with = [self._password_mark(key) for key in self._keys]
        return self.needed and fresh and _is_one_of(mark, made_with)

    def csrf_token(self, session: MutableMapping[str, Any]) -> str:
        """The token for pages of this session; starts one when there is none."""
        if not isinstance(session.get("sid"), str):
            session["sid"] = secrets.token_urlsafe(16)
        return _csrf(session["sid"], self._keys[0])

    def csrf_good(self, session: Mapping[str, Any], given: str | None) -> bool:
        """Whether a write carries the token of its own session."""
        sid = session.get("sid")
        if not isinstance(sid, str) or not given:
            return False
        return _is_one_of(given, [_csrf(sid, key) for key in self._keys])

    def _password_mark(self, key: bytes) -> str:
        return _digest(f"mark:{self._password or ''}", key).hex()[:24]

    def _same(self, given: str, wanted: str) -> bool:
        """Equal or not, in the same time wherever they differ and however long they are."""
        key = self._keys[0]
        return hmac.compare_digest(_digest(given, key), _digest(wanted, key))


def _csrf(sid: str, key: bytes) -> str:
    return _digest(f"csrf:{sid}", key).hex()


def _digest(text: str, key: bytes) -> bytes:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def _is_one_of(given: str, wanted: Sequence[str]) -> bool:
    text = given.encode("utf-8", "surrogatepass")
    return any([hmac.compare_digest(text, one.encode()) for one in wanted])
