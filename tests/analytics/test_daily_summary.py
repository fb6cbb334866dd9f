"""The day's summary: when it is due, what it says, what it says is missing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from grok_sauce.analytics.daily_summary import Morning, due_day, summary, ten_minute_change

NOW = datetime(2026, 12, 16, 14, 56, tzinfo=UTC).timestamp()  # Wednesday, 09:56 New York


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    "now, at, day",
    [
        (utc(2026, 12, 16, 14, 54, 59), "09:55", None),
        (utc(2026, 12, 16, 14, 55), "09:55", date(2026, 12, 16)),
        (utc(2026, 12, 16, 15, 54, 59), "09:55", date(2026, 12, 16)),
        (utc(2026, 12, 16, 15, 55), "09:55", None),
        (utc(2026, 7, 16, 13, 55), "09:55", date(2026, 7, 16)),  # summer time
        (utc(2026, 12, 19, 14, 56), "09:55", None),  # Saturday
        (utc(2026, 12, 25, 14, 56), "09:55", None),  # Christmas
        (utc(2026, 12, 24, 17, 45), "12:40", date(2026, 12, 24)),  # half day, before 13:00
        (utc(2026, 12, 24, 18, 5), "12:40", None),
    ],
    ids=["before", "at", "grace", "late", "summer", "saturday", "holiday", "half", "closed"],
)
def test_it_is_due_once_the_new_york_time_of_a_trading_day_has_come(
    now: float, at: str, day: date | None
) -> None:
    assert due_day(now, at) == day


def row_of(symbol: str, **values: Any) -> dict[str, Any]:
    return {
        "symbol": symbol, "price": 600.42, "decimals": 2, "status": "live",
        "change_close_percent": 0.43, "gap_percent": -0.11, "spark": [], **values,
    }  # fmt: skip


def test_it_says_prices_ranges_levels_and_events() -> None:
    minute = int(NOW * 1000) // 60_000 * 60_000
    spark = [[minute - 600_000, 598.0], [minute, 600.4]]
    broken = {"side": "up", "at": "2026-12-16T14:46:00Z", "price": 600.3, "entry": 600.31,
              "stop": 598.0, "target": 604.93}  # fmt: skip
    orb = {"ranges": [
        {"minutes": 5, "state": "inside", "breaks": []},
        {"minutes": 15, "state": "up", "breaks": [broken]},
        {"minutes": 30, "state": "forming", "breaks": []},
    ]}  # fmt: skip
    gex = {"status": {"state": "live"}, "spot": 6012.36, "regime": "positive",
           "totals": {"net": 6.178e9}, "zero_gamma": {"all": {"flip": 5992.54}},
           "call_wall": 6050.0, "put_wall": 5950.0}  # fmt: skip
    week = {"on": True, "events": [
        {"time": "2026-12-16T19:00:00Z", "impact": "high", "currency": "USD",
         "title": "FOMC <b>", "forecast": "3.75%", "previous": "3.75%", "actual": None},
        {"time": "2026-12-17T13:30:00Z", "impact": "high", "currency": "USD", "title": "CPI"},
        {"time": "2026-12-16T15:30:00Z", "impact": "low", "currency": "USD", "title": "Oil"},
    ]}  # fmt: skip

    title, text = summary(
        Morning(NOW, "LIVE", [row_of("SPY", spark=spark)], {"SPX": gex}, {"SPY": orb}, week)
    )

    assert title == "Wed 16 Dec 2026, 09:56 New York"
    assert text.splitlines() == [
        "Prices",
        "  SPY  600.42  +0.43%, gap −0.11%, 10 min +0.40%",
        "",
        "Opening range",
        "  SPY  5 min inside · 15 min up 09:46; 15 min up: entry 600.31, stop 598.00, "
        "target 604.93",
        "",
        "GEX levels",
        "  SPX  6,012.36, net +6.18B per 1% (positive), zero gamma 5,992.54, call wall 6,050, "
        "put wall 5,950",
        "",
        "Events today, New York time",
        "  14:00  USD FOMC ‹b› (high), forecast 3.75%, previous 3.75%",
    ]


def test_what_is_missing_is_said() -> None:
    stale = row_of("VIX", status="stale")
    unknown = row_of("DXY", price=None, status="not_offered")

    title, text = summary(
        Morning(NOW, "DEMO", [stale, unknown], {"SPX": None, "NDX": {"status": {"state": "stale"}}})
    )

    assert title.startswith("DEMO: ")
    assert "No live price: VIX, DXY" in text
    assert "No opening range is known yet" in text
    assert "SPX  not live" in text
    assert "NDX  not live (stale)" in text
    assert "The calendar is off" in text


def test_ten_minutes_are_not_made_of_less() -> None:
    minute = int(NOW * 1000)

    assert (
        ten_minute_change(row_of("SPY", spark=[[minute - 240_000, 598.0], [minute, 600]])) is None
    )
    assert ten_minute_change(row_of("SPY", price=None, spark=[[minute, 598.0]])) is None
