"""What is wanted of TradingView, and how its names are written here.

Want("CME_MINI:NQ1!")                           last price, bid and ask
Want("CME_MINI:NQ1!", "1m")                     and one-minute bars
Want("CME_MINI:NQ1!", "15m", LIQUIDITY)         and bars with the Liquidity Trigger study
streamer("CME_MINI:NQ1!") -> "TV:CME_MINI:NQ1!"     the symbol of its Quote, Trade and Summary
candles("CME_MINI:NQ1!", "1m") -> "TV:CME_MINI:NQ1!{=m}"     that of its Candle and LtLevels

No symbol of dxLink begins with "TV:", so the two sources never write over each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from grok_sauce.errors import SettingsError
from grok_sauce.market.instruments import candle_symbol

PREFIX: Final = "TV:"
LIQUIDITY: Final = "liquidity"
STUDIES: Final = (LIQUIDITY,)
# Ours -> on the wire. Anything else is refused: a guess would be bars of another length.
TIMEFRAMES: Final[dict[str, str]] = {
    "1m": "1", "3m": "3", "5m": "5", "15m": "15", "30m": "30", "45m": "45",
    "1h": "60", "2h": "120", "4h": "240", "1d": "1D", "1w": "1W", "1mo": "1M",
}  # fmt: skip
MAX_SYMBOLS: Final = 50
MAX_CHARTS: Final = 12  # each is a chart session of its own

_WIRE: Final = {wire: name for name, wire in TIMEFRAMES.items()}
_SYMBOL: Final = re.compile(r"[A-Z0-9_]{1,20}:[A-Z0-9._!&/-]{1,40}")


def symbol_of(text: str, field: str | None = None) -> str:
    """TradingView's symbol in its own spelling, exchange first.

    Raises:
        SettingsError: it names no exchange, or has characters that no symbol has.

    >>> symbol_of(" cme_mini:nq1! ")
    'CME_MINI:NQ1!'
    """
    name = text.strip().upper()
    if not _SYMBOL.fullmatch(name):
        raise SettingsError(
            f"{text.strip()[:40]!r} is not a symbol of TradingView: write exchange and symbol, as "
            f"CME_MINI:NQ1!",
            field,
        )
    return name


def timeframe_of(text: str, field: str | None = None) -> str:
    """A timeframe in our spelling, from ours or TradingView's.

    Raises:
        SettingsError: TradingView has no such bars.

    >>> timeframe_of("15m"), timeframe_of("15"), timeframe_of("1D"), timeframe_of("60")
    ('15m', '15m', '1d', '1h')
    """
    name = text.strip()
    if name in _WIRE:
        return _WIRE[name]
    if name in TIMEFRAMES:
        return name
    raise SettingsError(f"{name[:20]!r} is not a timeframe: one of {', '.join(TIMEFRAMES)}", field)


@dataclass(frozen=True, slots=True, order=True)
class Want:
    """One wish. timeframe "" wants the price alone; a study needs a timeframe.

    Raises:
        SettingsError: symbol, timeframe or study do not exist.
    """

    symbol: str
    timeframe: str = ""
    study: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbol", symbol_of(self.symbol))
        if self.timeframe:
            object.__setattr__(self, "timeframe", timeframe_of(self.timeframe))
        if self.study and (self.study not in STUDIES or not self.timeframe):
            raise SettingsError(f"a study is one of {', '.join(STUDIES)} and needs a timeframe")


def streamer(symbol: str) -> str:
    """The streamer symbol of a TradingView symbol."""
    return PREFIX + symbol


def candles(symbol: str, timeframe: str) -> str:
    """The candle symbol of a TradingView symbol and timeframe.

    >>> candles("CME_MINI:NQ1!", "1m"), candles("CME_MINI:NQ1!", "1h")
    ('TV:CME_MINI:NQ1!{=m}', 'TV:CME_MINI:NQ1!{=h}')
    """
    return candle_symbol(streamer(symbol), timeframe)
