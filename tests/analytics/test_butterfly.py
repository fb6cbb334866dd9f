"""Butterflies: the worked examples of the maths page, payoffs against brute force, refusals."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import black_scholes as bs
from grok_sauce.analytics.butterfly import Terms, curve, describe, price
from grok_sauce.analytics.butterfly_package import priced
from grok_sauce.analytics.butterfly_payoff import Wings, outcome
from grok_sauce.analytics.expiry_outlook import Outlook, outlook
from grok_sauce.market import sessions
from grok_sauce.market.chain import Expiry, OptionChain
from tests.option_chains import EXPIRY, chain_of

DAY = Expiry(EXPIRY, "SPXW", "PM")
RATE, YIELD, SPOT = 0.043, 0.013, 5955.0
Quotes = dict[tuple[int, str], tuple[float | None, float | None]]


def model_chain(
    hours: float, vol: float, quotes: Quotes | None = None, half: float = 0.0, **changes: Any
) -> tuple[OptionChain, Any]:
    """Strikes 5800 to 6100 quoted at the model's price +- half; quotes replace single ones."""
    years = hours / 8760
    strikes = list(range(5800, 6105, 5))
    rows = []
    for right in "CP":
        values = bs.price(SPOT, strikes, years, vol, right == "C", RATE, YIELD).tolist()
        for strike, value in zip(strikes, values, strict=True):
            bid, ask = (quotes or {}).get((strike, right), (max(0.0, value - half), value + half))
            rows.append({"strike": strike, "right": right, "bid": bid, "ask": ask,
                         "oi": 100, "volume": 7})  # fmt: skip
    as_of = sessions.settlement(EXPIRY, "PM") - hours * 3600
    chain = chain_of(rows, **{"spot": SPOT, "as_of": as_of, **changes})
    value = SPOT * math.exp((RATE - YIELD) * years)
    return chain, SimpleNamespace(value=value, basis="rates", rate=RATE, dividend_yield=YIELD)


def view_of(hours: float, vol: float = 0.17) -> Outlook:
    chain, forward = model_chain(hours, vol)
    return outlook(chain, DAY, forward)


def picture(quotes: Quotes | None = None) -> tuple[OptionChain, Any]:
    """The quotes of the design's picture around strikes 5985, 6010, 6035, spot 6012.36."""
    given: Quotes = {
        (5985, "P"): (15.30, 15.60), (6010, "P"): (24.70, 25.00), (6035, "P"): (37.70, 38.10),
        (5985, "C"): (44.20, 44.70), (6010, "C"): (28.70, 29.05), (6035, "C"): (16.75, 17.10),
    }  # fmt: skip
    chain, forward = model_chain(49.4, 0.146, {**given, **(quotes or {})}, spot=6012.36)
    return chain, SimpleNamespace(**{**vars(forward), "value": 6013.41})


class TestWorkedExamples:
    @pytest.mark.parametrize(
        "hours, vol, debit, low, high, profit, chance",
        [
            (6.5, 0.16, 8.9274, 5938.93, 5971.07, 16.0726, 0.46426),
            (78.5, 0.17, 2.5861, 5932.59, 5977.41, 22.4139, 0.18492),
        ],
        ids=["same day", "three days out"],
    )
    def test_the_examples_of_the_maths_page_come_out_to_their_last_digit(
        self, hours: float, vol: float, debit: float, low: float, high: float,
        profit: float, chance: float,
    ) -> None:  # fmt: skip
        found = price(*model_chain(hours, vol), Terms(DAY, 5955, 25, 25))

        assert round(found["debit"], 4) == debit
        assert (round(found["break_even_low"], 2), round(found["break_even_high"], 2)) == (
            low,
            high,
        )
        assert round(found["max_profit"], 2) == round(profit * 100, 2)
        assert round(found["max_loss"], 2) == round(debit * 100, 2)
        assert round(found["probability"]["one_iv"], 5) == chance
        assert found["probability"]["smile"] == pytest.approx(chance, abs=1e-5)

    def test_the_legs_of_the_example_cost_what_the_page_says(self) -> None:
        found = price(*model_chain(6.5, 0.16), Terms(DAY, 5955, 25, 25, side="puts"))

        assert [round(leg["mid"], 4) for leg in found["legs"]] == [2.2823, 10.2878, 27.2207]
        assert [leg["iv"] for leg in found["legs"]] == pytest.approx([0.16] * 3, abs=1e-9)

    def test_the_numbers_of_the_picture_follow_from_its_quotes(self) -> None:
        found = price(*picture(), Terms(DAY, 6010, 25, 25, fee=1.72))

        assert found["side_text"] == (
            "Puts: natural 4.30 against 4.40 for calls. By parity both cost the same."
        )
        package = found["package"]
        assert [round(package[name], 2) for name in ("bid", "ask", "mid")] == [3.00, 4.30, 3.65]
        assert round(found["max_profit"]) == 2128
        assert round(found["max_loss"]) == 372
        assert round(found["fees"], 2) == 6.88
        assert round(found["profit_per_risk"], 2) == 5.72
        assert round(found["break_even_low"], 2) == 5988.65
        assert round(found["break_even_high"], 2) == 6031.35
        assert round(found["spot_to_low"]["points"], 2) == -23.71
        assert round(found["spot_to_high"]["points"], 2) == 18.99
        assert [round(leg["from_spot"], 2) for leg in found["legs"]] == [-27.36, -2.36, 22.64]


