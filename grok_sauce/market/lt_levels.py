"""Liquidity Trigger levels: one row of the study read, counted against a price, kept till a roll.

LtLevels(symbol, timeframe, contract, time, closed, levels, at)     .below(price), .above(price)
levels_of(row) -> (time ms, levels)                  one row of the study; raises BadPayload
front_contract("NQZ2026") -> "/NQZ6"                 TradingView's contract as the broker writes it
LtBook().take(levels), .roll(symbol, contract), .get(symbol, timeframe)

The study is "Liquidity Triggers" (DDScript), version 1. Which position of a row is which level
was found by trying and belongs to that version.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from grok_sauce.errors import BadPayload
from grok_sauce.market.events import EARLIEST, LATEST, number
from grok_sauce.market.instruments import CandleSymbol, FutureContract, canonical_period
from grok_sauce.market.products import MONTHS
from grok_sauce.values import dataclass

# Bars that each level looks back, in the order of the levels.
LOOKBACKS: Final = (8, 13, 34, 55, 144, 377, 610)
# Positions of the levels in a row: time, four plots, then each level and its counter.
SLOTS: Final = (5, 7, 9, 11, 13, 15, 17)
LEAST: Final = SLOTS[-1] + 1  # values a row has at least
NOTHING: Final = 1e99  # the study plots 1e+100 where it has no level

_CONTRACT: Final = re.compile(r"(?:[A-Z0-9_]+:)?([A-Z0-9]{1,4}?)([FGHJKMNQUVXZ])([0-9]{4})")


@dataclass(frozen=True, slots=True)
class LtLevels:
    """The levels that stand with one bar.

    symbol is TradingView's ("CME_MINI:NQ1!"), timeframe the bars' ("15m"), contract whose
    prices these are ("/NQZ6"; None: not told). time: start of the bar, ms. closed: the bar
    has ended, so the levels stand; those of a bar under way flip. levels: one price or None
    (no level there) for each of LOOKBACKS, not sorted by price. at: arrival, market time.
    """

    symbol: str
    timeframe: str
    contract: str | None
    time: int
    closed: bool
    levels: tuple[float | None, ...]
    at: float

    @property
    def seconds(self) -> int:
        """Length of a bar; 0 for months, which have no fixed one."""
        return CandleSymbol(self.symbol, canonical_period(self.timeframe)).seconds or 0

    def below(self, price: float) -> int:
        """How many levels lie strictly below a price.

        >>> levels = (21250.0, 21240.0, None, 21225.0, 21190.0, 21300.0, None)
        >>> bar = LtLevels("CME_MINI:NQ1!", "15m", "/NQZ6", 0, True, levels, 0.0)
        >>> bar.below(21246.25), bar.below(21252.5), bar.above(21246.25)
        (3, 4, 2)
        """
        return sum(level is not None and level < price for level in self.levels)

    def above(self, price: float) -> int:
        """How many levels lie strictly above a price."""
        return sum(level is not None and level > price for level in self.levels)

    def behind(self, time: int) -> int | None:
        """Bars from this one to the bar that starts at time (ms): 0 the same, 1 the next.

        By the clock, so a weekend counts. None where bars have no fixed length.
        """
        return (time - self.time) // (self.seconds * 1000) if self.seconds else None


def levels_of(row: Sequence[Any]) -> tuple[int, tuple[float | None, ...]]:
    """Start of the bar (ms) and its levels, from the values of a row of the study.

    A slot that is 1e+100, null, no number or not above 0 holds no level.

    Raises:
        BadPayload: too short for seven levels, or without a time.

    >>> levels_of([1750000500, 0, 0, 0, 0, 21250.0, 3, 1e100, 0, *[None, 0] * 4, 21100.5])
    (1750000500000, (21250.0, None, None, None, None, None, 21100.5))
    """
    if len(row) < LEAST:
        raise BadPayload(
            f"TradingView: a row of the Liquidity Trigger study has {len(row)} values, not {LEAST}"
        )
    seconds = number(row[0])
    time = int(seconds * 1000) if seconds is not None and abs(seconds) < NOTHING else 0
    if not EARLIEST <= time < LATEST:
        raise BadPayload("TradingView: a row of the Liquidity Trigger study has no time")
    return time, tuple(_level(row[slot]) for slot in SLOTS)


def _level(value: Any) -> float | None:
    clean = number(value)
    return clean if clean is not None and 0 < clean < NOTHING else None


def front_contract(text: object) -> str | None:
    """A contract as TradingView writes it in the broker's spelling; None for anything else.

    >>> front_contract("NQZ2026"), front_contract("CME_MINI:ESH2027"), front_contract("NQ1!")
    ('/NQZ6', '/ESH7', None)
    """
    match = _CONTRACT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    return FutureContract(match[1], MONTHS.index(match[2]) + 1, int(match[3])).short


class LtBook:
    """The newest closed levels by symbol and timeframe, all in the front contract's prices.

    At a roll NQ moves by 200 to 300 points: levels of the contract before are no levels any
    more. One writer.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], LtLevels] = {}
        self._front: dict[str, str] = {}

    def take(self, levels: LtLevels) -> bool:
        """Keep levels; False for those of a bar under way, an older bar or another contract.

        The same bar again is a correction and replaces.
        """
        front = self._front.get(levels.symbol)
        if not levels.closed or (front and levels.contract and levels.contract != front):
            return False
        key = (levels.symbol, levels.timeframe)
        before = self._kept.get(key)
        if before is not None and levels.time < before.time:
            return False
        self._kept[key] = levels
        return True

    def roll(self, symbol: str, contract: str) -> bool:
        """contract is the front one from now on; True when that dropped levels.

        Levels that do not say their contract are dropped when the contract changes.
        """
        before, self._front[symbol] = self._front.get(symbol), contract
        gone = [
            key
            for key, kept in self._kept.items()
            if key[0] == symbol
            and kept.contract != contract
            and (kept.contract is not None or before not in (None, contract))
        ]
        for key in gone:
            del self._kept[key]
        return bool(gone)

    def get(self, symbol: str, timeframe: str) -> LtLevels | None:
        """What stands now; None before the first closed bar and after a roll."""
        return self._kept.get((symbol, timeframe))
