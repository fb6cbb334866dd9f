"""NewsAPI's headlines: a worker that stays inside the plan's quota, and searches on request.

NewsPoller(settings, http, clock, sink, store_dir, status, options)
    .run(stop)                    hands over Batch("Headlines", ["NewsAPI"], ([Headlines],), at)
    .search(query) -> Headlines   one counted call; from any thread
    .next_call() -> float         market time of the next call that a search may use
    .searches_left() -> int       calls that searches may use now
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from grok_sauce.errors import BadPayload, SettingsError, SourceError, SourceRefused
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.market.headlines import Headlines
from grok_sauce.pollers.edges import Edges, span
from grok_sauce.pollers.kept import BodyStore
from grok_sauce.pollers.news_fetch import LONGEST, WINDOW, NewsSettings, NewsSource
from grok_sauce.pollers.news_parse import WHO, parse_headlines
from grok_sauce.pollers.quota import Quota, QuotaUsed
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.settings.document import News

__all__ = ["NewsPoller", "NewsSettings", "parse_headlines"]

SOURCE: Final = "NewsAPI"  # the symbol of its batches
_LOOK: Final = 5.0  # real seconds between two looks at what is due
_FIRST_RETRY: Final = 60.0  # market seconds after a first failure, four times as long each time
_HELD: Final = 600.0  # market seconds in which the same search is answered from memory
_SEARCHES: Final = 16  # answers of searches that are held


class NewsPoller:
    """Worker "news". options() is settings.json's sources.news as it is now.

    store_dir is the data folder, None to keep nothing (a demo). The schedule and the quota
    run in market time; a quarter of the quota is left to searches.
    """

    name = "news"
    tells_outages = True

    def __init__(
        self,
        settings: NewsSettings,
        http: Http,
        clock: Clock,
        sink: Callable[[Batch], None],
        store_dir: Path | None,
        status: SourceStatus | None,
        options: Callable[[], News],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sink = sink
        self._options = options
        folder = None if store_dir is None else store_dir / "news"
        self._store = BodyStore(folder, WHO)
        self.quota = Quota(
            settings.calls, WINDOW, None if folder is None else folder / "calls.json"
        )
        self._source = NewsSource(settings, http, self.quota)
        self.status = status or SourceStatus("news", WHO)
        self._edges = Edges(WHO, self.status, clock)
        self._lock = threading.Lock()
        self._found: dict[str, Headlines] = {}  # query -> answer, the newest last
        self._held: Headlines | None = None
        self._given = False  # the reader has what is held
        self._loaded = False
        self._tried: float | None = None  # market time
        self._failures = 0

    def run(self, stop: threading.Event) -> None:
        """Ask when a call is due until stop is set.

        Raises:
            SourceRefused: the key is refused; nothing more until somebody acts.
            SourceError: NewsAPI does not answer; the supervisor tries again.
        """
        if self.status.state == "auth_failed":
            self.status.state, self._tried, self._failures = "connecting", None, 0
        while not stop.is_set():
            if self._is_on():
                self._reuse()
                if self._due() <= self._clock.market():
                    self._pull()
            elif self._given:
                self._give(None)
            self._tell()
            stop.wait(_LOOK)

    def search(self, query: str) -> Headlines:
        """Ask NewsAPI for other stories: one call of the quota, and nobody's list changes.

        The same question within ten minutes is answered from memory.

        Raises:
            SettingsError: the query is empty or too long (field "q").
            QuotaUsed: no call is free before its next_at.
            SourceRefused: no key, a refused one, or the source is switched off.
            SourceError: NewsAPI does not answer, or not as documented (BadPayload).
        """
        asked = " ".join(query.split())
        if not 0 < len(asked) <= LONGEST or not asked.isprintable():
            raise SettingsError(f"a search has 1 to {LONGEST} characters", "q")
        if (why := self._off()) is not None:
            raise SourceRefused(f"{WHO}: {why}")
        now = self._clock.market()
        with self._lock:
            known = self._found.get(asked)
        if known is not None and 0 <= now - known.fetched < _HELD:
            return known
        answer, _ = self._source.fetch(asked, now, leave=self._kept_for_polls())
        with self._lock:
            self._found.pop(asked, None)
            self._found[asked] = answer
            while len(self._found) > _SEARCHES:
                self._found.pop(next(iter(self._found)))
        return answer

    def next_call(self) -> float:
        """The market time from which a search may be made; now when it may."""
        now = self._clock.market()
        return max(now, self.quota.next_at(now, self._kept_for_polls()))

    def searches_left(self) -> int:
        """How many searches may be made before the oldest call has run out."""
        now, kept = self._clock.market(), self._kept_for_polls()
        if self.quota.next_at(now, kept) > now:
            return 0
        return max(0, self.quota.most - kept - self.quota.used(now))

    def _kept_for_polls(self) -> int:
        """Calls that no search may use: the headlines must not stop for half a day."""
        return self.quota.most // 8

    # ---- when ----------------------------------------------------------------------------

    def _off(self) -> str | None:
        """Why nothing is asked; None when it is."""
        if not self._options().enabled:
            return "switched off in Setup"
        return None if self._settings.key else "no key, add NEWSAPI_KEY to .env"

    def _is_on(self) -> bool:
        return self._off() is None

    def interval(self) -> float:
        """Market seconds between two polls: as set, or longer to stay inside the quota.

        A quarter is left to searches; when more was used, what is left is spread.
        """
        polls = self.quota.most - self.quota.most // 4
        spread = self.quota.pace(self._clock.market())
        return max(float(self._options().interval), WINDOW / polls, spread)

    def _due(self) -> float:
        """When the next poll is due, market time."""
        now = self._clock.market()
        last = self._tried if self._tried is not None else self.quota.last(now)
        if last is None:
            return self.quota.next_at(now)
        wait = self.interval()
        if self._failures:
            wait = min(wait, _FIRST_RETRY * 4.0 ** (self._failures - 1))
        return max(min(last, now) + wait, self.quota.next_at(now))

    def _reuse(self) -> None:
        """Begin with what was kept; its age goes on."""
        if self._loaded:
            if not self._given and self._held is not None:
                self._give(self._held)
            return
        self._loaded = True
        kept = self._store.load("headlines")
        if kept is None or kept.more.get("query") != self._settings.query:
            return
        age = max(0.0, self._clock.real() - kept.fetched) * self._clock.speed
        try:
            self._give(parse_headlines(kept.body, self._settings.query, self._clock.market() - age))
        except BadPayload as problem:
            self._edges.wrong(f"what was kept is of no use: {problem}")

    # ---- one poll ------------------------------------------------------------------------

    def _pull(self) -> None:
        now = self._clock.market()
        self._tried = now
        try:
            answer, body = self._source.fetch(self._settings.query, now)
        except QuotaUsed as problem:
            self._failures = 0
            self._edges.wrong(str(problem))
            return
        except SourceRefused as problem:
            self._edges.answered()
            self.status.failed(str(problem), self._clock.real())
            self.status.state, self.status.detail = "auth_failed", str(problem)
            raise
        except BadPayload as problem:
            self._failures += 1
            self._edges.wrong(str(problem))
            return
        except SourceError as problem:
            self._failures += 1
            self._edges.lost(problem)
            self._tell()
            raise
        self._failures = 0
        self._edges.good()
        self._store.keep("headlines", body, self._clock.real(), query=self._settings.query)
        self.status.events += len(answer.stories)
        self.status.last_event = self._clock.real()
        self._give(answer)

    def _give(self, answer: Headlines | None) -> None:
        if answer is not None:
            self._held = answer
        self._given = answer is not None
        self._sink(Batch("Headlines", [SOURCE], ([answer],), self._clock.market()))

    # ---- what it says of itself ----------------------------------------------------------

    def _tell(self) -> None:
        status, now, held = self.status, self._clock.market(), self._held
        status.facts["calls"] = self.quota.used(now)
        status.facts["calls_most"] = self.quota.most
        if (why := self._off()) is not None:
            status.state, status.detail, status.next_try = "off", why, None
            status.facts["next_call"] = None
            return
        due = self._due()
        status.facts["next_call"] = due
        status.next_try = self._clock.real() + max(0.0, due - now) / self._clock.speed
        status.facts["stories"] = None if held is None else len(held.stories)
        wrong = "no answer" if self._edges.down else self._edges.fault
        parts = [self._ages(now), *([wrong] if wrong else [])]
        status.detail = "; ".join(part for part in parts if part)
        if self._edges.down:
            status.state = "backoff"
        elif held is None:
            status.state = "stale" if wrong else "connecting"
        else:
            is_old = now - held.fetched > 2 * self.interval()
            status.state = "stale" if is_old or wrong else "live"

    def _ages(self, now: float) -> str:
        """How old the headlines are, in words: their own age, not the poll's."""
        if self._held is None:
            return ""
        age = self._held.age(now)
        if age is None:
            return "no stories"
        why = ", the free plan is a day late" if self._held.is_a_day_late else ""
        unread = f", {len(self._held.problems)} rows not read" if self._held.problems else ""
        return f"newest story {span(age)} old{why}{unread}"
