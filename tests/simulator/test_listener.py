"""The reference NinjaTrader listener: acts once per key, keeps its journal, fails as told."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from grok_sauce.errors import SettingsError, StartupError
from grok_sauce.simulator.listener import Listener
from grok_sauce.simulator.receiver import KEYS, Receiver, read_order

ROOT = Path(__file__).resolve().parents[2]
ORDER = {
    "ticker": "NQ_Long_5min",
    "action": "open",
    "direction": "long",
    "qty": 1,
    "price": 21500.25,
    "time": "01/02/2025 08:00:00 AM",
}


def post(
    port: int,
    key: str | None = None,
    order: Any = ORDER,
    host: str | None = None,
    address: str = "127.0.0.1",
    timeout: float = 5.0,
) -> tuple[int, Any]:
    """One POST to /receive with a Host of its own; the status and the JSON of the answer."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    headers = {"Host": host or f"localhost:{port}", "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    try:
        body = order if isinstance(order, bytes) else json.dumps(order).encode()
        connection.request("POST", "/receive", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        is_json = answer.getheader("Content-Type") == "application/json"
        return answer.status, json.loads(text) if is_json else text
    finally:
        connection.close()


def test_a_key_acts_once_and_its_repeats_are_called_duplicates() -> None:
    with Listener() as listener:
        first = post(listener.port, "a-1-close")
        again = post(listener.port, "a-1-close")
        other = post(listener.port, "a-1-open", {**ORDER, "qty": 2})

        acted = [(effect.key, effect.body["qty"]) for effect in listener.effects()]

    assert first == (200, {"status": "success"})
    assert again == (200, {"status": "duplicate"})
    assert other == (200, {"status": "success"})
    assert acted == [("a-1-close", 1), ("a-1-open", 2)]


def test_a_listener_that_forgets_acts_on_each_and_one_without_key_does_too() -> None:
    with Listener(forget=True) as listener:
        answers = [post(listener.port, "same")[1] for _ in range(2)]
        listener.faults.update({"forget": False})
        answers += [post(listener.port)[1] for _ in range(2)]

        assert answers == [{"status": "success"}] * 4
        assert len(listener.effects()) == 4


def test_ten_thousand_keys_are_remembered_and_the_oldest_goes_first(clock: Any) -> None:
    from grok_sauce.simulator.http1 import Request

    receiver = Receiver(clock)

    def give(key: str) -> str:
        headers = {"host": "localhost:1", "idempotency-key": key}
        body = json.dumps(ORDER).encode()
        request = Request("POST", "/receive", {}, headers, body, "127.0.0.1")
        return str(json.loads(receiver.receive(request, "localhost:1").body)["status"])

    assert {give(f"k{n}") for n in range(KEYS)} == {"success"}
    assert give("k0") == "duplicate"
    assert give("one more") == "success"
    assert (give("k1"), give("k0")) == ("duplicate", "success")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "localhost", "LOCALHOST:{port}", "x.y:{port}"]
)
def test_any_host_but_localhost_with_the_port_is_a_bad_request(host: str) -> None:
    with Listener() as listener:
        status, page = post(listener.port, "k", host=host.format(port=listener.port))

        assert status == 400
        assert b"Invalid Hostname" in page
        assert listener.effects() == []


@pytest.mark.parametrize(
    "order",
    [
        b"not json",
        b"[]",
        {},
        {**ORDER, "ticker": ""},
        {**ORDER, "action": "buy"},
        {**ORDER, "direction": "up"},
        {**ORDER, "qty": "1"},
        {**ORDER, "qty": 0},
        {**ORDER, "qty": True},
        {**ORDER, "price": "21500.25"},
        {**ORDER, "time": None},
    ],
    ids=str,
)
def test_what_is_not_an_order_is_refused_and_does_nothing(order: Any) -> None:
    with Listener() as listener:
        status, told = post(listener.port, "k", order)

        assert (status, told["status"]) == (400, "error")
        assert listener.effects() == []


def test_more_than_the_six_keys_is_let_pass() -> None:
    with_meta = {**ORDER, "alert_id": "x", "leg": "open", "trade_id": None, "strategy": "s"}

    assert read_order(json.dumps(with_meta).encode()) == with_meta


