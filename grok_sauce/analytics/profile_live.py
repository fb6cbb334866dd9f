"""Live volume profiles: which symbols are due in a beat; topic "profile.levels".

The settings it reads are a ProfileWishes under "profile" of View.settings. What it needs numpy
for is in profile_work.py, loaded with the first candles.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from grok_sauce.analytics.profile_bare import bare
from grok_sauce.analytics.profile_spans import (
    MINUTE_MS,
    REGULAR,
    Session,
    Span,
    elapsed,
    session_of,
    spans_of,
)
from grok_sauce.analytics.trading_day import TradingDay
from grok_sauce.analytics.view import Analytic, View, watched
from grok_sauce.market.candles import CandleSeries
from grok_sauce.market.instruments import Instrument, provisional
from grok_sauce.market.products import Kind
from grok_sauce.values import dataclass

TOPIC: Final = "profile.levels"
GRACE_MS: Final = 1_000  # after a minute's end in which its last prints still arrive
AT_ONCE: Final = 12  # symbols in one run; the others are next
WHOLE: Final = 3  # a symbol whose finished weeks have to be copied too counts as so many
SESSIONS: Final = 14  # earlier sessions of the average range


@dataclass(frozen=True, slots=True)
class ProfileWishes:
    """What the user chose; see settings.Profile, whose names these are. value_area in percent."""

    hours: str = REGULAR
    value_area: int = 70
    weeks: int = 2


@dataclass(frozen=True, slots=True)
class Bars:
    """Closed bars, oldest first; copies. first: start (ms) of the oldest one that is loaded."""

    first: int
    times: array[int]
    highs: array[float]
    lows: array[float]
    closes: array[float]
    volumes: array[float]


@dataclass(frozen=True, slots=True)
class Base:
    """What of a symbol stays the same all day: the bin, and the weeks that are over."""

    sign: tuple[Any, ...]
    bin: float
    atr: float | None
    atr_sessions: int
    spans: Mapping[str, Any]
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Item:
    """One symbol that is due, and all that is needed for it.

    base: as it was worked out before, None when it has to be (bars then go back further).
    past: the sessions before the day, oldest first.
    """

    symbol: str
    instrument: Instrument
    source: str
    wishes: ProfileWishes
    now: int
    spans: tuple[Span, ...]
    past: tuple[Session, ...]
    bars: Bars | None
    sign: tuple[Any, ...]
    base_sign: tuple[Any, ...]
    base: Base | None


@dataclass(frozen=True, slots=True)
class Work:
    """One run: what is due, what stays told, and where finished work is noted."""

    items: tuple[Item, ...]
    told: Mapping[str, Any]
    done: dict[str, tuple[tuple[Any, ...], Base | None]]


def freeze(view: View) -> Work | None:
    """Copy the bars of the symbols that are due; None: no symbol is.

    A symbol is due when a minute closed (or should have), when the newest closed bar was
    corrected, when its history came, and when the day or what the user chose changed.
    """
    wishes: ProfileWishes = view.settings.get("profile") or ProfileWishes()
    before = view.results.get(TOPIC, {})
    done: dict[str, tuple[tuple[Any, ...], Base | None]] = view.cache.setdefault("done", {})
    # What is not in the table first: somebody looks at it now.
    symbols = dict.fromkeys((*watched(view), *view.symbols))
    days: dict[Kind, date] = {}
    told: dict[str, Any] = {}
    items: list[Item] = []
    room = AT_ONCE
    for symbol in symbols:
        instrument = view.state.instruments.get(symbol) or provisional(symbol)
        kind = instrument.kind
        if kind not in days:
            days[kind] = TradingDay.of(kind, view.now).day
        if symbol in before:
            told[symbol] = before[symbol]
        if room > 0:
            item = _item(view, symbol, instrument, days[kind], wishes, done.get(symbol))
            if item is not None:
                items.append(item)
                room -= 1 if item.base is not None or item.bars is None else WHOLE
    for gone in done.keys() - symbols.keys():
        del done[gone]
    if not items and told.keys() == before.keys():
        return None
    return Work(tuple(items), told, done)


def _item(
    view: View,
    symbol: str,
    instrument: Instrument,
    day: date,
    wishes: ProfileWishes,
    done: tuple[tuple[Any, ...], Base | None] | None,
) -> Item | None:
    """A symbol's work; None when it is done."""
    series = view.state.candles(instrument.streamer, "m")
    older = _older(view, instrument, wishes, series)
    edge = int(view.now * 1000) - GRACE_MS
    spans = spans_of(instrument.kind, day, wishes.hours, wishes.weeks)
    closed = 0 if series is None else bisect_left(series.times, edge - MINUTE_MS + 1)
    newest = None if series is None or not closed else _newest(series, closed)
    phases = tuple((edge >= span.start, edge >= span.end) for span in spans)
    minutes = elapsed(spans[0], edge) if spans else 0
    snapshot = None if series is None else series.snapshot_at
    base_sign: tuple[Any, ...] = (instrument, wishes, day, snapshot)
    if series is not None and spans:
        # Bars of finished sessions: they change when a link brings what was missed.
        base_sign = (*base_sign, *_ends(series, spans), older and older.snapshot_at)
    sign = (base_sign, view.source, closed - _first(series, spans), newest, minutes, phases)
    if done is not None and done[0] == sign:
        return None
    base = done[1] if done is not None else None
    if base is not None and base.sign != base_sign:
        base = None
    past = _past(instrument.kind, day)
    bars = None
    if series is not None and closed:
        start = 0 if base is None else min(_first(series, spans), closed)
        bars = _copy(series, start, closed, older)
    return Item(
        symbol, instrument, view.source, wishes, edge, spans, past, bars, sign, base_sign, base
    )


