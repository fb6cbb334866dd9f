"""Jobs: one analytic each, run when it is due; only what changed is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from grok_sauce.analytics.view import Analytic, View
from grok_sauce.runtime import concurrency
from grok_sauce.update import Update

log = logging.getLogger(__name__)

EVERYTHING: Final = frozenset({"Link", "Instrument"})  # kinds that touch rows not named in them

HEAVY: Final = 1.0  # seconds between two runs of a heavy analytic that is waited for

Streamers = Mapping[str, Sequence[str]]  # streamer symbol -> the user's symbols


class Job:
    """One analytic: what came since its last run, what it told last, why it failed last."""

    def __init__(self, analytic: Analytic, wake: Callable[[], object]) -> None:
        self.analytic = analytic
        self.problem: str | None = None
        self._wake = wake  # called when a heavy answer is there
        self.told: dict[str, Any] = {}  # key -> payload told last
        self.cache: dict[Any, Any] = {}  # the analytic's own
        self._changed: set[str] = set()
        self._is_stale = True
        self._wants_all = True
        self._ran_at: float | None = None
        self._swept_at: float | None = None
        self._seen = 0  # number of the input handed out last
        self._is_running = False  # heavy: its answer is on its way
        self._answer: tuple[int, Any, BaseException | None] | None = None

    def note(self, kinds: Collection[str], changed: Collection[str]) -> None:
        """Hear what a beat brought: kinds of batches, and streamer symbols that changed."""
        if not self.analytic.needs.isdisjoint(kinds):
            self._is_stale = True
            self._changed.update(changed)
            self._wants_all |= not EVERYTHING.isdisjoint(kinds)

    def start_over(self) -> None:
        """Work everything out again at the next chance (other symbols or settings)."""
        self._is_stale = self._wants_all = True

    def advance(
        self, view: View, streamers: Streamers, real: float, wait: bool = False
    ) -> list[Update]:
        """Take in a heavy answer that came, then run if due; returns what is new.

        view: of this beat, for everything. real: monotonic seconds. wait: a heavy answer is
        waited for and is of this beat, once in HEAVY seconds at most.
        """
        updates = self._collect()
        sweep = self.analytic.sweep
        if sweep is not None and (self._swept_at is None or real - self._swept_at >= sweep):
            self._is_stale = self._wants_all = True
        every = (
            max(self.analytic.every, HEAVY) if wait and self.analytic.heavy else self.analytic.every
        )
        is_early = self._ran_at is not None and real - self._ran_at < every
        if not self._is_stale or is_early or self._is_running:
            return updates
        everything = self._wants_all or self.analytic.heavy
        own = self._own(view, streamers, everything)
        self._changed, self._is_stale, self._wants_all = set(), False, False
        self._ran_at = real
        if everything:
            self._swept_at = real
        self._seen += 1
        try:
            if self.analytic.heavy and wait:
                updates += self._at_once(own)
            elif self.analytic.heavy:
                self._submit(own)
            else:
                updates += self._news(self.analytic.compute(own), everything)
        except Exception as bug:  # noqa: BLE001 - one bad formula must not stop the others
            self._failed(bug)
        return updates

    def _own(self, view: View, streamers: Streamers, everything: bool) -> View:
        symbols = view.symbols
        if not everything:
            hit = sorted(self._changed & streamers.keys())  # in one order in every process
            symbols = tuple(symbol for streamer in hit for symbol in streamers[streamer])
        return replace(
            view,
            symbols=symbols,
            all=everything,
            changed=frozenset(self._changed),
            cache=self.cache,
        )

    def _submit(self, view: View) -> None:
        """Hand a frozen copy to another thread; a later beat picks the answer up."""
        assert self.analytic.freeze is not None
        frozen, number = self.analytic.freeze(view), self._seen
        if frozen is None:
            return

        def done(result: Any) -> None:
            self._answer = (number, result, None)
            self._wake()

        def failed(error: BaseException) -> None:
            self._answer = (number, None, error)
            self._wake()

        concurrency.submit(self.analytic.compute, frozen, done=done, failed=failed)
        self._is_running = True

    def _at_once(self, view: View) -> list[Update]:
        """The same beside the loop, waiting for the answer."""
        assert self.analytic.freeze is not None
        frozen = self.analytic.freeze(view)
        if frozen is None:
            return []
        return self._news(concurrency.offload(self.analytic.compute, frozen), True)

    def _collect(self) -> list[Update]:
        if self._answer is None:
            return []
        number, result, error = self._answer
        self._answer, self._is_running = None, False
        if error is not None:
            self._failed(error, f" on input {number}")
            return []
        return self._news(result, True)

    def _news(self, result: Mapping[str, Any], everything: bool) -> list[Update]:
        """Updates for payloads that differ from what was told last."""
        topic, quiet, told = self.analytic.topic, self.analytic.quiet, self.told
        if self.problem is not None:
            log.info("analytic %s works again", topic)
            self.problem = None
        updates = []
        for key, payload in result.items():
            before = told.get(key)
            if payload is None:
                if told.pop(key, None) is not None:
                    updates.append(Update(topic, key, None))
            elif before is None or not _same(before, payload, quiet):
                told[key] = payload
                updates.append(Update(topic, key, payload))
        if everything:
            for key in [key for key in told if key not in result]:
                del told[key]
                updates.append(Update(topic, key, None))
        return updates

    def _failed(self, error: BaseException, what: str = "") -> None:
        """Mark it; log a failure when it begins or changes, not ten times a second."""
        text = f"{type(error).__name__}: {error}"
        if self.problem != text:
            log.error("analytic %s failed%s", self.analytic.topic, what, exc_info=error)
        self.problem = text
        self._wants_all = True  # once it works again, nothing may be missing


def _same(before: Any, after: Any, quiet: frozenset[str]) -> bool:
    if not quiet or not isinstance(before, dict) or not isinstance(after, dict):
        return bool(before == after)
    return before.keys() == after.keys() and all(
        before[name] == value for name, value in after.items() if name not in quiet
    )
