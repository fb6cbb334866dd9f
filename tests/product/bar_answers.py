"""A slow twin: what the SPY row must show, from the bars file alone, in plain Python."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

OPEN, AUCTION = time(9, 30), time(16, 0)  # regular bars: 09:30 to 16:00 inclusive


@dataclass
class Row:
    """The expected figures; None where the table must show a dash."""

    price: float
    volume: float
    open: float | None
    prev_close: float | None
    rvol: float | None
    rvol_day: float | None


def read(path: Path) -> dict[str, list[tuple[time, float, float, float]]]:
    """{date: [(start of the minute, open, close, volume)]} in New York time."""
    days: dict[str, list[tuple[time, float, float, float]]] = {}
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as text:
        for line in csv.DictReader(text):
            at = datetime.fromisoformat(line["time"])
            days.setdefault(at.date().isoformat(), []).append(
                (at.time(), float(line["open"]), float(line["close"]), float(line["volume"]))
            )
    return days


def is_regular(start: time) -> bool:
    return OPEN <= start <= AUCTION


def expected(path: Path, day: str, minute: time) -> Row:
    """The row at the very start of a minute: all earlier minutes are closed, this one opens.

    Day RVOL before the opening compares with whole pre-markets, after it with whole
    regular sessions.
    """
    days = read(path)
    names = sorted(days)
    before = [name for name in names if name < day][-5:]
    bars = [bar for bar in days[day] if bar[0] < minute]
    regular_now = minute >= OPEN

    def so_far(name: str) -> float:
        return sum(
            volume
            for start, _, _, volume in days[name]
            if start < minute and (is_regular(start) if regular_now else start < OPEN)
        )

    def whole(name: str) -> float:
        return sum(
            volume
            for start, _, _, volume in days[name]
            if (is_regular(start) if regular_now else start < OPEN)
        )

    mean_so_far = sum(map(so_far, before)) / len(before) if before else 0.0
    mean_whole = sum(map(whole, before)) / len(before) if before else 0.0
    volume = so_far(day)
    enough = len(before) >= 3
    opening = [o for start, o, _, _ in days[day] if start == minute]
    return Row(
        price=opening[0] if opening else bars[-1][2],
        volume=volume,
        open=next((o for start, o, _, _ in bars if is_regular(start)), None),
        prev_close=[c for start, _, c, _ in days[before[-1]] if is_regular(start)][-1]
        if before
        else None,
        rvol=volume / mean_so_far if enough else None,
        rvol_day=volume / mean_whole if enough else None,
    )
