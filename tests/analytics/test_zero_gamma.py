"""Zero gamma against the worked examples, dense grids, and the sign of net gamma."""

from __future__ import annotations

import doctest
import gzip
import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import black_scholes, gamma_curve, gex, zero_gamma
from grok_sauce.analytics.brent import find_root
from grok_sauce.analytics.forward import Forward, Rates, forwards
from grok_sauce.market import sessions
from grok_sauce.market.chain import OptionChain
from grok_sauce.pollers import cboe
from tests.option_chains import TOY, TOY_RATE, TOY_YEARS, TOY_YIELD, chain_of

RATES = Rates(TOY_RATE, TOY_YIELD)
TODAY = "2026-12-16"
CLOSE = sessions.settlement(date(2026, 12, 16), "PM")
TOY_ROOT = 5976.3444


def row(strike: float = 6000, right: str = "C", **changes: Any) -> dict[str, Any]:
    return {"strike": strike, "right": right, "iv": 0.15, "oi": 100, **changes}


def prepared_of(rows: list[dict[str, Any]], **changes: Any) -> gex.Prepared:
    return gex.prepare(chain_of(rows, **changes), RATES, None)


def flip_of(rows: list[dict[str, Any]], **changes: Any) -> zero_gamma.ZeroGamma:
    return zero_gamma.zero_gamma(prepared_of(rows, **changes))


def net_at(prepared: gex.Prepared, spots: np.ndarray) -> np.ndarray:
    """Net gamma at each spot by another module's gamma, one expiry's carry and all."""
    chain, flips = prepared.chain, np.flatnonzero(prepared.flips)
    total = np.zeros(len(spots))
    for first in range(0, len(flips), 256):
        lines = flips[first : first + 256, None]
        rate, carry = prepared.rate[lines], prepared.carry[lines]
        terms = (chain.strikes[lines], prepared.years[lines], prepared.vol[lines], rate)
        weight = chain.oi * chain.multiplier * np.where(chain.is_call, 1, -1)
        gamma = black_scholes.gamma(spots, *terms, rate - carry)
        total += (weight[lines] * gamma).sum(axis=0) * spots * spots * 0.01
    return total


def toy_columns() -> tuple[np.ndarray, ...]:
    """strike, years, vol, weight of the toy chain: calls less puts in one line a strike."""
    strike, vol, calls, puts = (
        np.array(column, float) for column in list(zip(*TOY, strict=True))[:4]
    )
    return strike, np.full(5, TOY_YEARS), vol, (calls - puts) * 100


# ---- the worked examples ------------------------------------------------------------------


