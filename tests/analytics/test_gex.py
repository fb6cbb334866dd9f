"""Exposures against the worked examples, a second implementation, and the laws they obey."""

from __future__ import annotations

import doctest
import math
import random
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import black_scholes, gex
from grok_sauce.analytics.forward import Forward, Rates, forwards
from grok_sauce.market import sessions
from grok_sauce.market.chain import OptionChain
from tests.option_chains import AS_OF, TOY_RATE, TOY_YIELD, chain_of, toy_rows

RATES = Rates(TOY_RATE, TOY_YIELD)
ChainOf = Callable[..., OptionChain]
FIELDS = ("gex", "dex", "vex", "chex", "charm_to_close")


def row(strike: float = 6000, right: str = "C", **changes: Any) -> dict[str, Any]:
    return {"strike": strike, "right": right, "iv": 0.15, "oi": 100, "volume": 10, **changes}


def used(chain: OptionChain, **options: Any) -> gex.Prepared:
    return gex.prepare(chain, RATES, None, **options)


# ---- the worked examples ------------------------------------------------------------------


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(gex).failed == 0


def test_the_seed_example_comes_out_per_point_and_per_percent() -> None:
    rows = [row(gamma=0.05, oi=1000), row(right="P", gamma=0.04, oi=1500)]

    totals = gex.exposures(used(chain_of(rows), gamma="feed")).oi.totals

    assert totals.call / 60 == pytest.approx(30_000_000)
    assert totals.put / 60 == pytest.approx(36_000_000)
    assert totals.net == pytest.approx(-360_000_000)
    assert totals.net_per_point == pytest.approx(-6_000_000)
    assert totals.regime == "negative"


def test_gamma_of_the_toy_chain_comes_out_to_the_printed_digits(toy_chain: OptionChain) -> None:
    prepared = used(toy_chain)
    found = gex.exposures(prepared)
    totals = found.oi.totals

    assert prepared.gamma[::2] == pytest.approx(
        [0.00227375, 0.00319417, 0.00386160, 0.00367205, 0.00252406], abs=5.1e-9
    )
    assert [round(gex.per_point(side, 6000)) for side in (totals.call, totals.put)] == [
        50_760_235,
        44_164_181,
    ]
    assert round(totals.net_per_point) == 6_596_053
    assert round(gex.per_point(totals.gross, 6000)) == 94_924_416
    assert round(gex.per_point(totals.absolute_net, 6000)) == 42_398_363
    assert [round(each / 60) for each in found.oi.gex.net] == [
        -9_276_906,
        -8_624_249,
        1_158_480,
        14_100_684,
        9_238_044,
    ]
    assert round(totals.net) == 395_763_201
    assert [round(each / 1e6, 3) for each in found.oi.gex.net] == [
        -556.614,
        -517.455,
        69.509,
        846.041,
        554.283,
    ]
    assert totals.regime == "positive"


def test_delta_vanna_and_charm_of_the_toy_chain_come_out(toy_chain: OptionChain) -> None:
    prepared = used(toy_chain)
    totals = gex.exposures(prepared).oi.totals

    assert round(totals.dex_holders) == 447_069_552
    assert round(totals.dex_dealer) == 11_161_371_717
    assert round(totals.vex) == 200_962_194
    assert round(totals.chex) == -299_986_564
    assert prepared.vanna[::2] == pytest.approx(
        [-1.369164, -1.049140, -0.047923, 1.273594, 1.858232], abs=5.1e-7
    )
    assert prepared.charm[::2] / 365 == pytest.approx(
        [0.022069, 0.014866, -0.001373, -0.019557, -0.025893], abs=5.1e-7
    )


def test_flattening_the_last_hours_to_a_day_would_show() -> None:
    close = sessions.settlement(date(2026, 12, 16), "PM")
    chain = chain_of([row(expiry="2026-12-16")], as_of=close - 3.5 * 3600)

    prepared = used(chain)

    assert prepared.gamma[0] == pytest.approx(0.0221756, abs=5e-8)


# ---- a second implementation --------------------------------------------------------------


