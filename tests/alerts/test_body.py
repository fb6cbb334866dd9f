"""What is sent to a listener, key by key."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.alerts.alert import read_alert
from grok_sauce.alerts.body import classic_body, meta_of, new_york_minute
from grok_sauce.alerts.legs import legs
from grok_sauce.alerts.model import Alert, Leg

RECEIVED = 1_735_864_570_123  # 2025-01-03T00:36:10.123Z
# A body that the published server logged; all numbers are texts.
LOGGED = {
    "ticker": "TEST-NQ_short",
    "action": "sell",
    "current_position": "flat",
    "qty": "1",
    "price": "2246.5",
    "new_pos": "short",
    "trade_id": "Open_Short_ID_6",
    "time": "2025-01-02T13:00:00Z",
}


def bodies(document: dict[str, object]) -> list[str]:
    alert = read_alert(document)
    return [classic_body(alert, leg, RECEIVED) for leg in legs(alert, "ask", None)]


def test_the_readme_example_gives_the_documented_body() -> None:
    document = json.loads(
        '{"ticker":"AAPL","trade_id":"Open_Long_ID_123","action":"buy",'
        '"current_position":"short","qty":10,"price":150.25,"time":"2024-01-04T15:30:00Z"}'
    )

    assert bodies(document) == [
        '{"ticker":"AAPL","action":"close","direction":"short","qty":10,"price":150.25,'
        '"time":"01/04/2024 10:30:00 AM"}'
    ]


def test_both_alerts_of_the_first_sender_map_to_the_open_and_the_close_of_one_trade() -> None:
    # Open and close with the same id at the same moment.
    opened = {**LOGGED, "trade_id": "Open_Short_ID_8"}
    closed = {
        **LOGGED,
        **{"action": "buy", "current_position": "short", "new_pos": "flat"},
        "trade_id": "Close_Short_ID_8",
    }

    sent = [json.loads(text) for document in (opened, closed) for text in bodies(document)]

    head = {"ticker": "TEST-NQ_short", "qty": 1, "price": 2246.5}
    at = {"time": "01/02/2025 08:00:00 AM"}
    assert sent == [
        {**head, "action": "open", "direction": "short", **at},
        {**head, "action": "close", "direction": "short", **at},
    ]
    assert read_alert(opened).trade_number == read_alert(closed).trade_number == 8


def test_both_alerts_of_the_second_sender_have_numbers_of_their_own() -> None:
    # Ids 6 and 7: both are to be sent.
    opened = LOGGED
    closed = {
        **LOGGED,
        **{"action": "buy", "current_position": "short", "new_pos": "flat"},
        "trade_id": "Close_Short_ID_7",
    }

    assert [json.loads(text)["action"] for one in (opened, closed) for text in bodies(one)] == [
        "open",
        "close",
    ]
    assert (read_alert(opened).trade_number, read_alert(closed).trade_number) == (6, 7)


def test_without_a_time_of_its_own_an_alert_carries_that_of_its_receipt() -> None:
    document = {"ticker": "T", "action": "buy", "current_position": "flat", "price": 2246.5}

    # The measured body of the published server for 2025-01-03T00:36:10Z.
    assert bodies(document) == [
        '{"ticker":"T","action":"open","direction":"long","qty":1,"price":2246.5,'
        '"time":"01/02/2025 07:36:00 PM"}'
    ]
    assert bodies({**document, "time": "soon"}) == bodies(document)


def test_a_price_that_is_not_known_and_a_whole_one_are_floats() -> None:
    document = {"ticker": "T", "action": "buy", "current_position": "flat"}

    assert '"price":0.0,' in bodies(document)[0]
    assert '"price":150.0,' in bodies({**document, "price": 150})[0]


def test_a_leg_of_unknown_size_is_not_sent() -> None:
    alert = read_alert(LOGGED)

    with pytest.raises(ValueError, match="not known"):
        classic_body(alert, Leg("open", "long", None), RECEIVED)


def test_meta_goes_behind_the_six_keys() -> None:
    alert = read_alert(LOGGED)
    leg = legs(alert, "ask", None)[0]

    text = classic_body(alert, leg, RECEIVED, meta=meta_of("a1", leg, alert, ("Scalp", "Trend")))

    assert list(json.loads(text)) == [
        *("ticker", "action", "direction", "qty", "price", "time"),
        *("alert_id", "leg", "trade_id", "strategy"),
    ]
    assert json.loads(text)["strategy"] == "Scalp, Trend"
    assert json.loads(text)["leg"] == "open"


@pytest.mark.parametrize(
    "moment, text",
    [
        ("2024-01-04T05:00:00+00:00", "01/04/2024 12:00:00 AM"),
        ("2024-01-04T17:00:59.999+00:00", "01/04/2024 12:00:00 PM"),
        # Clocks go forward at 2 and back at 2, New York.
        ("2024-03-10T06:59:00+00:00", "03/10/2024 01:59:00 AM"),
        ("2024-03-10T07:00:00+00:00", "03/10/2024 03:00:00 AM"),
        ("2024-11-03T05:30:00+00:00", "11/03/2024 01:30:00 AM"),
        ("2024-11-03T06:30:00+00:00", "11/03/2024 01:30:00 AM"),
        ("2024-07-01T13:30:00+00:00", "07/01/2024 09:30:00 AM"),
    ],
)
def test_the_time_is_new_yorks(moment: str, text: str) -> None:
    at_ms = int(datetime.fromisoformat(moment).timestamp() * 1000)

    assert new_york_minute(at_ms) == text


ALERTS = st.builds(
    Alert,
    ticker=st.from_regex(r"[A-Za-z0-9_.:!/ -]{1,64}", fullmatch=True),
    action=st.sampled_from(["buy", "sell"]),
    current_position=st.sampled_from(["long", "short", "flat", ""]),
    new_pos=st.sampled_from([None, "long", "short", "flat"]),
    qty=st.integers(1, 10_000),
    price=st.none() | st.floats(0, 1e9),
    prev_qty=st.none(),
    new_qty=st.none(),
    trade_id=st.none(),
    trade_number=st.none(),
    time_ms=st.none() | st.integers(946_684_800_000, 4_102_444_800_000),
)


@given(ALERTS)
def test_a_body_says_what_the_leg_and_the_alert_say(alert: Alert) -> None:
    for leg in legs(alert, "same", None):
        read = json.loads(classic_body(alert, leg, RECEIVED))

        assert list(read) == ["ticker", "action", "direction", "qty", "price", "time"]
        assert (read["ticker"], read["qty"]) == (alert.ticker, leg.qty)
        assert (read["action"], read["direction"]) == (leg.kind, leg.side)
        assert read["price"] == (alert.price or 0.0)
        at = alert.time_ms if alert.time_ms is not None else RECEIVED
        there = datetime.fromtimestamp(at // 60_000 * 60, UTC).astimezone(
            ZoneInfo("America/New_York")
        )
        assert read["time"] == there.strftime("%m/%d/%Y %I:%M:%S %p")


def test_a_time_before_1970_is_cut_downwards() -> None:
    alert = replace(read_alert(LOGGED), time_ms=None)

    assert json.loads(classic_body(alert, Leg("open", "long", 1), -1))["time"] == (
        "12/31/1969 06:59:00 PM"
    )
