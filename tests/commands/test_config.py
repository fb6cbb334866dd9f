"""`config export|import|check` as a user runs it."""

from __future__ import annotations

import argparse
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.commands import config
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings import Settings, as_document

DEFAULTS = as_document(Settings())


class Desk:
    """A folder with settings and a way to run the command on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "settings.json"
        self.settings.write_text(json.dumps(DEFAULTS))
        self.env = folder / ".env"

    def run(self, *words: str) -> int:
        parser = argparse.ArgumentParser()
        config.add_arguments(parser)
        args = parser.parse_args([*words, "--env", str(self.env)])
        args.settings, args.data, args.port = self.settings, self.folder / "data", None
        return config.run(args)

    def file(self, name: str, document: object) -> str:
        path = self.folder / name
        path.write_text(json.dumps(document))
        return str(path)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_export_is_the_settings_and_no_secret(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.env.write_text("CLIENT_SECRET=canary\n")

    code = desk.run("export")

    out = capsys.readouterr().out
    assert code == 0
    assert json.loads(out) == DEFAULTS
    assert "canary" not in out


def test_an_old_file_is_exported_in_todays_form(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.file("settings.json", {"SPY": {"sentiment": "negative"}})

    desk.run("export")

    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == 1
    assert found["indicators"] == {"positive": [], "neutral": [], "negative": ["SPY"]}


def test_a_dry_run_says_what_would_change(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    old = desk.file("old.json", {"SPY": {"sentiment": "neutral"}})
    before = desk.settings.read_bytes()

    code = desk.run("import", old, "--dry-run")

    out = capsys.readouterr().out.splitlines()
    assert code == 0
    assert "SPY moved from positive to neutral" in out
    assert out[-1] == "dry run: nothing was written"
    assert desk.settings.read_bytes() == before


def test_an_import_changes_the_file_and_keeps_the_old_one(desk: Desk) -> None:
    old = desk.file("old.json", {"SPY": {"sentiment": "neutral"}})

    code = desk.run("import", old)

    assert code == 0
    assert json.loads(desk.settings.read_text())["indicators"]["neutral"] == ["SPY"]
    kept = json.loads((desk.folder / "data" / "settings" / "settings.json.1").read_text())
    assert kept == DEFAULTS


def test_a_dry_run_makes_no_file(desk: Desk) -> None:
    desk.settings.unlink()

    code = desk.run("import", desk.file("old.json", {"SPY": {"sentiment": "neutral"}}), "--dry-run")

    assert code == 0
    assert not desk.settings.exists()
    assert not (desk.folder / "data").exists()


@pytest.mark.parametrize(
    "document, words",
    [
        ({"schema": 2}, "update the program"),
        ({"gex": {"expiries": 0}}, "gex.expiries must be a whole number from 1 to 60"),
        ([], "must be an object"),
    ],
)
def test_what_is_no_settings_file_is_refused_with_the_reason(
    desk: Desk, capsys: pytest.CaptureFixture[str], document: object, words: str
) -> None:
    code = desk.run("import", desk.file("other.json", document))

    assert code == 2
    assert words in capsys.readouterr().err
    assert json.loads(desk.settings.read_text()) == DEFAULTS


# The example of the old alert server's README, letter for letter.
OLD_CONFIG = {
    "strategies": {
        "MomentumStrategy": {
            "accounts": {},
            "tickers": {"AAPL": {"ports": [5000]}, "TSLA": {"ports": [5001, 5002]}},
        }
    }
}


def test_an_old_config_becomes_the_routers_tree(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    code = desk.run("import", desk.file("config.json", OLD_CONFIG))

    kept = json.loads((desk.folder / "data" / "routing.json").read_text())
    assert code == 0
    assert kept["strategies"] == OLD_CONFIG["strategies"]
    assert kept["routing"]["delay_s"] == 2.0
    assert "MomentumStrategy" in capsys.readouterr().out
    assert json.loads(desk.settings.read_text()) == DEFAULTS


def test_an_import_of_a_tree_is_in_the_routers_audit(desk: Desk) -> None:
    desk.run("import", desk.file("config.json", OLD_CONFIG))

    with closing(sqlite3.connect(desk.folder / "data" / "alerts.db")) as database:
        found = database.execute("SELECT who, what FROM audit").fetchall()
    assert ("config import", "routing: imported") in found


def test_a_dry_run_of_a_tree_makes_nothing(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    code = desk.run("import", desk.file("config.json", OLD_CONFIG), "--dry-run")

    out = capsys.readouterr().out
    assert code == 0
    assert "MomentumStrategy" in out
    assert out.splitlines()[-1] == "dry run: nothing was written"
    assert not (desk.folder / "data").exists()


def test_the_tree_before_stays_as_a_version(desk: Desk) -> None:
    desk.run("import", desk.file("config.json", OLD_CONFIG))
    other = {"strategies": {"Swing": {"tickers": {"GC": {"ports": ["9099"]}}}}}

    desk.run("import", desk.file("other.json", other))

    data = desk.folder / "data"
    assert json.loads((data / "routing.json").read_text())["strategies"] == other["strategies"]
    kept = json.loads((data / "routing.json.1").read_text())
    assert kept["strategies"] == OLD_CONFIG["strategies"]


def test_a_router_that_runs_is_the_only_one_to_write(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(desk.folder / "data" / "alerts.db", SteadyTime(ManualClock(1.8e9)))
    (desk.folder / "data").mkdir()
    store.open()

    code = desk.run("import", desk.file("config.json", OLD_CONFIG))

    store.close()
    assert code == 2
    assert "/strategies" in capsys.readouterr().err
    assert not (desk.folder / "data" / "routing.json").exists()


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"S": {"tickers": {"NQ": {"ports": [80]}}}}, "port from 1024 to 65535"),
        ({"S": {"tickers": {"NQ": {"ports": [5010]}}}}, "5010"),
        ({"S": {"tickers": {"NQ": {"ports": ["1@198.51.100.9:80"]}}}}, "ports[0]"),
        ({"S": {"tickers": {"N'Q": {"ports": []}}}}, "letters, digits"),
        ({"S": []}, "must be an object"),
    ],
    ids=["low port", "our own port", "another host", "odd ticker", "no object"],
)
def test_a_tree_that_cannot_be_used_is_refused_whole(
    desk: Desk, capsys: pytest.CaptureFixture[str], tree: object, words: str
) -> None:
    code = desk.run("import", desk.file("config.json", {"strategies": tree}))

    assert code == 2
    assert words in capsys.readouterr().err
    kept = json.loads((desk.folder / "data" / "routing.json").read_text())
    assert kept["strategies"] == {}


@pytest.mark.parametrize("words", [["import"], ["export", "x.json"], ["import", "absent.json"]])
def test_wrong_usage_is_2(desk: Desk, words: list[str]) -> None:
    assert desk.run(*words) == 2


def test_check_is_quiet_about_secrets_and_loud_about_old_names(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLIENT_SECRET", raising=False)
    desk.env.write_text("CLIENT_SECRET=canary\nTASTY_PASSWORD=canary2\n")
    desk.env.chmod(0o644)

    code = desk.run("check")

    out = capsys.readouterr().out
    assert code == 0
    assert "good, 13 symbols" in out
    assert "secrets set: CLIENT_SECRET" in out
    assert "note: TASTY_PASSWORD: tastytrade retired" in out
    assert "chmod 600" in out
    assert "canary" not in out


def test_check_names_every_problem_at_once(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.file("settings.json", {"gex": {"unit": "percent"}})
    desk.env.write_text("WRITES_PER_HOUR=many\nASYNC_MODE=gevent\nDXLINK_SILENCE=1\n")

    code = desk.run("check")

    err = capsys.readouterr().err
    assert code == 2
    for words in ("gex.unit must be one of", "WRITES_PER_HOUR must be", "ASYNC_MODE must be",
                  "DXLINK_SILENCE must be"):  # fmt: skip
        assert words in err


def test_every_class_with_knobs_is_checked() -> None:
    from tests.test_settings import knob_classes  # the walk over the whole package

    assert set(config._knobs()) == set(knob_classes())


def test_the_help_has_two_examples() -> None:
    assert config.NAME == "config"
    assert config.EPILOG.count("python3 main.py config") == 2