def twin(rows: list[dict[str, Any]], spot: float, as_of: float, r: float, q: float) -> dict:
    """Exposures of a clean chain in plain Python: strike -> field -> [call, put]."""
    found: dict[float, dict[str, list[float]]] = {}
    for each in rows:
        day = date.fromisoformat(str(each.get("expiry", "2026-12-21")))
        instant = sessions.settlement(day, each.get("settlement", "PM"))
        if instant <= as_of:
            continue
        t = max(60.0, instant - as_of) / (365 * 86400)
        k, v, oi = each["strike"], each["iv"], each["oi"]
        side = 0 if each["right"] == "C" else 1
        sign = 1 - 2 * side
        root = v * math.sqrt(t)
        d1 = (math.log(spot / k) + (r - q + v * v / 2) * t) / root
        d2 = d1 - root
        pdf = math.exp(-q * t) * math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
        cdf = 0.5 * math.erfc(-sign * d1 / math.sqrt(2))
        delta = sign * math.exp(-q * t) * cdf
        charm = q * delta - pdf * (2 * (r - q) * t - d2 * root) / (2 * t * root)
        final = float(sign * (spot - k) > 0) * sign if spot != k else sign * 0.5
        m = each.get("multiplier", 100.0)
        line = {
            "gex": pdf / (spot * root) * oi * m * spot * spot * 0.01,
            "dex": delta * oi * m * spot,
            "vex": -pdf * d2 / v * oi * m * spot * 0.01,
            "chex": charm * oi * m * spot / 365,
            "charm_to_close": (final - delta) * oi * m * spot,
        }
        at = found.setdefault(k, {field: [0.0, 0.0] for field in FIELDS})
        for field, value in line.items():
            at[field][side] += value
    return found


contract = st.fixed_dictionaries(
    {
        "strike": st.integers(1100, 1300).map(lambda n: n * 5.0),
        "right": st.sampled_from("CP"),
        "expiry": st.sampled_from(["2026-12-16", "2026-12-18", "2026-12-21", "2027-03-19"]),
        "settlement": st.sampled_from(["AM", "PM"]),
        "iv": st.floats(0.05, 1.5),
        "oi": st.integers(0, 50_000),
        "volume": st.integers(0, 50_000),
        "multiplier": st.sampled_from([100.0, 10.0]),
    }
)


@settings(max_examples=60)
@given(st.lists(contract, min_size=1, max_size=30), st.floats(0, 0.08), st.floats(0, 0.04))
def test_every_exposure_agrees_with_a_plain_loop(
    rows: list[dict[str, Any]], r: float, q: float
) -> None:
    now = sessions.settlement(date(2026, 12, 16), "PM") - 1800

    found = gex.exposures(gex.prepare(chain_of(rows, as_of=now), Rates(r, q), None))

    expected = twin(rows, 6000.0, now, r, q)
    assert found.strikes.tolist() == sorted(expected)
    for field in FIELDS:
        sides = getattr(found.oi, field)
        whole = sum(map(abs, (n for at in expected.values() for n in at[field]))) + 1e-9
        for place, strike in enumerate(found.strikes.tolist()):
            pair = [sides.call[place], sides.put[place]]
            assert pair == pytest.approx(expected[strike][field], rel=1e-9, abs=1e-12 * whole)


@pytest.mark.parametrize("right", ["C", "P"])
@pytest.mark.parametrize("strike", [5900, 6000, 6070])
def test_charm_to_close_is_the_change_of_delta_until_settlement(right: str, strike: float) -> None:
    prepared = used(chain_of([row(strike, right)]))

    now, then = (
        black_scholes.black_scholes(6000, strike, t, 0.15, right == "C", TOY_RATE, TOY_YIELD).delta
        for t in (5 / 365, 1e-14)
    )
    assert prepared.charm_to_close[0] == pytest.approx(float(then - now), abs=1e-6)


def test_charm_to_close_stays_finite_when_charm_explodes() -> None:
    close = sessions.settlement(date(2026, 12, 16), "PM")

    prepared = used(chain_of([row(6001, expiry="2026-12-16")], as_of=close - 1))

    assert abs(prepared.charm[0]) > 10_000
    assert abs(prepared.charm_to_close[0]) <= 1


# ---- laws ---------------------------------------------------------------------------------


