"""Signals as alerts of their own: their bodies, the two doors to the router, the sender.

Off unless strategy.to_router is on. An alert is stored with its signal before it is sent, and
sent until the router has answered or it is of no use any more; the router knows the same alert
by its trade_id.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from grok_sauce.desks.signals_book import Book
from grok_sauce.errors import SourceError
from grok_sauce.http import Http, HttpStatus
from grok_sauce.market.times import iso
from grok_sauce.runtime.clock import Clock
from grok_sauce.settings import knob
from grok_sauce.storage import signals
from grok_sauce.storage.signals import DAY_MS, PostRow
from grok_sauce.strategies.evaluation import STRATEGY, Signal
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

EVERY: Final = 1.0  # seconds between two looks at what waits
AGAIN: Final = 5.0  # seconds after a try that failed
GOOD: Final = 200
FINAL: Final = frozenset({400, 401, 405, 413, 422})  # sent again it would be refused again
LIMIT: Final = 20_000  # bytes of an answer


@dataclass(frozen=True, slots=True)
class PostSettings:
    """How a router in another process lets this one in."""

    ENV: ClassVar[dict[str, str]] = {"token": "ROUTER_TOKEN"}

    token: str = knob("", secret=True)  # empty: the file webhook_token of the data folder


@dataclass(frozen=True, slots=True)
class Reply:
    """What the router answered: HTTP status and document."""

    status: int
    document: Mapping[str, Any]


Door = Callable[[dict[str, Any]], Reply]


def opening(signal: Signal, ticker: str, real: float) -> PostRow:
    """The alert that opens a signal's position, good until the signal expires.

    real is the wall clock, Unix seconds: the router compares an alert's time with its own.
    """
    body = {
        "webhook_type": "trade_signal",
        "action": "place_limit",
        "side": signal.side,
        "symbol": ticker,
        "price": signal.entry,
        "stop_loss": signal.stop,
        "take_profit": signal.target,
        "trailing_trigger": signal.trail_trigger,
        "trailing_offset": signal.trail_offset,
        "quantity": signal.quantity,
        "strategy": STRATEGY,
        "time": iso(real),
        "trade_id": f"{signal.id}-open",
    }
    until = round(signal.expires_at * 1000)
    return PostRow(f"{signal.id}-open", signal.id, "open", body, until)


def closing(opened: PostRow, price: float | None, at: float, real: float) -> PostRow:
    """The alert that closes what opened; good for a day from at (market time, Unix s).

    price is where the paper trade ended, None for an order that was never filled.
    """
    kept = ("webhook_type", "side", "symbol", "quantity", "strategy")
    body = {
        **{name: opened.body[name] for name in kept},
        "action": "position_closed",
        "price": price,
        "time": iso(real),
        "trade_id": f"{opened.signal}-close",
    }
    return PostRow(
        f"{opened.signal}-close", opened.signal, "close", body, round(at * 1000) + DAY_MS
    )


class HttpDoor:
    """A router in a process of its own, by its webhook and with its token.

    token is asked for at each alert, so that a file that comes later is seen.
    """

    def __init__(self, url: str, http: Http, token: Callable[[], str]) -> None:
        self._url = url.rstrip("/")
        self._http = http
        self._token = token

    def __call__(self, body: dict[str, Any]) -> Reply:
        """Send an alert.

        Raises:
            SourceError: the router cannot be reached, or there is no token for it.
        """
        token = self._token()
        if not token:
            raise SourceError("no token for the router: set ROUTER_TOKEN")
        try:
            answer = self._http.post(f"{self._url}/webhook", {**body, "secret": token}, limit=LIMIT)
        except HttpStatus as problem:
            answer = problem.answer
        document = answer.json()
        return Reply(answer.status, document if isinstance(document, dict) else {})


def token_of(given: str, file: Path) -> Callable[[], str]:
    """The router's token: what is set, else what a router of this data folder wrote."""

    def read() -> str:
        if given:
            return given
        try:
            return file.read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    return read


class Sender:
    """A worker: brings what waits to the router, in order, and notes what became of it.

    told() is called when something became of an alert. problem says why alerts wait.
    """

    name = "signals to router"

    def __init__(self, book: Book, clock: Clock, told: Callable[[], None]) -> None:
        self._book = book
        self._clock = clock
        self._told = told
        self._wake = threading.Event()
        self.door: Door | None = None
        self.without_door = "this process has no router; set ROUTER_URL"
        self.problem: str | None = None

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Send until stop is set.

        Raises:
            StorageError: the file cannot be used.
        """
        self._wake.set()  # what waits from before
        while not stop.is_set():
            if self._wake.is_set():
                self._wake.clear()
                if not self.send():
                    self._wake.set()
                    stop.wait(AGAIN)
            stop.wait(EVERY)

    def send(self) -> bool:
        """Send what waits; False when something waits on."""
        for post in self._book.use(signals.waiting):
            state, text, alert = self._became(post)
            if state is None:
                if self.problem != text:
                    log.warning("signals: an alert waits: %s", text)
                self.problem = text
                self._told()
                return False
            self.problem = None
            self._settle(post, state, text, alert)
        if self.problem is not None:
            self.problem = None
            self._told()
        return True

    def _settle(self, post: PostRow, state: str, text: str, alert: str | None) -> None:
        self._book.use(lambda file: signals.settle(file, post.id, state, text, alert))
        if state in ("refused", "late"):
            log.warning("signals: the alert %s was not taken: %s", post.id, text)
        self._told()

    def _became(self, post: PostRow) -> tuple[str | None, str, str | None]:
        if self._clock.market() * 1000 > post.until:
            return "late", "it was of no use any more before the router could be reached", None
        kept = {each.kind: each for each in self._kept(post)}
        if post.kind == "close" and ("open" not in kept or kept["open"].state != "taken"):
            return "void", "nothing was opened", None
        if post.kind == "open" and "close" in kept:
            return "void", "its paper trade ended before it could be sent", None
        if self.door is None:
            return None, self.without_door, None
        try:
            reply = self.door(post.body)
        except SourceError as problem:
            return None, str(problem), None
        message = str(reply.document.get("message") or f"status {reply.status}")
        if reply.status == GOOD:
            return "taken", message, str(reply.document.get("id") or "") or None
        if reply.status in FINAL:
            return "refused", message, str(reply.document.get("id") or "") or None
        return None, message, None

    def _kept(self, post: PostRow) -> list[PostRow]:
        return self._book.use(lambda file: signals.posts_of(file, post.signal))
