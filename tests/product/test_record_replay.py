"""Record and replay as a user has them: one file, the same numbers, a control on every page."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.feeds.recording import Recording
from tests.product.harness import ROOT, Product, until

SESSION = ROOT / "tests" / "recordings" / "session.gsr"
TABLE = {
    "schema": 1,
    "indicators": {"positive": [], "neutral": ["QQQ", "SPY"], "negative": []},
    "gex": {"symbols": ["QQQ"], "strikes_each_side": 10, "expiries": 1},
}


def run(folder: Path, *words: str, seed: str = "0", mode: str = "eventlet", seconds: int = 110,
        **env: str) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """One of our commands to its end, on files of its own."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GROK_SAUCE_")}
    environ |= {"ASYNC_MODE": mode, "PYTHONHASHSEED": seed, **env}
    environ["GROK_SAUCE_ENV_FILE"] = str(folder / "env")
    files = ["--port", "0", "--data", str(folder / "data")]
    settings = ["--settings", str(folder / "settings.json")]
    return subprocess.run(
        [sys.executable, "-m", "grok_sauce.cli", *words, *files, *settings],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip


def outputs(folder: Path, file: Path, name: str, **how: str) -> bytes:
    """What a replay at the highest speed writes for comparison."""
    target = folder / f"{name}.jsonl"
    speed = how.pop("speed", "max")
    done = run(folder, "replay", str(file), "--speed", speed, "--outputs", str(target), **how)
    assert done.returncode == 0, done.stderr
    return target.read_bytes()


def table(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(TABLE))
    return folder


def test_two_replays_of_a_file_write_the_same_bytes(tmp_path: Path) -> None:
    first = outputs(tmp_path, SESSION, "first", seed="1")
    second = outputs(tmp_path, SESSION, "second", seed="2", mode="threading")

    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()
    lines = [json.loads(line) for line in first.splitlines()]
    topics = Counter(line["topic"] for line in lines)
    assert {"gex.levels", "candle.close", "strategy.state", "trade.signal"} <= topics.keys()
    signals = [line["payload"] for line in lines if line["topic"] == "trade.signal"]
    assert {each["source"] for each in signals} == {"REPLAY"}
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)


def test_the_shipped_recording_is_small_whole_and_without_secrets() -> None:
    found = Recording(SESSION)

    kinds = Counter(entry.batch.kind for entry in found.entries())

    assert SESSION.stat().st_size < 500_000
    assert found.problem is None
    assert found.header["mode"] == "DEMO"
    assert {"Quote", "Greeks", "Candle", "Chain", "Instrument", "Resolved", "Link"} <= kinds.keys()
    assert not re.search("token|secret|password", json.dumps(found.header), re.IGNORECASE)


def test_a_demo_is_recorded_for_its_minutes_and_played_again(tmp_path: Path) -> None:
    folder, file = table(tmp_path), tmp_path / "short.gsr"

    made = run(folder, "record", str(file), "--start", "2026-12-16T10:30", "--speed", "20",
               "--minutes", "3")  # fmt: skip

    assert made.returncode == 0, made.stderr
    assert "recorded 3:0" in made.stderr
    assert f"python3 main.py replay {file}" in made.stdout
    first = outputs(folder, file, "first", seed="3")
    assert first == outputs(folder, file, "second", seed="4", speed="60")
    assert b'"topic":"gex.levels"' in first
    assert b'"topic":"candle.close"' in first


def test_a_recording_that_was_killed_plays_up_to_its_last_whole_block(
    start: Callable[..., Product], tmp_path: Path
) -> None:
    folder, file = table(tmp_path / "one"), tmp_path / "killed.gsr"
    product = start("record", str(file), "--start", "2026-12-16T10:30", "--speed", "20").wait()
    until(lambda: file.exists() and file.stat().st_size > 100_000, 40, "a recording")
    product.process.send_signal(signal.SIGKILL)
    product.process.wait(10)
    with file.open("ab") as broken:
        broken.write(b"GSRB half a block")

    done = run(folder, "replay", str(file), "--speed", "max", "--outputs", str(tmp_path / "o"))

    assert done.returncode == 0, done.stderr
    assert "killed.gsr was cut off" in done.stdout
    assert "the last 17 bytes are not used" in done.stdout
    assert (tmp_path / "o").stat().st_size > 0


