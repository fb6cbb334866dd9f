"""The private places of Engine.IO and eventlet on which the fast lane stands, named one by one.

When one of these fails after an update of python-engineio, eventlet or simple-websocket: the
product still works (it warns "no fast lane" and serves browsers the slower way, or, where only
a detail moved, may cut frames), but do not ship it. The message says what is gone and which
line of grok_sauce/publishers/wire.py or broadcast.py relies on it.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = "4.15.1"

# (what must be true, what relies on it). Evaluated in a process patched for the mode, with
# `driver` (the dictionary), `made` (its WebSocket class) and `source` at hand.
COMMON = [
    ("isinstance(Server(async_mode=mode)._async, dict)", "wire.install replaces its 'websocket'"),
    ("isinstance(made, type)", "wire.install makes a subclass of it"),
    (
        "list(inspect.signature(made.__init__).parameters)[1:3] == ['handler', 'server']",
        "Engine.IO makes it with (handler, server)",
    ),
    (
        "\"self.server._async['websocket'](\" in source(Socket._upgrade_websocket)",
        "the dictionary is asked at each connection, not at import",
    ),
    (
        "'self._websocket_handler, self.server' in source(Socket._upgrade_websocket)",
        "wire._talk finds the session by handler.__self__.sid",
    ),
    (
        "'ws.send(pkt.encode())' in source(Socket._websocket_handler)",
        "Owed.encode hands itself to Wire.send through Engine.IO's writer",
    ),
    (
        "not ({name for name in re.findall(r'\\bws\\.(\\w+)', source(Socket._websocket_handler))}"
        " - {'send', 'wait', 'close'})",
        "Wire has no other methods of a WebSocket",
    ),
    (
        "'pkt.encode(b64=True)' in source(Payload.encode)",
        "Owed.encode tells long polling by b64=True",
    ),
    (
        "{'packet_type', 'data'} >= set(re.findall(r'\\bpkt\\.(\\w+)', source(Socket.send)))",
        "Owed has no other attributes of a packet",
    ),
    (
        "all(hasattr(Server(async_mode=mode).create_queue(), name) for name in ('qsize', 'put'))",
        "Manager._free looks at queue.qsize()",
    ),
    (
        "all(f'self.{name} = ' in source(BaseSocket.__init__)"
        " for name in ('queue', 'upgraded', 'closed', 'sid'))",
        "Manager._free and wire._talk read these",
    ),
    (
        "set(Server(async_mode=mode).event_names) == {'connect', 'disconnect', 'message'}",
        "Sockets.attach stands in front of these handlers",
    ),
    (
        "len({'connect', 'disconnect', 'message'}"
        " & set(socketio.Server(async_mode=mode).eio.handlers)) == 3",
        "Sockets.attach calls Socket.IO's own handlers after its checks",
    ),
]
EVENTLET = [
    ("hasattr(made, '_negotiate_permessage_deflate')", "one packed frame for all browsers"),
    (
        "'self.handler(ws)' in source(WebSocketWSGI.__call__)",
        "wire._green_class replaces self.handler just before",
    ),
    (
        "'self.socket.sendall(frame)' in source(RFC6455WebSocket._send)"
        " and 'self._sendlock.acquire()' in source(RFC6455WebSocket._send)",
        "Wire writes under the lock that eventlet's own control frames take",
    ),
    (
        "all(hasattr(Semaphore(), name) for name in ('acquire', 'release', 'locked'))",
        "that lock is looked at without waiting",
    ),
    ("GreenSocket().fd.gettimeout() == 0", "Wire.direct = socket.fd.send never waits"),
    (
        "'self.extensions = extensions' in source(RFC6455WebSocket.__init__)",
        "Wire.packs is read from extensions",
    ),
]
THREADING = [
    (
        "'self.app(self)' in source(made.__call__) and 'self.server_args' in source(made.__init__)",
        "wire._threaded_class replaces self.app and adds a limit to server_args",
    ),
    (
        "'simple_websocket.Server(environ, **self.server_args)' in source(made.__call__)",
        "ThreadedWebSocket.wait reads self.ws",
    ),
    (
        "\"environ.get('werkzeug.socket')\" in source(simple_websocket.Server.__init__)",
        "the Wire writes to werkzeug's socket",
    ),
]
PRELUDE = """
import importlib, inspect, re, sys
from grok_sauce.runtime import concurrency
mode = sys.argv[1]
concurrency.patch(mode)
import simple_websocket, socketio
from engineio import Server
from engineio.base_socket import BaseSocket
from engineio.payload import Payload
from engineio.socket import Socket
source = inspect.getsource
driver = importlib.import_module("engineio.async_drivers." + mode)._async
made = driver["websocket"]
if mode == "eventlet":
    from eventlet.greenio import GreenSocket
    from eventlet.semaphore import Semaphore
    from eventlet.websocket import RFC6455WebSocket, WebSocketWSGI
for number, check in enumerate(sys.argv[2:]):
    try:
        true = eval(check)
    except Exception as problem:
        true = False
        print(number, type(problem).__name__, problem)
    else:
        if not true:
            print(number)
"""


def test_the_version_that_was_read_is_the_one_that_is_pinned() -> None:
    assert metadata.version("python-engineio") == PINNED, "read it again, then change PINNED here"
    for name in ("constraints.txt", "requirements.txt"):
        assert f"python-engineio=={PINNED}" in (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("mode", "expected"), [("eventlet", COMMON + EVENTLET), ("threading", COMMON + THREADING)]
)
def test_the_places_the_fast_lane_stands_on_are_where_they_were(
    mode: str, expected: list[tuple[str, str]]
) -> None:
    checks = [check for check, _ in expected]

    done = subprocess.run(
        [sys.executable, "-c", PRELUDE, mode, *checks],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )

    assert done.returncode == 0, done.stderr
    moved = []
    for line in done.stdout.splitlines():
        number, _, problem = line.partition(" ")
        check, relies = expected[int(number)]
        moved.append(f"\n  moved: {check} {problem}\n    relied on by: {relies}")
    assert not moved, "the seam moved; see this file's first lines" + "".join(moved)


def test_a_missing_seam_is_named_instead_of_crashing() -> None:
    from types import SimpleNamespace

    from grok_sauce.publishers.wire import install

    def nobody(*_: object) -> None:
        pass

    class Plain:
        pass

    without = SimpleNamespace()
    no_class = SimpleNamespace(_async={"websocket": None})
    no_deflate = SimpleNamespace(_async={"websocket": Plain})

    assert "_async" in str(install(without, "eventlet", nobody, nobody, float))
    assert "_async" in str(install(no_class, "threading", nobody, nobody, float))
    assert "deflate" in str(install(no_deflate, "eventlet", nobody, nobody, float))
    assert no_deflate._async["websocket"] is Plain


def test_other_servers_of_the_process_keep_their_own_websockets() -> None:
    from engineio import Server

    from grok_sauce.publishers.wire import install

    ours, other = Server(async_mode="threading"), Server(async_mode="threading")
    before = other._async["websocket"]

    problem = install(ours, "threading", lambda *_: None, lambda *_: None, float)

    assert problem is None
    assert other._async["websocket"] is before
    assert ours._async["websocket"] is not before
