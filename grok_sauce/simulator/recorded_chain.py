"""A recorded chain as what is listed of one underlying: its contracts, open interest and smile.

Sticky strike: each contract keeps the volatility of the file while the simulated price and
time move. What the file does not know stays unknown.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.errors import SettingsError
from grok_sauce.market.chain import THOUSANDTHS, OptionChain
from grok_sauce.market.chain import Expiry as Settlement
from grok_sauce.market.instruments import KNOWN
from grok_sauce.market.sessions import is_monthly
from grok_sauce.simulator.catalogue import ASSETS, Asset
from grok_sauce.simulator.chains import BOOKS, Book, Expiry, Root
from grok_sauce.simulator.hours import Hours
from grok_sauce.simulator.paths import Array, Paths
from grok_sauce.simulator.prices import Prices
from grok_sauce.simulator.slices import Slice, Terms
from grok_sauce.simulator.tape import Listing, Tapes
from grok_sauce.values import dataclass

_TICKS: Final = (0.01, 0.05)  # of an underlying the simulator does not know


class RecordedSlice(Slice):
    """One expiration of the file: volatility, open interest and volume per contract are its."""

    def __init__(self, terms: Terms, columns: dict[str, Array], listed: NDArray[np.bool_]) -> None:
        self._columns = columns
        self._listed = listed
        super().__init__(terms)
        # Priced by the other side of the strike where its own volatility is not known.
        own = columns["iv"]
        half = len(own) // 2
        other = np.concatenate([own[half:], own[:half]])
        self._known = ~np.isnan(own)
        self._smile = np.where(self._known, own, other)

    def _open_interest(self) -> NDArray[Any]:
        return self._columns["oi"]

    def _vols(self, which: NDArray[Any], forward: float, years: float, vix: float) -> Array:
        return np.asarray(self._smile[which])

    def _price(self, mask: NDArray[np.bool_], world: Any, at: float) -> None:
        super()._price(mask, world, at)
        unknown = mask & ~self._known
        for name in ("vol", "delta", "gamma", "theta", "vega", "rho"):
            self.columns[name][unknown] = np.nan

    def index(self, strike: Decimal, right: str) -> int | None:
        """Place of a contract in the columns; None when the file does not list it."""
        place = super().index(strike, right)
        return place if place is not None and self.is_listed(place) else None

    def is_listed(self, place: int) -> bool:
        """Does the file have this side of the strike?"""
        return bool(self._listed[place])

    def volumes(self, day: date) -> Array:
        """The file's volume, each day anew."""
        return np.nan_to_num(self._columns["volume"])


class RecordedChain:
    """The listed options of one underlying, out of a file's chain.

    Adjusted contracts are left out: what they deliver is not in the file.

    Raises:
        SettingsError: no contract is left.
    """

    def __init__(self, chain: OptionChain) -> None:
        self.chain = chain.take(~np.isnan(chain.multiplier))
        if not len(self.chain):
            raise SettingsError("--chain: the file holds adjusted contracts only", "--chain")
        used = sorted(set(self.chain.expiry.tolist()))
        self._settlements = [self.chain.expiries[place] for place in used]
        self.book = self._make_book(chain.symbol)
        self.roots = frozenset(root.name for root in self.book.roots)
        self._places = {
            (self.chain.expiries[place].root, self.chain.expiries[place].day): np.flatnonzero(
                self.chain.expiry == place
            )
            for place in used
        }

    def _make_book(self, symbol: str) -> Book:
        names = {each.root: each.settlement for each in self._settlements}
        roots = tuple(Root(name, settlement) for name, settlement in sorted(names.items()))
        known = BOOKS.get(symbol)
        if known is not None:
            return replace(known, roots=roots)
        return Book(symbol, roots, (), _TICKS, 0.0)

    def expiries(self, today: date) -> list[Expiry]:
        """Expirations of the file that have not passed by a date."""
        return [self._expiry(each) for each in self._settlements if each.day >= today]

    def strikes(self, expiry: Expiry) -> list[Decimal]:
        """Strikes the file lists for an expiration, on either side."""
        places = self._places[expiry.root, expiry.day]
        return [Decimal(n) / THOUSANDTHS for n in np.unique(self.chain.strike[places]).tolist()]

    def _expiry(self, each: Settlement) -> Expiry:
        monthly = is_monthly(each.day) and (each.settlement == "AM" or len(self.book.roots) == 1)
        kind = "Regular" if monthly else "Weekly"
        return Expiry(self.book.underlying, each.root, each.day, each.settlement, kind)

    def slice(self, terms: Terms) -> RecordedSlice:
        """The contracts of an expiration, in the places the simulator gives them."""
        places = self._places[terms.expiry.root, terms.expiry.day]
        strike = self.chain.strike[places]
        axis = np.array([int(each * THOUSANDTHS) for each in terms.strikes])
        target = np.searchsorted(axis, strike) + np.where(self.chain.is_call[places], 0, len(axis))
        columns = {}
        for name in ("iv", "oi", "volume"):
            columns[name] = np.full(2 * len(axis), np.nan)
            columns[name][target] = getattr(self.chain, name)[places]
        listed = np.zeros(2 * len(axis), dtype=np.bool_)
        listed[target] = True
        return RecordedSlice(terms, columns, listed)


@dataclass(frozen=True, slots=True)
class Level:
    """The factor that puts the recorded underlying, and what moves with it, at the file's price."""

    asset: Asset
    factor: float
    alone: bool

    def covers(self, listing: Listing) -> bool:
        """Does the factor count for this one? For SPX it does for SPY and /ES too."""
        mine = listing.streamer == self.asset.symbol
        return mine or (not self.alone and listing.asset.path == self.asset.path)


def level_of(chain: OptionChain, start: float, seed: int, paths: Paths, hours: Hours) -> Level:
    """The level at which the underlying has the file's price at the start of the market.

    An underlying that nobody else knows gets the broad market's path to itself.

    Raises:
        SettingsError: the file or the simulated market has no price of it.
    """
    symbol, spot = chain.symbol, chain.spot
    if spot is None:
        raise SettingsError(f"the chain of {symbol} has no price of it", "--chain")
    asset = ASSETS.get(symbol)
    alone = asset is None
    if asset is None:
        index = symbol in KNOWN and KNOWN[symbol][0] == "index"
        name, volume = f"{symbol} (recorded)", None if index else 1e6
        asset = Asset(symbol, "index" if index else "etf", name, spot, "SPX", volume=volume)
    listing = Listing(symbol, asset, asset.anchor, asset.elasticity)
    # On tapes of its own: those of the market are made with the factor in them.
    tick = Prices(seed, hours, Tapes(paths, hours)).latest(listing, start)
    if tick is None:
        raise SettingsError(f"{symbol} has no price at the start of the market", "--start")
    return Level(asset, spot / tick.price, alone)
