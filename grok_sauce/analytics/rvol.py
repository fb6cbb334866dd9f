"""Relative volume: today's volume so far against the same minutes of earlier sessions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from operator import sub
from typing import Final

from grok_sauce.values import dataclass

MINUTE_MS: Final = 60_000
SESSIONS: Final = 5  # earlier sessions in the mean
LEAST: Final = 3  # fewer give no number
GAP: Final = 30  # minutes; a wider hole in a session's bars says that some were not loaded

NO_VOLUME: Final = "This instrument has no volume"
NOTHING_TODAY: Final = "No volume reported today yet"

# Volume before minute k since the session's open, k = 0 … minutes of the session.
Curve = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Rvol:
    """A ratio (1.0 = as usual), or None and why."""

    value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """What the newest earlier sessions traded: one curve each, newest first, or a reason."""

    curves: tuple[Curve, ...]
    reason: str | None = None

    @property
    def average(self) -> float | None:
        """Mean volume of a whole session; None for fewer than 3 sessions."""
        if len(self.curves) < LEAST:
            return None
        return sum(curve[-1] for curve in self.curves) / len(self.curves)


def session_curve(
    times: Sequence[int], volumes: Sequence[float | None], start: int, minutes: int
) -> Curve | None:
    """Volume so far by minute, from one-minute bars; None without a bar or with an unknown volume.

    times: starts of bars (ms UTC, ascending), volumes: one each. start: the session's open
    (ms UTC), minutes: how many one-minute bars it has, the closing auction's included: a New York
    day is 09:30..16:00 inclusive, 391 bars. A minute without a bar traded nothing. Time is
    counted from the open, so a change of the clocks moves nothing.
    """
    first = bisect_left(times, start)
    last = bisect_left(times, start + minutes * MINUTE_MS)
    if first == last:
        return None
    by_minute = [0.0] * minutes
    for time, volume in zip(times[first:last], volumes[first:last], strict=True):
        if volume is None or not volume >= 0:  # NaN compares false
            return None
        by_minute[(time - start) // MINUTE_MS] += volume
    return tuple(accumulate(by_minute, initial=0.0))


def has_hole(times: Sequence[int], start: int, minutes: int, gap: int = GAP) -> bool:
    """True when a session has more than `gap` minutes in a row without a bar."""
    first = bisect_left(times, start)
    last = bisect_left(times, start + minutes * MINUTE_MS)
    edges = [start - MINUTE_MS, *times[first:last], start + minutes * MINUTE_MS]
    return any(wait > (gap + 1) * MINUTE_MS for wait in map(sub, edges[1:], edges))


def base(
    times: Sequence[int],
    volumes: Sequence[float | None],
    windows: Sequence[tuple[int, int]],
    sessions: int = SESSIONS,
    gap: int | None = GAP,
) -> Base:
    """Curves of the newest `sessions` sessions that are loaded.

    windows: (open in ms UTC, minutes) of earlier sessions, newest first; today is not among
    them, for it never enters its own mean. A session whose bars have a hole was not loaded
    whole and is left out, unless most sessions have one: then the instrument is thin. gap None
    looks for no holes: before the open whole hours without a trade are nothing unusual.
    """
    loaded: list[tuple[Curve, bool]] = []
    unknown = 0
    for start, minutes in windows:
        curve = session_curve(times, volumes, start, minutes)
        if curve is not None:
            holed = gap is not None and has_hole(times, start, minutes, gap)
            loaded.append((curve, holed))
        elif bisect_left(times, start) < bisect_left(times, start + minutes * MINUTE_MS):
            unknown += 1
    holes = sum(holed for _, holed in loaded)
    is_thin = holes * 2 > len(loaded)
    curves = tuple(curve for curve, holed in loaded if is_thin or not holed)[:sessions]
    if not loaded and unknown:
        return Base((), NO_VOLUME)
    if len(curves) < LEAST:
        return Base(curves, needs_sessions(len(curves)))
    return Base(curves)


def day_rvol(volume: float | None, history: Base) -> Rvol:
    """Today's volume so far over the mean volume of whole sessions: small in the morning.

    >>> half = Base(((0.0, 3.0, 4.0), (0.0, 1.0, 4.0), (0.0, 2.0, 4.0)))
    >>> day_rvol(3.0, half), time_rvol(3.0, half, 1.0)
    (Rvol(value=0.75, reason=None), Rvol(value=1.5, reason=None))
    """
    if history.reason is not None:
        return Rvol(None, history.reason)
    if volume is None:
        return Rvol(None, NOTHING_TODAY)
    return _ratio(volume, [curve[-1] for curve in history.curves])


def time_rvol(volume: float | None, history: Base, minutes: float) -> Rvol:
    """Today's volume so far over the mean of what earlier sessions had after as many minutes.

    minutes: since the open, at the moment the volume was told; between two whole minutes the
    history is taken on a straight line. An earlier half day enters only with the minutes
    it has. Default 5 sessions, as "Relative Volume at Time" is read elsewhere.
    """
    if history.reason is not None:
        return Rvol(None, history.reason)
    if volume is None:
        return Rvol(None, NOTHING_TODAY)
    if minutes <= 0:
        return Rvol(None, "The session has not opened yet")
    longest = max(len(curve) for curve in history.curves) - 1
    at = min(minutes, longest)
    return _ratio(
        volume, [_at(curve, at) for curve in history.curves if at <= len(curve) - 1], " that long"
    )


def bar_rvol(volume: float | None, history: Base, minute: int) -> Rvol:
    """The volume of the bar that starts `minute` minutes after the open over its usual volume."""
    if history.reason is not None:
        return Rvol(None, history.reason)
    if volume is None:
        return Rvol(None, "The bar has no volume")
    usual = [
        curve[minute + 1] - curve[minute]
        for curve in history.curves
        if 0 <= minute < len(curve) - 1
    ]
    return _ratio(volume, usual, " that long")


def needs_sessions(found: int, kind: str = "") -> str:
    """Why there is no ratio yet.

    >>> needs_sessions(1)
    'RVOL needs 3 sessions, 1 loaded'
    """
    return f"RVOL needs {LEAST} sessions{kind}, {found} loaded"


def _at(curve: Curve, minutes: float) -> float:
    whole = int(minutes)
    if whole >= len(curve) - 1:
        return curve[-1]
    return curve[whole] + (minutes - whole) * (curve[whole + 1] - curve[whole])


def _ratio(volume: float, usual: Sequence[float], kind: str = "") -> Rvol:
    if len(usual) < LEAST:
        return Rvol(None, needs_sessions(len(usual), kind))
    mean = sum(usual) / len(usual)
    if mean <= 0:
        return Rvol(None, "Nothing traded by this time in the sessions before")
    return Rvol(volume / mean)
