"""A week of the calendar as its topics carry it, on Wednesday 2026-12-16 at 14:32:07 New York."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

HORIZONS = (1, 5, 15, 30, 60)
WEEK = "2026-12-13"
HOSTILE = "<img src=x onerror=alert(1)>"


def make_event(title: str, time: str | None, **values: Any) -> dict[str, Any]:
    """An event to come, unless values say otherwise; time is ISO-8601 UTC."""
    slug = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
    unknown = (
        *("actual", "actual_value", "actual_source", "actual_revised", "period", "forecast"),
        *("forecast_value", "previous", "previous_value", "revised_from", "unit", "surprise"),
        *("surprise_z", "past_surprises", "growth", "better", "why", "moved_from", "cluster"),
    )
    currency = values.get("currency", "USD")
    return {
        **dict.fromkeys(unknown),
        "id": f"{WEEK}.{currency}.{slug}.1",
        "title": title,
        "currency": "USD",
        "impact": "medium",
        "time": time,
        "day": "2026-12-16" if time is None else time[:10],
        "timing": "all_day" if time is None else "time",
        "all_day": time is None,
        "status": "upcoming",
        "has_figures": bool(values.get("forecast") or values.get("previous")),
        "has_actual_source": False,
        **values,
    }


def released(title: str, time: str, actual: str, surprise: float, **values: Any) -> dict[str, Any]:
    """An event that has its figure from FRED; more of it is good for growth."""
    better = None if not surprise else surprise * values.get("growth", 1) > 0
    found = {
        "status": "released", "actual": actual, "actual_value": 0.1, "has_actual_source": True,
        "actual_source": "FRED INDPRO:pch", "surprise": surprise, "better": better, "growth": 1,
        "unit": "%", "forecast": "0.2%", "previous": "-0.1%", "past_surprises": 3,
    }  # fmt: skip
    return make_event(title, time, **{**found, **values, "has_figures": True})


def make_calendar(**values: Any) -> dict[str, Any]:
    """The payload of "calendar.event"."""
    cluster = "2026-12-16T13:30Z.USD"
    to_come = "2026-12-17T13:30Z.USD"
    events = [
        make_event("Trade Balance", "2026-12-14T03:00:00Z", currency="CNY", impact="low",
                   forecast="740B", previous="725B", status="no_source",
                   why="no source of actual values has this event"),
        make_event("NAHB Housing Market Index", "2026-12-15T15:00:00Z", impact="low",
                   forecast="39", previous="38", status="no_source",
                   why="no source of actual values has this event"),
        released("Retail Sales m/m", "2026-12-16T13:30:00Z", "0.5%", 0.2, impact="high",
                 forecast="0.3%", previous="0.1%", revised_from="0.2%", cluster=cluster),
        released("Housing Starts", "2026-12-16T13:30:00Z", "1.37M", 30_000.0, impact="low",
                 forecast="1.34M", previous="1.32M", unit="a year", cluster=cluster),
        released("Industrial Production m/m", "2026-12-16T14:15:00Z", "0.1%", -0.1),
        make_event(HOSTILE, "2026-12-16T20:15:00Z", moved_from="2026-12-16T19:45:00Z"),
        make_event("Bank Holiday", None, impact="holiday", status="holiday"),
        make_event("Unemployment Claims", "2026-12-17T13:30:00Z", impact="high", forecast="224K",
                   previous="221K", has_actual_source=True, why="not released yet",
                   cluster=to_come, growth=-1, unit="claims"),
        make_event("Philly Fed Manufacturing Index", "2026-12-17T13:30:00Z", forecast="2.2",
                   previous="-1.7", cluster=to_come,
                   why="no source of actual values has this event"),
    ]  # fmt: skip
    return {
        "source": "Forex Factory",
        "on": True,
        "problem": None,
        "fetched_at": "2026-12-16T12:32:07Z",
        "stale": False,
        "week": {"from": WEEK, "to": "2026-12-19"},
        "rows_not_read": 0,
        "actuals": {"source": "FRED", "on": True, "problem": None,
                    "fetched_at": "2026-12-16T17:32:07Z"},
        "events": events,
        "next": events[5]["id"],
    } | values  # fmt: skip


def calendar_off() -> dict[str, Any]:
    """The same while its source is switched off."""
    why = "ForexFactory is off: switched off in Setup."
    return make_calendar(on=False, problem=why, fetched_at=None, week=None, events=[], next=None)


def make_reactions() -> dict[str, Any]:
    """The payload of "event.reaction": of what was released, in SPY."""
    calendar = make_calendar()
    events = {
        event["id"]: {
            "time": event["time"], "title": event["title"], "currency": "USD",
            "cluster": event["cluster"], "surprise": event["surprise"], "surprise_z": None,
            "surprise_sd": None, "surprise_n": 3, "gamma": None, "rows": [_row(event["time"])],
        }
        for event in calendar["events"]
        if event["currency"] == "USD" and event["status"] in ("released", "no_source")
    }  # fmt: skip
    by = {str(h): {"n": 31, "mean_abs": 0.05, "up": 14, "up_share": 0.4516} for h in HORIZONS}
    few = {str(h): {"n": 3, "mean": 0.4} for h in HORIZONS}
    many = {str(h): {"n": 17, "mean": -0.03} for h in HORIZONS}
    statistics = {
        "title": "Industrial Production m/m", "titles": ["Industrial Production m/m"],
        "currency": "USD", "symbol": "SPY", "n": 31, "of": 36, "clustered": 5, "by": by,
        "groups": {"above": {"n": 11, "by": many}, "in_line": {"n": 3, "by": few},
                   "below": {"n": 17, "by": many}}, "regimes": {},
    }  # fmt: skip
    return {"horizons": list(HORIZONS), "symbols": ["SPY"], "events": events,
            "statistics": [statistics]}  # fmt: skip


def _row(time: str) -> dict[str, Any]:
    percents = {"1": -0.0041, "5": -0.02, "15": -0.05, "30": 0.13, "60": None}
    moves = {
        h: None if p is None else {"price": 600.0, "points": round(6 * p, 2), "percent": p,
                                   "bps": 100 * p}
        for h, p in percents.items()
    }  # fmt: skip
    return {"symbol": "SPY", "before": 600.42, "before_at": time, "drift_15": 0.01, "moves": moves,
            "pending": [60], "reasons": {}, "note": None}  # fmt: skip


def make_sentiment(**values: Any) -> dict[str, Any]:
    """The payload of "sentiment.index"."""
    return {
        "plain": {"score": 0.14, "n": 42, "word": "positive"},
        "finance": {"score": -0.09, "n": 42, "word": "negative"},
        "lexicon": "plain", "lexicon_version": "1", "master_sentiment": 0.14,
        "newest": "2026-12-15T19:28:00Z", "oldest": "2026-12-14T19:28:00Z",
        "as_of": "2026-12-15T19:28:00Z", "fetched_at": "2026-12-16T19:28:07Z",
        "late_by_plan": True, "on": True, "problem": None,
    } | values  # fmt: skip


def make_news(**values: Any) -> dict[str, Any]:
    """The payload of "news.headline"."""
    headlines = [
        {"id": "a", "title": "Stocks extend gains", "publisher": "Example Wire",
         "url": "https://example.org/a", "published": "2026-12-15T19:28:00Z", "vader": 0.46,
         "finance": 0.3, "word": {"plain": "positive", "finance": "positive"}, "tickers": []},
        {"id": "b", "title": HOSTILE, "publisher": None, "url": "javascript:alert(1)",
         "published": "2026-12-15T19:19:00Z", "vader": -0.1, "finance": 0.0,
         "word": {"plain": "negative", "finance": "neutral"}, "tickers": []},
    ]  # fmt: skip
    return {"source": "NewsAPI", "on": True, "problem": None, "lexicon": "plain", "quota": None,
            "fetched_at": "2026-12-16T19:28:07Z", "next_call_at": None, "late_by_plan": True,
            "headlines": headlines} | values  # fmt: skip


def with_times(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events as the server's template gets them."""
    return [
        {**event, "at_ms": None if event["time"] is None else to_ms(event["time"])}
        for event in events
    ]


def to_ms(time: str) -> float:
    return datetime.fromisoformat(time).astimezone(UTC).timestamp() * 1000
