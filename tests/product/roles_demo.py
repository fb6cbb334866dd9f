"""A feed role, web roles, a market and a Redis, each a process; and a crowd of browsers on them."""

from __future__ import annotations

import json
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from grok_sauce.errors import SourceError
from grok_sauce.redis_link import RedisSettings, connect
from grok_sauce.roles.wire import Beats, RoleSettings, read_message
from grok_sauce.runtime.clock import RealClock
from tests.product.harness import ROOT, Product, free_port, until
from tests.redis_server import RedisServer

NAMES = RoleSettings()
TABLE = ("SPY", "QQQ", "XLF", "GLD", "VIX", "DXY")
SESSION = "2026-12-16T10:30"


class Market:
    """`main.py simulate`, on which several feed roles can stand."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._log = (folder / "market.txt").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "grok_sauce.cli", "simulate", "--port", str(self.port),
             "--start", SESSION],
            cwd=ROOT, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{self.port}"
        until(self._answers, 40, "the market")

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=15)
        self._log.close()


class Roles:
    """All of them. Folders: one for the feeds, of which one at a time owns it; one for the webs."""

    def __init__(self, folder: Path, mode: str = "eventlet") -> None:
        self.folder = folder
        self.mode = mode
        self.redis = RedisServer()
        self.redis.start()
        self.market = Market(folder)
        self.running: dict[str, Product] = {}
        self.ports: dict[str, int] = {}
        self.feeds = folder / "feed"
        (folder / "feed").mkdir(parents=True, exist_ok=True)
        settings = {
            "schema": 1,
            "indicators": {"positive": list(TABLE), "neutral": [], "negative": []},
            "gex": {"symbols": [], "expiries": 1},
        }
        (folder / "feed" / "settings.json").write_text(json.dumps(settings), encoding="utf-8")

    def feed(self, name: str = "feed", folder: str | None = None) -> Product:
        """Start a feed role; without a folder of its own it shares one, as on one machine."""
        arguments = ("demo", "--role", "feed", "--market", self.market.url)
        if folder is not None:
            self.feeds = self.folder / folder
            self.feeds.mkdir(exist_ok=True)
        return self._start(name, self.feeds, *arguments)

    def left(self, name: str) -> None:
        """Of the feed roles only this one is left, and from now on it is the feed."""
        for other in [other for other in ("feed", "standby") if other in self.running]:
            self.running[other].process.send_signal(signal.SIGCONT)
            if other != name:
                self.kill(other)
        if name != "feed":
            self.running["feed"] = self.running.pop(name)
            self.ports["feed"], self.ports[name] = self.ports[name], self.ports["feed"]

    def web(self, name: str) -> Product:
        """Start a web role, on the port it had if it ran before."""
        return self._start(name, self.folder / "web", "--role", "web")

    def _start(self, name: str, folder: Path, *arguments: str) -> Product:
        found = Product(
            folder, *arguments, mode=self.mode, port=self.ports.get(name), REDIS_URL=self.redis.url
        )
        found.wait()
        self.ports[name] = found.port
        self.running[name] = found
        return found

    def whole(self) -> Roles:
        """One feed and two web roles that show live prices."""
        if "standby" in self.running:
            self.left("feed" if "feed" in self.running else "standby")
        for name in ("feed", "web1", "web2"):
            known = self.running.get(name)
            if known is None or known.process.poll() is not None:
                self.feed(name) if name == "feed" else self.web(name)
        for name in ("web1", "web2"):
            until(self.running[name].live, 60, f"live prices on {name}")
        return self

    def kill(self, name: str) -> None:
        self.running.pop(name).stop(signal.SIGKILL)

    def close(self) -> None:
        for product in self.running.values():
            product.process.send_signal(signal.SIGCONT)
            product.process.kill()
            product.process.wait(timeout=10)
        self.market.close()
        self.redis.stop()


class Hearing:
    """Everything a feed tells, with the wall time it was told, in order."""

    def __init__(self, redis: RedisServer) -> None:
        self.told: list[Beats] = []
        self._link = connect(RedisSettings(redis.url), RealClock())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                ear = self._link.hear([NAMES.updates])
            except SourceError:
                self._stop.wait(0.1)
                continue
            try:
                while not self._stop.is_set():
                    found = ear.read(0.2)
                    if found is not None:
                        self.told.append(read_message(found.body))
            except SourceError:
                continue
            finally:
                ear.close()

    def tokens(self) -> list[int]:
        """The owners in the order they spoke, repetitions left out."""
        found: list[int] = []
        for each in self.told:
            if not found or found[-1] != each.token:
                found.append(each.token)
        return found

    def rows(self) -> dict[bytes, int]:
        """Rows of the table as encoded -> wall ms when they were told first."""
        found: dict[bytes, int] = {}
        for told in self.told:
            for update in (update for beat in told.beats for update in beat):
                if update.topic == "indicator.rows" and update.payload is not None:
                    found.setdefault(orjson.dumps(update.payload), told.wall_ms)
        return found

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self._link.close()


@dataclass
class Browser:
    """One connection after the other; frames are (wall s, packet) of the connection open now."""

    port: int
    sock: socket.socket | None = None
    rest: bytes = b""
    frames: list[tuple[float, bytes]] = field(default_factory=list)
    earlier: list[list[tuple[float, bytes]]] = field(default_factory=list)


def masked(body: bytes) -> bytes:
    """A client's frame; a mask of zeros is legal and leaves nothing to compute."""
    return bytes((0x81, 0x80 | len(body))) + b"\0\0\0\0" + body


