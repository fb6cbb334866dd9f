"""build() and run(): the only module that knows every part."""

from __future__ import annotations

import logging
import os
import platform
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from grok_sauce import __version__, settings
from grok_sauce.options import ROOT, Options
from grok_sauce.options import DemoOptions as DemoOptions
from grok_sauce.options import options_from as options_from
from grok_sauce.runtime import collector, concurrency, memory
from grok_sauce.runtime.clock import Clock, FollowedClock, RealClock
from grok_sauce.runtime.lock import FolderLock
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from socket import socket

    from grok_sauce.alerts.half import AlertHalf
    from grok_sauce.alerts.settings import AlertSettings
    from grok_sauce.demo_market import DemoMarket
    from grok_sauce.desks.recording_run import RecordingRun
    from grok_sauce.market_half import MarketHalf
    from grok_sauce.replay_half import Replayed
    from grok_sauce.roles.web import FollowHalf
    from grok_sauce.router_half import RouterHalf
    from grok_sauce.router_watch import RouterWatch
    from grok_sauce.web.settings import WebSettings

log = logging.getLogger(__name__)

PORT: Final = 5010
FEED_PORT: Final = 5012  # of a feed role; it answers /health and /metrics alone
# The router alone may share a dashboard's folder: its database has a lock of its own. A feed takes
# the folder when it becomes the owner; web roles keep nothing of a market in theirs.
FOLDER_LOCKS: Final = {"all": "lock", "router": "lock.router"}
WHOLE_STOP: Final = 4.5  # seconds; somebody who asks for the end waits five
DEMO_SECRETS: Final = (
    "CLIENT_SECRET",
    "REFRESH_TOKEN",
    "CLIENT_ID",
    "NEWSAPI_KEY",
    "FRED_API_KEY",
)
DEMO_OWN: Final = "TRADINGVIEW_"  # none of these reach the demo: it has its own
ABSENT: Final[Mapping[str, str]] = {}  # parts of Setup that this version does not have yet


def run(options: Options) -> int:
    """Patch, build, serve until told to stop, stop in order. Returns the exit code."""
    environ, notices = settings.modernise(settings.load_environment(options.env_file))
    for notice in notices:
        log.warning("%s: %s", options.env_file.name, notice)
    process = settings.read_env(settings.ProcessSettings, environ)
    memory.few_arenas()
    concurrency.patch(process.async_mode)
    concurrency.check_patched()
    lock = FolderLock(options.data, FOLDER_LOCKS.get(options.role, ""))
    if options.role in FOLDER_LOCKS:
        lock.take()
    try:
        again = build(options, environ).run()
    finally:
        lock.release()
    if again is not None:
        log.info("starting again")
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "grok_sauce.cli", *again])
    return 0


def has_credentials(environ: Mapping[str, str]) -> bool:
    """Can we sign in at the broker?"""
    return bool(environ.get("CLIENT_SECRET")) and bool(environ.get("REFRESH_TOKEN"))


def public_note(environ: Mapping[str, str]) -> str | None:
    """What is said of the public feed where FEED chooses it; None where it does not."""
    from grok_sauce.desks.price_source import NOTE, is_public

    return NOTE if is_public(environ) else None


def build(options: Options, environ: Mapping[str, str]) -> Machine:
    """Join the parts for these options; nothing runs yet but the embedded market's process.

    Raises:
        SettingsError: a knob is wrong, or a host needs a password.
        StartupError: the port is taken, the market did not start, or another process has the
            alerts' database.
    """
    from grok_sauce.alerts.settings import AlertSettings
    from grok_sauce.web.settings import WebSettings, check_bind

    web = settings.read_env(WebSettings, environ)
    alerts = settings.read_env(AlertSettings, environ)
    check_bind(web, options.host)
    usual = {"router": alerts.router_port, "feed": FEED_PORT}.get(options.role, PORT)
    if options.role in ("feed", "web"):
        from grok_sauce.roles.wire import redis_of

        redis_of(environ, options.role)
    sock = concurrency.listen(options.host, usual if options.port is None else options.port)
    options = replace(options, port=sock.getsockname()[1])
    if options.replay is not None:
        from grok_sauce.replay_half import Replayed

        replayed = Replayed(options.replay)
        inside = Embedded(replayed=replayed)
        return Machine(options, environ, web, alerts, sock, replayed.clock, inside)
    demo = options.demo
    has_market = options.role in ("all", "feed")
    note = public_note(environ) if demo is None and has_market else None
    if demo is None and has_market and not (note or has_credentials(environ)):
        demo = DemoOptions()
    market: DemoMarket | None = None
    clock: Clock = FollowedClock() if options.role == "web" else RealClock()
    seed = None
    if demo is not None:
        from grok_sauce.demo_market import DemoMarket, OuterMarket

        market = OuterMarket(demo.market) if demo.market else DemoMarket(demo.arguments())
        address = market.open()
        clock, seed = address.clock, address.seed
        # The demo never reads credentials: the embedded market has its own.
        environ = {
            key: value
            for key, value in environ.items()
            if key not in DEMO_SECRETS and not key.startswith(DEMO_OWN)
        }
        environ |= {
            "CLIENT_SECRET": "demo",
            "REFRESH_TOKEN": "demo",
            "TASTY_API_BASE": address.http,
            **address.services,
        }
    kind = Machine
    if options.role == "feed":
        from grok_sauce.roles.feed import FeedMachine

        kind = FeedMachine
    return kind(options, environ, web, alerts, sock, clock, Embedded(market, demo, seed), note)


