"""The simulate command as a process, on the real simulated market."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

from grok_sauce.cli import main
from grok_sauce.market import sessions
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.simulator.faults import FAULTS
from grok_sauce.simulator.market import World
from grok_sauce.simulator.opening import opening, read_start

ROOT = Path(__file__).resolve().parents[2]
NEW_YORK = sessions.NEW_YORK


class Market:
    """One simulate child."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "grok_sauce.cli", "simulate", "--port", "0", *options]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.first: dict[str, Any] = json.loads(self.process.stdout.readline())

    def __getitem__(self, name: str) -> Any:
        return self.first[name]


@pytest.fixture
def market() -> Iterator[Callable[..., Market]]:
    """Start simulate children; none outlives its test."""
    children: list[Market] = []

    def start(*options: str) -> Market:
        children.append(Market(*options))
        return children[-1]

    yield start
    for child in children:
        child.process.kill()
        child.process.wait(timeout=5)
        for pipe in (child.process.stdin, child.process.stdout, child.process.stderr):
            if pipe is not None:
                pipe.close()


def streaming(url: str, *entries: dict[str, Any]) -> websocket.WebSocket:
    """A socket that is logged in and subscribed in COMPACT."""
    client = websocket.create_connection(url, timeout=10)
    fields = {"Quote": ["eventSymbol", "bidPrice", "askPrice"], "Trade": ["eventSymbol", "price"]}
    for message in (
        {"type": "SETUP", "channel": 0, "version": "0.1-test/1"},
        {"type": "AUTH", "channel": 0, "token": "demo"},
        {
            "type": "CHANNEL_REQUEST",
            "channel": 1,
            "service": "FEED",
            "parameters": {"contract": "AUTO"},
        },
        {
            "type": "FEED_SETUP",
            "channel": 1,
            "acceptAggregationPeriod": 0.1,
            "acceptDataFormat": "COMPACT",
            "acceptEventFields": fields,
        },
        {"type": "FEED_SUBSCRIPTION", "channel": 1, "add": list(entries)},
    ):
        client.send(json.dumps(message))
    return client


def data_after(client: websocket.WebSocket, count: int) -> list[list[Any]]:
    """The data of the next FEED_DATA messages."""
    found: list[list[Any]] = []
    while len(found) < count:
        message = json.loads(client.recv())
        if message["type"] == "FEED_DATA":
            found.append(message["data"])
    return found


def test_first_line_says_where_the_market_is_and_when(market: Callable[..., Market]) -> None:
    child = market("--seed", "7", "--start", "2026-12-16T14:32:07", "--speed", "2")

    clock = requests.get(child["clock"], timeout=5).json()

    assert child["start"] == "2026-12-16T19:32:07Z"
    assert (child["seed"], child["speed"], child["pid"]) == (7, 2.0, child.process.pid)
    assert child["dxlink"] == child["http"].replace("http", "ws") + "/realtime"
    assert child["anchor"] == {k: clock[k] for k in ("anchor_market", "anchor_real", "speed")}
    assert 0 <= clock["market"] - 1797449527.0 < 60


def test_real_market_streams_quotes_that_tick_and_do_not_cross(
    market: Callable[..., Market], tmp_path: Path
) -> None:
    log = tmp_path / "ticks"
    child = market("--start", "2026-12-16T14:32:07", "--tick-log", str(log))
    client = streaming(
        child["dxlink"],
        *({"type": t, "symbol": s} for t in ("Quote", "Trade") for s in ("SPY", "QQQ")),
    )

    data = data_after(client, 12)
    client.close()

    quotes = [
        run[n : n + 3] for kind, run in data if kind == "Quote" for n in range(0, len(run), 3)
    ]
    prices = {p for kind, run in data if kind == "Trade" for p in run[1::2]}
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(bid <= ask for _, bid, ask in quotes)
    assert len(quotes) > 4
    assert prices <= {line["price"] for line in lines}
    assert {line["symbol"] for line in lines} == {"SPY", "QQQ"}


