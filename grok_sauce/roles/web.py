"""A web role: pages stand on what a feed in another process tells; it owns nothing itself."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from grok_sauce import settings as knobs
from grok_sauce.errors import SettingsError
from grok_sauce.feeds.updates import NOT_THERE, UpdatesFeed
from grok_sauce.health import Health
from grok_sauce.hub import Hub
from grok_sauce.redis_link import connect
from grok_sauce.roles.doors import Asking, FarControls, FarQuestions
from grok_sauce.roles.grey import greyed
from grok_sauce.roles.health import merged
from grok_sauce.roles.views import Held
from grok_sauce.roles.wire import CLOCK, SETTINGS, RoleSettings, State, redis_of
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import FollowedClock
from grok_sauce.runtime.loop_watch import LoopWatch
from grok_sauce.runtime.supervisor import Supervisor
from grok_sauce.runtime.worker import Worker
from grok_sauce.settings import Settings, validate
from grok_sauce.update import Update

log = logging.getLogger(__name__)

HEALTH: Final = "service.health"


class ToldSettings:
    """settings.json as the feed has it in force; the defaults until it has told them."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.problem: str | None = None

    def take(self, told: Mapping[str, Any]) -> None:
        """What the feed tells: {document, problem}. One that cannot be used changes nothing."""
        try:
            self.settings = validate(told["document"])
        except SettingsError as problem:
            log.warning("the feed's settings are not used: %s", problem)
            return
        said = told.get("problem")
        self.problem = said if isinstance(said, str) else None


class FollowedHealth(Health):
    """The report of a web role: its own parts, and those of the feed as it told them last."""

    def __init__(
        self,
        *args: Any,
        told: Callable[[], tuple[Mapping[str, Any] | None, str | None]],
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self._told = told

    def report(self) -> dict[str, Any]:
        """As of any process; without a feed it is not ok and names why."""
        feed, gone = self._told()
        return merged(super().report(), feed, gone)


class FollowHalf(Hub):
    """Snapshot, doors and health of a process whose numbers come from a feed role.

    more_health() is what the process adds to the report.
    """

    def __init__(
        self,
        clock: FollowedClock,
        environ: Mapping[str, str],
        mode: Callable[[], dict[str, Any]],
        more_health: Callable[[], dict[str, Any]],
    ) -> None:
        super().__init__(clock)
        self._follow = clock
        self.store = ToldSettings()
        self._told: dict[str, Any] | None = None  # the feed's newest report
        self._gone: str | None = NOT_THERE
        names = knobs.read_env(RoleSettings, environ)
        self._link = connect(redis_of(environ, "web"), clock)
        self.updates = UpdatesFeed(self._link, names, self._whole, self._take, self._lost, clock)
        self.role = secrets.token_hex(6)
        self.asking = Asking(
            self._link, names, self.role, lambda: self._gone, lambda: self.updates.token
        )
        views = Held(self.asking.ask, lambda: self.updates.token, lambda: self._gone is None)
        self.controls = FarControls(self.asking, views, self._done)
        self.questions = FarQuestions(self.asking, concurrency.spawn)
        self.supervisor = Supervisor(clock)
        self.supervisors = [self.supervisor]
        self.loop = LoopWatch(clock)
        self.health = FollowedHealth(
            clock,
            {self.updates.name: self.updates.status},
            self.supervisors,
            self.loop,
            mode,
            more_health,
            self.publish,
            told=lambda: (self._told, self._gone),
        )
        self.workers: list[Worker] = [self.updates, self.asking, views, self.loop, self.health]

    def chip(self) -> tuple[str, str]:
        """What the header says: the feed's own chip, or that there is no feed."""
        if self._gone is not None or self._told is None:
            return "NO FEED", self._gone or NOT_THERE
        mode = self._told["mode"]
        return str(mode.get("name")), str(mode.get("detail") or "")

    def start(self) -> None:
        """Begin to follow."""
        self.supervisor.start(self.workers)

    def close(self, timeout: float = 4.0) -> list[str]:
        """Stop the workers within so many seconds; names of those that did not."""
        return self.supervisor.stop(timeout)

    def _done(self, name: str, answer: Any) -> None:
        """Who saved settings sees them on the next page, before the feed tells everybody."""
        if name == "settings.save" and isinstance(answer, dict) and "settings" in answer:
            self.store.take({"document": answer["settings"]})

    # ---- what the feed tells, on its worker's thread ------------------------------------

    def _whole(self, state: State) -> None:
        """Everything anew: only what differs from what pages have is told to them."""
        have = {(each.topic, each.key): each.payload for each in self.snapshot.everything()}
        told = [
            Update(topic, key, payload)
            for (topic, key), payload in state.values.items()
            if topic == HEALTH or have.get((topic, key)) != payload
        ]
        gone = [
            Update(topic, key, None)
            for topic, key in have
            if (topic, key) not in state.values and topic != HEALTH
        ]
        self._take([*told, *gone])

    def _take(self, beat: Sequence[Update]) -> None:
        shown = []
        was_gone, self._gone = self._gone, None
        for update in beat:
            if update.topic == HEALTH:
                self._told = update.payload
            elif update.topic == SETTINGS:
                if update.payload is not None:
                    self.store.take(update.payload)
            elif update.topic == CLOCK:
                self._keep_time(update.payload)
            else:
                shown.append(update)
        if was_gone is not None:
            shown.append(Update(HEALTH, "", self.health.report()))
        if shown:
            self.publish(shown)

    def _lost(self, reason: str) -> None:
        """Nothing is heard: pages are grey from this moment on, and say why."""
        self._gone = reason
        grey = [
            update
            for each in self.snapshot.everything()
            if (update := greyed(each.topic, each.key, each.payload, reason)) is not None
        ]
        self.publish([*grey, Update(HEALTH, "", self.health.report())])

    def _keep_time(self, told: Any) -> None:
        try:
            self._follow.follow(None if told is None else told["anchor"])
        except (KeyError, TypeError, ValueError):
            log.warning("the feed's clock is not understood")
