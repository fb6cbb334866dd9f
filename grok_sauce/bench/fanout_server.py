"""A server of the `fanout` benchmark: python -m grok_sauce.bench.fanout_server KIND."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Callable
from typing import Any

import orjson

from grok_sauce.bench.fanout import RATE
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import RealClock

SYMBOLS = [
    "SPX",
    "NDX",
    "SPY",
    "QQQ",
    "IWM",
    "DIA",
    "VIX",
    "AAPL",
    "MSFT",
    "NVDA",
    "TSLA",
    "AMZN",
    "/ESZ26",
]


def rows(chance: random.Random) -> list[dict[str, Any]]:
    """The table: thirteen rows, about 150 bytes each."""
    return [
        {
            "symbol": symbol,
            "order": order,
            "price": round(chance.random() * 6000, 2),
            "rvol": round(chance.random() * 3, 2),
            "change_price": round(chance.random() * 9, 2),
            "change_percent": round(chance.random(), 2),
            "color": "darkgreen",
            "text_color": "lightblue",
        }
        for order, symbol in enumerate(SYMBOLS)
    ]


def beats(tell: Callable[[list[dict[str, Any]]], None], sleep: Callable[[float], None]) -> None:
    """Tell the table RATE times a second, for ever."""
    clock, chance = RealClock(), random.Random(5)
    due = clock.monotonic()
    while True:
        due = max(due + 1 / RATE, clock.monotonic() - 1)
        sleep(max(0.0, due - clock.monotonic()))
        tell(rows(chance))


def announce(port: int) -> None:
    """The first line of output."""
    sys.stdout.write(orjson.dumps({"port": port}).decode() + "\n")
    sys.stdout.flush()


def ours() -> None:
    """The product's publishers, nothing else of it."""
    from flask import Flask

    from grok_sauce.publishers.snapshot import Snapshot
    from grok_sauce.publishers.sockets import Sockets
    from grok_sauce.update import Update

    app, snapshot = Flask(__name__), Snapshot()
    sockets = Sockets(snapshot, RealClock())
    sockets.attach(app)

    def tell(table: list[dict[str, Any]]) -> None:
        updates = [Update("indicator.rows", row["symbol"], row) for row in table]
        snapshot.publish(updates)
        sockets.publish(updates)

    serve(app, tell)


def flask_socketio() -> None:
    """Flask-SocketIO as it comes; every browser gets every emit."""
    from flask import Flask
    from flask_socketio import SocketIO

    app = Flask(__name__)
    socketio = SocketIO(app, async_mode=concurrency.mode())
    socketio.on("subscribe")(lambda _: {"rows": []})
    serve(app, lambda table: socketio.emit("update_indicator", {"rows": table}))


def serve(app: Any, tell: Callable[[list[dict[str, Any]]], None]) -> None:
    """Both on the same web server."""
    concurrency.spawn(beats, tell, concurrency.sleep)
    sock = concurrency.listen("127.0.0.1", 0)
    announce(sock.getsockname()[1])
    concurrency.Server(sock, app).serve()


def websockets_broadcast() -> None:
    """websockets.broadcast, with as much of Engine.IO as the clients need."""
    import asyncio

    from websockets.asyncio.server import ServerConnection, broadcast
    from websockets.asyncio.server import serve as listen

    followers: set[ServerConnection] = set()

    async def follow(connection: ServerConnection) -> None:
        await connection.send('0{"sid":"x","upgrades":[]}')
        async for packet in connection:
            if packet == "40":
                await connection.send('40{"sid":"y"}')
            else:
                followers.add(connection)
                await connection.send('430[{"rows":[]}]')
        followers.discard(connection)

    async def main() -> None:
        clock, chance = RealClock(), random.Random(5)
        async with listen(
            follow, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=4096
        ) as server:
            announce(next(iter(server.sockets)).getsockname()[1])
            due = clock.monotonic()
            while True:
                due = max(due + 1 / RATE, clock.monotonic() - 1)
                await asyncio.sleep(max(0.0, due - clock.monotonic()))
                event = ["update_indicator", {"rows": rows(chance)}]
                broadcast(followers, "42" + orjson.dumps(event).decode())

    fast = importlib.util.find_spec("uvloop") is not None
    loops: Any = importlib.import_module("uvloop" if fast else "asyncio")
    loops.run(main())


KINDS = {"ours": ours, "flask-socketio": flask_socketio, "websockets": websockets_broadcast}

if __name__ == "__main__":
    if sys.argv[1] != "websockets":
        concurrency.patch("eventlet")
    KINDS[sys.argv[1]]()
