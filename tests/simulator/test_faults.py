"""The fault switches: their values, and what each does to a dxLink conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from grok_sauce.errors import SettingsError
from grok_sauce.simulator.faults import FAULTS, Faults, checked, describe


def test_every_switch_goes_on_and_off_and_is_explained() -> None:
    for name, fault in FAULTS.items():
        faults = Faults()
        faults.update({name: True})

        assert faults.flag(name) != fault.once
        faults.update({name: False})
        assert not faults.flag(name)
        assert name in describe()
        assert len(fault.help) > 15


@pytest.mark.parametrize(
    "name, value",
    [
        ("nonsense", True),
        ("latency", "soon"),
        ("latency", -1),
        ("latency", float("nan")),
        ("latency", float("inf")),
        ("half_open", "sideways"),
        ("reject_token", 7),
        ("garbage", ["json"]),
        ("slow", {}),
    ],
)
def test_wrong_value_is_refused_and_nothing_is_set(name: str, value: Any) -> None:
    faults = Faults()
    before = faults.snapshot()

    with pytest.raises(SettingsError) as problem:
        faults.update({"nan": "Quote", name: value})

    assert problem.value.field == name
    assert faults.snapshot() == before


def test_text_from_a_command_line_is_understood() -> None:
    assert checked("latency", "0.25") == 0.25
    assert checked("http_5xx", "503") == 503
    assert checked("reject_token", "on") is True
    assert checked("half_open", "connect") == "connect"


def test_counted_switch_is_used_up_and_a_negative_one_is_not() -> None:
    faults = Faults({"http_429": 2})

    assert [faults.take("http_429") for _ in range(3)] == [True, True, False]
    faults.update({"http_429": True})
    assert all(faults.take("http_429") for _ in range(10))


def test_rejected_token_is_refused_although_it_is_good(talk: Any, helpers: Any) -> None:
    talk.faults.update({"reject_token": True})
    talk.setup()

    answers = talk.say("AUTH", token="demo")

    assert helpers.error_of(answers)[0] == "UNAUTHORIZED"
    assert talk.session.closing


def test_streamer_tokens_expire_early(talk: Any) -> None:
    talk.faults.update({"token_expiry": 5})
    token = talk.tokens.new_streamer()
    talk.setup()

    assert talk.say("AUTH", token=token)[0]["state"] == "AUTHORIZED"
    talk.clock.advance(6.0)
    assert talk.say("AUTH", token=token)[0]["state"] == "UNAUTHORIZED"


def test_early_auth_is_refused_with_the_words_of_the_live_service(talk: Any, helpers: Any) -> None:
    talk.faults.update({"early_auth_refusal": True})

    (mine,) = talk.setup()
    refused = talk.say("AUTH", token="demo")
    state = talk.beat(0.3)
    patient = talk.say("AUTH", token="demo")

    assert mine["type"] == "SETUP"
    assert "Session not found: api" in helpers.error_of(refused)[1]
    assert state == [{"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"}]
    assert patient[0]["state"] == "AUTHORIZED"


def test_auth_state_can_come_late(talk: Any) -> None:
    talk.faults.update({"wrong_order": "auth_state_late"})

    (mine,) = talk.setup()

    assert mine["type"] == "SETUP"
    assert talk.beat(2.5) == []
    assert [m["type"] for m in talk.beat(1.0)] == ["AUTH_STATE"]


def test_data_can_come_before_their_description(talk: Any) -> None:
    talk.feed()
    talk.faults.update({"wrong_order": "data_first"})

    answers = talk.add("Quote", "SPY")

    assert [m["type"] for m in answers] == ["FEED_DATA", "FEED_CONFIG"]


def test_nan_blanks_prices_of_one_type_but_not_its_identities(talk: Any) -> None:
    talk.feed(acceptEventFields={"Trade": ["eventSymbol", "price", "size", "time", "dayId"]})
    talk.faults.update({"nan": "Trade"})

    trade = talk.add("Trade", "SPY")[-1]["data"]
    quote = talk.add("Quote", "SPY")[-1]["data"]

    assert trade[1][:3] == ["SPY", "NaN", "NaN"]
    assert trade[1][3] > 0
    assert trade[1][4] == 20803
    assert 669.99 in quote[1]


@pytest.mark.parametrize("mode, announced", [("announced", True), ("silent", False)])
def test_channel_switches_to_full_and_back_in_the_middle(
    talk: Any, helpers: Any, mode: str, announced: bool
) -> None:
    talk.feed(acceptAggregationPeriod=0.1, acceptEventFields={"Quote": ["eventSymbol", "bidPrice"]})
    talk.add("Quote", "SPY")
    talk.beat(1.0)

    talk.faults.update({"full_midway": mode})
    talk.world.move("SPY", 671.0)
    switched = talk.beat(0.2)
    talk.faults.update({"full_midway": False})
    talk.world.move("SPY", 672.0)
    back = talk.beat(0.2)

    configs = [m["dataFormat"] for m in switched if m["type"] == "FEED_CONFIG"]
    assert configs == (["FULL"] if announced else [])
    assert helpers.data_of(switched) == [
        [{"eventType": "Quote", "eventSymbol": "SPY", "bidPrice": 670.99}]
    ]
    assert helpers.data_of(back) == [["Quote", ["SPY", 671.99]]]


@pytest.mark.parametrize("value", ["dayVolume", "Trade.dayVolume"])
def test_dropped_column_is_gone_from_description_and_data(
    talk: Any, helpers: Any, value: str
) -> None:
    fields = ["eventSymbol", "price", "dayVolume", "size"]
    talk.feed(acceptAggregationPeriod=0.1, acceptEventFields={"Trade": fields})
    talk.add("Trade", "SPY")
    talk.beat(1.0)

    talk.faults.update({"drop_column": value})
    talk.world.move("SPY", 671.0)
    answers = talk.beat(0.2)

    assert answers[0]["eventFields"] == {"Trade": ["eventSymbol", "price", "size"]}
    assert helpers.data_of(answers) == [["Trade", ["SPY", 671.0, 100.0]]]


def test_subscription_rate_refuses_what_is_added(talk: Any, helpers: Any) -> None:
    talk.feed()
    talk.faults.update({"subscription_rate": True})

    answers = talk.add("Quote", "SPY")

    assert helpers.error_of(answers) == ("BAD_ACTION", "Your subscription rate is too high")
    assert not talk.world.watching


@pytest.mark.parametrize("kind", ["json", "types", "truncated"])
def test_rubbish_follows_data_at_most_once_a_second(talk: Any, kind: str) -> None:
    talk.feed(acceptAggregationPeriod=0)
    talk.add("Quote", "SPY")
    talk.beat(1.0)
    talk.faults.update({"garbage": kind})
    texts: list[str] = []

    for step in range(30):  # 1.5 seconds
        talk.world.move("SPY", 671.0 + step)
        talk.clock.advance(0.05)
        talk.session.note(talk.desk.beat())
        texts += talk.session.tick()

    def is_rubbish(text: str) -> bool:
        try:
            frame = json.loads(text)
        except ValueError:
            return True
        data = frame["data"]
        return type(frame["channel"]) is not int or len(data[1]) == 1

    assert len(texts) == 32
    assert sum(map(is_rubbish, texts)) == 2
    assert not is_rubbish(texts[0])
