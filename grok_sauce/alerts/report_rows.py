"""Rows of the alert log: what the tables say of an alert, as pages and the API show it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from grok_sauce.alerts.report_filters import (
    DEAD_ALERTS,
    DEAD_DELIVERIES,
    OPEN_DELIVERIES,
    Filters,
    sql_list,
)

LATE_MS: Final = 5_000  # delivered so long after the end of its hold window
_COLUMNS: Final = ", ".join(
    f"a.{name}"
    for name in (
        *("seq", "id", "received_ms", "wall_ms", "state", "reason", "ticker", "action", "mapped"),
        *("trade_id", "new_pos", "qty", "price", "prev_qty", "new_qty", "flags", "strategies"),
        *("release_ms", "link_kind", "link_id", "acknowledged_ms", "test"),
    )
)

Job = Mapping[str, Any]
# (target id) -> what the user calls it, "" for nothing.
Labels = Callable[[str], str]
# (ticker) -> target ids an alert of it would go to now.
Pending = Callable[[str], Sequence[str]]


@dataclass
class Found:
    """Alerts as the tables have them, with their deliveries; made on a native thread."""

    alerts: list[Job] = field(default_factory=list)
    deliveries: dict[int, list[Job]] = field(default_factory=dict)  # by alert seq, in order
    answers: dict[int, str] = field(default_factory=dict)  # what the last attempt ended with
    opened: dict[str, int | None] = field(default_factory=dict)  # ticker -> size last opened
    total: int = 0
    more: bool = False


def find(connection: sqlite3.Connection, filters: Filters) -> Found:
    """One page of alerts, newest first."""
    where, values = filters.where()
    found = Found()
    (found.total,) = connection.execute(
        f"SELECT count(*) FROM alert a WHERE {where}", values
    ).fetchone()
    older = "" if filters.before is None else " AND a.seq < ?"
    taken = [*values, *([] if filters.before is None else [filters.before]), filters.limit + 1]
    found.alerts = rows(
        connection,
        f"SELECT {_COLUMNS} FROM alert a WHERE {where}{older} ORDER BY a.seq DESC LIMIT ?",
        taken,
    )
    found.more = len(found.alerts) > filters.limit
    del found.alerts[filters.limit :]
    return _with_deliveries(connection, found)


def find_alerts(connection: sqlite3.Connection, seqs: Iterable[int]) -> Found:
    """Alerts by their seq, newest first; those that are gone are left out."""
    wanted = sorted(set(seqs), reverse=True)
    marks = ", ".join("?" * len(wanted))
    alerts = rows(
        connection,
        f"SELECT {_COLUMNS} FROM alert a WHERE a.seq IN ({marks}) ORDER BY a.seq DESC",
        wanted,
    )
    return _with_deliveries(connection, Found(alerts, total=len(alerts)))


def rows(connection: sqlite3.Connection, sql: str, values: Iterable[Any] = ()) -> list[Job]:
    """The answer of a query as dictionaries."""
    cursor = connection.execute(sql, tuple(values))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _with_deliveries(connection: sqlite3.Connection, found: Found) -> Found:
    seqs = [alert["seq"] for alert in found.alerts]
    marks = ", ".join("?" * len(seqs))
    asked = []
    for each in rows(
        connection,
        "SELECT id, alert_seq, target, leg, side, qty, state, reason, attempts, expires_ms,"
        f" settled_ms, dry FROM delivery WHERE alert_seq IN ({marks}) ORDER BY alert_seq, id",
        seqs,
    ):
        found.deliveries.setdefault(each["alert_seq"], []).append(each)
        if each["state"] == "uncertain":
            asked.append(each["alert_seq"])
    if asked:
        marks = ", ".join("?" * len(asked))
        for each in rows(
            connection,
            "SELECT delivery_id, detail FROM delivery_event WHERE attempt IS NOT NULL"
            f" AND alert_seq IN ({marks}) ORDER BY id",
            asked,
        ):
            found.answers[each["delivery_id"]] = each["detail"]
        tickers = {alert["ticker"] for alert in found.alerts if alert["seq"] in asked}
        for ticker in tickers - {None}:
            opened = connection.execute(
                "SELECT opened_qty FROM position WHERE ticker = ?", (ticker,)
            ).fetchone()
            found.opened[ticker] = opened[0] if opened else None
    return found


def shape(found: Found, now_ms: int, labels: Labels, pending: Pending) -> list[dict[str, Any]]:
    """ROW for each alert. now_ms is steady; runs outside the pool, for it asks the routing tree."""
    return [
        _row(alert, found.deliveries.get(alert["seq"], []), found, now_ms, labels, pending)
        for alert in found.alerts
    ]


def _row(
    alert: Job,
    deliveries: list[Job],
    found: Found,
    now_ms: int,
    labels: Labels,
    pending: Pending,
) -> dict[str, Any]:
    held = alert["state"] == "held"
    needs = _needs(alert, deliveries)
    link = None
    if alert["link_id"] is not None:
        link = {"kind": alert["link_kind"], "id": alert["link_id"]}
    return {
        "id": alert["id"],
        "seq": alert["seq"],
        "received_ms": alert["wall_ms"],
        "ticker": alert["ticker"],
        "action": alert["action"],
        "sent_as": alert["mapped"],
        "trade_id": alert["trade_id"],
        "qty": alert["qty"],
        "price": alert["price"],
        "state": shown_state(alert["state"], [each["state"] for each in deliveries]),
        "reason": alert["reason"] or _first_reason(deliveries),
        "targets": (
            [_waiting(target, alert, labels) for target in pending(alert["ticker"])]
            if held and not deliveries and alert["ticker"] is not None
            else [_target(each, labels) for each in deliveries]
        ),
        "tries": max((each["attempts"] for each in deliveries), default=0),
        "total_ms": _total(alert, deliveries),
        "flags": _flags(alert, deliveries),
        "strategies": json.loads(alert["strategies"]),
        "release_ms": wall(alert, alert["release_ms"]) if held else None,
        "needs": needs,
        "question": _question(alert, deliveries, found, now_ms, labels),
        "acknowledged": alert["acknowledged_ms"] is not None,
        "link": link,
    }


def wall(alert: Job, steady_ms: int | None) -> int | None:
    """A steady moment of an alert on the wall clock, as that stood when it was received."""
    return None if steady_ms is None else steady_ms + alert["wall_ms"] - alert["received_ms"]


def shown_state(state: str, deliveries: Sequence[str]) -> str:
    """One word for an alert: its own state, or what its deliveries have in common.

    An alert whose deliveries were all refused is "refused"; one where a person must say what
    became of a delivery is "uncertain"; one that was nowhere sent is never "done".

    >>> shown_state("failed", ["refused"]), shown_state("partial", ["delivered", "expired"])
    ('refused', 'partial')
    >>> shown_state("partial", ["delivered", "uncertain"]), shown_state("done", ["skipped"] * 2)
    ('uncertain', 'skipped')
    """
    if "uncertain" in deliveries:
        return "uncertain"
    kinds = set(deliveries)
    if state in ("done", "partial", "failed") and len(kinds) == 1 and kinds != {"delivered"}:
        return next(iter(kinds))
    return state


def port_of(target: str) -> int | None:
    """The port of a target's id.

    >>> port_of("localhost:9060"), port_of("localhost")
    (9060, None)
    """
    text = target.rpartition(":")[2]
    return int(text) if text.isdecimal() else None


def _target(each: Job, labels: Labels) -> dict[str, Any]:
    return {
        "delivery": each["id"],
        "target": each["target"],
        "port": port_of(each["target"]),
        "label": labels(each["target"]),
        "leg": each["leg"],
        "state": each["state"],
        "reason": each["reason"],
        "attempts": each["attempts"],
    }


def _waiting(target: str, alert: Job, labels: Labels) -> dict[str, Any]:
    """Where a held alert would go if it were released now."""
    return {
        "delivery": None,
        "target": target,
        "port": port_of(target),
        "label": labels(target),
        "leg": (alert["mapped"] or "open").partition(" ")[0],
        "state": "held",
        "reason": None,
        "attempts": 0,
    }


def _needs(alert: Job, deliveries: list[Job]) -> bool:
    """Whether a person should look: it is a dead letter that nobody acknowledged since."""
    bad = [each for each in deliveries if each["state"] in DEAD_DELIVERIES]
    if alert["state"] not in DEAD_ALERTS and not bad:
        return False
    seen = alert["acknowledged_ms"]
    return seen is None or any((each["settled_ms"] or 0) > seen for each in bad)


def _first_reason(deliveries: list[Job]) -> str | None:
    return next((each["reason"] for each in deliveries if each["reason"]), None)


def _total(alert: Job, deliveries: list[Job]) -> int | None:
    """Milliseconds from receipt to the end of the last delivery; None while one is open."""
    sent = [each for each in deliveries if each["attempts"]]
    if not sent or any(each["state"] in OPEN_DELIVERIES for each in deliveries):
        return None
    ends = [each["settled_ms"] for each in sent if each["settled_ms"] is not None]
    return max(ends) - int(alert["received_ms"]) if ends else None


def _flags(alert: Job, deliveries: list[Job]) -> list[str]:
    """What the alert was stored with, and what became plain later."""
    found: list[str] = json.loads(alert["flags"])
    end = alert["release_ms"]
    late = end is not None and any(
        each["state"] == "delivered" and (each["settled_ms"] or 0) - end > LATE_MS
        for each in deliveries
    )
    for name, holds in (
        ("late", late),
        ("net_zero_pair", alert["reason"] == "net_zero_pair"),
        ("test", bool(alert["test"])),
    ):
        if holds and name not in found:
            found.append(name)
    return found


def _question(
    alert: Job, deliveries: list[Job], found: Found, now_ms: int, labels: Labels
) -> dict[str, Any] | None:
    """What a person is asked of the first uncertain delivery."""
    each = next((one for one in deliveries if one["state"] == "uncertain"), None)
    if each is None:
        return None
    kind = {"reversal_qty_unknown": "size", "close_not_delivered": "close"}.get(
        each["reason"] or "", "arrived"
    )
    late = each["leg"] == "open" and now_ms > each["expires_ms"]
    qty = each["qty"]
    if qty is None:
        qty = _likely_size(alert, found.opened.get(alert["ticker"]))
    port = port_of(each["target"])
    where = f"port {port}" if port is not None else each["target"]
    label = labels(each["target"])
    where = f"{where} ({label})" if label else where
    return {
        "delivery": each["id"],
        "kind": kind,
        "port": port,
        "qty": qty,
        "late": late,
        "text": _asked(kind, where, each, found.answers.get(each["id"]), alert)
        + (" It is older than its freshness limit." if late else ""),
    }


def _asked(kind: str, where: str, each: Job, answer: str | None, alert: Job) -> str:
    if kind == "size":
        return (
            f"The order of {alert['qty']} closes the old side and opens the new one in one, and "
            f"the alert does not say how many are new. The open for {where} was not sent. "
            f"Check the size, then send."
        )
    if kind == "close":
        return (
            f"The close for {where} was not delivered, so the open was not sent: the old position "
            f"may still be there, and opening on top of it doubles the risk."
        )
    ended = answer or "the outcome is not known"
    again = "open a second position" if each["leg"] == "open" else "close twice"
    place = where[:1].upper() + where[1:]
    return f"{place} was sent the order, then: {ended}. Sending again could {again}."


def _likely_size(alert: Job, opened: int | None) -> int | None:
    """What to write into the size field: the best there is, for a person to check.

    The size the alert names; else the order less the old position; else the order as it came.
    """
    if alert["new_qty"]:
        return int(alert["new_qty"])
    qty = alert["qty"]
    if qty is None:
        return None
    for before in (alert["prev_qty"], opened):
        if before is not None and qty - before >= 1:
            return int(qty - before)
    return int(qty)


def open_counts(connection: sqlite3.Connection) -> list[Job]:
    """Deliveries that are not over: {ticker, target, state, n}."""
    return rows(
        connection,
        "SELECT a.ticker, d.target, d.state, count(*) AS n FROM delivery d"
        " JOIN alert a ON a.seq = d.alert_seq"
        f" WHERE d.state IN ({sql_list((*OPEN_DELIVERIES, 'uncertain'))}) GROUP BY 1, 2, 3",
    )
