"""Receive and parse 10 kB frames from a socket, against websocket-client and the broker's SDK."""

from __future__ import annotations

import base64
import hashlib
import socket
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Final

import orjson

from grok_sauce.bench.frames import PER_FRAME, compose
from grok_sauce.bench.peers import missing
from grok_sauce.bench.report import Bar, Comparison
from grok_sauce.errors import GrokSauceError
from grok_sauce.publishers.frames import frame
from grok_sauce.runtime import concurrency

HELP: Final = "receive and parse 10 kB frames, against websocket-client's defaults"
UNIT: Final = "us CPU/frame"
_ACCEPT: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3


def measure(say: Callable[[str], None], frames: int = 400, repeats: int = 3) -> list[Comparison]:
    """Median CPU per frame of a receiver in a process of its own."""
    data = compose(100, 2000)
    size = sum(map(len, data)) // len(data)
    say(f"frames of {PER_FRAME} events, {size:,} bytes on average, over loopback")
    ours = _median("ours", data, frames * 10, repeats)
    plain = _median("websocket-client", data, frames, repeats)
    why = missing("tastytrade")
    both = None
    if not why:
        try:
            both = _median("websocket-client and SDK", data, frames, repeats)
        except GrokSauceError as problem:
            why = str(problem)
    return [
        Comparison(
            "receive, parse and state",
            UNIT,
            ours,
            "websocket-client's defaults and tastytrade SDK",
            both,
            Bar("faster", 20.0),
            why,
        ),
        Comparison("receive, parse and state", UNIT, ours, "websocket-client, no parse", plain),
    ]


def _median(side: str, data: list[bytes], frames: int, repeats: int) -> float:
    return statistics.median(_once(side, data, frames) for _ in range(repeats))


def _once(side: str, data: list[bytes], frames: int) -> float:
    """Microseconds of CPU per frame of one receiver."""
    listener = concurrency.listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    sender = threading.Thread(target=_send, args=(listener, data, frames), daemon=True)
    sender.start()
    argv = [sys.executable, "-m", "grok_sauce.bench.receiver", side, str(port), str(frames)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    listener.close()
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise GrokSauceError(f"bench receiver {side!r}: {lines[-1] if lines else 'no word'}")
    return float(orjson.loads(done.stdout)["cpu"]) / frames * 1e6


def _send(listener: socket.socket, data: list[bytes], frames: int) -> None:
    """One client is served: a handshake, then frames as fast as it takes them."""
    ready = [frame(one) for one in data]
    sock, _ = listener.accept()
    with sock:
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(65536)
        key = next(
            line.split(b":", 1)[1].strip().decode()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        )
        answer = base64.b64encode(hashlib.sha1((key + _ACCEPT).encode()).digest()).decode()
        sock.sendall(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {answer}\r\n\r\n".encode()
        )
        try:
            for number in range(frames):
                sock.sendall(ready[number % len(ready)])
            sock.recv(65536)  # until the receiver leaves
        except OSError:
            return  # it left early and says why itself
