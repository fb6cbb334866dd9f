"""Alerts a second that are on disk when answered, against a commit a request."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from grok_sauce.bench import webhook_clients
from grok_sauce.bench.report import Bar, Comparison
from grok_sauce.errors import GrokSauceError
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import RealClock
from grok_sauce.values import dataclass

HELP: Final = "alerts on disk before the answer, against Flask-SocketIO with a commit a request"
PEER: Final = "Flask-SocketIO (eventlet), a commit a request"
TICKER: Final = "NQ_5min"
# What the benchmark raises above the defaults, which protect against more than 60 alerts a second.
RAISED: Final = {"WEBHOOK_RATE": "1000000", "WEBHOOK_HIGH_WATER": "10000000"}
PATIENCE: Final = 60.0  # seconds for the first answer


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is up: where alerts are posted, and how many rows it has stored."""

    port: int
    path: str
    rows: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Load:
    """What one run found. Latencies are in milliseconds."""

    answered: int
    refused: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.answered / self.seconds


def measure(
    say: Callable[[str], None], connections: int = 16, seconds: float = 3.0, rounds: int = 3
) -> list[Comparison]:
    """Wall time a durable alert with so many connections; both servers on SQLite with FULL."""
    tool = "wrk" if shutil.which("wrk") else "clients in Python (wrk is not installed)"
    raised = ", ".join(f"{name}={value}" for name, value in RAISED.items())
    say(f"{connections} connections, {tool}, {rounds} rounds of {seconds:g} s by turns")
    say(f"the whole router with {raised}; hold window 60 s, so alerts are stored, not yet sent")
    drive = _wrk if shutil.which("wrk") else _python
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        try:
            ours = stack.enter_context(router(Path(folder) / "ours"))
        except GrokSauceError as problem:
            bars = (("durable alerts", "us", Bar("faster", 1.5)), ("p99", "ms", Bar("at most", 20)))
            return [
                Comparison(what, unit, None, bar=bar, why=str(problem)) for what, unit, bar in bars
            ]
        theirs = stack.enter_context(peer(Path(folder) / "theirs"))
        for server in (ours, theirs):
            drive(server, connections, min(1.0, seconds))  # warms up
        found: dict[str, list[Load]] = {"ours": [], "theirs": []}
        for _ in range(rounds):
            for name, server in (("ours", ours), ("theirs", theirs)):
                found[name].append(counted(server, connections, seconds, drive))
    for name, loads in found.items():
        text = ", ".join(
            f"{each.rate:,.0f}/s (p50 {each.p50:.1f}, p99 {each.p99:.1f} ms)" for each in loads
        )
        say(f"{name}: {text}")
    mine = statistics.median(1e6 / each.rate for each in found["ours"])
    other = statistics.median(1e6 / each.rate for each in found["theirs"])
    p99 = statistics.median(each.p99 for each in found["ours"])
    return [
        Comparison("durable alerts", "us/alert", mine, PEER, other, Bar("faster", 1.5)),
        Comparison("p99 of its answers", "ms", p99, bar=Bar("at most", 20.0)),
    ]


def counted(server: Server, connections: int, seconds: float, drive: Callable[..., Load]) -> Load:
    """One run, after which the rows are those that were answered.

    The clients leave in the middle of a request each: so many rows more are allowed.

    Raises:
        GrokSauceError: rows are missing or doubled, or an answer was not good.
    """
    before = server.rows()
    load = drive(server, connections, seconds)
    rows = server.rows() - before
    if load.refused:
        raise GrokSauceError(f"bench webhook: {load.refused} answers were not good")
    if not load.answered <= rows <= load.answered + connections:
        raise GrokSauceError(f"bench webhook: {rows} rows for {load.answered} answers")
    return load


# --- the servers -----------------------------------------------------------------------------


@contextlib.contextmanager
def router(folder: Path) -> Iterator[Server]:
    """The product as `--role router`, with one ticker.

    Raises:
        GrokSauceError: it does not answer.
    """
    data = folder / "data"
    data.mkdir(parents=True)
    tickers = {TICKER: {"ports": [9060], "delay_s": 60}}
    tree = {"strategies": {"bench": {"mode": "off", "accounts": {}, "tickers": tickers}}}
    (data / "routing.json").write_text(json.dumps(tree), encoding="utf-8")
    with concurrency.listen("127.0.0.1", 0) as sock:
        port = int(sock.getsockname()[1])
    arguments = ["--role", "router", "--port", str(port), "--data", str(data)]
    arguments += ["--settings", str(folder / "settings.json"), "--log-level", "ERROR"]
    environ = {**os.environ, **RAISED, "ASYNC_MODE": "eventlet"}
    environ["GROK_SAUCE_ENV_FILE"] = str(folder / "env")
    with _child(["-m", "grok_sauce.cli", *arguments], environ) as (child, output):
        clock = RealClock()
        deadline = clock.monotonic() + PATIENCE
        token = data / "webhook_token"
        while not (_answers(port) and token.exists()):
            if child.poll() is not None or clock.monotonic() > deadline:
                output.seek(0)
                words = output.read().decode(errors="replace").strip().splitlines()
                last = words[-1] if words else "no word"
                raise GrokSauceError(f"main.py --role router did not answer: {last}")
            concurrency.sleep(0.05)
        secret = token.read_text("utf-8").strip().rpartition("/")[2]
        yield Server(port, f"/webhook/{secret}", lambda: _rows(data / "alerts.db"))