def test_what_cannot_be_played_or_written_is_refused_in_one_line(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.gsr"
    garbage.write_bytes(b"\x00\xff" * 400)
    cut = tmp_path / "cut.gsr"
    cut.write_bytes(SESSION.read_bytes()[:100])
    asked = {
        ("replay", str(garbage)): (1, "garbage.gsr is no recording"),
        ("replay", str(cut)): (1, "cut.gsr has no whole header"),
        ("replay", str(tmp_path / "none.gsr")): (2, "there is no file"),
        ("replay", str(SESSION), "--speed", "61"): (2, "speed must be from 1 to 60 or max"),
        ("replay", str(SESSION), "--from", "2020-01-01"): (2, "a time of the recording"),
        ("record", str(garbage)): (2, "is there already"),
        ("record", "--minutes", "0"): (2, "must be above 0"),
    }

    for words, (code, text) in asked.items():
        done = run(tmp_path, *words, seconds=30)
        assert (done.returncode, text in done.stderr) == (code, True), (words, done.stderr)


def test_a_replay_stands_alone(start: Callable[..., Product]) -> None:
    product = start(
        "replay", str(SESSION), "--speed", "60",
        REDIS_URL="redis://127.0.0.1:1/0", ROUTER_URL="http://127.0.0.1:1",
        CLIENT_SECRET="x", REFRESH_TOKEN="y",
    ).wait()  # fmt: skip
    until(lambda: product.rows().get("QQQ", {}).get("price"), 30, "a price")

    report = product.health()
    sources = {each["name"]: each["state"] for each in report["sources"]}
    status, tried = product.send(
        "POST", "/api/credentials/test", {"client_secret": "a" * 40, "refresh_token": "eyJ.a.b"}
    )

    assert report["mode"] == {"name": "REPLAY", "detail": "×60", "seed": None}
    assert product.rows()["QQQ"]["source"] == "REPLAY"
    assert report["clock"]["market_ms"] < 1_797_500_000_000  # the recording's day
    assert sources.pop("dxlink") == "live"
    assert sources.pop("levels") in ("connecting", "live", "stale")  # worked out here
    assert set(sources.values()) == {"off"}
    assert b'"dry":true' in product.get("/api/alerts")[1].replace(b" ", b"")
    assert status != 200 or not tried["passed"]
    assert not list((product.folder / "data").glob("history.db*"))


def replay(product: Product, action: str, value: Any = None) -> dict[str, Any]:
    body = {"action": action} | ({} if value is None else {"value": value})
    status, answer = product.send("POST", "/api/replay", body)
    assert status == 200, answer
    found: dict[str, Any] = answer
    return found


def at(product: Product) -> dict[str, Any]:
    found: dict[str, Any] = product.health()["replay"]
    return found


def test_the_control_plays_pauses_and_goes_to_a_place(start: Callable[..., Product]) -> None:
    product = start("replay", str(SESSION), "--paused").wait()
    begin = at(product)["start_ms"]
    assert at(product)["state"] == "paused"

    place = begin + 300_000
    replay(product, "seek", place)
    until(lambda: (at(product)["state"], at(product)["position_ms"]) == ("paused", place),
          40, "the place")  # fmt: skip
    replay(product, "speed", 60)
    replay(product, "play")
    until(lambda: at(product)["position_ms"] > place + 60_000, 20, "more of it")

    stood = replay(product, "pause")["position_ms"]

    assert at(product)["state"] == "paused"
    assert at(product)["position_ms"] - stood <= 15_000
    for body in ({"action": "stop"}, {"action": "speed", "value": 0}, {"action": "seek"}):
        assert product.send("POST", "/api/replay", body)[0] == 422


def test_going_back_begins_again_with_a_new_epoch(start: Callable[..., Product]) -> None:
    product = start("replay", str(SESSION), "--speed", "max").wait()
    until(lambda: at(product)["state"] == "ended", 60, "the end")
    before = json.loads(product.get("/api/indicator")[1])
    begin = at(product)["start_ms"]

    replay(product, "pause")
    replay(product, "seek", begin + 240_000)

    def is_back() -> bool:
        try:
            found = at(product)
        except (OSError, KeyError, ValueError):
            return False
        return found["state"] == "paused" and found["position_ms"] >= begin + 240_000

    until(is_back, 60, "the place")
    after = json.loads(product.get("/api/indicator")[1])
    assert after["epoch"] != before["epoch"]
    assert at(product)["position_ms"] == begin + 240_000
    assert until(lambda: product.rows().get("QQQ", {}).get("price"), 20, "a price")


@pytest.mark.browser
def test_the_page_has_the_control(
    start: Callable[..., Product], open_tab: Callable[..., Any]
) -> None:
    product = start("replay", str(SESSION), "--paused").wait()
    with open_tab(viewport={"width": 390, "height": 844}) as tab:
        drive(product, tab.page)
        assert tab.errors == [] or all("ERR_" in each for each in tab.errors)
        assert tab.hosts == {"127.0.0.1"}


def drive(product: Product, page: Any) -> None:
    """Use the control as a person with a phone and a keyboard."""
    page.goto(product.url + "/indicator")
    line = page.locator("#replay-line")
    line.wait_for(state="visible")
    assert page.locator(".phone-only .chip").text_content() == "REPLAY paused"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    note = line.locator("[data-part=replay-note]")
    chip = page.locator(".phone-only .chip")

    play = line.get_by_role("button")
    assert play.text_content() == "Play"
    play.focus()
    page.keyboard.press("Enter")
    until(lambda: play.text_content() == "Pause", 10, "playing")
    line.get_by_label("Speed").select_option("60")
    until(lambda: chip.text_content() == "REPLAY ×60", 10, "the speed in the chip")
    place = line.get_by_label("Place in the recording")
    place.focus()
    page.keyboard.press("End")
    until(lambda: "at its end" in (note.text_content() or ""), 60, "the end")
    page.get_by_text("QQQ").first.wait_for()

    page.keyboard.press("Home")
    until(lambda: at_start(product), 60, "the beginning again")
    # The server was another process meanwhile: the page came back by itself, and plays on.
    page.get_by_text("QQQ").first.wait_for()
    until(lambda: play.text_content() == "Pause", 30, "the control of the new process")
    assert chip.text_content() == "REPLAY ×60"


def at_start(product: Product) -> bool:
    try:
        found = at(product)
    except (OSError, KeyError, ValueError):
        return False
    return bool(found["state"] != "ended" and found["position_ms"] < found["end_ms"] - 60_000)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_minutes_of_the_demo_replay_twice_the_same(tmp_path: Path) -> None:
    folder, file = table(tmp_path), tmp_path / "ten.gsr"

    made = run(folder, "record", str(file), "--start", "2026-12-16T10:28", "--speed", "4",
               "--minutes", "10", seconds=400)  # fmt: skip

    assert made.returncode == 0, made.stderr
    first = outputs(folder, file, "first", seed="5")
    assert first == outputs(folder, file, "second", seed="6")
    topics = Counter(json.loads(line)["topic"] for line in first.splitlines())
    assert topics["gex.levels"] > 20
    assert topics["candle.close"] >= 27
