"""What the simulated market lists: symbols, plausible price levels, how they move together."""

from __future__ import annotations

from typing import Final, Literal

from grok_sauce.market.products import PRODUCTS
from grok_sauce.values import dataclass

Kind = Literal["equity", "etf", "index", "future"]


@dataclass(frozen=True, slots=True)
class Series:
    """A mean-reverting random series of log levels: sd of a day's move, pull back a day."""

    sd: float
    pull: float = 0.02


@dataclass(frozen=True, slots=True)
class Shape:
    """How a path is made: loadings on FACTORS plus a series of its own (own.sd 0: none)."""

    loadings: dict[str, float]
    own: Series = Series(0.0)


@dataclass(frozen=True, slots=True)
class Asset:
    """One listed instrument, or for a future its product.

    anchor is the price at the world's start (bars mode: scaled with the recording); level
    of the price is anchor * exp(elasticity * path). volume is an average day in shares or
    contracts, None for an index, which has none. rate is price changes a minute in the
    busiest hours, spread in ticks.
    """

    symbol: str
    kind: Kind
    name: str
    anchor: float
    path: str
    tick: float = 0.01
    volume: float | None = None
    rate: int = 60
    spread: int = 1
    elasticity: float = 1.0
    market: str = "ARCX"


FACTORS: Final[dict[str, Series]] = {
    "MARKET": Series(0.0085),
    "TECH": Series(0.006),
    "SMALL": Series(0.006),
    "VALUE": Series(0.0035),
    "DEFENSE": Series(0.0045),
    "VOLATILITY": Series(0.045, 0.06),
    "RATES": Series(0.0065),
    "GOLD": Series(0.010),
    "DOLLAR": Series(0.0035),
    "CRYPTO": Series(0.027),
    "OIL": Series(0.018),
}

SHAPES: Final[dict[str, Shape]] = {
    "SPX": Shape({"MARKET": 1.0}),
    "NDX": Shape({"MARKET": 1.2, "TECH": 1.0}),
    "RUT": Shape({"MARKET": 1.15, "SMALL": 1.0, "RATES": 0.15}),
    "DJI": Shape({"MARKET": 0.85, "VALUE": 1.0}),
    "VIX": Shape({"MARKET": -5.5, "VOLATILITY": 1.0}),
    "XLF": Shape({"MARKET": 1.0, "VALUE": 0.6}, Series(0.004)),
    "XLP": Shape({"MARKET": 0.5, "DEFENSE": 0.9}, Series(0.003)),
    "XLU": Shape({"MARKET": 0.5, "DEFENSE": 1.0, "RATES": 0.3}, Series(0.005)),
    "IYR": Shape({"MARKET": 0.8, "RATES": 0.4}, Series(0.005)),
    "TIP": Shape({"RATES": 0.45}, Series(0.0008)),
    "TLT": Shape({"RATES": 1.0}, Series(0.001)),
    "ZN": Shape({"RATES": 0.42}),
    "ZB": Shape({"RATES": 0.85}),
    "XAU": Shape({"GOLD": 1.0, "DOLLAR": -0.6}),
    "XAG": Shape({"GOLD": 1.3, "DOLLAR": -0.6}, Series(0.009)),
    "USD": Shape({"DOLLAR": 1.0}),
    "BTC": Shape({"CRYPTO": 1.0, "MARKET": 1.0}),
    "WTI": Shape({"OIL": 1.0}),
    "NVDA": Shape({"MARKET": 1.6, "TECH": 1.6}, Series(0.014)),
    "AAPL": Shape({"MARKET": 1.1, "TECH": 0.8}, Series(0.009)),
    "MSFT": Shape({"MARKET": 1.0, "TECH": 0.9}, Series(0.008)),
    "TSLA": Shape({"MARKET": 1.7, "TECH": 1.0}, Series(0.024)),
    "AMZN": Shape({"MARKET": 1.2, "TECH": 0.9}, Series(0.011)),
    "META": Shape({"MARKET": 1.2, "TECH": 1.0}, Series(0.013)),
    "GOOGL": Shape({"MARKET": 1.1, "TECH": 0.9}, Series(0.011)),
    "AMD": Shape({"MARKET": 1.6, "TECH": 1.4}, Series(0.019)),
    "AVGO": Shape({"MARKET": 1.4, "TECH": 1.3}, Series(0.015)),
    "NFLX": Shape({"MARKET": 1.1, "TECH": 0.8}, Series(0.013)),
    "JPM": Shape({"MARKET": 1.0, "VALUE": 0.8}, Series(0.008)),
    "BRK/B": Shape({"MARKET": 0.8, "VALUE": 0.6}, Series(0.006)),
    "XOM": Shape({"MARKET": 0.6, "OIL": 0.5}, Series(0.007)),
    "COIN": Shape({"MARKET": 1.5, "CRYPTO": 1.1}, Series(0.020)),
    "GME": Shape({"MARKET": 1.0, "SMALL": 1.0}, Series(0.025)),
}


def _index(symbol: str, name: str, anchor: float, path: str, **more: float) -> Asset:
    rate = int(more.pop("rate", 60))
    return Asset(symbol, "index", name, anchor, path, rate=rate, spread=0, market="OPRA", **more)


def _etf(symbol: str, name: str, anchor: float, path: str, millions: float, rate: int) -> Asset:
    return Asset(symbol, "etf", name, anchor, path, volume=millions * 1e6, rate=rate)


def _stock(
    symbol: str, name: str, anchor: float, millions: float, rate: int, market: str = "XNAS"
) -> Asset:
    spread = 1 if anchor < 200 else 3
    return Asset(
        symbol, "equity", name, anchor, symbol, volume=millions * 1e6, rate=rate, spread=spread,
        market=market,
    )  # fmt: skip


