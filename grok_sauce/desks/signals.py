"""The signal strategy live: closed candles in, every judgement stored, then told.

One worker takes candles in order, so a signal is stored before anybody hears of it and told
once by its id, also when the process is killed in between. Trades are on paper.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from grok_sauce.controls import Controls
from grok_sauce.desks.signals_book import Book
from grok_sauce.desks.signals_inputs import Candles, Inputs, Levels, Triggers
from grok_sauce.desks.signals_post import Sender, closing
from grok_sauce.desks.signals_report import Report
from grok_sauce.desks.signals_run import CATCH_UP, MINUTE, QUARTER, Moment, Run
from grok_sauce.errors import SettingsError
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import Clock
from grok_sauce.settings import Settings, SettingsConflict, knob
from grok_sauce.settings.strategy import Strategy
from grok_sauce.storage import signals
from grok_sauce.storage.database import StorageError
from grok_sauce.storage.signals import DAY_MS, SignalRow, Step
from grok_sauce.strategies.candle import Candle
from grok_sauce.strategies.evaluation import STRATEGY
from grok_sauce.update import Update
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

TOPIC: Final = "trade.signal"
STATE: Final = "strategy.state"
OWNER: Final = "signals"
BEAT: Final = 0.5  # seconds the worker waits for a candle
TELL: Final = 2.0  # seconds between two messages of the state that only numbers changed
TIDY: Final = 3600.0  # seconds between two looks for what is too old
WAITING: Final = 20_000  # candles in the queue; what is over is read from the owner again
TOGETHER: Final = 500  # candles stored in one transaction at most


@dataclass(frozen=True, slots=True)
class SignalKeeping:
    """For how long evaluations, signals and paper trades are kept."""

    ENV: ClassVar[dict[str, str]] = {"days": "SIGNAL_DAYS"}

    days: int = knob(180, low=1, high=3650)


@dataclass(frozen=True, slots=True)
class Sources:
    """Who the strategy listens to."""

    candles: Candles
    levels: Levels
    triggers: Triggers


@dataclass(frozen=True, slots=True)
class Doors:
    """How the desk tells, and how it changes the switch.

    publish(updates); newest(topic, key) reads the snapshot; save(part) writes settings.json.
    """

    publish: Callable[[Sequence[Update]], None]
    newest: Callable[[str, str], Any]
    save: Callable[[dict[str, Any]], None]


class SignalDesk:
    """Runs the strategy for each watched symbol.

    refused: why this process tells no signals. demo: on until somebody touches the switch.
    Off, candles are judged all the same: pages say what would have been, nobody else hears of
    it and no paper trade begins; one that is open is followed to its end.
    """

    name = "signals"

    def __init__(
        self,
        sources: Sources,
        book: Book,
        doors: Doors,
        clock: Clock,
        chosen: Settings,
        *,
        demo: bool = False,
        refused: str | None = None,
        keep_days: int = 180,
    ) -> None:
        self._sources = sources
        self._book = book
        self._doors = doors
        self._clock = clock
        self._demo = demo
        self.refused = refused
        self.keep_days = keep_days
        self.chosen: Strategy = chosen.strategy
        self._touched = False
        self._queue: queue.Queue[tuple[str, str, Candle] | None] = queue.Queue(WAITING)
        self._overrun = False
        self._runs: dict[str, Run] = {}
        self._told_at = 0.0
        self._tidied: float | None = None
        self._storage: str | None = None
        self.sender = Sender(book, clock, self._refresh)
        self.report = Report(book, clock, doors.newest, self)
        if refused is None:
            sources.candles.listen(self.hear)

    # ---- joining ------------------------------------------------------------------------

    @property
    def enabled(self) -> bool:
        """Are signals told?"""
        on = self.chosen.enabled or self.by_default
        return on and self.refused is None

    @property
    def by_default(self) -> bool:
        """On because this is a demo whose switch nobody has touched."""
        return self._demo and not self._touched and not self.chosen.enabled

    @property
    def runs(self) -> Mapping[str, Run]:
        """What runs, by symbol."""
        return self._runs

    @property
    def storage_problem(self) -> str | None:
        """Why nothing can be stored; None while it can."""
        return self._storage

    @property
    def router_problem(self) -> str | None:
        """Why alerts for the router wait."""
        return self.sender.problem

    def register(self, controls: Controls, questions: Questions) -> None:
        """Offer the switch, and what pages ask."""
        controls.register("strategy.enable", self.enable)
        controls.register("strategy.disable", self.disable)
        self.report.register(questions)

    def follow(self, chosen: Settings) -> None:
        """Take the user's settings."""
        if chosen.strategy.enabled != self.chosen.enabled:
            self._touched = True
        self.chosen = chosen.strategy
        if self.refused is not None:
            self._doors.publish([Update(STATE, s, self.report.refused(s)) for s in self.symbols])
            return
        wanted = [(symbol, frame) for symbol in self.symbols for frame in (MINUTE, QUARTER)]
        self._sources.candles.want(OWNER, wanted)
        self._refresh()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols whose candles are judged."""
        return self.chosen.symbols

    def hear(self, symbol: str, timeframe: str, candle: Candle) -> None:
        """A closed candle, from its owner's thread. Never blocks."""
        try:
            self._queue.put_nowait((symbol, timeframe, candle))
        except queue.Full:
            self._overrun = True  # the owner keeps them

    def _refresh(self) -> None:
        """Look again now: something else than a candle changed."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            self._overrun = True

    # ---- the switch -----------------------------------------------------------------------

    def enable(self, symbol: str | None = None) -> dict[str, Any]:
        """Tell signals from now on, and write that down: {strategy, enabled, symbols}.

        symbol may name one that is watched; the switch is one for all.

        Raises:
            SettingsError: the symbol is not watched, or this process may tell no signals.
        """
        if self.refused is not None:
            raise SettingsError(f"no signals: {self.refused}", "enabled")
        return self._switch(True, symbol)

    def disable(self, symbol: str | None = None) -> dict[str, Any]:
        """Tell no signals from now on; as enable()."""
        return self._switch(False, symbol)

    def _switch(self, on: bool, symbol: str | None) -> dict[str, Any]:
        if symbol is not None and symbol not in self.symbols:
            raise SettingsError(
                f"symbol must be one that is watched: {', '.join(self.symbols)}", "symbol"
            )
        try:
            self._doors.save({"strategy": {"enabled": on}})
        except SettingsConflict:  # somebody saved in this very moment
            self._doors.save({"strategy": {"enabled": on}})
        self._touched = True
        # The store tells of a change only; in a demo the file may have said so before.
        self.chosen = replace(self.chosen, enabled=on)
        self._refresh()
        return {"strategy": STRATEGY, "enabled": self.enabled, "symbols": list(self.symbols)}

    # ---- the worker -----------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Judge candles until stop is set.

        Raises:
            StorageError: the file cannot be used. The memory is then read from it again, and
                candles that came meanwhile are taken from their owner.
        """
        self._runs = {}
        try:
            while not stop.is_set():
                self._runs_wanted()
                self.beat()
        except StorageError as problem:
            self._storage = str(problem)
            self._tell(True)
            raise

    def step(self) -> None:
        """What run() does once, without waiting."""
        self._runs_wanted()
        self.beat(0.0)

    def beat(self, wait: float = BEAT) -> None:
        """Take what waits, store it, tell it."""
        items = self._waiting(wait)
        found = [each for each in items if each is not None and each[0] in self._runs]
        later: dict[str, list[tuple[str, str, Candle]]] = {}
        if self._overrun:
            self._overrun = False
            later = {symbol: [] for symbol in self._runs}
        changed = self._take(found, later) or None in items
        for symbol, rest in later.items():
            # What lies between was told to nobody: its owner has it.
            changed = self._catch_up(self._runs[symbol], rest) or changed
        self._tell(changed)
        self._tidy()

    def _take(
        self,
        items: Sequence[tuple[str, str, Candle]],
        later: dict[str, list[tuple[str, str, Candle]]],
    ) -> bool:
        """Candles in order; a symbol's from where something is missing on go into later."""
        moment, step = self._moment(), Step()
        touched = set()
        for item in items:
            symbol, timeframe, candle = item
            run = self._runs[symbol]
            if symbol in later or run.skips(timeframe, candle):
                later.setdefault(symbol, []).append(item)
                continue
            self._apply(run, timeframe, candle, moment, step)
            touched.add(symbol)
        self._keep(step, touched)
        return bool(step.evaluations or step.ends)

    def _apply(self, run: Run, timeframe: str, candle: Candle, moment: Moment, step: Step) -> None:
        run.use(self.chosen)
        if timeframe == QUARTER and run.is_new and moment.is_late(candle.end):
            run.first(candle)  # from before the first start
            return
        run.is_new = run.is_new and timeframe != QUARTER
        run.take(timeframe, candle, moment, step)

    def _waiting(self, wait: float) -> list[tuple[str, str, Candle] | None]:
        items: list[tuple[str, str, Candle] | None] = []
        try:
            items.append(self._queue.get(timeout=wait))
            while len(items) < TOGETHER:
                items.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return items

    def _moment(self) -> Moment:
        clock = self._clock
        return Moment(clock.market(), clock.real(), clock.speed, self.enabled)

    def _keep(self, step: Step, touched: set[str]) -> None:
        """Store, then tell."""
        if not touched:
            return
        step.states = {symbol: self._runs[symbol].save() for symbol in touched}
        real = self._clock.real()

        def work(file: sqlite3.Connection) -> None:
            for end in step.ends:
                known = [*step.posts, *signals.posts_of(file, end.signal)]
                opened = [each for each in known if each.signal == end.signal]
                if opened:
                    at = end.ended / 1000
                    step.posts.append(closing(opened[0], end.document["exit"], at, real))
            signals.store(file, step)

        self._book.use(work)
        self._storage = None
        self._publish(step.signals)
        if step.posts:
            self.sender.wake()

    def _publish(self, rows: Sequence[SignalRow]) -> None:
        """Tell signals and note that; a copy after a kill in between carries the same id."""
        if not rows:
            return
        self._doors.publish([Update(TOPIC, "", row.payload) for row in rows])
        ids, now = [row.id for row in rows], round(self._clock.real() * 1000)
        self._book.use(lambda file: signals.told(file, ids, now))
        for row in rows:
            log.info("signal %s", row.id)

    # ---- start and changes of the symbols ---------------------------------------------------

    def _runs_wanted(self) -> None:
        """Begin with symbols that are new, from what is kept of them; leave the others."""
        for symbol in [each for each in self._runs if each not in self.symbols]:
            del self._runs[symbol]
        for symbol in self.symbols:
            if symbol not in self._runs:
                self._runs[symbol] = run = self._begin(symbol)
                self._catch_up(run)
                self._publish_left()
                self._tell(True)

    def _begin(self, symbol: str) -> Run:
        inputs = Inputs(symbol, self._sources.levels, self._sources.triggers)
        run = Run(symbol, self.chosen, inputs)
        document = self._book.use(lambda file: signals.state_of(file, symbol))
        self._storage = None
        try:
            run.restore(document)
        except ValueError as problem:
            log.warning("signals: the memory of %s cannot be read: %s", symbol, problem)
            run.restore(None)
        return run

    def _catch_up(self, run: Run, more: Sequence[tuple[str, str, Candle]] = ()) -> bool:
        """Take from the candles' owner what closed while nobody listened, then more."""
        moment, step = self._moment(), Step()
        told = [(frame, candle) for _, frame, candle in more]
        for frame in (MINUTE, QUARTER):
            told += [(frame, each) for each in self._sources.candles.history(run.symbol, frame)]
        found = sorted(told, key=lambda each: (each[1].end, each[1].seconds))
        candles = [candle for frame, candle in found if frame == QUARTER]
        since = candles[-CATCH_UP].time if len(candles) > CATCH_UP else 0
        for frame, candle in found:
            if frame == QUARTER and candle.time < since:
                run.first(candle)
            else:
                self._apply(run, frame, candle, moment, step)
        self._keep(step, {run.symbol} if found else set())
        return bool(step.evaluations or step.ends)

    def _publish_left(self) -> None:
        """Signals that were stored and not told before the end of an earlier run."""
        now = round(self._clock.market() * 1000)
        left = self._book.use(signals.untold)
        self._publish([row for row in left if row.expires > now])

    # ---- what is said of it -------------------------------------------------------------------

    def _tell(self, changed: bool) -> None:
        now = self._clock.monotonic()
        if not changed and now - self._told_at < TELL:
            return
        self._told_at = now
        updates = self.report.updates(changed)
        if updates:
            self._doors.publish(updates)

    def _tidy(self) -> None:
        now = self._clock.monotonic()
        if self._tidied is not None and now - self._tidied < TIDY:
            return
        self._tidied = now
        before = round(self._clock.market() * 1000) - self.keep_days * DAY_MS
        self._book.use(lambda file: signals.forget(file, before))
