"""What every process with pages has: the newest values, who is told of them, and the two doors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from grok_sauce.controls import Controls
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.update import Update

Publish = Callable[[Sequence[Update]], None]


class Hub:
    """Snapshot, publishers, controls and questions. publishers may be added until the start."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.controls = Controls()
        self.questions = Questions(concurrency.spawn)
        self.snapshot = Snapshot()
        self.publishers: list[Publish] = [self.snapshot.publish]
        self._publishing = threading.Lock()

    def publish(self, updates: Sequence[Update]) -> None:
        """State first, then tell: the snapshot is the first publisher. One call at a time."""
        with self._publishing:
            for publish in self.publishers:
                publish(updates)
