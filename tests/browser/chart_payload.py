"""A made-up day of candles, levels, ranges and events for the chart page."""

from __future__ import annotations

from datetime import UTC, datetime
from math import sin
from typing import Any

NOW_MS = 1797449527000  # Wednesday 2026-12-16, 14:32:07 New York
MINUTE = 60_000
DAYS = {"2026-12-15": 1797345000000, "2026-12-16": 1797431400000}  # 09:30 New York
GAP = (1797431400000 + 90 * MINUTE, 1797431400000 + 110 * MINUTE)  # 11:00 to 11:20


def iso(ms: float) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")


def price_at(ms: int) -> float:
    return round(600 + 3 * sin(ms / 9_000_000) + sin(ms / 1_300_000), 2)


def bar(ms: int, step: int) -> list[float | None]:
    opened, closed = price_at(ms), price_at(ms + step)
    high, low = max(opened, closed) + 0.2, min(opened, closed) - 0.15
    return [ms, opened, round(high, 2), round(low, 2), closed, 1000.0 + ms // MINUTE % 500]


def make_candles(timeframe: str = "5m", hours: str = "regular", **values: Any) -> dict[str, Any]:
    """What the server answers: two sessions, today's up to 14:32, twenty minutes missing."""
    step = {"1m": 1, "5m": 5, "15m": 15}.get(timeframe, 5) * MINUTE
    bars, extended, vwap, starts = [], [], [], []
    for place, start in enumerate(DAYS.values()):
        if hours == "extended":
            for ms in range(start - 60 * MINUTE, start, step):
                bars.append(bar(ms, step))
                extended.append(True)
                vwap.append(None)
        own = [
            ms
            for ms in range(start, min(start + 390 * MINUTE, NOW_MS), step)
            if not GAP[0] <= ms < GAP[1]
        ]
        if place:
            starts.append(own[0] if hours == "regular" else own[0] - 60 * MINUTE)
        for count, ms in enumerate(own):
            bars.append(bar(ms, step))
            extended.append(False)
            vwap.append([600.0 + count / 100, 0.5 + count / 200])
    if timeframe == "1d":
        day = 86_400_000
        first = 1797379200000 - 200 * day
        bars = [bar(first + n * day, day) for n in range(201) if n % 7 < 5]
        extended, vwap, starts = [False] * len(bars), [None] * len(bars), []
    found = {
        "symbol": "SPY", "contract": None, "name": "SPDR S&P 500 ETF", "kind": "etf",
        "price": 600.42, "price_basis": "trade", "decimals": 2, "open": 599.0,
        "prev_close": 597.85, "volume": 41_800_000.0, "change_close": 2.57,
        "change_close_percent": 0.43, "as_of": iso(NOW_MS - 300), "stale": False,
        "status": "live", "source": "LIVE", "hint": None, "timeframe": timeframe,
        "hours": hours, "at_ms": NOW_MS, "bars": bars, "extended": extended, "vwap": vwap,
        "vwap_regular": None, "starts": starts,
        "gaps": [list(GAP)] if timeframe != "1d" else [],
        "ahead": None if timeframe == "1d" else DAYS["2026-12-16"] + 390 * MINUTE,
        "basis": "daily" if timeframe == "1d" else "minutes", "first": bars[0][0], "more": False,
        "revision": 7, "gex": make_gex(),
    }  # fmt: skip
    return found | values


def make_gex() -> dict[str, Any]:
    return {
        "levels": {
            "zero_gamma": 598.13, "call_wall": 605.0, "call_wall_2": 602.0, "put_wall": 595.0,
            "put_wall_2": 595.0,
        },
        "zero_gamma_reason": None,
        "max_pain": {"strike": 598.0, "expiry": "2026-12-16", "dte": 0},
        "as_of": iso(NOW_MS - 400), "label": "7 days", "state": "live", "text": "",
    }  # fmt: skip


def make_live(candles: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The room's message over the newest candles of an answer."""
    head = {
        name: value
        for name, value in candles.items()
        if name not in ("hours", "at_ms", "starts", "gaps", "ahead", "basis", "first", "more")
    }
    vwaps = candles["vwap"][-3:]
    return {
        **head, "bars": [list(each) for each in candles["bars"][-3:]],
        "extended": candles["extended"][-3:], "vwaps": vwaps, "vwap": None, "vwap_regular": None,
        "loaded": candles["first"],
    } | values  # fmt: skip


def make_profile() -> dict[str, Any]:
    lows = [round(594.0 + place * 0.25, 2) for place in range(40)]
    volumes = [1000.0 + 900 * sin(place / 3) for place in range(40)]
    week = {
        "from": "2026-12-14T14:30:00Z", "to": "2026-12-18T21:00:00Z", "developing": True,
        "poc": 597.53, "vah": 598.75, "val": 594.3, "value_area_share": 0.703,
        "hvn": [
            {"price": 599.43, "volume": 1.9e6, "prominence": 1e6, "share": 0.48},
            {"price": 597.48, "volume": 2.84e6, "prominence": 2e6, "share": 0.97},
        ],
        "lvn": [{"price": 598.83, "volume": 170_000, "prominence": 3e5, "share": 0.24}],
        "volume": 134_900_000, "bars": 1000, "missing_bars": 0,
        "bins": [list(each) for each in zip(lows, volumes, strict=True)],
    }  # fmt: skip
    return {
        "symbol": "SPY", "as_of": iso(NOW_MS), "source": "LIVE", "tick": 0.01, "bin": 0.25,
        "spans": {"day": None, "week": week, "prior_week": {**week, "poc": 590.0}},
        "reasons": {"day": "No minute of this session is closed yet"},
    }  # fmt: skip


def make_orb() -> dict[str, Any]:
    opening = DAYS["2026-12-16"]
    ranges = []
    for minutes, high, low in ((5, 597.86, 597.5), (15, 597.86, 597.33), (30, None, None)):
        breaks = [
            {"side": "down", "at": iso(opening + 16 * MINUTE), "minute_ms": opening + 15 * MINUTE,
             "price": 597.2, "entry": 597.2, "stop": 597.86, "target": 596.1, "outcome": None},
        ]  # fmt: skip
        ranges.append(
            {
                "minutes": minutes, "from": iso(opening), "to": iso(opening + minutes * MINUTE),
                "high": high, "low": low, "state": "down" if high else "no_data",
                "breaks": breaks if high else [], "note": None if high else "No candles yet",
            }
        )  # fmt: skip
    return {
        "symbol": "SPY", "day": "2026-12-16", "open_at": iso(opening),
        "open_label": "09:30 New York", "mode": "close", "rr_ratio": 2.0, "reason": None,
        "ranges": ranges,
    }  # fmt: skip


def make_event(number: str, title: str, ms: int, impact: str = "high") -> dict[str, Any]:
    return {
        "id": number, "title": title, "currency": "USD", "impact": impact, "time": iso(ms),
        "all_day": False, "forecast": "0.3%", "previous": "0.2%", "actual": None,
    }  # fmt: skip


def make_calendar() -> dict[str, Any]:
    opening = DAYS["2026-12-16"]
    return {
        "source": "Forex Factory", "on": True, "problem": None, "fetched_at": iso(NOW_MS),
        "events": [
            make_event("early", "Core Retail Sales m/m", opening - 60 * MINUTE),
            make_event("ten", "Existing Home Sales", opening + 30 * MINUTE, "medium"),
            make_event("ten-too", "Crude <b>Oil</b> Inventories", opening + 30 * MINUTE, "low"),
            make_event("later", "Fed’s Williams speaks", NOW_MS + 43 * MINUTE),
            {**make_event("euro", "German PMI", opening + 60 * MINUTE), "currency": "EUR"},
        ],
        "next": "later",
    }  # fmt: skip


def make_reactions() -> dict[str, Any]:
    moves = {"1": {"price": 600.1, "percent": 0.02}, "5": {"price": 600.5, "percent": 0.11}}
    moves |= {"15": {"price": 601.2, "percent": -0.21}, "30": None, "60": None}  # type: ignore[dict-item]
    row = {"symbol": "SPY", "before": 600.0, "moves": moves, "pending": [], "note": None}
    return {"horizons": [1, 5, 15, 30, 60], "events": {"ten": {"rows": [row]}}, "statistics": []}


def make_beside() -> dict[str, Any]:
    return {
        "profile": {"seq": 1, "value": make_profile()},
        "orb": {"seq": 1, "value": make_orb()},
        "calendar": {"seq": 1, "value": make_calendar()},
        "reactions": {"seq": 1, "value": make_reactions()},
    }
