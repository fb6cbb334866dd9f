"""Zero gamma: the prices of the underlying at which the dealers' total gamma changes sign.

zero_gammas(prepared) -> {"all": ..., "zero_dte": ..., "ex_zero_dte": ...}
zero_gamma(prepared, which="all") -> ZeroGamma
profile(strike, years, vol, weight, spots, rate, carry) -> array     $ per 1 % at each spot
strike_sign(strikes, net), cumulative(strikes, net)     two methods other sites call zero gamma

Needs numpy. The curve is re-priced: every contract's gamma at every hypothetical spot, with
its own time and volatility held (S. Perfiliev, "How to Calculate Gamma Exposure and Zero
Gamma Level", 2022). Only so does the flip agree with the sign of net gamma at spot.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grok_sauce.analytics.brent import find_root
from grok_sauce.analytics.gamma_curve import Array, GammaCurve, gamma_curve
from grok_sauce.analytics.gex_lines import Mask, Places, Prepared, Refusal, coverage
from grok_sauce.values import dataclass

Which = Literal["all", "zero_dte", "ex_zero_dte"]
Reason = Literal[
    "net_positive_everywhere",
    "net_negative_everywhere",
    "no_contracts",
    "no_usable_contracts",
    "no_exposure",
]

RANGE: Final = 0.20  # of spot, to either side
STEP: Final = 0.0025  # of spot, at most
FINEST: Final = 10  # times finer, where the nearest expiry's gamma is narrower than a step
NEAR: Final = 0.05  # of spot: here contracts that cannot be used weigh
MISSING: Final = 0.10  # share of open interest near spot that may be missing
COVERED: Final = 0.90  # share of contracts that must be known
TIE: Final = 1e-6  # of spot; roots whose distances differ by less are as near
_NOTHING: Final = 1e-12  # of the curve's peak: far tails, whose sign says nothing
_GOLDEN: Final = (math.sqrt(5) - 1) / 2
_LOOKS: Final = 16  # golden sections: a turn is known to a thousandth of a step
_PRECISION: Final = 1e-10  # of spot, to which a root is found


@dataclass(frozen=True, slots=True)
class ZeroGamma:
    """Roots of the dealers' gamma within 20 % of spot, in points.

    flip: the root nearest spot, of two as near the lower; None without one, and then reason
    says why. roots: all, ascending. degraded: much of the open interest near spot, or more
    than a tenth of the contracts, could not be used.
    """

    flip: float | None
    roots: tuple[float, ...]
    n_roots: int
    reason: Reason | Refusal | None
    degraded: bool


def profile(
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    weight: ArrayLike,
    spots: ArrayLike,
    rate: ArrayLike = 0.0,
    carry: ArrayLike = 0.0,
) -> Array:
    """Gamma exposure at each of the spots in $ per 1 % move; shape of spots (one axis).

    Per contract: strike (points), years, vol, weight (+ for calls, - for puts, open interest
    x multiplier), rate and carry (rate less dividend yield; both may be one number). Fastest
    where the spots are even in their logarithm.

    One call of 100 at the money, 30 days, vol 20 %: gamma .0693 of 100 shares, S^2/100 = 100.

    >>> [round(float(each), 2) for each in profile([100], [30 / 365], [0.2], [100], [100, 101])]
    [695.48, 688.51]
    """
    levels = np.asarray(spots, dtype=np.float64)
    terms = (strike, years, vol, weight, rate, carry)
    k, t, v, w, r, b = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(each, np.float64)) for each in terms)
    )
    if not levels.size:
        return np.zeros(0)
    centre = float(levels[len(levels) // 2])
    held = w != 0
    if not held.all():
        k, t, v, w, r, b = (each[held] for each in (k, t, v, w, r, b))
    curve = gamma_curve(k, t, v, w, r, b, centre)
    x = np.log(levels / centre)
    step = float(x[-1] - x[0]) / max(1, len(x) - 1)
    even = step > 0 and float(np.abs(x - x[0] - step * np.arange(len(x))).max()) < 1e-14
    return (curve.along(float(x[0]), step, len(x)) if even else curve.at(x)) * levels


def zero_gammas(prepared: Prepared) -> dict[Which, ZeroGamma]:
    """All three flips: every expiry, those of today only, and those without today's."""
    today = prepared.zero_dte()
    ahead = prepared.live & ~today
    if prepared.refused or prepared.spot is None or not prepared.flips.any():
        return {
            "all": _none(prepared, prepared.live),
            "zero_dte": _none(prepared, today),
            "ex_zero_dte": _none(prepared, ahead),
        }
    curves = [_curve(prepared, mask, prepared.spot) for mask in (today, ahead)]
    grid = _Grid(curves)
    sums = [curve.along(grid.start, grid.step, grid.size) for curve in curves]
    both = GammaCurve(*(np.concatenate(columns) for columns in zip(*curves, strict=True)))
    return {
        "all": _answer(prepared, prepared.live, both, sums[0] + sums[1], grid),
        "zero_dte": _answer(prepared, today, curves[0], sums[0], grid),
        "ex_zero_dte": _answer(prepared, ahead, curves[1], sums[1], grid),
    }


