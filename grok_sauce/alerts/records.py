"""Rows of alerts.db as values: what every part that reads them shares."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any, Final

from grok_sauce.alerts.alert_filter import AlertFilter as AlertFilter
from grok_sauce.alerts.alert_filter import marks as marks
from grok_sauce.alerts.gaps import PositionRow
from grok_sauce.alerts.model import (
    Alert,
    AlertState,
    Delivery,
    DeliveryState,
    HeldAlert,
    ReleaseOptions,
)
from grok_sauce.values import dataclass

_ALERT: Final = (
    *("seq", "id", "received_ms", "wall_ms", "state", "reason", "ticker", "action", "mapped"),
    *("trade_id", "trade_number", "current_position", "new_pos", "qty", "price", "prev_qty"),
    *("new_qty", "time_ms", "flags", "strategies", "grp", "release_ms", "options", "source"),
    *("token_id", "body", "exact_key", "semantic_key", "link_kind", "link_id", "finished_ms"),
    *("acknowledged_ms", "test", "extras"),
)
_SELECT_ALERT: Final = f"SELECT {', '.join(_ALERT)} FROM alert"
_SELECT_DELIVERY: Final = (
    "SELECT d.id, d.id, d.alert_seq, a.id, a.ticker, a.grp, d.batch, d.target, d.leg, d.side,"
    " d.qty, d.state, d.reason, d.attempts, d.key, d.body, a.received_ms, d.expires_ms,"
    " d.not_before_ms, d.gap_ms, d.after_close, d.dry, d.idempotent, d.policy"
    " FROM delivery d JOIN alert a ON a.seq = d.alert_seq"
)
CHUNK: Final = 500  # values in one IN (...)


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert as it is stored; alert is None while it is invalid.

    received_ms, release_ms, finished_ms and acknowledged_ms are steady, wall_ms is what the
    clock on the wall said. body is what came, secrets masked. link is (kind, alert id).
    """

    seq: int
    id: str
    received_ms: int
    wall_ms: int
    state: AlertState
    reason: str | None
    ticker: str | None
    mapped: str | None
    alert: Alert | None
    flags: tuple[str, ...]
    strategies: tuple[str, ...]
    group: str | None
    release_ms: int | None
    options: ReleaseOptions | None
    source: str
    token_id: int | None
    body: str
    exact_key: str | None
    semantic_key: str | None
    link: tuple[str, str] | None
    finished_ms: int | None
    acknowledged_ms: int | None
    test: bool


