"""The section `strategy` of settings.json: every option of the signal strategy, in index points."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Final

from grok_sauce.errors import SettingsError
from grok_sauce.settings import readers as read
from grok_sauce.settings.readers import setting
from grok_sauce.values import dataclass

CONTRACTS: Final = ("NQ", "MNQ", "ES", "MES", "RTY", "M2K", "YM", "MYM")
WATCHED: Final = tuple(f"/{product}" for product in CONTRACTS)
MOST_WATCHED: Final = 4
TICKER: Final = re.compile(r"[A-Za-z0-9_.:!/ -]{1,64}", re.ASCII)
_POINTS: Final = read.number(0.01, 100_000)


def _watched(value: Any, path: str) -> tuple[str, ...]:
    """Roots of index futures, each once; a tuple is what a checked object holds already."""
    found: tuple[str, ...] = read.symbols(MOST_WATCHED)(
        list(value) if isinstance(value, tuple) else value, path
    )
    if not found:
        raise SettingsError(f"{path} must name a future like /NQ", path)
    for index, symbol in enumerate(found):
        if symbol not in WATCHED:
            raise SettingsError(
                f"{path}[{index}] must be one of {', '.join(WATCHED)}, not {symbol}", path
            )
    return found


def _ticker(value: Any, path: str) -> str:
    if not isinstance(value, str) or not TICKER.fullmatch(value):
        raise SettingsError(
            f"{path} must be 1 to 64 letters, digits, spaces or _.:!/-, not {read.shown(value)}",
            path,
        )
    return value


@dataclass(frozen=True, slots=True)
class Strategy:
    """The strategy runs on paper only, and only when switched on.

    Values out of range are refused however the object is made; prices and distances are in
    points of the future whose candles are watched.
    """

    enabled: bool = setting(False, read.flag)
    target: float = setting(25.0, _POINTS)  # above the entry
    stop_buffer: float = setting(10.0, _POINTS)  # below the candle's low
    max_risk: float = setting(30.0, _POINTS)  # entry to stop; more is no trade
    max_lt_below: int = setting(3, read.whole(0, 50))  # LT levels below; more is no trade
    lt_reference: str = setting("entry", read.choice("entry", "level"))  # below which price
    lt_missing: str = setting("closed", read.choice("closed", "open"))  # closed: no trade
    lt_max_age: int = setting(2, read.whole(0, 96))  # candles; older is missing
    levels_max_age: float = setting(96.0, read.number(0.25, 1000))  # hours: a long weekend
    trailing: bool = setting(True, read.flag)
    trail_trigger: float = setting(15.0, _POINTS)  # gain at which the stop begins to follow
    trail_offset: float = setting(10.0, _POINTS)  # below the highest high since the entry
    cooldown: int = setting(900, read.whole(0, 86_400))  # seconds between two signals
    one_position: bool = setting(True, read.flag)  # no signal while one is open
    session_start: str = setting("18:00", read.time_of_day)  # New York
    session_end: str = setting("16:00", read.time_of_day)
    last_minutes: int = setting(15, read.whole(0, 240))  # before the end: no entry
    flat_at_end: bool = setting(False, read.flag)
    limit_candles: int = setting(1, read.whole(1, 96))  # validity of the buy limit
    bracket: str = setting("signal", read.choice("signal", "fill"))  # what stop, target hang on
    score: str = setting("default", read.choice("default", "legacy"))  # strength of a strike
    contract: str = setting("MNQ", read.choice(*CONTRACTS))  # traded on paper
    quantity: int = setting(1, read.whole(1, 1000))
    commission: float = setting(0.62, read.number(0, 1000))  # $ per contract and side
    slippage_ticks: int = setting(1, read.whole(0, 1000))  # of stops and market orders
    symbols: tuple[str, ...] = setting(("/NQ",), _watched)  # whose candles are judged live
    to_router: bool = setting(False, read.flag)  # live signals go into the alert router too
    router_ticker: str = setting("GEX_RECOIL", _ticker)  # under which the router knows them

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            SettingsError: with field = "strategy.NAME".
        """
        for item in dataclasses.fields(self):
            item.metadata["read"](getattr(self, item.name), f"strategy.{item.name}")
        if self.session_start == self.session_end:
            raise SettingsError(
                "strategy.session_end must differ from strategy.session_start: a session "
                "without length trades never",
                "strategy.session_end",
            )
