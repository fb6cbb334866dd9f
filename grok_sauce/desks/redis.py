"""Redis joined: what is told on its channels and what is obeyed, when REDIS_URL is set."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from grok_sauce import settings as knobs
from grok_sauce.controls import Controls
from grok_sauce.desks.gex_signal import SignalSettings
from grok_sauce.desks.redis_commands import REFRESH, RedisCommands
from grok_sauce.desks.redis_shapes import REFRESHED, channels
from grok_sauce.errors import SourceRefused
from grok_sauce.publishers.redis import RedisPublisher
from grok_sauce.redis_link import RedisLink, RedisSettings, connect
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.runtime.worker import Worker
from grok_sauce.update import Update

log = logging.getLogger(__name__)

Publish = Callable[[Sequence[Update]], None]

OFF: Final = "REDIS_URL is not set"
SIMULATED: Final = "a simulated market tells other programs nothing; REDIS_IN_DEMO=1 lets it"


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """What may be told there."""

    ENV: ClassVar[dict[str, str]] = {"in_demo": "REDIS_IN_DEMO"}

    in_demo: bool = False  # tell what a simulated market does, too


class RedisDesk:
    """The two workers of Redis, or the reason why there are none.

    A demo or replay tells nothing unless it is asked to: whoever listens may trade on it.
    prices makes the worker that tells prices which no page asks for.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        controls: Controls,
        clock: Clock,
        simulated: bool,
        strategy_enabled: Callable[[], bool | None],
        prices: Callable[[Publish], Worker] | None = None,
    ) -> None:
        chosen = knobs.read_env(RedisSettings, environ)
        self.sources: list[SourceStatus] = []
        self.workers: list[Worker] = []
        self.publishers: list[Publish] = []
        why = OFF if chosen.url is None else SIMULATED
        if chosen.url is None or (
            simulated and not knobs.read_env(ChannelSettings, environ).in_demo
        ):
            self.sources.append(SourceStatus("redis", "Redis", state="off", detail=why))
            return

        def link() -> RedisLink:
            return connect(chosen, clock)

        _load(link)
        levels_of = knobs.read_env(SignalSettings, environ).names()
        self.teller = RedisPublisher(
            link, channels(levels_of, strategy_enabled, clock.market), clock
        )
        ear = RedisCommands(link, controls, self._answered, clock)
        self.sources += [self.teller.status, ear.status]
        self.workers += [self.teller, ear]
        if prices is not None:
            self.workers.append(prices(self.teller.publish))
        self.publishers.append(self.teller.publish)

    def _answered(self, name: str, result: Any) -> None:
        """Levels that somebody asked for over Redis are told there."""
        if name == REFRESH:
            self.teller.publish([Update(REFRESHED, "", result)])


def _load(link: Callable[[], RedisLink]) -> None:
    """Load the package before anything runs; without it the worker says what is missing."""
    try:
        link()
    except SourceRefused as problem:
        log.debug("redis: %s", problem)
