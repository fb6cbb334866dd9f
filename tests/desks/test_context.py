"""Headlines, calendar and economy joined: switches, keys, notes, searches, a day at the quota."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.controls import Controls
from grok_sauce.desks.context import ON_IN_DEMO, ContextDesk
from grok_sauce.errors import SettingsError, SourceRefused
from grok_sauce.http import Answer, HttpStatus, Unreachable
from grok_sauce.market.batches import Batch
from grok_sauce.market.source_note import SourceNote
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings import Settings
from grok_sauce.settings.document import ForexFactory, News

KEYS = {"NEWSAPI_KEY": "canary-key", "FRED_API_KEY": "c" * 32}
HOUR = 3600.0


class Upstream:
    """Stands for Http: answers NewsAPI, notes when; `says` may be an error to raise."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.asked: list[tuple[float, str]] = []
        self.says: Exception | None = None

    def get(self, url: str, params: Mapping[str, Any] | None = None, **_: Any) -> Answer:
        words = str((params or {}).get("q", ""))
        self.asked.append((self.clock.market(), words))
        if self.says is not None:
            raise self.says
        article = {
            "source": {"id": None, "name": "Wire"}, "author": None, "title": f"About {words}",
            "description": None, "url": "https://example.org/1",
            "publishedAt": "2026-12-15T13:31:05Z",
        }  # fmt: skip
        body = json.dumps({"status": "ok", "totalResults": 1, "articles": [article]})
        return Answer(200, {}, body.encode(), url)

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.asked]


class Joined:
    """A desk over that upstream, with what it handed over and settings to change."""

    def __init__(self, clock: ManualClock, folder: Path | None = None) -> None:
        self.clock, self.folder = clock, folder
        self.upstream = Upstream(clock)
        self.batches: list[Batch] = []
        self.settings = Settings()

    def desk(self, environ: Mapping[str, str] = KEYS, demo: bool = False) -> ContextDesk:
        return ContextDesk(
            environ,
            self.upstream,  # type: ignore[arg-type]
            self.clock,
            self.batches.append,
            self.folder,
            lambda: self.settings,
            demo,
        )

    def choose(self, desk: ContextDesk, **sources: Any) -> None:
        before = self.settings
        self.settings = replace(before, sources=replace(before.sources, **sources))
        desk.settings_changed(before, self.settings)

    def notes(self, desk: ContextDesk) -> dict[str, SourceNote]:
        """Let every worker look once and answer the newest notes."""
        for worker in desk.workers[:3]:
            worker.run(Once(self.clock))
        desk.workers[3].look()  # type: ignore[attr-defined]
        return {
            name: note
            for batch in self.batches
            if batch.kind == "SourceNote"
            for name, note in zip(batch.symbols, batch.columns[0], strict=True)
        }


