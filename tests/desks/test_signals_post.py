"""Signals as alerts: stored first, sent until answered, closed with the paper trade."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.alerts.alert_shapes import read_any
from grok_sauce.desks.signals_post import HttpDoor, Reply, token_of
from grok_sauce.errors import SourceError
from grok_sauce.http import Http, Unreachable
from grok_sauce.runtime.clock import ManualClock
from tests.desks.signal_kit import Kit, candle, lt_of


class Router:
    """A door that answers what it is told to, and keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.replies: list[Reply | SourceError] = []

    def __call__(self, body: dict[str, Any]) -> Reply:
        self.sent.append(body)
        reply = (
            self.replies.pop(0)
            if self.replies
            else Reply(200, {"status": "success", "message": "Alert queued", "id": "a1"})
        )
        if isinstance(reply, SourceError):
            raise reply
        return reply


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path, to_router=True)


@pytest.fixture
def router(kit: Kit) -> Router:
    found = Router()
    kit.desk.sender.door = found
    return found


def posts(kit: Kit) -> list[tuple[str, str]]:
    kit.beat()
    return [(post["kind"], post["state"]) for post in kit.state()["signals"][0]["posts"]]


def close_trade(kit: Kit) -> None:
    kit.minute("14:30", 21246, 21250, 21244, 21249)
    kit.minute("14:31", 21249, 21272, 21248, 21271.5)


def test_a_signal_goes_to_the_router_as_an_alert_that_it_reads(kit: Kit, router: Router) -> None:
    kit.example()
    assert kit.desk.sender.send()

    [body] = router.sent
    alert = read_any(body)
    assert (alert.ticker, alert.action, alert.qty, alert.price) == (
        "GEX_RECOIL",
        "buy",
        1,
        21246.25,
    )
    assert dict(alert.extras)["stop_loss"] == 21231.0
    assert alert.trade_number is None  # no number that a count of trades could trip over
    assert posts(kit) == [("open", "taken")]


