"""Prices and greeks against hand-worked figures, finite differences and independent libraries."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import black_scholes as bs

CALL = (2.629294394, 0.368661961, 0.034197395, 18.808567524)
CALL_REST = (-9.092252838, 8.559225433, 0.755298664, -0.412294972)
PUT = (6.958824691, -0.627595061, 0.034197395, 18.808567524)
PUT_REST = (-6.428429070, -17.429582703, 0.755298664, -0.427238827)

spots = st.floats(10, 10_000)
ratios = st.floats(0.7, 1.4)
years = st.floats(0.01, 2.0)
vols = st.floats(0.08, 0.9)
rates = st.floats(-0.02, 0.1)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(bs).failed == 0


def test_the_normal_distribution_agrees_with_the_c_library() -> None:
    x = np.concatenate([np.linspace(-37, 37, 20_001), [-0.0, 0.0, 0.66291, -0.66292, 5.6568]])
    expected = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in x])

    got = bs.norm_cdf(x)

    assert np.abs(got - expected).max() < 5e-16
    assert (np.abs(got - expected) / expected).max() < 2e-15


def test_the_normal_distribution_knows_its_limits() -> None:
    limits = bs.norm_cdf([np.inf, -np.inf, np.nan])

    assert limits[0] == 1.0
    assert limits[1] == 0.0
    assert np.isnan(limits[2])


def test_the_normal_distribution_keeps_the_shape() -> None:
    assert bs.norm_cdf(0.3).shape == ()
    assert bs.norm_cdf(np.zeros((2, 3))).shape == (2, 3)


def test_the_worked_example_of_call_and_put_holds() -> None:
    both = bs.black_scholes(100, 105, 0.25, 0.22, [True, False], 0.04, 0.015)

    assert np.allclose(np.array(both)[:, 0], CALL + CALL_REST, rtol=0, atol=6e-10)
    assert np.allclose(np.array(both)[:, 1], PUT + PUT_REST, rtol=0, atol=6e-10)


def test_the_worked_example_on_a_forward_holds() -> None:
    both = bs.black_76(6020, 6000, 5 / 365, 0.147, [True, False], 0.045)

    assert both.price == pytest.approx([51.988206494, 32.000531461], abs=6e-10)
    assert both.gamma == pytest.approx([0.003771617] * 2, abs=6e-10)


def test_the_straddle_of_the_toy_chain_holds() -> None:
    legs = bs.price(6000, 6000, 5 / 365, 0.147, [True, False], 0.045, 0.012)

    assert legs == pytest.approx([42.536189705, 39.8249], abs=5e-5)


def test_gammas_of_the_toy_chain_hold() -> None:
    strikes = np.array([5900, 5950, 6000, 6050, 6100])
    vol = np.array([0.170, 0.158, 0.147, 0.138, 0.132])

    got = bs.gamma(6000, strikes, 5 / 365, vol, 0.045, 0.012)

    assert got == pytest.approx(
        [0.00227375, 0.00319417, 0.00386160, 0.00367205, 0.00252406], abs=6e-9
    )


def test_vanna_and_charm_of_the_toy_chain_hold() -> None:
    strikes = np.array([5900, 5950, 6000, 6050, 6100])
    vol = np.array([0.170, 0.158, 0.147, 0.138, 0.132])

    got = bs.black_scholes(6000, strikes, 5 / 365, vol, True, 0.045, 0.012)

    assert got.vanna == pytest.approx(
        [-1.369164, -1.049140, -0.047923, 1.273594, 1.858232], abs=6e-7
    )
    assert got.charm / bs.DAYS == pytest.approx(
        [0.022069, 0.014866, -0.001373, -0.019557, -0.025893], abs=6e-7
    )


@settings(deadline=None)
@given(spots, ratios, years, vols, rates, rates)
def test_put_call_parity_holds(
    spot: float, ratio: float, t: float, vol: float, r: float, q: float
) -> None:
    strike = spot * ratio

    call, put = bs.price(spot, strike, t, vol, [True, False], r, q)

    parity = spot * math.exp(-q * t) - strike * math.exp(-r * t)
    assert call - put == pytest.approx(parity, abs=1e-11 * spot)


@settings(deadline=None)
@given(spots, ratios, years, vols, rates, rates, st.booleans())
def test_a_forward_prices_like_its_spot(
    spot: float, ratio: float, t: float, vol: float, r: float, q: float, is_call: bool
) -> None:
    forward = spot * math.exp((r - q) * t)

    by_spot = bs.black_scholes(spot, spot * ratio, t, vol, is_call, r, q)
    by_forward = bs.black_76(forward, spot * ratio, t, vol, is_call, r)

    assert by_forward.price == pytest.approx(float(by_spot.price), abs=1e-11 * spot)
    # d/dS = d/dF * dF/dS
    assert by_forward.delta * math.exp((r - q) * t) == pytest.approx(
        float(by_spot.delta), abs=1e-10
    )


def slope(f, x: float, h: float) -> float:
    """Derivative of f at x by a five-point stencil."""
    return float(-f(x + 2 * h) + 8 * f(x + h) - 8 * f(x - h) + f(x - 2 * h)) / (12 * h)


@settings(deadline=None)
@given(ratios, st.floats(0.05, 2.0), vols, rates, rates, st.booleans())
def test_greeks_are_the_slopes_of_price_and_delta(
    ratio: float, t: float, vol: float, r: float, q: float, is_call: bool
) -> None:
    spot, strike = 100.0, 100.0 * ratio

    def price(s=spot, years=t, v=vol, rate=r):  # type: ignore[no-untyped-def]
        return bs.price(s, strike, years, v, is_call, rate, q)

    def delta(s=spot, years=t, v=vol):  # type: ignore[no-untyped-def]
        return bs.black_scholes(s, strike, years, v, is_call, r, q).delta

    got = bs.black_scholes(spot, strike, t, vol, is_call, r, q)

    assert got.delta == pytest.approx(slope(lambda x: price(s=x), spot, 0.05), abs=1e-5)
    assert got.gamma == pytest.approx(slope(lambda x: delta(s=x), spot, 0.05), abs=1e-5)
    assert got.vega == pytest.approx(slope(lambda x: price(v=x), vol, 1e-4), abs=1e-4)
    assert got.theta == pytest.approx(-slope(lambda x: price(years=x), t, 1e-4), abs=1e-4)
    assert got.rho == pytest.approx(slope(lambda x: price(rate=x), r, 1e-4), abs=1e-4)
    assert got.vanna == pytest.approx(slope(lambda x: delta(v=x), vol, 1e-4), abs=1e-4)
    assert got.charm == pytest.approx(-slope(lambda x: delta(years=x), t, 1e-4), abs=1e-4)


@settings(deadline=None)
@given(ratios, years, vols, rates, st.booleans())
def test_theta_and_rho_on_a_forward_hold_the_forward(
    ratio: float, t: float, vol: float, r: float, is_call: bool
) -> None:
    def price(years: float = t, rate: float = r):  # type: ignore[no-untyped-def]
        return bs.black_76(100, 100 * ratio, years, vol, is_call, rate).price

    got = bs.black_76(100, 100 * ratio, t, vol, is_call, r)

    step = t * 1e-3
    assert got.theta == pytest.approx(-slope(lambda x: price(years=x), t, step), rel=1e-5, abs=1e-4)
    assert got.rho == pytest.approx(slope(lambda x: price(rate=x), r, 1e-4), abs=1e-4)


@settings(deadline=None)
@given(spots, ratios, years, vols, rates, rates, st.booleans())
def test_an_independent_library_agrees(
    spot: float, ratio: float, t: float, vol: float, r: float, q: float, is_call: bool
) -> None:
    oracle = pytest.importorskip("vollib.black_scholes_merton")
    greeks = pytest.importorskip("vollib.black_scholes_merton.greeks.analytical")
    flag, strike = "c" if is_call else "p", spot * ratio

    got = bs.black_scholes(spot, strike, t, vol, is_call, r, q)

    terms = (flag, spot, strike, t, r, vol, q)
    assert got.price == pytest.approx(
        oracle.black_scholes_merton(flag, spot, strike, t, r, vol, q), abs=1e-10 * spot
    )
    assert got.delta == pytest.approx(greeks.delta(*terms), abs=1e-11)
    assert got.gamma == pytest.approx(greeks.gamma(*terms), rel=1e-9, abs=1e-15)
    assert got.vega / bs.POINT == pytest.approx(greeks.vega(*terms), rel=1e-9, abs=1e-12)
    assert got.theta / bs.DAYS == pytest.approx(greeks.theta(*terms), rel=1e-8, abs=1e-11 * spot)
    assert got.rho / bs.PERCENT == pytest.approx(greeks.rho(*terms), rel=1e-8, abs=1e-11 * spot)


@pytest.mark.parametrize("is_call", [True, False], ids=["call", "put"])
def test_second_order_greeks_agree_with_a_second_library(is_call: bool) -> None:
    library = pytest.importorskip("blackscholes")
    kind = library.BlackScholesCall if is_call else library.BlackScholesPut
    oracle = kind(S=100.0, K=105.0, T=0.25, r=0.04, sigma=0.22, q=0.015)

    got = bs.black_scholes(100, 105, 0.25, 0.22, is_call, 0.04, 0.015)

    assert got.vanna == pytest.approx(oracle.vanna(), abs=1e-9)
    assert got.charm == pytest.approx(oracle.charm(), abs=1e-9)


@pytest.mark.parametrize(
    "terms",
    [(0, 100, 0.1, 0.2), (100, 0, 0.1, 0.2), (100, 100, 0, 0.2), (100, 100, 0.1, 0),
     (100, 100, -0.1, 0.2), (math.nan, 100, 0.1, 0.2), (100, 100, 0.1, math.nan)],
    ids=["no spot", "no strike", "expired", "no vol", "long expired", "NaN spot", "NaN vol"],
)  # fmt: skip
def test_what_has_no_meaning_is_nan_and_never_zero(terms: tuple[float, ...]) -> None:
    got = bs.black_scholes(*terms, True, 0.04, 0.01)

    assert all(np.isnan(number) for number in got)
    assert np.isnan(bs.price(*terms, False))
    assert np.isnan(bs.gamma(*terms))


def test_columns_price_like_single_contracts() -> None:
    strikes, vol = np.array([90.0, 100.0, 110.0]), np.array([[0.2], [0.3]])

    grid = bs.black_scholes(100, strikes, 0.5, vol, [True, False, True], 0.03, 0.01)

    assert grid.delta.shape == (2, 3)
    alone = bs.black_scholes(100, 110.0, 0.5, 0.3, True, 0.03, 0.01)
    assert [column[1, 2] for column in grid] == pytest.approx([float(x) for x in alone])
