"""Notices as JSON: the newest, the targets, the log of deliveries; and the test button."""

from __future__ import annotations

import re
from typing import Final

import flask

from grok_sauce.web.bodies import read_object
from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, respond

TOPIC: Final = "notice"
KINDS: Final = ("test", "summary")
PATIENCE: Final = 55.0  # seconds; a target may take 45


def read(site: Site) -> flask.Response:
    """GET /api/notices: also what the room "notice" tells, for a browser without sockets."""
    snapshot = site.deps.snapshot
    seq, found = snapshot.read(TOPIC)
    told = site.ask("notices.read")
    return respond(
        {
            "epoch": snapshot.epoch,
            "seq": seq,
            "t": round(site.deps.clock.real() * 1000),
            "notice": found.get(""),
            **told,
        }
    )


def test(site: Site) -> flask.Response:
    """POST /api/notices/test: one message to one target now; what became of it."""
    body = read_object(("target",), ("kind",))
    target, kind = body["target"], body.get("kind", "test")
    if not isinstance(target, str) or not re.fullmatch(r"[a-z][a-z0-9_-]{0,19}", target):
        raise Refusal(422, "invalid", "target must be the name of a target.", "target")
    if kind not in KINDS:
        raise Refusal(422, "invalid", "kind must be test or summary.", "kind")
    return respond(site.ask("notices.test", PATIENCE, target=target, kind=kind))
