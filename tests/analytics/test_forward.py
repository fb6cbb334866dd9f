"""Forwards: by parity from quotes, by rates without them, and never from nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics.black_scholes import black_76, black_scholes
from grok_sauce.analytics.forward import Forward, Rates, forwards
from grok_sauce.market.chain import OptionChain
from tests import option_chains

ChainOf = Callable[..., OptionChain]
RATES = Rates(0.045, 0.02)
FIVE_DAYS = 5 / 365


def pair(strike: float, forward: float = 6010.0, **more: Any) -> list[dict[str, Any]]:
    """Call and put of a strike, five days out, quoted around Black's prices at 15 %."""
    rows = []
    for right in "CP":
        price = float(black_76(forward, strike, FIVE_DAYS, 0.15, right == "C", RATES.rate).price)
        rows.append({"strike": strike, "right": right, "bid": price * 0.99, "ask": price * 1.01})
    return [row | more for row in rows]


def rows_of(strikes: list[float], **more: Any) -> list[dict[str, Any]]:
    return [row for strike in strikes for row in pair(strike, **more)]


def only(chain: OptionChain, rates: Rates = RATES) -> Forward:
    (found,) = forwards(chain, rates)
    assert found is not None
    return found


def test_parity_finds_the_forward_of_the_toy_chain_and_the_yield_behind_it(
    toy_chain: OptionChain,
) -> None:
    found = only(toy_chain)

    assert found.value == pytest.approx(6000 * math.exp((0.045 - 0.012) * FIVE_DAYS), rel=1e-12)
    assert found.basis == "parity"
    assert found.strikes == (5900, 5950, 6000, 6050, 6100)
    assert found.rate == 0.045
    # The setting said 2 %; the quotes say 1.2 %.
    assert found.dividend_yield == pytest.approx(0.012, abs=1e-10)


def test_parity_uses_the_five_strikes_where_call_and_put_differ_least(chain_of: ChainOf) -> None:
    chain = chain_of(rows_of([5800, 5850, 5900, 5950, 6000, 6050, 6100, 6150, 6200]))

    found = only(chain)

    assert found.strikes == (5900, 5950, 6000, 6050, 6100)
    assert found.value == pytest.approx(6010, rel=1e-12)


def test_one_bad_quote_does_not_move_the_forward(chain_of: ChainOf) -> None:
    rows = rows_of([5900, 5950, 6000, 6050, 6100])
    rows[4] |= {"bid": 120.0, "ask": 121.0}

    assert only(chain_of(rows)).value == pytest.approx(6010, rel=1e-12)


def test_the_median_of_an_even_number_of_strikes_is_the_middle_of_two(chain_of: ChainOf) -> None:
    rows = [*pair(6000, forward=6009.0), *pair(6050, forward=6011.0)]

    assert only(chain_of(rows)).value == pytest.approx(6010, rel=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        {"bid": 0.0},
        {"bid": None},
        {"ask": None},
        {"ask": 0.01},
        {"quote_at": 0.0},
        {"quote_at": math.nan},
        {"quote_at": option_chains.AS_OF - 901},
    ],
    ids=["no bid", "bid unknown", "ask unknown", "crossed", "old", "never", "901 s"],
)
def test_a_strike_counts_only_with_fresh_two_sided_quotes_of_both(
    chain_of: ChainOf, change: dict[str, Any]
) -> None:
    rows = rows_of([5950, 6000])
    rows[2] |= change

    assert only(chain_of(rows)).strikes == (5950,)


def test_a_quote_of_a_quarter_of_an_hour_still_counts(chain_of: ChainOf) -> None:
    rows = rows_of([6000], quote_at=option_chains.AS_OF - 900)

    assert only(chain_of(rows)).basis == "parity"
    assert forwards(chain_of(rows), RATES, stale=899)[0].basis == "rates"  # type: ignore[union-attr]


def test_quotes_far_from_the_money_are_no_parity(chain_of: ChainOf) -> None:
    # Early exercise and wide quotes: parity does not hold in the money.
    chain = chain_of(rows_of([5000, 5500, 6600]))

    assert only(chain).basis == "rates"


def test_a_side_that_is_not_listed_is_no_parity(chain_of: ChainOf) -> None:
    chain = chain_of([row for row in rows_of([5950, 6000, 6050]) if row["right"] == "C"])

    assert only(chain).basis == "rates"


def test_without_quotes_the_spot_is_carried_at_the_rates(chain_of: ChainOf) -> None:
    found = only(chain_of([{"strike": 6000, "right": "C"}]))

    assert found == Forward(6000 * math.exp((0.045 - 0.02) * FIVE_DAYS), "rates", (), 0.045, 0.02)


@pytest.mark.parametrize(
    "spot",
    [{"spot_basis": "close"}, {"spot_at": option_chains.AS_OF - 901}],
    ids=["yesterday's close", "no event for a quarter of an hour"],
)
def test_a_forward_carried_from_a_spot_that_stands_still_says_so(
    chain_of: ChainOf, spot: dict[str, Any]
) -> None:
    assert only(chain_of([{"strike": 6000, "right": "C"}], **spot)).basis == "spot_frozen"


