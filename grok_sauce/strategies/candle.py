"""Candles of the strategy, and making them of the finest bars there are.

Candle(time, open, high, low, close, volume, contract, seconds=900)
CandleMaker().add(bar) -> list[Candle]         candles that this bar shows to be closed
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from grok_sauce.values import dataclass

LENGTH: Final = 900  # seconds of a candle that is evaluated

_PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Candle:
    """Prices of a span of time: an evaluated candle, or a finer bar that fills orders.

    time: its start, ms UTC. contract: the broker's spelling ("/NQZ6"), None for what is no
    future. seconds: its length. It is known at its end, not before.
    """

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    contract: str | None
    seconds: int = LENGTH

    @property
    def start(self) -> float:
        """Unix seconds."""
        return self.time / 1000

    @property
    def end(self) -> float:
        """Unix seconds of the close."""
        return self.time / 1000 + self.seconds

    @property
    def problem(self) -> str | None:
        """Why its prices cannot be used; None when they can."""
        prices = (self.open, self.high, self.low, self.close)
        if not all(isfinite(price) for price in prices):
            return "a price is not known"
        if not 0 < self.low <= min(self.open, self.close) <= max(self.open, self.close):
            return "a price lies below the low"
        if self.high < max(self.open, self.close):
            return "a price lies above the high"
        return None

    def as_dict(self) -> dict[str, Any]:
        """JSON values; a price that is not finite is None."""
        prices = {name: getattr(self, name) for name in _PRICES}
        return {
            "time": self.time,
            **{name: price if isfinite(price) else None for name, price in prices.items()},
            "volume": self.volume,
            "contract": self.contract,
            "seconds": self.seconds,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Candle:
        """Read as_dict(); KeyError, TypeError or ValueError for anything else."""
        prices = {
            name: float("nan") if document[name] is None else float(document[name])
            for name in _PRICES
        }
        volume, contract = document["volume"], document["contract"]
        if not (contract is None or isinstance(contract, str)):
            raise TypeError("contract is no text")
        return cls(
            time=int(document["time"]),
            **prices,
            volume=None if volume is None else float(volume),
            contract=contract,
            seconds=int(document["seconds"]),
        )


class CandleMaker:
    """Candles out of bars in order of time, each bar within one candle.

    A candle is closed when a bar reaches its end, or the next bar starts at or after it: no
    bar later in the series can then change it. One in which the contract changed is dropped.
    """

    def __init__(self, seconds: int = LENGTH) -> None:
        self._seconds = seconds
        self._open: Candle | None = None
        self._mixed = False

    def add(self, bar: Candle) -> list[Candle]:
        """Candles closed now: at most the one under way and, after it, the bar's own.

        >>> maker = CandleMaker()
        >>> maker.add(Candle(0, 5.0, 6.0, 4.0, 5.5, 10, "/NQZ6", 60))
        []
        >>> [closed] = maker.add(Candle(840_000, 5.5, 7.0, 5.0, 6.5, 5, "/NQZ6", 60))
        >>> closed.open, closed.high, closed.low, closed.close, closed.volume, closed.end
        (5.0, 7.0, 4.0, 6.5, 15, 900.0)
        """
        closed = self.until(bar.time)
        if self._open is None:
            start = bar.time - bar.time % (self._seconds * 1000)
            self._open = Candle(
                start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.contract,
                self._seconds,
            )  # fmt: skip
            self._mixed = False
        else:
            self._mixed = self._mixed or self._open.contract != bar.contract
            self._open = _joined(self._open, bar)
        return closed + self.until(bar.time + bar.seconds * 1000)

    def until(self, time: int) -> list[Candle]:
        """The candle that has ended by time (ms), when there is one under way."""
        under_way = self._open
        if under_way is None or time < under_way.time + self._seconds * 1000:
            return []
        self._open = None
        return [] if self._mixed else [under_way]


def _joined(candle: Candle, bar: Candle) -> Candle:
    known = candle.volume is not None and bar.volume is not None
    return Candle(
        candle.time,
        candle.open,
        max(candle.high, bar.high),
        min(candle.low, bar.low),
        bar.close,
        (candle.volume or 0) + (bar.volume or 0) if known else None,
        candle.contract,
        candle.seconds,
    )