def test_the_order_of_contracts_does_not_matter() -> None:
    rows = toy_rows()
    mixed = random.Random(5).sample(rows, len(rows))

    one, other = (gex.exposures(used(chain_of(each))) for each in (rows, mixed))

    for field in FIELDS:
        assert getattr(one.oi, field).net == pytest.approx(getattr(other.oi, field).net, rel=1e-13)
    assert one.oi.totals.net == pytest.approx(other.oi.totals.net, rel=1e-12)


def test_exposures_are_linear_in_open_interest() -> None:
    tripled = [{**each, "oi": 3 * each["oi"]} for each in toy_rows()]

    one, three = (gex.exposures(used(chain_of(each))) for each in (toy_rows(), tripled))

    for field in FIELDS:
        assert getattr(three.oi, field).call == pytest.approx(3 * getattr(one.oi, field).call)
        assert getattr(three.oi, field).put == pytest.approx(3 * getattr(one.oi, field).put)


def test_exposures_by_volume_weigh_with_volume() -> None:
    swapped = [{**each, "oi": each["volume"]} for each in toy_rows()]

    by_volume = gex.exposures(used(chain_of(toy_rows()))).volume
    as_oi = gex.exposures(used(chain_of(swapped))).oi

    assert by_volume.gex.net == pytest.approx(as_oi.gex.net)
    assert by_volume.totals.chex == pytest.approx(as_oi.totals.chex)


def test_calls_count_up_and_puts_down() -> None:
    calls = gex.exposures(used(chain_of([row(right="C")]))).oi
    puts = gex.exposures(used(chain_of([row(right="P")]))).oi

    assert calls.gex.net[0] > 0 > puts.gex.net[0]
    assert puts.gex.put[0] > 0
    assert puts.dex.put[0] < 0 < puts.totals.dex_dealer


def test_morning_and_evening_settlement_of_one_day_keep_their_own_time() -> None:
    rows = [
        row(expiry="2026-12-18", root="SPX", settlement="AM"),
        row(expiry="2026-12-18", root="SPXW", settlement="PM"),
    ]
    friday_noon = sessions.instant(date(2026, 12, 18), 12)

    before, after = used(chain_of(rows)), used(chain_of(rows, as_of=friday_noon))

    assert before.years[1] - before.years[0] == pytest.approx(6.5 * 3600 / sessions.YEAR)
    assert after.excluded["expired"] == 1
    assert after.used.tolist() == [False, True]


def test_an_option_of_today_counts_to_its_last_minute_and_not_beyond() -> None:
    close = sessions.settlement(date(2026, 12, 16), "PM")
    rows = [row(expiry="2026-12-16")]

    at = {left: used(chain_of(rows, as_of=close - left)) for left in (61.0, 59.0, 1.0, 0.0)}

    assert [at[left].floored for left in at] == [0, 1, 1, 0]
    assert at[1.0].gamma[0] == at[59.0].gamma[0] > at[61.0].gamma[0] > 0
    assert [bool(at[left].used[0]) for left in at] == [True, True, True, False]
    assert at[0.0].excluded["expired"] == 1
    assert at[61.0].zero_dte().all()
    assert not at[0.0].zero_dte().any()


def test_each_expiry_is_carried_to_its_own_forward() -> None:
    rows = [row(expiry="2026-12-18"), row(expiry="2026-12-21"), row(expiry="2027-03-19")]
    parity = Forward(6030.0, "parity", (6000.0,), 0.05, -0.2)

    prepared = gex.prepare(chain_of(rows), RATES, (None, parity, None))

    growth = np.exp(prepared.carry * prepared.years)
    assert growth[1] == pytest.approx(6030 / 6000)
    assert prepared.rate.tolist() == [TOY_RATE, 0.05, TOY_RATE]
    assert prepared.carry[[0, 2]] == pytest.approx([TOY_RATE - TOY_YIELD] * 2)
    by_forward = black_scholes.black_76(6030, 6000, prepared.years[1], 0.15, True, 0.05)
    chained = float(by_forward.gamma[()]) * (6030 / 6000) ** 2
    assert prepared.gamma[1] == pytest.approx(chained, rel=1e-12)


