"""POST /receive on the market's own port: a NinjaTrader listener to try the alert router on."""

from __future__ import annotations

import json
from typing import Final

from grok_sauce.errors import SettingsError
from grok_sauce.simulator.control import loopback, problem
from grok_sauce.simulator.http1 import Request, Response, json_response
from grok_sauce.simulator.receiver import Receiver
from grok_sauce.simulator.services import Route, Services


def receive(services: Services, request: Request) -> Response:
    """An order, as a NinjaTrader listener takes it."""
    return services.receiver.receive(request, services.listener)


def journal(services: Services, request: Request) -> Response:
    """What was acted upon, in order; ?since=N leaves out the first N."""
    return read_journal(services.receiver, request)


def faults(services: Services, request: Request) -> Response:
    """The listener's own switches; a POST sets those it names."""
    return switch(services.receiver, request)


def read_journal(receiver: Receiver, request: Request) -> Response:
    """The journal of a listener as JSON."""
    (since,) = request.values("since")[:1] or ["0"]
    if not (since.isascii() and since.isdigit()):
        return problem(400, "bad_request", "since must be a whole number", "since")
    return json_response(200, receiver.journal(int(since)))


def switch(receiver: Receiver, request: Request) -> Response:
    """The switches of a listener: GET shows them with what they do, POST {name: value} sets."""
    if request.method == "POST":
        try:
            wanted = json.loads(request.body)
        except ValueError:
            wanted = None
        if not isinstance(wanted, dict):
            return problem(400, "bad_request", "the body must be a JSON object {fault: value}")
        try:
            receiver.faults.update(wanted)
        except SettingsError as wrong:
            return problem(422, "validation_error", str(wrong), wrong.field)
    told = {name: fault.help for name, fault in receiver.faults.table.items()}
    return json_response(200, {"faults": receiver.faults.snapshot(), "help": told})


ROUTES: Final = (
    Route("POST", "/receive", receive, loopback),
    Route("GET", "/journal", journal, loopback, control=True),
    Route("GET", "/receive/faults", faults, loopback, control=True),
    Route("POST", "/receive/faults", faults, loopback, control=True),
)
