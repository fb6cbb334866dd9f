"""Every address the embedded market answers on its one port: HTTP routes and WebSockets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grok_sauce.simulator import (
    cboe,
    control,
    forexfactory,
    fred,
    newsapi,
    receive,
    rest,
    tradingview_rest,
)
from grok_sauce.simulator.http1 import Request, match
from grok_sauce.simulator.services import Guard, Opener, Route, open_dxlink, open_tradingview

# The first that fits answers. Another service is its own module with a ROUTES of its own.
ROUTES: Final[Sequence[Route]] = (
    *control.ROUTES,
    *rest.ROUTES,
    *cboe.ROUTES,
    *receive.ROUTES,
    *newsapi.ROUTES,
    *forexfactory.ROUTES,
    *fred.ROUTES,
    *tradingview_rest.ROUTES,
)

# path -> who opens a session for a new WebSocket
SOCKETS: Final[dict[str, Opener]] = {
    "/": open_dxlink,
    "/realtime": open_dxlink,
    "/delayed": open_dxlink,
    "/socket.io/websocket": open_tradingview,
}

# path -> who may refuse the upgrade to a WebSocket
SOCKET_GUARDS: Final[dict[str, Guard]] = {"/socket.io/websocket": tradingview_rest.from_the_site}


def find(request: Request) -> tuple[Route, dict[str, str]] | None:
    """The route that answers a request, and its placeholders; None when there is none."""
    for route in ROUTES:
        params = match(route.path, request.path) if route.method == request.method else None
        if params is not None:
            return route, params
    return None


def methods(path: str) -> list[str]:
    """The methods a path knows; empty when it is not served at all."""
    return [route.method for route in ROUTES if match(route.path, path) is not None]
