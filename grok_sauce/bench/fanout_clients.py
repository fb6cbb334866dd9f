"""Many light browsers in one process: ... fanout_clients PORT COUNT SECONDS DEFLATE(0|1).

Prints {"ready": count} when all follow the table, then {"received": n}: messages within SECONDS.
"""

from __future__ import annotations

import selectors
import socket
import sys
from typing import Final

import orjson

from grok_sauce.runtime.clock import RealClock

OFFER: Final = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
SUBSCRIBE: Final = b'420["subscribe",{"page":"indicator"}]'
SETTLE: Final = 1.0  # seconds between the last subscription and the count


def masked(body: bytes) -> bytes:
    """A client's frame; a mask of zeros is legal and leaves nothing to compute."""
    return bytes((0x81, 0x80 | len(body))) + b"\0\0\0\0" + body


class Crowd:
    """Blocking while connecting, then one selector that counts frames of tables."""

    def __init__(self, port: int, deflate: bool) -> None:
        self._port = port
        self._offer = OFFER if deflate else ""
        self._selector = selectors.DefaultSelector()
        self._rest: dict[int, bytes] = {}
        self.received = 0

    def join(self) -> None:
        """One more browser, past its handshake and subscribed."""
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        sock.sendall(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{self._port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n{self._offer}\r\n".encode()
        )
        seen = b""
        while b"\r\n\r\n" not in seen or not seen.partition(b"\r\n\r\n")[2]:
            more = sock.recv(65536)
            if not more:
                raise ConnectionError(f"refused: {seen[:80]!r}")
            seen += more
        sock.sendall(masked(b"40"))
        sock.recv(65536)
        sock.sendall(masked(SUBSCRIBE))
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_READ)
        self._rest[sock.fileno()] = b""

    def listen(self, until: float, clock: RealClock) -> int:
        """Count whole frames of more than 200 bytes, tables that is, until then."""
        before = self.received
        while (left := until - clock.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                self._read(key.fileobj)  # type: ignore[arg-type]
        return self.received - before

    def _read(self, sock: socket.socket) -> None:
        number = sock.fileno()
        data = self._rest[number] + sock.recv(262144)
        start, end = 0, len(data)
        while end - start >= 2:
            size, head = data[start + 1], 2
            if size == 126:
                if end - start < 4:
                    break
                size, head = data[start + 2] << 8 | data[start + 3], 4
            if end - start < head + size:
                break
            self.received += size > 200
            if size == 1:
                sock.send(masked(b"3"))
            start += head + size
        self._rest[number] = data[start:]


def main(port: int, count: int, seconds: float, deflate: bool) -> None:
    """Join, settle, count."""
    _allow_files(count)
    clock, crowd = RealClock(), Crowd(port, deflate)
    for _ in range(count):
        crowd.join()
        crowd.listen(clock.monotonic() + 0.0005, clock)
    crowd.listen(clock.monotonic() + SETTLE, clock)
    _say({"ready": count})
    _say({"received": crowd.listen(clock.monotonic() + seconds, clock)})


def _say(value: dict[str, int]) -> None:
    sys.stdout.write(orjson.dumps(value).decode() + "\n")
    sys.stdout.flush()


def _allow_files(count: int) -> None:
    """Each browser is an open file; Unix limits them, Windows does not."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count + 100)), hard))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "1")
