"""World: the simulated market, a pure function of a seed and the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import numpy as np

from grok_sauce.errors import BadPayload, SettingsError
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.instruments import CandleSymbol
from grok_sauce.market.sessions import day_id, new_york_date
from grok_sauce.simulator import events, futures, records
from grok_sauce.simulator.bars_file import Bars
from grok_sauce.simulator.candles import DAY, Row, aggregate, base_of, joined, period_seconds
from grok_sauce.simulator.catalogue import ASSETS, SILENT, Asset
from grok_sauce.simulator.delayed import Moment
from grok_sauce.simulator.events import Event
from grok_sauce.simulator.hours import Hours
from grok_sauce.simulator.options import Options
from grok_sauce.simulator.paths import Paths
from grok_sauce.simulator.prices import Prices, Print
from grok_sauce.simulator.recorded_chain import Level, RecordedChain, level_of
from grok_sauce.simulator.slices import Slice
from grok_sauce.simulator.tape import Listing, Tape, Tapes

Key = tuple[str, str]  # event kind, streamer symbol

KINDS: Final = ("Quote", "Trade", "TradeETH", "Summary", "Profile", "Candle")
_MINUTE_DAYS: Final = 30  # calendar days of minute bars that can be asked for
_DAY_DAYS: Final = 200  # the same for daily bars


class World:
    """Prices, volumes, chains and records at market time `now` (Unix seconds).

    Nothing is random once (seed, start, bars) is chosen: any event, any bar is a function of
    the time, so what a run showed live is what its history says later. With bars, one
    symbol repeats a recording and the rest of the market moves with it; days that the
    recording does not have, once it has begun, are days without trading. With a chain, its
    underlying begins at the file's price and lists the file's options; level_at is that
    beginning where it is not start (a market that goes on).

    Not safe for several threads at once.
    """

    def __init__(
        self,
        seed: int = 42,
        start: float | None = None,
        bars: Bars | None = None,
        chain: OptionChain | None = None,
        level_at: float | None = None,
    ) -> None:
        if bars is not None and chain is not None:
            raise SettingsError("give --bars or --chain, one of the two", "--chain")
        if start is None:
            if bars is None and chain is None:
                raise SettingsError("a simulated market needs a start time or bars", "start")
            start = bars.start if bars is not None else chain.as_of if chain else 0.0
        self.now = start
        self.seed = seed
        self.bars = bars
        self._origin = new_york_date(start)
        self._hours = Hours(bars.sessions if bars else ())
        self._paths = Paths(seed, self._origin, self._hours, bars)
        self._prices = Prices(seed, self._hours, Tapes(self._paths, self._hours, bars))
        self._assets = dict(ASSETS)
        if bars is not None and bars.symbol not in ASSETS:
            name = f"{bars.symbol} (recorded)"
            path = self._paths.recorded_path
            self._assets[bars.symbol] = Asset(bars.symbol, "etf", name, 1.0, path, volume=1e6)
        recorded = RecordedChain(chain) if chain is not None else None
        if recorded is not None and not recorded.expiries(self._origin):
            raise SettingsError(f"all options of the file expire before {self._origin}", "--start")
        self._level: Level | None = None
        if chain is not None:
            begins = start if level_at is None else level_at
            self._level = level_of(chain, begins, seed, self._paths, self._hours)
            self._assets.setdefault(chain.symbol, self._level.asset)
        self._listings: dict[tuple[str, date], Listing | None] = {}
        self._watched: dict[str, set[Key]] = {}  # streamer base -> what is watched of it
        self._told: dict[str, tuple[int, ...]] = {}  # streamer -> tick last told
        self._summaries: dict[str, Event | None] = {}
        self._halts: dict[str, float] = {}
        self._options = Options(
            seed,
            self._spot,
            lambda at: self._spot("VIX", at),
            self._reference,
            self._hours.is_open,
            recorded,
        )

    # ---- who trades ----------------------------------------------------------------------

    def serves(self, streamer: str) -> bool:
        """True when the feed knows the symbol; DXY and inventions are silent."""
        if streamer.startswith("."):
            return self._options.find(streamer, self.now) is not None
        return self._listing(streamer, self.now) is not None

    def _listing(self, streamer: str, now: float) -> Listing | None:
        today = new_york_date(now)
        key = (streamer, today if streamer.startswith("/") else self._origin)
        if key not in self._listings:
            if len(self._listings) > 2000:
                self._listings.clear()
            self._listings[key] = self._make_listing(streamer, today)
        return self._listings[key]

    def _make_listing(self, streamer: str, today: date) -> Listing | None:
        if streamer in SILENT:
            return None
        if streamer.startswith("/"):
            made = futures.listing(streamer, today, self._origin)
        else:
            asset = self._assets.get(streamer)
            made = Listing(streamer, asset, asset.anchor, asset.elasticity) if asset else None
        if made is not None and self._level is not None:
            return made.scaled(self._level.factor) if self._level.covers(made) else made
        if made is None or self.bars is None or made.asset.path != self._paths.recorded_path:
            return made
        factor = self._paths.reference / self._assets[self.bars.symbol].anchor
        return made.scaled(factor)

    # ---- time ----------------------------------------------------------------------------

    @property
    def option_seconds(self) -> float:
        """Shortest market time between two pricings of a watched option; raise it with speed."""
        return self._options.unit

    @option_seconds.setter
    def option_seconds(self, seconds: float) -> None:
        self._options.unit = max(0.5, seconds)

    def advance(self, now: float) -> set[Key]:
        """Move to now, never back; which watched (kind, symbol) have something new to say."""
        self.now = max(self.now, now)
        changed: set[Key] = set()
        for streamer, keys in self._watched.items():
            moved = self._moved(streamer)
            if moved:
                changed.update(key for key in keys if key[0] in moved)
        return changed | self._options.advance(self.now)

    def _moved(self, streamer: str) -> set[str] | None:
        """Kinds of a symbol that changed since it was last asked."""
        now = self._time(streamer)
        listing = self._listing(streamer, now)
        if listing is None:
            return None
        span = self._prices.span(listing, now)
        tick = self._prices.latest(listing, now)
        if span is None or tick is None:
            return None
        tape, index = tick.tape, tick.index
        inside = tape.regular.start <= index < tape.regular.stop
        sign = (
            day_id(span.day), tape.starts[index], tick.slot, tick.fraction >= 1.0, inside,
            streamer in self._halts, now >= span.closing,
        )  # fmt: skip
        told = self._told.get(streamer)
        if sign == told:
            return None
        self._told[streamer] = sign
        if told is None or told[0] != sign[0] or told[4:] != sign[4:]:
            self._summaries.pop(streamer, None)
            return set(KINDS)
        moved = {"Quote", "Candle", "Trade" if inside else "TradeETH"}
        if inside:
            summary = events.summary(listing, self._prices, now)
            if summary != self._summaries.get(streamer):
                self._summaries[streamer] = summary
                moved.add("Summary")
        return moved

    def watch(self, kind: str, streamer: str) -> None:
        """Report changes of this event; kind "Candle" takes a candle symbol."""
        if streamer.startswith("."):
            self._options.watch(kind, streamer)
            return
        base = base_of(streamer)
        if base is None:
            return
        if base not in self._watched:
            self._moved(base)  # what stands now is no news
        self._watched.setdefault(base, set()).add((kind, streamer))

    def unwatch(self, kind: str, streamer: str) -> None:
        """Stop reporting it."""
        if streamer.startswith("."):
            self._options.unwatch(kind, streamer)
            return
        base = base_of(streamer)
        keys = self._watched.get(base or "")
        if base is None or keys is None:
            return
        keys.discard((kind, streamer))
        if not keys:
            del self._watched[base]
            self._told.pop(base, None)
            self._summaries.pop(base, None)

    def halt(self, streamer: str) -> None:
        """Stop trading of a symbol at the present price until resume()."""
        self._halts.setdefault(streamer, self.now)

    def resume(self, streamer: str) -> None:
        """Let a halted symbol trade again, at the price its path has by now."""
        self._halts.pop(streamer, None)

    def _time(self, streamer: str) -> float:
        return self._halts.get(streamer, self.now)

    # ---- events --------------------------------------------------------------------------

    def event(self, kind: str, streamer: str) -> Event | None:
        """The current event with all dxLink fields; None where the feed would be silent."""
        if streamer.startswith("."):
            return self._options.event(kind, streamer, self.now)
        if kind == "Candle":
            return self._candle_event(streamer)
        now = self._time(streamer)
        listing = self._listing(streamer, now)
        if listing is None:
            return None
        if kind == "Profile":
            return events.profile(listing, self._halts.get(streamer))
        if kind == "Summary":
            return events.summary(listing, self._prices, now)
        tick = self._tick(kind, listing, now)
        if tick is None:
            return None
        return events.quote(listing, tick) if kind == "Quote" else events.trade(kind, listing, tick)

    def _tick(self, kind: str, listing: Listing, now: float) -> Print | None:
        if kind == "Quote":
            return self._prices.latest(listing, now)
        if kind == "Trade":
            return self._prices.regular(listing, now)
        return self._prices.extended(listing, now) if kind == "TradeETH" else None

    def _candle_event(self, symbol: str) -> Event | None:
        try:
            wanted = CandleSymbol.parse(symbol)
        except BadPayload:
            return None
        recent = int((self.now - 5 * DAY) * 1000)
        rows = self.candles(wanted.base, wanted.period, wanted.tho, recent, self.now)
        return events.candle(symbol, rows[-1]) if rows else None

    def price(self, streamer: str) -> float | None:
        """The last price: newest print of any session, or the middle of an option's quote."""
        if streamer.startswith("."):
            quote = self._options.event("Quote", streamer, self.now)
            return None if quote is None else (quote["bidPrice"] + quote["askPrice"]) / 2
        now = self._time(streamer)
        listing = self._listing(streamer, now)
        tick = None if listing is None else self._prices.latest(listing, now)
        return None if tick is None else tick.price

    def _spot(self, symbol: str, at: float) -> float | None:
        listing = self._listing(symbol, at)
        tick = None if listing is None else self._prices.latest(listing, at)
        return None if tick is None else tick.price

    def _reference(self, symbol: str, today: date) -> float | None:
        """The last regular close before a date; in a recording's first session its open."""
        listing = self._listing(symbol, self.now)
        tape = None if listing is None else self._prices.before(listing, today)
        if listing is not None and tape is None:
            tape = self._prices.tapes.day(listing, today)
            return None if tape is None else float(tape.open[tape.regular.start])
        return None if tape is None else float(tape.close[tape.regular.stop - 1])

    # ---- candles -------------------------------------------------------------------------

    def candles(self, base: str, period: str, tho: bool, from_ms: int, until: float) -> list[Row]:
        """Bars (time_ms, count, open, high, low, close, volume), ascending, the last one live.

        time_ms is the start of the bar and not before from_ms, except that of a bar that
        from_ms falls into. Longer bars align to midnight UTC; a daily one is stamped
        midnight UTC of its trading day. tho leaves the regular session; futures have no
        other. Empty for what is unknown, for options and for unserved periods.
        """
        seconds = period_seconds(period)
        until = min(until, self._halts.get(base, until))
        listing = self._listing(base, until) if seconds and not base.startswith(".") else None
        if listing is None or seconds is None:
            return []
        daily = seconds == DAY
        back = _DAY_DAYS if daily else _MINUTE_DAYS
        step = seconds * 1000
        start_ms = max(from_ms, int((until - back * DAY) * 1000)) // step * step
        rows: list[Row] = []
        span = self._prices.span(listing, until)
        day = None if span is None else span.day
        parts: list[list[Row]] = []
        while day is not None:
            stamp = day_id(day) * DAY * 1000
            if (daily and stamp < start_ms) or stamp + 2 * DAY * 1000 < start_ms:
                break
            tape = self._prices.tapes.day(listing, day)
            if tape is not None:
                parts.append(self._bars(listing, tape, step, daily, tho, start_ms, until))
            day = self._hours.before(listing.asset, day)
        for part in reversed(parts):
            rows += part
        return joined(rows)

    def _bars(
        self, listing: Listing, tape: Tape, step: int, daily: bool, tho: bool, start_ms: int,
        until: float,
    ) -> list[Row]:  # fmt: skip
        """The bars of one trading day that has begun by until."""
        stop = tape.at(until) + 1
        first = 0
        if tho:
            first, stop = tape.regular.start, min(stop, tape.regular.stop)
        if not daily:
            first = max(first, int(np.searchsorted(tape.times, start_ms // 1000)))
        if stop <= first:
            return []
        part = slice(first, stop)
        columns = [
            side[part].astype(np.float64)
            for side in (tape.count, tape.open, tape.high, tape.low, tape.close, tape.volume)
        ]
        if until < tape.starts[stop - 1] + 60:
            live = self._prices.at(listing, tape, stop - 1, until)
            values = (live.count, columns[1][-1], live.high, live.low, live.price, live.volume)
            for column, value in zip(columns, values, strict=True):
                column[-1] = value
        if daily:
            keys = np.full(stop - first, day_id(tape.span.day) * DAY * 1000, dtype=np.int64)
        else:
            keys = tape.times[part] * 1000 // step * step
        count, opened, high, low, close, volume = columns
        return aggregate(keys, (count, opened, high, low, close, volume))

    # ---- broker records ------------------------------------------------------------------

    def equity(self, symbol: str) -> dict[str, Any] | None:
        """Record of a share, ETF or index; None when unknown."""
        asset = self._assets.get(symbol)
        return None if asset is None else records.equity(asset, self._options.book(symbol))

    def equities(self, prefix: str) -> list[dict[str, Any]]:
        """Records whose symbol or name begins like this, symbols first."""
        return records.search(prefix, self._assets)

    def futures(self, product: str) -> list[dict[str, Any]]:
        """Records of a product's listed contracts, nearest first; empty when unknown."""
        return futures.records(product, new_york_date(self.now))

    def chain(self, underlying: str) -> dict[str, Any] | None:
        """The nested option chain {"items": [...]}; None without listed options."""
        return self._options.chain(underlying, self.now)

    def moment(self, underlying: str, at: float) -> Moment | None:
        """What a delayed file made of an instant says of an underlying; None without options."""
        book = self._options.book(underlying)
        asset = self._assets.get(underlying)
        if book is None or asset is None:
            return None
        at, session = self._options.last_open(book, at, new_york_date(at))
        spot, vix = self._spot(underlying, at), self._spot("VIX", at)
        listing = self._listing(underlying, at)
        if spot is None or vix is None or listing is None:
            return None
        summary = events.summary(listing, self._prices, at) or {}
        elapsed = self._options.elapsed(book, at, session)
        return Moment(underlying, asset.kind, at, session, spot, vix, summary, elapsed)

    def past(self, moment: Moment) -> Iterator[Slice]:
        """The expirations of a moment, each priced when following() asks for it."""
        return self._options.past(moment.symbol, moment.at)

    def following(self, parts: Iterator[Slice]) -> Slice | None:
        """The next of past(), None at the end."""
        return next(parts, None)

    def market_data(self, kind: str, symbol: str) -> dict[str, Any] | None:
        """One item of the snapshot endpoint; symbol is the broker's or the feed's spelling."""
        streamer = records.streamer_of(kind, symbol, new_york_date(self.now))
        names = ("Quote", "Trade", "TradeETH", "Summary", "Profile")
        found = {name: self.event(name, streamer) for name in names}
        if all(event is None for event in found.values()):
            return None
        return records.snapshot(kind, symbol, self.now, found)

    def session(self) -> dict[str, Any]:
        """The share market's session as the broker tells it."""
        return records.session(self.now)
