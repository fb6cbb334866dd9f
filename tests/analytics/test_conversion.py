"""Levels carried to a future: the worked examples, smoothing, freezing and ticks."""

from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics import conversion
from grok_sauce.analytics.conversion import (
    Factor,
    FactorKeeper,
    fair_basis,
    implied_spot,
    to_future,
    to_tick,
)

NOW = 1_800_000_000.0
SECONDS = st.floats(0, 3600)


def ratio(source: float = 520.40, future: float = 21475.25) -> Factor:
    factor = FactorKeeper("/NQZ6", "ratio").update(NOW, source, NOW, future, NOW, True)
    assert factor is not None
    return factor


def basis(source: float = 21390.10, future: float = 21475.25) -> Factor:
    factor = FactorKeeper("/NQZ6", "basis").update(NOW, source, NOW, future, NOW, True)
    assert factor is not None
    return factor


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(conversion).failed == 0


def test_the_worked_example_of_an_etf_holds() -> None:
    factor = ratio()

    assert factor.value == pytest.approx(41.266814, abs=5e-7)
    assert to_future(515, factor) == pytest.approx(21252.41, abs=5e-3)
    assert to_tick(to_future(515, factor)) == 21252.50
    assert 515 * 41.5 - to_tick(to_future(515, factor)) == 120.0


def test_the_worked_example_of_an_index_holds() -> None:
    by_basis, by_ratio = basis(), ratio(21390.10)

    assert by_basis.value == pytest.approx(85.15)
    assert by_ratio.value == pytest.approx(1.00398081, abs=5e-9)
    assert to_future(21000, by_basis) == pytest.approx(21085.15)
    assert to_future(21000, by_ratio) == pytest.approx(21083.60, abs=5e-3)
    apart = to_future(19000, by_basis) - to_future(19000, by_ratio)
    assert apart == pytest.approx(9.5, abs=0.05)


def test_the_worked_example_of_the_fair_basis_holds() -> None:
    assert fair_basis(6000, 0.043, 0.012, 60 / 365) == pytest.approx(30.65, abs=5e-3)


@given(st.floats(1, 30_000), st.floats(100, 30_000), st.floats(100, 30_000))
def test_the_implied_spot_undoes_the_conversion(level: float, source: float, future: float) -> None:
    for factor in (ratio(source, future), basis(source, future)):
        assert implied_spot(to_future(level, factor), factor) == pytest.approx(level, abs=1e-8)


# ---- observations -----------------------------------------------------------------------


def test_the_first_observation_counts_in_full() -> None:
    keeper = FactorKeeper("/ESZ6", "basis")

    factor = keeper.update(NOW, 6000.0, NOW - 1, 6030.0, NOW - 0.5, True)

    assert factor == Factor("/ESZ6", "basis", 30.0, NOW - 1, False, 6000.0, 6030.0)


@pytest.mark.parametrize(
    "source, source_at, future, future_at, is_open",
    [
        (None, NOW, 6030.0, NOW, True),
        (6000.0, None, 6030.0, NOW, True),
        (6000.0, NOW, None, NOW, True),
        (6000.0, NOW, 6030.0, None, True),
        (math.nan, NOW, 6030.0, NOW, True),
        (6000.0, NOW, math.inf, NOW, True),
        (0.0, NOW, 6030.0, NOW, True),
        (6000.0, NOW, -1.0, NOW, True),
        (6000.0, NOW - 2.1, 6030.0, NOW, True),
        (6000.0, NOW, 6030.0, NOW - 2.1, True),
        (6000.0, NOW - 15.1, 6030.0, NOW - 15.1, True),
        (6000.0, NOW, 6030.0, NOW, False),
    ],
    ids=[
        "no source", "source never", "no future", "future never", "NaN", "infinite", "zero",
        "negative", "source 2.1 s older", "future 2.1 s older", "both stale", "closed",
    ],
)  # fmt: skip
def test_what_is_no_observation_makes_no_factor(
    source: float | None,
    source_at: float | None,
    future: float | None,
    future_at: float | None,
    is_open: bool,
) -> None:
    keeper = FactorKeeper("/ESZ6", "basis")

    assert keeper.update(NOW, source, source_at, future, future_at, is_open) is None


def test_two_seconds_apart_is_together_and_fifteen_old_is_fresh() -> None:
    keeper = FactorKeeper("/ESZ6", "basis")

    factor = keeper.update(NOW, 6000.0, NOW - 15, 6030.0, NOW - 13, True)

    assert factor is not None
    assert factor.at == NOW - 15
    assert not factor.frozen


# ---- smoothing --------------------------------------------------------------------------


def test_a_jump_has_reached_63_percent_after_a_minute_however_many_ticks_came() -> None:
    ends = []
    for steps in (1, 60, 600):
        keeper = FactorKeeper("/ESZ6", "basis")
        factor = keeper.update(NOW, 6000.0, NOW, 6020.0, NOW, True)
        for step in range(1, steps + 1):
            at = NOW + 60 * step / steps
            factor = keeper.update(at, 6000.0, at, 6030.0, at, True)
        assert factor is not None
        ends.append(factor.value)

    assert ends == pytest.approx([20 + 10 * (1 - math.exp(-1))] * 3, rel=1e-9)


