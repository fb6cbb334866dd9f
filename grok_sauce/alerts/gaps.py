"""Gap watch: does an alert's own position follow from the alert before it? Pure."""

from __future__ import annotations

from typing import Literal

from grok_sauce.alerts.model import Alert
from grok_sauce.values import dataclass

Position = Literal["long", "short", "flat"]


@dataclass(frozen=True, slots=True)
class PositionRow:
    """Where the alerts of a ticker say it stands.

    qty is the size they gave (None: never said); opened_qty the size last delivered as an
    open (None: none yet); wall_ms when the alert came.
    """

    ticker: str
    side: Position
    qty: int | None
    opened_qty: int | None
    wall_ms: int


def check(last: PositionRow | None, alert: Alert) -> str | None:
    """Why an alert was probably lost before this one, in words; None when nothing says so.

    Position and size before this alert are held against those after the last one. What
    either did not say is not compared.
    """
    if last is None:
        return None
    before = alert.current_position
    if before and before != last.side:
        return f"it starts from {before}, the alert before it left {last.side}"
    if alert.prev_qty is not None and last.qty is not None and alert.prev_qty != last.qty:
        return f"it starts from a size of {alert.prev_qty}, the alert before it left {last.qty}"
    return None


def after(last: PositionRow | None, alert: Alert, wall_ms: int = 0) -> PositionRow:
    """The position after this alert. wall_ms is for whoever stores it to say.

    It is new_pos where given, else what the action does. The size is new_qty, 0 when flat,
    else None: it is not reckoned from the order's size, which a reversal doubles.
    """
    side = alert.new_pos or _implied(alert)
    qty = 0 if side == "flat" else alert.new_qty
    opened = None if last is None else last.opened_qty
    return PositionRow(alert.ticker, side, qty, opened, wall_ms)


def _implied(alert: Alert) -> Position:
    """Where an action leads when the alert does not say."""
    if alert.action == "buy":
        opens, against = "long", "short"
    else:
        opens, against = "short", "long"
    if alert.current_position != against:
        return "long" if opens == "long" else "short"
    is_partial = alert.prev_qty is not None and alert.qty < alert.prev_qty
    if alert.new_qty or (alert.new_qty is None and is_partial):
        return "short" if against == "short" else "long"
    return "flat"
