"""High-impact news as minutes in which an advisor opens nothing, out of the calendar's payload."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from grok_sauce.market.times import iso

EVERYWHERE: Final = "All"  # OPEC, G7: what concerns every currency
MOST: Final = 10  # events told
CURRENCIES: Final = frozenset(
    (
        *("USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD", "CNY", "CNH", "SGD", "HKD"),
        *("SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "TRY", "ZAR", "MXN", "ILS", "THB", "INR"),
        *("KRW", "BRL"),
    )
)
METALS: Final = frozenset({"XAU", "XAG", "XPT", "XPD"})  # no calendar names them


def currencies_of(symbol: str) -> tuple[str, ...]:
    """The currencies of a broker's symbol, () when it does not begin with a pair.

    >>> currencies_of("EURUSD"), currencies_of("gbpjpy.pro"), currencies_of("XAUUSD")
    (('EUR', 'USD'), ('GBP', 'JPY'), ('USD',))
    >>> currencies_of("US30"), currencies_of("GERMANY40")
    ((), ())
    """
    text = symbol.strip().upper()
    pair = (text[:3], text[3:6])
    if not all(each in CURRENCIES | METALS for each in pair):
        return ()
    return tuple(each for each in pair if each not in METALS)


def blackout(
    payload: Mapping[str, Any] | None,
    now: float,
    before: int,
    after: int,
    currencies: Collection[str] = (),
) -> dict[str, Any]:
    """What GET /api/forex/blackout answers; now is market time, before and after are minutes.

    currencies (): all of them. active is True inside a window, ends included, False outside
    of all, and None where the calendar cannot say: there is none, it is off, or its file is
    too old. A window of an old file still counts, for it only keeps from trading. reason is
    a sentence wherever active or next is None. until is the end of the windows that touch the
    one of now. unscheduled are high-impact events without a time: no window can be told.
    """
    told: dict[str, Any] = {
        "active": None,
        "until": None,
        "now": [],
        "next": None,
        "events": [],
        "unscheduled": [],
        "before_minutes": before,
        "after_minutes": after,
        "currencies": sorted(currencies) or None,
        "as_of": iso(now),
        "source": None,
        "fetched_at": None,
        "covers_until": None,
        "reason": None,
    }
    if payload is None:
        return told | {"reason": "The calendar has not answered yet."}
    week = payload["week"]
    told |= {
        "source": payload["source"],
        "fetched_at": payload["fetched_at"],
        "covers_until": None if week is None else week["to"],
    }
    if not payload["on"]:
        why = payload["problem"] or "The calendar is off; switch it on in Setup."
        return told | {"reason": why}
    wanted = [row for row in payload["events"] if _concerns(row, currencies)]
    windows = sorted(
        (_window(row, before, after) for row in wanted if row["time"] is not None),
        key=lambda window: (window["starts_at"], window["title"]),
    )
    ahead = [window for window in windows if window["ends_at"] >= now]
    inside = [window for window in ahead if window["starts_at"] <= now]
    coming = [window for window in ahead if window["starts_at"] > now]
    told["now"] = [_shown(window) for window in inside]
    told["next"] = _shown(coming[0]) if coming else None
    told["events"] = [_shown(window) for window in ahead[:MOST]]
    told["unscheduled"] = [
        {name: row[name] for name in ("title", "currency", "day")}
        for row in wanted
        if row["time"] is None
    ][:MOST]
    why = _unknown(payload)
    if inside:
        told |= {"active": True, "until": iso(_until(ahead))}
    elif why is None:
        told["active"] = False
    if why is not None:
        told["reason"] = why
    elif not coming:
        told["reason"] = "No more high-impact event in the calendar's week."
    return told


def _concerns(row: Mapping[str, Any], currencies: Collection[str]) -> bool:
    if row["impact"] != "high":
        return False
    return not currencies or row["currency"] in (*currencies, EVERYWHERE)


def _unknown(payload: Mapping[str, Any]) -> str | None:
    """Why the calendar cannot say that nothing is on."""
    if payload["week"] is None:
        return payload["problem"] or "The calendar's file has not arrived yet."
    if payload["stale"]:
        return payload["problem"] or "The calendar's file is older than 26 hours."
    return None


def _window(row: Mapping[str, Any], before: int, after: int) -> dict[str, Any]:
    at = datetime.fromisoformat(row["time"]).timestamp()
    return {
        "title": row["title"],
        "currency": row["currency"],
        "impact": row["impact"],
        "time": row["time"],
        "starts_at": at - before * 60,
        "ends_at": at + after * 60,
    }


def _shown(window: Mapping[str, Any]) -> dict[str, Any]:
    starts, ends = window["starts_at"], window["ends_at"]
    plain = {name: window[name] for name in ("title", "currency", "impact", "time")}
    return {**plain, "starts": iso(starts), "ends": iso(ends)}


def _until(ahead: list[dict[str, Any]]) -> float:
    """The end of the first window and of those that begin before it is over; ordered by start."""
    end: float = ahead[0]["ends_at"]
    for window in ahead[1:]:
        if window["starts_at"] > end:
            break
        end = max(end, window["ends_at"])
    return end
