"""The signal service joined: candles and levels in, rules, what is told of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grok_sauce import settings as knobs
from grok_sauce.controls import Controls
from grok_sauce.desks.gex_signal import SignalLevels, SignalSettings
from grok_sauce.desks.tradingview import TradingViewDesk
from grok_sauce.engine import Engine
from grok_sauce.http import Http
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.runtime.worker import Worker
from grok_sauce.settings import Settings
from grok_sauce.update import Update

if TYPE_CHECKING:
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

    def _join_candles(self, ground: Ground) -> None:
        """TradingView, which is one source of candles and the one of LT levels."""
        self.tradingview = TradingViewDesk(
            ground.environ, ground.http, ground.clock, ground.engine.put, ground.kept, ground.demo
        )
        self.sources += self.tradingview.sources
        self.workers += self.tradingview.workers

    def _join_levels(self, ground: Ground) -> None:
        chosen = knobs.read_env(SignalSettings, ground.environ)
        levels = SignalLevels(
            chosen.symbol,
            ground.snapshot.get,
            ground.questions,
            ground.clock.real,
            ground.refused,
        )
        levels.register(ground.controls)

    def follow(self, chosen: Settings) -> None:
        """Settings as they are now: at the start and after each change."""
        self.tradingview.follow(chosen)