class TestSides:
    def test_natural_pays_asks_and_gets_bids(self) -> None:
        found = price(*picture(), Terms(DAY, 6010, 25, 25, side="puts", price="natural"))

        assert round(found["debit"], 2) == 4.30
        assert round(found["debit_mid"], 2) == 3.65
        assert round(found["break_even_low"], 2) == 5989.30

    def test_calls_are_taken_where_a_put_has_no_quote_and_the_words_say_so(self) -> None:
        chain, forward = picture({(6035, "P"): (None, None)})

        found = price(chain, forward, Terms(DAY, 6010, 25, 25))

        assert found["side"] == "calls"
        assert found["side_text"] == "Calls: no quote of the 6,035 put has come yet."
        assert found["refusal"] is None

    def test_puts_and_calls_are_worth_the_same_by_parity(self) -> None:
        chain, forward = model_chain(78.5, 0.17)
        terms = Terms(DAY, 5970, 20, 45)

        puts = price(chain, forward, replace(terms, side="puts"))
        calls = price(chain, forward, replace(terms, side="calls"))

        # 25 points of unequal wings are paid at settlement but costed today.
        discount = 25 * (1 - math.exp(-RATE * 78.5 / 8760)) * 100
        assert puts["max_profit"] == pytest.approx(calls["max_profit"], abs=discount + 1e-6)
        assert puts["max_loss"] == pytest.approx(calls["max_loss"], abs=discount + 1e-6)
        assert puts["debit"] > calls["debit"] + 24

    def test_an_option_nobody_bids_for_is_still_a_quote(self) -> None:
        chain, forward = picture({(5985, "P"): (0.0, 0.05), (6010, "P"): (12.0, 12.1),
                                  (6035, "P"): (37.0, 37.4)})  # fmt: skip

        found = price(chain, forward, Terms(DAY, 6010, 25, 25, side="puts"))

        assert found["legs"][0]["bid"] == 0.0
        assert found["debit"] == pytest.approx(0.025 - 24.1 + 37.2)


