"""A server in a process of its own, in either async mode, and a browser without a browser."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SERVER = Path(__file__).parent / "fan_out_server.py"
ROOT = Path(__file__).parents[2]
PATIENCE = 15.0


class Gone(Exception):
    """The server ended the connection."""


class FanOut:
    """The server's handle."""

    def __init__(self, mode: str, **options: Any) -> None:
        self.mode = mode
        self.log = ""
        # No pipe: one that nobody empties would stop the server.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), mode, json.dumps(options)],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.strip().isdigit(), self.stop()
        self.port = int(line)

    def post(self, path: str, data: Any) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(data).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200

    def publish(self, *beats: list[tuple[str, str, Any]], pause: float = 0.0) -> None:
        self.post("/publish", {"beats": beats, "pause": pause})

    def rows(self, beats: int, rows: int = 1, fill: int = 0, pause: float = 0.0) -> None:
        self.post("/rows", {"beats": beats, "rows": rows, "fill": fill, "pause": pause})

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def until(self, true: Callable[[dict[str, Any]], bool], within: float = PATIENCE) -> Any:
        """Ask for the status until it satisfies; fails with the last one."""
        deadline = time.monotonic() + within
        while True:
            status = self.status()
            if true(status):
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.05)

    def stop(self) -> str:
        """End it; what it logged."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.communicate(timeout=20)
        if not self._log.closed:
            self._log.seek(0)
            self.log = self._log.read().decode()
            self._log.close()
        return self.log


class Browser:
    """A Socket.IO client over one raw WebSocket (or long polling), which reads when told to."""

    def __init__(
        self,
        port: int,
        extensions: str = "",
        headers: str = "",
        receive_buffer: int | None = None,
        connect: bool = True,
        query: str = "",
    ) -> None:
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(("127.0.0.1", port))
        self.buffer = b""
        self.first_bytes: list[int] = []  # of each text frame seen
        self.bodies: list[bytes] = []  # as they were on the wire
        self.acks = 0
        if extensions:
            headers += f"Sec-WebSocket-Extensions: {extensions}\r\n"
        self.sock.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket{query} HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            f"Sec-WebSocket-Version: 13\r\n{headers}\r\n".encode()
        )
        head = self._until(b"\r\n\r\n").decode("latin1")
        self.status = int(head.split()[1])
        self.head = head.lower()
        if self.status == 101 and connect:
            assert self.packet()[0] == "0"
            self.send("40")
            assert self.packet()[:2] == "40"

    def _fill(self) -> None:
        try:
            more = self.sock.recv(65536)
        except ConnectionError:
            more = b""
        if not more:
            raise Gone
        self.buffer += more

    def _until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            self._fill()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def _take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._fill()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def frame(self) -> tuple[int, bytes]:
        """(first byte, body as on the wire) of the next frame."""
        first, size = self._take(2)
        assert size < 128, "a server must not mask"
        if size == 126:
            size = int.from_bytes(self._take(2))
        elif size == 127:
            size = int.from_bytes(self._take(8))
        return first, self._take(size)

    def packet(self) -> str:
        """The next Engine.IO packet that is no ping; raises Gone at the end."""
        while True:
            first, body = self.frame()
            assert first & 0x80, "no fragments are ever sent"
            if first & 15 == 8:
                raise Gone
            assert first & 15 == 1, f"unexpected frame {first:#x}"
            self.first_bytes.append(first)
            self.bodies.append(body)
            if first & 0x40:
                assert "permessage-deflate" in self.head
                # A fresh inflater each time: that is what "no context takeover" means.
                body = zlib.decompressobj(-15).decompress(body + b"\0\0\xff\xff")
            text = body.decode()
            if text == "2":
                self.send("3")
                continue
            return text

    def send(self, text: str, first: int = 0x81) -> None:
        body = text.encode()
        size = len(body)
        head = (
            bytes((first, 0x80 | size))
            if size < 126
            else (
                bytes((first, 0xFE)) + size.to_bytes(2)
                if size < 65536
                else bytes((first, 0xFF)) + size.to_bytes(8)
            )
        )
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))
        self.sock.sendall(head + mask + masked)

    def ask(self, event: str, *args: Any) -> Any:
        """Emit with an acknowledgement; the answer (events that come before are dropped)."""
        number, self.acks = self.acks, self.acks + 1
        self.send(f"42{number}{json.dumps([event, *args])}")
        while True:
            packet = self.packet()
            if packet.startswith(f"43{number}["):
                return json.loads(packet[packet.index("[") :])[0]

    def subscribe(self, page: str = "indicator", **more: Any) -> Any:
        return self.ask("subscribe", {"page": page, **more})

    def event(self) -> tuple[str, Any]:
        """The next event: its name and data."""
        while True:
            packet = self.packet()
            if packet.startswith("42"):
                name, data = json.loads(packet[2:])
                return name, data

    def close(self) -> None:
        self.sock.close()


class Poller:
    """The same over long polling."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport=polling"
        opened = self.get()[0]
        assert opened[0] == "0"
        self.sid = json.loads(opened[1:])["sid"]
        self.base += f"&sid={self.sid}"
        self.post("40")
        assert self.get()[0][:2] == "40"

    def get(self) -> list[str]:
        with urllib.request.urlopen(self.base, timeout=PATIENCE) as answer:
            assert answer.headers.get("Content-Encoding") is None
            return answer.read().decode().split("\x1e")

    def post(self, text: str) -> None:
        with urllib.request.urlopen(self.base, text.encode(), timeout=PATIENCE) as answer:
            assert answer.read() == b"OK"


@pytest.fixture(params=("eventlet", "threading"))
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=("eventlet", "threading"))
def shared(request: pytest.FixtureRequest) -> Iterator[FanOut]:
    """One server for tests that leave nothing behind."""
    server = FanOut(str(request.param))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def green_server() -> Iterator[FanOut]:
    """One server of the mode that packs, for tests that leave nothing behind."""
    server = FanOut("eventlet")
    yield server
    server.stop()


@pytest.fixture
def start() -> Iterator[Callable[..., FanOut]]:
    """start(mode, **limits) -> FanOut, ended with the test."""
    servers: list[FanOut] = []

    def begin(mode: str, **options: Any) -> FanOut:
        servers.append(FanOut(mode, **options))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


@pytest.fixture
def browse() -> Iterator[Callable[..., Browser]]:
    """browse(server, ...) -> Browser, closed with the test."""
    opened: list[Browser] = []

    def open_one(server: FanOut, **how: Any) -> Browser:
        opened.append(Browser(server.port, **how))
        return opened[-1]

    yield open_one
    for browser in opened:
        with contextlib.suppress(OSError):
            browser.close()


@pytest.fixture
def poll() -> Callable[[FanOut], Poller]:
    return lambda server: Poller(server.port)


@pytest.fixture
def gone() -> type[Gone]:
    return Gone
