"""Walls, resistances and supports: the worked example, ties, and what a wall must never be."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics.walls import Ranked, Walls, resistance, support, walls
from grok_sauce.market.chain import OptionChain

STRIKES = [5900.0, 5950.0, 6000.0, 6050.0, 6100.0]


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def found_at(
    strikes: list[float],
    call: list[float],
    put: list[float],
    spot: float | None,
    call_oi: list[float] | None = None,
    put_oi: list[float] | None = None,
) -> Walls:
    empty = [0.0] * len(strikes)
    columns = (strikes, call, put, call_oi or empty, put_oi or empty)
    return walls(*(array(*column) for column in columns), spot)


def toy_exposures(chain: OptionChain) -> tuple[np.ndarray, ...]:
    """Strikes, call and put GEX per 1 %, call and put OI of the worked example, from its table."""
    gex = chain.gamma * chain.oi * chain.multiplier * 6000.0**2 * 0.01
    sides = chain.is_call, ~chain.is_call
    return (
        chain.strikes[chain.is_call],
        *(gex[side] for side in sides),
        *(chain.oi[side] for side in sides),
    )


def test_the_worked_example_has_its_walls(toy_chain: OptionChain) -> None:
    found = walls(*toy_exposures(toy_chain), 6000.0)

    assert (found.call_wall, found.put_wall) == (6050.0, 5950.0)
    assert found.put_wall_oi == 5900.0
    assert found.call_wall_oi == 6050.0
    assert found.max_gex_strike == 6050.0
    assert found.absolute_gamma_strike == 6000.0


def test_the_worked_example_has_its_resistances_and_supports(toy_chain: OptionChain) -> None:
    strikes, call, put, _, _ = toy_exposures(toy_chain)

    above, below = resistance(strikes, call - put, 6000.0), support(strikes, put, 6000.0)

    assert above == Ranked((6050.0, 6100.0), (6050.0, 6100.0))
    assert below == Ranked((5950.0, 5900.0), (5950.0, 5900.0))


def test_a_spot_on_a_strike_makes_it_eligible_on_both_sides() -> None:
    found = found_at([95, 100, 105], [1, 5, 2], [1, 7, 2], 100.0)

    assert (found.call_wall, found.put_wall) == (100.0, 100.0)


def test_a_spot_on_a_strike_keeps_it_out_of_resistance_and_support() -> None:
    strikes, values = array(95, 100, 105), array(1, 9, 2)

    assert resistance(strikes, values, 100.0).by_strength == (105.0,)
    assert support(strikes, values, 100.0).by_strength == (95.0,)


def test_restricted_and_unrestricted_walls_may_stand_on_the_other_side() -> None:
    found = found_at([90, 95, 105, 110], [9, 1, 2, 3], [1, 2, 1, 8], 100.0)

    assert (found.call_wall, found.call_wall_unrestricted) == (110.0, 90.0)
    assert (found.put_wall, found.put_wall_unrestricted) == (95.0, 110.0)


def test_tied_call_walls_go_to_the_lowest_strike_and_put_walls_to_the_highest() -> None:
    found = found_at([85, 90, 95, 105, 110, 115], [0, 0, 0, 4, 4, 4], [4, 4, 4, 0, 0, 0], 100.0)

    assert (found.call_wall, found.put_wall) == (105.0, 95.0)


@pytest.mark.parametrize(
    ("spot", "expected"),
    [(103.0, 105.0), (97.0, 95.0), (100.0, 95.0)],
    ids=["nearer above", "nearer below", "as near: the lower"],
)
def test_other_ties_go_to_the_nearest_then_the_lower(spot: float, expected: float) -> None:
    equal = [3.0, 0.0, 3.0]

    found = found_at([95, 100, 105], equal, [0, 0, 0], spot, call_oi=equal, put_oi=equal)

    assert found.call_wall_unrestricted == expected
    assert found.call_wall_oi == expected
    assert found.put_wall_oi == expected
    assert found.max_gex_strike == expected
    assert found.absolute_gamma_strike == expected


def test_sums_in_another_order_still_tie() -> None:
    one, other = 0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1

    found = found_at([105, 110], [other, one], [0, 0], 100.0)

    assert one != other
    assert found.call_wall == 105.0


def test_tied_resistances_go_to_the_lower_strike_and_supports_to_the_higher() -> None:
    strikes = array(80, 85, 90, 95, 105, 110, 115, 120)
    equal = array(1, 1, 1, 1, 1, 1, 1, 1)

    assert resistance(strikes, equal, 100.0).by_strength == (105.0, 110.0, 115.0)
    assert support(strikes, equal, 100.0).by_strength == (95.0, 90.0, 85.0)


def test_strength_and_distance_order_the_same_three() -> None:
    strikes = array(105, 110, 115, 120)

    found = resistance(strikes, array(1, 4, 9, 7), 100.0)

    assert found.by_strength == (115.0, 120.0, 110.0)
    assert found.by_distance == (110.0, 115.0, 120.0)


@pytest.mark.parametrize(
    ("far", "expected"), [(70.0, 115.0), (69.9, None)], ids=["reaches 70 %", "just below"]
)
def test_a_second_local_maximum_of_70_percent_is_the_second_wall(
    far: float, expected: float | None
) -> None:
    strikes = [85, 90, 95, 105, 110, 115]

    found = found_at(strikes, [0, 0, 0, 100, 5, far], [far, 5, 100, 0, 0, 0], 100.0)

    assert found.call_wall_2 == expected
    assert found.put_wall_2 == (None if expected is None else 85.0)


def test_the_flank_of_the_first_wall_is_no_second_wall() -> None:
    found = found_at([105, 110, 115], [90, 100, 95], [0, 0, 0], 100.0)

    assert found.call_wall == 110.0
    assert found.call_wall_2 is None


def test_the_far_end_of_a_flat_top_is_no_second_wall() -> None:
    found = found_at([105, 110, 115, 120], [100, 100, 5, 1], [0, 0, 0, 0], 102.0)

    assert found.call_wall == 105.0
    assert found.call_wall_2 is None


def test_the_slope_of_a_mountain_across_spot_is_no_second_wall() -> None:
    found = found_at([95, 105, 110, 115], [200, 90, 5, 100], [0, 0, 0, 0], 100.0)

    assert found.call_wall == 115.0
    assert found.call_wall_2 is None


@pytest.mark.parametrize("call", [[0.0, 0.0], [-1.0, -2.0], [float("nan")] * 2])
def test_a_side_without_exposure_has_no_wall(call: list[float]) -> None:
    found = found_at([105, 110], call, [0, 0], 100.0)

    assert found.call_wall is None
    assert found.call_wall_2 is None
    assert found.call_wall_unrestricted is None
    assert found.put_wall is None


def test_without_a_spot_only_the_unrestricted_levels_stand() -> None:
    found = found_at([95, 105], [1, 2], [2, 1], None, put_oi=[5, 5])

    assert found.call_wall is None
    assert found.put_wall is None
    assert found.call_wall_unrestricted == 105.0
    assert found.put_wall_oi == 95.0
    assert resistance(array(95, 105), array(1, 2), None) == Ranked((), ())
    assert support(array(95, 105), array(1, 2), None) == Ranked((), ())


def test_no_strikes_have_no_levels() -> None:
    found = found_at([], [], [], 100.0)

    assert all(getattr(found, name) is None for name in Walls.__dataclass_fields__)


def brute_peak(rows: list[tuple[float, float]], tie: Any) -> float | None:
    best = max((value for _, value in rows), default=0)
    return min((k for k, value in rows if value == best), key=tie) if best > 0 else None


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(0, 60))
def test_walls_are_the_largest_strikes_of_their_side(seed: int, count: int, spot: int) -> None:
    chance = random.Random(seed)
    strikes = sorted(chance.sample(range(60), count))
    call = [float(chance.randrange(5)) for _ in strikes]
    put = [float(chance.randrange(5)) for _ in strikes]

    found = found_at([float(k) for k in strikes], call, put, float(spot))

    calls, puts = list(zip(strikes, call, strict=True)), list(zip(strikes, put, strict=True))
    assert found.call_wall == brute_peak([r for r in calls if r[0] >= spot], lambda k: k)
    assert found.put_wall == brute_peak([r for r in puts if r[0] <= spot], lambda k: -k)
    assert found.call_wall_unrestricted == brute_peak(calls, lambda k: (abs(k - spot), k))
    if found.call_wall_2 is not None:
        first, second = call[strikes.index(found.call_wall)], call[strikes.index(found.call_wall_2)]
        assert found.call_wall_2 >= spot
        assert found.call_wall_2 != found.call_wall
        assert 0.7 * first <= second <= first
