"""A strategy and its trades on paper joined: what runs live runs in a backtest.

Runner(settings, symbol).bar(bar) -> list[Order | Trade]        every finest bar, when it ended
.close(candle, levels, triggers) -> (Evaluation, list[Order])    every 15-minute candle, at once
                                                                after the bars within it
.save() -> dict, .restore(document)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies.candle import Candle
from grok_sauce.strategies.contracts import Terms, terms_of
from grok_sauce.strategies.evaluation import Evaluation, View
from grok_sauce.strategies.gex_recoil import GexRecoil
from grok_sauce.strategies.levels import KnownLevels
from grok_sauce.strategies.paper import Order, Paper, Trade

VERSION: Final = 1


class Runner:
    """One symbol's strategy on paper."""

    def __init__(self, settings: Strategy, symbol: str, terms: Terms | None = None) -> None:
        self.symbol = symbol
        self.strategy = GexRecoil(settings)
        self.terms = terms or terms_of(settings.contract, symbol)
        self.paper = Paper(settings, self.terms)

    def bar(self, bar: Candle) -> list[Order | Trade]:
        """Work orders and positions through a bar that has ended."""
        ended = self.paper.step(bar)
        self.strategy.hold(self.symbol, self.paper.busy)
        return ended

    def close(
        self,
        candle: Candle,
        levels: KnownLevels | None,
        triggers: LtLevels | None,
        decided_at: float | None = None,
        place: bool = True,
    ) -> tuple[Evaluation, list[Order]]:
        """Judge a closed candle; a signal's order is placed, unless it only would have been.

        Orders valid until now end first and are the second answer.

        Raises:
            LookAhead: something was not known yet.
        """
        ended = self.paper.expire(candle.end)
        self.strategy.hold(self.symbol, self.paper.busy)
        view = View(self.symbol, candle, levels, triggers, decided_at, self.terms.tick)
        found = self.strategy.evaluate(view)
        if found.signal is not None and place:
            self.paper.place(found.signal)
            self.strategy.hold(self.symbol, self.paper.busy)
        return found, ended

    def save(self) -> dict[str, Any]:
        """Everything remembered, as JSON values."""
        return {
            "version": VERSION,
            "symbol": self.symbol,
            "strategy": self.strategy.save(),
            "paper": self.paper.save(),
        }

    def restore(self, document: Mapping[str, Any]) -> None:
        """Take over what save() gave, all or nothing.

        Raises:
            ValueError: it is not such a document, or of another symbol.
        """
        try:
            version, symbol = document["version"], document["symbol"]
            strategy, paper = document["strategy"], document["paper"]
        except (KeyError, TypeError) as problem:
            raise ValueError(f"no state of a strategy: {problem}") from None
        if version != VERSION or symbol != self.symbol:
            raise ValueError(f"state of {symbol!r}, version {version!r}, not of {self.symbol}")
        kept_strategy = GexRecoil(self.strategy.settings)
        kept_paper = Paper(self.paper.settings, self.terms)
        kept_strategy.restore(strategy)
        kept_paper.restore(paper)
        self.strategy, self.paper = kept_strategy, kept_paper
