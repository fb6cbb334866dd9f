"""analytics.vwap: the worked example, a slow twin, and nothing where nothing traded."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics import vwap


def test_the_worked_example_gives_price_and_deviation() -> None:
    found = vwap.vwap([(100.0, 500.0), (100.5, 300.0), (101.0, 200.0), (100.2, 1000.0)])

    assert found is not None
    assert found.price == pytest.approx(100.275, abs=1e-9)
    assert found.deviation == pytest.approx(0.286138, abs=5e-7)
    assert found.band(2) == pytest.approx((100.275 - 0.572276, 100.275 + 0.572276), abs=1e-6)


@pytest.mark.parametrize("volume", [None, 0.0, float("nan")], ids=["None", "0", "NaN"])
def test_without_volume_there_is_no_average(volume: float | None) -> None:
    assert vwap.vwap([(100.0, volume), (101.0, volume)]) is None
    assert vwap.vwap([]) is None


def test_a_bar_without_volume_has_no_weight() -> None:
    found = vwap.vwap([(100.0, 10.0), (900.0, None), (900.0, 0.0)])

    assert found is not None
    assert (found.price, found.volume) == (100.0, 10.0)


def test_distance_is_in_percent_of_the_average_and_signed() -> None:
    average = vwap.vwap([(200.0, 1.0)])

    assert vwap.distance(201.0, average) == pytest.approx(0.5)
    assert vwap.distance(199.0, average) == pytest.approx(-0.5)
    assert vwap.distance(None, average) is None
    assert vwap.distance(201.0, None) is None


prices = st.integers(1, 2_000_000).map(lambda cents: cents / 100)
volumes = st.integers(1, 10_000_000).map(float)


def test_a_single_price_has_no_width() -> None:
    found = vwap.vwap([(502.53, 605.0)])

    assert found is not None
    assert (found.price, found.deviation) == (502.53, 0.0)


@given(points=st.lists(st.tuples(prices, volumes), min_size=1, max_size=40))
def test_the_running_way_agrees_with_exact_fractions(points: list[tuple[float, float]]) -> None:
    found = vwap.vwap(points)

    weight = sum(Fraction(volume) for _, volume in points)
    mean = sum(Fraction(price) * Fraction(volume) for price, volume in points) / weight
    variance = sum(Fraction(v) * (Fraction(p) - mean) ** 2 for p, v in points) / weight
    assert found is not None
    assert found.price == pytest.approx(float(mean), rel=1e-12)
    assert found.deviation == pytest.approx(sqrt(variance), rel=1e-9, abs=1e-6)
    assert min(p for p, _ in points) <= found.price * (1 + 1e-12)
    assert found.price <= max(p for p, _ in points) * (1 + 1e-12)
