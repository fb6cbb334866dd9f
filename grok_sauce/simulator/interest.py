"""Open interest and day volume of simulated options: humps, round numbers, a taste for puts."""

from __future__ import annotations

import math
import zlib
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.simulator.chains import Expiry
from grok_sauce.simulator.paths import Array
from grok_sauce.simulator.surface import atm_vol

# How much an underlying's options are traded, the S&P 500's being 1.
_SIZE: Final[dict[str, float]] = {
    "SPX": 1.0, "SPY": 1.6, "QQQ": 1.1, "NDX": 0.05, "IWM": 0.45, "DIA": 0.05, "RUT": 0.03,
    "GLD": 0.2, "TLT": 0.2, "NVDA": 0.8, "TSLA": 0.7,
}  # fmt: skip
_PEAK: Final = {"Regular": 9000.0, "Quarterly": 7000.0, "End-Of-Month": 3500.0, "Weekly": 4000.0}
_MASK: Final = 0xFFFFFFFFFFFFFFFF


def scatter(keys: NDArray[np.int64], *seeds: str | int) -> Array:
    """One number in (0, 1) per key, the same whatever the other keys are (splitmix64)."""
    mixed = 0
    for part in seeds:
        number = zlib.crc32(part.encode()) if isinstance(part, str) else part
        mixed = (mixed * 6364136223846793005 + number + 1442695040888963407) & _MASK
    state = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(mixed)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return np.asarray(((state >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53)


def _deviations(expiry: Expiry, strikes: Array, reference: float, today: date, vix: float) -> Array:
    years = max((expiry.day - today).days, 0) / 365 + 0.7 / 365
    atm = float(atm_vol(expiry.underlying, vix, years))
    return np.asarray(np.log(strikes / reference) / (atm * math.sqrt(years)))


def _roundness(strikes: Array, reference: float) -> Array:
    """Round strikes attract: for 6,000 hundreds, then fifties, then quarters."""
    unit = 10.0 ** (math.floor(math.log10(reference)) - 1)
    parts = [np.isclose(np.remainder(strikes + 1e-9, unit / n), 0, atol=1e-6) for n in (1, 2, 4)]
    return np.asarray(np.select(parts, [3.2, 1.9, 1.2], 0.55))


def _lognormal(uniform: Array, sd: float) -> Array:
    """A log-normal factor from a uniform number (logistic in place of the normal's inverse)."""
    return np.asarray(np.exp(sd * 0.5513 * np.log(uniform / (1 - uniform))))


def open_interest(
    expiry: Expiry, strikes: Array, reference: float, today: date, vix: float, seed: int
) -> NDArray[np.int64]:
    """Contracts open as of the evening before `today`: calls, then puts, one per strike."""
    z = _deviations(expiry, strikes, reference, today, vix)
    keys = np.round(strikes * 1000).astype(np.int64)
    size = _SIZE.get(expiry.underlying, 0.3) * _PEAK[expiry.kind]
    away = (expiry.day - today).days
    size *= (0.5 + 0.5 * math.exp(-away / 60)) * (1.0 if away else 1.4)
    round_numbers = _roundness(strikes, reference)
    name = (seed, expiry.root, expiry.day.toordinal())
    sides = []
    for right, center, width, weight in (("C", 0.8, 1.1, 1.0), ("P", -1.4, 1.5, 1.15)):
        hump = np.exp(-0.5 * ((z - center) / width) ** 2) + 0.03 * np.exp(-np.abs(z) / 3)
        settled = _lognormal(scatter(keys, *name, right), 0.7)
        daily = 0.94 + 0.12 * scatter(keys, *name, right, today.toordinal())
        sides.append(size * weight * hump * round_numbers * settled * daily)
    return np.floor(np.concatenate(sides)).astype(np.int64)


def day_volume(
    expiry: Expiry, strikes: Array, reference: float, day: date, vix: float, seed: int
) -> Array:
    """Contracts traded in the whole session of `day`: calls, then puts, one per strike."""
    z = _deviations(expiry, strikes, reference, day, vix)
    keys = np.round(strikes * 1000).astype(np.int64)
    away = max((expiry.day - day).days, 0)
    peak = 70_000 * math.exp(-away * 0.9) + 2_600 * math.exp(-away / 12) + 250
    if expiry.kind == "Regular":
        peak *= 1.6
    size = _SIZE.get(expiry.underlying, 0.3) * peak
    name = (seed, expiry.root, expiry.day.toordinal(), "volume", day.toordinal())
    sides = []
    for right, center, weight in (("C", 0.25, 1.0), ("P", -0.35, 1.15)):
        spread = np.exp(-np.abs(z - center) * 1.15)
        sides.append(
            size * weight * spread * _roundness(strikes, reference) * 0.7
            * _lognormal(scatter(keys, *name, right), 0.8)
        )  # fmt: skip
    return np.concatenate(sides)


def share_of_day(elapsed: float) -> float:
    """Part of a session's volume traded after a part of its time: busy ends, a quiet middle."""
    u = min(1.0, max(0.0, elapsed))
    return u + 0.12 * math.sin(2 * math.pi * u)
