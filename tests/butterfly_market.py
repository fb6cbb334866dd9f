"""A small market of SPX options for the planner's tests: quotes of a skewed smile, a table, levels.

FakeChains(clock)            what butterfly_desk.Chains asks for; spot and vol move when told
ROWS, GEX                    rows of the table and the payload of the levels
FULL                         a complete request
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from typing import Any

from grok_sauce.analytics import black_scholes as bs
from grok_sauce.analytics.forward import Rates
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.listing import ListedChain, ListedExpiry
from grok_sauce.runtime.clock import ManualClock
from tests.option_chains import chain_of

FRIDAY = Expiry(date(2026, 12, 18), "SPXW", "PM")
MORNING = Expiry(date(2026, 12, 18), "SPX", "AM")
TODAY = Expiry(date(2026, 12, 16), "SPXW", "PM")
SPOT = 6012.36
STRIKES = range(5800, 6305, 5)


def streamer(expiry: Expiry, strike: int, right: str) -> str:
    return f".{expiry.root}{expiry.day:%y%m%d}{right}{strike}"


def listed_expiry(expiry: Expiry) -> ListedExpiry:
    return ListedExpiry(
        expiry,
        100.0,
        tuple(strike * 1000 for strike in STRIKES),
        tuple(streamer(expiry, strike, "C") for strike in STRIKES),
        tuple(streamer(expiry, strike, "P") for strike in STRIKES),
    )


class FakeChains:
    """Three expiries of SPX, quoted at a model's price; the quotes move when told."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.spot = SPOT
        self.vol = 0.146
        self.known: ListedChain | str = ListedChain(
            "SPX", (listed_expiry(TODAY), listed_expiry(MORNING), listed_expiry(FRIDAY))
        )
        self.wanted: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.closes: dict[Expiry, float] = {}
        self.silent = False

    def symbols(self) -> list[str]:
        return ["SPX", "NDX"]

    def listed(self, symbol: str) -> ListedChain | str:
        return self.known if symbol == "SPX" else f"No chain of {symbol} is there yet."

    def chain(self, symbol: str, expiries: Collection[Expiry]) -> OptionChain | None:
        now = self.clock.market()
        rows: list[dict[str, Any]] = []
        for expiry in expiries:
            years = max((expiry.settles - now) / (365 * 86400), 1e-6)
            for right in "CP":
                vols = [self.vol * (1 - 0.0006 * (strike - self.spot) / 5) for strike in STRIKES]
                values = bs.price(
                    self.spot, list(STRIKES), years, vols, right == "C", 0.04, 0.012
                ).tolist()
                rows += [
                    {
                        **{"strike": strike, "right": right, "expiry": expiry.day},
                        **{"root": expiry.root, "settlement": expiry.settlement, "oi": 10},
                        **{"bid": max(0.0, value - 0.1), "ask": value + 0.1},
                    }
                    for strike, value in zip(STRIKES, values, strict=True)
                ]
        if self.silent or not rows:
            return None
        return replace(
            chain_of(rows, spot=self.spot, as_of=now), contract=tuple(map(str, range(len(rows))))
        )

    def want_quotes(self, owner: str, symbol: str, contracts: Collection[str]) -> None:
        self.wanted[owner] = symbol, tuple(contracts)

    def rates(self, symbol: str) -> Rates:
        return Rates(0.04, 0.012)

    def close(self, expiry: Expiry, symbol: str) -> float | None:
        return self.closes.get(expiry)


ROWS = {
    "SPY": {"price": 600.4, "rvol": 1.18, "change_close_percent": 0.43},
    "VIX": {"price": 18.31, "rvol": None, "change_close_percent": -3.33},
}
GEX = {
    "totals": {"net": 10.62e9},
    "zero_gamma": {"all": {"flip": 5991.37}},
    "regime": "positive",
    "change": {"value": 25.6, "percent": 0.43},
    "max_pain": [
        {"expiry": "2026-12-18", "root": "SPXW", "settlement": "PM", "strike": 5975.0},
        {"expiry": "2026-12-18", "root": "SPX", "settlement": "AM", "strike": 5990.0},
    ],
}

FULL = {"symbol": "SPX", "expiry": "2026-12-18", "root": "SPXW", "center": "6010", "width": "25",
        "compare": "50", "fees": "1.72"}  # fmt: skip
