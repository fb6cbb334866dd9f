"""The routing tree with what became of it: lamps, last alerts and deliveries, open questions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from grok_sauce.alerts.report_rows import Job, open_counts, rows
from grok_sauce.alerts.routing import StrategyView, TargetView, TickerView

RECENT: Final = 20_000  # newest deliveries in which the last one of a port is looked for
NO_LAMP: Final[Mapping[str, Any]] = {
    "lamp": "unknown",
    "lamp_text": "not looked at yet",
    "checked_ms": None,
    "next_probe_ms": None,
}

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
    tests: dict[str, dict[str, Any]] = field(default_factory=dict)  # target -> its last test


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
    past.tests = {
        target: json.loads(text)
        for target, text in connection.execute(
            "SELECT target, test FROM target_state WHERE test IS NOT NULL"
        )
    }
    return past


def tickers_of(views: Iterable[StrategyView]) -> list[str]:
    """The tickers of a tree, each once, in file order."""
    return list(dict.fromkeys(ticker.name for each in views for ticker in each.tickers))


def target_names(views: Iterable[StrategyView]) -> dict[str, str]:
    """Target id -> what the user calls it, "" for nothing."""
    return {target.id: target.name for _, _, target in _ports(views)}


def strategies(
    views: Sequence[StrategyView],
    past: Past,
    lamps: Lamps,
    paused_until: Callable[[str], int | None],
) -> list[dict[str, Any]]:
    """The strategies of TREE."""
    users: dict[str, list[tuple[str, str]]] = {}
    for strategy, ticker, target in _ports(views):
        users.setdefault(target.id, []).append((strategy, ticker))
    found = []
    for view in views:
        tickers = [_ticker(view, ticker, past, lamps, users) for ticker in view.tickers]
        found.append(
            {
                "name": view.name,
                "mode": view.mode,
                "daily_pause": view.daily_pause,
                "resume_at": view.resume_at,
                "heartbeat_min": view.heartbeat_min,
                "paused_until_ms": paused_until(view.name),
                **_newest(tickers, None),
                "tickers": tickers,
            }
        )
    return found


def _ports(views: Iterable[StrategyView]) -> Iterable[tuple[str, str, TargetView]]:
    """(strategy, ticker, target) of everything that may be sent to."""
    for view in views:
        for ticker in view.tickers:
            for target in ticker.targets:
                yield view.name, ticker.name, target


def _ticker(
    strategy: StrategyView,
    ticker: TickerView,
    past: Past,
    lamps: Lamps,
    users: Mapping[str, Sequence[tuple[str, str]]],
) -> dict[str, Any]:
    ports = []
    for target in ticker.targets:
        others = [each for each in users[target.id] if each != (strategy.name, ticker.name)]
        also_in = [name if name != ticker.name else f"{of} / {name}" for of, name in others]
        ports.append(_port(target, ticker.name, past, lamps) | {"also_in": also_in})
    return {
        "name": ticker.name,
        "options": _plain(ticker.options),
        "effective": _plain(ticker.effective),
        "gap": past.alerts.get(ticker.name, (0, False))[1],
        **_newest(ports, past.alerts.get(ticker.name)),
        "ports": ports,
    }


def _port(target: TargetView, ticker: str, past: Past, lamps: Lamps) -> dict[str, Any]:
    key = (ticker, target.id)
    when, took = past.delivered.get(key, (None, None))
    return {
        "port": target.port,
        "host": target.host,
        "id": target.id,
        "label": target.name,
        "profile": "nt8-classic",
        **NO_LAMP,
        **lamps.get(target.id, {}),
        "uncertain": past.uncertain.get(key, 0),
        "waiting": past.waiting.get(key, 0),
        "last_alert_ms": past.alerts[ticker][0] if ticker in past.alerts else None,
        "last_delivery_ms": when,
        "lag_ms": took,
        "idempotent": target.idempotent,
        "include_meta": target.include_meta,
        "test": past.tests.get(target.id),
    }


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON has them."""
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in options.items()
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
    return {
        "last_alert_ms": max(alerts, default=None),
        "last_delivery_ms": None if last is None else last["last_delivery_ms"],
        "lag_ms": None if last is None else last["lag_ms"],
    }
