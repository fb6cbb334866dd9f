"""The feed role: the market half without pages, owned by lock, told to web roles over Redis."""

from __future__ import annotations

import logging
import platform
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from grok_sauce import settings as knobs
from grok_sauce.errors import GrokSauceError, SettingsError, SourceError, StartupError
from grok_sauce.machine import WHOLE_STOP, Machine
from grok_sauce.market_half import MarketHalf
from grok_sauce.publishers.updates import WAITING, UpdatesOut
from grok_sauce.redis_link import connect
from grok_sauce.roles.doors import Answering
from grok_sauce.roles.owner import Gate, Gated, Ownership
from grok_sauce.roles.port import FeedPort
from grok_sauce.roles.views import Ledger
from grok_sauce.roles.wire import CLOCK, SETTINGS, RoleSettings, decoded, field_of, redis_of
from grok_sauce.router_half import RouterHalf
from grok_sauce.runtime import collector, concurrency
from grok_sauce.runtime.fenced_lock import FencedLock
from grok_sauce.runtime.lock import FolderLock
from grok_sauce.runtime.supervisor import Supervisor
from grok_sauce.runtime.worker import Worker
from grok_sauce.settings import SettingsStore, as_document
from grok_sauce.update import Update

if TYPE_CHECKING:
    from socket import socket

    from grok_sauce.alerts.settings import AlertSettings
    from grok_sauce.web.settings import WebSettings

log = logging.getLogger(__name__)

LOOK: Final = 0.1  # seconds between two looks at who owns the feed
AGAIN: Final = 2.0  # seconds until the folder of an owner that is ending is tried again
# Sources with one session an account: they run while this process is provably the owner.
ONE_SESSION: Final = frozenset({"dxlink", "tradingview"})


class Told:
    """Everything web roles need to know, and what of it is new beside the updates."""

    def __init__(self, half: MarketHalf) -> None:
        self._half = half
        self._last: dict[str, Any] = {}

    def everything(self) -> list[Update]:
        """The latest of all there is."""
        return [*self._half.snapshot.everything(), *self._beside()]

    def news(self) -> list[Update]:
        """Settings and clock where they changed since the call before."""
        found = [each for each in self._beside() if self._last.get(each.topic) != each.payload]
        self._last.update({each.topic: each.payload for each in found})
        return found

    def _beside(self) -> list[Update]:
        store, anchor = self._half.store, getattr(self._half.clock, "anchor", None)
        settings = {"document": as_document(store.settings), "problem": store.problem}
        return [
            Update(SETTINGS, "", settings),
            Update(CLOCK, "", {"anchor": None if anchor is None else anchor()}),
        ]


