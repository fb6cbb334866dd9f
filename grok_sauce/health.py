"""The health report: what every part says of itself, put together once a second."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from grok_sauce import __version__
from grok_sauce.market import sessions
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.loop_watch import LoopWatch
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.runtime.supervisor import Supervisor
from grok_sauce.runtime.worker import WorkerStatus
from grok_sauce.update import Update

# A source's state -> the mark every page draws (circle, triangle, cross, ring).
MARKS: Final = {
    "live": "fresh",
    "connecting": "late",
    "stale": "late",
    "backoff": "down",
    "auth_failed": "down",
    "off": "off",
}
# What a problem says of a source that is not live.
STATE_WORDS: Final = {
    "connecting": "is connecting",
    "stale": "is silent",
    "backoff": "is down",
    "auth_failed": "was refused",
    "off": "is off",
}
WORKER_MARKS: Final = {
    "running": "fresh",
    "waiting": "off",
    "backoff": "late",
    "refused": "down",
    "stopped": "off",
}
PHASES: Final = {
    "pre": "Pre-market",
    "open": "Open",
    "after": "After hours",
    "closed": "Closed",
}
# What happens at the end of a phase, by the phase that follows ("closes in 1:27:53").
NEXT: Final = {
    "pre": "pre-market",
    "open": "opens",
    "after": "closes",
    "closed": "ends",
}
ERROR_KINDS: Final = 50  # kinds of errors kept for the page


@dataclass
class ErrorLog:
    """Errors of the day grouped by source and text; newest first when read."""

    kinds: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def note(self, source: str, text: str, at: float) -> None:
        """Count one error; at is a Unix time of real time."""
        newest, count = self.kinds.pop((source, text), [at, 0])
        self.kinds[(source, text)] = [max(at, newest), count + 1]
        while len(self.kinds) > ERROR_KINDS:
            self.kinds.pop(next(iter(self.kinds)))

    def rows(self) -> list[dict[str, Any]]:
        """[{at_ms, source, text, count}], newest first."""
        found = [
            {"at_ms": round(at * 1000), "source": source, "text": text, "count": int(count)}
            for (source, text), (at, count) in self.kinds.items()
        ]
        return sorted(found, key=lambda row: -row["at_ms"])


def resident_megabytes() -> float | None:
    """Memory this process holds, from /proc (Linux) or getrusage; None where neither is."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return round(pages * 4096 / 1e6, 1)
    except (OSError, ValueError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if platform.system() == "Darwin" else 1e3), 1)


