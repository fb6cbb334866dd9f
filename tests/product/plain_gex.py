"""A slow twin: what /api/gex must say, from the rows of /api/chain alone, in plain Python."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

YEAR = 365 * 86_400.0
TURN = math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class Line:
    """One contract as the file has it; None where its cell is empty."""

    class_: tuple[str, str, str]  # expiry, root, settlement
    settles: float
    strike: float
    is_call: bool
    multiplier: float | None
    oi: float | None
    volume: float | None
    bid: float | None
    ask: float | None
    iv: float | None
    gamma: float | None
    age: float | None
    used: bool
    is_outside: bool  # of the window: it counts for max pain alone
    years: float | None
    rate: float
    dividend_yield: float | None
    forward: float | None

    @property
    def reason(self) -> str | None:
        """Why it cannot count, by the words of the report; None: it counts."""
        known = (self.strike, self.oi or 0.0, self.gamma or 0.0, self.iv or 0.0)
        if self.years is None:
            return "expired"
        if self.is_outside:
            return "outside_window"
        if min(known) < 0 or self.strike == 0 or (self.iv or 0.0) > 5 or (self.gamma or 0.0) > 10:
            return "bad"
        if self.multiplier is None:
            return "non_standard"
        if not self.iv:
            return "no_iv"
        if self.age is not None and self.age > 900:
            return "stale"
        return "no_oi" if self.oi is None else None


@dataclass(frozen=True)
class Chain:
    """All rows of one file, which are of one moment."""

    as_of: str
    now: float
    spot: float
    lines: list[Line]


def _number(text: str) -> float | None:
    return float(text) if text else None


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def read(body: bytes) -> Chain:
    """The file as it is served."""
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    lines = [
        Line(
            class_=(row["expiry"], row["root"], row["settlement"]),
            settles=_unix(row["settles"]),
            strike=float(row["strike"]),
            is_call={"C": True, "P": False}[row["right"]],
            used={"true": True, "false": False}[row["used"]],
            is_outside=row["excluded"] == "outside_window",
            age=_number(row["greeks_age_s"]),
            rate=float(row["rate"]),
            **{
                name: _number(row[name])
                for name in ("multiplier", "oi", "volume", "bid", "ask", "iv", "gamma")
                + ("years", "dividend_yield", "forward")
            },
        )
        for row in rows
    ]
    moments = {(row["as_of"], row["spot"]) for row in rows}
    assert len(moments) == 1, moments
    as_of, spot = moments.pop()
    return Chain(as_of, _unix(as_of), float(spot), lines)


# ---- one contract -----------------------------------------------------------------------


def _d1(line: Line, spot: float) -> tuple[float, float, float, float]:
    """(d1, d2, e^(-qT), vol sqrt T) of a line that has all it takes."""
    assert line.iv is not None
    assert line.years is not None
    assert line.dividend_yield is not None
    carry = line.rate - line.dividend_yield
    spread = line.iv * math.sqrt(line.years)
    first = (math.log(spot / line.strike) + (carry + line.iv**2 / 2) * line.years) / spread
    return first, first - spread, math.exp(-line.dividend_yield * line.years), spread


def gamma(line: Line, spot: float) -> float:
    """Per point, Black-Scholes with a continuous yield."""
    first, _, carried, spread = _d1(line, spot)
    return carried * math.exp(-(first**2) / 2) / TURN / (spot * spread)


def delta(line: Line, spot: float) -> float:
    first, _, carried, _ = _d1(line, spot)
    sign = 1 if line.is_call else -1
    return sign * carried * (1 + math.erf(sign * first / math.sqrt(2))) / 2


def vanna(line: Line, spot: float) -> float:
    """Per 1.00 of volatility."""
    first, second, carried, _ = _d1(line, spot)
    assert line.iv is not None
    return -carried * math.exp(-(first**2) / 2) / TURN * second / line.iv


def charm(line: Line, spot: float) -> float:
    """Per year of calendar time."""
    first, second, carried, spread = _d1(line, spot)
    assert line.years is not None
    assert line.dividend_yield is not None
    carry, density = line.rate - line.dividend_yield, math.exp(-(first**2) / 2) / TURN
    moved = (2 * carry * line.years - second * spread) / (2 * line.years * spread)
    return line.dividend_yield * delta(line, spot) - carried * density * moved


def _worth(line: Line, settled: float) -> int:
    """In thousandths of a point, when the underlying settles there."""
    inside = settled - line.strike if line.is_call else line.strike - settled
    return max(0, round(1000 * inside))


# ---- the chain --------------------------------------------------------------------------


class Twin:
    """The figures of one chain."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.spot = chain, chain.spot
        self.held = [line for line in chain.lines if line.settles > chain.now]
        self.live = [line for line in self.held if not line.is_outside]
        self.used = [line for line in chain.lines if line.reason is None]
        self.strikes = sorted({line.strike for line in self.live})
        units = {"gex": self._gex, "dex": self._dex, "vex": self._vex, "chex": self._chex}
        # {name: {(strike, is_call): sum}}
        self.sums: dict[str, dict[tuple[float, bool], float]] = {}
        for name, unit in units.items():
            found: dict[tuple[float, bool], float] = {}
            for line in self.used:
                key = (line.strike, line.is_call)
                found[key] = found.get(key, 0.0) + unit(line)
            self.sums[name] = found

    def _held(self, line: Line) -> float:
        assert line.oi is not None
        assert line.multiplier is not None
        return line.oi * line.multiplier

    def _gex(self, line: Line) -> float:
        return gamma(line, self.spot) * self._held(line) * self.spot**2 * 0.01

    def _dex(self, line: Line) -> float:
        return delta(line, self.spot) * self._held(line) * self.spot

    def _vex(self, line: Line) -> float:
        return vanna(line, self.spot) * self._held(line) * self.spot * 0.01

    def _chex(self, line: Line) -> float:
        return charm(line, self.spot) * self._held(line) * self.spot / 365

    def side(self, name: str, is_call: bool) -> float:
        """A total of the calls or of the puts."""
        return math.fsum(value for (_, side), value in self.sums[name].items() if side is is_call)

    def at(self, name: str, strike: float, is_call: bool) -> float | None:
        """A strike's sum; None where no contract of that side counts."""
        return self.sums[name].get((strike, is_call))

    def net(self, strike: float) -> float:
        return (self.at("gex", strike, True) or 0.0) - (self.at("gex", strike, False) or 0.0)

    def totals(self) -> dict[str, float]:
        """$ of delta per 1 %, and what else the report calls totals."""
        call, put = self.side("gex", True), self.side("gex", False)
        return {
            "call": call,
            "put": put,
            "net": call - put,
            "gross": call + put,
            "absolute_net": math.fsum(abs(self.net(strike)) for strike in self.strikes),
            "net_per_point": (call - put) / (0.01 * self.spot),
            "dex_holders": self.side("dex", True) + self.side("dex", False),
            "dex_dealer": self.side("dex", True) - self.side("dex", False),
            "vex": self.side("vex", True) - self.side("vex", False),
            "chex": self.side("chex", True) - self.side("chex", False),
        }

    def coverage(self) -> float:
        """Of the contracts that hold anything, or may, how many count."""
        held = [line for line in self.live if line.oi != 0]
        return sum(line.reason is None for line in held) / len(held)

    def contracts(self, name: str, is_call: bool) -> float:
        """Open interest ("oi") or volume of one side."""
        values = [getattr(each, name) for each in self.live if each.is_call is is_call]
        return math.fsum(value for value in values if value is not None)

    def at_strike(self, name: str, strike: float, is_call: bool) -> float | None:
        known = [
            getattr(line, name)
            for line in self.live
            if line.strike == strike and line.is_call is is_call
        ]
        known = [value for value in known if value is not None]
        return sum(known) if known else None

    def walls(self) -> dict[str, float | None]:
        """Where the most gamma stands: calls at or above spot, puts at or below."""
        above = [k for k in self.strikes if k >= self.spot]
        below = [k for k in self.strikes if k <= self.spot]
        gross = {
            k: (self.at("gex", k, True) or 0.0) + (self.at("gex", k, False) or 0.0)
            for k in self.strikes
        }
        return {
            "call_wall": self._most(above, lambda k: self.at("gex", k, True)),
            "put_wall": self._most(below, lambda k: self.at("gex", k, False)),
            "max_gex_strike": self._most(self.strikes, lambda k: abs(self.net(k))),
            "absolute_gamma_strike": self._most(self.strikes, lambda k: gross[k]),
            "put_wall_oi": self._most(self.strikes, lambda k: self.at_strike("oi", k, False)),
        }

    def _most(
        self, strikes: Sequence[float], value: Callable[[float], float | None]
    ) -> float | None:
        """The strike with the largest value above 0; of equals the one nearest spot."""
        best = max((value(k) or 0.0 for k in strikes), default=0.0)
        if best <= 0:
            return None
        tied = [k for k in strikes if (value(k) or 0.0) >= best * (1 - 1e-12)]
        return min(tied, key=lambda k: (abs(k - self.spot), k))

    def ranked(self) -> dict[str, list[float]]:
        """Resistances and supports, the strongest first."""
        above = [k for k in self.strikes if k > self.spot and self.net(k) > 0]
        puts = {k: self.at("gex", k, False) or 0.0 for k in self.strikes if k < self.spot}
        below = [k for k, value in puts.items() if value > 0]
        return {
            "resistance": sorted(above, key=lambda k: (-self.net(k), k))[:3],
            "support": sorted(below, key=lambda k: (-puts[k], -k))[:3],
        }

    # ---- max pain: every strike tried against every contract ----------------------------

    def max_pain(self) -> list[dict[str, Any]]:
        """One row an expiry and settlement, by brute force over its strikes in $."""
        classes: dict[tuple[str, str, str], list[Line]] = {}
        for line in sorted(self.held, key=lambda line: (line.settles, line.class_[1])):
            classes.setdefault(line.class_, []).append(line)
        return [self._pain(*each) for each in classes.items()]

    def _pain(self, class_: tuple[str, str, str], lines: list[Line]) -> dict[str, Any]:
        expiry, root, settlement = class_
        row = {"expiry": expiry, "root": root, "settlement": settlement}
        held = [line for line in lines if line.oi]
        if not held:
            return {**row, "strike": None, "tied": None, "payout": None}
        paid = {
            strike: sum(int(line.oi or 0) * _worth(line, strike) for line in held)
            for strike in sorted({line.strike for line in lines})
        }
        least = min(paid.values())
        tied = [strike for strike, value in paid.items() if value == least]
        chosen = min(tied, key=lambda strike: (abs(strike - self.spot), strike))
        return {
            **row,
            "strike": chosen,
            "tied": [tied[0], tied[-1]],
            "payout": least * (held[0].multiplier or 0.0) / 1000,
        }

    # ---- forwards -----------------------------------------------------------------------

    def forwards(self) -> dict[tuple[str, str, str], float]:
        """Put-call parity at the five strikes nearest the money of each class; their median."""
        found = {}
        for class_ in {line.class_ for line in self.live}:
            lines = [line for line in self.live if line.class_ == class_]
            mids = {
                (line.strike, line.is_call): (line.bid + line.ask) / 2
                for line in lines
                if line.bid and line.ask and line.ask >= line.bid
            }
            both = [strike for strike, side in mids if side and (strike, False) in mids]
            gaps = {strike: mids[strike, True] - mids[strike, False] for strike in both}
            near = sorted(k for k in gaps if abs(gaps[k]) <= 0.05 * k)
            years = (lines[0].settles - self.chain.now) / YEAR
            growth = math.exp(lines[0].rate * years)
            best = sorted(near, key=lambda k: abs(gaps[k]))[:5]
            found[class_] = median(strike + growth * gaps[strike] for strike in best)
        return found

    # ---- zero gamma: re-priced everywhere, bisected where the sign turns ------------------

    def zero_gamma(self, which: str) -> Flip:
        """Of all, of today's ("zero_dte") or of the other expiries ("ex_zero_dte")."""
        today = {"all": None, "zero_dte": True, "ex_zero_dte": False}[which]
        day = self.chain.as_of[:10]  # in session hours New York's date is UTC's
        lines = [line for line in self.used if today in (None, line.class_[0] == day)]
        return Flip(lines, self.spot)


