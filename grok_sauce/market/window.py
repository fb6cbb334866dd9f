"""Which strikes of which expiries are followed: a window around the money that moves reluctantly.

rough_price(state, streamer) -> float | None        where the money is, for choosing strikes
Anchors().around(expiry, price, each_side, slack) -> range      places in expiry.strikes
"""

from __future__ import annotations

from typing import Final

from grok_sauce.market.expiries import Expiry
from grok_sauce.market.listing import ListedExpiry
from grok_sauce.market.state import MarketState

QUOTES_EACH_SIDE: Final = 3  # strikes with quotes on each side of the forward
QUOTES_SLACK: Final = 1


def rough_price(state: MarketState, streamer: str) -> float | None:
    """About where an underlying is: last trade, else a mid, else a close; any age. Reads only."""
    trades = [
        trade
        for trade in (state.trade(streamer), state.trade_eth(streamer))
        if trade is not None and trade.price is not None and trade.price > 0
    ]
    if trades:
        return max(trades, key=lambda trade: trade.time or 0).price
    quote = state.quote(streamer)
    if quote is not None and quote.mid is not None:
        return quote.mid
    summary = state.summary(streamer)
    closes = () if summary is None else (summary.day_close, summary.prev_close)
    return next((close for close in closes if close is not None and close > 0), None)


class Anchors:
    """Remembers, per expiry and purpose, the price a window was built around.

    A window moves only when the money is more than `slack` strikes away from its anchor:
    a spot that swings around a strike must not make contracts come and go.
    """

    def __init__(self) -> None:
        self._prices: dict[tuple[Expiry, int], float] = {}

    def around(self, listed: ListedExpiry, price: float, each_side: int, slack: int) -> range:
        """Places of at most each_side strikes below and as many at or above the anchor."""
        key = (listed.expiry, each_side)
        anchor = self._prices.get(key)
        if anchor is None or abs(listed.nearest(price) - listed.nearest(anchor)) > slack:
            anchor = self._prices[key] = price
        middle = listed.nearest(anchor)
        return range(max(0, middle - each_side), min(len(listed.strikes), middle + each_side))

    def forget(self, kept: frozenset[Expiry]) -> None:
        """Keep the anchors of these expiries alone."""
        self._prices = {key: price for key, price in self._prices.items() if key[0] in kept}


def slack_of(each_side: int) -> int:
    """Strikes the money may move before a window follows.

    >>> [slack_of(each_side) for each_side in (5, 60, 100)]
    [1, 10, 16]
    """
    return max(1, each_side // 6)
