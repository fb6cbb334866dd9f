"""ForexFactory's calendar of the week: off by default, one file a day, the last one kept.

CalendarPoller(settings, http, clock, sink, store_dir, status, options)
    .run(stop)      hands over Batch("CalendarWeek", ["ForexFactory"], ([CalendarWeek],), at)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import ClassVar, Final

from grok_sauce.errors import BadPayload, SourceError
from grok_sauce.http import Answer, Http, HttpStatus
from grok_sauce.market.batches import Batch
from grok_sauce.market.calendar_week import CalendarWeek, carried, changes
from grok_sauce.market.sessions import new_york
from grok_sauce.pollers import calendar_schedule as schedule
from grok_sauce.pollers.calendar_parse import WHO, parse_json, parse_week, parse_xml
from grok_sauce.pollers.cboe_fetch import USER_AGENT
from grok_sauce.pollers.edges import Edges, span
from grok_sauce.pollers.kept import BodyStore
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.settings import knob
from grok_sauce.settings.document import ForexFactory
from grok_sauce.values import dataclass

__all__ = ["CalendarPoller", "CalendarSettings", "parse_json", "parse_week", "parse_xml"]

log = logging.getLogger(__name__)

SOURCE: Final = "ForexFactory"  # the symbol of its batches
FILE: Final = "/ff_calendar_thisweek"
TOO_MANY: Final = 429
_LOOK: Final = 5.0  # real seconds between two looks at what is due
_LEAST: Final = 150.0  # real seconds between two downloads, however fast the market runs
_FIRST_WAIT, _LONGEST_WAIT = 300.0, 6 * 3600.0  # market seconds after 429, doubled each time
_FAULTY: Final = 900.0  # market seconds after an answer of no use


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """FOREX_FACTORY_*: where the week's file is. Toggle and time are in settings.json."""

    ENV: ClassVar[dict[str, str]] = {
        "base": "FOREX_FACTORY_BASE",
        "largest": "FOREX_FACTORY_MAX_BYTES",
    }

    base: str = knob("https://nfs.faireconomy.media", url=True)
    largest: int = knob(1_000_000, low=50_000, high=16_000_000)  # bytes of one answer


