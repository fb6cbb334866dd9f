"""Candles: canonical symbols, the snapshot's flags and order, the cap, live bars."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.simulator import candle_symbols
from grok_sauce.simulator.desk import CANDLE_CAP

DAY = 86_400_000
FIELDS = ["eventSymbol", "eventFlags", "index", "time", "count"] + [
    *("open", "high", "low", "close", "volume")
]


def bars(first_ms: int, number: int, step: int = DAY) -> list[tuple[Any, ...]]:
    """Rising bars: (time, count, open, high, low, close, volume)."""
    times = [(n, first_ms + n * step) for n in range(number)]
    return [(at, 7, 10.0 + n, 12.0 + n, 9.0 + n, 11.0 + n, 500.0) for n, at in times]


def rows_of(data: list[list[Any]]) -> list[dict[str, Any]]:
    width = len(FIELDS)
    flat = [value for _, run in data for value in run]
    return [dict(zip(FIELDS, flat[n : n + width], strict=True)) for n in range(0, len(flat), width)]


@pytest.fixture
def candles(talk: Any) -> Any:
    """A channel that wants the project's candle fields."""
    talk.feed(acceptAggregationPeriod=0.1, acceptEventFields={"Candle": FIELDS})
    return talk


@pytest.mark.parametrize(
    "asked, canonical",
    [
        ("SPY{=1d}", "SPY{=d}"),
        ("SPY{=1m}", "SPY{=m}"),
        ("SPY{=1h}", "SPY{=h}"),
        ("SPY{=1d,tho=true}", "SPY{=d,tho=true}"),
        ("SPY{tho=true,=5m}", "SPY{=5m,tho=true}"),
        ("SPY{=d,tho=false}", "SPY{=d}"),
        ("/ESZ26:XCME{=15m}", "/ESZ26:XCME{=15m}"),
        (".SPY261218C680{=1mo}", ".SPY261218C680{=mo}"),
    ],
)
def test_candle_symbols_come_back_in_canonical_spelling(asked: str, canonical: str) -> None:
    candle = candle_symbols.parse(asked)

    assert candle is not None
    assert candle.text == canonical


@given(st.text(alphabet="SPY{}=,1dmo&:tha", max_size=20))
def test_canonical_spelling_is_stable(text: str) -> None:
    candle = candle_symbols.parse(text)

    if candle is not None:
        assert candle_symbols.parse(candle.text) == candle


def test_snapshot_is_newest_first_with_begin_and_a_marker_row(candles: Any, helpers: Any) -> None:
    base = 1_797_379_200_000
    candles.world.bars["SPY"] = bars(base, 3)

    answers = candles.add("Candle", "SPY{=1d,tho=true}", fromTime=base - 5 * DAY)

    rows = rows_of(helpers.data_of(answers))
    assert {row["eventSymbol"] for row in rows} == {"SPY{=d,tho=true}"}
    assert [row["eventFlags"] for row in rows] == [4, 0, 0, 10]
    assert [row["time"] for row in rows] == [base + 2 * DAY, base + DAY, base, base - 5 * DAY]
    assert rows[-1]["count"] == 0
    assert [rows[-1][name] for name in ("open", "high", "low", "close")] == ["NaN"] * 4


def test_a_bar_at_the_time_asked_from_ends_the_snapshot_itself(candles: Any, helpers: Any) -> None:
    base = 1_797_379_200_000
    candles.world.bars["SPY"] = bars(base, 3)

    rows = rows_of(helpers.data_of(candles.add("Candle", "SPY{=d}", fromTime=base)))

    assert [row["time"] for row in rows] == [base + 2 * DAY, base + DAY, base]
    assert [row["eventFlags"] for row in rows] == [4, 0, 8]
    assert rows[-1]["close"] != "NaN"


def test_index_is_seconds_milliseconds_and_sequence(candles: Any, helpers: Any) -> None:
    # A recorded event: time 1684559855338 has the index 7235129486797176832.
    candles.world.bars["SPY"] = bars(1_684_559_855_338, 1)

    rows = rows_of(helpers.data_of(candles.add("Candle", "SPY{=d}", fromTime=0)))

    assert rows[0]["index"] == 7_235_129_486_797_176_832


def test_empty_snapshot_is_one_row_with_flags_14(candles: Any, helpers: Any) -> None:
    rows = rows_of(helpers.data_of(candles.add("Candle", "NOSUCH{=d}", fromTime=123_000)))

    assert [(row["eventFlags"], row["time"]) for row in rows] == [(14, 123_000)]


