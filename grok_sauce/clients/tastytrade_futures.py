"""Futures months as the broker lists them, and the rule for the front month."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from grok_sauce.values import dataclass

NEW_YORK: Final = ZoneInfo("America/New_York")
_CLOSE: Final = time(16, 0)  # where a record has a date but no time


@dataclass(frozen=True, slots=True)
class FutureRecord:
    """One delivery month. symbol "/ESZ6", streamer "/ESZ26:XCME", product "ES".

    expires_at is Unix seconds (None: not told), tick in points, multiplier in $ per point.
    """

    symbol: str
    streamer: str
    product: str
    name: str
    expires_at: float | None
    active_month: bool
    next_active_month: bool
    tick: float | None
    multiplier: float | None


def read_future(item: Any) -> FutureRecord | None:
    """One item of GET /instruments/futures; None when it has no symbol or streamer symbol."""
    if not isinstance(item, dict):
        return None
    symbol, streamer = item.get("symbol"), item.get("streamer-symbol")
    if not isinstance(symbol, str) or not isinstance(streamer, str) or not symbol or not streamer:
        return None
    product = item.get("future-product")
    about: dict[str, Any] = product if isinstance(product, dict) else {}
    code = item.get("product-code") or about.get("code")
    name = about.get("description")
    return FutureRecord(
        symbol,
        streamer,
        code if isinstance(code, str) else "",
        name if isinstance(name, str) else "",
        _expiry(item),
        item.get("active-month") is True,
        item.get("next-active-month") is True,
        number(item.get("tick-size")) or number(about.get("tick-size")),
        number(item.get("notional-multiplier")) or number(about.get("notional-multiplier")),
    )


def front_month(records: Iterable[FutureRecord], now: float) -> FutureRecord | None:
    """The contract to follow: the active month, else the nearest; never an expired one.

    now is market time (Unix seconds). A record that does not say when it expires counts as
    running, after those that do.
    """
    running = [record for record in records if record.expires_at is None or record.expires_at > now]
    if not running:
        return None
    return min(
        running,
        key=lambda record: (
            not record.active_month,
            math.inf if record.expires_at is None else record.expires_at,
            record.symbol,
        ),
    )


def _expiry(item: dict[str, Any]) -> float | None:
    """The end of trading: expires-at or stops-trading-at, else 16:00 New York of the date."""
    for key in ("expires-at", "stops-trading-at"):
        text = item.get(key)
        if isinstance(text, str):
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                continue
            if moment.tzinfo is not None:
                return moment.timestamp()
    for key in ("expiration-date", "last-trade-date"):
        text = item.get(key)
        if isinstance(text, str):
            try:
                day = datetime.fromisoformat(text).date()
            except ValueError:
                continue
            return datetime.combine(day, _CLOSE, NEW_YORK).timestamp()
    return None


def number(value: object) -> float | None:
    """A number above 0, which the API writes as text or number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        result = float(value)
    except ValueError:
        return None
    return result if math.isfinite(result) and result > 0 else None
