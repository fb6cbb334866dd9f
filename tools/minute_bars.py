"""Make tests/answers/minute_bars.csv.gz and the numbers that follow from it, slowly.

One-minute bars of an invented ETF in the shape of recorded ones: New York ISO times,
04:00 to 20:00, minutes without trades absent, the closing auction in the bar that starts at the
close. Seven sessions around Thanksgiving 2026 (Thursday closed, Friday half a day).

The answers are worked out here from the text of the file with exact fractions, loop by
loop, by the words of the definitions; nothing of the product is imported.

    python tools/minute_bars.py            write both files
    python tools/minute_bars.py --check    exit 1 when the committed ones differ
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

ANSWERS = Path(__file__).resolve().parent.parent / "tests" / "answers"
BARS = ANSWERS / "minute_bars.csv.gz"
NUMBERS = ANSWERS / "minute_bars.json"

NEW_YORK = ZoneInfo("America/New_York")
SEED = 20261201
DAYS = [date(2026, 11, day) for day in (20, 23, 24, 25, 27, 30)] + [date(2026, 12, 1)]
HALF = date(2026, 11, 27)
TODAY = DAYS[-1]
MOMENTS = [
    *("04:30:00", "07:40:15", "09:29:59", "09:30:30", "09:31:00", "10:15:00", "10:15:30"),
    *("12:59:59", "13:01:00", "13:01:30", "14:00:00", "15:59:59", "16:00:30", "16:01:00"),
    "18:00:00",
]


def minutes(day: date) -> Iterator[tuple[datetime, float, float]]:
    """(start, mean volume, chance of a trade) of each minute of a day."""
    close = time(13) if day == HALF else time(16)
    end = time(17) if day == HALF else time(20)
    moment = datetime.combine(day, time(4), NEW_YORK)
    opening = datetime.combine(day, time(9, 30), NEW_YORK)
    closing = datetime.combine(day, close, NEW_YORK)
    while moment.time() < end:
        if moment < opening:
            yield moment, 900.0, 0.35
        elif moment < closing:
            done = (moment - opening) / (closing - opening)
            yield moment, 40_000 * (0.5 + 3 * (done - 0.55) ** 2), 1.0
        elif moment == closing:
            yield moment, 400_000.0, 1.0
        else:
            yield moment, 1_500.0, 0.2
        moment += timedelta(minutes=1)


def make_bars() -> str:
    """The file's text; the same on every machine (random() alone is promised to be)."""
    draw = Random(SEED).random
    out = io.StringIO()
    out.write("time,open,high,low,close,volume\n")
    cents = 20_000
    for day in DAYS:
        size = 0.7 + 0.6 * draw()
        for moment, mean, chance in minutes(day):
            if draw() >= chance:
                continue
            opening = cents
            path = [cents := max(1, cents + int(draw() * 13) - 6) for _ in range(3)]
            volume = 100 * max(1, int(size * mean * (0.4 + 1.2 * draw()) / 100))
            prices = [opening, max(opening, *path), min(opening, *path), path[-1]]
            row = ",".join(f"{price / 100:.4f}" for price in prices)
            out.write(f"{moment.isoformat()},{row},{volume}\n")
    return out.getvalue()


Row = tuple[datetime, Decimal, Decimal, Decimal, int]


def read(text: str) -> list[Row]:
    """(wall time, high, low, close, volume) of each row."""
    return [
        (
            datetime.fromisoformat(row["time"]).replace(tzinfo=None),
            Decimal(row["high"]),
            Decimal(row["low"]),
            Decimal(row["close"]),
            int(row["volume"]),
        )
        for row in csv.DictReader(io.StringIO(text))
    ]


def so_far(rows: list[Row], day: date, first: time, last: time, seconds: int) -> Fraction | None:
    """Volume of a day's bars first..last (inclusive) in the first `seconds` after `first`.

    A minute that has begun counts by the part of it that has passed. None when the session is
    shorter than that.
    """
    length = datetime.combine(day, last) - datetime.combine(day, first) + timedelta(minutes=1)
    if seconds > length.total_seconds():
        return None
    total = Fraction(0)
    for moment, _, _, _, volume in rows:
        if moment.date() != day or not first <= moment.time() <= last:
            continue
        began = (moment - datetime.combine(day, first)).total_seconds()
        passed = min(Fraction(60), max(Fraction(0), seconds - Fraction(began)))
        total += volume * passed / 60
    return total


def mean(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def at(rows: list[Row], text: str) -> dict[str, float | str | None]:
    """Volume so far today, both ratios and the VWAP at a wall time of the last day."""
    now = time.fromisoformat(text)
    is_pre = now < time(9, 30)
    first = time(4) if is_pre else time(9, 30)

    def last(day: date) -> time:
        return time(9, 29) if is_pre else time(13) if day == HALF else time(16)

    since = datetime.combine(TODAY, now) - datetime.combine(TODAY, first)
    seconds = min(int(since.total_seconds()), 330 * 60 if is_pre else 391 * 60)
    earlier = DAYS[-6:-1]
    volume = so_far(rows, TODAY, first, last(TODAY), seconds)
    assert volume is not None
    parts = [so_far(rows, day, first, last(day), seconds) for day in earlier]
    same = [part for part in parts if part is not None]
    whole = [
        Fraction(
            sum(
                row[4]
                for row in rows
                if row[0].date() == day and first <= row[0].time() <= last(day)
            )
        )
        for day in earlier
    ]
    weight = paid = Fraction(0)
    for moment, high, low, close, shares in rows:
        is_regular = moment.date() == TODAY and time(9, 30) <= moment.time() <= time(16)
        if is_regular and moment + timedelta(minutes=1) <= datetime.combine(TODAY, now):
            weight += shares
            paid += shares * Fraction(high + low + close) / 3
    return {
        "time": text,
        "volume": float(volume),
        "rvol": float(volume / mean(same)),
        "rvol_day": float(volume / mean(whole)),
        "average": float(mean(whole)),
        "vwap": float(paid / weight) if weight else None,
    }


def make_numbers(text: str) -> str:
    rows = read(text)
    answers = {
        "source": "tools/minute_bars.py: exact fractions over the text of minute_bars.csv.gz",
        "today": TODAY.isoformat(),
        "moments": [at(rows, moment) for moment in MOMENTS],
    }
    return json.dumps(answers, indent=1) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed files")
    text = make_bars()
    numbers = make_numbers(text)
    if parser.parse_args().check:
        same = gzip.decompress(BARS.read_bytes()).decode() == text
        same = same and NUMBERS.read_text() == numbers
        print("same" if same else "different")
        return 0 if same else 1
    ANSWERS.mkdir(parents=True, exist_ok=True)
    BARS.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    NUMBERS.write_text(numbers)
    print(f"{BARS}: {text.count(chr(10)) - 1} bars, {BARS.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
