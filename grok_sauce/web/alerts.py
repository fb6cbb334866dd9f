"""The alert log: its page, its rows as JSON and CSV, and every button of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final, Literal, cast

import flask
from werkzeug.routing import BaseConverter

from grok_sauce.alerts.report_filters import MOST_PER_PAGE, PER_PAGE, STATES, TABS, Filters
from grok_sauce.web.alert_parts import answering, iso_day, parts, who, why_absent
from grok_sauce.web.bodies import read_object
from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, page, respond

TOPIC: Final = "alert.state"
NAME: Final = 64  # characters of a strategy or ticker
TRADE_ID: Final = 128
MOST_IDS: Final = 500
MOST_QTY: Final = 10_000
MODES: Final = ("same", "as_new")
DECISIONS: Final = ("arrived", "send")
_TARGET: Final = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,100}")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AlertId(BaseConverter):
    """An alert's id as part of a path.

    Addresses that mean something else are no ids, so that GET /api/alerts/pause is refused with
    the method it takes.
    """

    regex = r"(?!(?:security|audit|pause|dry|replay|acknowledge)/?$)[A-Za-z0-9_-]{1,64}"
    part_isolating = True


def show(site: Site) -> flask.Response:
    """GET /alerts: complete without a script; the filters are the address."""
    filters = read_filters()
    wanted = flask.request.args.get("alert") or None
    if wanted is not None and not _ID.fullmatch(wanted):
        raise Refusal(422, "invalid", "alert must be an alert's id.", "alert")
    snapshot = site.deps.snapshot
    # Read before the rows: what is newer than seq says is drawn twice, never missed.
    context: dict[str, Any] = {"tab": filters.tab, "epoch": snapshot.epoch}
    context |= {"seq": snapshot.seq(TOPIC), "router_url": site.deps.router_url}
    half = site.deps.alerts
    if half is None:
        empty = dict.fromkeys(("log", "detail", "security", "audit"))
        return page("alerts.html", "alerts", **context, **empty, absent=why_absent(site))
    with answering():
        return page(
            "alerts.html",
            "alerts",
            **context,
            log=half.report.page(filters),
            detail=None if wanted is None else half.report.detail(wanted),
            security=half.report.security() if filters.tab == "security" else None,
            audit=half.report.audit() if filters.tab == "audit" else None,
            absent=None,
        )


def rows(site: Site) -> flask.Response:
    """GET /api/alerts."""
    half, filters = parts(site), read_filters()
    with answering():
        return respond(half.report.page(filters))


def export(site: Site) -> flask.Response:
    """GET /api/alerts.csv: everything that fits the filters, sent piece by piece."""
    half, filters = parts(site), read_filters()
    if filters.tab not in ("log", "dead"):
        raise Refusal(422, "invalid", "tab must be log or dead.", "tab")
    pieces = half.report.csv(filters)
    with answering():  # the first rows are read before the answer begins
        first = [next(pieces, ""), next(pieces, "")]
    body: Iterator[str] = chain(first, pieces)
    response = flask.Response(body, content_type="text/csv; charset=utf-8")
    name = "alerts" if filters.day is None else f"alerts-{filters.day.isoformat()}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def one(site: Site, id: str) -> flask.Response:
    """GET /api/alerts/<id>."""
    half = parts(site)
    with answering():
        found = half.report.detail(id)
    if found is None:
        raise _unknown()
    return respond(found)


def security(site: Site) -> flask.Response:
    """GET /api/alerts/security: what was turned away, newest first."""
    half = parts(site)
    with answering():
        return respond({"rows": half.report.security()})


def audit(site: Site) -> flask.Response:
    """GET /api/alerts/audit: who changed what, newest first."""
    half = parts(site)
    with answering():
        return respond({"rows": half.report.audit()})


def pause(site: Site) -> flask.Response:
    """POST /api/alerts/pause {paused}: hold everything, drop nothing."""
    half, on = parts(site), flag(read_object(("paused",)), "paused")
    with answering():
        half.operator.pause(on, who())
        return respond({"numbers": half.report.numbers()})


def dry(site: Site) -> flask.Response:
    """POST /api/alerts/dry {dry}: do everything but send."""
    half, on = parts(site), flag(read_object(("dry",)), "dry")
    with answering():
        half.operator.dry(on, who())
        return respond({"numbers": half.report.numbers()})


def cancel(site: Site, id: str) -> flask.Response:
    """POST /api/alerts/<id>/cancel: a held alert is not released."""
    half = parts(site)
    if flask.request.content_length:
        read_object()
    with answering():
        if not half.report.knows(id):
            raise _unknown()
        half.operator.cancel(id, who())
        return respond(half.report.detail(id))


def decide(site: Site, id: str) -> flask.Response:
    """POST /api/alerts/<id>/decide: what became of a delivery, or send it (again)."""
    half = parts(site)
    body = read_object(("delivery", "decision"), ("qty", "confirm_late"))
    delivery = whole(body, "delivery", 1, 2**53)
    decision = word(body, "decision", DECISIONS)
    qty = None if body.get("qty") is None else whole(body, "qty", 1, MOST_QTY)
    late = flag(body, "confirm_late") if "confirm_late" in body else False
    with answering():
        found = half.report.detail(id)
        if found is None:
            raise _unknown()
        if delivery not in [each["delivery"] for each in found["row"]["targets"]]:
            raise Refusal(404, "not_found", "This alert has no such delivery.", "delivery")
        half.operator.decide(
            id, delivery, cast(Literal["arrived", "send"], decision), who(), qty, late
        )
        return respond(half.report.detail(id))


def replay(site: Site) -> flask.Response:
    """POST /api/alerts/replay: some alerts, or all that failed in a span of time."""
    half = parts(site)
    body = read_object(("mode",), ("ids", "between", "target", "confirm_late"))
    mode = cast(Literal["same", "as_new"], word(body, "mode", MODES))
    late = flag(body, "confirm_late") if "confirm_late" in body else False
    ids = None if body.get("ids") is None else _ids(body)
    between = None if body.get("between") is None else _between(body["between"])
    if (ids is None) == (between is None):
        raise Refusal(422, "invalid", "Give either ids or between.", "ids")
    target = body.get("target")
    if target is not None and not (isinstance(target, str) and _TARGET.fullmatch(target)):
        raise Refusal(422, "invalid", "target must be one like localhost:9060.", "target")
    with answering():
        return respond(half.operator.replay(ids, who(), mode, late, between, target))


def acknowledge(site: Site) -> flask.Response:
    """POST /api/alerts/acknowledge {ids}: seen, nothing to be done."""
    half, ids = parts(site), _ids(read_object(("ids",)))
    with answering():
        count = half.operator.acknowledge(ids, who())
        return respond({"acknowledged": count, "numbers": half.report.numbers()})


# ---- what requests carry -----------------------------------------------------------------


def read_filters() -> Filters:
    """The filters of this address.

    Raises:
        Refusal: 422 naming the first that is not possible.
    """
    args = flask.request.args
    given = {name: args.get(name, "").strip() for name in ("tab", "state", "day", "target")}
    if given["tab"] and given["tab"] not in TABS:
        raise Refusal(422, "invalid", f"tab must be one of {', '.join(TABS)}.", "tab")
    if given["state"] and given["state"] not in STATES:
        raise Refusal(422, "invalid", f"state must be one of {', '.join(STATES)}.", "state")
    if given["target"] and not _TARGET.fullmatch(given["target"]):
        raise Refusal(422, "invalid", "target must be one like localhost:9060.", "target")
    return Filters(
        tab=next((tab for tab in TABS if tab == given["tab"]), "log"),
        strategy=_printable("strategy", NAME),
        ticker=_printable("ticker", NAME),
        target=given["target"] or None,
        state=given["state"] or None,
        day=iso_day(given["day"], "day") if given["day"] else None,
        q=_printable("q", TRADE_ID),
        before=_count("before", 2**53),
        limit=_count("limit", MOST_PER_PAGE) or PER_PAGE,
    )


def _printable(name: str, most: int) -> str | None:
    """Text of a query as it is: tickers are compared as they are written, blanks included."""
    text = flask.request.args.get(name, "")
    if len(text) > most or not text.isprintable():
        raise Refusal(422, "invalid", f"{name} must be at most {most} printable characters.", name)
    return text or None


def _count(name: str, most: int) -> int | None:
    text = flask.request.args.get(name, "").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,16}", text) or not 1 <= int(text) <= most:
        raise Refusal(422, "invalid", f"{name} must be a whole number from 1 to {most}.", name)
    return int(text)


def flag(body: dict[str, Any], key: str) -> bool:
    """true or false of a body.

    Raises:
        Refusal: 422 naming the field.
    """
    value = body[key]
    if not isinstance(value, bool):
        raise Refusal(422, "invalid", f"{key} must be true or false.", key)
    return value


def whole(body: dict[str, Any], key: str, low: int, high: int) -> int:
    """A whole number of a body.

    Raises:
        Refusal: 422 naming the field.
    """
    value = body[key]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Refusal(422, "invalid", f"{key} must be a whole number from {low} to {high}.", key)
    return value


def word(body: dict[str, Any], key: str, words: tuple[str, ...]) -> str:
    """One of a few words of a body.

    Raises:
        Refusal: 422 naming the field.
    """
    value = body[key]
    if not isinstance(value, str) or value not in words:
        raise Refusal(422, "invalid", f"{key} must be one of {', '.join(words)}.", key)
    return value


def _ids(body: dict[str, Any]) -> list[str]:
    value = body["ids"]
    good = isinstance(value, list) and all(
        isinstance(each, str) and _ID.fullmatch(each) for each in value
    )
    if not good or not 1 <= len(value) <= MOST_IDS:
        raise Refusal(422, "invalid", f"ids must be 1 to {MOST_IDS} ids of alerts.", "ids")
    return list(dict.fromkeys(value))


def _between(value: Any) -> tuple[int, int]:
    if not isinstance(value, dict) or set(value) != {"from_ms", "to_ms"}:
        raise Refusal(422, "invalid", "between must be {from_ms, to_ms}.", "between")
    begin, end = (whole(value, name, 0, 2**53) for name in ("from_ms", "to_ms"))
    if begin >= end:
        raise Refusal(422, "invalid", "between must begin before it ends.", "between")
    return begin, end


def _unknown() -> Refusal:
    return Refusal(404, "not_found", "There is no alert of that id.")
