"""Log-price paths by the minute: seeded, correlated, the same whichever day comes first."""

from __future__ import annotations

import math
import zlib
from collections import OrderedDict
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grok_sauce.market import sessions
from grok_sauce.simulator.bars_file import Bars
from grok_sauce.simulator.catalogue import ASSETS, FACTORS, SHAPES, Series
from grok_sauce.simulator.hours import Hours, midnight

Array = NDArray[np.float64]

MINUTES: Final = 1440
_DAY: Final = timedelta(days=1)
_KEEP: Final = 700  # days of each kind kept in memory, about 46 kB each
# Shares of a full day's variance: night, pre-market, regular session, after hours.
_NIGHT, _PRE, _REGULAR, _AFTER = 0.12, 0.13, 0.70, 0.05
_JUMP_CHANCE: Final = 0.004  # a minute
_JUMP_SIZE: Final = 3.5  # standard deviations of that minute
_EXTREME: Final = 0.55  # how far high and low reach past open and close, in minute sds


class DayPath(NamedTuple):
    """Log levels of the 1440 minutes of one New York day, relative to the anchor."""

    open: Array
    high: Array
    low: Array
    close: Array


def seeded(seed: int, *parts: str | int) -> np.random.Generator:
    """A generator that depends on seed and parts only."""
    keys = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in parts]
    return np.random.default_rng([seed & 0xFFFFFFFF, *(key & 0xFFFFFFFF for key in keys)])


