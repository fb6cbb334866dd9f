"""One root of a function between two points where its signs differ.

find_root(f, low, high, precision) -> float
"""

from __future__ import annotations

import math
from collections.abc import Callable


def find_root(
    f: Callable[[float], float],
    low: tuple[float, float],
    high: tuple[float, float],
    precision: float,
) -> float:
    """A root of f between two points (x, f(x)) of opposite signs (Brent 1973, section 4)."""
    (a, fa), (b, fb) = low, high
    c, fc = a, fa
    step = last = b - a
    for _ in range(200):
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        half = 0.5 * (c - b)
        if abs(half) <= precision or fb == 0.0:
            return b
        last, step = step, _brent_step((a, fa), (b, fb), (c, fc), last, precision) or half
        if step == half:
            last = half
        a, fa = b, fb
        b += step if abs(step) > precision else math.copysign(precision, half)
        fb = f(b)
        if (fb > 0) == (fc > 0):
            c, fc = a, fa
            step = last = b - a
    return b


def _brent_step(
    a: tuple[float, float],
    b: tuple[float, float],
    c: tuple[float, float],
    last: float,
    precision: float,
) -> float | None:
    """The step from b by secant or inverse parabola; None where halving is safer."""
    if abs(last) < precision or abs(a[1]) <= abs(b[1]):
        return None
    half, s = 0.5 * (c[0] - b[0]), b[1] / a[1]
    if a[0] == c[0]:
        p, q = 2.0 * half * s, 1.0 - s
    else:
        t, u = a[1] / c[1], b[1] / c[1]
        p = s * (2.0 * half * t * (t - u) - (b[0] - a[0]) * (u - 1.0))
        q = (t - 1.0) * (u - 1.0) * (s - 1.0)
    if p > 0:
        q = -q
    p = abs(p)
    if 2.0 * p >= min(3.0 * half * q - abs(precision * q), abs(last * q)):
        return None
    return p / q
