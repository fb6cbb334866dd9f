"""Reading grows with the alerts, not with their square: counted in SQLite's own steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from grok_sauce.alerts import report_numbers, report_rows
from grok_sauce.alerts.report_filters import Filters
from grok_sauce.alerts.schema import MIGRATIONS

NOW = 1_797_449_527_000


def filled(alerts: int) -> sqlite3.Connection:
    """A database of alerts of this hour, each delivered to two targets."""
    connection = sqlite3.connect(":memory:")
    for script in MIGRATIONS:
        connection.executescript(script)
    for seq in range(1, alerts + 1):
        connection.execute(
            "INSERT INTO alert (seq, id, received_ms, wall_ms, state, ticker, trade_id, source,"
            " body, finished_ms) VALUES (?, ?, ?, ?, 'done', 'NQ', 'Open_1', 'x', '{}', ?)",
            (seq, f"a{seq}", NOW - 1000, NOW - 1000, NOW),
        )
        for port in (1, 2):
            connection.execute(
                "INSERT INTO delivery (alert_seq, target, leg, side, state, batch, key, expires_ms,"
                " gap_ms, created_ms, settled_ms)"
                " VALUES (?, ?, 'open', 'long', 'delivered', ?, 'k', ?, 250, ?, ?)",
                (seq, f"localhost:{port}", seq, NOW, NOW, NOW),
            )
    return connection


def steps(connection: sqlite3.Connection, job: Callable[[sqlite3.Connection], Any]) -> int:
    """How many hundreds of steps SQLite takes for a job."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 100)
    job(connection)
    connection.set_progress_handler(None, 100)
    return count


@pytest.mark.parametrize(
    "job",
    [
        lambda connection: report_numbers.count(connection, NOW),
        lambda connection: report_rows.find(connection, Filters()),
        lambda connection: report_rows.find(connection, Filters(tab="dead")),
        lambda connection: report_rows.find(connection, Filters(state="delivered")),
        lambda connection: report_rows.find(connection, Filters(target="localhost:1")),
    ],
    ids=["numbers", "log", "dead letter", "by state", "by target"],
)
def test_four_times_the_alerts_take_four_times_the_steps(
    job: Callable[[sqlite3.Connection], Any],
) -> None:
    few, many = steps(filled(500), job), steps(filled(2000), job)

    assert many <= 6 * few + 50
