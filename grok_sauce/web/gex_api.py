"""Levels, chains and their history as JSON and CSV; the signal service's two addresses."""

from __future__ import annotations

import csv
import io
import re
from bisect import bisect_right
from datetime import UTC, date, datetime
from typing import Any, Final

import flask
import orjson

from grok_sauce.errors import SourceError
from grok_sauce.questions import Unavailable
from grok_sauce.web.errors import Refusal
from grok_sauce.web.gex import UNITS
from grok_sauce.web.site import Site, respond
from grok_sauce.web.tickers import choice, normal_symbol, normal_view

GAMMAS: Final = ("model", "feed", "file")
MOST_STRIKES: Final = 1000  # rows each side of spot
TRUTH: Final = {"true": True, "1": True, "false": False, "0": False, "": False}
PATIENCE: Final = 10.0  # seconds for a chain that has to be fetched and calculated first
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # spreadsheets run cells that begin so


def levels(site: Site, symbol: str | None = None) -> flask.Response:
    """GET /api/gex?symbol= and /api/gex/<symbol>, with expiry, unit, gamma, strikes."""
    each_side = _each_side(flask.request.args.get("strikes"))
    found = site.ask(
        "gex.levels",
        PATIENCE,
        symbol=_symbol(symbol),
        view=normal_view(flask.request.args.get("expiry"), "expiry"),
        unit=choice("unit", UNITS, "pct"),
        gamma=choice("gamma", GAMMAS, "model"),
    )
    state, text = found["status"]["state"], found["status"]["text"]
    if state == "no_chain":
        raise Refusal(404, "no_chain", text or "There is no option chain.", "symbol")
    if state == "refused":
        raise Refusal(422, "refused", text or "This chain is refused.", "symbol")
    if state == "loading" and not found.get("strikes"):
        raise Refusal(503, "loading", text or "The chain is loading.", retry_after=2)
    answer = {key: value for key, value in found.items() if key != "columns"}
    if each_side is not None:
        answer["strikes"] = _nearest(answer["strikes"], found["spot"], each_side)
    return _quick(answer)


def chain(site: Site, symbol: str | None = None) -> flask.Response:
    """GET /api/chain.csv?symbol= and /api/chain/<symbol>.csv: the contracts behind the numbers."""
    name = _symbol(symbol)
    view = normal_view(flask.request.args.get("expiry"), "expiry")
    found = site.ask("gex.chain", PATIENCE, symbol=name, view=view)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(found["header"])
    writer.writerows([_cell(value) for value in row] for row in found["rows"])
    response = flask.Response(text.getvalue(), content_type="text/csv; charset=utf-8")
    stamp = re.sub(r"[^0-9TZ]", "", str(found["as_of"]).partition(".")[0])
    plain = re.sub(r"[^A-Z0-9.]", "_", name)
    response.headers["Content-Disposition"] = (
        f'attachment; filename="{plain}-chain-{stamp or "undated"}.csv"'
    )
    return response


def history(site: Site) -> flask.Response:
    """GET /api/history/gex?symbol=[&date=][&at=]: a session's minutes, or one minute whole."""
    args = flask.request.args
    symbol = normal_symbol(args.get("symbol"))
    if normal_view(args.get("view"), "view") != "all":
        raise Refusal(422, "invalid", "Only the view all is kept minute by minute.", "view")
    if args.get("at"):
        at_ms = _moment(args["at"])
        found = site.ask("gex.minute", symbol=symbol, at_ms=at_ms)
        if found is None:
            raise Refusal(404, "not_kept", "Nothing is kept of that minute.", "at")
        return _quick(found)
    day = args.get("date") or None
    if day is not None and not _is_day(day):
        raise Refusal(422, "invalid", "date must be a day like 2026-12-16.", "date")
    return _quick(site.ask("gex.history", symbol=symbol, date=day))


def signal_levels(site: Site) -> flask.Response:
    """GET /gex/levels: 404 with the reason while there are none."""
    found = site.deps.questions.ask("gex.e80", {}, PATIENCE)
    if isinstance(found, Unavailable):
        raise Refusal(404, "no_levels", _sentence(found.reason))
    return respond(found)


def refresh(site: Site) -> flask.Response:
    """POST /gex/refresh[?force=true]: calculate anew, at most every five minutes."""
    given = flask.request.args.get("force", "").strip().lower()
    if given not in TRUTH:
        raise Refusal(422, "invalid", "force must be true or false.", "force")
    try:
        found = site.deps.controls.do("gex.refresh", force=TRUTH[given])
    except SourceError as problem:
        raise Refusal(503, "no_levels", _sentence(str(problem))) from None
    return respond(found)


def _symbol(from_path: str | None) -> str:
    return normal_symbol(from_path if from_path is not None else flask.request.args.get("symbol"))


def _each_side(text: str | None) -> int | None:
    """How many strikes each side of spot are wanted; None: all.

    Raises:
        Refusal: 422 naming the field.
    """
    if text is None or not text.strip():
        return None
    if not re.fullmatch(r"[0-9]{1,4}", text.strip()) or int(text) > MOST_STRIKES:
        raise Refusal(
            422, "invalid", f"strikes must be a whole number from 0 to {MOST_STRIKES}.", "strikes"
        )
    return int(text)


def _nearest(
    rows: list[dict[str, Any]], spot: float | None, each_side: int
) -> list[dict[str, Any]]:
    """The rows next to spot, so many below (spot's own among them) and so many above."""
    if spot is None:
        return rows if each_side else []
    above = bisect_right(rows, spot, key=lambda row: row["strike"])
    return rows[max(0, above - each_side) : above + each_side]


def _cell(value: Any) -> Any:
    """Numbers and JSON's words as they are, the unknown empty, text that is no formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def _moment(text: str) -> int:
    """Unix milliseconds, or ISO-8601 with its offset."""
    try:
        if re.fullmatch(r"[0-9]{1,14}", text):
            return int(text)
        # A "+" of an offset arrives as a blank when nobody quoted it.
        when = datetime.fromisoformat(text.strip().replace(" ", "+"))
        if when.tzinfo is None:
            raise ValueError("no offset")
        return int(when.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Refusal(
            422, "invalid", "at must be Unix milliseconds or like 2026-12-16T14:05:00Z.", "at"
        ) from None


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _quick(value: dict[str, Any]) -> flask.Response:
    """Large answers as JSON in a fifth of the time."""
    return flask.Response(orjson.dumps(value), mimetype="application/json")


def _sentence(text: str) -> str:
    words = text[:1].upper() + text[1:]
    return words if words.endswith((".", "!", "?")) else f"{words}."
