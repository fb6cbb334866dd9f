"""The calendar worker against a site that answers as told."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.errors import SourceError
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.market.calendar_week import week_of
from grok_sauce.market.sessions import instant, new_york
from grok_sauce.pollers import POLLERS
from grok_sauce.pollers.calendar import CalendarPoller, CalendarSettings
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings.document import ForexFactory

HOUR = 3600.0
WEDNESDAY = date(2026, 12, 16)
Run = Callable[[Any, ManualClock, float], None]


class WeekDesk:
    """A poller with its site; the site serves the week of its clock, CPI on Wednesday."""

    def __init__(self, site: Any, clock: ManualClock, folder: Path | None) -> None:
        self.site, self.clock, self.folder = site, clock, folder
        self.options = ForexFactory(enabled=True)
        self.batches: list[Batch] = []
        self.times: list[str] = []
        self.json: tuple[int, bytes] | None = None
        self.xml: tuple[int, bytes] = (404, b"")
        site.body = self._asked

    def week(self) -> bytes:
        day = week_of(new_york(self.clock.market()).date()) + timedelta(days=3)
        at = new_york(instant(day, 10)).isoformat()
        row = {"title": "CPI m/m", "country": "USD", "date": at, "impact": "High",
               "forecast": "0.3%", "previous": "0.2%"}  # fmt: skip
        return json.dumps([row]).encode()

    def _asked(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        if path.endswith(".xml"):
            return self.xml
        self.times.append(f"{new_york(self.clock.market()):%a %H:%M}")
        return self.json or (200, self.week())

    def poller(self) -> CalendarPoller:
        return CalendarPoller(
            CalendarSettings(base=self.site.url), Http(self.clock, connect=2.0, read=2.0),
            self.clock, self.batches.append, self.folder, None, lambda: self.options,
        )  # fmt: skip


class Ticking(ManualClock):
    """A clock that never shows the same time twice, like the real one."""

    def market(self) -> float:
        self.set_market(super().market() + 1e-3)
        return super().market()


@pytest.fixture
def desk(site: Any, tmp_path: Path) -> WeekDesk:
    start = instant(WEDNESDAY, 5)
    return WeekDesk(site, ManualClock(start, start), tmp_path)


def test_the_poller_is_in_the_table() -> None:
    assert POLLERS["forex_factory"] == CalendarPoller.__module__


def test_a_clock_that_runs_on_while_it_is_read_keeps_nothing_from_being_due(
    desk: WeekDesk, let_run: Run
) -> None:
    desk.clock = Ticking(desk.clock.market(), desk.clock.real())

    let_run(desk.poller(), desk.clock, 30)

    assert len(desk.batches) == 1


def test_it_is_off_unless_switched_on(desk: WeekDesk, let_run: Run) -> None:
    desk.options = ForexFactory()
    poller = desk.poller()

    let_run(poller, desk.clock, HOUR)

    assert (desk.times, poller.status.state) == ([], "off")
    assert poller.status.detail == "switched off in Setup"


def test_it_fetches_at_the_start_and_at_six_in_chicago(desk: WeekDesk, let_run: Run) -> None:
    poller = desk.poller()

    let_run(poller, desk.clock, 30 * HOUR)

    assert desk.times == ["Wed 05:00", "Wed 07:00", "Thu 07:00"]
    (week,) = desk.batches[0].columns[0]
    assert (desk.batches[0].kind, desk.batches[0].symbols) == ("CalendarWeek", ["ForexFactory"])
    assert [event.title for event in week.events] == ["CPI m/m"]
    assert poller.status.detail == "week of 2026-12-13, fetched 3h ago"
    assert all(h["User-Agent"].startswith("Mozilla/5.0") for _, _, h in desk.site.asked)


def test_a_restart_uses_a_copy_younger_than_an_hour(desk: WeekDesk, let_run: Run) -> None:
    let_run(desk.poller(), desk.clock, 5)
    desk.batches.clear()
    desk.clock.advance(3000)

    let_run(desk.poller(), desk.clock, 5)
    young = list(desk.times), len(desk.batches)
    desk.clock.advance(3600)
    let_run(desk.poller(), desk.clock, 5)

    assert young == (["Wed 05:00"], 1)
    assert len(desk.times) == 2


def test_refresh_asks_every_five_minutes_around_the_release(desk: WeekDesk, let_run: Run) -> None:
    desk.options = ForexFactory(enabled=True, refresh=True)

    let_run(desk.poller(), desk.clock, 7 * HOUR)

    assert desk.times[:4] == ["Wed 05:00", "Wed 07:00", "Wed 09:00", "Wed 09:05"]
    assert desk.times[-1] in ("Wed 10:25", "Wed 10:30")
    assert len(desk.times) in (20, 21)


def test_the_week_turns_on_sunday(desk: WeekDesk, let_run: Run) -> None:
    desk.clock.set_market(instant(date(2026, 12, 19), 22))

    let_run(desk.poller(), desk.clock, 4 * HOUR)

    assert desk.times == ["Sat 22:00", "Sun 00:30"]
    starts = [batch.columns[0][0].start for batch in desk.batches]
    assert starts == [date(2026, 12, 13), date(2026, 12, 20)]


def test_429_is_waited_for_longer_each_time_and_the_copy_stays(
    desk: WeekDesk, let_run: Run
) -> None:
    poller = desk.poller()
    let_run(poller, desk.clock, 5)
    desk.json = 429, b"<html>"
    desk.clock.advance(2 * HOUR)

    let_run(poller, desk.clock, HOUR)
    state, detail = poller.status.state, poller.status.detail
    desk.json = None
    let_run(poller, desk.clock, HOUR)

    assert desk.times == ["Wed 05:00", "Wed 07:00", "Wed 07:05", "Wed 07:15", "Wed 07:35",
                          "Wed 08:15"]  # fmt: skip
    assert state == "live"
    assert detail == "week of 2026-12-13, fetched 3h ago; asked too often (429)"
    assert poller.status.detail.endswith("ago")
    assert len(desk.batches) == 2


def test_without_a_copy_429_is_stale_and_says_why(desk: WeekDesk, let_run: Run) -> None:
    desk.json = 429, b""
    poller = desk.poller()

    let_run(poller, desk.clock, 400)

    assert desk.times == ["Wed 05:00", "Wed 05:05"]
    assert (poller.status.state, poller.status.detail) == ("stale", "asked too often (429)")


def test_an_answer_of_no_use_is_asked_for_again_in_a_quarter_of_an_hour(
    desk: WeekDesk, let_run: Run
) -> None:
    desk.json = 200, b"<html>denied</html>"

    let_run(desk.poller(), desk.clock, 2000)

    assert desk.times == ["Wed 05:00", "Wed 05:15", "Wed 05:30"]


def test_retry_after_is_kept(desk: WeekDesk, let_run: Run) -> None:
    desk.json = 429, b""
    desk.site.headers = {"Retry-After": "9000"}
    poller = desk.poller()
    let_run(poller, desk.clock, 5)
    start = instant(WEDNESDAY, 5)

    assert poller.status.next_try == pytest.approx(start + 9000, abs=10)


def test_the_xml_stands_in_where_the_json_is_of_no_use(desk: WeekDesk, let_run: Run) -> None:
    desk.json = 200, b"<html>denied</html>"
    desk.xml = (
        200,
        (
            b'<?xml version="1.0" encoding="windows-1252"?><weeklyevents><event>'
            b"<title>CPI m/m</title><country>USD</country><date>12-16-2026</date>"
            b"<time>3:00pm</time><impact>High</impact><forecast>0.3%</forecast>"
            b"<previous>0.2%</previous></event></weeklyevents>"
        ),
    )
    poller = desk.poller()

    let_run(poller, desk.clock, 5)

    (week,) = desk.batches[0].columns[0]
    assert week.events[0].at == instant(WEDNESDAY, 10)
    assert poller.status.state == "live"


def test_an_outage_is_told_at_its_edges_and_the_copy_is_served_with_its_age(
    desk: WeekDesk, let_run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    let_run(desk.poller(), desk.clock, 5)
    desk.batches.clear()
    desk.clock.advance(5 * HOUR)
    desk.json = 502, b""
    poller = desk.poller()

    with caplog.at_level(logging.INFO):
        for _ in range(3):
            with pytest.raises(SourceError):
                let_run(poller, desk.clock, 5)
            desk.clock.advance(200)
        state, detail = poller.status.state, poller.status.detail
        desk.json = None
        let_run(poller, desk.clock, 5)

    told = [r.getMessage() for r in caplog.records if r.name.startswith("grok_sauce.pollers")]
    assert [text.split(":")[1].strip() for text in told] == ["lost", "back"]
    assert (state, detail) == ("backoff", "week of 2026-12-13, fetched 5h ago; no answer")
    assert desk.batches[0].columns[0][0].fetched < desk.clock.market() - HOUR
    assert poller.status.state == "live"


def test_switching_off_takes_the_week_away(desk: WeekDesk, let_run: Run) -> None:
    poller = desk.poller()
    let_run(poller, desk.clock, 5)
    desk.options = ForexFactory()

    let_run(poller, desk.clock, 5)

    assert desk.batches[-1].columns == ([None],)


def test_a_time_that_moved_is_remembered_from_the_first_file_on(
    desk: WeekDesk, let_run: Run
) -> None:
    desk.options = ForexFactory(enabled=True, refresh=True)
    poller = desk.poller()
    let_run(poller, desk.clock, HOUR)
    rows = json.loads(desk.week())
    rows[0]["date"] = new_york(instant(WEDNESDAY, 10, 30)).isoformat()
    desk.json = (200, json.dumps(rows).encode())

    let_run(poller, desk.clock, 26 * HOUR)

    newest = desk.batches[-1].columns[0][0]
    assert newest.events[0].at == instant(WEDNESDAY, 10, 30)
    assert newest.events[0].first_at == instant(WEDNESDAY, 10)
