"""Prices, greeks and implied volatilities against two outside libraries and finite differences.

vollib 1.0 (Black-Scholes-Merton, Black-76 and "Let's Be Rational") and blackscholes 0.2,
each asked for thousands of random options and for the edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from grok_sauce.analytics import black_scholes as bs
from grok_sauce.analytics.implied_volatility import implied_vol

HOUR = 1 / (365 * 24)
MINUTE = HOUR / 60


class Options(NamedTuple):
    """Columns of options, one row each."""

    spot: np.ndarray
    strike: np.ndarray
    years: np.ndarray
    vol: np.ndarray
    is_call: np.ndarray
    rate: np.ndarray
    dividend_yield: np.ndarray

    def rows(self) -> Iterator[tuple[Any, ...]]:
        return zip(*(column.tolist() for column in self), strict=True)

    @property
    def forward(self) -> np.ndarray:
        return self.spot * np.exp((self.rate - self.dividend_yield) * self.years)


def random_options(count: int, seed: int) -> Options:
    """Index-like options from a minute to three years, strikes within eight deviations."""
    rng = np.random.default_rng(seed)
    spot = np.exp(rng.uniform(math.log(5.0), math.log(25_000.0), count))
    years = np.exp(rng.uniform(math.log(MINUTE), math.log(3.0), count))
    vol = np.exp(rng.uniform(math.log(0.03), math.log(2.0), count))
    distance = rng.uniform(-8, 8, count) * np.minimum(vol * np.sqrt(years), 0.3)
    return Options(
        spot,
        spot * np.exp(distance),
        years,
        vol,
        rng.random(count) < 0.5,
        rng.uniform(-0.02, 0.12, count),
        rng.uniform(0.0, 0.08, count),
    )


def edge_options() -> Options:
    """At the money and far from it, the last minute and years, calm and wild, no rates."""
    rows = [
        (100.0, 100.0 * ratio, years, vol, is_call, rate, dividend_yield)
        for ratio in (0.5, 0.9, 1.0, 1.1, 2.0)
        for years in (MINUTE, 6.5 * HOUR, 5 / 365, 0.5, 3.0)
        for vol in (0.01, 0.147, 1.0, 3.0)
        for is_call in (True, False)
        for rate, dividend_yield in (
            (0.0, 0.0),
            (0.05, 0.0),
            (0.0, 0.05),
            (-0.01, 0.0),
            (0.04, 0.04),
        )
    ]
    return Options(*(np.array(column) for column in zip(*rows, strict=True)))


OPTIONS = {"random": random_options(4_000, 3), "edges": edge_options()}


@pytest.fixture(params=list(OPTIONS))
def options(request: pytest.FixtureRequest) -> Options:
    return OPTIONS[request.param]


def valued(options: Options) -> bs.Valuation:
    return bs.black_scholes(*options)


def asked(function: Callable[..., float], options: Options) -> np.ndarray:
    """vollib's Black-Scholes-Merton functions: (flag, S, K, t, r, sigma, q)."""
    return np.array(
        [
            function("c" if call else "p", spot, strike, years, rate, vol, dividend_yield)
            for spot, strike, years, vol, call, rate, dividend_yield in options.rows()
        ]
    )


def test_price_and_greeks_agree_with_vollib(options: Options) -> None:
    model = pytest.importorskip("vollib.black_scholes_merton")
    greeks = pytest.importorskip("vollib.black_scholes_merton.greeks.analytical")

    got = valued(options)

    spot = options.spot
    close = {"rtol": 1e-9, "atol": 0}
    assert np.abs(got.price - asked(model.black_scholes_merton, options)).max() < 1e-9
    assert (np.abs(got.price - asked(model.black_scholes_merton, options)) < 1e-13 * spot).all()
    assert np.allclose(got.delta, asked(greeks.delta, options), rtol=0, atol=1e-13)
    assert np.allclose(got.gamma, asked(greeks.gamma, options), **close)
    assert np.allclose(got.vega / bs.POINT, asked(greeks.vega, options), **close)
    theta = asked(greeks.theta, options)
    assert (np.abs(got.theta / bs.DAYS - theta) < 1e-10 * (np.abs(theta) + 1e-3 * spot)).all()
    rho = asked(greeks.rho, options)
    assert (np.abs(got.rho / bs.PERCENT - rho) < 1e-12 * spot).all()


