"""The backtest: knowledge dates, order of time, the finest bars, and what must always hold."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies.backtest import Result, run
from grok_sauce.strategies.candle import LENGTH, Candle, CandleMaker
from grok_sauce.strategies.levels import KnownLevels, LookAhead
from grok_sauce.strategies.runner import Runner
from grok_sauce.strategies.statistics import mean_and_error

FREE = Strategy(slippage_ticks=0, commission=0)
START = 1_797_368_400_000 + 4 * 3_600_000  # Tuesday 2026-12-15, 20:00 New York


def candles_of(make: Any) -> list[Candle]:
    """The worked example, then an hour in which the trade is trailed out."""
    return [
        make.candle("14:00", 21265, 21270, 21255, 21260),
        make.candle("14:15", 21258, 21261, 21241, 21246.25),
        make.candle("14:30", 21246, 21262, 21244, 21260),
        make.candle("14:45", 21260, 21261, 21250, 21255),
    ]


# ---- by hand ----------------------------------------------------------------------------


def test_the_worked_example_from_the_signal_to_the_trailed_stop(make: Any) -> None:
    result = run(FREE, "/NQ", candles_of(make), [make.levels()], [make.triggers("14:00")])

    [signal] = result.signals
    assert (signal.entry, signal.stop, signal.target) == (21246.25, 21231.0, 21271.25)
    [trade] = result.trades
    # Filled at the open of 14:30; its high of 21262 lifts the stop to 21252.
    assert (trade.entry, trade.exit, trade.reason) == (21246.0, 21252.0, "trail")
    assert (trade.points, trade.dollars) == (6.0, 12.0)


def test_minutes_and_candles_give_the_same_evaluations(make: Any) -> None:
    rows = [
        ("14:00", (21265, 21270, 21255, 21262)), ("14:14", (21262, 21263, 21259, 21260)),
        ("14:15", (21258, 21261, 21241, 21250)), ("14:29", (21250, 21251, 21246, 21246.25)),
    ]  # fmt: skip
    bars = [make.minutes(at, row)[0] for at, row in rows]
    known = [make.levels()], [make.triggers("14:00")]

    fine = run(FREE, "/NQ", bars, *known)
    coarse = run(FREE, "/NQ", candles_of(make)[:2], *known)

    assert [(e.candle.end, e.result, e.tests) for e in fine.evaluations] == [
        (e.candle.end, e.result, e.tests) for e in coarse.evaluations
    ]


def test_a_candle_whose_last_minutes_had_no_trade_is_closed_by_the_next_bar(make: Any) -> None:
    bars = [
        *make.minutes("14:00", (21265, 21270, 21255, 21260)),
        *make.minutes("14:15", (21258, 21261, 21241, 21246.25)),
        *make.minutes("14:33", (21246, 21250, 21244, 21249)),
    ]

    result = run(FREE, "/NQ", bars, [make.levels()], [make.triggers("14:00")])

    assert [each.result for each in result.evaluations] == ["no_pair", "signal"]
    assert [each.entry for each in result.open] == [21246.0]


def test_finer_bars_settle_what_a_candle_leaves_open(make: Any) -> None:
    first, second = candles_of(make)[:2]
    wild = make.candle("14:30", 21246.25, 21272, 21230, 21250)
    minutes = make.minutes("14:30", (21246.25, 21272, 21246, 21260), (21260, 21261, 21230, 21250))
    known = [make.levels()], [make.triggers("14:00")]

    coarse = run(FREE, "/NQ", [first, second, wild], *known).trades
    fine = run(FREE, "/NQ", [first, second, *minutes], *known).trades

    assert [(each.reason, each.ambiguous) for each in coarse] == [("stop", True)]
    assert [(each.reason, each.ambiguous) for each in fine] == [("target", False)]


def test_what_is_open_at_the_end_is_told_apart(make: Any) -> None:
    result = run(FREE, "/NQ", candles_of(make)[:3], [make.levels()], [make.triggers("14:00")])

    assert (len(result.trades), len(result.open), result.last_close) == (0, 1, 21260.0)


# ---- knowledge --------------------------------------------------------------------------


def test_levels_known_one_bar_later_change_the_result(make: Any) -> None:
    bars, lt = candles_of(make), [make.triggers("14:00")]
    in_time = make.levels(at="14:30")
    later = replace(in_time, known_at=in_time.known_at + 60)

    assert len(run(FREE, "/NQ", bars, [in_time], lt).signals) == 1
    assert run(FREE, "/NQ", bars, [later], lt).signals == []


def test_lt_levels_known_one_bar_later_change_the_result(make: Any) -> None:
    bars, levels = candles_of(make), [make.levels()]

    assert len(run(FREE, "/NQ", bars, levels, [make.triggers("14:15")]).signals) == 1
    assert run(FREE, "/NQ", bars, levels, [make.triggers("14:15", late=60)]).signals == []


def test_the_newest_levels_known_at_the_close_count(make: Any) -> None:
    old = make.levels({"put_wall": 21000}, at="09:00")
    new = make.levels(at="14:30")
    future = make.levels({"put_wall": 21255}, at="14:31")

    result = run(FREE, "/NQ", candles_of(make), [future, new, old], [make.triggers("14:00")])

    assert [each.levels for each in result.evaluations] == [old, new, future, future]


def test_bars_out_of_order_are_refused(make: Any) -> None:
    first, second = candles_of(make)[:2]

    with pytest.raises(LookAhead, match="before the one in front of it ended"):
        run(FREE, "/NQ", [second, first], [], [])


def test_bars_that_overlap_are_refused(make: Any) -> None:
    first = candles_of(make)[0]
    [minute] = make.minutes("14:05", (21265, 21270, 21255, 21260))

    with pytest.raises(LookAhead):
        run(FREE, "/NQ", [first, minute], [], [])


# ---- what must always hold --------------------------------------------------------------

steps = st.lists(st.integers(-80, 80), min_size=40, max_size=240)
walls = st.lists(st.integers(-60, 60), min_size=1, max_size=4)


def walk(moves: list[int], seconds: int = 300, reach: int = 1) -> list[Candle]:
    """Bars of a price that moves by ticks; low and high reach a little beyond."""
    bars, price = [], 84_000
    for place, move in enumerate(moves):
        after = price + move
        low, high = min(price, after) - reach * (place % 5), max(price, after) + reach * (move % 7)
        prices = price / 4, high / 4, low / 4, after / 4
        bars.append(Candle(START + place * seconds * 1000, *prices, 10.0, "/NQH7", seconds))
        price = after
    return bars


def levels_near(offsets: list[int], times: int = 4) -> list[KnownLevels]:
    names = ("put_wall", "support_1", "support_2", "support_3")
    return [
        KnownLevels(
            START / 1000 + turn * 3600, "QQQ", "/NQH7", None, None,
            tuple((name, 21_000 + (offset + 11 * turn) / 4) for name, offset in
                  zip(names, offsets, strict=False)),
        )
        for turn in range(times)
    ]  # fmt: skip


def played(moves: list[int], offsets: list[int], **options: Any) -> Result:
    free = Strategy(lt_missing="open", **options)
    return run(free, "/NQ", walk(moves), levels_near(offsets))


@settings(max_examples=30)
@given(steps, walls)
def test_no_signal_without_a_cross_and_stop_entry_target_in_order(
    moves: list[int], offsets: list[int]
) -> None:
    result = played(moves, offsets, cooldown=0)

    for each in result.evaluations:
        if each.signal is None:
            continue
        assert each.previous is not None
        assert each.previous.close >= each.signal.level > each.candle.close
        assert each.signal.stop < each.signal.entry < each.signal.target
        assert 10 <= each.signal.risk <= 30
        assert each.levels is not None
        assert each.levels.known_at <= each.candle.end


@settings(max_examples=30)
@given(steps, walls)
def test_trades_keep_their_bounds(moves: list[int], offsets: list[int]) -> None:
    result = played(moves, offsets, slippage_ticks=0, commission=0)

    for trade in result.trades:
        assert trade.signal.stop <= trade.entry <= trade.signal.entry
        assert trade.signal.time <= trade.entered_at < trade.signal.expires_at
        assert trade.exited_at >= trade.entered_at
        if trade.reason == "target":
            assert trade.exit >= trade.signal.target
        if trade.reason == "stop":
            assert trade.exit <= trade.signal.stop
        assert trade.dollars == trade.points * 2
    spans = sorted((trade.entered_at, trade.exited_at) for trade in result.trades)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


@settings(max_examples=30)
@given(steps)
def test_a_trailed_stop_never_goes_down(moves: list[int]) -> None:
    runner = Runner(Strategy(lt_missing="open", target=1000), "/NQ")
    closes = [21_015.0, 21_000.0]
    for place, close in enumerate(closes, start=-2):
        prices = close, close + 1, close - 1, close
        candle = Candle(START + place * LENGTH * 1000, *prices, 1.0, "/NQH7")
        levels = levels_near([40], 1)[0] if place == -1 else None
        runner.close(candle, levels, None)
    assert runner.paper.busy == "order"
    stops = []

    for bar in walk(moves, 60):
        runner.bar(bar)
        stops += [position.stop for position in runner.paper.positions]

    assert stops == sorted(stops)


@settings(max_examples=30)
@given(steps, walls, st.data())
def test_shuffling_the_future_never_changes_the_past(
    moves: list[int], offsets: list[int], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(moves) - 1))
    future = data.draw(st.permutations(moves[cut:]))
    whole, other = played(moves, offsets), played(moves[:cut] + list(future), offsets)

    until = (START + cut * 300_000) / 1000
    for one, two in zip(whole.evaluations, other.evaluations, strict=False):
        if one.candle.end <= until:
            assert one == two
    ended = [[t for t in each.trades if t.exited_at + t.bar_seconds <= until]
             for each in (whole, other)]  # fmt: skip
    assert ended[0] == ended[1]


@settings(max_examples=30)
@given(steps, walls, st.integers(1, 200))
def test_a_restart_changes_no_trade(moves: list[int], offsets: list[int], cut: int) -> None:
    free = Strategy(lt_missing="open")
    whole = run(free, "/NQ", walk(moves), levels_near(offsets))
    maker, ended, evaluated = CandleMaker(), [], []
    runner = Runner(free, "/NQ")
    known = levels_near(offsets)

    for place, bar in enumerate(walk(moves)):
        if place == cut:
            saved, runner = runner.save(), Runner(free, "/NQ")
            runner.restore(saved)
        ended += [each for each in runner.bar(bar) if hasattr(each, "points")]
        for candle in maker.add(bar):
            newest = [each for each in known if each.known_at <= candle.end][-1]
            evaluated.append(runner.close(candle, newest, None)[0])

    assert ended == whole.trades
    assert evaluated == whole.evaluations


def test_a_market_without_memory_gives_nothing_away() -> None:
    """What look-ahead or kind fills would show at once: a fair walk that pays."""
    dice = random.Random(20261216)
    free = Strategy(lt_missing="open", slippage_ticks=0, commission=0, cooldown=0)
    gains: list[float] = []
    for _ in range(40):
        moves = dice.choices((-9, 9), k=900)
        walls = dice.sample(range(-100, 100), 4)
        result = run(free, "/NQ", walk(moves, 60, reach=0), levels_near(walls, 12))
        gains += [trade.points for trade in result.trades]
        gains += [(result.last_close or 0) - each.entry for each in result.open]

    mean, error = mean_and_error(gains)

    assert len(gains) > 150
    assert mean is not None
    assert error is not None
    assert abs(mean) < 3 * error


def test_the_walks_of_these_tests_trade_at_all() -> None:
    moves = [-30, 12, 5, -41, 20, 33, 15, -9, 40, -22] * 20

    result = played(moves, [-20, -10, 0, 10])

    assert len(result.trades) >= 2
    assert {trade.reason for trade in result.trades} >= {"trail"}


def test_lt_levels_are_looked_up_by_the_time_they_were_known(make: Any) -> None:
    lists = [make.triggers("13:45", late=1), make.triggers("14:00", late=1)]

    result = run(FREE, "/NQ", candles_of(make), [], lists)

    seen = [each.triggers for each in result.evaluations]
    assert seen == [lists[0], lists[1], lists[1], lists[1]]


def test_lines_of_another_contract_do_not_hide_those_of_the_candles(make: Any) -> None:
    own = make.levels(at="12:00")
    other = make.levels({"put_wall": 6000}, at="13:00", contract="/ESH7")
    lists = [make.triggers("13:45"), make.triggers("14:00", contract="/ESH7")]

    found = run(FREE, "/NQ", candles_of(make), [own, other], lists)
    alone = run(FREE, "/NQ", candles_of(make), [other], lists)

    assert len(found.signals) == 1
    assert alone.evaluations[1].reason == "the levels are of /ESH7, the candle of /NQH7"
