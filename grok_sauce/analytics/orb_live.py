"""Live opening ranges: topic "orb.breakout", one payload a symbol, from its minute candles."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import field
from datetime import date
from typing import Any, Final

from grok_sauce.analytics.opening_range import (
    CLOSE,
    MINUTE_MS,
    OpeningRange,
    Rules,
    finish,
    step,
)
from grok_sauce.analytics.orb_told import Payload, iso, told_range
from grok_sauce.analytics.trading_day import TradingDay
from grok_sauce.analytics.view import Analytic, View, watched
from grok_sauce.market import sessions
from grok_sauce.market.candles import CandleSeries
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import Instrument, provisional
from grok_sauce.market.openings import PIT, Clock, Opening, opening
from grok_sauce.market.products import Kind
from grok_sauce.values import dataclass

TOPIC: Final = "orb.breakout"
GRACE_MS: Final = 1_000  # after a minute's end in which its last prints still arrive
RVOL_SESSIONS: Final = 5  # earlier sessions whose opening is compared with
RVOL_LEAST: Final = 3
BARS_AT_ONCE: Final = 300  # taken in by one run: about 2 ms
TICK: Final = 0.01  # where the instrument's is not known

NO_SESSION: Final = "There is no session at the opening time of that day"
NO_CANDLES: Final = "No minute bars of this symbol have arrived"
NOT_YET: Final = "The feed has not delivered the bars of this session yet"


@dataclass(frozen=True, slots=True)
class OrbWishes:
    """What the user chose; see settings.Orb, whose names these are."""

    minutes: tuple[int, ...] = (5, 15, 30, 60)
    mode: str = CLOSE
    rr_ratio: float = 2.0
    buffer_ticks: int = 0
    futures: str = PIT
    opens: tuple[str, ...] = ()


@dataclass(slots=True)
class _Scan:
    """How far one symbol's session was read: by what, and the ranges so far.

    fed: closed bars of the session that were taken in; newest: the last of them.
    """

    sign: tuple[Any, ...]
    ranges: tuple[OpeningRange, ...]
    fed: int = 0
    newest: Bar | None = None


@dataclass(slots=True)
class _Run:
    """One run of the analytic: settings read once, and how many bars it may still take in."""

    view: View
    chosen: OrbWishes
    own: Mapping[str, Clock]
    days: dict[Kind, date] = field(default_factory=dict)
    openings: dict[tuple[Kind, str | None], Opening | None] = field(default_factory=dict)
    left: int = BARS_AT_ONCE

    @property
    def now(self) -> int:
        return int(self.view.now * 1000)

    def day(self, kind: Kind) -> date:
        if kind not in self.days:
            self.days[kind] = TradingDay.of(kind, self.view.now).day
        return self.days[kind]

    def opening(self, instrument: Instrument, day: date) -> Opening | None:
        return opening(instrument.kind, instrument.product, day, self.chosen.futures, self.own)

    def today(self, instrument: Instrument) -> Opening | None:
        """The opening of the day, looked up once a run."""
        key = (instrument.kind, instrument.product)
        if key not in self.openings:
            self.openings[key] = self.opening(instrument, self.day(instrument.kind))
        return self.openings[key]


def compute(view: View) -> dict[str, Payload]:
    """Payloads by symbol, of view.symbols and of what is watched beside the table.

    {symbol, day, open_at, open_label, until, as_of, source, mode, rr_ratio, buffer, reason,
    ranges: [{minutes, from, to, high, low, width, width_atr, rvol, state, late, note, breaks:
    [{side, at, minute_ms, price, level, entry, stop, target, outcome, outcome_at,
    ambiguous}]}]}: times in ISO-8601 UTC, prices in points, width_atr in average daily ranges,
    rvol the volume of the range over its mean in the sessions before.

    All of it follows from the candles of the session, so that a restart changes nothing.
    """
    chosen = view.settings.get("orb") or OrbWishes()
    run = _Run(view, chosen, own_times(chosen.opens))
    symbols = dict.fromkeys((*view.symbols, *watched(view)))
    found = {}
    for symbol in symbols:
        payload = _payload(run, symbol)
        if payload is not None:
            found[symbol] = payload
    if view.all:
        for key in [key for key in view.cache if key[1] not in symbols]:
            del view.cache[key]
    return found


def own_times(opens: tuple[str, ...]) -> dict[str, Clock]:
    """The setting's opening times by product.

    >>> own_times(("CL=09:00",))
    {'CL': (9, 0)}
    """
    found = {}
    for text in opens:
        product, _, clock = text.partition("=")
        hour, _, minute = clock.partition(":")
        found[product] = (int(hour), int(minute))
    return found


def _payload(run: _Run, symbol: str) -> Payload | None:
    """None while nothing is known: older bars are still being taken in."""
    view = run.view
    instrument = view.state.instruments.get(symbol) or provisional(symbol)
    series = view.state.candles(instrument.streamer, "m")
    atr = _atr(view, symbol)
    # Most runs bring a symbol nothing; what time alone changes it does at whole seconds.
    bars = None if series is None else (id(series), series.revision)
    sign = (instrument, run.chosen, run.now // 1000, atr, view.source, view.links, bars)
    kept: tuple[Any, Payload] | None = view.cache.get(("told", symbol))
    if kept is not None and kept[0] == sign:
        return kept[1]
    found = run.today(instrument)
    reason = _missing(run, series, found)
    if reason is not None or found is None or series is None:
        ranges = [] if found is None else _new_ranges(run, instrument, found)
        told = _told(run, instrument, series, found, reason, tuple(ranges))
    else:
        scan = _scan(run, symbol, instrument, series, found)
        if scan is None:
            before: Payload | None = view.results.get(TOPIC, {}).get(symbol)
            return before
        now = tuple(_with_forming(each, series, scan) for each in scan.ranges)
        told = _told(run, instrument, series, found, None, now)
    if kept is not None and kept[1] == told:
        told = kept[1]  # the same object: nobody has to compare it again
    view.cache[("told", symbol)] = (sign, told)
    return told


def _missing(run: _Run, series: CandleSeries | None, found: Opening | None) -> str | None:
    """Why nothing can be said of the day's range; None when there is something to say."""
    if found is None:
        return NO_SESSION
    if series is None or not len(series):
        return NO_CANDLES
    opens = int(found.at * 1000)
    if run.now < opens:
        return None
    if series.times[0] > opens:
        begin = sessions.new_york(series.times[0] / 1000).strftime("%H:%M on %Y-%m-%d")
        return f"Minute bars begin at {begin}, after the opening"
    if series.times[-1] < opens and not _is_current(run.view, series):
        return NOT_YET
    return None


