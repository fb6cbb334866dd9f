"""The butterfly planner: the page, its prices as JSON, saved candidates."""

from __future__ import annotations

from typing import Any, Final

import flask

from grok_sauce.web.bodies import read_object
from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, page, respond

TOPIC: Final = "butterfly.mark"
FIELDS: Final = (
    "symbol",
    "expiry",
    "root",
    "center",
    "width",
    "width_high",
    "compare",
    "side",
    "price",
    "quantity",
    "fees",
)
LONGEST: Final = 24  # characters of a value
ID: Final = 40
PATIENCE: Final = 5.0  # seconds


def show(site: Site) -> flask.Response:
    """GET /butterfly; the address is the request, what it lacks takes its usual value."""
    plan, epoch, seq = _plan(site)
    return page(
        "butterfly.html",
        "butterfly",
        plan=plan,
        saved=site.ask("butterfly.candidates"),
        epoch=epoch,
        seq=seq,
    )


def price(site: Site) -> flask.Response:
    """GET /api/butterfly: the plan, with the epoch and sequence number of its room."""
    plan, epoch, seq = _plan(site)
    return respond({"epoch": epoch, "seq": seq, "butterfly": plan})


def candidates(site: Site) -> flask.Response:
    """GET /api/butterfly/candidates."""
    return respond(site.ask("butterfly.candidates"))


def save(site: Site) -> flask.Response:
    """POST /api/butterfly/candidates: keep what this request shows now."""
    body = read_object((), FIELDS)
    asked = {name: _text(name, value) for name, value in body.items() if value is not None}
    saved = site.deps.controls.do("butterfly.save", **asked)
    return respond({"candidate": saved}, 201)


def remove(site: Site) -> flask.Response:
    """DELETE /api/butterfly/candidates?id=: forget one; what is left."""
    number = flask.request.args.get("id", "")
    if not number or len(number) > ID or not number.isalnum():
        raise Refusal(422, "invalid", "id must be a candidate's.", "id")
    return respond(site.deps.controls.do("butterfly.remove", id=number))


def _plan(site: Site) -> tuple[dict[str, Any], str, int]:
    args = flask.request.args
    asked = {name: _text(name, args[name]) for name in FIELDS if name in args}
    snapshot = site.deps.snapshot
    found: dict[str, Any] = site.ask("butterfly.price", PATIENCE, **asked)
    invalid = found.get("invalid")
    if invalid is not None:
        raise Refusal(422, "invalid", invalid["message"], invalid["field"])
    room = f"{TOPIC}:{found['symbol']}:{found['key']}"
    return found, snapshot.epoch, snapshot.seq(room)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Refusal(422, "invalid", f"{name} must be text or a number.", name)
    text = str(value)
    if len(text) > LONGEST or not text.isprintable():
        raise Refusal(422, "invalid", f"{name} must be at most {LONGEST} characters.", name)
    return text
