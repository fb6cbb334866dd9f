"""A NinjaTrader listener on a port of its own: python -m grok_sauce.simulator.listener."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final, Self

from grok_sauce.errors import GrokSauceError, StartupError
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock, RealClock
from grok_sauce.simulator import receive
from grok_sauce.simulator.faults import Fault, Faults, Value, describe
from grok_sauce.simulator.http1 import BadRequest, Request, Response, Stream, deliver, json_response
from grok_sauce.simulator.link import LINGER_OFF
from grok_sauce.simulator.receiver import FAULTS, Effect, Post, Receiver

log = logging.getLogger(__name__)

_ACCEPT_WAIT: Final = 0.1  # seconds until a stop or a refusal is noticed
_IDLE: Final = 75.0  # seconds a connection may stay open between requests
_ALL_FAULTS: Final = {
    **FAULTS,
    "refuse": Fault(
        "refuse connections for so many seconds (below 0: until set to 0)", 0.0, -1.0, None, True
    ),
}


class Listener:
    """Serves POST /receive, GET /journal and /receive/faults; start() to stop(), or `with`.

    host "::1" listens on that address only; whatever it is, /receive answers 400 to any Host
    header but localhost:<port>, as Windows' HttpListener does. After stop() start() listens
    on the same port again, with its memory: a listener that was down for a while.

    Raises (on start):
        StartupError: the port cannot be had.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        journal: Path | None = None,
        seed: int = 42,
        clock: Clock | None = None,
        **faults: Value,
    ) -> None:
        self._clock = clock or RealClock()
        self.faults = Faults(table=_ALL_FAULTS)
        self.receiver = Receiver(self._clock, journal=journal, seed=seed, faults=self.faults)
        self.faults.listen(self._fault)
        self._host = host
        self._refuse_until = 0.0  # monotonic; infinite while refused until further notice
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = concurrency.listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        self._thread: threading.Thread | None = None
        self.faults.update(faults)

    @property
    def url(self) -> str:
        """Where to POST."""
        return f"http://localhost:{self.port}/receive"

    def effects(self) -> list[Effect]:
        """What was acted upon, in order."""
        return self.receiver.effects()

    def posts(self) -> list[Post]:
        """Every POST that was read, in order."""
        return self.receiver.posts()

    def start(self) -> Self:
        """Accept on a thread of its own; returns at once."""
        self._stop.clear()
        if self._listener is None and not self._refused():
            self._listener = concurrency.listen(self._host, self.port)
        self._thread = concurrency.spawn(self._accept, name="listener-accept")
        return self

    def stop(self) -> None:
        """Close the port and every connection, hung ones too."""
        self._stop.set()
        self._shut()
        with self._lock:
            left = list(self._open)
        for sock in left:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join(2.0)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()
        self.receiver.close()

    # --- accepting -----------------------------------------------------------------------

    def _refused(self) -> bool:
        return self._clock.monotonic() < self._refuse_until

    def _fault(self, name: str, value: Value) -> None:
        if name != "refuse":
            return
        seconds = float(value)
        now = self._clock.monotonic()
        self._refuse_until = float("inf") if seconds < 0 else now + seconds
        if seconds:
            self._shut()

    def _shut(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):  # shutting it down first wakes an accept() that waits
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

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
            except OSError:  # closed by the fault `refuse`
                self._stop.wait(_ACCEPT_WAIT)
                continue
            concurrency.spawn(self._connection, sock, address[0], name="listener-connection")

    def _listen_again(self) -> None:
        if self._refused():
            self._stop.wait(_ACCEPT_WAIT)
            return
        try:
            self._listener = concurrency.listen(self._host, self.port)
        except StartupError as problem:
            log.warning("%s", problem)
            self._stop.wait(_ACCEPT_WAIT)
        if self._refused():  # the switch was set meanwhile
            self._shut()

    # --- one connection ------------------------------------------------------------------

    def _connection(self, sock: socket.socket, peer: str) -> None:
        sock.settimeout(_IDLE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(sock)
        try:
            self._requests(sock, peer)
        except OSError as problem:
            log.debug("connection ended: %s", problem)
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def _requests(self, sock: socket.socket, peer: str) -> None:
        stream, keep = Stream(sock.recv), True

        def reset() -> None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_OFF)

        while keep and not self._stop.is_set():
            try:
                request = stream.request(peer)
            except BadRequest as problem:
                refusal = json_response(
                    problem.status, {"status": "error", "message": str(problem)}
                )
                sock.sendall(refusal.encode(keep=False))
                return
            if request is None:
                return
            keep = request.headers.get("connection", "").lower() != "close"
            keep = deliver(self._answer(request), keep, sock.sendall, reset, self._stop)

    def _answer(self, request: Request) -> Response:
        match (request.method, request.path):
            case ("POST", "/receive"):
                return self.receiver.receive(request, f"localhost:{self.port}")
            case ("GET", "/journal"):
                return receive.read_journal(self.receiver, request)
            case ("GET" | "POST", "/receive/faults"):
                return receive.switch(self.receiver, request)
        return json_response(404, {"status": "error", "message": "POST /receive, GET /journal"})


def main(argv: Sequence[str]) -> int:
    """Listen until SIGTERM or Ctrl-C; the first line of output is JSON with the address."""
    parser = argparse.ArgumentParser(
        prog="python -m grok_sauce.simulator.listener",
        description="A NinjaTrader listener to try the alert router on: it journals, nothing more.",
        epilog=f"faults (--fault NAME=VALUE, or POST /receive/faults):\n{describe(_ALL_FAULTS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="a free one unless given")
    add("--host", default="127.0.0.1", help="127.0.0.1, or ::1 for that address only")
    add("--journal", type=Path, metavar="FILE", help="append what was acted upon to this file")
    add("--seed", type=int, default=42, help="of the fault `errors` (42)")
    add("--fault", action="append", default=[], metavar="NAME=VALUE", help="listed below")
    args = parser.parse_args(argv)
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        listener = Listener(args.port, host=args.host, journal=args.journal, seed=args.seed)
        for text in args.fault:
            name, _, value = text.partition("=")
            listener.faults.update({name: value or True})
    except GrokSauceError as problem:
        sys.stderr.write(f"listener: {problem}\n")
        return 2
    first = {"url": listener.url, "port": listener.port, "pid": os.getpid()}
    with listener:
        sys.stdout.write(json.dumps(first) + "\n")
        sys.stdout.flush()
        while not stop.wait(0.5):
            pass  # a bounded wait lets signals in on every platform
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