class Crowd:
    """Browsers that follow the table, each on one web role; one whose role dies goes to another."""

    def __init__(self, ports: Iterable[int], each: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._spare = list(ports)
        self.browsers = [Browser(port) for port in self._spare for _ in range(each)]
        self._stop = threading.Event()
        for browser in self.browsers:
            self._join(browser)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _join(self, browser: Browser) -> None:
        sock = socket.create_connection(("127.0.0.1", browser.port), timeout=10)
        sock.sendall(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{browser.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
        )
        seen = b""
        while b"\r\n\r\n" not in seen:
            more = sock.recv(65536)
            if not more:
                raise ConnectionError(f"refused: {seen[:80]!r}")
            seen += more
        sock.sendall(masked(b"40"))
        sock.sendall(masked(b'420["subscribe",{"page":"indicator"}]'))
        sock.setblocking(False)
        browser.sock, browser.rest, browser.frames = sock, seen.partition(b"\r\n\r\n")[2], []
        self._selector.register(sock, selectors.EVENT_READ, browser)

    def _run(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.1):
                self._read(key.data)
            for browser in self.browsers:
                if browser.sock is None and not self._stop.is_set():
                    self._again(browser)

    def _again(self, browser: Browser) -> None:
        """As a browser does whose server is gone: behind one address, another one answers."""
        others = [port for port in self._spare if port != browser.port]
        browser.port = others[0] if others else browser.port
        try:
            self._join(browser)
        except OSError:
            time.sleep(0.05)

    def _read(self, browser: Browser) -> None:
        sock = browser.sock
        assert sock is not None
        try:
            data = sock.recv(262144)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(sock)
            sock.close()
            browser.earlier.append(browser.frames)
            browser.sock = None
            return
        now, data = time.time(), browser.rest + data
        start, end = 0, len(data)
        while end - start >= 2:
            size, first = data[start + 1], 2
            if size >= 126:
                first = 4 if size == 126 else 10
                if end - start < first:
                    break
                size = int.from_bytes(data[start + 2 : start + first], "big")
            if end - start < first + size:
                break
            packet = data[start + first : start + first + size]
            if packet == b"2":
                sock.send(masked(b"3"))
            else:
                browser.frames.append((now, packet))
            start += first + size
        browser.rest = data[start:]

    def updates(self) -> int:
        """Frames all browsers together have got on the connections open now."""
        return sum(len(browser.frames) for browser in self.browsers)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(15)
        for browser in self.browsers:
            if browser.sock is not None:
                browser.sock.close()
        self._selector.close()


@dataclass
class Seen:
    """What one connection saw: its numbers in order, and each row with the wall time it came."""

    epoch: str
    numbers: list[int] = field(default_factory=list)
    whole: int = 0
    rows: list[tuple[float, bytes]] = field(default_factory=list)


def read(frames: list[tuple[float, bytes]]) -> Seen | None:
    """None for a connection that ended before it had its snapshot."""
    seen: Seen | None = None
    for at, packet in frames:
        if packet.startswith(b"430["):
            (answer,) = orjson.loads(packet[3:])
            seen = Seen(answer["epoch"], [answer["seq"]])
        elif packet.startswith(b'42["update_indicator"') and seen is not None:
            told: dict[str, Any] = orjson.loads(packet[2:])[1]
            if told["seq"] <= seen.numbers[-1] and not seen.rows:
                continue  # sent before the snapshot was read
            assert told["epoch"] == seen.epoch
            seen.numbers.append(told["seq"])
            seen.whole += told["full"]
            seen.rows += [(at, orjson.dumps(row)) for row in told["rows"]]
    return seen


def gaps(seen: Seen) -> list[tuple[int, int]]:
    """Where a number does not follow on the one before."""
    pairs = zip(seen.numbers, seen.numbers[1:], strict=False)
    return [(one, two) for one, two in pairs if two != one + 1]


def delays(connections: Iterable[Seen], told: dict[bytes, int]) -> list[float]:
    """Milliseconds from the feed's telling of a row to its arrival, sorted."""
    return sorted(
        at * 1000 - told[row] for seen in connections for at, row in seen.rows if row in told
    )


def strangers(connections: Iterable[Seen], told: dict[bytes, int]) -> Counter[bytes]:
    """Rows that the feed never told."""
    return Counter(row for seen in connections for _, row in seen.rows if row not in told)
