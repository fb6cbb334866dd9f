"""How much of the history has come: bars of the days before are fetched at a symbol's first use."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Final

PATIENCE: Final = 20.0  # seconds without one more; what then has not come may never come


class Loading:
    """Counts snapshots of candles against what the table wants.

    wanted(): canonical candle symbols. arrived: those whose snapshot came, of this run's
    connections. is_live(): whether the feed is connected. monotonic(): seconds. One caller.
    """

    def __init__(
        self,
        wanted: Callable[[], Sequence[str]],
        arrived: Container[str],
        is_live: Callable[[], bool],
        monotonic: Callable[[], float],
    ) -> None:
        self._wanted = wanted
        self._arrived = arrived
        self._is_live = is_live
        self._monotonic = monotonic
        self._seen: tuple[int, int, bool] | None = None
        self._since = 0.0

    def report(self) -> dict[str, int] | None:
        """{done, of} in symbols while history is under way; None when nothing is awaited.

        A symbol of which the server has no history stays out: without any progress for
        PATIENCE the rest is no longer called loading.
        """
        wanted = self._wanted()
        done = sum(symbol in self._arrived for symbol in wanted)
        is_live = self._is_live()
        now = self._monotonic()
        if self._seen != (done, len(wanted), is_live):
            self._seen, self._since = (done, len(wanted), is_live), now
        if not is_live or done == len(wanted) or now - self._since >= PATIENCE:
            return None
        return {"done": done, "of": len(wanted)}
