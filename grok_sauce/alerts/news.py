"""What pages hear of the router: changed alerts a few times a second, the numbers once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from grok_sauce.runtime import concurrency
from grok_sauce.update import Update

TOPIC: Final = "alert.state"
NUMBERS: Final = "#numbers"  # keys beside the alerts' ids
TREE: Final = "#tree_changed"
KEPT: Final = 60  # newest alerts that a page starts with
MOST: Final = 60  # changed alerts told at once, the newest first
LEFT: Final = 600  # that wait for a later telling; in a storm the newest of them
BEAT: Final = 0.15  # seconds between two tellings
STORM_BEAT: Final = 0.5  # and while there is more to tell than at once
QUIET: Final = 1.0  # seconds between two looks at the numbers
NUMBER_BEATS: Final = 6  # and so many beats while alerts come


class Reports(Protocol):
    """What is told: alerts.report.Report."""

    def rows(self, seqs: Sequence[int]) -> list[dict[str, Any]]: ...
    def newest(self, count: int) -> list[dict[str, Any]]: ...
    def numbers(self) -> dict[str, Any]: ...


class News:
    """A worker that publishes what changed. changed() may be called from any thread.

    tree() is another text whenever the routing tree or the lamp of a target has changed.
    """

    name = "alert news"

    def __init__(
        self,
        report: Reports,
        publish: Callable[[Sequence[Update]], None],
        tree: Callable[[], str],
    ) -> None:
        self._report = report
        self._publish = publish
        self._tree = tree
        self._lock = concurrency.brief_lock()
        self._wake = threading.Event()
        self._changed: set[int] = set()
        self._beside: dict[str, Any] = {}
        self.latest: dict[str, Any] | None = None

    def changed(self, seqs: Iterable[int]) -> None:
        """These alerts have something new."""
        with self._lock:
            self._changed.update(seqs)
        if not self._wake.is_set():  # setting it costs more than looking
            self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Tell until stop is set."""
        self._tell(self._report.newest(KEPT), True)
        beats = 0  # since the numbers were looked at
        while not stop.is_set():
            quiet = not self._wake.wait(QUIET)
            self._wake.clear()
            with self._lock:
                changed = sorted(self._changed)
                seqs, left = changed[-MOST:], changed[-MOST - LEFT : -MOST]
                self._changed = set(left)
            if left:
                self._wake.set()
            due = quiet or beats >= NUMBER_BEATS
            self._tell(self._report.rows(seqs) if seqs else [], due)
            beats = 0 if due else beats + 1
            stop.wait(STORM_BEAT if left else BEAT)

    def _tell(self, rows: list[dict[str, Any]], due: bool) -> None:
        updates = [Update(TOPIC, row["id"], row) for row in sorted(rows, key=_seq)]
        if due or self.latest is None:
            self.latest = self._report.numbers()
        beside = {NUMBERS: self.latest, TREE: self._tree()}
        updates += [
            Update(TOPIC, name, value)
            for name, value in beside.items()
            if value != self._beside.get(name)
        ]
        self._beside = beside
        if updates:
            self._publish(updates)


def _seq(row: dict[str, Any]) -> int:
    return int(row["seq"])
