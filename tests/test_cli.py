"""The command line as a user types it."""

from __future__ import annotations

import pytest

from grok_sauce import cli
from grok_sauce.commands import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_two_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = cli.build_parser(name)

    text = parser.format_help()

    assert text.count("python3 main.py") >= 2
    assert "common options" in text


def test_overview_lists_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["--help"])

    shown = capsys.readouterr().out
    assert code == 0
    assert all(name in shown for name in COMMANDS if name != "live")


def test_unknown_command_is_wrong_usage_and_names_the_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = cli.main(["dmeo"])

    assert code == 2
    assert "demo" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "70000", "http", ""])
def test_bad_port_is_wrong_usage_that_names_the_option(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo", f"--port={port}"])

    assert stop.value.code == 2
    assert "--port" in capsys.readouterr().err


def test_options_may_stand_before_the_command() -> None:
    assert cli.split(["--port", "5020", "demo", "--seed", "7"]) == (
        "demo",
        ["--port", "5020", "--seed", "7"],
    )
