"""Player: drives the engine from a recording, its beats where the arrivals put them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from grok_sauce.engine.core import BEAT, IDLE, Moment
from grok_sauce.engine.stepped import SteppedEngine
from grok_sauce.errors import GrokSauceError
from grok_sauce.feeds.recording import Recording
from grok_sauce.feeds.recording_values import GAP, RESOLVED, SETTINGS, Entry
from grok_sauce.market.batches import Batch
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import ReplayClock
from grok_sauce.runtime.status import SourceStatus

log = logging.getLogger(__name__)

DESKS: Final = 0.5  # seconds, counted as the recording counted, between two steps of desks
STEP: Final = 0.1  # real seconds between two looks at the controls while nothing is due


class BeatClock:
    """Market time of the newest beat, and "monotonic" seconds that the recording counted.

    For desks that are stepped: what they do every so often they do at the same beats whenever
    the file is played. real() is the wall clock.
    """

    def __init__(self, clock: ReplayClock, zero: float, speed: float) -> None:
        self.speed = speed
        self._clock = clock
        self._zero = zero

    def market(self) -> float:
        return self._clock.market()

    def real(self) -> float:
        return self._clock.real()

    def monotonic(self) -> float:
        return (self._clock.market() - self._zero) / self.speed


class Player:
    """What the engine's worker does in a replay.

    take(batch) is the sink. steps are called in order after a beat, every DESKS: the work of
    desks that otherwise have threads. settings(document) applies a change of settings.json.
    moved() is called when playing begins, ends or stands still.

    A beat follows the one before by the engine's usual time, counted as the recording counted:
    at once when something arrives after a silence, every IDLE while nothing does. So where the
    beats fall is decided by the file alone, not by the speed at which it is played.
    """

    def __init__(
        self,
        recording: Recording,
        clock: ReplayClock,
        engine: SteppedEngine,
        take: Callable[[Batch], None],
        settings: Callable[[dict[str, Any]], None],
        status: SourceStatus,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self.steps: Sequence[Callable[[], object]] = ()
        self.recording = recording
        self.played = 0
        self.missing = 0  # events that were not recorded, by the gaps met so far
        self.ended = threading.Event()
        self.status = status
        self._clock = clock
        self._engine = engine
        self._take = take
        self._settings = settings
        self._moved = moved
        self._zero, self._speed = counted(recording)
        self._number = 0  # of the next block
        self._entries: deque[Entry] = deque()
        self._stepped = -DESKS

    def drive(self, stop: threading.Event) -> None:
        """Play to the end, then answer what pages ask until stop is set."""
        self.status.state, self.status.detail = "live", self.recording.path.name
        last = self._zero
        while not stop.is_set():
            entry = self._next()
            if entry is None:
                break
            idle, beat = last + IDLE * self._speed, last + BEAT * self._speed
            at = max(min(entry.at, idle), beat)
            if not self._await(at, stop):
                return
            self._put_until(at)
            self._clock.reach(at)
            self._beat(at)
            last = at
            concurrency.sleep(0)  # pages want their turn, also at the highest speed
        self._end()
        while not stop.is_set():
            self._engine.idle(STEP)

    def _beat(self, at: float) -> None:
        real = (at - self._zero) / self._speed
        self._engine.step(Moment(at, real, self._speed))
        if real - self._stepped < DESKS:
            return
        self._stepped = real
        for step in self.steps:
            try:
                step()
            except GrokSauceError as problem:
                log.warning("replay: %s", problem)

    def _await(self, at: float, stop: threading.Event) -> bool:
        """Wait until it is that late; False when the process ends first."""
        while not stop.is_set():
            left = self._clock.wait(at)
            if left is not None and left <= 0:
                return True
            self._engine.idle(STEP if left is None else min(left, STEP))
        return False

    def _next(self) -> Entry | None:
        """The next entry, still waiting; None at the end."""
        while not self._entries:
            if self._number >= len(self.recording.blocks):
                return None
            self._entries.extend(concurrency.offload(self.recording.read, self._number))
            self._number += 1
        return self._entries[0]

    def _put_until(self, at: float) -> None:
        while (entry := self._next()) is not None and entry.at <= at:
            self._entries.popleft()
            self.played += 1
            batch = entry.batch
            self.status.events += len(batch.symbols)
            if batch.kind == SETTINGS:
                self._settings(batch.columns[0][0])
            elif batch.kind == GAP:
                self.missing += batch.columns[0][0]
            elif batch.kind == RESOLVED:
                self._learn(batch)
            else:
                self._take(batch)
        self.status.last_event = self._clock.real()

    def _learn(self, batch: Batch) -> None:
        """What a desk looked up beside the table is known from then on."""
        known = self._engine.state.instruments
        found = {
            symbol: each
            for symbol, each in zip(batch.symbols, batch.columns[0], strict=True)
            if symbol not in known
        }
        if found:
            self._take(Batch("Instrument", list(found), (list(found.values()),), batch.at))

    def _end(self) -> None:
        self.ended.set()
        self.status.detail = f"{self.recording.path.name}, at its end"
        if self.recording.problem is not None:
            log.warning("replay: %s", self.recording.problem)
        self._moved()


def counted(recording: Recording) -> tuple[float, float]:
    """When a recording began (market time) and how many market seconds were one real second."""
    header = recording.header
    speed = float(header.get("speed") or 1.0)
    return float(header.get("zero", recording.start)), speed if speed > 0 else 1.0