def test_a_status_acts_on_nothing_and_gives_its_retry_after() -> None:
    with Listener(status=503, retry_after=7, count=1) as listener:
        answer = requests.post(listener.url, json=ORDER, timeout=5)
        after = post(listener.port, "k")

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
        assert after == (200, {"status": "success"})
        assert len(listener.effects()) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_hung_listener_reads_and_never_answers(when: str) -> None:
    with Listener(hang=when) as listener:
        with pytest.raises(TimeoutError):
            post(listener.port, "k", timeout=0.3)

        assert len(listener.effects()) == (when == "after")
        assert [each.fate for each in listener.posts()] == ["hang"]
        listener.faults.update({"hang": False})
        repeated = "duplicate" if when == "after" else "success"
        assert post(listener.port, "k") == (200, {"status": repeated})


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reset_comes_after_the_request_was_read(when: str) -> None:
    with Listener(reset=when) as listener:
        with pytest.raises(ConnectionResetError):
            post(listener.port, "k")

        assert len(listener.effects()) == (when == "after")
        assert [each.key for each in listener.posts()] == ["k"]


def test_a_slow_listener_acts_at_once_and_answers_late() -> None:
    with Listener(wait=30.0) as listener:
        with pytest.raises(TimeoutError):
            post(listener.port, "k", timeout=0.3)

        assert [effect.key for effect in listener.effects()] == ["k"]


def test_a_dripping_answer_arrives_whole_but_late() -> None:
    with Listener(drip=400) as listener:
        began = time.monotonic()
        answer = post(listener.port, "k")
        took = time.monotonic() - began

        assert answer == (200, {"status": "success"})
        assert took > 0.2  # about 120 bytes at 400 a second


def test_a_refusing_listener_comes_back_on_its_port() -> None:
    with Listener() as listener:
        listener.faults.update({"refuse": -1})
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", listener.port), timeout=1).close()

        listener.faults.update({"refuse": 0})

        assert answered(listener.port) == {"status": "success"}


def test_a_stopped_listener_starts_again_with_its_memory() -> None:
    with Listener() as listener:
        post(listener.port, "k")
        listener.stop()
        with pytest.raises(ConnectionRefusedError):
            post(listener.port, "k")

        listener.start()

        assert post(listener.port, "k") == (200, {"status": "duplicate"})


def answered(port: int, seconds: float = 5.0) -> Any:
    """What it answers once it listens again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return post(port)[1]
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "it did not listen again"
            time.sleep(0.02)


def test_one_can_listen_on_the_other_loopback_only() -> None:
    with Listener(host="::1") as listener:
        with pytest.raises(ConnectionRefusedError):
            post(listener.port, "k", address="127.0.0.1")

        assert post(listener.port, "k", address="::1") == (200, {"status": "success"})


def fates(seed: int, posts: int = 60) -> list[str]:
    """How each of so many posts ends, half of them being made to fail."""
    with Listener(seed=seed, errors=0.5) as listener:
        for n in range(posts):
            try:
                post(listener.port, f"k{n}")
            except (ConnectionResetError, http.client.RemoteDisconnected):
                continue
        return [f"{each.fate} {each.acted}" for each in listener.posts()]


def test_random_errors_are_those_of_the_seed_and_of_every_kind() -> None:
    first, second, other = fates(7), fates(7), fates(8)

    assert first == second != other
    assert set(first) == {
        "200 True", "503 False", "500 False", "500 True", "reset False", "reset True",
    }  # fmt: skip
    assert 15 < Counter(first)["200 True"] < 45


def test_a_resent_key_is_acted_upon_once_whatever_went_wrong_before() -> None:
    with Listener(errors=0.6, seed=3) as listener:
        for n in range(20):
            for _ in range(30):
                try:
                    if post(listener.port, f"k{n}")[0] == 200:
                        break
                except (ConnectionResetError, http.client.RemoteDisconnected):
                    continue

        assert [effect.key for effect in listener.effects()] == [f"k{n}" for n in range(20)]


def test_wrong_switches_are_named() -> None:
    with Listener() as listener, pytest.raises(SettingsError) as problem:
        listener.faults.update({"hang": "sideways"})

    assert problem.value.field == "hang"


def test_a_port_in_use_is_said() -> None:
    with Listener() as listener, pytest.raises(StartupError, match=f":{listener.port}"):
        Listener(listener.port)


class Program:
    """The listener as a process."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "grok_sauce.simulator.listener", *options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.first: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.port: int = self.first["port"]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def test_a_killed_listener_keeps_its_journal_and_its_memory(tmp_path: Path) -> None:
    journal = tmp_path / "effects.jsonl"
    program = Program("--journal", str(journal))
    post(program.port, "one")
    post(program.port, "two")
    program.end(signal.SIGKILL)
    with journal.open("ab") as file:
        file.write(b'{"n": 3, "at"')  # it died in the middle of a line

    program = Program("--journal", str(journal), "--port", str(program.port))
    answers = [post(program.port, key)[1]["status"] for key in ("two", "three")]
    told = requests.get(f"http://localhost:{program.port}/journal", timeout=5).json()
    code = program.end(signal.SIGTERM)

    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert answers == ["duplicate", "success"]
    assert [line["key"] for line in lines] == ["one", "two", "three"]
    assert told["effects"] == lines
    assert code == 0
    assert (os.stat(journal).st_mode & 0o777) == 0o600


