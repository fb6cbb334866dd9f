"""The statements behind receive(): all alerts of a round with one statement a table.

Each statement is a moment in which the pool's thread gives the interpreter away and waits to
get it back, so their number must not grow with that of the alerts.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from grok_sauce.alerts import gaps, records
from grok_sauce.alerts.gaps import PositionRow
from grok_sauce.alerts.ledger_values import GAP_BLOCKED, NewAlert, Received
from grok_sauce.alerts.model import Alert, AlertState

_ALERT: Final = (
    *("seq", "id", "received_ms", "wall_ms", "state", "reason", "mapped", "flags", "strategies"),
    *("grp", "release_ms", "options", "source", "token_id", "body", "exact_key", "semantic_key"),
    *("link_kind", "link_id", "test", "ticker", "action", "trade_id", "trade_number"),
    *("current_position", "new_pos", "qty", "price", "prev_qty", "new_qty", "time_ms"),
    "extras",
)
_NO_ALERT: Final = (None,) * 12  # of one that could not be read
_EVENT: Final = ("alert_seq", "at_ms", "wall_ms", "who", "now", "detail")
_SEEN: Final = ("key", "alert_id", "exact_key", "until_ms")
_SEEN_AGAIN: Final = (
    " ON CONFLICT (key) DO UPDATE SET alert_id = excluded.alert_id,"
    " exact_key = excluded.exact_key, until_ms = excluded.until_ms"
)
_POSITION: Final = ("ticker", "side", "qty", "opened_qty", "wall_ms")
_POSITION_AGAIN: Final = (
    " ON CONFLICT (ticker) DO UPDATE SET side = excluded.side, qty = excluded.qty,"
    " wall_ms = excluded.wall_ms"
)
_LARGEST: Final = 64  # rows in one statement; smaller ones are halves of it, so few are prepared

_flags_text = lru_cache(maxsize=512)(records.flags_text)


def receive_all(connection: sqlite3.Connection, news: Sequence[NewAlert]) -> list[Received]:
    """Store what came, in this order: held, a duplicate where its keys say so, or as it is.

    Held alerts move their ticker's position. Part of one transaction, run in the pool.
    """
    seen = _Seen(connection, news)
    positions = _Positions(connection, news)
    (last,) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'alert'"
    ).fetchone()
    alerts: list[tuple[object, ...]] = []
    events: list[tuple[object, ...]] = []
    found: list[Received] = []
    for seq, new in enumerate(news, last + 1):
        first_id, conflict = seen.first(new)
        state: AlertState = new.state if first_id is None else "duplicate"
        flags = (new.alert.flags if new.alert else ()) + ("conflict",) * conflict
        gap, blocked = None, False
        if state == "held" and new.alert is not None and not new.test:
            gap = positions.follow(new.alert, new.wall_ms)
            blocked = gap is not None and new.gap_policy == "block_open"
            flags += ("gap",) * (gap is not None) + (GAP_BLOCKED,) * blocked
        alerts.append(_alert_row(seq, new, state, first_id, flags))
        details = [part for part in (new.reason, gap) if part]
        if first_id is not None:
            details.append(f"repeats {first_id}{' with other content' if conflict else ''}")
        detail = "; ".join(details)
        events.append((seq, new.received_ms, new.wall_ms, "router", state, detail))
        found.append(Received(seq, new.id, state, first_id, flags, blocked))
    _insert(connection, "alert", _ALERT, alerts)
    _insert(connection, "delivery_event", _EVENT, events)
    seen.write(connection)
    positions.write(connection)
    return found


class _Seen:
    """Who came first under a key, as the file has it and as this round adds to it."""

    def __init__(self, connection: sqlite3.Connection, news: Sequence[NewAlert]) -> None:
        keys = [key for new in news for key in _keys(new)]
        self._known: dict[str, tuple[str, str, int]] = {}
        self._claimed: dict[str, None] = {}
        if keys:
            rows = connection.execute(
                "SELECT key, alert_id, exact_key, until_ms FROM seen"
                " WHERE key IN (SELECT value FROM json_each(?))",
                (json.dumps(keys),),
            )
            self._known = {key: (id, exact, until) for key, id, exact, until in rows.fetchall()}

    def first(self, new: NewAlert) -> tuple[str | None, bool]:
        """(id of the alert that has one of its keys now, whether its content is another).

        Without such an alert a held one claims both keys. A duplicate claims nothing: what was
        never executed must not stand in the way of what comes when the first one's window is
        over.
        """
        exact = new.exact_key or ""
        for key in _keys(new):
            known = self._known.get(key)
            if known is not None and known[2] > new.received_ms:
                return known[0], known[1] != exact
        if new.state == "held":
            claims = (
                (new.exact_key, new.exact_until_ms),
                (new.semantic_key, new.semantic_until_ms),
            )
            for claim, until in claims:
                if claim is not None:
                    self._known[claim] = (new.id, exact, until)
                    self._claimed[claim] = None
        return None, False

    def write(self, connection: sqlite3.Connection) -> None:
        rows = [(key, *self._known[key]) for key in self._claimed]
        _insert(connection, "seen", _SEEN, rows, _SEEN_AGAIN)


def _keys(new: NewAlert) -> list[str]:
    """What an alert is looked up under; one that could not be read, under nothing."""
    if new.state == "invalid":
        return []
    return [key for key in (new.exact_key, new.semantic_key) if key is not None]


class _Positions:
    """Where the alerts say each ticker stands, as the file has it and as this round moves it."""

    def __init__(self, connection: sqlite3.Connection, news: Sequence[NewAlert]) -> None:
        tickers = sorted({new.alert.ticker for new in news if new.alert is not None})
        self._known: dict[str, PositionRow] = {}
        self._moved: dict[str, None] = {}
        if tickers:
            rows = connection.execute(
                "SELECT ticker, side, qty, opened_qty, wall_ms FROM position"
                " WHERE ticker IN (SELECT value FROM json_each(?))",
                (json.dumps(tickers),),
            )
            self._known = {row[0]: PositionRow(*row) for row in rows.fetchall()}

    def follow(self, alert: Alert, wall_ms: int) -> str | None:
        """Move the ticker; why an alert was probably lost before this one, None when none was."""
        last = self._known.get(alert.ticker)
        self._known[alert.ticker] = gaps.after(last, alert, wall_ms)
        self._moved[alert.ticker] = None
        return gaps.check(last, alert)

    def write(self, connection: sqlite3.Connection) -> None:
        moved = [self._known[ticker] for ticker in self._moved]
        rows = [(now.ticker, now.side, now.qty, now.opened_qty, now.wall_ms) for now in moved]
        _insert(connection, "position", _POSITION, rows, _POSITION_AGAIN)


def _alert_row(
    seq: int, new: NewAlert, state: AlertState, first_id: str | None, flags: tuple[str, ...]
) -> tuple[object, ...]:
    """Values of _ALERT."""
    alert = new.alert
    read: tuple[object, ...] = _NO_ALERT
    if alert is not None:
        read = (
            *(alert.ticker, alert.action, alert.trade_id, alert.trade_number),
            *(alert.current_position, alert.new_pos, alert.qty, alert.price),
            *(alert.prev_qty, alert.new_qty, alert.time_ms),
            json.dumps(dict(alert.extras)) if alert.extras else None,
        )
    return (
        *(seq, new.id, new.received_ms, new.wall_ms, state, new.reason, new.mapped),
        *(_flags_text(flags), _flags_text(new.strategies), new.group, new.release_ms),
        *(records.options_text(new.options), new.source, new.token_id, new.body),
        *(new.exact_key, new.semantic_key, None if first_id is None else "duplicate_of"),
        *(first_id, int(new.test), *read),
    )


def _insert(
    connection: sqlite3.Connection,
    table: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[object, ...]],
    again: str = "",
) -> None:
    """Write rows in as few statements as there are ones in the binary form of their number."""
    start, size = 0, _LARGEST
    while start < len(rows):
        if len(rows) - start < size:
            size //= 2
            continue
        values = [value for row in rows[start : start + size] for value in row]
        connection.execute(_statement(table, columns, size, again), values)
        start += size


@lru_cache(maxsize=64)
def _statement(table: str, columns: tuple[str, ...], size: int, again: str) -> str:
    marks = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([marks] * size)}{again}"
