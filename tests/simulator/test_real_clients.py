"""The market as clients see it that are not ours: the community SDK and the official JS client.

Both are fetched from their registries into a temporary folder; without node, npm or a registry
the tests skip and say so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = Path(__file__).resolve().parent / "clients"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def fetched(command: list[str], folder: Path, what: str) -> None:
    """Run an installer; skip the test, by name and reason, when it cannot fetch."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{what} could not be fetched within 300 s")
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        pytest.skip(f"{what} could not be fetched: {last[:200]}")


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the community SDK in it."""
    folder = tmp_path_factory.mktemp("sdk")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True, timeout=120)
    python = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    fetched([str(python), "-m", "pip", "install", "-q", "tastytrade"], folder, "tastytrade")
    return python


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which node finds the official client."""
    if not shutil.which("node") or not (npm := shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("js")
    (folder / "package.json").write_text('{"private": true}')
    fetched(
        [npm, "install", "--loglevel=error", "@dxfeed/dxlink-api", "ws"],
        folder,
        "@dxfeed/dxlink-api",
    )
    return folder


@pytest.fixture(scope="module")
def market() -> Iterator[dict[str, Any]]:
    """A simulate child that ends with the module."""
    child = subprocess.Popen(
        [sys.executable, "-m", "grok_sauce.cli", "simulate", "--port", "0", "--exit-with-stdin"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield json.loads(child.stdout.readline())
    finally:
        child.stdin.close()
        assert child.wait(timeout=5) == 0
        child.stdout.close()


@pytest.fixture(scope="module")
def option(market: dict[str, Any]) -> str:
    """A listed SPXW call near the money, from the market's own chain."""
    import requests

    agent = {"User-Agent": "gss-test/1.0"}
    grant = {"grant_type": "refresh_token", "refresh_token": "demo", "client_secret": "demo"}
    token = requests.post(market["http"] + "/oauth/token", json=grant, headers=agent, timeout=10)
    answer = requests.get(
        market["http"] + "/option-chains/SPX/nested",
        headers={**agent, "Authorization": f"Bearer {token.json()['access_token']}"},
        timeout=10,
    )
    roots = {item["root-symbol"]: item for item in answer.json()["data"]["items"]}
    strikes = roots["SPXW"]["expirations"][3]["strikes"]
    symbol: str = strikes[len(strikes) // 2]["call-streamer-symbol"]
    return symbol


def played(command: list[str], folder: Path) -> dict[str, Any]:
    """What a driver reported."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_community_sdk_logs_in_streams_and_unsubscribes(
    sdk: Path, market: dict[str, Any], option: str
) -> None:
    report = played([str(sdk), str(CLIENTS / "sdk_client.py"), market["http"], option], sdk.parent)

    assert report["complaints"] == []
    assert report["crossed"] == []
    assert report["counts"].keys() == {"Quote", "Trade", "Summary", "Profile", "Greeks", "Candle"}
    assert report["counts"]["Quote"] > 6
    assert report["symbols"] == sorted(["SPY", "QQQ", option, "SPY{=d,tho=true}"])
    assert all(-1 <= delta <= 1 for delta in report["greeks"])
    assert (report["candle_begin"], report["candle_end"]) == (1, 1)
    assert all(time > 10**12 for time in report["candle_times"])
    assert report["quotes_after_unsubscribe"] == 0
    assert report["trade_is_closed"] is True


@pytest.mark.parametrize("form", ["COMPACT", "FULL"])
def test_official_js_client_streams_removes_and_resets(
    node_folder: Path, market: dict[str, Any], option: str, form: str
) -> None:
    report = played(
        ["node", str(CLIENTS / "js_client.mjs"), market["dxlink"], option, form], node_folder
    )

    assert report["complaints"] == []
    assert report["errors"] == []
    assert report["crossed"] == []
    assert report["counts"].keys() == {"Quote", "Trade", "Greeks", "Candle"}
    assert report["counts"]["Quote"] > 6
    assert report["symbols"] == sorted(["SPY", "QQQ", option, "SPY{=d}"])
    assert report["candle_flags"][0] == 4
    assert report["candle_flags"].count(10) == 1
    assert report["quotes_after_remove"] == 0
    assert report["events_after_reset"] == 0
