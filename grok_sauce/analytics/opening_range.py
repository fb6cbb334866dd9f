"""Opening range: high and low of the first minutes, and the first break of each side."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Final, Literal

from grok_sauce.market.events import Bar
from grok_sauce.values import dataclass

Side = Literal["up", "down"]
Outcome = Literal["target", "stop", "close"]
State = Literal["waiting", "forming", "inside", "up", "down", "both", "late", "no_data"]

MINUTE_MS: Final = 60_000
CLOSE: Final = "close"
TOUCH: Final = "touch"


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as a break, and what a trade on it would aim for.

    mode: "close" wants a one-minute bar to close beyond the range, "touch" any trade beyond it.
    rr_ratio: target in multiples of what is risked. tick: of the instrument, in points. buffer:
    points beyond the range that a break needs besides.
    """

    mode: str = CLOSE
    rr_ratio: float = 2.0
    tick: float = 0.01
    buffer: float = 0.0


@dataclass(frozen=True, slots=True)
class Break:
    """The first time a side of the range gave way.

    at: ms UTC; the end of the bar that closed beyond, or the start of the minute that touched.
    minute: start of that bar. price: its close, or the first price beyond as far as a bar tells.
    level: the side of the range. A trade would enter at price, risk the whole range down to stop
    (its other side) and aim for target = entry +- rr_ratio * |entry - stop|.

    outcome: which of the two came first, "close" when the session ended with neither, None
    while it is open; outcome_at its minute. ambiguous: one bar held both, or the break's own bar
    held the stop; the stop is taken.
    """

    side: Side
    at: int
    minute: int
    price: float
    level: float
    stop: float
    target: float
    outcome: Outcome | None = None
    outcome_at: int | None = None
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class OpeningRange:
    """The range of the first `minutes` from opens, in one session that ends at ends (ms UTC).

    Feed it the session's one-minute bars in order with step(). start: where the range begins,
    None before the first bar; is_late: the opening minute had no bar, so that it begins with
    the first one. bars: how many it holds. over: the session has ended.
    """

    minutes: int
    opens: int
    ends: int
    rules: Rules
    start: int | None = None
    is_late: bool = False
    high: float | None = None
    low: float | None = None
    bars: int = 0
    breaks: tuple[Break, ...] = ()
    over: bool = False
    # A bar that stays strictly inside changes nothing; at first none does.
    calm_low: float = inf
    calm_high: float = -inf

    @property
    def armed_at(self) -> int:
        """From when on (ms UTC) a break counts; before the first bar, where it would be."""
        return (self.opens if self.start is None else self.start) + self.minutes * MINUTE_MS

    @property
    def width(self) -> float | None:
        """High minus low in points."""
        return None if self.high is None or self.low is None else round(self.high - self.low, 10)

    @property
    def problem(self) -> str | None:
        """Why the finished range is none; None when it is one."""
        if self.bars * 2 < self.minutes:
            return f"Only {self.bars} of {self.minutes} minutes have bars"
        if not self.width:
            return "All of it traded at one price"
        return None

    def state(self, now: int) -> State:
        """What is to be said at a time (ms UTC)."""
        if self.start is None:
            if now < self.opens + MINUTE_MS:
                return "waiting" if now < self.opens else "forming"
            return "no_data" if self.over else "late"
        if now < self.armed_at and not self.over:
            return "forming"
        if self.problem is not None:
            return "no_data"
        sides = {each.side for each in self.breaks}
        if len(sides) == 2:
            return "both"
        return next(iter(sides), "inside")


