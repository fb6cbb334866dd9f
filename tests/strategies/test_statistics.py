"""Sums about trades, checked against numbers worked out by hand."""

from __future__ import annotations

import math
import statistics as oracle
from typing import Any

import pytest

from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies import statistics
from grok_sauce.strategies.backtest import run
from grok_sauce.strategies.paper import Trade


@pytest.fixture
def trades(make: Any) -> list[Trade]:
    """Three trades of the worked example that end at 21271.25, 21231 and 21252."""
    found = []
    for bar in ((21246.25, 21272, 21244, 21270), (21246.25, 21247, 21230, 21232),
                (21246.25, 21262, 21245, 21260)):  # fmt: skip
        candles = [
            make.candle("14:00", 21265, 21270, 21255, 21260),
            make.candle("14:15", 21258, 21261, 21241, 21246.25),
            make.candle("14:30", *bar),
            make.candle("14:45", 21253, 21255, 21240, 21245),
        ]
        settings = Strategy(slippage_ticks=0, commission=0.5)
        found += run(settings, "/NQ", candles, [make.levels()], [make.triggers("14:00")]).trades
    return found


def test_sums_and_averages_by_hand(trades: list[Trade]) -> None:
    found = statistics.totals(trades)

    # +25, -15.25 and +5.75 points at $2, less $1 each: +49, -31.50, +10.50.
    assert (found["n"], found["wins"], found["losses"]) == (3, 2, 1)
    assert (found["points"], found["dollars"], found["commission"]) == (15.5, 28.0, 3.0)
    assert found["mean_points"] == pytest.approx(15.5 / 3)
    assert found["profit_factor"] == pytest.approx(59.5 / 31.5)
    assert found["losing_streak"] == 1


def test_no_trades_have_no_averages() -> None:
    found = statistics.totals([])

    assert found["n"] == 0
    names = ("win_share", "mean_points", "mean_dollars", "mean_win", "profit_factor")
    assert {found[name] for name in names} == {None}
    assert statistics.drawdown([]) is None


def test_the_standard_error_is_the_textbooks() -> None:
    values = [49.0, -31.5, 10.5, 3.0]

    mean, error = statistics.mean_and_error(values)

    assert mean == pytest.approx(oracle.mean(values))
    assert error == pytest.approx(oracle.stdev(values) / math.sqrt(4))


@pytest.mark.parametrize(
    ("values", "fall"),
    [
        ([-5.0, -8.0, 2.0], (8.0, None, 2.0)),
        ([5.0, 9.0, 12.0], (0.0, None, None)),
        ([10.0, 4.0, 20.0, 11.0, 15.0, 10.0], (10.0, 3.0, 6.0)),
    ],
    ids=["from the start", "never", "the deepest of two"],
)
def test_the_drawdown_is_from_the_top_so_far(values: list[float], fall: Any) -> None:
    points = [(float(place), value) for place, value in enumerate(values, start=1)]

    found = statistics.drawdown(points)

    assert found is not None
    assert (found.dollars, found.from_at, found.to_at) == fall


def test_groups_add_up_to_the_whole(trades: list[Trade]) -> None:
    whole = statistics.totals(trades)

    for key in (statistics.level_of, statistics.hour_of, statistics.reason_of):
        groups = statistics.by(trades, key)
        assert sum(each["n"] for each in groups.values()) == whole["n"]
        assert sum(each["dollars"] for each in groups.values()) == whole["dollars"]
    assert list(statistics.by(trades, statistics.hour_of)) == ["14"]
    assert set(statistics.by(trades, statistics.reason_of)) == {"target", "stop", "trail"}


def test_the_curve_ends_at_the_sum(trades: list[Trade]) -> None:
    points = statistics.curve(trades)

    assert points[-1][1] == statistics.totals(trades)["dollars"]
    assert [at for at, _ in points] == sorted(trade.exited_at for trade in trades)
