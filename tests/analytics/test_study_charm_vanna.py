"""Charm and vanna in futures: against finite differences of a model of its own, and their laws."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import gex
from grok_sauce.analytics.forward import Rates
from grok_sauce.analytics.study_charm_vanna import CharmVanna, charm_vanna
from grok_sauce.analytics.study_futures import FuturesScale
from grok_sauce.market.chain import OptionChain
from tests.option_chains import (
    AS_OF,
    EXPIRY,
    TOY,
    TOY_RATE,
    TOY_SPOT,
    TOY_YEARS,
    TOY_YIELD,
    chain_of,
)

RATES = Rates(TOY_RATE, TOY_YIELD)
ES = FuturesScale("/ESZ6", 50.0, 1.0, 0.0, False)
HOUR = 1 / (365 * 24)


def study(chain: OptionChain, scale: FuturesScale | None = ES) -> CharmVanna:
    return charm_vanna(gex.prepare(chain, RATES), scale)


def rows_of(*terms: tuple[float, str, float, int], **more: Any) -> list[dict[str, Any]]:
    return [
        {"strike": strike, "right": right, "iv": iv, "oi": oi, **more}
        for strike, right, iv, oi in terms
    ]


def toy_terms() -> list[tuple[float, str, float, int]]:
    return [
        (strike, right, iv, oi)
        for strike, iv, calls, puts, _, _ in TOY
        for right, oi in (("C", calls), ("P", puts))
    ]


def price(strike: float, right: str, vol: float, years: float, spot: float) -> float:
    """Black-Scholes-Merton by the textbook, with math.erfc."""
    sign = 1 if right == "C" else -1
    spread = vol * math.sqrt(years)
    first = (math.log(spot / strike) + (TOY_RATE - TOY_YIELD) * years) / spread + spread / 2

    def cdf(x: float) -> float:
        return 0.5 * math.erfc(-x / math.sqrt(2))

    return sign * (
        spot * math.exp(-TOY_YIELD * years) * cdf(sign * first)
        - strike * math.exp(-TOY_RATE * years) * cdf(sign * (first - spread))
    )


def book_delta(years: float, more_vol: float = 0.0) -> float:
    """Dealers' delta of the toy book by finite differences of price: $ per point."""
    total = 0.0
    for strike, right, vol, oi in toy_terms():
        sign = 1 if right == "C" else -1
        up, down = (
            price(strike, right, vol + more_vol, years, TOY_SPOT + step) for step in (0.5, -0.5)
        )
        total += sign * oi * 100 * (up - down)
    return total


def test_the_worked_example_in_futures(toy_chain: OptionChain) -> None:
    """200,962,194 $ of delta a volatility point and -299,986,564 a day, printed elsewhere."""
    found = study(toy_chain)

    assert found.vanna_dollars == pytest.approx(200_962_194, rel=1e-8)
    assert found.vanna == pytest.approx(200_962_194 / (6000 * 50), rel=1e-8)
    assert found.charm == pytest.approx(-299_986_564 / (6000 * 50 * 24), rel=1e-8)
    assert (found.word, found.n, found.unreliable) == ("grows", 10, False)
    assert found.hours == pytest.approx(120)


def test_changes_ahead_are_those_an_outside_library_finds(toy_chain: OptionChain) -> None:
    """SciPy 1.17.1's normal: -20.882995547 in half an hour, -169.958760008 in four hours, and
    -11304.572388713 until the settlement, in contracts of 50."""
    found = {round(each.minutes): each for each in study(toy_chain).ahead}

    assert sorted(found) == [30, 60, 120, 240, 7200]
    assert found[30].contracts == pytest.approx(-20.882995546501956, rel=1e-9)
    assert found[240].contracts == pytest.approx(-169.95876000793214, rel=1e-9)
    assert found[7200].contracts == pytest.approx(-11304.572388712539, rel=1e-9)
    assert (found[240].settled, found[7200].settled) == (0, 10)


def test_charm_and_vanna_are_finite_differences_of_the_price(toy_chain: OptionChain) -> None:
    step = HOUR / 100
    charm = (book_delta(TOY_YEARS - step) - book_delta(TOY_YEARS + step)) / (2 * step) * HOUR
    vanna = (book_delta(TOY_YEARS, 1e-4) - book_delta(TOY_YEARS, -1e-4)) / 2e-4 * 0.01

    found = study(toy_chain)

    assert found.charm_dollars == pytest.approx(charm, rel=1e-4)
    assert found.vanna_dollars == pytest.approx(vanna * TOY_SPOT, rel=1e-4)


def test_calls_above_spot_lose_delta_with_time_and_gain_it_with_volatility() -> None:
    strikes = [6050.0 + 10 * n for n in range(10)]

    found = study(chain_of(rows_of(*[(strike, "C", 0.15, 100) for strike in strikes])))

    assert found.charm is not None
    assert found.vanna is not None
    assert found.charm < 0 < found.vanna


