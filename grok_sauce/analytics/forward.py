"""Forward price per expiry: from put-call parity where quotes allow it, else from the rates.

Rates(rate, dividend_yield, rate_source, rate_date)      what the settings or a source say
Forward(value, basis, strikes, rate, dividend_yield)     what is used for one expiry
forwards(chain, rates) -> (Forward | None, ...)          one per chain.expiries
"""

from __future__ import annotations

import math
from statistics import median
from typing import Final, Literal

import numpy as np

from grok_sauce.analytics.implied_volatility import MIN_YEARS, STALE, fresh_mids
from grok_sauce.analytics.pairs import Pairs, pair_up
from grok_sauce.market import sessions
from grok_sauce.market.chain import Floats, OptionChain
from grok_sauce.values import dataclass

STRIKES: Final = 5  # parity is asked at this many strikes nearest the money, at most
NEAR: Final = 0.05  # |call - put| up to this share of the strike is near the money
# Their options are priced on a future of their own expiry: the spot says nothing about it.
_SPOT_IS_NOT_CARRIED: Final = frozenset({"VIX"})


@dataclass(frozen=True, slots=True)
class Rates:
    """Rate and dividend yield, continuously compounded per year, and where the rate is from."""

    rate: float
    dividend_yield: float
    rate_source: str = "setting"
    rate_date: str | None = None


@dataclass(frozen=True, slots=True)
class Forward:
    """The forward of one expiry in points, and how it was found.

    basis: "parity" (quotes of calls and puts at strikes), "rates" (spot carried at rate and
    dividend_yield), "spot_frozen" (the same from a spot that stands still).
    dividend_yield is the one that carries the spot to value, so under parity implied from
    both and at short terms no forecast of dividends; None where the spot is not known.
    """

    value: float
    basis: Literal["parity", "rates", "spot_frozen"]
    strikes: tuple[float, ...]
    rate: float
    dividend_yield: float | None


def forwards(
    chain: OptionChain, rates: Rates, *, pairs: Pairs | None = None, stale: float = STALE
) -> tuple[Forward | None, ...]:
    """The forward of every expiry of the chain; None once settled, or with nothing to go by.

    Parity: F = K + e^(rT) (C - P), the median over the up to five strikes where |C - P| is
    smallest, of fresh two-sided quotes near the money. It needs neither spot nor dividends.
    """
    pairs = pair_up(chain) if pairs is None else pairs
    years = [sessions.years_to(expiry.settles, chain.as_of) for expiry in chain.expiries]
    mid = fresh_mids(chain, stale)
    gap = pairs.calls(mid) - pairs.puts(mid)
    found = []
    for place, t in enumerate(years):
        rows = pairs.within(place)
        strikes, growth = pairs.strike[rows], math.exp(rates.rate * t)
        quoted = _near_the_money(strikes, gap[rows], growth) if t > 0 else ()
        found.append(_forward(chain, rates, t, quoted, stale) if t > 0 else None)
    return tuple(found)


def _near_the_money(strikes: Floats, gap: Floats, growth: float) -> tuple[tuple[float, float], ...]:
    """(strike, forward by parity) at the strikes with the smallest |call - put|, by strike."""
    size = np.abs(gap)
    with np.errstate(invalid="ignore"):
        near = np.flatnonzero(size <= NEAR * strikes)
    best = near[np.argsort(size[near], kind="stable")[:STRIKES]]
    return tuple(
        sorted(zip(strikes[best].tolist(), (strikes + growth * gap)[best].tolist(), strict=True))
    )


def _forward(
    chain: OptionChain,
    rates: Rates,
    years: float,
    quoted: tuple[tuple[float, float], ...],
    stale: float,
) -> Forward | None:
    years = max(years, MIN_YEARS)
    spot = chain.spot if chain.spot is not None and chain.spot > 0 else None
    if quoted:
        value = median(each for _, each in quoted)
        implied = rates.rate - math.log(value / spot) / years if spot else None
        return Forward(value, "parity", tuple(strike for strike, _ in quoted), rates.rate, implied)
    if spot is None or chain.symbol in _SPOT_IS_NOT_CARRIED:
        return None
    value = spot * math.exp((rates.rate - rates.dividend_yield) * years)
    basis: Literal["rates", "spot_frozen"] = "spot_frozen" if _frozen(chain, stale) else "rates"
    return Forward(value, basis, (), rates.rate, rates.dividend_yield)


def _frozen(chain: OptionChain, stale: float) -> bool:
    if chain.spot_basis == "close":
        return True
    return chain.spot_at is not None and chain.as_of - chain.spot_at > stale
