"""Helpers of the feed tests: a conversation partner in memory, and a tiny WebSocket server."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from grok_sauce.feeds.dxlink_messages import DxLinkSettings, Output
from grok_sauce.feeds.dxlink_protocol import DxLinkProtocol
from grok_sauce.feeds.subscriptions import Planner, Subscription
from grok_sauce.market.batches import FIELDS, Batch

AT = 1797449527.0  # market time of the tests


class Play:
    """Plays the server against a DxLinkProtocol, without a socket; time moves by hand."""

    def __init__(self, protocol: DxLinkProtocol) -> None:
        self.protocol = protocol
        self.now = 1000.0
        self.sent: list[dict[str, Any]] = []
        self.batches: list[Batch] = []
        self.events: list[Any] = []
        self.planner = Planner()
        self.keep(protocol.start(self.now))

    def keep(self, out: Output) -> list[dict[str, Any]]:
        messages = [json.loads(text) for text in out.texts]
        self.sent += messages
        self.batches += out.batches
        self.events += out.events
        return messages

    def says(self, *messages: dict[str, Any] | bytes | str) -> list[dict[str, Any]]:
        """The server says these; returns what the client answers."""
        answers = []
        for message in messages:
            frame = json.dumps(message).encode() if isinstance(message, dict) else message
            answers += self.keep(self.protocol.feed_bytes(frame, AT, self.now))
        return answers

    def passes(self, seconds: float, step: float = 0.25) -> list[dict[str, Any]]:
        """Time passes with a tick every `step`; returns what the client says meanwhile."""
        answers = []
        for _ in range(round(seconds / step)):
            self.now += step
            answers += self.keep(self.protocol.tick(AT, self.now))
        return answers

    def want(self, *subscriptions: Subscription) -> list[dict[str, Any]]:
        """Want exactly these; returns what the next tick says."""
        self.planner.want("test", subscriptions, 1)
        self.protocol.want(self.planner.plan().entries)
        return self.passes(0.25)

    def opens(self) -> None:
        """The handshake up to streaming, with field lists in our own order."""
        self.says(
            {"type": "SETUP", "channel": 0, "version": "1.0-test", "keepaliveTimeout": 60},
            {"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"},
            {"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED"},
        )
        for number in (1, 3):
            self.says(
                {"type": "CHANNEL_OPENED", "channel": number, "service": "FEED"},
                {
                    "type": "FEED_CONFIG",
                    "channel": number,
                    "dataFormat": "COMPACT",
                    "aggregationPeriod": 0.1,
                    "eventFields": {
                        kind: ["eventSymbol", *fields]
                        for kind, fields in FIELDS.items()
                        if (kind == "Candle") == (number == 3)
                    },
                },
            )


@pytest.fixture
def play() -> Play:
    """A fresh conversation: the client said SETUP."""
    return Play(DxLinkProtocol("quote-token", DxLinkSettings()))


@pytest.fixture
def new_play() -> Callable[..., Play]:
    """Makes further conversations; arguments go to the protocol."""

    def make(settings: DxLinkSettings | None = None, **more: Any) -> Play:
        return Play(DxLinkProtocol("quote-token", settings or DxLinkSettings(), **more))

    return make


@pytest.fixture
def streaming(play: Play) -> Play:
    """A conversation whose channels are open."""
    play.opens()
    return play


def server_frame(payload: bytes, first: int = 0x81) -> bytes:
    """An unmasked frame as servers send it."""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


class Peer:
    """The server's end of one WebSocket: reads whole client messages, writes anything."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = b""
        self.closed_with: int | None = None

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            more = self.sock.recv(65536)
            if not more:
                raise ConnectionError("client gone")
            self._buffer += more
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def upgrade(self, status: str = "101 Switching Protocols") -> None:
        while b"\r\n\r\n" not in self._buffer:
            more = self.sock.recv(4096)
            if not more:
                raise ConnectionError("client gone")
            self._buffer += more
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.head = head.decode()
        if not status.startswith("101"):
            self.sock.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        key = next(
            line.split(":", 1)[1].strip()
            for line in self.head.split("\r\n")
            if line.lower().startswith("sec-websocket-key")
        )
        guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1((key + guid).encode()).digest()).decode()
        self.sock.sendall(
            (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            ).encode()
        )

    def read(self) -> tuple[int, bytes]:
        """(opcode, payload) of the next frame."""
        first, second = self._exactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._exactly(8))
        assert second & 0x80, "a client must mask"
        mask = self._exactly(4)
        body = self._exactly(length)
        return first & 0x0F, bytes(b ^ mask[i % 4] for i, b in enumerate(body))

    def message(self) -> dict[str, Any]:
        """The next text message."""
        while True:
            opcode, payload = self.read()
            if opcode == 1:
                value: dict[str, Any] = json.loads(payload)
                return value
            if opcode == 8:
                self.closed_with = int.from_bytes(payload[:2], "big")
                raise ConnectionError("client closed")

    def until(self, kind: str) -> dict[str, Any]:
        """Messages up to the first of a type."""
        while True:
            message = self.message()
            if message["type"] == kind:
                return message

    def say(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            self.sock.sendall(server_frame(json.dumps(message).encode()))

    def close(self, code: int, reason: str = "") -> None:
        self.sock.sendall(server_frame(struct.pack("!H", code) + reason.encode(), 0x88))

    def handshake(self) -> None:
        """SETUP to FEED_CONFIG of both channels."""
        self.until("SETUP")
        self.say(
            {"type": "SETUP", "channel": 0, "version": "1.0-test", "keepaliveTimeout": 60},
            {"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"},
        )
        self.token = self.until("AUTH")["token"]
        self.say({"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED"})
        for _ in range(2):
            number = self.until("CHANNEL_REQUEST")["channel"]
            self.say({"type": "CHANNEL_OPENED", "channel": number, "service": "FEED"})
        for _ in range(2):
            setup = self.until("FEED_SETUP")
            self.say(
                {
                    "type": "FEED_CONFIG",
                    "channel": setup["channel"],
                    "dataFormat": "COMPACT",
                    "eventFields": setup["acceptEventFields"],
                }
            )


class TinyServer:
    """Each connection runs the next script with its Peer, on a thread; the last one repeats."""

    def __init__(self) -> None:
        self.scripts: list[Callable[[Peer], None]] = []
        self.peers: list[Peer] = []
        self.failures: list[BaseException] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}/realtime"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(10)
            peer = Peer(sock)
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            self.peers.append(peer)
            threading.Thread(target=self._play, args=(script, peer), daemon=True).start()

    def _play(self, script: Callable[[Peer], None], peer: Peer) -> None:
        try:
            script(peer)
        except (ConnectionError, TimeoutError, OSError):
            pass
        except (AssertionError, KeyError, ValueError) as problem:
            self.failures.append(problem)
        finally:
            peer.sock.close()

    def stop(self) -> None:
        # A thread that waits in accept() is woken by shutdown, not by close alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.peers:
            try:
                peer.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._thread.join(2)


@pytest.fixture
def tiny_server() -> Iterator[TinyServer]:
    """A WebSocket server whose behaviour the test scripts."""
    server = TinyServer()
    yield server
    server.stop()
    assert server.failures == []


def wait_until(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    """The first true value of condition; fails after the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError("the condition did not come true in time")


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """wait_until, for tests that watch threads."""
    return wait_until


@pytest.fixture
def as_frame() -> Callable[..., bytes]:
    """server_frame, for tests of the splitter."""
    return server_frame
