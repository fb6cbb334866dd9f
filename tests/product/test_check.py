"""`check` against the embedded market: one line a part, one line a symbol, exit 1 on a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.product.harness import ROOT, free_port

Check = Callable[..., tuple[int, dict[str, dict[str, Any]]]]


@pytest.fixture
def check(tmp_path: Path) -> Iterator[Check]:
    """Runs the command with --json against a market of its own; (exit code, line by name)."""
    market = subprocess.Popen(
        [sys.executable, "-m", "grok_sauce.cli", "simulate", "--port", "0", "--exit-with-stdin"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert market.stdin is not None
    assert market.stdout is not None
    address = json.loads(market.stdout.readline())["http"]
    env = tmp_path / "env"

    def run(*arguments: str, secret: str = "demo") -> tuple[int, dict[str, dict[str, Any]]]:
        env.write_text(f"CLIENT_SECRET={secret}\nREFRESH_TOKEN=demo\nTASTY_API_BASE={address}\n")
        env.chmod(0o600)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "grok_sauce.cli", "check", "--json", *arguments),
                *("--port", str(free_port()), "--data", str(tmp_path / "data")),
                *("--settings", str(tmp_path / "settings.json")),
            ],
            cwd=ROOT,
            env={**os.environ, "GROK_SAUCE_ENV_FILE": str(env)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = json.loads(done.stdout)["checks"]
        return done.returncode, {line["name"]: line for line in lines}

    yield run
    market.stdin.close()
    market.wait(timeout=10)
    market.stdout.close()


def test_the_four_usual_symbols_are_tried_with_six_options_each(check: Check) -> None:
    code, lines = check()

    assert code == 0
    tried = [name for name in lines if name.startswith("Symbol")]
    assert tried == ["Symbol SPX", "Symbol NDX", "Symbol SPY", "Symbol QQQ"]
    for name in tried:
        assert "option quotes 6/6, Greeks 6/6, Summary 6/6" in lines[name]["text"]


def test_a_symbol_that_cannot_come_fails_with_its_reason(check: Check) -> None:
    code, lines = check("--symbols", "/ES,DXY,ZZZZ")

    assert code == 1
    assert (lines["Symbol /ES"]["ok"], "option" in lines["Symbol /ES"]["text"]) == (True, False)
    assert lines["Symbol DXY"]["text"] == "not offered"
    assert lines["Symbol DXY"]["cure"] == "use UUP instead"
    assert (lines["Symbol ZZZZ"]["ok"], lines["Symbol ZZZZ"]["text"]) == (False, "unknown symbol")


def test_a_wrong_secret_fails_at_the_sign_in_and_asks_for_nothing_more(check: Check) -> None:
    code, lines = check(secret="wrong")

    assert code == 1
    assert lines["Sign-in"]["ok"] is False
    assert not any(name.startswith("Symbol") for name in lines)
    assert "wrong" not in json.dumps(lines["Sign-in"])
