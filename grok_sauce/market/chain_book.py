"""ChainBook: the followed options of one underlying as arrays, kept from the state by difference.

book = ChainBook(listing)
book.update(state, changed)                     re-read only contracts that changed
book.frozen(spot, now, source) -> OptionChain   copies that nobody changes

Needs numpy; imported when the first chain is there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np

from grok_sauce.market import sessions
from grok_sauce.market.batches import FIELDS
from grok_sauce.market.chain import Bools, Floats, Ints, OptionChain
from grok_sauce.market.events import EARLIEST, LATEST, number
from grok_sauce.market.listing import Listing, occ_of
from grok_sauce.market.state import MarketState

# Which value of which kind fills which column of the book.
COLUMNS: Final[dict[str, dict[str, str]]] = {
    "Greeks": {
        "volatility": "iv",
        "delta": "delta",
        "gamma": "gamma",
        "theta": "theta",
        "vega": "vega",
        "time": "greeks_time",
    },
    "Summary": {"openInterest": "oi", "dayId": "oi_day"},
    "Trade": {"dayVolume": "volume", "dayId": "volume_day"},
    "Quote": {"bidPrice": "bid", "askPrice": "ask"},
}
ARRIVALS: Final = {"Greeks": "greeks_at", "Summary": "oi_at", "Quote": "quote_at"}
PLAIN: Final = frozenset({float, int, type(None)})  # types that numpy reads as we do
_PLACES: Final = {
    kind: [(FIELDS[kind].index(name), column) for name, column in columns.items()]
    + ([(len(FIELDS[kind]), ARRIVALS[kind])] if kind in ARRIVALS else [])
    for kind, columns in COLUMNS.items()
}
_NAMES: Final = tuple(column for places in _PLACES.values() for _, column in places)


class Spot(NamedTuple):
    """The underlying's price as OptionChain carries it: points, what it is, when it was."""

    value: float | None
    basis: str
    at: float | None


class ChainBook:
    """Columns of one listing. One thread's own; frozen() gives what others may have."""

    def __init__(self, listing: Listing) -> None:
        size = len(listing)
        self.listing = listing
        self._place = {streamer: place for place, streamer in enumerate(listing.streamers)}
        self._rows: dict[str, list[Any]] = {kind: [None] * size for kind in COLUMNS}
        self._data: dict[str, Floats] = {name: np.full(size, np.nan) for name in _NAMES}
        self._is_new = True
        self.contract = tuple(
            occ_of(listing.expiries[expiry], strike, is_call)
            for expiry, strike, is_call in zip(
                listing.expiry, listing.strike, listing.is_call, strict=True
            )
        )
        self.expiry: Ints = np.array(listing.expiry, dtype=np.int64)
        self.strike: Ints = np.array(listing.strike, dtype=np.int64)
        self.is_call: Bools = np.array(listing.is_call, dtype=np.bool_)
        self.core: Bools = np.array(listing.core, dtype=np.bool_)
        self.multiplier: Floats = np.array(listing.multiplier, dtype=np.float64)

    def has_same_contracts(self, listing: Listing) -> bool:
        """Would a book of that listing have the same columns?"""
        own = self.listing
        return (own.streamers, own.expiries, own.expiry, own.core, own.multiplier) == (
            listing.streamers,
            listing.expiries,
            listing.expiry,
            listing.core,
            listing.multiplier,
        )

    def update(
        self, state: MarketState, changed: Collection[str], kinds: Collection[str] = tuple(COLUMNS)
    ) -> int:
        """Read what changed (everything, the first time); how many events were new."""
        if self._is_new:
            places = list(range(len(self.contract)))
        elif len(changed) < len(self._place):
            places = [self._place[name] for name in changed if name in self._place]
        else:
            places = [place for name, place in self._place.items() if name in changed]
        self._is_new = False
        streamers = self.listing.streamers
        found = 0
        for kind in kinds:
            kept, latest = self._rows[kind], state.last[kind]
            fresh, rows = [], []
            for place in places:
                row = latest.get(streamers[place])
                if row != kept[place]:
                    kept[place] = row
                    fresh.append(place)
                    rows.append(row)
            if fresh:
                self._take(kind, fresh, rows)
                found += len(fresh)
        return found

    def _take(self, kind: str, places: Sequence[int], rows: Sequence[Any]) -> None:
        blank = (None,) * (len(FIELDS[kind]) + 1)
        columns = list(zip(*(blank if row is None else row for row in rows), strict=True))
        where = np.array(places, dtype=np.int64)
        for index, name in _PLACES[kind]:
            self._data[name][where] = as_floats(columns[index])

    def whole(self, spot: Spot, now: float, source: str) -> OptionChain:
        """All followed contracts, of the window or not."""
        return self._chain(np.ones(len(self.contract), dtype=np.bool_), spot, now, source)

    def frozen(self, spot: Spot, now: float, source: str) -> OptionChain:
        """The chain at market time now: core contracts of the expiries that are followed.

        Volume of a day before the one under way (from 04:00 on) is none of this one. Greeks are
        as old as the server says, however late they arrived, but of a DELAYED source: all of
        its times are behind.
        """
        return self._chain(self.core, spot, now, source)

    def _chain(self, chosen: Bools, spot: Spot, now: float, source: str) -> OptionChain:
        session = sessions.phase("etf", now).session_date
        data, listing = self._data, self.listing
        volume = np.where(
            np.isfinite(data["volume_day"]) & (data["volume_day"] < sessions.day_id(session)),
            0.0,
            data["volume"],
        )
        greeks_at = data["greeks_at"]
        if source != "DELAYED":
            told = data["greeks_time"]
            is_time = (told >= EARLIEST) & (told < LATEST)
            greeks_at = np.fmin(greeks_at, np.where(is_time, told / 1000, np.nan))
        return OptionChain(
            symbol=listing.symbol,
            spot=spot.value,
            spot_basis=spot.basis,
            spot_at=spot.at,
            as_of=now,
            source=source,
            expiries=listing.expiries,
            listed=len(listing.expiries),
            oi_date=self._oi_date(),
            contract=tuple(np.array(self.contract, dtype=object)[chosen]),
            expiry=self.expiry[chosen],
            strike=self.strike[chosen],
            is_call=self.is_call[chosen],
            multiplier=self.multiplier[chosen],
            volume=volume[chosen],
            greeks_at=greeks_at[chosen],
            **{
                name: data[name][chosen]
                for name in (
                    *("oi", "bid", "ask", "iv", "delta", "gamma"),
                    *("theta", "vega", "quote_at", "oi_at"),
                )
            },
        )

    def _oi_date(self) -> date | None:
        """The evening whose count most contracts carry: the session before their day's."""
        days = self._data["oi_day"][np.isfinite(self._data["oi"])]
        days = days[(days > 0) & (days < 100_000)]
        if not len(days):
            return None
        found, counts = np.unique(days, return_counts=True)
        return sessions.previous_session(sessions.day_of(int(found[np.argmax(counts)])))


def as_floats(values: Sequence[Any]) -> Floats:
    """Values of the wire as floats: NaN for None, "NaN", infinities and what is no number."""
    if PLAIN.issuperset(map(type, values)):
        try:
            found = np.array(values, dtype=np.float64)
        except OverflowError:  # an integer beyond any float
            pass
        else:
            found[~np.isfinite(found)] = np.nan
            return found
    clean = [number(value) for value in values]
    return np.array([np.nan if value is None else value for value in clean], dtype=np.float64)
