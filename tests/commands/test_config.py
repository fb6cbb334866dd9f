"""`config export|import|check` as a user runs it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from grok_sauce.commands import config
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
        args.settings, args.data = self.settings, self.folder / "data"
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
        ({"strategies": {"Swing": {}}}, "alert server's config.json"),
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
