"""Dealer gamma, delta, vanna and charm exposure of a chain, by strike and in total.

prepare(chain, rates, forwards, gamma="model", stale=900.0) -> Prepared
exposures(prepared) -> Exposures        .oi.gex.call, .volume.dex.net, .oi.totals.net, ...
per_point(value, spot) -> float         $ per 1 % -> $ per point of the underlying
RunningSums                             gamma by strike, kept as contracts change

Needs numpy. Dealers are modelled long the calls and short the puts: calls count +, puts -
(SqueezeMetrics, "Gamma Exposure", 2016). That is a model; nobody publishes who holds what.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from grok_sauce.analytics.gex_lines import Array as Array
from grok_sauce.analytics.gex_lines import GammaSource as GammaSource
from grok_sauce.analytics.gex_lines import Mask, _by_strike
from grok_sauce.analytics.gex_lines import Prepared as Prepared
from grok_sauce.analytics.gex_lines import Sides as Sides
from grok_sauce.analytics.gex_lines import prepare as prepare
from grok_sauce.analytics.running_sums import RunningSums as RunningSums
from grok_sauce.values import dataclass

PERCENT: Final = 0.01
DAYS: Final = 365.0


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all strikes; None while no contract of them is known.

    call, put, gross: $ of delta per 1 % move, not negative; net = call - put; absolute_net:
    sum of |net| strike by strike, which is not |net|. net_per_point: $ per point.
    dex_holders: $ of delta of call and put holders together; dex_dealer: calls less puts.
    vex: $ of delta per volatility point; chex: per calendar day; charm_to_close: until
    each contract settles; all three calls less puts.
    """

    call: float | None
    put: float | None
    net: float | None
    gross: float | None
    absolute_net: float | None
    net_per_point: float | None
    dex_holders: float | None
    dex_dealer: float | None
    vex: float | None
    chex: float | None
    charm_to_close: float | None

    @property
    def regime(self) -> Literal["positive", "negative"] | None:
        """Sign of net gamma; None when it is 0 or not known."""
        if not self.net:
            return None
        return "positive" if self.net > 0 else "negative"


NOTHING: Final = Totals(*[None] * 11)


@dataclass(frozen=True, slots=True)
class Measures:
    """Call and put sums per strike under one weight, open interest or volume.

    gex: $ of delta per 1 % move, puts as positive magnitudes. dex: $ of delta, negative for
    puts. vex: $ of delta per volatility point. chex: $ of delta per calendar day.
    charm_to_close: $ of delta until settlement. net (call - put) is the dealers' side of
    each, gross that of the holders. A strike of which nothing is known has 0 here and
    `known` False on that side.
    """

    gex: Sides
    dex: Sides
    vex: Sides
    chex: Sides
    charm_to_close: Sides
    call_known: Mask
    put_known: Mask
    totals: Totals


@dataclass(frozen=True, slots=True)
class Exposures:
    """Exposures on one axis of strikes (points, ascending), by open interest and by volume."""

    strikes: Array
    oi: Measures
    volume: Measures


def per_point(value: float, spot: float) -> float:
    """$ per 1 % move as $ per move of one point.

    Gamma .05 of 1,000 contracts of 100 at 6000: 1.8bn per 1 %, 30m per point.

    >>> per_point(0.05 * 1000 * 100 * 6000**2 * 0.01, 6000)
    30000000.0
    """
    return value / (PERCENT * spot)


def exposures(prepared: Prepared) -> Exposures:
    """Exposures per strike and in total, by open interest and by volume.

    Contracts that cannot be used add nothing; prepared.coverage says how many can.
    """
    spot = prepared.spot if prepared.spot is not None else np.nan
    dollars = prepared.chain.multiplier * spot
    units = (
        prepared.gamma * dollars * (spot * PERCENT),
        prepared.delta * dollars,
        prepared.vanna * dollars * PERCENT,
        prepared.charm * dollars / DAYS,
        prepared.charm_to_close * dollars,
    )
    return Exposures(
        strikes=prepared.strikes,
        oi=_measures(prepared, units, prepared.oi, prepared.used),
        volume=_measures(prepared, units, prepared.volume, prepared.priced),
    )


def _measures(
    prepared: Prepared, units: tuple[Array, ...], weight: Array, usable: Mask
) -> Measures:
    """Sum units x weight over the usable contracts of each strike."""
    usable = usable & ~np.isnan(weight)
    weight = np.where(usable, weight, 0.0)
    known = [usable & ~np.isnan(unit) for unit in units]
    gex, dex, vex, chex, to_close = (
        _by_strike(prepared, np.where(there, unit, 0.0) * weight)
        for unit, there in zip(units, known, strict=True)
    )
    lines = _by_strike(prepared, usable.astype(np.float64))
    totals = _totals(
        [gex, dex, vex, chex, to_close], [bool(there.any()) for there in known], prepared.spot
    )
    return Measures(gex, dex, vex, chex, to_close, lines.call > 0, lines.put > 0, totals)


def _totals(sums: list[Sides], known: list[bool], spot: float | None) -> Totals:
    if spot is None or not known[0]:
        return NOTHING
    call, put = (float(side.sum()) for side in sums[0])
    delta_call, delta_put = (float(side.sum()) for side in sums[1])
    rest = [
        float(side.net.sum()) if there else None
        for side, there in zip(sums[2:], known[2:], strict=True)
    ]
    return Totals(
        call=call,
        put=put,
        net=call - put,
        gross=call + put,
        absolute_net=float(np.abs(sums[0].net).sum()),
        net_per_point=per_point(call - put, spot),
        dex_holders=delta_call + delta_put if known[1] else None,
        dex_dealer=delta_call - delta_put if known[1] else None,
        vex=rest[0],
        chex=rest[1],
        charm_to_close=rest[2],
    )
