"""MarketState: the latest of everything. One writer (the engine); readers get clean values.

apply(batch)                                     never raises on what a feed sent
last[kind][streamer] -> FIELDS[kind] values + (at,)     raw, kinds of TICKERS
quote, trade, trade_eth, summary, profile, greeks (streamer) -> value | None
candles(streamer, period, tho=False) -> CandleSeries | None     period "m", "5m", "d"
instruments[user symbol] -> Instrument;  instrument_of(streamer) -> Instrument | None
listings[user symbol] -> Listing of options;  cboe[user symbol] -> Cboe's whole OptionChain
headlines[source] -> Headlines;  weeks[source] -> CalendarWeek;  releases[measure key] -> Release
lt_levels[TradingView's candle symbol] -> LtLevels
tape.at(now) -> sums of the day's prints per option, by aggressor, where TimeAndSale is followed
notes[source] -> SourceNote of a polled source, "news", "fred", "forex_factory"
link_up(source) -> bool | None;  link_changed_at(source) -> float | None
price(streamer, now) -> Price(value, basis, at, time, direction) | None
arrived(streamer) -> float | None;  age(streamer, now) -> float | None
take_changed(among=None) -> set[streamer]        what changed since the last call
forget(streamer);  retain(wanted) -> int         drop what nobody wants any more
events, ignored                                  counters for the status page
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, Final, Literal

from grok_sauce.market.batches import FIELDS, Batch
from grok_sauce.market.candles import (
    CandleSeries,
    Key,
    series_key,
    take_snapshot,
    take_updates,
)
from grok_sauce.market.events import Greeks, Profile, Quote, Summary, Trade, whole
from grok_sauce.market.instruments import CandleSymbol, Instrument
from grok_sauce.market.latest import Latest
from grok_sauce.market.listing import Listing
from grok_sauce.market.prints import Print, Tape
from grok_sauce.market.products import KNOWN, Kind
from grok_sauce.market.sessions import phase
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.market.calendar_week import CalendarWeek
    from grok_sauce.market.chain import OptionChain
    from grok_sauce.market.headlines import Headlines
    from grok_sauce.market.lt_levels import LtLevels
    from grok_sauce.market.releases import Release
    from grok_sauce.market.source_note import SourceNote

TICKERS: Final = ("Quote", "Trade", "TradeETH", "Summary", "Profile", "Greeks")
PRICE_KINDS: Final = ("Quote", "Trade", "TradeETH")
_WIDTH: Final = {kind: len(fields) for kind, fields in FIELDS.items()} | {
    "Instrument": 1,
    "Link": 1,
    "Chain": 1,
    "CboeChain": 1,
    "Headlines": 1,
    "CalendarWeek": 1,
    "Releases": 1,
    "LtLevels": 1,
    "SourceNote": 1,
}

# In session a mid replaces a last trade that is this much older than the quote (seconds).
TRADE_LAG: Final = 60.0
# So long after a prompt print the feed counts as real time (seconds).
PROMPT_FOR: Final = 300.0
TOUCHED: Final = 1000  # batches between two take_changed() before their symbols are merged

Basis = Literal["trade", "extended", "mid"]


@dataclass(frozen=True, slots=True)
class Price:
    """The price of an instrument and what it is.

    at is the arrival (Unix seconds, market time), time the exchange's time in ms (None for
    a mid). direction: 1 or -1 against the price read before it, 0 while there was none.
    """

    value: float
    basis: Basis
    at: float
    time: int | None
    direction: Literal[1, 0, -1]


class MarketState:
    """See the module. limit bounds each candle series (bars)."""

    def __init__(self, limit: int = 12_000) -> None:
        self.last = {kind: Latest(len(FIELDS[kind])) for kind in TICKERS}
        self.instruments: dict[str, Instrument] = {}
        self.listings: dict[str, Listing] = {}
        self.cboe: dict[str, OptionChain] = {}
        self.headlines: dict[str, Headlines] = {}
        self.weeks: dict[str, CalendarWeek] = {}
        self.releases: dict[str, Release] = {}
        self.lt_levels: dict[str, LtLevels] = {}
        self.notes: dict[str, SourceNote] = {}
        self.tape = Tape()
        # Whole values, the newest of each name.
        self._whole: dict[str, dict[str, Any]] = {
            "CboeChain": self.cboe,
            "Headlines": self.headlines,
            "CalendarWeek": self.weeks,
            "Releases": self.releases,
            "LtLevels": self.lt_levels,
            "SourceNote": self.notes,
        }
        self.events = 0
        self.ignored: Counter[str] = Counter()
        self._limit = limit
        self._changed: set[str] = set()
        self._touched: list[Sequence[str]] = []
        self._candles: dict[Key, CandleSeries] = {}
        self._links: dict[str, tuple[bool, float]] = {}
        self._by_streamer: dict[str, Instrument] = {}
        self._ticks: dict[str, tuple[float, Basis, Literal[1, 0, -1]]] = {}
        self._prompt_at = -inf  # arrival of the newest print that was not delayed

    # ---- writing ------------------------------------------------------------------------

    def apply(self, batch: Batch) -> None:
        """Take in a batch. What has another kind or shape than documented is counted in ignored."""
        kind, symbols, columns = batch.kind, batch.symbols, batch.columns
        count = len(symbols)
        if {*map(len, columns)} != {count} or len(columns) != _WIDTH.get(kind):
            if symbols:
                what = "shape of" if kind in _WIDTH else "kind"
                self.ignored[f"{what} {kind}"] += count
            return
        latest = self.last.get(kind)
        if latest is not None:
            # 20,000 symbols a second come through here: nothing may run once per event.
            latest.put(symbols, columns, batch.at)
            self._touched.append(symbols)
            if len(self._touched) > TOUCHED:  # nobody asks: keep names, not lists
                self._changed.update(*self._touched)
                self._touched.clear()
            self.events += count
        elif kind == "Candle":
            self._take_candles(batch)
        elif kind == "TimeAndSale":
            self._take_prints(batch)
        elif kind == "Instrument":
            for symbol, instrument in zip(symbols, columns[0], strict=True):
                self._take_instrument(symbol, instrument)
        elif kind == "Chain":
            self._take_listings(dict(zip(symbols, columns[0], strict=True)))
        elif (kept := self._whole.get(kind)) is not None:
            for symbol, value in zip(symbols, columns[0], strict=True):
                kept.pop(symbol, None)
                if value is not None:
                    kept[symbol] = value
        else:
            for source, up in zip(symbols, columns[0], strict=True):
                if self.link_up(source) is not bool(up):
                    self._links[source] = (bool(up), batch.at)

    def _take_candles(self, batch: Batch) -> None:
        rows: dict[str, list[tuple[Any, ...]]] = {}
        for symbol, row in zip(batch.symbols, zip(*batch.columns, strict=True), strict=True):
            rows.setdefault(symbol, []).append(row)
        for symbol, own in rows.items():
            key = series_key(symbol)
            if key is None:
                self.ignored["candle symbol"] += len(own)
                continue
            series = self._candles.get(key)
            if series is None:
                seconds = CandleSymbol(key[0], key[1]).seconds
                series = CandleSeries(None if seconds is None else seconds * 1000, self._limit)
                self._candles[key] = series
            if batch.snapshot:
                rejected = take_snapshot(series, own, batch.at)
            else:
                rejected = take_updates(series, own)
            if rejected:
                self.ignored["no bar"] += rejected
            self.events += len(own)
            self._changed.add(key[0])

    def _take_prints(self, batch: Batch) -> None:
        """Add prints up, each once, with the open interest that was published when they came."""
        summaries, place = self.last["Summary"], FIELDS["Summary"].index("openInterest")
        for symbol, row in zip(batch.symbols, zip(*batch.columns, strict=True), strict=True):
            one = Print.of(symbol, row, batch.at)
            if one is None:
                self.ignored["no print"] += 1
                continue
            self.tape.put(one)
            tally, summary = self.tape.tally(symbol), summaries.get(symbol)
            if tally is not None and summary is not None:
                tally.opening = whole(summary[place])
        self.events += len(batch.symbols)

    def _take_instrument(self, symbol: str, instrument: Instrument | None) -> None:
        before = self.instruments.pop(symbol, None)
        if instrument is not None:
            self.instruments[symbol] = instrument
        self._changed.update(known.streamer for known in (before, instrument) if known)
        self._join_instruments()

    def _join_instruments(self) -> None:
        """The user's own records win over those that listings came with."""
        known = [listing.underlying for listing in self.listings.values()]
        known += self.instruments.values()
        self._by_streamer = {instrument.streamer: instrument for instrument in known}

    def _take_listings(self, given: dict[str, Listing | None]) -> None:
        """Follow other options, and drop what is kept of those that nobody follows now.

        Old open interest must not come back with a contract that returns days later.
        """
        left: set[str] = set()
        for symbol, listing in given.items():
            before = self.listings.pop(symbol, None)
            left.update(() if before is None else before.streamers)
            if listing is not None:
                self.listings[symbol] = listing
        self._join_instruments()
        followed = self.contracts()
        for latest in self.last.values():
            gone = [s for s in latest if s[:1] == "." and s not in followed]
            for streamer in gone:
                latest.discard(streamer)
        for streamer in left - followed:
            self.tape.forget(streamer)

    def contracts(self) -> set[str]:
        """Streamer symbols of all options that are followed."""
        return set().union(*(listing.streamers for listing in self.listings.values()))

    def take_changed(self, among: frozenset[str] | None = None) -> set[str]:
        """Streamer symbols touched since the last call (bases, for candles).

        among: those the caller cares for; the others are not told of later either. A few
        among thousands are found in a fraction of the time that gathering all of them takes.
        """
        changed, self._changed = self._changed, set()
        if among is None:
            changed.update(*self._touched)
        else:
            changed &= among
            for symbols in self._touched:
                changed |= among.intersection(symbols)
        self._touched.clear()
        return changed

    def forget(self, streamer: str) -> None:
        """Drop all that is kept of a streamer symbol (its Instrument stays till its batch)."""
        for latest in self.last.values():
            latest.discard(streamer)
        for key in [key for key in self._candles if key[0] == streamer]:
            del self._candles[key]
        self._ticks.pop(streamer, None)
        self.tape.forget(streamer)
        self._changed = self.take_changed()
        self._changed.discard(streamer)

    def retain(self, wanted: Collection[str]) -> int:
        """Forget every streamer symbol that is not wanted; returns how many were dropped.

        Catches events that were still under way when their symbol was forgotten.
        """
        kept = {key[0] for key in self._candles}.union(*self.last.values())
        unwanted = kept.difference(wanted)
        for streamer in unwanted:
            self.forget(streamer)
        return len(unwanted)

    # ---- reading ------------------------------------------------------------------------

    def quote(self, streamer: str) -> Quote | None:
        """The newest Quote, None before the first."""
        row = self.last["Quote"].get(streamer)
        return None if row is None else Quote.of(streamer, row)

    def trade(self, streamer: str) -> Trade | None:
        """The newest regular Trade, None before the first."""
        row = self.last["Trade"].get(streamer)
        return None if row is None else Trade.of(streamer, row)

    def trade_eth(self, streamer: str) -> Trade | None:
        """The newest trade of the extended hours, None before the first."""
        row = self.last["TradeETH"].get(streamer)
        return None if row is None else Trade.of(streamer, row, extended=True)

    def summary(self, streamer: str) -> Summary | None:
        """The newest Summary, None before the first."""
        row = self.last["Summary"].get(streamer)
        return None if row is None else Summary.of(streamer, row)

    def profile(self, streamer: str) -> Profile | None:
        """The newest Profile, None before the first."""
        row = self.last["Profile"].get(streamer)
        return None if row is None else Profile.of(streamer, row)

    def greeks(self, streamer: str) -> Greeks | None:
        """The newest Greeks, None before the first."""
        row = self.last["Greeks"].get(streamer)
        return None if row is None else Greeks.of(streamer, row)

    def candles(self, streamer: str, period: str, tho: bool = False) -> CandleSeries | None:
        """The series of a base symbol and canonical period; None while nothing came."""
        return self._candles.get((streamer, period, tho))

    def instrument_of(self, streamer: str) -> Instrument | None:
        """The instrument a streamer symbol belongs to."""
        return self._by_streamer.get(streamer)

    def link_up(self, source: str) -> bool | None:
        """Whether the source's link is up; None while it said nothing."""
        link = self._links.get(source)
        return None if link is None else link[0]

    def link_changed_at(self, source: str) -> float | None:
        """When that last changed (market time)."""
        link = self._links.get(source)
        return None if link is None else link[1]

    def arrived(self, streamer: str) -> float | None:
        """Arrival of the newest Quote, Trade or TradeETH."""
        rows = (self.last[kind].get(streamer) for kind in PRICE_KINDS)
        return max((row[-1] for row in rows if row is not None), default=None)

    def age(self, streamer: str, now: float) -> float | None:
        """Seconds since the newest price event; None before the first."""
        arrived = self.arrived(streamer)
        return None if arrived is None else max(0.0, now - arrived)

    # ---- the price ----------------------------------------------------------------------

    def price(self, streamer: str, now: float) -> Price | None:
        """The price as shown: the newer of Trade and TradeETH by exchange time, else the mid.

        The mid of a two-sided quote stands in where the instrument never traded, and, while
        its session is open and it is not halted, where the last trade is over TRADE_LAG
        older than the quote: by arrival, which a delayed feed does not spoil, and by exchange
        time as well while any symbol's prints prove that the feed is not delayed.

        A cash index is its trade, never a mid: its quote is a composite tens of points wide.
        A price at or below 0 counts for futures only. None when there is neither. Call it
        from the writer: it remembers the tick's direction.
        """
        instrument = self._by_streamer.get(streamer)
        kind = instrument.kind if instrument else KNOWN.get(streamer, ("unknown", ""))[0]
        trade = self._newest_trade(streamer, kind)
        if kind != "index" and (trade is None or phase(kind, now).state == "open"):
            quote = self.quote(streamer)
            mid = None if quote is None else quote.mid
            if quote is not None and mid is not None and self._leads(quote, trade):
                return Price(mid, "mid", quote.at, None, self._direction(streamer, mid, "mid"))
        if trade is None or trade.price is None:
            return None
        basis: Basis = "extended" if trade.extended else "trade"
        direction = self._direction(streamer, trade.price, basis)
        return Price(trade.price, basis, trade.at, trade.time, direction)

    def _newest_trade(self, streamer: str, kind: Kind) -> Trade | None:
        trades = [
            trade
            for trade in (self.trade(streamer), self.trade_eth(streamer))
            if trade is not None and trade.price is not None
            if trade.price > 0 or kind == "future"
        ]
        if len(trades) == 2 and None in (trades[0].time, trades[1].time):
            return max(trades, key=lambda trade: trade.at)
        return max(trades, key=lambda trade: trade.time or 0, default=None)

    def _lag(self, quote: Quote, trade: Trade) -> float:
        """Seconds by which a trade is older than a quote, which has no exchange time."""
        by_arrival = quote.at - trade.at
        if trade.time is None:
            return by_arrival
        by_time = quote.at - trade.time / 1000
        if trade.at - trade.time / 1000 <= TRADE_LAG:
            self._prompt_at = max(self._prompt_at, trade.at)
        return by_time if quote.at - self._prompt_at <= PROMPT_FOR else by_arrival

    def _leads(self, quote: Quote, trade: Trade | None) -> bool:
        if trade is None:
            return True
        profile = self.profile(quote.symbol)
        if profile is not None and profile.is_halted:
            return False
        return self._lag(quote, trade) > TRADE_LAG

    def _direction(self, streamer: str, value: float, basis: Basis) -> Literal[1, 0, -1]:
        before = self._ticks.get(streamer)
        direction: Literal[1, 0, -1] = 0
        if before is not None and (before[1] == "mid") is (basis == "mid"):
            # An unchanged price keeps the sign of the change that led to it.
            direction = before[2] if value == before[0] else 1 if value > before[0] else -1
        self._ticks[streamer] = (value, basis, direction)
        return direction
