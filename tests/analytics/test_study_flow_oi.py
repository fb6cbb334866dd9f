"""Flow-adjusted open interest: within its bounds, honest about gaps, judged by the morning."""

from __future__ import annotations

import doctest
from statistics import linear_regression

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import study_flow_oi
from grok_sauce.analytics.study_flow_oi import LEAST, flow_adjusted_oi, score

NAN = float("nan")
Array = np.ndarray


def column(*values: float) -> Array:
    return np.array(values, dtype=np.float64)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(study_flow_oi).failed == 0


def test_an_unknown_count_has_no_estimate_and_is_in_no_sum() -> None:
    found = flow_adjusted_oi(column(NAN, 50), column(9, 5), column(0, 0), column(0, 0))

    assert np.isnan(found.estimate[0])
    assert (found.opening, found.adjusted, found.n) == (50.0, 55.0, 1)


def test_without_a_classified_print_there_is_no_estimate_and_a_reason() -> None:
    nothing = column(0.0)

    silent = flow_adjusted_oi(column(50), nothing, nothing, nothing)
    undefined = flow_adjusted_oi(column(50), nothing, nothing, column(8))
    morning = flow_adjusted_oi(column(NAN), column(5), nothing, nothing)

    assert [each.adjusted for each in (silent, undefined, morning)] == [None] * 3
    assert silent.reason == "No prints yet"
    assert undefined.reason == "No print of these contracts has an aggressor"
    assert morning.reason == "No open interest of this morning yet"
    assert undefined.unclassified == 1.0


def test_prints_that_were_missed_widen_the_bounds_and_show_in_the_share_seen() -> None:
    found = flow_adjusted_oi(column(100), column(10), column(0), column(0), column(40))

    assert found.seen == 0.25
    assert (found.low[0], found.estimate[0], found.high[0]) == (60.0, 110.0, 140.0)


def test_a_contract_that_is_not_followed_moves_nothing_but_its_volume_bounds_it() -> None:
    found = flow_adjusted_oi(column(100), column(NAN), column(NAN), column(NAN), column(30))

    assert (found.low[0], found.estimate[0], found.high[0]) == (70.0, 100.0, 130.0)
    assert found.n == 0


def test_a_weight_below_one_moves_less() -> None:
    found = flow_adjusted_oi(column(100), column(40), column(0), column(0), weight=0.25)

    assert found.estimate[0] == 110.0


contracts = st.lists(st.tuples(*[st.integers(0, 10_000)] * 5), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(contracts, st.floats(-2, 2))
def test_an_estimate_is_never_outside_what_the_volume_allows(
    rows: list[tuple[int, ...]], weight: float
) -> None:
    opening, buy, sell, rest, volume = (column(*each) for each in zip(*rows, strict=True))

    found = flow_adjusted_oi(opening, buy, sell, rest, volume, weight)

    assert (found.low <= found.estimate).all()
    assert (found.estimate <= found.high).all()
    assert (found.low >= 0).all()
    assert found.seen is None or 0 <= found.seen <= 1


@settings(max_examples=40, deadline=None)
@given(contracts)
def test_buyers_and_sellers_changed_round_move_it_the_other_way(
    rows: list[tuple[int, ...]],
) -> None:
    opening, buy, sell, rest, _ = (column(*each) for each in zip(*rows, strict=True))
    opening = opening + 20_000  # far from the floor

    one = flow_adjusted_oi(opening, buy, sell, rest)
    other = flow_adjusted_oi(opening, sell, buy, rest)

    assert (one.estimate - opening).tolist() == (opening - other.estimate).tolist()


def test_a_perfect_estimate_has_skill_one_and_weight_one() -> None:
    opening, net = np.full(LEAST, 100.0), np.arange(1.0, LEAST + 1)

    found = score(opening + net, opening, opening + net, net)

    assert (found.error, found.skill, found.weight, found.direction) == (0.0, 1.0, 1.0, 1.0)
    assert found.n == LEAST


def test_no_change_at_all_judges_the_rule_wrong_without_dividing_by_nothing() -> None:
    opening, net = np.full(LEAST, 100.0), np.full(LEAST, 5.0)

    found = score(opening + net, opening, opening, net)

    assert (found.error, found.unchanged, found.skill, found.bias) == (5.0, 0.0, None, 5.0)
    assert (found.direction, found.moved, found.weight) == (None, 0, 0.0)


def test_the_weight_is_the_least_squares_slope_through_the_origin() -> None:
    chance = np.random.default_rng(5)
    net = chance.integers(1, 500, 60).astype(float) * chance.choice([-1.0, 1.0], 60)
    change = np.round(0.35 * net + chance.normal(0, 40, 60))
    opening = np.full(60, 5000.0)

    found = score(opening + net, opening, opening + change, net)

    expected = linear_regression(net.tolist(), change.tolist(), proportional=True).slope
    assert found.weight == pytest.approx(expected, rel=1e-12)
    assert found.error == pytest.approx(float(np.mean(np.abs(net - change))))
    assert found.skill == pytest.approx(
        1 - float(np.mean(np.abs(net - change)) / np.mean(np.abs(change)))
    )


def test_a_handful_of_contracts_is_not_judged() -> None:
    few = np.full(LEAST - 1, 100.0)

    found = score(few, few, few, few)

    assert found.skill is None
    assert found.reason == "29 contracts to judge by; 30 are needed"
