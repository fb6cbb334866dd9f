"""What is sent to a target: the six keys that its listener expects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from grok_sauce.alerts.model import Alert, Leg

NEW_YORK: Final = "America/New_York"
MINUTE_MS: Final = 60_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def classic_body(
    alert: Alert, leg: Leg, received_wall_ms: int, *, meta: Mapping[str, Any] | None = None
) -> str:
    """The JSON text of one leg. A price that is not known is sent as 0.0, as listeners expect.

    The time is the alert's own, else that of its receipt, in New York, cut to the minute.
    meta (see meta_of) goes behind the six keys.

    Raises:
        ValueError: the size of the leg is not known.
    """
    if leg.qty is None:
        raise ValueError("a leg whose size is not known is not sent")
    at = received_wall_ms if alert.time_ms is None else alert.time_ms
    body: dict[str, Any] = {
        "ticker": alert.ticker,
        "action": leg.kind,
        "direction": leg.side,
        "qty": leg.qty,
        "price": 0.0 if alert.price is None else float(alert.price),
        "time": new_york_minute(at),
    }
    if meta:
        body.update(meta)
    return json.dumps(body, separators=(",", ":"), allow_nan=False)


def meta_of(
    alert_id: str, leg: Leg, alert: Alert, strategies: Sequence[str]
) -> dict[str, str | float | None]:
    """What include_meta adds; strategy names all that sent the alert there, joined by commas.

    Behind it stand the alert's extras (alert_shapes.EXTRAS), none of them for most.
    """
    return {
        "alert_id": alert_id,
        "leg": leg.kind,
        "trade_id": alert.trade_id,
        "strategy": ", ".join(strategies),
        **dict(alert.extras),
    }


def new_york_minute(at_ms: int) -> str:
    """Milliseconds UTC as MM/DD/YYYY hh:mm:00 AM|PM in New York.

    >>> new_york_minute(1704382259999), new_york_minute(1735864570000)
    ('01/04/2024 10:30:00 AM', '01/02/2025 07:36:00 PM')
    """
    minute = _EPOCH + timedelta(milliseconds=at_ms - at_ms % MINUTE_MS)
    local = minute.astimezone(_zone())
    # Written by hand: strftime's %p follows the locale.
    half = "AM" if local.hour < 12 else "PM"
    return (
        f"{local.month:02}/{local.day:02}/{local.year:04} "
        f"{local.hour % 12 or 12:02}:{local.minute:02}:00 {half}"
    )


@lru_cache(maxsize=1)
def _zone() -> ZoneInfo:
    return ZoneInfo(NEW_YORK)
