"""What a start leaves unloaded: each of these costs time or memory of the first answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Nobody listens there: nothing arrives that would need any of it.
NOWHERE = "http://127.0.0.1:9"
BASES = ("TASTY_API_BASE", "CBOE_API_BASE", "NEWSAPI_BASE", "FRED_API_BASE", "FOREX_FACTORY_BASE")
# The real entry, and somebody who asks for the first page and then what is loaded.
START = """
import http.client, json, sys
from pathlib import Path
from grok_sauce import machine
from grok_sauce.runtime import concurrency

folder = Path(sys.argv[1])
build = machine.build

def ask(made, path):
    connection = http.client.HTTPConnection("127.0.0.1", made.options.port, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body

def look(made):
    status, _ = ask(made, "/indicator")
    tried = False
    while not tried:  # the feed asked for its token and was refused
        sources = json.loads(ask(made, "/health")[1])["sources"]
        tried = any(each["name"] == "dxlink" and each["last_error"] for each in sources)
        concurrency.sleep(0.1)
    print(json.dumps({"status": status, "loaded": sorted(sys.modules)}))
    made.stop()

def build_and_look(options, environ):
    made = build(options, environ)
    concurrency.spawn(look, made)
    return made

machine.build = build_and_look
machine.run(machine.Options(
    host="127.0.0.1", port=0, data=folder / "data", settings=folder / "settings.json",
    env_file=folder / ".env", demo=None, open_page=False,
))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of all modules of a live start once its first page was answered."""
    folder = tmp_path_factory.mktemp("start")
    lines = [f"{name}={NOWHERE}" for name in BASES]
    (folder / ".env").write_text("\n".join([*lines, "CLIENT_SECRET=x", "REFRESH_TOKEN=y", ""]))
    done = subprocess.run(
        [sys.executable, "-c", START, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    answers = [line for line in done.stdout.splitlines() if line.startswith('{"status"')]
    assert answers, done.stdout + done.stderr
    answer = json.loads(answers[0])
    assert answer["status"] == 200
    return set(answer["loaded"])


@pytest.mark.parametrize(
    "name",
    [
        "numpy",  # with the first chain or the first bars
        "vaderSentiment",  # with the first headline
        "apprise",  # with the first notice to a chat
        "pandas",
        "scipy",
        "grok_sauce.market.chain",
        "grok_sauce.analytics.gex_work",
        "grok_sauce.analytics.profile_work",
        "grok_sauce.analytics.study_report",
        "grok_sauce.strategies.backtest",
        "grok_sauce.simulator",
        "grok_sauce.bench",
        "grok_sauce.replay_half",
    ],
)
def test_the_first_page_of_a_live_start_does_without(loaded: set[str], name: str) -> None:
    assert name not in loaded
