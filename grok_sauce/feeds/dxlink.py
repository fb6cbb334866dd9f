"""The dxLink feed: one connection, kept subscribed to what everybody wants."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from grok_sauce.errors import GrokSauceError, SourceRefused
from grok_sauce.feeds.candle_snapshots import CandleHistory, SnapshotDone
from grok_sauce.feeds.dxlink_messages import (
    DxLinkSettings,
    Output,
    Ready,
    Renewed,
    ServerError,
    SessionNotFound,
    TokenRejected,
    TooBig,
)
from grok_sauce.feeds.dxlink_protocol import DxLinkProtocol
from grok_sauce.feeds.dxlink_tokens import (
    QuoteTokenLike,
    QuoteTokens,
    TokenKeeper,
    is_delayed,
)
from grok_sauce.feeds.subscriptions import (
    ChangeBudget,
    Limits,
    Plan,
    Planner,
    Shortfall,
    Subscription,
)
from grok_sauce.feeds.websocket_link import LinkClosed, UpgradeRefused, WebSocketLink
from grok_sauce.market.batches import Batch
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus

__all__ = ["DxLinkFeed", "DxLinkSettings", "Limits", "QuoteTokens", "Subscription"]

log = logging.getLogger(__name__)

SOURCE: Final = "dxLink"
HOUSEKEEPING: Final = 0.05  # seconds between two looks at deadlines and changes
SESSION_PAUSE: Final = 3.0
STALE_AFTER: Final = 0.7  # of the silence deadline: shown as stale before it is given up
CLOSE_REJECTED: Final = 4401
CLOSE_TOO_BIG: Final = 1009


Connect = Callable[[str], WebSocketLink]


class DxLinkFeed:
    """Worker "dxlink". run() is one connection; the supervisor starts the next one.

    want() and drop() may be called from any thread at any time; a live connection follows
    within 0.3 s. What is wanted outlives connections. status is written by this worker
    alone. late says in words how late quotes of a delayed level are.
    """

    name = "dxlink"
    tells_outages = True  # one line when the link is lost, one when it is back

    def __init__(
        self,
        tokens: QuoteTokens,
        sink: Callable[[Batch], None],
        clock: Clock,
        settings: DxLinkSettings | None = None,
        status: SourceStatus | None = None,
        limits: Limits | None = None,
        connect: Connect | None = None,
        late: str | None = None,
    ) -> None:
        self._keeper = TokenKeeper(tokens, clock)
        self._sink = sink
        self._clock = clock
        self._settings = settings or DxLinkSettings()
        self.status = status or SourceStatus("dxlink", SOURCE, required=True)
        self._limits = limits or Limits()
        self._late = late
        self._connect = connect or (lambda url: WebSocketLink(url, SOURCE))
        self._lock = threading.Lock()
        self._planner = Planner(self._limits)
        self._dirty = threading.Event()
        self._shortfalls: tuple[Shortfall, ...] = ()
        self._budget = ChangeBudget(self._limits.changes_per_minute)
        self._history = CandleHistory()
        self._protocol: DxLinkProtocol | None = None
        self._not_before = 0.0
        self._up: bool | None = None
        self._connections = 0
        self._bytes_per_message = self._settings.bytes_per_message
        self._housekept = 0.0
        self.snapshots: dict[str, SnapshotDone] = {}

    # ---- what others ask ------------------------------------------------------------

    def want(self, owner: str, subscriptions: Iterable[Subscription], priority: int) -> None:
        """Replace what `owner` wants; priority as in subscriptions.py (1 is most important).

        Raises:
            ValueError, BadPayload: a subscription that cannot exist; nothing changes then.
        """
        with self._lock:
            self._planner.want(owner, subscriptions, priority)
        self._dirty.set()

    def drop(self, owner: str) -> None:
        """`owner` wants nothing any more. What others want stays."""
        with self._lock:
            self._planner.drop(owner)
        self._dirty.set()

    @property
    def shortfalls(self) -> tuple[Shortfall, ...]:
        """Owners that did not get all they want, with figures; of the newest plan."""
        return self._shortfalls

    def plan(self) -> Plan:
        """What would be held now, and who would come short."""
        with self._lock:
            return self._planner.plan()

    # ---- the worker -----------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Connect and read until stop is set.

        Raises:
            SourceError: the connection is lost; another run() may help.
            SourceRefused: credentials or token refused; the user must act.
        """
        try:
            self._session(stop)
        except SourceRefused as problem:
            self._keeper.doubt()  # the next run is the user's wish: ask the server anew
            self._down("auth_failed", problem)
            raise
        except GrokSauceError as problem:
            self._down("backoff", problem)
            raise
        except BaseException as bug:
            self._down("backoff", bug)
            raise
        self._down("off", None)

    def _session(self, stop: threading.Event) -> None:
        wait = self._not_before - self._clock.monotonic()
        if wait > 0 and stop.wait(wait):
            return
        self._state("connecting", "connecting")
        if self._connections:
            self.status.reconnects += 1
        self._connections += 1
        token = self._keeper.take()
        self._show_level(token)
        protocol = self._new_protocol(token.token)
        link: WebSocketLink | None = None
        try:
            link = self._connect(token.url)
            self._state("connecting", "handshake")
            self._converse(stop, link, protocol)
        except TokenRejected as problem:
            raise self._keeper.rejected(problem) from None
        except SessionNotFound:
            # The same token works again after 2 to 5 s.
            self._not_before = self._clock.monotonic() + SESSION_PAUSE
            raise
        except UpgradeRefused as problem:
            if problem.status in (401, 403):
                raise self._keeper.rejected(problem) from None
            raise
        except LinkClosed as problem:
            raise self._after_close(problem, protocol) from None
        finally:
            self.status.facts["bad"] = protocol.bad  # it may be what ended it
            self._protocol = None
            if link is not None:
                link.shut()

    def _new_protocol(self, token: str) -> DxLinkProtocol:
        settings = replace(self._settings, bytes_per_message=self._bytes_per_message)
        protocol = DxLinkProtocol(token, settings, self._budget, self._history)
        with self._lock:
            # A limit that an earlier connection ran into need not hold for this one.
            self._planner.limits = self._limits
        self._protocol = protocol
        self._dirty.set()
        return protocol

    def _converse(
        self, stop: threading.Event, link: WebSocketLink, protocol: DxLinkProtocol
    ) -> None:
        clock = self._clock
        self._deliver(link, protocol.start(clock.monotonic()))
        self._housekept = 0.0
        while not stop.is_set():
            frames = link.receive()
            at, now = clock.market(), clock.monotonic()
            for frame in frames:
                out = protocol.feed_bytes(frame, at, now)
                if out.batches or out.texts or out.events:
                    self._deliver(link, out)
            if now - self._housekept >= HOUSEKEEPING:
                self._housekept = now
                self._keep_house(link, protocol, at, now)
            if frames:
                # A socket that always has data would not let others run under eventlet.
                concurrency.sleep(0)

    def _deliver(self, link: WebSocketLink, out: Output) -> None:
        for batch in out.batches:
            self.status.events += len(batch.symbols)
            self._sink(batch)
        if out.batches:
            self.status.last_event = self._clock.real()
        for event in out.events:
            self._handle(event)
        for text in out.texts:
            link.send(text)

    def _handle(self, event: object) -> None:
        if isinstance(event, Ready):
            self._keeper.accepted()
            self._state("live", "streaming")
            self._link(True)
            log.info("dxLink: connected")
        elif isinstance(event, Renewed):
            log.info("dxLink: quote token renewed on the running connection")
        elif isinstance(event, SnapshotDone):
            self.snapshots[event.symbol] = event
        elif isinstance(event, TooBig):
            self._shrink(event)
        elif isinstance(event, ServerError):
            self.status.failed(f"{event.error}: {event.text}", self._clock.real())

    def _shrink(self, event: TooBig) -> None:
        """The server holds less than its published limit: plan for what it does hold."""
        with self._lock:
            limits = self._planner.limits
            if event.candles:
                candles = min(limits.candles, event.fits)
                limits = replace(
                    limits,
                    candles=candles,
                    backfill=max(0, min(limits.backfill, event.fits - candles)),
                )
            else:
                limits = replace(limits, entries=max(1, min(limits.entries, event.fits)))
            self._planner.limits = limits
        self._dirty.set()
        what = "candle" if event.candles else "quote"
        log.warning("dxLink: the server takes no more than %d %s entries", event.fits, what)

    def _keep_house(
        self, link: WebSocketLink, protocol: DxLinkProtocol, at: float, now: float
    ) -> None:
        if self._dirty.is_set():
            self._dirty.clear()
            self._replan(protocol)
        self._deliver(link, protocol.tick(at, now))
        fresh = self._keeper.renewed() if protocol.phase == "streaming" else None
        if fresh is not None:
            self._show_level(fresh)
            self._deliver(link, protocol.renew(fresh.token, now))
        if protocol.phase == "streaming":
            quiet = protocol.quiet_for(now)
            if quiet > self._settings.silence * STALE_AFTER:
                self._state("stale", "streaming", f"nothing heard for {quiet:.0f} s")
            elif self.status.state == "stale":
                self._state("live", "streaming")
        facts = self.status.facts
        if self.status.state == "live" and facts.get("level") != "DELAYED":
            self.status.detail = f"streaming, {protocol.subscriptions:,} lines"
        facts["subscriptions"] = protocol.subscriptions
        facts["frames"] = protocol.frames
        facts["bad"] = protocol.bad
        facts["rejected_bars"] = protocol.rejected_bars

    def _replan(self, protocol: DxLinkProtocol) -> None:
        plan = self.plan()
        protocol.want(plan.entries)
        if plan.shortfalls != self._shortfalls:
            self._shortfalls = plan.shortfalls
            for short in plan.shortfalls:
                log.warning(
                    "dxLink: %s gets %d of %d subscriptions (%s are used up)",
                    short.owner,
                    short.given,
                    short.asked,
                    short.reason,
                )

    # ---- tokens ---------------------------------------------------------------------

    def _show_level(self, token: QuoteTokenLike) -> None:
        self.status.facts["level"] = "DELAYED" if is_delayed(token) else "LIVE"
        self.status.facts["token_level"] = token.level

    def _after_close(self, problem: LinkClosed, protocol: DxLinkProtocol) -> GrokSauceError:
        if problem.code == CLOSE_REJECTED:
            return self._keeper.rejected(problem)
        if problem.code == CLOSE_TOO_BIG:
            self._bytes_per_message = max(1024, self._bytes_per_message // 2)
        if protocol.phase == "auth":
            # Some servers close instead of saying UNAUTHORIZED; a cut looks the same.
            self._keeper.doubt()
        return problem

    # ---- what is shown --------------------------------------------------------------

    def _state(self, state: str, phase: str, detail: str = "") -> None:
        status = self.status
        status.state = state  # type: ignore[assignment]
        status.facts["phase"] = phase
        if not detail and status.facts.get("level") == "DELAYED":
            level = status.facts.get("token_level")
            detail = self._late or f"quotes are delayed (token level {level})"
        status.detail = detail

    def _link(self, up: bool) -> None:
        if self._up is not up:
            self._up = up
            self._sink(Batch("Link", [SOURCE], ([up],), self._clock.market()))

    def _down(self, state: str, problem: BaseException | None) -> None:
        if problem is not None:
            self.status.failed(str(problem) or type(problem).__name__, self._clock.real())
        self._state(state, "down", "" if problem is None else str(problem))
        self.status.facts["subscriptions"] = 0
        if state == "backoff" and self._up is not False:
            log.warning("dxLink: lost: %s", str(problem).removeprefix("dxLink: "))
        self._link(False)
