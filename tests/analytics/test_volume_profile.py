"""analytics.volume_profile: the worked examples, a slow twin, and what must always hold."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import volume_profile as vp

# From the written definitions: ten bins from 100.00 by 0.25.
AREA = (120, 180, 260, 400, 520, 380, 300, 220, 140, 80)
# And 28 bins with three hills.
HILLS = (20, 35, 80, 150, 210, 160, 90, 60, 40, 30, 45, 90, 180, 300, 420, 380, 260, 150, 70, 40,
         25, 35, 60, 110, 140, 120, 70, 30)  # fmt: skip

Bar = tuple[int, int, int]  # low and high in ticks, volume


def profile_of(bars: list[Bar], tick: str = "0.01", wide: int = 1) -> vp.VolumeProfile:
    """The profile of bars in ticks, with bins of so many of them."""
    unit = float(tick)
    low, high, volume = zip(*bars, strict=True)
    found = vp.volume_profile(
        np.array([round(each * unit, 10) for each in low]),
        np.array([round(each * unit, 10) for each in high]),
        np.array(volume, dtype=float),
        unit,
        round(unit * wide, 10),
    )
    assert found is not None
    return found


def slow_bins(bars: list[Bar], wide: int) -> dict[int, Fraction]:
    """Volume by bin: every price of every bar gets its equal part, one by one, exactly."""
    bins: dict[int, Fraction] = {}
    for low, high, volume in bars:
        for price in range(low, high + 1):
            place = floor(Fraction(price, wide))
            bins[place] = bins.get(place, Fraction(0)) + Fraction(volume, high + 1 - low)
    return bins


def test_the_worked_value_area_is_101_with_100_50_to_101_50() -> None:
    # One bar per price, so that each bin holds exactly what the example says.
    bars = [(400 + place, 400 + place, volume) for place, volume in enumerate(AREA)]

    found = profile_of(bars, tick="0.25")

    assert found.total == 2600
    assert (found.poc, found.val, found.vah) == (101.0, 100.5, 101.5)
    assert found.area_share == pytest.approx(0.71538, abs=5e-6)
    assert found.lows.tolist() == [100 + 0.25 * place for place in range(10)]


def test_the_worked_nodes_are_three_high_and_two_low_ones() -> None:
    high, low = vp.nodes(np.array(HILLS, dtype=float))

    assert [place for place, _ in high] == [4, 14, 24]
    assert [round(prominence, 1) for _, prominence in high] == [112.2, 300.6, 63.3]
    assert [place for place, _ in low] == [9, 20]


def test_a_node_says_its_price_volume_and_share_of_the_highest() -> None:
    bars = [(1000 + place, 1000 + place, volume) for place, volume in enumerate(HILLS)]

    found = profile_of(bars)

    highest = float(vp.smooth(np.array(HILLS, dtype=float)).max())
    assert [node.price for node in found.hvn] == [10.04, 10.14, 10.24]
    assert [node.volume for node in found.hvn] == [210, 420, 140]
    assert [node.share for node in found.hvn] == pytest.approx(
        [112.2222 / highest, 300.5556 / highest, 63.3333 / highest], rel=1e-5
    )


def test_a_bar_is_spread_over_its_range_and_not_dumped_at_its_close() -> None:
    base, volumes = vp.spread(
        np.array([100.0]), np.array([100.09]), np.array([1000.0]), bin=0.05, tick=0.01
    )

    assert base == 2000
    assert volumes.tolist() == pytest.approx([500.0, 500.0])


def test_a_bin_of_several_ticks_is_named_by_its_middle_and_the_area_by_its_outer_prices() -> None:
    # 100.00 to 100.04 is one bin of five prices, the middle one is 100.02.
    found = profile_of([(10_000, 10_004, 500)], wide=5)

    assert (found.val, found.poc, found.vah) == (100.0, 100.02, 100.04)


def test_prices_whose_quotient_by_the_bin_is_not_exact_fall_into_their_own_bin() -> None:
    # 0.3 / 0.1 is 2.9999999999999996 in binary.
    assert [
        vp.spread(np.array([price]), np.array([price]), np.array([1.0]), 0.1, 0.1)[0]
        for price in (0.3, 0.6, 0.7, 1.1)
    ] == [3, 6, 7, 11]


@pytest.mark.parametrize(
    ("volumes", "poc"),
    [
        ([5, 1, 1, 5, 1], 3),  # the one nearer the middle
        ([1, 5, 1, 5, 1], 1),  # as near as the other: the lower
        ([5, 5], 0),
    ],
)
def test_of_several_largest_bins_the_middle_one_is_the_poc(volumes: list[int], poc: int) -> None:
    assert vp.point_of_control(np.array(volumes, dtype=float)) == poc


@pytest.mark.parametrize(
    ("volumes", "poc", "area"),
    [
        ([2, 2, 9, 2, 2], 2, (2, 4)),  # pairs tie: above
        ([9, 5, 4, 1, 1, 1], 0, (0, 2)),  # nothing below the POC
        ([1, 1, 1, 4, 5, 9], 5, (3, 5)),  # nothing above it
        ([1, 1, 1, 1, 9, 6], 4, (4, 5)),  # one bin is left above, it counts alone
        ([10], 0, (0, 0)),
    ],
)
def test_the_area_grows_by_the_larger_pair(
    volumes: list[int], poc: int, area: tuple[int, int]
) -> None:
    assert vp.value_area(np.array(volumes, dtype=float), poc) == area


def test_a_flat_top_is_reported_at_its_middle() -> None:
    values = np.array([0, 1, 4, 4, 4, 1, 0, 2, 2, 0], dtype=float)

    assert vp.peaks(values, 0.5) == [(3, 4.0), (7, 2.0)]


def test_the_ends_are_no_nodes_and_one_hill_has_no_valley() -> None:
    assert vp.nodes(np.array([9, 7, 5, 3, 1], dtype=float)) == ([], [])
    high, low = vp.nodes(np.array([1, 3, 9, 3, 1, 1, 1], dtype=float))
    assert ([place for place, _ in high], low) == ([2], [])


def test_the_range_counts_the_gap_from_the_close_before() -> None:
    # Ranges 2 and 1; the second session opened 4 above the close before: high 15 less close 10.
    highs, lows, closes = (np.array(each) for each in ([11.0, 15.0], [9.0, 14.0], [10.0, 14.5]))

    assert vp.average_true_range(highs, lows, closes) == (2 + 5) / 2
    assert vp.average_true_range(highs[:0], lows[:0], closes[:0]) is None


def test_only_the_last_fourteen_sessions_are_averaged() -> None:
    ranges = np.array([100.0] * 6 + [2.0] * 14)

    assert vp.average_true_range(50 + ranges, np.full(20, 50.0), np.full(20, 51.0)) == 2.0


def test_nothing_traded_is_no_profile() -> None:
    lows, highs = np.array([1.0, 2.0]), np.array([1.5, 2.5])

    assert vp.volume_profile(lows, highs, np.array([0.0, np.nan]), 0.01, 0.01) is None
    assert vp.volume_profile(lows[:0], highs[:0], lows[:0], 0.01, 0.01) is None


def test_a_price_far_off_is_refused_instead_of_a_million_bins() -> None:
    with pytest.raises(ValueError, match="fill"):
        vp.volume_profile(np.array([100.0, 1e6]), np.array([100.5, 1e6]), np.ones(2), 0.01, 0.01)


# ---- what must always hold --------------------------------------------------------------

some_bars = st.lists(
    st.tuples(st.integers(9_000, 9_400), st.integers(0, 40), st.integers(1, 10**6)).map(
        lambda drawn: (drawn[0], drawn[0] + drawn[1], drawn[2])
    ),
    min_size=1,
    max_size=40,
)
widths = st.integers(1, 12)


@given(bars=some_bars, wide=widths)
def test_bins_are_those_of_a_twin_that_counts_every_price(bars: list[Bar], wide: int) -> None:
    found = profile_of(bars, wide=wide)

    slow = slow_bins(bars, wide)
    first = min(slow)
    assert found.lows[0] == pytest.approx(first * wide * 0.01)
    for place, volume in enumerate(found.volumes):
        assert volume == pytest.approx(float(slow.get(first + place, 0)), rel=1e-9, abs=1e-9)


@given(bars=some_bars, wide=widths)
def test_the_sum_of_the_bins_is_the_volume_of_the_bars(bars: list[Bar], wide: int) -> None:
    found = profile_of(bars, wide=wide)

    assert found.total == pytest.approx(sum(volume for _, _, volume in bars), rel=1e-12)
    assert found.volumes.sum() == pytest.approx(found.total, rel=1e-12)
    assert (found.volumes >= 0).all()


@given(bars=some_bars, wide=widths)
def test_the_area_holds_its_share_with_the_poc_inside(bars: list[Bar], wide: int) -> None:
    found = profile_of(bars, wide=wide)

    inside = (found.lows >= found.val - 1e-9) & (found.lows <= found.vah + 1e-9)
    assert found.volumes[inside].sum() / found.total == pytest.approx(found.area_share)
    assert found.area_share >= 0.70 - 1e-12
    assert found.val <= found.poc <= found.vah
    assert found.volumes.max() == found.volumes[np.searchsorted(found.lows, found.poc + 1e-9) - 1]


@given(bars=some_bars, wide=widths, data=st.data())
def test_the_order_of_the_bars_does_not_matter(
    bars: list[Bar], wide: int, data: st.DataObject
) -> None:
    # Whole parts, so that sums in another order are the very same numbers.
    whole = [(low, high, volume * (high + 1 - low)) for low, high, volume in bars]
    other = data.draw(st.permutations(whole))

    one, two = profile_of(whole, wide=wide), profile_of(other, wide=wide)

    assert one.volumes == pytest.approx(two.volumes, rel=1e-12)


@given(bars=some_bars, wide=widths, power=st.integers(-3, 10))
def test_levels_do_not_depend_on_the_unit_of_volume(bars: list[Bar], wide: int, power: int) -> None:
    scale = 2**power  # exact in binary: ties stay ties

    one = profile_of(bars, wide=wide)
    two = profile_of([(low, high, volume * scale) for low, high, volume in bars], wide=wide)

    assert (one.poc, one.val, one.vah) == (two.poc, two.val, two.vah)
    assert [node.price for node in one.hvn] == [node.price for node in two.hvn]
    assert [node.price for node in one.lvn] == [node.price for node in two.lvn]


@given(bars=some_bars)
def test_low_nodes_lie_between_high_ones(bars: list[Bar]) -> None:
    found = profile_of(bars)

    high = [node.price for node in found.hvn]
    assert high == sorted(high)
    for node in found.lvn:
        assert high[0] < node.price < high[-1]
    for node in (*found.hvn, *found.lvn):
        assert 0.10 - 1e-9 <= node.share <= 1 + 1e-9


values = st.lists(st.integers(0, 12), min_size=3, max_size=30)


@settings(max_examples=300)
@given(drawn=values)
def test_peaks_are_those_of_a_twin_that_walks_down_every_hill(drawn: list[int]) -> None:
    expected = []
    for place in range(1, len(drawn) - 1):
        left = right = place
        while left > 0 and drawn[left - 1] == drawn[place]:
            left -= 1
        while right < len(drawn) - 1 and drawn[right + 1] == drawn[place]:
            right += 1
        is_edge = left == 0 or right == len(drawn) - 1
        if is_edge or place != (left + right) // 2:
            continue
        if drawn[left - 1] > drawn[place] or drawn[right + 1] > drawn[place]:
            continue
        bases = []
        for side in (drawn[:left][::-1], drawn[right + 1 :]):
            base = drawn[place]
            for value in side:
                if value > drawn[place]:
                    break
                base = min(base, value)
            bases.append(base)
        if drawn[place] - max(bases) >= 2:
            expected.append((place, float(drawn[place] - max(bases))))

    assert vp.peaks(np.array(drawn, dtype=float), 2.0) == expected
