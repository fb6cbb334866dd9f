"""Wall study: do walls turn prices back more often than other levels do? With n, and how sure.

trial(bars, level, side, rules) -> Outcome | None
wall_study(days, rules) -> WallStudy

A touch is a bar that comes within 0.05 % of the level from the side where the session began. A
bounce is a later price 0.2 % back on that side, a break a close 0.05 % beyond, whichever is
first within an hour. Only the first touch of a level in a day counts, so that days are
independent of each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from math import floor, log10
from typing import Final, Literal

from grok_sauce.analytics.study_card import Card
from grok_sauce.analytics.study_shares import newcombe, wilson
from grok_sauce.market import sessions
from grok_sauce.market.events import Bar
from grok_sauce.values import dataclass

Side = Literal[1, -1]  # 1: a ceiling, reached from below (call wall); -1: a floor (put wall)
Outcome = Literal["bounce", "break", "both", "open"]
Verdict = Literal["more often", "less often", "cannot tell"]

LEAST: Final = 30  # decided touches below which no share is told
MINUTE: Final = 60_000  # ms
BENCHMARKS: Final = {
    "random": "levels as far from the open as the walls of all other days were",
    "offset": "levels 0.25 % above and below the wall",
    "round": "the round number nearest to the wall",
}

CARD: Final = Card(
    key="walls",
    label="Do walls hold?",
    unit="share of touches that bounced",
    sign="positive difference: walls turned the price back more often than the other levels",
    source="walls as they stood before the first minute looked at (calls +, puts -: the dealers' "
    "model; open interest of the evening before), one-minute bars of the regular session "
    "(until 16:00, 13:00 on half days), first touch of each wall a day",
    caveat="What happened, on few days, with definitions that could be others. Where the 95 % "
    "interval of a difference holds 0 nothing was shown. Random levels count a day once, "
    "however many of them were touched. No costs, no claim that it goes on.",
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as what; shares of the level, horizon in minutes."""

    near: float = 0.0005
    through: float = 0.0005
    away: float = 0.002
    horizon: int = 60
    offset: float = 0.0025


@dataclass(frozen=True, slots=True)
class WallDay:
    """One session: its minute bars in order, and walls (points) known at known_at (Unix s)."""

    day: date
    bars: Sequence[Bar]
    known_at: float
    call_wall: float | None
    put_wall: float | None


@dataclass(frozen=True, slots=True)
class Held:
    """How one kind of level did.

    n: decided touches (of days, for benchmarks with several levels a day). holds: bounces; a
    fraction where a day had several levels. share, low, high: holds / n with its 95 %
    interval; None below 30. undecided: neither happened in time, or both in one bar.
    untouched: levels that were not reached.
    """

    n: int
    holds: float
    share: float | None
    low: float | None
    high: float | None
    undecided: int
    untouched: int


@dataclass(frozen=True, slots=True)
class Against:
    """Walls against one benchmark: difference of the shares with its 95 % interval."""

    name: str
    what: str
    held: Held
    difference: float | None
    low: float | None
    high: float | None
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class WallStudy:
    """All of it. n: decided touches of walls. days: sessions that could be used, of `of`."""

    walls: Held
    against: tuple[Against, ...]
    n: int
    days: int
    of: int
    reason: str | None


def trial(
    bars: Sequence[Bar], level: float, side: Side, rules: Rules | None = None
) -> Outcome | None:
    """What happened at a level's first touch; None when it was not reached.

    Bars ascend; the first begins on the near side of the level. A bar that breaks does so by
    its close; in the bar of the touch nothing can bounce yet, since the order of its prices is
    not known. "both": a later bar was far back and closed beyond.

    A ceiling at 100 reached by a bar up to 99.96, then a fall to 99.8:

    >>> one = Bar(0, 99.5, 99.96, 99.4, 99.9, None, None)
    >>> two = Bar(60_000, 99.9, 99.92, 99.8, 99.85, None, None)
    >>> trial([one, two], 100.0, 1), trial([one], 100.0, 1), trial([one, two], 101.0, 1)
    ('bounce', 'open', None)
    """
    rules = rules or Rules()
    touched: int | None = None
    for bar in bars:
        nearest = bar.high if side > 0 else bar.low
        farthest = bar.low if side > 0 else bar.high
        if touched is None:
            if side * (nearest - level) < -rules.near * level:
                continue
            touched = bar.time
        elif bar.time >= touched + rules.horizon * MINUTE:
            break
        is_through = side * (bar.close - level) >= rules.through * level
        is_back = bar.time > touched and side * (farthest - level) <= -rules.away * level
        if is_through or is_back:
            return "both" if is_through and is_back else "break" if is_through else "bounce"
    return None if touched is None else "open"


