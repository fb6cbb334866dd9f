"""What the live strategy is shown: levels in force, LT levels, and what is missing or too old."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies import filters
from grok_sauce.strategies.candle import LENGTH, Candle
from grok_sauce.strategies.contracts import FULL_SIZE
from grok_sauce.strategies.levels import KnownLevels
from grok_sauce.values import dataclass

Heard = Callable[[str, str, Candle], None]
LIVE: Final = "dxlink"  # in the source of levels that move with spot
PATIENCE: Final = 120.0  # market seconds after which a candle that did not come is missed


class Candles(Protocol):
    """Who owns the candles."""

    def want(self, owner: str, wanted: Iterable[tuple[str, str]]) -> None: ...
    def history(self, symbol: str, timeframe: str) -> list[Candle]: ...
    def listen(self, callback: Heard) -> None: ...


class Triggers(Protocol):
    """Who has the Liquidity Trigger levels."""

    def triggers(self, symbol: str, at: float) -> LtLevels | None: ...


class Levels(Protocol):
    """Who has the GEX levels on the future's scale."""

    def known(self, symbol: str, at: float) -> KnownLevels | None: ...
    def why(self, symbol: str) -> str | None: ...


def full_size(symbol: str) -> str:
    """The symbol whose levels count: a micro moves with its full-size contract.

    >>> full_size("/MNQ"), full_size("/NQ"), full_size("/GC")
    ('/NQ', '/NQ', '/GC')
    """
    product = symbol.lstrip("/")
    return f"/{FULL_SIZE.get(product, product)}"


@dataclass(frozen=True, slots=True)
class Missing:
    """An input without which nothing is told, and why."""

    input: str  # "candles", "levels", "lt", "storage" or "feed"
    text: str

    def as_dict(self) -> dict[str, str]:
        """JSON values."""
        return {"input": self.input, "text": self.text}


class Inputs:
    """Levels and LT levels for one symbol's candles.

    Supports are strikes below spot: taken at a candle's close, none could ever have been
    crossed by it. So levels that move with spot are taken right after a close and stand for
    the whole next candle. Levels of a file stand as long as they are the newest.
    """

    def __init__(self, symbol: str, levels: Levels, triggers: Triggers) -> None:
        self.symbol = symbol
        self._root = full_size(symbol)
        self._levels = levels
        self._triggers = triggers
        self.held: KnownLevels | None = None

    def hold(self, close: float) -> None:
        """Take the levels as they were at a close, for the candle after it."""
        found = self._levels.known(self._root, close)
        if found is not None and LIVE in found.source:
            # Not for the candle that just closed, so they count from a second later.
            found = replace(found, known_at=max(found.known_at, close + 1.0))
        self.held = found

    def levels(self, close: float) -> KnownLevels | None:
        """The levels a candle that closed at a Unix time is judged with; None: none known."""
        newest = self._levels.known(self._root, close)
        if newest is not None and newest.known_at > close:
            newest = None
        held = self.held
        if held is None or held.known_at > close or held.known_at < close - LENGTH - PATIENCE:
            return newest
        if newest is not None and LIVE not in newest.source:
            return newest if newest.known_at >= held.known_at or LIVE in held.source else held
        return held

    def triggers(self, close: float) -> LtLevels | None:
        """The LT levels known at a candle's close."""
        found = self._triggers.triggers(self._root, close)
        return None if found is None or found.at > close else found

    def missing(self, settings: Strategy, newest: Candle | None, now: float) -> list[Missing]:
        """What would keep a candle that closed now from being traded.

        newest: the last closed 15-minute candle.
        """
        found = []
        if newest is None:
            found.append(Missing("candles", f"no closed 15-minute candle of {self.symbol} yet"))
        elif now - newest.end > LENGTH + PATIENCE:
            late = (now - newest.end) / 60
            found.append(
                Missing("candles", f"the newest candle of {self.symbol} is {_span(late)} old")
            )
        known, triggers = self.levels(now), self.triggers(now)
        levels, problem = filters.usable_levels(settings, known, _closing(newest, known, now))
        if levels is None:
            reason = self._levels.why(self._root) if known is None else problem
            found.append(Missing("levels", reason or "no levels are known"))
        if settings.lt_missing == "closed":
            closing = _closing(newest, triggers, now)
            usable, why = filters.usable_triggers(settings, triggers, closing)
            if usable is None:
                found.append(Missing("lt", why))
        return found

    def save(self) -> dict[str, Any] | None:
        """The levels held, as JSON values."""
        return None if self.held is None else self.held.as_dict()

    def restore(self, document: Mapping[str, Any] | None) -> None:
        """Take over what save() gave.

        Raises:
            ValueError: it is not such a document.
        """
        self.held = None if document is None else _known(document)


def _closing(newest: Candle | None, known: KnownLevels | LtLevels | None, now: float) -> Candle:
    """A candle that closes now, to ask the filters with; before the first, of their contract."""
    nan = float("nan")
    of_known = None if known is None else known.contract
    contract = of_known if newest is None else newest.contract
    return Candle(round((now - LENGTH) * 1000), nan, nan, nan, nan, None, contract)


def _known(document: Mapping[str, Any]) -> KnownLevels:
    try:
        levels = tuple(
            (str(name), float("nan") if price is None else float(price))
            for name, price in document["levels"]
        )
        return KnownLevels(
            float(document["known_at"]),
            str(document["source"]),
            document["contract"],
            document["factor"],
            document["factor_at"],
            levels,
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise ValueError(f"no levels: {problem!r}") from None


def _span(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
