"""The health report of a web role: its own parts and the feed's in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# What a page shows of the feed's process as it told it.
_TOLD: Final = ("next_event", "loading", "feed_note", "feed_rate", "feed_peak", "tick_ms")


def merged(own: dict[str, Any], feed: Mapping[str, Any] | None, gone: str | None) -> dict[str, Any]:
    """own with what the feed's newest report adds; gone says why that one counts no more.

    Without a feed the chip is NO FEED, no source is fresh, and feed_gone lets pages grey
    everything at once.
    """
    feed = feed or {}
    beside = {
        "sources": [*own["sources"], *_rows(feed, "sources", gone)],
        "workers": [
            *own["workers"],
            *({**row, "name": f"feed: {row['name']}"} for row in _rows(feed, "workers", gone)),
        ],
        "queues": [*(own.get("queues") or ()), *_rows(feed, "queues", None)],
        "errors": sorted(
            [*own["errors"], *_rows(feed, "errors", None)], key=lambda row: -row["at_ms"]
        ),
        "machine": [*(own.get("machine") or ()), *_about(feed)],
        "router": own.get("router") or feed.get("router"),
        "feed_gone": gone is not None,
    }
    if gone is not None or not feed:
        text = gone or "The feed has not told how it is"
        return {
            **own,
            **beside,
            "ok": False,
            "problems": [text],
            "mode": {"name": "NO FEED", "detail": text, "seed": None},
            "loading": None,
        }
    problems = [*feed["problems"], *own["problems"]]
    told = {name: feed.get(name) for name in _TOLD if feed.get(name) is not None}
    return {
        **own,
        **beside,
        **told,
        "ok": not problems,
        "problems": problems,
        "mode": feed["mode"],
    }


def _rows(feed: Mapping[str, Any], name: str, gone: str | None) -> list[dict[str, Any]]:
    """Rows of the feed's report that have what rows of it must have; marked when it is gone."""
    needs = {"queues": ("name",), "errors": ("at_ms", "text")}.get(name, ("name", "mark"))
    rows = feed.get(name)
    found = [
        row
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and all(part in row for part in needs)
    ]
    if gone is None:
        return found
    return [
        {**row, "mark": "off", "state": "off", "detail": gone, "rate": None, "age": None}
        for row in found
    ]


def _about(feed: Mapping[str, Any]) -> list[list[Any]]:
    rows = feed.get("machine")
    if not isinstance(rows, list):
        return []
    return [[f"Feed: {row[0]}", row[1]] for row in rows if isinstance(row, list) and len(row) == 2]
