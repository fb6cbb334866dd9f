"""Event reaction: what a symbol did from just before a release to each horizon after it.

reaction(bars, kind, at, known) -> Reaction      of one symbol, from its one-minute bars
row(symbol, found) -> dict                       the same as JSON
gamma_since(at) -> float                         how old an exposure may be to count at a release
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from itertools import pairwise
from math import isnan, log
from typing import Any, Final

from grok_sauce.market import sessions
from grok_sauce.market.candles import Columns
from grok_sauce.market.products import Kind
from grok_sauce.values import dataclass

MINUTE_MS: Final = 60_000
HORIZONS: Final = (1, 5, 15, 30, 60)  # minutes after the release
DRIFTS: Final = (15, 30)  # minutes before it
BACK: Final = HORIZONS[-1] + 1  # minutes of bars before a release that are looked at
DIGITS: Final = 6  # of percent and of prices' differences
GAMMA_AGE: Final = 900.0  # seconds an exposure may be old while options trade

CLOSED: Final = "The market was closed"
HALTED: Final = "Trading was halted"
NO_TRADE: Final = "No trade in the minute before"
NO_BASE: Final = "No price just before the release"


@dataclass(frozen=True, slots=True)
class Known:
    """How far a series of one-minute bars can be trusted; Unix ms, all three.

    since: it was loaded from there on. closed: minutes that end by then do not change any more.
    whole: a minute that ended by then and has no bar had no trade.
    """

    since: int
    closed: int
    whole: int


@dataclass(frozen=True, slots=True)
class Move:
    """From the price before to the one at a horizon.

    points; percent (simple, of the price before); bps: ln(price / before) in basis points.
    high, low: the furthest above and below the price before until then, in percent (an
    adverse one has the other sign than percent). volume_ratio: volume until then over that of
    as many minutes before the release, None where it is not known or was nothing.
    """

    price: float
    points: float
    percent: float
    bps: float
    high: float
    low: float
    volume_ratio: float | None


@dataclass(frozen=True, slots=True)
class Reaction:
    """What one symbol did at one release.

    before: the last trade before the minute of the release, None with a note. before_at: start
    of the minute it traded in, Unix ms. drift: percent over so many minutes until before.
    moves: by horizon; None where there is none: a horizon in pending is still to come, any
    other has its reason.
    """

    before: float | None = None
    before_at: int | None = None
    drift: Mapping[int, float | None] = field(default_factory=dict)
    moves: Mapping[int, Move | None] = field(default_factory=dict)
    pending: tuple[int, ...] = HORIZONS
    reasons: Mapping[int, str] = field(default_factory=dict)
    note: str | None = None

    @property
    def is_complete(self) -> bool:
        """Nothing that a later bar could tell is missing."""
        return not self.pending and all(why == CLOSED for why in self.reasons.values())


@dataclass(frozen=True, slots=True)
class _Price:
    """The last trade of a minute, or why there is none; neither: it is not known yet."""

    value: float | None = None
    why: str | None = None


def reaction(
    bars: Columns, kind: Kind, at: float, known: Known, halted: float | None = None
) -> Reaction:
    """What a symbol did around a release at a Unix time.

    bars: its one-minute bars of all hours, from BACK minutes before to the last horizon or as
    far as they go. The price before is the close of the last minute that ended by the minute
    of the release, the price at h minutes the close of the one that ends h minutes after it:
    the last trade there, at most 60 s old. A minute without a trade gives None and the
    reason, as does one outside the kind's hours. halted: since when it has been halted.

    Only minutes that are closed count (known.closed); a horizon is pending until its own is
    closed and, where there is no bar of it, until it is certain that none will come.

    Worked by hand: 100.00 at the close of the minute before 10:00, 100.50 at that of 10:04:
    0.5 points, 0.5 %, 10,000 ln(1.005) = 49.875 bp at 5 minutes.
    """
    start = int(at * 1000) // MINUTE_MS * MINUTE_MS
    halted_ms = None if halted is None else int(halted * 1000)

    def price(end: int) -> _Price:
        return _price(bars, kind, end, known, halted_ms)

    base = price(start)
    if base.value is None:
        if base.why is None:
            return Reaction(moves=dict.fromkeys(HORIZONS))
        why = base.why if base.why == CLOSED else NO_BASE
        return Reaction(
            drift=dict.fromkeys(DRIFTS),
            moves=dict.fromkeys(HORIZONS),
            pending=(),
            reasons=dict.fromkeys(HORIZONS, why),
            note=f"{base.why} the release" if base.why == NO_TRADE else base.why,
        )
    ends = {minutes: price(start + minutes * MINUTE_MS) for minutes in HORIZONS}
    drift = {minutes: price(start - minutes * MINUTE_MS).value for minutes in DRIFTS}
    return Reaction(
        before=base.value,
        before_at=start - MINUTE_MS,
        drift={
            minutes: None if value is None else _percent(base.value, value)
            for minutes, value in drift.items()
        },
        moves={
            minutes: None
            if found.value is None
            else _move(bars, start, minutes, base.value, found.value, known)
            for minutes, found in ends.items()
        },
        pending=tuple(m for m, found in ends.items() if found == _Price()),
        reasons={m: found.why for m, found in ends.items() if found.why is not None},
    )


def _price(bars: Columns, kind: Kind, end: int, known: Known, halted: int | None) -> _Price:
    """The last trade of the minute that ends at `end`."""
    if end > known.closed:
        return _Price()
    if sessions.phase(kind, (end - MINUTE_MS // 2) / 1000).state == "closed":
        return _Price(why=CLOSED)
    place = bisect_left(bars.times, end - MINUTE_MS)
    if place < len(bars.times) and bars.times[place] == end - MINUTE_MS and _traded(bars, place):
        return _Price(bars.closes[place])
    if end > known.whole:
        return _Price()
    return _Price(why=HALTED if halted is not None and halted <= end else NO_TRADE)


def _traded(bars: Columns, place: int) -> bool:
    """Whether a bar has a print; an index has no volume, some feeds give no count."""
    count = bars.counts[place]
    return count > 0 or (count < 0 and bars.volumes[place] != 0)


def _move(
    bars: Columns, start: int, minutes: int, before: float, price: float, known: Known
) -> Move:
    first, last = (bisect_left(bars.times, t) for t in (start, start + minutes * MINUTE_MS))
    printed = [place for place in range(first, last) if _traded(bars, place)]
    return Move(
        price=price,
        points=round(price - before, DIGITS),
        percent=_percent(price, before),
        bps=round(10_000 * log(price / before), 4),
        high=_percent(max(bars.highs[place] for place in printed), before),
        low=_percent(min(bars.lows[place] for place in printed), before),
        volume_ratio=_volume_ratio(bars, start, minutes, known),
    )


def _volume_ratio(bars: Columns, start: int, minutes: int, known: Known) -> float | None:
    span = minutes * MINUTE_MS
    if start - span < known.since:
        return None
    edges = [bisect_left(bars.times, start + step) for step in (-span, 0, span)]
    before, after = (sum(bars.volumes[a:b]) for a, b in pairwise(edges))
    if isnan(before) or isnan(after) or before <= 0:
        return None
    return round(after / before, 4)


def _percent(price: float, before: float) -> float:
    return round((price / before - 1) * 100, DIGITS)


def row(symbol: str, found: Reaction) -> dict[str, Any]:
    """A reaction as JSON; horizons are keys as text.

    {symbol, before, before_at (ISO), drift_15, drift_30 (percent), moves: {"1": {price, points,
    percent, bps, high, low, volume_ratio} | None, …}, pending: [1, …], reasons: {"1": why}, note}
    """
    at = found.before_at
    return {
        "symbol": symbol,
        "before": found.before,
        "before_at": None if at is None else iso(at / 1000),
        **{f"drift_{minutes}": found.drift.get(minutes) for minutes in DRIFTS},
        "moves": {
            str(minutes): None if (move := found.moves.get(minutes)) is None else _plain(move)
            for minutes in HORIZONS
        },
        "pending": list(found.pending),
        "reasons": {str(minutes): why for minutes, why in found.reasons.items()},
        "note": found.note,
    }


def _plain(move: Move) -> dict[str, Any]:
    return {name: getattr(move, name) for name in Move.__slots__}


def iso(at: float) -> str:
    """A Unix time as ISO-8601 UTC, whole seconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def gamma_since(at: float) -> float:
    """The oldest gamma exposure that tells of a moment: of the 15 minutes before it.

    Outside regular hours options stand still: those of the last session's end count, so that
    a release at 08:30 has the regime of the evening before (named with its time).
    """
    day = sessions.new_york_date(at)
    if not sessions.is_session(day) or at < sessions.regular(day)[0]:
        day = sessions.previous_session(day)
    return min(at, sessions.regular(day)[1]) - GAMMA_AGE
