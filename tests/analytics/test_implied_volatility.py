"""Volatilities from prices: round trips, the reasons for none, and whole chains."""

from __future__ import annotations

import doctest
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics import implied_volatility as iv
from grok_sauce.analytics.black_scholes import black_76
from grok_sauce.analytics.forward import Forward, Rates, forwards
from grok_sauce.analytics.implied_volatility import chain_vols, explain, implied_vol
from grok_sauce.analytics.normalised_black import log_price
from grok_sauce.market.chain import OptionChain

HOUR = 1 / (365 * 24)
HARD = list(
    itertools.product(
        (0.5, 0.7, 0.9, 0.98, 1.0, 1.02, 1.1, 1.4, 2.0),
        (HOUR, 6.5 * HOUR, 5 / 365, 0.25, 2.0),
        (0.05, 0.1, 0.2, 0.6, 1.5),
    )
)
RATES = Rates(0.045, 0.012)
ChainOf = Callable[..., OptionChain]


def forward(value: float = 6000.0, rate: float = 0.0) -> Forward:
    return Forward(value, "rates", (), rate, None)


def quote(strike: float, right: str, vol: float, width: float = 0.1, **more: object) -> dict:
    """A row quoted around Black's price on a forward of 6000, five days out."""
    price = float(black_76(6000, strike, 5 / 365, vol, right == "C").price)
    return {
        "strike": strike,
        "right": right,
        "bid": price - width / 2,
        "ask": price + width / 2,
    } | more


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(iv).failed == 0


def test_the_worked_example_holds() -> None:
    assert float(
        implied_vol(5.87602423, 100 * math.exp(0.005), 100, 0.5, True, 0.01)
    ) == pytest.approx(0.2, abs=5e-9)


@pytest.mark.parametrize("is_call", [True, False], ids=["calls", "puts"])
def test_hard_cases_round_trip_to_the_last_digits(is_call: bool) -> None:
    ratio, years, vol = np.array(HARD).T
    strike = 100.0 * (np.maximum(ratio, 1 / ratio) if is_call else np.minimum(ratio, 1 / ratio))
    x = -np.abs(np.log(100.0 / strike))
    log_b = log_price(x, vol * np.sqrt(years))
    priced = log_b > -660  # cheaper than 1e-286 is no number any more
    price = np.sqrt(100.0 * strike) * np.exp(log_b - 0.03 * years)

    got = implied_vol(price, 100.0, strike, years, is_call, 0.03)

    assert priced.sum() > 116
    assert np.abs(got[priced] / vol[priced] - 1).max() < 1e-13


@pytest.mark.parametrize("is_call", [True, False], ids=["calls", "puts"])
def test_prices_of_the_textbook_formula_round_trip_as_far_as_they_are_exact(is_call: bool) -> None:
    ratio, years, vol = np.array(HARD).T
    strike = 100.0 * (np.maximum(ratio, 1 / ratio) if is_call else np.minimum(ratio, 1 / ratio))
    price = black_76(100.0, strike, years, vol, is_call, 0.03).price
    priced = price > 1e-286

    got = implied_vol(price, 100.0, strike, years, is_call, 0.03)

    # The difference of two far tails carries the rounding of both.
    assert priced.sum() > 116
    assert np.abs(got[priced] / vol[priced] - 1).max() < 1e-11


@given(
    st.floats(0.3, 3.0),
    st.floats(HOUR / 60, 5.0),
    st.floats(0.01, 4.0),
    st.floats(-0.02, 0.1),
    st.booleans(),
)
def test_a_volatility_reproduces_its_price_and_a_none_has_its_reason(
    ratio: float, years: float, vol: float, rate: float, is_call: bool
) -> None:
    strike = 6000.0 * ratio
    price = float(black_76(6000, strike, years, vol, is_call, rate).price)

    got = float(implied_vol(price, 6000, strike, years, is_call, rate))
    reason = explain(price, 6000, strike, years, is_call, rate)[0]

    assert math.isnan(got) == (reason not in (None, "low_quality"))
    if not math.isnan(got):
        again = float(black_76(6000, strike, years, got, is_call, rate).price)
        assert again == pytest.approx(price, rel=1e-12, abs=1e-11 * strike)


@given(st.floats(0.6, 1.6), st.floats(HOUR, 2.0), st.floats(0.03, 2.0), st.booleans())
def test_a_volatility_comes_back_to_ten_digits_where_the_price_holds_as_many(
    ratio: float, years: float, vol: float, is_call: bool
) -> None:
    value = black_76(100, 100 * ratio, years, vol, is_call)

    got = float(implied_vol(value.price, 100, 100 * ratio, years, is_call))

    # One unit of the last place of an in-the-money price, in volatility.
    attainable = 1e-15 * 100 * max(1, ratio) / max(float(value.vega), 1e-300)
    if attainable < 1e-11:
        assert got == pytest.approx(vol, abs=1e-10)


