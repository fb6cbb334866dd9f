"""Async mode: patch, spawn, sleep, offload, submit, serve. The only file that names eventlet."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from grok_sauce.errors import StartupError
from grok_sauce.runtime.connections import (
    CONNECTION,
    Connection,
    DirectConnection,
    GreenConnection,
)
from grok_sauce.runtime.direct import FAILED, Direct, environ_of, written
from grok_sauce.runtime.request_head import BadHead, read_head, refusal

log = logging.getLogger(__name__)

T = TypeVar("T")

MODES: Final = ("eventlet", "threading")
TURN: Final = 0.0002  # seconds that a native thread may keep the loop from running, not 0.005
HEAVY_WORKERS: Final = 2  # heavy jobs at a time; more would only take turns on the same cores
# What follows is a secret and is written nowhere.
_TOKEN_PATH: Final = re.compile(r"(/webhook/)[^\s'\"?#]+")
_QUERY: Final = re.compile(r"\?\S*")  # may hold what somebody pasted by mistake


@dataclass
class _Runtime:
    """What patch() decided; one per process, because patching is."""

    mode: str | None = None
    pool: ThreadPoolExecutor | None = None
    heavy: threading.Semaphore | None = None
    event: Callable[[], Any] | None = None  # eventlet's
    lock: threading.Lock = field(default_factory=threading.Lock)


_runtime = _Runtime()


def patch(mode: str) -> None:
    """Choose the async mode for this process. Must run before other imports of the product.

    Raises:
        StartupError: unknown mode, or another one was chosen already.
    """
    if mode not in MODES:
        raise StartupError(f"ASYNC_MODE must be one of {', '.join(MODES)}, not {mode!r}")
    if _runtime.mode not in (None, mode):
        raise StartupError(f"async mode is {_runtime.mode} already, cannot become {mode}")
    if mode == "eventlet":
        # Its maintainers want it retired and it says so at each import, in several lines.
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        # Its own DNS passes over the system's resolver (VPN, mDNS) and costs start-up time.
        os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
        import eventlet

        eventlet.monkey_patch()
        sys.setswitchinterval(TURN)
        _resolve_names_beside_the_loop()
    _runtime.mode = mode


def _resolve_names_beside_the_loop() -> None:
    """Let the system's resolver block a native thread instead of everybody."""
    from eventlet import tpool

    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is None or _is_address(host):
            return look_up(host, *args, **kwargs)
        return tpool.execute(look_up, host, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


def _is_address(host: Any) -> bool:
    """Is this an address already, so that nobody need be asked?"""
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def mode() -> str:
    """The chosen mode; "threading" when nothing was patched."""
    return _runtime.mode or "threading"


def check_patched() -> None:
    """Refuse to start when eventlet was chosen but sockets or threads are not patched.

    Unpatched it delivers nothing and logs no error.

    Raises:
        StartupError: naming the module that is not patched.
    """
    if mode() != "eventlet":
        return
    from eventlet import patcher

    for name in ("socket", "thread", "time", "select"):
        if not patcher.is_monkey_patched(name):
            raise StartupError(
                f"ASYNC_MODE is eventlet but {name} is not patched; start through main.py"
            )


def spawn(target: Callable[..., Any], *args: Any, name: str | None = None) -> threading.Thread:
    """Start target(*args) beside the caller: a green thread under eventlet, else a real one."""
    thread = threading.Thread(target=target, args=args, name=name, daemon=True)
    thread.start()
    return thread


def brief_lock() -> Any:
    """A lock for a few steps of arithmetic, a threading.Lock of the system in either mode.

    Under eventlet it costs a tenth of a green one. Nothing within it may wait, log or switch:
    every green thread would stand still with it.
    """
    if mode() != "eventlet":
        return threading.Lock()
    from eventlet import patcher

    return patcher.original("threading").Lock()


class Done:
    """Something that happens once, and that one thread waits for.

    A threading.Event for many such things: under eventlet it costs a third. Never set from the
    pool.
    """

    __slots__ = ("_event", "_green")

    def __init__(self) -> None:
        self._green = mode() == "eventlet"
        self._event: Any = _green_event() if self._green else threading.Event()

    def set(self) -> None:
        """It happened; again is nothing."""
        if not self._green:
            self._event.set()
        elif not self._event.ready():
            self._event.send(True)

    def is_set(self) -> bool:
        """Did it happen?"""
        return bool(self._event.ready() if self._green else self._event.is_set())

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; did it happen?"""
        return bool(self._event.wait(seconds))


def _green_event() -> Any:
    if _runtime.event is None:
        from eventlet.event import Event

        _runtime.event = Event
    return _runtime.event()


def sleep(seconds: float) -> None:
    """Let others run for so long. Workers use stop.wait(), which ends when asked to."""
    time.sleep(seconds)


def offload(fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run blocking I/O and wait for it without holding up the loop.

    Under eventlet in a native thread of the pool, else right here: fn must not touch
    green locks, queues or sockets.
    """
    if mode() != "eventlet":
        return fn(*args, **kwargs)
    from eventlet import tpool

    result: T = tpool.execute(fn, *args, **kwargs)
    return result


def submit(
    fn: Callable[..., T],
    *args: Any,
    done: Callable[[T], None],
    failed: Callable[[BaseException], None],
) -> None:
    """Run CPU work over 5 ms on a native thread; the caller does not wait.

    At most HEAVY_WORKERS run at once. done(result) or failed(error) is called back:
    under eventlet on a green thread, else on the pool's thread. Arguments must be
    frozen copies.
    """

    def finish(call: Callable[[], T]) -> None:
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - handed to whoever submitted
            failed(error)
        else:
            done(result)

    if mode() != "eventlet":
        with _runtime.lock:
            if _runtime.pool is None:
                _runtime.pool = ThreadPoolExecutor(HEAVY_WORKERS, thread_name_prefix="heavy")
        _runtime.pool.submit(finish, lambda: fn(*args))
        return
    with _runtime.lock:
        if _runtime.heavy is None:
            _runtime.heavy = threading.Semaphore(HEAVY_WORKERS)
    gate = _runtime.heavy

    def green() -> None:
        with gate:
            finish(lambda: offload(fn, *args))

    spawn(green, name="heavy")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket with a backlog for a burst of browsers.

    Raises:
        StartupError: the address is in use or cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        sock = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise StartupError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; "
            f"stop what uses it or give another --port"
        ) from None
    return sock


