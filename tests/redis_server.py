"""A Redis server of the machine on a free port, for tests that need a real one."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

PROGRAM = shutil.which("redis-server")
START_SECONDS = 20.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """`with RedisServer() as server:` runs one; it keeps its port and its data over stop and start.

    data: whether what it holds outlives stop() and start() (an append-only file).
    The test is skipped by name where no redis-server is installed.
    """

    def __init__(self, password: str | None = None, data: bool = False) -> None:
        if PROGRAM is None:
            pytest.skip("no redis-server on this machine (Debian: apt install redis-server)")
        self.port = free_port()
        self._password = password
        self._data = data
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        login = f":{self._password}@" if self._password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        """Start it and wait until it answers."""
        assert self._process is None
        argv = [
            str(PROGRAM), "--port", str(self.port), "--bind", "127.0.0.1",
            "--dir", self._folder.name, "--save", "",
            "--appendonly", "yes" if self._data else "no",
            "--logfile", str(Path(self._folder.name) / "log"),
        ]  # fmt: skip
        if self._password:
            argv += ["--requirepass", self._password]
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, "redis-server ended: " + self.log()
            assert time.monotonic() < deadline, "redis-server does not answer: " + self.log()
            time.sleep(0.01)

    def stop(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def freeze(self) -> None:
        """Let it accept and say nothing: its process stands still, the system accepts for it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def cli(self, *words: str) -> str:
        """What redis-cli prints for a command."""
        done = subprocess.run(
            self._cli(*words), capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout.strip()

    def subscriber(self, *channels: str) -> subprocess.Popen[str]:
        """redis-cli listening; its lines come on stdout. The caller ends it."""
        listener = subprocess.Popen(
            self._cli("SUBSCRIBE", *channels), stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert listener.stdout is not None
        for _ in range(3 * len(channels)):  # "subscribe", channel, number
            assert listener.stdout.readline()
        return listener

    def log(self) -> str:
        path = Path(self._folder.name) / "log"
        return path.read_text(encoding="utf-8")[-2000:] if path.exists() else ""

    def _cli(self, *words: str) -> list[str]:
        login = ["--no-auth-warning", "-a", self._password] if self._password else []
        return ["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), *login, *words]

    def _answers(self) -> bool:
        login = f"AUTH {self._password}\r\n" if self._password else ""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as plug:
                plug.sendall(f"{login}PING\r\n".encode())
                answer: Any = plug.recv(64)
                return b"+OK" in answer or b"+PONG" in answer
        except OSError:
            return False
