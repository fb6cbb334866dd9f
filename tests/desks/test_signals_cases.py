"""One hand-made case per rule: the live desk gives the verdict that the backtest gives."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.settings import Settings
from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies.backtest import run
from grok_sauce.strategies.levels import KnownLevels
from tests.desks.signal_kit import EXAMPLE, LT, FakeLevels, FakeTriggers, Kit, candle, unix

FILE = Path(__file__).parents[1] / "strategies" / "cases.json"
# A trade of before is no candle; a candle that is not in order is refused by the backtest.
CASES = [
    line
    for line in json.loads(FILE.read_text(encoding="utf-8"))
    if "busy" not in line and not line.get("live_only")
]
NAN = float("nan")


class Case:
    """A line of cases.json, with what it leaves out taken from the worked example."""

    def __init__(self, line: dict[str, Any]) -> None:
        self.settings = Strategy(**line.get("settings", {}), enabled=True)
        rows = line.get("candles", EXAMPLE)
        self.candles = [
            candle(
                row[0],
                *(NAN if price is None else price for price in row[1:5]),
                contract=row[5] if len(row) > 5 else "/NQH7",
            )
            for row in rows
        ]
        prices = line.get("levels", {"put_wall": 21252.5})
        self.levels: KnownLevels | None = None
        if prices is not None:
            names = ("put_wall", "support_1", "support_2", "support_3")
            ordered = tuple((name, float(prices[name])) for name in names if name in prices)
            at = unix(line.get("levels_at", "08:00"))
            contract = line.get("levels_contract")
            self.levels = KnownLevels(at, "QQQ cboe", contract, 41.27, at - 2, ordered)
        self.triggers: list[LtLevels] = []
        lt = line.get("lt", LT)
        if lt is not None:
            times = [line["lt_time"]] if "lt_time" in line else [row[0] for row in rows]
            for time in dict.fromkeys(times):
                start = unix(time)
                self.triggers.append(
                    LtLevels(
                        "CME_MINI:NQ1!", "15m", line.get("lt_contract"), round(start * 1000),
                        line.get("lt_closed", True), tuple(lt), start + 900,
                    )
                )  # fmt: skip


def live(case: Case, folder: Path) -> list[dict[str, Any]]:
    """The candles through the desk, as they close; what it keeps, in order."""
    kit = Kit(folder)
    kit.settings = replace(Settings(), strategy=case.settings)
    kit.levels = FakeLevels(case.levels)
    kit.triggers = FakeTriggers(*case.triggers)
    kit.clock.set_market(case.candles[0].start)
    kit.desk = kit.start()
    for each in case.candles:
        kit.close(each)
    found = kit.desk.report.evaluations("/NQ")
    return sorted(found, key=lambda each: str(each["closed_at"]))


def plain(evaluation: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in evaluation.items() if key not in ("seq", "mode")}


@pytest.mark.parametrize("line", CASES, ids=[line["case"] for line in CASES])
def test_the_live_desk_judges_as_the_backtest_does(line: dict[str, Any], tmp_path: Path) -> None:
    case = Case(line)
    known = [] if case.levels is None else [case.levels]

    judged = live(case, tmp_path)
    tested = run(case.settings, "/NQ", case.candles, known, case.triggers).evaluations

    expected = json.loads(json.dumps([each.as_dict() for each in tested]))
    assert [plain(each) for each in judged] == expected
    assert judged[line.get("expect_at", -1)]["result"] == line["expect"]["result"]


def test_the_cases_cover_every_result_and_every_filter() -> None:
    results = {line["expect"]["result"] for line in CASES}
    failed = {name for line in CASES for name in line["expect"].get("failed", ())}

    assert results == {"signal", "rejected", "no_cross", "no_levels", "no_pair"}
    assert {"gate", "session", "cooldown", "lt", "risk"} <= failed
    assert len(CASES) > 30
    assert set(asdict(Strategy())) >= set(CASES[1].get("settings", {}))
