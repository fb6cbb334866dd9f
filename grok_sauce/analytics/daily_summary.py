"""The day's summary: what is known after the open, and what is missing, in plain lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import date
from typing import Any, Final

from grok_sauce.analytics.notice_text import (
    clock,
    dollars,
    percent,
    price,
    strike,
    tame,
    unix,
)
from grok_sauce.market import sessions
from grok_sauce.values import dataclass

Payload = Mapping[str, Any]

GRACE: Final = 3600.0  # seconds after its time in which it is still sent, where a start was late
TEN_MINUTES: Final = 600_000  # ms
STATES: Final = {
    "waiting": "not begun",
    "forming": "forming",
    "inside": "inside",
    "up": "broke up",
    "down": "broke down",
    "both": "broke both ways",
    "late": "not known, the feed began after the open",
    "no_data": "no data",
}
MOST_SYMBOLS: Final = 40
MOST_EVENTS: Final = 20


@dataclass(frozen=True, slots=True)
class Morning:
    """What is known at market time now: newest payloads of the topics, rows in the user's order."""

    now: float
    source: str  # LIVE, DELAYED, DEMO or REPLAY
    rows: Sequence[Payload] = ()
    gex: Mapping[str, Payload | None] = field(default_factory=dict)
    orb: Mapping[str, Payload | None] = field(default_factory=dict)
    calendar: Payload | None = None


def due_day(now: float, at: str) -> date | None:
    """The trading day whose summary is to be sent at market time now; None: it is not time.

    at is a New York time. A day counts from then until GRACE later, never past its close.

    >>> from datetime import datetime, timezone
    >>> ten = datetime(2026, 12, 16, 15, 0, tzinfo=timezone.utc).timestamp()  # 10:00
    >>> due_day(ten, "09:55"), due_day(ten, "10:30")
    (datetime.date(2026, 12, 16), None)
    """
    day = sessions.new_york_date(now)
    if not sessions.is_session(day):
        return None
    opening, close = sessions.regular(day)
    hour, minute = map(int, at.split(":"))
    start = max(sessions.instant(day, hour, minute), opening)
    return day if start <= now < min(start + GRACE, close) else None


def key(day: date) -> str:
    """Names the summary of a day, so that it is sent once."""
    return f"summary:{day.isoformat()}"


def summary(morning: Morning) -> tuple[str, str]:
    """(title, text), text in blocks with a head each."""
    here = sessions.new_york(morning.now)
    title = f"{here:%a} {here.day} {here:%b %Y}, {here:%H:%M} New York"
    if morning.source != "LIVE":
        title = f"{morning.source}: {title}"
    blocks = [
        ("Prices", _prices(morning)),
        ("Opening range", _ranges(morning)),
        ("GEX levels", _levels(morning)),
        ("Events today, New York time", _events(morning)),
    ]
    text = "\n\n".join(
        f"{head}\n" + "\n".join(f"  {line}" for line in lines) for head, lines in blocks
    )
    return title, text


def _prices(morning: Morning) -> list[str]:
    lines, missing = [], []
    for row in morning.rows[:MOST_SYMBOLS]:
        symbol = row["symbol"]
        if row.get("price") is None or row.get("status") not in ("live", "aging"):
            missing.append(symbol)
            continue
        decimals = row.get("decimals") or 2
        line = f"{symbol}  {row['price']:,.{decimals}f}  {percent(row.get('change_close_percent'))}"
        gap, move = row.get("gap_percent"), ten_minute_change(row)
        if gap is not None:
            line += f", gap {percent(gap)}"
        if move is not None:
            line += f", 10 min {percent(move)}"
        lines.append(line)
    if missing:
        lines.append(f"No live price: {', '.join(missing)}")
    return lines or ["The table is empty"]


def ten_minute_change(row: Payload) -> float | None:
    """Percent over the last ten minutes, from the row's own minutes; None without them."""
    points = row.get("spark") or ()
    if not points or row.get("price") is None:
        return None
    edge = points[-1][0] - TEN_MINUTES
    before = [value for at, value in points if edge - 60_000 <= at <= edge and value]
    return None if not before else (row["price"] / before[-1] - 1) * 100


def _ranges(morning: Morning) -> list[str]:
    """A line a symbol: each range in a word, then the plan of the longest that broke."""
    lines = []
    for symbol, payload in morning.orb.items():
        words, plan = [], ""
        for span in (payload or {}).get("ranges") or ():
            state, breaks = span.get("state"), span.get("breaks") or ()
            if state in ("waiting", "forming", "no_data") or state not in STATES:
                continue
            times = ", ".join(f"{one.get('side')} {clock(unix(one.get('at')))}" for one in breaks)
            words.append(f"{span['minutes']} min {times or STATES[state]}")
            if breaks:
                last = breaks[-1]
                plan = (
                    f"; {span['minutes']} min {last.get('side')}: "
                    f"entry {price(last.get('entry'))}, stop {price(last.get('stop'))}, "
                    f"target {price(last.get('target'))}"
                )
        if words:
            lines.append(f"{symbol}  {' · '.join(words)}{plan}")
    return lines or ["No opening range is known yet"]


def _levels(morning: Morning) -> list[str]:
    lines = []
    for symbol, payload in morning.gex.items():
        state = ((payload or {}).get("status") or {}).get("state")
        if payload is None or state != "live":
            lines.append(f"{symbol}  not live{'' if state is None else f' ({tame(state, 20)})'}")
            continue
        totals, flips = payload.get("totals") or {}, payload.get("zero_gamma") or {}
        flip = (flips.get("all") or {}).get("flip")
        regime = payload.get("regime")
        lines.append(
            f"{symbol}  {price(payload.get('spot'))}, net {dollars(totals.get('net'))} per 1%"
            f"{f' ({regime})' if regime else ''}, zero gamma {price(flip)}, "
            f"call wall {strike(payload.get('call_wall'))}, "
            f"put wall {strike(payload.get('put_wall'))}"
        )
    return lines or ["No GEX symbols are chosen"]


def _events(morning: Morning) -> list[str]:
    if morning.calendar is None or not morning.calendar.get("on"):
        return ["The calendar is off"]
    today = sessions.new_york_date(morning.now)
    lines = []
    for event in morning.calendar.get("events") or ():
        at = unix(event.get("time"))
        if at is None or sessions.new_york_date(at) != today:
            continue
        if event.get("impact") not in ("high", "medium"):
            continue
        when = "all day" if event.get("all_day") else clock(at)
        line = f"{when}  {tame(event.get('currency'), 8)} {tame(event.get('title'), 80)}"
        line += f" ({event['impact']})"
        for name in ("actual", "forecast", "previous"):
            if event.get(name):
                line += f", {name} {tame(event[name], 20)}"
        lines.append(line)
    if len(lines) > MOST_EVENTS:
        lines = [*lines[:MOST_EVENTS], f"and {len(lines) - MOST_EVENTS} more"]
    return lines or ["No event of medium or high impact"]