class Flip:
    """Net gamma as a function of the underlying's price."""

    def __init__(self, lines: list[Line], spot: float) -> None:
        self.spot = spot
        self._terms = []
        for line in lines:
            first, _, carried, spread = _d1(line, spot)
            held = (line.oi or 0.0) * (line.multiplier or 0.0) * (1 if line.is_call else -1)
            self._terms.append((first, spread, held * carried / (TURN * spread) * 0.01))
        steps = [math.log(0.8) + n * 0.001 for n in range(int(math.log(1.2 / 0.8) / 0.001) + 2)]
        self._curve = [(spot * math.exp(step), self.at(spot * math.exp(step))) for step in steps]
        self.peak = max((abs(value) for _, value in self._curve), default=0.0)

    def at(self, spot: float) -> float:
        """$ of delta per 1 % with every contract re-priced there."""
        moved = math.log(spot / self.spot)
        return spot * math.fsum(
            weight * math.exp(-((first + moved / spread) ** 2) / 2)
            for first, spread, weight in self._terms
        )

    def roots(self) -> list[float]:
        """Where the sign turns within 20 % of spot; far tails say nothing."""
        points = [point for point in self._curve if abs(point[1]) > 1e-12 * self.peak]
        turns = [
            (low, high)
            for (low, before), (high, after) in pairwise(points)
            if (before > 0) != (after > 0)
        ]
        found = [self._bisect(low, high) for low, high in turns]
        return [root for root in found if abs(root - self.spot) <= 0.2 * self.spot]

    def _bisect(self, low: float, high: float) -> float:
        is_up = self.at(high) > 0
        while high - low > 1e-9 * self.spot:
            middle = (low + high) / 2
            low, high = (low, middle) if (self.at(middle) > 0) is is_up else (middle, high)
        return (low + high) / 2

    def flip(self) -> float | None:
        return min(self.roots(), key=lambda root: (abs(root - self.spot), root), default=None)
