"""Gamma exposure by strike that follows single contracts as they change.

RunningSums(place, is_call, multiplier, strikes, gamma, oi)
    .change(lines, gamma, oi)     these contracts have new numbers
    .gex(spot) -> (call, put)     $ of delta per 1 % move, per strike
    .resum()                      everything anew

Needs numpy. A changed contract costs a sum over its own strike and side and nothing else.
The strike is added up anew rather than corrected by the difference: differences leave their
rounding behind, and a strike that once held 1e12 would never be exact near 0 again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from grok_sauce.analytics.gex_lines import Prepared

Array = NDArray[np.float64]
Places = NDArray[np.intp]


class RunningSums:
    """Sums of gamma x open interest x multiplier per strike and side. One owner.

    place: index of its strike per contract; is_call, multiplier: per contract; strikes: how
    many there are; gamma, oi: to begin with, NaN where not known: such a contract adds
    nothing and is not among `known`.
    """

    def __init__(
        self,
        place: NDArray[np.integer],
        is_call: NDArray[np.bool_],
        multiplier: Array,
        strikes: int,
        gamma: Array,
        oi: Array,
    ) -> None:
        self._strikes = strikes
        self._bucket: Places = np.where(is_call, place, place + strikes).astype(np.intp)
        self._multiplier = multiplier
        order = np.argsort(self._bucket, kind="stable")  # contracts of one bucket side by side
        self._position: Places = np.empty_like(order)
        self._position[order] = np.arange(len(order))
        self._length: Places = np.bincount(self._bucket, minlength=2 * strikes).astype(np.intp)
        self._start: Places = np.cumsum(self._length) - self._length
        self._values: Array = np.zeros(len(order))
        self._unknown = np.zeros(len(order), dtype=np.bool_)
        self._sums: Array = np.zeros(2 * strikes)
        self._put(np.arange(len(order)), gamma, oi)
        self.resum()

    @classmethod
    def of(cls, prepared: Prepared) -> RunningSums:
        """Sums over the contracts that a prepared chain uses; lines are its contracts."""
        gamma = np.where(prepared.used, prepared.gamma, np.nan)
        place, is_call = prepared.place, prepared.chain.is_call
        multiplier = prepared.chain.multiplier
        return cls(place, is_call, multiplier, len(prepared.strikes), gamma, prepared.oi)

    @property
    def known(self) -> int:
        """Contracts that are in the sums."""
        return int(np.count_nonzero(~self._unknown))

    def change(self, lines: ArrayLike, gamma: ArrayLike, oi: ArrayLike) -> None:
        """Give contracts (by position, each once) new gamma and open interest."""
        chosen = np.asarray(lines, dtype=np.intp)
        self._put(chosen, np.asarray(gamma, np.float64), np.asarray(oi, np.float64))
        touched = np.unique(self._bucket[chosen])
        if not len(touched):
            return
        length = self._length[touched]
        begins = np.cumsum(length) - length
        inside = np.arange(int(length.sum())) + np.repeat(self._start[touched] - begins, length)
        self._sums[touched] = np.add.reduceat(self._values[inside], begins)

    def resum(self) -> None:
        """Add up everything anew."""
        filled = np.flatnonzero(self._length)
        self._sums[:] = 0.0
        if len(filled):
            self._sums[filled] = np.add.reduceat(self._values, self._start[filled])

    def gex(self, spot: float) -> tuple[Array, Array]:
        """(call, put) per strike in $ of delta per 1 % move, puts as positive magnitudes."""
        unit = spot * spot * 0.01
        return self._sums[: self._strikes] * unit, self._sums[self._strikes :] * unit

    def _put(self, lines: Places, gamma: Array, oi: Array) -> None:
        value = gamma * oi * self._multiplier[lines]
        at = self._position[lines]
        self._unknown[at] = np.isnan(value)
        self._values[at] = np.where(np.isnan(value), 0.0, value)
