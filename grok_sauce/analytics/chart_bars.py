"""Candles of 1, 5, 15 minutes and of days, put together from one-minute bars by session.

day_stretches(kind, day) -> (Stretch, ...)       pre-market, regular hours, after hours of a day
candles(columns, kind, step, known) -> Candles   bars with VWAP; Builder: as they come
days(columns, kind, known) -> list[BarRow]       one bar a trading day
gaps(times, kind, step, until) -> list[(from, to)]       regular hours in which no bar came

All times are Unix ms, all days New York dates.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import field
from datetime import date, timedelta
from functools import lru_cache
from math import isnan
from typing import Final, Literal, NamedTuple

from grok_sauce.analytics.vwap import RunningVwap, Vwap, typical
from grok_sauce.market import sessions
from grok_sauce.market.candles import Columns
from grok_sauce.market.products import Kind
from grok_sauce.values import dataclass

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
STEPS: Final = {"1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS}
TIMEFRAMES: Final = (*STEPS, "1d")
# Fewer minutes in a row without a bar are minutes in which nobody traded.
SHORTEST_GAP: Final = 3 * MINUTE_MS
FIRST_MINUTES: Final = 5 * MINUTE_MS

State = Literal["pre", "open", "after"]
# [time, open, high, low, close, volume (None: not known)]
BarRow = list[float | None]


class Stretch(NamedTuple):
    """Part of a trading day, from its first minute to past its last one."""

    day: date
    state: State
    start: int
    end: int


@lru_cache(maxsize=4096)
def day_stretches(kind: Kind, day: date) -> tuple[Stretch, ...]:
    """The stretches of a trading day in order; none on a day without trading.

    Regular hours of a share include the minute that starts at the close: the closing auction
    prints in it. A future's regular hours are those of the share market; the evening and
    the night before them are its "pre".
    """
    if kind != "future":
        if not sessions.is_session(day):
            return ()
        start, end = sessions.extended(day)
        opening, close = sessions.regular(day)
        edges: tuple[float, ...] = (start, opening, close + 60, end)
        states: tuple[State, ...] = ("pre", "open", "after")
    else:
        hours = sessions.hours(kind, day)
        if hours is None:
            return ()
        edges, states = hours, ("pre",)
        if sessions.is_session(day):
            opening, close = sessions.regular(day)
            edges, states = (hours[0], opening, close, hours[1]), ("pre", "open", "after")
    marks = [round(edge * 1000) for edge in edges]
    return tuple(
        Stretch(day, state, start_ms, end_ms)
        for state, start_ms, end_ms in zip(states, marks, marks[1:], strict=False)
        if start_ms < end_ms
    )


def stretches(kind: Kind, start: int, end: int) -> list[Stretch]:
    """All stretches of trading days that meet [start, end], in order."""
    day = sessions.new_york_date(start / 1000) - timedelta(days=1)
    last = sessions.new_york_date(end / 1000) + timedelta(days=1)
    found: list[Stretch] = []
    while day <= last:
        found += [
            part for part in day_stretches(kind, day) if part.end > start <= end >= part.start
        ]
        day += timedelta(days=1)
    return found


def day_start(kind: Kind, moment: int) -> int:
    """When the trading day that a moment falls into began, or the last one before it."""
    day = sessions.new_york_date(moment / 1000) + timedelta(days=1)
    for _ in range(14):
        parts = day_stretches(kind, day)
        if parts and parts[0].start <= moment:
            return parts[0].start
        day -= timedelta(days=1)
    return moment


class Known(NamedTuple):
    """What is known of a symbol's past: its oldest minute, and from when no minute is missing.

    whole is where the feed's own history begins (None: it has not come). Before that a
    session counts as known from its start when it has a bar in its first minutes.
    """

    oldest: int
    whole: int | None = None

    def has_start(self, start: int, first: int | None) -> bool:
        """Is the beginning of a stretch known, whose first minute with a bar is `first`?"""
        if self.oldest > start and first != start:
            return False
        if self.whole is not None and self.whole <= start:
            return True
        return first is not None and first - start <= FIRST_MINUTES


@dataclass(slots=True)
class Candles:
    """Bars of one length, oldest first, with what belongs to each at the same place.

    extended: whether a bar lies outside regular hours. session: the VWAP since the session's
    open, 09:30 for shares and 18:00 of the evening before for futures; regular: the one since
    09:30, which a future has besides. None outside their hours, without volume, and where the
    session's first bars are not known.
    """

    bars: list[BarRow] = field(default_factory=list)
    extended: list[bool] = field(default_factory=list)
    session: list[Vwap | None] = field(default_factory=list)
    regular: list[Vwap | None] = field(default_factory=list)
    days: list[date] = field(default_factory=list)

    def tail(self, count: int) -> Candles:
        """The newest so many."""
        if count <= 0:
            return Candles()
        return Candles(
            self.bars[-count:],
            self.extended[-count:],
            self.session[-count:],
            self.regular[-count:],
            self.days[-count:],
        )

    def only_regular(self) -> Candles:
        """Without what lies outside regular hours."""
        keep = [place for place, is_out in enumerate(self.extended) if not is_out]
        return Candles(
            [self.bars[place] for place in keep],
            [False] * len(keep),
            [self.session[place] for place in keep],
            [self.regular[place] for place in keep],
            [self.days[place] for place in keep],
        )


class Builder:
    """Puts minutes together as they come; see candles(). feed() takes only newer ones."""

    def __init__(self, kind: Kind, step: int, known: Known) -> None:
        self.found = Candles()
        self._kind = kind
        self._step = step
        self._known = known
        self._part: Stretch | None = None
        self._session, self._regular = RunningVwap(), RunningVwap()
        self._session_known = self._regular_known = False

    def fork(self, count: int) -> Builder:
        """Another that goes on from here with the newest so many candles; this one stays."""
        other = Builder(self._kind, self._step, self._known)
        tail = self.found.tail(count)
        # Slices are new lists already; a candle is changed in its place.
        other.found = Candles(
            [list(bar) for bar in tail.bars], tail.extended, tail.session, tail.regular, tail.days
        )
        other._part = self._part
        other._regular = self._regular.copy()
        is_same = self._session is self._regular
        other._session = other._regular if is_same else self._session.copy()
        other._session_known, other._regular_known = self._session_known, self._regular_known
        return other

    def feed(self, columns: Columns) -> None:
        """Take minutes in, none older than those before."""
        times = columns.times
        if not len(times):
            return
        for part in stretches(self._kind, times[0], times[-1]):
            first, last = bisect_left(times, part.start), bisect_left(times, part.end)
            if part != self._part:
                self._enter(part, times[first] if first < last else None)
            for place in range(first, last):
                self._take(columns, place, part)

    def _enter(self, part: Stretch, first: int | None) -> None:
        is_known = self._known.has_start(part.start, first)
        if self._part is None or part.day != self._part.day:
            self._session, self._session_known = RunningVwap(), is_known
        if part.state == "open":
            self._regular, self._regular_known = RunningVwap(), is_known
            if self._kind != "future":
                self._session, self._session_known = self._regular, is_known
        self._part = part

    def _take(self, columns: Columns, place: int, part: Stretch) -> None:
        is_open, is_future = part.state == "open", self._kind == "future"
        latest = part.end - MINUTE_MS
        if is_open and not is_future and self._step > MINUTE_MS:
            latest = (part.end - 2 * MINUTE_MS) // self._step * self._step
        start = min(columns.times[place] // self._step * self._step, latest)
        found = self.found
        _put(found, columns, place, start, not is_open, part.day)
        price = typical(columns.highs[place], columns.lows[place], columns.closes[place])
        if is_open:
            self._regular.add(price, columns.volumes[place])
        if is_future:
            self._session.add(price, columns.volumes[place])
        has_session = self._session_known and (is_open or is_future)
        found.session[-1] = self._session.value() if has_session else None
        found.regular[-1] = self._regular.value() if is_open and self._regular_known else None


def candles(columns: Columns, kind: Kind, step: int, known: Known) -> Candles:
    """Minutes put together; step in ms.

    A candle never reaches over the edge of a stretch. All edges lie on quarter hours, so that
    candles start on the clock; only the closing auction's minute belongs to the last candle
    before it. A candle that no minute is of does not exist, and a minute outside all hours
    of its product is left out.
    """
    builder = Builder(kind, step, known)
    builder.feed(columns)
    return builder.found


def _put(found: Candles, columns: Columns, place: int, start: int, is_out: bool, day: date) -> None:
    """A minute goes into the candle that begins at start: the last one, or a new one."""
    volume: float | None = columns.volumes[place]
    if volume is not None and isnan(volume):
        volume = None
    high, low, close = columns.highs[place], columns.lows[place], columns.closes[place]
    last = found.bars[-1] if found.bars else None
    if last is not None and last[0] == start:
        last[2] = max(last[2], high)  # type: ignore[type-var]
        last[3] = min(last[3], low)  # type: ignore[type-var]
        last[4] = close
        last[5] = None if last[5] is None or volume is None else last[5] + volume
        return
    found.bars.append([start, columns.opens[place], high, low, close, volume])
    found.extended.append(is_out)
    found.session.append(None)
    found.regular.append(None)
    found.days.append(day)


def days(columns: Columns, kind: Kind, known: Known) -> list[BarRow]:
    """One bar a trading day, stamped midnight UTC of it as the feed stamps its own.

    Shares count their regular hours, futures all of theirs. A day whose beginning is not
    known has no open, high or low: it is left out.
    """
    found: list[BarRow] = []
    times = columns.times
    if not len(times):
        return found
    unknown: date | None = None
    for part in stretches(kind, times[0], times[-1]):
        first, last = bisect_left(times, part.start), bisect_left(times, part.end)
        is_first = part.state == ("pre" if kind == "future" else "open")
        if is_first and not known.has_start(part.start, times[first] if first < last else None):
            unknown = part.day
        if part.day == unknown or (kind != "future" and not is_first):
            continue
        stamp = sessions.day_id(part.day) * DAY_MS
        own = Candles(bars=[found.pop()] if found and found[-1][0] == stamp else [])
        for place in range(first, last):
            _put(own, columns, place, stamp, False, part.day)
        found += own.bars
    return found


def gaps(times: list[int], kind: Kind, step: int, until: int) -> list[tuple[int, int]]:
    """Regular hours from the first candle to until in which no candle came: (from, to).

    times: starts of candles, ascending. until: what began later can still come. A session
    without any candle is one gap from its open to its close.
    """
    found: list[tuple[int, int]] = []
    if not times:
        return found
    for part in stretches(kind, times[0], until):
        if part.state != "open":
            continue
        end = part.end - (MINUTE_MS if kind != "future" else 0)  # an auction need not be
        end = min(end, until // step * step)
        expected = max(part.start, times[0])
        own = times[bisect_left(times, part.start) : bisect_left(times, part.end)]
        for time in (*own, end):
            if time - expected >= max(step, SHORTEST_GAP):
                found.append((expected, time))
            expected = time + step
    return found
