"""The feed on a real socket, against a server that behaves badly on purpose."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from grok_sauce.errors import GrokSauceError, SourceError, SourceRefused
from grok_sauce.feeds.dxlink import DxLinkFeed, DxLinkSettings, Limits, Subscription
from grok_sauce.feeds.subscriptions import TABLE, VIEW
from grok_sauce.market.batches import Batch
from grok_sauce.runtime.clock import RealClock
from grok_sauce.runtime.supervisor import Supervisor

Peer = Any  # these live in conftest.py
TinyServer = Any
Eventually = Callable[..., Any]

QUICK = DxLinkSettings(silence=2.0)


@dataclass(frozen=True)
class Token:
    token: str
    url: str
    level: str = "api"
    expires_at: float = 4e9


class Tokens:
    """A source of tokens that counts what it is asked for."""

    def __init__(self, url: str, level: str = "api", life: float = 86400.0) -> None:
        self.url, self.level, self.life = url, level, life
        self.asked = self.renewals = 0
        self.failure: GrokSauceError | None = None

    def _token(self) -> Token:
        if self.failure is not None:
            raise self.failure
        return Token(f"token-{self.renewals}", self.url, self.level, time.time() + self.life)

    def quote_token(self) -> Token:
        self.asked += 1
        return self._token()

    def renew_quote_token(self) -> Token:
        self.renewals += 1
        return self._token()


class Running:
    """A feed with its worker thread, what it delivered and how it ended."""

    def __init__(self, feed: DxLinkFeed) -> None:
        self.feed = feed
        self.batches: list[Batch] = []
        self.ended: list[BaseException | None] = []
        self.stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        def work() -> None:
            try:
                self.feed.run(self.stop)
            except GrokSauceError as problem:
                self.ended.append(problem)
            else:
                self.ended.append(None)

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join(5)

    def links(self) -> list[bool]:
        return [batch.columns[0][0] for batch in self.batches if batch.kind == "Link"]

    def quotes(self) -> list[tuple[str, Any]]:
        return [
            (symbol, bid)
            for batch in self.batches
            if batch.kind == "Quote"
            for symbol, bid in zip(batch.symbols, batch.columns[0], strict=True)
        ]


@pytest.fixture
def run_feed() -> Iterator[Callable[..., Running]]:
    """Starts a feed against a source of tokens; stopped after the test."""
    running: list[Running] = []

    def start(tokens: Tokens, settings: DxLinkSettings = QUICK, **more: Any) -> Running:
        batches: list[Batch] = []
        feed = DxLinkFeed(tokens, batches.append, RealClock(), settings, **more)
        one = Running(feed)
        one.batches = batches
        running.append(one)
        one.start()
        return one

    yield start
    for one in running:
        one.stop.set()
        one.join()


def quote(symbol: str, bid: float) -> dict[str, Any]:
    return {"type": "FEED_DATA", "channel": 1, "data": ["Quote", [symbol, bid, bid + 1]]}


def serves(peer: Peer) -> None:
    """A healthy server: answers each added Quote with a value until the client goes."""
    peer.upgrade()
    peer.handshake()
    while True:
        message = peer.until("FEED_SUBSCRIPTION")
        for entry in message.get("add", ()):
            if entry["type"] == "Quote":
                peer.say(quote(entry["symbol"], 1.0))


def test_quotes_flow_and_the_link_is_told_up(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    tiny_server.scripts = [serves]
    running = run_feed(Tokens(tiny_server.url))

    running.feed.want("table", [Subscription("Quote", "SPY")], TABLE)
    eventually(running.quotes)

    status = running.feed.status
    assert running.quotes() == [("SPY", 1.0)]
    assert running.links() == [True]
    assert (status.state, status.facts["phase"], status.facts["level"]) == (
        "live",
        "streaming",
        "LIVE",
    )
    assert "user-agent: grok-sauce/" in tiny_server.peers[0].head.lower()
    assert tiny_server.peers[0].token == "token-0"


def test_a_wish_takes_effect_on_the_live_connection_within_a_third_of_a_second(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    told: list[tuple[float, dict[str, Any]]] = []

    def listens(peer: Peer) -> None:
        peer.upgrade()
        peer.handshake()
        while True:
            message = peer.until("FEED_SUBSCRIPTION")
            told.append((time.monotonic(), message))

    tiny_server.scripts = [listens]
    running = run_feed(Tokens(tiny_server.url))
    eventually(running.links)

    asked = time.monotonic()
    running.feed.want("view", [Subscription("Quote", "QQQ")], VIEW)
    eventually(lambda: len(told) == 1)
    dropped = time.monotonic()
    running.feed.drop("view")
    eventually(lambda: len(told) == 2)

    assert told[0][0] - asked < 0.3
    assert told[1][0] - dropped < 0.55  # the pause between messages comes on top
    assert told[1][1]["remove"] == [{"type": "Quote", "symbol": "QQQ"}]
    assert "reset" not in told[0][1]
    assert len(tiny_server.peers) == 1


def test_fragments_pings_and_several_messages_a_segment_are_understood(
    tiny_server: TinyServer,
    run_feed: Callable[..., Running],
    eventually: Eventually,
    as_frame: Callable[..., bytes],
) -> None:
    pongs: list[bytes] = []

    def chops(peer: Peer) -> None:
        peer.upgrade()
        peer.handshake()
        text = json.dumps(quote("SPY", 1.0)).encode()
        peer.sock.sendall(
            as_frame(text[:10], 0x01)
            + as_frame(b"are you there", 0x89)
            + as_frame(text[10:], 0x80)
            + as_frame(json.dumps(quote("SPY", 2.0)).encode())
        )
        while True:
            opcode, payload = peer.read()
            if opcode == 0xA:
                pongs.append(payload)

    tiny_server.scripts = [chops]
    running = run_feed(Tokens(tiny_server.url))

    eventually(lambda: pongs and len(running.quotes()) == 2)

    assert running.quotes() == [("SPY", 1.0), ("SPY", 2.0)]
    assert pongs == [b"are you there"]


def test_after_a_cut_everything_is_subscribed_again_within_five_seconds(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    def cuts(peer: Peer) -> None:
        peer.upgrade()
        peer.handshake()
        peer.until("FEED_SUBSCRIPTION")

    tiny_server.scripts = [cuts, serves]
    batches: list[Batch] = []
    feed = DxLinkFeed(Tokens(tiny_server.url), batches.append, RealClock(), QUICK)
    feed.want("table", [Subscription("Quote", "SPY")], TABLE)
    supervisor = Supervisor(RealClock())

    began = time.monotonic()
    supervisor.start([feed])
    eventually(lambda: any(batch.kind == "Quote" for batch in batches))
    took = time.monotonic() - began
    left = supervisor.stop()

    links = [batch.columns[0][0] for batch in batches if batch.kind == "Link"]
    assert took < 5
    assert links == [True, False, True, False]
    assert feed.status.reconnects == 1
    assert feed.status.last_error is not None
    assert left == []


def test_a_silent_server_is_left_after_the_deadline(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    def falls_silent(peer: Peer) -> None:
        peer.upgrade()
        peer.handshake()
        while True:
            peer.read()

    tiny_server.scripts = [falls_silent]
    running = run_feed(Tokens(tiny_server.url))

    eventually(lambda: running.feed.status.state == "stale")
    eventually(lambda: running.ended)

    assert isinstance(running.ended[0], SourceError)
    assert "silent" in str(running.ended[0])
    assert running.feed.status.state == "backoff"
    assert running.links() == [True, False]


@pytest.mark.parametrize(
    ("status", "error"), [("502 Bad Gateway", SourceError), ("401 Unauthorized", SourceError)]
)
def test_a_refused_upgrade_is_an_error_with_its_status(
    status: str,
    error: type[Exception],
    tiny_server: TinyServer,
    run_feed: Callable[..., Running],
    eventually: Eventually,
) -> None:
    tiny_server.scripts = [lambda peer: peer.upgrade(status)]
    running = run_feed(Tokens(tiny_server.url))

    eventually(lambda: running.ended)

    assert isinstance(running.ended[0], error)
    assert status[:3] in str(running.ended[0])


def test_garbage_does_not_end_the_connection_but_too_much_does(
    tiny_server: TinyServer,
    run_feed: Callable[..., Running],
    eventually: Eventually,
    as_frame: Callable[..., bytes],
) -> None:
    go_on = threading.Event()

    def babbles(peer: Peer) -> None:
        peer.upgrade()
        peer.handshake()
        peer.sock.sendall(as_frame(b"\xff\xfe not json") * 5)
        peer.say(quote("SPY", 1.0))
        go_on.wait(5)
        peer.sock.sendall(as_frame(b"{") * 20)
        while True:
            peer.read()

    tiny_server.scripts = [babbles]
    running = run_feed(Tokens(tiny_server.url))
    eventually(running.quotes)
    alive = not running.ended
    go_on.set()
    eventually(lambda: running.ended)

    assert alive
    assert running.feed.status.facts["bad"] in (5, 25)
    assert "unreadable" in str(running.ended[0])


def test_a_stream_that_is_no_websocket_ends_the_connection(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    def breaks(peer: Peer) -> None:
        peer.upgrade()
        peer.sock.sendall(b"HTTP/1.1 500 Oops\r\n\r\n")
        while True:
            peer.read()

    tiny_server.scripts = [breaks]
    running = run_feed(Tokens(tiny_server.url))

    eventually(lambda: running.ended)

    assert isinstance(running.ended[0], SourceError)


def test_a_refused_token_is_renewed_once_then_the_user_is_told(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    shown: list[str] = []

    def refuses(peer: Peer) -> None:
        peer.upgrade()
        peer.until("SETUP")
        peer.say({"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"})
        shown.append(peer.until("AUTH")["token"])
        peer.say(
            {"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"},
            {"type": "ERROR", "channel": 0, "error": "UNAUTHORIZED", "message": "bad token"},
        )
        peer.close(4401)

    tiny_server.scripts = [refuses]
    tokens = Tokens(tiny_server.url)
    running = run_feed(tokens)
    eventually(lambda: len(running.ended) == 1)
    running.start()
    eventually(lambda: len(running.ended) == 2)

    assert isinstance(running.ended[0], SourceError)
    assert isinstance(running.ended[1], SourceRefused)
    assert "REFRESH_TOKEN" in str(running.ended[1])
    assert shown == ["token-0", "token-1"]
    assert running.feed.status.state == "auth_failed"


def test_refused_credentials_stop_the_feed(
    run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    tokens = Tokens("ws://127.0.0.1:1/realtime")
    tokens.failure = SourceRefused("tastytrade refused the grant")

    running = run_feed(tokens)
    eventually(lambda: running.ended)

    assert isinstance(running.ended[0], SourceRefused)
    assert running.feed.status.state == "auth_failed"
    assert running.feed.status.detail == "tastytrade refused the grant"


def test_a_lost_session_is_tried_again_with_the_same_token_after_a_pause(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    def forgets(peer: Peer) -> None:
        peer.upgrade()
        peer.until("SETUP")
        peer.say({"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"})
        peer.until("AUTH")
        text = "com.dxfeed.mdd.dxlink.auth.AuthException: Session not found: api"
        peer.say({"type": "ERROR", "channel": 0, "error": "UNAUTHORIZED", "message": text})
        while True:
            peer.read()

    tiny_server.scripts = [forgets, serves]
    tokens = Tokens(tiny_server.url)
    running = run_feed(tokens)
    eventually(lambda: running.ended)
    again = time.monotonic()
    running.start()
    eventually(lambda: running.links()[-1:] == [True])
    waited = time.monotonic() - again

    assert 2 <= waited <= 5
    assert tokens.renewals == 0


def test_a_token_about_to_end_is_renewed_on_the_running_connection(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    shown: list[str] = []

    def renews(peer: Peer) -> None:
        peer.upgrade()
        peer.handshake()
        shown.append(peer.token)
        shown.append(peer.until("AUTH")["token"])
        peer.say({"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED"})
        while True:
            peer.read()

    tiny_server.scripts = [renews]
    tokens = Tokens(tiny_server.url, life=200.0)  # less than 5 min left
    running = run_feed(tokens)

    eventually(lambda: len(shown) == 2)

    assert shown == ["token-0", "token-1"]
    assert not running.ended


def test_a_delayed_token_is_shown_as_such(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    tiny_server.scripts = [serves]
    running = run_feed(Tokens(tiny_server.url, level="demo"))

    eventually(running.links)

    assert running.feed.status.facts["level"] == "DELAYED"
    assert "delayed" in running.feed.status.detail


def test_a_message_too_big_for_the_server_makes_the_next_ones_smaller(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    sizes: list[int] = []

    def too_big(peer: Peer) -> None:
        peer.upgrade()
        peer.handshake()
        sizes.append(len(json.dumps(peer.until("FEED_SUBSCRIPTION"), separators=(",", ":"))))
        peer.close(1009, "too big")
        while True:
            peer.read()

    tiny_server.scripts = [too_big]
    running = run_feed(Tokens(tiny_server.url))
    running.feed.want(
        "preset", [Subscription("Greeks", f".SPXW261218C{n}") for n in range(4000, 5000)], 3
    )
    eventually(lambda: len(running.ended) == 1)
    running.start()
    eventually(lambda: len(running.ended) == 2)

    assert 6000 < sizes[0] <= 8000
    assert sizes[1] <= 4000


def test_a_server_that_holds_less_than_published_gets_a_smaller_plan(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    def holds_little(peer: Peer) -> None:
        peer.upgrade()
        peer.handshake()
        held = 0
        while True:
            held += len(peer.until("FEED_SUBSCRIPTION").get("add", ()))
            if held > 160:
                text = "Your subscription size is too big"
                peer.say({"type": "ERROR", "channel": 1, "error": "BAD_ACTION", "message": text})

    tiny_server.scripts = [holds_little]
    running = run_feed(Tokens(tiny_server.url))
    eventually(running.links)
    running.feed.want("table", [Subscription("Quote", "SPY")], TABLE)
    running.feed.want(
        "preset", [Subscription("Greeks", f".SPXW261218C{n}") for n in range(4000, 4300)], 3
    )

    eventually(lambda: running.feed.shortfalls)

    (short,) = running.feed.shortfalls
    assert (short.owner, short.asked) == ("preset", 300)
    assert 0 < short.given < 300
    assert ("Quote", "SPY") in running.feed.plan().entries


def test_what_does_not_fit_the_limits_is_told_with_figures(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    tiny_server.scripts = [serves]
    running = run_feed(Tokens(tiny_server.url), limits=Limits(entries=3))

    running.feed.want("table", [Subscription("Quote", f"S{n}") for n in range(5)], TABLE)
    eventually(lambda: running.feed.shortfalls)

    assert [(s.owner, s.asked, s.given) for s in running.feed.shortfalls] == [("table", 5, 3)]


def test_stop_ends_the_worker_at_once_with_a_goodbye(
    tiny_server: TinyServer, run_feed: Callable[..., Running], eventually: Eventually
) -> None:
    tiny_server.scripts = [serves]
    running = run_feed(Tokens(tiny_server.url))
    eventually(running.links)

    began = time.monotonic()
    running.stop.set()
    running.join()

    assert time.monotonic() - began < 1
    assert running.ended == [None]
    assert running.links() == [True, False]
    assert running.feed.status.state == "off"
    eventually(lambda: tiny_server.peers[0].closed_with == 1000)


def test_a_flood_does_not_hold_up_wishes_or_the_stop(
    tiny_server: TinyServer,
    run_feed: Callable[..., Running],
    eventually: Eventually,
    as_frame: Callable[..., bytes],
) -> None:
    told: list[dict[str, Any]] = []

    def floods(peer: Peer) -> None:
        peer.upgrade()
        peer.handshake()
        data = ["Quote", [value for n in range(100) for value in (f"S{n}", 1.0, 2.0)]]
        frame = as_frame(json.dumps({"type": "FEED_DATA", "channel": 1, "data": data}).encode())

        def listen() -> None:
            try:
                while True:
                    told.append(peer.until("FEED_SUBSCRIPTION"))
            except OSError:
                return

        threading.Thread(target=listen, daemon=True).start()
        while True:
            peer.sock.sendall(frame * 50)

    tiny_server.scripts = [floods]
    running = run_feed(Tokens(tiny_server.url))
    eventually(lambda: running.feed.status.events > 10_000)

    asked = time.monotonic()
    running.feed.want("view", [Subscription("Quote", "SPY")], VIEW)
    eventually(lambda: told)
    answered = time.monotonic() - asked
    running.stop.set()
    running.join()

    assert answered < 1.0  # 0.3 s alone; the flooding server shares this processor
    assert running.ended == [None]


def test_a_wish_that_cannot_be_met_is_refused_in_the_callers_thread() -> None:
    feed = DxLinkFeed(Tokens("ws://127.0.0.1:1"), lambda batch: None, RealClock())

    with pytest.raises(ValueError, match="Order"):
        feed.want("view", [Subscription("Order", "SPY")], VIEW)
