"""`levels` on a file is offline, on a symbol it asks the dashboard, and it says what is wrong."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from grok_sauce import cli
from grok_sauce.commands import COMMANDS, levels_text
from tests.made_chains import CSV_NAME, FOLDER, JSON_NAME

INDEX, ETF = FOLDER / JSON_NAME, FOLDER / CSV_NAME
BEFORE = "--as-of=2026-10-14T15:59"


class Dashboard:
    """Answers /api/gex with what it was given."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: Any = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                data = json.dumps(site.answer).encode()
                self.send_response(site.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def dashboard() -> Iterator[Dashboard]:
    site = Dashboard()
    yield site
    site.close()


def levels_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert cli.main(["levels", "--json", *map(str, arguments)]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def failing(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code and what was said; a mistake never shows a traceback."""
    try:
        code = cli.main(["levels", *map(str, arguments)])
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return code, said


# ---- a file -----------------------------------------------------------------------------


def test_the_command_is_there() -> None:
    assert COMMANDS["levels"] == "grok_sauce.commands.levels"


def test_help_has_an_example_of_each_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["levels", "--help"])

    assert end.value.code == 0
    assert len(re.findall("^  python3 main.py levels ", capsys.readouterr().out, re.M)) == 3


@pytest.mark.parametrize(("file", "symbol"), [(INDEX, "SPX"), (ETF, "QQQ")], ids=["json", "csv"])
def test_a_file_is_read_without_a_network(
    file: Path, symbol: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)

    found = levels_json(capsys, "--cboe-file", file)

    assert found["symbol"] == symbol
    assert found["source"] == "FILE"
    assert found["gamma"] == "model"
    assert found["scope"]["oi_share"] == 1.0
    assert found["totals"]["net"] is not None
    assert found["strikes"]
    assert "columns" not in found


def test_a_packed_file_gives_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = tmp_path / "chain.json.gz"
    packed.write_bytes(gzip.compress(INDEX.read_bytes()))

    assert levels_json(capsys, "--cboe-file", packed) == levels_json(capsys, "--cboe-file", INDEX)


def test_the_file_is_looked_at_as_of_its_own_time_or_the_one_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = levels_json(capsys, "--cboe-file", INDEX)
    before = levels_json(capsys, "--cboe-file", INDEX, BEFORE)
    zulu = levels_json(capsys, "--cboe-file", INDEX, "--as-of=2026-10-14T19:59Z")

    assert own["as_of"] == "2026-10-14T20:14:58.000Z"
    assert own["excluded"]["expired"] == 30
    assert before["as_of"] == zulu["as_of"] == "2026-10-14T19:59:00.000Z"
    assert before["excluded"]["expired"] == 0
    assert before["zero_gamma"]["zero_dte"]["reason"] != "no_contracts"


def test_a_file_stays_useful_the_next_morning_and_says_its_age(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = levels_json(capsys, "--cboe-file", INDEX, "--as-of=2026-10-15T09:00")

    assert found["excluded"]["stale"] == 0
    assert found["totals"]["net"] is not None
    assert found["ages"]["spot"] == pytest.approx(16 * 3600 + 45 * 60 + 2)
    assert cli.main(["levels", "--cboe-file", str(INDEX), "--as-of=2026-10-15T09:00"]) == 0
    assert "the spot is 16 h 45 min old" in capsys.readouterr().out


def test_rates_are_those_given_or_said_to_be_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    assumed = levels_json(capsys, "--cboe-file", INDEX)
    given = levels_json(capsys, "--cboe-file", INDEX, "--rate=0.05", "--dividend-yield=0.013")

    assert assumed["rate_source"] == "assumed"
    assert (given["rate"], given["dividend_yield"]) == (0.05, 0.013)
    assert given["rate_source"] == "given"
    assert {row["rate"] for row in given["forwards"]} == {0.05}


def test_units_and_gamma_are_switched(capsys: pytest.CaptureFixture[str]) -> None:
    percent = levels_json(capsys, "--cboe-file", INDEX, "--gamma=file")
    point = levels_json(capsys, "--cboe-file", INDEX, "--gamma=file", "--unit=point")
    model = levels_json(capsys, "--cboe-file", INDEX, "--gamma=model")

    assert (percent["unit"], point["unit"]) == ("usd_per_1pct", "usd_per_point")
    assert point["totals"]["call"] * 60.2137 == pytest.approx(percent["totals"]["call"])
    rows = zip(percent["strikes"], point["strikes"], strict=True)
    assert all(a["put_gex"] == pytest.approx(b["put_gex"] * 60.2137) for a, b in rows)
    assert (percent["gamma"], model["gamma"]) == ("file", "model")
    assert model["totals"]["gross"] == pytest.approx(percent["totals"]["gross"], rel=0.1)


def test_the_summary_has_every_block(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["levels", "--cboe-file", str(INDEX), BEFORE, "--rate=0.039"]) == 0

    shown = capsys.readouterr().out
    for words in (
        "SPX  6,021.37 (delayed)  as of Wed 2026-10-14 15:59:00 New York  FILE",
        "$ per 1 % move, gamma re-computed from volatility (model)",
        "OI as of 2026-10-13, evening",
        "scope: 4 of 4 expiries, 5,850..6,200, 100.0% of OI",
        "coverage",
        "no volatility",
        "Without 0DTE",
        "Sign by strike",
        "Call wall by OI",
        "Resistance, by strength",
        "Support, by distance",
        "2026-10-16  SPX   AM",
        "2026-10-16  SPXW  PM",
        "Straddle",
        "Rate 3.90 % (given)",
        "forward: parity",
        "Nothing here is advice",
    ):
        assert words in shown, words
    assert max(map(len, shown.splitlines())) <= 100


def test_the_summary_of_almost_nothing_has_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    text = levels_text.render({"symbol": "SPX", "spot": None})

    assert "spot –" in text
    assert "None" not in text
    assert "nan" not in text


def test_a_chain_that_has_settled_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = failing(capsys, "--cboe-file", INDEX, "--as-of=2027-01-01")

    assert code == 1
    assert "No options of SPX that have not settled" in said
    assert "--as-of" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["SYMBOL", "--cboe-file"]),
        (["SPX", "--cboe-file", str(INDEX)], ["SYMBOL", "one of the two"]),
        (["--cboe-file", "/nowhere/chain.json"], ["there is no file /nowhere/chain.json"]),
        (["--cboe-file", str(INDEX), "--as-of=noon"], ["--as-of", "2026-11-20T15:59", "noon"]),
        (["--cboe-file", str(INDEX), "--rate=4.5"], ["--rate", "fraction", "0.045"]),
        (["--cboe-file", str(INDEX), "--rate=nan"], ["--rate", "fraction"]),
        (["--cboe-file", str(INDEX), "--dividend-yield=x"], ["--dividend-yield", "fraction"]),
        (["--cboe-file", str(INDEX), "--gamma=feed"], ["--gamma file"]),
        (["--cboe-file", str(INDEX), "--unit=dollar"], ["--unit", "pct", "point"]),
        (["SPX", "--gamma=file"], ["--gamma file needs --cboe-file"]),
        (["SPX", "--rate=0.04"], ["--rate goes with --cboe-file"]),
        (["SPX", BEFORE], ["--as-of goes with --cboe-file"]),
        (["S P X"], ["SYMBOL"]),
    ],
)
def test_wrong_usage_names_the_field_and_the_next_step(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = failing(capsys, *arguments)

    assert code == 2
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "chain"),
        (b"<html>Forbidden</html>", "a web page"),
        (INDEX.read_bytes()[:4000], "cut off"),
        (INDEX.read_bytes().replace(b'"open_interest":', b'"open":', 1), "open_interest"),
        (ETF.read_bytes()[:400], "Cboe CSV"),
    ],
    ids=["empty", "web page", "cut JSON", "missing field", "cut CSV"],
)
def test_a_file_without_a_chain_is_named_with_its_fault(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "chain.dat"
    file.write_bytes(content)

    code, said = failing(capsys, "--cboe-file", file)

    assert code == 1
    assert str(file) in said
    assert words in said


# ---- the dashboard ----------------------------------------------------------------------


def test_a_symbol_is_asked_of_the_running_dashboard(
    dashboard: Dashboard, capsys: pytest.CaptureFixture[str]
) -> None:
    dashboard.answer = {**levels_json(capsys, "--cboe-file", INDEX), "source": "DEMO"}

    found = levels_json(capsys, "spx", f"--port={dashboard.port}", "--unit=point")
    code = cli.main(["levels", "SPX", "--port", str(dashboard.port)])

    assert found == dashboard.answer
    asked = urlsplit(dashboard.asked[0])
    assert asked.path == "/api/gex"
    assert parse_qs(asked.query) == {"symbol": ["SPX"], "unit": ["point"], "gamma": ["model"]}
    assert code == 0
    assert "DEMO" in capsys.readouterr().out


def test_a_chain_that_is_still_loading_is_said_and_no_success(
    dashboard: Dashboard, capsys: pytest.CaptureFixture[str]
) -> None:
    loading = {"state": "loading", "text": "312 of 1,452 contracts have arrived."}
    dashboard.answer = {**levels_json(capsys, "--cboe-file", INDEX), "status": loading}

    code, said = failing(capsys, "SPX", f"--port={dashboard.port}")

    assert code == 1
    assert "312 of 1,452 contracts" in said


def test_no_dashboard_gives_one_line_and_two_ways_on(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    code, said = failing(capsys, "SPX", f"--port={port}")

    assert code == 1
    assert said.count("\n") == 1
    assert f"no dashboard answers on http://127.0.0.1:{port}" in said
    assert "python3 main.py" in said
    assert "--cboe-file" in said


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (
            404,
            {
                "error": {
                    "code": "no_chain",
                    "message": "UUP has no options here.",
                    "field": "symbol",
                }
            },
            "UUP has no options here. (symbol)",
        ),
        (401, {"error": {"code": "login", "message": "log in"}}, "asks for a login"),
        (404, "not found", "is it a Grok Sauce dashboard?"),
        (200, {"some": "thing"}, "not a Grok Sauce dashboard"),
        (200, [1], "not a Grok Sauce dashboard"),
    ],
    ids=["its own words", "login", "another server", "another object", "a list"],
)
def test_a_refusal_is_told_in_one_line(
    status: int,
    answer: Any,
    words: str,
    dashboard: Dashboard,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dashboard.status, dashboard.answer = status, answer

    code, said = failing(capsys, "UUP", f"--port={dashboard.port}")

    assert code == 1
    assert words in said
    assert said.count("\n") == 1
