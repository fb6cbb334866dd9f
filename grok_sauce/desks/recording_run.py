"""A run of the dashboard that is recorded: the recorder joined to its market half."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from grok_sauce.desks.progress import ProgressLine
from grok_sauce.desks.recorder import Recorder, usual_path
from grok_sauce.errors import SettingsError
from grok_sauce.market.batches import Batch
from grok_sauce.runtime.clock import Clock
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.market_half import MarketHalf


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """Where to, and after how many minutes of market time the command ends (None: never)."""

    file: Path | None = None
    minutes: float | None = None
    is_small: bool = False


class RecordingRun:
    """hear is the engine's tap; stop() ends the process when the minutes are over.

    Raises:
        SettingsError: the file is there already.
    """

    name = "recording end"

    def __init__(
        self,
        options: RecordOptions,
        data: Path,
        clock: Clock,
        environ: Mapping[str, str],
        stop: Callable[[], None],
    ) -> None:
        path = options.file or usual_path(data, clock.market())
        if path.exists():
            raise SettingsError(f"{path} is there already; name another file", "FILE")
        self._options = options
        self._end = stop
        packing = b"X" if options.is_small else b"Z"
        self.recorder = Recorder(path, clock, environ, options.minutes, packing=packing)
        self._progress = ProgressLine(self.recorder.line)

    def hear(self, batch: Batch) -> None:
        """Take what a source says."""
        self.recorder.hear(batch)

    def join(self, half: MarketHalf, seed: int | None) -> None:
        """Tell the file what is recorded, and run with the half's workers."""
        self.recorder.about |= {"mode": half.engine.source, "seed": seed}
        self.recorder.join(half.store)
        half.health.add_source(self.recorder.status)
        half.workers += [self.recorder, self._progress, self]

    def run(self, stop: threading.Event) -> None:
        """Wait for the end of the minutes, then end the process."""
        while not stop.wait(0.25):
            if self._options.minutes is not None and self.recorder.done.is_set():
                self._end()
                stop.wait()

    def tell_end(self) -> None:
        """The last line, and for a recording that is whole what to do with it."""
        self._progress.last()
        if self.recorder.problem is None:
            sys.stdout.write(f"replay it with: python3 main.py replay {self.recorder.path}\n")
            sys.stdout.flush()
