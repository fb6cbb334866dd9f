"""A small server with nothing but the sockets, steered over HTTP; run by the tests as a process.

usage: fan_out_server.py MODE OPTIONS_AS_JSON    first line of output: the port
options: the fields of SocketLimits; "seam": false breaks the way to the WebSockets
"""

from __future__ import annotations

import json
import sys

from grok_sauce.runtime import concurrency


def main(mode: str, options_text: str) -> None:
    """Everything after the patch, the imports too."""
    concurrency.patch(mode)
    concurrency.check_patched()

    import logging
    import random

    import psutil
    from flask import Flask, request

    from grok_sauce.errors import SettingsError
    from grok_sauce.publishers import broadcast
    from grok_sauce.publishers.limits import SocketLimits
    from grok_sauce.publishers.pages import PAGES
    from grok_sauce.publishers.snapshot import Snapshot
    from grok_sauce.publishers.sockets import Sockets
    from grok_sauce.runtime.clock import RealClock
    from grok_sauce.update import Update

    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    options = json.loads(options_text)
    if options.pop("seam", True) is False:
        broadcast.install = lambda *_: "broken for the test"  # type: ignore[assignment]

    noise = random.Random(1)  # packs to half its size, no better
    app = Flask(__name__)
    watched: list[str] = []

    def watch(page: str, symbol: str, view: str) -> None:
        if symbol == "FULL":
            raise SettingsError("16 views are open, which is the limit; close one")
        watched.append(f"+{symbol}:{view}")

    snapshot = Snapshot("test-run")
    sockets = Sockets(
        snapshot,
        RealClock(),
        SocketLimits(**options),
        may_connect=lambda environ: "sign in first" if environ.get("HTTP_X_STRANGER") else None,
        address_of=lambda environ: environ.get("HTTP_X_ADDRESS") or environ["REMOTE_ADDR"],
        pages=PAGES,
        watch=watch,
        unwatch=lambda page, symbol, view: watched.append(f"-{symbol}:{view}"),
    )
    sockets.attach(app)

    def tell(beat: list[tuple[str, str, object]]) -> None:
        updates = [Update(*one) for one in beat]
        snapshot.publish(updates)
        sockets.publish(updates)

    @app.post("/reset")
    def reset() -> dict[str, object]:
        """As if just started: nobody there, nothing told, nothing counted."""
        for engine_socket in list(sockets.socketio.server.eio.sockets.values()):
            engine_socket.close(wait=False, abort=True)
        sockets.socketio.server.eio.sockets.clear()
        snapshot.__init__("test-run")  # type: ignore[misc]
        manager = sockets.manager
        watched.clear()
        manager.sent = manager.skipped = manager.dropped = sockets.refused = 0
        return {}

    @app.post("/publish")
    def publish() -> dict[str, object]:
        """A list of beats, each a list of [topic, key, payload]; pause (seconds) after each."""
        asked = request.get_json()
        for beat in asked["beats"]:
            tell([tuple(one) for one in beat])
            concurrency.sleep(asked.get("pause", 0.0))
        return {}

    @app.post("/rows")
    def rows() -> dict[str, object]:
        """`beats` beats of `rows` rows, each with `fill` bytes of ballast and the beat's number."""
        asked = request.get_json()
        for number in range(asked["beats"]):
            tell(
                [
                    (
                        "indicator.rows",
                        f"S{i}",
                        {"order": i, "n": number, "x": noise.randbytes(asked["fill"] // 2).hex()},
                    )
                    for i in range(asked["rows"])
                ]
            )
            concurrency.sleep(asked.get("pause", 0.0))
        return {}

    @app.post("/emit")
    def emit() -> dict[str, object]:
        data = request.get_json()
        sockets.socketio.emit("notice", bytes([1, 2, 3]) if data == "binary" else data)
        return {}

    @app.get("/status")
    def status() -> dict[str, object]:
        waiting = [
            engine_socket.queue.qsize()
            for engine_socket in list(sockets.socketio.server.eio.sockets.values())
        ]
        return {
            **sockets.status(),
            "rss": psutil.Process().memory_info().rss,
            "longest_queue": max(waiting, default=0),
            "rooms": {
                room: sockets.manager.members(room)
                for room in ("indicator.rows", "service.health", "gex.levels:SPX:0dte")
            },
            "clients_known": len(sockets.manager.clients),
            "watched": watched,
        }

    sock = concurrency.listen("127.0.0.1", 0)
    print(sock.getsockname()[1], flush=True)
    concurrency.Server(sock, app).serve()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