@pytest.mark.parametrize("number", [CANDLE_CAP, CANDLE_CAP + 1], ids=["full", "one too many"])
def test_long_snapshot_is_snipped_at_the_cap_on_its_oldest_bar(
    candles: Any, helpers: Any, number: int
) -> None:
    now = int(candles.clock.market()) * 1000
    candles.world.bars["SPY"] = bars(now - number * 60_000, number, 60_000)

    answers = candles.add("Candle", "SPY{=m}", fromTime=0)  # Talk checks the frames' sizes

    rows = rows_of(helpers.data_of(answers))
    flags = [row["eventFlags"] for row in rows]
    ends = [0, 10] if number == CANDLE_CAP else [16]
    assert flags == [4] + [0] * (len(flags) - 1 - len(ends)) + ends
    assert len(rows) == CANDLE_CAP + (number == CANDLE_CAP)
    assert rows[0]["time"] == now - 60_000


def test_live_bar_is_updated_and_a_new_one_opens(candles: Any, helpers: Any) -> None:
    base = 1_797_379_200_000
    candles.world.bars["SPY"] = bars(base, 2)
    candles.add("Candle", "SPY{=d}", fromTime=base)
    candles.beat(1.0)

    candles.world.bars["SPY"][1] = (base + DAY, 9, 11.0, 14.0, 10.0, 13.5, 900.0)
    candles.world.move("SPY", 13.5)
    update = rows_of(helpers.data_of(candles.beat(0.2)))
    candles.world.bars["SPY"].append((base + 2 * DAY, 1, 13.6, 13.6, 13.6, 13.6, 5.0))
    candles.world.move("SPY", 13.6)
    opened = rows_of(helpers.data_of(candles.beat(0.2)))

    assert [(r["time"], r["eventFlags"], r["close"]) for r in update] == [(base + DAY, 0, 13.5)]
    assert [(r["time"], r["eventFlags"]) for r in opened] == [(base + 2 * DAY, 0)]


def test_unchanged_bar_is_not_sent_again(candles: Any, helpers: Any) -> None:
    candles.world.bars["SPY"] = bars(1_797_379_200_000, 1)
    candles.add("Candle", "SPY{=d}", fromTime=0)
    candles.beat(1.0)

    candles.world.move("SPY", 670.0)

    assert helpers.data_of(candles.beat(0.2)) == []


def test_adding_again_with_another_time_restarts_the_snapshot(candles: Any, helpers: Any) -> None:
    base = 1_797_379_200_000
    candles.world.bars["SPY"] = bars(base, 3)
    candles.add("Candle", "SPY{=d}", fromTime=base + 2 * DAY)

    rows = rows_of(helpers.data_of(candles.add("Candle", "SPY{=1d}", fromTime=base)))

    assert [row["eventFlags"] for row in rows] == [4, 0, 8]
    assert candles.world.watching == {("Candle", "SPY{=d}")}


def test_with_and_without_regular_hours_are_two_streams(candles: Any) -> None:
    candles.add("Candle", "SPY{=m}", fromTime=0)
    candles.add("Candle", "SPY{=m,tho=true}", fromTime=0)
    candles.say("FEED_SUBSCRIPTION", 1, remove=[{"type": "Candle", "symbol": "SPY{=1m}"}])

    assert candles.world.watching == {("Candle", "SPY{=m,tho=true}")}


@pytest.mark.parametrize("contract", ["TICKER", "STREAM"])
def test_other_contracts_give_only_the_bar_under_way(
    talk: Any, helpers: Any, contract: str
) -> None:
    talk.feed(contract=contract, acceptEventFields={"Candle": FIELDS})
    now = int(talk.clock.market()) * 1000
    talk.world.bars["SPY"] = bars(now - 3 * DAY, 3)

    rows = rows_of(helpers.data_of(talk.add("Candle", "SPY{=d}", fromTime=0)))

    assert [(row["eventFlags"], row["time"]) for row in rows] == [(0, now - DAY)]


def test_full_format_carries_the_same_bars(talk: Any, helpers: Any) -> None:
    talk.feed(acceptDataFormat="FULL", acceptEventFields={"Candle": FIELDS})
    talk.world.bars["SPY"] = bars(1_797_379_200_000, 2)

    (events,) = helpers.data_of(talk.add("Candle", "SPY{=1d}", fromTime=0))

    assert [event["eventFlags"] for event in events] == [4, 0, 10]
    assert {event["eventType"] for event in events} == {"Candle"}