def test_price_and_greeks_agree_with_blackscholes(options: Options) -> None:
    library = pytest.importorskip("blackscholes")
    names = ("price", "delta", "gamma", "vega", "theta", "rho", "vanna", "charm")
    expected = []
    for spot, strike, years, vol, call, rate, dividend_yield in options.rows():
        kind = library.BlackScholesCall if call else library.BlackScholesPut
        oracle = kind(S=spot, K=strike, T=years, r=rate, sigma=vol, q=dividend_yield)
        expected.append([getattr(oracle, name)() for name in names])

    got = valued(options)

    # Its normal distribution is exact to 1e-16 absolute, which counts where tails are all.
    floor = {"price": options.spot, "delta": 1.0, "theta": options.spot, "rho": options.spot}
    floor["charm"] = 1.0
    for name, theirs in zip(names, np.array(expected).T, strict=True):
        scale = np.abs(theirs) + floor.get(name, 0.0)
        assert (np.abs(getattr(got, name) - theirs) <= 2e-13 * scale).all(), name


def test_black_76_agrees_with_both_libraries(options: Options) -> None:
    model = pytest.importorskip("vollib.black").black
    greeks = pytest.importorskip("vollib.black.greeks.analytical")
    library = pytest.importorskip("blackscholes")
    first, second = [], []
    for forward, (_, strike, years, vol, call, rate, _) in zip(
        options.forward.tolist(), options.rows(), strict=True
    ):
        terms = ("c" if call else "p", forward, strike, years, rate, vol)
        kind = library.Black76Call if call else library.Black76Put
        oracle = kind(F=forward, K=strike, T=years, r=rate, sigma=vol)
        first.append((model(*terms), greeks.delta(*terms), greeks.gamma(*terms)))
        second.append((oracle.price(), oracle.delta(), oracle.gamma(), oracle.theta()))

    got = bs.black_76(options.forward, *options[1:5], options.rate)

    scales = (options.forward, np.ones_like(options.forward), got.gamma, options.forward)
    for expected in (first, second):
        for ours, theirs, scale in zip(
            (got.price, got.delta, got.gamma, got.theta), np.array(expected).T, scales, strict=False
        ):
            assert (np.abs(ours - theirs) <= 2e-13 * (np.abs(theirs) + scale)).all()


def test_a_forward_prices_like_its_spot_everywhere(options: Options) -> None:
    by_spot = valued(options)

    by_forward = bs.black_76(options.forward, *options[1:5], options.rate)

    growth = options.forward / options.spot
    assert (np.abs(by_forward.price - by_spot.price) < 1e-13 * options.spot).all()
    assert np.allclose(by_forward.delta * growth, by_spot.delta, rtol=0, atol=1e-10)
    assert np.allclose(by_forward.gamma * growth**2, by_spot.gamma, rtol=1e-8, atol=1e-250)
    assert np.allclose(by_forward.vega, by_spot.vega, rtol=1e-8, atol=1e-250)


def test_put_call_parity_holds_for_price_and_every_greek(options: Options) -> None:
    spot, strike, years, _, _, rate, dividend_yield = options
    call, put = (bs.black_scholes(*options[:4], side, *options[5:]) for side in (True, False))
    shares, cash = np.exp(-dividend_yield * years), strike * np.exp(-rate * years)
    expected = {
        "price": spot * shares - cash,
        "delta": shares,
        "gamma": 0.0,
        "vega": 0.0,
        "theta": dividend_yield * spot * shares - rate * cash,
        "rho": years * cash,
        "vanna": 0.0,
        "charm": dividend_yield * shares,
    }

    for name, difference in expected.items():
        one, other = getattr(call, name), getattr(put, name)
        scale = np.maximum(np.abs(one), np.abs(other)) + spot * (name in ("price", "theta", "rho"))
        assert (np.abs(one - other - difference) < 1e-12 * (scale + 1.0)).all(), name


# ---- finite differences -----------------------------------------------------------------

# field: (what it is the slope of, by which argument, sign)
SLOPES = {
    "delta": ("price", "spot", 1.0),
    "gamma": ("delta", "spot", 1.0),
    "vega": ("price", "vol", 1.0),
    "theta": ("price", "years", -1.0),
    "rho": ("price", "rate", 1.0),
    "vanna": ("delta", "vol", 1.0),
    "charm": ("delta", "years", -1.0),
}


