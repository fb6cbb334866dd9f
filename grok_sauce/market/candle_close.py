"""Which candles are closed: by the exchange's clock, each of one source, gaps counted.

Minutes(source, contract, bars, ...)             what one source has of a symbol
close_minutes(sources, kind, edge) -> [Closed]   one-minute candles that ended by edge
close_quarters(sources, kind, edge) -> [Closed]  15-minute candles, put together of minutes
close_days(source, contract, bars, kind, edge) -> [Closed]       of the source's own daily bars
trading_ms(kind, start, end) -> int              time in which a minute without a bar is missed

Times are Unix ms. Nothing is made up: a minute in which no bar came is in no list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from grok_sauce.market import sessions
from grok_sauce.market.events import Bar
from grok_sauce.market.products import Kind
from grok_sauce.values import dataclass

MINUTE_MS: Final = 60_000
QUARTER_MS: Final = 15 * MINUTE_MS
DAY_MS: Final = 86_400_000
LENGTHS: Final[Mapping[str, int]] = {"1m": MINUTE_MS, "15m": QUARTER_MS, "1d": DAY_MS}
# Trading time without a bar that is no gap yet: nobody traded.
QUIET_MS: Final = 90_000
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Closed:
    """A candle that has ended; time is its start, end when the exchange's clock ended it.

    volume: None where it is not known, so for a candle in which the source was down.
    contract: the future's ("/NQZ6"), None for what is none. source: "dxLink" or "TradingView",
    whose bars alone it is made of. gap: ms of trading time just before or inside it in which no
    bar came, in stretches longer than 90 s. switched: the source of the candle before it where
    that was another.
    """

    timeframe: str
    time: int
    end: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    contract: str | None
    source: str
    gap: int = 0
    switched: str | None = None


class Minutes(NamedTuple):
    """One-minute bars of a source, ascending; a stretch of what it has.

    oldest: start of the first bar it has at all. since: from when on it has been connected
    without a break (None: it is not). is_first: wherever it was connected in time, its bars
    go before those of others. outages: [from, to) in which it was not connected.
    """

    source: str
    contract: str | None
    bars: Sequence[Bar]
    oldest: int
    since: int | None
    is_first: bool = False
    outages: Sequence[tuple[int, int]] = ()

    def rank(self, start: int) -> int:
        """Whose candle is taken: the lowest. History of the preferred source comes last."""
        if not self.is_first:
            return 1
        return 0 if self.since is not None and self.since <= start else 2

    def was_down(self, start: int, end: int) -> bool:
        """Was it away at some time of a stretch?"""
        return any(one < end and start < other for one, other in self.outages)


# ---- the exchange's clock ---------------------------------------------------------------


@lru_cache(maxsize=4096)
def _hours(kind: Kind, day: date) -> tuple[int, int] | None:
    """All trading that counts to a day; an index is told in the hours of shares."""
    if kind == "future":
        hours = sessions.hours(kind, day)
    else:
        hours = sessions.extended(day) if sessions.is_session(day) else None
    return None if hours is None else (round(hours[0] * 1000), round(hours[1] * 1000))


@lru_cache(maxsize=4096)
def _steady(kind: Kind, day: date) -> tuple[int, int] | None:
    """Hours in which bars are expected: before the open and in the evening shares may rest."""
    if kind == "future":
        return _hours(kind, day)
    if not sessions.is_session(day):
        return None
    opening, close = sessions.regular(day)
    return round(opening * 1000), round(close * 1000)


def is_trading(kind: Kind, time: int) -> bool:
    """Does a minute lie within the hours of its product?"""
    today = sessions.new_york_date(time / 1000)
    days = (today, today + _DAY) if kind == "future" else (today,)
    found = (_hours(kind, day) for day in days)
    return any(hours[0] <= time < hours[1] for hours in found if hours is not None)


def trading_ms(kind: Kind, start: int, end: int) -> int:
    """Time between two moments in which bars are expected."""
    if end <= start:
        return 0
    total = 0
    day = sessions.new_york_date(start / 1000)
    last = sessions.new_york_date(end / 1000) + _DAY
    while day <= last:
        hours = _steady(kind, day)
        if hours is not None:
            total += max(0, min(end, hours[1]) - max(start, hours[0]))
        day += _DAY
    return total


def run_of(kind: Kind, start: int, end: int) -> int:
    """Trading time of a stretch without a bar, 0 where it is short enough to be quiet."""
    missed = trading_ms(kind, start, end)
    return missed if missed > QUIET_MS else 0


def quarter_of(kind: Kind, time: int) -> int:
    """Start of the 15-minute candle that a minute belongs to.

    Quarters lie on the clock; the minute of a share's closing auction belongs to the last
    one before it.
    """
    start = time // QUARTER_MS * QUARTER_MS
    return start - QUARTER_MS if time == _auction(kind, time) else start


def quarter_end(kind: Kind, start: int) -> int:
    """When a 15-minute candle ends: a minute later where the closing auction belongs to it."""
    end = start + QUARTER_MS
    return end + MINUTE_MS if end == _auction(kind, end) else end


def _auction(kind: Kind, time: int) -> int | None:
    """The close of shares on the day of a moment; futures have no auction."""
    if kind == "future":
        return None
    hours = _steady(kind, sessions.new_york_date(time / 1000))
    return None if hours is None else hours[1]


# ---- candles ----------------------------------------------------------------------------


def close_minutes(sources: Sequence[Minutes], kind: Kind, edge: int) -> list[Closed]:
    """One-minute candles that ended by edge, ascending; each of the source that ranks first."""
    best: dict[int, tuple[int, Minutes, Bar]] = {}
    for source in sources:
        for bar in source.bars:
            if bar.time + MINUTE_MS > edge or not is_trading(kind, bar.time):
                continue
            rank = source.rank(bar.time)
            if bar.time not in best or rank < best[bar.time][0]:
                best[bar.time] = (rank, source, bar)
    return [
        Closed(
            "1m", time, time + MINUTE_MS, bar.open, bar.high, bar.low, bar.close, bar.volume,
            source.contract, source.source,
        )
        for time, (_, source, bar) in sorted(best.items())
    ]  # fmt: skip


def close_quarters(sources: Sequence[Minutes], kind: Kind, edge: int) -> list[Closed]:
    """15-minute candles that ended by edge, ascending, each of one source's minutes alone.

    The source that ranks first, unless another has at least two minutes more. A candle whose
    beginning a source does not have is not made of it.
    """
    best: dict[int, tuple[Minutes, list[Bar]]] = {}
    for source in sorted(sources, key=lambda each: each.is_first, reverse=True):
        for start, bars in _quarters(source, kind):
            if quarter_end(kind, start) > edge or start < source.oldest:
                continue
            if start not in best or _is_better(start, (source, bars), best[start]):
                best[start] = (source, bars)
    return [_joined(kind, start, *best[start]) for start in sorted(best)]


def close_days(
    source: str, contract: str | None, bars: Iterable[Bar], kind: Kind, edge: int
) -> list[Closed]:
    """Daily candles whose session ended by edge; bars are stamped midnight UTC of their day."""
    found = []
    for bar in bars:
        hours = _steady(kind, sessions.day_of(bar.time // DAY_MS))
        if hours is not None and hours[1] <= edge:
            found.append(
                Closed(
                    "1d", bar.time, hours[1], bar.open, bar.high, bar.low, bar.close, bar.volume,
                    contract, source,
                )
            )  # fmt: skip
    return found


def day_began(kind: Kind, time: int) -> int:
    """When the session of a daily candle began, from its stamp."""
    hours = _steady(kind, sessions.day_of(time // DAY_MS))
    return time if hours is None else hours[0]


def _quarters(source: Minutes, kind: Kind) -> Iterator[tuple[int, list[Bar]]]:
    own: list[Bar] = []
    start = 0
    for bar in source.bars:
        if not is_trading(kind, bar.time):
            continue
        slot = quarter_of(kind, bar.time)
        if own and slot != start:
            yield start, own
            own = []
        start = slot
        own.append(bar)
    if own:
        yield start, own


def _is_better(
    start: int, one: tuple[Minutes, list[Bar]], other: tuple[Minutes, list[Bar]]
) -> bool:
    more = len(one[1]) - len(other[1])
    if one[0].rank(start) < other[0].rank(start):
        return more > -2
    return more >= 2


def _joined(kind: Kind, start: int, source: Minutes, bars: list[Bar]) -> Closed:
    end = quarter_end(kind, start)
    edges = [start, *(bar.time for bar in bars), end]
    gap, is_known = 0, True
    for place, (before, after) in enumerate(pairwise(edges)):
        rest = before if place == 0 else before + MINUTE_MS
        run = run_of(kind, rest, after)
        gap += run
        is_known = is_known and not (run and source.was_down(rest, after))
    volumes = [bar.volume for bar in bars]
    volume = sum(each for each in volumes if each is not None)
    return Closed(
        "15m",
        start,
        end,
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        volume if is_known and None not in volumes else None,
        source.contract,
        source.source,
        gap,
    )
