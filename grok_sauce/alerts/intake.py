"""The receive pipeline: who sends, is there room, what is it, store it, answer."""

from __future__ import annotations

import itertools
import logging
import secrets
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from grok_sauce.alerts.alert import Invalid
from grok_sauce.alerts.alert_shapes import read_any
from grok_sauce.alerts.dedupe import exact_key, semantic_key
from grok_sauce.alerts.ledger_values import NewAlert, Received
from grok_sauce.alerts.legs import mapped_text
from grok_sauce.alerts.masking import masked_body
from grok_sauce.alerts.model import Alert, HeldAlert, ReleaseOptions
from grok_sauce.alerts.numbers import Numbers
from grok_sauce.alerts.senders import Senders
from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.alerts.store import StoreBusy
from grok_sauce.alerts.strict_json import Unreadable, decode, parse
from grok_sauce.alerts.tokens import SECRET_FIELDS
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

MS: Final = 1000
RETRY_AFTER: Final = (("Retry-After", "5"),)
UNKNOWN_WAIT: Final = (("Retry-After", "60"),)
SAY_AGAIN_MS: Final = 60_000  # a gate that stays shut is logged once in so long
# A browser adds at least one of these to what a page of another site makes it send.
BROWSER: Final = ("origin", "cookie", "referer", "sec-fetch-site", "sec-fetch-mode")


@dataclass(slots=True)  # frozen costs three times as much, and these are made for every alert
class Post:
    """A request to /webhook. Header names are in lower case.

    address is the sender's, client the key of its limits (one address or one network),
    forwarded says that it passed any proxy, loopback that the peer is this machine, trusted
    that the peer is a trusted proxy. What may hold a secret is left out of its repr.
    """

    method: str
    token: str | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    address: str
    forwarded: bool
    loopback: bool
    trusted: bool = False
    client: str = ""


@dataclass(slots=True)
class Answer:
    """What is answered: HTTP status, JSON document, headers of its own."""

    status: int
    document: dict[str, Any]
    headers: tuple[tuple[str, str], ...] = ()


class Verified(Protocol):
    """The token that let a sender in; tickers None: all of them."""

    @property
    def token_id(self) -> int | None: ...
    @property
    def name(self) -> str: ...
    @property
    def tickers(self) -> Collection[str] | None: ...


class Tokens(Protocol):
    """Path tokens, secrets in the body, signatures."""

    def check(self, post: Any, document: dict[str, Any] | None) -> Verified | None: ...


class Limits(Protocol):
    """Rate gates: True while there is room."""

    def unknown(self, address: str) -> bool: ...
    def sender(self, token_id: int | None) -> bool: ...


class Route(Protocol):
    """What the routing tree says of a ticker."""

    @property
    def strategies(self) -> tuple[str, ...]: ...
    @property
    def options(self) -> ReleaseOptions: ...
    @property
    def group(self) -> str: ...
    @property
    def gap_policy(self) -> Literal["warn", "block_open"]: ...


class Routes(Protocol):
    """The routing tree."""

    def lookup(self, ticker: str) -> Route | None: ...


class Ledger(Protocol):
    """Where alerts are stored; receive() is durable when it returns, StoreBusy when not."""

    def receive(self, new: NewAlert) -> Received: ...
    def security(self, address: str, what: str, detail: str = "") -> None: ...


class Time(Protocol):
    """Steady and wall-clock milliseconds."""

    def now_ms(self) -> int: ...
    def wall_ms(self) -> int: ...


