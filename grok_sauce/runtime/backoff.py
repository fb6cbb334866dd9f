"""How long to wait before the next try: 1 s doubling to 60 s, with full jitter."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Delays for one worker. Steady running resets it, a connection alone does not.

    first, longest: seconds; reset_after: seconds of healthy running after which
    the next failure starts from `first` again. jitter() returns 0..1; the delay
    is drawn from [step/2, step], so that it never falls to nothing.
    """

    def __init__(
        self,
        first: float = 1.0,
        longest: float = 60.0,
        reset_after: float = 60.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.first = first
        self.longest = longest
        self.reset_after = reset_after
        self._jitter = jitter
        self._step = first
        self.attempt = 0

    def ran(self, seconds: float) -> None:
        """Tell how long the last run stayed healthy."""
        if seconds >= self.reset_after:
            self.reset()

    def reset(self) -> None:
        """Start from the first step again."""
        self._step = self.first
        self.attempt = 0

    def next(self) -> float:
        """Seconds to wait now; the step doubles for the next call.

        >>> pause = Backoff(jitter=lambda: 1.0)
        >>> [pause.next() for _ in range(8)]
        [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
        """
        step = self._step
        self._step = min(self.longest, step * 2)
        self.attempt += 1
        return step / 2 + self._jitter() * step / 2
