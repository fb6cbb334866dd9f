"""Implied volatilities from prices, whole chains at a time; NaN where a price implies none.

implied_vol(price, forward, strike, years, is_call, rate=0.0) -> Array
explain(price, forward, strike, years, is_call, rate=0.0, ...) -> [reason | None, ...]
chain_vols(chain, forwards) -> ChainVols      of a chain's fresh quotes, per contract

A price that implies no volatility never gets one: a made-up 20 % would be made-up gamma.
Units: prices, forward and strike in points, years of 365 days, volatilities as fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from grok_sauce.analytics.black_scholes import Array
from grok_sauce.analytics.normalised_black import total_volatility
from grok_sauce.analytics.pairs import Pairs, pair_up
from grok_sauce.market import sessions
from grok_sauce.market.chain import Bools, Floats, OptionChain

Reason = Literal["unknown", "expired", "below_intrinsic", "above_max", "low_quality"]

MIN_YEARS: Final = 60.0 / sessions.YEAR  # options in their last minute count as a minute away
STALE: Final = 900.0  # seconds after which a quote or a greek is no longer used
THIN: Final = 1e-8  # time value below this share of the forward is noise
WIDE: Final = 0.5  # so is a spread above this share of the mid, beyond two ticks

_REASONS: Final[tuple[Reason | None, ...]] = (
    None,
    "low_quality",
    "below_intrinsic",
    "above_max",
    "expired",
    "unknown",
)
_FINE, _LOW_QUALITY, _BELOW, _ABOVE, _EXPIRED, _UNKNOWN = range(6)
# Time value of an in-the-money option is a difference of larger numbers: this much is rounding.
_ROUNDING: Final = 8 * np.finfo(np.float64).eps


class HasForward(Protocol):
    """What is needed of a Forward (analytics/forward.py)."""

    @property
    def value(self) -> float: ...

    @property
    def rate(self) -> float: ...


class ChainVols(NamedTuple):
    """Implied volatilities per contract of a chain, NaN where there is none.

    vol: of the out-of-the-money side of the contract's expiry and strike (calls from the
    forward up, puts below), the one to use for both sides. own: of the contract's own mid.
    low_quality: vol is there but comes from a nearly worthless or widely quoted contract;
    fit for a picture, not for levels.
    """

    vol: Array
    own: Array
    low_quality: Bools


class _Problem(NamedTuple):
    """Inputs as flat arrays, and what is left once price and formula are normalised."""

    shape: tuple[int, ...]
    years: Array
    x: Array
    time_value: Array
    headroom: Array  # undiscounted distance to the highest possible price
    root: Array  # sqrt(forward * strike)
    codes: Any  # int8, index into _REASONS


def _problem(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    is_call: Any,
    rate: ArrayLike,
) -> _Problem:
    arrays = [np.asarray(each, dtype=np.float64) for each in (price, forward, strike, years, rate)]
    shape = np.broadcast_shapes(*(each.shape for each in arrays), np.shape(is_call))
    p, f, k, t, r = (np.broadcast_to(each, shape).ravel() for each in arrays)
    call = np.broadcast_to(np.asarray(is_call, dtype=bool), shape).ravel()
    with np.errstate(all="ignore"):
        undiscounted = p * np.exp(r * t)
        intrinsic = np.maximum(np.where(call, f - k, k - f), 0.0)
        time_value = undiscounted - intrinsic
        headroom = np.where(call, f, k) - undiscounted
        low, high = np.minimum(f, k), np.maximum(f, k)
        x = -np.log1p((high - low) / low)  # no rounding of a ratio near 1
        known = (low > 0) & np.isfinite(high) & np.isfinite(undiscounted) & (t == t)
        floor = np.where(intrinsic > 0, _ROUNDING * undiscounted, 0.0)
        codes = np.zeros(len(p), dtype=np.int8)
        codes[time_value < THIN * f] = _LOW_QUALITY
        codes[time_value <= floor] = _BELOW
        codes[headroom <= 0] = _ABOVE
        codes[t <= 0] = _EXPIRED
        codes[~known] = _UNKNOWN
        return _Problem(shape, t, x, time_value, headroom, np.sqrt(f) * np.sqrt(k), codes)


def implied_vol(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    is_call: Any,
    rate: ArrayLike = 0.0,
) -> Array:
    """Black's volatility of each price; arguments broadcast, the result has their shape.

    price is the discounted one, as quoted; forward and strike belong to the same expiry.
    NaN where explain() gives a reason other than low_quality. Prices round-trip to a few
    units of the last place wherever the price itself says so much.

    >>> round(float(implied_vol(5.876024233827607, 100 * 2.718281828459045**0.005, 100, 0.5,
    ...                         True, 0.01)), 12)
    0.2
    """
    problem = _problem(price, forward, strike, years, is_call, rate)
    return _solve(problem).reshape(problem.shape)


def _solve(problem: _Problem) -> Array:
    result = np.full(len(problem.codes), np.nan)
    good = np.flatnonzero(problem.codes <= _LOW_QUALITY)
    if len(good):
        root = problem.root[good]
        total = total_volatility(
            problem.x[good], problem.time_value[good] / root, problem.headroom[good] / root
        )
        result[good] = total / np.sqrt(problem.years[good])
    return result


def explain(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    is_call: Any,
    rate: ArrayLike = 0.0,
    *,
    spread: ArrayLike = np.nan,
    tick: float = 0.05,
) -> list[Reason | None]:
    """Why implied_vol has no volatility for a price, or one that deserves no trust.

    One entry per element of the flattened broadcast arguments: None (sound), "unknown" (a
    price or a term is missing or not above 0), "expired", "below_intrinsic" (no time value),
    "above_max" (at or above what the option can ever be worth), "low_quality" (time value
    below 1e-8 of the forward; or spread, where given, above half of the price and two ticks).

    >>> explain([1.0, 0.9, 120.0, float("nan")], 100, [99, 99.5, 99, 99], 0.1, True)
    ['below_intrinsic', None, 'above_max', 'unknown']
    """
    codes = _problem(price, forward, strike, years, is_call, rate).codes
    wide = _is_wide(np.asarray(spread), np.asarray(price), tick)
    codes[np.broadcast_to(wide, codes.shape) & (codes == _FINE)] = _LOW_QUALITY
    return [_REASONS[code] for code in codes]


def _is_wide(spread: Any, price: Any, tick: float) -> Any:
    with np.errstate(invalid="ignore"):
        # Half a cent of slack: quotes are sums of ticks that binary fractions cannot hold.
        return (spread > WIDE * price) & (spread > 2 * tick + 1e-9)


def tick_of(chain: OptionChain) -> float:
    """0.01 when any quote of the chain is not a multiple of 0.05, else 0.05."""
    nickels = np.concatenate([chain.bid, chain.ask]) * 20.0
    nickels = nickels[np.isfinite(nickels)]
    off = np.abs(nickels - np.round(nickels)) > 1e-6
    return 0.01 if bool(off.any()) else 0.05


def fresh_mids(chain: OptionChain, stale: float = STALE) -> Floats:
    """Mid per contract where bid > 0, ask >= bid and the quote is at most stale seconds old."""
    with np.errstate(invalid="ignore"):
        return np.where(chain.as_of - chain.quote_at <= stale, chain.mid, np.nan)


def chain_vols(
    chain: OptionChain,
    forwards: Sequence[HasForward | None],
    *,
    pairs: Pairs | None = None,
    both_sides: bool = True,
    stale: float = STALE,
) -> ChainVols:
    """Volatilities of a chain's fresh quotes, one forward (or None) per chain.expiries.

    Inverts the out-of-the-money side of each strike, because an in-the-money option's time
    value drowns in its price. both_sides=False leaves own NaN for the other half, which
    takes half the time. Options in their last minute count as one minute away.
    """
    pairs = pair_up(chain) if pairs is None else pairs
    if not len(chain):
        return ChainVols(np.empty(0), np.empty(0), np.empty(0, dtype=np.bool_))
    values = np.array([each.value if each else np.nan for each in forwards], dtype=np.float64)
    rates = np.array([each.rate if each else np.nan for each in forwards], dtype=np.float64)
    strikes, years, mid = chain.strikes, chain.years(), fresh_mids(chain, stale)
    years = np.where(years > 0, np.maximum(years, MIN_YEARS), years)
    outside = chain.is_call == (strikes >= values[chain.expiry])
    chosen = np.flatnonzero(np.isfinite(mid) & (outside | both_sides))
    expiry = chain.expiry[chosen]
    problem = _problem(
        mid[chosen], values[expiry], strikes[chosen], years[chosen], chain.is_call[chosen],
        rates[expiry],
    )  # fmt: skip
    wide = _is_wide((chain.ask - chain.bid)[chosen], mid[chosen], tick_of(chain))
    own, low = np.full(len(chain), np.nan), np.zeros(len(chain), dtype=np.bool_)
    own[chosen] = _solve(problem)
    low[chosen] = (problem.codes == _LOW_QUALITY) | (wide & (problem.codes == _FINE))
    place = np.where(pairs.strike >= values[pairs.expiry], pairs.call, pairs.put)[pairs.row]
    listed = place >= 0
    return ChainVols(np.where(listed, own[place], np.nan), own, listed & low[place])