def test_both_sides_of_a_strike_imply_the_same() -> None:
    pair = black_76(6020, 6000, 5 / 365, 0.147, [True, False], 0.045).price

    got = implied_vol(pair, 6020, 6000, 5 / 365, [True, False], 0.045)

    assert got == pytest.approx([0.147, 0.147], abs=1e-13)


@pytest.mark.parametrize(
    "terms, reason",
    [
        ((10.0, 100, 90, 0.1, True), "below_intrinsic"),
        ((9.9, 100, 90, 0.1, True), "below_intrinsic"),
        ((9.9, 90, 100, 0.1, False), "below_intrinsic"),
        ((0.0, 100, 110, 0.1, True), "below_intrinsic"),
        ((-1.0, 100, 110, 0.1, True), "below_intrinsic"),
        ((100.0, 100, 90, 0.1, True), "above_max"),
        ((90.0, 100, 90, 0.1, False), "above_max"),
        ((120.0, 100, 110, 0.1, False), "above_max"),
        ((math.nan, 100, 90, 0.1, True), "unknown"),
        ((math.inf, 100, 90, 0.1, True), "unknown"),
        ((5.0, math.nan, 90, 0.1, True), "unknown"),
        ((5.0, 0.0, 90, 0.1, True), "unknown"),
        ((5.0, 100, -90, 0.1, True), "unknown"),
        ((5.0, 100, math.inf, 0.1, True), "unknown"),
        ((5.0, 100, 100, math.nan, True), "unknown"),
        ((5.0, 100, 100, 0.0, True), "expired"),
        ((5.0, 100, 100, -0.1, True), "expired"),
    ],
)
def test_a_price_that_implies_nothing_says_why_and_gets_no_volatility(
    terms: tuple[float, float, float, float, bool], reason: str
) -> None:
    assert math.isnan(float(implied_vol(*terms)))
    assert explain(*terms) == [reason]


def test_a_discounted_price_is_judged_undiscounted() -> None:
    # 9.96 today is 10.06 in a year's money at 1 %: above the intrinsic value of 10.
    assert explain([9.96, 9.85], 100, 90, 1.0, True, 0.01) == [None, "below_intrinsic"]


def test_rounding_of_a_price_deep_in_the_money_is_no_time_value() -> None:
    intrinsic = 6000.0 - 3000.1

    assert explain(np.nextafter(intrinsic, 9e9), 6000, 3000.1, 0.01, True) == ["below_intrinsic"]


def test_next_to_nothing_is_inverted_but_marked() -> None:
    price = 1e-9  # less than 1e-8 of a forward of 100

    assert explain(price, 100, 150, 0.1, True) == ["low_quality"]
    vol = float(implied_vol(price, 100, 150, 0.1, True))
    assert float(black_76(100, 150, 0.1, vol, True).price) == pytest.approx(price, rel=1e-12)


@pytest.mark.parametrize(
    "price, spread, tick, reason",
    [
        (1.0, 0.5, 0.05, None),
        (1.0, 0.51, 0.05, "low_quality"),
        (0.10, 0.10, 0.05, None),  # half the price is less than two ticks
        (0.10, 0.15, 0.05, "low_quality"),
        (0.10, 0.06, 0.01, "low_quality"),
        (1.0, math.nan, 0.05, None),
    ],
)
def test_a_spread_above_half_the_price_and_two_ticks_is_marked(
    price: float, spread: float, tick: float, reason: str | None
) -> None:
    assert explain(price, 100, 102, 0.1, True, spread=spread, tick=tick) == [reason]


def test_arguments_broadcast_and_the_shape_stays() -> None:
    grid = implied_vol([[6.0], [7.0]], 100, [95, 100, 105], 0.5, False)

    assert grid.shape == (2, 3)
    assert float(grid[1, 2]) == float(implied_vol(7.0, 100, 105, 0.5, False))
    assert implied_vol(4.0, 100, 100, 0.5, True).shape == ()
    assert implied_vol([], 100, [], 0.5, True).shape == (0,)
    assert explain([], 100, [], 0.5, True) == []


# ---- chains -----------------------------------------------------------------------------


def test_the_toy_chain_gives_its_volatilities_back(toy_chain: OptionChain) -> None:
    found = chain_vols(toy_chain, forwards(toy_chain, RATES))

    assert found.vol == pytest.approx(toy_chain.iv, abs=1e-10)
    assert found.own == pytest.approx(toy_chain.iv, abs=1e-10)
    assert not found.low_quality.any()


