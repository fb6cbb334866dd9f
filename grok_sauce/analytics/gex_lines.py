"""Which contracts of a chain count towards its exposures, and their greeks at its spot.

prepare(chain, rates, forwards, gamma="model", stale=900.0) -> Prepared
prepared.by_strike(values) -> Sides      call and put sums of any column on the strikes axis

Needs numpy. Every array per contract has the chain's own length and order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grok_sauce.analytics.black_scholes import norm_cdf
from grok_sauce.market import sessions
from grok_sauce.market.chain import THOUSANDTHS, OptionChain
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.analytics.forward import Forward, Rates

Array = NDArray[np.float64]
Places = NDArray[np.intp]
Mask = NDArray[np.bool_]
GammaSource = Literal["model", "feed", "file"]
Refusal = Literal["no_spot", "vix_needs_future"]

FLOOR: Final = 60.0  # seconds; nearer to settlement the greeks of this moment are used
MAX_GAMMA: Final = 10.0  # what claims to be above is no gamma
MAX_VOL: Final = 5.0  # 500 %
_ONE_OVER_SQRT_2PI: Final = 0.3989422804014327
# Why a contract is left out. Of two reasons the later one is given: no_oi stands alone, because
# a contract that lacks nothing else still counts by volume.
_ORDER: Final = ("no_oi", "stale", "no_iv", "non_standard", "bad", "expired")
REASONS: Final = ("expired", "no_iv", "no_oi", "stale", "bad", "non_standard")


class Sides(NamedTuple):
    """Sums over the calls and over the puts of each strike of an axis."""

    call: Array
    put: Array

    @property
    def net(self) -> Array:
        """Calls less puts: the dealers' side in the usual model."""
        return self.call - self.put

    @property
    def gross(self) -> Array:
        """Calls and puts together."""
        return self.call + self.put


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chain, judged contract by contract. Nobody changes the arrays.

    spot: points; None when the chain has none, and then `refused` says so ("no_spot"), as it
    does for options on VIX, which are priced on a future each ("vix_needs_future").
    source: whose gamma it is. strikes: points, ascending, of all contracts that have not
    settled, whether used or not; place: index into it per contract (0 where settled).

    live: not settled. used: counts in every total. priced: gamma is known though open
    interest may not be (for sums by volume). flips: has all that re-pricing needs.
    years: to settlement, at least 60 s (NaN where settled), `floored` contracts were nearer.
    rate, carry: per year, continuous; carry = ln(forward / spot) / years.
    vol: the volatility, NaN where there is none to use. oi, volume: contracts, NaN unknown.
    gamma, delta, vanna (per 1.00 of volatility), charm (per year): at spot and as_of, NaN
    unknown. charm_to_close: what delta will have changed by when the contract settles, spot
    and volatility unchanged: it stays finite where charm does not.

    excluded: contracts by reason; with `used` they make up all, unless refused. coverage:
    contracts used with open interest, of those that have some or may have; None where none
    can.
    """

    chain: OptionChain
    rates: Rates
    source: GammaSource
    spot: float | None
    refused: Refusal | None
    strikes: Array
    place: Places
    live: Mask
    used: Mask
    priced: Mask
    flips: Mask
    years: Array
    floored: int
    rate: Array
    carry: Array
    vol: Array
    oi: Array
    volume: Array
    gamma: Array
    delta: Array
    vanna: Array
    charm: Array
    charm_to_close: Array
    excluded: Mapping[str, int]
    coverage: float | None

    @property
    def contracts(self) -> int:
        """All contracts of the chain, settled ones too."""
        return len(self.chain)

    def by_strike(self, values: Array) -> Sides:
        """Sum a column over the contracts of each strike that have not settled.

        values: one per contract; NaN adds nothing.
        """
        return _by_strike(self, np.where(self.live & ~np.isnan(values), values, 0.0))

    def zero_dte(self) -> Mask:
        """Contracts that expire on the New York date of as_of and have not settled."""
        today = sessions.new_york_date(self.chain.as_of)
        due = np.array([expiry.day == today for expiry in self.chain.expiries], dtype=np.bool_)
        return due[self.chain.expiry] & self.live if len(due) else self.live


def _by_strike(prepared: Prepared, values: Array) -> Sides:
    size = len(prepared.strikes)
    side = np.where(prepared.chain.is_call, 0, size)
    sums: Array = np.bincount(prepared.place + side, values, 2 * size).astype(np.float64)
    return Sides(sums[:size], sums[size : 2 * size])


def _refusal(chain: OptionChain, spot: float | None) -> Refusal | None:
    """Why nothing can be worked out of this chain at all."""
    if chain.symbol == "VIX":
        return "vix_needs_future"
    return "no_spot" if spot is None else None


def _as_given(chain: OptionChain, greeks: _Greeks) -> _Greeks:
    """The chain's own gamma where it can be one, and its delta where none was worked out."""
    known = (chain.gamma >= 0) & (chain.gamma <= MAX_GAMMA)
    given = np.where(np.abs(chain.delta) <= 1, chain.delta, np.nan)
    delta = np.where(np.isnan(greeks.delta), given, greeks.delta)
    return greeks._replace(gamma=np.where(known, chain.gamma, np.nan), delta=delta)


