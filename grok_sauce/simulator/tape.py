"""The minute bars of one instrument on one trading day, and its running totals."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import field, replace
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.simulator.bars_file import Bars, DayBars
from grok_sauce.simulator.catalogue import Asset
from grok_sauce.simulator.hours import Hours, Span, midnight
from grok_sauce.simulator.paths import Array, DayPath, Paths, seeded
from grok_sauce.simulator.volumes import minute_volumes
from grok_sauce.values import dataclass

_DAY: Final = timedelta(days=1)
_KEEP: Final = 500  # tapes in memory, about 60 kB each


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument as the feed names it: streamer symbol, its asset, what its price is made of.

    A price is scale * exp(elasticity * path level). carry_to is the expiry whose basis the
    price holds, None for no basis. share_on says a contract's part of its product's volume
    on a day, None for all of it.
    """

    streamer: str
    asset: Asset
    scale: float
    elasticity: float
    carry_to: date | None = None
    carry_rate: float = 0.0
    share_on: Callable[[date], float] | None = None

    def scaled(self, factor: float) -> Listing:
        """The same instrument at another price level."""
        return replace(self, scale=self.scale * factor)

    def scale_on(self, day: date) -> float:
        """Scale with the basis of a trading day in it; the basis is constant in the day."""
        if self.carry_to is None:
            return self.scale
        years = max((self.carry_to - day).days, 0) / 365
        return self.scale * float(np.exp(self.carry_rate * years))


@dataclass(frozen=True, slots=True)
class Tape:
    """Minute bars, oldest first. times are Unix seconds of minute starts; minutes without
    trades are absent. regular is the slice of the regular session, auction included.

    total_regular and total_extended are volumes up to and including each bar.
    """

    span: Span
    times: NDArray[np.int64]
    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array
    count: NDArray[np.int64]
    regular: slice
    total_regular: Array
    total_extended: Array
    high_so_far: Array  # of the regular bars; elsewhere without meaning
    low_so_far: Array
    starts: list[int] = field(repr=False, default_factory=list)

    def at(self, now: float) -> int:
        """Index of the last bar that has begun by now, -1 if none has."""
        return bisect_right(self.starts, now) - 1


def make_tape(span: Span, columns: DayBars, count: NDArray[np.int64] | None = None) -> Tape:
    """A tape from columns; count defaults to one print a hundred shares."""
    times = columns.times
    lo, hi = np.searchsorted(times, [span.opening, span.closing])
    inside = np.zeros(len(times), dtype=bool)
    inside[lo:hi] = True
    high, low = columns.high.copy(), columns.low.copy()
    high[lo:hi] = np.maximum.accumulate(high[lo:hi])
    low[lo:hi] = np.minimum.accumulate(low[lo:hi])
    if count is None:
        count = np.maximum(1, columns.volume // 100).astype(np.int64)
    return Tape(
        span, times, columns.open, columns.high, columns.low, columns.close, columns.volume,
        count, slice(int(lo), int(hi)),
        np.cumsum(np.where(inside, columns.volume, 0.0)),
        np.cumsum(np.where(inside, 0.0, columns.volume)),
        high, low, times.tolist(),
    )  # fmt: skip


class Tapes:
    """Makes tapes and keeps the last used ones."""

    def __init__(self, paths: Paths, hours: Hours, bars: Bars | None = None) -> None:
        self._paths = paths
        self._hours = hours
        self._bars = bars
        self._made: OrderedDict[tuple[str, date], Tape] = OrderedDict()

    def day(self, listing: Listing, day: date) -> Tape | None:
        """The tape of a trading day; None when there was none, or the recording has none."""
        key = (listing.streamer, day)
        known = self._made.get(key)
        if known is not None:
            self._made.move_to_end(key)
            return known
        span = self._hours.span(listing.asset, day)
        if span is None:
            return None
        if self._bars is not None and listing.streamer == self._bars.symbol:
            recorded = self._bars.days.get(day)
            if recorded is None:
                return None
            tape = make_tape(span, recorded)
        else:
            tape = self._generate(listing, span)
        self._made[key] = tape
        while len(self._made) > _KEEP:
            self._made.popitem(last=False)
        return tape

    def _generate(self, listing: Listing, span: Span) -> Tape:
        asset, seed = listing.asset, self._paths.seed
        times, path = self._minutes(asset, span)
        scale = listing.scale_on(span.day)
        opened, high, low, close = (
            self._to_tick(scale * np.exp(listing.elasticity * side), asset.tick) for side in path
        )
        if listing.elasticity < 0:
            high, low = low, high
        moves = np.abs(path.close - path.open)
        volume = minute_volumes(asset, span, times, moves, seed)
        if listing.share_on is not None:
            volume = np.floor(volume * listing.share_on(span.day))
        traded = np.isnan(volume) | (volume > 0)
        columns = DayBars(
            times[traded], opened[traded], high[traded], low[traded], close[traded], volume[traded]
        )
        rng = seeded(seed, listing.streamer, "prints", span.day.toordinal())
        size = (0.03 if asset.kind == "future" else 1.0) * (
            40 + 120 * rng.random(len(columns.times))
        )
        busy = columns.volume / size if asset.volume else np.full(len(size), float(asset.rate))
        return make_tape(span, columns, np.maximum(1, busy).astype(np.int64))

    def _minutes(self, asset: Asset, span: Span) -> tuple[NDArray[np.int64], DayPath]:
        """Minute starts of a span and the path through them, from one or two New York days."""
        days = [span.day - _DAY, span.day] if asset.kind == "future" else [span.day]
        times = np.concatenate(
            [np.arange(1440, dtype=np.int64) * 60 + midnight(day) for day in days]
        )
        inside = (times >= span.start) & (times < span.end)
        sides = zip(*(self._paths.day(asset.path, day) for day in days), strict=True)
        return times[inside], DayPath(*(np.concatenate(side)[inside] for side in sides))

    @staticmethod
    def _to_tick(prices: Array, tick: float) -> Array:
        return np.asarray(np.round(np.round(prices / tick) * tick, 9))
