"""VIX slope: the line that statistics books draw, and no line through too little."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import study_vix
from grok_sauce.analytics.study_vix import VixSlope, vix_slope

# scipy.stats.linregress of these (SciPy 1.17.1): slope .4803127175 an hour, r^2 .8878383778,
# 2.7300467074 % of the mean an hour.
TIMES = [0, 120, 180, 360, 540, 780, 900, 1260, 1500, 1800, 2220, 2580, 3000, 3300]
VALUES = [17.42, 17.45, 17.40, 17.38, 17.51, 17.60, 17.58]
VALUES += [17.49, 17.66, 17.71, 17.69, 17.80, 17.77, 17.85]


def of_minutes(values: list[float], now: float | None = None) -> VixSlope:
    points = [(60.0 * minute, value) for minute, value in enumerate(values)]
    return vix_slope(points, points[-1][0] if now is None else now)


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(study_vix).failed == 0


def test_the_line_is_the_one_an_outside_library_draws() -> None:
    found = vix_slope(zip(map(float, TIMES), VALUES, strict=True), 3300.0)

    assert found.slope == pytest.approx(0.4803127175021458, rel=1e-11)
    assert found.r2 == pytest.approx(0.8878383778284906, rel=1e-11)
    assert found.percent == pytest.approx(2.7300467074134387, rel=1e-11)
    assert found.steepness == pytest.approx(2.7300467074134387 / 5, rel=1e-11)
    assert (found.word, found.n, found.minutes, found.last) == ("rising", 14, 55.0, 17.85)


@pytest.mark.parametrize(
    ("percent", "word", "steepness"),
    [(0.45, "flat", 0.09), (0.55, "rising", 0.11), (-0.55, "falling", -0.11), (9.0, "rising", 1.0)],
)
def test_words_and_steepness_go_by_percent_an_hour(
    percent: float, word: str, steepness: float
) -> None:
    # 61 values symmetric about the mean of 20.
    values = [20 * (1 + percent / 100 * (minute - 30) / 60) for minute in range(61)]

    found = of_minutes(values)

    assert found.word == word
    assert found.steepness == pytest.approx(steepness)


def test_a_line_without_movement_is_flat_and_has_no_r2() -> None:
    found = of_minutes([18.0] * 40)

    assert (found.slope, found.word, found.r2) == (0.0, "flat", None)


@pytest.mark.parametrize(
    ("points", "now", "reason"),
    [
        ([], 0.0, "No value of the VIX in the last hour"),
        ([(0.0, 18.0)], 4000.0, "No value of the VIX in the last hour"),
        (
            [(60.0 * n, 18.0) for n in range(40)],
            39 * 60 + 720.0,
            "The newest value of the VIX is 12 minutes old",
        ),
        (
            [(400.0 * n, 18.0) for n in range(9)],
            3200.0,
            "9 values of the VIX in the last hour; 10 are needed",
        ),
        (
            [(60.0 * n, 18.0) for n in range(21)],
            1200.0,
            "20 minutes of the VIX; 30 are needed",
        ),
    ],
    ids=["none", "all too old", "stopped", "few", "short"],
)
def test_too_little_gives_no_slope_and_says_why(
    points: list[tuple[float, float]], now: float, reason: str
) -> None:
    found = vix_slope(points, now)

    assert (found.slope, found.word) == (None, None)
    assert found.reason == reason


def test_what_is_older_than_an_hour_or_not_a_price_is_left_out() -> None:
    steady = [(4000.0 + 60 * n, 18.0 + 0.01 * n) for n in range(40)]
    noise = [(100.0, 90.0), (5000.0, 0.0), (5001.0, float("nan")), (99999.0, 50.0)]

    assert vix_slope(noise + steady, 6400.0) == vix_slope(steady, 6400.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(9, 80), min_size=31, max_size=61), st.floats(0.5, 3))
def test_a_vix_at_another_level_has_the_same_percent_and_mirrored_time_the_opposite(
    values: list[float], times: float
) -> None:
    one = of_minutes(values)
    scaled = of_minutes([value * times for value in values])
    mirrored = of_minutes(values[::-1])

    assert one.percent is not None
    assert scaled.percent == pytest.approx(one.percent, abs=1e-7)
    assert mirrored.percent == pytest.approx(-one.percent, abs=1e-7)
    assert one.r2 is None or 0 <= one.r2 <= 1
