"""A whole chain to exposures and zero gamma, against np.exp alone and the published loops."""

from __future__ import annotations

import gc
import importlib
import math
import statistics
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grok_sauce.analytics.gamma_curve import gamma_curve
from grok_sauce.analytics.max_pain import max_pain
from grok_sauce.analytics.walls import walls
from grok_sauce.analytics.zero_gamma import crossings
from grok_sauce.bench.peers import missing
from grok_sauce.bench.report import Bar, Comparison
from grok_sauce.values import dataclass

HELP: Final = "GEX and zero gamma of a whole chain, against np.exp alone, pandas and vollib"
UNIT: Final = "ms CPU"
RATE: Final = 0.043
MULTIPLIER: Final = 100.0
# The loops do the same work for every contract and spot: a sample is timed and scaled up.
NEARBY: Final = 16384  # numbers of np.exp alone at a time
SAMPLE_CONTRACTS: Final = 300
SAMPLE_SPOTS: Final = 3

Array = NDArray[np.float64]
Side = Callable[["Columns", Array], Array]


@dataclass(frozen=True, slots=True)
class Columns:
    """Contracts of several expiries: strikes from 75 to 125 % of spot, smile, OI near spot."""

    strike: Array
    years: Array
    vol: Array
    oi: Array
    is_call: NDArray[np.bool_]
    spot: float

    def first(self, count: int) -> Columns:
        """The first contracts."""
        return Columns(
            self.strike[:count],
            self.years[:count],
            self.vol[:count],
            self.oi[:count],
            self.is_call[:count],
            self.spot,
        )


class Levels(NamedTuple):
    """What is worked out: per strike $ per 1 %, the curve on the spots, and the levels."""

    strikes: Array
    call: Array
    put: Array
    profile: Array
    zero_gamma: float | None
    call_wall: float | None
    put_wall: float | None
    max_pain: float | None


