"""Redis as a way out: a worker that tells other programs the news on their channels."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from grok_sauce.errors import SourceError, SourceRefused
from grok_sauce.publishers.redis_waiting import Body, Channel, Waiting, Waits
from grok_sauce.redis_link import RedisLink, RedisRefusal
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.update import Update

log = logging.getLogger(__name__)

Command = tuple[str | bytes | int, ...]

LOOK: Final = 0.1  # seconds between two looks at what waits
QUIET: Final = 5.0  # seconds without a message after which Redis is asked whether it is there


class RedisPublisher:
    """Tells channels what is published, for as long as Redis takes it.

    publish() notes and returns; run() connects, sends what waits in one journey, and raises
    when Redis is gone, so that the supervisor tries again. What is the newest of something is
    told when Redis is back; what is kept whole waits within its limit; a signal past its expiry
    is never told. A signal whose telling got no answer may have been heard and is not told again.
    """

    name = "redis"
    tells_outages = True
    longest_pause = 5.0  # seconds; a server of one's own is not hammered by that

    def __init__(
        self, connect: Callable[[], RedisLink], channels: Sequence[Channel], clock: Clock
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._waiting = Waiting(channels, clock)
        self._wake = threading.Event()
        self._answered = clock.monotonic()  # when Redis last said anything
        self._lost: float | None = None  # since when it is gone, monotonic
        self._where = ""
        self.status = SourceStatus(self.name, "Redis")

    def publish(self, updates: Sequence[Update]) -> None:
        """Note what is to be told; never blocks or raises."""
        if self._waiting.put(updates):
            self._wake.set()

    @property
    def depth(self) -> int:
        """Messages that wait."""
        return self._waiting.depth

    def run(self, stop: threading.Event) -> None:
        """Send until stop is set.

        Raises:
            SourceError: Redis cannot be reached, or does not take messages.
            SourceRefused: the package is not installed.
        """
        link: RedisLink | None = None
        try:
            link = self._connect()
            version = link.about().version
            self._up(f"{link.place}, version {version or 'not told'}")
            while not stop.is_set():
                if self._wake.wait(LOOK):
                    self._wake.clear()
                self._turn(link)
        except SourceRefused as problem:
            self.status.state, self.status.detail = "auth_failed", str(problem)
            self.status.failed(str(problem), self._clock.real())
            raise
        except SourceError as problem:
            self._down(str(problem))
            raise
        finally:
            if link is not None:
                link.close()

    # ---- sending ------------------------------------------------------------------------

    def _turn(self, link: RedisLink) -> None:
        items = self._waiting.due()
        if items:
            try:
                # Nothing is said into a connection that died while it was quiet.
                link.do("PING")
            except SourceError:
                self._waiting.back(items)
                raise
            self._tell(link, items)
        elif self._clock.monotonic() - self._answered >= QUIET:
            link.do("PING")
        else:
            return
        self._answered = self._clock.monotonic()
        self._say()

    def _tell(self, link: RedisLink, items: Sequence[Waits]) -> None:
        commands: list[Command] = []
        told: list[Waits | None] = []  # whose PUBLISH each command is; None for what is kept
        for item in items:
            for command in self._commands(item):
                commands.append(command)
                told.append(item if command[0] == "PUBLISH" else None)
        if not commands:
            return
        try:
            answers = link.try_each(commands)
        except SourceError:
            self._give_back(items)
            raise
        self._settle(told, answers)

    def _commands(self, item: Waits) -> list[Command]:
        channel = item.channel
        body: Body | None = item.value
        if not channel.whole:
            body = self._waiting.shaped(channel, item.key, item.value)
        try:
            if body is None or not self._waiting.is_news(item, body):
                return []
            said = orjson.dumps(self._envelope(channel.name, body))
            found: list[Command] = [("PUBLISH", channel.name, said)]
            if channel.kept is not None:
                name, seconds = channel.kept(body)
                found.append(("SET", name, orjson.dumps(body), "EX", seconds))
        except (orjson.JSONEncodeError, KeyError, TypeError) as problem:
            self._waiting.complain(channel, f"{type(problem).__name__} {problem}")
            return []
        return found

    def _envelope(self, name: str, body: Body) -> dict[str, Any]:
        at = datetime.fromtimestamp(self._clock.real(), UTC)
        stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"timestamp": stamp, "channel": name, "data": body}

    def _give_back(self, items: Sequence[Waits]) -> None:
        """No answer: these may have been told. Again is harmless but for what is acted on."""
        again = [item for item in items if item.channel.expires is None]
        for item in items:
            if item.channel.expires is not None:
                self._waiting.counts[item.channel.name, "unclear"] += 1
                log.warning(
                    "redis: no answer to %s %s: it may have been heard and is not told again",
                    item.channel.name,
                    item.key,
                )
        self._waiting.back(again)

    def _settle(self, told: Sequence[Waits | None], answers: Sequence[Any]) -> None:
        """Count each answer.

        Raises:
            RedisRefusal: Redis did not take a message.
        """
        refusal: RedisRefusal | None = None
        for item, answer in zip(told, answers, strict=True):
            if isinstance(answer, RedisRefusal):
                self.status.failed(str(answer), self._clock.real())
                if item is not None:
                    self._waiting.counts[item.channel.name, "refused"] += 1
                    refusal = answer
            elif item is not None:
                self._waiting.counts[item.channel.name, "told"] += 1
                self.status.events += 1
                if item.channel.expires is not None:
                    log.info("redis: %s told to %s listeners", item.channel.name, answer)
        if refusal is not None:
            raise refusal
        self.status.last_event = self._clock.real()

    # ---- what it says of itself ---------------------------------------------------------

    def _up(self, where: str) -> None:
        self._answered = self._clock.monotonic()
        if self._lost is not None:
            log.info("redis: back after %.0f s", self._clock.monotonic() - self._lost)
            self.status.reconnects += 1
            self._lost = None
        self._where = where
        self.status.state = "live"
        self._say()

    def _down(self, why: str) -> None:
        status = self.status
        if self._lost is None:
            self._lost = self._clock.monotonic()
            log.warning("redis: %s; everything else goes on", why)
        status.state = "backoff"
        status.detail = f"{self._waiting.depth} messages wait{self._lost_words()}"
        status.failed(why, self._clock.real())

    def _say(self) -> None:
        told = sum(n for (_, what), n in self._waiting.totals().items() if what == "told")
        self.status.detail = f"{self._where}; {told} told{self._lost_words()}"

    def _lost_words(self) -> str:
        """What was not told: "; 3 of trade.signal expired"."""
        return "".join(
            f"; {count} of {name} {what}"
            for (name, what), count in sorted(self._waiting.totals().items())
            if what != "told"
        )
