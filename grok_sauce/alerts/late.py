"""Alerts whose commit came after their answer: found in the store and passed on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from grok_sauce.alerts import records
from grok_sauce.alerts.ledger_values import GAP_BLOCKED
from grok_sauce.alerts.model import HeldAlert
from grok_sauce.alerts.store import Store, StoreBusy
from grok_sauce.runtime import concurrency

log = logging.getLogger(__name__)

LOOK_S: Final = 0.1  # between two looks
QUICK_LOOKS: Final = 50  # after these a second lies between
SLOW_S: Final = 1.0
MAX_LOOKS: Final = 3600  # about an hour: then it was not stored, and was never promised
MAX_EXPECTED: Final = 10_000

Find = Callable[[str], records.AlertRow | None]


def finder(store: Store) -> Find:
    """How a stored alert is found by its id."""

    def find(id: str) -> records.AlertRow | None:
        return store.read(lambda connection: records.alert_by_id(connection, id))

    return find


class LateAlerts:
    """Watches for alerts that were answered 503 because their commit took too long.

    What commits all the same is an alert like any other: its sender's second try is a
    duplicate, so nobody else would ever release it.
    """

    def __init__(self, find: Find, on_held: Callable[[HeldAlert, bool], None]) -> None:
        self._find = find
        self._on_held = on_held
        self._lock = threading.Lock()
        self._looks: dict[str, int] = {}  # id: how often it was looked for
        self._is_looking = False
        self._stop = threading.Event()

    def expect(self, id: str) -> None:
        """Look for this alert from now on."""
        with self._lock:
            if len(self._looks) >= MAX_EXPECTED or self._stop.is_set():
                log.error("alerts: %s may be stored and is not watched for; restart to see", id)
                return
            self._looks[id] = 0
            if self._is_looking:
                return
            self._is_looking = True
        concurrency.spawn(self._follow, name="late alerts")

    def close(self) -> None:
        """Stop looking; the next start finds what was stored."""
        self._stop.set()

    def _follow(self) -> None:
        wait = LOOK_S
        while not self._stop.wait(wait):
            for id in list(self._looks):
                self._look(id)
            with self._lock:
                if not self._looks:
                    self._is_looking = False
                    return
                wait = LOOK_S if min(self._looks.values()) < QUICK_LOOKS else SLOW_S

    def _look(self, id: str) -> None:
        try:
            row = self._find(id)
        except StoreBusy:
            row = None
        if row is None:
            with self._lock:
                self._looks[id] += 1
                if self._looks[id] >= MAX_LOOKS:
                    del self._looks[id]
            return
        with self._lock:
            del self._looks[id]
        log.warning("alerts: %s was stored after it had been answered", id)
        if row.state == "held":
            self._on_held(records.held_of(row), GAP_BLOCKED in row.flags)