def test_same_seed_and_time_give_the_same_history(clock: ManualClock, helpers: Any) -> None:
    entry = {"type": "Candle", "symbol": "SPY{=1d,tho=true}", "fromTime": 1796000000000}

    histories = []
    for seed in (7, 7, 8):
        talk = helpers.Talk(clock, world=World(seed=seed, start=clock.market()))
        talk.feed()
        histories.append(helpers.data_of(talk.say("FEED_SUBSCRIPTION", 1, add=[entry])))

    assert len(histories[0][0][1]) > 100
    assert histories[0] == histories[1]
    assert histories[0] != histories[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_signal_ends_it_within_two_seconds_with_code_0(
    market: Callable[..., Market], number: signal.Signals
) -> None:
    child = market("--exit-with-stdin")
    client = streaming(child["dxlink"], {"type": "Quote", "symbol": "SPY"})

    child.process.send_signal(number)

    assert child.process.wait(timeout=2.0) == 0
    assert child.process.stderr is not None
    assert "Error" not in child.process.stderr.read()
    client.close()


def test_end_of_standard_input_ends_it_when_asked(market: Callable[..., Market]) -> None:
    child = market("--exit-with-stdin")
    assert child.process.poll() is None

    assert child.process.stdin is not None
    child.process.stdin.close()

    assert child.process.wait(timeout=2.0) == 0


def test_restart_on_a_shared_anchor_continues_the_same_time(market: Callable[..., Market]) -> None:
    first = market("--start", "2026-12-16T14:32:07", "--speed", "10")
    anchor = first["anchor"]
    first.process.terminate()
    first.process.wait(timeout=5)

    second = market(
        "--speed", "10", "--anchor", f"{anchor['anchor_market']!r},{anchor['anchor_real']!r}"
    )

    assert second["anchor"] == anchor


def test_faults_can_be_on_from_the_start(market: Callable[..., Market]) -> None:
    child = market("--fault", "nan=Quote", "--fault", "reject_token")

    faults = requests.get(child["http"] + "/faults", timeout=5).json()["faults"]

    assert faults["nan"] == "Quote"
    assert faults["reject_token"] is True


@pytest.mark.parametrize(
    "options, words",
    [
        (["--start", "soon"], "--start must be a time"),
        (["--fault", "nonsense"], "no fault named"),
        (["--fault", "latency=x"], "latency must be a number"),
        (["--speed", "0"], "above 0"),
        (["--bars", "/nowhere/bars.csv"], "bars"),
        (["--tick-log", "/nowhere/ticks"], "cannot write"),
    ],
)
def test_wrong_option_is_explained_with_exit_code_2(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["simulate", "--port", "0", *options])
    except SystemExit as ended:  # argparse's way of refusing
        code = int(str(ended.code))

    said = capsys.readouterr()
    assert code == 2
    assert words in said.err
    assert not said.out


def test_port_in_use_is_explained_with_exit_code_1(
    running: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    port = str(running().server.port)

    code = main(["simulate", "--port", port])

    assert code == 1
    assert port in capsys.readouterr().err


def test_help_has_two_examples_and_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "--help"])

    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert said.count("python3 main.py simulate") == 2
    assert all(name in said for name in FAULTS)


def test_recorded_bars_become_the_market(market: Callable[..., Market]) -> None:
    bars = ROOT / "tests" / "answers" / "minute_bars.csv.gz"
    child = market("--bars", str(bars), "--bars-symbol", "SPY")

    moment = datetime.fromisoformat(child["start"])

    assert sessions.is_session(moment.astimezone(NEW_YORK).date())
    assert requests.get(child["http"] + "/health", timeout=5).json()["ok"]


NEW_YORK_TIMES = {
    "in session": ("2026-12-16T14:32:07", "2026-12-16T14:32:07"),
    "at the opening": ("2026-12-16T09:30:00", "2026-12-16T09:30:00"),
    "before the opening": ("2026-12-16T06:00:00", "2026-12-15T11:11:15"),
    "at the close": ("2026-12-16T16:00:00", "2026-12-16T13:35:00"),
    "midnight": ("2026-12-17T00:00:00", "2026-12-16T09:45:00"),
    "Sunday noon": ("2026-12-20T12:00:00", "2026-12-18T12:37:30"),
    "Thanksgiving": ("2026-11-26T12:00:00", "2026-11-25T12:37:30"),
    "after a half day": ("2026-11-28T12:00:00", "2026-11-27T11:07:30"),
}


@pytest.mark.parametrize("now, wanted", NEW_YORK_TIMES.values(), ids=NEW_YORK_TIMES.keys())
def test_market_is_open_whenever_it_is_started(now: str, wanted: str) -> None:
    assert opening(read_start(now)) == read_start(wanted)


def test_every_minute_of_a_week_opens_in_a_regular_session() -> None:
    monday = read_start("2026-11-23T00:00:00")

    for minute in range(0, 7 * 24 * 60, 7):
        moment = opening(monday + minute * 60)
        start, end = sessions.regular(sessions.new_york_date(moment))
        assert start <= moment < end
        assert moment <= monday + minute * 60
