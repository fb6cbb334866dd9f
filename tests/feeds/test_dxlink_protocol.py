"""Every state of the dxLink conversation, with plain lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from grok_sauce.errors import SourceError, SourceRefused
from grok_sauce.feeds import dxlink_protocol
from grok_sauce.feeds.candle_snapshots import QUIET, CandleHistory, SnapshotDone
from grok_sauce.feeds.dxlink_messages import (
    DxLinkSettings,
    Ready,
    Renewed,
    ServerError,
    SessionNotFound,
    TokenRejected,
    TooBig,
)
from grok_sauce.feeds.subscriptions import ChangeBudget, Subscription

Play = Any  # the class lives in conftest.py

SETUP = {"type": "SETUP", "channel": 0, "version": "1.0-test", "keepaliveTimeout": 60}
UNAUTHORIZED = {"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"}
AUTHORIZED = {"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED", "userId": "u-1"}
KEEPALIVE = {"type": "KEEPALIVE", "channel": 0}
SPY = Subscription("Quote", "SPY")


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


def opened(number: int) -> dict[str, Any]:
    return {"type": "CHANNEL_OPENED", "channel": number, "service": "FEED", "parameters": {}}


def configured(number: int, **fields: list[str]) -> dict[str, Any]:
    message: dict[str, Any] = {"type": "FEED_CONFIG", "channel": number, "dataFormat": "COMPACT"}
    return {**message, "eventFields": fields} if fields else message


def error(code: str, text: str = "", channel: int = 0) -> dict[str, Any]:
    return {"type": "ERROR", "channel": channel, "error": code, "message": text}


def quotes(*flat: Any) -> dict[str, Any]:
    return {"type": "FEED_DATA", "channel": 1, "data": ["Quote", list(flat)]}


# ---- handshake --------------------------------------------------------------------------


def test_each_step_waits_for_the_answer_to_the_one_before(play: Play) -> None:
    steps = [
        kinds(play.sent),
        kinds(play.says(SETUP)),
        kinds(play.says(UNAUTHORIZED)),
        kinds(play.says(AUTHORIZED)),
        kinds(play.says(opened(1))),
        kinds(play.says(opened(3))),
        kinds(play.says(configured(1), configured(3))),
    ]

    assert steps == [
        ["SETUP"],
        [],
        ["AUTH"],
        ["CHANNEL_REQUEST", "CHANNEL_REQUEST"],
        ["FEED_SETUP"],
        ["FEED_SETUP"],
        [],
    ]
    assert play.events == [Ready()]
    assert play.protocol.phase == "streaming"


def test_the_client_says_what_the_protocol_asks_for(play: Play) -> None:
    play.opens()

    by_type = {message["type"]: message for message in play.sent}

    assert play.sent[0] == {
        "type": "SETUP",
        "channel": 0,
        "version": by_type["SETUP"]["version"],
        "keepaliveTimeout": 60,
        "acceptKeepaliveTimeout": 30.0,
    }
    assert by_type["SETUP"]["version"].startswith("0.1-grok-sauce/")
    assert by_type["AUTH"] == {"type": "AUTH", "channel": 0, "token": "quote-token"}
    requests = [m for m in play.sent if m["type"] == "CHANNEL_REQUEST"]
    assert [m["channel"] for m in requests] == [1, 3]
    assert all(m["parameters"] == {"contract": "AUTO"} for m in requests)
    setups = [m for m in play.sent if m["type"] == "FEED_SETUP"]
    assert setups[0]["acceptAggregationPeriod"] == 0.1
    assert setups[0]["acceptDataFormat"] == "COMPACT"
    assert "Candle" not in setups[0]["acceptEventFields"]
    assert setups[1]["acceptEventFields"].keys() == {"Candle"}
    assert all(
        fields[0] == "eventSymbol" for m in setups for fields in m["acceptEventFields"].values()
    )


def test_a_server_without_login_is_not_shown_the_token(play: Play) -> None:
    play.says(SETUP, AUTHORIZED)

    assert kinds(play.sent) == ["SETUP", "CHANNEL_REQUEST", "CHANNEL_REQUEST"]


@pytest.mark.parametrize(
    "answered",
    [0, 1, 2, 3, 5],
    ids=["SETUP", "AUTH_STATE", "AUTH", "CHANNEL_REQUEST", "FEED_SETUP"],
)
def test_a_step_without_answer_ends_the_connection_after_ten_seconds(
    play: Play, answered: int
) -> None:
    play.says(*[SETUP, UNAUTHORIZED, AUTHORIZED, opened(1), opened(3)][:answered])
    play.passes(9.75)

    with pytest.raises(SourceError, match="no answer"):
        play.passes(0.5)


def test_a_refused_token_is_not_shown_again(play: Play) -> None:
    play.says(SETUP, UNAUTHORIZED)

    with pytest.raises(TokenRejected):
        play.says(UNAUTHORIZED)

    assert kinds(play.sent).count("AUTH") == 1


def test_errors_say_what_to_do_about_them(new_play: Callable[..., Play]) -> None:
    def raised(message: dict[str, Any]) -> type[BaseException]:
        play = new_play()
        play.says(SETUP, UNAUTHORIZED)
        with pytest.raises((SourceError, SourceRefused)) as caught:
            play.says(message)
        return caught.type

    exception = "com.dxfeed.mdd.dxlink.auth.AuthException: Session not found: api"

    assert raised(error("UNAUTHORIZED", "bad token")) is TokenRejected
    assert raised(error("UNAUTHORIZED", exception)) is SessionNotFound
    assert raised(error("UNKNOWN", exception)) is SessionNotFound
    assert raised(error("TIMEOUT", "no message")) is SourceError
    assert raised(error("UNSUPPORTED_PROTOCOL", "too old")) is SourceRefused


def test_text_of_the_server_is_cut_and_cannot_forge_log_lines(streaming: Play) -> None:
    streaming.says(error("BAD_ACTION\n", "x\r\n2026 CRITICAL forged" + "y" * 1000, 1))

    (event,) = [event for event in streaming.events if isinstance(event, ServerError)]
    assert event.text.isprintable()
    assert len(event.text) <= 200


# ---- keeping alive ----------------------------------------------------------------------


def test_a_sign_of_life_goes_out_when_nothing_was_sent_for_25_s(streaming: Play) -> None:
    streaming.passes(20)
    streaming.says(KEEPALIVE)

    early = streaming.passes(4.75)
    due = streaming.passes(0.5)

    assert early == []
    assert due == [KEEPALIVE]


def test_a_keepalive_of_the_server_is_not_answered(streaming: Play) -> None:
    assert streaming.says(KEEPALIVE, KEEPALIVE) == []


def test_a_server_that_wants_signs_more_often_gets_them(play: Play) -> None:
    play.says({**SETUP, "acceptKeepaliveTimeout": 10}, AUTHORIZED)
    play.says(opened(1), opened(3), configured(1), configured(3))

    assert kinds(play.passes(5.25)) == ["KEEPALIVE"]


def test_a_silent_link_is_dead_after_35_s(streaming: Play) -> None:
    streaming.passes(20)
    streaming.says(KEEPALIVE)
    streaming.passes(34.5)

    with pytest.raises(SourceError, match="silent for 35 s"):
        streaming.passes(1)


# ---- subscriptions ----------------------------------------------------------------------


def test_only_the_difference_is_sent_and_nothing_is_reset(streaming: Play) -> None:
    first = streaming.want(SPY, Subscription("Trade", "SPY"))
    second = streaming.want(SPY, Subscription("Quote", "QQQ"))
    third = streaming.want(SPY, Subscription("Quote", "QQQ"))

    assert first == [
        {
            "type": "FEED_SUBSCRIPTION",
            "channel": 1,
            "add": [{"type": "Quote", "symbol": "SPY"}, {"type": "Trade", "symbol": "SPY"}],
        }
    ]
    assert second == [
        {
            "type": "FEED_SUBSCRIPTION",
            "channel": 1,
            "remove": [{"type": "Trade", "symbol": "SPY"}],
            "add": [{"type": "Quote", "symbol": "QQQ"}],
        }
    ]
    assert third == []


def test_candles_go_to_their_own_channel_with_milliseconds(streaming: Play) -> None:
    added = streaming.want(SPY, Subscription("Candle", "SPY{=1m}", 1_797_000_000_000))
    removed = streaming.want(SPY)

    assert added[1] == {
        "type": "FEED_SUBSCRIPTION",
        "channel": 3,
        "add": [{"type": "Candle", "symbol": "SPY{=m}", "fromTime": 1_797_000_000_000}],
    }
    assert removed[0]["remove"] == [{"type": "Candle", "symbol": "SPY{=m}", "fromTime": 0}]


def test_wishes_made_before_the_channels_open_are_sent_when_they_do(play: Play) -> None:
    assert play.want(SPY) == []

    play.opens()

    assert kinds(play.passes(0.25)) == ["FEED_SUBSCRIPTION"]


def test_many_wishes_go_out_in_small_paced_messages_most_important_first(streaming: Play) -> None:
    wanted = [Subscription("Quote", f".SPXW261218C{strike}") for strike in range(4000, 5200)]

    messages = streaming.want(*wanted)
    counts = [len(messages)]
    while streaming.protocol.pending:
        step = streaming.passes(0.25)
        counts.append(len(step))
        messages += step

    entries = [entry["symbol"] for message in messages for entry in message["add"]]
    assert entries == [entry.symbol for entry in wanted]
    assert max(counts) == 1
    assert max(len(message["add"]) for message in messages) <= 500
    assert max(len(json.dumps(message)) for message in messages) < 9000  # with blanks added
    assert len(messages) > 5


def test_no_more_than_the_allowed_changes_go_out_in_a_minute(
    new_play: Callable[..., Play],
) -> None:
    play = new_play(budget=ChangeBudget(100))
    play.opens()
    play.want(*[Subscription("Quote", f"S{number}") for number in range(250)])
    first = sum(len(m.get("add", ())) for m in play.sent)

    play.says(KEEPALIVE)
    play.passes(30)
    play.says(KEEPALIVE)
    before = sum(len(m.get("add", ())) for m in play.sent)
    play.passes(33.25)

    assert first == 100
    assert before == 100
    assert sum(len(m.get("add", ())) for m in play.sent) == 200


def test_too_high_a_rate_doubles_the_pause_and_sends_all_again_after_ten_quiet_seconds(
    streaming: Play,
) -> None:
    streaming.want(SPY, Subscription("Quote", "QQQ"))

    streaming.says(error("BAD_ACTION", "Your subscription rate is too high", 1))
    quiet = streaming.passes(9.75)
    streaming.says(error("BAD_ACTION", "Your subscription rate is too high", 1))
    still = streaming.passes(9.75)
    again = streaming.passes(0.5)

    assert quiet == still == []
    assert [entry["symbol"] for m in again for entry in m["add"]] == ["SPY", "QQQ"]


def test_too_many_entries_are_told_with_what_fits(streaming: Play) -> None:
    streaming.want(*[Subscription("Quote", f"S{number}") for number in range(100)])
    streaming.want(*[Subscription("Quote", f"S{number}") for number in range(130)])

    streaming.says(error("BAD_ACTION", "Your subscription size is too big", 1))
    streaming.says(error("BAD_ACTION", "Your subscription size is too big", 1))

    assert [e for e in streaming.events if isinstance(e, TooBig)] == [TooBig(False, 100)]


# ---- data -------------------------------------------------------------------------------


def test_data_are_decoded_by_the_list_the_server_announced(play: Play) -> None:
    play.says(SETUP, AUTHORIZED, opened(1), opened(3), configured(1), configured(3))

    play.says(configured(1, Quote=["askPrice", "eventSymbol", "bidPrice"]))
    play.says(quotes(2.0, "SPY", 1.0))

    (batch,) = play.batches
    assert (batch.symbols, batch.columns) == (["SPY"], ([1.0], [2.0]))


def test_a_channel_switched_to_objects_goes_on(streaming: Play) -> None:
    event = {"eventType": "Quote", "eventSymbol": "SPY", "bidPrice": 1.0}

    streaming.says({"type": "FEED_CONFIG", "channel": 1, "dataFormat": "FULL"})
    streaming.says({"type": "FEED_DATA", "channel": 1, "data": [event]})
    streaming.says(quotes("SPY", 2.0, 3.0))

    assert [batch.columns[0] for batch in streaming.batches] == [[1.0], [2.0]]


@pytest.mark.parametrize(
    "frame",
    [b"", b"{", b"[]", b"5", b'{"type":5,"channel":0}', b'{"type":"X","channel":"0"}', b"\xff",
     b'{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY"]]}',
     b'{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY",[1],2]]}',
     b'{"type":"FEED_CONFIG","channel":1,"eventFields":[]}'],
)  # fmt: skip
def test_an_unreadable_message_is_dropped_and_counted(streaming: Play, frame: bytes) -> None:
    streaming.says(frame, quotes("SPY", 2.0, 3.0))

    assert streaming.protocol.bad == 1
    assert len(streaming.batches) == 1


def test_too_many_unreadable_messages_in_a_row_end_the_connection(streaming: Play) -> None:
    streaming.says(*[b"garbage"] * 19, KEEPALIVE, *[b"garbage"] * 19)

    with pytest.raises(SourceError, match="unreadable"):
        streaming.says(b"garbage")


def test_unknown_messages_and_kinds_are_named_once_in_the_log(
    streaming: Play, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    for _ in range(3):
        streaming.says({"type": "SURPRISE", "channel": 0})
        streaming.says({"type": "FEED_DATA", "channel": 1, "data": ["Message", ["x"]]})

    assert caplog.text.count("SURPRISE") == 1
    assert caplog.text.count("Message") == 1
    assert streaming.protocol.bad == 0


def test_data_of_a_channel_that_is_not_open_are_dropped(streaming: Play) -> None:
    streaming.says({"type": "FEED_DATA", "channel": 9, "data": ["Quote", ["SPY", 1, 2]]})

    assert streaming.batches == []


# ---- channels ---------------------------------------------------------------------------


def test_a_channel_the_server_closed_is_opened_again_and_no_other(streaming: Play) -> None:
    streaming.want(SPY, Subscription("Candle", "SPY{=m}", 5))

    streaming.says({"type": "CHANNEL_CLOSED", "channel": 3})
    request = streaming.passes(1)
    setup = streaming.says(opened(3))
    streaming.says(configured(3))
    subscription = streaming.passes(0.5)

    assert [(m["type"], m["channel"]) for m in request] == [("CHANNEL_REQUEST", 3)]
    assert kinds(setup) == ["FEED_SETUP"]
    assert [(m["channel"], m["add"][0]["symbol"]) for m in subscription] == [(3, "SPY{=m}")]


def test_a_channel_that_is_closed_again_and_again_ends_the_connection(streaming: Play) -> None:
    def close_and_reopen() -> None:
        streaming.says({"type": "CHANNEL_CLOSED", "channel": 1})
        while "CHANNEL_REQUEST" not in kinds(streaming.passes(0.25)):
            streaming.says(KEEPALIVE)
        streaming.says(opened(1), configured(1))

    for _ in range(6):
        close_and_reopen()

    with pytest.raises(SourceError, match="keeps closing"):
        close_and_reopen()


# ---- candles ----------------------------------------------------------------------------

T0 = 1797449520000


def candles(*rows: tuple[Any, ...], symbol: str = "SPY{=m}") -> dict[str, Any]:
    flat = [value for row in rows for value in (symbol, *row)]
    return {"type": "FEED_DATA", "channel": 3, "data": ["Candle", flat]}


def row(minutes_ago: int, flags: int = 0, close: Any = 1.0) -> tuple[Any, ...]:
    return (flags, 1, T0 - minutes_ago * 60_000, 3, 1.0, 1.0, 1.0, close, 5.0)


END = (10, 0, 0, 0, "NaN", "NaN", "NaN", "NaN", "NaN")


def test_a_candle_snapshot_arrives_whole_then_live_bars(streaming: Play) -> None:
    streaming.want(Subscription("Candle", "SPY{=1m}", T0 - 600_000))

    streaming.says(candles(row(0, 4), row(1)), candles(row(2), END), candles(row(0)))

    assert [(b.snapshot, len(b.symbols)) for b in streaming.batches] == [(True, 3), (False, 1)]
    assert [event.symbol for event in streaming.events if isinstance(event, SnapshotDone)] == [
        "SPY{=m}"
    ]


def test_the_next_connection_asks_from_the_last_complete_bar(
    new_play: Callable[..., Play],
) -> None:
    history = CandleHistory()
    wanted = Subscription("Candle", "SPY{=m}", T0 - 600_000)
    first = new_play(history=history)
    first.opens()
    first.want(wanted)
    first.says(candles(row(1, 4), row(2), END), candles(row(0)))

    second = new_play(history=history)
    second.opens()
    (message,) = second.want(wanted)

    assert message["add"][0]["fromTime"] == T0 - 60_000


MANY = [f"S{number}{{=m}}" for number in range(13)]


@pytest.fixture(params=[1, 4], ids=["one", "four"])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """So many histories may be on their way."""
    monkeypatch.setattr(dxlink_protocol, "HISTORIES_AT_ONCE", request.param)
    return int(request.param)


def histories(*symbols: str) -> list[Subscription]:
    return [Subscription("Candle", symbol, T0 - 600_000) for symbol in symbols]


def added(messages: list[dict[str, Any]]) -> list[str]:
    return [entry["symbol"] for message in messages for entry in message.get("add", ())]


def removed(messages: list[dict[str, Any]]) -> list[str]:
    return [entry["symbol"] for message in messages for entry in message.get("remove", ())]


def serve_histories(play: Play, asked: list[str], at_once: int) -> list[str]:
    """Answer the oldest unfinished symbol before each tick until none is left."""
    place = 0
    while place < len(asked):
        assert len(asked) <= place + at_once
        play.says(candles(row(0, 4), row(1), END, symbol=asked[place]))
        asked += added(play.passes(0.25))
        place += 1
    return asked


def test_only_so_many_histories_are_on_their_way_and_all_come(
    streaming: Play, at_once: int
) -> None:
    first = added(streaming.want(*histories(*MANY)))
    full = streaming.passes(QUIET / 2)
    asked = serve_histories(streaming, [*first], at_once)

    assert first == MANY[:at_once]
    assert full == []
    assert asked == MANY
    assert not streaming.protocol.pending
    assert [e.symbol for e in streaming.events if isinstance(e, SnapshotDone)] == MANY


def test_a_symbol_that_never_answers_frees_its_place(streaming: Play, at_once: int) -> None:
    streaming.want(*histories(*MANY))

    early = streaming.passes(QUIET - 0.25)
    late = added(streaming.passes(0.25))
    for _ in range(len(MANY)):
        streaming.says(KEEPALIVE)
        streaming.passes(QUIET)

    assert early == []
    assert late == MANY[at_once : 2 * at_once]
    assert added(streaming.sent) == MANY
    assert not streaming.protocol.pending


def test_a_history_keeps_its_place_while_bars_of_it_arrive(streaming: Play, at_once: int) -> None:
    streaming.want(*histories(*MANY[: at_once + 1]))

    for minute in range(6):
        flags = 0 if minute else 4
        for symbol in MANY[:at_once]:
            streaming.says(candles(row(minute, flags), symbol=symbol))
        assert added(streaming.passes(QUIET - 0.5)) == []

    assert added(streaming.passes(0.5)) == MANY[at_once : at_once + 1]


def test_what_is_dropped_is_removed_at_once_though_no_place_is_free(
    streaming: Play, at_once: int
) -> None:
    streaming.want(*histories(*MANY))
    streaming.says(candles(row(0, 4), END, symbol=MANY[0]))
    streaming.passes(0.25)  # takes the place that came free

    finished = streaming.want(*histories(*MANY[1:]))
    unfinished = streaming.want(*histories(*MANY[2:]))
    following = streaming.passes(0.25)

    assert (removed(finished), added(finished)) == (MANY[:1], [])
    assert (removed(unfinished), added(unfinished)) == (MANY[1:2], [])
    assert added(following) == MANY[at_once + 1 : at_once + 2]


def test_after_too_many_entries_all_histories_are_asked_for_again(
    streaming: Play, at_once: int
) -> None:
    serve_histories(streaming, added(streaming.want(*histories(*MANY))), at_once)

    streaming.says(error("BAD_ACTION", "Your subscription size is too big", 3))
    quiet = streaming.passes(9.75)
    asked = serve_histories(streaming, added(streaming.passes(0.25)), at_once)

    assert TooBig(True, 12) in streaming.events
    assert quiet == []
    assert asked == MANY
    assert not streaming.protocol.pending


def test_quotes_do_not_wait_for_histories(streaming: Play) -> None:
    streaming.want(*histories(*MANY))

    messages = streaming.want(*histories(*MANY), *[Subscription("Quote", s) for s in "ABCDEF"])

    assert added(messages) == list("ABCDEF")


# ---- renewal ----------------------------------------------------------------------------


def test_a_new_token_is_shown_on_the_running_connection(streaming: Play) -> None:
    sent = streaming.keep(streaming.protocol.renew("fresh", streaming.now))
    streaming.says(AUTHORIZED)
    streaming.passes(12)

    assert sent == [{"type": "AUTH", "channel": 0, "token": "fresh"}]
    assert streaming.events[-1] == Renewed()


def test_a_new_token_that_is_refused_or_ignored_ends_the_connection(
    new_play: Callable[..., Play],
) -> None:
    refused, ignored = new_play(), new_play()
    for play in (refused, ignored):
        play.opens()
        play.keep(play.protocol.renew("fresh", play.now))

    with pytest.raises(TokenRejected):
        refused.says(UNAUTHORIZED)
    with pytest.raises(SourceError, match="renewed token"):
        ignored.passes(10.5)


def test_the_wishes_of_the_settings_are_asked_for(new_play: Callable[..., Play]) -> None:
    play = new_play(DxLinkSettings(aggregation=1.0, accept_keepalive=10.0))
    play.opens()

    assert play.sent[0]["acceptKeepaliveTimeout"] == 10.0
    assert {m["acceptAggregationPeriod"] for m in play.sent if m["type"] == "FEED_SETUP"} == {1.0}
