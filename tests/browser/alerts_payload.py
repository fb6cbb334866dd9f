"""What the alert half answers on a made-up Wednesday, 2026-12-16, 14:32:07 New York.

make_row(**values), make_rows() -> ROW        make_numbers(**values) -> NUMBERS
make_log(rows, **values) -> GET /api/alerts   make_detail(row, **values) -> GET /api/alerts/<id>
make_tree() -> GET /api/routing               make_tokens() -> GET /api/tokens
"""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

NOW_MS = 1797449527000
NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> int:
    """Unix milliseconds of hh:mm:ss.mmm of that day, New York."""
    clock, _, rest = text.partition(".")
    hour, minute, second = (int(each) for each in clock.split(":"))
    moment = datetime(2026, 12, 16, hour, minute, second, tzinfo=NEW_YORK)
    return int(moment.timestamp()) * 1000 + int(rest or 0)


def make_target(port: int, state: str = "delivered", **values: Any) -> dict[str, Any]:
    target = {"delivery": port, "target": f"localhost:{port}", "port": port, "label": f"NT {port}"}
    return {**target, "leg": "open", "state": state, "reason": None, "attempts": 1, **values}


def make_row(id: str = "a1", seq: int = 1, **values: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": id,
        "seq": seq,
        "received_ms": at("14:30:02.417"),
        "ticker": "NQ_Long_5min",
        "action": "buy",
        "sent_as": "open long",
        "trade_id": f"Open_Long_ID_{seq}",
        "qty": 2,
        "price": 21406.25,
        "state": "done",
        "reason": None,
        "targets": [make_target(8091)],
        "tries": 1,
        "total_ms": 2038,
        "flags": [],
        "strategies": ["NQ trend 5 min"],
        "release_ms": None,
        "needs": False,
        "question": None,
        "acknowledged": False,
        "link": None,
    }
    return {**row, **values}


def make_question(kind: str = "arrived", **values: Any) -> dict[str, Any]:
    texts = {
        "arrived": "Port 8093 took the request and did not answer within 5s.",
        "size": "The order of 3 closes the old side and opens the new one in one.",
        "close": "The close for port 8093 was not delivered, so the open was not sent.",
    }
    question = {"delivery": 8093, "kind": kind, "port": 8093, "qty": 2, "late": False}
    return {**question, "text": texts[kind], **values}


# received, ticker, action, sent as, trade_id, state, targets, tries, ms, flags
_DAY: list[tuple[Any, ...]] = [
    ("14:32:06.118", "NQ_Long_5min", "buy", "open long", "Open_Long_ID_1842", "held",
     [(8091, "held"), (8092, "held")], 0, None, []),
    ("14:31:40.902", "ES_Long_15", "sell", "close long", "Close_Long_ID_641", "released",
     [(8095, "retry_wait")], 2, 1630, []),
    ("14:31:40.655", "MNQ_30minL", "buy", "open long", "Open_Long_ID_409", "uncertain",
     [(8093, "uncertain")], 1, 7009, []),
    ("14:31:02.002", "RTY_rev", "buy", "close short, open long", "Rev_ID_12", "uncertain",
     [(8093, "delivered"), (8093, "uncertain")], 1, 2310, []),
    ("14:30:02.417", "NQ_Long_5min", "sell", "close long", "Close_Long_ID_1841", "done",
     [(8091, "delivered"), (8092, "delivered")], 1, 2038, []),
    ("14:30:02.391", "NQ_Short_5min", "sell", "open short", "Open_Short_ID_1012", "done",
     [(8094, "delivered")], 1, 2311, []),
    ("14:20:05.660", "ES_Short_15", "sell", "open short", "Open_Short_ID_771", "duplicate",
     [], 0, None, ["conflict"]),
    ("14:20:00.612", "ES_Short_15", "sell", "open short", "Open_Short_ID_771", "done",
     [(8095, "delivered")], 1, 2044, []),
    ("14:15:01.003", "MNQ_30minL", "sell", "close long", "Close_Long_ID_408", "done",
     [(8093, "delivered")], 3, 4187, ["gap"]),
    ("14:12:48.220", "TEST-NQ_long", "buy", "open long", "TEST_20261216_3", "done",
     [(8091, "delivered")], 1, 14, ["test"]),
    ("14:10:00.540", "RTY_scalp", "buy", None, "Open_Long_ID_55", "unrouted", [], 0, None, []),
    ("14:05:00.731", "NQ_Long_5min", "sell", "close long", "Close_Long_ID_1840", "cancelled",
     [], 0, None, ["net_zero_pair"]),
    ("14:05:00.488", "NQ_Long_5min", "buy", "open long", "Open_Long_ID_1840", "cancelled",
     [], 0, None, ["net_zero_pair"]),
    ("13:45:01.277", "MNQ_30minL", "buy", "open long", "Open_Long_ID_408", "done",
     [(8093, "delivered")], 1, 2036, ["bad_time"]),
    ("13:40:00.385", "ES_Long_15", "buy", "open long", "Open_Long_ID_640", "partial",
     [(8095, "delivered"), (8096, "expired")], 4, 61040, ["late"]),
    ("13:22:10.417", "GC_swing", "buy", "open long", "Open_Long_ID_12", "refused",
     [(8099, "refused")], 1, 31, []),
    ("13:15:00.640", "NQ_Long_5min", "buy", "open long", "Open_Long_ID_1839", "done",
     [(8091, "delivered"), (8092, "delivered")], 1, 2037, []),
]  # fmt: skip


