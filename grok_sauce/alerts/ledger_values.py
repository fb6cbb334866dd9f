"""What goes into the ledger and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from grok_sauce.alerts.model import (
    Alert,
    AlertState,
    Delivery,
    Destination,
    HeldAlert,
    Leg,
    ReleaseOptions,
)
from grok_sauce.values import dataclass

# Kept among an alert's flags: gap policy block_open applies to its opens.
GAP_BLOCKED = "gap_blocked"


@dataclass(slots=True)  # not frozen: that costs three times as much, for every alert
class NewAlert:
    """What a request brought, ready to be stored.

    received_ms, the two until_ms and release_ms are steady, wall_ms is the clock on the wall.
    body has its secrets masked. Only a held alert claims its keys; an unrouted one is looked up
    under them, an invalid one is not.
    """

    id: str
    state: Literal["held", "invalid", "unrouted"]
    reason: str | None
    alert: Alert | None
    mapped: str | None
    body: str
    source: str
    token_id: int | None
    received_ms: int
    wall_ms: int
    exact_key: str | None
    exact_until_ms: int
    semantic_key: str | None
    semantic_until_ms: int
    group: str
    release_ms: int
    options: ReleaseOptions
    strategies: tuple[str, ...]
    test: bool
    gap_policy: Literal["warn", "block_open"]


@dataclass(slots=True)
class Received:
    """What became of it. first_id: of the alert it repeats; blocked: its opens are skipped."""

    seq: int
    id: str
    state: AlertState
    first_id: str | None
    flags: tuple[str, ...]
    blocked: bool


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """One delivery to make: a leg for a destination, in the state it begins with."""

    destination: Destination
    leg: Leg
    state: Literal["waiting", "skipped", "uncertain"]
    reason: str | None
    body: str  # "" while the size is not known
    key: str
    expires_ms: int
    gap_ms: int
    after_close: bool
    dry: bool
    policy: Literal["hold", "resend"]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a held alert is released to; no legs: it is cancelled, reason no_destination."""

    seq: int
    legs: tuple[PlannedLeg, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """A delivery after its move, and what its alert has come to."""

    delivery: Delivery
    alert_state: AlertState


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What the last run left to do. blocked: seqs of held alerts whose opens are skipped.

    deliveries are those not settled, by id. The close of an open that waits for it is among
    them, or it was delivered or skipped. found counts what recovery changed, for one line in
    the log: {"retry_wait": 1, "uncertain": 2}.
    """

    held: list[HeldAlert]
    deliveries: list[Delivery]
    paused: bool
    dry: bool
    blocked: frozenset[int] = frozenset()
    found: Mapping[str, int] = field(default_factory=dict)
