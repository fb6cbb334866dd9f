"""The hold window: which alerts are released together, in which order, and which cancel out.

Pure: steady milliseconds are handed in.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import TypeVar

from grok_sauce.alerts.legs import mapped
from grok_sauce.alerts.model import HeldAlert
from grok_sauce.values import dataclass

T = TypeVar("T")

Pair = tuple[HeldAlert, HeldAlert]


@dataclass(frozen=True, slots=True)
class Window:
    """What is released together, by seq; end_ms is when that was due."""

    group: str
    end_ms: int
    alerts: tuple[HeldAlert, ...]


class Windows:
    """Alerts that wait for the end of their group's window.

    The first alert of a group opens it; those that come before its end join and can only end it
    sooner (a ticker with a shorter delay), so nobody waits longer than its own delay. What comes
    after the end opens the next window, also when the release of this one is late (a restart, a
    stall): a close of then must not go before an open of now, nor cancel it. With delay 0 an
    alert is released alone and at once.
    """

    def __init__(self) -> None:
        self._groups: dict[str, dict[int, HeldAlert]] = {}
        self._ends: dict[str, int] = {}  # of each group's window
        # (received_ms, seq, group) of all, and of some that are gone: forgotten when on top.
        self._received: list[tuple[int, int, str]] = []

    def __len__(self) -> int:
        return sum(len(group) for group in self._groups.values())

    def add(self, held: HeldAlert) -> None:
        """Add an alert; the same seq again replaces it."""
        group = self._groups.setdefault(held.group, {})
        is_known = held.seq in group
        group[held.seq] = held
        if is_known:
            self._look_at(held.group)
        else:
            heapq.heappush(self._received, (held.received_ms, held.seq, held.group))
            self._ends[held.group] = min(
                held.release_ms, self._ends.get(held.group, held.release_ms)
            )

    def holds(self, held: HeldAlert) -> bool:
        """Does this alert wait here?"""
        return held.seq in self._groups.get(held.group, ())

    def take(self, seq: int) -> HeldAlert | None:
        """Take one out (it is cancelled); None when it does not wait here."""
        for group, alerts in self._groups.items():
            if seq in alerts:
                held = alerts.pop(seq)
                self._look_at(group)
                return held
        return None

    def all(self) -> list[HeldAlert]:
        """Every alert that waits."""
        return [held for alerts in self._groups.values() for held in alerts.values()]

    def oldest_ms(self) -> int | None:
        """When the one that waits longest came; None: nothing waits."""
        while self._received:
            received_ms, seq, group = self._received[0]
            if seq in self._groups.get(group, ()):
                return received_ms
            heapq.heappop(self._received)
        return None

    def after(self, seq: int) -> set[int]:
        """The seqs above this one, as far as they came in order: those at the end."""
        found: set[int] = set()
        for alerts in self._groups.values():
            for one in reversed(alerts):
                if one <= seq:
                    break
                found.add(one)
        return found

    def next_ms(self, busy: Iterable[str] = ()) -> int | None:
        """When the next window ends, groups in busy left out; None: nothing waits."""
        without = set(busy)
        return min((end for group, end in self._ends.items() if group not in without), default=None)

    def due(self, now_ms: int, busy: Iterable[str] = ()) -> list[Window]:
        """Take out the windows that have ended, at most one per group and none of those in busy.

        A release that is still being written keeps the next one of its group back: places in
        lanes are given when a release is written.
        """
        without = set(busy)
        over = [g for g, end in self._ends.items() if end <= now_ms and g not in without]
        found = []
        for group in sorted(over):
            end, alerts = self._ends[group], self._groups[group]
            joined = [held for held in alerts.values() if held.received_ms <= end]
            ended = sorted(joined, key=lambda held: held.seq)
            if all(held.options.delay_s == 0 for held in ended):
                ended = ended[:1]  # no window: each on its own, in order of arrival
            for held in ended:
                del alerts[held.seq]
            self._look_at(group)
            found.append(Window(group, end, tuple(ended)))
        if found:
            self.oldest_ms()  # forgets them
        return found

    def _look_at(self, group: str) -> None:
        """Reckon the end of a group's window anew, after its alerts changed."""
        alerts = self._groups[group]
        if alerts:
            self._ends[group] = min(held.release_ms for held in alerts.values())
        else:
            del self._groups[group], self._ends[group]


def net_zero_pairs(alerts: Iterable[HeldAlert]) -> list[Pair]:
    """Opens and closes of one trade that cancel each other, as (open, close).

    Same ticker, trade number, side and qty, one leg each, and both tickers let it. The words
    in trade_id are not believed. The earliest open goes with the earliest close that fits.
    """
    opens: dict[tuple[object, ...], list[HeldAlert]] = {}
    closes: dict[tuple[object, ...], list[HeldAlert]] = {}
    for held in sorted(alerts, key=lambda each: each.seq):
        alert = held.alert
        kind, side, is_reversal = mapped(alert)
        if alert.trade_number is None or is_reversal or not held.options.net_zero_cancel:
            continue
        key = alert.ticker, alert.trade_number, side, alert.qty
        (opens if kind == "open" else closes).setdefault(key, []).append(held)
    return [
        pair
        for key, waiting in opens.items()
        for pair in zip(waiting, closes.get(key, ()), strict=False)
    ]


def in_order(alerts: Iterable[HeldAlert]) -> list[HeldAlert]:
    """Alerts of one release in the order in which their closes, then their opens, are sent.

    By the body's time where both have one and it differs; then by trade number where both
    have one; then by seq. Taken pair by pair that rule can run in a circle (one without a
    time between two that have one), so those with and those without are each put in order
    and then merged.
    """
    times: dict[int, list[HeldAlert]] = {}
    timeless: list[HeldAlert] = []
    for held in alerts:
        at = held.alert.time_ms
        (timeless if at is None else times.setdefault(at, [])).append(held)
    timed = [held for at in sorted(times) for held in _by_number(times[at])]
    return _merged(timed, _by_number(timeless), _before)


def _by_number(alerts: Iterable[HeldAlert]) -> list[HeldAlert]:
    ordered = sorted(alerts, key=lambda held: held.seq)
    plain = [held for held in ordered if held.alert.trade_number is None]
    numbered = [held for held in ordered if held.alert.trade_number is not None]
    numbered.sort(key=lambda held: held.alert.trade_number or 0)
    return _merged(numbered, plain, lambda one, other: one.seq < other.seq)


def _before(one: HeldAlert, other: HeldAlert) -> bool:
    number, its = one.alert.trade_number, other.alert.trade_number
    if number is not None and its is not None and number != its:
        return number < its
    return one.seq < other.seq


def _merged(one: list[T], other: list[T], before: Callable[[T, T], bool]) -> list[T]:
    """Both lists in one, each keeping its own order."""
    merged: list[T] = []
    left, right = 0, 0
    while left < len(one) and right < len(other):
        if before(one[left], other[right]):
            merged.append(one[left])
            left += 1
        else:
            merged.append(other[right])
            right += 1
    return [*merged, *one[left:], *other[right:]]
