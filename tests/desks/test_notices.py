"""Notices from update to delivery: rules, targets, quiet hours, digest, summary, restart."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.desks import notice_report
from grok_sauce.desks.notices import NoticeDesk
from grok_sauce.errors import SettingsError
from grok_sauce.publishers.notify_settings import NotifySettings
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings import Settings
from grok_sauce.settings.notices import Notices, Quiet, Rules, Summary
from grok_sauce.storage.database import StorageError
from grok_sauce.update import Update
from tests.publishers.notify_kit import Hook, webhook

SECRET = "canary-4f2a"


class Desk:
    """A desk with its clock, its hook and what pages were told."""

    def __init__(self, path: Path, clock: ManualClock, hook: Hook, **options: Any) -> None:
        self.clock, self.hook = clock, hook
        self.told: list[dict[str, Any]] = []
        self.snapshot = Snapshot("e1")
        knobs = NotifySettings(
            targets=options.pop("targets", f"desk=json://127.0.0.1:{hook.port}/{SECRET}"),
            in_demo=options.pop("in_demo", False),
        )
        mode = options.pop("mode", "LIVE")
        self.desk = NoticeDesk(
            path, knobs, self.snapshot, self._publish, clock, lambda: mode, **options
        )
        self.set(Notices())

    def _publish(self, updates: Any) -> None:
        self.snapshot.publish(updates)
        self.told += [update.payload for update in updates]

    def set(self, notices: Notices) -> None:
        self.desk.follow(replace(Settings(), notices=notices))

    def start(self) -> None:
        self.desk._load()

    def hear(self, topic: str, key: str, payload: Any) -> None:
        updates = [Update(topic, key, payload)]
        self.snapshot.publish(updates)
        self.desk.hear(updates)

    def spot(self, value: float, **values: Any) -> list[str]:
        """One look a second later at SPX there; the titles pages were told."""
        self.clock.advance(1)
        as_of = datetime.fromtimestamp(self.clock.market(), UTC).isoformat()
        self.hear("gex.levels", "SPX:all", {
            "symbol": "SPX", "as_of": as_of, "status": {"state": "live"}, "spot": value,
            "spot_age": 0.1, "regime": "positive", "call_wall": 6050.0, "put_wall": 5950.0,
            "zero_gamma": {"all": {"flip": 6000.0, "degraded": False}}, **values,
        })  # fmt: skip
        before = len(self.told)
        self.desk.beat()
        return [each["title"] for each in self.told[before:]]

    def deliver(self) -> list[str]:
        """Run the target's worker until nothing is due; the titles that arrived."""
        before = len(self.hook.posts)
        delivery = self.desk.deliveries["desk"]
        while delivery.step():
            pass
        return [json.loads(each)["title"] for each in self.hook.posts[before:]]

    def log(self) -> list[tuple[str, str]]:
        report = notice_report.report(self.desk)
        return [(each["title"], each["state"]) for each in reversed(report["deliveries"])]


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as found:
        yield found


@pytest.fixture
def make_desk(tmp_path: Path, clock: ManualClock, hook: Hook) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(**options: Any) -> Desk:
        found = Desk(tmp_path / "notices.db", clock, hook, **options)
        found.start()
        made.append(found)
        return found

    yield make
    for each in made:
        each.desk.outbox.close()


MakeDesk = Callable[..., Desk]


def test_a_crossing_reaches_pages_and_the_chat(make_desk: MakeDesk) -> None:
    desk = make_desk()

    first, second = desk.spot(6012.0), desk.spot(5985.0)

    assert first == []
    assert second == ["SPX below zero gamma 6,000.00"]
    notice = desk.told[-1]
    assert notice["show"] is True
    assert notice["sound"] is True
    assert notice["recent"][0]["id"] == notice["id"]
    assert desk.deliver() == ["SPX below zero gamma 6,000.00"]
    assert json.loads(desk.hook.posts[0])["message"].endswith("2026-12-16 14:32:09 New York")


