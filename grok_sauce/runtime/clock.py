"""The two times: market (sessions, ages, schedules) and real (sockets, backoff, limits)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


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
