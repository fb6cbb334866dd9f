"""The lamp of every target: does its port take a connection? Nothing is sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from grok_sauce.alerts.crew import Start
from grok_sauce.alerts.steady import MS, SteadyTime
from grok_sauce.alerts.targets import Target
from grok_sauce.alerts.transport import Addresses
from grok_sauce.errors import GrokSauceError, reason_of
from grok_sauce.runtime import concurrency
from grok_sauce.values import dataclass

EVERY_S: Final = 10.0
CONNECT_S: Final = 1.0
AT_ONCE: Final = 8  # 200 targets that do not answer take 25 s of one try a second


class Targets(Protocol):
    """The routing tree, as far as the probe reads it."""

    def targets(self) -> Mapping[str, Target]:
        """Every target by its id."""


@dataclass(frozen=True, slots=True)
class Lamp:
    """What the last look found; checked_ms is wall-clock milliseconds."""

    is_up: bool
    text: str
    checked_ms: int


class Probe:
    """A worker that connects to each target every so many seconds and hangs up.

    changed() is told when a lamp turned; breakers() gives the targets that are left alone and
    when one attempt is let through (steady ms), as Dispatcher.facts() has them.
    """

    name = "alert probe"

    def __init__(
        self,
        tree: Targets,
        guard: Addresses,
        time: SteadyTime,
        every_s: float = EVERY_S,
        *,
        breakers: Callable[[], Mapping[str, int]] = dict,
        changed: Callable[[], None] = lambda: None,
        connect_s: float = CONNECT_S,
        start: Start = concurrency.spawn,
    ) -> None:
        self._guard = guard
        self._tree = tree
        self._time = time
        self._breakers = breakers
        self._changed = changed
        self._every_s = every_s
        self._connect_s = connect_s
        self._start = start
        self._lamps: dict[str, Lamp] = {}

    def run(self, stop: threading.Event) -> None:
        """Look round after round until stop is set."""
        while not stop.is_set():
            began = self._time.now_ms()
            self.look(stop)
            stop.wait(max(self._every_s - (self._time.now_ms() - began) / MS, 0.1))

    def look(self, stop: threading.Event) -> None:
        """One round over all targets of the tree; returns when it is over."""
        targets = list(self._tree.targets().values())
        known = {target.id for target in targets}
        self._lamps = {id: lamp for id, lamp in self._lamps.items() if id in known}
        left = list(reversed(targets))
        lock, done = threading.Lock(), threading.Event()
        working = min(AT_ONCE, len(targets))
        turned = False

        def work() -> None:
            nonlocal working, turned
            try:
                while not stop.is_set():
                    with lock:
                        if not left:
                            return
                        target = left.pop()
                    lamp = self._lamp(target)
                    with lock:
                        was = self._lamps.get(target.id)
                        self._lamps[target.id] = lamp
                        turned = turned or was is None or was.is_up != lamp.is_up
            finally:
                with lock:
                    working -= 1
                    if not working:
                        done.set()

        if not targets:
            return
        for _ in range(working):
            self._start(work)
        while not done.wait(0.5) and not stop.is_set():
            pass
        if turned:
            self._changed()

    def lamps(self) -> dict[str, dict[str, Any]]:
        """{target: {lamp, lamp_text, checked_ms, next_probe_ms}} of those looked at; wall ms.

        lamp: "up", "down", or "breaker" (its port is open, but its last attempts failed).
        """
        found = {
            id: {
                "lamp": "up" if lamp.is_up else "down",
                "lamp_text": lamp.text,
                "checked_ms": lamp.checked_ms,
                "next_probe_ms": None,
            }
            for id, lamp in self._lamps.items()
        }
        offset = self._time.wall_ms() - self._time.now_ms()
        for id, at in self._breakers().items():
            if id in found:
                found[id]["next_probe_ms"] = at + offset
                if found[id]["lamp"] == "up":
                    found[id]["lamp"] = "breaker"
                    found[id]["lamp_text"] = "takes connections, but its last attempts failed"
        return found

    def _lamp(self, target: Target) -> Lamp:
        began = self._time.now_ms()
        text = "no address may be used"
        try:
            for family, address in self._guard.addresses(target.host, target.port):
                try:
                    with socket.socket(family, socket.SOCK_STREAM) as sock:
                        sock.settimeout(self._connect_s)
                        sock.connect(address)
                        if sock.getsockname() == sock.getpeername():  # ourselves: nobody listens
                            raise ConnectionRefusedError("connection refused")
                except TimeoutError:
                    text = f"no connection within {self._connect_s:g} s"
                except OSError as problem:
                    text = (reason_of(problem) or str(problem)).lower()
                else:
                    ms = self._time.now_ms() - began
                    return Lamp(True, f"takes connections ({ms} ms)", self._time.wall_ms())
        except (GrokSauceError, OSError) as problem:
            text = str(problem)
        return Lamp(False, text, self._time.wall_ms())
