"""The alert half joined: the door, the dry start of a demo, news of every alert, the end."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.alerts.half import AlertHalf
from grok_sauce.alerts.intake import Post
from grok_sauce.alerts.report_filters import Filters
from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.errors import StartupError
from grok_sauce.runtime.clock import RealClock
from grok_sauce.simulator.listener import Listener
from grok_sauce.update import Update

BODY = {"ticker": "NQ", "action": "buy", "current_position": "flat", "qty": 1, "price": 2.5}


class Running:
    """An alert half in a folder, what it told pages, and a sender who has its token."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.told: dict[str, Any] = {}
        self._came = threading.Condition()
        settings = AlertSettings(router_port=5011)
        self.half = AlertHalf(
            folder, settings, RealClock(), set, self._publish, loopback_only=True, **options
        )
        self.folder = folder

    def _publish(self, updates: Sequence[Update]) -> None:
        with self._came:
            self.told |= {update.key: update.payload for update in updates}
            self._came.notify_all()

    def start(self) -> Running:
        self.half.start()
        assert until(lambda: self.half.intake.is_open)
        return self

    def post(self, **changes: Any) -> tuple[int, dict[str, Any]]:
        token = (self.folder / "webhook_token").read_text(encoding="ascii").strip()
        body = json.dumps({**BODY, **changes}).encode()
        answer = self.half.intake.answer(Post("POST", token, {}, body, "127.0.0.1", False, True))
        return answer.status, answer.document

    def route(self, port: int, mode: str = "live") -> None:
        """A strategy that sends NQ to a port at once."""
        for op in (
            {"op": "add_strategy", "name": "S"},
            {"op": "add_ticker", "strategy": "S", "name": "NQ"},
            {"op": "set_ticker", "strategy": "S", "name": "NQ", "delay_s": 0},
            {"op": "add_port", "strategy": "S", "ticker": "NQ", "port": port},
            {"op": "set_strategy", "name": "S", "mode": mode},
        ):
            self.half.routing.edit(op, "test", self.half.routing.revision)

    def state(self, id: str) -> str:
        return str(self.told.get(id, {}).get("state"))


def until(look: Callable[[], Any], seconds: float = 8.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def build(name: str = "data", **options: Any) -> Running:
        made.append(Running(tmp_path / name, **options))
        return made[-1]

    yield build
    for each in made:
        assert each.half.close() == []


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as started:
        yield started


def test_an_alert_goes_in_and_comes_out(make: Any, listener: Listener) -> None:
    running = make().start()
    running.route(listener.port)

    status, answer = running.post(trade_id="Open_ID_1")

    assert (status, answer["status"]) == (200, "success")
    assert until(lambda: running.state(answer["id"]) == "done")
    assert [effect.body["action"] for effect in listener.effects()] == ["open"]


def test_a_demo_begins_dry_and_sends_nothing(make: Any, listener: Listener) -> None:
    running = make(forwarding=False).start()
    running.route(listener.port)

    _, answer = running.post(trade_id="Open_ID_1")

    assert until(lambda: running.state(answer["id"]) == "skipped")
    assert until(lambda: running.told.get("#numbers", {}).get("dry")) is True
    assert listener.effects() == []


def test_a_demo_that_was_switched_on_stays_on(make: Any, listener: Listener) -> None:
    first = make(forwarding=False).start()
    first.half.operator.dry(False, "test")
    first.half.close()

    again = make(forwarding=False).start()

    assert again.half.dispatcher.is_dry is False


@pytest.mark.parametrize(
    ("changes", "state", "status"),
    [({"ticker": "nobody"}, "unrouted", 422), ({"action": "hold"}, "invalid", 400)],
)
def test_what_is_not_sent_is_told_as_well(
    make: Any, changes: dict[str, str], state: str, status: int
) -> None:
    running = make().start()

    answered, _ = running.post(**changes)

    assert answered == status
    assert until(lambda: state in [row["state"] for row in rows(running)])


def rows(running: Running) -> list[dict[str, Any]]:
    return [row for key, row in list(running.told.items()) if row and not key.startswith("#")]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_what_it_keeps_is_for_the_owner_alone(make: Any, tmp_path: Path) -> None:
    make().start().post()

    open_to_others = [
        path.name for path in (tmp_path / "data").iterdir() if path.stat().st_mode & 0o077
    ]
    assert open_to_others == []


def test_before_everything_is_loaded_everybody_is_asked_to_come_again(make: Any) -> None:
    running = make()

    answer = running.half.intake.answer(Post("POST", "x", {}, b"{}", "1.2.3.4", True, False))

    assert answer.status == 503
    assert ("Retry-After", "5") in answer.headers
    assert "alerts are not let in yet" in running.half.trouble()


def test_after_the_end_senders_are_asked_to_come_again(make: Any) -> None:
    running = make().start()
    running.half.close()

    status, _ = running.post()

    assert status == 503


def test_a_second_process_has_no_part_in_the_database(make: Any) -> None:
    make().start()

    with pytest.raises(StartupError, match="alerts"):
        make()


def test_a_running_half_is_in_order_and_says_so(make: Any) -> None:
    running = make().start()

    assert until(lambda: running.half.news.latest is not None)
    assert until(lambda: running.half.trouble() == [])
    facts = running.half.facts()
    assert facts["router"] == {"mark": "fresh", "text": "0 waiting", "needs": 0}
    assert facts["alerts"]["undelivered"] == 0
    assert facts["alerts"]["oldest_undelivered_s"] is None


def test_a_broken_tree_is_a_banner_and_alerts_are_still_taken(make: Any, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "routing.json").write_text("{", encoding="utf-8")

    running = make().start()

    assert any("routing.json" in line for line in running.half.report.numbers()["problems"])
    assert running.post()[0] == 422
    assert running.half.report.page(Filters())["total"] == 1


def test_a_renamed_strategy_keeps_its_pause(make: Any, listener: Listener) -> None:
    running = make().start()
    running.route(listener.port)
    running.half.operator.daily_pause("S", "test")

    running.half.routing.edit(
        {"op": "rename_strategy", "name": "S", "to": "T"}, "test", running.half.routing.revision
    )

    assert running.half.guards.paused_today("T")
    assert list(running.half.ledger.switches()) == ["daily_pause:T"]