class TestRefusals:
    @pytest.mark.parametrize(
        "wing, words",
        [
            ((59.85, 60.85), "Quotes do not fit: debit 26.10 for width 25."),
            ((33.70, 34.30), "Quotes do not fit: debit −0.25 for width 25."),
        ],
        ids=["dearer than its width", "for nothing"],
    )
    def test_a_debit_outside_its_width_turns_every_number_into_a_dash(
        self, wing: tuple[float, float], words: str
    ) -> None:
        chain, forward = picture({(6035, "P"): wing})

        found = price(chain, forward, Terms(DAY, 6010, 25, 25, side="puts"))

        assert found["refusal"] == words
        dashes = ("debit", "debit_mid", "max_profit", "max_loss", "break_even_low",
                  "break_even_high", "profit_per_risk")  # fmt: skip
        assert [found[name] for name in dashes] == [None] * len(dashes)
        assert found["probability"] == {"smile": None, "one_iv": None, "clamped": None}
        assert found["legs"][2]["bid"] == wing[0]

    def test_a_strike_that_is_not_listed_is_named_with_its_neighbours(self) -> None:
        found = price(*picture(), Terms(DAY, 6007, 25, 25))

        assert found["refusal"] == (
            "6,007 is not listed for SPXW Mon 21 Dec PM; nearest: 6,005 and 6,010."
        )

    def test_an_expiry_that_has_settled_is_refused(self) -> None:
        chain, forward = picture()
        late = replace(chain, as_of=DAY.settles)

        assert price(late, forward, Terms(DAY, 6010, 25, 25))["refusal"] == (
            "SPXW Mon 21 Dec PM has settled."
        )

    @pytest.mark.parametrize("quote", [(None, 25.0), (24.0, None), (25.1, 25.0)])
    def test_a_leg_without_two_sides_is_named(
        self, quote: tuple[float | None, float | None]
    ) -> None:
        chain, forward = picture({(6010, "P"): quote, (6010, "C"): quote})

        chosen = price(chain, forward, Terms(DAY, 6010, 25, 25, side="puts"))
        either = price(chain, forward, Terms(DAY, 6010, 25, 25))

        assert chosen["refusal"] == "No two-sided quote for the 6,010 put."
        assert either["refusal"] == (
            "No two-sided quote for the 6,010 put, no two-sided quote for the 6,010 call."
        )
        assert (chosen["debit"], chosen["package"]["mid"]) == (None, None)

    def test_a_leg_that_was_never_quoted_is_waited_for(self) -> None:
        never = (None, None)
        chain, forward = picture({(5985, "P"): never, (6035, "P"): never})

        found = price(chain, forward, Terms(DAY, 6010, 25, 25, side="puts"))

        assert found["refusal"] == "No quote of the 5,985 and 6,035 put has come yet."

    def test_without_a_forward_the_debit_stands_and_the_odds_say_why_not(self) -> None:
        chain, _ = picture()

        found = price(chain, None, Terms(DAY, 6010, 25, 25, side="puts"))

        assert round(found["debit"], 2) == 3.65
        assert found["probability"]["smile"] is None
        assert found["reasons"]["probability.smile"] == "This expiry has no forward yet."
        assert found["spot_to_low"]["em"] is None
        assert found["package"]["delta"] is None

    def test_an_expiry_nobody_lists_is_refused_in_words(self) -> None:
        chain, forward = picture()

        found = price(chain, forward, Terms(DAY._replace(root="SPX"), 6010, 25, 25))

        assert found["refusal"] == "No strikes are known for SPX Mon 21 Dec PM."
        assert [leg["mid"] for leg in found["legs"]] == [None] * 3

    def test_contracts_of_different_size_are_refused(self) -> None:
        chain, forward = picture()
        sizes = chain.multiplier.copy()
        sizes[chain.strike == 6010_000] = 90.0

        found = price(replace(chain, multiplier=sizes), forward, Terms(DAY, 6010, 25, 25))

        assert found["refusal"] == "The three contracts do not have one known size."


class TestGreeks:
    def test_greeks_of_the_package_are_differences_of_its_model_value(self) -> None:
        chain, forward = model_chain(78.5, 0.17)
        view = outlook(chain, DAY, forward)
        package = priced(view, Terms(DAY, 5970, 25, 25, side="calls"))

        def worth(spot: float, hours: float = 78.5) -> float:
            each = bs.price(spot, [5945, 5970, 5995], hours / 8760, 0.17, True, RATE, YIELD)
            return float(each[0] - 2 * each[1] + each[2])

        found = price(chain, forward, package.terms)["package"]
        delta = (worth(SPOT + 0.1) - worth(SPOT - 0.1)) / 0.2
        gamma = (worth(SPOT + 1) - 2 * worth(SPOT) + worth(SPOT - 1)) / 1
        theta = (worth(SPOT, 78.5 - 0.24) - worth(SPOT, 78.5 + 0.24)) / 0.02
        assert found["delta"] == pytest.approx(delta, rel=1e-3)
        assert found["gamma"] == pytest.approx(gamma, rel=1e-2)
        assert found["theta"] == pytest.approx(theta, rel=1e-2)

    def test_two_packages_are_twice_one(self) -> None:
        chain, forward = model_chain(78.5, 0.17)

        one = price(chain, forward, Terms(DAY, 5955, 25, 25, fee=1.72))
        two = price(chain, forward, Terms(DAY, 5955, 25, 25, fee=1.72, quantity=2))

        assert two["max_profit"] == pytest.approx(2 * one["max_profit"])
        assert two["fees"] == pytest.approx(13.76)
        assert two["package"]["delta"] == pytest.approx(2 * one["package"]["delta"])
        assert [leg["quantity"] for leg in two["legs"]] == [2, -4, 2]
        assert two["debit"] == one["debit"]
        assert two["profit_per_risk"] == pytest.approx(one["profit_per_risk"])


