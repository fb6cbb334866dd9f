"""`backtest` as a user runs it: files in, numbers and a page out, and what wrong files are told."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from grok_sauce import cli
from grok_sauce.commands.backtest import progress
from grok_sauce.market.events import Bar
from grok_sauce.storage import bar_export

NEW_YORK = ZoneInfo("America/New_York")
Run = Callable[..., int]

# The worked example in minutes: signal at 14:30, filled at the next open, trailed out.
MINUTES = [
    ("14:00", 21265, 21270, 21255, 21260),
    ("14:14", 21260, 21262, 21259, 21260),
    ("14:15", 21258, 21261, 21250, 21255),
    ("14:29", 21255, 21256, 21241, 21246.25),
    ("14:30", 21246, 21250, 21244, 21249),
    ("14:31", 21249, 21262, 21248, 21260),
    ("14:32", 21260, 21261, 21251, 21253),
    ("14:59", 21253, 21255, 21250, 21253),
]
LEVELS = "known_at,contract,put_wall,support_1\n2026-12-16T12:00:00-05:00,NQH7,21252.5,21100\n"
LT = {
    "known_at": "2026-12-16T14:30:00-05:00",
    "time": "2026-12-16T14:15:00-05:00",
    "levels": [21250, 21240, 21225, 21190, 21300, None, None],
}


def bars(day: str = "2026-12-16") -> list[Bar]:
    found = []
    for clock, *prices in MINUTES:
        at = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=NEW_YORK).timestamp()
        found.append(Bar(round(at * 1000), *map(float, prices), 10.0, 1))
    return found


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """bars.csv under its exported name, levels.csv, lt.jsonl."""
    (tmp_path / "NQH7_1m_2026-12-16.csv").write_text(bar_export.as_csv(bars()))
    (tmp_path / "levels.csv").write_text(LEVELS)
    (tmp_path / "lt.jsonl").write_text(json.dumps(LT) + "\n")
    return tmp_path


@pytest.fixture
def run(files: Path) -> Run:
    def started(*words: str, bars: str = "NQH7_1m_2026-12-16.csv", lt: bool = True) -> int:
        given = ["--bars", str(files / bars), "--levels", str(files / "levels.csv")]
        given += ["--lt", str(files / "lt.jsonl")] if lt else []
        own = ["--settings", str(files / "settings.json"), "--log-level", "ERROR"]
        return cli.main(["backtest", *given, *words, *own])

    return started


def answered(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# ---- results ----------------------------------------------------------------------------


def test_the_worked_example_through_files(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json") == 0

    found = answered(capsys)
    [trade] = found["trades"]
    assert (trade["entry"], trade["stop"], trade["target"]) == (21246.0, 21231.0, 21271.25)
    # 21262 lifts the stop to 21252; a tick of slippage; $2 a point less two sides of $0.62.
    assert (trade["exit"], trade["reason"]) == (21251.75, "trail")
    assert (trade["points"], trade["dollars"]) == (5.75, 10.26)
    assert trade["exited_at"] == "2026-12-16T19:32:00Z"
    assert (found["symbol"], trade["contract"], trade["lt_below"]) == ("/NQH7", "/NQH7", 3)
    assert (found["candles"], found["signals"], found["orders"]["filled"]) == (4, 1, 1)
    assert found["results"] == {"no_pair": 1, "signal": 1, "no_cross": 2}


def test_the_archive_gives_the_same_trades_as_the_csv(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = files / "archive"
    folder.mkdir()
    for name, text in bar_export.archive({"/NQH27:XCME": bars()}).items():
        (folder / name).write_text(text)

    run("--json")
    from_csv = answered(capsys)
    run("--json", bars="archive")
    from_archive = answered(capsys)

    assert from_archive["trades"] == from_csv["trades"]
    assert from_archive["crosses"] == from_csv["crosses"]


def test_bars_of_a_contract_that_is_not_in_front_are_left_out_and_counted(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    far = [Bar(each.time, *(price + 200 for price in (each.open, each.high, each.low, each.close)),
               10.0, 1) for each in bars()]  # fmt: skip
    folder = files / "archive"
    folder.mkdir()
    series = {"/NQH27:XCME": bars(), "/NQM27:XCME": far}
    for name, text in bar_export.archive(series).items():
        (folder / name).write_text(text)

    assert run("--json", bars="archive") == 0

    found = answered(capsys)
    assert (found["symbol"], found["inputs"]["left_out"]) == ("/NQ", {"NQM7": len(far)})
    assert len(found["trades"]) == 1
    assert run(bars="archive") == 0
    assert "left out: 8 bars of NQM7" in capsys.readouterr().out


def test_one_contract_can_be_chosen_whatever_is_in_front(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = files / "archive"
    folder.mkdir()
    for name, text in bar_export.archive({"/NQH27:XCME": bars(), "/NQM27:XCME": bars()}).items():
        (folder / name).write_text(text)

    assert run("--json", "--symbol", "NQM7", bars="archive") == 0

    found = answered(capsys)
    assert (found["symbol"], found["inputs"]["left_out"]) == ("/NQM7", {"NQH7": 8})
    assert found["results"]["no_levels"] >= 1  # the levels are of NQH7


def test_a_series_without_contracts_gets_them_by_rule(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "series.csv.gz").write_bytes(gzip.compress(bar_export.as_csv(bars()).encode()))

    assert run("--json", "--symbol", "/nq", bars="series.csv.gz") == 0

    assert [each["contract"] for each in answered(capsys)["trades"]] == ["/NQH7"]


def test_the_finest_bars_of_each_candle_count(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coarse = (
        "time,open,high,low,close,volume\n"
        "2026-12-16T13:45:00-05:00,21260,21266,21250,21265,5\n"
        "2026-12-16T14:00:00-05:00,21265,21290,21200,21251,5\n"
        "2026-12-16T14:30:00-05:00,21246,21290,21200,21251,5\n"
    )
    (files / "NQH7_15m.csv").write_text(coarse)
    folder = files / "both"
    folder.mkdir()
    for name in ("NQH7_15m.csv", "NQH7_1m_2026-12-16.csv"):
        (files / name).rename(folder / name)

    assert run("--json", bars="both") == 0

    found = answered(capsys)
    assert found["bars"]["by_seconds"] == {"60": 8, "900": 1}
    assert [each["reason"] for each in found["trades"]] == ["trail"]


def test_settings_come_from_the_file_and_from_set(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strategy = {"target": 15, "quantity": 2}
    (files / "settings.json").write_text(json.dumps({"schema": 1, "strategy": strategy}))

    assert run("--json", "--set", "quantity=3", "--set", "commission=0") == 0

    [trade] = answered(capsys)["trades"]
    assert (trade["reason"], trade["exit"], trade["dollars"]) == ("target", 21261.25, 91.5)


def test_without_lt_levels_nothing_signals_and_the_report_says_why(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(lt=False) == 0
    closed = capsys.readouterr().out
    assert run("--set", "lt_missing=open", "--json", lt=False) == 0
    let_through = answered(capsys)

    assert "no candle could signal (lt_missing closed)" in closed
    assert "There was no finished trade" in closed
    assert let_through["signals"] == 1
    assert any("it let all through" in line for line in let_through["says"])


def test_the_text_has_n_beside_every_average(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0

    out = capsys.readouterr().out
    sums = [line for line in out.splitlines() if "mean" in line and "won" in line]
    assert len(sums) == 4  # all, by level, by hour, by way out
    assert all(re.search(r"mean [+-]\d+\.\d\d \(n \d+\)", line) for line in sums)
    assert "1 trade on 1 day: too few to judge by" in out


def test_progress_is_told_on_the_other_stream(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("--json")

    assert "8 of 8 bars" in capsys.readouterr().err


def test_a_terminal_gets_one_bar_that_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    monkeypatch.setattr("sys.stderr", out)

    told = progress(2000)
    told(1000)
    told(2000)

    first, second = out.getvalue().split("\r")[1:]
    assert (first.count("█"), first.count("·")) == (20, 20)
    assert second == "█" * 40 + " 2,000 of 2,000 bars\n"


@pytest.mark.recorded
def test_a_recorded_week_runs(recordings: Path, tmp_path: Path, files: Path) -> None:
    path = recordings / "spy_1min_2013-10-04_to_11.csv.gz"
    with gzip.open(path, "rt") as file:
        count = sum(1 for _ in csv.reader(file)) - 1
    (files / "levels.csv").write_text("known_at,put_wall,support_1\n2013-10-04T09:00,166.5,166\n")
    words = ["--levels", str(files / "levels.csv"), "--set", "lt_missing=open", "--json",
             "--set", "levels_max_age=1000", "--log-level", "ERROR"]  # fmt: skip
    out = io.StringIO()

    from contextlib import redirect_stdout

    with redirect_stdout(out):
        code = cli.main(["backtest", "--bars", str(path), *words])

    found = json.loads(out.getvalue())
    assert (code, found["symbol"], found["bars"]["by_seconds"]) == (0, "SPY", {"60": count})
    assert found["bars"]["first"] == "2013-10-04T08:06:00Z"
    assert found["signals"] >= 1


# ---- the page ---------------------------------------------------------------------------


class Page(HTMLParser):
    """Tags, addresses and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_report_is_one_page_with_pictures_that_asks_nobody(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = files / "report.html"

    assert run("--report", str(target)) == 0

    text = target.read_text()
    page = Page(text)
    assert page.addresses == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "url(" not in text
    assert "default-src 'none'" in text
    pictures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(pictures) == 2
    assert all(ET.fromstring(picture).tag == "svg" for picture in pictures)
    words = " ".join(page.words)
    for each in ("put wall", "21,246.00", "+10.26", "too few to judge by", "trailed stop"):
        assert each in words


def test_a_report_without_trades_says_so(run: Run, files: Path) -> None:
    target = files / "report.html"

    assert run("--report", str(target), lt=False) == 0

    words = " ".join(Page(target.read_text()).words)
    assert "No trade, no curve." in words
    assert "All crosses (1)" in words


def test_names_out_of_files_are_text_in_the_page(run: Run, files: Path) -> None:
    source = "<script>alert(1)</script>"
    (files / "levels.csv").write_text(
        f"known_at,source,put_wall\n2026-12-16T12:00:00-05:00,{source},21252.5\n"
    )
    target = files / "report.html"

    assert run("--report", str(target)) == 0

    assert "<script" not in target.read_text()


def test_a_report_that_cannot_be_written_is_told(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--report", str(files)) == 1

    assert "name another file with --report" in capsys.readouterr().err


# ---- levels files -----------------------------------------------------------------------


def test_older_files_map_put_wall_1_to_3_in_order(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "levels.csv").write_text(
        "known_at,put_wall_1,put_wall_2,put_wall_3\n2026-12-16T12:00:00-05:00,21100,21252.5,\n"
    )

    assert run("--json") == 0

    [trade] = answered(capsys)["trades"]
    assert (trade["level_name"], trade["level"]) == ("support_1", 21252.5)


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ({"factor": 41.266814, "put_wall": 515, "prices": "source"}, 515 * 41.266814),
        ({"factor": 85.15, "factor_kind": "basis", "put_wall": 21167.35, "prices": "source"},
         21252.5),
        ({"factor": 41.266814, "put_wall": 21252.5}, 21252.5),
    ],
    ids=["ratio", "basis", "carried already"],
)  # fmt: skip
def test_levels_of_the_source_are_carried_by_their_factor(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str], line: dict[str, Any], level: float
) -> None:
    known = {"known_at": 1797440400, "source": "QQQ", "factor_at": 1797440398}
    (files / "levels.csv").write_text(json.dumps({**known, **line}) + "\n")

    assert run("--json") == 0

    [trade] = answered(capsys)["trades"]
    assert trade["level"] == pytest.approx(level)


