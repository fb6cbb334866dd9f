"""Black's two-parameter formula against 60-digit arithmetic, and its inverse against itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grok_sauce.analytics import normalised_black
from grok_sauce.analytics.black_scholes import erfcx
from grok_sauce.analytics.normalised_black import log_price, mills, total_volatility

# mpmath 1.4.1, 60 digits: (z, N(z) / phi(z)) and (x, total, ln b).
MILLS = (
    (-38.0, 0.026297602974252964),
    (-20.0, 0.049875925981836784),
    (-5.0, 0.19280810471531576),
    (-1.0, 0.65567954241879847),
    (-0.1, 1.1592623996187363),
    (0.0, 1.2533141373155003),
    (0.5, 1.9640174953579938),
    (3.0, 225.33489622034912),
)
LOG_PRICES = (
    (-0.0, 0.2, -2.5300420015472385),
    (-1e-9, 1e-6, -14.735702690734042),
    (-0.001, 0.0001, -64.763462409325132),
    (-0.01, 0.0005, -214.5187410000636),
    (-0.1, 0.004, -325.38292649302879),
    (-0.5, 0.05, -58.549160958653542),
    (-0.7, 1.5, -1.3012191488148157),
    (-2.0, 0.06, -566.30416134010858),
    (-3.0, 4.0, -1.6809224377938539),
    (-0.05, 0.199999, -2.8621490267961825),  # on either side of where the series takes over
    (-0.05, 0.200001, -2.8621355616990277),
    (-6.0, 8.0, -3.0009878334546716),
)


def normalised(count: int, seed: int) -> tuple[np.ndarray, ...]:
    """Random (x, total, price, complement) over everything whose price fits into a double."""
    rng = np.random.default_rng(seed)
    x = -np.exp(rng.uniform(math.log(1e-9), math.log(6.0), count))
    total = np.exp(rng.uniform(math.log(1e-6), math.log(8.0), count))
    log_b = log_price(x, total)
    fits = (log_b > -700) & (log_b < 0.5 * x)
    x, total, log_b = x[fits], total[fits], log_b[fits]
    h, t = x / total, 0.5 * total
    density = np.exp(-0.5 * (h * h + t * t)) / math.sqrt(2 * math.pi)
    complement = density * (mills(-(h + t)) + mills(h - t))
    price = np.exp(log_b)
    low = price < complement
    highest = np.exp(0.5 * x)
    return (
        x,
        total,
        np.where(low, price, highest - complement),
        np.where(low, highest - price, complement),
    )


@pytest.mark.parametrize("z, expected", MILLS)
def test_the_mills_ratio_agrees_with_60_digits(z: float, expected: float) -> None:
    assert float(mills(np.array([z]))[0]) == pytest.approx(expected, rel=2e-15)


@pytest.mark.parametrize("x, total, expected", LOG_PRICES)
def test_the_log_price_agrees_with_60_digits(x: float, total: float, expected: float) -> None:
    got = float(log_price(np.array([x]), np.array([total]))[0])

    # A relative error of b divided by h^2 is the error of the volatility.
    assert got == pytest.approx(expected, rel=0, abs=2e-15 * (1 + (x / total) ** 2))


def test_the_scaled_error_function_agrees_with_scipy() -> None:
    oracle = pytest.importorskip("scipy.special").erfcx
    x = np.concatenate([np.linspace(-26, 30, 20_001), [0.46875, -0.46875, 4.0, 1e8, -0.0]])

    assert erfcx(x) == pytest.approx(oracle(x), rel=5e-15)


def test_the_scaled_error_function_knows_its_limits() -> None:
    got = erfcx([np.inf, -np.inf, np.nan])

    assert got[0] == 0.0
    assert got[1] == np.inf
    assert np.isnan(got[2])


def test_every_price_returns_to_its_volatility() -> None:
    x, total, price, complement = normalised(60_000, 7)

    got = total_volatility(x, price, complement)

    assert len(x) > 40_000
    assert np.abs(got / total - 1).max() < 1e-14


def test_three_passes_are_enough_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    x, total, price, complement = normalised(60_000, 8)
    monkeypatch.setattr(normalised_black, "_PASSES", 3)

    got = total_volatility(x, price, complement)

    assert np.abs(got / total - 1).max() < 1e-14


def test_one_pass_is_enough_for_an_index_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    strikes = np.arange(5400.0, 6605.0, 5.0)
    x = -np.abs(np.log(6000.0 / strikes))
    total = (0.15 + np.abs(x)) * math.sqrt(5 / 365)
    price = np.exp(log_price(x, total))
    monkeypatch.setattr(normalised_black, "_PASSES", 1)

    got = total_volatility(x, price, np.exp(0.5 * x) - price)

    assert np.abs(got / total - 1).max() < 1e-13


def test_what_does_not_converge_is_nan_and_not_the_last_guess(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(normalised_black, "_PASSES", 1)

    got = total_volatility(np.array([-4.0]), np.array([0.05]), np.array([math.exp(-2) - 0.05]))

    assert np.isnan(got[0])


def test_a_wild_step_is_caught_by_the_bracket(monkeypatch: pytest.MonkeyPatch) -> None:
    x, total, price, complement = normalised(4_000, 9)
    monkeypatch.setattr(normalised_black, "_guess_low", lambda x, price: np.full_like(x, 3.0))
    monkeypatch.setattr(normalised_black, "_guess_high", lambda c: np.full_like(c, 1e-3))

    got = total_volatility(x, price, complement)

    assert np.abs(got / total - 1).max() < 1e-12


def test_at_the_money_needs_no_special_case() -> None:
    # beta(0, 0.2) = 2 N(0.1) - 1
    price = np.array([math.erf(0.1 / math.sqrt(2))])

    assert float(total_volatility(np.zeros(1), price, 1 - price)[0]) == pytest.approx(
        0.2, rel=1e-15
    )


def test_the_smallest_and_the_largest_prices_have_a_volatility() -> None:
    x = np.array([-0.5, -0.5, 0.0, 0.0])
    price = np.array([5e-324, np.exp(-0.25), 1e-300, 1.0])
    complement = np.array([np.exp(-0.25), 1e-300, 1.0, 1e-300])

    got = total_volatility(x, price, complement)

    assert np.isfinite(got).all()
    assert log_price(x[:1], got[:1])[0] == pytest.approx(math.log(5e-324), rel=1e-12)
    assert got[2] == pytest.approx(math.sqrt(2 * math.pi) * 1e-300)
    assert 70 < got[1] < 80


def test_no_prices_give_no_volatilities() -> None:
    assert total_volatility(np.empty(0), np.empty(0), np.empty(0)).shape == (0,)
