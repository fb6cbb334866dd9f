"""VIX slope: how fast the VIX has been moving over the last hour.

vix_slope(points, now) -> VixSlope
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from statistics import fmean, linear_regression
from typing import Final, Literal

from grok_sauce.analytics.study_card import Card
from grok_sauce.values import dataclass

WINDOW: Final = 3600.0  # seconds looked back
LEAST: Final = 10  # points
SPAN: Final = 1800.0  # seconds from the first to the last point, at least
FRESH: Final = 300.0  # seconds; an older last point is not now
FULL: Final = 5.0  # % an hour that count as a steepness of 1
FLAT: Final = 0.5  # % an hour; below it the line is called flat

CARD: Final = Card(
    key="vix_slope",
    label="VIX slope",
    unit="% per hour",
    sign="positive: the VIX rises",
    source="least squares line through the VIX's one-minute closes of the last 60 minutes, as a "
    "share of their mean; steepness is that / 5 % an hour, at most 1 either way",
    caveat="A description of the hour that was, no forecast. Below 0.5 % an hour it is called "
    "flat, which is a choice of this page. Minutes follow each other: R² flatters the fit.",
)


@dataclass(frozen=True, slots=True)
class VixSlope:
    """A straight line through the last hour of the VIX.

    slope: points an hour. percent: % of the mean an hour. steepness: -1 to 1. word: rising,
    falling or flat. r2: share of the variance on the line; None where nothing moved. last: the
    newest value. n: points used. minutes: they span. All None where reason says why.
    """

    slope: float | None
    percent: float | None
    steepness: float | None
    word: Literal["rising", "falling", "flat"] | None
    r2: float | None
    last: float | None
    n: int
    minutes: float | None
    reason: str | None


def vix_slope(points: Iterable[tuple[float, float]], now: float) -> VixSlope:
    """The line through (Unix seconds, VIX) in the hour before now, in any order.

    Values that are not above 0, and times after now, are left out. Needs 10 points over half
    an hour, the newest not older than 5 minutes.

    Worked by hand: 20.00 to 20.50 in even steps over 50 minutes is +0.6 points an hour; of
    the mean 20.25 that is 2.96 %.

    >>> found = vix_slope([(60.0 * n, 20 + 0.01 * n) for n in range(51)], 3000.0)
    >>> round(found.slope, 6), round(found.percent, 2), found.word, round(found.steepness, 3)
    (0.6, 2.96, 'rising', 0.593)
    """
    kept = sorted(
        (at, value)
        for at, value in points
        if now - WINDOW <= at <= now and isfinite(value) and value > 0
    )
    n = len(kept)
    minutes = (kept[-1][0] - kept[0][0]) / 60 if kept else None
    reason = _reason(kept, now)
    if reason is not None:
        last = kept[-1][1] if kept else None
        return VixSlope(None, None, None, None, None, last, n, minutes, reason)
    middle = fmean(at for at, _ in kept)
    hours = [(at - middle) / 3600 for at, _ in kept]
    values = [value for _, value in kept]
    line = linear_regression(hours, values)
    slope, mean = line.slope, fmean(values)
    percent = slope / mean * 100
    whole = sum((value - mean) ** 2 for value in values)
    on_line = slope * slope * sum(hour * hour for hour in hours)
    return VixSlope(
        slope=slope,
        percent=percent,
        steepness=max(-1.0, min(1.0, percent / FULL)),
        word="flat" if abs(percent) < FLAT else "rising" if percent > 0 else "falling",
        r2=min(1.0, on_line / whole) if whole > 0 else None,
        last=values[-1],
        n=n,
        minutes=minutes,
        reason=None,
    )


def _reason(kept: list[tuple[float, float]], now: float) -> str | None:
    if not kept:
        return "No value of the VIX in the last hour"
    age = now - kept[-1][0]
    if age > FRESH:
        return f"The newest value of the VIX is {age / 60:.0f} minutes old"
    if len(kept) < LEAST:
        return f"{len(kept)} values of the VIX in the last hour; {LEAST} are needed"
    span = kept[-1][0] - kept[0][0]
    if span < SPAN:
        return f"{span / 60:.0f} minutes of the VIX; {SPAN / 60:.0f} are needed"
    return None
