"""The news worker against a site that answers as told: quota, failures, what is kept and said."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.errors import SettingsError, SourceError, SourceRefused
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.pollers import POLLERS
from grok_sauce.pollers.news import NewsPoller, NewsSettings
from grok_sauce.pollers.quota import QuotaUsed
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings.document import News

KEY = "canary-0123456789abcdef"
HOUR = 3600.0


def answer(*titles: str, at: str = "2026-12-15T13:31:05Z") -> bytes:
    rows = [
        {"source": {"id": None, "name": "Wire"}, "author": None, "title": title,
         "description": None, "url": f"https://example.org/{n}", "publishedAt": at}
        for n, title in enumerate(titles)
    ]  # fmt: skip
    return json.dumps({"status": "ok", "totalResults": len(rows), "articles": rows}).encode()


def refusal(code: str, message: str = "No.") -> bytes:
    return json.dumps({"status": "error", "code": code, "message": message}).encode()


class NewsDesk:
    """A poller with its site, its clock and what it handed over."""

    def __init__(self, site: Any, clock: ManualClock, folder: Path | None = None) -> None:
        self.site, self.clock, self.folder = site, clock, folder
        self.batches: list[Batch] = []
        self.options = News()
        self.times: list[float] = []
        self.reply: tuple[int, bytes] = (200, answer("Fed holds"))
        site.body = self._asked

    def _asked(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        self.times.append(self.clock.market())
        return self.reply

    def poller(self, **settings: Any) -> NewsPoller:
        knobs = NewsSettings(**{"key": KEY, "base": self.site.url, **settings})
        http = Http(self.clock, connect=2.0, read=2.0)
        return NewsPoller(
            knobs, http, self.clock, self.batches.append, self.folder, None, lambda: self.options
        )


class Ticking(ManualClock):
    """A clock that never shows the same time twice, like the real one."""

    def market(self) -> float:
        self.set_market(super().market() + 1e-3)
        return super().market()


@pytest.fixture
def desk(site: Any, clock: ManualClock, tmp_path: Path) -> NewsDesk:
    return NewsDesk(site, clock, tmp_path)


Run = Callable[[Any, ManualClock, float], None]


def test_the_poller_is_in_the_table() -> None:
    assert POLLERS["news"] == NewsPoller.__module__


def test_a_clock_that_runs_on_while_it_is_read_keeps_nothing_from_being_due(
    desk: NewsDesk, let_run: Run
) -> None:
    desk.clock = Ticking(desk.clock.market(), desk.clock.real())

    let_run(desk.poller(), desk.clock, 30)

    assert len(desk.batches) == 1


def test_the_key_travels_in_a_header_alone(desk: NewsDesk, let_run: Run) -> None:
    let_run(desk.poller(), desk.clock, 5)

    ((path, query, headers),) = desk.site.asked
    assert path == "/v2/everything"
    assert query == {
        "q": "market OR fed OR inflation OR gdp OR economic",
        "language": "en", "sortBy": "publishedAt", "pageSize": "100",
    }  # fmt: skip
    assert headers["X-Api-Key"] == KEY
    (batch,) = desk.batches
    assert (batch.kind, batch.symbols) == ("Headlines", ["NewsAPI"])
    assert [story.title for story in batch.columns[0][0].stories] == ["Fed holds"]


@pytest.mark.parametrize("interval", [300, 1200, 3600])
def test_half_a_day_of_polls_stays_inside_the_quota(
    desk: NewsDesk, let_run: Run, interval: int
) -> None:
    desk.options = replace(News(), interval=interval)

    let_run(desk.poller(), desk.clock, 13 * HOUR)

    for last in desk.times:
        assert sum(last - 12 * HOUR < at <= last for at in desk.times) <= 36
    assert len(desk.times) == pytest.approx(13 * HOUR / max(interval, 1200), abs=1)


def test_searches_and_polls_together_stay_inside_the_quota(desk: NewsDesk, let_run: Run) -> None:
    poller = desk.poller()
    for n in range(60):
        let_run(poller, desk.clock, 600)
        try:
            poller.search(f"gold {n}")
        except QuotaUsed as full:
            assert full.next_at > desk.clock.market()  # noqa: PT017 some find a free call

    for last in desk.times:
        assert sum(last - 12 * HOUR < at <= last for at in desk.times) <= 48
    polls = [
        at
        for at, (_, query, _) in zip(desk.times, desk.site.asked, strict=True)
        if not query["q"].startswith("gold")
    ]
    gaps = [b - a for a, b in pairwise(polls)]
    assert max(gaps) < 3 * HOUR


def test_searches_leave_calls_for_the_headlines(desk: NewsDesk, let_run: Run) -> None:
    poller = desk.poller()
    start = desk.clock.market()

    for n in range(42):
        poller.search(f"gold {n}")
    with pytest.raises(QuotaUsed) as full:
        poller.search("one more")
    searched = len(desk.times)
    let_run(poller, desk.clock, 3 * HOUR)

    assert (searched, full.value.next_at) == (42, start + 12 * HOUR)
    assert poller.next_call() == start + 12 * HOUR
    assert len(desk.times) == 43


def test_a_restart_asks_only_when_the_last_call_is_old_enough(desk: NewsDesk, let_run: Run) -> None:
    let_run(desk.poller(), desk.clock, 60)
    let_run(desk.poller(), desk.clock, 60)
    asked = len(desk.times)
    desk.clock.advance(1200)

    let_run(desk.poller(), desk.clock, 5)

    assert (asked, len(desk.times)) == (1, 2)


def test_a_restart_begins_with_what_was_kept_and_its_age(desk: NewsDesk, let_run: Run) -> None:
    start = desk.clock.market()
    let_run(desk.poller(), desk.clock, 5)
    desk.batches.clear()
    desk.clock.advance(600)
    restarted = desk.poller()

    let_run(restarted, desk.clock, 5)

    ((held,),) = desk.batches[0].columns
    assert len(desk.times) == 1
    assert held.fetched == pytest.approx(start, abs=1)
    assert [story.title for story in held.stories] == ["Fed holds"]
    assert restarted.status.state == "live"


@pytest.mark.parametrize("status, code", [(429, "rateLimited"), (401, "apiKeyExhausted")])
def test_a_used_up_plan_is_left_alone_until_the_oldest_call_is_old(
    desk: NewsDesk, let_run: Run, status: int, code: str
) -> None:
    poller = desk.poller()
    let_run(poller, desk.clock, 5)
    first = desk.times[0]
    desk.reply = status, refusal(code)

    let_run(poller, desk.clock, 11.9 * HOUR)
    asked = len(desk.times)
    state, detail = poller.status.state, poller.status.detail
    desk.reply = 200, answer("News again")
    let_run(poller, desk.clock, 0.5 * HOUR)

    assert asked == 2
    assert state == "stale"
    assert f"no calls are left ({code})" in detail
    assert desk.times[2] >= first + 12 * HOUR
    assert desk.batches[-1].columns[0][0].stories[0].title == "News again"
    assert poller.status.state == "live"


def test_a_refused_key_stops_the_worker_and_never_shows_the_key(
    desk: NewsDesk, let_run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    desk.reply = 401, refusal("apiKeyInvalid", "Your API key is invalid")
    poller = desk.poller()

    with caplog.at_level(logging.DEBUG), pytest.raises(SourceRefused) as caught:
        let_run(poller, desk.clock, 5)

    assert str(caught.value) == (
        "NewsAPI refuses the key (apiKeyInvalid); correct NEWSAPI_KEY in .env"
    )
    assert poller.status.state == "auth_failed"
    assert KEY not in f"{caplog.text}{caught.value}{poller.status}"


def test_an_outage_is_told_when_it_begins_and_when_it_ends(
    desk: NewsDesk, let_run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    poller = desk.poller()
    let_run(poller, desk.clock, 5)
    desk.reply = 503, b"<html>"

    with caplog.at_level(logging.INFO):
        for _ in range(5):
            desk.clock.advance(1200)
            with pytest.raises(SourceError):
                let_run(poller, desk.clock, 5)
        down, detail = poller.status.state, poller.status.detail
        desk.reply = 200, answer("Back")
        desk.clock.advance(1200)
        let_run(poller, desk.clock, 5)

    told = [r.getMessage() for r in caplog.records if r.name.startswith("grok_sauce.pollers")]
    assert [text.split(":")[1].strip() for text in told] == ["lost", "back"]
    assert down == "backoff"
    assert detail.startswith("newest story 31h old, the free plan is a day late")
    assert poller.status.state == "live"


def test_failures_are_tried_again_soon_then_at_the_usual_pace(desk: NewsDesk, let_run: Run) -> None:
    desk.reply = 200, b"<html>maintenance</html>"

    let_run(desk.poller(), desk.clock, 2 * HOUR)

    gaps = [round(b - a) for a, b in pairwise(desk.times)]
    assert gaps[:3] == [60, 240, 960]
    assert set(gaps[3:]) == {1200}


def test_nothing_is_asked_without_a_key_or_when_switched_off(desk: NewsDesk, let_run: Run) -> None:
    without = desk.poller(key="")
    let_run(without, desk.clock, HOUR)
    desk.options = News(enabled=False)
    off = desk.poller()
    let_run(off, desk.clock, HOUR)

    assert desk.times == []
    assert (without.status.state, without.status.detail) == (
        "off", "no key, add NEWSAPI_KEY to .env",
    )  # fmt: skip
    assert (off.status.state, off.status.detail) == ("off", "switched off in Setup")
    with pytest.raises(SourceRefused, match="switched off in Setup"):
        off.search("gold")
    assert desk.times == []


def test_switching_off_takes_the_headlines_away_and_on_brings_them_back(
    desk: NewsDesk, let_run: Run
) -> None:
    poller = desk.poller()
    let_run(poller, desk.clock, 5)
    desk.options = News(enabled=False)
    let_run(poller, desk.clock, 10)
    desk.options = News()
    let_run(poller, desk.clock, 5)

    given = [batch.columns[0][0] for batch in desk.batches]
    assert [held is None for held in given] == [False, True, False]
    assert len(desk.times) == 1


def test_the_same_search_is_asked_once_in_ten_minutes(desk: NewsDesk) -> None:
    poller = desk.poller()

    first = poller.search("  gold   price ")
    second = poller.search("gold price")
    desk.clock.advance(700)
    third = poller.search("gold price")

    assert first is second
    assert third is not first
    assert [query["q"] for _, query, _ in desk.site.asked] == ["gold price"] * 2


@pytest.mark.parametrize("text", ["", "  ", "x" * 501, "a\x00b"])
def test_a_search_without_sense_is_refused_before_it_is_counted(desk: NewsDesk, text: str) -> None:
    poller = desk.poller()

    with pytest.raises(SettingsError) as caught:
        poller.search(text)

    assert caught.value.field == "q"
    assert poller.quota.used(desk.clock.market()) == 0


def test_a_small_plan_is_spread_over_its_window(desk: NewsDesk, let_run: Run) -> None:
    poller = desk.poller(calls=2)

    let_run(poller, desk.clock, 13 * HOUR)

    assert [at - desk.times[0] for at in desk.times] == [0, 6 * HOUR, 12 * HOUR]
    assert poller.status.state == "live"


def test_fresh_headlines_of_a_paid_plan_are_not_called_late(desk: NewsDesk, let_run: Run) -> None:
    now = datetime.fromtimestamp(desk.clock.market() - 600, UTC)
    desk.reply = 200, answer("Fresh", at=now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    poller = desk.poller()

    let_run(poller, desk.clock, 5)

    assert poller.status.detail == "newest story 10m old"
