"""Wall study: what a touch, a bounce and a break are, fair benchmarks, and n with every share."""

from __future__ import annotations

import doctest
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import study_shares, study_walls
from grok_sauce.analytics.study_shares import newcombe, wilson
from grok_sauce.analytics.study_walls import LEAST, WallDay, round_step, trial, wall_study
from grok_sauce.market import sessions
from grok_sauce.market.events import Bar

DAY = date(2026, 12, 16)
HALF_DAY = date(2026, 11, 27)
Prices = Sequence[tuple[float, float, float]]  # high, low, close


def bars_of(
    prices: Prices, day: date = DAY, first: int = 0, start: float | None = None
) -> list[Bar]:
    """One bar a minute from `first` minutes after the open; the first opens at `start`."""
    opening = int(sessions.regular(day)[0]) * 1000
    found = []
    for minute, (high, low, close) in enumerate(prices, start=first):
        begin = start if start is not None and minute == first else close
        found.append(
            Bar(
                opening + minute * 60_000,
                begin,
                max(high, begin),
                min(low, begin),
                close,
                None,
                None,
            )
        )
    return found


def still(price: float) -> tuple[float, float, float]:
    return price, price, price


def happened(
    *prices: tuple[float, float, float], level: float = 100.0, side: int = 1
) -> str | None:
    return trial(bars_of(prices), level, 1 if side > 0 else -1)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(study_walls).failed == 0
    assert doctest.testmod(study_shares).failed == 0


@pytest.mark.parametrize(
    ("prices", "outcome"),
    [
        ([still(99.5), (99.94, 99.5, 99.9)], None),
        ([still(99.5), (99.95, 99.5, 99.9)], "open"),
        ([still(99.5), (99.95, 99.0, 99.1)], "open"),
        ([still(99.5), (99.95, 99.5, 99.9), (99.9, 99.8, 99.85)], "bounce"),
        ([still(99.5), (100.06, 99.5, 100.06)], "break"),
        ([still(99.5), (100.2, 99.5, 100.04), still(100.0)], "open"),
        ([still(99.5), still(100.0), (100.1, 99.7, 100.1)], "both"),
        ([still(99.5), still(100.0), (100.1, 99.85, 100.1), still(99.0)], "break"),
    ],
    ids=[
        "not near enough",
        "touched, then nothing",
        "back in the bar of the touch: the order is not known",
        "back in a later bar",
        "closed beyond",
        "beyond, not closed beyond",
        "far back and closed beyond in one bar",
        "broken first, back later",
    ],
)
def test_a_ceiling_is_touched_bounced_from_or_broken(prices: Prices, outcome: str | None) -> None:
    assert happened(*prices) == outcome


def test_a_floor_is_a_ceiling_upside_down() -> None:
    assert (
        happened(still(100.5), (100.5, 100.04, 100.1), (100.2, 100.1, 100.15), side=-1) == "bounce"
    )
    assert happened(still(100.5), (100.5, 99.9, 99.94), side=-1) == "break"
    assert happened(still(100.5), side=-1) is None


def test_what_happens_after_an_hour_no_longer_counts() -> None:
    waiting = [still(99.5), *[still(99.96)] * 60]

    assert happened(*waiting, still(99.0)) == "open"
    assert happened(*waiting[:-1], still(99.0)) == "bounce"