@pytest.mark.parametrize("module", [zero_gamma, gamma_curve], ids=["zero_gamma", "gamma_curve"])
def test_the_examples_in_the_docstrings_hold(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


def test_the_three_methods_give_the_printed_numbers_on_the_toy_chain(
    toy_chain: OptionChain,
) -> None:
    prepared = gex.prepare(toy_chain, RATES, None)
    net = gex.exposures(prepared).oi.gex.net

    found = zero_gamma.zero_gamma(prepared)

    assert found.flip == pytest.approx(TOY_ROOT, abs=5.1e-5)
    assert (found.roots, found.n_roots) == ((found.flip,), 1)
    assert found.reason is None
    assert not found.degraded
    assert zero_gamma.strike_sign(prepared.strikes, net) == pytest.approx(5994.08, abs=0.005)
    assert zero_gamma.cumulative(prepared.strikes, net) == pytest.approx(6064.30, abs=0.005)


@pytest.mark.parametrize(
    ("step", "expected"), [(5, 5976.336), (12.5, 5976.323), (60, 5974.418)], ids=["5", "12.5", "60"]
)
def test_a_plain_grid_errs_as_much_as_is_printed(step: float, expected: float) -> None:
    strike, years, vol, weight = toy_columns()
    spots = np.arange(4800, 7200 + step / 2, step)

    curve = zero_gamma.profile(strike, years, vol, weight, spots, TOY_RATE, TOY_RATE - TOY_YIELD)

    # Far from every strike the curve sinks to nothing; its root is where it is large.
    large = np.abs(curve) > 1e-6 * np.abs(curve).max()
    at = int(np.flatnonzero((curve[:-1] * curve[1:] < 0) & large[:-1] & large[1:])[0])
    crossed = spots[at] - curve[at] * step / (curve[at + 1] - curve[at])
    assert crossed == pytest.approx(expected, abs=5.1e-4)


def test_the_curve_at_spot_is_net_gamma(toy_chain: OptionChain) -> None:
    strike, years, vol, weight = toy_columns()

    at_spot = zero_gamma.profile(strike, years, vol, weight, 6000.0 * np.ones(1), TOY_RATE, 0.033)

    assert round(float(at_spot[0])) == 395_763_201
    totals = gex.exposures(gex.prepare(toy_chain, RATES, None)).oi.totals
    assert at_spot[0] == pytest.approx(totals.net, abs=1e-13 * totals.gross)


# ---- laws on arbitrary chains ---------------------------------------------------------------

contract = st.fixed_dictionaries(
    {
        "strike": st.integers(220, 260).map(lambda n: n * 25.0),
        "right": st.sampled_from("CP"),
        "expiry": st.sampled_from([TODAY, "2026-12-18", "2026-12-21", "2027-03-19"]),
        "settlement": st.sampled_from(["AM", "PM"]),
        "iv": st.sampled_from([0.09, 0.15, 0.15, 0.3]),
        "oi": st.integers(0, 9000),
    }
)
chains = st.lists(contract, min_size=1, max_size=24)
hours_left = st.sampled_from([6.0, 2.0, 0.5, 0.1, 1 / 60])
WHICH: tuple[zero_gamma.Which, ...] = ("all", "zero_dte", "ex_zero_dte")


@settings(max_examples=80)
@given(chains, hours_left, st.sampled_from([5950.0, 6000.0, 6013.7]))
def test_the_flip_never_contradicts_the_sign_of_net_gamma(
    rows: list[dict[str, Any]], left: float, spot: float
) -> None:
    prepared = prepared_of(rows, as_of=CLOSE - 3600 * left, spot=spot)
    totals = gex.exposures(prepared).oi.totals

    found = zero_gamma.zero_gamma(prepared)

    assume(totals.net is not None and abs(totals.net) > 1e-9 * totals.gross > 1e-60)
    if found.flip is None:
        sign = {"net_positive_everywhere": 1, "net_negative_everywhere": -1}[found.reason]
    else:
        between = np.array([spot + 0.01 * (found.flip - spot), (spot + found.flip) / 2])
        near = net_at(prepared, between)
        sign = np.sign(near[0])
        assert near[0] * near[1] > 0
    assert sign == np.sign(totals.net)


@settings(max_examples=60)
@given(chains, hours_left)
def test_the_curve_at_spot_is_net_gamma_whatever_the_chain(
    rows: list[dict[str, Any]], left: float
) -> None:
    prepared = prepared_of(rows, as_of=CLOSE - 3600 * left)
    lines, chain = np.flatnonzero(prepared.used), prepared.chain
    sign = np.where(chain.is_call, 1, -1)[lines]

    at_spot = zero_gamma.profile(
        chain.strikes[lines],
        prepared.years[lines],
        prepared.vol[lines],
        sign * chain.oi[lines] * chain.multiplier[lines],
        [6000.0],
        prepared.rate[lines],
        prepared.carry[lines],
    )

    totals = gex.exposures(prepared).oi.totals
    if totals.net is not None:
        assert at_spot[0] == pytest.approx(totals.net, abs=1e-12 * totals.gross + 1e-300)


@settings(max_examples=40)
@given(chains, st.sampled_from([6.0, 2.0]))
def test_every_root_of_a_dense_grid_is_found_and_no_other(
    rows: list[dict[str, Any]], left: float
) -> None:
    prepared = prepared_of(rows, as_of=CLOSE - 3600 * left)
    spots = np.linspace(4800, 7200, 4801)
    curve = net_at(prepared, spots)
    peak = np.abs(curve).max()
    sure = np.abs(curve) > 1e-9 * peak
    dense = np.flatnonzero((curve[:-1] * curve[1:] < 0) & sure[:-1] & sure[1:])

    found = zero_gamma.zero_gamma(prepared).roots

    assert list(found) == sorted(found)
    for at in dense.tolist():
        assert any(spots[at] - 0.01 <= root <= spots[at + 1] + 0.01 for root in found)
    for root in found:
        around = net_at(prepared, np.array([root - 0.01, root, root + 0.01]))
        assert around[0] * around[2] < 0 or abs(around[1]) < 1e-9 * peak


@settings(max_examples=40)
@given(chains, st.randoms(use_true_random=False))
def test_the_order_of_contracts_does_not_move_a_flip(
    rows: list[dict[str, Any]], shuffle: Any
) -> None:
    mixed = list(rows)
    shuffle.shuffle(mixed)

    one, other = (
        zero_gamma.zero_gammas(prepared_of(each, as_of=CLOSE - 7200)) for each in (rows, mixed)
    )

    for which in WHICH:
        assert one[which].roots == pytest.approx(other[which].roots, abs=1e-5)
        assert one[which].reason == other[which].reason


def test_the_flip_does_not_depend_on_the_size_of_open_interest() -> None:
    rows = [row(5900, "P", oi=300), row(6100, oi=200), row(6000, "P", oi=5)]

    one = flip_of(rows)
    many = flip_of([{**each, "oi": 1000 * each["oi"]} for each in rows])

    assert one.flip is not None
    assert many.roots == pytest.approx(one.roots, abs=1e-6)


# ---- three flips ----------------------------------------------------------------------------


def test_three_flips_are_those_of_three_chains() -> None:
    today = [row(5980, "P", expiry=TODAY, oi=900), row(6020, expiry=TODAY, oi=700)]
    later = [row(5900, "P", oi=900), row(6100, oi=800)]
    noon = {"as_of": CLOSE - 4 * 3600}

    three = zero_gamma.zero_gammas(prepared_of([*today, *later], **noon))

    assert three["zero_dte"].flip == pytest.approx(flip_of(today, **noon).flip, abs=1e-5)
    assert three["ex_zero_dte"].flip == pytest.approx(flip_of(later, **noon).flip, abs=1e-5)
    assert len({each.flip for each in three.values()}) == 3


def test_today_is_empty_after_the_close() -> None:
    rows = [row(5980, "P", expiry=TODAY), row(6020, expiry=TODAY), row(5900, "P"), row(6100)]

    three = zero_gamma.zero_gammas(prepared_of(rows, as_of=CLOSE))

    assert three["zero_dte"] == zero_gamma.ZeroGamma(None, (), 0, "no_contracts", False)
    assert three["all"] == three["ex_zero_dte"]
    assert three["all"].flip is not None


@pytest.mark.parametrize("left", [3600.0, 600.0, 61.0, 30.0, 1.0])
def test_today_has_its_flip_to_the_last_second(left: float) -> None:
    rows = [
        row(5990 + 5 * n, right, expiry=TODAY, oi=100 + (n * 37) % 11 * 40)
        for n in range(6)
        for right in "CP"
        if (right == "C") == (n > 2)
    ]

    prepared = prepared_of(rows, as_of=CLOSE - left, spot=6002.0)
    found = zero_gamma.zero_gamma(prepared, "zero_dte")

    assert found.flip is not None
    spots = np.linspace(5980, 6025, 4501)
    curve = net_at(prepared, spots)
    dense = spots[:-1][curve[:-1] * curve[1:] < 0]
    nearest = dense[np.abs(dense - 6002).argmin()]
    assert found.flip == pytest.approx(nearest, abs=0.011)


def test_morning_and_evening_expiries_of_one_day_count_apart() -> None:
    friday = "2026-12-18"
    rows = [
        row(5950, "P", expiry=friday, root="SPX", settlement="AM", oi=500),
        row(6050, expiry=friday, root="SPXW", settlement="PM", oi=500),
        row(5900, "P", expiry=friday, root="SPXW", settlement="PM", oi=400),
    ]
    before = sessions.instant(date(2026, 12, 18), 9)
    after = sessions.instant(date(2026, 12, 18), 10)

    early, late = (flip_of(rows, as_of=each) for each in (before, after))

    assert early.flip is not None
    assert early.flip != pytest.approx(flip_of(rows[1:], as_of=before).flip, abs=1)
    assert late.flip == pytest.approx(flip_of(rows[1:], as_of=after).flip, abs=1e-6)


def test_each_expiry_is_re_priced_with_its_own_carry() -> None:
    rows = [row(5900, "P", expiry="2026-12-21"), row(6100, expiry="2027-03-19", oi=250)]
    apart = (
        Forward(6000.0, "parity", (), 0.05, 0.05),
        Forward(6090.0, "parity", (), 0.05, -0.01),
    )

    prepared = gex.prepare(chain_of(rows), RATES, apart)
    found = zero_gamma.zero_gamma(prepared)

    around = net_at(prepared, np.array([found.flip - 0.01, found.flip + 0.01]))
    assert around[0] * around[1] < 0
    assert found.flip != pytest.approx(flip_of(rows).flip, abs=1)


# ---- no flip --------------------------------------------------------------------------------

NO_FLIP = {
    "calls only": ([row(), row(6100)], {}, "net_positive_everywhere"),
    "puts only": ([row(right="P"), row(6100, "P")], {}, "net_negative_everywhere"),
    "calls outweigh puts everywhere": (
        [row(oi=500), row(right="P", oi=100)],
        {},
        "net_positive_everywhere",
    ),
    "nothing listed": ([], {}, "no_contracts"),
    "all settled": ([row(expiry="2026-12-01")], {}, "no_contracts"),
    "no volatility": ([row(iv=None)], {}, "no_usable_contracts"),
    "nothing open": ([row(oi=0), row(right="P", oi=0)], {}, "no_exposure"),
    "as many calls as puts": ([row(), row(right="P")], {}, "no_exposure"),
    "no spot": ([row(), row(5900, "P")], {"spot": None}, "no_spot"),
    "VIX": ([row(20), row(18, "P")], {"spot": 19.0, "symbol": "VIX"}, "vix_needs_future"),
}


@pytest.mark.parametrize(("rows", "changes", "reason"), NO_FLIP.values(), ids=NO_FLIP)
def test_no_flip_says_why(rows: list[dict[str, Any]], changes: dict[str, Any], reason: str) -> None:
    found = flip_of(rows, **changes)

    assert (found.flip, found.roots, found.n_roots) == (None, (), 0)
    assert found.reason == reason


def test_a_root_beyond_a_fifth_of_the_spot_is_none() -> None:
    far = [row(3800, "P", expiry="2027-03-19", iv=0.1), row(expiry="2027-03-19", iv=0.1)]

    around = net_at(prepared_of(far), np.array([4500.0, 4799.0]))
    assert around[0] < 0 < around[1]
    assert flip_of(far).reason == "net_positive_everywhere"
    nearer = flip_of([{**each, "strike": each["strike"] + 300} for each in far])
    assert 4800 < nearer.flip < 5400


def test_the_dust_far_from_every_strike_makes_no_flip() -> None:
    # One cheap call with a volatility a little higher rules 60 widths out, where all is nothing.
    rows = [row(5900, "P", oi=9000), row(6000, "P", oi=9000), row(5900, oi=1, iv=0.1501)]

    found = flip_of(rows)

    assert found.reason == "net_negative_everywhere"


def test_two_roots_equally_near_give_the_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = [math.log(5940 / 6000), math.log(6060 / 6000)]
    monkeypatch.setattr(zero_gamma, "crossings", lambda *_: pair)

    found = flip_of([row(), row(5900, "P")])

    assert found.flip == pytest.approx(5940)
    assert found.n_roots == 2


def test_the_root_nearest_spot_is_the_flip() -> None:
    rows = [row(5700, oi=400), row(5850, "P", oi=600), row(6150, oi=700)]

    found = flip_of(rows)

    assert found.n_roots == 2
    assert found.flip == min(found.roots, key=lambda root: abs(root - 6000))
    assert found.roots[0] < 5850 < found.roots[1]


@pytest.mark.parametrize("puts", [37, 41, 60], ids=["just touches", "just crosses", "crosses"])
def test_two_roots_between_neighbours_of_the_grid_are_seen(puts: int) -> None:
    rows = [
        row(6225, expiry="2026-12-21", settlement="AM", oi=306),
        row(6225, "P", expiry=TODAY, oi=puts),
    ]

    prepared = prepared_of(rows, as_of=CLOSE - 7200)
    found = zero_gamma.zero_gamma(prepared)

    spots = np.linspace(6150, 6300, 15_001)
    curve = net_at(prepared, spots)
    dense = spots[:-1][curve[:-1] * curve[1:] < 0]
    assert found.roots == pytest.approx(dense.tolist(), abs=0.011)
    assert found.n_roots == (0 if puts == 37 else 2)


@pytest.mark.recorded
@pytest.mark.parametrize("name", ["spx_quotedata_2023-09-14", "qqq_quotedata_2024-03-22"])
def test_a_recorded_chain_has_the_roots_of_a_dense_grid(recordings: Path, name: str) -> None:
    chain = cboe.parse_csv(gzip.decompress((recordings / f"cboe_{name}.csv.gz").read_bytes()))
    prepared = gex.prepare(chain, RATES, forwards(chain, RATES))
    near = chain.spot * np.linspace(0.9, 1.1, 201)
    curve = net_at(prepared, near)

    found = zero_gamma.zero_gamma(prepared)

    cells = np.flatnonzero(curve[:-1] * curve[1:] < 0)
    inside = [root for root in found.roots if near[0] < root < near[-1]]
    assert len(inside) == len(cells) > 0
    for root, cell in zip(inside, cells.tolist(), strict=True):
        assert near[cell] <= root <= near[cell + 1]
    totals = gex.exposures(prepared).oi.totals
    assert np.sign(net_at(prepared, np.array([chain.spot]))[0]) == np.sign(totals.net)
    assert (chain.spot > found.flip) == (totals.net > 0)


# ---- what is missing --------------------------------------------------------------------------


def many(**changes: Any) -> list[dict[str, Any]]:
    """Twenty contracts near spot, 100 open each; changes are of the first."""
    rows = [row(5910 + 10 * n, "P" if n < 10 else "C") for n in range(20)]
    return [{**rows[0], **changes}, *rows[1:]]


DEGRADED = {
    "nothing missing": ({}, False),
    "a little missing": ({"iv": None}, False),
    "a tenth of the open interest missing": ({"iv": None, "oi": 211}, False),
    "more than a tenth missing": ({"iv": None, "oi": 212}, True),
    "as much, far from spot": ({"iv": None, "oi": 212, "strike": 5690}, False),
    "as much, 5 % from spot": ({"iv": None, "oi": 212, "strike": 5700}, True),
    "as much, stale": ({"greeks_at": 0.0, "oi": 212}, True),
    "as much, settled": ({"expiry": "2026-12-01", "oi": 212}, False),
}


@pytest.mark.parametrize(("changes", "degraded"), DEGRADED.values(), ids=DEGRADED)
def test_a_flip_is_degraded_when_open_interest_near_spot_is_missing(
    changes: dict[str, Any], degraded: bool
) -> None:
    assert flip_of(many(**changes)).degraded is degraded


@pytest.mark.parametrize(
    ("missing", "degraded"), [(2, False), (3, True)], ids=["nine tenths", "less than nine tenths"]
)
def test_a_flip_is_degraded_below_nine_tenths_coverage(missing: int, degraded: bool) -> None:
    rows = many()
    for each in rows[:missing]:
        each.update(strike=each["strike"] - 500, oi=1, iv=None)

    found = flip_of(rows)

    assert found.degraded is degraded
    assert found.flip is not None


def test_only_the_part_that_misses_something_is_degraded() -> None:
    today = [row(6000 + 10 * n, expiry=TODAY, iv=None) for n in range(3)]
    rows = [*today, *(row(5900 + n, "P") for n in range(40))]

    three = zero_gamma.zero_gammas(prepared_of(rows, as_of=CLOSE - 7200))

    assert [three[which].degraded for which in WHICH] == [False, True, False]


def test_the_flip_uses_volatility_even_where_totals_use_given_gamma() -> None:
    rows = [row(5900, "P", gamma=0.003), row(6100, gamma=0.001), row(6050, gamma=0.002, iv=None)]
    chain = chain_of(rows)

    by_file = zero_gamma.zero_gamma(gex.prepare(chain, RATES, None, gamma="file"))
    by_model = zero_gamma.zero_gamma(gex.prepare(chain, RATES, None))

    assert by_file.roots == by_model.roots
    assert by_file.degraded


# ---- the kernel -------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    st.integers(1, 300),
    st.floats(1e-4, 0.01),
    st.lists(st.floats(2e-4, 0.5), min_size=1, max_size=8),
    st.floats(-0.3, 0.3),
)
def test_an_even_row_of_spots_gives_what_exp_gives(
    size: int, step: float, widths: list[float], away: float
) -> None:
    slope = math.sqrt(0.5) / np.array(widths)
    offset = -slope * np.linspace(away, away + 0.1, len(widths))
    curve = gamma_curve.GammaCurve(offset, slope, np.linspace(-1, 2, len(widths)) + 0.01)
    start = -step * (size // 3)

    even = curve.along(start, step, size)

    x = start + step * np.arange(size)
    plain = [
        math.fsum(
            w * math.exp(-((a + b * each) ** 2))
            for a, b, w in zip(*map(np.ndarray.tolist, curve), strict=True)
        )
        for each in x.tolist()
    ]
    # The last digits of x move a narrow line: that much the two may differ.
    slack = 1e-15 * (1 + float(np.abs(x).max()) * float(slope.max())) ** 2 + 2e-13
    assert even == pytest.approx(plain, rel=1e-9, abs=slack)
    assert curve.at(x) == pytest.approx(plain, rel=1e-9, abs=slack)


def test_spots_in_any_order_and_spacing_are_re_priced() -> None:
    strike, years, vol, weight = toy_columns()
    spots = np.array([6100.0, 5800, 6000.25, 5999])
    even = 6000 * np.exp(np.linspace(-0.2, 0.2, 100))

    for at in (spots, even):
        got = zero_gamma.profile(strike, years, vol, weight, at, TOY_RATE, TOY_RATE - TOY_YIELD)
        expected = sum(
            w * black_scholes.gamma(at, k, t, v, TOY_RATE, TOY_YIELD) * at * at * 0.01
            for k, t, v, w in zip(strike, years, vol, weight, strict=True)
        )
        assert got == pytest.approx(expected, rel=1e-9, abs=1e-12 * np.abs(expected).max())


def test_a_profile_of_nothing_is_nothing() -> None:
    assert zero_gamma.profile([], [], [], [], [5900.0, 6000.0]).tolist() == [0.0, 0.0]
    assert zero_gamma.profile([100.0], [0.1], [0.2], [0.0], [100.0]).tolist() == [0.0]
    assert zero_gamma.profile(100.0, 0.1, 0.2, 1.0, []).tolist() == []


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x**3 - 0.3,
        lambda x: math.exp(-40 * x) - 0.5,
        lambda x: math.tanh(50 * (x - 0.77)),
        lambda x: (x - 0.4) ** 9,
        lambda x: -1.0 if x < 0.123 else 1.0,
    ],
    ids=["cubic", "steep", "flat ends", "flat root", "jump"],
)
def test_a_root_is_found_to_the_precision_asked_for(f: Callable[[float], float]) -> None:
    root = find_root(f, (0.0, f(0.0)), (1.0, f(1.0)), 1e-9)

    assert f(root - 2e-9) * f(root + 2e-9) <= 0


# ---- the methods that are shown beside it -------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        ([-1.0, -1.0, 1.0, -1.0], 102.5),
        ([1.0, 2.0, 3.0, 1.0], None),
        ([0.0, 0.0, 0.0, 0.0], None),
        ([-1.0, 0.0, 3.0, 1.0], 100.0),
        ([0.0, -1.0, 0.0, -1.0], None),
        ([], None),
    ],
    ids=["first from below", "no change", "nothing", "exactly 0", "touches 0", "no strikes"],
)
def test_the_strike_where_net_gamma_first_changes_sign(
    net: list[float], expected: float | None
) -> None:
    strikes = [95.0, 100.0, 105.0, 110.0][: len(net)]

    assert zero_gamma.strike_sign(strikes, net) == expected


def test_cumulated_gamma_of_a_put_heavy_chain_never_crosses() -> None:
    assert zero_gamma.cumulative([95.0, 100.0, 105.0], [-5.0, 1.0, 3.0]) is None
    assert zero_gamma.cumulative([95.0, 100.0, 105.0], [-5.0, 1.0, 8.0]) == pytest.approx(102.5)
