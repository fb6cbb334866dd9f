"""Dealer and customer ratios: words at their bounds, and no ratio of too little."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics import gex, study_ratios
from grok_sauce.analytics.forward import Rates
from grok_sauce.analytics.study_ratios import customer_ratio, dealer_ratio
from grok_sauce.market.chain import OptionChain
from tests.option_chains import TOY_RATE, TOY_YIELD


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(study_ratios).failed == 0


def test_the_worked_example_has_its_ratios(toy_chain: OptionChain) -> None:
    prepared = gex.prepare(toy_chain, Rates(TOY_RATE, TOY_YIELD))
    totals = gex.exposures(prepared).oi.totals

    dealer = dealer_ratio(totals.call, totals.put, 10)
    customer = customer_ratio(22_800.0, 20_900.0, 10)

    # 50,760,235 and 44,164,181 per point; put/call by volume .916667.
    assert dealer.value == pytest.approx(50_760_235 / (50_760_235 + 44_164_181), rel=1e-7)
    assert customer.value == pytest.approx(1 / 1.9166666667)
    assert (dealer.word, customer.word) == ("balanced", "even")


@pytest.mark.parametrize(
    ("calls", "word"),
    [
        (39.9, "destabilising"),
        (40.0, "destabilising"),
        (40.1, "balanced"),
        (59.9, "balanced"),
        (60.0, "stabilising"),
    ],
)
def test_the_dealers_word_changes_at_its_bounds(calls: float, word: str) -> None:
    assert dealer_ratio(calls, 100.0 - calls, 10).word == word


@pytest.mark.parametrize(
    ("calls", "word"),
    [
        (250, "very put-heavy"),
        (251, "put-heavy"),
        (400, "put-heavy"),
        (401, "even"),
        (600, "call-heavy"),
        (749, "call-heavy"),
        (750, "very call-heavy"),
    ],
)
def test_the_customers_word_changes_at_its_bounds(calls: float, word: str) -> None:
    assert customer_ratio(calls, 1000 - calls, 10).word == word


def test_too_little_gives_no_ratio_and_says_why() -> None:
    few = dealer_ratio(1.0, 1.0, 9)
    blind = dealer_ratio(None, None, 0)
    empty = dealer_ratio(0.0, 0.0, 50)
    thin = customer_ratio(50.0, 49.0, 20)

    assert [each.value for each in (few, blind, empty, thin)] == [None] * 4
    assert few.reason == "9 contracts with gamma and open interest; 10 are needed"
    assert blind.reason == "No gamma exposure is known"
    assert empty.reason == "No open interest in these contracts"
    assert thin.reason == "99 contracts traded; 100 are needed"


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_a_ratio_and_its_mirror_make_one(calls: float, puts: float) -> None:
    one, other = dealer_ratio(calls, puts, 10), dealer_ratio(puts, calls, 10)

    if one.value is not None and other.value is not None:
        assert one.value + other.value == pytest.approx(1)
        assert 0 <= one.value <= 1
