"""Put/call ratios of open interest and volume, with the words the screens use for them.

put_call(is_call, oi, volume) -> PutCall
ratio(puts, calls) -> float | None       word(ratio) -> str
top_strikes(strikes, call_oi, put_oi) -> rows of the strikes with the most puts per call
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.values import dataclass

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FLOOR: Final = 100  # calls open at a strike below which its ratio says nothing
TOP: Final = 10
# Upper bounds (not included) of a word, in order.
_WORDS: Final = ((0.7, "Bullish"), (1.0, "Neutral-Bullish"), (1.3, "Neutral-Bearish"))


@dataclass(frozen=True, slots=True)
class PutCall:
    """Ratios of puts to calls (None without calls) and the contracts they are made from.

    A total is None while no contract of that kind has a known number.
    """

    oi: float | None
    volume: float | None
    call_oi: float | None
    put_oi: float | None
    call_volume: float | None
    put_volume: float | None

    @property
    def oi_word(self) -> str:
        """The ratio of open interest in a word."""
        return word(self.oi)

    @property
    def volume_word(self) -> str:
        """The ratio of volume in a word."""
        return word(self.volume)


def ratio(puts: float | None, calls: float | None) -> float | None:
    """Puts per call; None when either is not known or there are no calls.

    >>> ratio(24_000, 25_700), ratio(5, 0), ratio(None, 5)
    (0.933852140077821, None, None)
    """
    return puts / calls if puts is not None and calls else None


def word(value: float | None) -> str:
    """What traders call that ratio: below 0.7, 1.0, 1.3, and above.

    >>> [word(value) for value in (None, 0.0, 0.69, 0.7, 1.0, 1.3)]
    ['N/A', 'N/A', 'Bullish', 'Neutral-Bullish', 'Neutral-Bearish', 'Bearish']
    """
    if not value:
        return "N/A"
    return next((text for limit, text in _WORDS if value < limit), "Bearish")


def put_call(is_call: Bools, oi: Floats, volume: Floats) -> PutCall:
    """Ratios over contracts; what is not known (NaN) is left out.

    >>> sides, some = np.array([True, False]), np.array([200.0, 150.0])
    >>> found = put_call(sides, some, np.array([0.0, 7.0]))
    >>> found.oi, found.volume
    (0.75, None)
    """
    call_oi, put_oi = _total(oi[is_call]), _total(oi[~is_call])
    call_volume, put_volume = _total(volume[is_call]), _total(volume[~is_call])
    return PutCall(
        oi=ratio(put_oi, call_oi),
        volume=ratio(put_volume, call_volume),
        call_oi=call_oi,
        put_oi=put_oi,
        call_volume=call_volume,
        put_volume=put_volume,
    )


def _total(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.sum()) if len(known) else None


def top_strikes(strikes: Floats, call_oi: Floats, put_oi: Floats) -> list[dict[str, Any]]:
    """Up to ten strikes with the most puts per call: highest ratio first, then lowest strike.

    Only strikes with at least FLOOR calls open: thin ones would fill the table.

    >>> k, calls, puts = np.array([90.0, 95, 100]), np.array([99.0, 100, 400]), np.full(3, 300.0)
    >>> [(row["strike"], row["ratio"]) for row in top_strikes(k, calls, puts)]
    [(95.0, 3.0), (100.0, 0.75)]
    """
    places = np.flatnonzero((call_oi >= FLOOR) & ~np.isnan(put_oi))
    ratios = put_oi[places] / call_oi[places]
    order = np.lexsort((strikes[places], -ratios))[:TOP]
    chosen = places[order]
    columns = (strikes[chosen], ratios[order], call_oi[chosen], put_oi[chosen])
    return [
        {"strike": strike, "ratio": value, "call_oi": calls, "put_oi": puts}
        for strike, value, calls, puts in zip(*(c.tolist() for c in columns), strict=True)
    ]
