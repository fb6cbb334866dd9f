"""Delta flow: the delta that aggressors took in options, and its size in futures.

delta_flow(buy, sell, delta, multiplier, scale) -> DeltaFlow

Needs numpy. Arrays hold one number per contract; NaN is unknown.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from grok_sauce.analytics.study_card import Card
from grok_sauce.analytics.study_futures import FuturesScale, in_contracts
from grok_sauce.values import dataclass

Floats = NDArray[np.float64]

NEUTRAL: Final = 500_000.0  # $ per point; below it the flow is called neutral

CARD: Final = Card(
    key="delta_flow",
    label="Delta flow",
    unit="futures contracts",
    sign="positive: aggressors took long delta (bought calls, sold puts). Whoever filled them "
    "is short that delta and, if he hedges, buys as many futures",
    source="sum of contracts x delta x multiplier, + bought and - sold by TimeAndSale's "
    "aggressor, unclassified prints left out; delta of now, not of the print",
    caveat="An estimate. The aggressor need not be a customer and whoever filled him need not "
    "hedge. The sign is disputed: an older text shows minus this number and calls it the "
    "dealers' hedge; minus this number is their position, the hedge is its opposite.",
)


@dataclass(frozen=True, slots=True)
class DeltaFlow:
    """What was taken since the day began; positive is long delta in the aggressors' hands.

    dollars: $ per point of the underlying. calls, puts: its two parts. contracts: the same in
    futures, None without a price of the future. word: "bought", "sold" or "neutral" (below
    500,000 $ per point). n: contracts with classified prints and a delta; without: those with
    prints but no delta, which are missing in the sums. reason: why the sums are None.
    """

    dollars: float | None
    calls: float | None
    puts: float | None
    contracts: float | None
    word: Literal["bought", "sold", "neutral"] | None
    n: int
    without: int
    reason: str | None


def delta_flow(
    buy: Floats,
    sell: Floats,
    delta: Floats,
    multiplier: Floats,
    is_call: NDArray[np.bool_],
    scale: FuturesScale | None,
) -> DeltaFlow:
    """Sum (bought - sold) x delta x multiplier.

    buy, sell: contracts by aggressor. delta: per point, negative for puts. scale: what a
    contract of the future is; None where that is not known.

    Worked by hand: 300 calls of delta .5 bought and 100 sold are 200 x .5 x 100 = 10,000 $ per
    point; 400 puts of delta -.25 bought are -10,000, sold they would be +10,000.

    >>> sides = np.array([True, False])
    >>> terms = np.array([0.5, -0.25]), np.array([100.0, 100.0]), sides
    >>> one = delta_flow(np.array([300.0, 0.0]), np.array([100.0, 400.0]), *terms, None)
    >>> one.dollars, one.calls, one.puts, one.word
    (20000.0, 10000.0, 10000.0, 'neutral')
    """
    heard = (np.nan_to_num(buy) + np.nan_to_num(sell)) > 0
    known = heard & ~np.isnan(delta) & ~np.isnan(multiplier) & ~np.isnan(buy) & ~np.isnan(sell)
    n, without = int(np.count_nonzero(known)), int(np.count_nonzero(heard & ~known))
    if not n:
        why = "No contract that traded has a delta" if without else "No prints with an aggressor"
        return DeltaFlow(None, None, None, None, None, 0, without, why)
    each = np.where(known, (buy - sell) * delta * multiplier, 0.0)
    calls, puts = float(each[is_call].sum()), float(each[~is_call].sum())
    total = calls + puts
    word: Literal["bought", "sold", "neutral"] = "neutral"
    if abs(total) >= NEUTRAL:
        word = "bought" if total > 0 else "sold"
    contracts = None if scale is None else in_contracts(total, scale)
    return DeltaFlow(total, calls, puts, contracts, word, n, without, None)
