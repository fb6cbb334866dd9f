"""GEX of a Cboe file the slow way: plain Python, one contract at a time, no code of the project.

The conventions are those of the published notebooks (S. Perfiliev, "How to Calculate Gamma
Exposure and Zero Gamma Level", 2022): gamma from the file, GEX = gamma x OI x 100 x spot^2 x 0.01
with calls plus and puts minus; the flip from Black-Scholes gamma of the file's volatility at 60
spots from 0.8 to 1.2 x spot with business days / 262 (0 counts as 1), r = q = 0, rows without a
volatility skipped, and a straight line through the first change of sign; walls where net GEX
is largest and most negative on the whole chain; max pain of a day with all roots pooled.

read(path) -> Chain       answers(chain) -> dict       pooled_max_pain(chain, day) -> strike
carried_gamma(...)        one contract by the conventions of the project, for the same sums
"""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

AM_ROOTS = {"SPX", "NDX", "RUT"}
NEW_YORK = ZoneInfo("America/New_York")


class Row(NamedTuple):
    """One contract as the file tells it; strike in thousandths."""

    root: str
    day: date
    right: str
    strike: int
    oi: int
    volume: int
    iv: float
    gamma: float


class Chain(NamedTuple):
    """A file: today is the New York date of its prices."""

    spot: float
    today: date
    rows: list[Row]


def read(path: Path, today: date | None = None) -> Chain:
    """A JSON body or a quote-table CSV, gzipped or not; a CSV's date has to be given."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    if text.lstrip().startswith("{"):
        return _read_json(json.loads(text))
    assert today is not None, "the date in a CSV's head is in the language of a browser"
    return _read_csv(text, today)


def _read_json(document: dict[str, Any]) -> Chain:
    data = document["data"]
    rows = [
        _row(each["option"], each["open_interest"], each["volume"], each["iv"], each["gamma"])
        for each in data["options"]
    ]
    return Chain(
        float(data["current_price"]), date.fromisoformat(data["last_trade_time"][:10]), rows
    )


def _read_csv(text: str, today: date) -> Chain:
    lines = text.splitlines()
    head = next(at for at, line in enumerate(lines) if line.startswith("Expiration Date"))
    last = next(line for line in lines[:head] if "Last:" in line)
    spot = float(last.partition("Last:")[2].split(",")[0])
    rows = []
    for cells in csv.reader(line for line in lines[head + 1 :] if line.strip()):
        for at in (1, 12):  # calls, puts; volume, IV, delta, gamma and OI stand 5 to 9 behind
            name, (volume, iv, _, gamma, oi) = cells[at], cells[at + 5 : at + 10]
            rows.append(_row(name, float(oi), float(volume), float(iv), float(gamma)))
    return Chain(spot, today, rows)


def _row(name: str, oi: float, volume: float, iv: float, gamma: float) -> Row:
    root, tail = name[:-15], name[-15:]
    day = date(2000 + int(tail[:2]), int(tail[2:4]), int(tail[4:6]))
    return Row(root, day, tail[6], int(tail[7:]), int(oi), int(volume), iv, gamma)


def settles(row: Row) -> datetime:
    """09:30 for AM-settled roots, else 16:00; the files hold no half day."""
    hour, minute = (9, 30) if row.root in AM_ROOTS else (16, 0)
    return datetime(row.day.year, row.day.month, row.day.day, hour, minute, tzinfo=NEW_YORK)


def unexpired(chain: Chain, at: datetime) -> Chain:
    """The chain without what has settled at that time."""
    return chain._replace(rows=[row for row in chain.rows if settles(row) > at])


def business_days(start: date, end: date) -> int:
    """Weekdays from start to the day before end; holidays count, as they do in the notebooks."""
    days = (start + timedelta(days=n) for n in range((end - start).days))
    return sum(day.weekday() < 5 for day in days)


def black_scholes_gamma(spot: float, strike: float, vol: float, years: float) -> float:
    """Gamma with r = q = 0."""
    spread = vol * math.sqrt(years)
    d1 = math.log(spot / strike) / spread + 0.5 * spread
    return math.exp(-0.5 * d1 * d1) / math.sqrt(2 * math.pi) / (spot * spread)


def carried_gamma(
    spot: float, strike: float, vol: float, years: float, forward: float, rate: float
) -> float:
    """Gamma to the spot of an option priced on its forward, which moves with the spot."""
    spread = vol * math.sqrt(years)
    d1 = math.log(forward / strike) / spread + 0.5 * spread
    growth = math.exp(-rate * years) * forward / spot
    return growth * math.exp(-0.5 * d1 * d1) / math.sqrt(2 * math.pi) / (spot * spread)


def flip(chain: Chain) -> float | None:
    """Zero gamma by the notebooks' conventions."""
    years: dict[date, float] = {}
    grouped: dict[tuple[float, float, float], float] = defaultdict(float)
    for row in chain.rows:
        if row.iv > 0 and row.oi > 0:
            if row.day not in years:
                years[row.day] = max(1, business_days(chain.today, row.day)) / 262
            key = row.strike / 1000, row.iv, years[row.day]
            grouped[key] += row.oi if row.right == "C" else -row.oi
    spots = [chain.spot * (0.8 + 0.4 * n / 59) for n in range(60)]
    totals = [
        sum(
            weight * black_scholes_gamma(spot, strike, vol, t)
            for (strike, vol, t), weight in grouped.items()
        )
        * 100
        * spot
        * spot
        * 0.01
        for spot in spots
    ]
    for n in range(59):
        if totals[n] * totals[n + 1] < 0:
            share = totals[n + 1] / (totals[n + 1] - totals[n])
            return spots[n + 1] - (spots[n + 1] - spots[n]) * share
    return None


def answers(chain: Chain) -> dict[str, Any]:
    """Totals in $ per 1 %, open interest, walls and flip."""
    net: dict[int, float] = defaultdict(float)
    totals, interest = {"C": 0.0, "P": 0.0}, {"C": 0, "P": 0}
    for row in chain.rows:
        gex = row.gamma * row.oi * 100 * chain.spot * chain.spot * 0.01
        totals[row.right] += gex
        interest[row.right] += row.oi
        net[row.strike] += gex if row.right == "C" else -gex
    return {
        "call": totals["C"],
        "put": totals["P"],
        "net": totals["C"] - totals["P"],
        "gross": totals["C"] + totals["P"],
        "call_oi": interest["C"],
        "put_oi": interest["P"],
        "call_wall": max(net, key=lambda strike: net[strike]) / 1000,
        "put_wall": min(net, key=lambda strike: net[strike]) / 1000,
        "flip": flip(chain),
    }


def pooled_max_pain(chain: Chain, day: date) -> float | None:
    """The least of the payouts of all options of a day at every strike, by definition."""
    return least_payout([row for row in chain.rows if row.day == day])


def least_payout(rows: Iterable[Row]) -> float | None:
    """The strike at which these options pay least; the first of several."""
    calls: dict[int, int] = defaultdict(int)
    puts: dict[int, int] = defaultdict(int)
    for row in rows:
        (calls if row.right == "C" else puts)[row.strike] += row.oi
    if not any(calls.values()) and not any(puts.values()):
        return None
    strikes = sorted({*calls, *puts})

    def paid(at: int) -> int:
        return sum(oi * max(at - k, 0) for k, oi in calls.items()) + sum(
            oi * max(k - at, 0) for k, oi in puts.items()
        )

    return min(strikes, key=paid) / 1000
