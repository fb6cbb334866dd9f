"""Guards that stop opening legs: hours, news, the pause for a day. Closes always pass."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from grok_sauce.alerts.model import Mode
from grok_sauce.alerts.routing import Route, StrategyView
from grok_sauce.alerts.routing_document import MODES, RESUME_AT
from grok_sauce.alerts.steady import MS, SteadyTime
from grok_sauce.errors import GrokSauceError

log = logging.getLogger(__name__)

BLOCKED_HOURS: Final = "blocked_hours"
BLOCKED_NEWS: Final = "blocked_news"
PAUSED_TODAY: Final = "paused_today"
SWITCH: Final = "daily_pause:"  # + strategy: the wall-clock milliseconds it ends at
NEWS_UNKNOWN: Final = "news guard inactive: calendar unknown"
NEW_YORK: Final = ZoneInfo("America/New_York")
MINUTE_MS: Final = 60 * MS
MAX_NAMED: Final = 5  # tickers in one sentence

# High-impact events, (wall-clock ms, title); None: not known now.
Calendar = Callable[[], Sequence[tuple[int, str]] | None]


class Tree(Protocol):
    """The routing tree, as far as guards read it."""

    def routes(self) -> list[Route]: ...
    def strategy(self, name: str) -> StrategyView | None: ...


class Guards:
    """Asked right before an open would be sent. Reads wall time: hours mean New York's.

    Pauses are kept in memory; pause(), end_pause() and rename() give what to put into the
    ledger's switches, and load() takes it back at the start. Safe for many threads.
    """

    def __init__(self, tree: Tree, time: SteadyTime, calendar: Calendar | None = None) -> None:
        self._tree = tree
        self._time = time
        self._calendar = calendar
        self._lock = threading.Lock()
        self._until: dict[str, int] = {}

    # ---- asked before an open ----------------------------------------------------------------

    def blocks_open(self, route: Route, strategies: Sequence[str], ticker: str) -> str | None:
        """Why an open for these strategies is not sent now: "paused_today", "blocked_hours",
        "blocked_news"; None: it is.

        A pause stops what goes to a target when every strategy is paused that would send
        there: one that is dry or off does not keep a live one's open going.
        """
        now_ms = self._time.wall_ms()
        if self._all_paused(route.modes, strategies, now_ms):
            return PAUSED_TODAY
        if _within(route.no_open_between, now_ms):
            return BLOCKED_HOURS
        if route.no_open_news_min and self._news(route.no_open_news_min, now_ms) is not None:
            return BLOCKED_NEWS
        return None

    def paused_today(self, strategy: str) -> bool:
        """Is a strategy paused for the rest of its day?"""
        return self.paused_until(strategy) is not None

    def paused_until(self, strategy: str) -> int | None:
        """When a paused strategy goes on (wall-clock ms); None: it is not paused."""
        until = self._until.get(strategy)
        return until if until is not None and self._time.wall_ms() < until else None

    def active(self) -> list[str]:
        """What is stopped now, and what cannot be watched, in sentences."""
        now_ms = self._time.wall_ms()
        found = [
            f"{name} is paused until {_clock(until)} New York"
            for name, until in sorted(self._until.items())
            if now_ms < until
        ]
        blocked: dict[str, list[str]] = {}
        routes = self._tree.routes()
        for route in routes:
            span = _within(route.no_open_between, now_ms)
            if span is not None:
                blocked.setdefault(f"{span} New York", []).append(route.ticker)
        watched = [route for route in routes if route.no_open_news_min]
        is_unknown = bool(watched) and self._events() is None
        for route in watched:
            event = self._news(route.no_open_news_min, now_ms)
            if event is not None:
                why = f"{route.no_open_news_min} min around {event[1]} at {_clock(event[0])}"
                blocked.setdefault(f"{why} New York", []).append(route.ticker)
        found += [f"opens of {_some(names)} are blocked {why}" for why, names in blocked.items()]
        return [*found, NEWS_UNKNOWN] if is_unknown else found

    # ---- the pause for a day -----------------------------------------------------------------

    def load(self, switches: Mapping[str, str]) -> None:
        """Take over the pauses the ledger kept; others are forgotten."""
        found = {}
        for name, value in switches.items():
            if name.startswith(SWITCH):
                if value.isascii() and value.isdecimal():
                    found[name[len(SWITCH) :]] = int(value)
                else:
                    log.warning("pause of %r not understood: %r", name[len(SWITCH) :], value[:40])
        with self._lock:
            self._until = found

    def resume_ms(self, strategy: str) -> int:
        """When a strategy would go on if it were paused now: its next resume_at, wall-clock ms."""
        view = self._tree.strategy(strategy)
        return next_time(RESUME_AT if view is None else view.resume_at, self._time.wall_ms())

    def pause(self, strategy: str) -> tuple[str, str]:
        """Stop opens of a strategy until its next resume_at; (switch, value) to keep."""
        until = self.resume_ms(strategy)
        with self._lock:
            self._until = {**self._until, strategy: until}
        return SWITCH + strategy, str(until)

    def end_pause(self, strategy: str) -> tuple[str, None]:
        """Let a strategy go on now; (switch, None) to keep."""
        with self._lock:
            self._until = {name: at for name, at in self._until.items() if name != strategy}
        return SWITCH + strategy, None

    def rename(self, old: str, new: str) -> list[tuple[str, str | None]]:
        """A strategy has another name: its pause goes with it; (switch, value)s to keep."""
        until = self.paused_until(old)
        with self._lock:
            kept = {name: at for name, at in self._until.items() if name not in (old, new)}
            self._until = kept if until is None else {**kept, new: until}
        return [(SWITCH + old, None), (SWITCH + new, None if until is None else str(until))]

    # ---- inside ------------------------------------------------------------------------------

    def _all_paused(self, modes: Mapping[str, Mode], names: Iterable[str], now_ms: int) -> bool:
        ranked = {name: MODES.index(modes.get(name, "off")) for name in names}
        top = max(ranked.values(), default=0)
        return bool(ranked) and all(
            now_ms < self._until.get(name, 0) for name, rank in ranked.items() if rank == top
        )

    def _events(self) -> Sequence[tuple[int, str]] | None:
        try:
            return None if self._calendar is None else self._calendar()
        except GrokSauceError as problem:
            log.debug("calendar: %s", problem)
            return None

    def _news(self, minutes: int, now_ms: int) -> tuple[int, str] | None:
        """The nearest event within so many minutes before or after now; none when unknown."""
        near = [
            (abs(at_ms - now_ms), at_ms, title)
            for at_ms, title in self._events() or ()
            if abs(at_ms - now_ms) <= minutes * MINUTE_MS
        ]
        return min(near)[1:] if near else None


def next_time(clock: str, now_ms: int) -> int:
    """The next time New York's clocks say HH:MM, after now_ms (both wall-clock ms, UTC).

    A time the clocks skip in spring counts as one hour later, one they show twice in autumn
    as its first.
    """
    hour, minute = (int(part) for part in clock.split(":"))
    today = _new_york(now_ms).date()
    for days in range(3):
        local = datetime.combine(today + timedelta(days), time(hour, minute), NEW_YORK)
        found = round(local.timestamp() * MS)
        if found > now_ms:
            return found
    raise AssertionError("a time of day comes within two days")


def _within(spans: Iterable[str], now_ms: int) -> str | None:
    """The span New York's clocks are in: from its first minute on, up to its last, not in it."""
    local = _new_york(now_ms)
    now = f"{local.hour:02}:{local.minute:02}"
    for span in spans:
        start, end = span.split("-")
        inside = start <= now < end if start < end else now >= start or now < end
        if inside:
            return span
    return None


def _some(names: Sequence[str]) -> str:
    """Names for a sentence, cut."""
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _new_york(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / MS, UTC).astimezone(NEW_YORK)


def _clock(ms: int) -> str:
    local = _new_york(ms)
    return f"{local.hour:02}:{local.minute:02}"
