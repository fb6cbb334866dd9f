"""The second shape of a webhook: orders with stops as alerts, and what cannot be carried."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.alerts import records
from grok_sauce.alerts.alert import Invalid, read_alert
from grok_sauce.alerts.alert_shapes import (
    ACTIONS,
    BRACKET,
    CANNOT,
    EXTRAS,
    LEVELS,
    CannotCarry,
    read_any,
    read_order,
)
from grok_sauce.alerts.body import classic_body, meta_of
from grok_sauce.alerts.legs import legs, mapped_text
from grok_sauce.alerts.model import Destination, Leg
from grok_sauce.alerts.plans import body_of
from grok_sauce.alerts.schema import MIGRATIONS
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.runtime.clock import RealClock
from tests.alerts.bad_bodies import BAD, BARE
from tests.alerts.ledger_kit import running
from tests.alerts.test_intake_whole import House

# FEATURES of the shape: every field that it names.
LIMIT: dict[str, Any] = {
    "webhook_type": "trade_signal", "secret": "s" * 43, "action": "place_limit", "side": "buy",
    "symbol": "NQ_GEX", "price": 21_500.25, "stop_loss": 21_480, "take_profit": 21_525.25,
    "trailing_trigger": 15, "trailing_offset": 10, "quantity": 2, "strategy": "GEX_RECOIL",
}  # fmt: skip


class TestMapping:
    def test_a_limit_order_is_an_open_with_its_levels_beside_it(self) -> None:
        alert = read_order(LIMIT)

        assert mapped_text(alert) == "open long"
        assert (alert.ticker, alert.qty, alert.price) == ("NQ_GEX", 2, 21_500.25)
        assert alert.extras == (
            ("order_type", "limit"), ("stop_loss", 21_480.0), ("take_profit", 21_525.25),
            ("trailing_trigger", 15.0), ("trailing_offset", 10.0),
            ("signal_strategy", "GEX_RECOIL"),
        )  # fmt: skip
        assert alert.flags == (BRACKET,)

    @pytest.mark.parametrize(
        ("action", "side", "sent"),
        [
            ("place_limit", "sell", "open short"),
            ("place_limit", "LONG", "open long"),
            ("place_market", "buy", "open long"),
            ("place_market", "short", "open short"),
            ("position_closed", "buy", "close long"),
            ("position_closed", "long", "close long"),
            ("position_closed", "sell", "close short"),
            ("POSITION_CLOSED", "Short", "close short"),
        ],
    )
    def test_side_is_that_of_the_position(self, action: str, side: str, sent: str) -> None:
        body = {"webhook_type": "x", "action": action, "side": side, "symbol": "NQ", "price": 5}

        alert = read_order(body)

        assert mapped_text(alert) == sent
        assert [(leg.kind, leg.side, leg.qty) for leg in legs(alert, "ask", None)] == [
            (*sent.split(), 1)
        ]

    def test_a_close_leaves_the_ticker_flat(self) -> None:
        alert = read_order({**LIMIT, "action": "position_closed"})

        assert alert.new_pos == "flat"
        assert "order_type" not in dict(alert.extras)

    def test_a_market_order_needs_no_price_and_unknown_stays_unknown(self) -> None:
        body = {"webhook_type": "x", "action": "place_market", "side": "buy", "symbol": "NQ"}

        alert = read_order({**body, "stop_loss": None, "price": None})

        assert alert.price is None
        assert alert.extras == (("order_type", "market"),)
        assert alert.flags == ()

    def test_time_and_id_are_read_as_in_the_first_shape(self) -> None:
        alert = read_order({**LIMIT, "time": "2024-01-04T15:30:00Z", "trade_id": "Open_9"})

        assert (alert.time_ms, alert.trade_number) == (1_704_382_200_000, 9)

    def test_our_own_signals_spelling_keeps_its_stops(self) -> None:
        plain = {name: value for name, value in LIMIT.items() if name not in LEVELS}
        body = {
            **plain, "stopLoss": 21_480, "takeProfit": 21_525.25,
            "trailingStop": {"trigger": 15, "offset": 10},
        }  # fmt: skip

        assert read_order(body) == read_order(LIMIT)


class TestRefusals:
    @pytest.mark.parametrize("action", CANNOT)
    def test_what_a_listener_cannot_be_told_is_said_in_words(self, action: str) -> None:
        with pytest.raises(CannotCarry) as caught:
            read_order({**LIMIT, "action": action})

        assert caught.value.status == 422
        assert action in str(caught.value)
        assert "in NinjaTrader" in str(caught.value)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"action": "buy"}, "action"), ({"action": None}, "action"), ({"action": 1}, "action"),
            ({"side": "both"}, "side"), ({"side": None}, "side"), ({"side": 1}, "side"),
            ({"symbol": None}, "symbol"), ({"symbol": "NQ;1"}, "symbol"),
            ({"quantity": 0}, "quantity"), ({"quantity": None}, "quantity"),
            ({"quantity": 1.5}, "quantity"), ({"quantity": 10_001}, "quantity"),
            ({"price": None}, "price"), ({"price": 0}, "price"), ({"price": "much"}, "price"),
            ({"stop_loss": 21_501}, "stop_loss"), ({"stop_loss": 0}, "stop_loss"),
            ({"stop_loss": -1}, "stop_loss"), ({"stop_loss": True}, "stop_loss"),
            ({"stop_loss": "none"}, "stop_loss"), ({"stop_loss": [1]}, "stop_loss"),
            ({"take_profit": 21_500}, "take_profit"), ({"take_profit": 1e13}, "take_profit"),
            ({"side": "sell"}, "stop_loss"),  # its stop lies below the price
            ({"trailing_trigger": "15 points"}, "trailing_trigger"),
            ({"trailing_offset": ""}, "trailing_offset"),
            ({"stopLoss": 21_470}, "stop_loss"), ({"trailingStop": 5}, "trailingStop"),
            ({"trailingStop": {"distance": 5}}, "trailingStop"),
            ({"webhook_type": None}, "webhook_type"), ({"webhook_type": "x" * 65}, "webhook_type"),
            ({"webhook_type": 5}, "webhook_type"), ({"strategy": "a\nb"}, "strategy"),
            ({"strategy": "{{strategy}}"}, "strategy"),
            ({"trailingStop": {"trigger": "{{x}}"}}, "trailingStop"),
            ({"trade_id": "x" * 129}, "trade_id"),
        ],
    )  # fmt: skip
    def test_a_wrong_field_is_named_as_it_was_sent(
        self, change: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(Invalid) as caught:
            read_order({**LIMIT, **change})

        assert caught.value.field == field
        assert caught.value.status == 400
        assert LIMIT["secret"] not in str(caught.value)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from([*ACTIONS, "buy", "sell", "long", "short", "NQ", "5", "21500.25"]),
    st.dictionaries(st.sampled_from(["trigger", "offset", "x"]), st.integers(), max_size=2),
)  # fmt: skip


class TestAnything:
    @given(st.dictionaries(st.sampled_from([*LIMIT, "stopLoss", "trailingStop"]), VALUES))
    def test_any_order_is_an_alert_or_names_a_field(self, change: dict[str, Any]) -> None:
        body = {**LIMIT, **change}
        try:
            alert = read_order(body)
        except Invalid as problem:
            known = {*LIMIT, "trailingStop"}
            assert problem.field in known, problem  # noqa: PT017 - either way is good
            return

        extras = dict(alert.extras)
        assert list(extras) == [name for name in EXTRAS if name in extras]
        assert all(extras[name] > 0 for name in LEVELS if name in extras)
        assert (BRACKET in alert.flags) is any(name in extras for name in LEVELS)
        assert json.loads(json.dumps(extras, allow_nan=False)) == extras
        assert len(legs(alert, "ask", None)) == 1  # never a reversal: the position is not told

    @given(st.dictionaries(st.sampled_from([*BARE, "webhook_type", "side", "symbol"]), VALUES))
    def test_with_a_ticker_a_body_is_read_as_it_always_was(self, change: dict[str, Any]) -> None:
        body = {**BARE, **change}

        def outcome(read: Callable[[dict[str, Any]], Any]) -> Any:
            try:
                return read(body)
            except Invalid as problem:
                return str(problem), problem.status

        assert outcome(read_any) == outcome(read_alert)

    @pytest.mark.parametrize("change", [change for _, change in BAD.values()], ids=list(BAD))
    def test_wrong_bodies_of_the_first_shape_are_refused_as_before(
        self, change: dict[str, Any]
    ) -> None:
        with pytest.raises(Invalid) as first:
            read_alert({**BARE, **change})
        with pytest.raises(Invalid) as any_shape:
            read_any({**BARE, **change})

        assert str(any_shape.value) == str(first.value)


class TestBody:
    def test_the_six_keys_stay_the_six_keys(self) -> None:
        sent = json.loads(classic_body(read_order(LIMIT), Leg("open", "long", 2), 0))

        assert list(sent) == ["ticker", "action", "direction", "qty", "price", "time"]

    def test_extras_stand_behind_the_rest_of_what_include_meta_adds(self) -> None:
        alert, leg = read_order(LIMIT), Leg("open", "long", 2)

        sent = json.loads(classic_body(alert, leg, 0, meta=meta_of("a1", leg, alert, ("Gex",))))

        assert list(sent)[6:] == ["alert_id", "leg", "trade_id", "strategy", *EXTRAS]
        assert (sent["strategy"], sent["signal_strategy"]) == ("Gex", "GEX_RECOIL")
        assert (sent["stop_loss"], sent["order_type"]) == (21_480.0, "limit")


@pytest.mark.parametrize("meta", [False, True])
def test_levels_go_only_to_a_target_that_asked_for_more(meta: bool) -> None:
    target = Destination("localhost:9060", "localhost", 9060, "/receive", "", ("Gex",), "live",
                         include_meta=meta)  # fmt: skip
    alert = read_order(LIMIT)

    sent = json.loads(body_of("a1", alert, legs(alert, "ask", None)[0], target, 0))

    assert ("stop_loss" in sent) is meta
    assert sent["price"] == 21_500.25


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with running(Store(tmp_path / "alerts.db", SteadyTime(RealClock()))) as store:
        yield House(store, tmp_path)


def send(house: House, **change: Any) -> Any:
    body = {**LIMIT, "symbol": "AAPL", "secret": house.token, **change}
    return house.post(json.dumps(body).encode(), token=None)


class TestIntake:
    def test_the_secret_of_the_body_lets_it_in_and_is_kept_nowhere(self, house: House) -> None:
        answer = send(house)

        ((_, state, body, _),) = house.rows()
        assert (answer.status, answer.document["status"], state) == (200, "success", "held")
        assert house.token not in body
        assert json.loads(body)["stop_loss"] == 21_480
        assert send(house, secret="x" * 43).status == 401

    def test_extras_come_back_from_the_disk(self, house: House) -> None:
        send(house)

        (held,) = house.store.read(records.held)

        assert held.alert == house.held[0].alert
        assert dict(held.alert.extras)["trailing_offset"] == 10.0

    def test_what_cannot_be_carried_is_422_and_in_the_log(self, house: House) -> None:
        answer = send(house, action="modify_stop")

        ((_, state, body, _),) = house.rows()
        assert answer.status == 422
        assert "move the stop in NinjaTrader" in answer.document["message"]
        assert state == "invalid"
        assert house.token not in body
        assert house.held == []

    def test_a_wrong_stop_is_400_and_nothing_is_held(self, house: House) -> None:
        answer = send(house, stop_loss="near")

        assert (answer.status, house.held) == (400, [])
        assert answer.document["message"].startswith("stop_loss: ")

    def test_the_same_order_again_is_a_duplicate(self, house: House) -> None:
        first = send(house)

        again = send(house)

        assert again.document == {
            "status": "skipped", "message": "Duplicate alert", "id": first.document["id"],
        }  # fmt: skip

    def test_a_symbol_nobody_lists_has_no_route(self, house: House) -> None:
        answer = send(house, symbol="NOBODY")

        assert (answer.status, answer.document["message"]) == (422, "No route for ticker")

    def test_a_file_of_the_version_before_is_brought_along(self) -> None:
        connection = sqlite3.connect(":memory:")
        connection.executescript(MIGRATIONS[0])
        connection.execute(
            "INSERT INTO alert (id, received_ms, wall_ms, state, ticker, action, qty, source, body)"
            " VALUES ('a1', 1, 1, 'done', 'NQ', 'buy', 1, '127.0.0.1', '{}')"
        )

        connection.executescript(MIGRATIONS[1])

        row = records.alert_by_id(connection, "a1")
        assert row is not None
        assert row.alert is not None
        assert row.alert.extras == ()
