"""The connection to Redis: a real server, one that is gone, one that says nothing."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from grok_sauce import settings as knobs
from grok_sauce.errors import SettingsError, SourceError, SourceRefused
from grok_sauce.redis_link import (
    RedisEar,
    RedisMessage,
    RedisRefusal,
    RedisSettings,
    RedisUnreachable,
    connect,
)
from grok_sauce.runtime.clock import ManualClock, RealClock
from tests.redis_server import RedisServer, free_port


@pytest.fixture(scope="module")
def redis_here() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def next_message(ear: RedisEar, seconds: float = 10.0) -> RedisMessage:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = ear.read(0.2)
        if found is not None:
            return found
    raise AssertionError("no message")


class TestSettings:
    @pytest.mark.parametrize(
        "address, shown",
        [
            ("redis://127.0.0.1", "redis://127.0.0.1:6379/0"),
            ("redis://:s3cret@cache.example:7000/3", "redis://cache.example:7000/3"),
            ("rediss://name:s3cret@[::1]:6380", "rediss://[::1]:6380/0"),
        ],
    )
    def test_an_address_is_shown_without_its_login(self, address: str, shown: str) -> None:
        chosen = knobs.read_env(RedisSettings, {"REDIS_URL": address})

        assert chosen.url == address
        assert chosen.place == shown
        assert "s3cret" not in chosen.place

    @pytest.mark.parametrize(
        "address",
        [
            "http://127.0.0.1:6379",
            "redis://127.0.0.1/name",
            "redis://:s3cret@h/0?decode_responses=1",
            "127.0.0.1:6379",
            "redis://:s3cret@h:99999",
        ],
    )
    def test_anything_else_is_refused_without_showing_it(self, address: str) -> None:
        with pytest.raises(SettingsError, match="REDIS_URL") as caught:
            knobs.read_env(RedisSettings, {"REDIS_URL": address})

        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize("value", ["", "none"])
    def test_no_address_means_no_redis(self, value: str) -> None:
        chosen = knobs.read_env(RedisSettings, {"REDIS_URL": value})

        assert chosen.url is None
        with pytest.raises(SettingsError, match="REDIS_URL is not set"):
            connect(chosen, ManualClock())


class TestCommands:
    def test_one_and_many_are_answered_as_bytes(self, redis_here: RedisServer) -> None:
        link = connect(RedisSettings(redis_here.url), RealClock())

        link.do("SET", "one", b"\xff\x00")
        answers = link.send([("GET", "one"), ("INCR", "two"), ("GET", "three")])
        whole = link.send([("INCR", "two"), ("INCR", "two")], transaction=True)

        assert answers == [b"\xff\x00", 1, None]
        assert whole == [2, 3]
        link.close()

    def test_who_it_is_comes_with_its_version(self, redis_here: RedisServer) -> None:
        link = connect(RedisSettings(redis_here.url), RealClock())

        about = link.about()

        assert about.version is not None
        assert f"redis_version:{about.version}" in redis_here.cli("INFO", "server")
        assert about.answer_ms > 0
        link.close()

    def test_an_error_of_the_server_says_what_and_not_what_was_sent(
        self, redis_here: RedisServer
    ) -> None:
        link = connect(RedisSettings(redis_here.url), RealClock())
        link.do("SET", "text", "x")

        with pytest.raises(RedisRefusal, match="wrong kind of value") as caught:
            link.send([("PING",), ("LPUSH", "text", "s3cret")])
        with pytest.raises(RedisRefusal, match="unknown command") as other:
            link.do("NO-SUCH", "s3cret")

        assert "s3cret" not in str(caught.value) + str(other.value)
        link.close()

    def test_answers_and_errors_of_many_stand_in_their_places(
        self, redis_here: RedisServer
    ) -> None:
        link = connect(RedisSettings(redis_here.url), RealClock())
        link.do("SET", "word", "x")

        answers = link.try_each([("INCR", "word"), ("GET", "word")])

        assert isinstance(answers[0], RedisRefusal)
        assert answers[1] == b"x"
        link.close()

    def test_a_message_reaches_who_listens(self, redis_here: RedisServer) -> None:
        link = connect(RedisSettings(redis_here.url), RealClock())
        ear = link.hear(["a"], patterns=["b.*"])
        assert ear.read(5.0) is None  # the first subscription, confirmed
        assert ear.read(5.0) is None

        redis_here.cli("PUBLISH", "a", "one")
        redis_here.cli("PUBLISH", "b.two", "two")

        assert next_message(ear) == RedisMessage("a", b"one")
        assert next_message(ear) == RedisMessage("b.two", b"two")
        ear.close()
        link.close()


class TestFaults:
    def test_nobody_there_is_said_with_the_place(self) -> None:
        link = connect(RedisSettings(f"redis://:s3cret@127.0.0.1:{free_port()}"), RealClock())

        with pytest.raises(RedisUnreachable, match="Connection refused") as caught:
            link.do("PING")

        assert "s3cret" not in str(caught.value)
        assert isinstance(caught.value, SourceError)

    def test_one_that_accepts_and_says_nothing_costs_the_wait_and_no_more(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            port = mute.getsockname()[1]
            link = connect(RedisSettings(f"redis://127.0.0.1:{port}"), RealClock(), wait=0.3)

            began = time.monotonic()
            with pytest.raises(RedisUnreachable, match="did not answer in time"):
                link.do("PING")

        assert 0.25 < time.monotonic() - began < 3.0

    def test_one_that_speaks_something_else_is_an_error_of_the_source(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            link = connect(
                RedisSettings(f"redis://127.0.0.1:{other.getsockname()[1]}"), RealClock(), wait=2.0
            )
            program = (
                "import socket, sys; plug = socket.socket(fileno=int(sys.argv[1]));"
                "peer, _ = plug.accept(); peer.sendall(b'HTTP/1.1 400 Bad Request\\r\\n\\r\\n')"
            )
            speaker = subprocess.Popen(
                [sys.executable, "-c", program, str(other.fileno())], pass_fds=[other.fileno()]
            )
            try:
                with pytest.raises(SourceError, match="Redis at"):
                    link.do("PING")
            finally:
                speaker.wait(timeout=10)

    def test_after_a_restart_the_next_command_works(self) -> None:
        with RedisServer() as server:
            link = connect(RedisSettings(server.url), RealClock())
            link.do("PING")
            server.stop()
            with pytest.raises(RedisUnreachable):
                link.do("PING")

            server.start()

            assert link.do("PING")
            link.close()

    def test_a_wrong_password_is_named_and_not_shown(self) -> None:
        with RedisServer(password="right") as server:
            link = connect(RedisSettings(server.url.replace("right", "s3cret")), RealClock())

            with pytest.raises(RedisRefusal, match="another login") as caught:
                link.do("PING")

            assert "s3cret" not in str(caught.value)
            assert connect(RedisSettings(server.url), RealClock()).do("PING")

    def test_a_missing_password_and_a_missing_right_are_named(self) -> None:
        with RedisServer(password="right") as server:
            server.cli("ACL", "SETUSER", "reader", "on", ">word", "+@all", "-publish", "~*")
            without = connect(RedisSettings(f"redis://127.0.0.1:{server.port}"), RealClock())
            reader = connect(
                RedisSettings(f"redis://reader:word@127.0.0.1:{server.port}"), RealClock()
            )

            with pytest.raises(RedisRefusal, match="another login"):
                without.do("PING")
            with pytest.raises(RedisRefusal, match="no permissions"):
                reader.do("PUBLISH", "a", "s3cret")

    def test_an_ear_that_may_not_listen_is_an_error(self) -> None:
        with RedisServer(password="right") as server:
            server.cli("ACL", "SETUSER", "deaf", "on", ">word", "+@all", "resetchannels", "~*")
            link = connect(RedisSettings(f"redis://deaf:word@127.0.0.1:{server.port}"), RealClock())
            ear = link.hear(["a"])

            with pytest.raises(RedisRefusal, match="no permissions"):
                ear.read(5.0)
            ear.close()

    def test_an_ear_whose_server_ends_says_so(self) -> None:
        with RedisServer() as server:
            ear = connect(RedisSettings(server.url), RealClock()).hear(["a"])
            assert ear.read(5.0) is None
            server.stop()

            with pytest.raises(RedisUnreachable):
                next_message(ear)
            ear.close()

    def test_an_ear_notices_a_server_that_stands_still(self) -> None:
        with RedisServer() as server:
            clock = ManualClock()
            link = connect(RedisSettings(server.url), clock, wait=1.0)
            ear = link.hear(["a"])
            assert ear.read(5.0) is None
            server.freeze()

            clock.advance(6.0)
            assert ear.read(0.05) is None  # asked
            clock.advance(1.1)

            with pytest.raises(RedisUnreachable, match="says nothing any more"):
                ear.read(0.05)
            ear.close()

    def test_an_ear_is_content_with_an_answer(self, redis_here: RedisServer) -> None:
        clock = ManualClock()
        ear = connect(RedisSettings(redis_here.url), clock, wait=1.0).hear(["a"])
        assert ear.read(5.0) is None

        clock.advance(6.0)
        assert ear.read(0.05) is None  # asked
        assert ear.read(5.0) is None  # answered
        clock.advance(4.0)

        assert ear.read(0.05) is None
        ear.close()


def test_without_the_package_the_command_that_installs_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)

    with pytest.raises(SourceRefused, match=r"pip install -r requirements-redis\.txt"):
        connect(RedisSettings("redis://127.0.0.1"), ManualClock())


BOTH_MODES = """
import sys
from grok_sauce.runtime import concurrency
concurrency.patch(sys.argv[1])
import threading, time
from grok_sauce.redis_link import RedisSettings, connect
from grok_sauce.runtime.clock import RealClock
clock = RealClock()
link = connect(RedisSettings(sys.argv[2]), clock)
turns, heard, stop = [], [], threading.Event()
def count():
    while not stop.is_set():
        turns.append(1)
        concurrency.sleep(0.01)
ear = link.hear(["told"])
ear.read(5.0)
concurrency.spawn(count)
deadline = time.monotonic() + 10
def listen():
    while len(heard) < 3 and time.monotonic() < deadline:
        found = ear.read(0.5)
        if found:
            heard.append(found.body)
listener = concurrency.spawn(listen)
concurrency.sleep(0.3)
while_waiting = len(turns)
link.send([("PUBLISH", "told", str(n)) for n in range(3)])
listener.join(10)
stop.set()
print(heard, while_waiting > 5)
"""


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_in_both_modes_waiting_holds_nobody_up(mode: str, redis_here: RedisServer) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOTH_MODES, mode, redis_here.url],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.stdout.strip() == "[b'0', b'1', b'2'] True", done.stderr
