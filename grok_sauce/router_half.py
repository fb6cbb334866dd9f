"""The router alone: what its pages stand on in a process without a market."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grok_sauce.errors import SettingsError
from grok_sauce.health import Health
from grok_sauce.hub import Hub
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.loop_watch import LoopWatch
from grok_sauce.runtime.supervisor import Supervisor
from grok_sauce.runtime.worker import Worker
from grok_sauce.settings import Settings, migrate, parse, validate

log = logging.getLogger(__name__)


class FixedSettings:
    """settings.json as it is at the start, only read: the market half is its one writer.

    A missing or broken file leaves the defaults; nothing but the look of pages depends on it.
    """

    def __init__(self, path: Path) -> None:
        self.problem: str | None = None
        self.settings = Settings()
        try:
            document, _ = migrate(parse(path.read_bytes()))
            self.settings = validate(document)
        except FileNotFoundError:
            pass
        except (OSError, SettingsError) as problem:
            log.warning("%s is not used: %s", path.name, problem)


class RouterHalf(Hub):
    """Health and the look of pages; the alert half brings everything else.

    mode() is the header's chip, more_health() what the process adds to the report.
    """

    def __init__(
        self,
        clock: Clock,
        settings: Path,
        mode: Callable[[], dict[str, Any]],
        more_health: Callable[[], dict[str, Any]],
    ) -> None:
        super().__init__(clock)
        self.store = FixedSettings(settings)
        self.supervisor = Supervisor(clock)
        self.supervisors = [self.supervisor]
        self.loop = LoopWatch(clock)
        self.workers: list[Worker] = [self.loop]
        self.health = Health(
            clock, {}, self.supervisors, self.loop, mode, more_health, self.publish
        )

    def chip(self) -> tuple[str, str]:
        """What stands in the header where a dashboard says LIVE."""
        return "ROUTER", "Alerts only; no prices."

    def start(self) -> None:
        """Begin to report."""
        self.supervisor.start([*self.workers, self.health])

    def close(self, timeout: float = 4.0) -> list[str]:
        """Stop the workers within so many seconds; names of those that did not."""
        return self.supervisor.stop(timeout)
