"""Guards: hours and news in New York time, the pause for a day."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from grok_sauce.alerts.guards import Guards, next_time
from grok_sauce.alerts.routing import Route, RoutingTree, StrategyView
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.errors import SourceError
from grok_sauce.runtime.clock import ManualClock

NEW_YORK = ZoneInfo("America/New_York")


def new_york(text: str, fold: int = 0) -> int:
    """Wall-clock ms of a local time "2026-12-16 09:30"."""
    local = datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold)
    return round(local.timestamp() * 1000)


class Forest:
    """A routing tree as guards read it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.tree = RoutingTree(document)

    def routes(self) -> list[Route]:
        return self.tree.routes()

    def strategy(self, name: str) -> StrategyView | None:
        return next((each for each in self.tree.strategies() if each.name == name), None)

    def route(self, ticker: str = "ES") -> Route:
        found = self.tree.lookup(ticker)
        assert found is not None
        return found


class Scene:
    """Guards over one tree, at one time."""

    def __init__(self, at: str | int, calendar: Any = None, **options: Any) -> None:
        ms = new_york(at) if isinstance(at, str) else at
        self.clock = ManualClock(market=0.0, real=ms / 1000)
        entry = {"ports": [9060], **options}
        about = {"mode": "live", "tickers": {"ES": entry}}
        self.forest = Forest({"strategies": {"A": about, "B": {**about, "mode": "dry"}}})
        self.guards = Guards(self.forest, SteadyTime(self.clock), calendar)

    def blocks(self, *names: str) -> str | None:
        return self.guards.blocks_open(self.forest.route(), names or ("A",), "ES")


class TestHours:
    @pytest.mark.parametrize(
        "at, blocked",
        [
            ("2026-12-16 09:29:59.999", False),
            ("2026-12-16 09:30", True),
            ("2026-12-16 09:34:59.999", True),
            ("2026-12-16 09:35", False),
            ("2026-12-16 15:59", True),
            ("2026-12-16 22:59", False),
            ("2026-12-16 23:00", True),
            ("2026-12-17 00:00", True),
            ("2026-12-17 00:59", True),
            ("2026-12-17 01:00", False),
        ],
    )
    def test_opens_are_blocked_inside_each_span_also_across_midnight(
        self, at: str, blocked: bool
    ) -> None:
        spans = ["09:30-09:35", "15:55-16:05", "23:00-01:00"]

        scene = Scene(at, no_open_between=spans)

        assert scene.blocks() == ("blocked_hours" if blocked else None)

    @pytest.mark.parametrize(
        "at", ["2026-03-06 09:32", "2026-03-09 09:32", "2026-10-30 09:32", "2026-11-02 09:32"]
    )
    def test_hours_are_new_yorks_before_and_after_the_clocks_change(self, at: str) -> None:
        assert Scene(at, no_open_between=["09:30-09:35"]).blocks() == "blocked_hours"

    @pytest.mark.parametrize("fold", [0, 1])
    def test_an_hour_the_clocks_show_twice_is_blocked_twice(self, fold: int) -> None:
        ms = new_york("2026-11-01 01:30", fold)

        assert Scene(ms, no_open_between=["01:00-02:00"]).blocks() == "blocked_hours"

    def test_no_spans_block_nothing(self) -> None:
        assert Scene("2026-12-16 09:30").blocks() is None

    def test_the_page_is_told(self) -> None:
        scene = Scene("2026-12-16 09:30", no_open_between=["09:30-09:35"])

        assert scene.guards.active() == ["opens of ES are blocked 09:30-09:35 New York"]

    def test_tickers_that_share_hours_share_a_sentence(self) -> None:
        scene = Scene("2026-12-16 09:30")
        entry = {"ports": [9060], "no_open_between": ["09:30-09:35"]}
        tickers = {f"T{number}": entry for number in range(7)}
        scene.forest.tree = RoutingTree({"strategies": {"A": {"tickers": tickers}}})

        assert scene.guards.active() == [
            "opens of T0, T1, T2, T3, T4 and 2 more are blocked 09:30-09:35 New York"
        ]


def out_of_order() -> None:
    raise SourceError("calendar: down")


