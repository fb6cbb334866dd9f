"""All studies together: every row has its words, and what is missing is None with its reason."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from grok_sauce.analytics.conversion import Factor
from grok_sauce.analytics.forward import Rates
from grok_sauce.analytics.study_report import NOT_FOLLOWED, Inputs, report
from grok_sauce.market import sessions
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.prints import Tally
from tests.option_chains import AS_OF, TOY_RATE, TOY_YIELD, chain_of

KEYS = ["charm", "vanna", "dealer_ratio", "customer_ratio", "vix_slope"]
KEYS += ["delta_flow", "flow_oi", "walls"]
ES = Factor("/ESZ6", "basis", 30.0, AS_OF, False, 6000.0, 6030.0)


def made(chain: OptionChain, **more: Any) -> dict[str, Any]:
    """Of rows by key, beside the head under ""."""
    given = {"conversion": ES, "multiplier": 50.0, "now": chain.as_of, **more}
    found = report(Inputs("SPX", chain=chain, rates=Rates(TOY_RATE, TOY_YIELD), **given))
    return {"": found, **{row["key"]: row for row in found["studies"]}}


def facts(row: dict[str, Any]) -> dict[str, Any]:
    return {each["label"]: each["value"] for each in row["facts"]}


def tally(buy: float, sell: float, opening: int | None = None) -> Tally:
    return Tally(buy=buy, sell=sell, prints=2, opening=opening)


def test_every_study_is_told_with_its_unit_sign_source_and_caveat(toy_chain: OptionChain) -> None:
    found = made(toy_chain)

    assert [row["key"] for row in found[""]["studies"]] == KEYS
    for row in found[""]["studies"]:
        assert all(row[name] for name in ("label", "unit", "sign", "source", "caveat", "n_of"))


def test_what_has_no_value_has_a_reason_and_nothing_is_nan(toy_chain: OptionChain) -> None:
    bare = made(toy_chain, conversion=None, multiplier=None)

    json.dumps(bare, allow_nan=False)
    for row in bare[""]["studies"]:
        assert (row["value"] is None) is (row["reason"] is not None)
    assert bare["flow_oi"]["reason"] == bare["delta_flow"]["reason"] == NOT_FOLLOWED
    assert bare["charm"]["reason"] == "No price of a future to count in; the dollars stand"
    assert facts(bare["charm"])["Delta an hour"] is not None
    assert bare["walls"]["reason"] == "0 decided touches in 0 sessions; 30 are needed"


def test_charm_and_vanna_come_in_contracts_of_the_future(toy_chain: OptionChain) -> None:
    """Quotes of the toy chain give the forward by parity, which is the rates' to a hundredth."""
    found = made(toy_chain)

    assert found[""]["future"] == "/ESZ6"
    assert found["vanna"]["value"] == pytest.approx(669.874, rel=1e-3)
    assert found["charm"]["value"] == pytest.approx(-41.665, rel=1e-2)
    assert "In 30 min" in facts(found["charm"])
    assert "At the next settlement, in 120 h" in facts(found["charm"])


def test_ratios_are_those_of_the_chain(toy_chain: OptionChain) -> None:
    found = made(toy_chain)

    assert found["dealer_ratio"]["value"] == pytest.approx(0.5347, abs=1e-3)
    assert found["customer_ratio"]["value"] == pytest.approx(22_800 / 43_700)
    assert found["customer_ratio"]["n"] == 10