def test_it_stays_at_home_unless_the_user_switched_that_on(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.desk.sender.door = router = Router()

    kit.example()
    kit.desk.sender.send()

    assert router.sent == []
    assert len(kit.signals) == 1


def test_the_end_of_the_paper_trade_closes_what_was_opened(kit: Kit, router: Router) -> None:
    kit.example()
    kit.desk.sender.send()
    close_trade(kit)
    kit.desk.sender.send()

    alert = read_any(router.sent[1])
    assert (alert.action, alert.current_position, alert.new_pos) == ("sell", "long", "flat")
    assert alert.price == 21271.25
    assert router.sent[0]["trade_id"] != router.sent[1]["trade_id"]
    assert posts(kit) == [("open", "taken"), ("close", "taken")]


def test_an_order_never_filled_on_paper_is_closed_too(kit: Kit, router: Router) -> None:
    kit.example()
    kit.desk.sender.send()
    kit.triggers.sets.append(lt_of("14:30"))
    kit.close(candle("14:30", 21260, 21270, 21255, 21262))
    kit.desk.sender.send()

    assert [body["action"] for body in router.sent] == ["place_limit", "position_closed"]
    assert read_any(router.sent[1]).price is None


def test_a_router_that_is_away_is_tried_again_with_the_same_body(kit: Kit, router: Router) -> None:
    router.replies = [Unreachable("the router is away"), Reply(503, {"message": "Not open yet"})]
    kit.example()

    assert not kit.desk.sender.send()
    assert kit.desk.sender.problem == "the router is away"
    kit.clock.advance(7)
    assert not kit.desk.sender.send()
    assert kit.desk.sender.send()

    assert router.sent[0] == router.sent[1] == router.sent[2]
    assert kit.desk.sender.problem is None


def test_what_was_taken_is_not_sent_again_after_a_restart(kit: Kit, router: Router) -> None:
    kit.example()
    kit.desk.sender.send()
    kit.start()
    kit.desk.sender.door = router
    kit.beat()
    kit.desk.sender.send()

    assert len(router.sent) == 1


def test_an_opening_that_expired_unsent_is_let_go(kit: Kit, router: Router) -> None:
    router.replies = [Unreachable("away")]
    kit.example()
    kit.desk.sender.send()
    kit.clock.advance(901)
    kit.desk.sender.send()

    assert len(router.sent) == 1
    assert posts(kit) == [("open", "late")]


def test_nothing_is_opened_for_a_trade_that_is_over(kit: Kit, router: Router) -> None:
    kit.example()
    close_trade(kit)
    kit.desk.sender.send()

    assert router.sent == []
    assert posts(kit) == [("open", "void"), ("close", "void")]


def test_a_refusal_is_shown_and_nothing_is_closed(kit: Kit, router: Router) -> None:
    router.replies = [Reply(422, {"message": "No route for ticker", "id": "a1"})]
    kit.example()
    kit.desk.sender.send()
    close_trade(kit)
    kit.desk.sender.send()

    assert posts(kit) == [("open", "refused"), ("close", "void")]
    assert kit.state()["signals"][0]["posts"][0]["text"] == "No route for ticker"
    assert len(router.sent) == 1


def test_without_a_router_alerts_wait_and_say_so(kit: Kit) -> None:
    kit.example()

    assert not kit.desk.sender.send()
    assert "ROUTER_URL" in kit.state()["router"]["problem"]


def test_a_router_elsewhere_needs_its_token_and_gets_it_in_the_body(tmp_path: Path) -> None:
    file = tmp_path / "webhook_token"
    door = HttpDoor("http://127.0.0.1:9/", Http(ManualClock()), token_of("", file))

    with pytest.raises(SourceError, match="ROUTER_TOKEN"):
        door({"action": "place_limit"})
    file.write_text("t0ken\n")
    assert token_of("", file)() == "t0ken"
    assert token_of("given", file)() == "given"


def test_the_inner_door_reads_stores_and_recognises_as_the_webhook_does(tmp_path: Path) -> None:
    from grok_sauce.alerts.half import AlertHalf
    from grok_sauce.alerts.settings import AlertSettings
    from grok_sauce.desks.signals_joint import inner_door
    from grok_sauce.runtime import concurrency
    from grok_sauce.runtime.clock import RealClock

    tree = {
        "strategies": {"Recoil": {"accounts": {}, "tickers": {"GEX_RECOIL": {"ports": [9060]}}}}
    }
    (tmp_path / "routing.json").write_text(json.dumps(tree))
    half = AlertHalf(
        tmp_path, AlertSettings(), RealClock(), set, lambda updates: None, loopback_only=True,
        forwarding=False,
    )  # fmt: skip
    door = inner_door(half)
    body = {
        "webhook_type": "trade_signal", "action": "place_limit", "side": "buy",
        "symbol": "GEX_RECOIL", "price": 21246.25, "stop_loss": 21231.0, "take_profit": 21271.25,
        "quantity": 1, "strategy": "GEX_RECOIL", "trade_id": "s1-open",
    }  # fmt: skip
    try:
        assert door(body).status == 503  # not open yet: sent again
        half.start()
        deadline = RealClock().monotonic() + 10
        while not half.intake.is_open and RealClock().monotonic() < deadline:
            concurrency.sleep(0.01)
        taken, again = door(body), door(body)
        broken = door({**body, "stop_loss": "soon"})
        unknown = door({**body, "symbol": "OTHER", "trade_id": "s2-open"})
    finally:
        half.close()

    assert (taken.status, taken.document["status"]) == (200, "success")
    assert (again.status, again.document["status"]) == (200, "skipped")
    assert again.document["id"] == taken.document["id"]
    assert broken.status == 400
    assert (unknown.status, unknown.document["message"]) == (422, "No route for ticker")


@pytest.mark.parametrize("kind", ["demo", "replay", "live"])
def test_made_up_prices_never_reach_a_router_elsewhere(kind: str, tmp_path: Path) -> None:
    from types import SimpleNamespace

    from grok_sauce.controls import Controls
    from grok_sauce.desks.signals_joint import join_signals
    from grok_sauce.questions import Questions
    from grok_sauce.runtime.clock import ReplayClock
    from grok_sauce.settings import Settings
    from tests.desks.signal_kit import FakeCandles, FakeLevels, FakeTriggers

    clock: Any = (
        ReplayClock(1_797_000_000.0, 1_797_001_000.0) if kind == "replay" else ManualClock()
    )
    ground: Any = SimpleNamespace(
        environ={"ROUTER_URL": "http://127.0.0.1:5011", "ROUTER_TOKEN": "t0ken"},
        data=tmp_path, clock=clock, demo=kind == "demo", publish=lambda updates: None,
        snapshot=SimpleNamespace(get=lambda topic, key: None), chosen=Settings, refused=None,
        controls=Controls(), questions=Questions(lambda work: work()), http=None,
    )  # fmt: skip

    desk = join_signals(ground, FakeCandles(), FakeLevels(None), FakeTriggers())

    assert (desk.sender.door is not None) == (kind == "live")
    assert ("not sent to ROUTER_URL" in desk.sender.without_door) == (kind != "live")