class TestCurve:
    def test_the_picture_has_every_strike_and_ends_in_both_losses(self) -> None:
        chain, forward = model_chain(78.5, 0.17)
        package = priced(outlook(chain, DAY, forward), Terms(DAY, 5955, 25, 25))

        drawn = curve([package], 5900.0, 6010.0)

        line = dict(zip(drawn["x"], drawn["lines"][0]["expiry"], strict=True))
        assert drawn["step"] == 0.5
        assert line[5955.0] == pytest.approx(2241.39, abs=0.01)
        assert line[5900.0] == line[5930.0] == line[6010.0] == pytest.approx(-258.61, abs=0.01)

    def test_todays_value_is_the_debit_at_the_spot_and_nears_the_payoff_in_time(self) -> None:
        now = [priced(view_of(78.5), Terms(DAY, 5955, 25, 25))]
        late = [priced(view_of(0.02), Terms(DAY, 5955, 25, 25))]

        today = curve(now, 5900, 6010)
        soon = curve(late, 5900, 6010)

        at_spot = today["x"].index(5955.0)
        assert today["lines"][0]["today"][at_spot] == pytest.approx(0.0, abs=0.01)
        gap = np.subtract(soon["lines"][0]["today"], soon["lines"][0]["expiry"])
        assert np.max(np.abs(gap)) < 160  # 1.6 points at the peak, with a minute left

    def test_a_refused_package_has_no_line(self) -> None:
        chain, forward = picture({(6035, "P"): (None, None)})
        package = priced(outlook(chain, DAY, forward), Terms(DAY, 6010, 25, 25, side="puts"))

        assert curve([package], 5950, 6070)["lines"] == [{"expiry": None, "today": None}]


widths = st.integers(1, 40).map(lambda steps: steps * 2.5)


@given(widths, widths, st.booleans(), st.floats(0.001, 0.999))
def test_break_evens_profit_and_loss_are_those_of_a_brute_force_payoff(
    low: float, high: float, is_call: bool, share: float
) -> None:
    wings = Wings(6000 - low, 6000, 6000 + high, is_call)
    worst = min(wings.below, wings.above)
    debit = worst + (wings.peak - worst) * share
    prices = np.arange(6000 - 2 * low - 1, 6000 + 2 * high + 1, 0.125)
    sign = 1 if is_call else -1

    def intrinsic(strike: float) -> Any:
        return np.maximum(sign * (prices - strike), 0)

    brute = intrinsic(wings.low) - 2 * intrinsic(6000) + intrinsic(wings.high)
    found = outcome(wings, debit)

    assert found is not None
    assert np.allclose(wings.payoff(prices), brute, atol=1e-9)
    assert found.max_profit == pytest.approx(brute.max() - debit)
    assert found.max_loss == pytest.approx(debit - brute.min())
    lower = -math.inf if found.break_even_low is None else found.break_even_low
    upper = math.inf if found.break_even_high is None else found.break_even_high
    inside = (prices > lower) & (prices < upper)
    clear = np.abs(brute - debit) > 1e-6  # a price at a break-even itself is either
    assert np.array_equal((brute > debit)[clear], inside[clear])


@given(widths, st.floats(-5, 120))
def test_equal_wings_fit_exactly_between_nothing_and_their_width(
    width: float, debit: float
) -> None:
    found = outcome(Wings(6000 - width, 6000, 6000 + width, True), debit)

    assert (found is not None) == (0 < debit < width)


@settings(max_examples=20)
@given(
    st.sampled_from([5900, 5930, 5955, 5980, 6000]),
    st.sampled_from([5, 10, 25, 50, 75]),
    st.floats(0.08, 0.5),
    st.floats(1, 400),
)
def test_odds_lie_in_0_to_1_and_a_wider_butterfly_has_more(
    center: int, width: int, vol: float, hours: float
) -> None:
    view = view_of(hours, vol)

    found = [
        describe(priced(view, Terms(DAY, center, each, each, side="calls")))
        for each in (width, width + 5)
    ]

    known = [each["probability"]["one_iv"] for each in found if each["debit"] is not None]
    assert all(0 <= chance <= 1 for chance in known)
    if len(known) == 2:
        assert known[1] >= known[0] - 1e-12


@settings(max_examples=15)
@given(st.sampled_from([5, 10, 25, 50, 75, 100]), st.floats(0.08, 0.4))
def test_a_centred_butterfly_is_nearly_symmetrical(width: int, vol: float) -> None:
    found = price(*model_chain(24, vol), Terms(DAY, 5955, width, width, side="puts"))

    assert found["spot_to_low"]["points"] == pytest.approx(-found["spot_to_high"]["points"])
    assert found["spot_to_low"]["em"] == pytest.approx(found["spot_to_high"]["em"])
    assert found["max_profit"] + found["max_loss"] == pytest.approx(100 * width)
