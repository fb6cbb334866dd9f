"""The contracts of a chain by expiry and strike: which call and which put belong together.

pair_up(chain) -> Pairs
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from grok_sauce.market.chain import THOUSANDTHS, Bools, Floats, Ints, OptionChain

_STRIKES = 1 << 40  # more than any strike in thousandths


class Pairs(NamedTuple):
    """One row per expiry and listed strike, ascending by expiry index, then by strike.

    expiry (index into chain.expiries), strike (points), call and put (positions in the
    chain, -1 where that side is not listed), row (of each contract of the chain).
    """

    expiry: Ints
    strike: Floats
    call: Ints
    put: Ints
    row: Ints

    def within(self, expiry: int) -> slice:
        """The rows of one expiry."""
        start, end = np.searchsorted(self.expiry, [expiry, expiry + 1])
        return slice(int(start), int(end))

    def calls(self, column: Floats) -> Floats:
        """A column of the chain by row, for the calls; NaN where none is listed."""
        return _side(column, self.call)

    def puts(self, column: Floats) -> Floats:
        """A column of the chain by row, for the puts; NaN where none is listed."""
        return _side(column, self.put)


def _side(column: Floats, places: Ints) -> Floats:
    if not len(column):
        return np.full(len(places), np.nan)
    return np.where(places >= 0, column[places], np.nan)


def pair_up(chain: OptionChain) -> Pairs:
    """Calls and puts side by side; of two contracts with the same terms the first counts."""
    keys, row = np.unique(chain.expiry * _STRIKES + chain.strike, return_inverse=True)
    call, put = (_first(row, len(keys), side) for side in (chain.is_call, ~chain.is_call))
    return Pairs(keys // _STRIKES, keys % _STRIKES / THOUSANDTHS, call, put, row)


def _first(row: Ints, count: int, chosen: Bools) -> Ints:
    places = np.full(count, -1, dtype=np.int64)
    positions = np.flatnonzero(chosen)[::-1]
    places[row[positions]] = positions  # backwards, so that the first one stays
    return places
