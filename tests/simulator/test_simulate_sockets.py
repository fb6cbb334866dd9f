"""The whole server over real loopback sockets, in front of the fake market."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import websocket

from grok_sauce.runtime.clock import RealClock
from grok_sauce.simulator.dxlink_server import Limits
from grok_sauce.simulator.ticker import TickLog


class Client:
    """A dxLink client of a few lines."""

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        self.socket = websocket.create_connection(url, timeout=timeout)

    def say(self, kind: str, channel: int = 0, **members: Any) -> None:
        self.socket.send(json.dumps({"type": kind, "channel": channel, **members}))

    def hear(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv())
        return message

    def wait(self, kind: str, **members: Any) -> dict[str, Any]:
        """The next message of that type that has these members; earlier ones are dropped."""
        while True:
            message = self.hear()
            if message["type"] == kind and members.items() <= message.items():
                return message

    def login(self, token: str = "demo") -> Client:
        self.say("SETUP", version="0.1-test/1", keepaliveTimeout=60, acceptKeepaliveTimeout=60)
        self.wait("AUTH_STATE", state="UNAUTHORIZED")
        self.say("AUTH", token=token)
        self.wait("AUTH_STATE", state="AUTHORIZED")
        return self

    def feed(self, *entries: tuple[str, str], channel: int = 1) -> Client:
        self.say("CHANNEL_REQUEST", channel, service="FEED", parameters={"contract": "AUTO"})
        self.wait("CHANNEL_OPENED")
        fields = {
            "Quote": ["eventSymbol", "bidPrice", "askPrice"],
            "Trade": ["eventSymbol", "price"],
        }
        self.say(
            "FEED_SETUP",
            channel,
            acceptAggregationPeriod=0.1,
            acceptDataFormat="COMPACT",
            acceptEventFields=fields,
        )
        self.wait("FEED_CONFIG")
        add = [{"type": kind, "symbol": symbol} for kind, symbol in entries]
        self.say("FEED_SUBSCRIPTION", channel, add=add)
        return self

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """Clients that are closed with the test."""
    clients: list[Client] = []

    def make(url: str, **options: Any) -> Client:
        clients.append(Client(url, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def gone(client: Client) -> bool:
    """True when the server ends the connection (with or without a goodbye)."""
    try:
        while client.socket.recv():
            pass
    except (websocket.WebSocketConnectionClosedException, ConnectionError):
        return True
    return True


def test_login_snapshot_and_ticks_arrive_over_a_real_socket(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    market = running()
    client = connect(market.ws).login().feed(("Quote", "SPY"), ("Trade", "SPY"))

    first = [client.wait("FEED_DATA")["data"] for _ in range(2)]
    market.world.move("SPY", 671.5)
    second = [client.wait("FEED_DATA")["data"] for _ in range(2)]

    assert sorted(first) == [["Quote", ["SPY", 669.99, 670.01]], ["Trade", ["SPY", 670.0]]]
    assert sorted(second) == [["Quote", ["SPY", 671.49, 671.51]], ["Trade", ["SPY", 671.5]]]


def test_setup_and_auth_sent_in_one_burst_are_answered_within_50_ms(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    client = connect(running().ws)
    times: list[float] = []

    for _ in range(5):
        began = time.monotonic()
        client.say("SETUP", version="0.1-test/1")
        client.say("AUTH", token="demo")
        client.wait("AUTH_STATE", state="AUTHORIZED")
        times.append(time.monotonic() - began)

    assert min(times) < 0.05


def test_quote_token_of_the_rest_side_opens_the_streamer(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    market = running()
    agent = {"User-Agent": "gss-test/1.0"}
    grant = {"grant_type": "refresh_token", "refresh_token": "demo", "client_secret": "demo"}
    login = requests.post(market.http + "/oauth/token", json=grant, headers=agent, timeout=5)
    headers = {**agent, "Authorization": f"Bearer {login.json()['access_token']}"}

    quote = requests.get(market.http + "/api-quote-tokens", headers=headers, timeout=5)
    data = quote.json()["data"]

    connect(data["dxlink-url"]).login(data["token"])


def test_bad_token_ends_the_connection_with_a_close_code(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    client = connect(running().ws)
    client.say("SETUP", version="0.1-test/1")
    client.wait("AUTH_STATE")

    client.say("AUTH", token="wrong")
    client.wait("AUTH_STATE", state="UNAUTHORIZED")
    error = client.wait("ERROR")
    opcode, payload = client.socket.recv_data(control_frame=True)

    assert error["error"] == "UNAUTHORIZED"
    assert opcode == websocket.ABNF.OPCODE_CLOSE
    assert int.from_bytes(payload[:2], "big") == 4401


def test_silent_client_is_closed_with_1000_bye(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    client = connect(running(limits=Limits(keepalive=0.4)).ws)
    client.say("SETUP", version="0.1-test/1")

    while True:
        opcode, payload = client.socket.recv_data(control_frame=True)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            break

    assert payload == (1000).to_bytes(2, "big") + b"Bye"


def test_ping_is_answered_and_close_is_returned(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    client = connect(running().ws)

    client.socket.ping("are you there")
    pong = client.socket.recv_data(control_frame=True)
    client.socket.send_close(1000, b"done")
    opcode, payload = client.socket.recv_data(control_frame=True)

    assert pong == (websocket.ABNF.OPCODE_PONG, b"are you there")
    assert (opcode, payload[:2]) == (websocket.ABNF.OPCODE_CLOSE, (1000).to_bytes(2, "big"))


def test_watches_end_with_the_connection(
    running: Callable[..., Any], connect: Callable[..., Client], helpers: Any
) -> None:
    market = running()
    client = connect(market.ws).login().feed(("Quote", "SPY"))
    client.wait("FEED_DATA")

    client.close()

    helpers.eventually(lambda: not market.world.watching, what="the end of watching")
    helpers.eventually(lambda: not market.server.peers(), what="the end of the connection")


def test_fifty_clients_all_get_the_same_ticks(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    market = running()
    clients = [connect(market.ws).login().feed(("Trade", "SPY")) for _ in range(50)]
    for client in clients:
        client.wait("FEED_DATA")

    market.world.move("SPY", 671.5)
    heard = [client.wait("FEED_DATA")["data"] for client in clients]

    assert heard == [["Trade", ["SPY", 671.5]]] * 50
    assert market.services.connections() == 50


def test_cut_drops_open_sockets_and_lets_new_ones_in(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    market = running()
    client = connect(market.ws).login()

    requests.post(market.http + "/faults", json={"cut": True}, timeout=5)

    assert gone(client)
    connect(market.ws).login()


def test_cut_after_gives_every_socket_a_short_life(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    market = running()
    market.faults.update({"cut_after": 0.3})

    for _ in range(2):
        began = time.monotonic()
        assert gone(connect(market.ws).login())
        assert time.monotonic() - began > 0.2


def test_half_open_falls_silent_in_the_middle_of_streaming_without_closing(
    running: Callable[..., Any], connect: Callable[..., Client], helpers: Any
) -> None:
    market = running()
    client = connect(market.ws, timeout=0.6).login().feed(("Trade", "SPY"))
    client.wait("FEED_DATA")

    market.faults.update({"half_open": "stream"})
    market.world.move("SPY", 671.5)
    with pytest.raises(websocket.WebSocketTimeoutException):
        client.hear()
    late = connect(market.ws, timeout=0.6)  # the upgrade is still answered
    late.say("SETUP", version="0.1-test/1")
    with pytest.raises(websocket.WebSocketTimeoutException):
        late.hear()

    assert len(market.server.peers()) == 2
    market.faults.update({"half_open": False})
    market.world.move("SPY", 672.0)
    assert client.wait("FEED_DATA")["data"] == ["Trade", ["SPY", 672.0]]


def test_half_open_connect_does_not_answer_the_upgrade(running: Callable[..., Any]) -> None:
    market = running()
    market.faults.update({"half_open": "connect"})

    with pytest.raises(websocket.WebSocketTimeoutException):
        websocket.create_connection(market.ws, timeout=0.5)

    assert requests.get(market.http + "/health", timeout=5).json()["ok"]


def test_refuse_closes_the_door_for_a_while(
    running: Callable[..., Any], connect: Callable[..., Client], helpers: Any
) -> None:
    market = running()
    client = connect(market.ws).login()

    requests.post(market.http + "/faults", json={"refuse": 0.5}, timeout=5)
    began = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        websocket.create_connection(market.ws, timeout=5)

    def answers() -> bool:
        try:
            return requests.get(market.http + "/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    helpers.eventually(answers, what="the door opening again")
    assert time.monotonic() - began > 0.3
    client.feed(("Trade", "SPY")).wait("FEED_DATA")


def test_slow_lets_frames_trickle(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    market = running()
    client = connect(market.ws).login()
    market.faults.update({"slow": 400})
    began = time.monotonic()

    client.say("CHANNEL_REQUEST", 1, service="FEED", parameters={"contract": "AUTO"})
    client.wait("CHANNEL_OPENED")  # about 110 bytes, 20 at a time

    assert time.monotonic() - began > 0.15


def test_path_without_a_streamer_is_not_found(running: Callable[..., Any]) -> None:
    market = running()

    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        websocket.create_connection(market.ws.replace("realtime", "nowhere"), timeout=5)

    assert refusal.value.status_code == 404


def test_unmasked_client_is_closed_with_1002(running: Callable[..., Any]) -> None:
    client = websocket.create_connection(running().ws, timeout=5)

    client.sock.sendall(bytes.fromhex("810548656c6c6f"))
    opcode, payload = client.recv_data(control_frame=True)

    assert (opcode, payload[:2]) == (websocket.ABNF.OPCODE_CLOSE, (1002).to_bytes(2, "big"))
    client.close()


def test_stop_says_goodbye_and_ends_within_two_seconds(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    market = running()
    client = connect(market.ws).login()
    began = time.monotonic()

    market.server.stop()
    opcode, payload = client.socket.recv_data(control_frame=True)

    assert time.monotonic() - began < 2.0
    assert (opcode, payload[:2]) == (websocket.ABNF.OPCODE_CLOSE, (1001).to_bytes(2, "big"))
    with pytest.raises(ConnectionRefusedError):
        websocket.create_connection(market.ws, timeout=5)


def test_tick_log_has_a_line_for_each_new_price_and_leaves_options_out() -> None:
    out = io.StringIO()
    ticks = TickLog(out, RealClock())
    before = time.time_ns()

    for symbol, price in [("SPY", 1.0), ("SPY", 1.0), ("QQQ", 2.0), ("SPY", 1.5)]:
        ticks.note(symbol, price)
    ticks.note(".SPXW261218C6000", 3.0)
    ticks.note("./ESH26C4100:XCME", 3.0)
    ticks.note("SPX", float("nan"))

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line["symbol"], line["price"]) for line in lines] == [
        ("SPY", 1.0),
        ("QQQ", 2.0),
        ("SPY", 1.5),
    ]
    assert all(before - 1000 <= line["wall_ns"] <= time.time_ns() + 1000 for line in lines)


def test_connection_that_fails_does_not_stop_the_others(
    running: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    market = running()
    broken, healthy = connect(market.ws).login(), connect(market.ws).login()
    broken.feed(("Quote", "SPX")).wait("FEED_DATA")
    healthy.feed(("Trade", "SPY")).wait("FEED_DATA")
    threads = threading.active_count()

    market.world.prices["SPX"] = "no number"  # the next Quote of SPX raises inside the market
    market.world.moved |= {("Quote", "SPX"), ("Trade", "SPY")}

    assert healthy.wait("FEED_DATA")["data"] == ["Trade", ["SPY", 670.0]]
    assert threading.active_count() == threads


def test_market_that_stands_still_is_noticed(running: Callable[..., Any], helpers: Any) -> None:
    market = running()

    market.world.moved = None  # the market raises on its next step

    helpers.eventually(market.server.failed.is_set, what="the failure")
