"""The EA exchange: news as minutes of silence, hours in Chicago, trades kept before the answer."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.desks.forex import CALENDAR, TOPIC, ForexDesk
from grok_sauce.desks.forex_blackout import blackout
from grok_sauce.errors import SettingsError
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings import Settings, validate
from grok_sauce.settings.forex import Forex, in_hours
from grok_sauce.storage.database import StorageError
from grok_sauce.update import Update

CPI = datetime(2026, 12, 16, 13, 30, tzinfo=UTC).timestamp()
TRADE = {
    "ticket": 7, "symbol": "EURUSD", "type": "buy", "entry": 1.0853, "sl": 1.0833, "tp": None,
    "status": "open", "time": 1_797_449_500_000,
}  # fmt: skip


def event(at: float | None, title: str = "CPI m/m", **values: Any) -> dict[str, Any]:
    time = None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
    row = {"title": title, "currency": "USD", "impact": "high", "time": time, "day": "2026-12-16"}
    return {**row, **values}


def calendar(*events: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {
        "source": "Forex Factory", "on": True, "problem": None, "stale": False,
        "fetched_at": "2026-12-16T12:00:00Z", "events": list(events),
        "week": {"from": "2026-12-13", "to": "2026-12-19"}, **values,
    }  # fmt: skip


class TestBlackout:
    @pytest.mark.parametrize(
        ("seconds", "active"),
        [(-121, False), (-120, True), (0, True), (120, True), (121, False)],
    )
    def test_two_minutes_around_a_release_nothing_is_opened(
        self, seconds: int, active: bool
    ) -> None:
        found = blackout(calendar(event(CPI)), CPI + seconds, 2, 2)

        assert found["active"] is active
        assert found["until"] == ("2026-12-16T13:32:00Z" if active else None)

    def test_the_next_window_is_told_with_its_ends(self) -> None:
        found = blackout(calendar(event(CPI)), CPI - 3600, 5, 10)

        assert found["next"] == {
            "title": "CPI m/m", "currency": "USD", "impact": "high",
            "time": "2026-12-16T13:30:00+00:00",
            "starts": "2026-12-16T13:25:00Z", "ends": "2026-12-16T13:40:00Z",
        }  # fmt: skip
        assert found["reason"] is None

    @pytest.mark.parametrize(
        ("payload", "words"),
        [
            (None, "not answered"),
            (calendar(on=False, problem="Forex Factory is off"), "Forex Factory is off"),
            (calendar(on=False), "off"),
            (calendar(week=None), "not arrived"),
            (calendar(event(CPI + 9000), stale=True), "26 hours"),
            (calendar(stale=True, problem="The newest file is of another week."), "another week"),
        ],
        ids=["none yet", "off", "off unsaid", "no file", "old", "another week"],
    )
    def test_a_calendar_that_cannot_say_is_no_permission(
        self, payload: dict[str, Any] | None, words: str
    ) -> None:
        found = blackout(payload, CPI, 2, 2)

        assert found["active"] is None
        assert words in found["reason"]

    def test_a_window_of_an_old_file_still_keeps_from_trading(self) -> None:
        found = blackout(calendar(event(CPI), stale=True), CPI, 2, 2)

        assert found["active"] is True
        assert found["reason"] is not None

    def test_windows_that_touch_end_together(self) -> None:
        chain = calendar(event(CPI), event(CPI + 180, "Fed"), event(CPI + 1000, "Later"))

        found = blackout(chain, CPI, 2, 2)

        assert found["until"] == "2026-12-16T13:35:00Z"
        assert [each["title"] for each in found["now"]] == ["CPI m/m"]
        assert found["next"]["title"] == "Fed"

    def test_only_high_impact_of_the_pair_or_of_everybody_counts(self) -> None:
        week = calendar(
            event(CPI, "medium", impact="medium"),
            event(CPI, "yen", currency="JPY"),
            event(CPI + 600, "OPEC", currency="All"),
            event(CPI + 900, "ECB", currency="EUR"),
        )

        found = blackout(week, CPI, 2, 2, ("EUR", "USD"))

        assert found["active"] is False
        assert [each["title"] for each in found["events"]] == ["OPEC", "ECB"]
        assert found["currencies"] == ["EUR", "USD"]

    def test_an_event_without_a_time_is_named_and_makes_no_window(self) -> None:
        found = blackout(calendar(event(None, "Speech")), CPI, 2, 2)

        assert found["active"] is False
        assert found["unscheduled"] == [{"title": "Speech", "currency": "USD", "day": "2026-12-16"}]

    @given(
        st.lists(st.integers(-3000, 3000), max_size=12),
        st.integers(0, 30),
        st.integers(0, 30),
    )
    def test_active_is_what_the_definition_says(
        self, offsets: list[int], before: int, after: int
    ) -> None:
        found = blackout(calendar(*(event(CPI + offset) for offset in offsets)), CPI, before, after)

        assert found["active"] is any(-after * 60 <= o <= before * 60 for o in offsets)
        assert (found["until"] is not None) is found["active"]
        ahead = [offset for offset in offsets if offset > before * 60]
        assert (found["next"] is None) is (not ahead)
        assert found["next"] is None or found["next"]["time"] == (
            datetime.fromtimestamp(CPI + min(ahead), UTC).isoformat()
        )


class TestSettings:
    def test_the_defaults_are_those_of_the_old_advisor(self) -> None:
        found = Settings().forex

        assert (found.fast_ema, found.slow_ema, found.rsi_period) == (20, 50, 14)
        assert (found.lot_size, found.stop_loss, found.take_profit) == (0.01, 20, 40)
        assert (found.max_daily_loss, found.start_hour, found.end_hour) == (3, 2, 9)
        assert (found.news_before, found.news_after) == (2, 2)

    @pytest.mark.parametrize(
        ("given", "path"),
        [
            ({"fast_ema": 50}, "forex.slow_ema"),
            ({"slow_ema": 20}, "forex.slow_ema"),
            ({"start_hour": 9}, "forex.end_hour"),
            ({"end_hour": 24}, "forex.end_hour"),
            ({"rsi_period": 1}, "forex.rsi_period"),
            ({"rsi_period": 14.5}, "forex.rsi_period"),
            ({"lot_size": 0}, "forex.lot_size"),
            ({"lot_size": True}, "forex.lot_size"),
            ({"stop_loss": "20"}, "forex.stop_loss"),
            ({"take_profit": -1}, "forex.take_profit"),
            ({"max_daily_loss": 101}, "forex.max_daily_loss"),
            ({"news_before": -1}, "forex.news_before"),
            ({"StartHourCST": 2}, "forex.StartHourCST"),
        ],
    )
    def test_a_wrong_number_is_named(self, given: dict[str, Any], path: str) -> None:
        with pytest.raises(SettingsError) as caught:
            validate({"forex": given})

        assert caught.value.field == path

    @given(st.integers(0, 23), st.integers(0, 23))
    def test_every_hour_is_in_one_of_two_turned_windows(self, start: int, end: int) -> None:
        if start == end:
            return
        one = Forex(start_hour=start, end_hour=end)
        other = Forex(start_hour=end, end_hour=start)

        assert all(in_hours(one, hour) is not in_hours(other, hour) for hour in range(24))


class Bench:
    """A desk over a calendar that is put in, in a folder of its own."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.folder = folder
        self.clock = clock
        self.settings = Forex()
        self.snapshot = Snapshot("e1")
        self.desk = self.again()

    def again(self) -> ForexDesk:
        path = self.folder / "forex.db"
        publish = self.snapshot.publish
        return ForexDesk(path, lambda: self.settings, self.snapshot, publish, self.clock)


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path, clock)


