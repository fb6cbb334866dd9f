"""The options of one expiration: priced together, near the money often, far away seldom."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grok_sauce.analytics.black_scholes import DAYS, PERCENT, POINT, black_scholes
from grok_sauce.market.sessions import YEAR, settlement
from grok_sauce.simulator.chains import Book, Expiry
from grok_sauce.simulator.futures import RATE
from grok_sauce.simulator.interest import day_volume, open_interest, scatter
from grok_sauce.simulator.paths import Array
from grok_sauce.simulator.surface import implied_vol
from grok_sauce.values import dataclass

_FLOOR: Final = 60.0  # seconds to settlement below which nothing is priced
_CADENCE: Final = (1.0, 5.0, 20.0)  # repricing in units: near, further, far from the money
_CLASS_EDGES: Final = (1.2, 3.0)  # standard deviations between those
_WIDTH: Final = 0.35  # half the quoted spread in ticks, beyond half a tick, per root of the price


class World(NamedTuple):
    """What a price needs at an instant: spot of the underlying and the volatility index."""

    spot: float
    vix: float


@dataclass(frozen=True, slots=True)
class Terms:
    """Contracts of a slice: calls in ascending strikes, then puts."""

    expiry: Expiry
    book: Book
    strikes: tuple[Decimal, ...]
    reference: float
    today: date
    vix: float
    seed: int


class Slice:
    """Prices, greeks and quotes of all contracts of one expiration on one date.

    All is a pure function of the instant: a contract of class c is priced at the last
    multiple of that class's cadence.
    """

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.expiry = terms.expiry
        self.settles = settlement(self.expiry.day, self.expiry.settlement)
        self._strikes = np.array([float(strike) for strike in terms.strikes])
        self.strikes = np.concatenate([self._strikes, self._strikes])
        n = len(self._strikes)
        self.is_call = np.arange(2 * n) < n
        self._place = {strike: number for number, strike in enumerate(terms.strikes)}
        self.open_interest = self._open_interest()
        self._phase = float(scatter(np.array([self.expiry.day.toordinal()]), self.expiry.root)[0])
        self._asked = math.nan
        self._told: Array | None = None
        self.printed = np.zeros(2 * n)  # contracts of the newest print, 0 while there is none
        self.printed_at = np.zeros(2 * n)
        self._priced = [math.nan] * len(_CADENCE)
        self._classes = np.zeros(2 * n, dtype=np.int8)
        self.columns: dict[str, Array] = {
            name: np.full(2 * n, np.nan)
            for name in ("price", "vol", "delta", "gamma", "theta", "vega", "rho", "bid", "ask")
        }
        self.priced_at = np.zeros(2 * n)
        self.requoted = np.zeros(2 * n, dtype=bool)
        self._volumes: tuple[date | None, Array] = (None, np.zeros(0))

    def _open_interest(self) -> NDArray[Any]:
        """Contracts open as of the evening before: calls, then puts."""
        terms = self.terms
        common = (self.expiry, self._strikes, terms.reference)
        return open_interest(*common, terms.today, terms.vix, terms.seed)

    def index(self, strike: Decimal, right: str) -> int | None:
        """Place of a contract in the columns; None when it is not listed."""
        place = self._place.get(strike)
        return None if place is None else place + (0 if right == "C" else len(self._strikes))

    def is_listed(self, place: int) -> bool:
        """Is there a contract in this place?"""
        return True

    def refresh(
        self, now: float, unit: float, world_at: Callable[[float], World | None]
    ) -> NDArray[np.bool_] | None:
        """Bring prices up to now; which contracts were priced anew, None for none.

        Whose quote became another one is in `requoted` until the next call.

        unit is the shortest time between two pricings, in market seconds.
        """
        if now == self._asked:
            return None
        self._asked = now
        now = min(now, self.settles - _FLOOR)
        instants = []
        for cadence in _CADENCE:
            step = cadence * unit
            instants.append((math.floor(now / step - self._phase) + self._phase) * step)
        if instants == self._priced:
            return None
        whole = instants[-1] != self._priced[-1]
        if whole:
            far = world_at(instants[-1])
            if far is None:
                return None
            self._classes = self._classify(far, instants[-1])
        touched = np.zeros(len(self.strikes), dtype=bool)
        self.requoted[:] = False
        for number, instant in enumerate(instants):
            if whole or instant != self._priced[number]:
                mask = self._classes == number
                world = world_at(instant)
                if world is not None and mask.any():
                    self._price(mask, world, instant)
                    touched |= mask
        self._priced = instants
        return touched

    def _years(self, at: float) -> float:
        return max(self.settles - at, _FLOOR) / YEAR

    def _forward(self, world: World, years: float) -> float:
        return world.spot * math.exp((RATE - self.terms.book.yields) * years)

    def _classify(self, world: World, at: float) -> NDArray[np.int8]:
        years = self._years(at)
        forward = self._forward(world, years)
        vol = self._vols(np.arange(len(self._strikes)), forward, years, world.vix)
        away = np.abs(np.log(self._strikes / forward)) / (vol * math.sqrt(years))
        classes = np.searchsorted(np.array(_CLASS_EDGES), away).astype(np.int8)
        return np.concatenate([classes, classes])

    def _vols(self, which: NDArray[Any], forward: float, years: float, vix: float) -> Array:
        """Volatility of the contracts that `which` chooses (a mask, or places)."""
        strikes = self.strikes[which]
        return implied_vol(self.expiry.underlying, forward, strikes, years, vix)

    def _price(self, mask: NDArray[np.bool_], world: World, at: float) -> None:
        years, book = self._years(at), self.terms.book
        strikes = self.strikes[mask]
        forward = self._forward(world, years)
        vol = self._vols(mask, forward, years, world.vix)
        value = black_scholes(
            world.spot, strikes, years, vol, self.is_call[mask], RATE, book.yields
        )
        # What no volatility is known for is worth what exercising it would bring.
        sign = np.where(self.is_call[mask], 1.0, -1.0)
        exercised = np.maximum(sign * (forward - strikes) * math.exp(-RATE * years), 0.0)
        fair = np.maximum(np.where(np.isnan(value.price), exercised, value.price), 0.0)
        tick = np.where(fair < 3.0, book.ticks[0], book.ticks[1])
        half = tick * (0.5 + _WIDTH * np.sqrt(fair))
        columns = self.columns
        columns["price"][mask] = fair
        columns["vol"][mask] = vol
        columns["delta"][mask] = value.delta
        columns["gamma"][mask] = value.gamma
        columns["theta"][mask] = value.theta / DAYS
        columns["vega"][mask] = value.vega / POINT
        columns["rho"][mask] = value.rho / PERCENT
        bid = np.round(np.maximum(np.floor((fair - half) / tick + 1e-9) * tick, 0.0), 2)
        ask = np.round(np.ceil((fair + half) / tick - 1e-9) * tick, 2)
        self.requoted[mask] = (columns["bid"][mask] != bid) | (columns["ask"][mask] != ask)
        columns["bid"][mask] = bid
        columns["ask"][mask] = ask
        self.priced_at[mask] = at

    def volumes(self, day: date) -> Array:
        """Contracts traded in the whole session of a day."""
        if self._volumes[0] != day:
            terms = self.terms
            made = day_volume(
                self.expiry, self._strikes, terms.reference, day, terms.vix, terms.seed
            )
            self._volumes = (day, made)
        return self._volumes[1]

    def newly_traded(self, day: date, elapsed: float, at: float) -> NDArray[np.bool_]:
        """Whose day volume changed since this was last asked; elapsed as of share_of_day.

        What a volume grew by is one print at `at`; what was traded before anybody asked, and
        yesterday's, is none.
        """
        traded = np.floor(self.volumes(day) * elapsed)
        before = self._told
        self._told = traded
        if before is None:
            return np.asarray(traded > 0)
        grown = traded - before
        self.printed[grown > 0] = grown[grown > 0]
        self.printed_at[grown > 0] = at
        return np.asarray(grown != 0)
