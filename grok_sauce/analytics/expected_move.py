"""How far the options of one expiry say the underlying will move until it settles.

expected_move(chain, expiry_index, forward, atm_iv) -> ExpectedMove      points
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from grok_sauce.analytics.forward import Forward
from grok_sauce.analytics.implied_volatility import MIN_YEARS, STALE, fresh_mids
from grok_sauce.analytics.pairs import Pairs, pair_up
from grok_sauce.market import sessions
from grok_sauce.market.chain import Floats, OptionChain
from grok_sauce.values import dataclass

SHORTCUT: Final = 0.85  # of the straddle
WEIGHTS: Final = (0.6, 0.3, 0.1)  # straddle, first and second strangle: tastytrade's number


@dataclass(frozen=True, slots=True)
class ExpectedMove:
    """Move until settlement in points, four ways; None where a price or a strike is missing.

    straddle: mids of call and put at the listed strike nearest the forward (of two, the
    lower). sigma: forward * volatility * sqrt(years), one standard deviation, of which the
    straddle is about sqrt(2 / pi) = 0.798. shortcut_85: 0.85 straddle. weighted: 60 % of the
    straddle, 30 % of the strangle one listed strike out, 10 % of the one two strikes out.
    low, high: forward -/+ straddle. strike: the straddle's.
    """

    straddle: float | None
    sigma: float | None
    shortcut_85: float | None
    weighted: float | None
    low: float | None
    high: float | None
    strike: float | None


NOTHING: Final = ExpectedMove(None, None, None, None, None, None, None)


def expected_move(
    chain: OptionChain,
    expiry_index: int,
    forward: Forward | None,
    atm_iv: float | None,
    *,
    pairs: Pairs | None = None,
    mids: Floats | None = None,
    stale: float = STALE,
) -> ExpectedMove:
    """The move of chain.expiries[expiry_index]; fresh two-sided quotes only.

    atm_iv is a fraction, None where not known. pairs and mids (fresh_mids) may be given by
    a caller that asks for several expiries of one chain.

    Quoted at 42.54 and 39.82 the straddle is 82.36, which at 14.7 % and 5 days compares with
    6000 * 0.147 * sqrt(5 / 365) = 103.23: the ratio of 0.798.
    """
    years = sessions.years_to(chain.expiries[expiry_index].settles, chain.as_of)
    if forward is None or years <= 0:
        return NOTHING
    value = forward.value
    sigma = None if atm_iv is None else value * atm_iv * math.sqrt(max(years, MIN_YEARS))
    pairs = pair_up(chain) if pairs is None else pairs
    mids = fresh_mids(chain, stale) if mids is None else mids
    rows = pairs.within(expiry_index)
    strikes = pairs.strike[rows]
    if not len(strikes):
        return ExpectedMove(None, sigma, None, None, None, None, None)
    middle = rows.start + int(np.argmin(np.abs(strikes - value)))
    moves = [_strangle(pairs, mids, rows, middle - step, middle + step) for step in range(3)]
    straddle, strike = moves[0], float(pairs.strike[middle])
    known = [weight * move for weight, move in zip(WEIGHTS, moves, strict=True) if move is not None]
    weighted = sum(known) if len(known) == len(WEIGHTS) else None
    if straddle is None:
        return ExpectedMove(None, sigma, None, None, None, None, strike)
    return ExpectedMove(
        straddle, sigma, SHORTCUT * straddle, weighted, value - straddle, value + straddle, strike
    )


def _strangle(pairs: Pairs, mids: Floats, rows: slice, put: int, call: int) -> float | None:
    """Mid of the put in one row plus the call in another; None unless both are quoted."""
    if put < rows.start or call >= rows.stop or pairs.put[put] < 0 or pairs.call[call] < 0:
        return None
    total = float(mids[pairs.put[put]] + mids[pairs.call[call]])
    return total if math.isfinite(total) else None
