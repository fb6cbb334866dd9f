"""Forwards and volatilities of recorded Cboe chains against the ones Cboe published with them."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from grok_sauce.analytics.forward import Rates, forwards
from grok_sauce.analytics.implied_volatility import chain_vols
from grok_sauce.analytics.skew import smiles, term_structure
from grok_sauce.market.chain import OptionChain
from grok_sauce.pollers import cboe

pytestmark = pytest.mark.recorded

# Short Treasury bills in September 2023.
RATES = Rates(0.053, 0.015)


@pytest.fixture(scope="module")
def spx(recordings: Path) -> OptionChain:
    """SPX and SPXW, 2023-09-14, half an hour after the close."""
    return cboe.parse_csv(
        gzip.decompress((recordings / "cboe_spx_quotedata_2023-09-14.csv.gz").read_bytes())
    )


@pytest.fixture(scope="module")
def spy(recordings: Path) -> OptionChain:
    """SPY at the same moment, the evening before it went ex-dividend."""
    return cboe.parse_csv(
        gzip.decompress((recordings / "cboe_spy_quotedata_2023-09-14.csv.gz").read_bytes())
    )


def test_every_expiry_ahead_has_a_forward_by_parity_and_they_make_a_smooth_curve(
    spx: OptionChain,
) -> None:
    found = forwards(spx, RATES)

    ahead = [expiry.settles > spx.as_of for expiry in spx.expiries]
    assert [each is not None for each in found] == ahead
    assert {each.basis for each in found if each} == {"parity"}
    years = np.array([(each.settles - spx.as_of) / 31_536_000 for each in spx.expiries])
    value = np.array([each.value if each else math.nan for each in found])
    near = np.array(ahead) & (years < 0.5)
    carry = np.polyfit(years[near], np.log(value[near]), 1)
    # Futures had risen 6 points since the cash close; carried at rate minus dividends.
    assert math.exp(carry[1]) == pytest.approx(4510.5, abs=1.5)
    assert 0.03 < carry[0] < 0.05
    # Dividends come in lumps: up to 2.5 points off the straight line.
    assert np.abs(np.log(value[near]) - np.polyval(carry, years[near])).max() < 5.5e-4


def test_am_and_pm_of_one_day_agree_on_the_forward_from_quotes_of_their_own(
    spx: OptionChain,
) -> None:
    found = forwards(spx, RATES)

    by_day: dict[object, list[float]] = {}
    for expiry, forward in zip(spx.expiries, found, strict=True):
        if forward is not None:
            by_day.setdefault(expiry.day, []).append(forward.value)
    twins = [values for values in by_day.values() if len(values) == 2]
    assert len(twins) == 6
    assert all(am == pytest.approx(pm, rel=2e-4) for am, pm in twins)


def test_volatilities_agree_with_cboes_own_across_the_chain(spx: OptionChain) -> None:
    found = chain_vols(spx, forwards(spx, RATES))

    both = np.isfinite(found.vol) & (spx.iv > 0) & ~found.low_quality
    apart = found.vol[both] - spx.iv[both]
    assert both.sum() > 15_000
    assert abs(float(np.median(apart))) < 3e-4
    assert float(np.median(np.abs(apart))) < 6e-4


def test_a_dividend_of_tomorrow_is_in_the_forward(spy: OptionChain) -> None:
    found = forwards(spy, RATES)

    place = next(p for p, each in enumerate(spy.expiries) if each.settles > spy.as_of)
    forward = found[place]
    assert forward is not None
    assert forward.basis == "parity"
    # 1.5832 went ex on 2023-09-15.
    assert spy.spot is not None
    assert forward.value - spy.spot == pytest.approx(-1.58, abs=0.4)


def test_index_skew_is_negative_and_moves_grow_with_time(spx: OptionChain) -> None:
    found = forwards(spx, RATES)

    rows = term_structure(spx, found, found=smiles(spx, found))

    known = [row for row in rows if row["rr25"] is not None and row["dte"] >= 7]
    assert len(known) > 40
    assert all(row["rr25"] < 0 and row["slope"] < 0 for row in known)
    moves = [row["sigma"] for row in known if row["root"] == "SPXW" and row["dte"] < 120]
    assert moves == sorted(moves)
    ratios = [row["move"] / row["sigma"] for row in known if row["move"] and row["dte"] < 60]
    assert np.median(ratios) == pytest.approx(math.sqrt(2 / math.pi), abs=0.02)