def _newest(series: CandleSeries, closed: int) -> tuple[float, ...]:
    place = closed - 1
    newest = (series.times[place], series.highs[place], series.lows[place], series.closes[place])
    volume = series.volumes[place]
    return (*newest, -1.0 if volume != volume else volume)  # nan would never equal itself


def _week(spans: tuple[Span, ...]) -> Span | None:
    return next((span for span in spans if span.name == "week"), None)


def _first(series: CandleSeries | None, spans: tuple[Span, ...]) -> int:
    """Place of the first bar of the week under way."""
    week = _week(spans)
    if series is None or week is None:
        return 0
    return bisect_left(series.times, week.start)


def _ends(series: CandleSeries, spans: tuple[Span, ...]) -> tuple[int, int]:
    """(bars of the weeks that are over, bars before the day)."""
    times, first = series.times, min(span.start for span in spans)
    week = _week(spans)
    begin = bisect_left(times, first)
    over = bisect_left(times, week.start if week is not None else first) - begin
    return over, bisect_left(times, spans[0].start) - begin


def _past(kind: Kind, day: date) -> tuple[Session, ...]:
    found: list[Session] = []
    for _ in range(SESSIONS * 2):
        day -= timedelta(days=1)
        session = session_of(kind, day, REGULAR)
        if session is not None:
            found.append(session)
            if len(found) == SESSIONS:
                break
    return tuple(reversed(found))


def _older(
    view: View, instrument: Instrument, wishes: ProfileWishes, series: CandleSeries | None
) -> CandleSeries | None:
    """Regular minutes alone, where they reach further back and are all that counts."""
    if instrument.kind == "future" or wishes.hours != REGULAR or not series:
        return None
    older = view.state.candles(instrument.streamer, "m", tho=True)
    return older if older and older.times[0] < series.times[0] else None


def _copy(series: CandleSeries, start: int, end: int, older: CandleSeries | None) -> Bars:
    """Bars from one place to another; from 0 on, after those that only `older` has."""
    own = _part(series, start, end)
    if older is None or start > 0:
        return own
    front = _part(older, 0, bisect_left(older.times, series.times[0]))
    return Bars(
        front.first,
        front.times + own.times,
        front.highs + own.highs,
        front.lows + own.lows,
        front.closes + own.closes,
        front.volumes + own.volumes,
    )


def _part(series: CandleSeries, start: int, end: int) -> Bars:
    return Bars(
        series.times[0],
        series.times[start:end],
        series.highs[start:end],
        series.lows[start:end],
        series.closes[start:end],
        series.volumes[start:end],
    )


def compute(work: Work) -> Mapping[str, Any]:
    """Payloads of all symbols; see profile_work.payload."""
    if not work.items:
        return work.told
    found: dict[str, Any] = {}
    finished: dict[str, tuple[tuple[Any, ...], Base | None]] = {}
    for item in work.items:
        base = None
        if item.bars is None and item.base is None:
            found[item.symbol] = bare(item)
        else:
            from grok_sauce.analytics import profile_work  # numpy: with the first bars

            found[item.symbol], base = profile_work.payload(item)
        finished[item.symbol] = (item.sign, base)
    work.done.update(finished)
    return {**work.told, **found}


ANALYTIC: Final = Analytic(
    topic=TOPIC,
    needs=frozenset({"Candle", "Instrument"}),
    every=0.5,
    compute=compute,
    heavy=True,
    sweep=1.0,
    freeze=freeze,
)