def prepare(
    chain: OptionChain,
    rates: Rates,
    forwards: Sequence[Forward | None] | None = None,
    gamma: GammaSource = "model",
    stale: float = 900.0,
) -> Prepared:
    """Judge every contract and work out the greeks of those that can be used.

    forwards: one per chain.expiries, None where not known: then the carry is the rates' own.
    On a future nothing but parity gives one (Black-76: the forward is the price). gamma:
    "model" re-computes it from the contract's volatility, "feed" and "file" take the one
    that came with the chain. stale: seconds after which greeks no longer count (those
    without a time do).
    """
    settles = chain.settles()
    live = settles > chain.as_of
    years = np.where(live, settles - chain.as_of, np.nan)
    floored = int(np.count_nonzero(years < FLOOR))
    years = np.maximum(years, FLOOR) / sessions.YEAR
    spot = chain.spot if chain.spot is not None and 0 < chain.spot < np.inf else None
    refused = _refusal(chain, spot)
    usable = np.nan if refused or spot is None else spot
    rate, carry = _carries(chain, rates, forwards, years, usable)
    vol = np.where((chain.iv > 0) & (chain.iv <= MAX_VOL), chain.iv, np.nan)
    strike = np.where(chain.strike > 0, chain.strikes, np.nan)
    terms = (usable, strike, years, vol, chain.is_call, rate, carry)
    greeks = _greeks(*terms)
    if gamma != "model":
        greeks = _as_given(chain, greeks)
    verdict = _judge(chain, live, vol if gamma == "model" else greeks.gamma, stale)
    sound = (verdict == 0) | (verdict == 1 + _ORDER.index("no_oi"))
    if refused:
        sound = np.zeros(len(chain), dtype=np.bool_)
    used = sound & (verdict == 0)
    flips = used & ~np.isnan(vol)
    if gamma != "model" and not refused:
        flips = _judge(chain, live, vol, stale) == 0
    axis = np.unique(chain.strike[live])
    counts = np.bincount(verdict, minlength=1 + len(_ORDER))
    return Prepared(
        chain=chain,
        rates=rates,
        source=gamma,
        spot=spot,
        refused=refused,
        strikes=axis / THOUSANDTHS,
        place=np.where(live, np.searchsorted(axis, chain.strike), 0),
        live=live,
        used=used,
        priced=sound & ~np.isnan(greeks.gamma),
        flips=flips,
        years=years,
        floored=floored,
        rate=rate,
        carry=carry,
        vol=vol,
        oi=np.where(chain.oi >= 0, chain.oi, np.nan),
        volume=np.where((chain.volume >= 0) & (chain.volume < np.inf), chain.volume, np.nan),
        excluded={name: int(counts[1 + _ORDER.index(name)]) for name in REASONS},
        coverage=coverage(chain, live, used),
        **greeks._asdict(),
    )


