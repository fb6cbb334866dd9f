"""What a FEED channel sends: configuration, field order, formats, snapshots, pace."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.simulator import dxlink_events
from grok_sauce.simulator.dxlink_events import EVENT_FIELDS, frames

QUOTE = ["eventSymbol", "bidPrice", "askPrice"]


def test_feed_setup_is_answered_without_fields_and_they_follow_before_the_data(talk: Any) -> None:
    (first,) = talk.feed(acceptAggregationPeriod=0.1, acceptEventFields={"Quote": QUOTE})

    config, data = talk.add("Quote", "SPY")

    assert first == {
        "type": "FEED_CONFIG",
        "channel": 1,
        "dataFormat": "COMPACT",
        "aggregationPeriod": 0.1,
    }
    assert config["eventFields"] == {"Quote": QUOTE}
    assert data["data"] == ["Quote", ["SPY", 669.99, 670.01]]


def test_each_type_is_announced_once_even_when_its_symbol_is_silent(talk: Any) -> None:
    talk.feed()

    announced = talk.add("Quote", "NOSUCH")
    again = talk.add("Quote", "SPY")

    assert [set(m["eventFields"]) for m in announced] == [{"Quote"}]
    assert [m["type"] for m in again] == ["FEED_DATA"]


def test_setups_merge_and_a_changed_list_is_announced_again(talk: Any) -> None:
    talk.feed(acceptEventFields={"Quote": QUOTE})
    talk.add("Quote", "SPY")

    (other,) = talk.say("FEED_SETUP", 1, acceptEventFields={"Trade": ["eventSymbol", "price"]})
    (same,) = talk.say("FEED_SETUP", 1, acceptAggregationPeriod=2)
    (changed,) = talk.say("FEED_SETUP", 1, acceptEventFields={"Quote": ["askPrice", "eventSymbol"]})

    assert "eventFields" not in other
    assert same["dataFormat"] == "COMPACT"
    assert same["aggregationPeriod"] == 2
    assert changed["eventFields"] == {"Quote": ["askPrice", "eventSymbol"]}
    assert talk.add("Quote", "SPY")[-1]["data"] == ["Quote", [670.01, "SPY"]]


def test_requested_order_is_kept_and_unknown_columns_stay_as_nan(talk: Any) -> None:
    asked = ["price", "buyer", "eventSymbol", "eventTime", "seller", "eventType"]
    talk.feed(acceptEventFields={"Trade": asked})

    config, data = talk.add("Trade", "SPY")

    assert config["eventFields"] == {"Trade": asked}
    assert data["data"] == ["Trade", [670.0, "NaN", "SPY", 0, "NaN", "Trade"]]


def test_unknown_numbers_are_the_string_nan_never_null(talk: Any) -> None:
    talk.feed(acceptEventFields={"Trade": ["eventSymbol", "size", "dayVolume"]})

    assert talk.add("Trade", "SPX")[-1]["data"] == ["Trade", ["SPX", "NaN", "NaN"]]


def test_open_interest_is_a_whole_number_and_option_volume_the_sum(talk: Any) -> None:
    talk.feed(
        acceptEventFields={
            "Summary": ["eventSymbol", "openInterest", "dayClosePrice"],
            "Underlying": ["eventSymbol", "optionVolume"],
        }
    )

    summary = talk.add("Summary", "SPY")[-1]["data"]
    underlying = talk.add("Underlying", "SPY")[-1]["data"]

    assert summary == ["Summary", ["SPY", 0, "NaN"]]
    assert underlying == ["Underlying", ["SPY", 50]]


def test_full_is_the_default_and_always_names_type_and_symbol(talk: Any) -> None:
    talk.authorize()
    talk.say("CHANNEL_REQUEST", 1, service="FEED", parameters={"contract": "AUTO"})
    talk.say("FEED_SETUP", 1, acceptEventFields={"Quote": ["bidPrice"]})

    config, quote = talk.add("Quote", "SPY")
    _, trade = talk.add("Trade", "SPY")

    assert config["dataFormat"] == "FULL"
    assert quote["data"] == [{"eventType": "Quote", "eventSymbol": "SPY", "bidPrice": 669.99}]
    assert set(trade["data"][0]) == {"eventType", *EVENT_FIELDS["Trade"]}


def test_one_type_a_message_with_several_events_flat(talk: Any, helpers: Any) -> None:
    talk.feed(acceptEventFields={"Quote": QUOTE, "Trade": ["eventSymbol", "price"]})
    entries = [{"type": t, "symbol": s} for s in ("SPY", "QQQ") for t in ("Quote", "Trade")]

    answers = helpers.data_of(talk.say("FEED_SUBSCRIPTION", 1, add=entries))

    assert answers == [
        ["Quote", ["SPY", 669.99, 670.01, "QQQ", 599.99, 600.01]],
        ["Trade", ["SPY", 670.0, "QQQ", 600.0]],
    ]


def test_symbol_that_does_not_exist_is_silent_for_ever(talk: Any, helpers: Any) -> None:
    talk.feed()

    assert not helpers.data_of(talk.add("Quote", "NOSUCH"))
    assert not talk.beat(1.0)


@pytest.mark.parametrize("kind", ["Series", "Order", "Message"])
def test_type_without_a_source_is_accepted_and_silent(talk: Any, kind: str) -> None:
    talk.feed()

    assert talk.add(kind, "SPY") == []
    assert talk.say("FEED_SUBSCRIPTION", 1, remove=[{"type": kind, "symbol": "SPY"}]) == []


def test_ticks_are_conflated_to_the_aggregation_period(talk: Any, helpers: Any) -> None:
    talk.feed(acceptAggregationPeriod=0.5, acceptEventFields={"Trade": ["eventSymbol", "price"]})
    talk.add("Trade", "SPY")
    came: list[tuple[float, Any]] = []

    for step in range(40):  # two seconds, a new price on every beat
        talk.world.move("SPY", 671.0 + step / 100)
        came += [(step * 0.05, data) for data in helpers.data_of(talk.beat(0.05))]

    times = [at for at, _ in came]
    assert len(came) in (3, 4)
    assert all(later - sooner > 0.49 for sooner, later in pairwise(times))
    assert all(len(data[1]) == 2 for _, data in came)
    assert came[-1][1][1][1] == pytest.approx(671.0 + round(came[-1][0] / 0.05) / 100)


def test_first_tick_waits_a_period_after_the_snapshot(talk: Any, helpers: Any) -> None:
    talk.feed(acceptAggregationPeriod=1.0)
    talk.add("Quote", "SPY")
    talk.world.move("SPY", 671.0)

    early = [data for _ in range(19) for data in helpers.data_of(talk.beat(0.05))]
    then = [data for _ in range(3) for data in helpers.data_of(talk.beat(0.05))]

    assert not early
    assert len(then) == 1


def test_unchanged_symbols_are_not_sent_again(talk: Any, helpers: Any) -> None:
    talk.feed(acceptAggregationPeriod=0.1, acceptEventFields={"Quote": QUOTE})
    talk.add("Quote", "SPY", "QQQ")

    talk.world.move("QQQ", 601.0)
    ticks = helpers.data_of(talk.beat(0.2)) + helpers.data_of(talk.beat(0.2))

    assert ticks == [["Quote", ["QQQ", 600.99, 601.01]]]


def test_remove_and_reset_take_effect_at_once(talk: Any, helpers: Any) -> None:
    talk.feed(acceptAggregationPeriod=0.1)
    talk.add("Quote", "SPY", "QQQ")
    talk.world.move("SPY", 671.0)
    talk.world.move("QQQ", 601.0)
    talk.session.note(talk.desk.beat())

    talk.say("FEED_SUBSCRIPTION", 1, remove=[{"type": "Quote", "symbol": "SPY"}])
    after_remove = helpers.data_of(talk.beat(0.5))
    talk.world.move("QQQ", 602.0)
    talk.say("FEED_SUBSCRIPTION", 1, reset=True)
    after_reset = helpers.data_of(talk.beat(0.5))

    assert [d[1][0] for d in after_remove] == ["QQQ"]
    assert after_reset == []
    assert not talk.world.watching


def test_one_message_resets_then_removes_then_adds(talk: Any, helpers: Any) -> None:
    talk.feed(acceptEventFields={"Quote": QUOTE})
    talk.add("Quote", "SPY")

    answers = talk.say(
        "FEED_SUBSCRIPTION",
        1,
        reset=True,
        remove=[{"type": "Quote", "symbol": "QQQ"}],
        add=[{"type": "Quote", "symbol": "QQQ"}],
    )

    assert [d[1][0] for d in helpers.data_of(answers)] == ["QQQ"]
    assert talk.world.watching == {("Quote", "QQQ")}


def test_stream_contract_does_not_wait_for_the_period(talk: Any, helpers: Any) -> None:
    talk.feed(contract="STREAM", acceptAggregationPeriod=10)
    talk.add("Trade", "SPY")
    talk.beat(11.0)

    talk.world.move("SPY", 671.0)
    first = helpers.data_of(talk.beat(0.05))
    talk.world.move("SPY", 672.0)
    second = helpers.data_of(talk.beat(0.05))

    assert len(first) == len(second) == 1


def test_slow_reader_gets_the_newest_value_when_it_has_room_again(talk: Any, helpers: Any) -> None:
    talk.feed(acceptAggregationPeriod=0.1, acceptEventFields={"Trade": ["eventSymbol", "price"]})
    talk.add("Trade", "SPY")
    talk.beat(1.0)

    for price in (671.0, 672.0, 673.0):
        talk.world.move("SPY", price)
        talk.clock.advance(0.2)
        talk.session.note(talk.desk.beat())
        assert talk.session.tick(room=False) == []
    ticks = helpers.data_of(talk.beat(0.2))

    assert ticks == [["Trade", ["SPY", 673.0]]]


def test_prices_are_noted_as_they_are_handed_out(talk: Any) -> None:
    talk.feed(acceptAggregationPeriod=0.1)
    talk.add("Trade", "SPY")
    talk.add("Quote", "QQQ")
    talk.beat(1.0)

    talk.world.move("SPY", 671.5)
    talk.beat(0.2)

    assert talk.noted == [("SPY", 670.0), ("SPY", 671.5)]


def test_many_first_values_come_in_slices_that_leave_room_for_others(talk: Any) -> None:
    talk.feed()
    symbols = [f"S{number}" for number in range(1000)]
    for symbol in symbols:
        talk.world.prices[symbol] = 10.0
    text = json.dumps(
        {
            "type": "FEED_SUBSCRIPTION",
            "channel": 1,
            "add": [{"type": "Quote", "symbol": symbol} for symbol in symbols],
        }
    )

    talk.session.receive(text)
    slices = 0
    while talk.session.busy:
        talk.session.pump()
        slices += 1

    assert slices >= 4


def test_large_snapshot_is_split_below_64_kib_and_loses_nothing(talk: Any, helpers: Any) -> None:
    talk.feed()
    symbols = [f"LONGSYMBOL{number:05}" for number in range(3000)]
    for symbol in symbols:
        talk.world.prices[symbol] = 10.0

    data = helpers.data_of(talk.add("Quote", *symbols))  # Talk checks every frame's size

    width = len(EVENT_FIELDS["Quote"])
    assert len(data) > 4
    assert [row[at] for _, row in data for at in range(0, len(row), width)] == symbols


_VALUES = st.floats() | st.integers() | st.text(max_size=30) | st.booleans() | st.none()


@given(
    st.lists(st.dictionaries(st.sampled_from("abcdef"), _VALUES), max_size=30),
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6),
)
def test_compact_runs_are_valid_json_with_whole_records(
    events: list[dict[str, Any]], fields: list[str]
) -> None:
    wired = [{k: dxlink_events.wire(v) for k, v in event.items()} for event in events]

    texts = frames(5, "Trade", [dxlink_events.compact(fields, event) for event in wired])

    runs = [json.loads(text, parse_constant=pytest.fail)["data"] for text in texts]
    flat = [value for _, run in runs for value in run]
    assert len(flat) == len(fields) * len(events)
    assert None not in flat
    assert flat == [event.get(field, "NaN") for event in wired for field in fields]


def test_frames_split_at_the_limit_keep_every_piece_in_order() -> None:
    pieces = [f'"{number:05}{"x" * 1000}"' for number in range(200)]

    texts = frames(1, "Trade", pieces)

    assert all(len(text) <= dxlink_events.FRAME_LIMIT for text in texts)
    assert [json.dumps(v) for text in texts for v in json.loads(text)["data"][1]] == pieces
