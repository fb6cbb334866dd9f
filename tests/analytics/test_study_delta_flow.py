"""Delta flow: its sign, pinned, and its size in contracts of the future."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import study_delta_flow, study_futures
from grok_sauce.analytics.conversion import Factor
from grok_sauce.analytics.study_delta_flow import DeltaFlow, delta_flow
from grok_sauce.analytics.study_futures import FuturesScale, in_contracts, scale_of

ES = FuturesScale("/ESZ6", 50.0, 1.0, 0.0, False)


def flow(*rows: tuple[float, float, float], scale: FuturesScale | None = ES) -> DeltaFlow:
    """Of (bought, sold, delta) per contract; the sign of delta says whether it is a call."""
    buy, sell, delta = (np.array(each, dtype=np.float64) for each in zip(*rows, strict=True))
    return delta_flow(buy, sell, delta, np.full(len(rows), 100.0), delta > 0, scale)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(study_delta_flow).failed == 0
    assert doctest.testmod(study_futures).failed == 0


@pytest.mark.parametrize(
    ("row", "sign"),
    [((10, 0, 0.5), 1), ((0, 10, 0.5), -1), ((10, 0, -0.5), -1), ((0, 10, -0.5), 1)],
    ids=["calls bought", "calls sold", "puts bought", "puts sold"],
)
def test_whoever_fills_a_buyer_of_delta_buys_futures(
    row: tuple[float, float, float], sign: int
) -> None:
    found = flow(row)

    assert found.contracts == sign * 10 * 0.5 * 100 / 50


def test_ten_thousand_futures_are_no_longer_neutral() -> None:
    below, at = flow((9_999, 0, 0.5)), flow((10_000, 0, 0.5))

    assert (below.word, at.word, at.dollars) == ("neutral", "bought", 500_000.0)
    assert flow((0, 10_000, 0.5)).word == "sold"


def test_prints_without_a_delta_are_left_out_and_counted() -> None:
    found = flow((10, 0, 0.5), (10, 0, float("nan")))

    assert (found.n, found.without, found.dollars) == (1, 1, 500.0)


def test_without_prints_or_deltas_there_is_a_reason_and_no_number() -> None:
    silent, blind = flow((0, 0, 0.5)), flow((5, 0, float("nan")))

    assert (silent.dollars, silent.reason) == (None, "No prints with an aggressor")
    assert (blind.dollars, blind.reason) == (None, "No contract that traded has a delta")


def test_without_a_price_of_the_future_dollars_stand_and_contracts_do_not() -> None:
    found = flow((10, 0, 0.5), scale=None)

    assert (found.dollars, found.contracts) == (500.0, None)


def test_an_etf_is_worth_its_ratio_less_of_the_future() -> None:
    qqq = scale_of(Factor("/NQZ6", "ratio", 21475.25 / 520.40, 0.0, False, 520.40, 21475.25), 20.0)

    # 1,000 shares of QQQ move 1,000 x 520.40 / 21475.25 $ when /NQ moves one point.
    assert qqq is not None
    assert in_contracts(1000.0, qqq) == pytest.approx(1000 * 520.40 / 21475.25 / 20)


def test_an_index_moves_point_for_point_with_its_own_future() -> None:
    spx = scale_of(Factor("/ESZ6", "basis", 30.65, 7.0, True, 6000.0, 6030.65), 50.0)

    assert spx == FuturesScale("/ESZ6", 50.0, 1.0, 7.0, True)


def test_there_is_no_scale_without_a_factor_or_a_multiplier() -> None:
    factor = Factor("/ESZ6", "basis", 30.0, 0.0, False, 6000.0, 6030.0)

    assert scale_of(None, 50.0) is None
    assert scale_of(factor, None) is None
    assert scale_of(factor, 0.0) is None


trades = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 5000), st.floats(0.01, 1).map(float)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(trades)
def test_the_other_aggressor_turns_the_sign(rows: list[tuple[float, float, float]]) -> None:
    one = flow(*rows)
    other = flow(*[(sell, buy, delta) for buy, sell, delta in rows])

    if one.dollars is None:
        assert other.dollars is None
    else:
        assert other.dollars == pytest.approx(-one.dollars)
        assert one.calls is not None
        assert one.puts is not None
        assert one.dollars == one.calls + one.puts
