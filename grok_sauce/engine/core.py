"""Engine: inbox and beat. Drain, apply, recalculate what is due, publish what changed."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from grok_sauce.analytics.view import Analytic, Groups, View
from grok_sauce.engine.inbox import LIMIT, Inbox
from grok_sauce.engine.jobs import Job
from grok_sauce.engine.minutes import Minutes
from grok_sauce.errors import SourceError
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import provisional
from grok_sauce.market.state import MarketState
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.update import Update

log = logging.getLogger(__name__)

BEAT: Final = 0.1  # seconds between two beats while batches come
IDLE: Final = 0.5  # seconds between two beats while none come
KEPT_BEATS: Final = 600  # durations kept for the percentiles
JOINING: Final = frozenset({"Instrument", "Chain"})  # kinds that say whose events count

T = TypeVar("T")
Publish = Callable[[Sequence[Update]], None]


class Moment(NamedTuple):
    """When a beat is, said from outside: market time, what counts as real seconds, their ratio."""

    market: float
    real: float
    speed: float


class Engine:
    """Owns MarketState: applies batches, runs analytics that are due, publishes what changed.

    put, post, call, the setters and metrics may be used from any thread of the mode; all else
    happens on the thread of run(), or of whoever calls step() in a test. publish is
    given all updates of a beat at once, after the state has what they tell of.

    groups: the user's symbols by group, in order. source: the label of the numbers (LIVE,
    DELAYED, DEMO, REPLAY). beat: seconds between beats. limit: events that may wait. tap hears
    every batch that is put; it may neither block nor raise. price_links: the sources whose end
    makes every price old (another's says nothing of them); None: all that tell of a link.
    """

    name = "engine"

    def __init__(
        self,
        state: MarketState,
        analytics: Sequence[Analytic],
        publish: Publish,
        clock: Clock,
        *,
        groups: Groups | None = None,
        source: str = "LIVE",
        settings: Mapping[str, Any] | None = None,
        beat: float = BEAT,
        limit: int = LIMIT,
        tap: Callable[[Batch], object] | None = None,
        price_links: frozenset[str] | None = None,
    ) -> None:
        self.state = state
        self._price_links = price_links
        self._publish = publish
        self._tap = tap
        self._clock = clock
        self._wake = threading.Event()
        self._jobs = [Job(analytic, self._wake.set) for analytic in analytics]
        self._groups = _frozen(groups or {})
        self._source = source
        self._settings: Mapping[str, Any] = dict(settings or {})
        self._beat = beat
        self._inbox = Inbox(limit)
        self._calls: deque[Callable[[], object]] = deque()
        self._thread: int | None = None
        self._links: frozenset[str] = frozenset()
        self._streamers: dict[str, list[str]] = {}
        self._heard: frozenset[str] = frozenset()  # streamer symbols whose changes count
        self._minutes = Minutes()
        self._durations: deque[float] = deque(maxlen=KEPT_BEATS)
        self._beats = 0
        self._applied = 0
        self._publish_problem: str | None = None
        self._join_symbols()

    # ---- from any thread ----------------------------------------------------------------

    def put(self, batch: Batch) -> None:
        """Hand over a batch; never blocks, never raises. This is the sink of every source."""
        self._inbox.put(batch)
        if self._tap is not None:
            self._tap(batch)
        if not self._wake.is_set():
            self._wake.set()

    def post(self, fn: Callable[[], object]) -> None:
        """Run fn on the engine's thread at the next beat; what it raises is logged."""
        self._calls.append(fn)
        self._wake.set()

    def call(self, fn: Callable[[], T], timeout: float = 5.0) -> T:
        """Run fn on the engine's thread and wait for what it returns or raises.

        Raises:
            SourceError: no answer within timeout seconds (real time).
        """
        if self._thread == threading.get_ident():
            return fn()
        answer: list[T] = []
        error: list[Exception] = []
        done = threading.Event()

        def work() -> None:
            try:
                answer.append(fn())
            except Exception as problem:  # noqa: BLE001 - raised again where it was asked
                error.append(problem)
            finally:
                done.set()

        self.post(work)
        if not done.wait(timeout):
            raise SourceError(f"the engine gave no answer within {timeout:g} s")
        if error:
            raise error[0]
        return answer[0]

    def set_symbols(self, groups: Groups) -> None:
        """Show these symbols from the next beat on; rows that stay are left as they are."""
        wanted = _frozen(groups)

        def change() -> None:
            self._groups = wanted
            self._join_symbols()
            self._start_over()

        self.post(change)

    def set_source(self, source: str) -> None:
        """Label the numbers from the next beat on: LIVE, DELAYED, DEMO or REPLAY."""

        def change() -> None:
            self._source = source
            self._start_over()

        if source != self._source:
            self.post(change)

    def set_settings(self, settings: Mapping[str, Any]) -> None:
        """Give analytics these sections of settings from the next beat on; others stay."""
        wanted = dict(settings)

        def change() -> None:
            self._settings = {**self._settings, **wanted}
            self._start_over()

        self.post(change)

    @property
    def source(self) -> str:
        """The label of the numbers."""
        return self._source

    def kept(self, topic: str) -> dict[Any, Any]:
        """What the analytic of a topic keeps from beat to beat; on the engine's thread only."""
        return next(job.cache for job in self._jobs if job.analytic.topic == topic)

    @property
    def problems(self) -> dict[str, str]:
        """What does not work now: topic of an analytic, or "publish", -> its last error."""
        found = {job.analytic.topic: job.problem for job in self._jobs if job.problem}
        if self._publish_problem:
            found["publish"] = self._publish_problem
        return found

    def metrics(self) -> dict[str, int | float | None]:
        """Counters since the start; p50, p99, max in ms over the last 600 beats (None: none yet).

        beats, applied (events), conflated, dropped, depth and limit of the inbox (events).
        """
        durations = sorted(self._durations.copy())

        def at(share: float) -> float | None:
            place = min(len(durations) - 1, int(share * len(durations)))
            return durations[place] * 1000 if durations else None

        return {
            "beats": self._beats,
            "applied": self._applied,
            "conflated": self._inbox.conflated,
            "dropped": self._inbox.dropped,
            "depth": self._inbox.depth,
            "limit": self._inbox.limit,
            "p50": at(0.5),
            "p99": at(0.99),
            "max": at(1.0),
        }

    # ---- the worker ---------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Beat until stop is set: at once on the first batch, then at most every `beat`."""
        self._thread = threading.get_ident()
        try:
            while not stop.is_set():
                self._wake.wait(IDLE)
                began = self._clock.monotonic()
                self.step()
                left = self._beat - (self._clock.monotonic() - began)
                stop.wait(max(0.001, left))  # never nothing: others want their turn
        finally:
            self._thread = None

    def step(self, moment: Moment | None = None) -> None:
        """One beat: drain, apply, run what was called, recalculate what is due, publish.

        With a moment the beat is then, and heavy answers are waited for: the same batches at
        the same moments give the same updates, whatever the threads do.
        """
        began = self._clock.monotonic()
        self._wake.clear()
        kinds = self._apply(self._inbox.drain())
        self._run_calls()
        now, real, speed = moment or Moment(self._clock.market(), began, self._clock.speed)
        changed = self.state.take_changed(self._heard)
        view = View(
            state=self.state,
            now=now,
            groups=self._groups,
            symbols=tuple(symbol for group in self._groups.values() for symbol in group),
            source=self._source,
            links=self._links,
            settings=self._settings,
            real=real,
            results={job.analytic.topic: job.told for job in self._jobs},
        )
        updates = self._minutes.closed(self.state, self._streamers, now, speed)
        for job in self._jobs:
            job.note(kinds, changed)
            updates += job.advance(view, self._streamers, real, wait=moment is not None)
        if updates:
            self._tell(updates)
        self._beats += 1
        self._durations.append(self._clock.monotonic() - began)

    def _apply(self, batches: Sequence[Batch]) -> set[str]:
        """Take batches into the state; returns their kinds."""
        kinds = set()
        for batch in batches:
            self.state.apply(batch)
            self._applied += len(batch.symbols)
            kinds.add(batch.kind)
            if batch.snapshot:
                concurrency.sleep(0)  # thousands of bars: let the others have their turn
            if batch.kind == "Link":
                told = frozenset(batch.symbols)
                self._links |= told if self._price_links is None else told & self._price_links
        if not JOINING.isdisjoint(kinds):
            self._join_symbols()
        return kinds

    def _run_calls(self) -> None:
        for _ in range(len(self._calls)):
            try:
                self._calls.popleft()()
            except Exception:
                log.exception("a call on the engine's thread failed")

    def _tell(self, updates: Sequence[Update]) -> None:
        try:
            self._publish(updates)
        except Exception as bug:
            if self._publish_problem is None:
                log.exception("publishing failed; the numbers go on")
            self._publish_problem = f"{type(bug).__name__}: {bug}"
        else:
            self._publish_problem = None

    def _join_symbols(self) -> None:
        """Streamer symbol -> the user's symbols that it feeds."""
        self._streamers = {}
        for symbols in self._groups.values():
            for symbol in symbols:
                instrument = self.state.instruments.get(symbol) or provisional(symbol)
                self._streamers.setdefault(instrument.streamer, []).append(symbol)
        underlyings = {each.underlying.streamer for each in self.state.listings.values()}
        self._heard = frozenset(self._streamers) | underlyings | self.state.contracts()

    def _start_over(self) -> None:
        for job in self._jobs:
            job.start_over()


def _frozen(groups: Groups) -> Groups:
    return {group: tuple(symbols) for group, symbols in groups.items()}
