"""SteppedEngine: an engine whose beats somebody else calls, for a recording that is played."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from grok_sauce.engine.core import Engine


class SteppedEngine(Engine):
    """drive(stop) runs as the engine's worker and calls step(moment); idle() in between.

    Set drive before the worker starts.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.drive: Callable[[threading.Event], None] | None = None

    def run(self, stop: threading.Event) -> None:
        """Let drive() do it, until stop is set."""
        assert self.drive is not None
        self._thread = threading.get_ident()
        try:
            self.drive(stop)
        finally:
            self._thread = None

    def idle(self, seconds: float) -> None:
        """Wait so long at most, and run what was called meanwhile: no beat, no new number."""
        self._wake.wait(seconds)
        self._wake.clear()
        self._run_calls()
