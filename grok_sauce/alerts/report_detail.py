"""Everything about one alert: its events, attempts, what was sent, what it is joined to."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import orjson

from grok_sauce.alerts.report_rows import Found, Job, find_alerts, port_of, rows
from grok_sauce.values import dataclass

NEAR: Final = 10_000  # alerts after this one in which those that name it are looked for
_BAD: Final = frozenset(
    {"uncertain", "refused", "expired", "dead", "failed", "partial", "invalid", "unrouted"}
)
_NORMAL: Final = (
    *("ticker", "action", "current_position", "new_pos", "qty", "price", "prev_qty", "new_qty"),
    *("trade_id", "trade_number", "time_ms"),
)
# What an event is called in the time line; {where} is its target.
_WORDS: Final[dict[str, str]] = {
    "held": "Held",
    "invalid": "Not valid",
    "unrouted": "No route for the ticker",
    "duplicate": "Duplicate of an alert before it",
    "cancelled": "Cancelled",
    "released": "Released",
    "done": "Done",
    "partial": "Delivered in part",
    "failed": "Not delivered",
    "waiting": "Waits for {where}",
    "sending": "Sent to {where}",
    "retry_wait": "{where} did not take it, tried again",
    "delivered": "Delivered to {where}",
    "refused": "Refused by {where}",
    "expired": "Too old for {where}",
    "dead": "Given up on {where}",
    "skipped": "Not sent to {where}",
    "uncertain": "{where}: nobody knows whether it arrived",
}


@dataclass(frozen=True, slots=True)
class FoundOne:
    """One alert as the tables have it; made on a native thread."""

    found: Found
    alert: Job
    deliveries: dict[int, Job]  # by id
    events: list[Job]
    links: list[dict[str, str]]
    position: dict[str, Any] | None
    token: str | None


def seq_of(connection: sqlite3.Connection, id: str) -> int | None:
    """The seq of an alert, None when there is none of that id."""
    row = connection.execute("SELECT seq FROM alert WHERE id = ?", (id,)).fetchone()
    return None if row is None else int(row[0])


def find_one(connection: sqlite3.Connection, id: str) -> FoundOne | None:
    """Everything of one alert, None when there is none of that id."""
    whole = rows(connection, "SELECT * FROM alert WHERE id = ?", (id,))
    if not whole:
        return None
    alert = whole[0]
    seq = alert["seq"]
    links = [] if alert["link_id"] is None else [_link(alert["link_kind"], alert["link_id"])]
    # Those that name this one are younger, so the table need not be read from its begin.
    for each in rows(
        connection,
        "SELECT link_kind, id FROM alert WHERE seq > ? AND seq <= ? AND link_id = ? ORDER BY seq",
        (seq, seq + NEAR, id),
    ):
        link = _link(each["link_kind"], each["id"], reverse=True)
        if link not in links:
            links.append(link)
    token = connection.execute(
        "SELECT name FROM auth_token WHERE id = ?", (alert["token_id"],)
    ).fetchone()
    position = rows(
        connection,
        "SELECT side, qty, wall_ms AS at_ms FROM position WHERE ticker = ?",
        (alert["ticker"],),
    )
    return FoundOne(
        found=find_alerts(connection, [seq]),
        alert=alert,
        deliveries={
            each["id"]: each
            for each in rows(
                connection, "SELECT * FROM delivery WHERE alert_seq = ? ORDER BY id", (seq,)
            )
        },
        events=rows(
            connection, "SELECT * FROM delivery_event WHERE alert_seq = ? ORDER BY id", (seq,)
        ),
        links=links,
        position=dict(position[0]) if position else None,
        token=None if token is None else str(token[0]),
    )


def _link(kind: str, id: str, reverse: bool = False) -> dict[str, str]:
    """A link, named from the side it is looked at."""
    other = {"duplicate_of": "duplicate", "replay_of": "replay"}
    return {"kind": other.get(kind, kind) if reverse else kind, "id": id}


def detail(one: FoundOne, row: dict[str, Any]) -> dict[str, Any]:
    """DETAIL for pages; row is its ROW."""
    alert = one.alert
    return {
        "row": row,
        "wall_ms": alert["wall_ms"],
        "source": alert["source"],
        "token": one.token,
        "body": alert["body"],
        "alert": None
        if alert["action"] is None
        else {
            **{name: alert[name] for name in _NORMAL},
            "flags": row["flags"],
            "extras": orjson.loads(alert["extras"] or b"{}"),
        },
        "keys": {"exact": alert["exact_key"], "semantic": alert["semantic_key"]},
        "links": one.links,
        "events": _events(one),
        "attempts": [_attempt(one, each) for each in one.events if each["attempt"] is not None],
        "sent": [
            {
                "target": each["target"],
                "leg": each["leg"],
                "body": each["body"],
                "dry": bool(each["dry"]),
            }
            for each in one.deliveries.values()
            if each["body"] and (each["attempts"] or each["dry"])
        ],
        "position": one.position,
    }


def _events(one: FoundOne) -> list[dict[str, Any]]:
    found = []
    before: int | None = None
    for each in one.events:
        found.append(
            {
                "at_ms": each["wall_ms"],
                # Steady: a clock that is set in between makes no delay.
                "plus_ms": 0 if before is None else each["at_ms"] - before,
                "who": each["who"],
                "text": _text(one, each),
                "was": each["was"],
                "now": each["now"],
                "bad": each["now"] in _BAD,
            }
        )
        before = each["at_ms"]
    return found


def _text(one: FoundOne, event: Job) -> str:
    delivery = one.deliveries.get(event["delivery_id"] or 0)
    where = "the target" if delivery is None else _where(delivery)
    text = _WORDS.get(event["now"], str(event["now"])).format(where=where)
    if event["now"] == "held" and event["was"] is None:
        text = "Received and held"
    elif event["now"] == "uncertain" and event["was"] == "waiting":
        text = f"{where}: kept back for a person"
    elif event["now"] == "waiting" and event["was"] is not None:
        text = f"To be sent to {where} again"
    detail = event["detail"]
    if event["was"] == event["now"] and detail:  # nothing moved: somebody acknowledged it
        return str(detail).capitalize()
    if not detail or (delivery is not None and detail == delivery["target"]):
        return text
    return f"{text}: {detail}"


def _where(delivery: Job) -> str:
    port = port_of(delivery["target"])
    place = delivery["target"] if port is None else f"port {port}"
    return f"{place}, {delivery['leg']} {delivery['side']}"


def _attempt(one: FoundOne, event: Job) -> dict[str, Any]:
    delivery = one.deliveries.get(event["delivery_id"] or 0)
    return {
        "n": event["attempt"],
        "target": None if delivery is None else delivery["target"],
        "leg": None if delivery is None else delivery["leg"],
        "status": event["detail"] or event["now"],
        "http": event["status"],
        "ms": event["ms"],
        "answer": event["answer"],
        "at_ms": event["wall_ms"],
    }
