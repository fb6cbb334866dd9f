"""The breaker of one target: after many failures it is left alone for a while.

Pure: steady milliseconds are handed in. An open breaker changes no alert; its deliveries
wait, and only their freshness ends them.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from grok_sauce.alerts.model import OutcomeKind
from grok_sauce.alerts.steady import MS

IN_A_ROW: Final = 5  # attempts that were not sent
LAST: Final = 20  # attempts looked at for the share of failures
AT_LEAST: Final = 10
SHARE: Final = 0.7
FIRST_S: Final = 5.0
LONGEST_S: Final = 60.0
# A target that answers 4xx is there; leaving it alone would not help the next order.
FAILURES: Final = frozenset({"not_sent", "not_accepted", "ambiguous"})


class Breaker:
    """closed -> open (5 s, doubled to 60 s) -> one attempt decides."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        """state: what state() gave in an earlier run."""
        kept = state or {}
        self._row = 0  # not sent, one after the other
        self._recent: deque[bool] = deque(maxlen=LAST)  # True: failed
        self._pause_s = _number(kept.get("pause_s"), 0.0)
        until = kept.get("until_ms")
        self._until_ms = int(until) if isinstance(until, int | float) else None
        self._trying = False  # half open, and the one attempt is under way

    @property
    def is_open(self) -> bool:
        """Open, or half open: the last attempts failed and none has succeeded since."""
        return self._until_ms is not None

    @property
    def next_probe_ms(self) -> int | None:
        """When one attempt is let through; None while closed."""
        return self._until_ms

    def state(self) -> dict[str, Any]:
        """What a restart needs, as JSON; {} while closed."""
        if self._until_ms is None:
            return {}
        return {"until_ms": self._until_ms, "pause_s": self._pause_s}

    def lets_through(self, now_ms: int) -> bool:
        """May an attempt start now?"""
        return self._until_ms is None or (now_ms >= self._until_ms and not self._trying)

    def started(self) -> bool:
        """An attempt starts; True when it is the one that decides (half open)."""
        self._trying = self._until_ms is not None
        return self._trying

    def gave_up(self, deciding: bool) -> None:
        """The attempt that had started was not made after all."""
        if deciding:
            self._trying = False

    def ended(self, kind: OutcomeKind, now_ms: int, deciding: bool = False) -> bool:
        """Note how an attempt ended; True when the breaker opened or closed by it.

        deciding: what started() said of this attempt.
        """
        failed = kind in FAILURES
        was_open = self._until_ms is not None
        if deciding:
            self._trying = False
        self._row = self._row + 1 if kind == "not_sent" else 0
        self._recent.append(failed)
        if not failed:
            return self._close()
        if was_open:
            if deciding:
                self._open(now_ms)
            return deciding  # one that was under way when it opened says nothing new
        if self._row >= IN_A_ROW or self._mostly_failed():
            self._open(now_ms)
            return True
        return False

    def _mostly_failed(self) -> bool:
        count = len(self._recent)
        return count >= AT_LEAST and sum(self._recent) >= SHARE * count

    def _open(self, now_ms: int) -> None:
        self._pause_s = min(self._pause_s * 2 or FIRST_S, LONGEST_S)
        self._until_ms = now_ms + round(self._pause_s * MS)

    def _close(self) -> bool:
        was_open = self._until_ms is not None
        self._until_ms, self._pause_s = None, 0.0
        if was_open:
            self._recent.clear()  # failures before the outage ended are not held against it
        return was_open


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default