def _is_current(view: View, series: CandleSeries) -> bool:
    """Whether a feed's own history came since its link is up: what is missing did not trade.

    Without it, bars played back from disk would look like a market that has not opened.
    """
    if not view.links:
        return True
    ups = [
        view.state.link_changed_at(source) for source in view.links if view.state.link_up(source)
    ]
    since = series.snapshot_at
    return since is not None and any(up is not None and up <= since for up in ups)


# ---- reading the session ----------------------------------------------------------------


def _new_ranges(run: _Run, instrument: Instrument, found: Opening) -> list[OpeningRange]:
    chosen, tick = run.chosen, instrument.tick or TICK
    rules = Rules(chosen.mode, chosen.rr_ratio, tick, chosen.buffer_ticks * tick)
    opens, ends = int(found.at * 1000), int(found.until * 1000)
    return [OpeningRange(minutes, opens, ends, rules) for minutes in chosen.minutes]


def _scan(
    run: _Run, symbol: str, instrument: Instrument, series: CandleSeries, found: Opening
) -> _Scan | None:
    """The ranges after all closed bars; None while there are more than one run may take in.

    A bar that is read already and differs now (a correction, bars that a link brought late)
    starts it over.
    """
    cache, times = run.view.cache, series.times
    sign = (found, instrument, run.chosen, series.snapshot_at)
    first, last = bisect_left(times, int(found.at * 1000)), bisect_left(times, found.until * 1000)
    if last == len(times) > first and times[-1] + MINUTE_MS + GRACE_MS > run.now:
        last -= 1  # still forming
    scan: _Scan | None = cache.get(("scan", symbol))
    is_same = scan is not None and scan.sign == sign and first + scan.fed <= last
    if is_same and scan is not None and scan.fed:
        is_same = series.bar(times[first + scan.fed - 1]) == scan.newest
    if scan is None or not is_same:
        scan = cache[("scan", symbol)] = _Scan(sign, tuple(_new_ranges(run, instrument, found)))
    fresh = min(last - first - scan.fed, run.left)
    if fresh > 0:
        run.left -= fresh
        start = first + scan.fed
        end = times[start + fresh] if start + fresh < len(times) else None
        for bar in series.bars(times[start], end):
            scan.ranges = tuple(step(each, bar) for each in scan.ranges)
            scan.newest = bar
        scan.fed += fresh
    if first + scan.fed < last:
        return None
    if run.now >= found.until * 1000 + GRACE_MS and not scan.ranges[0].over:
        scan.ranges = tuple(finish(each) for each in scan.ranges)
    return scan


