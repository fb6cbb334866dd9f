"""Requests per client and time: Flask-Limiter, loaded when the first request needs counting."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any, Final

import flask

from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.web.settings import WebSettings

TOKEN_FAILURES: Final = "30/hour"  # wrong API tokens per client
TRADES: Final = "120/minute"  # of expert advisors per client


class Limits:
    """Counters in memory, by kind and client; a restart forgets them.

    Loading Flask-Limiter costs 50 ms and 2 MB, which a dashboard that is only looked at
    on its own machine never needs: its reads are not counted. So it is loaded on first use,
    and told to add no hooks of its own: the guard asks.
    """

    def __init__(self, app: flask.Flask, settings: WebSettings, clock: Clock) -> None:
        self._clock = clock
        self._app = app
        self._lock = threading.Lock()
        self._limiter: Any = None
        self._rules = {
            "write": f"{settings.writes_per_hour}/hour",
            "read": f"{settings.reads_per_minute}/minute",
            "login": f"{settings.logins_per_hour}/hour",
            "token": TOKEN_FAILURES,
            "trades": TRADES,
        }
        self._items: dict[str, Any] = {}

    def hit(self, kind: str, client: str) -> int | None:
        """Count one; None when there was room, else the seconds until there is."""
        limiter = self._load()
        if limiter.hit(self._items[kind], kind, client):
            return None
        return self._wait(limiter, kind, client)

    def full(self, kind: str, client: str) -> int | None:
        """As hit(), without counting."""
        limiter = self._load()
        if limiter.test(self._items[kind], kind, client):
            return None
        return self._wait(limiter, kind, client)

    def forget(self, kind: str, client: str) -> None:
        """Start counting this client anew."""
        self._load().clear(self._items[kind], kind, client)

    def _wait(self, limiter: Any, kind: str, client: str) -> int:
        window = limiter.get_window_stats(self._items[kind], kind, client)
        return max(1, min(3600, int(window.reset_time - self._clock.real()) + 1))

    def _load(self) -> Any:
        with self._lock:
            if self._limiter is None:
                # Off the loop: reading a hundred modules would hold every page up.
                concurrency.offload(import_module, "flask_limiter")
                from flask_limiter import Limiter
                from limits import parse

                limiter = Limiter(_no_key, storage_uri="memory://", strategy="fixed-window")
                # Listed as known beforehand, init_app sets up storage and strategy only.
                self._app.extensions.setdefault("limiter", set()).add(limiter)
                limiter.init_app(self._app)
                self._items = {kind: parse(rule) for kind, rule in self._rules.items()}
                self._limiter = limiter.limiter
        return self._limiter


def _no_key() -> str:
    """Clients are named by the guard, which knows proxies; never by the extension."""
    raise RuntimeError("limits are asked for by client, not by request")
