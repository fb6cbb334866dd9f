"""A receiver of the `receive` benchmark: python -m grok_sauce.bench.receiver SIDE PORT FRAMES."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import orjson

from grok_sauce.bench.frames import streaming
from grok_sauce.market.state import MarketState


def ours(url: str, frames: int) -> float:
    """Our link, protocol and state; CPU seconds."""
    from grok_sauce.feeds.websocket_link import WebSocketLink

    link, protocol, state = WebSocketLink(url, "bench", poll=5.0), streaming(), MarketState()
    left = frames
    began = time.process_time()
    while left > 0:
        for message in link.receive():
            left -= 1
            for batch in protocol.feed_bytes(message, 1.0, 1.0).batches:
                state.apply(batch)
    return time.process_time() - began


def websocket_client(url: str, frames: int, parses: bool) -> float:
    """websocket-client as it comes, and the SDK's events if asked for; CPU seconds."""
    import websocket

    read: Callable[[str | bytes], object] = len
    if parses:
        from grok_sauce.bench.peers import sdk_reader

        read = sdk_reader()[0]
    connection = websocket.create_connection(url, timeout=30)
    began = time.process_time()
    for _ in range(frames):
        read(connection.recv())
    return time.process_time() - began


def main(side: str, port: str, frames: str) -> None:
    """Print {"cpu": seconds} for the side."""
    url = f"ws://127.0.0.1:{port}/"
    if side == "ours":
        cpu = ours(url, int(frames))
    else:
        cpu = websocket_client(url, int(frames), parses=side.endswith("SDK"))
    sys.stdout.write(orjson.dumps({"cpu": cpu}).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
