"""Smiles and the numbers that sum them up."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grok_sauce.analytics.black_scholes import black_76, norm_cdf
from grok_sauce.analytics.forward import Forward, Rates, forwards
from grok_sauce.analytics.skew import (
    Smile,
    atm_iv,
    risk_reversal_25,
    skew_slope,
    smile,
    smiles,
    term_structure,
)
from grok_sauce.market.chain import OptionChain
from tests import option_chains

ChainOf = Callable[..., OptionChain]
FIVE_DAYS = 5 / 365
RATES = Rates(0.045, 0.012)
FORWARD = Forward(6000.0, "rates", (), 0.0, 0.0)


def curve(strikes: Any, vols: Any, forward: float = 6000.0, years: float = FIVE_DAYS) -> Smile:
    """A smile with these out-of-the-money volatilities."""
    strike, vol = np.array(strikes, dtype=float), np.array(vols, dtype=float)
    known = np.isfinite(vol)
    return Smile(strike, vol, vol, vol, known, np.ones_like(known), forward, years)


def quoted(strike: float, right: str, vol: float, **more: Any) -> dict[str, Any]:
    price = float(black_76(6000, strike, FIVE_DAYS, vol, right == "C").price)
    return {"strike": strike, "right": right, "bid": price - 0.05, "ask": price + 0.05} | more


# ---- the smile --------------------------------------------------------------------------


def test_the_smile_of_the_toy_chain_is_the_one_it_was_made_with(toy_chain: OptionChain) -> None:
    (forward,) = forwards(toy_chain, RATES)

    found = smile(toy_chain, 0, forward)

    assert found is not None
    assert found.strikes.tolist() == [5900, 5950, 6000, 6050, 6100]
    for side in (found.call_iv, found.put_iv, found.otm_iv):
        assert side == pytest.approx([0.170, 0.158, 0.147, 0.138, 0.132], abs=1e-10)
    assert found.from_quotes.all()
    assert found.sound.all()
    assert found.years == 5 / 365


def test_puts_make_the_lower_half_and_calls_the_upper(chain_of: ChainOf) -> None:
    chain = chain_of(
        [
            quoted(strike, right, vol)
            for strike in (5900, 6000, 6100)
            for right, vol in (("C", 0.1), ("P", 0.2))
        ]
    )

    found = smile(chain, 0, FORWARD)

    assert found is not None
    assert found.call_iv == pytest.approx([0.1] * 3, abs=1e-9)
    assert found.put_iv == pytest.approx([0.2] * 3, abs=1e-9)
    assert found.otm_iv == pytest.approx([0.2, 0.1, 0.1], abs=1e-9)


def test_the_sources_own_volatility_fills_in_where_no_quote_is_and_is_named(
    chain_of: ChainOf,
) -> None:
    chain = chain_of(
        [
            quoted(5900, "P", 0.2, iv=0.9),
            {"strike": 6100, "right": "C", "iv": 0.15},
            {"strike": 6200, "right": "C", "iv": 0.15, "greeks_at": option_chains.AS_OF - 901},
            {"strike": 6300, "right": "C", "iv": 0.0},
        ]
    )

    found = smile(chain, 0, FORWARD)

    assert found is not None
    assert found.otm_iv == pytest.approx([0.2, 0.15, math.nan, math.nan], abs=1e-9, nan_ok=True)
    assert found.from_quotes.tolist() == [True, False, False, False]


def test_a_wide_quote_is_in_the_smile_but_not_in_its_numbers(chain_of: ChainOf) -> None:
    rows = [quoted(5950, "P", 0.2), quoted(6050, "C", 0.2), quoted(6000, "C", 0.9)]
    rows[2] |= {"bid": rows[2]["bid"] * 0.5, "ask": rows[2]["ask"] * 1.5}

    found = smile(chain_of(rows), 0, FORWARD)

    assert found is not None
    assert found.sound.tolist() == [True, False, True]
    assert found.otm_iv[1] == pytest.approx(0.9, abs=0.01)
    assert atm_iv(found) == pytest.approx(0.2, abs=1e-6)


def test_without_forward_or_once_settled_there_is_no_smile(chain_of: ChainOf) -> None:
    chain = chain_of([quoted(6000, "C", 0.2), quoted(6000, "C", 0.2, expiry="2026-12-15")])

    assert smile(chain, 1, None) is None
    assert smile(chain, 0, FORWARD) is None
    assert smiles(chain, [FORWARD, FORWARD])[1] is not None


def test_one_expiry_alone_has_the_smile_it_has_among_others(chain_of: ChainOf) -> None:
    days = ("2026-12-21", "2026-12-22", "2026-12-23")
    chain = chain_of([quoted(k, "C", 0.2, expiry=day) for k in (6000, 6100) for day in days])

    together = smiles(chain, [FORWARD] * 3)

    for place, each in enumerate(together):
        alone = smile(chain, place, FORWARD)
        assert alone is not None
        assert each is not None
        assert alone.otm_iv.tolist() == each.otm_iv.tolist()
        assert alone.years == each.years


# ---- at the money -----------------------------------------------------------------------


def test_at_the_money_is_between_the_strikes_around_the_forward() -> None:
    forward = math.sqrt(5950 * 6050)  # the middle in log-strike

    assert atm_iv(curve([5950, 6050], [0.16, 0.14], forward)) == pytest.approx(0.15)


def test_at_the_money_is_the_strike_at_the_forward() -> None:
    assert atm_iv(curve([5950, 6000, 6050], [0.2, 0.1, 0.3])) == 0.1
    assert atm_iv(curve([6000], [0.1])) == 0.1


@pytest.mark.parametrize(
    "strikes, vols",
    [
        ([6001, 6050], [0.2, 0.2]),
        ([5900, 5999], [0.2, 0.2]),
        ([], []),
        ([5900, 6100], [math.nan, 0.2]),
        ([5900, 6100], [math.nan, math.nan]),
    ],
    ids=["only above", "only below", "no strikes", "unknown below", "all unknown"],
)
def test_nothing_is_extrapolated(strikes: list[float], vols: list[float]) -> None:
    assert atm_iv(curve(strikes, vols)) is None
    assert risk_reversal_25(curve(strikes, vols)) is None
    assert skew_slope(curve(strikes, vols)) is None


# ---- skew -------------------------------------------------------------------------------


def delta(forward: float, strike: float, vol: float, is_call: bool) -> float:
    return float(black_76(forward, strike, FIVE_DAYS, vol, is_call).delta)


def test_the_risk_reversal_is_taken_where_deltas_are_25_percent() -> None:
    spread = math.sqrt(FIVE_DAYS)
    # Strikes at which the options have deltas of exactly 0.25 with the volatility they have.
    put_strike = 6000 * math.exp(-0.6744897501960817 * 0.20 * spread + 0.5 * (0.20 * spread) ** 2)
    call_strike = 6000 * math.exp(0.6744897501960817 * 0.14 * spread + 0.5 * (0.14 * spread) ** 2)
    strikes = [put_strike * 0.99, put_strike, 6000, call_strike, call_strike * 1.01]

    found = risk_reversal_25(curve(strikes, [0.22, 0.20, 0.16, 0.14, 0.13]))

    assert delta(6000, put_strike, 0.20, False) == pytest.approx(-0.25, abs=1e-12)
    assert delta(6000, call_strike, 0.14, True) == pytest.approx(0.25, abs=1e-12)
    assert found == pytest.approx(0.14 - 0.20, abs=1e-12)


def test_the_risk_reversal_between_strikes_has_the_delta_of_its_volatility() -> None:
    strikes = np.arange(5700.0, 6301.0, 5.0)
    vols = 0.15 - 0.6 * np.log(strikes / 6000)

    found = risk_reversal_25(curve(strikes, vols))

    def strike_at(sign: float, is_call: bool) -> float:
        near, far = 6000.0, 6000 * math.exp(sign * 0.05)
        for _ in range(80):
            middle = (near + far) / 2
            vol = 0.15 - 0.6 * math.log(middle / 6000)
            if abs(delta(6000, middle, vol, is_call)) > 0.25:
                near = middle
            else:
                far = middle
        return near

    call, put = strike_at(1, True), strike_at(-1, False)
    expected = -0.6 * math.log(call / put)
    assert expected < 0
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_flat_smile_has_neither_risk_reversal_nor_slope() -> None:
    flat = curve(np.arange(5700, 6301, 10), np.full(61, 0.15))

    assert risk_reversal_25(flat) == pytest.approx(0, abs=1e-15)
    assert skew_slope(flat) == pytest.approx(0, abs=1e-14)


def test_a_wing_that_ends_before_25_delta_leaves_the_risk_reversal_unknown() -> None:
    strikes = np.arange(5995, 6301, 5)

    assert risk_reversal_25(curve(strikes, np.full(len(strikes), 0.15))) is None


def test_the_slope_of_a_straight_smile_is_its_own() -> None:
    strikes = np.arange(5500.0, 6501.0, 10.0)
    distance = np.log(strikes / 6000) / math.sqrt(FIVE_DAYS)

    assert skew_slope(curve(strikes, 0.15 - 0.13 * distance)) == pytest.approx(-0.13, rel=1e-12)


def test_the_slope_looks_only_at_deltas_from_ten_to_fifty_percent() -> None:
    strikes = np.arange(5500.0, 6501.0, 10.0)
    vols = np.full(len(strikes), 0.15)
    side = strikes >= 6000
    deltas = np.abs(
        [delta(6000, k, v, bool(c)) for k, v, c in zip(strikes, vols, side, strict=True)]
    )
    within = (deltas >= 0.1) & (deltas <= 0.5)
    wild = np.where(within, vols, 0.15 + 0.02 * (strikes - 6000) / 6000)

    assert within.sum() > 10
    assert skew_slope(curve(strikes[within], vols[within])) == pytest.approx(0, abs=1e-14)
    assert skew_slope(curve(strikes, wild)) == pytest.approx(0, abs=1e-14)


def test_the_slope_agrees_with_numpys_fit() -> None:
    strikes = np.arange(5800.0, 6201.0, 25.0)
    vols = 0.15 - 0.4 * np.log(strikes / 6000) + 0.002 * np.sin(strikes)
    spread = vols * math.sqrt(FIVE_DAYS)
    x = np.log(strikes / 6000)
    deltas = norm_cdf(np.where(x >= 0, 1, -1) * (spread / 2 - x / spread))
    within = (deltas >= 0.1) & (deltas <= 0.5)
    expected = np.polyfit(x[within] / math.sqrt(FIVE_DAYS), vols[within], 1)[0]

    assert skew_slope(curve(strikes, vols)) == pytest.approx(expected, rel=1e-10)


def test_two_strikes_make_no_slope() -> None:
    assert skew_slope(curve([5980, 6020], [0.16, 0.15])) is None


# ---- term structure ---------------------------------------------------------------------


def test_the_term_structure_of_the_toy_chain_holds_together(toy_chain: OptionChain) -> None:
    found = forwards(toy_chain, RATES)
    (forward,) = found

    (row,) = term_structure(toy_chain, found)

    curve_found = smile(toy_chain, 0, forward)
    assert forward is not None
    assert row["expiry"] == "2026-12-21"
    assert (row["root"], row["settlement"], row["dte"]) == ("SPXW", "PM", 5)
    assert row["forward"] == forward.value
    assert row["atm_iv"] == atm_iv(curve_found)
    assert row["rr25"] == risk_reversal_25(curve_found)
    assert row["slope"] == skew_slope(curve_found)
    assert row["rr25"] < 0
    assert row["move"] == pytest.approx(82.3611, abs=5e-5)
    assert row["sigma"] == pytest.approx(forward.value * row["atm_iv"] * math.sqrt(5 / 365))


def test_a_row_is_there_for_every_expiry_ahead_even_with_nothing_known(chain_of: ChainOf) -> None:
    blank = {"strike": 6000, "right": "C"}
    chain = chain_of([blank | {"expiry": day} for day in ("2026-12-15", "2026-12-17")], spot=None)

    rows = term_structure(chain, forwards(chain, RATES))

    assert [row["expiry"] for row in rows] == ["2026-12-17"]
    unknown = ("atm_iv", "rr25", "slope", "forward", "move", "sigma")
    assert [rows[0][name] for name in unknown] == [None] * 6


def test_smiles_found_before_are_used_again(toy_chain: OptionChain) -> None:
    found = forwards(toy_chain, RATES)
    before = smiles(toy_chain, found)

    assert term_structure(toy_chain, found, found=before) == term_structure(toy_chain, found)
    assert term_structure(toy_chain, found, found=[None])[0]["atm_iv"] is None


def test_an_empty_chain_has_no_smiles_and_no_terms(chain_of: ChainOf) -> None:
    assert smiles(chain_of([]), []) == ()
    assert term_structure(chain_of([]), []) == []
