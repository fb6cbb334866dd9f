"""Rows of the Liquidity Trigger study, and which of them may be believed.

Within a bar the study flips: levels are told when a row of a later bar has come. The bar that
was under way when the connection began was seen only partly and is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from grok_sauce.errors import BadPayload
from grok_sauce.market.lt_levels import levels_of

Levels = tuple[float | None, ...]
_HELD: Final = 5000  # rows of a history


class LevelReader:
    """Rows in, (time ms, levels) of closed bars out. bad counts rows that were none."""

    def __init__(self) -> None:
        self.bad = 0
        self.passed_over = 0
        self._loading: dict[int, Levels] | None = {}
        self._complete = False
        self._open: tuple[int, Levels] | None = None
        self._told: tuple[int, Levels] | None = None
        self._partial: int | None = None

    @property
    def forming(self) -> tuple[int, Levels] | None:
        """The levels of the bar under way; they may still change."""
        return self._open

    def completed(self) -> list[tuple[int, Levels]]:
        """The server says that the history is whole."""
        self._complete = True
        return self._settle()

    def rows(self, rows: Iterable[Any]) -> list[tuple[int, Levels]]:
        """Take rows {"i": .., "v": [..]}; what is closed and new with them, oldest first."""
        found: dict[int, Levels] = {}
        for row in rows:
            values = row.get("v") if isinstance(row, dict) else None
            try:
                time, levels = levels_of(values if isinstance(values, list) else ())
            except BadPayload:
                self.bad += 1
                continue
            found[time] = levels
        if self._loading is not None:
            if len(self._loading) < _HELD:
                self._loading.update(found)
            return self._settle() if self._complete else []
        told: list[tuple[int, Levels]] = []
        for time in sorted(found):
            told += self._take(time, found[time])
        return told

    def _settle(self) -> list[tuple[int, Levels]]:
        """Begin with the history: its newest row is of the bar under way, the one before stands."""
        if not self._loading:
            return []
        times = sorted(self._loading)
        newest = times[-1]
        self._open = (newest, self._loading[newest])
        self._partial = newest
        told = [(time, self._loading[time]) for time in times[-2:-1]]
        self._loading = None
        self._told = told[-1] if told else None
        return told

    def _take(self, time: int, levels: Levels) -> list[tuple[int, Levels]]:
        now = self._open
        if now is None or time == now[0]:
            self._open = (time, levels)
            return []
        if time < now[0]:
            if self._told is not None and self._told[0] == time and self._told[1] != levels:
                self._told = (time, levels)
                return [self._told]  # the last word on a closed bar came late
            return []
        self._open = (time, levels)
        if now[0] == self._partial:
            self.passed_over += 1
            return []
        self._told = now
        return [now]