@dataclass(frozen=True, slots=True)
class Embedded:
    """The market inside, where there is one: simulated, or a recording."""

    market: DemoMarket | None = None
    demo: DemoOptions | None = None
    seed: int | None = None
    replayed: Replayed | None = None


class Machine:
    """All parts of one process, joined. run() serves until stop() or a signal."""

    def __init__(
        self,
        options: Options,
        environ: Mapping[str, str],
        web: WebSettings,
        alerts: AlertSettings,
        sock: socket,
        clock: Clock,
        embedded: Embedded,
        note: str | None = None,
    ) -> None:
        self.options = options
        self._clock = clock
        self._demo, self._seed = embedded.demo, embedded.seed
        self._market, self._note = embedded.market, note
        self._replayed = embedded.replayed
        self._recording: RecordingRun | None = None
        self._stop = threading.Event()
        self._again: list[str] | None = None
        self.alerts: AlertHalf | None = None
        self.router: RouterWatch | None = None
        self._join(environ, web, alerts, sock)

    def _join(
        self, environ: Mapping[str, str], web: WebSettings, alerts: AlertSettings, sock: socket
    ) -> None:
        from grok_sauce.web import PAGES, ROUTER_PAGES
        from grok_sauce.web_half import Shown, WebHalf

        options = self.options
        self.half = self._pages_stand_on(environ, self._clock)
        is_watched = options.role in ("all", "web") and self._replayed is None
        if is_watched and alerts.router_url is not None:
            self._watch_router(alerts.router_url, web.api_token)
        elif options.role != "web":
            self._open_router(alerts)
        self.web = WebHalf(
            self.half,
            self.alerts,
            options.data,
            web,
            sock,
            Shown(
                ROOT,
                ROUTER_PAGES if options.role == "router" else PAGES,
                ABSENT,
                router_url=alerts.router_url,
            ),
        )

    def _pages_stand_on(
        self, environ: Mapping[str, str], clock: Clock
    ) -> MarketHalf | RouterHalf | FollowHalf:
        options, market = self.options, self._market
        if isinstance(clock, FollowedClock):
            from grok_sauce.roles.web import FollowHalf

            return FollowHalf(clock, environ, self.mode, self.facts)
        if options.role == "router":
            from grok_sauce.roles.router_lock import guarded
            from grok_sauce.router_half import RouterHalf

            alone = RouterHalf(clock, options.settings, self.mode, self.facts)
            return guarded(alone, environ, options.data, clock)
        from grok_sauce.desks.half_terms import Files, Process

        process = Process(self.mode, self.facts, self.use_live)
        if self._replayed is not None:
            folder = options.data / "run"
            return self._replayed.half(
                folder, options.env_file, process, self._play_from, self.stop
            )
        if options.record is not None:
            from grok_sauce.desks.recording_run import RecordingRun

            self._recording = RecordingRun(options.record, options.data, clock, environ, self.stop)
        from grok_sauce.market_half import MarketHalf

        half = MarketHalf(
            Files(
                data=options.data / "demo" if market else options.data,
                settings=options.settings,
                keep=options.data / "settings",
                env=options.env_file,
            ),
            environ,
            clock,
            market is not None,
            process,
            None if self._recording is None else self._recording.hear,
        )
        if market is not None:
            half.workers.insert(0, market)
        if self._recording is not None:
            self._recording.join(half, self._seed)
        return half

    def _open_router(self, alerts: AlertSettings) -> None:
        """The alert half in this process. In the demo nothing is sent until that is asked for."""
        from grok_sauce.alerts.half import AlertHalf
        from grok_sauce.web.settings import is_loopback

        demo = self._market is not None or self._replayed is not None
        folder = "demo" if self._replayed is None else "run"
        self.alerts = AlertHalf(
            self.options.data / folder if demo else self.options.data,
            alerts,
            self._clock,
            self._own_ports,
            self.half.publish,
            loopback_only=is_loopback(self.options.host),
            forwarding=not demo,
        )
        self.half.supervisors += self.alerts.supervisors
        signals = getattr(self.half, "signals", None)
        if signals is not None:
            signals.open_router(self.alerts)

    def _watch_router(self, url: str, token: str | None) -> None:
        """The alert half is a process of its own: show how it is."""
        from grok_sauce.http import Http
        from grok_sauce.router_watch import RouterWatch

        self.router = RouterWatch(url, Http(self._clock), token)
        self.half.workers.append(self.router)

    def _own_ports(self) -> set[int]:
        """Where this process listens: an alert sent there would come back."""
        return {self.options.port} if self.options.port else set()

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
        router = self.router.lamp() if self.router is not None else None
        told = {"router": router} if self.alerts is None else self.alerts.facts()
        return {"machine": rows, "market_port": port, **told, **self.web.facts()}

    def use_live(self) -> str:
        """Run on credentials that were just saved; the sentence for the page."""
        if self.options.demo is not None or self._replayed is not None:
            which = "demo" if self._replayed is None else "replay"
            return f"Saved. This is the {which} command; start python3 main.py for live data."
        self._again = sys.argv[1:]
        threading.Timer(0.5, self.stop).start()
        return "Saved. The dashboard starts again with live data and is back in a few seconds."

    def _play_from(self, position: float) -> None:
        """Start the replay anew from a time: what lies behind cannot be turned back to."""
        assert self._replayed is not None
        self._again = self._replayed.arguments(sys.argv[1:], position, self.options.port)
        threading.Timer(0.2, self.stop).start()

    # ---- running ------------------------------------------------------------------------

    def stop(self) -> None:
        """Ask run() to return."""
        self._stop.set()

    def run(self) -> list[str] | None:
        """Serve until stop() or a signal; the command line to start again with, None for none."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        collector.settle()
        self.half.start()
        if self.alerts is not None:
            self.alerts.start()
        self.web.start()
        self._announce()
        while not self._stop.wait(0.5):
            pass
        log.info("stopping")
        began = self._clock.monotonic()
        # Alerts first: senders are answered 503 while what is under way ends.
        late = [] if self.alerts is None else self.alerts.close()
        self.web.close()
        left = WHOLE_STOP - (self._clock.monotonic() - began)
        late += self.half.close(max(0.3, left))
        if self._market is not None:
            self._market.close()
        if self._recording is not None:
            self._recording.tell_end()
        if late:
            log.warning("still running at the end: %s", ", ".join(late))
        return self._again

    def _announce(self) -> None:
        shown = "127.0.0.1" if self.options.host in ("0.0.0.0", "::") else self.options.host
        url = f"http://{shown}:{self.options.port}"
        mode = self.mode()
        is_named = self._market or self._replayed or self.options.role == "router"
        name = mode["name"] if is_named else "LIVE"
        name, detail = ("DELAYED", self._note) if self._note else (name, mode["detail"])
        if self.options.role in ("feed", "web"):
            name, detail = f"--role {self.options.role}", "joined to the other roles by Redis"
        lines = [
            f"Grok Sauce {__version__}  {name}  {detail}".rstrip(),
            f"  open   {url}",
            f"  data   {self.options.data}",
        ]
        if self._replayed is not None:
            lines.append(f"  file   {self._replayed.note()}")
        if self._recording is not None:
            lines.append(f"  record {self._recording.recorder.path}")
        if self.router is not None:
            lines.append(f"  alerts {self.router.url}")
        sys.stdout.write("\n".join([*lines, "  stop   Ctrl-C", ""]))
        sys.stdout.flush()
        if self.options.open_page:
            import webbrowser

            concurrency.spawn(concurrency.offload, webbrowser.open, url)
