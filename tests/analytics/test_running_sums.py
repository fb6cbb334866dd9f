"""Running sums by strike stay what a whole sum says, whatever happens to single contracts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import gex
from grok_sauce.analytics.forward import Rates
from grok_sauce.market.chain import OptionChain
from tests.option_chains import TOY_RATE, TOY_YIELD

LINES, STRIKES = 24, 5
PLACE = np.arange(LINES) * 7 % STRIKES
IS_CALL = np.arange(LINES) % 3 != 0
MULTIPLIER = np.where(np.arange(LINES) % 5 == 0, 10.0, 100.0)

number = st.one_of(st.floats(0, 10), st.floats(1e-9, 1e-6), st.just(math.nan))
interest = st.one_of(st.integers(0, 10**7).map(float), st.just(math.nan))
beat = st.dictionaries(st.integers(0, LINES - 1), st.tuples(number, interest), max_size=LINES)


def whole(gamma: np.ndarray, oi: np.ndarray, spot: float) -> list[list[float]]:
    """Calls and puts by strike, exactly rounded."""
    parts: list[list[list[float]]] = [[[] for _ in range(STRIKES)] for _ in range(2)]
    for line in range(LINES):
        value = float(gamma[line] * oi[line] * MULTIPLIER[line] * spot * spot * 0.01)
        if not math.isnan(value):
            parts[0 if IS_CALL[line] else 1][PLACE[line]].append(value)
    return [[math.fsum(values) for values in side] for side in parts]


@settings(max_examples=60)
@given(st.lists(beat, max_size=8), st.booleans())
def test_any_number_of_changes_gives_the_sum_of_the_whole(
    beats: list[dict[int, tuple[float, float]]], resums: bool
) -> None:
    gamma, oi = np.full(LINES, 0.01), np.arange(LINES, dtype=np.float64)
    sums = gex.RunningSums(PLACE, IS_CALL, MULTIPLIER, STRIKES, gamma, oi)

    for changes in beats:
        lines = np.array(list(changes), dtype=np.intp)
        for line, (new_gamma, new_oi) in changes.items():
            gamma[line], oi[line] = new_gamma, new_oi
        sums.change(lines, gamma[lines], oi[lines])
    if resums:
        sums.resum()

    call, put = sums.gex(6000.0)
    expected = whole(gamma, oi, 6000.0)
    assert call == pytest.approx(expected[0], rel=1e-9, abs=0)
    assert put == pytest.approx(expected[1], rel=1e-9, abs=0)
    assert sums.known == LINES - int(np.isnan(gamma * oi).sum())


def test_a_large_number_leaves_nothing_behind() -> None:
    gamma, oi = np.full(LINES, 1e-9), np.ones(LINES)
    sums = gex.RunningSums(PLACE, IS_CALL, MULTIPLIER, STRIKES, gamma, oi)
    before = sums.gex(6000.0)[0].copy()

    sums.change([1, 2], [10.0, 10.0], [1e12, 1e12])
    sums.change([1, 2], [1e-9, 1e-9], [1.0, 1.0])

    assert sums.gex(6000.0)[0].tolist() == before.tolist()


def test_only_the_strikes_of_changed_contracts_move() -> None:
    gamma, oi = np.full(LINES, 0.01), np.ones(LINES)
    sums = gex.RunningSums(PLACE, IS_CALL, MULTIPLIER, STRIKES, gamma, oi)
    before = np.concatenate(sums.gex(6000.0))

    sums.change([4], [0.02], [1.0])

    moved = np.flatnonzero(np.concatenate(sums.gex(6000.0)) != before)
    assert moved.tolist() == [PLACE[4]]


def test_a_chain_gives_its_own_exposures(toy_chain: OptionChain) -> None:
    prepared = gex.prepare(toy_chain, Rates(TOY_RATE, TOY_YIELD), None)
    sums = gex.RunningSums.of(prepared)

    call, put = sums.gex(6000.0)

    expected = gex.exposures(prepared).oi.gex
    assert call == pytest.approx(expected.call, rel=1e-12)
    assert put == pytest.approx(expected.put, rel=1e-12)


def test_nothing_at_all_sums_to_nothing() -> None:
    none = np.zeros(0)
    sums = gex.RunningSums(np.zeros(0, np.intp), np.zeros(0, np.bool_), none, 0, none, none)

    sums.change([], [], [])
    sums.resum()

    assert [len(side) for side in sums.gex(6000.0)] == [0, 0]
    assert sums.known == 0
