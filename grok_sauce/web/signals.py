"""The signal strategy: its page, its state, evaluations and paper trades, and its switch."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import flask

from grok_sauce.questions import Unavailable
from grok_sauce.web.bodies import read_object
from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, page, respond
from grok_sauce.web.tickers import choice, normal_symbol

TOPIC: Final = "strategy.state"
SHOWN: Final = 40
MOST: Final = 1_000
PATIENCE: Final = 10.0  # seconds for a list to be read
WHICH: Final = ("all", "crosses", "signals")
WHAT: Final = ("evaluations", "trades")
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # spreadsheets run cells that begin so
VERDICTS: Final = ("gate", "session", "cooldown", "position")
TESTED: Final = ("cross", "lt", "risk")
TRADE: Final = (
    "id", "time", "contract", "quantity", "level_name", "level", "price", "stop", "target",
    "risk", "expires_at",
)  # fmt: skip
END: Final = (
    "entered_at", "entry", "exited_at", "exit", "reason", "points", "dollars", "commission",
    "ambiguous", "bar_seconds",
)  # fmt: skip


def show(site: Site) -> flask.Response:
    """GET /signals[?symbol=/NQ][&evaluation=12]: complete without a script."""
    asked = _symbol()
    snapshot = site.deps.snapshot
    found = site.deps.questions.ask("signals.state", {"symbol": asked})
    if isinstance(found, Unavailable) and asked is not None:
        # A link to a symbol that is watched no more leads to what is.
        found = site.deps.questions.ask("signals.state", {})
    problem = found.reason if isinstance(found, Unavailable) else None
    state = None if problem else found
    # What is newer than seq says is drawn twice, never missed.
    seq = 0 if state is None else snapshot.read(TOPIC, state["symbol"])[0]
    return page(
        "signals.html",
        "signals",
        state=state,
        lines=[] if state is None else [_dated(each) for each in state["evaluations"]],
        problem=problem,
        epoch=snapshot.epoch,
        seq=seq,
        evaluation=_number("evaluation", None),
    )


def state(site: Site) -> flask.Response:
    """GET /api/signals[?symbol=]: {epoch, seq, signals}, what the page shows."""
    snapshot = site.deps.snapshot
    found = site.ask("signals.state", PATIENCE, symbol=_symbol())
    seq = snapshot.read(TOPIC, found["symbol"])[0]
    return respond({"epoch": snapshot.epoch, "seq": seq, "signals": found})


def evaluations(site: Site) -> flask.Response:
    """GET /api/signals/evaluations[?symbol=&which=&limit=&before=]: whole, newest first."""
    found = site.ask(
        "signals.evaluations",
        PATIENCE,
        symbol=_symbol(),
        limit=_number("limit", SHOWN, MOST),
        before=_number("before", None),
        which=choice("which", WHICH, "all"),
    )
    return respond({"evaluations": found})


def evaluation(site: Site, seq: int) -> flask.Response:
    """GET /api/signals/evaluations/<seq>: one, with levels, ages, factor, LT list, verdicts."""
    found = site.ask("signals.evaluation", PATIENCE, seq=seq)
    if found is None:
        raise Refusal(404, "not_found", "This evaluation is not kept.", "seq")
    return respond(found)


def export(site: Site) -> flask.Response:
    """GET /api/signals.csv[?symbol=&what=evaluations|trades]: newest first; unknown is empty."""
    what = choice("what", WHAT, "evaluations")
    symbol = _symbol()
    if what == "trades":
        found = site.ask("signals.trades", PATIENCE, symbol=symbol, limit=MOST)
        text = _text((*TRADE, *END), (_trade_cells(each) for each in found["signals"]))
    else:
        kept = site.ask("signals.evaluations", PATIENCE, symbol=symbol, limit=MOST)
        text = _text(_EVALUATION, (cells for each in kept for cells in _evaluation_cells(each)))
    response = flask.Response(text, content_type="text/csv; charset=utf-8")
    name = f"signals-{what}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def enable(site: Site) -> flask.Response:
    """POST /strategy/enable[?symbol=]: tell signals from now on."""
    return _switch(site, "strategy.enable")


def disable(site: Site) -> flask.Response:
    """POST /strategy/disable[?symbol=]: tell none from now on."""
    return _switch(site, "strategy.disable")


def _switch(site: Site, control: str) -> flask.Response:
    if flask.request.content_length:
        read_object()
    return respond(site.deps.controls.do(control, symbol=_symbol()))


# ---- what is given ----------------------------------------------------------------------------


def _symbol() -> str | None:
    given = flask.request.args.get("symbol", "").strip()
    return normal_symbol(given) if given else None


def _number(name: str, default: int | None, most: int = 2**53) -> int | None:
    text = flask.request.args.get(name, "").strip()
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,16}", text, re.ASCII) or not 1 <= int(text) <= most:
        raise Refusal(422, "invalid", f"{name} must be a whole number from 1 to {most}.", name)
    return int(text)


# ---- what is answered -------------------------------------------------------------------------


def _dated(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line with its time as the filters of templates take it."""
    closed = datetime.fromisoformat(line["closed_at"])
    return {**line, "closed_ms": round(closed.timestamp() * 1000)}


_EVALUATION: Final = (
    "seq", "closed_at", "symbol", "contract", "open", "high", "low", "close", "volume", "result",
    "mode", "reason", "level_name", "level", "level_result",
    *(f"{name}_{what}" for name in (*VERDICTS, *TESTED) for what in ("passed", "value", "limit")),
    "levels_source", "levels_age", "factor", "factor_age", "lt_age", "lt_prices",
)  # fmt: skip


def _evaluation_cells(each: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    """A row for each level tested, one with empty cells where none was."""
    candle, levels, lt = each["candle"], each["levels"], each["lt"]
    head = (
        *(each["seq"], each["closed_at"], each["symbol"]),
        *(candle[name] for name in ("contract", "open", "high", "low", "close", "volume")),
        *(each["result"], each["mode"], each["reason"]),
    )
    prices = [] if lt is None else [price for price in lt["prices"] if price is not None]
    tail = (
        None if levels is None else levels["source"],
        *(each["levels_age"], each["factor"], each["factor_age"], each["lt_age"]),
        " ".join(f"{price:g}" for price in prices),
    )
    own = [_verdict(each["verdicts"][name]) for name in VERDICTS]
    for test in each["tests"] or [None]:
        named = (
            (None, None, None) if test is None else (test["name"], test["price"], test["result"])
        )
        of_level = [_verdict(None if test is None else test[name]) for name in TESTED]
        yield (*head, *named, *(cell for one in (*own, *of_level) for cell in one), *tail)


def _verdict(found: Mapping[str, Any] | None) -> tuple[Any, Any, Any]:
    if found is None:
        return None, None, None
    return found["passed"], found["value"], found["limit"]


def _trade_cells(each: Mapping[str, Any]) -> Sequence[Any]:
    end = each["end"] or dict.fromkeys(END)
    return (*(each[name] for name in TRADE), *(end[name] for name in END))


def _text(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Unknown is empty, truth a word of JSON; text is no formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