@pytest.mark.parametrize("name", SLOPES)
def test_every_greek_is_the_slope_it_claims_to_be(name: str) -> None:
    of, by, sign = SLOPES[name]
    rng = np.random.default_rng(11)
    count = 5_000
    spot, years, vol = (
        rng.uniform(50, 150, count),
        rng.uniform(0.02, 2, count),
        rng.uniform(0.08, 0.9, count),
    )
    strike = spot * np.exp(rng.uniform(-3, 3, count) * vol * np.sqrt(years))
    is_call = rng.random(count) < 0.5
    options = Options(
        spot,
        strike,
        years,
        vol,
        is_call,
        rng.uniform(-0.02, 0.1, count),
        rng.uniform(0, 0.08, count),
    )
    base = getattr(options, by)
    # A share of the distance over which the option changes its character.
    step = {
        "spot": 0.02 * spot * vol * np.sqrt(years),
        "vol": 0.01 * vol,
        "years": 0.01 * years,
        "rate": np.full(count, 1e-4),
    }[by]

    def at(shift: float) -> np.ndarray:
        return np.asarray(getattr(valued(options._replace(**{by: base + shift * step})), of))

    slope = sign * (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)

    got = getattr(valued(options), name)
    assert (np.abs(got - slope) < 2e-6 * (np.abs(slope) + np.median(np.abs(slope)))).all()


# ---- implied volatilities ---------------------------------------------------------------


def test_implied_volatilities_agree_with_lets_be_rational(options: Options) -> None:
    oracle = pytest.importorskip("vollib.black.implied_volatility").implied_volatility
    spread = options.vol * np.sqrt(options.years)
    x = np.abs(np.log(options.forward / options.strike))
    # The out-of-the-money side, down to 1e-300; beyond seven deviations nothing is left.
    chosen = (x < 30 * spread) & (spread < 5) & (x > 0)
    some = Options(*(column[chosen] for column in options))
    is_call = some.strike > some.forward
    price = bs.black_76(some.forward, some.strike, some.years, some.vol, is_call, some.rate).price
    expected = np.array(
        [
            oracle(value, forward, strike, rate, years, "c" if call else "p")
            for value, forward, strike, rate, years, call in zip(
                *(
                    column.tolist()
                    for column in (price, some.forward, some.strike, some.rate, some.years, is_call)
                ),
                strict=True,
            )
        ]
    )

    got = implied_vol(price, some.forward, some.strike, some.years, is_call, some.rate)

    assert len(some.spot) > 200
    assert np.allclose(got, expected, rtol=1e-11, atol=0)


def root_of_the_other_librarys_price(library: Any, row: tuple[Any, ...]) -> tuple[float, float]:
    """(price, volatility found for it by Brent's method), both by outside code."""
    spot, strike, years, vol, call, rate, dividend_yield = row
    kind = library.BlackScholesCall if call else library.BlackScholesPut

    def value(v: float) -> float:
        return float(kind(S=spot, K=strike, T=years, r=rate, sigma=v, q=dividend_yield).price())

    price = value(vol)
    brentq = pytest.importorskip("scipy.optimize").brentq
    return price, brentq(lambda v: value(v) - price, 0.01, 4.0, xtol=1e-13)


def test_implied_volatilities_agree_with_a_root_search_on_the_other_librarys_price() -> None:
    library = pytest.importorskip("blackscholes")
    options = random_options(600, 5)
    spread = options.vol * np.sqrt(options.years)
    near = np.abs(np.log(options.strike / options.spot)) < 2.5 * spread
    chosen = near & (options.vol > 0.05)
    some = Options(*(column[chosen] for column in options))
    price, expected = np.array(
        [root_of_the_other_librarys_price(library, row) for row in some.rows()]
    ).T

    got = implied_vol(price, some.forward, some.strike, some.years, some.is_call, some.rate)

    assert len(price) > 100
    attainable = 1e-14 * (some.spot + some.strike) / valued(some).vega
    assert (np.abs(got - expected) < 1e-11 + attainable).all()


# ---- the toy chain ----------------------------------------------------------------------


def test_exposures_of_the_toy_chain_follow_from_its_greeks(toy_chain: Any) -> None:
    value = bs.black_scholes(
        6000, toy_chain.strikes, toy_chain.years(), toy_chain.iv, toy_chain.is_call, 0.045, 0.012
    )
    dollars = toy_chain.oi * toy_chain.multiplier * 6000
    side = np.where(toy_chain.is_call, 1, -1)

    assert (value.delta * dollars).sum() == pytest.approx(447_069_552, abs=0.5)
    assert (side * value.delta * dollars).sum() == pytest.approx(11_161_371_717, abs=0.5)
    assert (side * value.vanna * dollars * 0.01).sum() == pytest.approx(200_962_194, abs=0.5)
    assert (side * value.charm * dollars / bs.DAYS).sum() == pytest.approx(-299_986_564, abs=0.5)
    assert (side * value.gamma * dollars).sum() == pytest.approx(6_596_053, abs=0.5)
    assert (side * value.gamma * dollars * 60).sum() == pytest.approx(395_763_201, abs=0.5)