class Paths:
    """Paths of factors and of catalogue.SHAPES by day.

    Every series stands at 0 at the start of origin and walks from there both ways, pulled
    back to 0; a day's minutes are a bridge between two such levels, so any day can be made
    without the days before it. In bars mode the recorded symbol's path is the recording's,
    and the market factor is taken from it.
    """

    def __init__(self, seed: int, origin: date, hours: Hours, bars: Bars | None = None) -> None:
        self.seed = seed
        self._origin = origin
        self._hours = hours
        self._bars = bars
        self._levels: dict[str, dict[date, float]] = {}
        self._days: OrderedDict[tuple[str, date], DayPath] = OrderedDict()
        self._variance: OrderedDict[date, Array] = OrderedDict()
        self.recorded_path = ""
        self.reference = math.nan
        if bars is not None:
            self._take_recording(bars)

    def _take_recording(self, bars: Bars) -> None:
        asset = ASSETS.get(bars.symbol)
        self.recorded_path = asset.path if asset else bars.symbol
        before = [day for day in bars.sessions if day < self._origin]
        self.reference = float(
            bars.days[before[-1]].close[-1] if before else bars.days[bars.sessions[0]].open[0]
        )

    # ---- variance ------------------------------------------------------------------------

    def variance(self, day: date) -> Array:
        """Variance of each minute of a day; a full ordinary day adds up to about 1."""
        known = self._variance.get(day)
        if known is None:
            known = self._variance[day] = self._make_variance(day)
            if len(self._variance) > _KEEP:
                self._variance.popitem(last=False)
        return known

    def _make_variance(self, day: date) -> Array:
        minutes = np.zeros(MINUTES)
        future, evening = (self._future_minutes(each) for each in (day, day + _DAY))
        if future:
            minutes[:future] = _NIGHT / 600
        if evening:
            minutes[1080:] = _NIGHT / 600
        if self._hours.is_open(day):
            half = sessions.is_half_day(day)
            close, end = (780, 1020) if half else (960, 1200)
            minutes[240:570] = _PRE / 330
            through = (np.arange(570, close) - 570) / (close - 570)
            shape = 0.6 + 1.5 * np.exp(-through * 7) + 0.7 * np.exp(-(1 - through) * 9)
            minutes[570:close] = _REGULAR * shape / shape.sum() * (close - 570) / 390
            minutes[close:end] = _AFTER / 240
        rng = seeded(self.seed, "activity", day.toordinal())
        swing = np.cumsum(rng.standard_normal(48)) * 0.12  # half-hourly, like a slow weather
        swing = np.exp(swing - swing.mean())
        return np.asarray(minutes * np.interp(np.arange(MINUTES), np.arange(48) * 30.0, swing))

    def _future_minutes(self, day: date) -> int:
        """Minutes of a date in which futures trade since midnight; 0 when it has no session."""
        hours = sessions.hours("future", day) if self._known_day(day) else None
        return int(hours[1] - midnight(day)) // 60 if hours else 0

    def _known_day(self, day: date) -> bool:
        bars = self._bars
        return bars is None or day < bars.sessions[0] or day in bars.days

    # ---- levels at midnight --------------------------------------------------------------

    def level(self, name: str, series: Series, day: date) -> float:
        """Log level of a series at the start of a New York day."""
        levels = self._levels.setdefault(name, {self._origin: 0.0})
        while day not in levels:
            forward = day > self._origin
            known = max(levels) if forward else min(levels)
            step = known if forward else known - _DAY  # the day that is walked through
            total = float(self.variance(step).sum())
            shock = seeded(self.seed, name, step.toordinal()).standard_normal()
            kept = levels[known] * (1.0 - series.pull * min(total, 1.0))
            levels[known + (_DAY if forward else -_DAY)] = kept + series.sd * math.sqrt(
                total
            ) * float(shock)
        return levels[day]

    def _walk(self, name: str, series: Series, day: date) -> Array:
        """Log levels of a series at the 1441 minute edges of a day."""
        start, end = (self.level(name, series, each) for each in (day, day + _DAY))
        variance = self.variance(day)
        total = variance.sum()
        if not total:
            return np.full(MINUTES + 1, start)
        rng = seeded(self.seed, name, day.toordinal(), 1)
        noise = rng.standard_normal(MINUTES)
        noise[rng.random(MINUTES) < _JUMP_CHANCE] *= _JUMP_SIZE
        edges = np.zeros(MINUTES + 1)
        np.cumsum(noise * np.sqrt(variance) * series.sd, out=edges[1:])
        share = np.zeros(MINUTES + 1)
        np.cumsum(variance / total, out=share[1:])
        return np.asarray(start + edges + share * (end - start - edges[-1]))

    # ---- paths ---------------------------------------------------------------------------

    def day(self, path: str, day: date) -> DayPath:
        """The minutes of a shape (catalogue.SHAPES) on a New York day."""
        key = (path, day)
        known = self._days.get(key)
        if known is None:
            known = self._make(path, day)
            self._days[key] = known
            while len(self._days) > _KEEP:
                self._days.popitem(last=False)
        else:
            self._days.move_to_end(key)
        return known

    def _make(self, path: str, day: date) -> DayPath:
        if path == self.recorded_path and self._bars is not None:
            return self._recorded(day)
        if path in FACTORS:
            return self._factor(path, day)
        shape = SHAPES[path]
        opened, closed, variance = np.zeros(MINUTES), np.zeros(MINUTES), shape.own.sd**2
        for factor, loading in shape.loadings.items():
            part = self.day(factor, day)
            opened += loading * part.open
            closed += loading * part.close
            variance += (loading * FACTORS[factor].sd) ** 2
        if shape.own.sd:
            edges = self._walk(path, shape.own, day)
            opened += edges[:-1]
            closed += edges[1:]
        reach = np.sqrt(self.variance(day) * variance) * _EXTREME
        return self._reaching(path, day, opened, closed, reach)

    def _reaching(
        self, path: str, day: date, opened: Array, closed: Array, reach: Array
    ) -> DayPath:
        """The minutes with highs and lows that go past open and close by about reach."""
        rng = seeded(self.seed, path, day.toordinal(), 2)
        above, below = np.abs(rng.standard_normal((2, MINUTES))) * reach
        return DayPath(
            opened,
            np.maximum(opened, closed) + above,
            np.minimum(opened, closed) - below,
            closed,
        )

    def _factor(self, name: str, day: date) -> DayPath:
        if name == "MARKET" and self._bars is not None and self._market_loading():
            recorded, loading = self._recorded(day), self._market_loading()
            opened, closed = recorded.open / loading, recorded.close / loading
        else:
            edges = self._walk(name, FACTORS[name], day)
            opened, closed = edges[:-1], edges[1:]
        # Shapes reach past their own open and close, whatever their factors did in between.
        return DayPath(opened, np.maximum(opened, closed), np.minimum(opened, closed), closed)

    def _market_loading(self) -> float:
        shape = SHAPES.get(self.recorded_path)
        return shape.loadings.get("MARKET", 0.0) if shape else 0.0

    def _recorded(self, day: date) -> DayPath:
        """The recording's minutes of a day; flat where it has none."""
        assert self._bars is not None
        bars = self._bars.days.get(day)
        before = [each for each in self._bars.sessions if each < day]
        if bars is None and not before:
            return self._before_the_recording(day)
        held = (
            self._bars.days[before[-1]].close[-1] if before else bars.open[0]  # type: ignore[union-attr]
        )
        prices = np.full((4, MINUTES), held)
        if bars is not None:
            places = (bars.times - midnight(day)) // 60
            filled = np.zeros(MINUTES, dtype=np.int64)
            filled[places] = np.arange(1, len(places) + 1)
            filled = np.maximum.accumulate(filled)
            prices[:] = np.concatenate([[held], bars.close])[filled]
            for row, column in enumerate((bars.open, bars.high, bars.low, bars.close)):
                prices[row, places] = column
        return DayPath(*np.log(prices / self.reference))

    def _before_the_recording(self, day: date) -> DayPath:
        """Days older than the file are generated, so that the others have a past."""
        assert self._bars is not None
        first = self._bars.sessions[0]
        joint = math.log(float(self._bars.days[first].open[0]) / self.reference)
        series = Series(FACTORS["MARKET"].sd * abs(self._market_loading() or 1.0))
        at_first = self.level("recorded", series, first)
        edges = self._walk("recorded", series, day) - at_first + joint
        reach = np.sqrt(self.variance(day)) * series.sd * _EXTREME
        return self._reaching("recorded", day, edges[:-1], edges[1:], reach)