def zero_gamma(prepared: Prepared, which: Which = "all") -> ZeroGamma:
    """One of the three flips; whoever wants more than one asks zero_gammas."""
    return zero_gammas(prepared)[which]


def strike_sign(strikes: ArrayLike, net: ArrayLike) -> float | None:
    """Where net gamma by strike first changes sign, from the lowest strike, interpolated.

    Many dashboards call this zero gamma. It is where one strike's calls outweigh its puts;
    neighbouring strikes do so many times over. Strikes ascending; None without a change.

    >>> strike_sign([95, 100, 105], [-3.0, 1.0, 2.0])
    98.75
    """
    levels, values = np.asarray(strikes, np.float64), np.asarray(net, np.float64)
    filled = np.flatnonzero(values)
    found = np.flatnonzero(np.sign(values[filled[1:]]) != np.sign(values[filled[:-1]]))
    if not len(found):
        return None
    low, high = filled[found[0]], filled[found[0] + 1]
    if high > low + 1:  # exactly 0 between the two: there it is
        return float(levels[low + 1])
    share = values[low] / (values[low] - values[high])
    return float(levels[low] + (levels[high] - levels[low]) * share)


def cumulative(strikes: ArrayLike, net: ArrayLike) -> float | None:
    """Where net gamma, added up from the lowest strike, first changes sign, interpolated.

    Another number that is called zero gamma. It adds gammas that hold at today's spot, ends
    in net gamma itself, and so says nothing about where that would change its sign.

    >>> cumulative([95, 100, 105], [-3.0, 1.0, 4.0])
    102.5
    """
    return strike_sign(strikes, np.cumsum(np.asarray(net, np.float64)))


class _Grid:
    """An even row of x = ln(s / spot) over the range, one of them 0."""

    def __init__(self, curves: list[GammaCurve]) -> None:
        steepest = max(
            (float(curve.slope.max()) for curve in curves if len(curve.slope)), default=0
        )
        coarse = math.log1p(RANGE) / math.ceil(math.log1p(RANGE) / (STEP / (1 + RANGE)))
        width = math.sqrt(0.5) / steepest if steepest else coarse
        self.step = coarse / min(FINEST, max(1, math.ceil(coarse / width)))
        self.below = math.ceil(-math.log1p(-RANGE) / self.step)
        self.start = -self.below * self.step
        self.size = self.below + round(math.log1p(RANGE) / self.step) + 1


def _curve(prepared: Prepared, asked: Mask, spot: float) -> GammaCurve:
    """The contracts asked for, calls +, puts -."""
    lines = np.flatnonzero(asked & prepared.flips)
    chain = prepared.chain
    held = np.where(chain.is_call[lines], 1.0, -1.0) * prepared.oi[lines] * chain.multiplier[lines]
    vol = prepared.vol[lines]
    key = chain.expiry[lines] * len(prepared.strikes) + prepared.place[lines]
    held = _paired(key, chain.is_call[lines], vol, held)
    kept = np.flatnonzero(held)
    lines = lines[kept]
    return gamma_curve(
        prepared.strikes[prepared.place[lines]],
        prepared.years[lines],
        vol[kept],
        held[kept],
        prepared.rate[lines],
        prepared.carry[lines],
        spot,
    )


def _paired(key: NDArray[np.integer], is_call: Mask, vol: Array, weight: Array) -> Array:
    """Add puts to the calls of their strike and expiry whose volatility is the same.

    Their curves have one shape, so one line stands for both: exact, and half the work.
    """
    if not len(key):
        return weight
    calls, puts = np.flatnonzero(is_call), np.flatnonzero(~is_call)
    call_at = np.full(int(key.max()) + 1, -1, dtype=np.intp)
    call_at[key[calls]] = calls
    partner = call_at[key[puts]]
    same = (partner >= 0) & (vol[partner] == vol[puts])
    joined = weight.copy()
    np.add.at(joined, partner[same], weight[puts[same]])
    joined[puts[same]] = 0.0
    return joined


def _none(prepared: Prepared, asked: Mask) -> ZeroGamma:
    reason: Reason | Refusal | None = prepared.refused
    if reason is None:
        reason = "no_usable_contracts" if asked.any() else "no_contracts"
    return ZeroGamma(None, (), 0, reason, _degraded(prepared, asked))


