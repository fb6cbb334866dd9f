"""The vocabulary of the alert router: alerts, legs, deliveries, and the moves they may make."""

from __future__ import annotations

from typing import Final, Literal

from grok_sauce.values import dataclass

Side = Literal["long", "short"]
LegKind = Literal["close", "open"]
Mode = Literal["live", "dry", "off"]

AlertState = Literal[
    "invalid", "duplicate", "unrouted", "held", "cancelled", "released", "done", "partial", "failed"
]
DeliveryState = Literal[
    "waiting",
    "sending",
    "retry_wait",
    "delivered",
    "refused",
    "expired",
    "dead",
    "skipped",
    "cancelled",
    "uncertain",
]

# What may follow a state. "uncertain" is final for the machine and open for a person.
ALERT_MOVES: Final[dict[str, frozenset[str]]] = {
    "invalid": frozenset(),
    "duplicate": frozenset({"held"}),  # replayed by a person
    "unrouted": frozenset({"held"}),
    "held": frozenset({"cancelled", "released"}),
    "cancelled": frozenset({"held"}),
    "released": frozenset({"done", "partial", "failed"}),
    "done": frozenset({"released"}),
    "partial": frozenset({"released", "done", "failed"}),
    "failed": frozenset({"released", "done", "partial"}),
}
DELIVERY_MOVES: Final[dict[str, frozenset[str]]] = {
    "waiting": frozenset({"sending", "uncertain", "expired", "dead", "skipped", "cancelled"}),
    "sending": frozenset({"delivered", "retry_wait", "uncertain", "refused", "dead", "expired"}),
    "retry_wait": frozenset({"sending", "expired", "dead", "skipped", "cancelled"}),
    "uncertain": frozenset({"waiting", "delivered"}),
    "delivered": frozenset({"waiting"}),  # the rest: replayed by a person
    "refused": frozenset({"waiting"}),
    "expired": frozenset({"waiting"}),
    "dead": frozenset({"waiting"}),
    "skipped": frozenset({"waiting"}),
    "cancelled": frozenset({"waiting"}),
}
FINAL: Final = frozenset({"delivered", "refused", "expired", "dead", "skipped", "cancelled"})
SETTLED: Final = FINAL | {"uncertain"}  # the machine does no more by itself
NEEDS_A_PERSON: Final = frozenset({"uncertain", "refused", "dead", "expired"})

# Why an open waits for a person although nothing was sent.
UNSENT: Final = frozenset({"reversal_qty_unknown", "close_not_delivered"})


@dataclass(frozen=True, slots=True)
class Alert:
    """A body that was read and checked.

    price is None when the body had none (delivered as 0.0), time_ms when it had none or one
    that cannot be read (flag bad_time), sizes when absent or bad (flag bad_size).
    """

    ticker: str
    action: Literal["buy", "sell"]
    current_position: Literal["long", "short", "flat", ""]
    new_pos: Literal["long", "short", "flat"] | None
    qty: int
    price: float | None
    prev_qty: int | None
    new_qty: int | None
    trade_id: str | None
    trade_number: int | None  # the digits that end trade_id
    time_ms: int | None
    flags: tuple[str, ...] = ()
    extras: tuple[tuple[str, str | float], ...] = ()  # what the six keys cannot say

    def flagged(self, flags: tuple[str, ...]) -> Alert:
        """The same under other flags."""
        return Alert(
            *(self.ticker, self.action, self.current_position, self.new_pos, self.qty),
            *(self.price, self.prev_qty, self.new_qty, self.trade_id, self.trade_number),
            *(self.time_ms, flags, self.extras),
        )


@dataclass(frozen=True, slots=True)
class Leg:
    """One order of an alert. qty None: the split of a reversal is not known."""

    kind: LegKind
    side: Side
    qty: int | None


@dataclass(frozen=True, slots=True)
class HeldAlert:
    """A stored alert that waits for its hold window; seq orders, times are steady milliseconds."""

    seq: int
    id: str
    alert: Alert
    group: str
    received_ms: int
    release_ms: int  # the end of its window
    options: ReleaseOptions


@dataclass(frozen=True, slots=True)
class ReleaseOptions:
    """What the routing tree said of the ticker when the alert arrived."""

    delay_s: float = 2.0
    gap_ms: int = 250
    net_zero_cancel: bool = True
    reversal_qty: Literal["ask", "same", "qty_minus_prev"] = "ask"
    fresh_open_s: float = 60.0
    fresh_close_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Destination:
    """One target of a ticker, joined over the strategies that name it.

    id is its name in deliveries and keys: "localhost:9060".
    """

    id: str
    host: str
    port: int
    path: str
    name: str  # what the user calls it; may be empty
    strategies: tuple[str, ...]
    mode: Mode
    idempotent: bool = False
    ambiguous_policy: Literal["hold", "resend"] = "hold"
    ambiguous_policy_close: Literal["hold", "resend"] = "hold"
    include_meta: bool = False
    skip: str | None = None  # why nothing is sent now: "strategy_off", "paused_today", ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One leg of one alert on its way to one target.

    order is the place in the lane (ascending over the life of the database); body is exactly
    what is sent, "" while the size is unknown; after_close says that the open leg waits for
    the close leg of the same alert and target; key is the Idempotency-Key. Times are steady
    milliseconds.
    """

    id: int
    order: int
    alert_seq: int
    alert_id: str
    ticker: str
    group: str
    batch: int  # alerts released together share it
    target: str
    leg: LegKind
    side: Side
    qty: int | None
    state: DeliveryState
    reason: str | None
    attempts: int
    key: str
    body: str
    received_ms: int
    expires_ms: int
    not_before_ms: int  # of a retry
    gap_ms: int
    after_close: bool
    dry: bool
    idempotent: bool
    policy: Literal["hold", "resend"]  # when the outcome of an attempt is not known


OutcomeKind = Literal["delivered", "not_sent", "not_accepted", "refused", "ambiguous"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. status is the HTTP status, text the first 300 characters of it."""

    kind: OutcomeKind
    status: int | None
    detail: str  # in words: "answered 200", "connection refused", "no answer within 5 s"
    ms: float
    retry_after_s: float | None = None
    text: str = ""
