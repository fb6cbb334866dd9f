"""The second shape of a webhook, an order with its stops, read as an alert of the router.

{webhook_type, secret, action, side, symbol, price, stop_loss, take_profit, trailing_trigger,
trailing_offset, quantity, strategy}. What a listener's six keys cannot say is kept as extras
and goes to targets with include_meta alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from grok_sauce.alerts.alert import Invalid, read_alert, refuse_placeholders
from grok_sauce.alerts.model import Alert

MARK: Final = "webhook_type"
LEVELS: Final = ("stop_loss", "take_profit", "trailing_trigger", "trailing_offset")
EXTRAS: Final = ("order_type", *LEVELS, "signal_strategy")  # as they are delivered, in this order
BRACKET: Final = "bracket"  # flag: it carries levels, which the six keys cannot say
OPENS: Final = {"place_limit": "limit", "place_market": "market"}
CLOSE: Final = "position_closed"
# What no listener's body can carry, with what to do instead.
CANNOT: Final = {
    "cancel_limit": "cancel the order in NinjaTrader",
    "modify_stop": "move the stop in NinjaTrader",
}
ACTIONS: Final = (*OPENS, CLOSE, *CANNOT)
MAX_TEXT: Final = 64
MAX_LEVEL: Final = 1e12

# side -> (the position that it opens, the order that opens it, the one that closes it)
_SIDES: Final = {"buy": ("long", "buy", "sell"), "sell": ("short", "sell", "buy")}
_SIDES_OF: Final = {**_SIDES, "long": _SIDES["buy"], "short": _SIDES["sell"]}
# The first shape's names of what it complains about.
_NAMES: Final = {"ticker": "symbol", "qty": "quantity"}
# Our own signals were written so; a stop must not be lost to its spelling.
_OLD: Final = {"stopLoss": "stop_loss", "takeProfit": "take_profit"}
_OLD_TRAILING: Final = {"trigger": "trailing_trigger", "offset": "trailing_offset"}
_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)


class CannotCarry(Invalid):
    """An order that the router understands and no listener's body can say."""

    status = 422


def read_any(document: dict[str, Any]) -> Alert:
    """The alert in a body of either shape; with a ticker it is of the first.

    Raises:
        Invalid: naming the first field that is wrong; CannotCarry where nothing is.
    """
    if MARK not in document or "ticker" in document:
        return read_alert(document)
    return read_order(document)


def read_order(document: dict[str, Any]) -> Alert:
    """The alert in a body of the second shape.

    side is that of the position, for a close too: buy and long both mean long. A limit order
    needs its price. Levels are prices or distances above 0; null and absent are not known.
    A level that cannot be read stops the alert, for an order without its stop is another one.

    Raises:
        Invalid, CannotCarry: as read_any.
    """
    refuse_placeholders(document)
    kind = _text(document, MARK)
    action, side = _word(document, "action", ACTIONS), document.get("side")
    if action in CANNOT:
        raise CannotCarry(
            "action",
            f"{action} cannot be said to a listener, whose body knows open and close alone; "
            f"{CANNOT[action]}",
        )
    if not kind:
        raise Invalid(MARK, "missing; it must be the name of the sender's kind of message")
    if not isinstance(side, str) or side.lower() not in _SIDES_OF:
        raise Invalid("side", "must be buy, sell, long or short")
    position, opens, closes = _SIDES_OF[side.lower()]
    is_open = action in OPENS
    first: dict[str, Any] = {
        "ticker": document.get("symbol"),
        "action": opens if is_open else closes,
        "current_position": "" if is_open else position,
        "new_pos": None if is_open else "flat",
        **{name: document[name] for name in ("price", "time", "trade_id") if name in document},
    }
    if "quantity" in document:
        first["qty"] = document["quantity"]
    try:
        alert = read_alert(first)
    except Invalid as problem:
        raise Invalid(_NAMES.get(problem.field, problem.field), problem.reason) from None
    if action == "place_limit" and not alert.price:
        raise Invalid("price", "a limit order needs one")
    extras = _levels(document)
    _check_sides(alert, extras, is_open, position)
    if is_open:
        extras = {"order_type": OPENS[action], **extras}
    strategy = _text(document, "strategy")
    if strategy is not None:
        extras["signal_strategy"] = strategy
    flags = alert.flags
    if any(name in extras for name in LEVELS):
        flags += (BRACKET,)
    return replace(alert, extras=tuple(extras.items()), flags=flags)


def _levels(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of stops and targets, under the names it is delivered by."""
    given = {name: document[name] for name in LEVELS if document.get(name) is not None}
    old = {new: document[name] for name, new in _OLD.items() if document.get(name) is not None}
    trailing = document.get("trailingStop")
    if trailing is not None:
        if not isinstance(trailing, dict) or not trailing.keys() <= _OLD_TRAILING.keys():
            raise Invalid("trailingStop", "must be {trigger, offset}")
        old |= {_OLD_TRAILING[key]: value for key, value in trailing.items() if value is not None}
    for name, value in old.items():
        if given.setdefault(name, value) != value:
            raise Invalid(name, "is given twice with different values")
    return {name: _level(given[name], name) for name in LEVELS if name in given}


def _level(value: Any, name: str) -> float:
    found = math.nan
    if isinstance(value, str):
        found = float(value) if _NUMBER.fullmatch(value) else math.nan
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found = float(value)
    if not 0 < found <= MAX_LEVEL:  # NaN is not
        raise Invalid(name, "must be a number above 0, or left out")
    return found


def _check_sides(alert: Alert, levels: Mapping[str, float], is_open: bool, position: str) -> None:
    """A stop on the wrong side of the entry would be hit at once: somebody mixed something up."""
    if not is_open or not alert.price:
        return
    sign = 1.0 if position == "long" else -1.0
    stop, target = levels.get("stop_loss"), levels.get("take_profit")
    if stop is not None and (alert.price - stop) * sign <= 0:
        raise Invalid("stop_loss", f"must be {'below' if sign > 0 else 'above'} the price")
    if target is not None and (target - alert.price) * sign <= 0:
        raise Invalid("take_profit", f"must be {'above' if sign > 0 else 'below'} the price")


def _word(document: Mapping[str, Any], name: str, words: tuple[str, ...]) -> str:
    value = document.get(name)
    text = value.lower() if isinstance(value, str) else None
    if text not in words:
        raise Invalid(name, f"must be one of {', '.join(words)}")
    return text


def _text(document: Mapping[str, Any], name: str) -> str | None:
    """A short text; None when it is absent, null or empty."""
    value = document.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise Invalid(name, f"must be a text of at most {MAX_TEXT} printable characters")
    return value
