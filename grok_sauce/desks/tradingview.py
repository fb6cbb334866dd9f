"""TradingView joined: its feed, switched live by its setting, and what it says of itself."""

from __future__ import annotations

import re
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

_FRONT: Final = re.compile(r"[A-Z_]+:([A-Z0-9]{1,4})1!")
_SHARE: Final = re.compile(r"(?:NASDAQ|NYSE|AMEX|BATS):([A-Z]{1,5}(?:\.[A-Z])?)")
ON_IN_DEMO: Final = "switched on by the demo, not in Setup"


def user_symbol(name: str) -> str | None:
    """What a symbol of TradingView is called here; None for what has no name here.

    >>> [user_symbol(name) for name in ("CME_MINI:NQ1!", "NYSE:BRK.B", "CME_MINI:NQZ2026")]
    ['/NQ', 'BRK/B', None]
    """
    front = _FRONT.fullmatch(name)
    if front is not None:
        return f"/{front[1]}"
    share = _SHARE.fullmatch(name)
    return None if share is None else share[1].replace(".", "/")


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

    def trouble(self) -> str:
        """What is wrong with the source or with what is asked of it, "" for nothing."""
        status = self.feed.status
        if status.state != "live":
            return status.last_error or "" if status.state != "off" else ""
        said = [part for part in status.detail.split("; ") if not part.startswith("streaming")]
        return "; ".join(part for part in said if part != ON_IN_DEMO)

    def minutes(self) -> dict[str, str]:
        """User symbol -> TradingView's symbol whose minutes are streamed while it is on."""
        found = {}
        for want in sorted(self.feed.wanted()):
            symbol = user_symbol(want.symbol) if want.timeframe == "1m" else None
            if symbol is not None:
                found[symbol] = want.symbol
        return found

    def follow(self, chosen: Settings) -> None:
        """Settings as they are now; whoever touches the switch has it."""
        before, self._chosen = self._chosen, chosen.sources.tradingview.enabled
        if before is None:
            self._shows = self._demo and not self._chosen
        elif before is not self._chosen:
            self._shows = False
        self.feed.switch(self.is_on)
