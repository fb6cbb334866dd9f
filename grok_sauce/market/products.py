"""Literal tables: futures and their terms, symbols of known kind, option roots, stand-ins."""

from __future__ import annotations

from typing import Final, Literal

from grok_sauce.values import dataclass

Kind = Literal["equity", "etf", "index", "future", "unknown"]


@dataclass(frozen=True, slots=True)
class Product:
    """A future's terms, from the exchange's contract specification; a broker's record wins.

    tick in points, multiplier in $ per point, exchange as the streamer writes it,
    months the listed or usual delivery months.
    """

    name: str
    tick: float
    multiplier: float
    exchange: str
    months: str


MONTHS: Final = "FGHJKMNQUVXZ"  # January to December

PRODUCTS: Final[dict[str, Product]] = {
    "ES": Product("E-mini S&P 500", 0.25, 50, "XCME", "HMUZ"),
    "MES": Product("Micro E-mini S&P 500", 0.25, 5, "XCME", "HMUZ"),
    "NQ": Product("E-mini Nasdaq-100", 0.25, 20, "XCME", "HMUZ"),
    "MNQ": Product("Micro E-mini Nasdaq-100", 0.25, 2, "XCME", "HMUZ"),
    "RTY": Product("E-mini Russell 2000", 0.1, 50, "XCME", "HMUZ"),
    "M2K": Product("Micro E-mini Russell 2000", 0.1, 5, "XCME", "HMUZ"),
    "YM": Product("E-mini Dow", 1.0, 5, "XCBT", "HMUZ"),
    "MYM": Product("Micro E-mini Dow", 1.0, 0.5, "XCBT", "HMUZ"),
    "VX": Product("Cboe Volatility Index", 0.05, 1000, "XCBF", MONTHS),
    "VXM": Product("Mini Cboe Volatility Index", 0.01, 100, "XCBF", MONTHS),
    "CL": Product("Crude Oil", 0.01, 1000, "XNYM", MONTHS),
    "MCL": Product("Micro Crude Oil", 0.01, 100, "XNYM", MONTHS),
    "NG": Product("Natural Gas", 0.001, 10000, "XNYM", MONTHS),
    "RB": Product("RBOB Gasoline", 0.0001, 42000, "XNYM", MONTHS),
    "HO": Product("Heating Oil", 0.0001, 42000, "XNYM", MONTHS),
    "GC": Product("Gold", 0.1, 100, "XCEC", "GJMQVZ"),
    "MGC": Product("Micro Gold", 0.1, 10, "XCEC", "GJMQVZ"),
    "SI": Product("Silver", 0.005, 5000, "XCEC", "HKNUZ"),
    "HG": Product("Copper", 0.0005, 25000, "XCEC", "HKNUZ"),
    "ZB": Product("30-Year T-Bond", 0.03125, 1000, "XCBT", "HMUZ"),
    "UB": Product("Ultra T-Bond", 0.03125, 1000, "XCBT", "HMUZ"),
    "ZN": Product("10-Year T-Note", 0.015625, 1000, "XCBT", "HMUZ"),
    "TN": Product("Ultra 10-Year T-Note", 0.015625, 1000, "XCBT", "HMUZ"),
    "ZF": Product("5-Year T-Note", 0.0078125, 1000, "XCBT", "HMUZ"),
    "ZT": Product("2-Year T-Note", 0.00390625, 2000, "XCBT", "HMUZ"),
    "6E": Product("Euro FX", 0.00005, 125000, "XCME", "HMUZ"),
    "6B": Product("British Pound", 0.0001, 62500, "XCME", "HMUZ"),
    "6J": Product("Japanese Yen", 0.0000005, 12500000, "XCME", "HMUZ"),
    "6A": Product("Australian Dollar", 0.00005, 100000, "XCME", "HMUZ"),
    "6C": Product("Canadian Dollar", 0.00005, 100000, "XCME", "HMUZ"),
    "BTC": Product("Bitcoin", 5.0, 5, "XCME", MONTHS),
    "MBT": Product("Micro Bitcoin", 5.0, 0.1, "XCME", MONTHS),
    "ETH": Product("Ether", 0.5, 50, "XCME", MONTHS),
    "MET": Product("Micro Ether", 0.5, 0.1, "XCME", MONTHS),
    "ZC": Product("Corn", 0.25, 50, "XCBT", "HKNUZ"),
    "ZW": Product("Wheat", 0.25, 50, "XCBT", "HKNUZ"),
    "ZS": Product("Soybeans", 0.25, 50, "XCBT", "FHKNQUX"),
}

# Symbols whose kind is known without asking: (kind, name).
KNOWN: Final[dict[str, tuple[Kind, str]]] = {
    "SPY": ("etf", "SPDR S&P 500 ETF"),
    "QQQ": ("etf", "Invesco QQQ Trust"),
    "IWM": ("etf", "iShares Russell 2000 ETF"),
    "DIA": ("etf", "SPDR Dow Jones Industrial Average ETF"),
    "XLF": ("etf", "Financial Select Sector SPDR"),
    "XLP": ("etf", "Consumer Staples Select Sector SPDR"),
    "XLU": ("etf", "Utilities Select Sector SPDR"),
    "BITO": ("etf", "ProShares Bitcoin ETF"),
    "IYR": ("etf", "iShares U.S. Real Estate ETF"),
    "TIP": ("etf", "iShares TIPS Bond ETF"),
    "GLD": ("etf", "SPDR Gold Shares"),
    "TLT": ("etf", "iShares 20+ Year Treasury Bond ETF"),
    "UUP": ("etf", "Invesco DB US Dollar Index Bullish Fund"),
    "SPX": ("index", "S&P 500 Index"),
    "XSP": ("index", "Mini S&P 500 Index"),
    "NDX": ("index", "Nasdaq-100 Index"),
    "RUT": ("index", "Russell 2000 Index"),
    "DJX": ("index", "1/100 Dow Jones Industrial Average"),
    "OEX": ("index", "S&P 100 Index"),
    "VIX": ("index", "Cboe Volatility Index"),
    "VIX1D": ("index", "Cboe 1-Day Volatility Index"),
    "VIX9D": ("index", "Cboe 9-Day Volatility Index"),
    "VIX3M": ("index", "Cboe 3-Month Volatility Index"),
    "VIX6M": ("index", "Cboe 6-Month Volatility Index"),
    "VVIX": ("index", "Cboe VIX of VIX Index"),
    "DXY": ("index", "U.S. Dollar Index"),
}

HINTS: Final = {"DXY": "UUP"}  # not on the feed -> what moves like it and is

# Option roots per underlying: a root is a settlement class, never pooled with another.
ROOTS: Final[dict[str, tuple[str, ...]]] = {
    "SPX": ("SPX", "SPXW"),
    "NDX": ("NDX", "NDXP"),
    "RUT": ("RUT", "RUTW"),
    "VIX": ("VIX", "VIXW"),
}
AM_ROOTS: Final = frozenset({"SPX", "NDX", "RUT", "VIX", "VIXW", "DJX"})
