"""Frames on our own socket code: `receive.py URL FRAMES [eventlet]`; prints one JSON line."""

from __future__ import annotations

import json
import sys
import time


def main(url: str, frames: int, mode: str = "threading") -> None:
    """Read so many text frames and tell how much processor time that took."""
    from grok_sauce.runtime import concurrency

    concurrency.patch(mode)
    from grok_sauce.feeds.websocket_link import WebSocketLink

    link = WebSocketLink(url, "bench")
    got = size = 0
    began = time.process_time()
    while got < frames:
        for message in link.receive():
            got += 1
            size += len(message)
    print(json.dumps({"frames": got, "bytes": size, "cpu_s": time.process_time() - began}))
    link.shut()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4])
