"""What an alert asks of a target: its mapped action, and the legs of a reversal."""

from __future__ import annotations

from typing import Final, Literal

from grok_sauce.alerts.model import Alert, Leg, LegKind, Side

# action: the side it adds to, the side it goes against.
_SIDES: Final[dict[str, tuple[Side, Side]]] = {
    "buy": ("long", "short"),
    "sell": ("short", "long"),
}


def mapped(alert: Alert) -> tuple[LegKind, Side, bool]:
    """(close or open, the side it is of, whether a new position on the other side follows).

    Against the position it closes, else it opens. A close that says it ends on the other
    side is a reversal.
    """
    adds_to, against = _SIDES[alert.action]
    if alert.current_position != against:
        return "open", adds_to, False
    return "close", against, alert.new_pos == adds_to


def mapped_text(alert: Alert) -> str:
    """The mapped action in words: "open long", "close short, open long"."""
    kind, side, is_reversal = mapped(alert)
    text = f"{kind} {side}"
    return f"{text}, open {_SIDES[alert.action][0]}" if is_reversal else text


def legs(
    alert: Alert,
    reversal_qty: Literal["ask", "same", "qty_minus_prev"],
    opened_qty: int | None,
) -> tuple[Leg, ...]:
    """The legs in the order in which they are sent; qty None: a person must say.

    A reversal's qty is the old and the new size together, so it is split only by what the
    body says (prev_qty, new_qty) or by reversal_qty; opened_qty is the size last delivered
    as an open of the ticker, None when not known. No size below 1 is ever made up: it
    counts as not known.
    """
    kind, side, is_reversal = mapped(alert)
    if not is_reversal:
        return (Leg(kind, side, alert.qty),)
    closed, opened = _split(alert, reversal_qty, opened_qty)
    return (Leg("close", side, closed), Leg("open", _SIDES[alert.action][0], opened))


def _split(alert: Alert, reversal_qty: str, opened_qty: int | None) -> tuple[int, int | None]:
    """Sizes of the close and of the open."""
    if alert.prev_qty and alert.new_qty:
        return alert.prev_qty, alert.new_qty
    if reversal_qty == "same":
        return alert.qty, alert.qty
    if reversal_qty == "qty_minus_prev":
        previous = alert.prev_qty or opened_qty
        if previous and alert.qty - previous >= 1:
            return previous, alert.qty - previous
    return alert.qty, None
