"""Tape keeper: the day's sums of prints in a file, so that a restart goes on from them."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Final

from grok_sauce.engine import Engine
from grok_sauce.errors import BadPayload
from grok_sauce.runtime import concurrency
from grok_sauce.storage.files import BrokenFile, read_json, write_json

log = logging.getLogger(__name__)

EVERY: Final = 30.0  # seconds (real) between two looks; what a kill can cost


class TapeKeeper:
    """A worker: takes the sums back at its start, writes them while they change.

    A file that cannot be read is left where it is until the next write replaces it; a disk that
    refuses costs a warning.
    """

    name = "prints"

    def __init__(self, engine: Engine, path: Path, every: float = EVERY) -> None:
        self._engine = engine
        self._path = path
        self._every = every
        self._written: object = None
        self._is_refused = False

    def run(self, stop: threading.Event) -> None:
        """Until stop is set.

        Raises:
            SourceError: the engine does not answer.
        """
        self.load()
        while not stop.wait(self._every):
            self.save()

    def load(self) -> None:
        """Put what was kept into the state, unless prints have come already."""
        try:
            kept = concurrency.offload(read_json, self._path)
            if kept is not None:
                self._engine.call(lambda: self._engine.state.tape.restore(kept))
        except (BrokenFile, BadPayload, OSError) as problem:
            log.warning("prints of today begin anew: %s", problem)

    def save(self) -> None:
        """Write the sums where they changed."""
        found = self._engine.call(self._engine.state.tape.saved)
        if found is None or found == self._written:
            return
        try:
            concurrency.offload(write_json, self._path, found, 0)
        except OSError as problem:
            if not self._is_refused:
                log.warning("%s cannot be written: %s", self._path, problem)
            self._is_refused = True
        else:
            self._written, self._is_refused = found, False
