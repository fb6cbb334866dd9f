"""The health report: what is wrong is named, what is unknown is null, errors are grouped."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from grok_sauce.health import ErrorLog, Health, Rates, next_event, resident_megabytes
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.runtime.loop_watch import LoopWatch
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.runtime.supervisor import Supervisor
from grok_sauce.runtime.worker import WorkerStatus
from grok_sauce.update import Update


def health(clock: ManualClock, source: SourceStatus, **extra: Any) -> Health:
    supervisor = Supervisor(clock)
    supervisor.statuses["engine"] = WorkerStatus("engine", "running", started=clock.real())
    return Health(
        clock,
        {source.name: source},
        [supervisor],
        LoopWatch(clock),
        lambda: {"name": "DEMO", "detail": "", "seed": 42},
        lambda: dict(extra),
        lambda updates: None,
    )


def test_live_required_source_is_ok(clock: ManualClock) -> None:
    source = SourceStatus("dxlink", "dxLink", "live", required=True, last_event=clock.real() - 2)

    report = health(clock, source).report()

    assert report["ok"] is True
    assert report["problems"] == []
    assert report["sources"][0]["mark"] == "fresh"
    assert report["sources"][0]["age"] == 2.0
    assert report["sources"][0]["rate"] is None
    json.dumps(report, allow_nan=False)


@pytest.mark.parametrize(
    ("state", "mark"), [("backoff", "down"), ("auth_failed", "down"), ("connecting", "late")]
)
def test_required_source_that_does_not_work_is_named(
    state: Any, mark: str, clock: ManualClock
) -> None:
    source = SourceStatus("dxlink", "dxLink", state, required=True, last_error="cut by peer")

    report = health(clock, source).report()

    assert report["ok"] is False
    assert report["sources"][0]["mark"] == mark
    assert "dxLink" in report["problems"][0]
    assert "cut by peer" in report["problems"][0]


def test_a_source_tells_when_its_worker_tries_again(clock: ManualClock) -> None:
    source = SourceStatus("dxlink", "dxLink", "backoff", required=True)
    watched = health(clock, source)
    worker = WorkerStatus("dxlink", "backoff", next_try=clock.real() + 8)
    watched._supervisors[0].statuses["dxlink"] = worker

    report = watched.report()

    assert report["sources"][0]["next_try"] == round((clock.real() + 8) * 1000)
    assert report["problems"] == ["dxLink is down"]


def test_problems_of_other_parts_are_taken_over(clock: ManualClock) -> None:
    source = SourceStatus("dxlink", "dxLink", "live", required=True)

    report = health(clock, source, problems=["settings.json is broken"], sockets={}).report()

    assert report["problems"] == ["settings.json is broken"]
    assert report["sockets"] == {}


def test_session_at_half_past_two_on_a_wednesday_is_open(clock: ManualClock) -> None:
    session = health(clock, SourceStatus("dxlink", "dxLink", "live")).report()["session"]

    assert session["state"] == "open"
    assert session["next_label"] == "closes"
    assert session["ends_ms"] - clock.market() * 1000 == pytest.approx(5_273_000)


def test_same_error_is_one_row_with_a_count_newest_first() -> None:
    errors = ErrorLog()
    errors.note("dxLink", "cut", 10.0)
    errors.note("Cboe", "504", 11.0)
    errors.note("dxLink", "cut", 12.0)

    assert [(row["source"], row["count"], row["at_ms"]) for row in errors.rows()] == [
        ("dxLink", 2, 12_000),
        ("Cboe", 1, 11_000),
    ]


def test_kinds_of_errors_are_bounded() -> None:
    errors = ErrorLog()
    for number in range(500):
        errors.note("x", f"error {number}", float(number))

    assert len(errors.rows()) == 50


def test_rate_is_unknown_at_first_then_events_a_second() -> None:
    rates = Rates()

    assert rates.note("dxlink", 100, 0.0) is None
    assert rates.note("dxlink", 150, 0.1) is None
    assert rates.note("dxlink", 300, 2.0) == 100.0
    assert rates.peak == 100.0


def test_worker_publishes_until_it_is_stopped(clock: ManualClock) -> None:
    told: list[Update] = []
    stop = threading.Event()
    worker = health(clock, SourceStatus("dxlink", "dxLink", "live"))

    def publish(updates: Any) -> None:
        told.extend(updates)
        stop.set()

    worker._publish = publish
    worker.run(stop)

    assert [(update.topic, update.key) for update in told] == [("service.health", "")]


def test_memory_is_a_plausible_number_here() -> None:
    memory = resident_megabytes()

    assert memory is None or 5 < memory < 5000


def test_the_next_event_is_the_calendars_with_its_time_in_milliseconds() -> None:
    event = {"id": "b", "title": "CPI m/m", "impact": "high", "time": "2026-12-16T13:30:00Z"}
    calendar = {"next": "b", "events": [{**event, "id": "a"}, event]}

    found = next_event(calendar)

    assert found == {"title": "CPI m/m", "at_ms": 1797427800000, "id": "b", "impact": "high"}


@pytest.mark.parametrize("calendar", [None, {"next": None, "events": []}], ids=["none", "over"])
def test_without_a_calendar_or_after_its_last_event_none_is_next(
    calendar: dict[str, Any] | None,
) -> None:
    assert next_event(calendar) is None
