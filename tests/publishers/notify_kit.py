"""Servers on this machine that take mails and posts, or misbehave as asked."""

from __future__ import annotations

import http.server
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SECONDS = 10.0


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for a condition with a deadline."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {SECONDS:g} s: {what}")


class Hook:
    """A chat's webhook: keeps what is posted, answers with the next of `answers` or 200."""

    def __init__(self) -> None:
        self.posts: list[bytes] = []
        self.answers: list[int] = []
        self.location = ""
        self.release = threading.Event()
        self.hangs = False
        self.port = 0


@contextmanager
def webhook() -> Iterator[Hook]:
    """A hook that listens while the block runs."""
    hook = Hook()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if hook.hangs:
                hook.release.wait(SECONDS)
            hook.posts.append(body)
            status = hook.answers.pop(0) if hook.answers else 200
            self.send_response(status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        hook.release.set()
        server.shutdown()
        server.server_close()
        thread.join(SECONDS)


@contextmanager
def talker(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port where talk(connection) answers each caller."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                talk(self.request)
            except OSError:
                return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(SECONDS)


def script(*answers: bytes) -> Callable[[socket.socket], None]:
    """An SMTP server that says these lines, one for each line it hears; the first is a greeting."""

    def talk(connection: socket.socket) -> None:
        connection.settimeout(SECONDS)
        heard = connection.makefile("rb")
        for answer in answers:
            connection.sendall(answer)
            if not heard.readline():
                return

    return talk
