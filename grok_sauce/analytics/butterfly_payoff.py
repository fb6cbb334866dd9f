"""What a long butterfly pays at expiry: three strikes, equal or unequal wings, calls or puts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from grok_sauce.analytics.black_scholes import Array


class Wings(NamedTuple):
    """One long at low, two short at center, one long at high (points), all calls or all puts."""

    low: float
    center: float
    high: float
    is_call: bool

    @property
    def peak(self) -> float:
        """Points paid at the center, the most it can pay."""
        return self.center - self.low if self.is_call else self.high - self.center

    @property
    def below(self) -> float:
        """Points paid at or below the low strike: not 0 for puts with unequal wings."""
        return 0.0 if self.is_call else round(self.low + self.high - 2 * self.center, 6)

    @property
    def above(self) -> float:
        """Points paid at or above the high strike: not 0 for calls with unequal wings."""
        return round(2 * self.center - self.low - self.high, 6) if self.is_call else 0.0

    def payoff(self, price: ArrayLike) -> Array:
        """Points paid when the underlying settles at price: linear between the strikes.

        >>> Wings(5985, 6010, 6035, False).payoff([5985, 6012.36, 6100]).round(2).tolist()
        [0.0, 22.64, 0.0]
        """
        return np.asarray(
            np.interp(
                np.asarray(price, dtype=np.float64),
                [self.low, self.center, self.high],
                [self.below, self.peak, self.above],
            )
        )


class Outcome(NamedTuple):
    """Points per package, before fees. A break-even of None: that side gains all the way."""

    max_profit: float
    max_loss: float
    break_even_low: float | None
    break_even_high: float | None


def outcome(wings: Wings, debit: float) -> Outcome | None:
    """Most gained, most lost and where neither, for a package bought at debit (points).

    None when no such price can be: it would gain everywhere or nowhere, so the quotes are
    not of one moment. For equal wings that is debit <= 0 or debit >= width.

    >>> tuple(outcome(Wings(5930, 5955, 5980, True), 8.9274))
    (16.0726, 8.9274, 5938.9274, 5971.0726)
    >>> tuple(outcome(Wings(90, 100, 105, False), 1.0))  # puts that cost 5 more far below
    (4.0, 6.0, 96.0, 104.0)
    """
    worst = min(wings.below, wings.above)
    if not worst < debit < wings.peak:
        return None
    return Outcome(
        max_profit=wings.peak - debit,
        max_loss=debit - worst,
        break_even_low=wings.low + debit - wings.below if wings.below < debit else None,
        break_even_high=wings.high - debit + wings.above if wings.above < debit else None,
    )
