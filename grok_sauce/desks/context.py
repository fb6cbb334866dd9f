"""Headlines, calendar and economy joined: their pollers, what they say of themselves, searches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from grok_sauce import settings as knobs
from grok_sauce.analytics import headlines_table
from grok_sauce.controls import Controls
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.market.source_note import QuotaNote, SourceNote
from grok_sauce.market.times import iso
from grok_sauce.pollers.calendar import CalendarPoller, CalendarSettings
from grok_sauce.pollers.fred import FredPoller, FredSettings
from grok_sauce.pollers.news import NewsPoller, NewsSettings
from grok_sauce.pollers.quota import QuotaUsed
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.runtime.worker import Worker
from grok_sauce.settings import Settings
from grok_sauce.settings.document import ForexFactory

LABELS: Final = {"news": "News", "forex_factory": "Forex Factory", "fred": "FRED"}
WHO: Final = {**LABELS, "news": "NewsAPI"}  # in sentences
_SAME: Final = 2.0  # seconds between two times that are told as one
ON_IN_DEMO: Final = "switched on by the demo, not in Setup"


class ContextDesk:
    """The three pollers with their statuses; store is None where nothing may be kept (a demo).

    chosen() is settings.json as it is now. The demo shows the embedded market's calendar
    though it is off by default, until the user touches its switch; its status says so.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        http: Http,
        clock: Clock,
        sink: Callable[[Batch], None],
        store: Path | None,
        chosen: Callable[[], Settings],
        demo: bool,
    ) -> None:
        self._chosen = chosen
        self._clock = clock
        self._shows_calendar = demo and not chosen().sources.forex_factory.enabled
        self.news = NewsPoller(
            knobs.read_env(NewsSettings, environ),
            http,
            clock,
            sink,
            store,
            _status("news"),
            lambda: self._chosen().sources.news,
        )
        self.fred = FredPoller(
            knobs.read_env(FredSettings, environ),
            http,
            clock,
            sink,
            store,
            _status("fred"),
            lambda: self._chosen().sources.fred,
        )
        self.calendar = CalendarPoller(
            knobs.read_env(CalendarSettings, environ),
            http,
            clock,
            sink,
            store,
            _status("forex_factory"),
            self._calendar_options,
            lambda: ON_IN_DEMO if self._shows_calendar else None,
        )
        self._watch = ContextWatch(self.news, self.sources, clock, sink)

    def register(self, controls: Controls) -> None:
        """Offer what pages do."""
        controls.register("news.search", self.search)

    def search(self, q: str) -> dict[str, Any]:
        """Ask NewsAPI for other stories: one call of its quota.

        {query, fetched_at, total, headlines, quota, refused}; without a free call refused is
        {message, next_at, wait (real seconds)} and headlines is None.

        Raises:
            SettingsError: the words are none that can be asked (field "q").
            SourceRefused: no key, a refused one, or the source is switched off.
            SourceError: NewsAPI does not answer, or not as documented.
        """
        asked: dict[str, Any] = {"query": " ".join(q.split()), "refused": None}
        try:
            found = self.news.search(q)
        except QuotaUsed as problem:
            wait = max(0.0, problem.next_at - self._clock.market()) / self._clock.speed
            refused = {"message": str(problem), "next_at": iso(problem.next_at), "wait": wait}
            empty = {"fetched_at": None, "total": None, "headlines": None}
            return {**asked, **empty, "quota": self._quota(), "refused": refused}
        symbols = frozenset(self._chosen().indicators.groups())
        rows = concurrency.offload(headlines_table.rows, found.stories, symbols)
        return {
            **asked,
            "fetched_at": iso(found.fetched),
            "total": found.total,
            "headlines": rows,
            "quota": self._quota(),
        }

    def _quota(self) -> dict[str, Any] | None:
        return headlines_table.quota(self._watch.quota())

    @property
    def sources(self) -> list[SourceStatus]:
        """What /status shows of it."""
        return [self.news.status, self.calendar.status, self.fred.status]

    @property
    def workers(self) -> list[Worker]:
        """What the supervisor must run."""
        return [self.news, self.calendar, self.fred, self._watch]

    def settings_changed(self, old: Settings, new: Settings) -> None:
        """The pollers read settings themselves; whoever touches the calendar's switch has it."""
        if old.sources.forex_factory.enabled != new.sources.forex_factory.enabled:
            self._shows_calendar = False

    def _calendar_options(self) -> ForexFactory:
        chosen = self._chosen().sources.forex_factory
        return replace(chosen, enabled=True) if self._shows_calendar else chosen


class ContextWatch:
    """Tells the engine how the sources are whenever that changes: Batch("SourceNote", ...)."""

    name = "context"
    _LOOK: Final = 1.0  # seconds

    def __init__(
        self,
        news: NewsPoller,
        sources: list[SourceStatus],
        clock: Clock,
        sink: Callable[[Batch], None],
    ) -> None:
        self._news = news
        self._sources = sources
        self._clock = clock
        self._sink = sink
        self._told: dict[str, SourceNote] = {}

    def run(self, stop: threading.Event) -> None:
        """Look until stop is set."""
        while not stop.is_set():
            self.look()
            stop.wait(self._LOOK)

    def look(self) -> None:
        """Hand over the notes that differ from those told before."""
        found = {status.name: self._note(status) for status in self._sources}
        news = {name: note for name, note in found.items() if self._told.get(name) != note}
        if news:
            self._told |= news
            self._sink(
                Batch("SourceNote", list(news), (list(news.values()),), self._clock.market())
            )

    def _note(self, status: SourceStatus) -> SourceNote:
        is_on = status.state != "off"
        is_news = status.name == self._news.name
        return SourceNote(
            status.name,
            WHO[status.name],
            is_on,
            problem_of(status),
            self._next_call(status) if is_on else None,
            round(self._news.interval()) if is_on and is_news else None,
            self.quota() if is_on and is_news else None,
        )

    def _next_call(self, status: SourceStatus) -> float | None:
        """Market time; the way back from real time is not exact, and no news in itself."""
        if status.next_try is None:
            return None
        wait = (status.next_try - self._clock.real()) * self._clock.speed
        found = self._clock.market() + wait
        told = self._told.get(status.name)
        before = None if told is None else told.next_call
        is_same = before is not None and abs(found - before) < _SAME * max(1.0, self._clock.speed)
        return before if is_same else float(round(found))

    def quota(self) -> QuotaNote:
        """How many calls are used, and when a search may be made."""
        quota, free = self._news.quota, self._news.next_call()
        now = self._clock.market()  # after it: what is free now is not in the future
        return QuotaNote(
            quota.used(now),
            quota.most,
            quota.window,
            self._news.searches_left(),
            0.0 if free <= now else free,
        )


def _status(name: str) -> SourceStatus:
    return SourceStatus(name, LABELS[name])


def problem_of(status: SourceStatus) -> str | None:
    """Why a source is off or what is wrong with it, as a sentence; None while nothing is."""
    who = WHO[status.name]
    if status.state == "off":
        return f"{who} is off: {status.detail or 'not asked'}."
    if status.state == "auth_failed":
        return f"{status.detail or status.last_error or who + ' was refused'}."
    if status.state == "backoff":
        return f"{who} does not answer: {status.last_error or 'no reason given'}."
    if status.state == "stale":
        return f"{who} is late: {status.detail or status.last_error or 'nothing new'}."
    return None