def make_rows() -> list[dict[str, Any]]:
    """The day's alerts, newest first, with one question of each kind but "close"."""
    rows = []
    for place, (received, ticker, action, sent_as, trade, state, targets, *rest) in enumerate(_DAY):
        seq = 20_420 - place
        tries, total, flags = rest
        made = [make_target(port, word, delivery=seq * 10 + n, attempts=tries)
                for n, (port, word) in enumerate(targets)]  # fmt: skip
        row = make_row(f"a{seq}", seq, received_ms=at(received), ticker=ticker, action=action)
        row |= {"sent_as": sent_as, "trade_id": trade, "state": state, "targets": made}
        row |= {"tries": tries, "total_ms": total, "flags": flags}
        row["needs"] = state in ("uncertain", "unrouted", "refused")
        rows.append(row)
    rows[0]["release_ms"] = NOW_MS + 1100
    rows[2]["question"] = make_question(delivery=rows[2]["targets"][0]["delivery"])
    rows[3]["targets"][0]["leg"] = "close"
    rows[3]["targets"][1]["reason"] = "reversal_qty_unknown"
    rows[3]["question"] = make_question("size", delivery=rows[3]["targets"][1]["delivery"], qty=1)
    rows[10]["strategies"] = []
    rows[14]["needs"] = True
    return rows


def make_numbers(**values: Any) -> dict[str, Any]:
    numbers = {
        "paused": False,
        "dry": False,
        "waiting": 2,
        "oldest_undelivered_s": 26.1,
        "received_hour": 31,
        "rejected_hour": 4,
        "delivered_p50_ms": 2040,
        "delivered_p99_ms": 4190,
        "needs": 5,
        "dead": 5,
        "queue_alarm": False,
        "guards": [],
        "breakers": [],
        "problems": [],
        "today": {"received": 184, "delivered": 168, "held": 2, "needs": 5},
        "mark": "down",
        "text": "5 need you",
        "clock_offset_s": 0.2,
    }
    return {**numbers, **values}


def make_log(rows: list[dict[str, Any]] | None = None, **values: Any) -> dict[str, Any]:
    rows = make_rows() if rows is None else rows
    filters = {
        "strategies": ["ES 15 min", "MNQ 30 min", "NQ trend 5 min", "Swing"],
        "tickers": sorted({row["ticker"] for row in rows}),
        "targets": ["localhost:8091", "localhost:8093", "localhost:8095"],
        "states": ["held", "released", "done", "uncertain", "refused"],
    }
    log = {"rows": rows, "total": max(184, len(rows)) if rows else 0, "more": len(rows) > 10}
    return {**log, "numbers": make_numbers(), "filters": filters, "day": None, **values}


def make_detail(row: dict[str, Any], **values: Any) -> dict[str, Any]:
    words = [
        (0, "Received and held", "held", False),
        (2003, "Released: place 1 of 1", "released", False),
        (2, "Sent to port 8093, open long", "sending", False),
        (5004, "port 8093, open long: nobody knows whether it arrived: read timeout",
         "uncertain", True),
    ]  # fmt: skip
    moment, events = row["received_ms"], []
    for plus, text, now, bad in words:
        moment += plus
        events.append({"at_ms": moment, "plus_ms": plus, "who": "router", "text": text,
                       "was": None, "now": now, "bad": bad})  # fmt: skip
    attempt = {"n": 1, "target": "localhost:8093", "leg": "open", "status": "read timeout"}
    detail = {
        "row": row,
        "wall_ms": row["received_ms"],
        "source": "52.89.214.238",
        "token": "TradingView",
        "body": '{"ticker":"MNQ_30minL","action":"buy","qty":"2","price":"21406.25",'
        '"current_position":"long","new_pos":"long","trade_id":"Open_Long_ID_409",'
        '"secret":"••••••"}',
        "alert": {"ticker": row["ticker"], "action": row["action"], "qty": row["qty"]},
        "keys": {"exact": "9f3c" + "0" * 58 + "e1", "semantic": "MNQ_30minL / Open_Long_ID_409"},
        "links": [{"kind": "duplicate_of", "id": "a20413"}],
        "events": events,
        "attempts": [{**attempt, "http": None, "ms": 5004, "answer": None, "at_ms": moment}],
        "sent": [
            {
                "target": "localhost:8093",
                "leg": "open",
                "body": '{"ticker":"MNQ_30minL","action":"open","direction":"long","qty":2,'
                '"price":21406.25,"time":"12/16/2026 02:30:00 PM"}',
            }
        ],
        "position": {"side": "long", "qty": 2, "at_ms": row["received_ms"]},
    }
    return {**detail, **values}


