"""Candles: made of bars, closed when nothing can change them, honest about missing prices."""

from __future__ import annotations

import json
from math import nan
from typing import Any

import pytest

from grok_sauce.strategies.candle import Candle, CandleMaker


def test_bars_make_a_candle_that_closes_with_its_last_minute(make: Any) -> None:
    maker = CandleMaker()
    bars = make.minutes("14:00", *[(100 + n, 102 + n, 99 + n, 101 + n) for n in range(15)])

    closed = [candle for bar in bars for candle in maker.add(bar)]

    assert closed == [
        Candle(bars[0].time, 100.0, 116.0, 99.0, 115.0, 150.0, "/NQH7"),
    ]


def test_a_missing_last_minute_closes_the_candle_with_the_next_bar(make: Any) -> None:
    maker = CandleMaker()
    first, *_ = make.minutes("14:00", (100, 101, 99, 100))
    later, *_ = make.minutes("14:40", (105, 106, 104, 105))

    assert maker.add(first) == []
    assert [candle.time for candle in maker.add(later)] == [first.time]


def test_one_bar_can_close_two_candles(make: Any) -> None:
    maker = CandleMaker()
    [first] = make.minutes("14:00", (100, 101, 99, 100))
    whole = make.candle("14:15", 100, 103, 98, 102)
    maker.add(first)

    assert [candle.close for candle in maker.add(whole)] == [100.0, 102.0]


def test_a_candle_in_which_the_contract_changed_is_dropped(make: Any) -> None:
    maker = CandleMaker()
    [one] = make.minutes("14:00", (100, 101, 99, 100))
    [two] = make.minutes("14:14", (300, 301, 299, 300), contract="/NQM7")

    assert maker.add(one) + maker.add(two) == []


def test_a_volume_that_is_partly_unknown_is_unknown(make: Any) -> None:
    maker = CandleMaker()
    [one] = make.minutes("14:00", (100, 101, 99, 100))
    two = Candle(one.time + 840_000, 100, 101, 99, 100, None, "/NQH7", 60)
    maker.add(one)

    [candle] = maker.add(two)

    assert candle.volume is None


@pytest.mark.parametrize(
    "prices",
    [(nan, 2, 1, 1), (1, float("inf"), 1, 1), (1, 2, 0, 1), (1, 2, 1.5, 2), (1, 1.5, 1, 2)],
    ids=["unknown", "infinite", "zero", "open under the low", "close over the high"],
)
def test_impossible_prices_are_named(prices: tuple[float, float, float, float]) -> None:
    assert Candle(0, *prices, None, None).problem


def test_a_candle_survives_as_json() -> None:
    candle = Candle(1_797_449_400_000, 1.5, 2.5, 1.25, 2.0, None, "/NQH7", 60)

    assert Candle.of(json.loads(json.dumps(candle.as_dict(), allow_nan=False))) == candle


@pytest.mark.parametrize("change", [{"contract": 3}, {"time": "soon"}, {"close": "high"}])
def test_what_is_no_candle_is_refused(change: dict[str, Any]) -> None:
    document = Candle(0, 1, 2, 1, 2, None, None).as_dict()

    with pytest.raises((TypeError, ValueError)):
        Candle.of({**document, **change})
