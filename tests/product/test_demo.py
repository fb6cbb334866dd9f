"""The demo as a process, in both async modes: it serves, ticks, refuses clearly, stops in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.product.harness import MODES, ROOT, Product, until

DEFAULTS = ["SPY", "XLF", "XLP", "QQQ", "BITO", "XLU", "IYR", "TIP", "GLD", "TLT"] + [
    "DXY",
    "VIX",
    "UUP",
]

# Writes each connect and each name look-up of a Python process to a file.
AUDIT = """
import os, sys
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        host = args[1] if event in ("socket.connect", "socket.sendto") else args[0]
        with open(os.environ["AUDIT_FILE"], "a") as out:
            out.write(f"{os.getpid()} {event} {host!r}\\n")
sys.addaudithook(hook)
"""


@pytest.mark.parametrize("mode", MODES)
def test_demo_serves_the_default_table_ticking_and_stops_when_told(
    mode: str, start: Callable[..., Product]
) -> None:
    product = start("demo", mode=mode).wait()
    until(product.live, 30, "a live table")
    before = product.rows()
    moved = until(
        lambda: [s for s, row in product.rows().items() if row["price"] != before[s]["price"]],
        20,
        "a tick",
    )

    assert list(before) == DEFAULTS
    assert moved
    assert before["DXY"]["status"] == "not_offered"
    assert before["DXY"]["price"] is None
    assert before["DXY"]["hint"] == "UUP"
    assert before["VIX"]["volume"] is None
    assert before["VIX"]["rvol"] is None
    assert all(row["source"] == "DEMO" for row in before.values())
    assert product.stop(signal.SIGTERM) == 0
    assert "Traceback" not in product.text()


@pytest.mark.parametrize("mode", MODES)
def test_relative_volume_is_there_and_not_a_default(
    mode: str, start: Callable[..., Product]
) -> None:
    product = start("demo", mode=mode).wait()

    rows = until(
        lambda: (
            (rows if all(rows[s]["rvol"] for s in DEFAULTS if s not in ("DXY", "VIX")) else None)
            if (rows := product.rows())
            else None
        ),
        40,
        "RVOL of every row",
    )

    values = {round(rows[s]["rvol"], 4) for s in DEFAULTS if s not in ("DXY", "VIX")}
    assert len(values) > 5
    assert all(0.05 < value < 20 for value in values)


def test_ctrl_c_stops_it_too_and_tells_of_no_lost_feed(start: Callable[..., Product]) -> None:
    product = start("demo").wait()
    until(product.live, 30, "a live table")
    # A terminal sends Ctrl-C to its whole foreground group: the market must not be in it.
    groups = {os.getpgid(product.process.pid), os.getpgid(product.market_pid())}

    code = product.stop(signal.SIGINT)

    assert code == 0
    assert len(groups) == 2
    assert "lost" not in product.text()


def test_market_ends_with_the_dashboard_even_after_kill_9(start: Callable[..., Product]) -> None:
    product = start("demo").wait()
    market = product.market_pid()

    product.process.kill()
    product.process.wait(timeout=10)

    until(lambda: not Path(f"/proc/{market}").exists(), 10, "the end of the market process")


def test_a_second_dashboard_on_one_data_folder_is_refused(start: Callable[..., Product]) -> None:
    start("demo").wait()

    second = start("demo")

    assert second.process.wait(timeout=30) == 1
    assert "data folder" in second.text()


def test_port_in_use_is_one_clear_line(start: Callable[..., Product]) -> None:
    first = start("demo").wait()

    done = subprocess.run(
        [sys.executable, "-m", "grok_sauce.cli", "demo", "--port", str(first.port)]
        + ["--data", str(first.folder / "d2"), "--settings", str(first.folder / "s2.json")],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_host_without_a_password_is_refused_with_the_line_to_add(
    start: Callable[..., Product],
) -> None:
    product = start("demo", "--host", "0.0.0.0")

    assert product.process.wait(timeout=30) in (1, 2)
    assert "DASHBOARD_PASSWORD" in product.text()


def test_demo_opens_no_outbound_connection_in_either_process(
    tmp_path: Path, start: Callable[..., Product]
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(AUDIT)
    seen = tmp_path / "audit.txt"
    product = start("demo", PYTHONPATH=str(hooks), AUDIT_FILE=str(seen)).wait()
    until(product.live, 30, "a live table")

    market = product.market_pid()
    product.stop()

    lines = [line.split(" ", 2) for line in seen.read_text().splitlines()]
    assert {int(pid) for pid, _, _ in lines} <= {product.process.pid, market}
    assert any(int(pid) == product.process.pid for pid, _, _ in lines)
    local = ("127.0.0.1", "localhost", "::1", "None", "b'127.0.0.1'")
    outside = [line for line in lines if not any(name in line[2] for name in local)]
    assert outside == []


def test_pages_answer_and_api_is_json(start: Callable[..., Product]) -> None:
    product = start("demo").wait()
    until(product.live, 30, "a live table")

    pages = {path: product.get(path) for path in ("/indicator", "/setup", "/status")}

    assert {path: status for path, (status, _) in pages.items()} == dict.fromkeys(pages, 200)
    assert b'data-symbol="SPY"' in pages["/indicator"][1]
    assert json.loads(product.get("/api/openapi.json")[1])["openapi"].startswith("3.1")
    until(lambda: product.get("/health")[0] == 200, 5, "a good report")
    assert b"# TYPE" in product.get("/metrics")[1]


def test_symbol_added_in_setup_ticks_while_no_other_row_pauses(
    start: Callable[..., Product],
) -> None:
    product = start("demo").wait()
    until(product.live, 30, "a live table")
    before = product.rows()["SPY"]
    state = product.send("GET", "/api/settings")[1]
    indicators = state["settings"]["indicators"]
    indicators["positive"].append("NVDA")

    status, _ = product.send(
        "PUT",
        "/api/settings",
        {"revision": state["revision"], "settings": {"indicators": indicators}},
    )
    row = until(
        lambda: (rows.get("NVDA") or {}).get("price") if (rows := product.rows()) else None,
        3,
        "a price of NVDA",
    )

    assert status == 200
    assert row > 0
    assert product.rows()["SPY"]["status"] == "live"
    assert product.rows()["SPY"]["open"] == before["open"]
    assert product.health()["sources"][0]["restarts"] == 0


def test_symbols_survive_a_restart(start: Callable[..., Product]) -> None:
    product = start("demo").wait()
    state = product.send("GET", "/api/settings")[1]
    wanted = {"positive": ["SPY"], "neutral": ["/ES"], "negative": []}
    product.send(
        "PUT", "/api/settings", {"revision": state["revision"], "settings": {"indicators": wanted}}
    )
    product.stop()

    again = start("demo").wait()

    assert list(until(again.rows, 10, "rows")) == ["SPY", "/ES"]
