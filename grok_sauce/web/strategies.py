"""Strategies, tickers and ports: the page, edits of the tree, tests of a port, senders' tokens."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

import flask

from grok_sauce.alerts.store import StoreBusy
from grok_sauce.web.alert_parts import AlertParts, answering, parts, who, why_absent
from grok_sauce.web.alerts import NAME, TOPIC, whole
from grok_sauce.web.bodies import read_object
from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, page, respond

log = logging.getLogger(__name__)

# Each edit of the tree: what it must and what it may carry. What the values may be is the
# tree's own business.
OPTIONS: Final = (
    *("delay_s", "group", "gap_ms", "net_zero_cancel", "reversal_qty", "fresh_open_s"),
    *("fresh_close_s", "mode", "idempotent", "ambiguous_policy", "ambiguous_policy_close"),
    *("gap_policy", "no_open_between", "no_open_news_min"),
)
OPS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "add_strategy": (("name",), ()),
    "rename_strategy": (("name", "to"), ()),
    "delete_strategy": (("name",), ()),
    "add_ticker": (("strategy", "name"), ()),
    "rename_ticker": (("strategy", "name", "to"), ()),
    "delete_ticker": (("strategy", "name"), ()),
    "add_port": (("strategy", "ticker", "port"), ("label",)),
    "delete_port": (("strategy", "ticker", "port"), ()),
    "set_strategy": (("name",), ("mode", "daily_pause", "resume_at", "heartbeat_min")),
    "set_ticker": (("strategy", "name"), OPTIONS),
    "set_target": ((), ("port", "id", "name", "idempotent", "include_meta")),
    "restore": (("n",), ()),
}
EVERY_KEY: Final = tuple(
    dict.fromkeys(
        key for needed, more in OPS.values() for key in (*needed, *more) if key != "revision"
    )
)
PORTS: Final = (1024, 65535)
MOST_TICKERS: Final = 200  # in the scope of one token
PATH: Final = "/webhook/"


def show(site: Site) -> flask.Response:
    """GET /strategies: complete without a script."""
    snapshot = site.deps.snapshot
    context = {"epoch": snapshot.epoch, "seq": snapshot.seq(TOPIC)}
    context["router_url"] = site.deps.router_url
    half = site.deps.alerts
    if half is None:
        empty = dict.fromkeys(("tree", "numbers", "tokens"))
        return page("strategies.html", "strategies", **context, **empty, absent=why_absent(site))
    with answering():
        return page(
            "strategies.html",
            "strategies",
            **context,
            tree=half.report.tree(),
            numbers=half.report.numbers(),
            tokens=_tokens(half),
            absent=None,
        )


def tree(site: Site) -> flask.Response:
    """GET /api/routing."""
    half = parts(site)
    with answering():
        return respond(half.report.tree())


def edit(site: Site) -> flask.Response:
    """POST /api/routing/edit {revision, op, ...}: one change; 409 when the tree changed since."""
    half = parts(site)
    body = read_object(("revision", "op"), EVERY_KEY)
    name = body.pop("op")
    revision = _text(body, "revision", 128)
    del body["revision"]
    if not isinstance(name, str) or name not in OPS:
        raise Refusal(422, "invalid", f"op must be one of {', '.join(OPS)}.", "op")
    needed, more = OPS[name]
    for key in needed:
        if key not in body:
            raise Refusal(422, "missing", f"{key} is missing.", key)
    for key in body:
        if key not in needed and key not in more:
            raise Refusal(422, "unknown", f"{name} takes no {key}.", key)
    with answering():
        half.routing.edit({"op": name, **body}, who(), revision)
        return respond(half.report.tree())


def test(site: Site) -> flask.Response:
    """POST /api/routing/test {strategy, ticker, port}: a harmless order to one port, now."""
    half = parts(site)
    body = read_object(("strategy", "ticker", "port"))
    strategy, ticker = (_text(body, name, NAME) for name in ("strategy", "ticker"))
    port = whole(body, "port", *PORTS)
    with answering():
        return respond(half.operator.test(strategy, ticker, port, who()))


def pause_today(site: Site) -> flask.Response:
    """POST /api/routing/pause_today {strategy}: no opens until its time to resume."""
    half = parts(site)
    strategy = _text(read_object(("strategy",)), "strategy", NAME)
    with answering():
        half.operator.daily_pause(strategy, who())
        return respond(half.report.tree())


def export(site: Site) -> flask.Response:
    """GET /api/routing/export: the tree as a file; secrets are not in it."""
    half = parts(site)
    text = json.dumps(half.routing.export(), indent=2, ensure_ascii=False) + "\n"
    response = flask.Response(text, mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="routing.json"'
    return response


def take_in(site: Site) -> flask.Response:
    """POST /api/routing/import[?dry_run=1] {document}: a tree, or an old config.json."""
    given = flask.request.args.get("dry_run", "0")
    if given not in ("0", "1"):
        raise Refusal(422, "invalid", "dry_run must be 0 or 1.", "dry_run")
    half = parts(site)
    document = read_object(("document",))["document"]
    with answering():
        changes = half.routing.import_document(document, given == "1", who())
        return respond({"changes": changes, "tree": half.report.tree()})


def tokens(site: Site) -> flask.Response:
    """GET /api/tokens: who may send; never what they send with."""
    half = parts(site)
    with answering():
        return respond(_tokens(half))


def add_token(site: Site) -> flask.Response:
    """POST /api/tokens {name, tickers?, expires_ms?}: the one time that its text is told."""
    half = parts(site)
    body = read_object(("name",), ("tickers", "expires_ms"))
    name = _text(body, "name", NAME).strip()
    if not name:
        raise Refusal(422, "missing", "Give the token a name.", "name")
    tickers = None if body.get("tickers") is None else _tickers(body["tickers"])
    expires = None
    if body.get("expires_ms") is not None:
        expires = whole(body, "expires_ms", 1, 2**53)
        if expires <= site.deps.clock.real() * 1000:
            raise Refusal(422, "invalid", "expires_ms must be in the future.", "expires_ms")
    with answering():
        token = half.tokens.add(name, tickers, expires)
    scope = "every ticker" if tickers is None else ", ".join(tickers)
    _audit(half, "token added", f"{name}: {scope}")
    return respond({"token": token, "path": PATH + token}, 201)


def delete_token(site: Site) -> flask.Response:
    """DELETE /api/tokens {id}: what is sent with it is refused from now on."""
    half = parts(site)
    number = whole(read_object(("id",)), "id", 1, 2**53)
    with answering():
        name = next((row["name"] for row in half.tokens.rows() if row["id"] == number), None)
        if name is None:
            raise Refusal(404, "not_found", "There is no token of that id.", "id")
        half.tokens.delete(number)
        _audit(half, "token deleted", name)
        return respond(_tokens(half))


def reveal(site: Site) -> flask.Response:
    """POST /api/tokens/reveal: the address with the token of the first start, if its file is."""
    half = parts(site)
    if flask.request.content_length:
        read_object()
    with answering():
        token = half.tokens.reveal()
    if token is None:
        raise Refusal(404, "not_found", "The file with the first token is gone. Make a new token.")
    _audit(half, "token shown", "the first one")
    return respond({"path": PATH + token})


def _audit(half: AlertParts, what: str, detail: str) -> None:
    """Note what is done already: a busy store must not keep a new token's text from its owner."""
    try:
        half.audit(who(), what, detail)
    except StoreBusy as problem:
        log.warning("not in the audit (%s): %s by %s: %s", problem, what, who(), detail)


def _tokens(half: AlertParts) -> dict[str, Any]:
    return {"rows": list(half.tokens.rows()), "file": half.report.token_file()}


def _text(body: dict[str, Any], key: str, most: int) -> str:
    value = body[key]
    if not isinstance(value, str) or not 1 <= len(value) <= most or not value.isprintable():
        raise Refusal(
            422, "invalid", f"{key} must be text of 1 to {most} printable characters.", key
        )
    return value


def _tickers(value: Any) -> list[str]:
    good = isinstance(value, list) and all(
        isinstance(each, str) and 1 <= len(each) <= NAME and each.isprintable() for each in value
    )
    if not good or not 1 <= len(value) <= MOST_TICKERS:
        raise Refusal(422, "invalid", f"tickers must be 1 to {MOST_TICKERS} names.", "tickers")
    return list(dict.fromkeys(value))