def step(range_: OpeningRange, bar: Bar, is_closed: bool = True) -> OpeningRange:
    """The range after one more bar of its session; others are ignored.

    A bar that is still forming (is_closed False) moves high and low, can touch, and can reach
    stop or target, but closes beyond nothing.
    """
    if range_.calm_low < bar.low and bar.high < range_.calm_high:
        return range_  # most bars: a day has hundreds
    if not range_.opens <= bar.time < range_.ends or range_.over:
        return range_
    if range_.start is None:
        is_late = bar.time != range_.opens
        start = bar.time if is_late else range_.opens
        range_ = replace(range_, start=start, is_late=is_late)
    if bar.time < range_.armed_at:
        return replace(
            range_,
            high=bar.high if range_.high is None else max(range_.high, bar.high),
            low=bar.low if range_.low is None else min(range_.low, bar.low),
            bars=range_.bars + 1,
        )
    if range_.problem is not None:
        return range_
    before = tuple(_carry(each, bar) for each in range_.breaks)
    breaks = before + _breaks(range_, bar, is_closed)
    if breaks == range_.breaks and range_.calm_low < inf:
        return range_
    low, high = _calm(range_, breaks)
    return replace(range_, breaks=breaks, calm_low=low, calm_high=high)


def _calm(range_: OpeningRange, breaks: tuple[Break, ...]) -> tuple[float, float]:
    """Prices between which neither a side breaks for the first time nor a break ends."""
    assert range_.high is not None
    assert range_.low is not None
    lows, highs = [-inf], [inf]
    broken = {each.side for each in breaks}
    if "up" not in broken:
        highs.append(range_.high + range_.rules.buffer)
    if "down" not in broken:
        lows.append(range_.low - range_.rules.buffer)
    for each in breaks:
        if each.outcome is None:
            lows.append(min(each.stop, each.target))
            highs.append(max(each.stop, each.target))
    return max(lows), min(highs)


def finish(range_: OpeningRange) -> OpeningRange:
    """The range when its session is over: what is open ends with it."""
    ended = tuple(
        each if each.outcome else replace(each, outcome="close", outcome_at=range_.ends)
        for each in range_.breaks
    )
    return replace(range_, breaks=ended, over=True)


def _breaks(range_: OpeningRange, bar: Bar, is_closed: bool) -> tuple[Break, ...]:
    """The sides this bar breaks for the first time."""
    assert range_.high is not None
    assert range_.low is not None
    rules, broken = range_.rules, {each.side for each in range_.breaks}
    above, below = range_.high + rules.buffer, range_.low - rules.buffer
    found = []
    if rules.mode == TOUCH:
        if bar.high > above and "up" not in broken:
            price = min(bar.high, max(bar.open, above + rules.tick))
            found.append(_carry(_break(range_, "up", bar, bar.time, price), bar, own=True))
        if bar.low < below and "down" not in broken:
            price = max(bar.low, min(bar.open, below - rules.tick))
            found.append(_carry(_break(range_, "down", bar, bar.time, price), bar, own=True))
    elif is_closed:
        at = bar.time + MINUTE_MS
        if bar.close > above and "up" not in broken:
            found.append(_break(range_, "up", bar, at, bar.close))
        elif bar.close < below and "down" not in broken:
            found.append(_break(range_, "down", bar, at, bar.close))
    return tuple(found)


def _break(range_: OpeningRange, side: Side, bar: Bar, at: int, price: float) -> Break:
    assert range_.high is not None
    assert range_.low is not None
    level, stop = (range_.high, range_.low) if side == "up" else (range_.low, range_.high)
    price = round(price, 10)
    target = round(price + range_.rules.rr_ratio * (price - stop), 10)
    return Break(side, at, bar.time, price, level, stop, target)


def _carry(each: Break, bar: Bar, own: bool = False) -> Break:
    """A break after a later bar, or (own) after the very bar that touched."""
    if each.outcome is not None:
        return each
    if each.side == "up":
        is_stopped, is_reached = bar.low <= each.stop, bar.high >= each.target
    else:
        is_stopped, is_reached = bar.high >= each.stop, bar.low <= each.target
    if is_stopped:
        # Which came first inside a bar is not known: the worse is assumed.
        return replace(each, outcome="stop", outcome_at=bar.time, ambiguous=own or is_reached)
    if is_reached:
        return replace(each, outcome="target", outcome_at=bar.time)
    return each
