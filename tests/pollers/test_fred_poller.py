"""The FRED worker against a site that answers as told: calendar, revisions, limits, key."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.errors import SourceError, SourceRefused
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.market.measures import MEASURES
from grok_sauce.market.releases import Release, Revision
from grok_sauce.market.sessions import instant, new_york
from grok_sauce.pollers import POLLERS
from grok_sauce.pollers.fred import FredPoller, FredSettings
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings.document import Fred

KEY = "0123456789abcdef0123456789abcdef"
FRIDAY = date(2026, 12, 4)
AT = instant(FRIDAY, 8, 30)
HOUR = 3600.0
Run = Callable[[Any, ManualClock, float], None]


class FredDesk:
    """A poller of payrolls and unemployment with its site; values come when a test says."""

    def __init__(self, site: Any, folder: Path) -> None:
        self.site, self.folder = site, folder
        self.clock = ManualClock(AT - HOUR, AT - HOUR)
        self.options = Fred()
        self.batches: list[Batch] = []
        self.rows = {"PAYEMS": [("2026-10-01", "105")], "UNRATE": [("2026-10-01", "4.1")]}
        self.updated = AT - 28 * 86400
        self.times: list[tuple[str, str]] = []
        self.reply: tuple[int, bytes] | None = None
        self.release = 50
        self.days = ["2026-11-06", "2026-12-04", "2027-01-08"]
        site.body = self._asked

    def _asked(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        assert query["file_type"] == "json"
        assert query["api_key"] == KEY
        series = query.get("series_id", "")
        kind = path.rpartition("/")[2]
        if kind == "observations":
            self.times.append((series, f"{new_york(self.clock.market()):%d %H:%M}"))
        if self.reply is not None:
            return self.reply
        if kind == "release":
            found: dict[str, Any] = {"releases": [{"id": self.release, "name": "Employment"}]}
        elif kind == "dates":
            found = {"release_dates": [{"date": day} for day in self.days]}
        else:
            stamp = datetime.fromtimestamp(self.updated, UTC)
            self.site.headers = {"Last-Modified": format_datetime(stamp, usegmt=True)}
            rows = [{"date": day, "value": value} for day, value in self.rows[series]]
            found = {"units": query["units"], "observations": rows}
        return 200, json.dumps(found).encode()

    def poller(self, **settings: Any) -> FredPoller:
        chosen = {key: MEASURES[key] for key in ("PAYEMS:chg", "UNRATE:lin")}
        return FredPoller(
            FredSettings(**{"key": KEY, "base": self.site.url, **settings}),
            Http(self.clock, connect=2.0, read=2.0), self.clock, self.batches.append,
            self.folder, None, lambda: self.options, chosen,
        )  # fmt: skip

    @property
    def held(self) -> dict[str, Release]:
        return {
            key: value
            for batch in self.batches
            for key, value in zip(batch.symbols, batch.columns[0], strict=True)
        }

    def asked(self, series: str) -> list[str]:
        return [when for name, when in self.times if name == series]


class Ticking(ManualClock):
    """A clock that never shows the same time twice, like the real one."""

    def market(self) -> float:
        self.set_market(super().market() + 1e-3)
        return super().market()


@pytest.fixture
def desk(site: Any, tmp_path: Path) -> FredDesk:
    return FredDesk(site, tmp_path)


def test_the_poller_is_in_the_table() -> None:
    assert POLLERS["fred"] == FredPoller.__module__


def test_it_learns_values_then_releases_then_their_days(desk: FredDesk, let_run: Run) -> None:
    poller = desk.poller()

    let_run(poller, desk.clock, 30)

    assert [path.removeprefix("/fred/") for path in desk.site.paths] == [
        "series/observations", "series/observations", "series/release", "series/release",
        "release/dates",
    ]  # fmt: skip
    found = desk.held["PAYEMS:chg"]
    assert found.latest is not None
    assert (found.latest.value, found.release) == (105_000.0, 50)
    assert found.dates == (date(2026, 12, 4), date(2027, 1, 8))
    assert found.updated == AT - 28 * 86400
    assert found.next_at(desk.clock.market()) == AT
    assert (poller.status.state, poller.status.facts) == ("live", {"series": 2, "known": 2})


def test_a_clock_that_runs_on_while_it_is_read_keeps_nothing_from_being_due(
    desk: FredDesk, let_run: Run
) -> None:
    desk.clock = Ticking(AT - HOUR, AT - HOUR)

    let_run(desk.poller(), desk.clock, 30)

    assert set(desk.held) == {"PAYEMS:chg", "UNRATE:lin"}


def test_a_release_is_asked_for_by_the_minute_until_it_has_come(
    desk: FredDesk, let_run: Run
) -> None:
    poller = desk.poller()
    let_run(poller, desk.clock, HOUR + 150)
    desk.updated = AT + 120
    desk.rows["PAYEMS"].insert(0, ("2026-11-01", "77"))

    let_run(poller, desk.clock, 3 * HOUR)

    assert desk.asked("PAYEMS")[1:] == ["04 08:30", "04 08:31", "04 08:32", "04 08:33"]
    found = desk.held["PAYEMS:chg"]
    assert found.latest is not None
    assert (found.latest.period, found.latest.value) == (date(2026, 11, 1), 77_000.0)
    assert found.previous is not None
    assert found.previous.value == 105_000.0


def test_a_revision_is_noted_with_what_it_was_first(desk: FredDesk, let_run: Run) -> None:
    poller = desk.poller()
    let_run(poller, desk.clock, 30)
    for value in ("98", "96"):
        desk.rows["PAYEMS"] = [("2026-10-01", value)]
        desk.clock.advance(13 * HOUR)
        let_run(poller, desk.clock, 30)

    expected = (Revision(date(2026, 10, 1), 105_000.0, 96_000.0),)
    assert desk.held["PAYEMS:chg"].revisions == expected
    desk.batches.clear()
    let_run(desk.poller(), desk.clock, 5)
    assert desk.held["PAYEMS:chg"].revisions == expected


def test_a_restart_begins_with_what_was_kept(desk: FredDesk, let_run: Run) -> None:
    let_run(desk.poller(), desk.clock, 30)
    desk.batches.clear()
    desk.times.clear()
    restarted = desk.poller()

    let_run(restarted, desk.clock, 30)

    assert desk.times == []
    assert set(desk.held) == {"PAYEMS:chg", "UNRATE:lin"}
    assert desk.held["UNRATE:lin"].fetched < AT - HOUR + 30
    assert restarted.status.state == "live"


def test_freds_word_on_a_release_wins_over_the_table(
    desk: FredDesk, let_run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    desk.release = 51

    let_run(desk.poller(), desk.clock, 30)

    assert desk.held["PAYEMS:chg"].release == 51
    assert "PAYEMS belongs to release 51, not 50" in caplog.text


def test_requests_are_spread_and_429_is_waited_for(desk: FredDesk, let_run: Run) -> None:
    desk.reply = 429, b'{"error_code":429,"error_message":"Too Many Requests."}'
    poller = desk.poller()

    let_run(poller, desk.clock, 130)

    stamps = [when for _, when in desk.times]
    assert len(stamps) == 3  # after 20 s, then 40 s
    assert poller.status.state == "stale"
    assert poller.status.detail == "0 of 2 series; FRED: asked too often (429)"


def test_a_refused_key_stops_the_worker_and_is_not_repeated(
    desk: FredDesk, let_run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    said = f"Bad Request.  The value for variable api_key is not registered: {KEY}"
    desk.reply = 400, json.dumps({"error_code": 400, "error_message": said}).encode()
    poller = desk.poller()

    with caplog.at_level(logging.DEBUG), pytest.raises(SourceRefused) as caught:
        let_run(poller, desk.clock, 5)

    assert poller.status.state == "auth_failed"
    told = [r for r in caplog.records if r.name.startswith("grok_sauce")]
    assert KEY not in f"{caught.value}{poller.status}{told}"


def test_an_outage_is_told_at_its_edges_without_the_key(
    desk: FredDesk, let_run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    poller = desk.poller()
    let_run(poller, desk.clock, 30)
    desk.reply = 500, b"<html>"
    desk.clock.advance(13 * HOUR)

    with caplog.at_level(logging.INFO):
        for _ in range(3):
            with pytest.raises(SourceError):
                let_run(poller, desk.clock, 5)
        state, detail = poller.status.state, poller.status.detail
        desk.reply = None
        let_run(poller, desk.clock, 5)

    told = [r.getMessage() for r in caplog.records if r.name.startswith("grok_sauce.pollers")]
    assert [text.split(":")[1].strip() for text in told] == ["lost", "back"]
    assert (state, detail) == ("backoff", "2 of 2 series; asked within 13h; no answer")
    assert KEY not in f"{told}{poller.status}"
    assert poller.status.state == "live"


def test_one_series_of_no_use_leaves_the_others(desk: FredDesk, let_run: Run) -> None:
    desk.rows["PAYEMS"] = [("2026-10-01", "n/a")]
    poller = desk.poller()

    let_run(poller, desk.clock, 30)

    assert set(desk.held) == {"UNRATE:lin"}
    assert poller.status.state == "live"
    assert "PAYEMS:chg: FRED: observations[0].value must be" in poller.status.detail


def test_nothing_is_asked_without_a_key_or_when_switched_off(desk: FredDesk, let_run: Run) -> None:
    without = desk.poller(key="")
    let_run(without, desk.clock, 60)
    desk.options = Fred(enabled=False)
    off = desk.poller()
    let_run(off, desk.clock, 60)

    assert desk.site.asked == []
    assert without.status.detail == "no key, add FRED_API_KEY to .env"
    assert (off.status.state, off.status.detail) == ("off", "switched off in Setup")


def test_switching_off_takes_the_releases_away(desk: FredDesk, let_run: Run) -> None:
    poller = desk.poller()
    let_run(poller, desk.clock, 30)
    desk.options = Fred(enabled=False)

    let_run(poller, desk.clock, 5)

    assert desk.held == {"PAYEMS:chg": None, "UNRATE:lin": None}
