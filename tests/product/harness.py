"""The product as a user starts it: a process with its own port, data and settings."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODES = ("eventlet", "threading")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def until(look: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true answer of look(); fails naming what did not come."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come within {seconds:g} s; last seen: {found!r}")
        time.sleep(0.05)


class Product:
    """One running dashboard."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        mode: str = "eventlet",
        port: int | None = None,
        **env: str,
    ) -> None:
        self.port = port or free_port()
        self.folder = folder
        self.log = folder / "log.txt"
        folder.mkdir(parents=True, exist_ok=True)
        environ = {k: v for k, v in os.environ.items() if not k.startswith("GROK_SAUCE_")}
        environ.update(
            ASYNC_MODE=mode, GROK_SAUCE_ENV_FILE=str(folder / "env"), PYTHONUNBUFFERED="1", **env
        )
        command = [
            sys.executable, "-m", "grok_sauce.cli", *arguments, "--port", str(self.port),
            "--data", str(folder / "data"), "--settings", str(folder / "settings.json"),
        ]  # fmt: skip
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environ, stdout=out, stderr=subprocess.STDOUT
            )
        self.url = f"http://127.0.0.1:{self.port}"

    def get(self, path: str, timeout: float = 10) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def answers(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"ended with {self.process.returncode}:\n{self.text()}")
        with contextlib.suppress(OSError):
            return self.get("/health", timeout=2)[0] in (200, 503)
        return False

    def wait(self) -> Product:
        until(self.answers, 40, "the first answer")
        return self

    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["symbol"]: row for row in json.loads(self.get("/api/indicator")[1])["rows"]}

    def health(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.get("/health")[1])
        return report

    def market_pid(self) -> int:
        """The embedded market is our only child."""
        out = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return int(out.stdout.split()[0])

    def market_url(self) -> str:
        """Where the embedded market answers, from its command line's log."""
        return f"http://127.0.0.1:{self.health()['market_port']}"

    def fault(self, **faults: Any) -> None:
        """Switch faults of the embedded market."""
        request = urllib.request.Request(
            self.market_url() + "/faults",
            method="POST",
            data=json.dumps(faults).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "tests/1.0"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200

    def live(self) -> bool:
        """Is every offered row of the default table live?"""
        rows = self.rows()
        return bool(rows) and all(
            row["status"] in ("live", "aging") for row in rows.values() if row["symbol"] != "DXY"
        )

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self, sig: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            return self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=10)
            pytest.fail(f"did not stop within 10 s:\n{self.text()[-3000:]}")
