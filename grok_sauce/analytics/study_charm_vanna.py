"""Charm and vanna of the dealers' book, in contracts of the future they would hedge with.

charm_vanna(prepared, scale) -> CharmVanna

Needs numpy. prepared is gex.prepare(...)'s: the same contracts, greeks, rates and forwards as
all exposures of that chain.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from grok_sauce.analytics.black_scholes import d1, norm_cdf
from grok_sauce.analytics.gex_lines import Array, Mask, Prepared
from grok_sauce.analytics.study_card import Card
from grok_sauce.analytics.study_futures import FuturesScale, in_contracts
from grok_sauce.market import sessions
from grok_sauce.values import dataclass

LEAST: Final = 10  # contracts with open interest and greeks
HORIZONS: Final = (30, 60, 120, 240)  # minutes ahead
NEAR: Final = 2.0  # hours to settlement below which a rate of charm is not to be relied on
NEUTRAL: Final = 1_000_000.0  # $ of delta per volatility point
HOURS: Final = 365.0 * 24.0

CHARM: Final = Card(
    key="charm",
    label="Charm",
    unit="futures contracts per hour",
    sign="positive: the dealers' delta grows as time passes; to stay hedged they sell as many",
    source="d delta / d time of Black-Scholes-Merton x open interest x multiplier, calls less "
    "puts; ahead: delta priced anew at that time, spot and volatility held",
    caveat="The dealers' side is a model (long calls, short puts). A rate says little for "
    "contracts within 2 hours of their settlement: read the change ahead instead, which is "
    "finite. Nobody knows when hedges are traded. Hours of the calendar, nights included.",
)
VANNA: Final = Card(
    key="vanna",
    label="Vanna",
    unit="futures contracts per volatility point",
    sign="positive: the dealers' delta grows when volatility rises by one point; to stay hedged "
    "they sell as many, and buy as many when it falls by one",
    source="d delta / d volatility of Black-Scholes-Merton, -e^(-qT) phi(d1) d2 / sigma, x 0.01 "
    "x open interest x multiplier, calls less puts",
    caveat="The dealers' side is a model (long calls, short puts). All volatilities are moved by "
    "the same point; in truth near ones move more than far ones. Below 1 million $ of delta a "
    "point it is called neutral.",
)


@dataclass(frozen=True, slots=True)
class Ahead:
    """How far the dealers' delta will have moved by then, spot and volatility unchanged.

    minutes: from now. dollars: $ per point of the underlying. contracts: of the future, None
    without its price. settled: contracts that will have settled by then, at what they pay.
    """

    minutes: float
    dollars: float
    contracts: float | None
    settled: int


@dataclass(frozen=True, slots=True)
class CharmVanna:
    """Charm and vanna of one book. Positive: the dealers' own delta grows; hedges are opposite.

    charm_dollars: $ per point of the underlying, an hour. charm: the same in futures. ahead:
    changes until HORIZONS and, last, until the next settlement. near: share of the charm,
    added without signs, of contracts within 2 hours of settlement; unreliable: it is half or
    more. hours: until the next settlement. vanna_dollars: $ of delta per volatility point.
    vanna: futures per volatility point. word: of vanna. n: contracts counted. In futures
    None without a price of the future; all None where reason says why.
    """

    charm_dollars: float | None
    charm: float | None
    ahead: tuple[Ahead, ...]
    near: float | None
    unreliable: bool | None
    hours: float | None
    vanna_dollars: float | None
    vanna: float | None
    word: Literal["grows", "shrinks", "neutral"] | None
    n: int
    reason: str | None


def charm_vanna(prepared: Prepared, scale: FuturesScale | None) -> CharmVanna:
    """Charm and vanna by open interest, calls counted + and puts -.

    The five strikes of the worked example in docs/gex.md, on /ES at 50 and point for point:
    vanna is 200,962,194 $ of delta per volatility point, at 6,000 that is 33,493.7 $ per point
    or +669.9 contracts; charm -299,986,564 $ of delta a day, -1,000.0 contracts a day or
    -41.7 an hour.
    """
    known = prepared.used & (prepared.oi > 0) & ~np.isnan(prepared.vanna + prepared.charm)
    n = int(np.count_nonzero(known))
    spot = prepared.spot
    if prepared.refused or spot is None or n < LEAST:
        none = (None,) * 3
        return CharmVanna(None, None, (), *none, *none, n, _reason(prepared, n))
    held = np.where(prepared.chain.is_call, 1.0, -1.0) * prepared.oi * prepared.chain.multiplier
    weights = np.where(known, held, 0.0)
    charms = np.where(known, prepared.charm, 0.0) * weights / HOURS
    charm = float(charms.sum())
    vanna = float((np.where(known, prepared.vanna, 0.0) * weights).sum()) * 0.01
    years = prepared.chain.years()
    hours = float(np.min(years[known])) * HOURS
    sizes = np.abs(charms)
    whole = float(sizes.sum())
    share = float(sizes[years < NEAR / HOURS].sum()) / whole if whole > 0 else None
    word: Literal["grows", "shrinks", "neutral"] = "grows" if vanna > 0 else "shrinks"
    minutes = sorted({*map(float, HORIZONS), hours * 60})
    return CharmVanna(
        charm_dollars=charm,
        charm=None if scale is None else in_contracts(charm, scale),
        ahead=tuple(_ahead(prepared, known, weights, each, scale) for each in minutes),
        near=share,
        unreliable=share is not None and share >= 0.5,
        hours=hours,
        vanna_dollars=vanna * spot,
        vanna=None if scale is None else in_contracts(vanna, scale),
        word="neutral" if abs(vanna * spot) < NEUTRAL else word,
        n=n,
        reason=None,
    )


def _reason(prepared: Prepared, n: int) -> str:
    if prepared.refused == "vix_needs_future":
        return "Options on VIX are priced on a future each, not on the index"
    if prepared.refused or prepared.spot is None:
        return "No price of the underlying"
    return f"{n} contract{'' if n == 1 else 's'} with greeks and open interest; {LEAST} are needed"


def _ahead(
    prepared: Prepared,
    known: Mask,
    weights: Array,
    minutes: float,
    scale: FuturesScale | None,
) -> Ahead:
    passed = minutes * 60 / sessions.YEAR
    later = prepared.chain.years() - passed
    over = later <= 1e-12  # years; a thirtieth of a millisecond: the settlement itself
    moved = np.where(over, _settled(prepared), _deltas(prepared, later)) - prepared.delta
    dollars = float((np.where(known, moved, 0.0) * weights).sum())
    contracts = None if scale is None else in_contracts(dollars, scale)
    return Ahead(minutes, dollars, contracts, int(np.count_nonzero(known & over)))


def _deltas(prepared: Prepared, years: Array) -> Array:
    """Delta with so much time left; NaN where there is none."""
    yields = prepared.rate - prepared.carry
    sign = np.where(prepared.chain.is_call, 1.0, -1.0)
    left = np.where(years > 0, years, np.nan)
    spot = np.nan if prepared.spot is None else prepared.spot
    first = d1(spot, prepared.chain.strikes, left, prepared.vol, prepared.rate, yields)
    return np.asarray(sign * np.exp(-yields * left) * norm_cdf(sign * first))


def _settled(prepared: Prepared) -> Array:
    """Delta of what is settled at this spot: 1, 0 or -1, half way exactly at the strike."""
    strike = prepared.chain.strikes
    spot = np.nan if prepared.spot is None else prepared.spot
    put = np.where(prepared.chain.is_call, 0.0, 1.0)
    below = np.where(strike == spot, 0.5, (strike < spot).astype(np.float64))
    return np.asarray(below - put)