class Rates:
    """Events a second per source, from counts read about once a second."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[float, int]] = {}
        self._rates: dict[str, float] = {}
        self.peak = 0.0

    def note(self, name: str, events: int, now: float) -> float | None:
        """The rate since the call before; None at the first call. now is monotonic seconds."""
        before = self._before.get(name)
        if before is None or now - before[0] >= 0.5:
            self._before[name] = (now, events)
            if before is not None:
                self._rates[name] = (events - before[1]) / (now - before[0])
                self.peak = max(self.peak, self._rates[name])
        rate = self._rates.get(name)
        return None if rate is None else round(rate, 1)


class Health:
    """A worker that publishes the report once a second; report() makes one at any time.

    mode() answers {name, detail, seed}; extra() answers what other parts add
    (queues, clients, sockets, tick_ms, machine rows, problems, router).
    """

    name = "health"

    def __init__(
        self,
        clock: Clock,
        sources: Mapping[str, SourceStatus],
        supervisors: Sequence[Supervisor],
        loop: LoopWatch,
        mode: Callable[[], dict[str, Any]],
        extra: Callable[[], dict[str, Any]],
        publish: Callable[[Sequence[Update]], None],
    ) -> None:
        self._clock = clock
        self._sources = sources
        self._supervisors = supervisors
        self._loop = loop
        self._mode = mode
        self._extra = extra
        self._publish = publish
        self._rates = Rates()
        self._errors = ErrorLog()
        self._seen_errors: dict[str, float] = {}
        self._started = clock.real()

    def add_source(self, status: SourceStatus) -> None:
        """Show one more; before the start."""
        self._sources = {**self._sources, status.name: status}

    def run(self, stop: threading.Event) -> None:
        """Publish until stop is set."""
        while not stop.is_set():
            self.publish()
            stop.wait(1.0)

    def publish(self) -> None:
        """Tell it now: somebody did something whose effect pages should show at once."""
        self._publish([Update("service.health", "", self.report())])

    def report(self) -> dict[str, Any]:
        """The whole report, as JSON can carry it; unknown is None."""
        now = self._clock.real()
        extra = self._extra()
        sources = [self._source(status, now) for status in self._sources.values()]
        workers = self._workers(now)
        problems = [*extra.pop("problems", []), *self._problems()]
        return {
            "ok": not problems,
            "problems": problems,
            "version": __version__,
            "mode": self._mode(),
            "clock": {
                "market_ms": round(self._clock.market() * 1000),
                "wall_ms": round(now * 1000),
                "speed": self._clock.speed,
            },
            "session": self.session(),
            "next_event": None,
            "loading": None,
            "feed_note": None,
            "replay": None,
            "sources": sources,
            "router": None,
            "workers": workers,
            "loop": self._loop.report(),
            "memory_mb": resident_megabytes(),
            "up_since_ms": round(self._started * 1000),
            "feed_rate": next((s["rate"] for s in sources if s["name"] == "dxlink"), None),
            "feed_peak": round(self._rates.peak, 1) or None,
            "errors": self._errors.rows(),
            **extra,
        }

    def session(self) -> dict[str, Any]:
        """The stock session now: state, its end and what comes then (market time)."""
        phase = sessions.phase("etf", self._clock.market())
        return {
            "state": phase.state,
            "label": PHASES[phase.state],
            "ends_ms": round(phase.ends * 1000),
            "next_label": NEXT[phase.next_state],
            "half_day": phase.half_day,
            "holiday": phase.holiday,
        }

    def _source(self, status: SourceStatus, now: float) -> dict[str, Any]:
        self._note_error(status.label, status.last_error, status.last_error_at)
        worker = self._statuses().get(status.name)
        next_try = worker.next_try if status.next_try is None and worker else status.next_try
        return {
            "name": status.name,
            "label": status.label,
            "state": status.state,
            "mark": MARKS[status.state],
            "detail": status.detail,
            "age": None if status.last_event is None else round(now - status.last_event, 1),
            "rate": self._rates.note(status.name, status.events, self._clock.monotonic()),
            "restarts": status.reconnects,
            "last_error": status.last_error,
            "last_error_at": _ms(status.last_error_at),
            "next_try": _ms(next_try),
            "required": status.required,
            "facts": dict(status.facts),
        }

    def _workers(self, now: float) -> list[dict[str, Any]]:
        rows = []
        for status in self._statuses().values():
            self._note_error(status.name, status.last_error, status.last_error_at)
            rows.append(
                {
                    "name": status.name,
                    "state": status.state,
                    "mark": WORKER_MARKS[status.state],
                    "age": None if status.started is None else round(now - status.started, 1),
                    "rate": None,
                    "restarts": status.restarts,
                    "last_error": status.last_error,
                    "last_error_at": _ms(status.last_error_at),
                    "next_try": _ms(status.next_try),
                }
            )
        return rows

    def _statuses(self) -> dict[str, WorkerStatus]:
        return {name: row for part in self._supervisors for name, row in part.statuses.items()}

    def _note_error(self, source: str, text: str | None, at: float | None) -> None:
        if text is None or at is None or self._seen_errors.get(source) == at:
            return
        self._seen_errors[source] = at
        self._errors.note(source, text, at)

    def _problems(self) -> list[str]:
        """What must work and does not, in words."""
        found = [
            f"{status.label} {STATE_WORDS[status.state]}"
            + (f": {status.last_error}" if status.last_error else "")
            for status in self._sources.values()
            if status.required and status.state != "live"
        ]
        found += [
            f"worker {status.name} {'was refused' if status.state == 'refused' else 'is down'}"
            + (f": {status.last_error}" if status.last_error else "")
            for status in self._statuses().values()
            if status.state in ("backoff", "refused") and status.name not in self._sources
        ]
        return found


def next_event(calendar: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """{title, at_ms, id, impact} of the header, from the payload of "calendar.event".

    >>> event = {"id": "a", "title": "CPI m/m", "impact": "high", "time": "2026-12-16T13:30:00Z"}
    >>> next_event({"next": "a", "events": [event]})["at_ms"]
    1797427800000
    """
    wanted = None if calendar is None else calendar["next"]
    if calendar is None or wanted is None:
        return None
    event = next(each for each in calendar["events"] if each["id"] == wanted)
    at = datetime.fromisoformat(event["time"]).timestamp()
    return {
        "title": event["title"],
        "at_ms": round(at * 1000),
        "id": wanted,
        "impact": event["impact"],
    }


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