def test_live_quotes_give_the_forward_while_the_spot_stands_still(chain_of: ChainOf) -> None:
    found = only(chain_of(rows_of([6000]), spot_basis="close", spot=5900.0))

    assert found.basis == "parity"
    assert found.value == pytest.approx(6010, rel=1e-12)


@pytest.mark.parametrize("spot", [None, 0.0, -1.0, math.nan])
def test_without_spot_there_is_parity_or_nothing(chain_of: ChainOf, spot: float | None) -> None:
    assert forwards(chain_of([{"strike": 6000, "right": "C"}], spot=spot), RATES) == (None,)

    found = only(chain_of(rows_of([6000]), spot=spot))

    assert found.value == pytest.approx(6010, rel=1e-12)
    assert found.dividend_yield is None


def test_spot_vix_is_not_carried_to_the_forward_of_its_options(chain_of: ChainOf) -> None:
    rows = [{"strike": 18, "right": "C"}]

    assert forwards(chain_of(rows, symbol="VIX", spot=17.0), RATES) == (None,)


def test_every_expiry_has_its_own_forward_and_settled_ones_have_none(chain_of: ChainOf) -> None:
    settled = pair(6000, expiry="2026-12-15")
    am = pair(6000, forward=6001.0, expiry="2026-12-18", root="SPX", settlement="AM")
    pm = pair(6000, forward=6002.0, expiry="2026-12-18")
    later = [{"strike": 6000, "right": "P", "expiry": "2027-03-19"}]
    chain = chain_of([*later, *pm, *settled, *am])

    found = forwards(chain, RATES)

    assert [(each.root, each.settlement) for each in chain.expiries] == [
        ("SPXW", "PM"), ("SPX", "AM"), ("SPXW", "PM"), ("SPXW", "PM")
    ]  # fmt: skip
    assert found[0] is None
    assert [each.basis for each in found[1:] if each] == ["parity", "parity", "rates"]
    # Quoted five days out, discounted two: the forward moves by the interest on call - put.
    assert found[1] is not None
    assert found[2] is not None
    assert found[1].value == pytest.approx(6001.0, abs=1e-3)
    assert found[2].value == pytest.approx(6002.0, abs=2e-3)


def test_the_instant_of_settlement_is_settled_and_a_second_before_is_not(chain_of: ChainOf) -> None:
    rows = [{"strike": 6000, "right": "C"}]
    settles = chain_of(rows).expiries[0].settles

    assert forwards(chain_of(rows, as_of=settles), RATES) == (None,)
    found = only(chain_of(rows, as_of=settles - 1))

    # The last minute counts as a whole one.
    assert found.value == pytest.approx(6000 * math.exp(0.025 * 60 / 31_536_000), rel=1e-15)


def test_the_implied_yield_carries_the_spot_to_the_forward_to_the_last_minute(
    chain_of: ChainOf,
) -> None:
    rows = [
        {"strike": 6000, "right": "C", "bid": 2.0, "ask": 2.2},
        {"strike": 6000, "right": "P", "bid": 1.0, "ask": 1.2},
    ]
    settles = chain_of(rows).expiries[0].settles

    found = only(chain_of(rows, as_of=settles - 20))

    assert found.dividend_yield is not None
    carried = 6000 * math.exp((found.rate - found.dividend_yield) * 60 / 31_536_000)
    assert carried == pytest.approx(found.value, rel=1e-14)
    assert found.value == pytest.approx(6001, abs=1e-4)


@given(
    st.floats(20, 20_000),
    st.floats(-0.01, 0.1),
    st.floats(-0.02, 0.08),
    st.floats(0.05, 0.8),
    st.integers(1, 700),
)
def test_parity_recovers_any_forward(
    spot: float, rate: float, dividend_yield: float, vol: float, days: int
) -> None:
    as_of = option_chains.AS_OF + 5 * 86400 - days * 86400
    years, forward = days / 365, spot * math.exp((rate - dividend_yield) * days / 365)
    rows = []
    for strike in np.round(np.linspace(0.95, 1.05, 7) * forward, 2):
        for right in "CP":
            value = black_scholes(spot, strike, years, vol, right == "C", rate, dividend_yield)
            price = float(value.price)
            if price > 1e-6:
                rows.append(
                    {
                        "strike": float(strike),
                        "right": right,
                        "bid": price * 0.9,
                        "ask": price * 1.1,
                    }
                )

    found = only(option_chains.chain_of(rows, spot=spot, as_of=as_of), Rates(rate, 0.5))

    assert found.basis == "parity"
    assert found.value == pytest.approx(forward, rel=1e-10)
    assert found.dividend_yield == pytest.approx(dividend_yield, abs=1e-10 / years)


def test_a_chain_without_expiries_has_no_forwards(chain_of: ChainOf) -> None:
    assert forwards(chain_of([]), RATES) == ()