def _answer(
    prepared: Prepared, asked: Mask, curve: GammaCurve, sums: Array, grid: _Grid
) -> ZeroGamma:
    """Roots and flip of one curve whose values on the grid are known."""
    if not (asked & prepared.flips).any() or prepared.spot is None:
        return _none(prepared, asked)
    spot, degraded = prepared.spot, _degraded(prepared, asked)
    x = grid.start + grid.step * np.arange(grid.size, dtype=np.float64)
    found = (spot * math.exp(root) for root in crossings(curve, x, sums, grid.below))
    roots = tuple(root for root in found if abs(root - spot) <= RANGE * spot)
    if roots:
        nearest = min(abs(root - spot) for root in roots)
        flip = next(root for root in roots if abs(root - spot) <= nearest + TIE * spot)
        return ZeroGamma(flip, roots, len(roots), None, degraded)
    signs = np.flatnonzero(sums)
    if not len(signs):
        return ZeroGamma(None, (), 0, "no_exposure", degraded)
    # The sign at spot, or where that is 0 the nearest one there is.
    nearest_sign = sums[signs[np.abs(signs - grid.below).argmin()]]
    reason: Reason = "net_positive_everywhere" if nearest_sign > 0 else "net_negative_everywhere"
    return ZeroGamma(None, (), 0, reason, degraded)


def crossings(curve: GammaCurve, x: Array, sums: Array, spot: int | None = None) -> list[float]:
    """Every x, ascending, at which a curve changes sign; sums are its values at ascending x.

    Far from every strike the sums sink below any meaning, and their sign with them: what is
    less than 1e-12 of the peak is passed over, except at spot (its place in x), where it is
    net gamma itself. Where the curve comes near 0 and turns, two changes may hide between
    neighbours: there it is looked at more closely.
    """
    if not len(sums):
        return []
    counts = np.abs(sums) > _NOTHING * float(np.abs(sums).max())
    if spot is not None:
        counts[spot] = sums[spot] != 0
    nodes = np.flatnonzero(counts)
    points = [*zip(x[nodes].tolist(), sums[nodes].tolist(), strict=True)]
    turned = filter(None, (_turn(curve, x, sums, node) for node in _near_turns(sums, nodes)))
    points += turned
    points.sort()
    return [
        find_root(curve.value, low, high, _PRECISION)
        for low, high in pairwise(points)
        if (low[1] > 0) != (high[1] > 0)
    ]


def _near_turns(sums: Array, nodes: Places) -> list[int]:
    """Nodes of one sign with both neighbours, nearest 0 of the three, that may hide a change.

    A parabola through the three says how near 0 the curve comes between them.
    """
    inner = nodes[(nodes > 0) & (nodes < len(sums) - 1)]
    sign = np.sign(sums[inner])
    before, here, after = (sign * sums[inner + step] for step in (-1, 0, 1))
    bend, slope = before + after - 2 * here, 0.5 * (after - before)
    turns = (before >= here) & (after >= here) & (bend > 0)
    with np.errstate(over="ignore"):  # a square beyond floats is far below 0 all the same
        least = here - 0.5 * slope * slope / np.where(turns, bend, 1.0)
    found: list[int] = inner[turns & (least < 0.5 * here)].tolist()
    return found


def _turn(curve: GammaCurve, x: Array, sums: Array, node: int) -> tuple[float, float] | None:
    """A point beside this node where the curve has the other sign; None when there is none.

    Golden sections between the neighbours, towards 0 and beyond.
    """
    sign = 1.0 if sums[node] > 0 else -1.0
    low, high = float(x[node - 1]), float(x[node + 1])
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = curve.value(left), curve.value(right)
    for _ in range(_LOOKS):
        if sign * at_left < 0:
            return left, at_left
        if sign * at_right < 0:
            return right, at_right
        if sign * at_left < sign * at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = curve.value(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = curve.value(right)
    return None


def _degraded(prepared: Prepared, asked: Mask) -> bool:
    """Is too much left out for the flip to be trusted?"""
    known = coverage(prepared.chain, asked, prepared.flips)
    if known is not None and known < COVERED:
        return True
    if prepared.spot is None or not len(prepared.strikes):
        return False
    strikes = prepared.strikes[prepared.place]
    near = asked & (np.abs(strikes - prepared.spot) <= NEAR * prepared.spot)
    held = np.where(near & ~np.isnan(prepared.oi), prepared.oi, 0.0)
    return bool(held[~prepared.flips].sum() > MISSING * held.sum())