def test_lt_levels_come_as_columns_too(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "lt.jsonl").write_text(
        "known_at,time,level_1,level_2,level_3\n"
        "2026-12-16T14:30:00-05:00,2026-12-16T14:15:00-05:00,21250,,21190\n"
    )

    assert run("--json") == 0

    assert answered(capsys)["trades"][0]["lt_below"] == 1


# ---- wrong files ------------------------------------------------------------------------

GOOD = "2026-12-16T14:00:00-05:00,1,2,1,2,5"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time,open,high,low\n", "line 1: the column close is missing"),
        ("time,open,high,low,close,volume\n", "holds no bars"),
        (f"time,open,high,low,close,volume\n{GOOD},9\n", "line 2: 7 cells, the header has 6"),
        ("time,open,high,low,close,volume\nsoon,1,2,1,2,5\n", "line 2, time: 'soon' is no time"),
        ("time,open,high,low,close,volume\n1797440400000,1,2,1,2,5\n",
         "milliseconds are divided by 1000"),
        (f"time,open,high,low,close,volume\n{GOOD}\n{GOOD}\n", "line 3, time: 2026-12-16T14:00"),
        ("time,open,high,low,close,volume\n2026-12-16T14:00,1,x,1,2,5\n",
         "line 2, high: 'x' is not a number"),
        ("time,open,high,low,close,volume\n2026-12-16T14:00,1,NaN,1,2,5\n", "line 2, high: 'NaN'"),
        ("time,open,high,low,close,volume\n2026-12-16T14:00,1,,1,2,5\n", "line 2, high: is empty"),
        ("time,open,high,low,close,volume\n2026-12-16T14:00,1,2,-1,2,5\n",
         "line 2, low: '-1' is not above 0"),
        ("time,open,high,low,close,volume\n2026-12-16T14:00,1,1.5,1,2,5\n",
         "line 2, high: 1.5 lies below another price"),
        ("time,open,high,low,close,volume\n2026-12-16T14:00,1,2,1.5,2,5\n",
         "line 2, low: 1.5 lies above another price"),
        ("time,open,high,low,close,volume\n2026-12-16T14:00,1,2,1,2,-5\n",
         "volume: -5.0 is below 0"),
        ("time,open,high,low,close,volume\n2026-12-16T14:00:00.5,1,2,1,2,5\n", "whole seconds"),
        ("time,open,high,low,close,volume\n2026-12-16T14:00,1,2,1,2,5\n2026-12-16T15:00,1,2,1,2,5\n",
         "bars are 60 minutes apart"),
    ],
)  # fmt: skip
def test_wrong_bars_are_told_with_line_and_field(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    (files / "NQH7_bad.csv").write_text(text)

    assert run(bars="NQH7_bad.csv") == 2

    told = capsys.readouterr().err
    assert "NQH7_bad.csv" in told
    assert says in told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("put_wall\n5\n", "line 1: the column known_at is missing"),
        ("known_at,put_wall\n,5\n", "line 2, known_at: is missing"),
        ('{"put_wall": 5}\n', "line 1, known_at: is missing"),
        ('{"known_at": 1797440400, "put_wall": 5}\n{"known_at"\n', "line 2: not JSON"),
        ("[1]\n", "line 1: not an object"),
        ("known_at,put_wall\nsoon,5\n", "line 2, known_at: 'soon' is no time"),
        ("known_at,put_wall\n2026-12-16T12:00,five\n", "line 2, put_wall: 'five' is not a number"),
        ("known_at,put_wall\n2026-12-16T12:00,-5\n", "line 2, put_wall: '-5' is not above 0"),
        ("known_at,put_wal\n2026-12-16T12:00,5\n", "did you mean put_wall?"),
        ("known_at,flip\n2026-12-16T12:00,5\n", "line 2: no level"),
        ("known_at,put_wall,put_wall_1\n2026-12-16T12:00,5,6\n", "stands beside today's names"),
        ("known_at,put_wall,contract\n2026-12-16T12:00,5,soon\n", "is no contract like NQZ6"),
        ("known_at,put_wall,prices\n2026-12-16T12:00,5,source\n", "line 2, factor: is missing"),
        ("known_at,put_wall,factor_kind\n2026-12-16T12:00,5,sum\n", "must be ratio or basis"),
        ("known_at,put_wall,factor_at\n2026-12-16T12:00,5,2026-12-16T12:01\n",
         "line 2, factor_at: is later than known_at"),
        ("known_at,put_wall\n", "holds no levels"),
    ],
)  # fmt: skip
def test_wrong_levels_are_told_with_line_and_field(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    (files / "levels.csv").write_text(text)

    assert run() == 2

    told = capsys.readouterr().err
    assert "levels.csv" in told
    assert says in told


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"known_at": "2026-12-16T14:29:59-05:00"}, "known_at: lies before the end of the bar"),
        ({"time": None}, "line 1, time: is missing"),
        ({"levels": "21250"}, "levels: must be a list of prices"),
        ({"levels": [1, "x"]}, "levels: 'x' is not a number"),
        ({"timeframe": "soon"}, "timeframe: 'soon' is not a candle period"),
    ],
)
def test_wrong_lt_levels_are_told_with_line_and_field(
    run: Run,
    files: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    says: str,
) -> None:
    (files / "lt.jsonl").write_text(json.dumps({**LT, **change}) + "\n")

    assert run() == 2

    told = capsys.readouterr().err
    assert "lt.jsonl" in told
    assert says in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--set", "target"), "--set needs NAME=VALUE"),
        (("--set", "targt=5"), "strategy.targt is not a setting; did you mean target?"),
        (("--set", "target=0"), "strategy.target must be a number from 0.01"),
        (("--set", "score=best"), "strategy.score must be one of default, legacy"),
        (("--symbol", "/ES"), "there are bars of: NQH7"),
    ],
)
def test_wrong_options_are_told(
    run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    assert run(*words) == 2

    assert says in capsys.readouterr().err


def test_files_that_are_not_there_are_named(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(bars="gone.csv") == 2
    assert "gone.csv cannot be read: No such file" in capsys.readouterr().err

    (files / "empty").mkdir()
    assert run(bars="empty") == 2
    assert "holds no .csv" in capsys.readouterr().err


def test_two_files_that_contradict_each_other_are_refused(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = files / "two"
    folder.mkdir()
    text = bar_export.as_csv(bars())
    (folder / "NQH7_a.csv").write_text(text)
    (folder / "NQH7_b.csv").write_text(text.replace("21249,21262", "21249,21263"))

    assert run(bars="two") == 2
    assert "NQH7_b.csv, line 7, time: another file" in capsys.readouterr().err


def test_files_of_two_symbols_need_a_choice(
    run: Run, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = files / "two"
    folder.mkdir()
    (folder / "SPY_1m.csv").write_text(bar_export.as_csv(bars()))
    (folder / "NQH7_1m.csv").write_text(bar_export.as_csv(bars()))

    assert run(bars="two") == 2
    assert "bars of /NQ, SPY; choose one with --symbol" in capsys.readouterr().err
    assert run("--symbol", "spy", bars="two") == 0
