"""Expected moves: the worked example, and nothing where a price is missing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from grok_sauce.analytics.expected_move import ExpectedMove, expected_move
from grok_sauce.analytics.forward import Forward, Rates, forwards
from grok_sauce.market.chain import OptionChain
from tests import option_chains

ChainOf = Callable[..., OptionChain]
AT_6000 = Forward(6000.0, "rates", (), 0.045, 0.012)
NOTHING = ExpectedMove(None, None, None, None, None, None, None)


def without(strike: float, right: str, **change: Any) -> list[dict[str, Any]]:
    """The toy chain's rows with one contract changed."""
    return [
        row | change if (row["strike"], row["right"]) == (strike, right) else row
        for row in option_chains.toy_rows()
    ]


def test_the_worked_example_holds(toy_chain: OptionChain) -> None:
    move = expected_move(toy_chain, 0, AT_6000, 0.147)

    assert move.straddle == pytest.approx(82.3611, abs=5e-5)
    assert move.sigma == pytest.approx(103.2303, abs=5e-5)
    assert move.shortcut_85 == pytest.approx(70.0069, abs=5e-5)
    assert move.weighted == pytest.approx(64.0909, abs=5e-5)
    assert move.straddle is not None
    assert move.sigma is not None
    assert move.straddle / move.sigma == pytest.approx(0.79784, abs=5e-6)
    assert move.strike == 6000


def test_the_bounds_lie_around_the_forward_and_not_around_the_spot(toy_chain: OptionChain) -> None:
    (forward,) = forwards(toy_chain, Rates(0.045, 0.012))
    assert forward is not None

    move = expected_move(toy_chain, 0, forward, 0.147)

    assert move.low == pytest.approx(forward.value - 82.3611, abs=5e-5)
    assert move.high == pytest.approx(forward.value + 82.3611, abs=5e-5)


def test_the_straddle_of_a_calm_option_is_four_fifths_of_a_deviation(chain_of: ChainOf) -> None:
    # sqrt(2 / pi) in the limit of a small deviation.
    value = 6000 * 0.05 * math.sqrt(5 / 365) / math.sqrt(2 * math.pi)
    rows = [{"strike": 6000, "right": side, "bid": value, "ask": value} for side in "CP"]

    move = expected_move(chain_of(rows), 0, AT_6000, 0.05)

    assert move.straddle is not None
    assert move.sigma is not None
    assert move.straddle / move.sigma == pytest.approx(0.79788, abs=5e-6)


@pytest.mark.parametrize(
    "change",
    [{"bid": 0.0}, {"bid": None}, {"ask": 1.0}, {"quote_at": 0.0}, {"quote_at": math.nan}],
    ids=["no bid", "bid unknown", "crossed", "old", "never"],
)
@pytest.mark.parametrize("right", ["C", "P"])
def test_a_leg_without_a_price_leaves_only_the_deviation(
    chain_of: ChainOf, change: dict[str, Any], right: str
) -> None:
    move = expected_move(chain_of(without(6000, right, **change)), 0, AT_6000, 0.147)

    assert move.sigma == pytest.approx(103.2303, abs=5e-5)
    assert (move.straddle, move.shortcut_85, move.weighted, move.low, move.high) == (None,) * 5


@pytest.mark.parametrize("leg", [(6050, "C"), (5950, "P"), (6100, "C"), (5900, "P")])
def test_a_strangle_without_a_price_leaves_the_weighted_move_unknown(
    chain_of: ChainOf, leg: tuple[float, str]
) -> None:
    move = expected_move(chain_of(without(*leg, bid=0.0)), 0, AT_6000, 0.147)

    assert move.weighted is None
    assert move.straddle == pytest.approx(82.3611, abs=5e-5)


def test_at_the_end_of_the_listed_strikes_there_is_no_strangle(toy_chain: OptionChain) -> None:
    move = expected_move(toy_chain, 0, Forward(6070.0, "rates", (), 0.045, 0.012), 0.147)

    assert move.strike == 6050
    assert move.straddle is not None
    assert move.weighted is None


def test_strangles_never_reach_into_another_expiry(chain_of: ChainOf) -> None:
    rows = [
        {"strike": strike, "right": right, "bid": 9.0, "ask": 11.0, "expiry": day}
        for day in ("2026-12-18", "2026-12-21", "2026-12-22")
        for strike in (5950, 6000, 6050)
        for right in "CP"
    ]

    moves = [expected_move(chain_of(rows), place, AT_6000, None) for place in range(3)]

    assert [move.weighted for move in moves] == [None] * 3
    assert [move.straddle for move in moves] == [20.0] * 3


def test_halfway_between_two_strikes_the_lower_one_counts(toy_chain: OptionChain) -> None:
    move = expected_move(toy_chain, 0, Forward(5975.0, "rates", (), 0.045, 0.012), 0.147)

    assert move.strike == 5950


def test_an_unknown_volatility_leaves_the_deviation_unknown(toy_chain: OptionChain) -> None:
    move = expected_move(toy_chain, 0, AT_6000, None)

    assert move.sigma is None
    assert move.straddle == pytest.approx(82.3611, abs=5e-5)


def test_without_forward_or_once_settled_nothing_is_expected(chain_of: ChainOf) -> None:
    chain = chain_of(option_chains.toy_rows(), as_of=option_chains.AS_OF + 5 * 86400)

    assert expected_move(chain, 0, AT_6000, 0.147) == NOTHING
    assert expected_move(chain_of(option_chains.toy_rows()), 0, None, 0.147) == NOTHING


def test_the_last_minute_counts_as_a_whole_one(chain_of: ChainOf) -> None:
    as_of = option_chains.AS_OF + 5 * 86400 - 3

    move = expected_move(chain_of(option_chains.toy_rows(), as_of=as_of), 0, AT_6000, 0.2)

    assert move.sigma == pytest.approx(6000 * 0.2 * math.sqrt(60 / (365 * 86400)))
