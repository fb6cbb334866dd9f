"""The report of a chain: worked example, every key, no number that is not known."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest

from grok_sauce.analytics import levels
from grok_sauce.analytics.conversion import Factor
from grok_sauce.analytics.forward import Rates
from grok_sauce.market import sessions
from grok_sauce.market.chain import OptionChain
from tests.option_chains import AS_OF, toy_chain, toy_rows

RATES = Rates(0.045, 0.012)
NO_QUOTES = {"bid": None, "ask": None}

KEYS = {
    # the machine interface
    *("symbol", "spot", "spot_basis", "as_of", "oi_date", "source", "unit", "rate"),
    *("dividend_yield", "forward_basis", "gamma", "scope", "contracts", "used", "excluded"),
    *("coverage", "totals", "regime", "put_call", "zero_gamma", "call_wall", "put_wall"),
    *("call_wall_2", "put_wall_2", "call_wall_unrestricted", "put_wall_unrestricted"),
    *("call_wall_oi", "put_wall_oi", "max_gex_strike", "absolute_gamma_strike", "resistance"),
    *("support", "expected_move", "skew", "term", "max_pain"),
    # the page
    *("view", "view_label", "status", "spot_at", "spot_age", "spot_label", "spot_alternative"),
    *("change", "ages", "forwards", "rate_source", "rate_date", "american", "columns", "smiles"),
    *("nearest", "expiries", "tops", "levels", "conversion", "unit_factor", "definition"),
}
TOTALS = {"call", "put", "net", "gross", "net_per_point", "dex_holders", "dex_dealer", "vex"}
COLUMNS = {"strike", "net_gex", "net_gex_volume", "call_iv", "put_iv"} | {
    f"{side}_{name}"
    for side in ("call", "put")
    for name in (
        *("gex", "dex", "vex", "chex", "gex_volume", "dex_volume", "vex_volume", "chex_volume"),
        *("oi", "volume"),
    )
}


def rows_without_quotes() -> list[dict[str, Any]]:
    """The toy chain with nothing but its table: forwards then come from the rates."""
    return [{**row, **NO_QUOTES} for row in toy_rows()]


@pytest.fixture
def worked(chain_of: Callable[..., OptionChain]) -> dict[str, Any]:
    return levels.report(chain_of(rows_without_quotes()), RATES)


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for each in value.values():
            yield from numbers(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from numbers(each)
    elif isinstance(value, float):
        yield value


def assert_is_json(found: dict[str, Any]) -> None:
    assert all(math.isfinite(number) for number in numbers(found))
    assert json.loads(json.dumps(found, allow_nan=False)) == json.loads(json.dumps(found))


# ---- the worked example -----------------------------------------------------------------


def test_the_worked_example_has_its_totals(worked: dict[str, Any]) -> None:
    totals = worked["totals"]

    assert totals["net"] == pytest.approx(395_763_201, abs=1)
    assert totals["net_per_point"] == pytest.approx(6_596_053, abs=1)
    assert totals["call"] == pytest.approx(50_760_235 * 60, abs=60)
    assert totals["put"] == pytest.approx(44_164_181 * 60, abs=60)
    assert totals["gross"] == pytest.approx(94_924_416 * 60, abs=60)
    assert totals["absolute_net"] == pytest.approx(42_398_363 * 60, abs=60)
    assert totals["dex_holders"] == pytest.approx(447_069_552, abs=1)
    assert totals["dex_dealer"] == pytest.approx(11_161_371_717, abs=1)
    assert totals["vex"] == pytest.approx(200_962_194, abs=1)
    assert totals["chex"] == pytest.approx(-299_986_564, abs=1)
    assert worked["regime"] == "positive"


def test_the_worked_example_has_its_strikes(worked: dict[str, Any]) -> None:
    columns = worked["columns"]

    assert columns["strike"] == [5900, 5950, 6000, 6050, 6100]
    millions = [net / 1e6 for net in columns["net_gex"]]
    assert millions == pytest.approx([-556.614, -517.455, 69.509, 846.041, 554.283], abs=5e-4)
    assert columns["call_oi"] == [1200, 2500, 6000, 9000, 7000]
    assert columns["put_volume"] == [5000, 6000, 8500, 1200, 200]
    assert columns["call_iv"] == columns["put_iv"] == [0.170, 0.158, 0.147, 0.138, 0.132]


def test_the_worked_example_has_its_levels(worked: dict[str, Any]) -> None:
    assert worked["zero_gamma"]["all"]["flip"] == pytest.approx(5976.3444, abs=5e-5)
    assert worked["zero_gamma"]["strike_sign"] == pytest.approx(5994.08, abs=5e-3)
    assert worked["zero_gamma"]["cumulative"] == pytest.approx(6064.30, abs=5e-3)
    assert (worked["call_wall"], worked["put_wall"]) == (6050, 5950)
    assert worked["put_wall_oi"] == 5900
    assert worked["max_gex_strike"] == 6050
    assert worked["absolute_gamma_strike"] == 6000
    assert worked["resistance"]["by_strength"] == [6050, 6100]
    assert worked["support"]["by_strength"] == [5950, 5900]
    assert worked["max_pain"][0]["strike"] == 6000
    assert worked["put_call"]["oi"] == pytest.approx(0.933852, abs=5e-7)
    assert worked["put_call"]["oi_word"] == "Neutral-Bullish"


def test_the_worked_example_has_its_expected_move(toy_chain: OptionChain) -> None:
    found = levels.report(toy_chain, RATES)

    move = found["expected_move"]
    assert move["expiry"] == "2026-12-21"
    assert move["straddle"] == pytest.approx(82.3611, abs=5e-4)
    forward = 6000 * math.exp((0.045 - 0.012) * 5 / 365)
    at_the_forward = 0.147 + (0.138 - 0.147) * math.log(forward / 6000) / math.log(6050 / 6000)
    expected = forward * at_the_forward * math.sqrt(5 / 365)
    assert move["sigma"] == pytest.approx(expected, rel=1e-4)
    assert move["shortcut_85"] == pytest.approx(70.0069, abs=5e-4)
    assert move["weighted"] == pytest.approx(64.0909, abs=5e-4)
    assert found["forward_basis"] == "parity"
    assert move["high"] - move["low"] == pytest.approx(2 * move["straddle"])


def test_without_quotes_the_forward_comes_from_the_rates(worked: dict[str, Any]) -> None:
    assert worked["forward_basis"] == "rates"
    assert (worked["rate"], worked["dividend_yield"]) == (0.045, 0.012)
    row = worked["forwards"][0]
    assert row["forward"] == pytest.approx(6000 * math.exp((0.045 - 0.012) * 5 / 365))
    assert row["strikes"] == []
    assert worked["expected_move"]["straddle"] is None


def test_the_tables_rank_the_worked_example(worked: dict[str, Any]) -> None:
    tops = worked["tops"]

    assert [(row["strike"], row["side"]) for row in tops["oi"][:3]] == [
        (6050, "C"),
        (5900, "P"),
        (5950, "P"),
    ]
    assert tops["oi"][0]["gex"] == pytest.approx(0.00367205 * 9000 * 100 * 6000 * 60, rel=1e-5)
    assert (tops["volume"][0]["strike"], tops["volume"][0]["of_oi"]) == (6000, 1.5)
    assert tops["put_call"][0]["ratio"] == pytest.approx(6.6667, abs=5e-5)
    assert tops["put_call_floor"] == 100


def test_levels_stand_in_order_of_price_with_spot_among_them(worked: dict[str, Any]) -> None:
    rows = worked["levels"]

    values = [row["value"] for row in rows]
    assert values == sorted(values, reverse=True)
    by_key = {row["key"]: row for row in rows}
    assert by_key["spot"]["distance"] == 0
    assert by_key["call_wall"]["distance"] == 50
    assert by_key["put_wall"]["distance_percent"] == pytest.approx(-5 / 6)
    assert by_key["max_pain"]["value"] == 6000
    assert "zero_gamma_0dte" not in by_key
    assert all(row["future"] is None and row["label"] for row in rows)


# ---- shape ------------------------------------------------------------------------------


def test_every_key_is_there(worked: dict[str, Any]) -> None:
    assert set(worked) >= KEYS
    assert set(worked["totals"]) >= TOTALS | {"chex"}
    assert set(worked["columns"]) == COLUMNS
    assert set(worked["zero_gamma"]) == {
        *("all", "zero_dte", "ex_zero_dte", "strike_sign", "cumulative")
    }
    assert set(worked["scope"]) == {"expiries", "of", "strike_low", "strike_high", "oi_share"}
    assert set(worked["excluded"]) == {
        *("expired", "no_iv", "no_oi", "stale", "bad", "non_standard")
    }
    assert set(worked["expected_move"]) == {
        *("expiry", "straddle", "sigma", "weighted", "shortcut_85", "low", "high")
    }
    assert set(worked["status"]) == {"state", "text", "loaded", "of"}


def test_columns_have_one_length_and_ascending_strikes(worked: dict[str, Any]) -> None:
    columns = worked["columns"]

    assert {len(values) for values in columns.values()} == {5}
    assert columns["strike"] == sorted(columns["strike"])


def test_net_is_call_minus_put_of_every_measure(toy_chain: OptionChain) -> None:
    found = levels.report(toy_chain, RATES)

    columns, totals = found["columns"], found["totals"]
    for name, total in (("gex", "net"), ("dex", "dex_dealer"), ("vex", "vex"), ("chex", "chex")):
        net = np.subtract(columns[f"call_{name}"], columns[f"put_{name}"]).sum()
        assert net == pytest.approx(totals[total])


def test_the_report_says_where_it_is_from(worked: dict[str, Any]) -> None:
    assert worked["symbol"] == "SPX"
    assert worked["source"] == "LIVE"
    assert worked["unit"] == "usd_per_1pct"
    assert worked["unit_factor"] == 60.0
    assert datetime.fromisoformat(worked["as_of"]).timestamp() == AS_OF
    assert worked["oi_date"] == "2026-12-15"
    assert worked["scope"] == {
        "expiries": 1,
        "of": 1,
        "strike_low": 5900.0,
        "strike_high": 6100.0,
        "oi_share": None,
    }
    assert (worked["contracts"], worked["used"], worked["coverage"]) == (10, 10, 1.0)
    assert worked["american"] is False


def test_the_share_of_open_interest_needs_the_whole_markets(toy_chain: OptionChain) -> None:
    found = levels.report(toy_chain, RATES, oi_whole=99_400.0)

    assert found["scope"]["oi_share"] == 0.5


def test_what_the_caller_knows_better_is_passed_on(toy_chain: OptionChain) -> None:
    implied = {"value": 6010.5, "basis": "futures_implied:/ESZ6", "age": 1.0}
    told = {"state": "stale", "text": "no frame for 70 s", "loaded": 3, "of": 1452}

    found = levels.report(
        toy_chain,
        RATES,
        view="2026-12-18,2026-12-21",
        previous_close=5900.0,
        spot_alternative=implied,
        status=told,
    )

    assert found["view_label"] == "2026-12-18, 2026-12-21"
    assert found["change"] == {"value": 100.0, "percent": pytest.approx(100 / 59)}
    assert found["spot_alternative"] == implied
    assert found["status"] == told


# ---- units, rows, the future ------------------------------------------------------------


def test_per_point_is_per_percent_over_a_hundredth_of_spot(worked: dict[str, Any]) -> None:
    found = levels.in_unit(worked, "usd_per_point")

    assert found["unit"] == "usd_per_point"
    assert found["totals"]["net"] == pytest.approx(6_596_053, abs=1)
    assert found["totals"]["net"] == pytest.approx(found["totals"]["net_per_point"])
    assert found["totals"]["dex_holders"] == worked["totals"]["dex_holders"]
    millions = [net / 1e6 for net in found["columns"]["net_gex"]]
    expected = [-9.276906, -8.624249, 1.158480, 14.100684, 9.238044]
    assert millions == pytest.approx(expected, abs=5e-7)
    assert found["columns"]["call_oi"] == worked["columns"]["call_oi"]
    assert found["columns"]["call_vex"] == worked["columns"]["call_vex"]
    assert found["tops"]["oi"][0]["gex"] == pytest.approx(worked["tops"]["oi"][0]["gex"] / 60)
    assert worked["unit"] == "usd_per_1pct"


def test_units_go_back_and_forth(worked: dict[str, Any]) -> None:
    back = levels.in_unit(levels.in_unit(worked, "usd_per_point"), "usd_per_1pct")

    assert back["totals"] == pytest.approx(worked["totals"])
    assert back["columns"]["put_gex"] == pytest.approx(worked["columns"]["put_gex"])


def test_another_unit_is_refused(worked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="usd_per_1pct or usd_per_point"):
        levels.in_unit(worked, "usd_per_tick")


def test_a_document_has_rows_in_place_of_columns(worked: dict[str, Any]) -> None:
    found = levels.document(worked, "point")

    assert "columns" not in found
    assert [*found["strikes"][0]][:10] == [
        *("strike", "call_gex", "put_gex", "net_gex", "call_oi", "put_oi"),
        *("call_volume", "put_volume", "call_iv", "put_iv"),
    ]
    assert found["strikes"][0].keys() == worked["columns"].keys()
    assert [row["strike"] for row in found["strikes"]] == worked["columns"]["strike"]
    assert found["strikes"][2]["net_gex"] == pytest.approx(1_158_480, abs=1)
    assert "columns" in worked


def test_levels_are_carried_to_the_future(toy_chain: OptionChain) -> None:
    factor = Factor("/ESZ6", "basis", 42.5, AS_OF - 30, True, 6000.0, 6042.5)

    found = levels.report(toy_chain, RATES, conversion=factor)

    assert found["conversion"] == {
        "contract": "/ESZ6",
        "kind": "basis",
        "value": 42.5,
        "age": 30.0,
        "frozen": True,
        "tick": 0.25,
        "note": "/ESZ6 by basis (points added), frozen at the last good value",
    }
    assert {row["key"]: row["future"] for row in found["levels"]}["call_wall"] == 6092.5


# ---- what is not known ------------------------------------------------------------------


def test_the_order_of_contracts_does_not_matter(toy_chain: OptionChain) -> None:
    order = list(range(10))
    random.Random(3).shuffle(order)

    mixed = levels.report(toy_chain.take(np.array(order, dtype=np.int64)), RATES)

    found = levels.report(toy_chain, RATES)
    assert list(numbers(mixed)) == pytest.approx(list(numbers(found)), rel=1e-12)
    for name in ("call_wall", "put_wall", "max_pain", "excluded", "scope", "put_call", "status"):
        assert mixed[name] == found[name]


def test_a_chain_without_contracts_has_no_numbers(chain_of: Callable[..., OptionChain]) -> None:
    found = levels.report(chain_of([]), RATES)

    assert found["status"]["state"] == "no_chain"
    assert found["totals"] == dict.fromkeys(found["totals"])
    assert found["regime"] is None
    assert found["zero_gamma"]["all"]["flip"] is None
    assert found["zero_gamma"]["all"]["reason"] == "no_contracts"
    assert found["nearest"] is None
    assert found["coverage"] is None
    assert found["max_pain"] == found["term"] == found["columns"]["strike"] == []
    assert [row["key"] for row in found["levels"]] == ["spot"]
    assert_is_json(found)


@pytest.mark.parametrize("side", ["C", "P"])
def test_a_one_sided_chain_has_the_walls_of_that_side(
    side: str, chain_of: Callable[..., OptionChain]
) -> None:
    found = levels.report(chain_of([row for row in toy_rows() if row["right"] == side]), RATES)

    sign = "positive" if side == "C" else "negative"
    assert found["regime"] == sign
    assert found["zero_gamma"]["all"]["flip"] is None
    assert found["zero_gamma"]["all"]["reason"] == f"net_{sign}_everywhere"
    assert (found["call_wall"] is None) == (side == "P")
    assert (found["put_wall"] is None) == (side == "C")
    assert found["put_call"]["oi"] is None
    other = "put" if side == "C" else "call"
    assert found["columns"][f"{other}_gex"] == [None] * 5
    assert None not in found["columns"]["net_gex"]
    assert_is_json(found)


def test_a_settled_chain_has_no_numbers_and_says_so(chain_of: Callable[..., OptionChain]) -> None:
    settled = sessions.settlement(date(2026, 12, 21), "PM")

    found = levels.report(chain_of(toy_rows(), as_of=settled), RATES)

    assert found["excluded"]["expired"] == found["contracts"] == 10
    assert found["status"]["state"] == "no_chain"
    assert found["totals"]["net"] is None
    assert found["put_call"]["oi"] is None
    assert_is_json(found)


def test_without_a_spot_open_interest_and_max_pain_stand(
    chain_of: Callable[..., OptionChain],
) -> None:
    found = levels.report(chain_of(toy_rows(), spot=None), RATES)

    assert found["status"]["state"] == "loading"
    assert found["spot"] is None
    assert found["totals"]["net"] is None
    assert found["zero_gamma"]["all"]["reason"] == "no_spot"
    assert found["zero_gamma"]["strike_sign"] is None
    assert found["columns"]["call_gex"] == [None] * 5
    assert found["columns"]["call_oi"][0] == 1200
    assert found["call_wall"] is None
    assert found["put_wall_oi"] == 5900
    assert found["max_pain"][0]["strike"] == 6000
    assert levels.in_unit(found, "usd_per_point")["unit"] == "usd_per_point"
    assert_is_json(found)


def test_options_on_vix_are_refused_with_the_reason(chain_of: Callable[..., OptionChain]) -> None:
    rows = [{**row, "strike": row["strike"] / 300, "root": "VIXW"} for row in toy_rows()]

    found = levels.report(chain_of(rows, symbol="VIX", spot=20.0), RATES)

    assert found["status"]["state"] == "refused"
    assert "vix_needs_future" in found["status"]["text"]
    assert found["zero_gamma"]["all"]["reason"] == "vix_needs_future"
    assert found["totals"]["net"] is None
    assert found["call_wall"] is None
    assert found["max_pain"][0]["strike"] == 20.0
    assert_is_json(found)


def test_unknown_volatility_is_left_out_and_counted(chain_of: Callable[..., OptionChain]) -> None:
    rows = rows_without_quotes()
    rows[0] = {**rows[0], "iv": None, "gamma": None}

    found = levels.report(chain_of(rows), RATES)

    assert found["excluded"]["no_iv"] == 1
    assert found["coverage"] == 0.9
    assert found["columns"]["call_gex"][0] is None
    assert found["columns"]["call_oi"][0] == 1200
    assert_is_json(found)


def test_nothing_known_but_the_listing_gives_only_nulls(
    chain_of: Callable[..., OptionChain],
) -> None:
    bare = [{"strike": row["strike"], "right": row["right"]} for row in toy_rows()]

    found = levels.report(chain_of(bare), RATES)

    assert found["status"]["state"] == "loading"
    assert found["totals"]["gross"] is None
    assert found["columns"]["put_oi"] == found["columns"]["net_gex"] == [None] * 5
    assert found["put_call"]["call_oi"] is None
    assert found["put_call"]["oi_word"] == "N/A"
    assert found["max_pain"][0]["strike"] is None
    assert found["ages"]["greeks"] is None
    assert_is_json(found)


@pytest.mark.parametrize("gamma", ["model", "feed", "file"])
@pytest.mark.parametrize("seed", range(5))
def test_no_number_of_a_torn_chain_is_nan_or_infinite(gamma: Any, seed: int) -> None:
    chance = random.Random(seed)
    chain = toy_chain()
    torn = {}
    for name in ("oi", "volume", "bid", "ask", "iv", "delta", "gamma", "greeks_at", "multiplier"):
        column = getattr(chain, name).copy()
        for place in range(len(column)):
            if chance.random() < 0.3:
                column[place] = chance.choice([math.nan, math.inf, -1.0, 0.0, 1e300])
        torn[name] = column

    found = levels.report(replace(chain, **torn), RATES, gamma=gamma)

    assert_is_json(found)
    assert found["used"] + sum(found["excluded"].values()) == found["contracts"]


# ---- days and hours ---------------------------------------------------------------------


def chain_at(
    chain_of: Callable[..., OptionChain], as_of: float, *expiries: tuple[str, str, str]
) -> OptionChain:
    """The toy strikes in several expiries (day, root, AM or PM), looked at at that time."""
    rows = [
        {**row, "expiry": day, "root": root, "settlement": settlement}
        for day, root, settlement in expiries
        for row in rows_without_quotes()
    ]
    return chain_of(rows, as_of=as_of)


def new_york(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=sessions.NEW_YORK).timestamp()


ROLLS = [
    pytest.param("2026-12-16T15:59:59", "2026-12-16", "PM", 0, False, id="a second before close"),
    pytest.param("2026-12-16T16:00:00", "2026-12-18", "AM", 2, True, id="at the close"),
    pytest.param("2026-12-18T09:29:59", "2026-12-18", "AM", 0, True, id="before AM settlement"),
    pytest.param("2026-12-18T09:30:00", "2026-12-18", "PM", 0, True, id="after AM settlement"),
    pytest.param("2026-12-18T16:00:00", "2026-12-24", "PM", 6, False, id="witching is over"),
    pytest.param("2026-12-19T12:00:00", "2026-12-24", "PM", 5, False, id="Saturday"),
    pytest.param("2026-12-20T23:59:00", "2026-12-24", "PM", 4, False, id="Sunday night"),
    pytest.param("2026-12-24T12:59:59", "2026-12-24", "PM", 0, False, id="before the half close"),
    pytest.param("2026-12-24T13:00:00", "2026-12-28", "PM", 4, False, id="after the half close"),
]


@pytest.mark.parametrize(("at", "day", "settlement", "dte", "witching"), ROLLS)
def test_the_nearest_expiry_rolls_when_it_settles(
    at: str,
    day: str,
    settlement: str,
    dte: int,
    witching: bool,
    chain_of: Callable[..., OptionChain],
) -> None:
    chain = chain_at(
        chain_of,
        new_york(at),
        ("2026-12-16", "SPXW", "PM"),
        ("2026-12-18", "SPX", "AM"),
        ("2026-12-18", "SPXW", "PM"),
        ("2026-12-24", "SPXW", "PM"),
        ("2026-12-28", "SPXW", "PM"),
    )

    found = levels.report(chain, RATES, stale=math.inf)

    nearest = found["nearest"]
    assert (nearest["expiry"], nearest["settlement"]) == (day, settlement)
    assert (nearest["dte"], nearest["witching"]) == (dte, witching)
    assert found["max_pain"][0]["expiry"] == found["term"][0]["expiry"] == day
    assert found["expected_move"]["expiry"] == found["expiries"][0]["expiry"] == day
    today = at[:10]
    has_0dte = any(
        row["expiry"] == today and row["dte"] == 0 for row in found["expiries"] if row["in_view"]
    )
    empty = found["zero_gamma"]["zero_dte"]["reason"] == "no_contracts"
    assert empty is not has_0dte


def test_a_witching_day_shifted_by_juneteenth_is_a_thursday(
    chain_of: Callable[..., OptionChain],
) -> None:
    chain = chain_at(
        chain_of,
        new_york("2027-06-16T12:00"),
        ("2027-06-17", "SPX", "AM"),
        ("2027-06-17", "SPXW", "PM"),
        ("2027-06-25", "SPXW", "PM"),
    )

    found = levels.report(chain, RATES)

    rows = [(row["expiry"], row["witching"], row["monthly"]) for row in found["expiries"]]
    assert rows == [
        ("2027-06-17", True, True),
        ("2027-06-17", True, True),
        ("2027-06-25", False, False),
    ]


@pytest.mark.parametrize(
    ("at", "day", "dte", "hours"),
    [
        ("2026-03-06T16:00", "2026-03-09", 3, 71),
        ("2026-03-08T00:30", "2026-03-09", 1, 38.5),
        ("2026-10-30T16:00", "2026-11-02", 3, 73),
        ("2026-11-01T00:30", "2026-11-02", 1, 40.5),
    ],
    ids=["an hour is lost", "on the day it is lost", "an hour is won", "on the day it is won"],
)
def test_a_weekend_with_a_clock_change_has_its_real_length(
    at: str, day: str, dte: int, hours: float, chain_of: Callable[..., OptionChain]
) -> None:
    chain = chain_at(chain_of, new_york(at), (day, "SPXW", "PM"))

    found = levels.report(chain, RATES)

    assert found["nearest"]["dte"] == dte
    years = hours / (365 * 24)
    assert found["forwards"][0]["forward"] == pytest.approx(
        6000 * math.exp((0.045 - 0.012) * years), rel=1e-12
    )


def test_expiries_out_of_view_stay_in_the_chooser(chain_of: Callable[..., OptionChain]) -> None:
    whole = chain_at(
        chain_of,
        new_york("2026-12-16T12:00"),
        ("2026-12-16", "SPXW", "PM"),
        ("2026-12-18", "SPX", "AM"),
        ("2026-12-18", "SPXW", "PM"),
    )

    found = levels.report(whole.select(whole.expiries[:1]), RATES, view="0dte")

    assert [row["in_view"] for row in found["expiries"]] == [True, False, False]
    assert [row["contracts"] for row in found["expiries"]] == [10, 0, 0]
    assert found["scope"]["expiries"] == 1
    assert found["scope"]["of"] == 3
    assert len(found["max_pain"]) == len(found["term"]) == len(found["forwards"]) == 1
    assert found["view_label"] == "0DTE"


@pytest.mark.parametrize(
    ("symbol", "basis", "at", "label", "state"),
    [
        ("SPX", "trade", "2026-12-16T12:00", "last", "live"),
        ("SPX", "trade", "2026-12-16T18:00", "cash closed", "closed"),
        ("SPX", "futures_implied:/ESZ6", "2026-12-16T18:00", "implied by /ESZ6", "closed"),
        ("SPY", "extended", "2026-12-16T18:00", "extended hours", "live"),
        ("SPY", "close", "2026-12-16T22:00", "close", "closed"),
    ],
)
def test_the_spot_says_what_it_is(
    symbol: str,
    basis: str,
    at: str,
    label: str,
    state: str,
    chain_of: Callable[..., OptionChain],
) -> None:
    chain = chain_of(
        rows_without_quotes(), symbol=symbol, spot_basis=basis, as_of=new_york(at), spot=6000.0
    )

    found = levels.report(chain, RATES)

    assert found["spot_label"] == label
    assert found["status"]["state"] == state
    assert found["american"] is (symbol == "SPY")


def test_ages_are_told(chain_of: Callable[..., OptionChain]) -> None:
    rows = [
        {**row, "greeks_at": AS_OF - (800 if n == 0 else 10), "quote_at": AS_OF - 4}
        for n, row in enumerate(toy_rows())
    ]

    found = levels.report(chain_of(rows, spot_at=AS_OF - 2), RATES)

    assert found["ages"] == {
        "spot": 2.0,
        "greeks": 10.0,
        "greeks_oldest": 800.0,
        "quotes": 4.0,
        "oi_date": "2026-12-15",
    }
    assert found["spot_age"] == 2.0


def test_old_greeks_are_dropped_and_counted(chain_of: Callable[..., OptionChain]) -> None:
    rows = [{**row, "greeks_at": AS_OF - 901} for row in rows_without_quotes()]

    found = levels.report(chain_of(rows), RATES)

    assert found["excluded"]["stale"] == 10
    assert found["totals"]["net"] is None
    assert levels.report(chain_of(rows), RATES, stale=math.inf)["totals"]["net"] is not None


def test_a_volatility_beyond_belief_does_not_cost_a_gamma_that_came_with_the_chain(
    chain_of: Callable[..., OptionChain],
) -> None:
    rows = rows_without_quotes()
    rows[0] = {**rows[0], "iv": 7.5}

    by_file = levels.report(chain_of(rows), RATES, gamma="file")
    by_model = levels.report(chain_of(rows), RATES, gamma="model")

    assert (by_file["used"], by_model["used"]) == (10, 9)
    assert by_file["totals"]["call"] == pytest.approx(50_760_235 * 60, abs=60)
