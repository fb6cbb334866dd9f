"""Which feed prices come from: the account's, or by FEED dxFeed's public demonstration feed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from grok_sauce.clients.dxfeed_demo import DxfeedDemo, DxfeedDemoSettings
from grok_sauce.clients.tastytrade import Tastytrade, TastytradeSettings
from grok_sauce.feeds.dxlink import DxLinkFeed, DxLinkSettings, Limits
from grok_sauce.http import Http
from grok_sauce.market.batches import Batch
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.settings import knob, read_env
from grok_sauce.values import dataclass

ACCOUNT: Final = "account"
PUBLIC: Final = "dxfeed-demo"
LATE: Final = "15–20 min"  # by report; the feed itself does not say
NOTE: Final = (
    "These are not live: dxFeed’s public demonstration feed without an account, 15 to 20 minutes "
    "late by report. Nothing is promised of it, and no signal is made of it."
)
DETAIL: Final = "public demonstration feed, no account; 15 to 20 minutes late by report"
NO_SIGNALS: Final = "prices are dxFeed's public demonstration feed, which is no input to signals"
STILL_PUBLIC: Final = (
    "Saved. FEED=dxfeed-demo of .env still chooses the public demonstration feed: take that line "
    "out and start again."
)
# Somebody else's courtesy: a table of a hundred symbols, no option chains.
MODEST: Final = Limits(entries=600, candles=40)


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """FEED: where prices come from when this is not the demo command."""

    ENV: ClassVar[dict[str, str]] = {"feed": "FEED"}

    feed: str = knob(ACCOUNT, choices=(ACCOUNT, PUBLIC))


@dataclass(frozen=True, slots=True)
class PriceSource:
    """The feed with whom it asks. is_public: dxFeed's demonstration feed."""

    broker: Tastytrade | DxfeedDemo
    feed: DxLinkFeed
    status: SourceStatus
    is_public: bool = False

    def chip(self) -> tuple[str, str]:
        """LIVE, DELAYED or NO FEED, what its numbers are; and how late, where that is said."""
        if self.status.state not in ("live", "stale"):
            return "NO FEED", ""
        if self.is_public:
            return "DELAYED", LATE
        return ("DELAYED" if self.is_late else "LIVE"), ""

    @property
    def is_late(self) -> bool:
        """Quotes are not of now."""
        return self.status.facts.get("level") == "DELAYED"

    @property
    def note(self) -> str | None:
        """What stands under the header of every page."""
        return NOTE if self.is_public else None

    @property
    def no_signals(self) -> str | None:
        """Why no signal may be made of it; None: one may."""
        return NO_SIGNALS if self.is_public else None

    def use_live(self, start_again: Callable[[], str]) -> str:
        """The sentence for credentials just saved; start_again() makes the process use them."""
        return STILL_PUBLIC if self.is_public else start_again()


def is_public(environ: Mapping[str, str]) -> bool:
    """Does FEED choose dxFeed's demonstration feed?"""
    return read_env(FeedSettings, environ).feed == PUBLIC


def price_source(
    environ: Mapping[str, str],
    account: TastytradeSettings,
    http: Http,
    clock: Clock,
    kept: Path | None,
    demo: bool,
    sink: Callable[[Batch], None],
) -> PriceSource:
    """The source that the environment chooses; demo: the embedded market, whatever it says.

    kept is where the account's tokens are cached, None for nowhere.
    """
    public = not demo and is_public(environ)
    broker: Tastytrade | DxfeedDemo
    more: dict[str, Any] = {}
    if public:
        broker, label = DxfeedDemo(read_env(DxfeedDemoSettings, environ)), "dxFeed demo"
        more = {"limits": MODEST, "late": DETAIL}
    else:
        broker = Tastytrade(account, http, clock, kept)
        label = "Simulated feed" if demo else "dxLink"
    status = SourceStatus("dxlink", label, required=True)
    if public:
        status.facts["level"] = "DELAYED"  # before the first connection too
    feed = DxLinkFeed(broker, sink, clock, read_env(DxLinkSettings, environ), status, **more)
    return PriceSource(broker, feed, status, public)
