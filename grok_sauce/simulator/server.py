"""The embedded market's server: one port, HTTP and WebSocket, a thread a connection."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from typing import Final

from grok_sauce.errors import StartupError
from grok_sauce.runtime import concurrency
from grok_sauce.simulator import rest, routes, websocket
from grok_sauce.simulator.faults import Value
from grok_sauce.simulator.http1 import (
    BadRequest,
    Request,
    Response,
    Stream,
    deliver,
    html_response,
    json_response,
)
from grok_sauce.simulator.link import Link
from grok_sauce.simulator.peer import Peer
from grok_sauce.simulator.services import Route, Services
from grok_sauce.simulator.ticker import Ticker

log = logging.getLogger(__name__)

_IDLE: Final = 75.0  # seconds an HTTP connection may stay open between requests
_ACCEPT_WAIT: Final = 0.2  # seconds until a stop or a refusal is noticed
_GOODBYE: Final = 0.3  # seconds clients get to answer the Close when the market closes down
MAX_CONNECTIONS: Final = 512


class Server:
    """Answers on one port from start() until stop(); faults act on it while it runs."""

    def __init__(self, services: Services, host: str = "127.0.0.1", port: int = 0) -> None:
        self.services = services
        self._host = host
        self.failed = threading.Event()  # the market's heart stopped by a bug
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._peers: set[Peer] = set()
        self._links: set[Link] = set()
        self._refuse_until = 0.0  # monotonic
        self._listener: socket.socket | None = concurrency.listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        services.address = f"{name}:{self.port}"
        services.connections = lambda: len(self._peers)
        services.faults.listen(self._fault)
        self.ticker = Ticker(services.desk, self.peers, services.clock)
        self._threads: list[threading.Thread] = []

    def peers(self) -> list[Peer]:
        """The WebSockets that are open."""
        with self._lock:
            return list(self._peers)

    def start(self) -> None:
        """Accept and tick on threads of their own; returns at once."""
        self._threads = [
            concurrency.spawn(self._accept, name="simulator-accept"),
            concurrency.spawn(self._tick, name="simulator-ticker"),
        ]

    def stop(self, timeout: float = 1.0) -> None:
        """Close everything; waits at most timeout (seconds) for the threads."""
        self._stop.set()
        self._shut(self._listener)
        for peer in self.peers():
            peer.close(1001, "the market closes down")
        clock = self.services.clock
        deadline = clock.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - clock.monotonic()))
        deadline = clock.monotonic() + _GOODBYE
        while self.peers() and clock.monotonic() < deadline:
            concurrency.sleep(0.02)
        with self._lock:
            links = list(self._links)
        for link in links:
            link.abort(reset=False)

    def _tick(self) -> None:
        try:
            self.ticker.run(self._stop)
        except Exception:
            log.exception("the market stands still; whoever started this must start it again")
            self.failed.set()

    # --- accepting -----------------------------------------------------------------------

    def _fault(self, name: str, value: Value) -> None:
        if name == "cut" and value:
            for peer in self.peers():
                peer.abort()
        if name == "refuse" and value:
            self._refuse_until = self.services.clock.monotonic() + float(value)
            listener, self._listener = self._listener, None
            self._shut(listener)

    def _accept(self) -> None:
        while not self._stop.is_set():
            listener = self._listener
            if listener is None:
                self._listen_again()
                continue
            try:
                listener.settimeout(_ACCEPT_WAIT)
                sock, address = listener.accept()
            except TimeoutError:
                continue
            except OSError:  # closed by the fault `refuse`, or out of handles
                self._stop.wait(_ACCEPT_WAIT)
                continue
            if len(self._links) >= MAX_CONNECTIONS:
                sock.close()
                continue
            concurrency.spawn(self._connection, sock, address[0], name="simulator-connection")
        self._shut(self._listener)

    def _shut(self, listener: socket.socket | None) -> None:
        if listener is None:
            return
        with suppress(OSError):  # shutting it down first wakes an accept() that waits
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()

    def _listen_again(self) -> None:
        wait = self._refuse_until - self.services.clock.monotonic()
        if wait > 0:
            self._stop.wait(min(wait, _ACCEPT_WAIT))
            return
        try:
            self._listener = concurrency.listen(self._host, self.port)
        except StartupError as problem:
            log.warning("%s", problem)
            self._stop.wait(_ACCEPT_WAIT)

    # --- one connection ------------------------------------------------------------------

    def _connection(self, sock: socket.socket, peer: str) -> None:
        sock.settimeout(_IDLE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(sock, self.services.faults, self.services.clock)
        with self._lock:
            self._links.add(link)
        try:
            self._requests(sock, link, peer)
        except OSError as problem:
            log.debug("connection ended: %s", problem)
        except Exception:
            log.exception("connection failed")
        finally:
            link.finish()
            link.join(1.0)
            with self._lock:
                self._links.discard(link)
            sock.close()

    def _requests(self, sock: socket.socket, link: Link, peer: str) -> None:
        """Answer requests until one is the last or becomes a WebSocket."""
        stream = Stream(sock.recv)
        keep = True
        while keep and not self._stop.is_set():
            try:
                request = stream.request(peer)
            except BadRequest as problem:
                body = {"error": {"code": "bad_request", "message": str(problem)}}
                link.send(json_response(problem.status, body).encode(keep=False))
                return
            if request is None:
                return
            if request.method == "GET" and websocket.wants_upgrade(request.headers):
                self._upgrade(sock, link, stream, request)
                return
            found = routes.find(request)
            control = found is not None and found[0].control
            if self.services.faults.flag("http_hang") and not control:
                self._stop.wait()  # taken, never answered
                return
            response = self._answer(request, found)
            keep = request.headers.get("connection", "").lower() != "close"
            if response.manner is not None:
                keep = deliver(response, keep, link.send, link.abort, self._stop)
                continue
            link.send(response.encode(keep), faulty=not control)

    def _upgrade(self, sock: socket.socket, link: Link, stream: Stream, request: Request) -> None:
        opener = routes.SOCKETS.get(request.path)
        if opener is None:
            link.send(rest.error(404, "not_found", "no WebSocket here").encode(keep=False))
            return
        guard = routes.SOCKET_GUARDS.get(request.path)
        refusal = None if guard is None else guard(self.services, request)
        if refusal is not None:
            link.send(refusal.encode(keep=False))
            return
        if self.services.faults.text("half_open") == "connect":
            self._stop.wait()
            return
        try:
            link.send(websocket.handshake(request.headers))
        except websocket.Violation as violation:
            link.send(rest.error(400, "bad_request", violation.reason).encode(keep=False))
            return
        sock.settimeout(None)
        peer = Peer(opener(self.services), link, self.services.faults, self.services.clock)
        with self._lock:
            self._peers.add(peer)
        try:
            peer.run(stream.rest(), sock.recv)
        finally:
            with self._lock:
                self._peers.discard(peer)

    # --- one request ---------------------------------------------------------------------

    def _answer(self, request: Request, found: tuple[Route, dict[str, str]] | None) -> Response:
        """The answer of the route that was found, or why there is none."""
        if found is None:
            return self._nobody(request)
        route, params = found
        request = replace(request, params=params)
        faulty = None if route.control else self._faulty()
        refusal = faulty or route.guard(self.services, request)
        if refusal is not None:
            return refusal
        try:
            return route.answer(self.services, request)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return rest.error(500, "internal_error", "the simulator failed; its log says how")

    def _faulty(self) -> Response | None:
        faults = self.services.faults
        if faults.flag("http_5xx"):
            status = int(faults.number("http_5xx"))
            return html_response(status, f"{status} Service Trouble")
        if faults.take("http_429"):
            return rest.error(429, "too_many_requests", "Too many requests")
        return None

    def _nobody(self, request: Request) -> Response:
        refusal = rest.agent(self.services, request)
        if refusal is not None:
            return refusal
        methods = routes.methods(request.path)
        if methods:
            allowed = ", ".join(methods)
            response = rest.error(405, "method_not_allowed", f"use {allowed}")
            return replace(response, headers=(("Allow", allowed),))
        return rest.error(404, "not_found", f"nothing at {request.path[:200]}")
