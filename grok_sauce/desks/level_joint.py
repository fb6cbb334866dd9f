"""The level service joined to the market half: what it reads, and who asks Cboe for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from grok_sauce import settings as knobs
from grok_sauce.desks.gex_signal import SignalLevels, SignalSettings
from grok_sauce.desks.level_service import Inputs, LevelService
from grok_sauce.engine import Engine
from grok_sauce.errors import SettingsError
from grok_sauce.pollers.cboe import CboePoller
from grok_sauce.runtime.clock import Clock
from grok_sauce.storage.known_levels import FILE

if TYPE_CHECKING:
    from grok_sauce.analytics.conversion import Factor
    from grok_sauce.signal_part import Ground

PATIENCE: Final = 8.0  # seconds (real) a refresh waits for Cboe
GLANCE: Final = 0.1


def join_levels(ground: Ground) -> tuple[LevelService, SignalLevels]:
    """The service of GEX_SYMBOL's underlyings, and the two doors of signal programs."""
    symbols = knobs.read_env(SignalSettings, ground.environ).names()
    engine, gex = ground.engine, ground.gex

    def touch(symbol: str) -> None:
        """A strategy that is on needs live levels though no page shows the symbol."""
        if ground.chosen().strategy.enabled and symbol not in gex.symbols():
            try:
                gex.views.touch("gex", symbol, "all")
            except SettingsError:
                return  # as many views are open as there may be; Cboe's levels are left

    inputs = Inputs(
        cboe=engine.state.cboe.get,
        factor=lambda symbol: factor_in(engine, symbol),
        rates=gex.rates,
        touch=touch,
        score=lambda: ground.chosen().strategy.score,
    )
    path = None if ground.kept is None else ground.kept / FILE
    service = LevelService(symbols, inputs, ground.clock, ground.publish, path, ground.refused)
    gex.also_cboe(symbols)
    poller = gex.cboe
    told = SignalLevels(
        symbols[0],
        ground.snapshot.get,
        ground.questions,
        ground.clock.market,
        ground.refused,
        service,
        None if poller is None else lambda symbol: fetch(poller, engine, ground.clock, symbol),
    )
    return service, told


def factor_in(engine: Engine, symbol: str) -> Factor | None:
    """What the live analytics carry an underlying to its future with, now.

    Raises:
        SourceError: the engine does not answer.
    """
    found: Factor | None = engine.call(
        lambda: engine.kept("gex.levels").get("factor", {}).get(symbol)
    )
    return found


def fetch(poller: CboePoller, engine: Engine, clock: Clock, symbol: str) -> bool:
    """Have Cboe asked now and wait for its answer; False when none came in time."""
    before = engine.state.cboe.get(symbol)
    deadline = clock.monotonic() + PATIENCE
    if not poller.ask_now(symbol):
        return False
    while engine.state.cboe.get(symbol) is before:
        if clock.monotonic() >= deadline:
            return False
        threading.Event().wait(GLANCE)
    return True
