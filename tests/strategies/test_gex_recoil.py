"""GEX Recoil Fade: a hand-made case for every rule and edge, alone and in a backtest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies.backtest import run
from grok_sauce.strategies.evaluation import Evaluation, View
from grok_sauce.strategies.gex_recoil import GexRecoil
from grok_sauce.strategies.levels import KnownLevels, LookAhead

CASES = json.loads((Path(__file__).parent / "cases.json").read_text(encoding="utf-8"))
EXAMPLE = [("14:00", 21265, 21270, 21255, 21260), ("14:15", 21258, 21261, 21241, 21246.25)]


class Case:
    """A line of cases.json, with what it leaves out taken from the worked example."""

    def __init__(self, make: Any, line: dict[str, Any]) -> None:
        rows = line.get("candles", EXAMPLE)
        self.candles = [
            make.candle(*row[:5], contract=row[5] if len(row) > 5 else "/NQH7") for row in rows
        ]
        self.settings = Strategy(**line.get("settings", {}))
        self.levels: KnownLevels | None = None
        if line.get("levels", {"put_wall": 21252.5}) is not None:
            self.levels = make.levels(
                line.get("levels"),
                line.get("levels_at", "08:00"),
                line.get("levels_contract"),
            )
        self.triggers: list[LtLevels] = []
        prices = line.get("lt", [21250, 21240, 21225, 21190, 21300])
        if prices is not None:
            times = [line["lt_time"]] if "lt_time" in line else [row[0] for row in rows]
            self.triggers = [
                make.triggers(
                    time,
                    tuple(prices),
                    line.get("lt_contract"),
                    line.get("lt_closed", True),
                )
                for time in dict.fromkeys(times)
            ]
        self.busy = line.get("busy")
        self.at = line.get("expect_at", -1)

    def evaluated(self) -> Evaluation:
        """The candles one by one through evaluate()."""
        strategy = GexRecoil(self.settings)
        found = []
        for place, candle in enumerate(self.candles):
            if place == len(self.candles) - 1 or place == self.at:
                strategy.hold("/NQ", self.busy)
            known = [each for each in self.triggers if each.at <= candle.end]
            newest = max(known, key=lambda each: each.at, default=None)
            found.append(strategy.evaluate(View("/NQ", candle, self.levels, newest)))
        return found[self.at]

    def backtested(self) -> Evaluation:
        """The same candles as the only bars of a backtest."""
        known = [] if self.levels is None else [self.levels]
        return run(self.settings, "/NQ", self.candles, known, self.triggers).evaluations[self.at]


def failed(found: Evaluation) -> set[str]:
    verdicts = [found.gate, found.session, found.cooldown, found.position]
    for test in found.tests:
        verdicts += [test.lt, test.risk]
    return {each.name for each in verdicts if each.passed is False}


def check(found: Evaluation, expect: dict[str, Any]) -> None:
    assert found.result == expect["result"], found.reason
    if "failed" in expect:
        assert failed(found) == set(expect["failed"])
    if "tested" in expect:
        assert [test.name for test in found.tests] == expect["tested"]
    if "results" in expect:
        assert [test.result for test in found.tests] == expect["results"]
    if "lt" in expect:
        assert [t.lt.value for t in found.tests if t.cross.passed][-1:] == [expect["lt"]]
    assert (found.signal is not None) == (expect["result"] == "signal")
    if found.signal is not None:
        told = {
            "level": found.signal.level_name,
            "entry": found.signal.entry,
            "stop": found.signal.stop,
            "target": found.signal.target,
            "risk": found.signal.risk,
        }
        assert {key: told[key] for key in told if key in expect} == {
            key: expect[key] for key in told if key in expect
        }


@pytest.mark.parametrize("line", CASES, ids=[line["case"] for line in CASES])
def test_a_case_gives_its_verdict_through_evaluate(make: Any, line: dict[str, Any]) -> None:
    check(Case(make, line).evaluated(), line["expect"])


IN_ORDER = [line for line in CASES if not line.get("live_only")]


@pytest.mark.parametrize("line", IN_ORDER, ids=[line["case"] for line in IN_ORDER])
def test_a_case_gives_the_same_evaluation_in_a_backtest(make: Any, line: dict[str, Any]) -> None:
    case = Case(make, line)

    in_backtest, alone = case.backtested(), case.evaluated()

    check(in_backtest, line["expect"])
    assert repr(in_backtest) == repr(alone)  # NaN prices compare by their text


def test_the_worked_example_trails_as_computed_by_hand(make: Any) -> None:
    from grok_sauce.strategies.runner import Runner

    runner = Runner(Strategy(), "/NQ")
    first, second = (make.candle(*row) for row in EXAMPLE)
    runner.close(first, make.levels(), None)
    found, _ = runner.close(second, make.levels(), make.triggers("14:15"))
    for bar in make.minutes("14:30", (21246, 21250, 21244, 21249), (21249, 21262, 21248, 21260)):
        assert runner.bar(bar) == []

    assert found.signal is not None
    assert found.signal.expires_at == make.unix("14:45")
    [position] = runner.paper.positions
    assert position.stop == 21252.0


# ---- knowledge --------------------------------------------------------------------------


@pytest.mark.parametrize("late", [0.001, 60.0, 86400.0])
def test_levels_known_after_the_close_are_refused(make: Any, late: float) -> None:
    candle = make.candle(*EXAMPLE[1])
    levels = replace(make.levels(), known_at=candle.end + late)

    with pytest.raises(LookAhead, match="levels known from"):
        GexRecoil(Strategy()).evaluate(View("/NQ", candle, levels, None, candle.end + 2 * late))


def test_levels_known_at_the_very_close_serve(make: Any) -> None:
    strategy = GexRecoil(Strategy())
    first, second = (make.candle(*row) for row in EXAMPLE)
    levels = replace(make.levels(), known_at=second.end)

    strategy.seen("/NQ", first)

    found = strategy.evaluate(View("/NQ", second, levels, make.triggers("14:15")))
    assert found.result == "signal"
    assert found.levels_age == 0


def test_a_candle_that_has_not_ended_is_refused(make: Any) -> None:
    candle = make.candle(*EXAMPLE[1])

    with pytest.raises(LookAhead, match="candle that closes"):
        GexRecoil(Strategy()).evaluate(View("/NQ", candle, None, None, candle.end - 1))


def test_lt_levels_known_after_the_decision_are_refused(make: Any) -> None:
    candle = make.candle(*EXAMPLE[1])
    late = make.triggers("14:15", late=2.0)
    strategy = GexRecoil(Strategy())

    with pytest.raises(LookAhead, match="LT levels known from"):
        strategy.evaluate(View("/NQ", candle, None, late))

    assert strategy.evaluate(View("/NQ", candle, None, late, candle.end + 2)).triggers == late


def test_lt_levels_of_a_later_bar_are_refused_whatever_they_say(make: Any) -> None:
    candle = make.candle(*EXAMPLE[1])
    later = replace(make.triggers("14:30"), at=candle.end)

    with pytest.raises(LookAhead, match="LT levels"):
        GexRecoil(Strategy()).evaluate(View("/NQ", candle, None, later))


def test_a_refused_view_leaves_the_memory_as_it_was(make: Any) -> None:
    strategy = GexRecoil(Strategy())
    first, second = (make.candle(*row) for row in EXAMPLE)
    strategy.evaluate(View("/NQ", first, make.levels(), None))

    with pytest.raises(LookAhead):
        strategy.evaluate(View("/NQ", second, make.levels(at="15:00"), None))

    found = strategy.evaluate(View("/NQ", second, make.levels(), make.triggers("14:15")))
    assert found.result == "signal"


# ---- memory -----------------------------------------------------------------------------


def test_two_symbols_streaming_together_both_signal(make: Any) -> None:
    strategy = GexRecoil(Strategy())
    found = {}

    for row in EXAMPLE:
        for symbol, contract in (("/NQ", "/NQH7"), ("/MNQ", "/MNQH7")):
            candle = make.candle(*row, contract=contract)
            lt = make.triggers("14:15") if row is EXAMPLE[1] else None
            found[symbol] = strategy.evaluate(View(symbol, candle, make.levels(), lt))

    assert {symbol: each.result for symbol, each in found.items()} == {
        "/NQ": "signal",
        "/MNQ": "signal",
    }


def test_a_memory_survives_as_json(make: Any) -> None:
    before, after = GexRecoil(Strategy()), GexRecoil(Strategy())
    first, second = (make.candle(*row) for row in EXAMPLE)
    before.evaluate(View("/NQ", first, make.levels(), None))
    before.hold("/NQ", "position")

    after.restore(json.loads(json.dumps(before.save(), allow_nan=False)))

    view = View("/NQ", second, make.levels(), make.triggers("14:15"))
    assert after.evaluate(view) == before.evaluate(view)
    assert after.evaluate(view).result == "repeated"


def test_a_candle_without_prices_is_saved_as_unknown(make: Any) -> None:
    strategy = GexRecoil(Strategy())
    strategy.evaluate(View("/NQ", make.candle("14:00", 1, None, 1, 1), None, None))

    text = json.dumps(strategy.save(), allow_nan=False)

    other = GexRecoil(Strategy())
    other.restore(json.loads(text))
    assert other.save() == strategy.save()


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": 2, "symbols": {}},
        {"version": 1, "symbols": []},
        {"version": 1, "symbols": {"/NQ": {"last": None, "signalled": None}}},
        {"version": 1, "symbols": {"/NQ": {"last": 3, "signalled": None, "busy": None}}},
        {"version": 1, "symbols": {"/NQ": {"last": None, "signalled": None, "busy": "happy"}}},
    ],
)
def test_a_foreign_memory_is_refused_whole(make: Any, document: dict[str, Any]) -> None:
    strategy = GexRecoil(Strategy())
    strategy.hold("/NQ", "order")
    kept = strategy.save()

    with pytest.raises(ValueError, match="no memory"):
        strategy.restore(document)

    assert strategy.save() == kept


# ---- what is told -----------------------------------------------------------------------


def signalled(make: Any) -> Evaluation:
    strategy = GexRecoil(Strategy())
    first, second = (make.candle(*row) for row in EXAMPLE)
    strategy.seen("/NQ", first)
    return strategy.evaluate(View("/NQ", second, make.levels(), make.triggers("14:15")))


def test_a_signal_is_told_in_both_spellings_with_the_contract_to_order(make: Any) -> None:
    signal = signalled(make).signal
    assert signal is not None

    told = signal.payload()

    assert (told["symbol"], told["contract"]) == ("MNQH7", "/NQH7")
    assert told["stop_loss"] == told["stopLoss"] == 21231.0
    assert told["take_profit"] == told["takeProfit"] == 21271.25
    assert told["trailing_stop"] == told["trailingStop"] == {"trigger": 15.0, "offset": 10.0}
    assert told["expires_at"] == "2026-12-16T19:45:00Z"
    assert told["metadata"]["lt_levels_below"] == 3


def test_a_signal_keeps_levels_ages_factor_lt_list_and_verdicts(make: Any) -> None:
    signal = signalled(make).signal
    assert signal is not None

    stored = json.loads(json.dumps(dict(signal.stored), allow_nan=False))

    assert stored["levels"]["levels"] == [["put_wall", 21252.5]]
    assert stored["levels_age"] == make.unix("14:30") - make.unix("12:00")
    assert (stored["factor"], stored["factor_age"]) == (41.27, stored["levels_age"] + 2)
    assert stored["lt"]["prices"] == [21250, 21240, 21225, 21190, 21300]
    assert set(stored["verdicts"]) == {"gate", "session", "cooldown", "position"}
    assert [test["name"] for test in stored["tests"]] == ["put_wall"]
    assert {"cross", "lt", "risk"} <= set(stored["tests"][0])


def test_the_reason_names_prices_to_the_tick(make: Any) -> None:
    assert signalled(make).reason == "buy 21246.25, stop 21231.00, target 21271.25"


def test_an_evaluation_is_json(make: Any) -> None:
    document = json.loads(json.dumps(signalled(make).as_dict(), allow_nan=False))

    assert document["result"] == "signal"
    assert document["signal"]["id"] == "gex_recoil-NQH7-20261216T193000Z-put_wall"
