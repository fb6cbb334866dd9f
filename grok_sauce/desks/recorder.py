"""Recorder: keeps what every source says in a file, beside the loop, whatever the disk does."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from grok_sauce import __version__
from grok_sauce.errors import BadPayload, GrokSauceError, reason_of
from grok_sauce.feeds.recording import SUFFIX, RecordingWriter
from grok_sauce.feeds.recording_values import GAP, SETTINGS, Entry, source_of
from grok_sauce.market.batches import Batch
from grok_sauce.market.times import iso
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock, as_datetime
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.settings import Settings, SettingsStore
from grok_sauce.settings.document import as_document

log = logging.getLogger(__name__)

LIMIT: Final = 400_000  # events that may wait for the disk
LOOK: Final = 0.25  # seconds of real time between two looks at what waits
FLUSH: Final = 2.0  # seconds of real time between two blocks: what a kill can cost
AT_ONCE: Final = 20_000  # events encoded before the others have their turn
# Knobs of the environment that change numbers; no secret is among them.
KNOBS: Final = (
    *("GEX_RATE", "GEX_DIVIDEND_YIELDS", "GEX_SYMBOL", "CANDLE_SYMBOLS", "REACTIONS_SYMBOLS"),
    *("TRADINGVIEW_SYMBOLS", "LT_SYMBOL", "LT_TIMEFRAME"),
)


class Recorder:
    """A worker, and the engine's tap: hear() takes every batch and never blocks or raises.

    about is what the header says beside the settings (join() puts those there). A disk that
    refuses ends the recording, not the dashboard: problem then says so. done is set when
    `minutes` of market time are recorded. At most `limit` events wait for the disk; what came
    beyond that is counted where it is missing.
    """

    name = "recorder"

    def __init__(
        self,
        path: Path,
        clock: Clock,
        environ: Mapping[str, str],
        minutes: float | None = None,
        limit: int = LIMIT,
        packing: bytes = b"Z",
    ) -> None:
        self.path = path
        self.status = SourceStatus("recorder", "Recording")
        self.problem: str | None = None
        self.done = threading.Event()
        self.dropped = 0
        self.zero = clock.market()
        self.writer: RecordingWriter | None = None
        self._clock = clock
        self.about: dict[str, Any] = {
            "knobs": {name: environ[name] for name in KNOBS if name in environ}
        }
        self._minutes = minutes
        self._limit = limit
        self._packing = packing
        self._lock = threading.Lock()
        self._waiting: deque[Entry] = deque()
        self._events = 0
        self._missing = 0  # events since the last entry that found no room
        self._seq = 0
        self._at = self.zero
        self._settings: dict[str, Any] = {}
        self._is_over = False

    # ---- from any thread ----------------------------------------------------------------

    def hear(self, batch: Batch) -> None:
        """Take a batch as it arrives."""
        if self._is_over:
            return
        with self._lock:
            self._at = max(self._at, self._clock.market())
            if self._events + len(batch.symbols) > self._limit and self._events:
                self._missing += len(batch.symbols)
                self.dropped += len(batch.symbols)
                return
            if self._missing:
                self._put(Batch(GAP, ["recorder"], ([self._missing],), self._at))
                self._missing = 0
            self._put(batch)

    def _put(self, batch: Batch) -> None:
        self._seq += 1
        self._waiting.append(Entry(self._seq, self._at, source_of(batch), batch))
        self._events += len(batch.symbols)

    def join(self, store: SettingsStore) -> None:
        """Write the settings of now into the header, and each later change where it happens."""
        self._settings = as_document(store.settings)
        told = store.changed

        def changed(old: Settings, new: Settings) -> None:
            self.hear(Batch(SETTINGS, ["settings.json"], ([as_document(new)],), self._at))
            if told is not None:
                told(old, new)

        store.changed = changed

    @property
    def depth(self) -> int:
        """Events that wait for the disk."""
        return self._events

    @property
    def limit(self) -> int:
        """The most that may."""
        return self._limit

    @property
    def seconds(self) -> float:
        """Market time recorded so far."""
        return self._at - self.zero

    # ---- the worker ---------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Write until stop is set, `minutes` have passed, or the disk refuses; then wait for stop.

        Raises:
            GrokSauceError: a second run: what was begun is ended and stays as it is.
        """
        if self.writer is not None:
            raise GrokSauceError("a recording is not begun again; start another")
        if self._use(self._begin):
            self.status.state, self.status.detail = "live", str(self.path)
            log.info("recording into %s", self.path)
            waited = 0.0
            while not stop.wait(LOOK) and not self._is_long_enough():
                waited += LOOK
                is_due = waited >= FLUSH
                if not self._drain() or (is_due and not self._use(self._flush)):
                    break
                waited = 0.0 if is_due else waited
        self._is_over = True
        if self.problem is None and self._drain():
            self._use(self._end)
        if self.problem is None:
            self.status.state, self.status.detail = "off", f"ended, {self.path.name} is whole"
        self.done.set()
        stop.wait()

    def _is_long_enough(self) -> bool:
        elapsed = self._clock.market() - self.zero
        return self._minutes is not None and elapsed >= self._minutes * 60

    def _use(self, work: Callable[[], None]) -> bool:
        """Do something with the disk on a native thread; False when it refused."""
        try:
            concurrency.offload(work)
        except (OSError, BadPayload) as problem:
            why = reason_of(problem) if isinstance(problem, OSError) else str(problem)
            self._stop_for(why)
            return False
        writer = self.writer
        if writer is not None:
            self.status.events = writer.events
            self.status.last_event = self._clock.real()
        self.status.facts["dropped"] = self.dropped
        return True

    def _begin(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        header = {
            "product": __version__,
            "zero": self.zero,
            "started": iso(self.zero),
            "speed": self._clock.speed,
            "settings": self._settings,
            **self.about,
        }
        self.writer = RecordingWriter(self.path, header, self._packing)

    def _drain(self) -> bool:
        """Hand what waits to the writer, in portions; False when the disk refused.

        The lock is taken here: under eventlet no native thread may touch it.
        """
        while some := self._portion():
            if not self._use(partial(self._add, some)):
                return False
        return True

    def _add(self, some: Sequence[Entry]) -> None:
        """Runs on a native thread."""
        assert self.writer is not None
        for entry in some:
            self.writer.add(entry)

    def _flush(self) -> None:
        if self.writer is not None:
            self.writer.flush()

    def _portion(self) -> Sequence[Entry]:
        some: list[Entry] = []
        events = 0
        with self._lock:
            while self._waiting and events < AT_ONCE:
                entry = self._waiting.popleft()
                events += len(entry.batch.symbols)
                some.append(entry)
            self._events -= events
        return some

    def _end(self) -> None:
        if self.writer is not None:
            self.writer.close()

    def _stop_for(self, why: str) -> None:
        """Recording ends here; the dashboard does not."""
        self._is_over = True
        with self._lock:
            self._waiting.clear()
            self._events = 0
        if self.writer is not None:
            concurrency.offload(self.writer.abandon)
        self.problem = f"recording stopped, {self.path} cannot be written: {why}"
        self.status.state, self.status.detail = "backoff", self.problem
        self.status.failed(self.problem, self._clock.real())
        log.error("%s; the dashboard goes on, what is in the file can be replayed", self.problem)

    # ---- what it says of itself ---------------------------------------------------------

    def line(self) -> str:
        """One line for the terminal: how long, how much, where."""
        if self.problem is not None:
            return self.problem
        writer = self.writer
        if writer is None:
            return "recording: not begun"
        ratio = f", {writer.plain / writer.written:.1f} : 1" if writer.written else ""
        missing = f", {self.dropped:,} not recorded" if self.dropped else ""
        return (
            f"recorded {clock_words(self.seconds)}  {writer.events:,} events  "
            f"{writer.written / 1e6:.1f} MB{ratio}{missing}  {self.path.name}"
        )


def clock_words(seconds: float) -> str:
    """A length of time.

    >>> clock_words(75), clock_words(3675)
    ('1:15', '1:01:15')
    """
    minutes, left = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def usual_path(data: Path, now: float) -> Path:
    """Where a recording goes whose file was not named: by its start in market time, UTC."""
    return data / "recordings" / f"{as_datetime(now):%Y-%m-%dT%H%M%SZ}{SUFFIX}"
