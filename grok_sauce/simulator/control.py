"""The simulator about itself: health, its clock, and its faults; answers loopback only."""

from __future__ import annotations

import ipaddress
import json
from typing import Final

from grok_sauce.errors import SettingsError
from grok_sauce.simulator.faults import FAULTS
from grok_sauce.simulator.http1 import Request, Response, json_response
from grok_sauce.simulator.services import Route, Services


def loopback(services: Services, request: Request) -> Response | None:
    """Only programs on this machine may look and switch; no page in a browser."""
    if "origin" in request.headers:
        return problem(403, "forbidden", "this address does not answer pages")
    try:
        if ipaddress.ip_address(request.peer.partition("%")[0]).is_loopback:
            return None
    except ValueError:
        pass  # no address, no loopback: refused below
    return problem(403, "forbidden", "this address answers this machine only")


def problem(status: int, code: str, text: str, field: str | None = None) -> Response:
    """A refusal in the shape of every API error here."""
    error = {"code": code, "message": text}
    if field is not None:
        error["field"] = field
    return json_response(status, {"error": error})


def health(services: Services, request: Request) -> Response:
    """That it runs, and how much is asked of it."""
    report = {
        "ok": True,
        "connections": services.connections(),
        "watched": services.desk.watched(),
        "faults": {k: v for k, v in services.faults.snapshot().items() if v != FAULTS[k].off},
    }
    return json_response(200, report)


def clock(services: Services, request: Request) -> Response:
    """Market time: at real time anchor_real it was anchor_market; speed is their ratio."""
    return json_response(200, {**services.about, "market": services.clock.market()})


def read_faults(services: Services, request: Request) -> Response:
    """Every switch with its value and what it does."""
    values = services.faults.snapshot()
    return json_response(
        200, {"faults": values, "help": {name: fault.help for name, fault in FAULTS.items()}}
    )


def set_faults(services: Services, request: Request) -> Response:
    """Set the switches named in a JSON object {name: value}."""
    try:
        wanted = json.loads(request.body)
    except ValueError:
        return problem(400, "bad_request", "the body must be a JSON object {fault: value}")
    if not isinstance(wanted, dict):
        return problem(400, "bad_request", "the body must be a JSON object {fault: value}")
    try:
        services.faults.update(wanted)
    except SettingsError as wrong:
        return problem(422, "validation_error", str(wrong), wrong.field)
    return json_response(200, {"faults": services.faults.snapshot()})


ROUTES: Final = (
    Route("GET", "/health", health, loopback, control=True),
    Route("GET", "/clock", clock, loopback, control=True),
    Route("GET", "/faults", read_faults, loopback, control=True),
    Route("POST", "/faults", set_faults, loopback, control=True),
)