def test_both_contracts_of_a_strike_get_the_out_of_the_money_volatility(chain_of: ChainOf) -> None:
    chain = chain_of(
        [quote(5900, "C", 0.3), quote(5900, "P", 0.2), quote(6100, "C", 0.1), quote(6100, "P", 0.4)]
    )

    found = chain_vols(chain, [forward()])

    assert found.vol == pytest.approx([0.2, 0.2, 0.1, 0.1], abs=1e-10)
    assert found.own == pytest.approx([0.3, 0.2, 0.1, 0.4], abs=1e-10)


def test_the_strike_at_the_forward_counts_as_a_call(chain_of: ChainOf) -> None:
    chain = chain_of([quote(6000, "P", 0.2), quote(6000, "C", 0.1)])

    assert chain_vols(chain, [forward()]).vol == pytest.approx([0.1, 0.1], abs=1e-10)


def test_half_the_work_leaves_the_other_sides_own_unknown(chain_of: ChainOf) -> None:
    chain = chain_of([quote(5900, "C", 0.3), quote(5900, "P", 0.2)])

    found = chain_vols(chain, [forward()], both_sides=False)

    assert found.vol == pytest.approx([0.2, 0.2], abs=1e-10)
    assert np.isnan(found.own).tolist() == [True, False]


def test_an_in_the_money_quote_does_not_stand_in_for_a_missing_one(chain_of: ChainOf) -> None:
    chain = chain_of([quote(5900, "C", 0.3), {"strike": 5900, "right": "P"}, quote(6100, "P", 0.3)])

    found = chain_vols(chain, [forward()])

    assert np.isnan(found.vol).all()
    assert found.own[[0, 2]] == pytest.approx([0.3, 0.3], abs=1e-10)


@pytest.mark.parametrize(
    "change",
    [{"quote_at": 0.0}, {"quote_at": math.nan}, {"bid": 0.0}, {"bid": None}, {"ask": 1.0}],
    ids=["old", "never", "no bid", "bid unknown", "crossed"],
)
def test_a_quote_that_cannot_be_used_implies_nothing(
    chain_of: ChainOf, change: dict[str, float]
) -> None:
    chain = chain_of([quote(6100, "C", 0.2, **change)])

    found = chain_vols(chain, [forward()])

    assert np.isnan(found.vol).all()
    assert not found.low_quality.any()


def test_a_wide_quote_is_marked_for_both_contracts(chain_of: ChainOf) -> None:
    wide = quote(6100, "C", 0.2)
    wide |= {"bid": wide["bid"] * 0.6, "ask": wide["ask"] * 1.4}
    chain = chain_of([wide, quote(6100, "P", 0.2)])

    found = chain_vols(chain, [forward()])

    assert found.low_quality.tolist() == [True, True]
    assert np.isfinite(found.vol).all()


def test_an_expiry_without_a_forward_or_settled_implies_nothing(chain_of: ChainOf) -> None:
    rows = [quote(6100, "C", 0.2), quote(6100, "C", 0.2, expiry="2026-12-15")]
    chain = chain_of(rows)

    found = chain_vols(chain, [forward(), None])

    assert np.isnan(found.vol).all()


def test_am_and_pm_of_one_day_are_priced_to_their_own_instants(chain_of: ChainOf) -> None:
    terms = {"strike": 6100, "right": "C", "bid": 20.0, "ask": 20.2, "expiry": "2026-12-18"}
    chain = chain_of([terms | {"root": "SPX", "settlement": "AM"}, terms])

    am, pm = chain_vols(chain, [forward(), forward()]).vol

    hours = (2 * 24 - 6.5, 2 * 24)
    assert am == pytest.approx(pm * math.sqrt(hours[1] / hours[0]), rel=1e-12)


def test_the_last_minute_lasts_a_minute(chain_of: ChainOf) -> None:
    rows = [{"strike": 6000, "right": "C", "bid": 0.9, "ask": 1.1}]
    settles = chain_of(rows).expiries[0].settles

    at_sixty, at_one = (
        chain_vols(chain_of(rows, as_of=settles - left), [forward()]).vol[0] for left in (60, 1)
    )

    assert at_sixty == at_one
    assert at_sixty == pytest.approx(
        math.sqrt(2 * math.pi) / 6000 / math.sqrt(60 / 31536000), rel=1e-3
    )


def test_a_penny_chain_has_a_penny_tick(chain_of: ChainOf) -> None:
    nickels = chain_of([{"strike": 600, "right": "C", "bid": 1.15, "ask": 1.20}])
    pennies = chain_of([{"strike": 600, "right": "C", "bid": 1.15, "ask": 1.16}])

    assert iv.tick_of(nickels) == 0.05
    assert iv.tick_of(pennies) == 0.01


def test_an_empty_chain_has_no_volatilities(chain_of: ChainOf) -> None:
    assert chain_vols(chain_of([]), []).vol.shape == (0,)
