"""When an attempt that did not reach its target is repeated."""

from __future__ import annotations

import random
from typing import Final

from grok_sauce.alerts.steady import MS

DELAYS_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""After the first, second, ... attempt; the last repeats."""
SPREAD: Final = (0.8, 1.2)  # targets that went away together are not asked together
LONGEST_WISH_S: Final = 30.0
MAX_ATTEMPTS: Final = 60


def delay_ms(attempts: int, wish_s: float | None, chance: random.Random) -> int:
    """Milliseconds from the end of attempt number `attempts` (from 1) to the next.

    wish_s is the target's Retry-After: honoured up to 30 s, never sooner than ours.

    >>> [delay_ms(n, None, random.Random(7)) // 100 for n in (1, 2, 3)]
    [0, 4, 9]
    >>> delay_ms(1, 900.0, random.Random(7))
    30000
    """
    ours = DELAYS_S[min(max(attempts, 1), len(DELAYS_S)) - 1] * chance.uniform(*SPREAD)
    wish = min(wish_s or 0.0, LONGEST_WISH_S)
    return round(max(ours, wish) * MS)