class TestDesk:
    def test_reading_makes_no_file(self, bench: Bench) -> None:
        found = bench.desk.trades()

        assert found["trades"] == []
        assert list(bench.folder.iterdir()) == []

    def test_a_trade_is_on_the_disk_before_the_answer_and_every_page_hears(
        self, bench: Bench
    ) -> None:
        answer = bench.desk.take(TRADE)

        kept = bench.again().trades()["trades"]
        assert answer == "stored"
        assert [(each["ticket"], each["tp"], each["time"]) for each in kept] == [
            (7, None, "2026-12-16T19:31:40Z")
        ]
        assert bench.snapshot.get(TOPIC, "")["trades"] == kept

    def test_a_repetition_tells_nobody(self, bench: Bench) -> None:
        bench.desk.take(TRADE)
        before = bench.snapshot.seq(TOPIC)

        answers = [bench.desk.take(TRADE), bench.desk.take({**TRADE, "entry": 2.0})]

        assert answers == ["duplicate", "conflict"]
        assert bench.snapshot.seq(TOPIC) == before

    def test_a_file_that_cannot_be_written_is_told_and_nothing_counts_as_kept(
        self, bench: Bench
    ) -> None:
        (bench.folder / "forex.db").mkdir()

        with pytest.raises(StorageError):
            bench.desk.take(TRADE)
        assert bench.snapshot.get(TOPIC, "") is None

    def test_a_damaged_file_is_set_aside_and_said(
        self, bench: Bench, caplog: pytest.LogCaptureFixture
    ) -> None:
        (bench.folder / "forex.db").write_bytes(b"no database at all" * 400)

        with caplog.at_level(logging.WARNING):
            answer = bench.desk.take(TRADE)

        assert answer == "stored"
        assert "was damaged: kept as forex.db.damaged-" in caplog.text

    @pytest.mark.parametrize(
        ("at", "offset", "inside"),
        [
            (datetime(2026, 12, 16, 8, 30, tzinfo=UTC), -360, True),  # 02:30 CST
            (datetime(2026, 12, 16, 7, 59, tzinfo=UTC), -360, False),  # 01:59 CST
            (datetime(2026, 7, 15, 7, 30, tzinfo=UTC), -300, True),  # 02:30 CDT
            (datetime(2026, 7, 15, 14, 0, tzinfo=UTC), -300, False),  # 09:00 CDT
        ],
    )
    def test_hours_are_chicago_s_with_its_summer_time(
        self, bench: Bench, at: datetime, offset: int, inside: bool
    ) -> None:
        bench.clock.set_market(at.timestamp())

        found = bench.desk.advice()

        assert (found["utc_offset_minutes"], found["in_hours"]) == (offset, inside)

    def test_news_follow_the_settings_and_the_symbol(self, bench: Bench) -> None:
        bench.clock.set_market(CPI - 240)
        payload = calendar(event(CPI), event(CPI, "BoJ", currency="JPY"))
        bench.snapshot.publish([Update(CALENDAR, "", payload)])
        bench.settings = replace(bench.settings, news_before=5)

        dollar, swiss = bench.desk.blackout("EURUSD"), bench.desk.blackout("EURCHF")

        assert [each["title"] for each in dollar["now"]] == ["CPI m/m"]
        assert swiss["active"] is False
