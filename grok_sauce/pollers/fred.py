"""FRED's headline series: each asked for at its release, with revisions noted.

FredPoller(settings, http, clock, sink, store_dir, status, options)
    .run(stop)      hands over Batch("Releases", [measure keys], ([Release, ...],), at)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from grok_sauce.errors import BadPayload, SourceError, SourceRefused
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.market.measures import MEASURES, Measure
from grok_sauce.market.releases import Observation, Release, Revision
from grok_sauce.pollers import fred_schedule as schedule
from grok_sauce.pollers.edges import Edges, span
from grok_sauce.pollers.fred_fetch import FredSettings, FredSource, TooOften
from grok_sauce.pollers.fred_parse import WHO, parse_observations
from grok_sauce.pollers.kept import BodyStore, Kept
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.settings.document import Fred

__all__ = ["FredPoller", "FredSettings"]

log = logging.getLogger(__name__)

_LOOK: Final = 5.0  # real seconds between two looks at what is due
_BETWEEN: Final = 1.0  # real seconds between two requests: 60 a minute, of 120
_PAUSE, _LONGEST_PAUSE = 20.0, 600.0  # real seconds after 429, doubled each time
_FAULTY: Final = 3600.0  # market seconds until something that was refused is asked again
_REVISIONS: Final = 12  # kept of a measure


class FredPoller:
    """Worker "fred". options() is settings.json's sources.fred as it is now.

    store_dir is the data folder, None to keep nothing (a demo). measures: those of MEASURES
    unless a test gives fewer. The schedule runs in market time, the pace in real time.
    """

    name = "fred"
    tells_outages = True

    def __init__(
        self,
        settings: FredSettings,
        http: Http,
        clock: Clock,
        sink: Callable[[Batch], None],
        store_dir: Path | None,
        status: SourceStatus | None,
        options: Callable[[], Fred],
        measures: Mapping[str, Measure] = MEASURES,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sink = sink
        self._options = options
        self._measures = measures
        self._store = BodyStore(None if store_dir is None else store_dir / "fred", WHO)
        self._source = FredSource(settings, http)
        self.status = status or SourceStatus("fred", WHO)
        self._edges = Edges(WHO, self.status, clock)
        self._held: dict[str, Release] = {}
        self._tried: dict[str, float] = {}  # measure key -> market time
        self._faults: dict[str, str] = {}  # measure key -> what was wrong with its last answer
        self._ids: dict[str, int] = {}  # series -> release, as FRED says
        self._ids_tried: dict[str, float] = {}
        self._dates: dict[int, tuple[date, ...]] = {}
        self._dates_tried: dict[int, float] = {}
        self._given = self._loaded = False
        self._pauses = 0
        self._not_before = 0.0  # monotonic

    def run(self, stop: threading.Event) -> None:
        """Ask for what is due, one request at a time, until stop is set.

        Raises:
            SourceRefused: the key is refused; nothing more until somebody acts.
            SourceError: FRED does not answer; the supervisor tries again.
        """
        while not stop.is_set():
            wait = _LOOK
            if self._off() is None:
                self._reuse()
                if self._clock.monotonic() >= self._not_before and self._step():
                    wait = _BETWEEN
            elif self._given:
                self._give(dict.fromkeys(self._held))
                self._given = False
            self._tell()
            stop.wait(wait)

    # ---- what is due ---------------------------------------------------------------------

    def _off(self) -> str | None:
        """Why nothing is asked; None when it is."""
        if not self._options().enabled:
            return "switched off in Setup"
        return None if self._settings.key else "no key, add FRED_API_KEY to .env"

    def _release_of(self, measure: Measure) -> int | None:
        """FRED's own word on the series' release, else the table's."""
        return self._ids.get(measure.series, measure.release)

    def due(self, key: str, now: float) -> float:
        """When a measure is asked for next, market time; at most now when it is due."""
        measure = self._measures[key]
        last, held = self._tried.get(key), self._held.get(key)
        last = None if last is None else min(last, now)
        if last is not None and key in self._faults:
            return last + _FAULTY
        release = self._release_of(measure)
        days = self._dates.get(release, ()) if release is not None else ()
        expected = schedule.times(days, measure.clock)
        interval = float(self._options().interval)
        updated = None if held is None else held.updated
        return schedule.due(now, last, interval, expected, updated)

    def _step(self) -> bool:
        """Make the request that is most due; False when none is.

        Values first, then the series' releases, then the releases' days.
        """
        now = self._clock.market()
        dues = {key: self.due(key, now) for key in self._measures}
        first = min(dues, key=lambda key: dues[key], default=None)
        if first is not None and dues[first] <= now:
            self._ask(lambda: self._pull(first), lambda text: self._fault(first, text))
            return True
        for measure in self._measures.values():
            series = measure.series
            if series not in self._ids and self._is_old(self._ids_tried.get(series), _FAULTY):
                self._ids_tried[series] = now
                self._ask(lambda: self._learn(measure), log.debug)  # noqa: B023 used at once
                return True
        releases = (self._release_of(measure) for measure in self._measures.values())
        for release in dict.fromkeys(number for number in releases if number is not None):
            if self._is_old(self._dates_tried.get(release), schedule.DATES):
                self._dates_tried[release] = now
                self._ask(lambda: self._look_up(release), log.debug)  # noqa: B023 used at once
                return True
        return False

    def _is_old(self, tried: float | None, after: float) -> bool:
        return tried is None or self._clock.market() - tried >= after

    # ---- one request ---------------------------------------------------------------------

    def _ask(self, request: Callable[[], None], refused: Callable[[str], None]) -> None:
        """Run a request and sort out what it failed with."""
        try:
            request()
        except SourceRefused as problem:
            self._edges.answered()
            self.status.failed(str(problem), self._clock.real())
            self.status.state, self.status.detail = "auth_failed", str(problem)
            raise
        except TooOften as problem:
            wait = min(_LONGEST_PAUSE, _PAUSE * 2.0**self._pauses)
            self._pauses += 1
            self._not_before = self._clock.monotonic() + wait
            self._edges.wrong(str(problem))
            return
        except BadPayload as problem:
            self._edges.answered()
            refused(str(problem))
            return
        except SourceError as problem:
            self._edges.lost(problem)
            self._tell()
            raise
        self._pauses = 0
        self._edges.good()

    def _pull(self, key: str) -> None:
        """The newest rows of a measure."""
        now, measure = self._clock.market(), self._measures[key]
        try:
            answer = self._source.observations(measure)
        except (TooOften, SourceRefused):
            raise
        except BadPayload:
            self._tried[key] = now
            raise
        self._tried[key] = now
        self._faults.pop(key, None)
        before = self._held.get(key)
        revisions = () if before is None else revised(before, answer.observations)
        release = self._release_of(measure)
        found = Release(
            measure,
            answer.observations,
            answer.updated,
            now,
            release,
            self._dates.get(release, ()) if release is not None else (),
            revisions,
        )
        self._held[key] = found
        self._keep(found, answer.body)
        self.status.events += 1
        self.status.last_event = self._clock.real()
        self._give({key: found})

    def _learn(self, measure: Measure) -> None:
        """Which release a series belongs to."""
        release = self._source.release_of(measure.series)
        self._ids[measure.series] = release
        if measure.release is not None and release != measure.release:
            log.warning(
                "%s: %s belongs to release %s, not %s",
                WHO, measure.series, release, measure.release,
            )  # fmt: skip
        self._join_dates(release)

    def _look_up(self, release: int) -> None:
        """The days of a release."""
        self._dates[release] = self._source.dates(release, self._clock.market())
        self._join_dates(release)

    def _join_dates(self, release: int) -> None:
        """Give each measure of a release its days."""
        changed: dict[str, Release | None] = {}
        for key, held in self._held.items():
            days = self._dates.get(release, ())
            if self._release_of(held.measure) == release and (held.release, held.dates) != (
                release,
                days,
            ):
                changed[key] = replace(held, release=release, dates=days)
        self._held.update({key: found for key, found in changed.items() if found is not None})
        if changed:
            self._give(changed)

    # ---- what is kept --------------------------------------------------------------------

    def _keep(self, found: Release, body: bytes) -> None:
        self._store.keep(
            found.measure.key.replace(":", "_"),
            body,
            self._clock.real(),
            updated=found.updated,
            release=self._ids.get(found.measure.series),
            revisions=[[str(r.period), r.before, r.after] for r in found.revisions],
        )

    def _reuse(self) -> None:
        """Begin with what was kept; each is asked again when it would have been."""
        if not self._loaded:
            self._loaded = True
            for key, measure in self._measures.items():
                kept = self._store.load(key.replace(":", "_"))
                if kept is not None:
                    self._restore(key, measure, kept)
        if not self._given and self._held:
            self._give(dict(self._held))

    def _restore(self, key: str, measure: Measure, kept: Kept) -> None:
        age = max(0.0, self._clock.real() - kept.fetched) * self._clock.speed
        fetched = self._clock.market() - age
        try:
            rows = parse_observations(kept.body, measure)
            updated, release = kept.more.get("updated"), kept.more.get("release")
            revisions = tuple(
                Revision(date.fromisoformat(period), float(before), float(after))
                for period, before, after in kept.more.get("revisions", ())
            )
        except (BadPayload, ValueError, TypeError) as problem:
            log.warning("%s: what was kept of %s is of no use: %s", WHO, key, problem)
            return
        if isinstance(release, int):
            self._ids[measure.series] = release
        known = updated if isinstance(updated, float) else None
        self._held[key] = Release(
            measure, rows, known, fetched, self._release_of(measure), revisions=revisions
        )
        self._tried[key] = fetched

    def _give(self, found: Mapping[str, Release | None]) -> None:
        self._given = True
        if found:
            column: list[Any] = list(found.values())
            self._sink(Batch("Releases", list(found), (column,), self._clock.market()))

    # ---- what it says of itself ----------------------------------------------------------

    def _fault(self, key: str, text: str) -> None:
        if self._faults.get(key) != text:
            log.warning("%s: %s: %s", WHO, key, text)
        self._faults[key] = text
        self.status.failed(f"{key}: {text}", self._clock.real())

    def _tell(self) -> None:
        status, now = self.status, self._clock.market()
        if (why := self._off()) is not None:
            status.state, status.detail, status.next_try = "off", why, None
            return
        soonest = min((self.due(key, now) for key in self._measures), default=now)
        status.next_try = self._clock.real() + max(0.0, soonest - now) / self._clock.speed
        status.facts["series"] = len(self._measures)
        status.facts["known"] = len(self._held)
        status.detail = "; ".join(self._words(now))
        oldest = min((held.fetched for held in self._held.values()), default=None)
        if self._edges.down:
            status.state = "backoff"
        elif oldest is None:
            status.state = "stale" if self._faults or self._edges.fault else "connecting"
        else:
            is_old = now - oldest > schedule.STALE or len(self._faults) == len(self._measures)
            status.state = "stale" if is_old else "live"

    def _words(self, now: float) -> Iterable[str]:
        yield f"{len(self._held)} of {len(self._measures)} series"
        if self._held:
            oldest = min(held.fetched for held in self._held.values())
            yield f"asked within {span(max(0.0, now - oldest))}"
        if self._edges.down:
            yield "no answer"
        elif self._edges.fault is not None:
            yield self._edges.fault
        yield from (f"{key}: {text}" for key, text in list(self._faults.items())[:3])


def revised(before: Release, rows: tuple[Observation, ...]) -> tuple[Revision, ...]:
    """The changes of periods that had a value before; the first value seen stays `before`."""
    known = {revision.period: revision for revision in before.revisions}
    for row in rows:
        old = before.of(row.period)
        if old is None or old.value is None or row.value is None or old.value == row.value:
            continue
        first = known[row.period].before if row.period in known else old.value
        known[row.period] = Revision(row.period, first, row.value)
    return tuple(known[period] for period in sorted(known, reverse=True)[:_REVISIONS])
