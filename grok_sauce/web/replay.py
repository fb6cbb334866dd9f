"""The replay control: play, pause, speed and a place to go to, where a recording is played."""

from __future__ import annotations

import flask

from grok_sauce.controls import UnknownControl
from grok_sauce.web.bodies import read_object
from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, respond


def control(site: Site) -> flask.Response:
    """POST /api/replay {action, value?}: how the replay is after it; 404 where none is played."""
    body = read_object(("action",), ("value",))
    try:
        answer = site.deps.controls.do(
            "replay.control", action=body["action"], value=body.get("value")
        )
    except UnknownControl:
        raise Refusal(404, "not_found", "No recording is played here.") from None
    return respond(answer)
