"""A tastytrade that answers from a table, on loopback; made here, not by the simulator."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest


class FakeBroker:
    """answers[(method, path)] is a list of (status, body); the last one repeats.

    A body is JSON, or text for a web page. asked holds (method, path with query, headers,
    JSON body) in order.
    """

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], list[tuple[int, Any]]] = {}
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        broker = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                broker.asked.append(
                    (self.command, self.path, headers, json.loads(body) if body else None)
                )
                status, answer = broker.next(self.command, urlsplit(self.path).path)
                page = isinstance(answer, str)
                data = answer.encode() if page else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if page else "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = answer

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.logs_in()
        self.gives_quotes()

    def next(self, method: str, path: str) -> tuple[int, Any]:
        known = self.answers.get((method, path))
        if known is None:
            return 404, {"error": {"code": "record_not_found", "message": "Couldn't find it"}}
        return known.pop(0) if len(known) > 1 else known[0]

    def logs_in(self, *tokens: str) -> None:
        """Access tokens handed out, one after the other."""
        self.answers["POST", "/oauth/token"] = [
            (200, {"access_token": token, "token_type": "Bearer", "expires_in": 900})
            for token in tokens or ("access-1", "access-2", "access-3")
        ]

    def gives_quotes(self, *tokens: str, **more: Any) -> None:
        """Quote tokens handed out, one after the other."""
        self.answers["GET", "/api-quote-tokens"] = [
            (
                200,
                {
                    "data": {
                        "token": token,
                        "dxlink-url": "wss://feed.example/realtime",
                        "level": "api",
                        **more,
                    },
                    "context": "/api-quote-tokens",
                },
            )
            for token in tokens or ("quote-1", "quote-2", "quote-3")
        ]

    def gives(self, path: str, data: Any) -> None:
        """Answer a GET with a data member."""
        self.answers["GET", path] = [(200, {"data": data, "context": path})]

    def paths(self, method: str = "GET") -> list[str]:
        return [path for asked, path, _, _ in self.asked if asked == method]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    """A broker on loopback that logs anybody in."""
    made = FakeBroker()
    yield made
    made.close()
