"""What may follow what, and what an alert has come to when its deliveries stand so. Pure."""

from __future__ import annotations

from collections.abc import Collection

from grok_sauce.alerts.model import (
    ALERT_MOVES,
    DELIVERY_MOVES,
    SETTLED,
    AlertState,
    DeliveryState,
)
from grok_sauce.errors import GrokSauceError


class IllegalMove(GrokSauceError):
    """A state cannot follow another (somebody was faster), or there is no such row any more.

    was is the state found, None when nothing was found.
    """

    def __init__(self, what: str, was: str | None, to: str) -> None:
        found = "is not stored (any more)" if was is None else f"is {was}"
        super().__init__(f"{what} {found} and cannot become {to}")
        self.was = was
        self.to = to


def check_alert(id: str, was: str | None, to: AlertState) -> None:
    """Raises IllegalMove unless an alert may go from was to to."""
    if was is None or to not in ALERT_MOVES[was]:
        raise IllegalMove(f"alert {id}", was, to)


def check_delivery(id: int, was: str | None, to: DeliveryState) -> None:
    """Raises IllegalMove unless a delivery may go from was to to."""
    if was is None or to not in DELIVERY_MOVES[was]:
        raise IllegalMove(f"delivery {id}", was, to)


def roll_up(states: Collection[DeliveryState]) -> AlertState:
    """What an alert is when its deliveries (at least one) are in these states.

    released: the machine still has something to do with one of them.
    done: each was delivered, or skipped because the user wished it (off, dry, paused, a guard).
    failed: nothing was delivered. partial: some was, something else was not.
    An uncertain delivery counts as not delivered until a person says that it arrived.

    >>> roll_up(["delivered", "skipped"]), roll_up(["delivered", "uncertain"])
    ('done', 'partial')
    >>> roll_up(["skipped", "refused"]), roll_up(["delivered", "retry_wait"])
    ('failed', 'released')
    """
    found = set(states)
    if not found:
        raise ValueError("an alert without deliveries has nothing to roll up")
    if found - SETTLED:
        return "released"
    if found <= {"delivered", "skipped"}:
        return "done"
    return "partial" if "delivered" in found else "failed"
