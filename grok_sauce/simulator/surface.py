"""Implied volatility of simulated options: one smile in deviations, a term structure.

vol = atm(T) * smile(z), z = ln(K/F) / (atm sqrt T); smile is a hyperbola (the raw SVI form of
Gatheral and Jacquier, Arbitrage-free SVI volatility surfaces, 2014, taken in volatility) with
smile(0) = 1: puts dearer than calls, straight wings, convex throughout.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from grok_sauce.simulator.paths import Array

_WINGS, _TILT, _LOWEST, _ROUND = 0.09, -0.6, 0.3, 1.2  # SVI's b, rho, m and sigma
_REACH: Final = 12.0  # standard deviations beyond which the smile is flat
_CALM: Final = 0.175  # where far expiries settle, as a part of 1
_SETTLES: Final = 0.35  # years in which today's excess over calm fades
_FRONT: Final = 0.88  # very short expiries against the 30-day level: weekends, quiet nights

# Volatility of an underlying against that of the S&P 500.
RELATIVE: Final[dict[str, float]] = {
    "SPX": 1.0, "XSP": 1.0, "SPY": 1.0, "NDX": 1.27, "QQQ": 1.27, "RUT": 1.35, "IWM": 1.35,
    "DIA": 0.90, "GLD": 1.1, "TLT": 0.85, "NVDA": 2.4, "AAPL": 1.5, "MSFT": 1.35, "TSLA": 3.3,
    "AMZN": 1.8, "META": 1.9, "GOOGL": 1.75, "AMD": 2.9,
}  # fmt: skip


def atm_vol(underlying: str, vix: float, years: ArrayLike) -> Array:
    """At-the-money volatility for times to expiry, from the volatility index in points."""
    t = np.asarray(years, dtype=np.float64)
    now = vix / 100 * 0.93  # the index counts the dear wings too
    level = _CALM + (now - _CALM) * np.exp(-t / _SETTLES)
    front = 1 - (1 - _FRONT) * np.exp(-t * 60)
    return np.asarray(level * front * RELATIVE.get(underlying, 1.6))


def implied_vol(underlying: str, forward: float, strikes: Array, years: float, vix: float) -> Array:
    """Volatility per strike, as a fraction a year."""
    atm = float(atm_vol(underlying, vix, years))
    z = np.clip(np.log(strikes / forward) / (atm * np.sqrt(years)), -_REACH, _REACH)
    return np.asarray(atm * (1 + _WINGS * (_hyperbola(z) - _hyperbola(np.zeros(1)))))


def _hyperbola(z: Array) -> Array:
    return np.asarray(_TILT * (z - _LOWEST) + np.sqrt((z - _LOWEST) ** 2 + _ROUND**2))
