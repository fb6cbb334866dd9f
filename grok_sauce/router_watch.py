"""A router in a process of its own, seen from the dashboard: its lamp, asked for every 5 s."""

from __future__ import annotations

import threading
from typing import Any, Final

from grok_sauce.errors import SourceError
from grok_sauce.http import Http, HttpStatus

EVERY: Final = 5.0  # seconds
LIMIT: Final = 1_000_000  # bytes of a report


class RouterWatch:
    """A worker. lamp() is what the header shows: {mark, text, needs, url}.

    token is the router's API token, where it has a password: without it only its being there
    can be seen.
    """

    name = "router watch"

    def __init__(self, url: str, http: Http, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = http
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._seen: dict[str, Any] = {"mark": "off", "text": "asking", "needs": 0}

    def lamp(self) -> dict[str, Any]:
        """As the header draws it."""
        return {**self._seen, "url": f"{self.url}/alerts"}

    def run(self, stop: threading.Event) -> None:
        """Look until stop is set."""
        while not stop.is_set():
            self._seen = self._look()
            stop.wait(EVERY)

    def _look(self) -> dict[str, Any]:
        try:
            report = self._report()
        except HttpStatus as problem:
            return {"mark": "down", "text": f"answers {problem.status}", "needs": 0}
        except SourceError:
            return {"mark": "down", "text": "not reached", "needs": 0}
        if not isinstance(report, dict):
            return {"mark": "down", "text": "is no router", "needs": 0}
        lamp = report.get("router")
        if isinstance(lamp, dict) and {"mark", "text"} <= lamp.keys():
            return {"mark": lamp["mark"], "text": lamp["text"], "needs": lamp.get("needs", 0)}
        up = report.get("ok") is True
        return {
            "mark": "fresh" if up else "down",
            "text": "running" if up else "in trouble",
            "needs": 0,
        }

    def _report(self) -> Any:
        try:
            return self._http.get_json(f"{self.url}/health", headers=self._headers, limit=LIMIT)
        except HttpStatus as problem:
            if problem.status != 503:
                raise
            return problem.answer.json()  # it says itself what is wrong
