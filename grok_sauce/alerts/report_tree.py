"""The routing tree with what became of it: lamps, last alerts and deliveries, open questions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from grok_sauce.alerts.records import switches
from grok_sauce.alerts.report_rows import Job, open_counts, rows

RECENT: Final = 20_000  # newest deliveries in which the last one of a port is looked for
NO_LAMP: Final[Mapping[str, Any]] = {
    "lamp": "unknown",
    "lamp_text": "not looked at yet",
    "checked_ms": None,
    "next_probe_ms": None,
}
_TIMES: Final = ("last_alert_ms", "last_delivery_ms", "lag_ms")

# (strategy, ticker) -> every option in force there, defaults included.
Effective = Callable[[str, str], Mapping[str, Any]]
# target id -> {lamp, lamp_text, checked_ms, next_probe_ms}
Lamps = Mapping[str, Mapping[str, Any]]


@dataclass
class Past:
    """What the tables know of the tickers and targets of a tree; made on a native thread.

    Keys are (ticker, target); times are wall-clock milliseconds.
    """

    alerts: dict[str, tuple[int, bool]] = field(default_factory=dict)  # when, and a gap before it
    delivered: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # when, took
    waiting: dict[tuple[str, str], int] = field(default_factory=dict)
    uncertain: dict[tuple[str, str], int] = field(default_factory=dict)
    tests: dict[str, str] = field(default_factory=dict)  # target -> JSON of the last test
    switches: dict[str, str] = field(default_factory=dict)


def find_past(connection: sqlite3.Connection, tickers: Iterable[str]) -> Past:
    """The last alert and deliveries of each of these tickers, and what is open."""
    past = Past()
    for ticker in tickers:
        last = connection.execute(
            "SELECT wall_ms, flags FROM alert WHERE ticker = ? ORDER BY seq DESC LIMIT 1",
            (ticker,),
        ).fetchone()
        if last is not None:
            past.alerts[ticker] = (last[0], '"gap"' in last[1])
    newest = rows(
        connection,
        "SELECT a.ticker, d.target, a.wall_ms, a.received_ms, d.settled_ms, max(d.id) AS id FROM"
        " (SELECT * FROM delivery ORDER BY id DESC LIMIT ?) d JOIN alert a ON a.seq = d.alert_seq"
        " WHERE d.state = 'delivered' AND d.settled_ms IS NOT NULL GROUP BY a.ticker, d.target",
        (RECENT,),
    )
    for each in newest:
        took = each["settled_ms"] - each["received_ms"]
        past.delivered[each["ticker"], each["target"]] = (each["wall_ms"] + took, took)
    for each in open_counts(connection):
        key = (each["ticker"], each["target"])
        kept = past.uncertain if each["state"] == "uncertain" else past.waiting
        kept[key] = kept.get(key, 0) + each["n"]
    past.tests = dict(
        connection.execute("SELECT target, test FROM target_state WHERE test IS NOT NULL")
    )
    past.switches = switches(connection)
    return past


def tickers_of(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Ticker -> strategies that list it, both in the tree's order."""
    found: dict[str, list[str]] = {}
    for name, strategy in _strategies(document):
        for ticker, _ in _tickers(strategy):
            found.setdefault(ticker, []).append(name)
    return found


def names(document: Mapping[str, Any]) -> list[str]:
    """The strategies of a tree."""
    return [name for name, _ in _strategies(document)]


def targets(document: Mapping[str, Any]) -> list[str]:
    """The targets of a tree by id, each once, in the tree's order."""
    return [target_id(port) for port in _users(document)]


def target_id(port: int) -> str:
    """What a target of this machine is called in deliveries and keys."""
    return f"localhost:{port}"


def target_names(document: Mapping[str, Any]) -> dict[str, str]:
    """Target id -> what the user calls it, of those that have a name."""
    found = _target_options(document)
    return {id: str(each["name"]) for id, each in found.items() if each.get("name")}


