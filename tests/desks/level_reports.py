"""Reports of gamma exposure made by hand, for the level service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from grok_sauce.update import Update

STRIKES = (505.0, 508.0, 510.0, 513.0, 514.0, 515.0, 520.0, 525.0)
# Puts: exposures in $ per 1 %, contracts. The five strongest below 520.40 are 510, 513, 508,
# 520, 515; the nearest three of them 520, 515, 513.
PUT_GEX = (0.9e9, 1.6e9, 3.4e9, 2.3e9, 0.1e9, 1.0e9, 1.2e9, 5.0e9)
PUT_OI = (90_000.0, 20_000.0, 30_000.0, 15_000.0, 1_000.0, 12_000.0, 9_000.0, 8_000.0)
NET_GEX = tuple(-value / 2 for value in PUT_GEX)


def iso_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def ratio(value: float | None = 21475.25 / 520.40, **changes: Any) -> dict[str, Any]:
    """A conversion of QQQ to NQ as the live analytics tell it."""
    return {
        "contract": "/NQH7", "kind": "ratio", "value": value, "age": 1.0, "frozen": False,
        "tick": 0.25, "note": "as both legs quote", **changes,
    }  # fmt: skip


def report(at: float, **changes: Any) -> dict[str, Any]:
    """A live report of QQQ as of a Unix time."""
    return {
        "symbol": "QQQ",
        "as_of": iso_of(at),
        "source": "LIVE",
        "status": {"state": "live", "text": "", "loaded": 800, "of": 800},
        "oi_date": "2026-12-15",
        "spot": 520.40,
        "totals": {"call": 5e9, "put": 7.5e9, "net": -2.5e9},
        "regime": "negative",
        "zero_gamma": {"all": {"flip": 515.0, "reason": None}},
        "call_wall": 525.0,
        "put_wall": 510.0,
        "resistance": {"by_strength": [525.0], "by_distance": [525.0]},
        "support": {"by_strength": [510.0], "by_distance": [520.0, 515.0]},
        "conversion": ratio(),
        "definition": {"dealer": "calls +, puts -"},
        "levels": [],
        "columns": {
            "strike": list(STRIKES),
            "put_oi": list(PUT_OI),
            "put_gex": list(PUT_GEX),
            "net_gex": list(NET_GEX),
        },
        **changes,
    }


def told(at: float, **changes: Any) -> list[Update]:
    """The same as the engine publishes it."""
    found = report(at, **changes)
    return [Update("gex.levels", f"{found['symbol']}:all", found)]
