"""Black-Scholes-Merton and Black-76 prices and greeks of European options, whole arrays at a time.

norm_cdf(x), norm_pdf(x), erfcx(x)
black_scholes(spot, strike, years, vol, is_call, rate=0.0, dividend_yield=0.0) -> Valuation
black_76(forward, strike, years, vol, is_call, rate=0.0) -> Valuation
price(...), gamma(...), d1(...)     the same terms where only one number is wanted

Needs numpy and nothing else. Arguments are numbers or arrays that broadcast; results have
the broadcast shape. Where a spot, strike, volatility or time is not above 0, or is NaN, the
result is NaN: an expired or unquoted option has no greeks.

Units: spot, strike, forward in points or $; years as a fraction of 365 days; vol 0.147 for
14.7 %; rate and dividend_yield continuously compounded per year. DAYS, POINT and PERCENT
below turn the raw greeks into the units that screens and feeds show.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

DAYS: Final = 365.0  # theta and charm per year / DAYS = per calendar day
POINT: Final = 100.0  # vega (and vanna) per 1.00 of volatility / POINT = per volatility point
PERCENT: Final = 100.0  # rho per 1.00 of rate / PERCENT = per percentage point

_SQRT_2: Final = 1.4142135623730951
_SQRT_2PI: Final = 2.5066282746310002
_ONE_OVER_SQRT_PI: Final = 0.5641895835477563

# W. J. Cody, "Rational Chebyshev approximation for the error function", Math. Comp. 23 (1969):
# |x| <= 0.46875, then up to 4, then beyond; numerators and denominators, highest order first.
_NEAR: Final = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2,
     3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2,
     1.28261652607737228e3, 2.84423683343917062e3),
)  # fmt: skip
_MIDDLE: Final = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0,
     6.61191906371416295e1, 2.98635138197400131e2, 8.81952221241769090e2,
     1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
     1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3,
     3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_FAR: Final = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346725e0,
     5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip


class Valuation(NamedTuple):
    """What one option is worth and how that moves; every field has the broadcast shape.

    price   points
    delta   per point of the underlying (of the forward in Black-76)
    gamma   change of delta per point
    vega    per 1.00 of volatility
    theta   per year of passing time, all else equal (negative for most long options)
    rho     per 1.00 of rate (Black-76: with the forward held)
    vanna   d delta / d vol, per 1.00
    charm   d delta / d time, per year of passing time
    """

    price: Array
    delta: Array
    gamma: Array
    vega: Array
    theta: Array
    rho: Array
    vanna: Array
    charm: Array


def _horner(coefficients: tuple[float, ...], x: Array) -> Array:
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total *= x
        total += coefficient
    return total


def _ratio(pair: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    return _horner(pair[0], x) / _horner(pair[1], x)


def _exp_minus_square(y: Array) -> Array:
    """exp(-y^2) without the rounding of y^2 (Cody): split y at a sixteenth."""
    coarse = np.trunc(y * 16.0) / 16.0
    return np.asarray(np.exp(-coarse * coarse) * np.exp(-(y - coarse) * (y + coarse)))


def _erfc(x: Array) -> Array:
    y = np.abs(x)
    result = np.full_like(y, np.nan)
    near = y <= 0.46875
    far = y > 4.0
    middle = (y > 0.46875) & ~far
    if near.any():
        inner = x[near]
        result[near] = 1.0 - inner * _ratio(_NEAR, inner * inner)
    if middle.any():
        inner = y[middle]
        result[middle] = _exp_minus_square(inner) * _ratio(_MIDDLE, inner)
    if far.any():
        inner = np.minimum(y[far], 30.0)  # exp(-900) is 0 in doubles already
        inverse = 1.0 / (inner * inner)
        tail = (_ONE_OVER_SQRT_PI - inverse * _ratio(_FAR, inverse)) / inner
        result[far] = _exp_minus_square(inner) * tail
    flip = (x < 0.0) & ~near
    result[flip] = 2.0 - result[flip]
    return result


def norm_cdf(x: ArrayLike) -> Array:
    """Standard normal distribution function, to about 1e-16 absolute and 1e-14 relative.

    >>> float(norm_cdf(0.0)), round(float(norm_cdf(1.959963984540054)), 15)
    (0.5, 0.975)
    """
    values = np.asarray(x, dtype=np.float64)
    flat = np.atleast_1d(values) / -_SQRT_2
    return np.asarray((0.5 * _erfc(flat)).reshape(values.shape))


def erfcx(x: ArrayLike) -> Array:
    """exp(x^2) * (1 - erf(x)), which stays a plain number where its factors leave the doubles.

    Relative error about 1e-15; infinite below -26.6, as it should be.

    >>> [round(float(value), 12) for value in erfcx([-1.0, 0.0, 1.0, 100.0])]
    [5.008980080762, 1.0, 0.427583576156, 0.005641613783]
    """
    values = np.asarray(x, dtype=np.float64)
    flat = np.atleast_1d(values)
    y = np.abs(flat)
    result = np.full_like(y, np.nan)
    near = y <= 0.46875
    far = y > 4.0
    middle = (y > 0.46875) & ~far
    if near.any():
        inner = flat[near]
        square = inner * inner
        result[near] = np.exp(square) * (1.0 - inner * _ratio(_NEAR, square))
    if middle.any():
        result[middle] = _ratio(_MIDDLE, y[middle])
    if far.any():
        inner = y[far]
        inverse = 1.0 / (inner * inner)
        result[far] = (_ONE_OVER_SQRT_PI - inverse * _ratio(_FAR, inverse)) / inner
    flip = (flat < 0.0) & ~near
    if flip.any():
        with np.errstate(over="ignore"):
            result[flip] = 2.0 * np.exp(flat[flip] ** 2) - result[flip]
    return np.asarray(result.reshape(values.shape))


def norm_pdf(x: ArrayLike) -> Array:
    """Standard normal density."""
    values = np.asarray(x, dtype=np.float64)
    return np.asarray(np.exp(-0.5 * values * values) / _SQRT_2PI)


class _Terms(NamedTuple):
    """Broadcast inputs, with everything that has no meaning set to NaN."""

    spot: Array
    strike: Array
    years: Array
    vol: Array
    sign: Array
    d1: Array
    spread: Array  # vol * sqrt(years)


def _terms(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: Any,
    carry: ArrayLike,
) -> _Terms:
    s, k, t, v, b = (
        np.asarray(each, dtype=np.float64) for each in (spot, strike, years, vol, carry)
    )
    sign = np.where(np.asarray(is_call, dtype=bool), 1.0, -1.0)
    s, k, t, v, b, sign = np.broadcast_arrays(s, k, t, v, b, sign)
    known = (s > 0) & (k > 0) & (t > 0) & (v > 0)
    s, k, t, v = (np.where(known, each, np.nan) for each in (s, k, t, v))
    spread = v * np.sqrt(t)
    return _Terms(s, k, t, v, sign, (np.log(s / k) + b * t) / spread + 0.5 * spread, spread)


def black_scholes(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: Any,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
) -> Valuation:
    """Black-Scholes-Merton with a continuous yield (Haug, Option Pricing Formulas, 2007, ch. 1-2).

    is_call is True for calls, False for puts (or an array of them).

    Worked once, S 100, K 105, a quarter of a year, r 4 %, q 1.5 %, vol 22 %:

    >>> call = black_scholes(100, 105, 0.25, 0.22, True, 0.04, 0.015)
    >>> [round(float(number), 9) for number in call[:4]]
    [2.629294394, 0.368661961, 0.034197395, 18.808567524]
    >>> [round(float(number), 9) for number in call[4:]]
    [-9.092252838, 8.559225433, 0.755298664, -0.412294972]
    """
    r = np.asarray(rate, dtype=np.float64)
    q = np.asarray(dividend_yield, dtype=np.float64)
    terms = _terms(spot, strike, years, vol, is_call, r - q)
    s, k, t, v, sign, first, spread = terms
    second = first - spread
    discount, carried = np.exp(-r * t), np.exp(-q * t)
    density = carried * norm_pdf(first)
    in_shares = carried * norm_cdf(sign * first)
    in_cash = k * discount * norm_cdf(sign * second)
    vega = s * density * np.sqrt(t)
    return Valuation(
        price=sign * (s * in_shares - in_cash),
        delta=sign * in_shares,
        gamma=density / (s * spread),
        vega=vega,
        theta=-vega * v / (2 * t) - sign * r * in_cash + sign * q * s * in_shares,
        rho=sign * t * in_cash,
        vanna=-density * second / v,
        charm=sign * q * in_shares
        - density * (2 * (r - q) * t - second * spread) / (2 * t * spread),
    )


def black_76(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: Any,
    rate: ArrayLike = 0.0,
) -> Valuation:
    """Black (1976) on a forward or futures price; greeks are to the forward.

    With forward = spot * exp((rate - dividend_yield) * years) the price is black_scholes'.
    Time passes with the forward held.

    >>> pair = black_76(6020, 6000, 5 / 365, 0.147, [True, False], 0.045)
    >>> [round(float(number), 9) for number in pair.price], round(float(pair.gamma[0]), 9)
    ([51.988206494, 32.000531461], 0.003771617)
    """
    r = np.asarray(rate, dtype=np.float64)
    # A forward is a spot whose yield equals the rate; only rho sees the rate once.
    value = black_scholes(forward, strike, years, vol, is_call, r, r)
    return value._replace(rho=-np.asarray(years, dtype=np.float64) * value.price)


def price(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: Any,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
) -> Array:
    """Price alone, in points.

    >>> round(float(price(100, 100, 0.5, 0.2, True, 0.01)), 8)
    5.87602423
    """
    r = np.asarray(rate, dtype=np.float64)
    q = np.asarray(dividend_yield, dtype=np.float64)
    s, k, t, _, sign, first, spread = _terms(spot, strike, years, vol, is_call, r - q)
    in_shares = s * np.exp(-q * t) * norm_cdf(sign * first)
    return np.asarray(sign * (in_shares - k * np.exp(-r * t) * norm_cdf(sign * (first - spread))))


def gamma(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
) -> Array:
    """Gamma alone: change of delta per point, the same for calls and puts.

    >>> round(float(gamma(6000, 6000, 5 / 365, 0.147, 0.045, 0.012)), 8)
    0.0038616
    """
    r = np.asarray(rate, dtype=np.float64)
    q = np.asarray(dividend_yield, dtype=np.float64)
    s, _, t, _, _, first, spread = _terms(spot, strike, years, vol, True, r - q)
    return np.asarray(np.exp(-q * t) * norm_pdf(first) / (s * spread))


def d1(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
) -> Array:
    """Standardised log-moneyness with the volatility's half variance added."""
    carry = np.asarray(rate, dtype=np.float64) - np.asarray(dividend_yield, dtype=np.float64)
    return np.asarray(_terms(spot, strike, years, vol, True, carry).d1)