class Intake:
    """Answers posts from many threads at once; what it answers with 200 is stored for good.

    on_held is told of each alert that waits for its window, and whether its opens are
    blocked; stored hears the number of every alert that was stored, whatever became of it;
    depth says how many alerts are not delivered yet. An alert whose commit comes
    after its 503 is told to nobody: the dispatcher finds it in the store.
    """

    def __init__(
        self,
        ledger: Ledger,
        routes: Routes,
        tokens: Tokens,
        limits: Limits,
        time: Time,
        settings: AlertSettings,
        numbers: Numbers,
        on_held: Callable[[HeldAlert, bool], None],
        depth: Callable[[], int],
        stored: Callable[[int], None] = lambda seq: None,
    ) -> None:
        self._ledger = ledger
        self._routes = routes
        self._tokens = tokens
        self._limits = limits
        self._time = time
        self._settings = settings
        self._numbers = numbers
        self._on_held = on_held
        self._depth = depth
        self._stored = stored
        self._senders = Senders(settings)
        self._closed = False
        self._said: dict[str, int] = {}
        self._ids = itertools.count(secrets.randbits(20))  # next() is atomic

    def close(self) -> None:
        """From now on known senders are asked to send again later."""
        self._closed = True

    def answer(self, post: Post, own: Verified | None = None) -> Answer:
        """What a post is answered. Never raises.

        own is who speaks when this program itself does: it is let in without a token, and
        read, limited and stored like everybody.
        """
        began = self._time.now_ms()
        try:
            answer = self._own(post, own, began) if own else self._answer(post, began)
        except StoreBusy as problem:
            self._say("store", "alerts: not stored, asked to send again: %s", problem)
            answer = self._again("Not stored in time")
        except Exception as error:  # noqa: BLE001 - TradingView resends after 503, never after 500
            log.error("alerts: a post was not taken: %s", _place_of(error))  # noqa: TRY400
            answer = self._again("Failed here")
        if answer.status < 400:
            self._numbers.took("accept", self._time.now_ms() - began)
        return answer

    def refused(self, address: str, what: str) -> None:
        """Count a post that never came this far: too large, half sent."""
        self._numbers.count("rejected")
        self._ledger.security(address, what)

    def _answer(self, post: Post, began: int) -> Answer:
        if post.method != "POST":
            return self._reject(405, "Only POST", (("Allow", "POST"),))
        if len(post.body) > self._settings.max_body_bytes:
            self._ledger.security(post.address, "too large")
            return self._reject(413, "Too large")
        if not self._source_allowed(post):
            return self._unauthorized(post)
        if post.loopback and any(name in post.headers for name in BROWSER):
            # The page is somebody else's, even if the browser is on this machine.
            post = replace(post, loopback=False)
        sender = self._tokens.check(post, None)
        text, document, problem = "", None, None
        if sender is None or not self._closed:
            try:
                text = decode(post.body)
                document = parse(text)
            except Unreadable as unreadable:
                problem = unreadable
        if sender is None and document is not None:
            sender = self._tokens.check(post, document)
        if sender is None:
            shown = _shows_token(post, document)
            return self._unauthorized(post, "wrong token" if shown else "no token")
        busy = self._busy(sender)
        if busy is not None:
            return busy
        if document is None:
            self._ledger.security(post.address, "unreadable", str(problem))
            return self._reject(400, str(problem))
        return self._take(post, sender, document, text, began)

    def _own(self, post: Post, own: Verified, began: int) -> Answer:
        busy = self._busy(own)
        if busy is not None:
            return busy
        if len(post.body) > self._settings.max_body_bytes:
            return self._reject(413, "Too large")
        try:
            text = decode(post.body)
            document = parse(text)
        except Unreadable as unreadable:
            return self._reject(400, str(unreadable))
        return self._take(post, own, document, text, began)

    def _source_allowed(self, post: Post) -> bool:
        """Source list and client certificate, each off, warn or enforce."""
        allowed = True
        for what, is_enforced in self._senders.doubts(post):
            if is_enforced:
                allowed = False
            self._ledger.security(post.address, what, "refused" if is_enforced else "let in")
        return allowed

    def _unauthorized(self, post: Post, what: str | None = None) -> Answer:
        if not self._limits.unknown(post.client or post.address):
            self._ledger.security(post.address, "too many without a token")
            return self._reject(429, "Too many requests", UNKNOWN_WAIT)
        self._numbers.count("rejected_auth")
        if what is not None:
            self._ledger.security(post.address, what)
        return self._reject(401, "Unauthorized")

    def _busy(self, sender: Verified) -> Answer | None:
        """Why a known sender is asked to come again."""
        if self._closed:
            return self._again("Shutting down")
        if not self._limits.sender(sender.token_id):
            self._numbers.count("over_rate")
            self._say("rate", "alerts: token %r is over its rate, asked to resend", sender.name)
            return self._again("Too many at once")
        if self._depth() >= self._settings.high_water:
            self._say("depth", "alerts: %d not delivered, no more are taken", self._depth())
            return self._again("Too many alerts are waiting")
        return None

    def _take(
        self, post: Post, sender: Verified, document: dict[str, Any], text: str, began: int
    ) -> Answer:
        try:
            alert = read_any(document)
        except Invalid as problem:
            new = self._new(post, sender, document, text, began, None, None, str(problem))
            self._store(new)
            return _error(problem.status, str(problem))
        if sender.tickers is not None and alert.ticker not in sender.tickers:
            self._numbers.count("rejected_auth")
            self._ledger.security(post.address, "token not for this ticker", sender.name)
            return self._reject(401, "Unauthorized")
        route = self._routes.lookup(alert.ticker)
        new = self._new(post, sender, document, text, began, alert, route, None)
        received = self._store(new)
        if received.state == "duplicate":
            return Answer(
                200,
                {"status": "skipped", "message": "Duplicate alert", "id": received.first_id},
            )
        if route is None:
            document = {"status": "error", "message": "No route for ticker", "id": new.id}
            return Answer(422, document)
        if alert.time_ms is not None:
            self._numbers.clock_offset(alert.time_ms - new.wall_ms)
        if alert.flags != received.flags:
            alert = alert.flagged(received.flags)
        self._on_held(
            HeldAlert(received.seq, new.id, alert, new.group, began, new.release_ms, new.options),
            received.blocked,
        )
        return Answer(200, {"status": "success", "message": "Alert queued", "id": new.id})

    def _store(self, new: NewAlert) -> Received:
        received = self._ledger.receive(new)
        self._numbers.stored(received.state)
        self._stored(received.seq)
        return received

    def _new(
        self,
        post: Post,
        sender: Verified,
        document: dict[str, Any],
        text: str,
        began: int,
        alert: Alert | None,
        route: Route | None,
        reason: str | None,
    ) -> NewAlert:
        settings = self._settings
        options = _DEFAULTS if route is None else route.options
        has_time = alert is not None and alert.time_ms is not None
        window = settings.dedupe_exact_with_time_s if has_time else settings.dedupe_exact_s
        return NewAlert(
            id=self._next_id(began),
            state="invalid" if alert is None else "unrouted" if route is None else "held",
            reason=reason if alert is None else "no_route" if route is None else None,
            alert=alert,
            mapped=None if alert is None else mapped_text(alert),
            body=masked_body(text, document, SECRET_FIELDS, post.token),
            source=post.address,
            token_id=sender.token_id,
            received_ms=began,
            wall_ms=self._time.wall_ms(),
            exact_key=None if alert is None else exact_key(document, SECRET_FIELDS),
            exact_until_ms=began + window * MS,
            semantic_key=None if alert is None else semantic_key(alert.ticker, alert.trade_id),
            semantic_until_ms=began + settings.dedupe_window_s * MS,
            group="" if alert is None else alert.ticker if route is None else route.group,
            release_ms=began + int(options.delay_s * MS),
            options=options,
            strategies=() if route is None else route.strategies,
            test=False,
            gap_policy="warn" if route is None else route.gap_policy,
        )

    def _next_id(self, now_ms: int) -> str:
        """16 hex digits, the time first: an index takes what grows at its end alone."""
        return f"{now_ms:011x}{next(self._ids) & 0xFFFFF:05x}"

    def _reject(
        self, status: int, message: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> Answer:
        """Answer what was not stored."""
        self._numbers.count("rejected")
        return _error(status, message, headers)

    def _again(self, message: str) -> Answer:
        """503: the one answer after which TradingView sends again."""
        self._numbers.count("resend_answers")
        return self._reject(503, message, RETRY_AFTER)

    def _say(self, what: str, message: str, *args: object) -> None:
        """Log what stays true once a minute."""
        now = self._time.now_ms()
        if now - self._said.get(what, now - SAY_AGAIN_MS) >= SAY_AGAIN_MS:
            self._said[what] = now
            log.warning(message, *args)


_DEFAULTS: Final = ReleaseOptions()


def _error(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status, {"status": "error", "message": message}, headers)


def _shows_token(post: Post, document: dict[str, Any] | None) -> bool:
    return (
        post.token is not None
        or "webhook-signature" in post.headers
        or any(name in (document or ()) for name in SECRET_FIELDS)
    )


def _place_of(error: Exception) -> str:
    """Kind and place of a bug, without its message: that may quote the body."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, {Path(frame.filename).name}:{frame.lineno}"
