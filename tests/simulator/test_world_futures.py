"""Listed months, front month and records of the simulated futures."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.market.instruments import FutureContract
from grok_sauce.market.sessions import day_id, instant, is_session
from grok_sauce.simulator.catalogue import ASSETS, FACTORS, FUTURES, SHAPES
from grok_sauce.simulator.futures import front, last_trade, months, records
from grok_sauce.simulator.market import World

NOW = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York


@pytest.mark.parametrize(
    "product, day, contract",
    [
        ("ES", date(2026, 12, 11), "/ESZ26:XCME"),
        ("ES", date(2026, 12, 14), "/ESH27:XCME"),
        ("MNQ", date(2026, 11, 20), "/MNQZ26:XCME"),
        ("VX", date(2026, 12, 15), "/VXZ26:XCBF"),
        ("VX", date(2026, 12, 16), "/VXF27:XCBF"),
        ("CL", date(2026, 11, 13), "/CLZ26:XNYM"),
        ("CL", date(2026, 11, 24), "/CLF27:XNYM"),
        ("GC", date(2026, 11, 20), "/GCZ26:XCEC"),
        ("GC", date(2026, 12, 1), "/GCG27:XCEC"),
        ("ZN", date(2026, 12, 1), "/ZNH27:XCBT"),
        ("YM", date(2026, 11, 20), "/YMZ26:XCBT"),
    ],
)
def test_the_front_month_follows_its_rule(product: str, day: date, contract: str) -> None:
    listed = months(product, day)

    assert listed[front(product, day)].contract.streamer == contract


@pytest.mark.parametrize(
    "product, year, month, last",
    [
        ("ES", 2026, 12, date(2026, 12, 18)),
        ("ES", 2027, 6, date(2027, 6, 17)),  # the third Friday is a holiday
        ("VX", 2026, 12, date(2026, 12, 16)),  # 30 days before Friday 2027-01-15
        ("VX", 2026, 11, date(2026, 11, 18)),
        ("CL", 2026, 12, date(2026, 11, 20)),  # third session before Wednesday the 25th
        ("GC", 2026, 12, date(2026, 12, 29)),
        ("BTC", 2026, 11, date(2026, 11, 27)),
    ],
)
def test_contracts_end_on_their_exchanges_day(
    product: str, year: int, month: int, last: date
) -> None:
    assert last_trade(product, year, month) == last


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(sorted(FUTURES)), st.dates(date(2013, 1, 1), date(2028, 12, 31)))
def test_listed_months_are_ahead_and_one_is_in_front(product: str, day: date) -> None:
    listed = months(product, day)

    assert len(listed) == 5
    assert [month.last_trade for month in listed] == sorted({each.last_trade for each in listed})
    assert all(month.last_trade >= day and is_session(month.last_trade) for month in listed)
    assert all(month.roll <= month.last_trade for month in listed)
    assert front(product, day) in (0, 1, 2)
    found = records(product, day)
    assert [record["active-month"] for record in found].count(True) == 1
    assert [record["next-active-month"] for record in found].count(True) == 1


@pytest.mark.parametrize("product", sorted(FUTURES))
def test_every_listed_contract_has_a_price_on_its_tick(product: str) -> None:
    world = World(42, NOW)
    for record in world.futures(product):
        streamer, tick = record["streamer-symbol"], float(record["tick-size"])

        price = world.price(streamer)

        assert world.serves(streamer)
        assert price / tick == pytest.approx(round(price / tick), abs=1e-4)
        assert (
            FutureContract.parse(record["symbol"], date(2026, 12, 16)).streamer
            == (streamer.partition(":")[0])
        )


def test_an_unknown_product_has_no_contracts() -> None:
    assert World(42, NOW).futures("QQQQ") == []


def test_futures_trade_through_the_night_and_rest_an_hour() -> None:
    world = World(42, instant(date(2026, 12, 16), 2))
    world.watch("Trade", "/ESH27:XCME")
    night = world.advance(instant(date(2026, 12, 16), 2, 10))
    world.advance(instant(date(2026, 12, 16), 17, 0))
    rest = world.advance(instant(date(2026, 12, 16), 17, 59))
    evening = world.advance(instant(date(2026, 12, 16), 18, 1))

    assert night == evening == {("Trade", "/ESH27:XCME")}
    assert rest == set()
    assert world.event("Trade", "/ESH27:XCME")["dayId"] == day_id(date(2026, 12, 17))
    assert world.event("TradeETH", "/ESH27:XCME") is None


def test_futures_of_a_sunday_evening_belong_to_monday() -> None:
    world = World(42, instant(date(2026, 12, 13), 19))

    summary = world.event("Summary", "/NQH27:XCME")

    assert summary["dayId"] == day_id(date(2026, 12, 14))
    assert summary["prevDayId"] == day_id(date(2026, 12, 11))
    bars = world.candles("/NQH27:XCME", "m", False, 0, world.now)
    assert bars[-60][0] >= instant(date(2026, 12, 13), 18) * 1000


def test_the_front_month_is_traded_most() -> None:
    world = World(42, NOW)

    volumes = [
        world.event("Trade", record["streamer-symbol"])["dayVolume"]
        for record in world.futures("ES")
    ]

    assert max(volumes) == volumes[1]  # December has rolled to March
    assert volumes[0] > 0
    assert world.event("Summary", "/ESH27:XCME")["openInterest"] > 100_000


def test_later_contracts_hold_a_larger_basis() -> None:
    world = World(42, NOW)

    prices = [world.price(record["streamer-symbol"]) for record in world.futures("ES")]

    assert prices == sorted(prices)
    assert prices[0] == pytest.approx(world.price("SPX"), abs=6)


def test_far_volatility_futures_move_less_than_near_ones() -> None:
    world = World(42, NOW)
    near, far = (world.futures("VX")[place]["streamer-symbol"] for place in (1, 4))

    def reach(symbol: str) -> float:
        closes = [row[5] for row in world.candles(symbol, "d", False, 0, NOW)]
        return max(closes) / min(closes)

    assert reach(far) < reach(near) < reach("VIX")


def test_every_path_that_is_followed_is_described_once() -> None:
    followed = {asset.path for asset in [*ASSETS.values(), *FUTURES.values()]}

    assert followed <= set(SHAPES)
    assert not set(SHAPES) & set(FACTORS)
    assert all(set(shape.loadings) <= set(FACTORS) for shape in SHAPES.values())
