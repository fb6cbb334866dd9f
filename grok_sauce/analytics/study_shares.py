"""How sure a share of n is, and a difference of two: Wilson's and Newcombe's intervals, 95 %.

wilson(hits, n) -> (low, high)
newcombe(hits, n, other_hits, other_n) -> (low, high) of hits / n - other_hits / other_n
"""

from __future__ import annotations

from math import sqrt
from typing import Final

Z: Final = 1.959963984540054  # the normal's two-sided 95 %


def wilson(hits: float, n: int) -> tuple[float, float]:
    """Interval of a share (E. B. Wilson, JASA 22, 1927); n at least 1.

    >>> [round(end, 4) for end in wilson(8, 10)], [round(end, 4) for end in wilson(0, 10)]
    ([0.4902, 0.9433], [0.0, 0.2775])
    """
    share, weight = hits / n, Z * Z / n
    middle = share + weight / 2
    half = Z * sqrt(share * (1 - share) / n + weight / (4 * n))
    return (
        max(0.0, (middle - half) / (1 + weight)),
        min(1.0, (middle + half) / (1 + weight)),
    )


def newcombe(hits: float, n: int, other_hits: float, other_n: int) -> tuple[float, float]:
    """Interval of a difference of shares (R. G. Newcombe, Stat. Med. 17, 1998, method 10).

    His own example, 56 of 70 against 48 of 80:

    >>> [round(end, 4) for end in newcombe(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    one, other = hits / n, other_hits / other_n
    low, high = wilson(hits, n)
    other_low, other_high = wilson(other_hits, other_n)
    gap = one - other
    return (
        gap - sqrt((one - low) ** 2 + (other_high - other) ** 2),
        gap + sqrt((high - one) ** 2 + (other - other_low) ** 2),
    )
