"""How often somebody called in the last twelve hours: the free plan of the simulated NewsAPI."""

from __future__ import annotations

import threading
from collections import deque

WINDOW, MOST = 12 * 3600.0, 50  # calls of the free plan


class Calls:
    """The plan's counter, on the market clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Count a call; False when the plan has none left."""
        with self._lock:
            while self._times and not 0 <= now - self._times[0] < WINDOW:
                self._times.popleft()
            if len(self._times) >= MOST:
                return False
            self._times.append(now)
            return True