def test_the_program_takes_faults_at_the_start_and_while_it_runs() -> None:
    program = Program("--fault", "status=503")
    try:
        url = f"http://localhost:{program.port}/receive/faults"
        before = post(program.port, "k")[0]
        shown = requests.get(url, timeout=5).json()
        changed = requests.post(url, json={"status": False}, timeout=5).json()
        wrong = requests.post(url, json={"nonsense": 1}, timeout=5)
        after = post(program.port, "k")[0]
    finally:
        program.end(signal.SIGTERM)

    assert (before, after) == (503, 200)
    assert shown["faults"]["status"] == 503
    assert set(shown["help"]) == set(shown["faults"])
    assert changed["faults"]["status"] == 0
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "nonsense")


class TestOnTheMarketsPort:
    def test_orders_are_taken_under_localhost_only(self, running: Callable[..., Any]) -> None:
        port = running().server.port

        good, wrong = post(port, "k"), post(port, "k", host=f"127.0.0.1:{port}")

        told = requests.get(f"http://127.0.0.1:{port}/journal?since=0", timeout=5).json()
        assert good == (200, {"status": "success"})
        assert wrong[0] == 400
        assert [(effect["key"], effect["body"]) for effect in told["effects"]] == [("k", ORDER)]
        assert told["posts"] == 2

    def test_its_faults_are_its_own(self, running: Callable[..., Any]) -> None:
        market = running()
        url = f"{market.http}/receive/faults"
        requests.post(url, json={"reset": "after", "count": 1}, timeout=5)

        with pytest.raises(ConnectionResetError):
            post(market.server.port, "k")

        assert post(market.server.port, "k") == (200, {"status": "duplicate"})
        assert "reset" not in market.faults.snapshot()
        refused = requests.post(url, json={"refuse": 1}, timeout=5)
        assert refused.json()["error"]["field"] == "refuse"

    def test_a_hung_one_leaves_the_market_alone(self, running: Callable[..., Any]) -> None:
        market = running()
        market.services.receiver.faults.update({"hang": "before"})

        with pytest.raises(TimeoutError):
            post(market.server.port, "k", timeout=0.3)

        assert requests.get(f"{market.http}/health", timeout=5).json()["ok"] is True

    def test_a_page_in_a_browser_may_not_order(self, running: Callable[..., Any]) -> None:
        market = running()
        headers = {"Host": market.services.listener, "Origin": "http://localhost:5010"}

        answer = requests.post(f"{market.http}/receive", json=ORDER, headers=headers, timeout=5)

        assert answer.status_code == 403
        assert market.services.receiver.effects() == []


def test_the_markets_first_line_says_where_orders_go(tmp_path: Path) -> None:
    journal = tmp_path / "orders.jsonl"
    command = [
        sys.executable, "-m", "grok_sauce.cli", "simulate", "--port", "0",
        "--receive-journal", str(journal),
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        answer = requests.post(first["listener"], json=ORDER, timeout=5)
    finally:
        process.kill()
        process.communicate()

    assert answer.json() == {"status": "success"}
    assert json.loads(journal.read_text())["body"] == ORDER
