"""From the object that was sent to an Alert, or to the field that is wrong with it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NoReturn, TypeGuard

from grok_sauce.alerts.model import Alert
from grok_sauce.errors import GrokSauceError

MAX_QTY: Final = 10_000
MAX_TRADE_ID: Final = 128
MAX_TRADE_NUMBER: Final = 2**63 - 1  # what the database can hold
# Times outside of these are not times of alerts: 2000-01-01 to 2100-01-01.
EARLIEST_MS: Final = 946_684_800_000
LATEST_MS: Final = 4_102_444_800_000

_TICKER: Final = re.compile(r"[A-Za-z0-9_.:!/ -]{1,64}")
_WHOLE: Final = re.compile(r"-?[0-9]{1,15}(?:\.0{1,15})?")
_NUMBER: Final = re.compile(r"-?[0-9]{1,32}(?:\.[0-9]{1,32})?(?:[eE][+-]?[0-9]{1,3})?")
_TRAILING: Final = re.compile(r"[0-9]+\Z")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ACTIONS: Final[dict[str, Literal["buy", "sell"]]] = {"buy": "buy", "sell": "sell"}

Position = Literal["long", "short", "flat"]


class Invalid(GrokSauceError):
    """A field of an alert is wrong. The message names it and never quotes what it held.

    status is what the sender is answered.
    """

    status = 400

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def read_alert(document: dict[str, Any]) -> Alert:
    """The alert in a body. Tickers are labels and are kept to the letter.

    null counts as absent where a field may be absent, except for qty: a broken size must
    not become 1. A time that cannot be read does not stop an alert (flag bad_time), nor
    does a size before or after (flag bad_size).

    Raises:
        Invalid: naming the first field that is wrong.
    """
    refuse_placeholders(document)
    ticker = document.get("ticker")
    if not isinstance(ticker, str) or not _TICKER.fullmatch(ticker):
        _wrong("ticker", document, "1 to 64 letters, digits, spaces or _.:!/-")
    action = document.get("action")
    read_action = _ACTIONS.get(action.lower()) if isinstance(action, str) else None
    if read_action is None:
        _wrong("action", document, "buy or sell")
    current = document.get("current_position")
    if current != "" and not _is_position(current):
        _wrong("current_position", document, "long, short, flat or empty")
    new_pos = document.get("new_pos")
    if new_pos not in (None, "") and not _is_position(new_pos):
        _wrong("new_pos", document, "long, short, flat or left out")
    trade_id, number = _trade_id(document)
    flags: list[str] = []
    time_ms = read_time(document.get("time"))
    if time_ms is None and document.get("time") is not None:
        flags.append("bad_time")
    prev_qty, new_qty = whole(document.get("prev_qty")), whole(document.get("new_qty"))
    if (prev_qty is None and document.get("prev_qty") is not None) or (
        new_qty is None and document.get("new_qty") is not None
    ):
        flags.append("bad_size")
    return Alert(
        ticker=ticker,
        action=read_action,
        current_position=current or "",
        new_pos=new_pos or None,
        qty=_qty(document),
        price=_price(document),
        prev_qty=prev_qty,
        new_qty=new_qty,
        trade_id=trade_id,
        trade_number=number,
        time_ms=time_ms,
        flags=tuple(flags),
    )


def _wrong(field: str, document: dict[str, Any], allowed: str) -> NoReturn:
    if document.get(field) is None:
        raise Invalid(field, f"missing; it must be {allowed}")
    raise Invalid(field, f"must be {allowed}")


def _is_position(value: Any) -> TypeGuard[Position]:
    return isinstance(value, str) and value in ("long", "short", "flat")


def refuse_placeholders(document: dict[str, Any]) -> None:
    """Raises Invalid where a {{...}} was left in a name or a value."""
    for field, value in document.items():
        if isinstance(value, str):
            is_left = "{{" in value and "}}" in value
        else:
            is_left = isinstance(value, dict | list) and any(
                "{{" in text and "}}" in text for text in _texts(value)
            )
        if is_left or ("{{" in field and "}}" in field):
            raise Invalid(field[:60], "a placeholder {{...}} was left in it")


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, child in value.items():
            yield name
            yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)


def whole(value: Any) -> int | None:
    """A whole number from 0 to MAX_QTY, also spelled as text or as 3.0; None when it is not.

    >>> whole("3"), whole(3.0), whole("3.5"), whole(True), whole(-1), whole(""), whole(10_001)
    (3, 3, None, None, None, None, None)
    """
    number: int
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        number = value
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    elif isinstance(value, str) and _WHOLE.fullmatch(value):
        number = int(value.partition(".")[0])
    else:
        return None
    return number if 0 <= number <= MAX_QTY else None


def _qty(document: dict[str, Any]) -> int:
    if "qty" not in document:
        return 1
    qty = whole(document["qty"])
    if qty is None or qty < 1:
        raise Invalid("qty", f"must be a whole number from 1 to {MAX_QTY:,}")
    return qty


def _price(document: dict[str, Any]) -> float | None:
    value = document.get("price")
    if value is None:
        return None
    price = -1.0
    if isinstance(value, str):
        price = float(value) if _NUMBER.fullmatch(value) else -1.0
    elif isinstance(value, int | float) and not isinstance(value, bool):
        price = float(value)
    if not math.isfinite(price) or price < 0:
        raise Invalid("price", "must be a number, 0 or more")
    return price + 0.0  # no minus before a zero


def _trade_id(document: dict[str, Any]) -> tuple[str | None, int | None]:
    """The id, None when empty, and the number that ends it."""
    value = document.get("trade_id")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        return None, None
    if not isinstance(value, str) or len(value) > MAX_TRADE_ID:
        raise Invalid("trade_id", f"must be a text of at most {MAX_TRADE_ID} characters")
    match = _TRAILING.search(value)
    number = int(match[0]) if match else None
    return value, number if number is None or number <= MAX_TRADE_NUMBER else None


def read_time(value: Any) -> int | None:
    """Milliseconds UTC from ISO-8601 or epoch milliseconds; None when it is neither.

    Without an offset it counts as UTC, which is what TradingView writes.

    >>> read_time("2024-01-04T15:30:00Z"), read_time("2024-01-04T10:30:00-05:00")
    (1704382200000, 1704382200000)
    >>> read_time(1704382200000), read_time("1704382200000"), read_time(1704382200)
    (1704382200000, 1704382200000, None)
    """
    ms: int | None = None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        ms = value
    elif isinstance(value, float) and value.is_integer():
        ms = int(value)
    elif isinstance(value, str):
        ms = int(value) if _is_epoch(value) else _iso_ms(value)
    return ms if ms is not None and EARLIEST_MS <= ms <= LATEST_MS else None


def _is_epoch(text: str) -> bool:
    return len(text) in (12, 13) and text.isascii() and text.isdigit()


def _iso_ms(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None
