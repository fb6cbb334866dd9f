"""Black's formula in its two-parameter form, and its inverse: a volatility from a price.

mills(z)                                       N(z) / phi(z)
log_price(x, total)                            ln b(x, total)
total_volatility(x, price, complement)         the total with b(x, total) = price

x = -|ln(F/K)| and total = vol * sqrt(years) are all that an out-of-the-money option's value
depends on once it is undiscounted and divided by sqrt(F K) (P. Jaeckel, "By Implication",
2006, and "Let's Be Rational", Wilmott, 2015):

    b(x, s) = e^(x/2) N(x/s + s/2) - e^(-x/2) N(x/s - s/2),        0 < b < e^(x/2)

With h = x/s, t = s/2, Y = mills and E = phi(h) e^(-t^2/2), which is also db/ds,

    b = E [Y(h + t) - Y(h - t)]        e^(x/2) - b = E [Y(-h - t) + Y(h - t)]

so both logarithms are plain numbers even where b leaves the doubles.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grok_sauce.analytics.black_scholes import Array, erfcx

Bools = NDArray[np.bool_]

_SQRT_2: Final = math.sqrt(2.0)
_SQRT_HALF_PI: Final = math.sqrt(math.pi / 2)
_SQRT_2PI: Final = math.sqrt(2 * math.pi)
_LOG_SQRT_2PI: Final = 0.5 * math.log(2 * math.pi)

# Below this t the difference of two nearly equal Mills ratios is summed as a Taylor series.
_SERIES_BELOW: Final = 0.1
_SERIES_TERMS: Final = 7  # the next term is below 1e-17 of the sum
# A step this small leaves a relative error of about its fourth power: the last bit.
_LAST_STEP: Final = 1e-4
_LEAP: Final = 8.0  # no pass changes s by a larger factor
_PASSES: Final = 60  # two or three are needed; the bracket alone would need about fifty


def mills(z: Array) -> Array:
    """N(z) / phi(z), accurate in the far lower tail where both vanish."""
    return _SQRT_HALF_PI * erfcx(z / -_SQRT_2)


def log_price(x: Array, total: Array) -> Array:
    """ln b(x, total) for x <= 0 and total > 0, one-dimensional arrays of one length."""
    h, t = x / total, 0.5 * total
    return -0.5 * (h * h + t * t) - _LOG_SQRT_2PI + np.log(_difference(h, t))


def _difference(h: Array, t: Array) -> Array:
    """Y(h + t) - Y(h - t), without cancellation for small t."""
    result = np.empty_like(h)
    small = t < _SERIES_BELOW
    large = ~small
    near, t_near, far, t_far = h[small], t[small], h[large], t[large]
    y = mills(np.concatenate([near, far + t_far, far - t_far]))
    first, second = len(near), len(near) + len(far)
    result[large] = y[first:second] - y[second:]
    result[small] = _odd_part(near, t_near, y[:first])
    return result


def _odd_part(h: Array, t: Array, y: Array) -> Array:
    """Twice the odd Taylor terms of Y at h: Y' = 1 + hY, then Y(n+1) = n Y(n-1) + h Y(n)."""
    even, odd = y, 1.0 + h * y
    total = odd.copy()
    square, weight = t * t, np.ones_like(t)
    for n in range(1, 2 * _SERIES_TERMS - 2, 2):
        even = n * even + h * odd
        odd = (n + 1) * odd + h * even
        weight *= square / ((n + 1) * (n + 2))
        total += weight * odd
    return 2.0 * t * total


class _Tables(NamedTuple):
    """Ascending log values and what they belong to, for the first guess."""

    log_bachelier: Array
    log_w: Array
    log_tail: Array
    t: Array


@cache
def _tables() -> _Tables:
    w = np.exp(np.linspace(math.log(1e-3), math.log(39.0), 1024))
    tiny = np.full_like(w, 1e-9)
    log_b = -0.5 * w * w - _LOG_SQRT_2PI + np.log(_difference(-w, tiny) / (2 * tiny * w))
    t = np.linspace(0.0, 38.5, 1024)
    log_n = -0.5 * t * t - _LOG_SQRT_2PI + np.log(mills(-t))
    return _Tables(log_b[::-1].copy(), np.log(w)[::-1].copy(), log_n[::-1].copy(), t[::-1].copy())


