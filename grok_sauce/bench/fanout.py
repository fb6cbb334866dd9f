"""One table ten times a second to many browsers: CPU of the server per delivered message."""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any, Final

import orjson

from grok_sauce.bench.peers import missing
from grok_sauce.bench.report import Bar, Comparison
from grok_sauce.errors import GrokSauceError

HELP: Final = "a table to many browsers, against Flask-SocketIO's default and websockets.broadcast"
UNIT: Final = "us CPU/message"
RATE: Final = 10  # messages a second that each browser should get


def measure(
    say: Callable[[str], None], clients: int = 500, seconds: float = 5.0, repeats: int = 1
) -> list[Comparison]:
    """CPU of each server per message that its browsers received."""
    why = missing("psutil")
    say(f"{clients} browsers, a table of 13 rows {RATE} times a second")
    if why:
        return [
            Comparison("fan-out", UNIT, None, peer, None, bar, why)
            for peer, bar in (
                ("websockets.broadcast", Bar("of peer", 1.1)),
                ("Flask-SocketIO's default", Bar("faster", 4.0)),
            )
        ]

    def cost(kind: str, packs: bool = False) -> float:
        found = sorted(_once(kind, clients, seconds, packs) for _ in range(repeats))
        return found[len(found) // 2]

    ours = cost("ours")
    no_websockets = missing("websockets")
    broadcast = None if no_websockets else cost("websockets")
    # Without uvloop the peer is slower than it need be, and the line says so.
    note = no_websockets or missing("uvloop")
    default = cost("flask-socketio")
    packed, default_packed = cost("ours", True), cost("flask-socketio", True)
    return [
        Comparison(
            "fan-out", UNIT, ours, "websockets.broadcast", broadcast, Bar("of peer", 1.1),
            note,
        ),
        Comparison("fan-out", UNIT, ours, "Flask-SocketIO's default", default, Bar("faster", 4.0)),
        Comparison(
            "fan-out, deflate as browsers offer", UNIT, packed, "Flask-SocketIO's default",
            default_packed, Bar("faster", 10.0),
        ),
    ]  # fmt: skip


@contextlib.contextmanager
def _child(module: str, *args: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours that speaks JSON lines; ended in any case."""
    argv = [sys.executable, "-m", module, *map(str, args)]
    child = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def _line(child: subprocess.Popen[bytes]) -> Any:
    stream: IO[bytes] | None = child.stdout
    line = stream.readline() if stream is not None else b""
    if not line:
        raise GrokSauceError(f"bench fanout: {child.args!r} ended early")
    return orjson.loads(line)


def _once(kind: str, clients: int, seconds: float, packs: bool) -> float:
    """Microseconds of the server's CPU per message received.

    Raises:
        GrokSauceError: a part did not start, or a tenth or more of the messages is missing
            for a server of ours (others may fall behind; what they delivered counts).
    """
    psutil: Any = importlib.import_module("psutil")
    with _child("grok_sauce.bench.fanout_server", kind) as server:
        port = _line(server)["port"]
        cpu = psutil.Process(server.pid).cpu_times
        with _child("grok_sauce.bench.fanout_clients", port, clients, seconds, int(packs)) as crowd:
            _line(crowd)  # all are connected and follow
            before = cpu()
            received = _line(crowd)["received"]
            after = cpu()
    expected = clients * seconds * RATE
    if not received or (kind == "ours" and received < 0.9 * expected):
        raise GrokSauceError(f"bench fanout: {kind} delivered {received} of {expected:.0f}")
    used = after.user - before.user + after.system - before.system
    return float(used / received * 1e6)