@dataclass(frozen=True, slots=True)
class _Case:
    """One wall of one day."""

    bars: Sequence[Bar]
    start: float  # first price looked at
    side: Side
    level: float


def wall_study(days: Iterable[WallDay], rules: Rules | None = None) -> WallStudy:
    """Walls and benchmarks over all days; a wall counts where the session begins short of it."""
    rules = rules or Rules()
    everything = list(days)
    cases = [case for day in everything for case in _cases(day, rules)]
    used = sum(1 for day in everything if _session(day))
    walls = _held([[case.level] for case in cases], cases, rules)
    levels = {
        "random": [_random(case, cases, rules) for case in cases],
        "offset": [_offset(case, rules) for case in cases],
        "round": [_round(case, rules) for case in cases],
    }
    against = tuple(_against(name, walls, _held(levels[name], cases, rules)) for name in BENCHMARKS)
    reason = None
    if walls.n < LEAST:
        touches = "touch" if walls.n == 1 else "touches"
        days_of = "session" if used == 1 else "sessions"
        reason = f"{walls.n} decided {touches} in {used} {days_of}; {LEAST} are needed"
    return WallStudy(walls, against, walls.n, used, len(everything), reason)


def _session(day: WallDay) -> list[Bar]:
    """The whole bars of the regular session from when the walls were known."""
    if not sessions.is_session(day.day):
        return []
    opening, close = sessions.regular(day.day)
    first = max(opening, day.known_at) * 1000
    return [bar for bar in day.bars if first <= bar.time and bar.time + MINUTE <= close * 1000]


def _cases(day: WallDay, rules: Rules) -> list[_Case]:
    bars = _session(day)
    if not bars:
        return []
    start = bars[0].open
    walls: tuple[tuple[float | None, Side], ...] = ((day.call_wall, 1), (day.put_wall, -1))
    return [
        _Case(bars, start, side, level)
        for level, side in walls
        if level is not None and _is_ahead(level, start, side, rules)
    ]


def _is_ahead(level: float, start: float, side: Side, rules: Rules) -> bool:
    return level > 0 and side * (level - start) > rules.near * level


def _random(case: _Case, cases: Sequence[_Case], rules: Rules) -> list[float]:
    """Levels at the other walls' distances: as far away as walls are, at nobody's strike."""
    found = []
    for other in cases:
        if other is case or other.side != case.side:
            continue
        level = case.start * (other.level / other.start)
        if abs(level - case.level) > 2 * rules.near * case.level:
            found.append(level)
    return [level for level in found if _is_ahead(level, case.start, case.side, rules)]


def _offset(case: _Case, rules: Rules) -> list[float]:
    both = (case.level * (1 - rules.offset), case.level * (1 + rules.offset))
    return [level for level in both if _is_ahead(level, case.start, case.side, rules)]


def _round(case: _Case, rules: Rules) -> list[float]:
    step = round_step(case.level)
    place = round(case.level / step)
    near = [(place + move) * step for move in (-1, 0, 1)]
    fit = [
        level
        for level in near
        if abs(level - case.level) > 2 * rules.near * case.level
        and _is_ahead(level, case.start, case.side, rules)
    ]
    return sorted(fit, key=lambda level: (abs(level - case.level), level))[:1]


def round_step(price: float) -> float:
    """Distance of round numbers: the least of 1, 2, 5, 10, ... that is 0.5 % of the price.

    >>> round_step(6000.0), round_step(600.0), round_step(21500.0), round_step(42.0)
    (50.0, 5.0, 200.0, 0.5)
    """
    least = price * 0.005
    power = 10.0 ** floor(log10(least))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= least * (1 - 1e-9))


def _held(levels: Sequence[list[float]], cases: Sequence[_Case], rules: Rules) -> Held:
    holds, n, undecided, untouched = 0.0, 0, 0, 0
    for own, case in zip(levels, cases, strict=True):
        outcomes = [trial(case.bars, level, case.side, rules) for level in own]
        decided = [each for each in outcomes if each in ("bounce", "break")]
        undecided += sum(each in ("both", "open") for each in outcomes)
        untouched += sum(each is None for each in outcomes)
        if decided:
            n += 1
            holds += decided.count("bounce") / len(decided)
    if n < LEAST:
        return Held(n, holds, None, None, None, undecided, untouched)
    return Held(n, holds, holds / n, *wilson(holds, n), undecided, untouched)


def _against(name: str, walls: Held, other: Held) -> Against:
    what = BENCHMARKS[name]
    if walls.share is None or other.share is None:
        return Against(name, what, other, None, None, None, None)
    low, high = newcombe(walls.holds, walls.n, other.holds, other.n)
    verdict: Verdict = "more often" if low > 0 else "less often" if high < 0 else "cannot tell"
    return Against(name, what, other, walls.share - other.share, low, high, verdict)