def strategies(
    document: Mapping[str, Any],
    past: Past,
    effective: Effective,
    lamps: Lamps,
    tests: Mapping[str, dict[str, Any] | None],
    paused_until: Callable[[str], int | None],
) -> list[dict[str, Any]]:
    """The strategies of TREE."""
    shared = _users(document)
    options = _target_options(document)
    found = []
    for name, strategy in _strategies(document):
        listed = []
        for ticker, entry in _tickers(strategy):
            ports = [
                _port(port, name, ticker, past, options, shared, lamps, tests)
                for port in ports_of(entry)
            ]
            listed.append(
                {
                    "name": ticker,
                    "options": {key: value for key, value in entry.items() if key != "ports"},
                    "effective": dict(effective(name, ticker)),
                    "gap": past.alerts.get(ticker, (0, False))[1],
                    **_newest(ports, past.alerts.get(ticker)),
                    "ports": ports,
                }
            )
        found.append(
            {
                "name": name,
                "mode": strategy.get("mode") or "off",
                "daily_pause": bool(strategy.get("daily_pause")),
                "resume_at": strategy.get("resume_at"),
                "heartbeat_min": strategy.get("heartbeat_min"),
                "paused_until_ms": paused_until(name),
                **_newest(listed, None),
                "tickers": listed,
            }
        )
    return found


def ports_of(entry: Mapping[str, Any]) -> list[int]:
    """The ports of a ticker as numbers, each once; what is none is left to the tree's own check."""
    found: dict[int, None] = {}
    for port in entry.get("ports") or ():
        text = str(port).strip()
        if not isinstance(port, bool) and text.isascii() and text.isdecimal():
            found[int(text)] = None
    return list(found)


def _port(
    port: int,
    strategy: str,
    ticker: str,
    past: Past,
    options: Mapping[str, Mapping[str, Any]],
    shared: Mapping[int, Sequence[tuple[str, str]]],
    lamps: Lamps,
    tests: Mapping[str, dict[str, Any] | None],
) -> dict[str, Any]:
    id = target_id(port)
    own = options.get(id, {})
    key = (ticker, id)
    when, took = past.delivered.get(key, (None, None))
    others = [each for each in shared.get(port, ()) if each != (strategy, ticker)]
    return {
        "port": port,
        "host": "localhost",
        "id": id,
        "label": own.get("name") or "",
        "profile": "nt8-classic",
        **NO_LAMP,
        **lamps.get(id, {}),
        "also_in": [name if name != ticker else f"{other} / {name}" for other, name in others],
        "uncertain": past.uncertain.get(key, 0),
        "waiting": past.waiting.get(key, 0),
        "last_alert_ms": past.alerts[ticker][0] if ticker in past.alerts else None,
        "last_delivery_ms": when,
        "lag_ms": took,
        "idempotent": bool(own.get("idempotent")),
        "include_meta": bool(own.get("include_meta")),
        "test": tests.get(id),
    }


def _newest(below: Sequence[Job], alert: tuple[int, bool] | None) -> dict[str, Any]:
    """The newest of what stands below: alert, delivery, and how long that took."""
    alerts = [each["last_alert_ms"] for each in below if each["last_alert_ms"] is not None]
    if alert is not None:
        alerts.append(alert[0])
    last = max(
        (each for each in below if each["last_delivery_ms"] is not None),
        key=lambda each: int(each["last_delivery_ms"]),
        default=None,
    )
    values = (
        max(alerts, default=None),
        None if last is None else last["last_delivery_ms"],
        None if last is None else last["lag_ms"],
    )
    return dict(zip(_TIMES, values, strict=True))


def _users(document: Mapping[str, Any]) -> dict[int, list[tuple[str, str]]]:
    """Port -> who uses it: (strategy, ticker)."""
    found: dict[int, list[tuple[str, str]]] = {}
    for name, strategy in _strategies(document):
        for ticker, entry in _tickers(strategy):
            for port in ports_of(entry):
                found.setdefault(port, []).append((name, ticker))
    return found


def _strategies(document: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    found: Mapping[str, Mapping[str, Any]] = document.get("strategies") or {}
    return found.items()


def _tickers(strategy: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    found: Mapping[str, Mapping[str, Any]] = strategy.get("tickers") or {}
    return found.items()


def _target_options(document: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    routing = document.get("routing") or {}
    found: Mapping[str, Mapping[str, Any]] = routing.get("targets") or {}
    return found