def reasons(prepared: Prepared, stale: float = 900.0) -> list[str | None]:
    """Per contract why it is left out, one of REASONS; None where it counts."""
    priced_by = prepared.vol if prepared.source == "model" else prepared.gamma
    words = (None, *_ORDER)
    verdict = _judge(prepared.chain, prepared.live, priced_by, stale)
    return [words[code] for code in verdict.tolist()]


def coverage(chain: OptionChain, asked: Mask, known: Mask) -> float | None:
    """Share of the contracts asked for that are known, of those with open interest.

    A contract whose open interest is not known may have some and so counts as not known.
    None where no contract can have any.
    """
    held = asked & ~(chain.oi == 0)
    of = int(np.count_nonzero(held))
    return int(np.count_nonzero(held & known)) / of if of else None


def _judge(chain: OptionChain, live: Mask, priced_by: Array, stale: float) -> NDArray[np.intp]:
    """Per contract 0 to use it, else 1 + the place of the reason in _ORDER."""
    with np.errstate(invalid="ignore"):
        wrong = (chain.strike <= 0) | (chain.oi < 0) | np.isinf(chain.oi)
        wrong |= (chain.gamma < 0) | (chain.gamma > MAX_GAMMA)
        # A volatility beyond belief says nothing against a gamma that came with the chain.
        wrong |= (chain.iv < 0) | ((chain.iv > MAX_VOL) & np.isnan(priced_by))
        wrong |= (chain.multiplier <= 0) | np.isinf(chain.multiplier)
        old = chain.as_of - chain.greeks_at > stale
    found = {
        "stale": old,
        "no_oi": np.isnan(chain.oi),
        "no_iv": np.isnan(priced_by),
        "non_standard": np.isnan(chain.multiplier),
        "bad": wrong,
        "expired": ~live,
    }
    verdict = np.zeros(len(chain), dtype=np.intp)
    for code, name in enumerate(_ORDER, start=1):
        verdict[found[name]] = code
    return verdict


def _carries(
    chain: OptionChain,
    rates: Rates,
    forwards: Sequence[Forward | None] | None,
    years: Array,
    spot: float,
) -> tuple[Array, Array]:
    """(rate, carry) per contract; the carry takes spot to the forward in exactly `years`."""
    size = len(chain.expiries)
    on_future = chain.symbol.startswith("/")
    own = 0.0 if on_future else rates.rate - rates.dividend_yield
    rate = np.full(size, rates.rate)
    ratio = np.full(size, np.nan)
    for place, forward in enumerate(forwards or ()):
        if forward is None or (on_future and forward.basis != "parity"):
            continue
        if 0 < forward.value < np.inf:
            rate[place], ratio[place] = forward.rate, forward.value / spot
    if not size:
        return np.empty(0), np.empty(0)
    growth = np.log(ratio)[chain.expiry]
    carry = np.where(np.isnan(growth), own, growth / years)
    return rate[chain.expiry], carry


class _Greeks(NamedTuple):
    gamma: Array
    delta: Array
    vanna: Array
    charm: Array
    charm_to_close: Array


def _greeks(
    spot: float, strike: Array, years: Array, vol: Array, is_call: Mask, rate: Array, carry: Array
) -> _Greeks:
    """The greeks of black_scholes that are wanted here, with each distribution taken once."""
    spread = vol * np.sqrt(years)
    first = (np.log(spot / strike) + carry * years) / spread + 0.5 * spread
    second = first - spread
    yields = rate - carry
    carried = np.exp(-yields * years)
    density = carried * np.exp(-0.5 * first * first) * _ONE_OVER_SQRT_2PI
    sign = np.where(is_call, 1.0, -1.0)
    delta = sign * carried * norm_cdf(sign * first)
    moved = 2.0 * carry * years - second * spread
    settled = np.where(strike == spot, 0.5, strike < spot) - np.where(is_call, 0.0, 1.0)
    return _Greeks(
        gamma=density / (spot * spread),
        delta=delta,
        vanna=-density * second / vol,
        charm=yields * delta - density * moved / (2.0 * years * spread),
        charm_to_close=settled - delta,
    )
