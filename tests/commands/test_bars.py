"""`bars list|export` as a user runs it."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from grok_sauce import cli
from grok_sauce.storage.bars import BarRow, BarStore

NEW_YORK = ZoneInfo("America/New_York")
NOW = 1_797_345_120.0


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp() * 1000)


def row(symbol: str, text: str, price: float = 600.0) -> BarRow:
    return (symbol, at(text), price, price + 0.13, price - 0.1, price, 10.0, 3)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with three days of SPY and two contracts of /ES."""
    folder = tmp_path / "data"
    folder.mkdir()
    store = BarStore(folder / "history.db", NOW)
    store.write(
        [
            *(row("SPY", f"2026-12-{day}T09:3{n}") for day in (14, 15, 16) for n in range(3)),
            row("SPY", "2026-12-15T16:30"),
            row("/ESZ26:XCME", "2026-12-14T18:00", 6000.0),
            row("/ESZ26:XCME", "2026-12-15T15:59", 6010.0),
            row("/ESZ26:XCME", "2026-12-15T16:30", 6011.0),
            row("/ESH27:XCME", "2026-12-15T15:59", 6060.0),
        ]
    )
    store.close()
    return folder


def run(data: Path, *words: str) -> int:
    return cli.main(["bars", *words, "--data", str(data), "--log-level", "ERROR"])


def test_a_csv_holds_every_bar_of_the_symbol(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"

    assert run(data, "export", "spy", "--out", str(out)) == 0

    path = out / "SPY_1m_2026-12-14_2026-12-16.csv"
    assert capsys.readouterr().out == f"{path}: 10 bars\n"
    lines = path.read_text().splitlines()
    assert lines[0] == "time,open,high,low,close,volume"
    assert lines[1] == "2026-12-14T09:30:00-05:00,600,600.13,599.9,600,10"


def test_days_are_new_yorks_and_both_ends_count(data: Path, tmp_path: Path) -> None:
    days = ("--from", "2026-12-15", "--to", "2026-12-15")

    assert run(data, "export", "SPY", *days, "--out", str(tmp_path)) == 0

    lines = (tmp_path / "SPY_1m_2026-12-15.csv").read_text().splitlines()
    assert [line[:16] for line in lines[1:]] == [
        "2026-12-15T09:30", "2026-12-15T09:31", "2026-12-15T09:32", "2026-12-15T16:30",
    ]  # fmt: skip


def test_an_archive_is_a_file_a_session_with_the_evening_before(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = ("--from", "2026-12-15", "--to", "2026-12-15")

    code = run(data, "export", "/ES", "--format", "e54", *day, "--out", str(tmp_path))

    assert code == 0
    with (tmp_path / "ES_1m_2026-12-15.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(each["ts_event"], each["symbol"], each["high"]) for each in found] == [
        ("2026-12-14T23:00:00.000000000Z", "ESZ6", "6000.25"),
        ("2026-12-15T20:59:00.000000000Z", "ESH7", "6060.25"),
        ("2026-12-15T20:59:00.000000000Z", "ESZ6", "6010.25"),
    ]
    assert "left out" not in capsys.readouterr().out


def test_what_is_in_no_session_is_counted(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, "export", "/ESZ6", "--format", "e54", "--out", str(tmp_path)) == 0

    assert "left out: 1 bars between 16:00 and 18:00" in capsys.readouterr().out


def test_an_export_again_gives_the_same_file_and_leaves_no_other(
    data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(data, "export", "SPY", "--out", str(out))
    (path,) = out.iterdir()
    before = path.read_bytes()

    assert run(data, "export", "SPY", "--out", str(out)) == 0

    assert list(out.iterdir()) == [path]
    assert path.read_bytes() == before


def test_the_list_says_symbols_counts_and_days(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, "list") == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["/ESH27:XCME", "1"], ["/ESZ26:XCME", "3"], ["SPY", "10"],
    ]  # fmt: skip
    assert "2026-12-14 09:30 to 2026-12-16 09:32 New York" in lines[2]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("export",), 2, "bars list"),
        (("list", "SPY"), 2, "takes no SYMBOL"),
        (("export", "QQQ"), 2, "/setup"),
        (("export", "/ES"), 2, "/ESH7, /ESZ6. Name one"),
        (("export", "SPY", "--from", "15.12.2026"), 2, "--from must be a day such as 2026-11-02"),
        (("export", "SPY", "--from", "2026-12-16", "--to", "2026-12-15"), 2, "exchange the two"),
        (("export", "SPY", "--from", "2027-01-01"), 2, "SPY 2026-12-14 09:30 to 2026-12-16 09:32"),
    ],
    ids=["no symbol", "list", "unknown", "contracts", "no day", "backwards", "no bars"],
)
def test_a_mistake_is_answered_with_what_to_do(
    data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, says: str
) -> None:
    assert run(data, *words) == code

    assert says in capsys.readouterr().err


def test_without_a_history_it_says_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "export", "SPY") == 1

    error = capsys.readouterr().err
    assert "is not there" in error
    assert "python3 main.py" in error
    assert "--data" in error
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_history_is_named_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(b"no database at all" * 100)

    assert run(tmp_path, "export", "SPY") == 1

    assert f"{path} cannot be read" in capsys.readouterr().err
    assert path.read_bytes() == b"no database at all" * 100


def test_a_folder_that_cannot_be_written_is_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    assert run(data, "export", "SPY", "--out", str(blocked)) == 1

    assert "--out" in capsys.readouterr().err
