"""An outage is told once when it begins and once when it ends; a fault once while it lasts."""

from __future__ import annotations

import logging

from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus

log = logging.getLogger(__name__)


class Edges:
    """What is wrong with one source now. down: no answer at all; fault: an answer of no use."""

    def __init__(self, who: str, status: SourceStatus, clock: Clock) -> None:
        self._who = who
        self._status = status
        self._clock = clock
        self.down = False
        self.fault: str | None = None

    def lost(self, problem: Exception) -> None:
        """Nothing answers."""
        if not self.down:
            log.warning("%s: lost: %s", self._who, problem)
        self.down = True
        self._status.failed(str(problem), self._clock.real())

    def answered(self) -> None:
        """Something answers again, whatever it says."""
        if self.down:
            self.down = False
            log.info("%s: back", self._who)

    def wrong(self, text: str) -> None:
        """It answers, but not with what was asked for."""
        self.answered()
        if self.fault != text:
            log.warning("%s: %s", self._who, text)
        self.fault = text
        self._status.failed(text, self._clock.real())

    def good(self) -> None:
        """It answered what was asked for."""
        self.answered()
        if self.fault is not None:
            self.fault = None
            log.info("%s: in order again", self._who)


def span(seconds: float) -> str:
    """A time in one unit, whole ones that have passed, for people.

    >>> [span(seconds) for seconds in (20, 59.6, 3599, 5400, 100_000, 400_000)]
    ['20s', '59s', '59m', '1h', '27h', '4d']
    """
    for limit, size, letter in ((60, 1, "s"), (3600, 60, "m"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{int(max(0.0, seconds) // size)}{letter}"
    return f"{int(seconds // 86400)}d"