def test_puts_count_the_other_way_round() -> None:
    strikes = [5850.0 + 30 * n for n in range(10)]
    calls = study(chain_of(rows_of(*[(strike, "C", 0.15, 100) for strike in strikes])))
    puts = study(chain_of(rows_of(*[(strike, "P", 0.15, 100) for strike in strikes])))

    assert calls.vanna is not None
    assert puts.vanna == pytest.approx(-calls.vanna)


def test_near_settlement_a_rate_is_not_relied_on_but_the_change_ahead_is_finite() -> None:
    terms = [(5990.0 + 2 * n, "C", 0.15, 100) for n in range(10)]
    late = AS_OF + timedelta(days=5).total_seconds() - 1800

    found = study(chain_of(rows_of(*terms), as_of=late))

    assert found.unreliable is True
    assert found.near == 1.0
    assert found.hours == pytest.approx(0.5)
    # Calls below spot pay delta 1, those above 0, the one at spot half: 100 of each at 100.
    assert all(each.settled == 10 for each in found.ahead)
    assert all(abs(each.dollars) <= 10 * 100 * 100 for each in found.ahead)


def test_a_contract_that_settles_on_the_way_ends_at_what_it_pays() -> None:
    today = rows_of(*[(5950.0, "C", 0.15, 10)] * 10, expiry=EXPIRY - timedelta(days=3))
    as_of = AS_OF + 2 * 86400 - 600  # Friday, ten minutes before they settle

    found = study(chain_of(today, as_of=as_of))

    delta = gex.prepare(chain_of(today, as_of=as_of), RATES).delta[0]
    assert found.ahead[0].minutes == pytest.approx(10)
    assert [each.settled for each in found.ahead] == [10] * 5
    assert found.ahead[0].dollars == pytest.approx((1 - delta) * 10 * 10 * 100)


@pytest.mark.parametrize(
    ("chain", "reason"),
    [
        (
            chain_of(rows_of((6000.0, "C", 0.15, 10))),
            "1 contract with greeks and open interest; 10 are needed",
        ),
        (chain_of(rows_of(*toy_terms()), spot=None), "No price of the underlying"),
        (
            chain_of(rows_of(*toy_terms()), symbol="VIX", spot=20.0),
            "Options on VIX are priced on a future each, not on the index",
        ),
    ],
    ids=["few", "no spot", "VIX"],
)
def test_what_cannot_be_worked_out_is_none_with_its_reason(chain: OptionChain, reason: str) -> None:
    found = study(chain)

    assert (found.charm, found.vanna, found.ahead) == (None, None, ())
    assert found.reason == reason


def test_without_a_price_of_the_future_dollars_stand_and_contracts_do_not(
    toy_chain: OptionChain,
) -> None:
    found = study(toy_chain, None)

    assert (found.charm, found.vanna) == (None, None)
    assert found.charm_dollars is not None
    assert all(each.contracts is None and each.dollars for each in found.ahead)


def test_a_small_vanna_is_called_neutral() -> None:
    small = study(chain_of(rows_of(*[(6100.0, "C", 0.15, 1)] * 10)))

    assert small.vanna_dollars is not None
    assert 0 < small.vanna_dollars < 1_000_000
    assert small.word == "neutral"


books = st.lists(
    st.tuples(
        st.integers(5700, 6300).map(float),
        st.sampled_from(("C", "P")),
        st.floats(0.08, 0.6),
        st.integers(1, 5000),
    ),
    min_size=10,
    max_size=16,
    unique_by=lambda term: term[:2],
)


@settings(max_examples=30, deadline=None)
@given(books, st.integers(2, 9))
def test_a_book_many_times_as_large_moves_as_many_times_as_far(
    terms: list[tuple[float, str, float, int]], times: int
) -> None:
    one = study(chain_of(rows_of(*terms)))
    other = study(chain_of(rows_of(*[(k, right, vol, oi * times) for k, right, vol, oi in terms])))

    assert one.charm is not None
    assert one.vanna is not None
    assert other.charm == pytest.approx(one.charm * times, abs=1e-6)
    assert other.vanna == pytest.approx(one.vanna * times, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(books)
def test_the_rate_is_the_slope_of_the_changes_ahead(
    terms: list[tuple[float, str, float, int]],
) -> None:
    """Thirty days out half an hour is short: the change is the rate times half."""
    found = study(chain_of(rows_of(*terms, expiry=EXPIRY + timedelta(days=25))))

    assert found.charm_dollars is not None
    scale = sum(oi for *_, oi in terms) * 100
    assert found.ahead[0].dollars == pytest.approx(found.charm_dollars / 2, abs=2e-6 * scale)
