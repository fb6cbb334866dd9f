"""The embedded market as a child process: started, watched, started again, ended with us."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grok_sauce.errors import SourceError, StartupError
from grok_sauce.http import Http
from grok_sauce.runtime.clock import RealClock, SharedClock
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
KEY = "demo"  # what the embedded market takes from everybody
LOOK = 5.0  # seconds between two looks at a market of somebody else
FIRST_LINE_TIMEOUT = 30.0  # seconds; a recorded file has to be read before the market opens


@dataclass(frozen=True, slots=True)
class MarketAddress:
    """Where the embedded market answers and how its time runs."""

    http: str
    seed: int
    clock: SharedClock
    tradingview: str = ""
    tradingview_socket: str = ""

    @property
    def services(self) -> dict[str, str]:
        """Variables that make its headlines, calendar, economy and TradingView the ones asked."""
        return {
            "TRADINGVIEW_BASE": self.tradingview,
            "TRADINGVIEW_PINE_BASE": self.tradingview,
            "TRADINGVIEW_SOCKET": self.tradingview_socket,
            "TRADINGVIEW_SESSIONID": KEY,
            "NEWSAPI_BASE": self.http,
            "NEWSAPI_KEY": KEY,
            "FOREX_FACTORY_BASE": self.http,
            "FRED_API_BASE": self.http,
            "FRED_API_KEY": KEY * 8,  # FRED's keys have 32 characters
        }

    @property
    def port(self) -> int:
        return int(self.http.rsplit(":", 1)[1])


class DemoMarket:
    """A worker that keeps one `simulate` child alive on one port and one time line.

    arguments are options of the simulate command (--seed, --start, --speed, --bars …).
    The child ends by itself when its standard input closes, so a kill -9 of this
    process leaves no market behind.
    """

    name = "market"

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = list(arguments)
        self._child: subprocess.Popen[str] | None = None
        self._address: MarketAddress | None = None

    @property
    def address(self) -> MarketAddress | None:
        """Where it answers; None before open()."""
        return self._address

    @property
    def pid(self) -> int | None:
        """Process id of the running child."""
        return self._child.pid if self._child else None

    def open(self) -> MarketAddress:
        """Start the market and read its address.

        Raises:
            StartupError: it did not come up; its own message is included.
        """
        first = self._launch([*self._arguments, "--port", "0"])
        anchor = first["anchor"]
        self._address = MarketAddress(
            http=str(first["http"]),
            seed=int(first["seed"]),
            clock=SharedClock(
                float(anchor["anchor_market"]), float(anchor["anchor_real"]), float(anchor["speed"])
            ),
            tradingview=str(first["tradingview"]),
            tradingview_socket=str(first["tradingview_socket"]),
        )
        return self._address

    def run(self, stop: threading.Event) -> None:
        """Watch the child; one that died is started again, its time going on where it was."""
        if self._address is None:
            raise StartupError("the market was not opened")
        if self._child is None or self._child.poll() is not None:
            anchor = self._address.clock.anchor()
            self._launch(
                [
                    *self._arguments,
                    "--port",
                    str(self._address.port),
                    "--anchor",
                    f"{anchor['anchor_market']!r},{anchor['anchor_real']!r}",
                ]
            )
        child = self._child
        while child is not None and not stop.wait(0.25):
            code = child.poll()
            if code is not None:
                raise SourceError(f"the market process ended with code {code}")

    def close(self) -> None:
        """End the child: closing its input asks, SIGTERM insists, SIGKILL ends it."""
        child = self._child
        if child is None:
            return
        if child.stdin is not None:
            try:
                child.stdin.close()
            except OSError as problem:
                log.debug("market input: %s", problem)
        for end in (None, child.terminate, child.kill):
            if end is not None:
                end()
            try:
                child.wait(timeout=2.0)
                return
            except subprocess.TimeoutExpired:
                continue

    def _launch(self, arguments: Sequence[str]) -> dict[str, Any]:
        environ = {k: v for k, v in os.environ.items() if k not in ("ASYNC_MODE",)}
        self._child = subprocess.Popen(
            [sys.executable, "-m", "grok_sauce.cli", "simulate", "--exit-with-stdin", *arguments],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C reaches everything of a terminal: the market outlives us by its own rule,
            # or the log would tell of a lost feed at each goodbye.
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        line = self._first_line(self._child)
        try:
            first = json.loads(line)
        except ValueError:
            first = None
        if not isinstance(first, dict):
            code = self._child.poll()
            self._child.kill()
            raise StartupError(
                "the embedded market did not start"
                + (f" (it ended with code {code})" if code is not None else "")
                + "; its message is above"
            )
        return first

    def _first_line(self, child: subprocess.Popen[str]) -> str:
        """The first line of output; empty when the child ends or stays silent too long."""
        lines: list[str] = []
        assert child.stdout is not None
        reader = threading.Thread(target=lambda: lines.append(child.stdout.readline()), daemon=True)  # type: ignore[union-attr]
        reader.start()
        reader.join(FIRST_LINE_TIMEOUT)
        return lines[0] if lines else ""


class OuterMarket(DemoMarket):
    """A market that somebody else started with the simulate command, on this machine.

    Several processes can stand on it: a feed role and one that stands by.
    """

    def __init__(self, url: str) -> None:
        super().__init__(())
        self._url = url.rstrip("/")

    def open(self) -> MarketAddress:
        """Ask it for its time line.

        Raises:
            StartupError: nobody answers there, or it is no market.
        """
        try:
            told = self._clock()
            clock = SharedClock(
                float(told["anchor_market"]), float(told["anchor_real"]), float(told["speed"])
            )
            seed = int(told["seed"])
        except SourceError as problem:
            raise StartupError(f"--market: {problem}") from None
        except (KeyError, TypeError, ValueError):
            raise StartupError(f"--market: {self._url} is no embedded market") from None
        socket = self._url.replace("http", "ws", 1) + "/socket.io/websocket"
        self._address = MarketAddress(self._url, seed, clock, self._url, socket)
        return self._address

    def run(self, stop: threading.Event) -> None:
        """Look every few seconds whether it is still there."""
        while not stop.wait(LOOK):
            self._clock()

    def close(self) -> None:
        """It is not ours to end."""

    def _clock(self) -> Any:
        return Http(RealClock()).get_json(f"{self._url}/clock")
