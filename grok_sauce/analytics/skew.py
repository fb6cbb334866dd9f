"""The volatility smile of each expiry, and the few numbers that sum it up.

smile(chain, expiry_index, forward) -> Smile | None
smiles(chain, forwards) -> (Smile | None, ...)      all expiries at once, in one go
atm_iv(smile), risk_reversal_25(smile), skew_slope(smile) -> float | None
term_structure(chain, forwards) -> [dict, ...]      one per expiry still ahead
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from grok_sauce.analytics.black_scholes import Array
from grok_sauce.analytics.expected_move import expected_move
from grok_sauce.analytics.forward import Forward
from grok_sauce.analytics.implied_volatility import MIN_YEARS, STALE, chain_vols, fresh_mids
from grok_sauce.analytics.pairs import Pairs, pair_up
from grok_sauce.market import sessions
from grok_sauce.market.chain import Bools, Ints, OptionChain
from grok_sauce.values import dataclass

# N(d) = 0.25 and N(d) = 0.10; N(0) = 0.5.
_D_25: Final = -0.6744897501960817
_D_10: Final = -1.2815515655446004
SLOPE_POINTS: Final = 3  # fewer make no slope


@dataclass(frozen=True, slots=True)
class Smile:
    """Volatilities (fractions, NaN where unknown) of one expiry by strike, ascending.

    call_iv, put_iv: each side's own. otm_iv: the call's from the forward up, the put's below;
    what the numbers below are made of. from_quotes: otm_iv is implied by a fresh quote here;
    elsewhere it is the source's own figure. sound: not of a nearly worthless or widely quoted
    contract; only sound points count in the numbers. forward in points, years to settlement.
    """

    strikes: Array
    call_iv: Array
    put_iv: Array
    otm_iv: Array
    from_quotes: Bools
    sound: Bools
    forward: float
    years: float


def smile(
    chain: OptionChain, expiry_index: int, forward: Forward | None, *, stale: float = STALE
) -> Smile | None:
    """The smile of one expiry; None without a forward or once it has settled."""
    alone: list[Forward | None] = [None] * len(chain.expiries)
    alone[expiry_index] = forward
    return smiles(chain, alone, stale=stale)[expiry_index]


def smiles(
    chain: OptionChain,
    forwards: Sequence[Forward | None],
    *,
    pairs: Pairs | None = None,
    both_sides: bool = True,
    stale: float = STALE,
) -> tuple[Smile | None, ...]:
    """The smile of every expiry that has a forward, each strike listed on either side.

    A volatility is implied from the contract's quote if that is fresh, else it is the
    source's own if that is; seconds until stale. both_sides=False takes half the time and
    leaves the in-the-money halves of call_iv and put_iv to the source.
    """
    pairs = pair_up(chain) if pairs is None else pairs
    vols = chain_vols(chain, forwards, pairs=pairs, both_sides=both_sides, stale=stale)
    with np.errstate(invalid="ignore"):
        usable = (chain.iv > 0) & (chain.as_of - chain.greeks_at <= stale)
    own = np.where(np.isfinite(vols.own), vols.own, np.where(usable, chain.iv, np.nan))
    call_iv, put_iv = pairs.calls(own), pairs.puts(own)
    found: list[Smile | None] = []
    for place, forward in enumerate(forwards):
        years = sessions.years_to(chain.expiries[place].settles, chain.as_of)
        if forward is None or years <= 0:
            found.append(None)
            continue
        rows = pairs.within(place)
        calls_count = pairs.strike[rows] >= forward.value
        places = np.where(calls_count, pairs.call[rows], pairs.put[rows])
        found.append(
            Smile(
                strikes=pairs.strike[rows],
                call_iv=call_iv[rows],
                put_iv=put_iv[rows],
                otm_iv=np.where(calls_count, call_iv[rows], put_iv[rows]),
                from_quotes=_at(np.isfinite(vols.own), places),
                sound=~_at(vols.low_quality, places),
                forward=forward.value,
                years=max(years, MIN_YEARS),
            )
        )
    return tuple(found)


def _at(flags: Bools, places: Ints) -> Bools:
    """The flags of contracts at these positions; False for -1, a side that is not listed."""
    if not len(flags):
        return np.zeros(len(places), dtype=np.bool_)
    return np.asarray((places >= 0) & flags[places])


class _Points(NamedTuple):
    """The sound points of a smile, ascending by log-moneyness ln(K/F).

    d: N(d) is |delta| of the out-of-the-money side, to the forward and undiscounted.
    """

    moneyness: Array
    vol: Array
    d: Array
    years: float


def _points(smile: Smile) -> _Points:
    known = np.isfinite(smile.otm_iv) & smile.sound
    vol = smile.otm_iv[known]
    moneyness = np.log(smile.strikes[known] / smile.forward)
    spread = vol * math.sqrt(smile.years)
    side = np.where(moneyness >= 0, 1.0, -1.0)
    return _Points(moneyness, vol, side * (0.5 * spread - moneyness / spread), smile.years)


def atm_iv(smile: Smile | None) -> float | None:
    """Volatility at the forward: straight in log-strike between the points around it.

    None unless there is a point on both sides (or exactly there): never extrapolated.
    """
    return None if smile is None else _at_the_money(_points(smile))


def risk_reversal_25(smile: Smile | None) -> float | None:
    """IV of the 25-delta call minus IV of the 25-delta put; negative for indices.

    Delta to the forward, undiscounted: at short terms no different from the spot delta, and
    free of an implied yield that means little there. Interpolated between the first two
    neighbouring points, going out from the forward itself, whose deltas enclose 25 %.
    """
    return None if smile is None else _risk_reversal(_points(smile))


def skew_slope(smile: Smile | None) -> float | None:
    """Least-squares slope of IV against ln(K/F) / sqrt(years), at |delta| from 0.1 to 0.5.

    Per 1.00 of that distance: -0.2 means that a strike one unit lower has 20 points more
    volatility. None with fewer than three strikes.
    """
    return None if smile is None else _slope(_points(smile))


def _at_the_money(points: _Points) -> float | None:
    x = points.moneyness
    if not len(x) or x[0] > 0 or x[-1] < 0:
        return None
    return float(np.interp(0.0, x, points.vol))


def _risk_reversal(points: _Points) -> float | None:
    middle = _at_the_money(points)
    if middle is None:
        return None
    # The smile at the forward belongs to both sides: with few strikes the first one out may
    # lie beyond 25 % already.
    d = 0.5 * middle * math.sqrt(points.years)
    first = int(np.searchsorted(points.moneyness, 0.0))
    call = _at_25_delta([d, *points.d[first:].tolist()], [middle, *points.vol[first:].tolist()])
    put = _at_25_delta(
        [-d, *points.d[:first][::-1].tolist()], [middle, *points.vol[:first][::-1].tolist()]
    )
    return None if call is None or put is None else call - put


def _at_25_delta(d: Sequence[float], vol: Sequence[float]) -> float | None:
    """Volatility where d first falls through the 25-delta distance, going outwards."""
    for inner in range(len(d) - 1):
        if d[inner] >= _D_25 > d[inner + 1]:
            share = (d[inner] - _D_25) / (d[inner] - d[inner + 1])
            return float(vol[inner] + share * (vol[inner + 1] - vol[inner]))
    return None


def _slope(points: _Points) -> float | None:
    chosen = (points.d >= _D_10) & (points.d <= 0.0)
    if np.count_nonzero(chosen) < SLOPE_POINTS:
        return None
    x, y = points.moneyness[chosen] / math.sqrt(points.years), points.vol[chosen]
    x = x - x.mean()
    return float(np.dot(x, y) / np.dot(x, x))


def term_structure(
    chain: OptionChain,
    forwards: Sequence[Forward | None],
    *,
    found: Sequence[Smile | None] | None = None,
    pairs: Pairs | None = None,
    stale: float = STALE,
) -> list[dict[str, Any]]:
    """One row per expiry that has not settled, in the order of chain.expiries.

    expiry (ISO date), root, settlement, dte, atm_iv, rr25, slope, forward (points), move
    (points: the at-the-money straddle) and sigma (points: one standard deviation); None
    where not known. found: smiles() of this chain, where the caller has them already.
    """
    pairs = pair_up(chain) if pairs is None else pairs
    if found is None:
        found = smiles(chain, forwards, pairs=pairs, both_sides=False, stale=stale)
    mids = fresh_mids(chain, stale)
    rows = []
    for place, expiry in enumerate(chain.expiries):
        if expiry.settles <= chain.as_of:
            continue
        forward, curve = forwards[place], found[place]
        points = None if curve is None else _points(curve)
        middle = None if points is None else _at_the_money(points)
        move = expected_move(chain, place, forward, middle, pairs=pairs, mids=mids)
        rows.append(
            {
                "expiry": expiry.day.isoformat(),
                "root": expiry.root,
                "settlement": expiry.settlement,
                "dte": sessions.dte(chain.as_of, expiry.day),
                "atm_iv": middle,
                "rr25": None if points is None else _risk_reversal(points),
                "slope": None if points is None else _slope(points),
                "forward": forward.value if forward else None,
                "move": move.straddle,
                "sigma": move.sigma,
            }
        )
    return rows