@dataclass(frozen=True, slots=True)
class EventRow:
    """A transition, of the alert (delivery None) or of a delivery; attempt: the one it ended."""

    id: int
    alert_seq: int
    delivery: int | None
    at_ms: int  # steady
    wall_ms: int
    who: str
    was: str | None
    now: str
    detail: str
    attempt: int | None
    status: int | None
    ms: float | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token of a sender: its digest, never itself. Times are wall-clock milliseconds."""

    id: int
    name: str
    digest: str
    tickers: tuple[str, ...] | None  # None: every ticker
    created_ms: int
    expires_ms: int | None
    used_ms: int | None


def flags_text(flags: Iterable[str]) -> str:
    """Flags (or names) as they are kept: a JSON list without repeats, in order."""
    return json.dumps(list(dict.fromkeys(flags)), ensure_ascii=False)


@lru_cache(maxsize=256)  # one for each ticker, alert after alert
def options_text(options: ReleaseOptions) -> str:
    """ReleaseOptions as they are kept."""
    return json.dumps(asdict(options))


def options_of(text: str | None) -> ReleaseOptions | None:
    """What options_text kept; keys of another version are passed over."""
    if text is None:
        return None
    known = {field.name for field in fields(ReleaseOptions)}
    return ReleaseOptions(**{k: v for k, v in json.loads(text).items() if k in known})


def alert(connection: sqlite3.Connection, seq: int) -> AlertRow | None:
    """The alert with this seq; None when there is none (any more)."""
    row = connection.execute(f"{_SELECT_ALERT} WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else _alert_row(row)


def alert_by_id(connection: sqlite3.Connection, id: str) -> AlertRow | None:
    """The alert with this id; None when there is none (any more)."""
    row = connection.execute(f"{_SELECT_ALERT} WHERE id = ?", (id,)).fetchone()
    return None if row is None else _alert_row(row)


def _alert_row(row: tuple[Any, ...]) -> AlertRow:
    got = dict(zip(_ALERT, row, strict=True))
    flags = tuple(json.loads(got["flags"]))
    return AlertRow(
        seq=got["seq"],
        id=got["id"],
        received_ms=got["received_ms"],
        wall_ms=got["wall_ms"],
        state=got["state"],
        reason=got["reason"],
        ticker=got["ticker"],
        mapped=got["mapped"],
        alert=_alert_value(got, flags),
        flags=flags,
        strategies=tuple(json.loads(got["strategies"])),
        group=got["grp"],
        release_ms=got["release_ms"],
        options=options_of(got["options"]),
        source=got["source"],
        token_id=got["token_id"],
        body=got["body"],
        exact_key=got["exact_key"],
        semantic_key=got["semantic_key"],
        link=None if got["link_kind"] is None else (got["link_kind"], got["link_id"]),
        finished_ms=got["finished_ms"],
        acknowledged_ms=got["acknowledged_ms"],
        test=bool(got["test"]),
    )


def _alert_value(got: dict[str, Any], flags: tuple[str, ...]) -> Alert | None:
    if got["action"] is None:
        return None
    return Alert(
        ticker=got["ticker"],
        action=got["action"],
        current_position=got["current_position"],
        new_pos=got["new_pos"],
        qty=got["qty"],
        price=got["price"],
        prev_qty=got["prev_qty"],
        new_qty=got["new_qty"],
        trade_id=got["trade_id"],
        trade_number=got["trade_number"],
        time_ms=got["time_ms"],
        flags=flags,
        extras=tuple(json.loads(got["extras"]).items()) if got["extras"] else (),
    )


def held_of(row: AlertRow) -> HeldAlert:
    """A stored alert as the hold window knows it; only of one that was read and routed."""
    if row.alert is None or row.options is None or row.group is None or row.release_ms is None:
        raise ValueError(f"alert {row.id} has nothing to hold")
    return HeldAlert(
        row.seq, row.id, row.alert, row.group, row.received_ms, row.release_ms, row.options
    )


def held(
    connection: sqlite3.Connection, known: Collection[int] = (), after: int = 0
) -> list[HeldAlert]:
    """Alerts above a seq that wait for their window, by seq; those in known are not even read."""
    seqs = connection.execute(
        "SELECT seq FROM alert WHERE state = 'held' AND seq > ? ORDER BY seq", (after,)
    )
    wanted = [seq for (seq,) in seqs if seq not in known]
    found = []
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        found += connection.execute(
            f"{_SELECT_ALERT} WHERE seq IN ({marks(some)}) AND state = 'held' ORDER BY seq", some
        ).fetchall()
    return [held_of(_alert_row(row)) for row in found]


def open_after(
    connection: sqlite3.Connection, after: int, known: Collection[int]
) -> tuple[int, list[HeldAlert]]:
    """The newest seq of all (0 before the first), and held() above a seq."""
    (newest,) = connection.execute("SELECT coalesce(max(seq), 0) FROM alert").fetchone()
    return int(newest), held(connection, known, after)


def listed(
    connection: sqlite3.Connection, wanted: AlertFilter, limit: int | None = 50
) -> tuple[list[AlertRow], int]:
    """The newest alerts that the filter asks for, and how many there are on all pages."""
    where, values = wanted.where()
    (total,) = connection.execute(f"SELECT count(*) FROM alert a WHERE {where}", values).fetchone()
    if wanted.before is not None:
        where, values = f"{where} AND a.seq < ?", [*values, wanted.before]
    rows = connection.execute(
        f"{_SELECT_ALERT} a WHERE {where} ORDER BY a.seq DESC LIMIT ?",
        [*values, -1 if limit is None else limit],
    )
    return [_alert_row(row) for row in rows], total


def delivery(connection: sqlite3.Connection, id: int) -> Delivery | None:
    """The delivery with this id; None when there is none (any more)."""
    row = connection.execute(f"{_SELECT_DELIVERY} WHERE d.id = ?", (id,)).fetchone()
    return None if row is None else _delivery(row)


def deliveries_of(connection: sqlite3.Connection, seqs: Sequence[int]) -> list[Delivery]:
    """The deliveries of these alerts, in the order of their lanes."""
    found: list[Delivery] = []
    for start in range(0, len(seqs), CHUNK):
        part = seqs[start : start + CHUNK]
        rows = connection.execute(f"{_SELECT_DELIVERY} WHERE d.alert_seq IN ({marks(part)})", part)
        found += [_delivery(row) for row in rows]
    return sorted(found, key=lambda one: one.order)


def deliveries_in(connection: sqlite3.Connection, states: Sequence[str]) -> list[Delivery]:
    """The deliveries in these states, in the order of their lanes."""
    rows = connection.execute(
        f"{_SELECT_DELIVERY} WHERE d.state IN ({marks(states)}) ORDER BY d.id", tuple(states)
    )
    return [_delivery(row) for row in rows]


def unsettled(connection: sqlite3.Connection) -> list[Delivery]:
    """The deliveries that the machine has still to do something with."""
    return deliveries_in(connection, ("waiting", "sending", "retry_wait"))


def _delivery(row: tuple[Any, ...]) -> Delivery:
    yes_or_no = map(bool, row[20:23])  # after_close, dry, idempotent
    return Delivery(*(*row[:20], *yes_or_no, row[23]))


def delivery_states(connection: sqlite3.Connection, seq: int) -> list[DeliveryState]:
    """The states of an alert's deliveries."""
    rows = connection.execute("SELECT state FROM delivery WHERE alert_seq = ?", (seq,))
    return [state for (state,) in rows]