def test_the_forward_of_the_rates_changes_nothing(toy_chain: OptionChain) -> None:
    unquoted = chain_of([{**each, "bid": None, "ask": None} for each in toy_rows()])

    alone = gex.exposures(gex.prepare(unquoted, RATES, None)).oi
    carried = gex.exposures(gex.prepare(unquoted, RATES, forwards(unquoted, RATES))).oi

    assert carried.gex.net == pytest.approx(alone.gex.net, rel=1e-11)
    assert carried.chex.net == pytest.approx(alone.chex.net, rel=1e-9)


def test_an_option_on_a_future_is_priced_on_the_future_itself() -> None:
    rows = [row(multiplier=50.0)]
    carried = Forward(6100.0, "rates", (), TOY_RATE, TOY_YIELD)

    prepared = gex.prepare(chain_of(rows, symbol="/ES"), RATES, (carried,))

    black = black_scholes.black_76(6000, 6000, 5 / 365, 0.15, True, TOY_RATE)
    assert prepared.gamma[0] == pytest.approx(float(black.gamma[()]), rel=1e-12)
    assert prepared.delta[0] == pytest.approx(float(black.delta[()]), rel=1e-12)


# ---- what is left out ---------------------------------------------------------------------

LEFT_OUT: Mapping[str, tuple[dict[str, Any], str]] = {
    "settled": ({"expiry": "2026-12-15"}, "expired"),
    "no volatility": ({"iv": None}, "no_iv"),
    "volatility of 0": ({"iv": 0.0}, "no_iv"),
    "no open interest": ({"oi": None}, "no_oi"),
    "old greeks": ({"greeks_at": AS_OF - 901}, "stale"),
    "no multiplier": ({"multiplier": math.nan}, "non_standard"),
    "multiplier of 0": ({"multiplier": 0.0}, "bad"),
    "negative open interest": ({"oi": -5}, "bad"),
    "endless open interest": ({"oi": math.inf}, "bad"),
    "negative gamma": ({"gamma": -0.01}, "bad"),
    "gamma of a sentinel": ({"gamma": -999.0}, "bad"),
    "gamma above 10": ({"gamma": 10.1}, "bad"),
    "volatility of a sentinel": ({"iv": -999.0}, "bad"),
    "volatility above 500 %": ({"iv": 5.01}, "bad"),
    "endless volatility": ({"iv": math.inf}, "bad"),
    "strike of 0": ({"strike": 0.0}, "bad"),
}


