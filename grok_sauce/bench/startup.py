"""From the command to the first page, against importing the frameworks and nothing else."""

from __future__ import annotations

import http.client
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from grok_sauce.bench.peers import missing
from grok_sauce.bench.report import Bar, Comparison
from grok_sauce.errors import GrokSauceError
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import RealClock

HELP: Final = "main.py demo to its first page, against the frameworks' imports alone"
MAIN: Final = Path(__file__).parents[2] / "main.py"
IMPORTS: Final = "import flask, flask_socketio, eventlet, time; print(time.process_time())"
NO_BYTECODE: Final = "PYTHONDONTWRITEBYTECODE"  # with it each start compiles every module again
PATIENCE: Final = 60.0  # seconds for the first answer


def measure(say: Callable[[str], None], repeats: int = 3) -> list[Comparison]:
    """CPU of the product's process to the first good answer, and its memory then.

    The embedded market is a process of its own and not counted.
    """
    why = missing("psutil")
    cpu = memory = None
    if not why:
        say(f"main.py demo, {repeats} times, the first to warm up not counted")
        try:
            with tempfile.TemporaryDirectory() as folder:
                _demo(folder)  # compiles modules and templates, as the first start does
                found = [_demo(folder) for _ in range(repeats)]
        except GrokSauceError as problem:
            why = str(problem)
        else:
            cpu = statistics.median(seconds for seconds, _ in found)
            memory = statistics.median(megabytes for _, megabytes in found)
    bare = statistics.median(_imports() for _ in range(repeats))
    peer = "importing flask, flask_socketio, eventlet"
    return [
        Comparison(
            "warm start to the first page", "s CPU", cpu, peer, bare, Bar("at most", 0.6), why
        ),
        Comparison("memory then", "MB", memory, bar=Bar("at most", 65.0), why=why),
    ]  # fmt: skip


def _imports() -> float:
    argv = [sys.executable, "-W", "ignore", "-c", IMPORTS]
    return float(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def _demo(folder: str) -> tuple[float, float]:
    """(CPU seconds, resident MB) at the first good answer; data in folder.

    Raises:
        GrokSauceError: it ended or did not answer in time.
    """
    psutil: Any = importlib.import_module("psutil")
    clock = RealClock()
    port = _free_port()
    kept = {name: value for name, value in os.environ.items() if name != NO_BYTECODE}
    with tempfile.TemporaryFile() as output:
        argv = [sys.executable, str(MAIN), "demo", "--port", str(port), "--data", folder]
        argv += ["--settings", f"{folder}/settings.json", "--log-level", "ERROR"]
        child = subprocess.Popen(
            argv, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=kept
        )
        try:
            process = psutil.Process(child.pid)
            deadline = clock.monotonic() + PATIENCE
            while not _answers(port):
                if child.poll() is not None or clock.monotonic() > deadline:
                    output.seek(0)
                    words = output.read().decode(errors="replace").strip().splitlines()
                    last = words[-1] if words else "no word"
                    raise GrokSauceError(f"main.py demo did not answer: {last}")
                concurrency.sleep(0.02)
            times = process.cpu_times()
            # At once: a moment later the first chain is there, and with it numpy.
            return times.user + times.system, process.memory_info().rss / 1e6
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _free_port() -> int:
    with concurrency.listen("127.0.0.1", 0) as sock:
        return int(sock.getsockname()[1])


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/indicator")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
