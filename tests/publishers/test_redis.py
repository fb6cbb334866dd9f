"""Channels of a real Redis server: told, throttled, kept; the server gone, slow, and back."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from grok_sauce.errors import SourceError, SourceRefused
from grok_sauce.publishers.redis import RedisPublisher
from grok_sauce.publishers.redis_waiting import Channel
from grok_sauce.redis_link import RedisLink, RedisRefusal, RedisSettings, RedisUnreachable, connect
from grok_sauce.runtime.backoff import Backoff
from grok_sauce.runtime.clock import ManualClock, RealClock
from grok_sauce.runtime.supervisor import Supervisor
from grok_sauce.update import Update
from tests.redis_server import RedisServer, free_port

CHANNELS = [
    Channel(
        "trade.signal",
        "signals",
        lambda key, body: body,
        whole=10,
        identity=lambda body: str(body["id"]),
        expires=lambda body: body["until"],
    ),
    Channel(
        "price.update",
        "rows",
        lambda key, body: body,
        every=0.2,
        kept=lambda body: (f"price.update:{body['symbol']}", 300),
    ),
]
FAR = 4e9  # a time that does not come


@pytest.fixture(scope="module")
def redis_here() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def publisher(url: str, wait: float = 0.5) -> RedisPublisher:
    clock = RealClock()
    return RedisPublisher(lambda: connect(RedisSettings(url), clock, wait), CHANNELS, clock)


@contextlib.contextmanager
def running(teller: RedisPublisher) -> Iterator[Supervisor]:
    supervisor = Supervisor(RealClock(), lambda: Backoff(first=0.1, longest=0.2))
    supervisor.start([teller])
    yield supervisor
    assert supervisor.stop(10.0) == []


def until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class Listener:
    """redis-cli on some channels; what it prints as (channel, message)."""

    def __init__(self, server: RedisServer, *channels: str) -> None:
        self._process = server.subscriber(*channels)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while self._process.stdout.readline().strip() == "message":
            channel = self._process.stdout.readline().strip()
            self.heard.append((channel, json.loads(self._process.stdout.readline())))

    def close(self) -> None:
        self._process.kill()
        self._process.wait(timeout=10)
        self._thread.join(timeout=10)


@contextlib.contextmanager
def listening(server: RedisServer, *channels: str) -> Iterator[Listener]:
    listener = Listener(server, *channels)
    try:
        yield listener
    finally:
        listener.close()


def row(symbol: str, price: float) -> Update:
    return Update("rows", symbol, {"symbol": symbol, "close": price})


def signal(number: int, until: float = FAR) -> Update:
    return Update("signals", "", {"id": number, "until": until})


class TestTelling:
    def test_redis_cli_reads_the_envelope(self, redis_here: RedisServer) -> None:
        teller = publisher(redis_here.url)

        with listening(redis_here, "trade.signal") as listener, running(teller):
            teller.publish([signal(7)])
            until(lambda: listener.heard)

        channel, message = listener.heard[0]
        assert channel == "trade.signal"
        assert list(message) == ["timestamp", "channel", "data"]
        assert message["channel"] == "trade.signal"
        assert message["data"] == {"id": 7, "until": FAR}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message["timestamp"])

    def test_prices_are_thinned_out_and_the_newest_stays_for_late_comers(
        self, redis_here: RedisServer
    ) -> None:
        teller = publisher(redis_here.url)

        with listening(redis_here, "price.update") as listener, running(teller):
            for number in range(50):
                teller.publish([row("SPY", number), row("QQQ", number)])
                time.sleep(0.005)
            until(lambda: ("price.update", 49) in _closes(listener, "SPY"))

        told = _closes(listener, "SPY")
        assert 2 <= len(told) <= 10  # once in 0.2 s of about 0.25 s or more
        assert json.loads(redis_here.cli("GET", "price.update:SPY")) == {
            "symbol": "SPY",
            "close": 49,
        }
        assert 0 < int(redis_here.cli("TTL", "price.update:SPY")) <= 300

    def test_what_json_cannot_carry_is_left_out_and_counted(self, redis_here: RedisServer) -> None:
        teller = publisher(redis_here.url)

        with listening(redis_here, "price.update") as listener, running(teller):
            teller.publish([row("BAD", object()), row("GOOD", float("nan"))])  # type: ignore[arg-type]
            until(lambda: listener.heard)
            until(lambda: "price.update refused" in teller.status.detail)

        assert listener.heard[0][1]["data"] == {"symbol": "GOOD", "close": None}

    def test_status_says_where_which_version_and_how_much(self, redis_here: RedisServer) -> None:
        teller = publisher(redis_here.url)

        with running(teller):
            teller.publish([signal(1)])
            until(lambda: teller.status.events == 1)
            until(lambda: "1 told" in teller.status.detail)

            assert teller.status.state == "live"
            assert re.match(
                rf"redis://127\.0\.0\.1:{redis_here.port}/0, version \d+\.\d+", teller.status.detail
            )


def _closes(listener: Listener, symbol: str) -> list[tuple[str, Any]]:
    return [
        (channel, message["data"]["close"])
        for channel, message in list(listener.heard)
        if message["data"]["symbol"] == symbol
    ]


class TestOutage:
    def test_it_is_logged_once_at_each_end_and_over_without_a_restart(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        with RedisServer() as server:
            server.stop()
            teller = publisher(server.url)

            with running(teller) as supervisor:
                until(lambda: supervisor.statuses["redis"].restarts >= 3)
                state_without = teller.status.state
                teller.publish([signal(1), signal(2), row("SPY", 1.0), row("SPY", 2.0)])
                until(lambda: "3 messages wait" in teller.status.detail)
                server.start()
                until(lambda: teller.status.events == 3)
                assert teller.status.state == "live"

                server.stop()
                until(lambda: teller.status.state == "backoff", 30.0)
                server.start()
                until(lambda: teller.status.state == "live")
                with listening(server, "trade.signal") as listener:
                    teller.publish([signal(3)])
                    until(lambda: listener.heard)

        assert state_without == "backoff"
        lines = [record.getMessage() for record in caplog.records if "redis: " in record.message]
        lost = [line for line in lines if "everything else goes on" in line]
        back = [line for line in lines if "redis: back after" in line]
        assert (len(lost), len(back)) == (2, 2), lines
        assert server.url not in " ".join(lines).replace(f"redis://127.0.0.1:{server.port}/0", "")

    def test_a_signal_too_old_by_then_is_counted_and_never_told(self) -> None:
        with RedisServer() as server:
            server.stop()
            teller = publisher(server.url)

            with running(teller) as supervisor:
                teller.publish([signal(1, until=time.time() + 0.3), signal(2)])
                until(lambda: supervisor.statuses["redis"].restarts >= 1)
                time.sleep(0.4)
                server.start()
                with listening(server, "trade.signal"):
                    until(lambda: teller.status.events == 1)
                until(lambda: "1 of trade.signal expired" in teller.status.detail)

    def test_publishing_to_one_that_says_nothing_takes_no_time(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            teller = publisher(f"redis://127.0.0.1:{mute.getsockname()[1]}")

            with running(teller):
                took = []
                for number in range(2000):
                    began = time.monotonic()
                    teller.publish([row(str(number % 100), number), signal(number)])
                    took.append(time.monotonic() - began)
                until(lambda: teller.status.state == "backoff")

                # What was told of the outage first may be from before the last of them.
                until(lambda: "1990 of trade.signal dropped" in teller.status.detail, 20)

        assert sorted(took)[-20] < 0.005
        assert teller.depth == 110  # 100 symbols, 10 signals
        assert "did not answer in time" in str(teller.status.last_error)

    def test_one_that_stands_still_is_noticed_and_nothing_is_told_twice(self) -> None:
        with RedisServer() as server:
            teller = publisher(server.url)

            with listening(server, "trade.signal") as listener, running(teller):
                teller.publish([signal(1)])
                until(lambda: listener.heard)
                server.freeze()
                teller.publish([signal(2)])
                until(lambda: teller.status.state == "backoff")
                server.thaw()
                until(lambda: len(listener.heard) == 2)
                teller.publish([signal(3)])
                until(lambda: len(listener.heard) == 3)

        assert [message["data"]["id"] for _, message in listener.heard] == [1, 2, 3]


class FakeLink:
    """A link whose answers the test sets; what was sent stays in sent."""

    place = "redis://here"

    def __init__(self, answer: Callable[[Sequence[Any]], list[Any]]) -> None:
        self.answer = answer
        self.sent: list[tuple[Any, ...]] = []

    def about(self) -> Any:
        return type("About", (), {"version": "7"})()

    def do(self, *command: Any) -> Any:
        return b"PONG"

    def try_each(self, commands: Sequence[Any]) -> list[Any]:
        self.sent += commands
        return self.answer(commands)

    def close(self) -> None:
        return


def cut(commands: Sequence[Any]) -> list[Any]:
    raise RedisUnreachable("cut in the middle")


def refuse(commands: Sequence[Any]) -> list[Any]:
    return [RedisRefusal("READONLY"), *[0] * (len(commands) - 1)]


def turn(teller: RedisPublisher, link: FakeLink) -> None:
    """One turn of the worker and no more."""
    stop = threading.Event()
    answer = link.answer

    def once(commands: Sequence[Any]) -> list[Any]:
        stop.set()
        return answer(commands)

    link.answer = once
    teller.run(stop)


class TestAnswers:
    def _made(self, link: FakeLink, clock: ManualClock) -> RedisPublisher:
        found: Any = link
        return RedisPublisher(lambda: found, CHANNELS, clock)

    def test_without_an_answer_a_price_is_told_again_and_a_signal_is_not(
        self, clock: ManualClock
    ) -> None:
        link = FakeLink(cut)
        teller = self._made(link, clock)
        teller.publish([signal(1), row("SPY", 1.0)])

        with pytest.raises(RedisUnreachable):
            turn(teller, link)

        assert teller.depth == 1
        assert "1 of trade.signal unclear" in teller.status.detail

    def test_what_redis_does_not_take_is_counted_and_ends_the_run(self, clock: ManualClock) -> None:
        link = FakeLink(refuse)
        teller = self._made(link, clock)
        teller.publish([signal(1), row("SPY", 1.0)])

        with pytest.raises(RedisRefusal, match="READONLY"):
            turn(teller, link)

        assert teller.depth == 0
        assert "1 of trade.signal refused" in teller.status.detail
        assert teller.status.events == 1

    def test_a_quiet_connection_is_looked_after(self, clock: ManualClock) -> None:
        link = FakeLink(lambda commands: [0] * len(commands))
        stop = threading.Event()
        asked = []

        def ping(*command: Any) -> Any:
            asked.append(command)
            stop.set()
            return b"PONG"

        link.do = ping  # type: ignore[method-assign]
        teller = self._made(link, clock)

        worker = threading.Thread(target=teller.run, args=(stop,), daemon=True)
        worker.start()
        until(lambda: teller.status.state == "live")
        assert not asked
        clock.advance(5.1)
        worker.join(timeout=10)

        assert asked == [("PING",)]

    def test_without_the_package_the_line_that_installs_it_is_on_the_status(
        self, clock: ManualClock
    ) -> None:
        def missing() -> RedisLink:
            raise SourceRefused("install it with: pip")

        teller = RedisPublisher(missing, CHANNELS, clock)

        with pytest.raises(SourceRefused):
            teller.run(threading.Event())

        assert teller.status.state == "auth_failed"
        assert "install it with" in teller.status.detail


BOTH_MODES = """
import sys
from grok_sauce.runtime import concurrency
concurrency.patch(sys.argv[1])
import threading, time
from grok_sauce.publishers.redis import RedisPublisher
from grok_sauce.publishers.redis_waiting import Channel
from grok_sauce.redis_link import RedisSettings, connect
from grok_sauce.runtime.backoff import Backoff
from grok_sauce.runtime.clock import RealClock
from grok_sauce.runtime.supervisor import Supervisor
from grok_sauce.update import Update
clock = RealClock()
tellers = [
    RedisPublisher(lambda url=url: connect(RedisSettings(url), clock, 0.5),
                   [Channel("x", "x", lambda key, body: body, whole=1000)], clock)
    for url in sys.argv[2:]
]
tellers[1].name = "silent"
supervisor = Supervisor(clock, lambda: Backoff(first=0.1, longest=0.2))
supervisor.start(tellers)
worst = 0.0
for number in range(200):
    began = time.monotonic()
    for teller in tellers:
        teller.publish([Update("x", "", {"n": number})])
    concurrency.sleep(0.01)
    worst = max(worst, time.monotonic() - began)
deadline = time.monotonic() + 10
while tellers[0].status.events < 200 and time.monotonic() < deadline:
    concurrency.sleep(0.05)
print(tellers[0].status.events, tellers[1].status.state, worst < 0.3, supervisor.stop(5.0))
"""


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_in_both_modes_a_silent_server_holds_nobody_up(mode: str, redis_here: RedisServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        done = subprocess.run(
            [sys.executable, "-c", BOTH_MODES, mode, redis_here.url,
             f"redis://127.0.0.1:{mute.getsockname()[1]}"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert done.stdout.strip() == "200 backoff True []", done.stderr


def test_an_address_where_nobody_listens_is_an_outage_and_no_crash() -> None:
    teller = publisher(f"redis://127.0.0.1:{free_port()}")

    with pytest.raises(SourceError, match="Connection refused"):
        teller.run(threading.Event())

    assert teller.status.state == "backoff"
