"""How long the loop stalls: a heartbeat that measures how late it wakes up."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path

from grok_sauce.runtime.clock import Clock

BEAT = 0.05  # seconds between heartbeats
MINUTES = 120  # minutes kept for the page


def run_queue_wait() -> float | None:
    """Seconds the main thread was ready but waited for a processor, since its start.

    From /proc (Linux); None elsewhere. The time is the machine's, not ours.
    """
    try:
        return int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


class LoopWatch:
    """A worker: wakes every 50 ms and keeps by how much it was late.

    stalls are in milliseconds with the wait for a processor taken off, so that a busy
    neighbour on the machine is not counted as our own slowness.
    """

    name = "loop"

    def __init__(self, clock: Clock, recent: int = 2400) -> None:
        self._clock = clock
        self._recent: deque[float] = deque(maxlen=recent)  # two minutes of beats
        self._minutes: deque[float] = deque(maxlen=MINUTES)
        self._minute: int | None = None
        self.longest = 0.0

    def note(self, late: float) -> None:
        """Keep one heartbeat's lateness, in seconds."""
        stall = max(0.0, late) * 1000.0
        self._recent.append(stall)
        self.longest = max(self.longest, stall)
        minute = int(self._clock.monotonic() // 60)
        if minute != self._minute:
            self._minute = minute
            self._minutes.append(stall)
        else:
            self._minutes[-1] = max(self._minutes[-1], stall)

    def run(self, stop: threading.Event) -> None:
        """Measure until stop is set."""
        waited = run_queue_wait()
        before = self._clock.monotonic()
        while not stop.wait(BEAT):
            now, waiting = self._clock.monotonic(), run_queue_wait()
            queued = waiting - waited if waiting is not None and waited is not None else 0.0
            self.note(now - before - BEAT - queued)
            before, waited = now, waiting

    def report(self) -> dict[str, float | list[float] | None]:
        """p50, p99 (two minutes), longest stall (since the start) in ms; worst of each minute."""
        ordered = sorted(self._recent)
        if not ordered:
            return {"p50": None, "p99": None, "max": None, "minutes": []}
        return {
            "p50": round(ordered[len(ordered) // 2], 1),
            "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 1),
            "max": round(self.longest, 1),
            "minutes": [round(worst, 1) for worst in self._minutes],
        }