class TestNews:
    EVENT = new_york("2026-12-16 08:30")

    @pytest.mark.parametrize(
        "at, blocked",
        [
            ("2026-12-16 08:24:59.999", False),
            ("2026-12-16 08:25", True),
            ("2026-12-16 08:30", True),
            ("2026-12-16 08:35", True),
            ("2026-12-16 08:35:00.001", False),
        ],
    )
    def test_opens_are_blocked_before_and_after(self, at: str, blocked: bool) -> None:
        scene = Scene(at, lambda: [(self.EVENT, "CPI")], no_open_news_min=5)

        assert scene.blocks() == ("blocked_news" if blocked else None)

    @pytest.mark.parametrize(
        "calendar", [None, lambda: None, out_of_order], ids=["no calendar", "unknown", "failing"]
    )
    def test_an_unknown_calendar_blocks_nothing_and_says_so(self, calendar: Any) -> None:
        scene = Scene("2026-12-16 08:30", calendar, no_open_news_min=5)

        assert scene.blocks() is None
        assert scene.guards.active() == ["news guard inactive: calendar unknown"]

    def test_a_guard_nobody_asked_for_says_nothing(self) -> None:
        scene = Scene("2026-12-16 08:30", lambda: [(self.EVENT, "CPI")])

        assert scene.blocks() is None
        assert scene.guards.active() == []

    def test_the_page_is_told_of_the_nearest(self) -> None:
        events = [(self.EVENT + 600_000, "Fed"), (self.EVENT, "CPI")]
        scene = Scene("2026-12-16 08:31", lambda: events, no_open_news_min=15)

        assert scene.guards.active() == [
            "opens of ES are blocked 15 min around CPI at 08:30 New York"
        ]


class TestPause:
    def test_a_paused_strategy_goes_on_by_itself(self) -> None:
        scene = Scene("2026-12-16 14:00")

        kept = scene.guards.pause("A")
        during = scene.blocks()
        scene.clock.advance(4 * 3600 - 0.5)
        to_the_end = scene.blocks()
        scene.clock.advance(1)

        assert kept == ("daily_pause:A", str(new_york("2026-12-16 18:00")))
        assert (during, to_the_end, scene.blocks()) == ("paused_today", "paused_today", None)

    def test_a_pause_survives_a_restart(self) -> None:
        before, after = Scene("2026-12-16 14:00"), Scene("2026-12-16 14:05")
        kept = before.guards.pause("A")

        after.guards.load(dict([kept]))

        assert after.guards.paused_today("A")
        assert after.guards.active() == ["A is paused until 18:00 New York"]

    def test_a_switch_that_cannot_be_read_pauses_nothing(self) -> None:
        scene = Scene("2026-12-16 14:00")

        scene.guards.load({"daily_pause:A": "soon", "paused": "1"})

        assert scene.blocks() is None

    def test_a_pause_can_be_ended(self) -> None:
        scene = Scene("2026-12-16 14:00")
        scene.guards.pause("A")

        assert scene.guards.end_pause("A") == ("daily_pause:A", None)
        assert scene.blocks() is None

    def test_a_renamed_strategy_stays_paused(self) -> None:
        scene = Scene("2026-12-16 14:00")
        _, until = scene.guards.pause("A")

        kept = scene.guards.rename("A", "C")

        assert kept == [("daily_pause:A", None), ("daily_pause:C", until)]
        assert [scene.guards.paused_today(name) for name in "AC"] == [False, True]

    def test_a_target_of_two_strategies_is_open_while_one_live_one_is(self) -> None:
        scene = Scene("2026-12-16 14:00")

        scene.guards.pause("B")
        only_dry = scene.blocks("A", "B")
        scene.guards.pause("A")
        both = scene.blocks("A", "B")

        assert (only_dry, both) == (None, "paused_today")

    def test_a_dry_strategy_does_not_keep_a_paused_live_ones_opens_going(self) -> None:
        scene = Scene("2026-12-16 14:00")

        scene.guards.pause("A")

        assert scene.blocks("A", "B") == "paused_today"

    @pytest.mark.parametrize(
        "now, clock, expected",
        [
            ("2026-12-16 17:59", "18:00", "2026-12-16 18:00"),
            ("2026-12-16 18:00", "18:00", "2026-12-17 18:00"),
            ("2026-12-31 19:00", "18:00", "2027-01-01 18:00"),
            ("2026-03-07 19:00", "18:00", "2026-03-08 18:00"),
            ("2026-10-31 19:00", "18:00", "2026-11-01 18:00"),
            ("2026-03-08 01:00", "02:30", "2026-03-08 03:30"),
            ("2026-11-01 00:30", "01:30", "2026-11-01 01:30"),
        ],
    )
    def test_the_next_time_of_day_is_new_yorks(self, now: str, clock: str, expected: str) -> None:
        assert next_time(clock, new_york(now)) == new_york(expected)

    def test_in_the_hour_shown_twice_a_time_does_not_come_twice(self) -> None:
        now = new_york("2026-11-01 01:30", fold=0) + 1

        assert next_time("01:30", now) == new_york("2026-11-02 01:30")

    def test_each_strategy_has_its_own_time(self) -> None:
        scene = Scene("2026-12-16 14:00")
        scene.forest.tree = RoutingTree(
            {"strategies": {"A": {"resume_at": "16:15"}}, "routing": {"resume_at": "17:00"}}
        )

        assert scene.guards.resume_ms("A") == new_york("2026-12-16 16:15")
        assert scene.guards.resume_ms("gone") == new_york("2026-12-16 18:00")
