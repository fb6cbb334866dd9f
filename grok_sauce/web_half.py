"""Pages, API and sockets joined to the market half, and the server that answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any

from grok_sauce.publishers.limits import SocketLimits
from grok_sauce.publishers.sockets import Sockets
from grok_sauce.runtime import concurrency
from grok_sauce.values import dataclass
from grok_sauce.web import PAGES, Page
from grok_sauce.web.app import address_of, create_app, may_connect, webhook_of
from grok_sauce.web.settings import WebSettings
from grok_sauce.web.site import WebDeps

if TYPE_CHECKING:
    from grok_sauce.alerts.half import AlertHalf
    from grok_sauce.market_half import MarketHalf
    from grok_sauce.roles.web import FollowHalf
    from grok_sauce.router_half import RouterHalf

log = logging.getLogger(__name__)

SPARE_CONNECTIONS = 256  # for pages and API beside the browsers' sockets


@dataclass(frozen=True, slots=True)
class Shown:
    """What pages are made of, and what this process does not have.

    root holds templates and static files. absent and reasons are sentences for parts that
    this version does not have; router_url is where alerts are taken when not here.
    """

    root: Path
    pages: tuple[Page, ...] = PAGES
    absent: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    router_url: str | None = None


class WebHalf:
    """Builds the application over a listening socket; start() answers, close() ends it."""

    def __init__(
        self,
        half: MarketHalf | RouterHalf | FollowHalf,
        alerts: AlertHalf | None,
        data: Path,
        web: WebSettings,
        sock: socket,
        shown: Shown,
    ) -> None:
        limits = SocketLimits()
        self._app = create_app(
            WebDeps(
                snapshot=half.snapshot,
                controls=half.controls,
                questions=half.questions,
                settings_store=half.store,
                clock=half.clock,
                data_dir=data,
                web=web,
                templates=shown.root / "templates",
                static=shown.root / "static",
                absent=shown.absent,
                reasons=shown.reasons,
                alerts=alerts,
                router_url=shown.router_url,
                pages=shown.pages,
            )
        )
        self._sockets = Sockets(
            half.snapshot,
            half.clock,
            limits,
            may_connect=lambda environ: may_connect(self._app, environ),
            address_of=lambda environ: address_of(self._app, environ),
            watch=lambda page, symbol, view: half.controls.do(
                "view.watch", page=page, symbol=symbol, view=view
            ),
            unwatch=lambda page, symbol, view: half.controls.do(
                "view.unwatch", page=page, symbol=symbol, view=view
            ),
        )
        self._sockets.attach(self._app)
        half.publishers.append(self._sockets.publish)
        self._server = concurrency.Server(
            sock,
            self._app,
            max_connections=limits.sockets + SPARE_CONNECTIONS,
            direct=webhook_of(self._app),
        )
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Answer from now on."""
        self._thread = concurrency.spawn(self._server.serve, name="web")

    def close(self) -> None:
        """Stop answering; open browsers see a lost connection and come back by themselves."""
        self._sockets.close()
        self._server.close()

    def facts(self) -> dict[str, Any]:
        """What the health report says of the browsers."""
        status = self._sockets.status()
        return {
            "sockets": status["sockets"],
            "clients": status["clients"],
            "sent": status["sent"],
            "skipped": status["skipped"],
            "fast_lane": status["fast_lane"],
            "tick_ms": None,
        }
