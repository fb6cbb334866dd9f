"""`levels --export` writes what was known, and `backtest` reads exactly that."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce import cli
from grok_sauce.commands.backtest_files import read_levels
from grok_sauce.commands.levels_export import as_csv, standing
from grok_sauce.desks import level_sets
from grok_sauce.desks.signals_inputs import Inputs
from grok_sauce.market.sessions import instant
from grok_sauce.settings.strategy import Strategy
from grok_sauce.storage import database, gex_snapshots, history_schema, known_levels
from grok_sauce.storage.known_levels import LevelRow
from grok_sauce.strategies import backtest
from grok_sauce.strategies.candle import Candle
from grok_sauce.strategies.levels import KnownLevels, Timeline
from tests.browser.gex_payload import make_payload
from tests.desks.level_reports import NET_GEX, PUT_GEX, PUT_OI, STRIKES, iso_of, ratio

FACTOR = 21475.25 / 520.40
NOON = instant(date(2026, 12, 16), 12)
Run = Callable[..., tuple[int, str, str, Path]]


def row(known_at: float = NOON, **changes: Any) -> LevelRow:
    made = LevelRow(
        future="/NQ", known_at=known_at, symbol="QQQ", feed="dxlink", as_of=known_at,
        oi_date="2026-12-15", spot=520.40, contract="/NQH7", kind="ratio", factor=FACTOR,
        factor_at=known_at - 1, frozen=False, put_wall=505.0, supports=(520.0, 515.0, 513.0),
        legacy=(514.0, 513.0),
    )  # fmt: skip
    return replace(made, **changes)


def keep(folder: Path, *rows: LevelRow) -> None:
    path = folder / known_levels.FILE
    with closing(database.open_database(path, known_levels.MIGRATIONS, NOON).connection) as file:
        known_levels.add(file, rows)


def snapshot(at: float, **changes: Any) -> gex_snapshots.GexMinute:
    columns = {
        **{name: [None] * len(STRIKES) for name in make_payload("QQQ", "all")["columns"]},
        "strike": list(STRIKES), "put_oi": list(PUT_OI), "put_gex": list(PUT_GEX),
        "net_gex": list(NET_GEX),
    }  # fmt: skip
    payload = {
        **make_payload("QQQ", "all"), "as_of": iso_of(at), "source": "LIVE", "spot": 520.40,
        "status": {"state": "live", "text": "", "loaded": 800, "of": 800},
        "conversion": ratio(), "columns": columns, **changes,
    }  # fmt: skip
    return gex_snapshots.encode(payload)


def keep_snapshots(folder: Path, *minutes: gex_snapshots.GexMinute) -> None:
    path = folder / "history.db"
    with closing(database.open_database(path, history_schema.MIGRATIONS, NOON).connection) as file:
        gex_snapshots.write(file, minutes)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """run(*arguments) -> (exit code, output, what is wrong, the file)."""

    def act(*arguments: str) -> tuple[int, str, str, Path]:
        out = tmp_path / "levels.csv"
        told = ["levels", *arguments, "--export", str(out), "--data", str(tmp_path)]
        code = cli.main(told)
        said = capsys.readouterr()
        return code, said.out, said.err, out

    return act


@pytest.mark.parametrize("score", ["default", "legacy"])
def test_the_backtest_reads_what_the_export_wrote(run: Run, tmp_path: Path, score: str) -> None:
    basis = row(NOON + 60, symbol="NDX", kind="basis", factor=85.15, feed="cboe", frozen=True)
    keep(tmp_path, row(), basis)

    code, said, _, file = run("/NQ", "--score", score, "--every-set")

    assert code == 0
    assert "2 sets of /NQ known 2026-12-16 12:00 to 2026-12-16 12:01 New York" in said
    assert "NDX by cboe, QQQ by dxlink" in said
    assert read_levels(file) == [level_sets.known(row(), score), level_sets.known(basis, score)]


@given(
    known_at=st.floats(1.7e9, 1.9e9),
    wall=st.floats(1, 9999),
    factor=st.floats(0.01, 99),
    below=st.lists(st.floats(1, 9999), min_size=1, max_size=3),
)
def test_any_set_comes_back_and_never_earlier(
    tmp_path_factory: pytest.TempPathFactory,
    known_at: float, wall: float, factor: float, below: list[float],
) -> None:  # fmt: skip
    made = row(known_at, put_wall=wall, factor=factor, supports=tuple(below))
    path = tmp_path_factory.getbasetemp() / "any_levels.csv"
    path.write_text(as_csv([made], "default"))

    (found,) = read_levels(path)

    expected = level_sets.known(made)
    assert known_at <= found.known_at < known_at + 0.0011
    assert found.factor_at is not None
    assert found.factor_at <= made.factor_at
    assert (found.levels, found.factor) == (expected.levels, expected.factor)


def test_days_and_an_underlying_choose(run: Run, tmp_path: Path) -> None:
    day = 86_400.0
    keep(tmp_path, row(), row(NOON + day), row(NOON + day + 60, symbol="NDX"), row(NOON + 2 * day))

    _, _, _, file = run("QQQ", "--from", "2026-12-17", "--to", "2026-12-17", "--every-set")

    assert [found.known_at for found in read_levels(file)] == [NOON + day]


def test_snapshots_of_live_gamma_fill_the_time_before(run: Run, tmp_path: Path) -> None:
    keep_snapshots(
        tmp_path,
        snapshot(NOON),
        snapshot(NOON + 60, source="CBOE"),
        snapshot(NOON + 120, status={"state": "live", "text": "", "loaded": 400, "of": 800}),
        snapshot(NOON + 180, status={"state": "stale", "text": "", "loaded": 800, "of": 800}),
        snapshot(NOON + 240, spot=None),
        snapshot(NOON + 300),
        snapshot(NOON + 360),
    )
    keep(tmp_path, row(NOON + 330, factor=41.0))

    code, said, _, file = run("/NQ", "--every-set")

    assert code == 0
    assert "2 of 3 kept sets out of snapshots" in said
    found = read_levels(file)
    assert [each.known_at - NOON for each in found] == [0.0, 300.0, 330.0]
    assert [each.factor for each in found] == pytest.approx([FACTOR, FACTOR, 41.0])
    assert dict(found[0].levels)["support_2"] == pytest.approx(21252.41, abs=0.01)


def test_a_whole_run_over_exported_levels_signals_where_they_were_crossed(
    run: Run, tmp_path: Path
) -> None:
    # The worked example of the rules: support 515 of QQQ is 21252.41 of NQ, the candle before
    # closed above it, this one at 21246.25.
    keep(tmp_path, row(NOON))
    _, _, _, file = run("/NQ")
    start = int(NOON * 1000)
    bars = [
        Candle(start, 21265.0, 21270.0, 21255.0, 21260.0, 10.0, "/NQH7"),
        Candle(start + 900_000, 21258.0, 21261.0, 21241.0, 21246.25, 10.0, "/NQH7"),
    ]
    settings = Strategy(lt_missing="open")

    found = backtest.run(settings, "/NQ", bars, read_levels(file))
    late = [replace(each, known_at=NOON + 1801) for each in read_levels(file)]
    without = backtest.run(settings, "/NQ", bars, late)

    assert [(each.level_name, each.stop, each.target) for each in found.signals] == [
        ("support_2", 21231.0, 21271.25)
    ]
    assert without.signals == []


class Live:
    """The level service as the live strategy asks it, of rows."""

    def __init__(self, rows: list[LevelRow]) -> None:
        self._rows = Timeline(rows, lambda row: row.known_at)

    def known(self, symbol: str, at: float) -> KnownLevels | None:
        found = self._rows.at(at)
        return None if found is None else level_sets.known(found)

    def why(self, symbol: str) -> str | None:
        return None


class NoTriggers:
    def triggers(self, symbol: str, at: float) -> None:
        return None


@given(
    told=st.sets(st.integers(0, 9 * 900)),
    feed=st.sampled_from(("dxlink", "cboe")),
)
def test_a_backtest_judges_each_candle_with_the_levels_it_was_judged_with_live(
    told: set[int], feed: str
) -> None:
    rows = [
        row(NOON + at, feed=feed, put_wall=500.0 + number) for number, at in enumerate(sorted(told))
    ]
    lived = Inputs("/NQ", Live(rows), NoTriggers())
    exported = Timeline(
        [level_sets.known(each) for each in standing(rows)], lambda each: each.known_at
    )

    lived.hold(NOON)
    for close in (NOON + 900.0 * number for number in range(1, 12)):
        judged, back = lived.levels(close), exported.at(close)
        if lived.held is not None:  # nothing was before the first: live takes what there is
            assert (judged and judged.levels) == (back and back.levels)
        lived.hold(close)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["GLD"], "GLD has no future"),
        (["/NQ", "--from", "yesterday"], "--from must be a day"),
        (["/NQ", "--from", "2026-12-17", "--to", "2026-12-16"], "exchange the two"),
        (["/NQ"], "no levels of /NQ are kept"),
        ([], "--export needs a SYMBOL"),
    ],
)
def test_what_cannot_be_exported_says_why(run: Run, arguments: list[str], words: str) -> None:
    code, said, wrong, file = run(*arguments)

    assert code == 2
    assert words in wrong
    assert (said, file.exists()) == ("", False)
