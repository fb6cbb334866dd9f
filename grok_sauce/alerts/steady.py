"""Time for alerts: milliseconds that never jump while we run, near the wall clock."""

from __future__ import annotations

from typing import Final

from grok_sauce.runtime.clock import Clock

MS: Final = 1000


class SteadyTime:
    """The wall clock at the start plus what has really passed since.

    Freshness, windows and duplicate keys are reckoned in it, so that a wall clock that is set
    while we run expires, repeats and reorders nothing. What people read is wall_ms().
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base = clock.real() - clock.monotonic()

    def now_ms(self) -> int:
        """Steady milliseconds, comparable with those of earlier runs."""
        return int((self._base + self._clock.monotonic()) * MS)

    def wall_ms(self) -> int:
        """Wall-clock milliseconds, UTC."""
        return int(self._clock.real() * MS)
