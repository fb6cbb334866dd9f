"""A program for tests: store, dispatcher and transport in one async mode, against real listeners.

python router_run.py MODE FOLDER; prints one JSON line. Port 0 of the five hangs.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from grok_sauce.runtime import concurrency

concurrency.patch(sys.argv[1])

import json  # noqa: E402
import socket  # noqa: E402
import threading  # noqa: E402

from grok_sauce.alerts import records  # noqa: E402
from grok_sauce.alerts.dispatcher import Dispatcher  # noqa: E402
from grok_sauce.alerts.ledger import Ledger  # noqa: E402
from grok_sauce.alerts.model import HeldAlert, ReleaseOptions  # noqa: E402
from grok_sauce.alerts.numbers import Numbers  # noqa: E402
from grok_sauce.alerts.steady import SteadyTime  # noqa: E402
from grok_sauce.alerts.store import Store  # noqa: E402
from grok_sauce.alerts.targets import TargetGuard  # noqa: E402
from grok_sauce.alerts.transport import Transport  # noqa: E402
from grok_sauce.runtime.clock import RealClock  # noqa: E402
from tests.alerts.ledger_kit import a_new  # noqa: E402
from tests.alerts.send_kit import STATES, Blocks, Tree, reversal, route, target  # noqa: E402

TARGETS, ROUNDS = 5, 8
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def listen(port_index: int, seen: list[str]) -> int:
    server = socket.create_server(("127.0.0.1", 0))

    def answer(peer: socket.socket) -> None:
        with peer:
            _, _, body = peer.recv(65536).partition(b"\r\n\r\n")
            order = json.loads(body)
            seen.append(f"{order['ticker']} {order['action']}")
            if port_index == 0:
                hang.wait(30)
            else:
                peer.sendall(OK)

    def accept() -> None:
        while True:
            peer, _ = server.accept()
            concurrency.spawn(answer, peer)

    concurrency.spawn(accept)
    port: int = server.getsockname()[1]
    return port


hang = threading.Event()
clock = RealClock()
time = SteadyTime(clock)
seen: list[list[str]] = [[] for _ in range(TARGETS)]
ports = [listen(index, seen[index]) for index in range(TARGETS)]
options = ReleaseOptions(delay_s=0.05, gap_ms=20)
tree = Tree(
    *(
        route(f"T{n}", target(port, idempotent=False), options=options)
        for n, port in enumerate(ports)
    )
)
store = Store(Path(sys.argv[2]) / "alerts.db", time, wait_s=5.0)
store.open()
ledger = Ledger(store, time)
numbers = Numbers(time)
told: set[int] = set()
dispatcher = Dispatcher(
    ledger,
    tree,
    Transport(TargetGuard(set), clock, total_s=1.0),
    Blocks(),
    time,
    clock,
    numbers,
    told.update,
    read=store.read,
)
stop, stop_store = threading.Event(), threading.Event()
committer = concurrency.spawn(store.run, stop_store)
worker = concurrency.spawn(dispatcher.run, stop)
count = 0
for _ in range(ROUNDS):
    for n in range(TARGETS):
        count += 1
        alert = reversal(ticker=f"T{n}")
        now = time.now_ms()
        new = a_new(
            f"A{count}", now, alert=alert, group=f"T{n}", release_ms=now + 50, options=options
        )
        got = ledger.receive(new)
        dispatcher.take(
            HeldAlert(got.seq, new.id, alert, new.group, now, new.release_ms, options), got.blocked
        )
    concurrency.sleep(0.06)
deadline = clock.monotonic() + 40
while dispatcher.depth() and clock.monotonic() < deadline:
    concurrency.sleep(0.02)
began = clock.monotonic()
stop.set()
worker.join(6)
took = clock.monotonic() - began
hang.set()
stop_store.set()
committer.join(6)
states = store.read(
    lambda connection: [
        (each.ticker, each.leg, each.state) for each in records.deliveries_in(connection, STATES)
    ]
)
store.close()
print(
    json.dumps(
        {
            "seen": seen,
            "states": states,
            "depth": dispatcher.depth(),
            "stopped": not worker.is_alive(),
            "stop_s": took,
            "told": len(told),
            "delivered": numbers.snapshot()["delivered"],
        }
    )
)
