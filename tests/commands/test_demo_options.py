"""Options of the demo that cannot work are wrong usage, said before anything starts."""

from __future__ import annotations

import pytest

from grok_sauce import cli


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "1e9", "fast"])
def test_a_speed_no_market_has_is_wrong_usage(
    speed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["demo", f"--speed={speed}"])

    assert end.value.code == 2
    assert "at most 3600" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--start=tomorrow", "a time like 2026-12-16T09:25"),
        ("--start=1900-01-01", "between 2008-03-01 and 2030-11-01"),
        ("--start=2037-06-01", "between 2008-03-01 and 2030-11-01"),
        ("--bars=/nowhere/bars.csv", "there is no file /nowhere/bars.csv"),
    ],
)
def test_a_time_or_file_that_cannot_be_used_is_wrong_usage(
    option: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", option]) == 2

    assert words in capsys.readouterr().err
