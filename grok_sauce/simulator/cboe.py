"""Cboe's delayed chains over HTTP: redirects, gzip, and 403 for what it does not have."""

from __future__ import annotations

import json
import zlib
from typing import Final

from grok_sauce.simulator import delayed
from grok_sauce.simulator.http1 import Request, Response
from grok_sauce.simulator.services import Route, Services

PATH: Final = "/api/global/delayed_quotes/options/{file}"
_DENIED: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
)
_FAST: Final = 1  # level of gzip


def anyone(services: Services, request: Request) -> Response | None:
    """No key, no login."""
    return None


def moved(services: Services, request: Request) -> Response:
    """The old host's answer: the same path elsewhere."""
    target = f"http://{services.address}{PATH}".replace("{file}", request.params["file"])
    return Response(307, b"", "text/html", (("Location", target),))


def options(services: Services, request: Request) -> Response:
    """The whole chain of an underlying, as it was a quarter of an hour ago."""
    desk, now = services.desk, services.desk.now()
    moment = desk.ask("moment", _symbol(request.params["file"]), now - delayed.DELAY)
    if moment is None or _file(moment) != request.params["file"]:
        return Response(403, _DENIED, "application/xml")
    packer = zlib.compressobj(_FAST, zlib.DEFLATED, 31)  # 31: with gzip's head and tail
    packs = "gzip" in request.headers.get("accept-encoding", "")
    pieces: list[bytes] = []

    def add(text: str) -> None:
        data = text.encode()
        pieces.append(packer.compress(data) if packs else data)

    before, after = json.dumps(delayed.head(moment, now)).split('"symbol":', 1)
    add(f'{before}"options":[')
    comma = ""
    parts = desk.ask("past", moment)
    while (part := desk.ask("following", parts)) is not None:
        add(comma + ",".join(delayed.rows(part, moment)))
        comma = ","
    add(f'],"symbol":{after}')
    if packs:
        pieces.append(packer.flush())
    headers = (("Content-Encoding", "gzip"),) if packs else ()
    return Response(200, b"".join(pieces), "application/json", headers)


def _symbol(file: str) -> str:
    return file.removesuffix(".json").removeprefix("_")


def _file(moment: delayed.Moment) -> str:
    mark = "_" if moment.kind == "index" else ""
    return f"{mark}{moment.symbol.replace('/', '')}.json"


ROUTES: Final = (
    Route("GET", PATH, options, anyone),
    Route("GET", f"/moved{PATH}", moved, anyone),
)
