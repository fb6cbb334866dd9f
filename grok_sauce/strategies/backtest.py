"""The strategy over history: the same objects as live, fed bar by bar in order of time.

run(settings, symbol, bars, levels, triggers) -> Result
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field

from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies.candle import Candle, CandleMaker
from grok_sauce.strategies.contracts import Terms
from grok_sauce.strategies.evaluation import Evaluation, Signal
from grok_sauce.strategies.levels import ByContract, KnownLevels, LookAhead
from grok_sauce.strategies.paper import Order, Position, Trade
from grok_sauce.strategies.runner import Runner
from grok_sauce.values import dataclass

Told = Callable[[int], None]


@dataclass(slots=True)
class Result:
    """What came of it. evaluations: every candle's, in order; waiting, open: at the end."""

    settings: Strategy
    symbol: str
    terms: Terms
    bars: Counter[int] = field(default_factory=Counter)  # length in seconds -> how many
    first: float | None = None  # start of the first bar, Unix s
    last: float | None = None  # end of the last bar
    evaluations: list[Evaluation] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)  # that ended without a trade
    trades: list[Trade] = field(default_factory=list)
    waiting: list[Signal] = field(default_factory=list)
    open: list[Position] = field(default_factory=list)
    last_close: float | None = None

    @property
    def signals(self) -> list[Signal]:
        """All signals in order."""
        return [each.signal for each in self.evaluations if each.signal is not None]


def run(
    settings: Strategy,
    symbol: str,
    bars: Iterable[Candle],
    levels: Sequence[KnownLevels],
    triggers: Sequence[LtLevels] = (),
    told: Told | None = None,
) -> Result:
    """Run over bars in order of time; each of at most a candle's length.

    A candle is judged when it is closed, with the newest levels and LT levels known by its
    close, before any later bar is seen. told is called with the number of bars done.

    Raises:
        LookAhead: bars are not in order of time.
    """
    runner = Runner(settings, symbol)
    result = Result(settings, symbol, runner.terms)
    known = ByContract(levels, lambda each: each.known_at, lambda each: each.contract)
    lists = ByContract(triggers, lambda each: each.at, lambda each: each.contract)
    maker = CandleMaker()
    before: Candle | None = None
    for count, bar in enumerate(bars, start=1):
        if before is not None and bar.time < before.time + before.seconds * 1000:
            raise LookAhead(f"{symbol}: bar {count} starts before the one in front of it ended")
        for candle in maker.until(bar.time):
            _judge(runner, candle, known, lists, result)
        _sort(runner.bar(bar), result)
        for candle in maker.add(bar):
            _judge(runner, candle, known, lists, result)
        result.bars[bar.seconds] += 1
        result.first = bar.start if result.first is None else result.first
        result.last, result.last_close, before = bar.end, bar.close, bar
        if told is not None and count % 1000 == 0:
            told(count)
    result.waiting, result.open = list(runner.paper.orders), list(runner.paper.positions)
    return result


def _judge(
    runner: Runner,
    candle: Candle,
    known: ByContract[KnownLevels],
    lists: ByContract[LtLevels],
    result: Result,
) -> None:
    at, contract = candle.end, candle.contract
    found, ended = runner.close(candle, known.at(at, contract), lists.at(at, contract))
    result.evaluations.append(found)
    result.orders.extend(ended)


def _sort(ended: Iterable[Order | Trade], result: Result) -> None:
    for each in ended:
        if isinstance(each, Trade):
            result.trades.append(each)
        else:
            result.orders.append(each)
