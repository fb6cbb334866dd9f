"""The two times: market (sessions, ages, schedules) and real (sockets, backoff, limits)."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

_BEHIND: Final = 0.5  # real seconds that a replay may be late before its time waits for it
_SEEN: Final = 200  # moves that its reached speed is measured over


class Clock(Protocol):
    """What code that needs the time is handed. All floats are seconds."""

    @property
    def speed(self) -> float:
        """Market seconds that pass in one real second."""

    def market(self) -> float:
        """Market time as a Unix time."""

    def real(self) -> float:
        """Wall-clock time as a Unix time."""

    def monotonic(self) -> float:
        """Real time that never jumps; only differences mean anything."""


def as_datetime(unix: float) -> datetime:
    """A Unix time as an aware UTC datetime."""
    return datetime.fromtimestamp(unix, UTC)


class RealClock:
    """Live: market time is the wall clock."""

    speed = 1.0

    def market(self) -> float:
        return time.time()

    def real(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class SharedClock:
    """Market time that runs from an anchor at a speed; two processes with one anchor agree.

    anchor_market is the market time (Unix seconds) at the wall time anchor_real.
    """

    def __init__(self, anchor_market: float, anchor_real: float, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be above 0, not {speed!r}")
        self._market = anchor_market
        self._real = anchor_real
        self._speed = speed

    @property
    def speed(self) -> float:
        return self._speed

    def market(self) -> float:
        return self._market + (time.time() - self._real) * self._speed

    def real(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def anchor(self) -> dict[str, float]:
        """What GET /clock says: enough to build the same clock in another process."""
        return {
            "anchor_market": self._market,
            "anchor_real": self._real,
            "speed": self._speed,
        }


class ReplayClock:
    """A recording's time: it moves with reach() alone, at the pace that wait() tells.

    start and end are the recording's, market time. rate: market seconds in one real second, None
    for as fast as it goes. goal: a time that is run to without pausing on the way.
    """

    def __init__(self, start: float, end: float, rate: float | None = 1.0) -> None:
        self.start, self.end = start, end
        self.rate = rate
        self.is_paused = False
        self.goal: float | None = None
        self._position = start
        self._lock = threading.Lock()
        self._anchor: tuple[float, float] | None = None  # market and monotonic where play began
        self._seen: deque[tuple[float, float]] = deque(maxlen=_SEEN)  # of the newest moves

    @property
    def speed(self) -> float:
        """The rate asked for; without one, or while it runs to a goal, the rate reached."""
        if self.rate is not None and self.goal is None:
            return self.rate
        return self.reached() or 1.0

    def reached(self) -> float | None:
        """Market seconds in a real second over the newest moves; None before there are any."""
        seen = list(self._seen)
        if len(seen) < 2 or seen[-1][1] - seen[0][1] <= 0:
            return None
        return (seen[-1][0] - seen[0][0]) / (seen[-1][1] - seen[0][1])

    def market(self) -> float:
        return self._position

    def real(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def play(self) -> None:
        """Go on from where it stands."""
        self.is_paused = False
        self._restart()

    def pause(self) -> None:
        """Stand still, also on the way to a goal."""
        self.is_paused, self.goal = True, None
        self._restart()

    def set_rate(self, rate: float | None) -> None:
        """Another speed from here on.

        Raises:
            ValueError: not above 0.
        """
        if rate is not None and not rate > 0:
            raise ValueError(f"speed must be above 0, not {rate!r}")
        self.rate = rate
        self._restart()

    def seek(self, goal: float) -> None:
        """Run to a later time as fast as it goes; then play or stand as before."""
        self.goal = min(goal, self.end)
        self._restart()

    def wait(self, at: float) -> float | None:
        """Real seconds until a time is due: 0 now, None while it stands still."""
        if self.goal is not None:
            if at <= self.goal:
                return 0.0
            self.reach(self.goal)
            self.goal = None
            self._restart()
        if self.is_paused:
            return None
        if self.rate is None:
            return 0.0
        now = self.monotonic()
        with self._lock:
            if self._anchor is None:
                self._anchor = self._position, now
            market, began = self._anchor
            left = began + (at - market) / self.rate - now
            if left < -_BEHIND:
                self._anchor = None  # it cannot keep up: time that is lost is not run after
        return max(0.0, left)

    def reach(self, at: float) -> None:
        """It is that late now."""
        self._position = max(self._position, at)
        self._seen.append((self._position, self.monotonic()))

    def _restart(self) -> None:
        with self._lock:
            self._anchor = None
        self._seen.clear()


class FollowedClock(RealClock):
    """Market time as another process of ours has it; the wall clock until follow() is called."""

    def __init__(self) -> None:
        self._shared: SharedClock | None = None

    @property
    def speed(self) -> float:  # type: ignore[override]
        return 1.0 if self._shared is None else self._shared.speed

    def market(self) -> float:
        return self.real() if self._shared is None else self._shared.market()

    def follow(self, anchor: Mapping[str, float] | None) -> None:
        """Take over what SharedClock.anchor() says; None for market time by the wall clock.

        Raises:
            KeyError, TypeError, ValueError: that is no anchor.
        """
        self._shared = None if anchor is None else SharedClock(**anchor)


class ManualClock:
    """A clock set by hand, for tests: nothing moves until advance() is called."""

    def __init__(self, market: float = 0.0, real: float | None = None, speed: float = 1.0) -> None:
        self._market = market
        self._real = market if real is None else real
        self._monotonic = 1000.0
        self._speed = speed

    @property
    def speed(self) -> float:
        return self._speed

    def market(self) -> float:
        return self._market

    def real(self) -> float:
        return self._real

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let real seconds pass; market time moves by speed times as much."""
        self._real += seconds
        self._monotonic += seconds
        self._market += seconds * self._speed

    def set_market(self, market: float) -> None:
        """Jump market time, leaving real time alone."""
        self._market = market
