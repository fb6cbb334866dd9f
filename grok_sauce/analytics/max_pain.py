"""Max pain: the strike at which the holders of all options of one expiry together receive least.

max_pain(strikes, calls, puts, spot) -> MaxPain | None       one expiry, exact integers
per_expiry(chain, now) -> list of rows, the next expiry first

One settlement class at a time: AM and PM of one day settle on different prices, and a sum over
expiries belongs to no settlement at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from grok_sauce.analytics.pairs import Pairs, pair_up
from grok_sauce.market import sessions
from grok_sauce.market.chain import THOUSANDTHS, Floats, Ints, OptionChain
from grok_sauce.market.expiries import Expiry, ahead
from grok_sauce.values import dataclass

USUAL: Final = 100.0  # $ per point
_MOST: Final = 1e9  # contracts; more than are open in all options there are, so no open interest


@dataclass(frozen=True, slots=True)
class MaxPain:
    """strike and tied (lowest, highest strike of the same least payout) in thousandths.

    payout: $ that all holders together receive there.
    """

    strike: int
    tied: tuple[int, int]
    payout: float


def max_pain(
    strikes: Sequence[int] | Ints,
    calls: Sequence[int] | Ints,
    puts: Sequence[int] | Ints,
    spot: float | None,
    multiplier: float = USUAL,
) -> MaxPain | None:
    """The listed strike with the least payout; None when nothing is open.

    strikes (ascending, no two equal) and spot are in thousandths of a point, calls and puts in
    whole contracts, one per strike, multiplier in $ per point. Integers, because sums near
    1e10 make floats invent ties.

    The payout is convex and linear between strikes, so the first strike with a slope of 0 or
    more on its right is the least. A slope of zero means that strikes tie: the one nearest
    spot is taken, then the lower (without a spot the lower).

    Worked by hand, in points: calls 10, 20, 5, 5 and puts 5, 5, 10, 20 open at
    95, 100, 105, 110 pay 425, 300, 300, 375 per $ of multiplier when settled there.

    >>> terms = [95_000, 100_000, 105_000, 110_000], [10, 20, 5, 5], [5, 5, 10, 20]
    >>> max_pain(*terms, spot=103_000)
    MaxPain(strike=105000, tied=(100000, 105000), payout=30000.0)
    >>> max_pain(*terms, spot=102_500).strike
    100000
    >>> max_pain([95_000], [0], [0], spot=95_000) is None
    True
    """
    at = np.asarray(strikes, dtype=np.int64)
    call, put = np.asarray(calls, dtype=np.int64), np.asarray(puts, dtype=np.int64)
    if not (call.any() or put.any()):
        return None
    slope = np.cumsum(call + put) - put.sum()  # just above each strike
    low = int(np.searchsorted(slope, 0, side="left"))
    high = min(int(np.searchsorted(slope, 0, side="right")), len(at) - 1)
    tied = at[low : high + 1].tolist()
    centre = tied[0] if spot is None else spot
    chosen = min(tied, key=lambda strike: (abs(strike - centre), strike))
    paid = int((call * np.maximum(chosen - at, 0) + put * np.maximum(at - chosen, 0)).sum())
    return MaxPain(chosen, (tied[0], tied[-1]), paid * multiplier / THOUSANDTHS)


def per_expiry(
    chain: OptionChain, now: float, *, pairs: Pairs | None = None
) -> list[dict[str, Any]]:
    """Max pain of every expiry that has contracts here and not settled at market time now.

    Rows: expiry (ISO date), root, settlement ("AM"|"PM"), dte (New York days), witching,
    strike and tied [low, high] in points, payout in $; the last three None while no open
    interest is known. The next to settle comes first. Contracts with a multiplier other than
    the expiry's usual one are left out: their strikes mean another thing. pairs: pair_up() of
    the chain, where the caller has it.
    """
    pairs = pair_up(chain) if pairs is None else pairs
    usual = _usual(chain)
    alike = chain.multiplier == usual[chain.expiry]
    counted = alike & (chain.oi > 0) & (chain.oi < _MOST)
    calls, puts = (
        np.rint(np.bincount(pairs.row[side], chain.oi[side], len(pairs.strike))).astype(np.int64)
        for side in (counted & chain.is_call, counted & ~chain.is_call)
    )
    listed = np.bincount(pairs.row[alike], minlength=len(pairs.strike)) > 0
    strikes = np.rint(pairs.strike * THOUSANDTHS).astype(np.int64)
    spot = None if chain.spot is None else chain.spot * THOUSANDTHS
    places = {chain.expiries[place]: place for place in np.unique(chain.expiry[alike]).tolist()}
    rows = []
    for expiry in ahead(places, now):
        place = places[expiry]
        here = np.arange(len(strikes))[pairs.within(place)]
        here = here[listed[here]]
        found = max_pain(strikes[here], calls[here], puts[here], spot, float(usual[place]))
        rows.append(_row(expiry, found, now))
    return rows


def _usual(chain: OptionChain) -> Floats:
    """Per expiry the multiplier of most of its contracts; NaN where none is known."""
    usual = np.full(len(chain.expiries), np.nan)
    known = chain.multiplier > 0
    values = np.unique(chain.multiplier[known])
    if len(values) == 1:
        usual[:] = values[0]
        return usual
    for place in np.unique(chain.expiry[known]).tolist():
        sizes, counts = np.unique(
            chain.multiplier[known & (chain.expiry == place)], return_counts=True
        )
        usual[place] = sizes[counts.argmax()]
    return usual


def _row(expiry: Expiry, found: MaxPain | None, now: float) -> dict[str, Any]:
    return {
        "expiry": expiry.day.isoformat(),
        "root": expiry.root,
        "settlement": expiry.settlement,
        "dte": sessions.dte(now, expiry.day),
        "witching": sessions.is_witching(expiry.day),
        "strike": None if found is None else found.strike / THOUSANDTHS,
        "tied": None if found is None else [each / THOUSANDTHS for each in found.tied],
        "payout": None if found is None else found.payout,
    }
