"""The dxLink server's handshake, channels, limits and timers, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.runtime.clock import ManualClock
from grok_sauce.simulator.dxlink_server import Limits


def test_setup_is_answered_with_setup_and_auth_state_at_once(talk: Any) -> None:
    mine, state = talk.setup()

    assert (mine["type"], mine["channel"]) == ("SETUP", 0)
    assert mine["keepaliveTimeout"] == 60
    assert isinstance(mine["keepaliveTimeout"], int)
    assert state == {"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"}


@pytest.mark.parametrize("version", ["0.1-DXF-JS/0.3.0", "0.1-gss/1.0", "1.0.0", "1.0-1.2.3-2024"])
def test_known_versions_are_served(talk: Any, version: str) -> None:
    answers = talk.say("SETUP", version=version)

    assert [a["type"] for a in answers] == ["SETUP", "AUTH_STATE"]


def test_unserved_version_is_refused_and_the_connection_closed(talk: Any, helpers: Any) -> None:
    answers = talk.say("SETUP", version="7.0-future/1")

    assert helpers.error_of(answers)[0] == "UNSUPPORTED_PROTOCOL"
    assert talk.session.closing is not None


def test_setup_can_be_repeated_and_keeps_the_authorisation(talk: Any) -> None:
    talk.authorize()

    answers = talk.setup()

    assert answers[1]["state"] == "AUTHORIZED"


def test_demo_token_is_authorised_and_auth_can_be_repeated(talk: Any) -> None:
    talk.setup()

    first = talk.say("AUTH", token="demo")
    again = talk.say("AUTH", token=talk.tokens.new_streamer())

    assert first[0]["state"] == again[0]["state"] == "AUTHORIZED"
    assert first[0]["userId"]


def test_setup_and_auth_back_to_back_are_accepted(talk: Any) -> None:
    texts = talk.setup() + talk.say("AUTH", token="demo")

    assert [t["type"] for t in texts] == ["SETUP", "AUTH_STATE", "AUTH_STATE"]
    assert texts[-1]["state"] == "AUTHORIZED"


def test_bad_token_gets_unauthorized_error_and_close(talk: Any, helpers: Any) -> None:
    talk.setup()

    answers = talk.say("AUTH", token="wrong")

    assert answers[0] == {"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"}
    assert helpers.error_of(answers)[0] == "UNAUTHORIZED"
    assert talk.session.closing[0] in (1000, 4401)


def test_channel_before_authorized_is_refused_but_the_connection_kept(
    talk: Any, helpers: Any
) -> None:
    talk.setup()

    answers = talk.say("CHANNEL_REQUEST", 1, service="FEED", parameters={"contract": "AUTO"})

    assert helpers.error_of(answers)[0] == "UNAUTHORIZED"
    assert talk.session.closing is None


@pytest.mark.parametrize("contract", ["AUTO", "TICKER", "HISTORY", "STREAM"])
def test_channel_opened_repeats_service_and_contract(talk: Any, contract: str) -> None:
    talk.authorize()

    (opened,) = talk.say("CHANNEL_REQUEST", 17, service="FEED", parameters={"contract": contract})

    assert opened == {
        "type": "CHANNEL_OPENED",
        "channel": 17,
        "service": "FEED",
        "parameters": {"contract": contract, "subFormat": "LIST"},
    }


@pytest.mark.parametrize(
    "members",
    [
        {"service": "DOM", "parameters": {"symbol": "AAPL", "sources": ["ntv"]}},
        {"service": "FEED", "parameters": {"contract": "ODD"}},
        {"service": "FEED", "parameters": {}},
    ],
    ids=["depth of market", "unknown contract", "no contract"],
)
def test_service_that_is_not_offered_is_a_bad_action(
    talk: Any, helpers: Any, members: dict[str, Any]
) -> None:
    talk.authorize()

    answers = talk.say("CHANNEL_REQUEST", 1, **members)

    assert helpers.error_of(answers)[0] == "BAD_ACTION"
    assert talk.session.closing is None


def test_channel_number_in_use_is_a_bad_action(talk: Any, helpers: Any) -> None:
    talk.feed(1)

    answers = talk.say("CHANNEL_REQUEST", 1, service="FEED", parameters={"contract": "AUTO"})

    assert helpers.error_of(answers)[0] == "BAD_ACTION"


def test_cancelled_channel_falls_silent_and_the_others_do_not(talk: Any, helpers: Any) -> None:
    talk.feed(1)
    talk.say("CHANNEL_REQUEST", 3, service="FEED", parameters={"contract": "AUTO"})
    talk.add("Quote", "SPY", channel=1)
    talk.add("Quote", "SPY", channel=3)

    closed = talk.say("CHANNEL_CANCEL", 1)
    talk.world.move("SPY", 671.0)
    ticks = [*talk.beat(0.2), *talk.beat(0.2)]

    assert closed == [{"type": "CHANNEL_CLOSED", "channel": 1}]
    assert {m["channel"] for m in ticks if m["type"] == "FEED_DATA"} == {3}
    assert helpers.error_of(talk.add("Quote", "QQQ", channel=1))[0] == "BAD_ACTION"


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"channel":0}',
        '{"type":7,"channel":0}',
        '{"type":"KEEPALIVE"}',
        '{"type":"KEEPALIVE","channel":"0"}',
        '{"type":"KEEPALIVE","channel":-1}',
        '{"type":"KEEPALIVE","channel":true}',
        '{"type":"SETUP","channel":0}',
        '{"type":"SETUP","channel":3,"version":"1.0"}',
        '{"type":"SETUP","channel":0,"version":"1.0","keepaliveTimeout":"60"}',
    ],
)
def test_malformed_message_is_an_invalid_message(talk: Any, helpers: Any, text: str) -> None:
    assert helpers.error_of(talk.raw(text))[0] == "INVALID_MESSAGE"
    assert talk.session.closing is None


@pytest.mark.parametrize(
    "subscription",
    [
        {"add": []},
        {"add": "SPY"},
        {"add": ["SPY"]},
        {"add": [{"type": "Quote"}]},
        {"add": [{"type": "Quote", "symbol": ""}]},
        {"add": [{"type": "Nonsense", "symbol": "SPY"}]},
        {"add": [{"type": "Candle", "symbol": "SPY"}]},
        {"add": [{"type": "Candle", "symbol": "SPY{=d}", "fromTime": "yesterday"}]},
        {"reset": 1},
    ],
)
def test_malformed_subscription_is_refused_as_a_whole(
    talk: Any, helpers: Any, subscription: dict[str, Any]
) -> None:
    talk.feed()

    answers = talk.say("FEED_SUBSCRIPTION", 1, **subscription)

    assert helpers.error_of(answers)[0] == "INVALID_MESSAGE"
    assert not talk.world.watching


def test_unknown_message_type_is_ignored(talk: Any) -> None:
    assert talk.say("FUTURE_FEATURE", 0) == []


def test_keepalive_is_not_answered_but_sent_when_the_server_was_silent(talk: Any) -> None:
    talk.setup()

    assert talk.say("KEEPALIVE") == []
    assert talk.beat(29.0) == []
    assert talk.beat(1.5) == [{"type": "KEEPALIVE", "channel": 0}]
    assert talk.beat(1.0) == []


def test_silent_client_is_closed_after_the_timeout_it_announced(talk: Any) -> None:
    talk.say("SETUP", version="1.0", keepaliveTimeout=10, acceptKeepaliveTimeout=60)

    talk.beat(9.0)
    assert talk.session.closing is None
    talk.beat(1.5)

    assert talk.session.closing == (1000, "Bye")


def test_configured_keepalive_is_shorter_than_what_the_client_announced(
    clock: ManualClock, helpers: Any
) -> None:
    talk = helpers.Talk(clock, limits=Limits(keepalive=2.0))
    mine, _ = talk.setup()

    assert mine["keepaliveTimeout"] == 2
    assert talk.beat(1.2) == [{"type": "KEEPALIVE", "channel": 0}]
    talk.beat(1.0)
    assert talk.session.closing == (1000, "Bye")


def test_client_that_never_says_setup_is_told_so(talk: Any, helpers: Any) -> None:
    assert helpers.error_of(talk.beat(61.0))[0] == "TIMEOUT"
    assert talk.session.closing is not None


def test_batch_over_the_size_limit_is_refused_and_stays_silent(
    clock: ManualClock, helpers: Any
) -> None:
    talk = helpers.Talk(clock, limits=Limits(subscriptions=2))
    talk.feed()
    talk.add("Quote", "SPY")

    answers = talk.add("Trade", "SPY", "QQQ")

    assert helpers.error_of(answers) == ("BAD_ACTION", "Your subscription size is too big")
    assert talk.session.closing is None
    assert talk.world.watching == {("Quote", "SPY")}


def test_entries_of_all_channels_count_and_adding_one_again_does_not(
    clock: ManualClock, helpers: Any
) -> None:
    talk = helpers.Talk(clock, limits=Limits(subscriptions=2))
    talk.feed()
    talk.say("CHANNEL_REQUEST", 3, service="FEED", parameters={"contract": "AUTO"})
    talk.add("Quote", "SPY", channel=1)
    talk.add("Quote", "SPY", channel=3)

    assert talk.add("Quote", "SPY", channel=3)  # harmless: the snapshot again
    assert helpers.error_of(talk.add("Trade", "SPY", channel=3))[0] == "BAD_ACTION"


def test_candles_have_a_limit_of_their_own(clock: ManualClock, helpers: Any) -> None:
    talk = helpers.Talk(clock, limits=Limits(candles=1))
    talk.feed()
    talk.add("Candle", "SPY{=d}", fromTime=0)

    assert helpers.error_of(talk.add("Candle", "QQQ{=d}", fromTime=0)) == (
        "BAD_ACTION",
        "Your subscription size is too big",
    )


def test_changes_are_counted_over_a_rolling_minute(clock: ManualClock, helpers: Any) -> None:
    talk = helpers.Talk(clock, limits=Limits(changes=3))
    talk.feed()
    talk.add("Quote", "SPY", "QQQ")
    talk.beat(30.0)
    talk.say("FEED_SUBSCRIPTION", 1, remove=[{"type": "Quote", "symbol": "QQQ"}])

    refused = talk.add("Trade", "SPY")
    talk.say("KEEPALIVE")
    talk.beat(30.0)
    later = talk.add("Trade", "SPY")

    assert helpers.error_of(refused) == ("BAD_ACTION", "Your subscription rate is too high")
    assert helpers.data_of(later)


def test_closing_stops_every_watch(talk: Any) -> None:
    talk.feed()
    talk.add("Quote", "SPY", "QQQ")
    talk.add("Candle", "SPY{=m}", fromTime=0)
    assert len(talk.world.watching) == 3

    talk.session.closed()

    assert not talk.world.watching


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "symbol", "contract", "fromTime", "Quote", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
_TYPES = st.sampled_from(
    ["SETUP", "AUTH", "KEEPALIVE", "CHANNEL_REQUEST", "CHANNEL_CANCEL", "FEED_SETUP"]
    + ["FEED_SUBSCRIPTION", "FEED_DATA"]
)
_MEMBERS = st.sampled_from(
    ["version", "keepaliveTimeout", "token", "service", "parameters", "acceptEventFields"]
    + ["acceptAggregationPeriod", "acceptDataFormat", "add", "remove", "reset"]
)


@given(st.lists(st.tuples(_TYPES, st.integers(0, 3), st.dictionaries(_MEMBERS, _JSON, max_size=4))))
def test_whatever_a_client_says_is_answered_with_protocol_messages(
    helpers: Any,
    said: list[tuple[str, int, dict[str, Any]]],
) -> None:
    talk = helpers.Talk(ManualClock(1797449527.0))
    talk.feed()

    for kind, channel, members in said:
        for answer in talk.raw(json.dumps({"type": kind, "channel": channel, **members})):
            assert isinstance(answer["type"], str)
            assert isinstance(answer["channel"], int)
        if talk.session.closing:
            break
    talk.session.closed()

    assert not talk.world.watching