class Once(threading.Event):
    """A stop that comes at the first wait."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


@pytest.fixture
def joined(clock: ManualClock, tmp_path: Path) -> Joined:
    return Joined(clock, tmp_path)


def test_without_keys_sources_are_off_and_say_what_to_add(joined: Joined) -> None:
    desk = joined.desk({})

    notes = joined.notes(desk)

    assert notes["news"].problem == "NewsAPI is off: no key, add NEWSAPI_KEY to .env."
    assert notes["fred"].problem == "FRED is off: no key, add FRED_API_KEY to .env."
    assert notes["forex_factory"].problem == "Forex Factory is off: switched off in Setup."
    assert {status.state for status in desk.sources} == {"off"}
    assert [status.last_error for status in desk.sources] == [None] * 3
    assert joined.upstream.asked == []


def test_no_source_is_required(joined: Joined) -> None:
    assert not any(status.required for status in joined.desk().sources)


def test_a_switch_takes_the_headlines_away_and_brings_them_back_without_a_call(
    joined: Joined,
) -> None:
    desk = joined.desk()
    joined.notes(desk)

    joined.choose(desk, news=replace(News(), enabled=False))
    off = joined.notes(desk)["news"]
    joined.choose(desk, news=News())
    joined.notes(desk)

    given = [batch.columns[0][0] for batch in joined.batches if batch.kind == "Headlines"]
    assert [found is None for found in given] == [False, True, False]
    assert (off.is_on, off.quota, off.next_call) == (False, None, None)
    assert len([words for _, words in joined.upstream.asked if "market" in words]) == 1


def test_the_demo_shows_the_calendar_until_its_switch_is_touched(joined: Joined) -> None:
    desk = joined.desk(demo=True)
    joined.upstream.says = Unreachable("nobody")
    calendar = desk.calendar
    with pytest.raises(Unreachable):
        calendar.run(Once(joined.clock))
    shown = calendar.status.detail

    joined.choose(desk, forex_factory=replace(ForexFactory(), enabled=True))
    joined.choose(desk, forex_factory=ForexFactory())
    calendar.run(Once(joined.clock))

    assert ON_IN_DEMO in shown
    assert (calendar.status.state, calendar.status.detail) == ("off", "switched off in Setup")


def test_live_the_calendar_stays_off_by_default(joined: Joined) -> None:
    desk = joined.desk()

    desk.calendar.run(Once(joined.clock))

    assert desk.calendar.status.state == "off"


def test_an_outage_is_a_sentence_of_the_note(joined: Joined) -> None:
    desk = joined.desk()
    joined.upstream.says = Unreachable("NewsAPI: connection refused")
    with pytest.raises(Unreachable):
        desk.news.run(Once(joined.clock))

    watch = desk.workers[3]
    watch.look()  # type: ignore[attr-defined]

    note = next(each for each in joined.batches[-1].columns[0] if each.name == "news")
    assert note.problem == "NewsAPI does not answer: NewsAPI: connection refused."
    assert note.is_on


def test_a_refused_key_is_told_in_the_note(joined: Joined) -> None:
    desk = joined.desk()
    refusal = b'{"status":"error","code":"apiKeyInvalid","message":"no"}'
    joined.upstream.says = HttpStatus("401", Answer(401, {}, refusal, "https://newsapi.org"))
    with pytest.raises(SourceRefused):
        desk.news.run(Once(joined.clock))

    desk.workers[3].look()  # type: ignore[attr-defined]

    note = next(each for each in joined.batches[-1].columns[0] if each.name == "news")
    assert note.problem is not None
    assert "correct NEWSAPI_KEY" in note.problem


def test_nothing_is_told_while_nothing_changes(joined: Joined) -> None:
    desk = joined.desk()
    joined.notes(desk)
    told = len(joined.batches)

    for _ in range(30):
        joined.clock.advance(1.0)
        desk.workers[3].look()  # type: ignore[attr-defined]

    assert len(joined.batches) == told


def test_a_search_answers_scored_rows_and_what_is_left(joined: Joined) -> None:
    desk = joined.desk()
    controls = Controls()
    desk.register(controls)

    found = controls.do("news.search", q="  copper   prices ")

    assert (found["query"], found["refused"], found["total"]) == ("copper prices", None, 1)
    assert [row["title"] for row in found["headlines"]] == ["About copper prices"]
    assert found["headlines"][0]["vader"] == 0.0
    assert (found["quota"]["used"], found["quota"]["limit"]) == (1, 48)
    assert found["quota"]["left"] == 41  # six are kept for the headlines


def test_a_search_without_words_or_without_a_key_is_refused(joined: Joined) -> None:
    with pytest.raises(SettingsError) as problem:
        joined.desk().search(" ")
    assert problem.value.field == "q"
    with pytest.raises(SourceRefused, match="add NEWSAPI_KEY"):
        joined.desk({}).search("copper")
    assert joined.upstream.asked == []


def test_the_same_words_again_cost_nothing(joined: Joined) -> None:
    desk = joined.desk()

    desk.search("copper")
    again = desk.search("copper")

    assert len(joined.upstream.asked) == 1
    assert again["quota"]["used"] == 1


class Day(threading.Event):
    """Runs the clock through a worker's waits and lets somebody search every few minutes."""

    def __init__(self, clock: ManualClock, seconds: float, search: Callable[[], None]) -> None:
        super().__init__()
        self.clock, self.end, self.search = clock, clock.market() + seconds, search
        self.next = clock.market()

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.advance(60.0)
        if self.clock.market() >= self.next:
            self.next += 5 * 60
            self.search()
        if self.clock.market() >= self.end:
            self.set()
        return self.is_set()


def test_a_day_of_polls_and_searches_over_restarts_stays_at_the_quota(joined: Joined) -> None:
    refused: list[dict[str, Any]] = []
    count = 0

    def run(hours: float) -> ContextDesk:
        desk = joined.desk()

        def search() -> None:
            nonlocal count
            count += 1
            found = desk.search(f"words {count}")
            if found["refused"] is not None:
                refused.append(found)

        desk.news.run(Day(joined.clock, hours * HOUR, search))
        return desk

    for hours in (7.0, 0.2, 5.8, 11.0):  # each a process of its own on the same folder
        desk = run(hours)

    times = joined.upstream.times
    most = max(sum(last - 12 * HOUR < at <= last for at in times) for last in times)
    assert most == 48  # all that the plan allows is used, and no call more
    assert len(times) > 60
    # The headlines went on beside a user who took whatever was free.
    polls = [at for at, words in joined.upstream.asked if words.startswith("market")]
    assert max(b - a for a, b in pairwise(polls)) <= 4 * HOUR
    last = desk.search("one more")
    assert refused
    for found in refused:
        assert found["headlines"] is None
        assert found["quota"]["next_at"] == found["refused"]["next_at"]
    assert last["refused"] is not None
    joined.clock.advance(last["refused"]["wait"] + 1)
    assert desk.search("one more")["refused"] is None
