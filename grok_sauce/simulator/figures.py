"""The simulated economy's figures: every series' level in every period, first prints included.

level(seed, series, period, vintage) -> float | None      as FRED counts it (thousands, millions)
periods(rhythm, until, count) -> list[date]               newest first
"""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

from grok_sauce.market.sessions import is_session, previous_session
from grok_sauce.values import dataclass

Rhythm = Literal["daily", "weekly", "monthly", "quarterly"]

_EPOCH: Final = 2007  # January of this year is month 0 of what grows
_MONTHS: Final = 12 * 25


@dataclass(frozen=True, slots=True)
class Path:
    """How a series moves.

    grows: base is its level in 2007, step and wild the mean and spread of a month's relative
    change (of the absolute one where adds). Else it swings round base by wild. places: as
    published. slip: spread of a first print's error, in the series' units.
    """

    rhythm: Rhythm
    base: float
    wild: float
    places: int
    step: float = 0.0
    grows: bool = False
    adds: bool = False
    slip: float = 0.0


PATHS: Final[dict[str, Path]] = {
    "CPIAUCSL": Path("monthly", 203.4, 0.0012, 3, 0.0022, True),
    "CPIAUCNS": Path("monthly", 202.4, 0.0012, 3, 0.0022, True),
    "CPILFESL": Path("monthly", 208.6, 0.0007, 3, 0.0022, True),
    "PAYEMS": Path("monthly", 137_500.0, 60.0, 0, 90.0, True, True, 25.0),
    "UNRATE": Path("monthly", 4.3, 0.15, 1),
    "CES0500000003": Path("monthly", 20.6, 0.0009, 2, 0.0026, True),
    "ICSA": Path("weekly", 225_000.0, 9_000.0, -3, slip=1_000.0),
    "CCSA": Path("weekly", 1_930_000.0, 18_000.0, -3, slip=4_000.0),
    "A191RL1Q225SBEA": Path("quarterly", 2.2, 1.1, 1, slip=0.3),
    "PCEPI": Path("monthly", 88.4, 0.0009, 3, 0.0017, True),
    "PCEPILFE": Path("monthly", 89.1, 0.0006, 3, 0.0018, True),
    "PCE": Path("monthly", 9_720.0, 0.003, 1, 0.0034, True),
    "PPIFIS": Path("monthly", 95.4, 0.002, 3, 0.0021, True),
    "PPIFES": Path("monthly", 96.0, 0.0015, 3, 0.0021, True),
    "RSAFS": Path("monthly", 367_000.0, 0.005, 0, 0.0029, True, slip=600.0),
    "RSFSXMV": Path("monthly", 288_000.0, 0.004, 0, 0.0029, True, slip=500.0),
    "RSXFS": Path("monthly", 327_000.0, 0.005, 0, 0.0029, True, slip=600.0),
    "JTSJOL": Path("monthly", 7_350.0, 240.0, 0, slip=40.0),
    "INDPRO": Path("monthly", 100.0, 0.004, 4, 0.0001, True, slip=0.08),
    "HOUST": Path("monthly", 1_370.0, 55.0, 0, slip=12.0),
    "UMCSENT": Path("monthly", 61.0, 3.0, 1),
    "MICH": Path("monthly", 4.3, 0.4, 1),
    "DGS2": Path("daily", 3.62, 0.05, 2),
    "DGS10": Path("daily", 4.14, 0.05, 2),
    "DFF": Path("daily", 3.88, 0.0, 2),
    "FEDFUNDS": Path("monthly", 3.88, 0.0, 2),
    "SOFR": Path("daily", 3.93, 0.02, 2),
    "VIXCLS": Path("daily", 17.5, 1.2, 2),
}


def dice(*parts: object) -> random.Random:
    """Random numbers that are the same for the same parts, in every process."""
    return random.Random(":".join(map(str, parts)))


def level(seed: int, series: str, period: date, vintage: int = 99) -> float | None:
    """The level of a period as its vintage-th publication had it (0 is the first print).

    None for a series or day that there is none of.
    """
    if series == "T10Y2Y":
        long, short = level(seed, "DGS10", period), level(seed, "DGS2", period)
        return None if long is None or short is None else round(long - short, 2)
    path = PATHS.get(series)
    if path is None or (path.rhythm == "daily" and not is_session(period)):
        return None
    true = _grown(seed, series, period) if path.grows else _swung(seed, series, path, period)
    if true is None:
        return None
    if path.slip and vintage < 2:
        slip = dice(seed, series, period, "slip").gauss(0.0, path.slip)
        true += slip if vintage == 0 else slip / 3
    return round(true, path.places)


def _swung(seed: int, series: str, path: Path, period: date) -> float:
    """A slow wave and a period's own part, round the base."""
    phase = dice(seed, series).uniform(0, 2 * math.pi)
    wave = math.sin(
        phase + period.toordinal() / {"daily": 9.0, "weekly": 60.0}.get(path.rhythm, 150)
    )
    own = dice(seed, series, period).gauss(0.0, 0.6)
    return path.base + path.wild * (0.8 * wave + own)


def _grown(seed: int, series: str, period: date) -> float | None:
    month = (period.year - _EPOCH) * 12 + period.month - 1
    levels = _levels(seed, series)
    return levels[month] if 0 <= month < len(levels) else None


@lru_cache(maxsize=64)
def _levels(seed: int, series: str) -> tuple[float, ...]:
    path, found = PATHS[series], [PATHS[series].base]
    for month in range(1, _MONTHS):
        # Prices of one kind move together: half of it is shared by all that grow.
        shared = dice(seed, "prices", month).gauss(0.0, 0.7)
        change = path.step + path.wild * (shared + dice(seed, series, month).gauss(0.0, 0.7))
        found.append(found[-1] + change if path.adds else found[-1] * (1.0 + change))
    return tuple(found)


def periods(rhythm: Rhythm, until: date, count: int) -> list[date]:
    """The last periods that begin (a week: end) at or before a day, as FRED dates them."""
    if rhythm == "daily":
        day = until if is_session(until) else previous_session(until)
        return [day, *(previous_session(day, n) for n in range(1, count))]
    if rhythm == "weekly":
        saturday = until - timedelta(days=(until.weekday() + 2) % 7)
        return [saturday - timedelta(days=7 * n) for n in range(count)]
    step = 3 if rhythm == "quarterly" else 1
    month = until.year * 12 + (until.month - 1) // step * step
    return [date((month - n * step) // 12, (month - n * step) % 12 + 1, 1) for n in range(count)]