class FeedMachine(Machine):
    """A feed role. It stands by until the lock is its own, then builds the market half.

    Redis gone: what is owned ends with its lease, and the sources with one session with it;
    everything else goes on, and they too when the lock is held again. Somebody else the owner
    meanwhile: this process starts again, to stand by.
    """

    def _join(
        self, environ: Mapping[str, str], web: WebSettings, alerts: AlertSettings, sock: socket
    ) -> None:
        options, clock = self.options, self._clock
        self._environ = environ
        self._router_at, self._api_token = alerts.router_url, web.api_token
        self._names = knobs.read_env(RoleSettings, environ)
        self._link = connect(redis_of(environ, "feed"), clock)
        self._who = f"{platform.node()}:{options.port} {secrets.token_hex(4)}"
        self.lock = FencedLock(self._link, self._names.lock, self._who, clock)
        self.ownership = Ownership(self.lock)
        self.gate = Gate(self.lock)
        self._folder = FolderLock(options.data)
        self._blocked: str | None = None
        self._not_before = 0.0
        self._out: UpdatesOut | None = None
        self._ledger: Ledger | None = None
        self.market_half: MarketHalf | None = None
        self._roles = Supervisor(clock)
        self.standby = RouterHalf(clock, options.settings, self.mode, self.facts)
        self.standby.supervisors.append(self._roles)
        self.half = self.standby
        self._port = FeedPort(self.standby, options.data, web, sock)

    # ---- what it says of itself ---------------------------------------------------------

    def mode(self) -> dict[str, Any]:
        """As of a dashboard; STANDBY while another process owns the feed."""
        if self.market_half is None:
            holder = self.lock.holder
            text = self._blocked or (
                f"{holder.rpartition(' ')[0]} owns the feed." if holder else "Asking for the lock."
            )
            return {"name": "STANDBY", "detail": text, "seed": None}
        return super().mode()

    def facts(self) -> dict[str, Any]:
        """What the report adds about this process and its place among the roles."""
        fence, out = self.lock.fence, self._out
        owner = "stands by" if self.market_half is None else "not held"
        rows = [
            ["Python", platform.python_version()],
            ["Async mode", concurrency.mode()],
            ["Address", f"{self.options.host}:{self.options.port}"],
            ["Settings", self.options.settings.name],
            ["Redis", self._link.place],
            ["Feed lock", owner if fence is None else f"owner, token {fence.token}"],
        ]
        if self._ledger is not None:
            rows.append(["Web roles with views", str(self._ledger.roles())])
        depth = [] if out is None else [_queue("Updates to Redis", out.depth, WAITING)]
        port = None
        if self._market is not None and self._market.address is not None:
            port = self._market.address.port
        return {
            "machine": rows,
            "market_port": port,
            "router": None if self.router is None else self.router.lamp(),
            "queues": depth,
            "problems": self._problems(),
        }

    def _problems(self) -> list[str]:
        if self._blocked is not None:
            return [self._blocked]
        if self.ownership.problem is None:
            return []
        if self.market_half is not None and not self.gate.is_open:
            return [
                f"{self.ownership.problem}: the price feed pauses, for another process may own it"
            ]
        return [self.ownership.problem]

    # ---- running ------------------------------------------------------------------------

    def run(self) -> list[str] | None:
        """Stand by, own, serve until stop() or a signal; the command line to start again with."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        collector.settle()
        self.standby.start()
        self._roles.start([self.ownership, self.gate])
        self._port.start()
        self._announce()
        try:
            while not self._stop.wait(LOOK):
                if self.ownership.taken_over and self.market_half is not None:
                    log.warning("feed: %s owns it now; starting again", self.lock.holder)
                    self._again = sys.argv[1:]
                    break
                if self.market_half is None and self.gate.is_open:
                    self._begin()
        finally:
            late = self._close()
        if late:
            log.warning("still running at the end: %s", ", ".join(late))
        return self._again

    def _begin(self) -> None:
        """This process is the owner: build and start the market half."""
        if self._clock.monotonic() < self._not_before:
            return
        try:
            self._folder.take()
        except StartupError as problem:
            self._step_back(str(problem))
            return
        self._blocked = None
        self._adopt()
        half = self._pages_stand_on(self._environ, self._clock)
        assert isinstance(half, MarketHalf)
        half.workers = [
            Gated(worker, self.gate) if worker.name in ONE_SESSION else worker
            for worker in half.workers
        ]
        self.half = half
        if self._router_at is not None:
            self._watch_router(self._router_at, self._api_token)
        half.supervisors.append(self._roles)
        told = Told(half)
        out = UpdatesOut(
            self._link,
            self._names,
            lambda: self.lock.fence,
            self.lock.lost,
            told.everything,
            self._clock,
        )

        def publish(updates: Sequence[Update]) -> None:
            out.publish([*updates, *told.news()])

        half.publishers.append(publish)
        self._ledger = Ledger(half.controls, self._clock)
        answering = Answering(
            self._link,
            self._names,
            half.controls,
            half.questions,
            self._token,
            self._ledger.take,
            concurrency.spawn,
            self._clock,
        )
        self._out = out
        self._port.show(half.snapshot)
        self.market_half = half
        half.start()
        joined: list[Worker] = [out, answering, self._ledger]
        self._roles.start(joined)
        log.info("feed: started as the owner")

    def _token(self) -> int | None:
        fence = self.lock.fence
        return None if fence is None else fence.token

    def _step_back(self, why: str) -> None:
        """Owner by lock, but another process still has the folder: let others try meanwhile."""
        if self._blocked is None:
            log.warning("feed: %s", why)
        self._blocked = why
        self._not_before = self._clock.monotonic() + AGAIN
        try:
            self.lock.release()
        except SourceError as problem:
            log.warning("feed: %s", problem)

    def _adopt(self) -> None:
        """Who stood by takes over the settings the owner before it had in force."""
        if not self.ownership.waited:
            return
        try:
            body = self._link.do("HGET", self._names.state, field_of(SETTINGS, ""))
            told = None if body is None else decoded(body)
            if not isinstance(told, dict) or not isinstance(told.get("document"), dict):
                return
            store = SettingsStore(self.options.settings, self.options.data / "settings")
            store.load()
            for line in store.save(told["document"], store.revision)["changes"]:
                log.info("feed: taken over from the owner before: %s", line)
        except (SettingsError, SourceError) as problem:
            log.warning("feed: the settings of the owner before are not used: %s", problem)

    def _close(self) -> list[str]:
        log.info("stopping")
        began = self._clock.monotonic()
        self._port.close()
        self.gate.close()
        # They only look up from what they hear; the lease outlives what still has to end.
        self._roles.stop(0.0)
        self.standby.close(0.0)
        late: list[str] = []
        if self.market_half is not None:
            late += self.market_half.close(WHOLE_STOP - 1.5)
        if self._market is not None:
            self._market.close()
        try:
            self.lock.release()  # nothing of it runs any more: the next owner need not wait
        except GrokSauceError as problem:
            log.info("feed: %s", problem)
        left = max(0.2, WHOLE_STOP - 0.5 - (self._clock.monotonic() - began))
        late += self._roles.stop(left / 2) + self.standby.close(left / 2)
        self._folder.release()
        return late


def _queue(name: str, depth: int, limit: int) -> dict[str, Any]:
    return {"name": name, "depth": depth, "limit": limit}