class Server:
    """The web server of the chosen mode on a listening socket.

    max_connections caps what is held open at once (each WebSocket is one);
    socket_timeout (seconds) ends connections that send half a request and stop. direct
    answers some paths without WSGI where the mode's server can do that; app must know them too.
    """

    def __init__(
        self,
        sock: socket.socket,
        app: Callable[..., Any],
        max_connections: int = 4256,
        socket_timeout: float = 20.0,
        direct: Direct | None = None,
    ) -> None:
        self._direct = direct
        self._sock = sock
        self._app = app
        self._max = max_connections
        self._timeout = socket_timeout
        self._werkzeug: Any = None

    def serve(self) -> None:
        """Answer until close() is called; returns then."""
        if mode() == "eventlet":
            self._serve_eventlet()
        else:
            self._serve_threading()

    def _serve_eventlet(self) -> None:
        import eventlet.wsgi

        timeout_seconds, direct = self._timeout, self._direct

        class Protocol(eventlet.wsgi.HttpProtocol):  # type: ignore[misc]
            def parse_request(self) -> bool:
                """As in the standard library: False when an error was answered already."""
                self.close_connection = True
                self.requestline = ""
                try:
                    head = read_head(self.raw_requestline, self.rfile.fp)
                except BadHead as problem:
                    self.wfile.write(refusal(problem))
                    return False
                self.command, self.path = head.command, head.path
                self.request_version, self.headers = head.version, head.headers
                self.close_connection = head.closes
                self.capitalize_response_headers = False  # ours are as they should be
                return True

            def get_environ(self) -> dict[str, Any]:
                self.is_direct = direct is not None and direct.takes(self.path.partition("?")[0])
                if self.is_direct:
                    peer = self.client_address[0]
                    lean = environ_of(self.command, self.path, self.headers, peer)
                    lean[CONNECTION] = DirectConnection(self, timeout_seconds)
                    return lean
                environ: dict[str, Any] = super().get_environ()
                body = environ["eventlet.input"]
                environ[CONNECTION] = GreenConnection(self, timeout_seconds, body)
                return environ

            def handle_one_response(self) -> None:
                if not self.is_direct:
                    super().handle_one_response()
                    return
                assert direct is not None
                try:
                    response = direct.respond(self.environ)
                except Exception:
                    log.exception("a request was not answered")
                    response, self.close_connection = FAILED, True
                if not self.environ[CONNECTION].is_read:
                    self.close_connection = True  # what follows is no request
                asked = self.headers.get("connection", "").lower() == "keep-alive"
                told = "close" if self.close_connection else "keep-alive" * asked
                self.connection.sendall(written(response, told, time.time()))

        eventlet.wsgi.server(
            self._sock,
            self._app,
            protocol=Protocol,
            debug=False,
            log_output=False,
            socket_timeout=self._timeout,
            max_size=self._max,
            log=logging.getLogger("grok_sauce.wsgi"),
        )

    def _serve_threading(self) -> None:
        from werkzeug.serving import WSGIRequestHandler, make_server

        timeout_seconds = self._timeout

        class Handler(WSGIRequestHandler):
            timeout = timeout_seconds  # half a request ends here

            def version_string(self) -> str:
                return "grok-sauce"

            def make_environ(self) -> dict[str, Any]:
                environ = super().make_environ()
                environ[CONNECTION] = Connection(self, timeout_seconds)
                return environ

            def log(self, type: str, message: str, *args: Any) -> None:
                if log.isEnabledFor(logging.DEBUG):
                    log.debug("%s", _QUERY.sub("?…", _TOKEN_PATH.sub(r"\1…", message % args)))

        host, port = self._sock.getsockname()[:2]
        self._werkzeug = make_server(
            host, port, self._app, threaded=True, request_handler=Handler, fd=self._sock.fileno()
        )
        self._werkzeug.daemon_threads = True
        self._werkzeug.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """Stop accepting; serve() returns."""
        if self._werkzeug is not None:
            self._werkzeug.shutdown()
        self._sock.close()
