"""The benchmarks: what their lines say, when --require objects, and each once in small."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from grok_sauce import cli
from grok_sauce.bench import BENCHES, frames
from grok_sauce.bench.report import Bar, Comparison
from grok_sauce.commands import bench
from grok_sauce.errors import GrokSauceError
from grok_sauce.market.state import MarketState

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("bar", "ours", "theirs", "reached"),
    [
        (Bar("faster", 18.0), 1.0, 18.0, True),
        (Bar("faster", 18.0), 1.0, 17.9, False),
        (Bar("faster", 18.0), 1.0, None, None),
        (Bar("of peer", 1.1), 1.1, 1.0, True),
        (Bar("of peer", 1.1), 1.2, 1.0, False),
        (Bar("at most", 0.6), 0.6, None, True),
        (Bar("at most", 0.6), 0.7, 5.0, False),
        (Bar("at most", 0.6), None, 5.0, None),
        (None, 1.0, 2.0, None),
    ],
)
def test_a_bar_is_judged_by_its_kind(
    bar: Bar | None, ours: float | None, theirs: float | None, reached: bool | None
) -> None:
    assert Comparison("x", "us", ours, "peer", theirs, bar).reached is reached


def test_a_line_gives_both_figures_the_ratio_and_the_verdict() -> None:
    better = Comparison("fan-out", "us", 15.0, "peer", 60.0, Bar("faster", 4.0))
    worse = Comparison("fan-out", "us", 33.0, "peer", 30.0, Bar("of peer", 1.05))
    nothing = Comparison("fan-out", "us", 15.0, "peer", None, Bar("faster", 4.0), "not there")

    assert re.sub(" +", " ", better.line()) == (
        "fan-out 15 us peer: 60 us 4.0x less bar >= 4x less: reached"
    )
    assert worse.line().endswith("1.10x of it  bar <= 1.05x of it: MISSED")
    assert nothing.line().endswith("peer: not measured  bar >= 4x less: not judged  (not there)")


def run_with(monkeypatch: pytest.MonkeyPatch, found: list[Comparison], require: bool) -> int:
    fake = SimpleNamespace(HELP="a fake", measure=lambda say: found)
    monkeypatch.setattr(bench.importlib, "import_module", lambda name: fake)
    return bench.run(SimpleNamespace(name="ingest", require=require))  # type: ignore[arg-type]


REACHED = Comparison("a", "us", 1.0, "peer", 20.0, Bar("faster", 18.0))
MISSED = Comparison("b", "us", 1.0, "peer", 2.0, Bar("faster", 18.0))
ABSENT = Comparison("c", "us", 1.0, "peer", None, None, "peer is not installed: how to")


@pytest.mark.parametrize(
    ("found", "require", "code"),
    [
        ([REACHED], True, 0),
        ([REACHED, MISSED], True, 1),
        ([REACHED, ABSENT], True, 1),
        ([REACHED, MISSED, ABSENT], False, 0),
    ],
    ids=["reached", "bar missed", "baseline missing", "not required"],
)
def test_require_fails_on_a_missed_bar_and_on_a_missing_baseline(
    monkeypatch: pytest.MonkeyPatch, found: list[Comparison], require: bool, code: int
) -> None:
    assert run_with(monkeypatch, found, require) == code


def test_what_is_missing_is_named_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_with(monkeypatch, [ABSENT, MISSED], require=True)

    shown = capsys.readouterr().out
    assert "peer is not installed: how to" in shown
    assert "FAIL c, peer: baseline missing" in shown
    assert "FAIL b, peer: bar missed" in shown


def test_an_unknown_benchmark_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["bench", "everything"])

    assert stop.value.code == 2
    assert "ingest" in capsys.readouterr().err


@pytest.mark.parametrize("name", BENCHES)
def test_each_benchmark_has_a_module_that_measures(name: str) -> None:
    module: Any = importlib.import_module(BENCHES[name])

    assert module.HELP
    assert callable(module.measure)


def test_a_package_that_is_not_there_is_named_with_the_file_that_brings_it() -> None:
    from grok_sauce.bench.peers import missing

    said = missing("no_such_package")

    assert said == "no_such_package is not installed: pip install -r requirements-bench.txt"
    assert missing("orjson") == ""
    wanted = (ROOT / "requirements-bench.txt").read_text(encoding="utf-8")
    assert all(f"\n{name}>=" in wanted for name in ("websockets", "tastytrade", "psutil"))


def test_the_frames_are_what_the_product_reads_into_its_state() -> None:
    data = frames.compose(frames=40, symbols=50)
    protocol, state = frames.streaming(), MarketState()
    expected: dict[str, dict[str, Any]] = {}

    for frame in data:
        kind, flat = orjson.loads(frame)["data"]
        fields = frames.FIELDS[kind]
        for start in range(0, len(flat), len(fields)):
            event = dict(zip(fields, flat[start : start + len(fields)], strict=True))
            expected.setdefault(kind, {})[event["eventSymbol"]] = event
        for batch in protocol.feed_bytes(frame, 1.0, 1.0).batches:
            state.apply(batch)

    assert set(expected) == {"Quote", "Greeks", "Trade", "Summary"}
    assert state.events == 40 * frames.PER_FRAME
    for symbol, event in expected["Quote"].items():
        assert state.last["Quote"][symbol][:2] == (event["bidPrice"], event["askPrice"])
    for symbol, event in expected["Greeks"].items():
        assert event["gamma"] in state.last["Greeks"][symbol]


def test_ingest_gives_a_figure_for_each_side_that_is_there() -> None:
    from grok_sauce.bench import ingest

    sdk, parser = ingest.measure(lambda text: None, frames=20, symbols=100, repeats=1)

    assert parser.ours == sdk.ours
    assert parser.ours > 0
    assert parser.theirs > 0
    assert (sdk.theirs is None) is bool(sdk.why)


def test_receive_gives_a_figure_for_each_side_that_is_there() -> None:
    from grok_sauce.bench import receive

    both, plain = receive.measure(lambda text: None, frames=20, repeats=1)

    assert both.ours == plain.ours
    assert 0 < plain.ours < plain.theirs
    assert (both.theirs is None) is bool(both.why)


@pytest.mark.parametrize("packs", [False, True], ids=["plain", "deflate"])
def test_fanout_refuses_a_figure_when_the_browsers_did_not_get_their_messages(
    monkeypatch: pytest.MonkeyPatch, packs: bool
) -> None:
    from grok_sauce.bench import fanout

    enough = fanout._once("ours", clients=20, seconds=1.0, packs=packs)
    monkeypatch.setattr(fanout, "RATE", 20)  # the server goes on telling ten a second

    assert 0 <= enough < 5000
    with pytest.raises(GrokSauceError, match=r"ours delivered 1?\d\d of 200"):
        fanout._once("ours", clients=20, seconds=0.5, packs=packs)


def test_fanout_runs_its_peer_on_the_same_web_server() -> None:
    from grok_sauce.bench import fanout

    assert 0 < fanout._once("flask-socketio", clients=40, seconds=1.5, packs=True) < 20_000


def test_startup_says_why_when_the_demo_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from grok_sauce.bench import startup

    broken = tmp_path / "main.py"
    broken.write_text("raise SystemExit('no market today')", encoding="utf-8")
    monkeypatch.setattr(startup, "MAIN", broken)

    start, memory = startup.measure(lambda text: None, repeats=1)

    assert start.ours is None
    assert start.theirs > 0
    assert "no market today" in start.why
    assert not start.passes
    assert not memory.passes


def test_webhook_s_peer_stores_a_row_for_each_answer(tmp_path: Path) -> None:
    from grok_sauce.bench import webhook

    with webhook.peer(tmp_path / "peer") as server:
        load = webhook.counted(server, 4, 0.5, webhook._python)

    assert load.answered > 20
    assert 0 < load.p50 <= load.p99


@pytest.mark.parametrize("off_by", [-1, 5], ids=["lost", "doubled"])
def test_webhook_refuses_a_figure_when_rows_are_not_the_answers(off_by: int) -> None:
    from grok_sauce.bench import webhook

    load = webhook.Load(answered=100, refused=0, seconds=1.0, p50=1.0, p99=2.0)
    rows = iter([7, 107 + off_by])
    server = webhook.Server(1, "/webhook", lambda: next(rows))

    with pytest.raises(GrokSauceError, match=f"{100 + off_by} rows for 100 answers"):
        webhook.counted(server, 4, 1.0, lambda *_: load)


def test_webhook_refuses_a_figure_with_answers_that_are_no_promise() -> None:
    from grok_sauce.bench import webhook

    load = webhook.Load(answered=100, refused=3, seconds=1.0, p50=1.0, p99=2.0)
    server = webhook.Server(1, "/webhook", lambda: 0)

    with pytest.raises(GrokSauceError, match="3 answers were not good"):
        webhook.counted(server, 4, 1.0, lambda *_: load)


def test_webhook_measures_the_whole_router_beside_its_peer() -> None:
    from grok_sauce.bench import webhook

    said: list[str] = []
    alerts, p99 = webhook.measure(said.append, connections=4, seconds=1.0, rounds=1)

    assert alerts.why == ""
    assert alerts.ours > 0 < alerts.theirs
    assert p99.ours > 0
    assert any("WEBHOOK_RATE=1000000" in line for line in said)