@contextlib.contextmanager
def peer(folder: Path) -> Iterator[Server]:
    """The same alert into one table, committed in the request."""
    folder.mkdir(parents=True)
    database = folder / "peer.db"
    arguments = ["-m", "grok_sauce.bench.webhook_server", str(database)]
    with _child(arguments, dict(os.environ), subprocess.PIPE) as (child, _):
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            raise GrokSauceError("bench webhook: the peer did not start")
        port = int(json.loads(line)["port"])
        deadline = RealClock().monotonic() + PATIENCE
        while not _answers(port, 404):
            if child.poll() is not None or RealClock().monotonic() > deadline:
                raise GrokSauceError("bench webhook: the peer does not answer")
            concurrency.sleep(0.05)
        yield Server(port, "/webhook", lambda: _rows(database))


@contextlib.contextmanager
def _child(
    arguments: list[str], environ: dict[str, str], pipe: int | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], Any]]:
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            [sys.executable, *arguments],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=pipe or output,
            stderr=output,
        )
        try:
            yield child, output
        finally:
            child.kill()
            child.communicate()


def _answers(port: int, *known: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status in (200, 503, *known)
    except OSError:
        return False
    finally:
        connection.close()


def _rows(database: Path) -> int:
    concurrency.sleep(0.3)  # what was under way when the clients left gets its commit
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM alert").fetchone()[0])


# --- the clients -----------------------------------------------------------------------------


def _python(server: Server, connections: int, seconds: float) -> Load:
    """Two processes, each with half of the connections."""
    base, shares = _base(), [connections - connections // 2, connections // 2]
    children = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "grok_sauce.bench.webhook_clients"),
                *map(str, (server.port, server.path, share, seconds, base + number * 10**9)),
            ],
            stdout=subprocess.PIPE,
        )
        for number, share in enumerate(shares)
        if share
    ]
    told = [json.loads(child.communicate()[0]) for child in children]
    waits = sorted(wait for each in told for wait in each["waits"])
    if not waits:
        raise GrokSauceError("bench webhook: nothing was answered")
    return Load(
        answered=sum(each["good"] for each in told),
        refused=sum(each["bad"] for each in told),
        seconds=seconds,
        p50=waits[len(waits) // 2],
        p99=waits[min(len(waits) - 1, int(len(waits) * 0.99))],
    )


def _wrk(server: Server, connections: int, seconds: float) -> Load:
    """wrk with one thread, and a script that makes every alert its own."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        body = webhook_clients.BODY.replace("%d", "{n}")
        text = _LUA.replace("@BASE@", str(_base())).replace("@PATH@", server.path)
        script.write(text.replace("@BODY@", body))
        script.flush()
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        argv += ["-s", script.name, f"http://127.0.0.1:{server.port}"]
        out = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = [line for line in out.stdout.splitlines() if line.startswith("found ")]
    if out.returncode or not found:
        raise GrokSauceError(f"bench webhook: wrk: {(out.stderr or out.stdout).strip()[-200:]}")
    good, bad, micros, p50, p99 = (float(word) for word in found[0].split()[1:])
    return Load(int(good), int(bad), micros / 1e6, p50 / 1e3, p99 / 1e3)


def _base() -> int:
    """Numbers that no two runs share."""
    return int(RealClock().real() * 1000) * 1000


_LUA: Final = """
local n, body = @BASE@, [=[@BODY@]=]
local heads = {["Content-Type"] = "application/json"}
good, bad = 0, 0
local threads = {}
function setup(thread) threads[#threads + 1] = thread end
function request()
  n = n + 1
  local mine = body:gsub("{n}", string.format("%.0f", n))
  return wrk.format("POST", "@PATH@", heads, mine)
end
function response(status)
  if status == 200 then good = good + 1 else bad = bad + 1 end
end
function done(summary, latency, requests)
  local g, b = 0, 0
  for _, thread in ipairs(threads) do g = g + thread:get("good"); b = b + thread:get("bad") end
  io.write(string.format("found %d %d %d %.0f %.0f\\n", g, b, summary.duration,
    latency:percentile(50), latency:percentile(99)))
end
"""