def _with_forming(range_: OpeningRange, series: CandleSeries, scan: _Scan) -> OpeningRange:
    """With the bar under way, which is not kept: it is read again when it has closed."""
    last = series.last
    if last is None or last.time < range_.opens or last == scan.newest:
        return range_
    return step(range_, last, is_closed=False)


# ---- telling ----------------------------------------------------------------------------


def _told(
    run: _Run,
    instrument: Instrument,
    series: CandleSeries | None,
    found: Opening | None,
    reason: str | None,
    ranges: tuple[OpeningRange, ...],
) -> Payload:
    chosen, tick = run.chosen, instrument.tick or TICK
    last = series.times[-1] if series is not None and len(series) else None
    return {
        "symbol": instrument.symbol,
        "day": run.day(instrument.kind).isoformat(),
        "open_at": None if found is None else iso(found.at * 1000),
        "open_label": None if found is None else found.label,
        "until": None if found is None else iso(found.until * 1000),
        "as_of": None if last is None else iso(min(last + MINUTE_MS, run.now // 1000 * 1000)),
        "source": run.view.source,
        "mode": chosen.mode,
        "rr_ratio": chosen.rr_ratio,
        "buffer": round(chosen.buffer_ticks * tick, 10),
        "reason": reason,
        "ranges": [_range(run, instrument, series, reason, each) for each in ranges],
    }


def _range(
    run: _Run,
    instrument: Instrument,
    series: CandleSeries | None,
    reason: str | None,
    range_: OpeningRange,
) -> Payload:
    """One range; the same object as before where nothing of it changed."""
    state = range_.state(run.now)
    if reason is not None:
        state = "waiting" if run.now < range_.opens and reason == NO_CANDLES else "no_data"
    atr = _atr(run.view, instrument.symbol)
    sign = (range_, state, reason, atr, run.now < range_.armed_at, series and series.snapshot_at)
    cache, key = run.view.cache, (f"range {range_.minutes}", instrument.symbol)
    kept: tuple[Any, Payload] | None = cache.get(key)
    if kept is not None and kept[0] == sign:
        return kept[1]
    is_whole = reason is None and range_.start is not None and run.now >= range_.armed_at
    rvol = _rvol(run, instrument, series, range_) if is_whole else None
    told = told_range(range_, state, reason, atr, rvol, run.now)
    cache[key] = (sign, told)
    return told


def _atr(view: View, symbol: str) -> float | None:
    """The average daily range that the volume profile's bins are made by."""
    profile = view.results.get("profile.levels", {}).get(symbol)
    found: float | None = profile["atr"] if profile is not None else None
    return found


def _rvol(
    run: _Run,
    instrument: Instrument,
    series: CandleSeries | None,
    range_: OpeningRange,
) -> float | None:
    """Volume of the range's minutes over its mean in the sessions before; None: not known."""
    if series is None or instrument.kind == "index":
        return None
    length = range_.minutes * MINUTE_MS
    start = range_.opens if range_.start is None else range_.start
    today = _volume(series, start, length)
    before: list[float] = []
    day = run.day(instrument.kind)
    for _ in range(RVOL_SESSIONS * 2):
        day = sessions.previous_session(day)
        past = run.opening(instrument, day)
        if past is None or past.at * 1000 < series.times[0]:
            continue
        volume = _volume(series, int(past.at * 1000), length)
        if volume is not None:
            before.append(volume)
        if len(before) == RVOL_SESSIONS:
            break
    if today is None or len(before) < RVOL_LEAST or not sum(before) > 0:
        return None
    return today * len(before) / sum(before)


def _volume(series: CandleSeries, start: int, length: int) -> float | None:
    """Volume of the bars of a stretch; None without a bar or with one that is not known."""
    first, last = bisect_left(series.times, start), bisect_left(series.times, start + length)
    total = sum(series.volumes[first:last])
    return total if first < last and total >= 0 else None  # nan compares false


ANALYTIC: Final = Analytic(
    topic=TOPIC,
    needs=frozenset({"Candle", "Instrument", "Link"}),
    every=0.0,
    compute=compute,
    sweep=0.5,
)
