"""Health: the page, the report as JSON with its status code, and Prometheus text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import flask

from grok_sauce.alerts.numbers import COUNTERS
from grok_sauce.web.site import Site, page, respond

MAX_REPORT_AGE: Final = 15.0  # seconds; the report comes once a second
MARKS: Final = ("fresh", "late", "down", "off")
ALERT_COUNTS: Final = frozenset(COUNTERS) - {"held"}  # how many are held now

Samples = list[tuple[dict[str, str], Any]]  # labels and value; None is not known
Family = tuple[str, str, Samples]  # name, help, samples


def show(site: Site) -> flask.Response:
    """GET /status; the report is in the context of every page."""
    return page("status.html", "status")


def health(site: Site) -> flask.Response:
    """GET /health, /api/health: 200 when the parts that must work do, else 503 naming them.

    Without a login, where one is needed, only {ok}: a watchdog needs no more.
    """
    report = _report(site)
    status = 200 if report["ok"] else 503
    return respond(report if flask.g.allowed else {"ok": report["ok"]}, status)


def metrics(site: Site) -> flask.Response:
    """GET /metrics."""
    return flask.Response(prometheus(_report(site)), content_type="text/plain; version=0.0.4")


def _report(site: Site) -> dict[str, Any]:
    """The newest report; one that nobody renews any more is not believed."""
    report = site.deps.snapshot.health()
    if report is None:
        return {"ok": False, "problems": ["no health report yet: the engine has not started"]}
    age = site.deps.clock.real() - report["clock"]["wall_ms"] / 1000
    if age <= MAX_REPORT_AGE:
        return report
    problem = f"the last health report is {age:.0f} s old: the engine stands still"
    return {**report, "ok": False, "problems": [problem, *report["problems"]]}


def prometheus(report: Mapping[str, Any]) -> str:
    """A health report in Prometheus text format 0.0.4; what is not known is left out."""
    loop, sockets = report.get("loop") or {}, report.get("sockets") or {}
    tick = report.get("tick_ms") or {}
    families: list[Family] = [
        ("up", "1 when all required parts work", [({}, int(bool(report["ok"])))]),
        ("memory_megabytes", "resident memory", [({}, report.get("memory_mb"))]),
        ("start_time_seconds", "Unix time of the start", [({}, _seconds(report, "up_since_ms"))]),
        ("feed_events_per_second", "events taken in", [({}, report.get("feed_rate"))]),
        ("sockets_open", "Socket.IO connections", [({}, sockets.get("open"))]),
        ("sockets_limit", "connections allowed", [({}, sockets.get("limit"))]),
        (
            "loop_stall_milliseconds",
            "stall of the event loop",
            [({"quantile": key}, loop.get(key)) for key in ("p50", "p99", "max")],
        ),
        (
            "tick_to_browser_milliseconds",
            "from the feed's event to the browser",
            [({"quantile": key}, tick.get(key)) for key in ("p50", "p99")],
        ),
    ]
    for kind in ("sources", "workers"):
        families += _parts(kind[:-1], report.get(kind) or [])
    families.append(("levels_sets_total", "sets of levels for signals", _sets(report)))
    queues = report.get("queues") or []
    for key in ("depth", "limit"):
        samples: Samples = [({"queue": str(item["name"])}, item.get(key)) for item in queues]
        families.append((f"queue_{key}", f"queue {key}", samples))
    families += _alerts(report.get("alerts") or {})
    lines = []
    for name, text, samples in families:
        lines += _family(f"grok_sauce_{name}", text, samples)
    return "\n".join(lines) + "\n"


def _sets(report: Mapping[str, Any]) -> Samples:
    """Sets of levels that were taken and that failed."""
    for source in report.get("sources") or []:
        if source["name"] == "levels":
            facts = source.get("facts") or {}
            return [({"result": name}, facts.get(name)) for name in ("successes", "failures")]
    return []


def _alerts(figures: Mapping[str, Any]) -> list[Family]:
    """The router's figures under their own names; counts since the start are counters."""
    found: list[Family] = []
    for name, value in figures.items():
        counts = name in ALERT_COUNTS
        text = f"alerts {name.replace('_', ' ')}"
        found.append((f"alerts_{name}_total" if counts else f"alerts_{name}", text, [({}, value)]))
    targets: Mapping[str, Mapping[str, Any]] = figures.get("targets") or {}
    rates: Samples = [({"target": id}, seen.get("success_percent")) for id, seen in targets.items()]
    found.append(("alerts_target_success_percent", "newest attempts that were delivered", rates))
    return found


def _parts(kind: str, items: list[Mapping[str, Any]]) -> list[Family]:
    def each(key: str) -> Samples:
        return [({kind: str(item["name"])}, item.get(key)) for item in items]

    marks: Samples = [
        ({kind: str(item["name"]), "mark": mark}, int(item.get("mark") == mark))
        for item in items
        for mark in MARKS
    ]
    age = {
        "source": "age of the last event of a source",
        "worker": "how long a worker has run since its last start",
    }
    return [
        (f"{kind}_mark", f"1 for the mark a {kind} has now", marks),
        (f"{kind}_age_seconds", age[kind], each("age")),
        (f"{kind}_events_per_second", f"rate of a {kind}", each("rate")),
        (f"{kind}_restarts_total", f"restarts of a {kind}", each("restarts")),
    ]


def _family(name: str, text: str, samples: Samples) -> list[str]:
    known = [
        (labels, value)
        for labels, value in samples
        if isinstance(value, (int, float)) and math.isfinite(value)
    ]
    if not known:
        return []
    kind = "counter" if name.endswith("_total") else "gauge"
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    for labels, value in known:
        inner = ",".join(f'{key}="{_escape(word)}"' for key, word in labels.items())
        lines.append(f"{name}{{{inner}}} {value}" if inner else f"{name} {value}")
    return lines


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _seconds(report: Mapping[str, Any], key: str) -> float | None:
    value = report.get(key)
    return None if value is None else value / 1000
