"""The price inside one minute bar: starts at its open, touches high and low, ends at its close."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from grok_sauce.simulator.catalogue import Asset
from grok_sauce.simulator.paths import Array, seeded
from grok_sauce.values import dataclass

_LEAST: Final = 4  # prices a bar needs to show its four
_QUIET: Final = 9  # how much slower it ticks outside regular hours
_NIGHT: Final = 3  # the same for futures outside the cash session
_INDEX_BELOW, _INDEX_ABOVE = 0.0156, 0.0087  # an index's composite quote, as parts of its level


@dataclass(frozen=True, slots=True)
class Plan:
    """Slots of equal length that fill a minute; one entry of each list per slot.

    high and low are those of the bar up to and including the slot.
    """

    prices: list[float]
    high: list[float]
    low: list[float]
    bids: list[float]
    asks: list[float]
    bid_sizes: list[float]
    ask_sizes: list[float]
    sizes: list[float]

    def slot(self, fraction: float) -> int:
        """The slot at a fraction (0..1) of the minute."""
        return min(len(self.prices) - 1, max(0, int(fraction * len(self.prices))))


def slots(asset: Asset, count: int, regular: bool, busy: bool) -> int:
    """How often a price changes in a minute with `count` prints."""
    rate = asset.rate
    if not regular:
        rate //= _QUIET
    elif not busy:
        rate //= _NIGHT
    return max(_LEAST, min(rate, count)) if rate else _LEAST


def make_plan(
    asset: Asset, bar: tuple[float, float, float, float], n: int, wide: bool, key: tuple[int, ...]
) -> Plan:
    """Prices and quotes of a minute from its open, high, low and close, in n >= 4 slots.

    wide doubles the quoted spread, as outside regular hours. key seeds the details: the
    world's seed and the minute, so that what shares a path moves alike.
    """
    _, high, low, _ = bar
    rng = seeded(key[0], asset.path, *key[1:])
    visits = _visits(bar, n, rng)
    prices = np.round(np.round(_between(visits, high - low, n, rng) / asset.tick) * asset.tick, 9)
    prices = np.clip(prices, low, high)
    for place, price in visits:
        prices[place] = price
    own = seeded(key[0], asset.symbol, *key[1:])
    if asset.kind == "index":
        nothing = [math.nan] * n
        bids, asks = prices * (1 - _INDEX_BELOW), prices * (1 + _INDEX_ABOVE)
        sizes = [nothing, nothing, nothing]
    else:
        ticks = asset.spread * (3 if wide else 1)
        at_bid = own.random(n) < 0.5
        grid = prices / asset.tick
        bids = np.floor(grid - np.where(at_bid, 0, ticks) + 1e-6) * asset.tick
        asks = np.ceil(grid + np.where(at_bid, ticks, 0) - 1e-6) * asset.tick
        unit = 1 if asset.kind == "future" else 100
        sizes = [
            (np.ceil(own.exponential(6, n)) * unit).tolist(),
            (np.ceil(own.exponential(6, n)) * unit).tolist(),
            (np.ceil(own.exponential(1.6, n)) * unit).tolist(),
        ]
    return Plan(
        prices.tolist(),
        np.maximum.accumulate(prices).tolist(),
        np.minimum.accumulate(prices).tolist(),
        np.round(bids, 9).tolist(),
        np.round(asks, 9).tolist(),
        *sizes,
    )


def _visits(
    bar: tuple[float, float, float, float], n: int, rng: np.random.Generator
) -> list[tuple[int, float]]:
    """Slots at which the bar's own four prices are met, ascending."""
    opened, high, low, close = bar
    low_first = rng.random() < (0.7 if close >= opened else 0.3)
    first, second = (low, high) if low_first else (high, low)
    one, two = sorted(int(place) for place in rng.choice(np.arange(1, n - 1), 2, replace=False))
    return [(0, opened), (one, first), (two, second), (n - 1, close)]


def _between(
    visits: list[tuple[int, float]], reach: float, n: int, rng: np.random.Generator
) -> Array:
    """Straight lines between the visits, with a noise that the bar's range limits."""
    places, prices = zip(*visits, strict=True)
    noise = rng.standard_normal(n)
    noise = (noise + np.roll(noise, 1) + np.roll(noise, 2)) / 3
    return np.asarray(np.interp(np.arange(n), places, prices) + noise * 0.22 * reach)
