"""dxFeed's public demonstration feed: no account, no token, late prices, no records of symbols.

Nothing is promised of its uptime, limits, option Greeks or symbols. Prices are 15 to 20 minutes
late by report; SPX and SPY are reported to work. Address: README of dxFeed's own JavaScript client.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from grok_sauce.clients.tastytrade_tokens import QuoteToken
from grok_sauce.errors import SourceRefused
from grok_sauce.market.instruments import KNOWN, Instrument, provisional
from grok_sauce.settings import knob
from grok_sauce.values import dataclass

LEVEL: Final = "public demo"  # of its quotes; anything but "api" counts as late
NEVER: Final = float("inf")
MOST: Final = 20  # symbols found at once
STAND_IN: Final = {"ES": "SPY", "MES": "SPY", "NQ": "QQQ", "MNQ": "QQQ", "RTY": "IWM", "YM": "DIA"}
NO_CHAIN: Final = b'{"data":{"items":[]}}'


@dataclass(frozen=True, slots=True)
class DxfeedDemoSettings:
    """DXFEED_DEMO_URL: where it is."""

    ENV: ClassVar[dict[str, str]] = {"url": "DXFEED_DEMO_URL"}

    url: str = knob("wss://demo.dxfeed.com/dxlink-ws", url=True)


class DxfeedDemo:
    """Answers as clients.tastytrade.Tastytrade does, without asking anybody.

    A symbol is what is known of it beforehand; a future, whose contract only a broker's
    record names, is not offered; there are no option chains.
    """

    def __init__(self, settings: DxfeedDemoSettings) -> None:
        self._url = settings.url

    def quote_token(self) -> QuoteToken:
        """The address, with an empty token that is shown to nobody."""
        return QuoteToken("", self._url, LEVEL, NEVER)

    def renew_quote_token(self) -> QuoteToken:
        """There is none: asked for only after the server refused us.

        Raises:
            SourceRefused: always.
        """
        raise SourceRefused(
            "dxFeed's public demonstration feed wants a token now, or turned us away; take "
            "FEED out of .env, or try again later"
        )

    def resolve(self, user_symbol: str, now: float) -> Instrument:
        """What a normalised symbol stands for; now plays no part."""
        known = provisional(user_symbol)
        if known.kind != "future":
            return known
        hint = STAND_IN.get(known.product or "")
        return replace(known, problem="not_offered", hint=hint)

    def resolve_all(self, user_symbols: Sequence[str], now: float) -> dict[str, Instrument]:
        """resolve() for many."""
        return {symbol: self.resolve(symbol, now) for symbol in user_symbols}

    def search(self, prefix: str) -> list[Instrument]:
        """Symbols known beforehand that begin so: the feed itself cannot be searched."""
        text = prefix.strip().upper()
        if not text:
            return []
        found = [symbol for symbol in sorted(KNOWN) if symbol.startswith(text)]
        return [provisional(symbol) for symbol in found[:MOST]]

    def chain(self, underlying: str) -> dict[str, Any]:
        """No chain: {"items": []}."""
        return {"items": []}

    def chain_body(self, underlying: str) -> bytes:
        """The same as a broker's answer would say it."""
        return NO_CHAIN
