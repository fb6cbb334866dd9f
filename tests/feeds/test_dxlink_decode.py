"""FEED_DATA: by the server's lists, all events, all pairs, both formats; and hostile data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload, SourceError, SourceRefused
from grok_sauce.feeds.dxlink_decode import ChannelDecoder
from grok_sauce.feeds.dxlink_messages import DxLinkSettings
from grok_sauce.feeds.dxlink_protocol import DxLinkProtocol
from grok_sauce.feeds.subscriptions import Planner, Subscription
from grok_sauce.market.batches import FIELDS, Batch

AT = 1797449527.0


def decoder(**fields: list[str]) -> ChannelDecoder:
    made = ChannelDecoder()
    made.configure(fields)
    return made


def rows(batch: Batch) -> list[tuple[Any, ...]]:
    return list(zip(batch.symbols, *batch.columns, strict=True))


def test_every_event_of_an_array_is_used() -> None:
    quotes = decoder(Quote=["eventSymbol", "bidPrice", "askPrice"])
    data = ["Quote", ["SPY", 1.0, 2.0, "QQQ", 5.0, 6.0, "SPY", 9.0, 10.0]]

    (batch,) = quotes.decode(data, AT)

    assert rows(batch) == [
        ("SPY", 1.0, 2.0),
        ("QQQ", 5.0, 6.0),
        ("SPY", 9.0, 10.0),
    ]
    assert batch.at == AT


def test_every_pair_of_a_frame_is_used() -> None:
    both = decoder(
        Quote=["eventSymbol", "bidPrice", "askPrice"],
        Trade=["eventSymbol", "price", "dayVolume", "time", "dayId"],
    )
    data = ["Quote", ["SPY", 1.0, 2.0], "Trade", ["SPY", 1.5, 1e6, 7, 20803]]

    batches = both.decode(data, AT)

    assert [(batch.kind, rows(batch)) for batch in batches] == [
        ("Quote", [("SPY", 1.0, 2.0)]),
        ("Trade", [("SPY", 1.5, 1e6, 7, 20803)]),
    ]


def test_columns_follow_the_servers_order_and_a_missing_one_is_none() -> None:
    odd = decoder(Trade=["dayVolume", "eventType", "eventSymbol", "surprise", "price"])

    (batch,) = odd.decode(["Trade", [2.0, "Trade", "SPY", "?", 1.0]], AT)

    assert rows(batch) == [("SPY", 1.0, 2.0, None, None)]


def test_a_later_config_changes_one_kind_and_leaves_the_others() -> None:
    both = decoder(
        Quote=["eventSymbol", "bidPrice"], Trade=["eventSymbol", "price"], Unheard=["eventSymbol"]
    )

    both.configure({"Quote": ["bidPrice", "eventSymbol"]})

    assert rows(both.decode(["Quote", [1.0, "SPY"]], AT)[0])[0][:2] == ("SPY", 1.0)
    assert rows(both.decode(["Trade", ["SPY", 3.0]], AT)[0])[0][:2] == ("SPY", 3.0)
    assert both.unknown == {"Unheard"}


def test_objects_are_taken_at_any_time() -> None:
    quotes = decoder(Quote=["eventSymbol", "bidPrice"])
    data = [
        {"eventType": "Quote", "eventSymbol": "SPY", "bidPrice": 1.0, "askPrice": "NaN"},
        {"eventType": "Quote", "eventSymbol": "QQQ"},
        {"eventType": "Trade", "eventSymbol": "SPY", "price": 5.0},
        {"eventType": "Message", "eventSymbol": "SPY"},
    ]

    batches = quotes.decode(data, AT)

    assert [(batch.kind, rows(batch)) for batch in batches] == [
        ("Quote", [("SPY", 1.0, "NaN"), ("QQQ", None, None)]),
        ("Trade", [("SPY", 5.0, None, None, None)]),
    ]
    assert quotes.unknown == {"Message"}


def test_nan_and_infinity_pass_as_they_are_in_ticker_columns() -> None:
    quotes = decoder(Quote=["eventSymbol", "bidPrice", "askPrice"])

    (batch,) = quotes.decode(["Quote", ["SPX", "NaN", "Infinity", "VIX", "-Infinity", None]], AT)

    assert rows(batch) == [("SPX", "NaN", "Infinity"), ("VIX", "-Infinity", None)]


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        "Quote",
        ["Quote"],
        ["Quote", 5],
        ["Quote", ["SPY"]],
        ["Quote", ["SPY", 1.0, "QQQ"]],
        ["Quote", [None, 1.0]],
        ["Quote", [5, 1.0]],
        ["Quote", ["SPY", [1.0]]],
        ["Quote", ["SPY", {}]],
        [5, ["SPY", 1.0]],
        ["Trade", ["SPY", 1.0]],
        [{"eventType": "Quote"}],
        [{"eventSymbol": "SPY"}],
        [{"eventType": "Quote", "eventSymbol": "SPY"}, 5],
        [{"eventType": "Quote", "eventSymbol": "SPY", "bidPrice": []}],
    ],
    ids=str,
)
def test_data_of_another_shape_is_refused_whole(data: Any) -> None:
    quotes = decoder(Quote=["eventSymbol", "bidPrice"])

    with pytest.raises(BadPayload):
        quotes.decode(data, AT)


@pytest.mark.parametrize(
    "fields",
    [["bidPrice"], [], ["eventSymbol", "eventSymbol"], ["eventSymbol", 5], "eventSymbol", None],
    ids=str,
)
def test_a_field_list_that_cannot_be_used_stops_the_kind_until_a_good_one(fields: Any) -> None:
    quotes = decoder(Quote=["eventSymbol", "bidPrice"], Trade=["eventSymbol", "price"])

    with pytest.raises(BadPayload):
        quotes.configure({"Quote": fields})

    with pytest.raises(BadPayload):
        quotes.decode(["Quote", ["SPY", 1.0]], AT)
    assert quotes.decode(["Trade", ["SPY", 1.0]], AT)


# ---- anything at all --------------------------------------------------------------------

words = st.sampled_from(
    ["Quote", "Trade", "Candle", "Summary", "SPY", "SPY{=m}", "NaN", "Infinity", "eventSymbol", ""]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=3)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=12)
        | st.dictionaries(
            st.sampled_from(["eventType", "eventSymbol", "time", "close", "x"]), inner, max_size=5
        )
    ),
    max_leaves=20,
)
candle_values = st.one_of(
    st.floats(0.01, 1000.0),
    st.sampled_from(["NaN", "Infinity", "-Infinity", None, 0, -1.0, 5]),
    st.floats(),
)
candle_rows = st.lists(
    st.tuples(
        st.sampled_from(["SPY{=m}", "SPY{=1m}", "QQQ{=d}", "SPY"]),
        st.sampled_from([0, 0, 0, 1, 2, 4, 8, 10, 14, 16, "NaN", None]),
        st.integers(0, 5),
        st.sampled_from([1797449460000, 1797449520000, 2147483648000, 0, -1, "NaN", None, 1e12]),
        candle_values,
        candle_values,
        candle_values,
        candle_values,
        candle_values,
        candle_values,
    ),
    max_size=6,
).map(lambda several: ["Candle", [value for row in several for value in row]])
messages = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["FEED_DATA"] * 6
            + ["FEED_CONFIG", "CHANNEL_OPENED", "CHANNEL_CLOSED", "AUTH_STATE", "SETUP", "ERROR"]
            + ["KEEPALIVE", "NONSENSE", ""]
        ),
        "channel": st.sampled_from([1, 3, 3, 0, 5, -1, "1", None, True]),
    },
    optional={
        "data": anything | candle_rows | candle_rows,
        "eventFields": anything,
        "state": st.sampled_from(["AUTHORIZED", "UNAUTHORIZED", 5]),
        "error": scalars,
        "message": scalars,
        "acceptKeepaliveTimeout": scalars,
    },
)
frames = messages.map(json.dumps) | st.text(max_size=20) | st.binary(max_size=20)


def _no_frame_does_harm(frames: list[str | bytes]) -> None:
    protocol = DxLinkProtocol("token", DxLinkSettings())
    planner = Planner()
    planner.want(
        "test", [Subscription("Candle", "SPY{=m}", 0), Subscription("Candle", "QQQ{=d}", 0)], 1
    )
    protocol.want(planner.plan().entries)
    batches: list[Batch] = []
    now = 0.0
    protocol.start(now)
    opening = [{"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED"}]
    for number in (1, 3):
        opening.append({"type": "CHANNEL_OPENED", "channel": number})  # type: ignore[dict-item]
        fields = {kind: ["eventSymbol", *names] for kind, names in FIELDS.items()}
        opening.append(
            {"type": "FEED_CONFIG", "channel": number, "eventFields": fields}  # type: ignore[dict-item]
        )
    try:
        for frame in [*map(json.dumps, opening), *frames]:
            now += 0.3
            batches += protocol.feed_bytes(frame, AT, now).batches
            batches += protocol.tick(AT, now).batches
        batches += protocol.tick(AT, now + 4).batches
    except (SourceError, SourceRefused):
        pass  # the named ways to give a connection up

    for batch in batches:
        assert len(batch.columns) == len(FIELDS[batch.kind])
        assert {len(column) for column in batch.columns} == {len(batch.symbols)}
        assert all(isinstance(symbol, str) for symbol in batch.symbols)
        if batch.kind == "Candle":
            for flags, _, time, _, *prices in zip(*batch.columns, strict=True):
                assert 0 < time <= AT * 1000 + 2 * 86_400_000
                if flags == 0:
                    assert all(0 < price < float("inf") for price in prices[:4])
                    assert prices[4] is None or prices[4] >= 0


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(frames, max_size=8))
def test_no_frame_raises_anything_unnamed_or_lets_a_false_bar_through(
    frames: list[str | bytes],
) -> None:
    _no_frame_does_harm(frames)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(frames, max_size=8))
def test_no_frame_of_ten_thousand_conversations_does_harm(frames: list[str | bytes]) -> None:
    _no_frame_does_harm(frames)
