"""Counters and percentiles of the alert half, from many threads, of bounded size."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol

from grok_sauce.runtime import concurrency

# What is counted since the start, each under the name it has in snapshot().
COUNTERS: Final = (
    "received",  # alerts that were stored, whatever became of them
    "held",
    "duplicate",
    "invalid",
    "unrouted",
    "rejected_auth",  # no or a wrong token
    "rejected",  # every answer of 400 and above without a stored alert, rejected_auth too
    "over_rate",  # 503 because a token sent more than its rate: a red alarm
    "resend_answers",  # 503, which asks TradingView to send again
    "cancelled",
    "released",
    "delivered",
    "uncertain",
    "refused",
    "expired",
    "dead",
    "skipped",
)
# Durations in milliseconds: from receipt to answer, how much later than its window's end an
# alert was released, from receipt to the target's answer.
Duration = Literal["accept", "overshoot", "delivery"]
DURATIONS: Final[tuple[Duration, ...]] = ("accept", "overshoot", "delivery")

KEPT: Final = 4096  # newest durations of a kind
KEPT_ATTEMPTS: Final = 200  # newest attempts of a target
KEPT_TARGETS: Final = 400  # twice as many as there may be
KEPT_OFFSETS: Final = 50
HOUR_MINUTES: Final = 60
MINUTE_MS: Final = 60_000


class _Time(Protocol):
    def now_ms(self) -> int: ...


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest of values that at least this share of them does not exceed; None of none.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5), percentile([5.0], 0.99), percentile([], 0.5)
    (2.0, 5.0, None)
    """
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


class Numbers:
    """What health, metrics and pages say of the alert half since the start of the process."""

    def __init__(self, time: _Time) -> None:
        self._time = time
        self._lock = concurrency.brief_lock()
        self._counts = dict.fromkeys(COUNTERS, 0)
        self._durations: dict[str, deque[float]] = {name: deque(maxlen=KEPT) for name in DURATIONS}
        self._targets: dict[str, deque[bool]] = {}
        self._offsets: deque[float] = deque(maxlen=KEPT_OFFSETS)
        self._hour: dict[str, deque[list[int]]] = {"received": deque(), "rejected": deque()}

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of COUNTERS. KeyError for any other name."""
        with self._lock:
            self._add(name, by)

    def stored(self, state: str) -> None:
        """Count an alert that was stored: received, and the state it is in."""
        with self._lock:
            self._add("received", 1)
            self._add(state, 1)

    def _add(self, name: str, by: int) -> None:
        self._counts[name] += by
        hour = self._hour.get(name)
        if hour is not None:
            _add_to_minute(hour, self._time.now_ms() // MINUTE_MS, by)

    def took(self, what: Duration, ms: float) -> None:
        """Note how long something took, in milliseconds."""
        self._durations[what].append(ms)  # atomic, as is copying the deque

    def attempted(self, target: str, good: bool) -> None:
        """Note how one attempt to send to a target ended."""
        with self._lock:
            seen = self._targets.pop(target, None)
            if seen is None:
                seen = deque(maxlen=KEPT_ATTEMPTS)
                if len(self._targets) >= KEPT_TARGETS:
                    del self._targets[next(iter(self._targets))]  # the longest unused
            seen.append(good)
            self._targets[target] = seen

    def clock_offset(self, ms: float) -> None:
        """Note how far an alert's own time lies after our clock (before: negative)."""
        self._offsets.append(ms)

    def snapshot(self) -> dict[str, Any]:
        """Everything as JSON: counts, milliseconds, shares in percent; unknown is None.

        {each of COUNTERS: int, received_hour, rejected_hour,
        accept_p50_ms, accept_p95_ms, accept_p99_ms, overshoot_p50_ms, ... delivery_p99_ms,
        clock_offset_s: median of the last 50 payload times less our clock,
        targets: {id: {attempts, success_percent}} of the newest 200 attempts of each}.
        """
        with self._lock:
            minute = self._time.now_ms() // MINUTE_MS
            found: dict[str, Any] = dict(self._counts)
            for name, hour in self._hour.items():
                found[f"{name}_hour"] = _within_hour(hour, minute)
            durations = {name: list(values) for name, values in self._durations.items()}
            offsets = list(self._offsets)
            targets = {name: (len(seen), sum(seen)) for name, seen in self._targets.items()}
        for name, values in durations.items():
            values.sort()
            for share in (50, 95, 99):
                found[f"{name}_p{share}_ms"] = percentile(values, share / 100)
        found["clock_offset_s"] = statistics.median(offsets) / 1000 if offsets else None
        found["targets"] = {
            name: {"attempts": attempts, "success_percent": 100 * good / attempts}
            for name, (attempts, good) in targets.items()
        }
        return found


def _add_to_minute(hour: deque[list[int]], minute: int, by: int) -> None:
    """Count in the newest minute; minutes that left the hour are dropped."""
    if hour and hour[-1][0] == minute:
        hour[-1][1] += by
        return
    hour.append([minute, by])
    while hour[0][0] <= minute - HOUR_MINUTES:
        hour.popleft()


def _within_hour(hour: deque[list[int]], minute: int) -> int:
    return sum(count for at, count in hour if at > minute - HOUR_MINUTES)