def _guess_low(x: Array, price: Array) -> Array:
    """Bachelier's volatility, tabulated, as Black's: to fourth order in s.

    Bachelier's price by moneyness m is a function of w = m / s alone, and its volatility is
    Black's times m / |x| over 1 + s^2 / 24 (P. Hagan et al., "Managing Smile Risk", 2002).
    """
    tables = _tables()
    ratio = np.log(price / (-2.0 * np.sinh(0.5 * x)))
    w = np.exp(np.interp(ratio, tables.log_bachelier, tables.log_w))
    s = np.where(ratio > tables.log_bachelier[-1], _SQRT_2PI * price, -x / w)
    return s * (1.0 + s * s * (1.0 / 24.0))


def _guess_high(complement: Array) -> Array:
    """Neglect h: what is missing to the highest price is then 2 N(-t)."""
    tables = _tables()
    return 2.0 * np.interp(np.log(0.5 * complement), tables.log_tail, tables.t)


def _householder(x: Array, s: Array, target: Array, high: Bools) -> tuple[Array, Array]:
    """(Newton's step, Householder's step of third order) for each element.

    High prices solve ln(e^(x/2) - b) = target, the others 1 / ln b = 1 / target, which is
    nearly a parabola of s where ln b runs to minus infinity.
    """
    h, t = x / s, 0.5 * s
    low = ~high
    ratio = np.empty_like(s)
    ratio[low] = _difference(h[low], t[low])
    if high.any():
        count = int(high.sum())
        y = mills(np.concatenate([-(h + t)[high], (h - t)[high]]))
        ratio[high] = y[:count] + y[count:]
    value = -0.5 * (h * h + t * t) - _LOG_SQRT_2PI + np.log(ratio)
    slope = 1.0 / ratio  # d ln b / ds, and -d ln(e^(x/2) - b) / ds
    hs = h / s
    second = h * hs - 0.25 * s  # b'' / b'
    third = second * second - 3.0 * hs * hs - 0.25  # b''' / b'
    inverse = 1.0 / value
    bend = slope * (1.0 + 2.0 * inverse)
    newton = np.where(high, (value - target) * ratio, (target - value) * value / target * ratio)
    halley = np.where(high, second + slope, second - bend)
    cubic = third + np.where(
        high,
        (3.0 * second + 2.0 * slope) * slope,
        2.0 * slope * slope * (1.0 + 3.0 * inverse * (1.0 + inverse)) - 3.0 * second * bend,
    )
    step = (
        newton
        * (1.0 + 0.5 * halley * newton)
        / (1.0 + newton * (halley + cubic * newton * (1.0 / 6.0)))
    )
    return newton, step


def total_volatility(x: Array, price: Array, complement: Array) -> Array:
    """The total volatility s with b(x, s) = price; one-dimensional arrays of one length.

    x <= 0; price and complement = e^(x/2) - price both above 0 (given apart, because the
    caller knows the small one of the two better than a subtraction would). Exact to a few
    units of the last place that the price supports.

    Steps are kept inside a bracket that shrinks on every pass, so a wild step costs time
    but never leads astray.
    """
    x = -np.maximum(np.abs(x), 1e-150)  # at the money without a special case
    high = complement < price
    target = np.log(np.where(high, complement, price))
    s = np.where(high, _guess_high(complement), _guess_low(x, price))
    s = np.maximum(s, 1e-160)
    result = s.copy()
    live = np.arange(len(s))
    below, above = np.zeros_like(s), np.full_like(s, np.inf)
    with np.errstate(all="ignore"):
        for turn in range(_PASSES):
            newton, step = _householder(x, s, target, high)
            step = np.where(np.isfinite(step) & (step * newton > 0), step, newton)
            # Where the formula overflows, s is far too small for a high price, or too large.
            rising = np.where(np.isnan(newton), high, newton > 0)
            below, above = np.where(rising, s, below), np.where(rising, above, s)
            following = np.clip(s + step, s / _LEAP, s * _LEAP)
            done = np.abs(step) <= _LAST_STEP * s
            # Whoever takes unusually long creeps along a flat stretch: halve the bracket as well.
            inside = (following > below) & (following < above) & (turn < 6 or turn % 2 == 0)
            middle = np.where(
                np.isinf(above), 2 * s, np.where(below > 0, np.sqrt(below * above), 0.5 * s)
            )
            following = np.where(inside | done, following, middle)
            result[live] = following
            if done.all():
                break
            rest = ~done
            live, s, x = live[rest], following[rest], x[rest]
            target, high = target[rest], high[rest]
            below, above = below[rest], above[rest]
        else:
            result[live] = np.nan
    return result
