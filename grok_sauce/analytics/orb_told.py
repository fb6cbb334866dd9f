"""An opening range in JSON's words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from grok_sauce.analytics.opening_range import MINUTE_MS, Break, OpeningRange, State
from grok_sauce.market import sessions

Payload = dict[str, Any]


def told_range(
    range_: OpeningRange,
    state: State,
    reason: str | None,
    atr: float | None,
    rvol: float | None,
    now: int,
) -> Payload:
    """One entry of a payload's ranges. reason: why the day has none; atr in points, now in ms."""
    width = range_.width
    return {
        "minutes": range_.minutes,
        "from": iso(range_.opens if range_.start is None else range_.start),
        "to": iso(range_.armed_at),
        "high": range_.high,
        "low": range_.low,
        "width": width,
        "width_atr": None if width is None or not atr else width / atr,
        "rvol": rvol,
        "state": state,
        "late": range_.is_late or state == "late",
        "note": reason or _note(range_, now),
        "breaks": [_break(each) for each in range_.breaks],
    }


def _note(range_: OpeningRange, now: int) -> str | None:
    if range_.start is None:
        if now < range_.opens + MINUTE_MS:
            return None
        return "Nothing traded in this session" if range_.over else "Nothing has traded yet"
    notes = []
    if range_.is_late:
        at = sessions.new_york(range_.start / 1000).strftime("%H:%M")
        notes.append(f"The first trade came at {at}, the range starts there")
    if (now >= range_.armed_at or range_.over) and range_.problem:
        notes.append(range_.problem)
    return ". ".join(notes) or None


def _break(each: Break) -> Payload:
    return {
        "side": each.side,
        "at": iso(each.at),
        "minute_ms": each.minute,
        "price": each.price,
        "level": each.level,
        "entry": each.price,
        "stop": each.stop,
        "target": each.target,
        "outcome": each.outcome,
        "outcome_at": None if each.outcome_at is None else iso(each.outcome_at),
        "ambiguous": each.ambiguous,
    }


def iso(ms: float) -> str:
    """Unix milliseconds as ISO-8601 UTC."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
