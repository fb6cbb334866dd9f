"""Calls and puts side by side, whatever order the contracts come in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from grok_sauce.analytics.pairs import pair_up
from grok_sauce.market.chain import OptionChain

ChainOf = Callable[..., OptionChain]


def test_rows_ascend_by_expiry_and_strike_and_name_both_contracts(chain_of: ChainOf) -> None:
    chain = chain_of(
        [
            {"strike": 102.5, "right": "P", "expiry": "2026-12-22"},
            {"strike": 105, "right": "C"},
            {"strike": 100, "right": "P"},
            {"strike": 100, "right": "C"},
        ]
    )

    pairs = pair_up(chain)

    assert pairs.expiry.tolist() == [0, 0, 1]
    assert pairs.strike.tolist() == [100.0, 105.0, 102.5]
    assert pairs.call.tolist() == [3, 1, -1]
    assert pairs.put.tolist() == [2, -1, 0]
    assert pairs.row.tolist() == [2, 1, 0, 0]


def test_am_and_pm_of_one_day_are_never_paired(chain_of: ChainOf) -> None:
    chain = chain_of(
        [
            {"strike": 100, "right": "C", "root": "SPX", "settlement": "AM"},
            {"strike": 100, "right": "P"},
        ]
    )

    pairs = pair_up(chain)

    assert pairs.call.tolist() == [0, -1]
    assert pairs.put.tolist() == [-1, 1]


def test_of_two_contracts_with_the_same_terms_the_first_counts(chain_of: ChainOf) -> None:
    chain = chain_of([{"strike": 100, "right": "C"}, {"strike": 100, "right": "C"}])

    assert pair_up(chain).call.tolist() == [0]


def test_a_column_by_rows_is_unknown_where_a_side_is_not_listed(chain_of: ChainOf) -> None:
    chain = chain_of(
        [{"strike": 100, "right": "C", "oi": 7}, {"strike": 105, "right": "P", "oi": 9}]
    )

    pairs = pair_up(chain)

    assert np.array_equal(pairs.calls(chain.oi), [7, np.nan], equal_nan=True)
    assert np.array_equal(pairs.puts(chain.oi), [np.nan, 9], equal_nan=True)


def test_an_expiry_has_its_own_rows(chain_of: ChainOf) -> None:
    days = ["2026-12-21", "2026-12-21", "2026-12-23"]
    chain = chain_of(
        [{"strike": 100 + place, "right": "C", "expiry": day} for place, day in enumerate(days)]
    )

    pairs = pair_up(chain)

    assert [pairs.strike[pairs.within(place)].tolist() for place in range(3)] == [
        [100, 101],
        [102],
        [],
    ]


def test_an_empty_chain_has_no_rows(chain_of: ChainOf) -> None:
    chain = chain_of([])

    assert len(pair_up(chain).strike) == 0
    assert len(pair_up(chain).calls(chain.oi)) == 0
