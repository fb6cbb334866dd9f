"""From the end of a hold window to deliveries: who gets which leg, and what is not sent. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal, Protocol

from grok_sauce.alerts.body import classic_body, meta_of
from grok_sauce.alerts.hold import in_order
from grok_sauce.alerts.lanes import DRY
from grok_sauce.alerts.ledger_values import Planned, PlannedLeg
from grok_sauce.alerts.legs import legs
from grok_sauce.alerts.model import Alert, Delivery, Destination, HeldAlert, Leg, LegKind
from grok_sauce.alerts.routing import Route, Routes
from grok_sauce.alerts.steady import MS
from grok_sauce.values import dataclass

STRATEGY_OFF: Final = "strategy_off"
PAUSED_TODAY: Final = "paused_today"
NOT_IN_TREE: Final = "not_in_tree"
GAP: Final = "gap"
QTY_UNKNOWN: Final = "reversal_qty_unknown"


class OpenGuards(Protocol):
    """Guards of section 8: they stop opens only."""

    def blocks_open(self, route: Route, strategies: Sequence[str], ticker: str) -> str | None:
        """Why an open for these strategies is not sent now; None: it is."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides whether something is sent, looked at anew each time."""

    routes: Routes
    guards: OpenGuards
    dry: bool

    def why_skipped(self, destination: Destination, route: Route, kind: LegKind) -> str | None:
        """Why this leg is not sent to this target now; None: it is.

        A daily pause is one of the guards: closes pass.
        """
        if destination.mode == "off":
            return destination.skip or STRATEGY_OFF
        if destination.skip and not (kind == "close" and destination.skip == PAUSED_TODAY):
            return destination.skip
        if self.dry or destination.mode == "dry":
            return DRY
        if kind == "close":
            return None
        return self.guards.blocks_open(route, destination.strategies, route.ticker)

    def check(self, delivery: Delivery) -> tuple[Destination | None, str | None]:
        """Where a delivery goes as the tree is now, and why it is not sent (None: it is)."""
        route = self.routes.lookup(delivery.ticker)
        for destination in route.destinations if route else ():
            if destination.id == delivery.target and route is not None:
                return destination, self.why_skipped(destination, route, delivery.leg)
        return None, NOT_IN_TREE


def plan(
    alerts: Sequence[HeldAlert],
    blocked: Collection[int],
    opened: Mapping[str, int | None],
    rules: Rules,
) -> list[Planned]:
    """What the alerts of one release become, in order; lanes put closes before opens.

    blocked: seqs whose opens the gap policy stops; opened: size last delivered as an open, by
    ticker. A ticker that nobody lists any more gets no legs.
    """
    plans = []
    for held in in_order(alerts):
        route = rules.routes.lookup(held.alert.ticker)
        parts = legs(held.alert, held.options.reversal_qty, opened.get(held.alert.ticker))
        planned: tuple[PlannedLeg, ...] = ()
        if route is not None:
            planned = tuple(
                _planned(held, leg, destination, route, rules, len(parts) > 1, held.seq in blocked)
                for leg in parts
                for destination in route.destinations
            )
        plans.append(Planned(held.seq, planned))
    return plans


def _planned(
    held: HeldAlert,
    leg: Leg,
    destination: Destination,
    route: Route,
    rules: Rules,
    two_legs: bool,
    blocked: bool,
) -> PlannedLeg:
    reason = rules.why_skipped(destination, route, leg.kind)
    if reason is None and blocked and leg.kind == "open":
        reason = GAP
    state: Literal["waiting", "skipped", "uncertain"] = "waiting" if reason is None else "skipped"
    if reason is None and leg.qty is None:
        state, reason = "uncertain", QTY_UNKNOWN
    return PlannedLeg(
        destination=destination,
        leg=leg,
        state=state,
        reason=reason,
        body=body_of(held.id, held.alert, leg, destination, held.received_ms),
        key=f"{held.id}-{destination.id}-{leg.kind}",
        expires_ms=held.received_ms + fresh_ms(held, leg.kind),
        gap_ms=held.options.gap_ms,
        after_close=two_legs and leg.kind == "open",
        dry=reason == DRY,
        policy=policy_of(destination, leg.kind),
    )


def body_of(
    alert_id: str, alert: Alert, leg: Leg, destination: Destination, received_ms: int
) -> str:
    """Exactly what is sent; "" while the size is not known."""
    if leg.qty is None:
        return ""
    meta = None
    if destination.include_meta:
        meta = meta_of(alert_id, leg, alert, destination.strategies)
    return classic_body(alert, leg, received_ms, meta=meta)


def fresh_ms(held: HeldAlert, kind: LegKind) -> int:
    """For how long after its receipt a leg may be sent."""
    seconds = held.options.fresh_open_s if kind == "open" else held.options.fresh_close_s
    return round(seconds * MS)


def policy_of(destination: Destination, kind: LegKind) -> Literal["hold", "resend"]:
    """What happens after an attempt whose outcome is not known."""
    if destination.idempotent:
        return "resend"
    if kind == "close":
        return destination.ambiguous_policy_close
    return destination.ambiguous_policy
