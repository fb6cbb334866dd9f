"""What is due: releases of hold windows, sends, and deliveries that end without being sent.

Pure: no clock, no threads, no I/O. Steady milliseconds are handed in; what due() gives counts
as under way until the runner says what became of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from grok_sauce.alerts.breaker import LONGEST_S, Breaker
from grok_sauce.alerts.hold import Pair, Window, Windows, net_zero_pairs
from grok_sauce.alerts.lanes import DRY, Lanes
from grok_sauce.alerts.model import Delivery, DeliveryState, HeldAlert, Outcome
from grok_sauce.alerts.steady import MS
from grok_sauce.values import dataclass

SLOTS: Final = 16  # sends at a time
PER_TARGET: Final = 4
SLOW_MS: Final = 1000  # a target that takes longer gets one slot
SLOW_SLOTS: Final = 8  # for all slow targets together: the others always find room
CLOSE_NOT_DELIVERED: Final = "close_not_delivered"


@dataclass(frozen=True, slots=True)
class ReleaseGroup:
    """The end of a window: alerts that stay, by seq, those of them whose opens the gap policy
    blocks, and pairs (open, close) that cancel each other."""

    window: Window
    alerts: tuple[HeldAlert, ...]
    blocked: frozenset[int]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """This delivery's turn has come; deciding: an open breaker lets it through to see."""

    delivery: Delivery
    deciding: bool = False


@dataclass(frozen=True, slots=True)
class Settle:
    """This delivery ends without being sent."""

    delivery: Delivery
    to: DeliveryState
    reason: str


Action = ReleaseGroup | Send | Settle


