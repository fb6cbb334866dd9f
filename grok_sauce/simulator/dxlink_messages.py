"""Reading what a dxLink client sends: shape checks, subscription entries, refusals."""

from __future__ import annotations

import json
from typing import Any, Final

from grok_sauce.simulator import candle_symbols
from grok_sauce.simulator.desk import Key
from grok_sauce.simulator.dxlink_channel import Subscription, message
from grok_sauce.simulator.dxlink_events import EVENT_FIELDS, SILENT_TYPES

_LARGEST: Final = 2**53  # beyond it other clients would not read the number back


class Refused(Exception):
    """A message that is answered with ERROR and otherwise ignored."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.error = error


def need(wanted: bool, text: str) -> None:
    """Refuse the message as malformed unless what it needs is there."""
    if not wanted:
        raise Refused("INVALID_MESSAGE", text)


def is_number(value: Any) -> bool:
    """Whether a JSON value is a usable number of 0 or more (true is none, nor is 1e400)."""
    return type(value) in (int, float) and 0 <= value < _LARGEST


def parsed(text: str) -> dict[str, Any]:
    """A frame as an object with a type and a channel.

    Raises:
        Refused: it is not that.
    """
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("INVALID_MESSAGE", "not JSON") from None
    need(isinstance(frame, dict), "a message is a JSON object")
    need(isinstance(frame.get("type"), str), "type must be a string")
    channel = frame.get("channel")
    need(type(channel) is int and channel >= 0, "channel must be a whole number, 0 or more")
    return frame  # type: ignore[no-any-return]


def error_text(channel: int, error: str, text: str) -> str:
    """An ERROR message."""
    return message("ERROR", channel, error=error, message=text)


def entries(frame: dict[str, Any], name: str) -> list[Any]:
    """The entries of `add` or `remove`; none when the member is absent."""
    if name not in frame:
        return []
    given = frame[name]
    need(isinstance(given, list) and bool(given), f"{name} is a list of at least one entry")
    return list(given)


def entry(item: Any) -> tuple[Key, Subscription]:
    """One entry of add or remove as its identity and what it asks for.

    The member source is not looked at: no type that is served has more than one.
    """
    need(isinstance(item, dict), "an entry is an object")
    kind, symbol, since = item.get("type"), item.get("symbol"), item.get("fromTime")
    need(isinstance(kind, str) and isinstance(symbol, str), "an entry has type and symbol")
    need(bool(symbol), "symbol is empty")
    need(since is None or is_number(since), "fromTime is Unix milliseconds")
    if kind not in EVENT_FIELDS and kind not in SILENT_TYPES:
        raise Refused("INVALID_MESSAGE", f"event type {kind!s:.40} is not known")
    if symbol == "*":
        raise Refused("BAD_ACTION", "the wildcard symbol is not offered")
    if kind != "Candle":
        return (kind, symbol), Subscription()
    candle = candle_symbols.parse(symbol)
    if candle is None:
        raise Refused("INVALID_MESSAGE", f"candle symbol {symbol!s:.60} has no period")
    return (kind, candle.text), Subscription(candle, None if since is None else int(since))
