"""One trade out of the body that an expert advisor posts, or the field that is wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from grok_sauce.web.errors import Refusal

FIELDS: Final = ("ticket", "symbol", "type", "entry", "sl", "tp", "status", "time")
TYPES: Final = ("buy", "sell", "buy_limit", "sell_limit", "buy_stop", "sell_stop")
STATUSES: Final = ("open", "pending", "modified", "closed", "cancelled", "rejected")
MOST_TICKET: Final = 2**53 - 1  # what JSON readers keep exactly
MOST_PRICE: Final = 1e9
EARLIEST: Final = 946_684_800  # 2000-01-01, Unix seconds
AHEAD: Final = 86_400.0  # seconds that an advisor's clock may be ahead of ours
_SYMBOL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._#+/-]{0,23}", re.ASCII)


def read_trade(body: dict[str, Any], now: float) -> dict[str, Any]:
    """The fields of storage.forex.Trade; now is wall-clock Unix seconds.

    A stop or target of 0, which is MetaTrader's "none", and null are None.

    Raises:
        Refusal: 422 naming the first field that is wrong.
    """
    return {
        "ticket": _ticket(body["ticket"]),
        "symbol": _symbol(body["symbol"]),
        "type": _word(body["type"], "type", TYPES),
        "entry": _price(body["entry"], "entry"),
        "sl": _stop(body["sl"], "sl"),
        "tp": _stop(body["tp"], "tp"),
        "status": _word(body["status"], "status", STATUSES),
        "time": _time(body["time"], now),
    }


def _ticket(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,16}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_TICKET:
        raise _wrong("ticket", f"a whole number from 1 to {MOST_TICKET}")
    return value


def _symbol(value: Any) -> str:
    if not isinstance(value, str) or not _SYMBOL.fullmatch(value):
        raise _wrong("symbol", "1 to 24 letters, digits or ._#+/-, such as EURUSD")
    return value


def _word(value: Any, field: str, words: tuple[str, ...]) -> str:
    text = value.lower().replace(" ", "_") if isinstance(value, str) else None
    if text not in words:
        raise _wrong(field, f"one of {', '.join(words)}")
    return text


def _price(value: Any, field: str) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 < value <= MOST_PRICE:
        raise _wrong(field, f"a number above 0, at most {MOST_PRICE:.0f}")
    return float(value)


def _stop(value: Any, field: str) -> float | None:
    if value is None or (value == 0 and not isinstance(value, (bool, str))):
        return None
    return _price(value, field)


def _time(value: Any, now: float) -> int:
    """Unix ms of Unix seconds, or of ISO-8601 with its zone. A broker's clock has none."""
    at: float | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        at = float(value) if abs(value) < 10**12 else None
    elif isinstance(value, str) and len(value) <= 40:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None:
            at = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    if at is None:
        raise _wrong("time", "Unix seconds (TimeGMT()), or ISO-8601 with its zone")
    if not EARLIEST <= at <= now + AHEAD:
        raise _wrong("time", "after the year 2000 and not more than a day ahead")
    return round(at * 1000)


def _wrong(field: str, wanted: str) -> Refusal:
    return Refusal(422, "invalid", f"{field} must be {wanted}.", field)
