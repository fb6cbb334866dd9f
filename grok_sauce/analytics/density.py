"""Where the price may settle: the risk-neutral distribution that a smile of volatilities implies.

distribution(strikes, vols, errors, forward, years) -> Distribution      or ValueError, why not
Distribution.below(price) -> probability | None;  .between(low, high) -> probability | None
lognormal_below(price, forward, vol, years) -> probability               from one volatility
"""

from __future__ import annotations

from typing import Final

import numpy as np

from grok_sauce.analytics.black_scholes import Array, norm_cdf, norm_pdf
from grok_sauce.values import dataclass

FEWEST: Final = 5  # strikes with a volatility, at least one of them on each side of the forward
CLEAN: Final = 1e-3  # a fall of the distribution function that is rounding of quotes
MOST_CLAMPED: Final = 0.02  # beyond it the quotes do not describe a distribution
_NODES: Final = 61
_POINTS: Final = 1201
_REACH: Final = 6.0  # standard deviations either side of the forward that are looked at
# Weights of the curve's bending against its distance from the quotes; the first that gives a
# distribution function that does not fall is taken.
_STIFFNESS: Final = (1.0, 30.0, 1e3, 3e4, 1e6, 1e8)


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution function on a grid of prices, only as wide as the quotes reach.

    prices ascend, chance is the probability of settling at or below each. clamped is the
    largest correction that made it rise everywhere (0: none was needed).
    """

    prices: Array
    chance: Array
    clamped: float

    def below(self, price: float) -> float | None:
        """Probability to settle below price; None beyond the quoted strikes."""
        if not self.prices[0] <= price <= self.prices[-1]:
            return None
        return float(np.interp(price, self.prices, self.chance))

    def between(self, low: float, high: float) -> float | None:
        """Probability to settle between low and high, which may be infinite; None as below()."""
        under = 0.0 if low == -np.inf else self.below(low)
        over = 1.0 if high == np.inf else self.below(high)
        return None if under is None or over is None else max(0.0, over - under)


def lognormal_below(price: float, forward: float, vol: float, years: float) -> float:
    """N(z), z = [ln(price/forward) + vol^2 T/2] / (vol sqrt T): one volatility for all strikes.

    >>> round(lognormal_below(5971.0726, 5955.132546, 0.16, 6.5 / 8760), 5)
    0.73089
    """
    if price <= 0:
        return 0.0
    if price == np.inf:
        return 1.0
    spread = vol * years**0.5
    return float(norm_cdf((np.log(price / forward) + spread * spread / 2) / spread))


def distribution(
    strikes: Array, vols: Array, errors: Array, forward: float, years: float
) -> Distribution:
    """The distribution whose option prices these volatilities are.

    strikes ascend, in points; vols are fractions; errors say how far each may be off (half a
    spread divided by vega, a fraction too). NaN rows are left out.

    With C(K) the undiscounted call, the chance to settle below K is 1 + dC/dK (Breeden and
    Litzenberger, 1978) = N(-d2) + F phi(d1) sqrt(T) dv/dK. v(K) is the curve that bends
    least while it keeps to the quotes (penalised least squares, second differences: Eilers
    and Marx, 1996), stiffened until the chance does not fall by more than CLEAN; what still
    falls is levelled and told in `clamped`.

    Raises:
        ValueError: a sentence: too few strikes, none on one side, or no distribution at all.
    """
    known = np.isfinite(vols) & np.isfinite(errors) & (vols > 0) & (errors > 0)
    if known.any():
        at_forward = float(np.interp(forward, strikes[known], vols[known]))
        spread = at_forward * years**0.5
        x = np.log(strikes / forward) / spread
        known &= np.abs(x) <= _REACH
    if known.sum() < FEWEST:
        raise ValueError(
            f"The smile needs {FEWEST} strikes with quotes, {int(known.sum())} have them."
        )
    x, y, weight = x[known], vols[known], 1 / errors[known] ** 2
    if x[0] > 0 or x[-1] < 0:
        raise ValueError("The strikes with quotes lie on one side of the forward.")
    nodes = np.linspace(x[0], x[-1], _NODES)
    fine = np.linspace(x[0], x[-1], _POINTS)
    best: tuple[float, Array] | None = None
    for stiffness in _STIFFNESS:
        curve, slope = _hermite(nodes, _fit(nodes, x, y, weight, stiffness), fine)
        raw = _chances(fine, curve, slope, spread, years)
        fallen = _fall(raw)
        if best is None or fallen < best[0]:
            best = fallen, raw
        if fallen <= CLEAN:
            break
    assert best is not None
    if best[0] > MOST_CLAMPED:
        raise ValueError("The quotes allow arbitrage between strikes, so they imply no density.")
    chance = np.maximum.accumulate(np.clip(best[1], 0.0, 1.0))
    clamped = best[0] if best[0] > CLEAN else 0.0
    return Distribution(forward * np.exp(spread * fine), chance, clamped)


def _fit(nodes: Array, x: Array, y: Array, weight: Array, stiffness: float) -> Array:
    """Values at nodes of the curve through (x, y) that bends least."""
    step = nodes[1] - nodes[0]
    left = np.clip(((x - nodes[0]) / step).astype(np.int64), 0, len(nodes) - 2)
    share = (x - nodes[left]) / step
    design = np.zeros((len(x), len(nodes)))
    rows = np.arange(len(x))
    design[rows, left] = 1 - share
    design[rows, left + 1] = share
    bending = np.diff(np.eye(len(nodes)), n=2, axis=0) / step**2
    # Errors in thousandths of a volatility, none below a tenth of that: both terms stay comparable.
    trust = np.sqrt(np.minimum(weight, 1e8) / 1e6)
    rows_of = np.vstack((trust[:, None] * design, (stiffness * 1e-4 * step) ** 0.5 * bending))
    wanted = np.concatenate((trust * y, np.zeros(len(bending))))
    return np.asarray(np.linalg.lstsq(rows_of, wanted, rcond=None)[0])


def _hermite(nodes: Array, values: Array, at: Array) -> tuple[Array, Array]:
    """Value and slope at each point of the smooth curve through the nodes."""
    step = nodes[1] - nodes[0]
    slopes = np.gradient(values, step, edge_order=2)
    left = np.clip(((at - nodes[0]) / step).astype(np.int64), 0, len(nodes) - 2)
    t = (at - nodes[left]) / step
    low, high, rise, fall = values[left], values[left + 1], slopes[left], slopes[left + 1]
    value = (
        (1 + 2 * t) * (1 - t) ** 2 * low
        + t * (1 - t) ** 2 * step * rise
        + t * t * (3 - 2 * t) * high
        + t * t * (t - 1) * step * fall
    )
    slope = (
        6 * t * (t - 1) * (low - high) / step
        + (1 - t) * (1 - 3 * t) * rise
        + t * (3 * t - 2) * fall
    )
    return value, slope


def _chances(x: Array, vol: Array, slope: Array, spread: float, years: float) -> Array:
    """1 + dC/dK at strikes forward * exp(spread * x), as it comes out: it may fall or leave 0..1.

    slope is d vol / d x.
    """
    width = np.maximum(vol, 1e-6) * years**0.5
    second = -spread * x / width - width / 2
    skew = norm_pdf(second + width) * np.exp(-spread * x) * years**0.5 * slope / spread
    return np.asarray(norm_cdf(-second) + skew)


def _fall(raw: Array) -> float:
    """The largest correction that raising it to its own maximum and into 0..1 needs."""
    return float(np.max(np.abs(np.maximum.accumulate(np.clip(raw, 0.0, 1.0)) - raw)))
