"""Batch: what a feed hands over, many events of one kind at once, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

# Canonical columns per kind, without the symbol: what somebody reads and no more, because
# each costs time with every event. A feed asks for these, decodes into
# this order whatever the server announced, and fills a column it did not get with None.
# Values are as the wire has them: numbers, the strings "NaN", "Infinity", "-Infinity",
# or None. They become clean when somebody reads them (market/events.py).
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "Quote": ("bidPrice", "askPrice"),
    "Trade": ("price", "dayVolume", "time", "dayId"),
    "TradeETH": ("price", "dayVolume", "time", "dayId"),
    "Summary": (
        "dayId",
        "dayOpenPrice",
        "dayHighPrice",
        "dayLowPrice",
        "dayClosePrice",
        "prevDayClosePrice",
        "prevDayVolume",
        "openInterest",
    ),
    "Profile": ("description", "tradingStatus", "statusReason", "haltStartTime", "haltEndTime"),
    "Greeks": ("price", "volatility", "delta", "gamma", "theta", "vega", "time"),
    "Candle": ("eventFlags", "index", "time", "count", "open", "high", "low", "close", "volume"),
    "TimeAndSale": (
        *("eventFlags", "index", "time", "price", "size", "aggressorSide", "spreadLeg"),
        *("validTick", "type"),
    ),
}


class Batch(NamedTuple):
    """Events of one kind: symbols[i] goes with columns[j][i] for each field j of FIELDS[kind].

    symbols are streamer symbols ("SPY", "/ESZ26:XCME", ".SPXW261218C6000", "SPY{=m}"),
    in order of arrival; one symbol may occur several times (the last wins for all kinds
    but Candle and TimeAndSale, where each row counts). at is the market time of arrival
    (Unix seconds).

    snapshot: for Candle only; True says that the batch replaces all bars of its
    symbols that are not older than its oldest bar.

    Kinds that do not come from the wire:
    "Instrument"  symbols are the user's symbols; one column of market.instruments.Instrument
                  (or None: the symbol is no longer wanted).
    "Link"        symbols are source names ("dxLink"); one column of True (up) or False (down).
    "Chain"       symbols are the user's symbols; one column of market.listing.Listing, what is
                  followed of its options (or None: nothing is any more).
    "CboeChain"   symbols are the user's symbols; one column of market.chain.OptionChain, the
                  whole chain as Cboe had it (or None).
    "Headlines"   symbols are source names ("NewsAPI"); one column of market.headlines.Headlines,
                  the whole answer (or None: the source is switched off).
    "CalendarWeek"  symbols are source names ("ForexFactory"); one column of
                  market.calendar_week.CalendarWeek (or None).
    "Releases"    symbols are keys of market.measures.MEASURES ("CPIAUCSL:pch"); one column of
                  market.releases.Release (or None).
    "LtLevels"    symbols are TradingView's candle symbols ("TV:CME_MINI:NQ1!{=15m}"); one column
                  of market.lt_levels.LtLevels of a closed bar (or None: taken back at a roll).
    "SourceNote"  symbols are names of polled sources ("news", "fred", "forex_factory"); one
                  column of market.source_note.SourceNote, how the source is.
    """

    kind: str
    symbols: Sequence[str]
    columns: tuple[Sequence[Any], ...]
    at: float
    snapshot: bool = False