class CalendarPoller:
    """Worker "forex_factory". options() is settings.json's sources.forex_factory as it is now.

    store_dir is the data folder, None to keep nothing (a demo). The schedule runs in market
    time. note() is added to what it says of itself. The JSON is asked first, the XML where
    the JSON is of no use.
    """

    name = "forex_factory"
    tells_outages = True

    def __init__(
        self,
        settings: CalendarSettings,
        http: Http,
        clock: Clock,
        sink: Callable[[Batch], None],
        store_dir: Path | None,
        status: SourceStatus | None,
        options: Callable[[], ForexFactory],
        note: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._sink = sink
        self._options = options
        self._note = note
        self._store = BodyStore(None if store_dir is None else store_dir / "calendar", WHO)
        self.status = status or SourceStatus(self.name, WHO)
        self._edges = Edges(WHO, self.status, clock)
        self._held: CalendarWeek | None = None
        self._given = False  # the reader has what is held
        self._loaded = False
        self._tried: float | None = None  # market time
        self._asked: float | None = None  # monotonic
        self._retry: float | None = None  # market time: what failed is tried again
        self._refusals = 0

    def run(self, stop: threading.Event) -> None:
        """Fetch what is due until stop is set.

        Raises:
            SourceError: nothing answers; the supervisor tries again.
        """
        while not stop.is_set():
            if self._options().enabled:
                self._reuse()
                if self._is_due():
                    self._pull()
            elif self._given:
                self._give(None)
            self._tell()
            stop.wait(_LOOK)

    # ---- when ----------------------------------------------------------------------------

    def _due(self) -> float:
        if self._retry is not None:
            return self._retry
        chosen, now = self._options(), self._clock.market()
        at = time.fromisoformat(chosen.time)
        last = None if self._tried is None else min(self._tried, now)
        return schedule.due(now, last, at, chosen.zone, self._held, chosen.refresh)

    def _is_due(self) -> bool:
        asked = self._asked
        if asked is not None and self._clock.monotonic() - asked < _LEAST:
            return False
        return self._due() <= self._clock.market()

    def _reuse(self) -> None:
        """Begin with what was kept; fetch at once only when it is older than an hour."""
        if self._loaded:
            if not self._given and self._held is not None:
                self._give(self._held)
            return
        self._loaded = True
        kept = self._store.load("thisweek")
        if kept is None:
            return
        age = max(0.0, self._clock.real() - kept.fetched) * self._clock.speed
        now = self._clock.market()
        try:
            week = parse_week(kept.body, now - age)
        except BadPayload as problem:
            log.warning("%s: what was kept is of no use: %s", WHO, problem)
            return
        if age < schedule.FRESH:
            self._tried = week.fetched
        self._give(week)

    # ---- one fetch -----------------------------------------------------------------------

    def _pull(self) -> None:
        now = self._clock.market()
        self._asked = self._clock.monotonic()
        try:
            week, body = self._fetch(now)
        except HttpStatus as problem:
            if problem.status >= 500:
                self._lost(problem)
                raise
            self._tried = now
            self._refused(problem, now)
            return
        except BadPayload as problem:
            self._tried, self._retry = now, now + _FAULTY
            self._edges.wrong(str(problem))
            return
        except SourceError as problem:
            self._lost(problem)
            raise
        self._tried, self._refusals, self._retry = now, 0, None
        self._edges.good()
        self._store.keep("thisweek", body, self._clock.real())
        before = self._held
        week = carried(before, week)
        if before is not None:
            for change in changes(before, week):
                event = change.after or change.before
                log.debug("%s: %s: %s", WHO, change.kind, event and event.title)
        self.status.events += len(week.events)
        self.status.last_event = self._clock.real()
        self._give(week)

    def _fetch(self, now: float) -> tuple[CalendarWeek, bytes]:
        """The week from its JSON, or from the XML where the JSON is none."""
        try:
            body = self._get(".json").body
            return parse_json(body, now), body
        except BadPayload as problem:
            try:
                body = self._get(".xml").body
                return parse_xml(body, now), body
            except SourceError:
                raise problem from None

    def _get(self, ending: str) -> Answer:
        return self._http.get(
            self._settings.base.rstrip("/") + FILE + ending,
            headers={"User-Agent": USER_AGENT, "Accept": "*/*"},
            limit=self._settings.largest,
            redirects=True,
        )

    def _refused(self, problem: HttpStatus, now: float) -> None:
        """An answer below 500 that is no success: not again at once, longer each time."""
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**self._refusals)
        asked = problem.answer.headers.get("retry-after", "")
        if asked.isascii() and asked.isdigit():
            wait = min(_LONGEST_WAIT, max(wait, float(asked)))
        self._refusals += 1
        self._retry = now + wait
        reason = "asked too often (429)" if problem.status == TOO_MANY else str(problem)
        self._edges.wrong(reason)

    def _lost(self, problem: SourceError) -> None:
        self._edges.lost(problem)
        self._tell()

    def _give(self, week: CalendarWeek | None) -> None:
        if week is not None:
            self._held = week
        self._given = week is not None
        self._sink(Batch("CalendarWeek", [SOURCE], ([week],), self._clock.market()))

    # ---- what it says of itself ----------------------------------------------------------

    def _tell(self) -> None:
        status, now, held = self.status, self._clock.market(), self._held
        if not self._options().enabled:
            status.state, status.detail, status.next_try = "off", "switched off in Setup", None
            return
        wait = max(0.0, self._due() - now) / self._clock.speed
        status.next_try = self._clock.real() + wait
        status.facts["events"] = None if held is None else len(held.events)
        wrong = "no answer" if self._edges.down else self._edges.fault
        ages = None if held is None else self._ages(held, now)
        status.detail = "; ".join(part for part in (ages, wrong, self._note()) if part)
        if self._edges.down:
            status.state = "backoff"
        elif held is None:
            status.state = "stale" if wrong else "connecting"
        else:
            is_old = now - held.fetched > schedule.STALE or not held.is_current(now)
            status.state = "stale" if is_old else "live"

    def _ages(self, held: CalendarWeek, now: float) -> str:
        week = "a week without dates" if held.start is None else f"week of {held.start}"
        if held.start is not None and not held.is_current(now):
            week += f", not this one ({new_york(now):%Y-%m-%d})"
        unread = f", {len(held.problems)} rows not read" if held.problems else ""
        return f"{week}, fetched {span(max(0.0, now - held.fetched))} ago{unread}"
