"""build() and run(): the only module that knows every part."""

from __future__ import annotations

import argparse
import logging
import os
import platform
import signal
import sys
import threading
import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grok_sauce import __version__, settings
from grok_sauce.runtime import collector, concurrency
from grok_sauce.runtime.clock import Clock, RealClock
from grok_sauce.runtime.lock import FolderLock

if TYPE_CHECKING:
    from grok_sauce.demo_market import DemoMarket

log = logging.getLogger(__name__)

ROOT: Final = Path(__file__).resolve().parent.parent
PORT: Final = 5010
DEMO_SECRETS: Final = ("CLIENT_SECRET", "REFRESH_TOKEN", "CLIENT_ID")
ABSENT: Final = {
    "news": "No headline source is part of this version yet.",
    "fred": "No FRED source is part of this version yet.",
    "forex_factory": "No calendar source is part of this version yet.",
    "tradingview": "TradingView is not part of this version yet.",
    "notices": "Notices are not part of this version yet.",
}
REASONS: Final = {
    "sentiment": "No headline source is running.",
    "calendar": "No calendar source is running.",
    "headlines": "No headline source is running.",
}


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What kind of embedded market."""

    seed: int = 42
    start: str | None = None
    speed: float = 1.0
    bars: Path | None = None
    tick_log: Path | None = None
    chain: Path | None = None

    def arguments(self) -> list[str]:
        """The same as options of the simulate command."""
        found = ["--seed", str(self.seed), "--speed", repr(self.speed)]
        if self.start is not None:
            found += ["--start", self.start]
        if self.bars is not None:
            found += ["--bars", str(self.bars.resolve())]
        if self.chain is not None:
            found += ["--chain", str(self.chain.resolve())]
        if self.tick_log is not None:
            found += ["--tick-log", str(self.tick_log.resolve())]
        return found


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for. demo is None for live-if-possible."""

    host: str
    port: int
    data: Path
    settings: Path
    env_file: Path
    demo: DemoOptions | None
    open_page: bool


def options_from(args: argparse.Namespace, demo: DemoOptions | None) -> Options:
    """Options of the live and demo commands."""
    return Options(
        host=args.host,
        port=PORT if args.port is None else args.port,
        data=args.data,
        settings=args.settings,
        env_file=Path(os.environ.get("GROK_SAUCE_ENV_FILE", ROOT / ".env")),
        demo=demo,
        open_page=args.open,
    )


def run(options: Options) -> int:
    """Patch, build, serve until told to stop, stop in order. Returns the exit code."""
    environ, notices = settings.modernise(settings.load_environment(options.env_file))
    for notice in notices:
        log.warning("%s: %s", options.env_file.name, notice)
    process = settings.read_env(settings.ProcessSettings, environ)
    concurrency.patch(process.async_mode)
    concurrency.check_patched()
    lock = FolderLock(options.data)
    lock.take()
    try:
        again = build(options, environ).run()
    finally:
        lock.release()
    if again:
        log.info("starting again with the new credentials")
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "grok_sauce.cli", *sys.argv[1:]])
    return 0


def has_credentials(environ: Mapping[str, str]) -> bool:
    """Can we sign in at the broker?"""
    return bool(environ.get("CLIENT_SECRET")) and bool(environ.get("REFRESH_TOKEN"))


def build(options: Options, environ: Mapping[str, str]) -> Machine:
    """Join the parts for these options; nothing runs yet but the embedded market's process.

    Raises:
        SettingsError: a knob is wrong, or a host needs a password.
        StartupError: the port is taken, or the market did not start.
    """
    from grok_sauce.web.settings import WebSettings, check_bind

    web = settings.read_env(WebSettings, environ)
    check_bind(web, options.host)
    sock = concurrency.listen(options.host, options.port)
    options = replace(options, port=sock.getsockname()[1])
    demo = options.demo
    if demo is None and not has_credentials(environ):
        demo = DemoOptions()
    market: DemoMarket | None = None
    clock: Clock = RealClock()
    seed = None
    if demo is not None:
        from grok_sauce.demo_market import DemoMarket

        market = DemoMarket(demo.arguments())
        address = market.open()
        clock, seed = address.clock, address.seed
        # The demo never reads credentials: the embedded market has its own.
        environ = {key: value for key, value in environ.items() if key not in DEMO_SECRETS}
        environ |= {
            "CLIENT_SECRET": "demo",
            "REFRESH_TOKEN": "demo",
            "TASTY_API_BASE": address.http,
        }
    return Machine(options, environ, web, sock, clock, market, demo, seed)


