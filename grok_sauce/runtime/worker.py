"""A worker is anything with a name and run(stop): it runs until stop is set or it cannot go on."""

from __future__ import annotations

import threading
from typing import Literal, Protocol

from grok_sauce.values import dataclass

WorkerState = Literal["waiting", "running", "backoff", "refused", "stopped"]


class Worker(Protocol):
    """Long-running work, started by the supervisor."""

    @property
    def name(self) -> str:
        """Short and stable: it is a row on /status and a label in /metrics."""

    def run(self, stop: threading.Event) -> None:
        """Work until stop is set. Raise when it cannot go on; never retry alone."""


@dataclass(slots=True)
class WorkerStatus:
    """What the supervisor knows of one worker; times are Unix seconds of real time."""

    name: str
    state: WorkerState = "waiting"
    restarts: int = 0
    started: float | None = None
    last_error: str | None = None
    last_error_at: float | None = None
    next_try: float | None = None
