"""Flow-adjusted open interest: the morning's count moved by who bought and sold since, a guess.

flow_adjusted_oi(opening, buy, sell, unclassified, day_volume=None, weight=1.0) -> FlowOi
score(estimate, opening, actual, net) -> FlowScore     the next morning, when the count is out

Needs numpy. Arrays hold one number per contract; NaN is unknown.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.analytics.study_card import Card
from grok_sauce.values import dataclass

Floats = NDArray[np.float64]

LEAST: Final = 30  # contracts below which a score says nothing

CARD: Final = Card(
    key="flow_oi",
    label="Flow-adjusted open interest",
    unit="contracts",
    sign="above the morning's count: more were bought than sold at the aggressor's price",
    source="morning open interest (Summary) + weight x (bought - sold) by TimeAndSale's "
    "aggressor; the weight is 1 until mornings have been scored",
    caveat="An estimate. A buyer may close and a seller may open, so a trade adds one contract, "
    "none, or takes one away; only the bounds (count - volume to count + volume) are sure. "
    "Unclassified prints move nothing. The morning's count judges it.",
)


@dataclass(frozen=True, slots=True)
class FlowOi:
    """Estimates per contract and what they rest on; contracts throughout.

    estimate: NaN where the morning's count is not known; the count itself where nothing was
    bought or sold. low, high: what the count can be by tonight, whatever trades were (NaN
    unknown); exercise is left out. n: contracts with a count and a classified print. opening,
    adjusted: sums over contracts with a count; None where there is none. net: bought less
    sold. unclassified: share of the volume seen that has no aggressor. seen: share of the
    day's volume that the prints make up; None where the volume is not known. floored:
    estimates that would have been below what is possible. reason: why there is no estimate.
    """

    estimate: Floats
    low: Floats
    high: Floats
    n: int
    opening: float | None
    adjusted: float | None
    net: float
    unclassified: float | None
    seen: float | None
    floored: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class FlowScore:
    """How good yesterday's estimates were, against this morning's count.

    n: contracts that were not bought as much as sold and have both counts. error, unchanged:
    mean absolute error of the estimate, and of saying that nothing changes (contracts).
    skill: 1 - error / unchanged; 0 is no better than saying nothing, negative worse. bias:
    mean of estimate - count. direction: share of contracts whose count changed that changed
    the way of the flow, of `moved` with both not 0. weight: least squares of change on flow,
    through 0: what to weigh the flow with. None where not known, and then why.
    """

    n: int
    error: float | None
    unchanged: float | None
    skill: float | None
    bias: float | None
    direction: float | None
    moved: int
    weight: float | None
    reason: str | None


def flow_adjusted_oi(
    opening: Floats,
    buy: Floats,
    sell: Floats,
    unclassified: Floats,
    day_volume: Floats | None = None,
    weight: float = 1.0,
) -> FlowOi:
    """Morning count + weight x (bought - sold), held within what the volume allows.

    buy, sell, unclassified: contracts by aggressor since the count, NaN where prints of a
    contract are not followed. day_volume: as the feed counts it; prints may have been missed.

    Worked by hand: 100 open, 40 bought, 25 sold: 115. With 10 open, 5 bought and 30 sold the
    rule says -15, which cannot be: 0. Both lie within the bounds, 100 - 70 and 100 + 70 after
    5 unclassified; 0 (not -25) and 45.

    >>> counts = [np.array(each, dtype=float) for each in ([100, 10], [40, 5], [25, 30], [5, 0])]
    >>> found = flow_adjusted_oi(*counts)
    >>> found.estimate.tolist(), found.low.tolist(), found.high.tolist(), found.floored
    ([115.0, 0.0], [30.0, 0.0], [170.0, 45.0], 1)
    """
    known = ~np.isnan(opening)
    heard = ~np.isnan(buy) & ~np.isnan(sell) & ~np.isnan(unclassified)
    bought, sold, rest = (np.where(heard, each, 0.0) for each in (buy, sell, unclassified))
    prints = bought + sold + rest
    volume = np.full(len(opening), np.nan) if day_volume is None else day_volume
    traded = np.fmax(np.where(heard, prints, np.nan), volume)
    low, high = np.maximum(opening - traded, 0.0), opening + traded
    raw = opening + weight * (bought - sold)
    estimate = np.where(np.isnan(traded), raw, np.minimum(np.maximum(raw, low), high))
    counted = known & heard & (bought + sold > 0)
    n = int(np.count_nonzero(counted))
    whole = float(prints.sum())
    of = heard & ~np.isnan(volume)
    day = float(np.maximum(volume[of], prints[of]).sum())
    return FlowOi(
        estimate=estimate,
        low=low,
        high=high,
        n=n,
        opening=float(opening[known].sum()) if known.any() else None,
        adjusted=float(estimate[known].sum()) if n else None,
        net=float((bought - sold).sum()),
        unclassified=float(rest.sum()) / whole if whole > 0 else None,
        seen=float(prints[of].sum()) / day if day > 0 else None,
        floored=int(np.count_nonzero(counted & (raw < low))),
        reason=None if n else _why(bool(known.any()), whole),
    )


def _why(has_counts: bool, whole: float) -> str:
    if not has_counts:
        return "No open interest of this morning yet"
    return "No prints yet" if not whole else "No print of these contracts has an aggressor"


def score(estimate: Floats, opening: Floats, actual: Floats, net: Floats) -> FlowScore:
    """Judge estimates by the count of the next morning.

    estimate, opening: of the day before. actual: this morning's. net: bought less sold that
    day. Fewer than 30 contracts are not judged.

    >>> score(np.array([5.0]), np.array([4.0]), np.array([6.0]), np.array([1.0])).reason
    '1 contract to judge by; 30 are needed'
    """
    known = ~(np.isnan(estimate) | np.isnan(opening) | np.isnan(actual) | np.isnan(net))
    known &= net != 0
    n = int(np.count_nonzero(known))
    if n < LEAST:
        why = f"{n} contract{'' if n == 1 else 's'} to judge by; {LEAST} are needed"
        return FlowScore(n, None, None, None, None, None, 0, None, why)
    guess, before, after, flow = (each[known] for each in (estimate, opening, actual, net))
    change = after - before
    error = float(np.abs(guess - after).mean())
    unchanged = float(np.abs(change).mean())
    moved = change != 0
    count = int(np.count_nonzero(moved))
    right = int(np.count_nonzero(np.sign(change[moved]) == np.sign(flow[moved])))
    return FlowScore(
        n=n,
        error=error,
        unchanged=unchanged,
        skill=1.0 - error / unchanged if unchanged > 0 else None,
        bias=float((guess - after).mean()),
        direction=right / count if count else None,
        moved=count,
        weight=float((flow * change).sum() / (flow * flow).sum()),
        reason=None,
    )
