"""Max pain: exact, one settlement class at a time, gone once settled."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics.max_pain import MaxPain, max_pain, per_expiry
from grok_sauce.market import sessions
from grok_sauce.market.chain import OptionChain

TIED = [95_000, 100_000, 105_000, 110_000], [10, 20, 5, 5], [5, 5, 10, 20]


def payout(at: int, strikes: list[int], calls: list[int], puts: list[int]) -> int:
    """$ thousandths per $ of multiplier, straight from the definition, in integers."""
    rows = zip(strikes, calls, puts, strict=True)
    return sum(call * max(at - k, 0) + put * max(k - at, 0) for k, call, put in rows)


def row(strike: float, right: str, oi: float | None, **more: Any) -> dict[str, Any]:
    return {"strike": strike, "right": right, "oi": oi, **more}


def test_the_worked_example_pays_least_at_6000(toy_chain: OptionChain) -> None:
    rows = per_expiry(toy_chain, toy_chain.as_of)

    assert len(rows) == 1
    assert rows[0]["strike"] == 6000.0
    assert rows[0]["tied"] == [6000.0, 6000.0]
    assert rows[0]["payout"] == 46_500_000.0


@pytest.mark.parametrize(
    ("at", "millions"), [(5900, 147.0), (5950, 73.0), (6000, 46.5), (6050, 77.5), (6100, 166.5)]
)
def test_the_worked_example_pays_these_sums(
    toy_chain: OptionChain, at: int, millions: float
) -> None:
    strikes = toy_chain.strike[toy_chain.is_call].tolist()
    calls = [int(n) for n in toy_chain.oi[toy_chain.is_call]]
    puts = [int(n) for n in toy_chain.oi[~toy_chain.is_call]]

    assert payout(at * 1000, strikes, calls, puts) * 100 / 1000 == millions * 1e6


@pytest.mark.parametrize(
    ("spot", "strike"),
    [(103_000, 105_000), (102_500, 100_000), (102_400, 100_000), (None, 100_000)],
    ids=["nearer the upper", "in the middle: the lower", "nearer the lower", "no spot: the lower"],
)
def test_of_tied_strikes_the_one_nearest_spot_is_taken(spot: int | None, strike: int) -> None:
    found = max_pain(*TIED, spot=spot)

    assert found == MaxPain(strike, (100_000, 105_000), 30_000.0)


def test_a_long_tie_gives_the_whole_interval() -> None:
    strikes = [90_000, 95_000, 100_000, 105_000]

    found = max_pain(strikes, [10, 0, 0, 0], [0, 0, 0, 10], spot=96_000)

    assert found is not None
    assert found.tied == (90_000, 105_000)
    assert found.strike == 95_000


@pytest.mark.parametrize(
    ("calls", "puts", "tied"),
    [([0, 7, 0], [0, 0, 0], (90_000, 95_000)), ([0, 0, 0], [0, 7, 0], (95_000, 100_000))],
    ids=["calls alone", "puts alone"],
)
def test_one_sided_interest_ties_where_nothing_is_paid(
    calls: list[int], puts: list[int], tied: tuple[int, int]
) -> None:
    found = max_pain([90_000, 95_000, 100_000], calls, puts, spot=95_000)

    assert found is not None
    assert found.tied == tied
    assert found.payout == 0.0


def test_nothing_open_has_no_max_pain() -> None:
    assert max_pain([95_000, 100_000], [0, 0], [0, 0], spot=97_000) is None
    assert max_pain([], [], [], spot=97_000) is None


def test_a_single_contract_among_billions_breaks_a_tie() -> None:
    many = 900_000_000

    found = max_pain([4_000_000, 4_005_000], [many, 0], [0, many + 1], spot=4_000_000)

    assert found is not None
    assert found.strike == 4_005_000


@given(st.integers(0, 2**32), st.integers(1, 25), st.sampled_from([3, 50, 400_000]))
def test_no_listed_strike_pays_less(seed: int, count: int, largest: int) -> None:
    chance = random.Random(seed)
    strikes = sorted(chance.sample(range(1_000, 9_000_000, 500), count))
    calls, puts = ([chance.randrange(largest) for _ in strikes] for _ in range(2))
    spot = chance.randrange(9_000_000)

    found = max_pain(strikes, calls, puts, spot=spot)

    pays = {k: payout(k, strikes, calls, puts) for k in strikes}
    least = min(pays.values())
    tied = [k for k in strikes if pays[k] == least]
    if not any(calls) and not any(puts):
        assert found is None
    else:
        best = min(tied, key=lambda k: (abs(k - spot), k))
        assert found == MaxPain(best, (tied[0], tied[-1]), least * 100 / 1000)


def test_am_and_pm_of_one_day_are_two_settlements(chain_of: Callable[..., OptionChain]) -> None:
    day = {"expiry": "2026-12-18"}
    am = {**day, "root": "SPX", "settlement": "AM"}
    chain = chain_of(
        [
            row(5900, "P", 100, **day),
            row(6000, "C", 1, **day),
            row(6000, "P", 1, **am),
            row(6100, "C", 100, **am),
            row(6100, "P", 200, **am),
        ],
        as_of=sessions.instant(date(2026, 12, 16), 12),
    )

    rows = per_expiry(chain, chain.as_of)

    assert [(r["root"], r["settlement"], r["strike"]) for r in rows] == [
        ("SPX", "AM", 6100.0),
        ("SPXW", "PM", 6000.0),
    ]
    assert all(r["expiry"] == "2026-12-18" and r["dte"] == 2 and r["witching"] for r in rows)


def test_contracts_that_settled_are_gone(chain_of: Callable[..., OptionChain]) -> None:
    chain = chain_of([row(6000, "C", 5, expiry=day) for day in ("2026-12-16", "2026-12-17")])
    close = sessions.settlement(date(2026, 12, 16), "PM")

    before, after = per_expiry(chain, close - 1), per_expiry(chain, close)

    assert [r["expiry"] for r in before] == ["2026-12-16", "2026-12-17"]
    assert [r["expiry"] for r in after] == ["2026-12-17"]


def test_an_expiry_without_known_interest_says_so(chain_of: Callable[..., OptionChain]) -> None:
    chain = chain_of([row(6000, "C", None), row(6000, "P", None)])

    rows = per_expiry(chain, chain.as_of)

    assert [(r["strike"], r["tied"], r["payout"]) for r in rows] == [(None, None, None)]


def test_contracts_of_another_size_do_not_enter(chain_of: Callable[..., OptionChain]) -> None:
    odd = row(6300, "C", 10**6, multiplier=150.0)
    chain = chain_of([row(6000, "C", 5), row(6050, "P", 5), odd, row(6100, "P", 9, multiplier=0.0)])

    rows = per_expiry(chain, chain.as_of)

    assert rows[0]["tied"] == [6000.0, 6050.0]
    assert rows[0]["payout"] == 5 * 50 * 100.0


def test_the_order_of_contracts_does_not_matter(toy_chain: OptionChain) -> None:
    shuffled = toy_chain.take(np.array([7, 2, 9, 0, 4, 1, 8, 3, 6, 5], dtype=np.int64))

    assert per_expiry(shuffled, toy_chain.as_of) == per_expiry(toy_chain, toy_chain.as_of)


def test_strikes_with_decimals_stay_apart(chain_of: Callable[..., OptionChain]) -> None:
    chain = chain_of([row(252.5, "C", 3), row(252.5, "P", 9), row(252, "C", 1)], spot=252.0)

    assert per_expiry(chain, chain.as_of)[0]["strike"] == 252.5
