"""Event statistics: surprises in standard deviations, and what a release did before, with n.

scaled(surprise, past) -> Scaled                 z, the deviation it is in, how many made it
growth(title, currency) -> 1 | -1 | None         is more of it good for growth
statistics(releases) -> dict                     reactions of one event's releases together
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median, stdev
from typing import Any, Final, Literal

from grok_sauce.analytics.calendar_table import LEAST_PAST, standardised
from grok_sauce.analytics.event_reaction import HORIZONS
from grok_sauce.market.measures import MEASURES
from grok_sauce.market.releases import JOINS
from grok_sauce.values import dataclass

DIGITS: Final = 6
Regime = Literal["positive", "negative"]


@dataclass(frozen=True, slots=True)
class Scaled:
    """z: a surprise in standard deviations of past ones (see calendar_table.standardised).

    sd: that deviation, in the figure's own unit. n: how many past surprises there are.
    """

    z: float | None
    sd: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Past:
    """One release that was: its reaction in percent by horizon, None where it is not known.

    clustered: others came in the same minute. regime: sign of the gamma exposure before it.
    """

    clustered: bool
    surprise: float | None
    regime: Regime | None
    percents: Mapping[int, float | None]

    @property
    def is_measured(self) -> bool:
        return any(value is not None for value in self.percents.values())


def growth(title: str, currency: str) -> Literal[1, -1] | None:
    """+1 where more is good for growth, -1 where less is; None for a figure not followed.

    >>> growth("Unemployment Claims", "USD"), growth("CPI m/m", "EUR")
    (-1, None)
    """
    join = JOINS.get(title) if currency == "USD" else None
    if join is None or join.measure is None:
        return None
    return MEASURES[join.measure].growth


def scaled(surprise: float | None, past: Sequence[float]) -> Scaled:
    """A surprise against earlier ones of the same event; it is not among them itself.

    >>> scaled(0.2, [0.1, -0.1] * 4)
    Scaled(z=1.8708, sd=0.106904, n=8)
    >>> scaled(0.2, [0.1, -0.1] * 3)
    Scaled(z=None, sd=None, n=6)
    """
    n = len(past)
    sd = stdev(past) if n >= LEAST_PAST else 0.0
    if sd <= 0:
        return Scaled(None, None, n)
    z = None if surprise is None else standardised(surprise, past)
    return Scaled(None if z is None else round(z, 4), float(f"{sd:.6g}"), n)


def statistics(releases: Iterable[Past], together: bool = False) -> dict[str, Any]:
    """What the releases of one event did before, in percent of one symbol.

    Releases that came with others in the same minute are left out and counted: their reaction
    is nobody's alone. together: the releases are whole clusters, and count.

    {n (measured, alone), of (all), clustered (left out), by: {"5": {n, mean, mean_abs,
    median_abs, up, up_share}}, groups: {"above"|"in_line"|"below": {n, by: {"5": {n, mean}}}},
    regimes: {"positive"|"negative": {n, by: {"5": {n, mean_abs}}}}}; a mean of nothing is None.
    """
    everything = list(releases)
    alone = [each for each in everything if together or not each.clustered]
    counted = [each for each in alone if each.is_measured]
    return {
        "n": len(counted),
        "of": len(everything),
        "clustered": len(everything) - len(alone),
        "by": {str(h): _spread(_values(counted, h)) for h in HORIZONS},
        "groups": {
            name: _group([each for each in counted if _side(each.surprise) == name], fmean, "mean")
            for name in ("above", "in_line", "below")
        },
        "regimes": {
            name: _group([each for each in counted if each.regime == name], _mean_abs, "mean_abs")
            for name in ("positive", "negative")
        },
    }


def _values(releases: Iterable[Past], horizon: int) -> list[float]:
    found = (each.percents.get(horizon) for each in releases)
    return [value for value in found if value is not None]


def _mean_abs(values: Sequence[float]) -> float:
    return fmean(map(abs, values))


def _side(surprise: float | None) -> str | None:
    if surprise is None:
        return None
    return "above" if surprise > 0 else "below" if surprise < 0 else "in_line"


def _spread(values: Sequence[float]) -> dict[str, Any]:
    n, up = len(values), sum(value > 0 for value in values)
    sizes = [abs(value) for value in values]
    return {
        "n": n,
        "mean": round(fmean(values), DIGITS) if n else None,
        "mean_abs": round(fmean(sizes), DIGITS) if n else None,
        "median_abs": round(median(sizes), DIGITS) if n else None,
        "up": up,
        "up_share": round(up / n, 4) if n else None,
    }


def _group(releases: Sequence[Past], mean: Any, name: str) -> dict[str, Any]:
    by = {}
    for horizon in HORIZONS:
        values = _values(releases, horizon)
        by[str(horizon)] = {
            "n": len(values),
            name: round(mean(values), DIGITS) if values else None,
        }
    return {"n": len(releases), "by": by}