def events(connection: sqlite3.Connection, seq: int) -> list[EventRow]:
    """Everything that happened to an alert and its deliveries, in order."""
    rows = connection.execute(
        "SELECT id, alert_seq, delivery_id, at_ms, wall_ms, who, was, now, detail, attempt,"
        " status, ms, answer FROM delivery_event WHERE alert_seq = ? ORDER BY id",
        (seq,),
    )
    return [EventRow(*row) for row in rows]


def counts(connection: sqlite3.Connection) -> tuple[dict[str, int], dict[str, int]]:
    """How many alerts and how many deliveries are in each state; states without any are absent."""
    alerts = connection.execute("SELECT state, count(*) FROM alert GROUP BY state")
    deliveries = connection.execute("SELECT state, count(*) FROM delivery GROUP BY state")
    return dict(alerts.fetchall()), dict(deliveries.fetchall())


def positions(connection: sqlite3.Connection) -> dict[str, PositionRow]:
    """Where the alerts say each ticker stands."""
    rows = connection.execute("SELECT ticker, side, qty, opened_qty, wall_ms FROM position")
    return {row[0]: PositionRow(*row) for row in rows}


def position(connection: sqlite3.Connection, ticker: str) -> PositionRow | None:
    """Where the alerts say a ticker stands; None while none was read."""
    row = connection.execute(
        "SELECT ticker, side, qty, opened_qty, wall_ms FROM position WHERE ticker = ?", (ticker,)
    ).fetchone()
    return None if row is None else PositionRow(*row)


def switches(connection: sqlite3.Connection) -> dict[str, str]:
    """paused, dry and daily pauses that are set."""
    return dict(connection.execute("SELECT name, value FROM switch").fetchall())


def is_on(value: str | None) -> bool:
    """Is a switch on? Absent, "", "0" and "off" are off."""
    return value not in (None, "", "0", "off")


def tokens(connection: sqlite3.Connection) -> list[TokenRow]:
    """All tokens, oldest first."""
    rows = connection.execute(
        "SELECT id, name, digest, tickers, created_ms, expires_ms, used_ms FROM auth_token"
        " ORDER BY id"
    )
    return [
        TokenRow(id, name, digest, None if tickers is None else tuple(json.loads(tickers)), *times)
        for id, name, digest, tickers, *times in rows
    ]


def breakers(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """What was kept of each target's breaker."""
    rows = connection.execute("SELECT target, breaker FROM target_state")
    return {target: json.loads(text) for target, text in rows}
