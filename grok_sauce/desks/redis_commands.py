"""What other programs may ask over Redis: three commands, each the control of the same name."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from grok_sauce.controls import Controls, UnknownControl
from grok_sauce.errors import BadPayload, GrokSauceError, SourceError, SourceRefused
from grok_sauce.redis_link import RedisLink, RedisMessage
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus

log = logging.getLogger(__name__)

REFRESH: Final = "gex.refresh"
# Channel -> the one field its data may have, and that field's type.
COMMANDS: Final[Mapping[str, tuple[str, type]]] = {
    REFRESH: ("force", bool),
    "strategy.enable": ("symbol", str),
    "strategy.disable": ("symbol", str),
}
LARGEST: Final = 4096  # bytes of a message
LONGEST: Final = 32  # letters of a symbol
LOOK: Final = 0.25  # seconds of one wait for a message
REST: Final = 1.0  # seconds between two times that commands are carried out
WAITING: Final = 100  # different commands that may wait for that
TURN: Final = 50  # messages between two turns of others
TEXTS: Final = 50  # different failures that are logged, each once

Params = dict[str, Any]


class RedisCommands:
    """Carries out commands heard on Redis. Anybody who may publish there may give them.

    What is heard within a second is carried out once: of switches of one symbol the last
    counts, and one forced refresh forces. answer(name, result) is told what a control gave.
    """

    name = "redis-commands"
    tells_outages = True  # the line of the other worker is enough: it is the same server
    longest_pause = 5.0

    def __init__(
        self,
        connect: Callable[[], RedisLink],
        controls: Controls,
        answer: Callable[[str, Any], None],
        clock: Clock,
    ) -> None:
        self._connect = connect
        self._controls = controls
        self._answer = answer
        self._clock = clock
        self._texts: set[str] = set()
        self.counts: Counter[str] = Counter()  # "done", "failed", "broken"
        self.status = SourceStatus(self.name, "Redis commands")

    def run(self, stop: threading.Event) -> None:
        """Listen until stop is set.

        Raises:
            SourceError: Redis cannot be reached, or does not let us listen.
            SourceRefused: the package is not installed.
        """
        link: RedisLink | None = None
        try:
            link = self._connect()
            ear = link.hear(list(COMMANDS))
            self.status.reconnects += self.status.state == "backoff"
            self._listen(ear.read, stop)
        except SourceRefused as problem:
            self._lost("auth_failed", str(problem))
            raise
        except SourceError as problem:
            self._lost("backoff", str(problem))
            raise
        finally:
            if link is not None:
                link.close()

    def _listen(self, read: Callable[[float], RedisMessage | None], stop: threading.Event) -> None:
        waiting: dict[tuple[str, Any], tuple[str, Params]] = {}
        heard, free_at = 0, self._clock.monotonic()
        while not stop.is_set():
            found = read(LOOK)
            self._say()
            if found is not None:
                self._note(found, waiting)
                heard += 1
                if heard % TURN == 0:
                    concurrency.sleep(0)  # what is there already is read without waiting
            if waiting and self._clock.monotonic() >= free_at:
                for name, params in waiting.values():
                    self._do(name, params)
                waiting.clear()
                free_at = self._clock.monotonic() + REST

    def _note(
        self, message: RedisMessage, waiting: dict[tuple[str, Any], tuple[str, Params]]
    ) -> None:
        self.status.events += 1
        self.status.last_event = self._clock.real()
        try:
            params = params_of(message)
        except BadPayload as problem:
            self._failed("broken", f"a message on {message.channel} is not obeyed: {problem}")
            return
        kind = message.channel.partition(".")[0]
        place = kind, params.get("symbol")
        before = waiting.pop(place, None)
        if before is None and len(waiting) >= WAITING:
            self._failed("broken", f"more than {WAITING} commands a second; the rest is not obeyed")
            return
        if before is not None and message.channel == REFRESH and before[1].get("force"):
            params = before[1]
        waiting[place] = message.channel, params

    def _do(self, name: str, params: Params) -> None:
        try:
            result = self._controls.do(name, **params)
        except UnknownControl:
            self._failed("failed", f"{name}: this process runs nothing that does it")
        except GrokSauceError as problem:
            self._failed("failed", f"{name}: {problem}")
        except Exception:
            self.counts["failed"] += 1
            log.exception("redis: %s failed", name)
        else:
            self.counts["done"] += 1
            log.info("redis: %s carried out as asked", name)
            self._answer(name, result)

    def _failed(self, what: str, text: str) -> None:
        """Count it; the log has each sentence once, a flood of them costs no disk."""
        self.counts[what] += 1
        self.status.failed(text, self._clock.real())
        if text not in self._texts and len(self._texts) < TEXTS:
            self._texts.add(text)
            log.warning("redis: %s", text)

    def _say(self) -> None:
        self.status.state = "live"
        counts = ", ".join(f"{self.counts[what]} {what}" for what in ("done", "failed", "broken"))
        self.status.detail = f"listens to {', '.join(COMMANDS)}: {counts}"

    def _lost(self, state: Any, why: str) -> None:
        self.status.state, self.status.detail = state, ""
        self.status.failed(why, self._clock.real())


def params_of(message: RedisMessage) -> Params:
    """The parameters of a command: nothing, {"force": true}, or the same as data of an envelope.

    Raises:
        BadPayload: it is too long, no JSON object, or its field has another type.

    >>> params_of(RedisMessage("gex.refresh", b'{"channel": "gex.refresh", "data": {"force": 1}}'))
    Traceback (most recent call last):
    grok_sauce.errors.BadPayload: force must be true or false
    >>> params_of(RedisMessage("gex.refresh", b'{"force": true}'))
    {'force': True}
    """
    if len(message.body) > LARGEST:
        raise BadPayload(f"it is longer than {LARGEST} bytes")
    if not message.body.strip():
        return {}
    try:
        found = orjson.loads(message.body)
    except orjson.JSONDecodeError:
        raise BadPayload("it is not JSON") from None
    if isinstance(found, dict) and "data" in found:
        found = found["data"]
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadPayload("it is no JSON object")
    field, kind = COMMANDS[message.channel]
    value = found.get(field)
    if value is None:
        return {}
    if not isinstance(value, kind):
        wanted = "true or false" if kind is bool else "text"
        raise BadPayload(f"{field} must be {wanted}")
    if isinstance(value, str) and not (value.isprintable() and 0 < len(value) <= LONGEST):
        raise BadPayload(f"{field} must be 1 to {LONGEST} printable letters")
    return {field: value}