class Schedule:
    """Joins hold windows, lanes and breakers. Not thread-safe: the runner holds its lock."""

    def __init__(self, *, slots: int = SLOTS) -> None:
        self.paused = False
        self.windows = Windows()
        self.lanes = Lanes()
        self._blocked: set[int] = set()
        self._releasing: dict[str, ReleaseGroup] = {}
        self._slots = slots
        self._sending: dict[str, dict[int, int]] = {}  # target -> delivery -> since when
        self._slow: set[str] = set()
        self._breakers: dict[str, Breaker] = {}
        self._next_ms: int | None = None

    def hold(self, held: HeldAlert, blocked: bool = False) -> None:
        """Let an alert wait for the end of its window; blocked: its opens will be skipped.

        One that waits already, or is being released, is left as it is.
        """
        if self.holds(held):
            return
        self.windows.add(held)
        if blocked:
            self._blocked.add(held.seq)

    def holds(self, held: HeldAlert) -> bool:
        """Is it known here, waiting or being released?"""
        release = self._releasing.get(held.group)
        return self.windows.holds(held) or (release is not None and held.seq in _seqs(release))

    def withdraw(self, seq: int) -> tuple[HeldAlert, bool] | None:
        """Take a held alert out, with its blocked mark; None: it is not held (any more)."""
        held = self.windows.take(seq)
        if held is None:
            return None
        blocked = seq in self._blocked
        self._blocked.discard(seq)
        return held, blocked

    def put(self, deliveries: Iterable[Delivery], now_ms: int) -> None:
        """Take in what the ledger says of deliveries; see Lanes.put."""
        self.lanes.put(deliveries, now_ms)

    def load(self, deliveries: Iterable[Delivery], now_ms: int) -> None:
        """Take over what an earlier run left; gaps after closes are kept once more."""
        some = list(deliveries)
        self.lanes.put(some, now_ms)
        self.lanes.keep_gaps(some, now_ms)

    def depth(self) -> int:
        """Alerts that wait and deliveries that are not settled."""
        releasing = sum(len(_seqs(release)) for release in self._releasing.values())
        return len(self.windows) + releasing + len(self.lanes)

    def sending(self) -> int:
        """Sends under way."""
        return sum(len(some) for some in self._sending.values())

    def due(self, now_ms: int) -> list[Action]:
        """Everything that can start now; it counts as under way until it is handed back."""
        actions: list[Action] = [
            self._release(window) for window in self.windows.due(now_ms, self._releasing)
        ]
        for delivery, end in self.lanes.stranded():
            self.lanes.begin(delivery, sending=False)
            dry = end == "dry"  # its close was not sent either
            actions.append(
                Settle(delivery, "skipped", DRY)
                if dry
                else Settle(delivery, "uncertain", CLOSE_NOT_DELIVERED)
            )
        for delivery in self.lanes.expired(now_ms):
            if not self.lanes.is_busy(delivery.id):
                self.lanes.begin(delivery, sending=False)
                actions.append(Settle(delivery, "expired", "too_old"))
        later = [self.windows.next_ms(self._releasing), self.lanes.next_expiry_ms()]
        if not self.paused:
            actions += self._sends(now_ms, later)
        self._next_ms = min((at for at in later if at is not None), default=None)
        return actions

    def next_ms(self) -> int | None:
        """When something may be due that was not at the last due(); None: nothing by itself."""
        return self._next_ms

    def _release(self, window: Window) -> ReleaseGroup:
        pairs = tuple(net_zero_pairs(window.alerts))
        gone = {held.seq for pair in pairs for held in pair}
        staying = tuple(held for held in window.alerts if held.seq not in gone)
        blocked = frozenset(self._blocked & {held.seq for held in window.alerts})
        release = ReleaseGroup(window, staying, blocked, pairs)
        self._releasing[window.group] = release
        return release

    def _sends(self, now_ms: int, later: list[int | None]) -> list[Send]:
        ready = []
        for head, at in self.lanes.heads():
            if at > now_ms:
                later.append(at)
            else:
                ready.append(head)
        sends: list[Send] = []
        for delivery in sorted(ready, key=lambda each: each.order):
            breaker = self._breakers.get(delivery.target)
            if breaker is not None and not breaker.lets_through(now_ms):
                probe = breaker.next_probe_ms
                if probe is not None and probe > now_ms:  # else it is under way, and will be told
                    later.append(probe)
            elif self._has_room(delivery.target, now_ms):
                self.lanes.begin(delivery, sending=True)
                self._sending.setdefault(delivery.target, {})[delivery.id] = now_ms
                deciding = breaker is not None and breaker.started()
                sends.append(Send(delivery, deciding))
        return sends

    def _has_room(self, target: str, now_ms: int) -> bool:
        """Is there a slot for one more send to this target?"""
        if self.sending() >= self._slots:
            return False
        here = len(self._sending.get(target, ()))
        if not self._is_slow(target, now_ms):
            return here < PER_TARGET
        slow = sum(len(some) for each, some in self._sending.items() if self._is_slow(each, now_ms))
        return here == 0 and slow < max(SLOW_SLOTS * self._slots // SLOTS, 1)

    def _is_slow(self, target: str, now_ms: int) -> bool:
        under_way = self._sending.get(target, {})
        return target in self._slow or any(now_ms - since > SLOW_MS for since in under_way.values())

    # What the runner says of actions.

    def released(self, release: ReleaseGroup, deliveries: Iterable[Delivery], now_ms: int) -> None:
        """A release is written; its deliveries enter their lanes."""
        self._releasing.pop(release.window.group, None)
        self._blocked -= _seqs(release)
        self.put(deliveries, now_ms)

    def settled(self, delivery: Delivery, now_ms: int) -> None:
        """A Settle is written, or was found to be needless: the delivery as it is now."""
        self.lanes.free(delivery)
        self.put([delivery], now_ms)

    def sent(
        self, send: Send, delivery: Delivery, outcome: Outcome | None, now_ms: int
    ) -> dict[str, Any] | None:
        """A Send is over and its outcome written; None: it was not attempted after all.

        Returns the state of the target's breaker when that changed.
        """
        target = delivery.target
        self._sending.get(target, {}).pop(delivery.id, None)
        if not self._sending.get(target):
            self._sending.pop(target, None)
        self.settled(delivery, now_ms)
        breaker = self._breakers.setdefault(target, Breaker())
        if outcome is None:
            breaker.gave_up(send.deciding)
            return None
        (self._slow.add if outcome.ms > SLOW_MS else self._slow.discard)(target)
        return breaker.state() if breaker.ended(outcome.kind, now_ms, send.deciding) else None

    def load_breakers(self, states: dict[str, dict[str, Any]], now_ms: int) -> None:
        """Take over the breakers of an earlier run; none stays open longer than it may."""
        latest = now_ms + round(LONGEST_S * MS)
        for target, state in states.items():
            if state.get("until_ms") is not None:
                until = min(int(state["until_ms"]), latest)
                self._breakers[target] = Breaker({**state, "until_ms": until})

    def breakers(self) -> dict[str, int]:
        """Targets that are left alone, and when one attempt is let through (steady ms)."""
        return {
            target: breaker.next_probe_ms
            for target, breaker in self._breakers.items()
            if breaker.next_probe_ms is not None
        }


def _seqs(release: ReleaseGroup) -> set[int]:
    return {held.seq for held in release.window.alerts}