def compose(contracts: int, spot: float = 6000.0) -> Columns:
    """A chain; 400 contracts an expiry."""
    rnd = np.random.default_rng(3)
    each = min(contracts, 400) // 2
    expiries = max(1, contracts // (2 * each))
    strikes = np.rint(spot * (0.75 + 0.5 * np.arange(each) / each) / 5) * 5
    strike = np.tile(strikes, 2 * expiries)
    is_call = np.tile(np.repeat([True, False], each), expiries)
    years = np.repeat((0.3 + 2.0 * np.arange(expiries)) / 365, 2 * each)
    away = np.log(strike / spot)
    vol = 0.14 + 0.35 * np.abs(away) + 0.01 * rnd.random(len(strike))
    liked = np.where(is_call == (strike > spot), 2.0, 0.7)
    oi = np.floor(rnd.random(len(strike)) * 4000 * np.exp(-0.5 * (away / 0.06) ** 2) * liked)
    return Columns(strike, years, vol, oi, is_call, spot)


def levels(chain: Columns, spots: Array) -> Levels:
    """Gamma by strike, the curve on ascending spots, its root nearest spot, walls, max pain.

    Max pain is over all expiries together, as the peers would do it.
    """
    thousandths = np.rint(chain.strike * 1000).astype(np.int64)
    axis = np.unique(thousandths)
    size = len(axis)
    bucket = np.searchsorted(axis, thousandths)
    bucket += np.where(chain.is_call, 0, size)
    held = np.flatnonzero(chain.oi)
    bucket = bucket[held]
    weight = np.where(chain.is_call, chain.oi, -chain.oi)[held] * MULTIPLIER
    terms = (chain.strike[held], chain.years[held], chain.vol[held])
    curve = gamma_curve(*terms, weight, RATE, RATE, chain.spot)
    gex, oi = (
        np.bincount(bucket, values, 2 * size).astype(np.float64)
        for values in (np.abs(curve.each(0.0)) * chain.spot, chain.oi[held])
    )
    x = np.log(spots / chain.spot)
    sums = curve.along(float(x[0]), float(x[-1] - x[0]) / (len(x) - 1), len(x))
    roots = crossings(curve, x, sums)
    strikes = axis / 1000
    found = walls(strikes, gex[:size], gex[size:], oi[:size], oi[size:], chain.spot)
    calls, puts = (np.rint(side).astype(np.int64) for side in (oi[:size], oi[size:]))
    pain = max_pain(axis, calls, puts, chain.spot * 1000)
    return Levels(
        strikes=strikes,
        call=gex[:size],
        put=gex[size:],
        profile=sums * spots,
        zero_gamma=chain.spot * math.exp(min(roots, key=abs)) if roots else None,
        call_wall=found.call_wall_unrestricted,
        put_wall=found.put_wall_unrestricted,
        max_pain=None if pain is None else pain.strike / 1000,
    )


def grid(spot: float, size: int) -> Array:
    """Spots from 10 % below to 10 % above, even in their logarithm."""
    return np.exp(np.linspace(math.log(spot * 0.9), math.log(spot * 1.1), size))


def measure(
    say: Callable[[str], None], contracts: int = 20_000, spots: int = 60, repeats: int = 7
) -> list[Comparison]:
    """Median CPU of one whole chain on each side."""
    chain = compose(contracts)
    at = grid(chain.spot, spots)
    cells = len(chain.strike) * spots
    say(f"{len(chain.strike):,} contracts x {spots} spots, {repeats} times; the loops on a sample")
    ours = _median(lambda: levels(chain, at), repeats)
    alone = _median(_exp_alone(cells), repeats)
    what = "GEX, levels and zero gamma"
    found = [Comparison(what, UNIT, ours, "np.exp alone", alone, Bar("of peer", 4.5))]
    loops: tuple[tuple[str, tuple[str, ...], Side, Bar | None], ...] = (
        ("pandas apply, scaled", ("pandas", "scipy"), pandas_apply, Bar("faster", 10_000.0)),
        ("vollib scalar loop, scaled", ("vollib",), vollib_loop, None),
    )
    sample = chain.first(SAMPLE_CONTRACTS)
    few = at[:: max(1, len(at) // SAMPLE_SPOTS)][:SAMPLE_SPOTS]
    for name, packages, side, bar in loops:
        why = next(filter(None, map(missing, packages)), "")
        cost = None
        if not why:
            share = len(sample.strike) * len(few) / cells
            cost = _median(lambda side=side: side(sample, few), min(3, repeats)) / share  # type: ignore[misc]
        found.append(Comparison(what, UNIT, ours, name, cost, bar, why))
    return found


def pandas_apply(chain: Columns, spots: Array) -> Array:
    """The published notebooks' way: for each spot a DataFrame.apply over the contracts."""
    pandas: Any = importlib.import_module("pandas")
    norm: Any = importlib.import_module("scipy.stats").norm
    frame = pandas.DataFrame(
        {"k": chain.strike, "t": chain.years, "v": chain.vol, "oi": chain.oi, "call": chain.is_call}
    )

    def gex(spot: float, row: Any) -> float:
        if row["t"] == 0 or row["v"] == 0:
            return 0.0
        spread = row["v"] * np.sqrt(row["t"])
        d1 = (np.log(spot / row["k"]) + (RATE + row["v"] ** 2 / 2) * row["t"]) / spread
        gamma = norm.pdf(d1) / (spot * spread)
        dollars = row["oi"] * MULTIPLIER * spot * spot * 0.01 * gamma
        return float(dollars if row["call"] else -dollars)

    return np.array(
        [frame.apply(lambda row, at=spot: gex(at, row), axis=1).sum() for spot in spots]
    )


def vollib_loop(chain: Columns, spots: Array) -> Array:
    """A loop over contracts with vollib's scalar gamma."""
    gamma: Any = importlib.import_module("vollib.black_scholes.greeks.analytical").gamma
    rows = list(
        zip(
            np.where(chain.is_call, "c", "p").tolist(),
            chain.strike.tolist(),
            chain.years.tolist(),
            chain.vol.tolist(),
            np.where(chain.is_call, chain.oi, -chain.oi).tolist(),
            strict=True,
        )
    )
    return np.array(
        [
            sum(gamma(flag, spot, k, t, RATE, v) * oi for flag, k, t, v, oi in rows)
            * (MULTIPLIER * spot * spot * 0.01)
            for spot in spots.tolist()
        ]
    )


def _exp_alone(cells: int) -> Callable[[], None]:
    """As many exps as there are contracts x spots, from and into nearby memory."""
    numbers = np.random.default_rng(1).random(min(cells, NEARBY)) * -20
    answers = np.empty_like(numbers)
    times, rest = divmod(cells, len(numbers))

    def run() -> None:
        for _ in range(times):
            np.exp(numbers, out=answers)
        np.exp(numbers[:rest], out=answers[:rest])

    return run


def _median(run: Callable[[], object], repeats: int) -> float:
    """Milliseconds of CPU, once to warm up not counted."""
    run()
    costs = []
    for _ in range(repeats):
        gc.collect()
        began = time.process_time()
        run()
        costs.append(time.process_time() - began)
    return statistics.median(costs) * 1e3