class Machine:
    """All parts of one process, joined. run() serves until stop() or a signal."""

    def __init__(
        self,
        options: Options,
        environ: Mapping[str, str],
        web: Any,
        sock: Any,
        clock: Clock,
        market: DemoMarket | None,
        demo: DemoOptions | None,
        seed: int | None,
    ) -> None:
        from grok_sauce.market_half import Files, MarketHalf, Process
        from grok_sauce.web_half import WebHalf

        self.options = options
        self._demo = demo
        self._seed = seed
        self._market = market
        self._stop = threading.Event()
        self._again = False
        self.half = MarketHalf(
            Files(
                data=options.data / "demo" if market else options.data,
                settings=options.settings,
                keep=options.data / "settings",
                env=options.env_file,
            ),
            environ,
            clock,
            market is not None,
            Process(self.mode, self.facts, self.use_live),
        )
        if market is not None:
            self.half.workers.insert(0, market)
        self.web = WebHalf(self.half, options.data, web, sock, ROOT, ABSENT, REASONS)

    # ---- what the header and /status say of the process --------------------------------

    def mode(self) -> dict[str, Any]:
        """The chip: what kind of numbers these are."""
        if self._market is not None and self._demo is not None:
            detail = f"Prices are simulated, seed {self._seed}."
            if self._demo.bars is not None:
                detail = f"SPY replays {self._demo.bars.name}; the rest is simulated around it."
            if self._demo.chain is not None:
                detail = f"Options of {self._demo.chain.name}; prices are simulated from there on."
            return {"name": "DEMO", "detail": detail, "seed": self._seed}
        name, detail = self.half.chip()
        return {"name": name, "detail": detail, "seed": None}

    def facts(self) -> dict[str, Any]:
        """What the health report adds about this process."""
        rows = [
            ["Version", __version__],
            ["Python", platform.python_version()],
            ["Async mode", concurrency.mode()],
            ["Address", f"{self.options.host}:{self.options.port}"],
            ["Settings", self.options.settings.name],
        ]
        port = None
        if self._market is not None and self._market.address is not None:
            port = self._market.address.port
        return {"machine": rows, "market_port": port, **self.web.facts()}

    def use_live(self) -> str:
        """Run on credentials that were just saved; the sentence for the page."""
        if self.options.demo is not None:
            return "Saved. This is the demo command; start python3 main.py for live data."
        self._again = True
        threading.Timer(0.5, self.stop).start()
        return "Saved. The dashboard starts again with live data and is back in a few seconds."

    # ---- running ------------------------------------------------------------------------

    def stop(self) -> None:
        """Ask run() to return."""
        self._stop.set()

    def run(self) -> bool:
        """Serve until stop() or a signal; True when the process should start again."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        collector.settle()
        self.half.start()
        self.web.start()
        self._announce()
        while not self._stop.wait(0.5):
            pass
        log.info("stopping")
        self.web.close()
        late = self.half.close()
        if self._market is not None:
            self._market.close()
        if late:
            log.warning("still running at the end: %s", ", ".join(late))
        return self._again

    def _announce(self) -> None:
        shown = "127.0.0.1" if self.options.host in ("0.0.0.0", "::") else self.options.host
        url = f"http://{shown}:{self.options.port}"
        mode = self.mode() if self._market else {"name": "LIVE", "detail": ""}
        lines: Sequence[str] = (
            f"Grok Sauce {__version__}  {mode['name']}  {mode['detail']}".rstrip(),
            f"  open   {url}",
            f"  data   {self.options.data}",
            "  stop   Ctrl-C",
        )
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        if self.options.open_page:
            concurrency.spawn(concurrency.offload, webbrowser.open, url)