# In 128ths, which floats mirror exactly and none of the bounds is.
ceilings = st.lists(
    st.tuples(
        st.integers(99 * 128, 101 * 128).map(lambda whole: whole / 128),
        *[st.integers(0, 50).map(lambda whole: whole / 128)] * 2,
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=80, deadline=None)
@given(ceilings)
def test_the_same_day_upside_down_has_the_same_outcome(
    made: list[tuple[float, float, float]],
) -> None:
    prices = [(close + up, close - down, close) for close, up, down in made]
    mirrored = [(200 - low, 200 - high, 200 - close) for high, low, close in prices]

    assert happened(*prices) == happened(*mirrored, side=-1)


# ---- the study ----------------------------------------------------------------------------


def calendar(n: int) -> list[date]:
    return sessions.sessions_before(DAY, n)


def bouncing(day: date, wall: float = 6050.0) -> WallDay:
    """Opens at 6000, comes to the wall and falls back by 0.5 %."""
    prices = [still(6000.0), still(6025.0), still(wall - 1), still(wall - 30), still(6000.0)]
    return WallDay(day, bars_of(prices, day, start=6000.0), 0.0, wall, None)


def breaking(day: date, wall: float = 6050.0) -> WallDay:
    prices = [still(6000.0), still(6025.0), still(wall - 1), still(wall + 20), still(wall + 40)]
    return WallDay(day, bars_of(prices, day, start=6000.0), 0.0, wall, None)


def test_below_thirty_touches_no_share_is_told_and_the_reason_states_n() -> None:
    found = wall_study([bouncing(day) for day in calendar(LEAST - 1)])

    assert (found.walls.share, found.n, found.walls.holds) == (None, 29, 29.0)
    assert found.reason == "29 decided touches in 29 sessions; 30 are needed"
    assert all(each.verdict is None for each in found.against)


def test_the_share_of_walls_that_held_has_wilsons_interval() -> None:
    """SciPy 1.17.1, binomtest(45, 60).proportion_ci(method="wilson")."""
    days = calendar(60)
    made = [bouncing(day) for day in days[:45]] + [breaking(day) for day in days[45:]]

    found = wall_study(made)

    assert (found.walls.n, found.walls.share) == (60, 0.75)
    assert found.walls.low == pytest.approx(0.6276792992295218)
    assert found.walls.high == pytest.approx(0.8422347746994333)


def test_walls_that_turn_prices_where_lower_levels_do_not_hold_more_often() -> None:
    found = wall_study([bouncing(day) for day in calendar(40)])

    offset = next(each for each in found.against if each.name == "offset")
    # 0.25 % below the wall the price goes through to the wall; 0.25 % above it never comes.
    assert (offset.held.n, offset.held.holds, offset.held.untouched) == (40, 0.0, 40)
    assert (offset.difference, offset.verdict) == (1.0, "more often")
    assert offset.low is not None
    assert offset.low > 0.8


def test_walls_that_all_stand_at_one_distance_have_no_random_levels_to_compare_with() -> None:
    found = wall_study([bouncing(day) for day in calendar(40)])

    assert found.against[0].name == "random"
    assert (found.against[0].held.n, found.against[0].verdict) == (0, None)


def test_random_levels_count_a_day_once_however_many_were_touched() -> None:
    days = calendar(40)
    made = [bouncing(day, 6040.0 + 2 * place) for place, day in enumerate(days)]

    found = wall_study(made)

    assert found.against[0].held.n <= 40
    assert found.against[0].held.n > 0


def test_a_level_that_is_passed_or_stood_on_at_the_start_is_no_trial() -> None:
    above = WallDay(DAY, bars_of([still(6000.0)] * 3), 0.0, 5990.0, 6000.0)

    found = wall_study([above])

    assert (found.walls.n, found.walls.untouched, found.days) == (0, 0, 1)


def test_a_wall_counts_only_from_when_it_was_known() -> None:
    opening = sessions.regular(DAY)[0]
    prices = [still(6000.0), still(6049.0), still(6010.0), still(6000.0)]

    known = wall_study([WallDay(DAY, bars_of(prices), opening, 6050.0, None)])
    late = wall_study([WallDay(DAY, bars_of(prices), opening + 120, 6050.0, None)])

    assert (known.walls.n, known.walls.untouched) == (1, 0)
    assert (late.walls.n, late.walls.untouched) == (0, 1)


def test_a_half_day_ends_at_one_and_a_holiday_has_no_session() -> None:
    prices = [still(6000.0), still(6049.0), still(6010.0)]
    before = WallDay(HALF_DAY, bars_of(prices, HALF_DAY, first=207), 0.0, 6050.0, None)
    after = WallDay(HALF_DAY, bars_of(prices, HALF_DAY, first=210), 0.0, 6050.0, None)
    closed = WallDay(date(2026, 12, 25), bars_of(prices), 0.0, 6050.0, None)

    assert wall_study([before]).walls.n == 1
    assert wall_study([after]).days == 0
    assert (wall_study([closed]).days, wall_study([closed]).of) == (0, 1)


@pytest.mark.parametrize(
    ("price", "step"), [(6000.0, 50.0), (21500.0, 200.0), (600.0, 5.0), (200.0, 1.0), (1.5, 0.01)]
)
def test_round_numbers_are_half_a_percent_apart_or_a_little_more(price: float, step: float) -> None:
    assert round_step(price) == pytest.approx(step)


# ---- intervals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (17, 41, 0.27756549454252133, 0.5663289686596987),
        (30, 30, 0.8864866068260312, 1.0),
        (8, 10, 0.4901624715366418, 0.9433178485456248),
    ],
)
def test_wilsons_interval_is_that_of_an_outside_library(
    hits: int, n: int, low: float, high: float
) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), rel=1e-12)


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 40), st.integers(1, 40))
def test_a_difference_lies_in_its_interval_and_turns_with_its_sides(
    one: int, more: int, other: int, others: int
) -> None:
    n, m = one + more, other + others
    gap = one / n - other / m

    low, high = newcombe(one, n, other, m)

    assert -1 <= low <= gap <= high <= 1
    assert newcombe(other, m, one, n) == pytest.approx((-high, -low))
