"""Who may send alerts: tokens in path or body, signed headers, and the very first token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from grok_sauce.alerts.records import TokenRow
from grok_sauce.alerts.routing_document import TICKER
from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.alerts.steady import MS, SteadyTime
from grok_sauce.errors import GrokSauceError, SettingsError
from grok_sauce.runtime.concurrency import offload
from grok_sauce.storage.files import write_private
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

SECRET_FIELDS: Final = ("secret", "key", "auth_token")  # of a body; masked wherever it is kept
FILE_NAME: Final = "webhook_token"
MAX_TOKENS: Final = 100
MAX_NAME: Final = 60
MAX_TOKEN: Final = 512  # characters looked at
USED_EVERY_MS: Final = 60_000
REMEMBER_MS: Final = 600_000  # twice the tolerance: a time may lie that far ahead
MAX_REMEMBERED: Final = 50_000  # more than the rate limit lets one sender sign in 10 minutes
MAX_SIGNATURES: Final = 16
MAX_SCOPE: Final = 200

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43,128}", re.ASCII)
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


class Post(Protocol):
    """What is looked at of a request; header names are in lower case."""

    @property
    def token(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def forwarded(self) -> bool: ...
    @property
    def loopback(self) -> bool: ...


class TokenLedger(Protocol):
    """The part of the ledger that keeps tokens."""

    def token_add(
        self, name: str, digest: str, tickers: tuple[str, ...] | None, expires_ms: int | None
    ) -> int: ...
    def token_delete(self, id: int, /) -> bool: ...
    def token_used(self, id: int, ms: int, /) -> None: ...
    def tokens(self) -> list[TokenRow]: ...


@dataclass(frozen=True, slots=True)
class Verified:
    """A sender that may send. token_id None: by signed headers, or without any token."""

    token_id: int | None
    name: str
    tickers: tuple[str, ...] | None  # None: every ticker

    def allows(self, ticker: str) -> bool:
        """May it send alerts of this ticker?"""
        return self.tickers is None or ticker in self.tickers


def digest_of(token: str) -> str:
    """How a token is stored: SHA-256, hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def sign(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """The signature of Standard Webhooks, "v1,..." over id.timestamp.body.

    Source: standard-webhooks specification, "Signature scheme" (HMAC-SHA256, base64).
    """
    message = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


class Tokens:
    """The senders' tokens. Digests are kept in memory; every change goes to the ledger first.

    loopback_only says that this process listens on loopback addresses alone; otherwise
    ALLOW_UNAUTHENTICATED lets nobody in.
    """

    def __init__(
        self,
        ledger: TokenLedger,
        time: SteadyTime,
        settings: AlertSettings,
        *,
        loopback_only: bool = False,
    ) -> None:
        self._ledger = ledger
        self._time = time
        self._keys = settings.webhook_keys()
        self._tolerance_ms = settings.signature_tolerance_s * MS
        self._open = settings.allow_unauthenticated and loopback_only
        self._lock = threading.Lock()
        self._rows: tuple[TokenRow, ...] = ()
        self._used: dict[int, int] = {}
        # Signed messages, oldest first. A plain dict looks through what was deleted in front.
        self._seen: OrderedDict[bytes, int] = OrderedDict()
        self._fresh: deque[tuple[bytes, Mapping[str, str]]] = deque(maxlen=64)
        self._file: Path | None = None

    @property
    def file(self) -> Path | None:
        """Where the first token is kept; known once first_start() ran."""
        return self._file

    def load(self) -> None:
        """Take the tokens over from the ledger."""
        self._rows = tuple(self._ledger.tokens())

    def first_start(self, data: Path) -> Path | None:
        """Load the tokens; without any, make one and write it to data/webhook_token (0600).

        Gives the file's path when it was written or taken up again, else None. A file that
        is there without its token in the ledger (a new database) counts as the token: the
        senders that have it go on working. Deleting a token deletes its file too.
        """
        self._file = data / FILE_NAME
        self.load()
        if self._rows:
            return None
        token = self._from_file()
        if token is None:
            token = secrets.token_urlsafe(32)
            offload(write_private, self._file, f"{token}\n".encode())
        self._ledger.token_add("first", digest_of(token), None, None)
        self.load()
        return self._file

    def check(self, post: Post, document: Mapping[str, Any] | None) -> Verified | None:
        """Who sent this; None when nobody we know. Takes as long for a near miss as for any.

        document is the body once it is read; before that only path and headers count.
        """
        candidates = [post.token]
        if document is not None:
            candidates += [document.get(field) for field in SECRET_FIELDS]
        found: TokenRow | None = None
        for candidate in candidates:
            if isinstance(candidate, str) and 0 < len(candidate) <= MAX_TOKEN:
                found = self._match(candidate) or found
        if found is not None:
            self._note_use(found)
            return Verified(found.id, found.name, found.tickers)
        if self._keys and self._is_signed(post):
            return Verified(None, "signed", None)
        if self._open and document is not None and _shows_nothing(post, document):
            return Verified(None, "this machine", None)
        return None

    def add(self, name: object, tickers: object = None, expires: object = None) -> str:
        """A new token, told this once. tickers None: every one; expires: wall-clock ms.

        Raises:
            SettingsError: with the field.
        """
        checked = _read_name(name), _read_scope(tickers), self._read_expiry(expires)
        with self._lock:
            if len(self._rows) >= MAX_TOKENS:
                raise SettingsError(f"there are {MAX_TOKENS} tokens already; delete one", "name")
            if any(row.name == checked[0] for row in self._rows):
                raise SettingsError(f"there is a token called {checked[0]!r} already", "name")
            token = secrets.token_urlsafe(32)
            self._ledger.token_add(checked[0], digest_of(token), checked[1], checked[2])
            self.load()
        return token

    def delete(self, id: object) -> str:
        """Forget a token; gives its name. It is refused from now on, its file is gone too.

        Raises:
            SettingsError: there is no such token.
        """
        with self._lock:
            row = next((row for row in self._rows if row.id == id), None)
            if row is None or isinstance(id, bool):
                raise SettingsError("there is no such token", "id")
            kept = self._from_file()
            if self._file is not None and kept is not None and digest_of(kept) == row.digest:
                # First, so that no crash leaves a file that brings the token back.
                self._file.unlink(missing_ok=True)
            self._ledger.token_delete(row.id)
            self.load()
        return row.name

    def rows(self) -> list[dict[str, Any]]:
        """The tokens for a page: {id, name, created_ms, used_ms, expires_ms, tickers}."""
        return [
            {
                "id": row.id,
                "name": row.name,
                "created_ms": row.created_ms,
                "used_ms": max(
                    (at for at in (row.used_ms, self._used.get(row.id)) if at), default=None
                ),
                "expires_ms": row.expires_ms,
                "tickers": None if row.tickers is None else list(row.tickers),
            }
            for row in self._rows
        ]

    def reveal(self) -> str | None:
        """The first token, read from its file; None once it is deleted or has run out."""
        token = self._from_file()
        return token if token is not None and self._match(token) is not None else None

    def _match(self, token: str) -> TokenRow | None:
        """The valid row of a token. Every digest is compared, whichever fits."""
        digest, now_ms = digest_of(token), self._time.wall_ms()
        found = None
        for row in self._rows:
            is_same = hmac.compare_digest(digest, row.digest)
            is_valid = row.expires_ms is None or now_ms < row.expires_ms
            if is_same and is_valid:
                found = row
        return found

    def _note_use(self, row: TokenRow) -> None:
        now_ms = self._time.wall_ms()
        last = self._used.get(row.id)
        if last is not None and abs(now_ms - last) < USED_EVERY_MS:
            return
        self._used[row.id] = now_ms
        try:
            self._ledger.token_used(row.id, now_ms)
        except GrokSauceError as problem:
            log.warning("use of token %r not noted: %s", row.name, problem)

    def _is_signed(self, post: Post) -> bool:
        """Do the headers webhook-id, -timestamp and -signature prove a sender, for the first time?

        What is remembered is the id with its timestamp, both signed: a captured request cannot
        be played again, while a sender that was answered 503 may sign its retry anew.
        """
        message_id = post.headers.get("webhook-id", "")
        stamp = post.headers.get("webhook-timestamp", "")
        given = post.headers.get("webhook-signature", "").split(" ")[:MAX_SIGNATURES]
        if (
            not 0 < len(message_id) <= 256
            or not message_id.isascii()
            or not message_id.isprintable()
        ):
            return False
        if not _TIMESTAMP.fullmatch(stamp):
            return False
        good = False
        for key in self._keys:
            expected = sign(key, message_id, stamp, post.body).encode()
            for signature in given:
                good |= hmac.compare_digest(expected, signature.encode("utf-8", "replace"))
        if not good or abs(int(stamp) * MS - self._time.wall_ms()) > self._tolerance_ms:
            return False
        return self._is_new(hashlib.sha256(f"{stamp}.{message_id}".encode()).digest(), post)

    def _is_new(self, message: bytes, post: Post) -> bool:
        """First sight of a signed message, or another look at the very same request."""
        now_ms = self._time.now_ms()
        with self._lock:
            while self._seen and next(iter(self._seen.values())) < now_ms:
                self._seen.popitem(last=False)
            if message in self._seen:
                return any(
                    seen == message and headers is post.headers for seen, headers in self._fresh
                )
            if len(self._seen) >= MAX_REMEMBERED:
                log.warning("more signed alerts than can be remembered; one is refused")
                return False
            self._seen[message] = now_ms + max(REMEMBER_MS, 2 * self._tolerance_ms)
            self._fresh.append((message, post.headers))
            return True

    def _from_file(self) -> str | None:
        """The token its file holds; None without a file or when it holds anything else."""
        if self._file is None:
            return None
        try:
            text = self._file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return text if _TOKEN.fullmatch(text) else None

    def _read_expiry(self, value: object) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value > 10**14:
            raise SettingsError("expires_ms must be a time in milliseconds, or null", "expires_ms")
        if value <= self._time.wall_ms():
            raise SettingsError("expires_ms has passed already", "expires_ms")
        return value


def _shows_nothing(post: Post, document: Mapping[str, Any]) -> bool:
    """A program of this machine that carries no token at all: a wrong one is wrong everywhere.

    Through a tunnel the whole internet looks like this machine, but for its headers.
    """
    if not post.loopback or post.forwarded or post.token is not None:
        return False
    return "webhook-signature" not in post.headers and document.keys().isdisjoint(SECRET_FIELDS)


def _read_name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= len(value) <= MAX_NAME:
        raise SettingsError(f"name must have 1 to {MAX_NAME} characters", "name")
    if not value.isprintable():
        raise SettingsError("name must have printable characters only", "name")
    return value


def _read_scope(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MAX_SCOPE:
        raise SettingsError(
            f"tickers must be a list of 1 to {MAX_SCOPE} tickers, or null", "tickers"
        )
    for item in value:
        if not isinstance(item, str) or not TICKER.fullmatch(item):
            raise SettingsError("tickers holds something that is no ticker", "tickers")
    return tuple(dict.fromkeys(value))
