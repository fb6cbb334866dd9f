"""What one expiry's option prices say of where its underlying may settle.

outlook(chain, expiry, forward, listed=()) -> Outlook

forward is that expiry's forward, with the rate and dividend yield that go with it
(analytics.forward.Forward), or None where neither quotes nor a spot give one: then nothing
but the listed strikes is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

import numpy as np

from grok_sauce.analytics.black_scholes import Array, norm_pdf
from grok_sauce.analytics.density import Distribution, distribution
from grok_sauce.analytics.implied_volatility import MIN_YEARS, STALE, implied_vol
from grok_sauce.market import sessions
from grok_sauce.market.chain import THOUSANDTHS, Expiry, OptionChain
from grok_sauce.values import dataclass

_FEED_ERROR: Final = 0.003  # how far a volatility that came without quotes may be off
_TICK: Final = 0.005  # points; no quote is known better


class HasForward(Protocol):
    """What is read of analytics.forward.Forward."""

    @property
    def value(self) -> float: ...
    @property
    def basis(self) -> str: ...
    @property
    def rate(self) -> float: ...
    @property
    def dividend_yield(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Outlook:
    """One expiry, looked at as one.

    rows: its contracts. years: to settlement, 0 or less when it has settled, else at least a
    minute. strikes (points, ascending, each once) and vols (fractions, of the
    out-of-the-money side, NaN unknown). atm_iv: between the strikes at the forward. sigma:
    forward * atm_iv * sqrt(years), one standard deviation in points. straddle: call and put
    mid at the strike nearest the forward. settling: the distribution its smile implies, or
    None with the reason in no_settling. Unknown is None.
    """

    rows: OptionChain
    expiry: Expiry
    years: float
    forward: HasForward | None
    strikes: Array
    vols: Array
    atm_iv: float | None
    sigma: float | None
    straddle: float | None
    settling: Distribution | None
    no_settling: str | None

    def vol(self, strike: float) -> float | None:
        """The volatility of a listed strike."""
        value = self.vols[int(np.searchsorted(self.strikes, strike))]
        return float(value) if np.isfinite(value) else None


def outlook(
    chain: OptionChain, expiry: Expiry, forward: HasForward | None, listed: Iterable[int] = ()
) -> Outlook:
    """Look at one expiry of a chain. Volatilities are those of the quotes (market-mid, from the
    out-of-the-money side of each strike), the feed's own where a side has no two-sided quote.

    listed: strikes (thousandths) that exist besides those the chain has contracts of.
    """
    rows = chain.select([expiry])
    strikes = np.union1d(rows.strike, np.fromiter(listed, np.int64)) / THOUSANDTHS
    left = (expiry.settles - chain.as_of) / sessions.YEAR
    years = max(left, MIN_YEARS) if left > 0 else left
    if forward is None or years <= 0 or not len(strikes):
        why = "It has settled." if years <= 0 else "This expiry has no forward yet."
        unknown = np.full(len(strikes), np.nan)
        return Outlook(rows, expiry, years, forward, strikes, unknown, None, None, None, None, why)
    vols, errors = _smile(rows, strikes, forward, years)
    known = np.isfinite(vols)
    atm = None
    if known.any() and strikes[known][0] <= forward.value <= strikes[known][-1]:
        atm = float(np.interp(forward.value, strikes[known], vols[known]))
    try:
        settling, why_not = distribution(strikes, vols, errors, forward.value, years), None
    except ValueError as problem:
        settling, why_not = None, str(problem)
    return Outlook(
        rows,
        expiry,
        years,
        forward,
        strikes,
        vols,
        atm,
        None if atm is None else float(forward.value * atm * years**0.5),
        _straddle(rows, forward.value),
        settling,
        why_not,
    )


def _smile(
    rows: OptionChain, strikes: Array, forward: HasForward, years: float
) -> tuple[Array, Array]:
    """Volatility per strike and how far it may be off."""
    mids = rows.mid
    quoted_at = rows.quote_at
    if np.isfinite(quoted_at).any():
        # After the close all are old together, which is said beside them; a smile of two
        # moments would be of none.
        mids = np.where(quoted_at < np.nanmax(quoted_at) - STALE, np.nan, mids)
    quoted = implied_vol(mids, forward.value, rows.strikes, years, rows.is_call, forward.rate)
    given = np.where(rows.iv > 0, rows.iv, np.nan)
    vols = np.where(np.isfinite(quoted), quoted, given)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = vols * years**0.5
        first = np.log(forward.value / rows.strikes) / spread + spread / 2
        vega = forward.value * norm_pdf(first) * years**0.5
        off = np.maximum((rows.ask - rows.bid) / 2, _TICK) / vega
    errors = np.where(np.isfinite(quoted), off, _FEED_ERROR)
    # A quote that leaves a quarter of the volatility open says nothing about the smile.
    errors = np.where(errors < vols / 4, errors, np.nan)
    return _one_side(rows, strikes, forward.value, vols, errors)


def _one_side(
    rows: OptionChain, strikes: Array, forward: float, vols: Array, errors: Array
) -> tuple[Array, Array]:
    """Per strike what its out-of-the-money contract says: the other side is mostly intrinsic."""
    place = np.searchsorted(strikes, rows.strikes)
    outside = rows.is_call == (rows.strikes >= forward)
    found = np.full((2, len(strikes)), np.nan)
    found[0, place[outside]] = vols[outside]
    found[1, place[outside]] = errors[outside]
    return found[0], found[1]


def _straddle(rows: OptionChain, forward: float) -> float | None:
    if not len(rows):
        return None
    nearest = rows.strike[np.argmin(np.abs(rows.strikes - forward))]
    here = rows.strike == nearest
    call, put = rows.mid[here & rows.is_call], rows.mid[here & ~rows.is_call]
    if len(call) != 1 or len(put) != 1 or not np.isfinite(call[0] + put[0]):
        return None
    return float(call[0] + put[0])
