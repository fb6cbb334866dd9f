"""Another process of ours over Redis: its latest state, then every update, gaps noticed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from grok_sauce.errors import BadPayload, GrokSauceError
from grok_sauce.roles.wire import Beats, RoleSettings, State, read_message, read_state
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.update import Update

log = logging.getLogger(__name__)

SILENT: Final = 3.0  # seconds without a message; a feed tells its health once a second
LOOK: Final = 0.2  # seconds between two looks at the time while nothing is heard
NOT_THERE: Final = "No feed is there: nothing tells prices on this Redis"


class Message(Protocol):
    """What was heard."""

    @property
    def body(self) -> bytes: ...


class Ear(Protocol):
    """Somebody who listens to channels."""

    def read(self, seconds: float) -> Message | None: ...
    def close(self) -> None: ...


class Link(Protocol):
    """A Redis server."""

    def do(self, *command: str | bytes | int | float) -> Any: ...
    def hear(self, channels: Sequence[str]) -> Ear: ...


class UpdatesFeed:
    """Worker "updates". run() is one connection; the supervisor starts the next one.

    whole(state) is given the latest of everything at the start and whenever messages were
    missed, take(beat) each beat after that, lost(reason) is told at once when nobody tells any
    more; whole() comes before the next take() then. All on this worker's thread. What an owner
    says whose fencing token is lower than one seen before is not believed.
    """

    name = "updates"
    tells_outages = True
    longest_pause = 1.0  # seconds; Redis is near

    def __init__(
        self,
        link: Link,
        names: RoleSettings,
        whole: Callable[[State], None],
        take: Callable[[Sequence[Update]], None],
        lost: Callable[[str], None],
        clock: Clock,
        status: SourceStatus | None = None,
    ) -> None:
        self._link = link
        self._names = names
        self._whole = whole
        self._take = take
        self._lost = lost
        self._clock = clock
        self.status = status or SourceStatus("updates", "Feed", required=True)
        self.token = 0
        self.seq = 0
        self.loads = 0  # whole states taken
        self.ignored = 0  # messages of an owner that is one no more
        self._reason: str | None = None
        self._up = False
        self._heard = 0.0

    @property
    def is_up(self) -> bool:
        """Is what was taken in the newest there is?"""
        return self._up

    def run(self, stop: threading.Event) -> None:
        """Listen until stop is set.

        Raises:
            SourceError: Redis is not reached; another run() may help.
        """
        try:
            self._listen(stop)
        except GrokSauceError as problem:
            self.status.failed(str(problem), self._clock.real())
            self._down(f"{problem}", "backoff")
            raise
        except BaseException:
            self._down("taking in the feed's updates failed", "backoff")
            raise

    def _listen(self, stop: threading.Event) -> None:
        if self.status.state == "backoff":
            self.status.reconnects += 1
        ear = self._link.hear([self._names.updates])
        try:
            # Listening first, read then: nothing can be missed in between.
            self._show()
            self._heard = self._clock.monotonic()
            while not stop.is_set():
                heard = ear.read(LOOK)
                if heard is not None:
                    self._hear(heard.body)
                elif self._clock.monotonic() - self._heard > SILENT:
                    self._silent()
        finally:
            ear.close()

    def _show(self) -> None:
        """What was there last, for a page that opens before somebody speaks; not as live."""
        state = self._state()
        if state is None or state.token < self.token:
            self._down(NOT_THERE, "stale")
            return
        self._load(state)
        self._down("The feed has not been heard yet", "connecting")

    def _hear(self, body: bytes) -> None:
        try:
            told = read_message(body)
        except BadPayload as problem:
            self.status.failed(str(problem), self._clock.real())
            self._up = False  # whatever it was, it is missed
            return
        if told.token < self.token:
            self.ignored += 1
            return
        self._heard = self._clock.monotonic()
        self._count(told)
        if self._up and told.token == self.token and told.seq <= self.seq:
            return  # the state had it already
        follows = told.token == self.token and told.seq == self.seq + 1 and not told.whole
        if self._up and follows:
            self.seq = told.seq
            for beat in told.beats:
                self._take(beat)
            return
        self._catch_up(told)

    def _count(self, told: Beats) -> None:
        status = self.status
        status.events += sum(map(len, told.beats))
        status.last_event = self._clock.real()
        if told.refused:
            status.failed(
                f"{told.refused} updates had not the shape they must have", self._clock.real()
            )

    def _catch_up(self, told: Beats) -> None:
        """Messages were missed, or somebody else speaks: begin with the whole state."""
        state = self._state()
        if state is None or (state.token, state.seq) < (told.token, told.seq):
            return  # of before this message: the next one is soon enough
        if self._reason is not None:
            log.info("updates: following the feed again")
        self._up, self._reason = True, None
        # Before anybody is told: the report that goes out with the state is to say so.
        self.status.state, self.status.detail = "live", f"following, message {state.seq:,}"
        self._load(state)

    def _state(self) -> State | None:
        """What Redis keeps.

        Raises:
            BadPayload: it is not what a feed writes.
        """
        fields = self._link.do("HGETALL", self._names.state)
        if not isinstance(fields, dict):  # redis-py's own callbacks make a dict of it
            fields = dict(zip(fields[::2], fields[1::2], strict=True))
        return read_state(fields)

    def _load(self, state: State) -> None:
        self.loads += 1
        self.token, self.seq = state.token, state.seq
        self._whole(state)

    def _silent(self) -> None:
        quiet = self._clock.monotonic() - self._heard
        if self._up or self.status.state == "connecting":
            self._down(f"The feed has said nothing for {quiet:.0f} s", "stale")

    def _down(self, reason: str, state: str) -> None:
        first = self._reason is None
        self._up = False
        self._reason = reason
        self.status.state = state  # type: ignore[assignment]
        self.status.detail = reason
        if first and state != "connecting":
            log.warning("updates: lost: %s", reason)
            self.status.failed(reason, self._clock.real())
        self._lost(reason)
