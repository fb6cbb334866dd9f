"""The numbers above the alert log: what waits, what needs a person, how long deliveries take."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

from grok_sauce.alerts.numbers import percentile
from grok_sauce.alerts.records import is_on, switches
from grok_sauce.alerts.report_filters import DEAD, OPEN_DELIVERIES, SEEN, day_of, day_span, sql_list
from grok_sauce.values import dataclass

HOUR_MS: Final = 3_600_000
SAMPLE: Final = 500  # newest deliveries whose times are counted
CLOCK_SAMPLE: Final = 50  # newest alerts with a time of their own
CLOCK_LATE_S: Final = 5.0
_OPEN: Final = sql_list(OPEN_DELIVERIES)


@dataclass(frozen=True, slots=True)
class Counted:
    """What the tables say at one moment; times in milliseconds, None: nothing to say it from."""

    switches: dict[str, str]
    held: int
    undelivered: int
    retrying: int
    oldest_ms: int | None  # steady, of the oldest that is held or not delivered
    received_hour: int
    rejected_hour: int
    totals_ms: tuple[int, ...]  # ascending
    needs: int
    today_received: int
    today_delivered: int
    offset_s: float | None

    @property
    def paused(self) -> bool:
        """Nothing is released or sent until a person resumes."""
        return is_on(self.switches.get("paused"))

    @property
    def dry(self) -> bool:
        """Everything is done but the sending."""
        return is_on(self.switches.get("dry"))

    @property
    def waiting(self) -> int:
        """Alerts held and deliveries not over."""
        return self.held + self.undelivered


def count(connection: sqlite3.Connection, wall_ms: int) -> Counted:
    """Count everything; wall_ms is now."""

    def one(sql: str, *values: Any) -> Any:
        return connection.execute(sql, values).fetchone()[0]

    begin, end = day_span(day_of(wall_ms))
    totals = connection.execute(
        "SELECT d.settled_ms - a.received_ms FROM"
        " (SELECT * FROM delivery WHERE state = 'delivered' ORDER BY id DESC LIMIT ?) d"
        " JOIN alert a ON a.seq = d.alert_seq WHERE d.settled_ms IS NOT NULL",
        (SAMPLE,),
    ).fetchall()
    oldest = [
        one("SELECT min(received_ms) FROM alert WHERE state = 'held'"),
        one(
            "SELECT min(a.received_ms) FROM delivery d JOIN alert a ON a.seq = d.alert_seq"
            f" WHERE d.state IN ({_OPEN})"
        ),
    ]
    return Counted(
        switches=switches(connection),
        held=one("SELECT count(*) FROM alert WHERE state = 'held'"),
        undelivered=one(f"SELECT count(*) FROM delivery WHERE state IN ({_OPEN})"),
        retrying=one("SELECT count(*) FROM delivery WHERE state = 'retry_wait'"),
        oldest_ms=min((each for each in oldest if each is not None), default=None),
        received_hour=one("SELECT count(*) FROM alert WHERE wall_ms > ?", wall_ms - HOUR_MS),
        rejected_hour=one("SELECT count(*) FROM security_log WHERE wall_ms > ?", wall_ms - HOUR_MS),
        totals_ms=tuple(sorted(row[0] for row in totals)),
        needs=one(f"SELECT count(*) FROM alert a WHERE {DEAD} AND NOT {SEEN}"),
        today_received=one(
            "SELECT count(*) FROM alert WHERE wall_ms >= ? AND wall_ms < ?", begin, end
        ),
        today_delivered=one(
            "SELECT count(*) FROM alert a WHERE wall_ms >= ? AND wall_ms < ? AND EXISTS"
            # The plus keeps SQLite from walking through all that was ever delivered, per alert.
            " (SELECT 1 FROM delivery d WHERE d.alert_seq = a.seq AND +d.state = 'delivered')",
            begin,
            end,
        ),
        offset_s=_offset(connection),
    )


def _offset(connection: sqlite3.Connection) -> float | None:
    """How far the alerts' own times lie after our clock, seconds: the median of the newest."""
    found = connection.execute(
        "SELECT time_ms - wall_ms FROM alert WHERE time_ms IS NOT NULL AND test = 0"
        " ORDER BY seq DESC LIMIT ?",
        (CLOCK_SAMPLE,),
    ).fetchall()
    return round(median(row[0] for row in found) / 1000, 3) if found else None


def numbers(
    counted: Counted,
    now_ms: int,
    *,
    alarm: int,
    guards: Sequence[str],
    breakers: Sequence[dict[str, Any]],
    problems: Sequence[str],
    rejected_hour: int = 0,
) -> dict[str, Any]:
    """NUMBERS for pages. now_ms is steady; alarm is the queue length that is one."""
    full = counted.waiting >= alarm
    mark, text = _mark(counted, bool(breakers) or full, bool(problems))
    oldest = counted.oldest_ms
    return {
        "paused": counted.paused,
        "dry": counted.dry,
        "waiting": counted.waiting,
        "oldest_undelivered_s": None
        if oldest is None
        else round(max(0, now_ms - oldest) / 1000, 1),
        "received_hour": counted.received_hour,
        "rejected_hour": max(counted.rejected_hour, rejected_hour),
        "delivered_p50_ms": percentile(counted.totals_ms, 0.5),
        "delivered_p99_ms": percentile(counted.totals_ms, 0.99),
        "needs": counted.needs,
        "dead": counted.needs,
        "queue_alarm": full,
        "guards": list(guards),
        "breakers": list(breakers),
        "problems": list(problems),
        "today": {
            "received": counted.today_received,
            "delivered": counted.today_delivered,
            "held": counted.held,
            "needs": counted.needs,
        },
        "mark": mark,
        "text": text,
        "clock_offset_s": counted.offset_s,
    }


def _mark(counted: Counted, slow: bool, broken: bool) -> tuple[str, str]:
    """The lamp in every page's header, and its words: what needs a person comes first."""
    if counted.needs:
        verb = "needs" if counted.needs == 1 else "need"
        return "down", f"{counted.needs} {verb} you"
    off = abs(counted.offset_s or 0.0) > CLOCK_LATE_S
    text = f"{counted.waiting} waiting"
    if counted.paused:
        text = f"paused, {counted.waiting} held"
    if broken:
        return "down", text
    late = counted.paused or slow or counted.retrying or off
    return ("late" if late else "fresh"), text
