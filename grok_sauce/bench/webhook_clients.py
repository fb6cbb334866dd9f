"""Keep-alive senders in one process: ... webhook_clients PORT PATH COUNT SECONDS BASE.

Each sends its next alert when the last was answered. Prints {"good", "bad", "waits"}: answers
200, other answers, and milliseconds of each.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
from typing import Final

from grok_sauce.runtime.clock import RealClock
from grok_sauce.values import dataclass

BODY: Final = (
    '{"ticker":"NQ_5min","action":"buy","current_position":"flat","new_pos":"long","qty":1,'
    '"price":21500.25,"trade_id":"Open_Long_ID_%d"}'
)


@dataclass(slots=True)
class Sender:
    """One connection with a request under way since `began`."""

    sock: socket.socket
    began: float = 0.0
    seen: bytes = b""


class Senders:
    """All connections of one process on one selector."""

    def __init__(self, port: int, path: str, base: int) -> None:
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self._port = port
        self._number = base
        self._clock = RealClock()
        self._selector = selectors.DefaultSelector()
        self.good = self.bad = 0
        self.waits: list[float] = []

    def run(self, count: int, seconds: float) -> None:
        """Send on so many connections for so long."""
        until = self._clock.monotonic() + seconds
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", self._port), timeout=10)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sender = Sender(sock)
            self._selector.register(sock, selectors.EVENT_READ, sender)
            self._send(sender)
        while (left := until - self._clock.monotonic()) > 0 and self._selector.get_map():
            for key, _ in self._selector.select(left):
                self._read(key.data)

    def _send(self, sender: Sender) -> None:
        self._number += 1
        body = BODY % self._number
        sender.began = self._clock.monotonic()
        sender.seen = b""
        sender.sock.sendall(f"{self._head}{len(body)}\r\n\r\n{body}".encode())

    def _read(self, sender: Sender) -> None:
        more = sender.sock.recv(65536)
        if not more:
            self.bad += 1
            self._selector.unregister(sender.sock)
            sender.sock.close()
            return
        sender.seen += more
        head, blank, body = sender.seen.partition(b"\r\n\r\n")
        if not blank or len(body) < length_of(head):
            return
        self.waits.append((self._clock.monotonic() - sender.began) * 1000)
        if head.startswith(b"HTTP/1.1 200 "):
            self.good += 1
        else:
            self.bad += 1
        self._send(sender)


def length_of(head: bytes) -> int:
    r"""The Content-Length of an answer's head.

    >>> length_of(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\nDate: x")
    12
    """
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without Content-Length")


def main(port: str, path: str, count: str, seconds: str, base: str) -> None:
    """Send, then tell."""
    senders = Senders(int(port), path, int(base))
    senders.run(int(count), float(seconds))
    told = {"good": senders.good, "bad": senders.bad, "waits": senders.waits}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:6])
