"""The signal service joined: candles and levels in, rules, what is told of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grok_sauce.controls import Controls
from grok_sauce.desks.candle_joint import join_candles
from grok_sauce.desks.level_joint import join_levels
from grok_sauce.desks.redis import RedisDesk
from grok_sauce.desks.redis_prices import RedisPrices
from grok_sauce.desks.signals_joint import inner_door, join_signals
from grok_sauce.engine import Engine
from grok_sauce.http import Http
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.runtime.worker import Worker
from grok_sauce.settings import Settings
from grok_sauce.update import Update
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.alerts.half import AlertHalf
    from grok_sauce.desks.chart_follow import Doors
    from grok_sauce.desks.gex import GexDesk


@dataclass(frozen=True, slots=True)
class Ground:
    """What the signal service stands on: the market half's parts.

    data is where its files go, kept the same or None where nothing may outlive the run (demo).
    doors leads to the price feed; refused says why this process may tell no signals.
    """

    environ: Mapping[str, str]
    engine: Engine
    snapshot: Snapshot
    publish: Callable[[Sequence[Update]], None]
    controls: Controls
    questions: Questions
    clock: Clock
    http: Http
    data: Path
    kept: Path | None
    demo: bool
    gex: GexDesk
    doors: Doors
    chosen: Callable[[], Settings]
    refused: str | None


class SignalPart:
    """Everything of the signal service in this process, for the market half to start and tell.

    sources are what /status shows of it, workers what the supervisor runs, publishers who
    hears every update.
    """

    def __init__(self, ground: Ground) -> None:
        self.sources: list[SourceStatus] = []
        self.workers: list[Worker] = []
        self.publishers: list[Callable[[Sequence[Update]], None]] = []
        self._join_candles(ground)
        self._join_levels(ground)
        self._join_strategy(ground)
        self._join_redis(ground)

    def _join_candles(self, ground: Ground) -> None:
        """TradingView, who owns the candles of all sources, and LT levels."""
        self.tradingview, self.candles, self.triggers = join_candles(ground)
        self.sources += self.tradingview.sources
        self.workers += [*self.tradingview.workers, self.candles, self.triggers]

    def _join_levels(self, ground: Ground) -> None:
        self.levels, told = join_levels(ground)
        self.sources.append(self.levels.status)
        self.workers.append(self.levels)
        self.publishers.append(self.levels.hear)
        told.register(ground.controls)

    def _join_strategy(self, ground: Ground) -> None:
        self.strategy = join_signals(ground, self.candles, self.levels, self.triggers)
        if ground.refused is None:
            self.workers += [self.strategy, self.strategy.sender]

    def open_router(self, alerts: AlertHalf) -> None:
        """The alert router of this process, for signals that are to go there."""
        self.strategy.sender.door = inner_door(alerts)

    def _join_redis(self, ground: Ground) -> None:
        """Last: it tells what the others publish, and obeys what they offer."""

        def enabled() -> bool | None:
            states = [
                ground.snapshot.get("strategy.state", symbol)
                for symbol in ground.chosen().strategy.symbols
            ]
            told = [bool(state["enabled"]) for state in states if state is not None]
            return any(told) if told else None

        def prices(publish: Callable[[Sequence[Update]], None]) -> Worker:
            return RedisPrices(
                ground.engine,
                ground.clock,
                ground.doors,
                lambda: ground.chosen().strategy.symbols,
                publish,
            )

        redis = RedisDesk(
            ground.environ, ground.controls, ground.clock, ground.demo, enabled, prices
        )
        self.sources += redis.sources
        self.workers += redis.workers
        self.publishers += redis.publishers

    def follow(self, chosen: Settings) -> None:
        """Settings as they are now: at the start and after each change."""
        self.tradingview.follow(chosen)
        self.strategy.follow(chosen)
