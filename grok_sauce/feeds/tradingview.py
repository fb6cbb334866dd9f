"""The TradingView feed: one connection over the site's own socket, off until it is switched on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlencode

from grok_sauce.clients.tradingview import Login
from grok_sauce.errors import GrokSauceError, SourceRefused
from grok_sauce.feeds.tradingview_login import Account, LoginKeeper
from grok_sauce.feeds.tradingview_messages import (
    SOURCE,
    Delayed,
    Loaded,
    Output,
    ProtocolRefused,
    Ready,
    Refusal,
    Rolled,
    SessionRefused,
    TradingViewSettings,
)
from grok_sauce.feeds.tradingview_protocol import TradingViewProtocol, check_limits
from grok_sauce.feeds.tradingview_wants import Want
from grok_sauce.feeds.websocket_link import LinkClosed, UpgradeRefused, WebSocketLink
from grok_sauce.http import USER_AGENT
from grok_sauce.market.batches import Batch
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock, as_datetime
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.settings.tradingview_notice import UNOFFICIAL

__all__ = ["TradingViewFeed", "TradingViewSettings", "Want"]

log = logging.getLogger(__name__)

ORIGIN: Final = "https://www.tradingview.com"
HOUSEKEEPING: Final = 0.1  # seconds between two looks at deadlines and changes
LOOK: Final = 0.25  # seconds until a switch is noticed
STALE_AFTER: Final = 0.7  # of the silence deadline
SHOWN: Final = 3  # refusals told in the status at once

Connect = Callable[[str, Login], WebSocketLink]


class TradingViewFeed:
    """Worker "tradingview". run() is one connection, or waits while the source is off.

    switch() and want() may be called from any thread at any time; a live connection follows.
    What is wanted outlives connections. status is written by this worker alone.

    Hands over Batches: "Candle" of symbols like "TV:CME_MINI:NQ1!{=m}" (snapshot=True for the
    history), "Quote", "Trade" and "Summary" of "TV:CME_MINI:NQ1!", "LtLevels" of
    "TV:CME_MINI:NQ1!{=15m}" (one column of market.lt_levels.LtLevels, closed bars only; None:
    taken back at a roll), and "Link" of "TradingView".
    """

    name = "tradingview"
    tells_outages = True

    def __init__(
        self,
        account: Account,
        sink: Callable[[Batch], None],
        clock: Clock,
        settings: TradingViewSettings | None = None,
        status: SourceStatus | None = None,
        connect: Connect | None = None,
        note: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._keeper = LoginKeeper(account, clock)
        self._sink = sink
        self._clock = clock
        self._settings = settings or TradingViewSettings()
        self.status = status or SourceStatus("tradingview", SOURCE)
        self._connect = connect or self._dial
        self._note = note
        self._wanted: dict[str, frozenset[Want]] = {"settings": self._settings.wants}
        self._lock = threading.Lock()
        self._dirty = threading.Event()
        self._on = threading.Event()
        self._up: bool | None = None
        self._connections = 0
        self._housekept = 0.0
        self._refusals: dict[str, Refusal] = {}
        self._delayed: dict[str, Delayed] = {}
        self._contracts: dict[str, str] = {}
        self._show_off()

    # ---- what others ask ----------------------------------------------------------------

    def switch(self, on: bool) -> None:
        """Follow sources.tradingview.enabled. It begins switched off."""
        if on:
            self._on.set()
        else:
            self._on.clear()

    def want(self, owner: str, wanted: Iterable[Want]) -> None:
        """Replace what `owner` wants; owner "settings" is what TradingViewSettings asks for.

        Raises:
            ValueError: more than one connection should ask for; nothing changes then.
        """
        with self._lock:
            after = {**self._wanted, owner: frozenset(wanted)}
            check_limits(frozenset[Want]().union(*after.values()))
            self._wanted = after
        self._dirty.set()

    def drop(self, owner: str) -> None:
        """`owner` wants nothing any more."""
        self.want(owner, ())

    def wanted(self) -> frozenset[Want]:
        """What all owners want together."""
        with self._lock:
            return frozenset[Want]().union(*self._wanted.values())

    def contract(self, symbol: str) -> str | None:
        """Which contract a symbol stood for when that was last heard ("/NQZ6"); None: not told."""
        return self._contracts.get(symbol)

    # ---- the worker ---------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Wait to be switched on, then connect and read until stop or switched off.

        Raises:
            SourceError: the connection is lost; another run() may help.
            SourceRefused: the account is refused; the user must act.
        """
        try:
            while not stop.is_set():
                if not self._on.is_set():
                    self._show_off()
                    stop.wait(LOOK)
                    continue
                self._session(stop)
        except SourceRefused as problem:
            self._keeper.forgive()  # the next run is the user's wish
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
        self._state("connecting", "connecting")
        if self._connections:
            self.status.reconnects += 1
        self._connections += 1
        login = self._keeper.take()
        self._show_login(login)
        protocol = TradingViewProtocol(login.token, self._settings)
        self._dirty.set()
        self._refusals.clear()
        self._delayed.clear()
        link: WebSocketLink | None = None
        try:
            link = self._connect(self._address(login), login)
            self._state("connecting", "handshake")
            self._converse(stop, link, protocol)
        except (ProtocolRefused, SessionRefused) as problem:
            if protocol.phase != "streaming":
                raise self._keeper.rejected(problem) from None
            raise
        except UpgradeRefused as problem:
            if problem.status in (401, 403):
                raise self._keeper.rejected(problem) from None
            raise
        except LinkClosed as problem:
            if protocol.phase == "asking":
                # The server may close on a bad token without a word; a cut looks the same.
                self._keeper.doubt("closed before anything was answered")
            raise problem
        finally:
            if link is not None:
                link.shut()
        if not self._on.is_set():
            log.info("TradingView: switched off")
            self._link(False)

    def _converse(
        self, stop: threading.Event, link: WebSocketLink, protocol: TradingViewProtocol
    ) -> None:
        clock = self._clock
        self._deliver(link, protocol, protocol.start(clock.monotonic()))
        self._housekept = 0.0
        while self._on.is_set() and not stop.is_set():
            frames = link.receive()
            at, now = clock.market(), clock.monotonic()
            for frame in frames:
                self._deliver(link, protocol, protocol.feed_bytes(frame, at, now))
            if now - self._housekept >= HOUSEKEEPING:
                self._housekept = now
                self._keep_house(link, protocol, at, now)
            if frames:
                # A socket that always has data would not let others run under eventlet.
                concurrency.sleep(0)

    def _deliver(self, link: WebSocketLink, protocol: TradingViewProtocol, out: Output) -> None:
        for batch in out.batches:
            self.status.events += len(batch.symbols)
            self._sink(batch)
        if out.batches:
            self.status.last_event = self._clock.real()
        for event in out.events:
            self._handle(event, protocol)
        for text in out.texts:
            link.send(text)

    def _handle(self, event: Any, protocol: TradingViewProtocol) -> None:
        if isinstance(event, Ready):
            self._keeper.accepted()
            self._state("live", "streaming")
            self._link(True)
            log.info("TradingView: connected")
        elif isinstance(event, Refusal):
            if str(event) not in self._refusals:
                log.warning("TradingView: %s", event)
            self._refusals[str(event)] = event
            self.status.failed(f"TradingView: {event}", self._clock.real())
            if event.lost_rights:
                self._keeper.doubt(f"{event.name}: {event.text}")
        elif isinstance(event, Delayed):
            if event.symbol not in self._delayed:
                log.warning("TradingView: %s is delayed: %s", event.symbol, event.text)
                self._keeper.doubt(f"{event.symbol} is delayed")
            self._delayed[event.symbol] = event
        elif isinstance(event, Loaded):
            log.info("TradingView: %s %s: %d bars", event.symbol, event.timeframe, event.bars)
            if event.contract is not None:
                self._contracts[event.symbol] = event.contract
            self._refusals = {
                key: kept
                for key, kept in self._refusals.items()
                if not kept.what.startswith(f"{event.symbol} {event.timeframe}")
            }
        elif isinstance(event, Rolled):
            log.info("TradingView: %s is %s now", event.symbol, event.contract)
            self._contracts[event.symbol] = event.contract

    def _keep_house(
        self, link: WebSocketLink, protocol: TradingViewProtocol, at: float, now: float
    ) -> None:
        wanted = self.wanted()
        if self._dirty.is_set():
            self._dirty.clear()
            protocol.want(wanted)
        if any(want.study for want in wanted):
            settings = self._settings
            protocol.use_study(self._keeper.study(settings.lt_script, settings.lt_version))
        fresh = self._keeper.renewed()
        if fresh is not None:
            log.info("TradingView: a new token is shown on the running connection")
            self._show_login(fresh)
            self._deliver(link, protocol, protocol.renew(fresh.token, now))
        self._deliver(link, protocol, protocol.tick(at, now))
        self._show(protocol, now)

    # ---- the connection -----------------------------------------------------------------

    def _address(self, login: Login) -> str:
        query = {"from": "chart", "type": "chart"}
        if not login.is_anonymous:
            query["date"] = as_datetime(self._clock.real()).strftime("%Y-%m-%dT%H:%M:%S")
            query["auth"] = "sessionid"
        joint = "&" if "?" in self._settings.url else "?"
        return f"{self._settings.url}{joint}{urlencode(query)}"

    def _dial(self, url: str, login: Login) -> WebSocketLink:
        headers = [f"Cookie: {login.cookies}"] if login.cookies else []
        agent = self._settings.user_agent or USER_AGENT
        return WebSocketLink(url, SOURCE, headers, origin=ORIGIN, user_agent=agent)

    # ---- what is shown ------------------------------------------------------------------

    def _show_login(self, login: Login) -> None:
        self.status.facts["login"] = login.kind
        self.status.facts["token_ends"] = login.expires_at

    def _show_off(self) -> None:
        self.status.state = "off"
        self.status.detail = UNOFFICIAL
        self.status.facts["phase"] = "off"

    def _state(self, state: str, phase: str, detail: str = "") -> None:
        self.status.state = state  # type: ignore[assignment]
        self.status.facts["phase"] = phase
        self.status.detail = detail

    def _show(self, protocol: TradingViewProtocol, now: float) -> None:
        """The status as it is now: silence first, then what is missing or delayed."""
        facts = self.status.facts
        charts = protocol.charts.values()
        facts["charts"] = sum(chart.state == "running" for chart in charts)
        facts["studies"] = sum(chart.study == "running" for chart in charts)
        facts["frames"], facts["bad"] = protocol.frames, protocol.bad
        if protocol.phase != "streaming":
            return
        behind = {**protocol.delayed, **self._delayed}
        facts["level"] = "DELAYED" if behind else "LIVE"
        quiet = protocol.quiet_for(now)
        if quiet > self._settings.silence * STALE_AFTER:
            self._state("stale", "streaming", f"nothing heard for {quiet:.0f} s")
            return
        says = [str(refusal) for refusal in list(self._refusals.values())[-SHOWN:]]
        if self._keeper.study_failure and any(want.study for want in self.wanted()):
            says.append(self._keeper.study_failure)
        if behind:
            says.append(f"delayed: {', '.join(sorted(behind))}")
        if self._keeper.failure:
            says.append(self._keeper.failure)
        charts_now = facts["charts"]
        says.append(f"streaming, {charts_now} chart{'' if charts_now == 1 else 's'}")
        if (note := self._note()) is not None:
            says.append(note)
        self._state("live", "streaming", "; ".join(says))

    def _link(self, up: bool) -> None:
        if self._up is not up:
            self._up = up
            self._sink(Batch("Link", [SOURCE], ([up],), self._clock.market()))

    def _down(self, state: str, problem: BaseException | None) -> None:
        if problem is not None:
            self.status.failed(str(problem) or type(problem).__name__, self._clock.real())
            if state == "backoff" and self._up is not False:
                log.warning("TradingView: lost: %s", str(problem).removeprefix("TradingView: "))
        if problem is None:
            self._show_off()
        else:
            self._state(state, "down", str(problem))
        self._link(False)
