"""Spans of a volume profile: the day, the week under way and the weeks before, by session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from grok_sauce.market import sessions
from grok_sauce.market.products import Kind
from grok_sauce.values import dataclass

MINUTE_MS: Final = 60_000
EXTENDED: Final = "extended"
REGULAR: Final = "regular"


@dataclass(frozen=True, slots=True)
class Session:
    """One session: bars that start in [start, end) are its own (ms UTC).

    minutes: those it trades in. The bar that starts at the regular close belongs to it, for
    the closing auction prints there, but is not missed where it is not.
    """

    day: date
    start: int
    end: int
    minutes: int

    @property
    def close(self) -> int:
        """When trading ends."""
        return self.start + self.minutes * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Span:
    """A row of sessions under one name: "day", "week", "prior_week", "week-2", ..."""

    name: str
    sessions: tuple[Session, ...]

    @property
    def start(self) -> int:
        return self.sessions[0].start

    @property
    def end(self) -> int:
        return self.sessions[-1].end

    @property
    def close(self) -> int:
        return self.sessions[-1].close


@lru_cache(maxsize=1024)
def session_of(kind: Kind, day: date, hours: str) -> Session | None:
    """The session of a kind on a day; None without one. hours: of shares and ETFs."""
    if kind == "future":
        span = sessions.hours(kind, day)
        if span is None:
            return None
        start, end = int(span[0] * 1000), int(span[1] * 1000)
        return Session(day, start, end, (end - start) // MINUTE_MS)
    if not sessions.is_session(day):
        return None
    if hours == EXTENDED and kind != "index":
        start, end = (int(at * 1000) for at in sessions.extended(day))
        return Session(day, start, end, (end - start) // MINUTE_MS)
    start, close = (int(at * 1000) for at in sessions.regular(day))
    return Session(day, start, close + MINUTE_MS, (close - start) // MINUTE_MS)


@lru_cache(maxsize=1024)
def spans_of(kind: Kind, day: date, hours: str, weeks: int) -> tuple[Span, ...]:
    """The day, its week from Monday to Friday, and so many finished weeks before it.

    A future's Monday begins on Sunday at 18:00. A week without any session has no span.
    """
    monday = day - timedelta(days=day.weekday())
    found = []
    one = session_of(kind, day, hours)
    if one is not None:
        found.append(Span("day", (one,)))
    for back in range(weeks + 1):
        name = "week" if back == 0 else "prior_week" if back == 1 else f"week-{back}"
        first = monday - timedelta(weeks=back)
        each = [session_of(kind, first + timedelta(days=place), hours) for place in range(5)]
        held = tuple(session for session in each if session is not None)
        if held:
            found.append(Span(name, held))
    return tuple(found)


def elapsed(span: Span, now: int) -> int:
    """Minutes of a span's sessions that have closed by now (ms UTC)."""
    return sum(
        max(0, min(session.minutes, (now - session.start) // MINUTE_MS))
        for session in span.sessions
    )


def uncovered(span: Span, first_bar: int, times: Sequence[int]) -> str | None:
    """Why bars do not reach back to the start of a span; None when they do.

    first_bar: start of the oldest bar of all. times: starts of the span's own bars. A thin
    instrument may trade first in the middle of a session: only a whole session without a bar,
    with none before it, is history that was not loaded.
    """
    first = span.sessions[0]
    if first_bar <= first.start or (len(times) and times[0] < first.end):
        return None
    begin = sessions.new_york(first_bar / 1000).date()
    return f"Minute bars begin on {begin}, this span on {first.day}"
