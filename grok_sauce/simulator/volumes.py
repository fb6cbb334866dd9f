"""How many shares or contracts change hands in each minute of a simulated day."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.simulator.catalogue import Asset
from grok_sauce.simulator.hours import Span
from grok_sauce.simulator.paths import Array, seeded

# Of an average day's regular volume; the recorded SPY minutes of October 2013 show about these.
_AUCTION: Final = 0.08
_PRE: Final = 0.030
_AFTER: Final = 0.045
_NIGHT: Final = 0.16  # futures outside the cash session, of their whole day
_COMMON, _SINGLE, _MINUTE = 0.13, 0.20, 0.30  # log sds: all symbols', one symbol's, one minute's


def minute_volumes(
    asset: Asset, span: Span, times: NDArray[np.int64], moves: Array, seed: int
) -> Array:
    """Whole shares per minute of `times` (Unix seconds); NaN for what has no volume.

    moves are the minutes' absolute log returns: volume comes with movement. The minute of
    the closing auction is the last regular one. Zero means that nobody traded.
    """
    if asset.volume is None:
        return np.full(len(times), np.nan)
    common = seeded(seed, "volume", span.day.toordinal()).standard_normal()
    rng = seeded(seed, asset.symbol, "volume", span.day.toordinal())
    day = asset.volume * np.exp(_COMMON * common + _SINGLE * rng.standard_normal())
    curve = _future_curve(times, span) if asset.kind == "future" else _share_curve(times, span, rng)
    restless = 0.6 + 0.4 * moves / (moves.mean() or 1.0)
    noise = np.exp(_MINUTE * rng.standard_normal(len(times)))
    return np.asarray(rng.poisson(np.minimum(day * curve * restless * noise, 1e15)), np.float64)


def _share_curve(times: NDArray[np.int64], span: Span, rng: np.random.Generator) -> Array:
    """Share of an average day per minute: pre-market rising, a U, the auction, then fading."""
    curve = np.zeros(len(times))
    regular = (times >= span.opening) & (times < span.closing - 60)
    through = (times[regular] - span.opening) / (span.closing - 60 - span.opening)
    u = 0.55 + 1.6 * np.exp(-through * 9) + 1.4 * np.exp(-(1 - through) * 8)
    length = (span.closing - 60 - span.opening) / 23_400  # a half day has half the volume
    curve[regular] = (1 - _AUCTION) * length * u / u.sum()
    curve[times == span.closing - 60] = _AUCTION
    early, late = times < span.opening, times >= span.closing
    waiting = (span.opening - times[early]) / 3600.0
    curve[early] = _spread(np.exp(-waiting * 0.75), _PRE * np.exp(0.4 * rng.standard_normal()))
    since = (times[late] - span.closing) / 3600.0
    curve[late] = _spread(np.exp(-since * 1.6), _AFTER * np.exp(0.4 * rng.standard_normal()))
    return curve


def _spread(weights: Array, total: float) -> Array:
    return weights / weights.sum() * total if len(weights) else weights


def _future_curve(times: NDArray[np.int64], span: Span) -> Array:
    """Share of a day per minute: thin at night, a U while the cash market is open."""
    midnight = span.end - span.end % 60 - 17 * 3600  # only full days end at 17:00
    clock = (times - midnight) / 3600.0
    cash = (clock >= 9.5) & (clock < 16)
    curve = np.where(clock < 3, 0.5, 1.0) + 1.5 * np.clip((clock - 7) / 2.5, 0, 1)
    curve = curve / curve[~cash].sum() * _NIGHT if (~cash).any() else curve
    if cash.any():
        through = (clock[cash] - 9.5) / 6.5
        u = 0.55 + 1.6 * np.exp(-through * 9) + 1.1 * np.exp(-(1 - through) * 8)
        curve[cash] = (1 - _NIGHT) * u / u.sum() * min(1.0, cash.sum() / 390)
    return np.asarray(curve)
