"""One symbol's strategy, live: what a bar or a closed candle brings, as rows to be stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from grok_sauce.desks.signals_inputs import Inputs
from grok_sauce.desks.signals_post import opening
from grok_sauce.desks.signals_rows import end_of
from grok_sauce.settings.strategy import Strategy
from grok_sauce.storage.signals import EndRow, EvaluationRow, SignalRow, Step
from grok_sauce.strategies.candle import Candle
from grok_sauce.strategies.paper import Order, Trade
from grok_sauce.strategies.runner import Runner
from grok_sauce.values import dataclass

VERSION: Final = 1
MINUTE: Final = "1m"
QUARTER: Final = "15m"
LATE: Final = 120.0  # market seconds after the close up to which a candle may give a signal
LATE_REAL: Final = 5.0  # the same in real seconds, where a market runs faster
CATCH_UP: Final = 96  # candles missed that are judged after all, for the record


@dataclass(slots=True)
class Moment:
    """When something is taken in: market and wall-clock time, whether signals are told."""

    market: float
    real: float
    speed: float
    enabled: bool

    def is_late(self, close: float) -> bool:
        """Is a candle that closed then too old to be acted on?"""
        return self.market - close > max(LATE, LATE_REAL * self.speed)


@dataclass(slots=True)
class Run:
    """A symbol's runner with its inputs and the newest bars seen."""

    symbol: str
    settings: Strategy
    inputs: Inputs
    runner: Runner = field(init=False)
    newest: Candle | None = None  # 15-minute candle
    minute: Candle | None = None  # newest finer bar
    is_new: bool = True  # nothing is kept of an earlier run

    def __post_init__(self) -> None:
        """Begin without a memory."""
        self.runner = Runner(self.settings, self.symbol)

    def use(self, settings: Strategy) -> None:
        """Other options from now on; memory and open trades stay."""
        if settings == self.settings:
            return
        document = self.runner.save()
        self.settings = settings
        self.runner = Runner(settings, self.symbol)
        self.runner.restore(document)

    def take(self, timeframe: str, candle: Candle, moment: Moment, step: Step) -> None:
        """A bar or candle that has closed; what it brought goes into step."""
        if timeframe == MINUTE:
            self._bar(candle, moment, step)
        elif timeframe == QUARTER:
            self._candle(candle, moment, step)

    def skips(self, timeframe: str, candle: Candle) -> bool:
        """Does something lie between the newest bar of this length and this one?"""
        before = self.minute if timeframe == MINUTE else self.newest
        return before is None or candle.time - before.time > candle.seconds * 1000

    def first(self, candle: Candle) -> None:
        """A candle from before the first start: the one before the next, not judged."""
        if self.newest is None or candle.time > self.newest.time:
            self.runner.strategy.seen(self.symbol, candle)
            self.newest = candle

    def _bar(self, bar: Candle, moment: Moment, step: Step) -> None:
        if self.minute is None or bar.time > self.minute.time:
            self.minute = bar
        self._ended(self.runner.bar(bar), moment, step)

    def _candle(self, candle: Candle, moment: Moment, step: Step) -> None:
        if self.newest is not None and candle.time <= self.newest.time:
            return  # judged before
        late = moment.is_late(candle.end)
        mode = "late" if late else "live" if moment.enabled else "off"
        levels, triggers = self.inputs.levels(candle.end), self.inputs.triggers(candle.end)
        found, ended = self.runner.close(candle, levels, triggers, place=mode == "live")
        self.newest = candle
        closed = round(candle.end * 1000)
        step.evaluations.append(
            EvaluationRow(self.symbol, closed, found.result, mode, found.crossed, found.as_dict())
        )
        self._ended(ended, moment, step)
        if not late:
            self.inputs.hold(candle.end)
        signal = found.signal
        if signal is None or mode != "live":
            return
        step.signals.append(
            SignalRow(
                signal.id, self.symbol, closed, round(signal.expires_at * 1000), signal.payload()
            )
        )
        if self.settings.to_router:
            step.posts.append(opening(signal, self.settings.router_ticker, moment.real))

    def _ended(self, ended: list[Order | Trade] | list[Order], moment: Moment, step: Step) -> None:
        for each in ended:
            is_trade = isinstance(each, Trade)
            at = each.exited_at if isinstance(each, Trade) else each.at
            step.ends.append(
                EndRow(
                    each.signal.id,
                    self.symbol,
                    "trade" if is_trade else "order",
                    round(at * 1000),
                    each.points if isinstance(each, Trade) else None,
                    each.dollars if isinstance(each, Trade) else None,
                    end_of(each),
                )
            )

    # ---- kept over a restart ------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """The memory as JSON values."""
        return {
            "version": VERSION,
            "runner": self.runner.save(),
            "newest": None if self.newest is None else self.newest.as_dict(),
            "held": self.inputs.save(),
        }

    def restore(self, document: Mapping[str, Any] | None) -> None:
        """Take over what save() gave; None: begin anew.

        Raises:
            ValueError: it is not such a document.
        """
        self.runner = Runner(self.settings, self.symbol)
        self.newest, self.minute, self.is_new = None, None, document is None
        self.inputs.restore(None)
        if document is None:
            return
        try:
            if document["version"] != VERSION:
                raise ValueError(f"version {document['version']!r}")
            self.runner.restore(document["runner"])
            newest = document["newest"]
            self.newest = None if newest is None else Candle.of(newest)
            self.inputs.restore(document["held"])
        except (KeyError, TypeError) as problem:
            raise ValueError(f"no memory of {self.symbol}: {problem!r}") from None
