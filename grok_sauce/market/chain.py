"""OptionChain: the contracts of one underlying as columns, at one moment, whoever they came from.

Expiry(day, root, settlement)              one settlement class; .settles is its instant
OptionChain                                columns of equal length, NaN where not known
chain.select(expiries) -> OptionChain      the contracts of these expiries
chain.years() -> array                     years to settlement per contract, at most 0: expired

Needs numpy; imported when the first chain is there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.market import sessions
from grok_sauce.market.expiries import Expiry as Expiry
from grok_sauce.market.expiries import ahead as ahead
from grok_sauce.values import dataclass

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

THOUSANDTHS: Final = 1000  # strikes are whole numbers of these, so that they compare exactly


@dataclass(frozen=True, slots=True)
class OptionChain:
    """Contracts of one underlying. Nobody changes the arrays.

    symbol: the user's symbol of the underlying. spot: points, None while not known;
    spot_basis: "trade", "extended", "mid", "delayed", "close" or "futures_implied:/ESZ6".
    spot_at, as_of: market time (Unix seconds) of the spot's event, and at which the chain is
    looked at. source: LIVE, DELAYED, DEMO, REPLAY, CBOE or FILE. listed: how many expiries
    the underlying has in all (None: not known). oi_date: evening whose open interest it is.

    Per contract, in any order: contract (OCC symbol without blanks), expiry (index into
    expiries), strike (thousandths of a point), is_call, multiplier ($ per point), oi and
    volume (contracts), bid, ask (points), iv (fraction), delta, gamma, theta (per day), vega
    (per volatility point) as the source gave them; NaN is unknown. greeks_at, quote_at,
    oi_at: when each arrived, market time, NaN for never.
    """

    symbol: str
    spot: float | None
    spot_basis: str
    spot_at: float | None
    as_of: float
    source: str
    expiries: tuple[Expiry, ...]
    listed: int | None
    oi_date: date | None
    contract: tuple[str, ...]
    expiry: Ints
    strike: Ints
    is_call: Bools
    multiplier: Floats
    oi: Floats
    volume: Floats
    bid: Floats
    ask: Floats
    iv: Floats
    delta: Floats
    gamma: Floats
    theta: Floats
    vega: Floats
    greeks_at: Floats
    quote_at: Floats
    oi_at: Floats

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, name)) for name in COLUMNS}
        if len(lengths) != 1:
            raise ValueError(f"columns of one chain have lengths {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.contract)

    @property
    def strikes(self) -> Floats:
        """Strike per contract in points."""
        return self.strike / THOUSANDTHS

    @property
    def mid(self) -> Floats:
        """Middle of bid and ask; NaN without a bid above 0 or with an ask below it."""
        known = (self.bid > 0) & (self.ask >= self.bid)
        return np.where(known, (self.bid + self.ask) / 2, np.nan)

    def settles(self) -> Floats:
        """Settlement instant per contract, Unix seconds."""
        instants = np.array([expiry.settles for expiry in self.expiries], dtype=np.float64)
        return instants[self.expiry] if len(instants) else np.empty(0)

    def years(self) -> Floats:
        """Years from as_of to settlement per contract, act/365; 0 or less has expired."""
        return (self.settles() - self.as_of) / sessions.YEAR

    def take(self, chosen: Bools | Ints) -> OptionChain:
        """The contracts chosen by a mask or by positions; expiries stay as they are."""
        positions = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        found: dict[str, Any] = {name: getattr(self, name)[positions] for name in ARRAYS}
        found["contract"] = tuple(self.contract[place] for place in positions)
        return replace(self, **found)

    def select(self, expiries: Collection[Expiry]) -> OptionChain:
        """The contracts of these expiries; expiries that are not in the chain are ignored."""
        wanted = [place for place, expiry in enumerate(self.expiries) if expiry in expiries]
        return self.take(np.isin(self.expiry, np.array(wanted, dtype=np.int64)))


ARRAYS: Final = tuple(
    field.name
    for field in fields(OptionChain)
    if field.name
    not in (
        *("symbol", "spot", "spot_basis", "spot_at", "as_of", "source"),
        *("expiries", "listed", "oi_date", "contract"),
    )
)
COLUMNS: Final = ("contract", *ARRAYS)