_LISTED: Final = (
    _index("SPX", "S&P 500 Index", 6012.40, "SPX"),
    _index("NDX", "Nasdaq-100 Index", 21_450.0, "NDX"),
    _index("RUT", "Russell 2000 Index", 2_236.0, "RUT"),
    _index("DJI", "Dow Jones Industrial Average", 42_640.0, "DJI"),
    _index("XSP", "Mini S&P 500 Index", 601.24, "SPX", rate=30),
    _index("VIX", "Cboe Volatility Index", 18.0, "VIX", rate=12),
    _index("VIX9D", "Cboe 9-Day Volatility Index", 17.1, "VIX", rate=4, elasticity=1.25),
    _index("VIX3M", "Cboe 3-Month Volatility Index", 20.2, "VIX", rate=4, elasticity=0.6),
    _etf("SPY", "SPDR S&P 500 ETF Trust", 600.10, "SPX", 62, 240),
    _etf("QQQ", "Invesco QQQ Trust", 522.30, "NDX", 42, 220),
    _etf("IWM", "iShares Russell 2000 ETF", 222.10, "RUT", 30, 160),
    _etf("DIA", "SPDR Dow Jones Industrial Average ETF Trust", 426.20, "DJI", 3.4, 90),
    _etf("XLF", "Financial Select Sector SPDR Fund", 51.20, "XLF", 38, 130),
    _etf("XLP", "Consumer Staples Select Sector SPDR Fund", 79.40, "XLP", 12, 100),
    _etf("XLU", "Utilities Select Sector SPDR Fund", 81.60, "XLU", 11, 100),
    _etf("IYR", "iShares U.S. Real Estate ETF", 96.30, "IYR", 5.5, 80),
    _etf("TIP", "iShares TIPS Bond ETF", 110.20, "TIP", 2.8, 55),
    _etf("TLT", "iShares 20+ Year Treasury Bond ETF", 89.70, "TLT", 36, 140),
    _etf("GLD", "SPDR Gold Shares", 372.40, "XAU", 10, 120),
    _etf("UUP", "Invesco DB US Dollar Index Bullish Fund", 27.90, "USD", 1.1, 45),
    _etf("BITO", "ProShares Bitcoin ETF", 18.30, "BTC", 14, 110),
    _stock("NVDA", "NVIDIA Corporation", 182.60, 190, 240),
    _stock("AAPL", "Apple Inc.", 246.80, 48, 200),
    _stock("MSFT", "Microsoft Corporation", 492.10, 21, 160),
    _stock("TSLA", "Tesla, Inc.", 388.40, 92, 220),
    _stock("AMZN", "Amazon.com, Inc.", 231.50, 40, 180),
    _stock("META", "Meta Platforms, Inc.", 671.30, 12, 150),
    _stock("GOOGL", "Alphabet Inc. Class A", 251.70, 32, 170),
    _stock("AMD", "Advanced Micro Devices, Inc.", 214.90, 52, 190),
    _stock("AVGO", "Broadcom Inc.", 341.20, 22, 150),
    _stock("NFLX", "Netflix, Inc.", 109.30, 30, 140),
    _stock("JPM", "JPMorgan Chase & Co.", 301.60, 8.5, 110, "XNYS"),
    _stock("BRK/B", "Berkshire Hathaway Inc. Class B", 497.20, 4.2, 80, "XNYS"),
    _stock("XOM", "Exxon Mobil Corporation", 114.80, 15, 110, "XNYS"),
    _stock("COIN", "Coinbase Global, Inc.", 287.40, 9, 120),
    _stock("GME", "GameStop Corp.", 23.10, 8, 70, "XNYS"),
)

ASSETS: Final[dict[str, Asset]] = {asset.symbol: asset for asset in _LISTED}

# What a future follows: (path, price of the cash market at the start, contracts a day, rate).
_FOLLOWS: Final[dict[str, tuple[str, float, float, int]]] = {
    "ES": ("SPX", 6012.40, 1.45e6, 260),
    "MES": ("SPX", 6012.40, 1.1e6, 240),
    "NQ": ("NDX", 21_450.0, 6.2e5, 260),
    "MNQ": ("NDX", 21_450.0, 1.5e6, 240),
    "RTY": ("RUT", 2_236.0, 2.1e5, 150),
    "M2K": ("RUT", 2_236.0, 9e4, 100),
    "YM": ("DJI", 42_640.0, 1.3e5, 150),
    "MYM": ("DJI", 42_640.0, 1.2e5, 100),
    "CL": ("WTI", 67.40, 3.4e5, 160),
    "MCL": ("WTI", 67.40, 9e4, 80),
    "GC": ("XAU", 4_060.0, 2.3e5, 160),
    "MGC": ("XAU", 4_060.0, 1.6e5, 120),
    "SI": ("XAG", 48.20, 7e4, 100),
    "ZB": ("ZB", 117.5, 4.1e5, 80),
    "ZN": ("ZN", 112.6, 1.6e6, 90),
    "VX": ("VIX", 18.0, 1.1e5, 30),
    "BTC": ("BTC", 96_500.0, 1.1e4, 60),
    "MBT": ("BTC", 96_500.0, 6e4, 60),
}

FUTURES: Final[dict[str, Asset]] = {
    code: Asset(
        f"/{code}", "future", PRODUCTS[code].name, anchor, path, PRODUCTS[code].tick,
        volume, rate, market=PRODUCTS[code].exchange,
    )
    for code, (path, anchor, volume, rate) in _FOLLOWS.items()
}  # fmt: skip

SILENT: Final = frozenset({"DXY"})  # known to traders, not offered by this feed