def test_a_restart_repeats_nothing_and_keeps_what_waits(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.spot(6012.0)
    desk.spot(5985.0)
    desk.desk.outbox.close()

    after = make_desk()

    assert after.told[0]["title"] == "SPX below zero gamma 6,000.00"
    assert after.told[0]["show"] is False  # listed again, not told again
    assert after.spot(5985.0) == []
    assert after.deliver() == ["SPX below zero gamma 6,000.00"]
    assert after.deliver() == []


def test_an_event_told_before_a_restart_is_not_told_after_it(make_desk: MakeDesk) -> None:
    desk = make_desk()
    at = datetime.fromtimestamp(desk.clock.market() + 600, UTC).isoformat()
    week = {"on": True, "events": [{"id": "a", "title": "CPI", "currency": "USD",
            "impact": "high", "time": at, "all_day": False}]}  # fmt: skip
    desk.hear("calendar.event", "", week)
    desk.desk.beat()
    desk.desk.outbox.close()

    after = make_desk()
    after.told.clear()
    after.hear("calendar.event", "", week)
    after.desk.beat()

    assert [each["title"] for each in desk.told] == ["USD CPI in 10 min"]
    assert after.told == []


def test_a_target_gets_what_it_is_to_get(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.set(Notices(skip=("desk:flip",)))
    desk.spot(6012.0)
    told = desk.spot(5985.0)
    desk.set(Notices(off=("desk",), cooldown=1))
    desk.clock.advance(61)
    told += desk.spot(6012.0)
    desk.set(Notices(rules=Rules(flip=False)))
    desk.clock.advance(1000)
    told += desk.spot(5985.0)

    assert told == ["SPX below zero gamma 6,000.00", "SPX above zero gamma 6,000.00"]
    assert desk.log() == []


def test_quiet_hours_hold_and_the_morning_brings_a_digest_even_over_a_restart(
    make_desk: MakeDesk,
) -> None:
    quiet = Notices(quiet=Quiet(enabled=True, start="14:00", end="15:00"), cooldown=1)
    desk = make_desk()
    desk.set(quiet)
    desk.spot(6012.0)
    desk.spot(5985.0)
    desk.clock.advance(61)
    desk.spot(6012.0)
    shown = [each["show"] for each in desk.told]
    desk.desk.outbox.close()

    after = make_desk()
    after.set(quiet)
    after.desk.beat()
    held = after.deliver()
    after.clock.advance(1800)
    after.desk.beat()

    assert shown == [False, False]
    assert held == []
    assert after.deliver() == ["2 notices since 14:32"]
    assert [state for _, state in after.log()] == ["gathered", "gathered", "sent"]


def test_the_daily_summary_is_sent_once_a_trading_day(make_desk: MakeDesk) -> None:
    chosen = Notices(summary=Summary(enabled=True, time="14:30"))
    desk = make_desk()
    desk.set(chosen)
    desk.desk.beat()
    early = list(desk.told)
    desk.clock.advance(61)
    for _ in range(3):
        desk.desk.beat()
    desk.desk.outbox.close()
    after = make_desk()
    after.set(chosen)
    after.clock.advance(61)
    after.desk.beat()

    assert early == []  # sources come first
    assert [each["rule"] for each in desk.told] == ["summary"]
    assert after.deliver() == ["Daily summary, Wed 16 Dec 2026, 14:33 New York"]
    after.clock.advance(86400)
    after.desk.beat()
    assert after.deliver() == ["Daily summary, Thu 17 Dec 2026, 14:34 New York"]


def test_a_demo_sends_nothing_but_tests_unless_that_was_asked_for(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk(demo=True, mode="DEMO")
    desk.spot(6012.0)
    desk.spot(5985.0)
    tested, log = desk.desk.test("desk"), desk.log()
    desk.desk.outbox.close()
    asked = make_desk(demo=True, mode="DEMO", in_demo=True)
    asked.spot(6012.0)
    asked.spot(5985.0)

    assert tested["ok"] is True
    assert log == [("Test of Grok Sauce", "sent")]
    assert asked.deliver() == ["DEMO: SPX below zero gamma 6,000.00"]


def test_while_the_disk_refuses_pages_are_told_and_nothing_is_lost(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    desk.spot(6012.0)
    use = desk.desk.outbox.use

    def full(work: Any) -> Any:
        raise StorageError("disk is full")

    monkeypatch.setattr(desk.desk.outbox, "use", full)
    with pytest.raises(StorageError):
        desk.spot(5985.0)
    told = [each["title"] for each in desk.told]
    monkeypatch.setattr(desk.desk.outbox, "use", use)
    desk.desk.beat()

    assert told == ["SPX below zero gamma 6,000.00"]
    assert desk.deliver() == ["SPX below zero gamma 6,000.00"]


def test_the_test_button_says_what_went_wrong_and_the_log_keeps_no_secret(
    make_desk: MakeDesk, hook: Hook, tmp_path: Path
) -> None:
    desk = make_desk()
    hook.answers = [404]

    failed, passed = desk.desk.test("desk"), desk.desk.test("desk")
    page = desk.desk.test("browser")

    assert (failed["ok"], "404" in failed["text"]) == (False, True)
    assert passed["ok"] is True
    assert page["ok"] is True
    assert desk.told[-1]["rule"] == "test"
    assert SECRET not in json.dumps(notice_report.report(desk.desk))
    with sqlite3.connect(tmp_path / "notices.db") as file:
        assert SECRET not in "\n".join(file.iterdump())
    with pytest.raises(SettingsError):
        desk.desk.test("nobody")
    with pytest.raises(SettingsError):
        desk.desk.test("desk", "poem")


def test_targets_that_are_missing_or_wrong_say_so(make_desk: MakeDesk) -> None:
    desk = make_desk(targets="nonsense")

    targets = notice_report.report(desk.desk)["targets"]

    assert [(each["name"], each["state"]) for each in targets] == [
        ("browser", "ready"), ("email", "unset"), ("chat", "broken"),
    ]  # fmt: skip
    assert targets[2]["problem"].startswith("NOTICE_TARGETS must be name=address pairs")


def test_the_report_tells_of_each_target(make_desk: MakeDesk, hook: Hook) -> None:
    desk = make_desk()
    hook.answers = [403]
    desk.spot(6012.0)
    desk.spot(5985.0)
    desk.deliver()

    report = notice_report.report(desk.desk)
    target = next(each for each in report["targets"] if each["name"] == "desk")

    assert (target["state"], target["waiting"], target["on"]) == ("refused", 1, True)
    assert report["notices"][0]["title"] == "SPX below zero gamma 6,000.00"
    assert report["quiet"] is False


def signal_payload(number: int, expires: float) -> dict[str, Any]:
    return {
        "id": f"gex_recoil-NQH7-{number}", "symbol": "MNQH7", "quantity": 1, "price": 21246.25,
        "stop_loss": 21231.0, "take_profit": 21271.25,
        "expires_at": datetime.fromtimestamp(expires, UTC).isoformat(),
        "metadata": {"gex_level": 21252.5, "gex_level_type": "put_wall", "risk_points": 15.25},
    }  # fmt: skip


def test_each_signal_of_one_beat_is_told_once_and_an_expired_one_not(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk()
    now = desk.clock.market()

    for number, left in ((1, 600), (2, 600), (3, -1)):
        desk.hear("trade.signal", "", signal_payload(number, now + left))
    desk.hear("trade.signal", "", signal_payload(1, now + 600))
    desk.desk.beat()
    desk.hear("trade.signal", "", signal_payload(2, now + 600))
    desk.desk.beat()

    told = desk.told[-1]["recent"]
    assert [each["title"] for each in told] == ["Signal: buy 1 MNQH7 at 21,246.25"] * 2
    assert "stop 21,231.00" in told[0]["text"].lower()
    assert told[0]["link"] == "/signals"


def test_a_signal_is_not_told_where_its_rule_is_off(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.set(Notices(rules=Rules(signal=False)))

    desk.hear("trade.signal", "", signal_payload(1, desk.clock.market() + 600))
    desk.desk.beat()

    assert desk.told == []
