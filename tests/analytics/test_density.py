"""The distribution a smile implies: against mixtures whose chances are known exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics.black_scholes import Array, black_76
from grok_sauce.analytics.density import FEWEST, distribution, lognormal_below
from grok_sauce.analytics.implied_volatility import implied_vol

YEARS = 2.06 / 365


def mixture(weights: tuple[float, ...], vols: tuple[float, ...], means: tuple[float, ...]):
    """(forward, chance below x, smile of strikes) of a mixture of lognormals: exact numbers."""
    forward = sum(w * m for w, m in zip(weights, means, strict=True))
    strikes = np.arange(round(forward) - 200.0, round(forward) + 200.0, 5.0)
    is_call = strikes >= forward
    prices = sum(
        w * black_76(m, strikes, YEARS, v, is_call).price
        for w, v, m in zip(weights, vols, means, strict=True)
    )

    def below(price: float) -> float:
        return sum(
            w * lognormal_below(price, m, v, YEARS)
            for w, v, m in zip(weights, vols, means, strict=True)
        )

    return forward, below, strikes, implied_vol(prices, forward, strikes, YEARS, is_call, 0.0)


def same(strikes: Array, error: float = 1e-3) -> Array:
    return np.full(len(strikes), error)


def test_a_flat_smile_is_the_lognormal_distribution() -> None:
    strikes = np.arange(5700.0, 6200.0, 5.0)
    found = distribution(strikes, np.full(len(strikes), 0.16), same(strikes), 5955.13, YEARS)

    for price in (5850.0, 5938.93, 5955.0, 5971.07, 6050.0):
        expected = lognormal_below(price, 5955.13, 0.16, YEARS)
        assert found.below(price) == pytest.approx(expected, abs=2e-5)
    assert found.clamped == 0.0


@pytest.mark.parametrize(
    "weights, vols, means",
    [
        ((0.7, 0.3), (0.11, 0.21), (6030.0, 5974.6)),  # a skew as indices have it
        ((0.5, 0.5), (0.10, 0.16), (6000.0, 6000.0)),  # a symmetrical smile
        ((0.3, 0.7), (0.20, 0.11), (6045.0, 5985.0)),  # the other way round
    ],
    ids=["index skew", "smile", "upward skew"],
)
def test_a_skewed_smile_gives_back_the_chances_it_was_made_of(
    weights: tuple[float, ...], vols: tuple[float, ...], means: tuple[float, ...]
) -> None:
    forward, below, strikes, smile = mixture(weights, vols, means)

    found = distribution(strikes, smile, same(strikes, 2e-4), forward, YEARS)

    for price in (forward - 60, forward - 20, forward + 3, forward + 25, forward + 70):
        assert found.below(price) == pytest.approx(below(price), abs=2e-3)
    one_vol = float(np.interp(forward, strikes, smile))
    band = found.between(forward - 20, forward + 20)
    exact = below(forward + 20) - below(forward - 20)
    plain = lognormal_below(forward + 20, forward, one_vol, YEARS) - lognormal_below(
        forward - 20, forward, one_vol, YEARS
    )
    assert band is not None
    assert abs(band - exact) <= abs(plain - exact) + 1e-3


def test_quotes_rounded_to_a_nickel_move_a_chance_by_less_than_a_point() -> None:
    forward, below, strikes, _ = mixture((0.7, 0.3), (0.11, 0.21), (6030.0, 5974.6))
    is_call = strikes >= forward
    exact = 0.7 * black_76(6030.0, strikes, YEARS, 0.11, is_call).price
    exact += 0.3 * black_76(5974.6, strikes, YEARS, 0.21, is_call).price
    bid, ask = np.floor(exact / 0.05) * 0.05, np.ceil(exact / 0.05) * 0.05
    mid = np.where(bid > 0, (bid + ask) / 2, np.nan)
    vols = implied_vol(mid, forward, strikes, YEARS, is_call, 0.0)
    vega = black_76(forward, strikes, YEARS, vols, True).vega

    found = distribution(strikes, vols, (ask - bid) / 2 / vega, forward, YEARS)

    band = found.between(forward - 20, forward + 20)
    assert band == pytest.approx(below(forward + 20) - below(forward - 20), abs=0.01)


def test_prices_beyond_the_quoted_strikes_are_not_known() -> None:
    strikes = np.arange(5900.0, 6105.0, 5.0)

    found = distribution(strikes, np.full(len(strikes), 0.2), same(strikes), 6000.0, YEARS)

    assert found.below(5899.0) is None
    assert found.between(5890.0, 6000.0) is None
    assert found.between(-math.inf, 6000.0) == found.below(6000.0)
    assert found.between(6000.0, math.inf) == pytest.approx(1 - found.below(6000.0))


def test_too_few_or_one_sided_strikes_are_refused_in_words() -> None:
    few = np.array([5990.0, 6000.0, 6010.0, 6020.0])
    right = np.arange(6005.0, 6100.0, 5.0)

    with pytest.raises(ValueError, match=f"needs {FEWEST} strikes with quotes, 4 have them"):
        distribution(few, np.full(4, 0.2), same(few), 6000.0, YEARS)
    with pytest.raises(ValueError, match="one side of the forward"):
        distribution(right, np.full(len(right), 0.2), same(right), 6000.0, YEARS)
    with pytest.raises(ValueError, match="0 have them"):
        distribution(few, np.full(4, np.nan), same(few), 6000.0, YEARS)


def test_quotes_that_allow_arbitrage_imply_no_density() -> None:
    strikes = np.arange(5900.0, 6105.0, 5.0)
    saw = np.where(np.arange(len(strikes)) < 20, 0.05, 0.6)

    with pytest.raises(ValueError, match="arbitrage"):
        distribution(strikes, saw, same(strikes, 1e-5), 6000.0, YEARS)


@settings(max_examples=60)
@given(
    st.lists(st.floats(0.05, 0.6), min_size=5, max_size=40),
    st.floats(1e-4, 0.05),
    st.floats(1 / 8760, 0.2),
)
def test_whatever_the_quotes_chances_rise_within_0_and_1_or_are_refused(
    vols: list[float], error: float, years: float
) -> None:
    strikes = 6000.0 + 5.0 * (np.arange(len(vols)) - len(vols) // 2)

    refused = None
    try:
        found = distribution(strikes, np.array(vols), same(strikes, error), 6000.0, years)
    except ValueError as refusal:
        refused = str(refusal)
    if refused is not None:
        assert refused.startswith(("The quotes allow arbitrage", "The smile needs"))
        return

    assert np.all(np.diff(found.chance) >= 0)
    assert found.chance[0] >= 0
    assert found.chance[-1] <= 1
    assert np.all(np.diff(found.prices) > 0)
    assert 0 <= found.clamped <= 0.02
