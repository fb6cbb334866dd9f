"""Small Cboe bodies in the shapes of life, a site that answers as told, time that runs alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from grok_sauce.runtime.clock import ManualClock

OPTION = {
    "bid": 9.4, "bid_size": 1.0, "ask": 9.6, "ask_size": 2.0, "iv": 0.151, "open_interest": 120.0,
    "volume": 30.0, "delta": 0.51, "gamma": 0.0123, "theta": -1.2, "rho": 0.1, "vega": 1.4,
    "theo": 9.5, "change": 0.0, "open": 0.0, "high": 0.0, "low": 0.0, "tick": "up",
    "last_trade_price": 9.5, "last_trade_time": None, "percent_change": 0.0,
    "prev_day_close": 1.07499998807907,
}  # fmt: skip
HEADER = (
    "Expiration Date,Calls,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest,Strike,"
    "Puts,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"
)


class CboeBodies:
    """Makers of bodies; rows are replaceable."""

    HEADER = HEADER

    @staticmethod
    def option(symbol: str, **changed: Any) -> dict[str, Any]:
        return {"option": symbol, **OPTION, **changed}

    @staticmethod
    def document(options: list[dict[str, Any]] | None = None, **changed: Any) -> dict[str, Any]:
        """A `_SPX.json` of Wednesday 2026-12-16, 14:17:03 New York; changed are data fields."""
        if options is None:
            options = [
                CboeBodies.option("SPXW261216C06000000"),
                CboeBodies.option("SPXW261216P06000000"),
                CboeBodies.option("SPX261218C06000000"),
                CboeBodies.option("SPXW261218P06050000"),
            ]
        data = {
            "symbol": "^SPX", "security_type": "index", "exchange_id": 5,
            "current_price": 6012.4, "bid": 0.0, "ask": 0.0, "close": 6012.4,
            "prev_day_close": 6000.0, "volume": 0, "iv30": 15.2, "seqno": 1,
            "last_trade_time": "2026-12-16T14:17:03", "tick": "down", "options": options,
            **changed,
        }  # fmt: skip
        return {"timestamp": "2026-12-16 19:32:00", "data": data, "symbol": "_SPX"}

    @staticmethod
    def body(options: list[dict[str, Any]] | None = None, **changed: Any) -> bytes:
        return json.dumps(CboeBodies.document(options, **changed)).encode()

    @staticmethod
    def row(strike: float, day: str = "Fri Dec 18 2026", root: str = "QQQ261218") -> list[str]:
        """22 cells as exported: bid 9.4/8.4, ask 9.6/8.6, OI 120/1275."""
        digits = f"{round(strike * 1000):08d}"
        call = [f"{root}C{digits}", "9.5", "0.12", "9.4", "9.6", "30", "0.151", "0.51"]
        put = [f"{root}P{digits}", "8.5", "-0.2", "8.4", "8.6", "0", "0.162", "-0.49"]
        return [day, *call, "0.0123", "120", f"{strike:.2f}", *put, "0.0121", "1275"]

    @staticmethod
    def rows() -> list[list[str]]:
        return [CboeBodies.row(strike) for strike in (515.0, 520.0, 522.5, 525.0)]

    @staticmethod
    def csv(
        rows: list[list[str]] | None = None,
        date: str = "December 16, 2026 at 2:32 PM EST",
        last: str = "522.30",
        header: str = HEADER,
    ) -> bytes:
        lines = [
            "",
            f'"Invesco QQQ Trust, Series 1",Last: {last},Change:  0.51',
            f'"Date: {date}",Bid: 522.29,Ask: 522.31,Size: 18*3,"Volume: 28,253,899"',
            header,
        ]
        for row in CboeBodies.rows() if rows is None else rows:
            lines.append(",".join(f'"{cell}"' if "," in cell else cell for cell in row))
        return ("\r\n".join(lines) + "\r\n").encode()


@pytest.fixture(scope="session")
def bodies() -> type[CboeBodies]:
    return CboeBodies


class Site:
    """A server that answers as told and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []  # path, query, headers
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: bytes | Callable[[str, dict[str, str]], tuple[int, bytes]] = b"{}"
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                site._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query))
        self.asked.append((parts.path, query, dict(request.headers)))
        if callable(self.body):
            status, body = self.body(parts.path, query)
        else:
            status, body = self.status, self.body
        request.send_response(status)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Type", "application/json")
        request.end_headers()
        request.wfile.write(body)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


class LetTimeRun(threading.Event):
    """A stop that lets the clock run instead of waiting, for so many seconds of real time."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        super().__init__()
        self.clock, self.end = clock, clock.monotonic() + seconds

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.advance(timeout or 0.0)
        if self.clock.monotonic() >= self.end:
            self.set()
        return self.is_set()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@pytest.fixture
def let_run() -> Callable[[Any, ManualClock, float], None]:
    """let_run(worker, clock, seconds): run a worker while a clock set by hand runs."""

    def run(worker: Any, clock: ManualClock, seconds: float) -> None:
        worker.run(LetTimeRun(clock, seconds))

    return run
