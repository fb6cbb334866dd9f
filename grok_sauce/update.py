"""Update(topic, key, payload): what the engine tells the ways out; and the one list of topics."""

from __future__ import annotations

from typing import Any, Final

from grok_sauce.values import dataclass

TOPICS: Final = (
    "indicator.rows",  # key: symbol; payload: row (dict), None when the symbol was removed
    "price.update",
    # key: symbol, the engine's one-minute bar; "SYMBOL TIMEFRAME", the candle owner's candle
    "candle.close",
    "chart.bar",
    "gex.levels",  # key: SYMBOL:view; payload: the report a page shows
    "signal.levels",  # key: symbol; payload: what /gex/levels answers, once a minute and complete
    "lt.levels",  # key: symbol; payload: what stands, or levels None with the reason
    "max_pain.levels",
    "profile.levels",
    "orb.breakout",
    "butterfly.mark",
    "trade.signal",
    "news.headline",
    "sentiment.index",
    "calendar.event",
    "fred.release",
    "event.reaction",
    "alert.state",
    "forex.trade",  # key: ""; payload: {total, keep, trades}, the newest that advisors told
    "notice",
    "service.health",  # key: ""; payload: the health report (dict)
)


@dataclass(frozen=True, slots=True)
class Update:
    """One new value: topic from TOPICS, key inside it, payload as JSON can carry it.

    A payload of None says that the key is gone.
    """

    topic: str
    key: str
    payload: Any
