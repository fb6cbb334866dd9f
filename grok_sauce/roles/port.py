"""What a feed role answers over HTTP: /health and /metrics, no page."""

from __future__ import annotations

import threading
from pathlib import Path
from socket import socket
from typing import Any, Final

from grok_sauce.controls import Controls
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.router_half import RouterHalf
from grok_sauce.runtime import concurrency
from grok_sauce.web.app import create_app
from grok_sauce.web.settings import WebSettings
from grok_sauce.web.site import WebDeps

ROOT: Final = Path(__file__).resolve().parent.parent
CONNECTIONS: Final = 256


class Shown:
    """A snapshot that can be exchanged for another one."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.epoch = snapshot.epoch

    def seq(self, room: str) -> int:
        """As Snapshot.seq."""
        return self.snapshot.seq(room)

    def rows(self) -> list[dict[str, Any]]:
        """As Snapshot.rows."""
        return self.snapshot.rows()

    def read(self, topic: str, key: str = "") -> tuple[int, dict[str, Any]]:
        """As Snapshot.read."""
        return self.snapshot.read(topic, key)

    def health(self) -> dict[str, Any] | None:
        """As Snapshot.health."""
        return self.snapshot.health()


class FeedPort:
    """A listening socket that answers from start() to close(); show() is whose report."""

    def __init__(self, standby: RouterHalf, data: Path, web: WebSettings, sock: socket) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self._shown = Shown(standby.snapshot)
        app = create_app(
            WebDeps(
                snapshot=self._shown,
                controls=Controls(),
                questions=Questions(concurrency.spawn),
                settings_store=standby.store,
                clock=standby.clock,
                data_dir=data,
                web=web,
                templates=ROOT / "templates",
                static=ROOT / "static",
                pages=(),
            )
        )
        self._server = concurrency.Server(sock, app, max_connections=CONNECTIONS)
        self._thread: threading.Thread | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Answer with the reports in this one from now on."""
        self._shown.snapshot = snapshot

    def start(self) -> None:
        """Answer from now on."""
        self._thread = concurrency.spawn(self._server.serve, name="web")

    def close(self) -> None:
        """Stop answering."""
        self._server.close()