def test_the_same_pair_seen_twice_counts_once() -> None:
    keeper = FactorKeeper("/ESZ6", "basis")
    keeper.update(NOW, 6000.0, NOW, 6020.0, NOW, True)
    first = keeper.update(NOW + 1, 6000.0, NOW + 1, 6030.0, NOW + 1, True)

    second = keeper.update(NOW + 5, 6000.0, NOW + 1, 6030.0, NOW + 1, True)

    assert first == second


def test_a_pair_that_comes_late_changes_nothing() -> None:
    keeper = FactorKeeper("/ESZ6", "basis")
    first = keeper.update(NOW, 6000.0, NOW, 6020.0, NOW, True)

    assert keeper.update(NOW, 6000.0, NOW - 3, 6090.0, NOW - 3, True) == first


def test_after_a_night_the_first_observation_counts_almost_in_full() -> None:
    keeper = FactorKeeper("/ESZ6", "basis")
    keeper.update(NOW, 6000.0, NOW, 6020.0, NOW, True)
    morning = NOW + 17.5 * 3600

    factor = keeper.update(morning, 6000.0, morning, 6030.0, morning, True)

    assert factor is not None
    assert factor.value == pytest.approx(30.0, abs=1e-12)


@given(st.lists(st.tuples(SECONDS, st.floats(10, 50)), min_size=1, max_size=30))
def test_the_factor_stays_within_what_was_observed(seen: list[tuple[float, float]]) -> None:
    keeper, now, factor = FactorKeeper("/ESZ6", "basis"), NOW, None

    for wait, value in seen:
        now += wait
        factor = keeper.update(now, 6000.0, now, 6000.0 + value, now, True)

    values = [value for _, value in seen]
    assert factor is not None
    assert min(values) - 1e-9 <= factor.value <= max(values) + 1e-9


# ---- freezing ---------------------------------------------------------------------------


def test_when_the_source_closes_the_last_factor_stays_with_its_time() -> None:
    keeper = FactorKeeper("/ESZ6", "basis")
    live = keeper.update(NOW, 6000.0, NOW, 6030.0, NOW, True)

    frozen = keeper.update(NOW + 3600, 6000.0, NOW + 3600, 6100.0, NOW + 3600, False)

    assert live is not None
    assert frozen is not None
    assert (frozen.value, frozen.at, frozen.frozen) == (30.0, NOW, True)
    assert implied_spot(6100.0, frozen) == 6070.0


@pytest.mark.parametrize("silent", ["source", "future"])
def test_a_leg_that_falls_silent_for_more_than_15_s_freezes_the_factor(silent: str) -> None:
    keeper = FactorKeeper("/ESZ6", "basis")
    keeper.update(NOW, 6000.0, NOW, 6030.0, NOW, True)

    def later(now: float) -> Factor | None:
        source_at, future_at = (NOW, now) if silent == "source" else (now, NOW)
        return keeper.update(now, 6000.0, source_at, 6050.0, future_at, True)

    at_15, after = later(NOW + 15), later(NOW + 15.1)

    assert at_15 is not None
    assert after is not None
    assert not at_15.frozen
    assert after.frozen
    assert after.value == 30.0


def test_a_frozen_factor_thaws_with_the_next_observation() -> None:
    keeper = FactorKeeper("/ESZ6", "basis")
    keeper.update(NOW, 6000.0, NOW, 6030.0, NOW, True)
    keeper.update(NOW + 60, None, None, None, None, True)

    factor = keeper.update(NOW + 61, 6000.0, NOW + 61, 6030.0, NOW + 61, True)

    assert factor is not None
    assert not factor.frozen
    assert factor.at == NOW + 61


def test_a_closed_market_freezes_even_a_fresh_factor() -> None:
    keeper = FactorKeeper("/ESZ6", "basis")
    keeper.update(NOW, 6000.0, NOW, 6030.0, NOW, True)

    factor = keeper.update(NOW + 1, 6000.0, NOW + 1, 6099.0, NOW + 1, False)

    assert factor is not None
    assert factor.frozen
    assert factor.value == 30.0


# ---- ticks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "price, tick, expected",
    [
        (21252.41, 0.25, 21252.50),
        (21252.37, 0.25, 21252.25),
        (21252.375, 0.25, 21252.50),
        (21252.125, 0.25, 21252.25),
        (0.3, 0.1, 0.3),
        (2.675, 0.01, 2.68),
        (1.15, 0.05, 1.15),
        (110.02, 1 / 64, 110.015625),
        (-37.63, 0.01, -37.63),
        (41234.0, 1.0, 41234.0),
    ],
)
def test_prices_are_rounded_to_the_nearest_tick(price: float, tick: float, expected: float) -> None:
    assert to_tick(price, tick) == expected


@given(st.floats(-100, 100_000), st.sampled_from([0.01, 0.05, 0.1, 0.25, 1.0, 1 / 64, 1 / 32]))
def test_a_rounded_price_is_at_most_half_a_tick_away_and_stays_when_rounded_again(
    price: float, tick: float
) -> None:
    rounded = to_tick(price, tick)

    assert abs(rounded - price) <= tick * 0.500001 + 1e-9
    assert to_tick(rounded, tick) == rounded