def test_prints_move_open_interest_and_the_gamma_made_of_it(toy_chain: OptionChain) -> None:
    contract = toy_chain.contract[4]  # the 6000 call: 6,000 open, 9,000 traded
    found = made(toy_chain, tape={contract: tally(3000.0, 1000.0)})

    row = found["flow_oi"]
    assert (row["n"], facts(row)["Bought less sold"]) == (1, 2000.0)
    assert row["value"] == float(toy_chain.oi.sum()) + 2000
    assert facts(row)["Of the day's volume seen"] == pytest.approx(4000 / 9000, abs=1e-6)
    # 2,000 calls more at gamma .0038616: 2,000 x 100 x 6000^2 x .01 x .0038616 = 278 million.
    more = facts(row)["Net GEX by the estimate"] - facts(row)["Net GEX of the morning"]
    assert more == pytest.approx(2000 * 100 * 6000**2 * 0.01 * 0.0038616, rel=1e-3)
    assert found["delta_flow"]["value"] == pytest.approx(2000 * 0.51 * 100 / 50, rel=0.02)


def test_the_contracts_with_the_largest_flow_are_named(toy_chain: OptionChain) -> None:
    names = toy_chain.contract  # the 5900 call and put, the 5950 call, ...
    flows = {names[0]: tally(500.0, 20.0), names[1]: tally(0.0, 1700.0), names[2]: tally(90.0, 0.0)}

    found = facts(made(toy_chain, tape=flows)["flow_oi"])
    silent = facts(made(toy_chain, tape={})["flow_oi"])

    assert found["Most bought"] == "5900 C of 21 Dec, 480"
    assert found["Most sold"] == "5900 P of 21 Dec, 1,700"
    assert (silent["Most bought"], silent["Most sold"]) == (None, None)


def test_a_tape_without_a_print_is_followed_but_silent(toy_chain: OptionChain) -> None:
    found = made(toy_chain, tape={})

    assert found["flow_oi"]["reason"] == "No prints yet"
    assert found["delta_flow"]["reason"] == "No prints with an aggressor"


def test_yesterdays_estimate_is_judged_after_the_open_only(toy_chain: OptionChain) -> None:
    day = sessions.previous_session(sessions.new_york_date(AS_OF))
    before = (day, {toy_chain.contract[0]: tally(10.0, 5.0, opening=1000)})
    early = sessions.instant(sessions.new_york_date(AS_OF), 9)

    judged = made(toy_chain, tape={}, before=before)
    waiting = made(toy_chain, tape={}, before=before, now=early)
    stale = made(toy_chain, tape={}, before=(date(2026, 11, 2), before[1]))

    unpublished = made(replace(toy_chain, oi_date=date(2026, 12, 1)), tape={}, before=before)

    name = "Yesterday's estimate"
    assert facts(unpublished["flow_oi"])[name] == (
        "not judged: the count of that evening is not here"
    )
    assert facts(judged["flow_oi"])[name] == ("not judged: 1 contract to judge by; 30 are needed")
    assert facts(waiting["flow_oi"])[name] == "judged after the open, when the count is out"
    assert facts(stale["flow_oi"])[name] == "judged after the open, when the count is out"


def test_the_vix_of_the_last_hour_has_its_slope(toy_chain: OptionChain) -> None:
    points = [(AS_OF - 60.0 * n, 18.0 - 0.005 * n) for n in range(50)]

    found = made(toy_chain, vix=points)["vix_slope"]

    assert (found["word"], found["n"]) == ("rising", 50)
    assert facts(found)["Slope"] == pytest.approx(0.3)


def test_a_morning_with_enough_contracts_judges_yesterdays_estimate() -> None:
    """Forty calls, each with 100 more bought than sold; the count rose by 60 in each."""
    strikes = [5900.0 + 5 * n for n in range(40)]
    chain = chain_of(
        [{"strike": k, "right": "C", "iv": 0.15, "oi": 560, "volume": 10} for k in strikes]
    )
    day = sessions.previous_session(sessions.new_york_date(AS_OF))
    before = (day, {contract: tally(150.0, 50.0, opening=500) for contract in chain.contract})

    found = facts(made(chain, tape={}, before=before)["flow_oi"])

    assert found["Yesterday's mean error"] == 40.0
    assert found["Error of saying nothing changes"] == 60.0
    assert found["Skill"] == pytest.approx(1 / 3)
    assert (found["Direction right"], found["Weight that would have fitted"]) == (1.0, 0.6)
