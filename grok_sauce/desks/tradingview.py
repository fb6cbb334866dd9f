"""TradingView joined: its feed, switched live by its setting, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from grok_sauce import settings as knobs
from grok_sauce.clients.tradingview import TradingView, TradingViewAccount
from grok_sauce.feeds.tradingview import TradingViewFeed, TradingViewSettings
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.runtime.worker import Worker
from grok_sauce.settings import Settings

ON_IN_DEMO: Final = "switched on by the demo, not in Setup"


class TradingViewDesk:
    """The feed with its status; store is None where nothing may be kept (a demo).

    follow() obeys sources.tradingview.enabled at once, without a restart. The demo shows the
    embedded market's TradingView though it is off by default, until the user touches its
    switch; its status says so.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        http: Http,
        clock: Clock,
        sink: Callable[[Batch], None],
        store: Path | None,
        demo: bool,
    ) -> None:
        account = knobs.read_env(TradingViewAccount, environ)
        self.settings = knobs.read_env(TradingViewSettings, environ)
        self.feed = TradingViewFeed(
            TradingView(account, http, clock, store),
            sink,
            clock,
            self.settings,
            note=lambda: ON_IN_DEMO if self._shows else None,
        )
        self._demo = demo
        self._shows = False
        self._chosen: bool | None = None

    @property
    def is_on(self) -> bool:
        """Is it switched on, in Setup or by the demo?"""
        return bool(self._chosen) or self._shows

    @property
    def sources(self) -> list[SourceStatus]:
        """What /status and the header show of it."""
        return [self.feed.status]

    @property
    def workers(self) -> list[Worker]:
        """What the supervisor must run."""
        return [self.feed]

    def follow(self, chosen: Settings) -> None:
        """Settings as they are now; whoever touches the switch has it."""
        before, self._chosen = self._chosen, chosen.sources.tradingview.enabled
        if before is None:
            self._shows = self._demo and not self._chosen
        elif before is not self._chosen:
            self._shows = False
        self.feed.switch(self.is_on)