EFFECTIVE = {
    "delay_s": 2.0,
    "group": "",
    "gap_ms": 250,
    "net_zero_cancel": True,
    "reversal_qty": "ask",
    "fresh_open_s": 60,
    "fresh_close_s": 600,
    "ambiguous_policy": "hold",
    "ambiguous_policy_close": "hold",
    "gap_policy": "warn",
    "no_open_between": [],
    "no_open_news_min": 0,
}


def _port(port: int, label: str, **values: Any) -> dict[str, Any]:
    made = {"port": port, "host": "localhost", "id": f"localhost:{port}", "label": label}
    made |= {"profile": "nt8-classic", "lamp": "up", "lamp_text": "listening, 3s ago"}
    made |= {"checked_ms": NOW_MS - 3000, "next_probe_ms": None, "also_in": [], "uncertain": 0}
    made |= {"waiting": 0, "last_alert_ms": NOW_MS - 1000, "last_delivery_ms": NOW_MS - 123_000}
    return {**made, "lag_ms": 2040, "idempotent": False, "include_meta": False, "test": None,
            **values}  # fmt: skip


def _ticker(name: str, ports: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    options = values.pop("options", {})
    made = {"name": name, "options": options, "effective": {**EFFECTIVE, **options}, "gap": False}
    made |= {"last_alert_ms": NOW_MS - 1000, "last_delivery_ms": NOW_MS - 123_000, "lag_ms": 2040}
    return {**made, "ports": ports, **values}


def _strategy(name: str, tickers: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    made = {"name": name, "mode": "live", "daily_pause": False, "resume_at": "18:00"}
    made |= {"paused_until_ms": None, "last_alert_ms": NOW_MS - 1000, "lag_ms": 2040}
    return {**made, "last_delivery_ms": NOW_MS - 123_000, "tickers": tickers, **values}


NEVER = {"last_alert_ms": NOW_MS - 4_140_000, "last_delivery_ms": None, "lag_ms": None}
_TREE: dict[str, Any] = {
    "revision": "r1",
    "problem": None,
    "versions": [{"n": 1, "at_ms": NOW_MS - 3_600_000}, {"n": 2, "at_ms": NOW_MS - 86_400_000}],
    "webhook": {"path": "/webhook/", "masked": "••••••••", "token_file": "data/webhook_token"},
    "strategies": [
        _strategy("NQ trend 5 min", [
            _ticker("NQ_Long_5min", [
                _port(8091, "NT8 main", test={
                    "ok": True, "text": "200", "ms": 12, "at_ms": NOW_MS - 60_000}),
                _port(8092, "NT8 backup"),
            ], options={"group": "NQ"}),
            _ticker("NQ_Short_5min", [_port(8094, "NT8 short")], options={"group": "NQ"}),
        ]),
        _strategy("MNQ 30 min", [
            _ticker("MNQ_30minL", [_port(8093, "MNQ long", uncertain=1)], gap=True),
        ]),
        _strategy("ES 15 min", [
            _ticker("ES_Long_15", [_port(
                8095, "ES desk", lamp="breaker", lamp_text="paused, next probe in 4s",
                next_probe_ms=NOW_MS + 4000, also_in=["ES_Short_15"])]),
            _ticker("ES_Short_15", [_port(
                8095, "ES desk", lamp="breaker", lamp_text="paused, next probe in 4s",
                next_probe_ms=NOW_MS + 4000, also_in=["ES_Long_15"])]),
        ]),
        _strategy("Swing", [
            _ticker("GC_swing", [_port(8099, "GC", lamp="down", lamp_text="refused, 4s ago",
                test={"ok": False, "text": "400", "ms": 31, "at_ms": NOW_MS}, **NEVER)],
                options={"delay_s": 0}, **NEVER),
        ], **NEVER),
        _strategy("RTY scalps", [], mode="dry", last_alert_ms=None, last_delivery_ms=None,
                  lag_ms=None),
    ],
}  # fmt: skip


def make_tree(**values: Any) -> dict[str, Any]:
    """The routing tree with five strategies, as GET /api/routing answers it."""
    return {**copy.deepcopy(_TREE), **values}


def make_tokens() -> dict[str, Any]:
    row = {"id": 1, "name": "first", "created_ms": NOW_MS - 864_000_000, "used_ms": NOW_MS - 1000}
    rows = [
        {**row, "expires_ms": None, "tickers": None},
        {**row, "id": 2, "name": "desk", "used_ms": None, "expires_ms": None, "tickers": ["GC"]},
    ]
    return {"rows": rows, "file": "data/webhook_token"}