@pytest.mark.parametrize(("changes", "reason"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_contract_that_cannot_be_used_is_counted_and_adds_nothing(
    changes: dict[str, Any], reason: str
) -> None:
    good = [row(5950, "P"), row(6050)]

    prepared = used(chain_of([*good, {**row(6000), **changes}]))

    assert prepared.excluded == {**dict.fromkeys(prepared.excluded, 0), reason: 1}
    assert prepared.contracts == int(prepared.used.sum()) + sum(prepared.excluded.values())
    assert gex.exposures(prepared).oi.totals == gex.exposures(used(chain_of(good))).oi.totals


@pytest.mark.parametrize(
    "changes",
    [{"greeks_at": AS_OF - 900}, {"greeks_at": None}, {"iv": 5.0}, {"oi": 0}, {"gamma": 10.0}],
    ids=["900 s old", "undated", "500 %", "open interest of 0", "gamma of 10"],
)
def test_what_is_just_inside_is_used(changes: dict[str, Any]) -> None:
    prepared = used(chain_of([{**row(), **changes}]))

    assert prepared.used.all()
    assert not any(prepared.excluded.values())


def test_coverage_counts_what_has_or_may_have_open_interest() -> None:
    rows = [row(5900), row(5950, iv=None), row(6000, oi=0, iv=None), row(6050, oi=None)]

    assert used(chain_of(rows)).coverage == pytest.approx(1 / 3)
    assert used(chain_of([row(oi=0)])).coverage is None
    assert used(chain_of([])).coverage is None


def test_a_contract_without_open_interest_still_counts_by_volume() -> None:
    found = gex.exposures(used(chain_of([row(oi=None, volume=7)])))

    assert found.oi.totals == gex.NOTHING
    assert found.oi.call_known.tolist() == [False]
    assert found.volume.totals.call > 0


def test_old_greeks_count_neither_by_open_interest_nor_by_volume() -> None:
    old = row(6000, oi=None, volume=7, greeks_at=AS_OF - 901)

    prepared = used(chain_of([row(), old]))

    assert prepared.excluded["stale"] == 1
    alone = gex.exposures(used(chain_of([row()])))
    assert gex.exposures(prepared).volume.totals == alone.volume.totals


def test_a_volume_that_cannot_be_is_not_known() -> None:
    found = gex.exposures(used(chain_of([row(volume=-999.0), row(6050, volume=math.inf)])))

    assert found.volume.totals == gex.NOTHING
    assert found.oi.totals.call > 0


def test_unknown_is_not_nothing_and_nothing_is_not_unknown() -> None:
    unknown = gex.exposures(used(chain_of([row(iv=None)]))).oi
    nothing = gex.exposures(used(chain_of([row(oi=0)]))).oi

    assert unknown.totals.net is None
    assert nothing.totals.net == 0.0
    assert unknown.call_known.tolist() == [False]
    assert nothing.call_known.tolist() == [True]
    assert nothing.put_known.tolist() == [False]
    assert nothing.totals.regime is None


def test_an_empty_or_settled_chain_has_no_totals() -> None:
    empty = gex.exposures(used(chain_of([])))
    settled = gex.exposures(used(chain_of([row(expiry="2026-12-01")])))

    assert empty.oi.totals == empty.volume.totals == settled.oi.totals == gex.NOTHING
    assert len(empty.strikes) == len(settled.strikes) == 0


def test_a_chain_of_one_side_has_that_side_only() -> None:
    totals = gex.exposures(used(chain_of([row(right="P"), row(5900, "P")]))).oi.totals

    assert totals.call == 0.0
    assert totals.net == -totals.put < 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"spot": None}, "no_spot"),
        ({"spot": 0.0}, "no_spot"),
        ({"symbol": "VIX"}, "vix_needs_future"),
    ],
    ids=["no spot", "spot of 0", "VIX"],
)
def test_no_exposure_is_worked_out_without_the_right_spot(
    changes: dict[str, Any], reason: str
) -> None:
    prepared = used(chain_of([row(gamma=0.01)], **changes), gamma="feed")

    assert prepared.refused == reason
    assert [mask.any() for mask in (prepared.used, prepared.priced, prepared.flips)] == [False] * 3
    assert gex.exposures(prepared).oi.totals == gex.NOTHING


# ---- whose gamma --------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["feed", "file"])
def test_given_gamma_is_used_as_it_was_given(source: gex.GammaSource) -> None:
    rows = [row(gamma=0.002), row(6050, gamma=None), row(6100, gamma=0.001, iv=None, delta=0.25)]

    prepared = used(chain_of(rows), gamma=source)
    totals = gex.exposures(prepared).oi.totals

    assert totals.call == pytest.approx(0.003 * 100 * 100 * 6000**2 * 0.01)
    assert prepared.excluded["no_iv"] == 1
    assert prepared.used.tolist() == [True, False, True]
    assert prepared.flips.tolist() == [True, True, False]
    assert prepared.delta[2] == 0.25
    assert np.isnan(prepared.vanna[2])


def test_model_gamma_stands_at_the_spot_and_time_of_the_chain() -> None:
    rows = [row(gamma=0.009)]

    assert used(chain_of(rows)).gamma[0] == pytest.approx(
        float(black_scholes.gamma(6000, 6000, 5 / 365, 0.15, TOY_RATE, TOY_YIELD)), rel=1e-12
    )


def test_any_column_can_be_summed_on_the_strikes(toy_chain: OptionChain) -> None:
    prepared = used(toy_chain)

    sums = prepared.by_strike(prepared.oi)

    assert sums.call.tolist() == [1200, 2500, 6000, 9000, 7000]
    assert sums.put.tolist() == [8000, 7000, 5500, 2600, 900]
    assert prepared.by_strike(np.full(10, np.nan)).gross.tolist() == [0] * 5
