"""Strict lanes: what may be sent next to each target, ticker by ticker.

Pure: steady milliseconds are handed in. A lane is (ticker, target); its deliveries leave one
at a time: release by release, closes before opens, then in their order. Lanes do not wait for
each other, except as in _Batch.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Final, Literal

from grok_sauce.alerts.model import SETTLED, Delivery
from grok_sauce.values import dataclass

BY_PERSON: Final = "sent_by_person"
"""Reason of a waiting open that goes whatever became of its close: somebody said so."""
DRY: Final = "dry_mode"

Lane = tuple[str, str]
Place = tuple[int, bool, int, int]  # batch, is an open, order, id
Pair = tuple[int, str]  # alert, target: what the two legs of a reversal share
CloseEnd = Literal["delivered", "dry", "other"]


@dataclass(slots=True)
class _Batch:
    """One release: its opens wait until its closes are final, plus gap_ms.

    In a group all its closes count, whatever their target. Of a ticker by itself those to the
    same target count: one dead port must not slow another.
    """

    tickers: set[str] = field(default_factory=set)
    left: set[int] = field(default_factory=set)  # not settled
    closes: dict[int, str] = field(default_factory=dict)  # not settled: id -> target
    final_ms: dict[str, int] = field(default_factory=dict)  # target -> its last close was final
    ends: dict[Pair, CloseEnd] = field(default_factory=dict)

    def opens_at(self, delivery: Delivery) -> int | None:
        """From when on this open may go; None while a close has to end first."""
        if delivery.group != delivery.ticker or len(self.tickers) > 1:
            last = None if self.closes else max(self.final_ms.values(), default=0)
        elif delivery.target in self.closes.values():
            last = None
        else:
            last = self.final_ms.get(delivery.target, 0)
        return None if last is None else last and last + delivery.gap_ms


class Lanes:
    """Every delivery that is not settled, as the ledger has it."""

    def __init__(self) -> None:
        self._known: dict[int, Delivery] = {}
        self._lanes: dict[Lane, list[Place]] = {}  # ascending
        self._sending: dict[Lane, int] = {}
        self._busy: set[int] = set()
        self._batches: dict[tuple[str, int], _Batch] = {}
        self._opens: dict[Pair, int] = {}  # opens that wait for their own close
        self._stranded: dict[int, CloseEnd] = {}  # opens whose close was not delivered
        self._expiries: list[tuple[int, int]] = []  # heap of (expires_ms, id); old ones stay in

    def __len__(self) -> int:
        return len(self._known)

    def get(self, delivery: int) -> Delivery | None:
        """A delivery that is not settled, by its id."""
        return self._known.get(delivery)

    def all(self) -> Iterable[Delivery]:
        """Every delivery that is not settled."""
        return self._known.values()

    def is_busy(self, delivery: int) -> bool:
        """Is something being done with it right now?"""
        return delivery in self._busy

    def put(self, deliveries: Iterable[Delivery], now_ms: int) -> None:
        """Take in what the ledger says: new, changed or settled deliveries.

        Those of one release come together; settled closes of opens that still wait, too.
        """
        some = list(deliveries)
        for delivery in some:
            batch = self._batches.setdefault((delivery.group, delivery.batch), _Batch())
            batch.tickers.add(delivery.ticker)
            if delivery.state not in SETTLED:
                self._enter(delivery, batch)
        for delivery in some:
            if delivery.state in SETTLED:
                self._leave(delivery, now_ms)
        for delivery in some:
            key = delivery.group, delivery.batch
            if key in self._batches:
                self._look_at_pair(delivery, self._batches[key])
                if not self._batches[key].left:
                    del self._batches[key]

    def keep_gaps(self, loaded: Iterable[Delivery], now_ms: int) -> None:
        """After a restart: when a close that is not loaded was final is not known, so say now."""
        for delivery in loaded:
            if delivery.after_close and delivery.state == "waiting":
                batch = self._batches[delivery.group, delivery.batch]
                batch.final_ms.setdefault(delivery.target, now_ms)

    def _enter(self, delivery: Delivery, batch: _Batch) -> None:
        if delivery.id not in self._known:
            lane = delivery.ticker, delivery.target
            insort(self._lanes.setdefault(lane, []), _place(delivery))
        self._known[delivery.id] = delivery
        heapq.heappush(self._expiries, (delivery.expires_ms, delivery.id))
        batch.left.add(delivery.id)
        pair = delivery.alert_seq, delivery.target
        if delivery.leg == "close":
            batch.closes[delivery.id] = delivery.target
            batch.ends.pop(pair, None)  # sent again: its end is open
        elif delivery.after_close:
            self._opens[pair] = delivery.id

    def _leave(self, delivery: Delivery, now_ms: int) -> None:
        if self._known.pop(delivery.id, None) is not None:
            lane = delivery.ticker, delivery.target
            self._lanes[lane].remove(_place(delivery))
            if not self._lanes[lane]:
                del self._lanes[lane]
        self._stranded.pop(delivery.id, None)
        batch = self._batches[delivery.group, delivery.batch]
        batch.left.discard(delivery.id)
        pair = delivery.alert_seq, delivery.target
        if self._opens.get(pair) == delivery.id:
            del self._opens[pair]
        if delivery.leg == "close":
            batch.closes.pop(delivery.id, None)
            batch.final_ms[delivery.target] = now_ms
            batch.ends[pair] = _end_of(delivery)

    def _look_at_pair(self, delivery: Delivery, batch: _Batch) -> None:
        """Is there an open leg that may not follow because its close was not delivered?"""
        pair = delivery.alert_seq, delivery.target
        waiting = self._known.get(self._opens.get(pair, 0))
        if waiting is None or waiting.state != "waiting" or waiting.reason == BY_PERSON:
            return
        end = batch.ends.get(pair)
        if end is not None and end != "delivered":
            self._stranded[waiting.id] = end

    def stranded(self) -> list[tuple[Delivery, CloseEnd]]:
        """Opens that cannot follow their close, and how it ended; those being settled are not."""
        return [
            (self._known[delivery], end)
            for delivery, end in self._stranded.items()
            if delivery not in self._busy
        ]

    def expired(self, now_ms: int) -> list[Delivery]:
        """What is past its freshness limit and not under way; told once, see free()."""
        found = []
        while self._expiries and self._expiries[0][0] <= now_ms:
            at, delivery = heapq.heappop(self._expiries)
            known = self._known.get(delivery)
            if known is not None and known.expires_ms == at and delivery not in self._busy:
                found.append(known)
        return list({delivery.id: delivery for delivery in found}.values())

    def next_expiry_ms(self) -> int | None:
        """When something may expire next."""
        return self._expiries[0][0] if self._expiries else None

    def heads(self) -> Iterator[tuple[Delivery, int]]:
        """The first delivery of each lane that nothing is done with, and when it may go."""
        for lane, queue in self._lanes.items():
            head = self._known[queue[0][-1]]
            if lane in self._sending or head.id in self._busy or head.id in self._stranded:
                continue
            ready = head.not_before_ms
            if head.leg == "open" and head.state == "waiting":
                at = self._batches[head.group, head.batch].opens_at(head)
                if at is None:
                    continue
                ready = max(ready, at)
            yield head, ready

    def begin(self, delivery: Delivery, sending: bool) -> None:
        """Something is done with it until free(); sending it keeps its whole lane."""
        self._busy.add(delivery.id)
        if sending:
            self._sending[delivery.ticker, delivery.target] = delivery.id

    def free(self, delivery: Delivery) -> None:
        """Nothing is being done with it any more."""
        self._busy.discard(delivery.id)
        lane = delivery.ticker, delivery.target
        if self._sending.get(lane) == delivery.id:
            del self._sending[lane]
        known = self._known.get(delivery.id)
        if known is not None:  # it may have expired meanwhile
            heapq.heappush(self._expiries, (known.expires_ms, known.id))


def _place(delivery: Delivery) -> Place:
    return delivery.batch, delivery.leg == "open", delivery.order, delivery.id


def _end_of(close: Delivery) -> CloseEnd:
    if close.state == "delivered":
        return "delivered"
    return "dry" if close.state == "skipped" and close.reason == DRY else "other"
