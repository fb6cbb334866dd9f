"""How much the net exposure of each strike changed since the open, in an hour, in five minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

MINUTE_MS: Final = 60_000
# How far back each column looks, and how much older the minute compared with may be.
SPANS: Final = {"hour": 60 * MINUTE_MS, "five": 5 * MINUTE_MS}
SLACK: Final = 2 * MINUTE_MS
OPENING: Final = 5 * MINUTE_MS  # a minute this long after the open still stands for it

Net = Sequence[float | None]


def changes(
    minutes: Sequence[int], net: Sequence[Net], open_ms: int, at: int | None = None
) -> dict[str, Any]:
    """Change of each strike's net up to one minute, in the unit of net.

    minutes: starts of the minutes kept, Unix ms, ascending; net: one row a minute over the
    same strikes, None where a strike was outside the window; open_ms: the session's opening;
    at: position of the minute looked at, None for the newest.

    Returns {"since_open": [...], "hour": [...], "five": [...]}, one value a strike, None where
    either end is not known, and "since": the minute each is compared with, None where none
    was kept near enough: a shorter span is never sold as the longer one.

    >>> found = changes([0, 300_000, 360_000], [[1.0], [4.0], [9.0]], open_ms=0)
    >>> found["since_open"], found["five"], found["hour"], found["since"]["five"]
    ([8.0], [8.0], [None], 0)
    """
    position = len(minutes) - 1 if at is None else at
    width = len(net[position]) if minutes else 0
    bases = {"since_open": _opening(minutes, position, open_ms)}
    for name, span in SPANS.items():
        bases[name] = _before(minutes, position, span)
    found: dict[str, Any] = {
        name: _difference(net, position, base, width) for name, base in bases.items()
    }
    found["since"] = {name: None if base is None else minutes[base] for name, base in bases.items()}
    return found


def _opening(minutes: Sequence[int], position: int, open_ms: int) -> int | None:
    """The first minute at or shortly after the open, before the one looked at."""
    for place in range(position):
        if minutes[place] >= open_ms:
            return place if minutes[place] <= open_ms + OPENING else None
    return None


def _before(minutes: Sequence[int], position: int, span: int) -> int | None:
    """The newest minute that is at least span before, and at most SLACK more."""
    for place in range(position - 1, -1, -1):
        age = minutes[position] - minutes[place]
        if age >= span:
            return place if age <= span + SLACK else None
    return None


def _difference(
    net: Sequence[Net], position: int, base: int | None, width: int
) -> list[float | None]:
    if base is None:
        return [None] * width
    return [
        None if new is None or old is None else new - old
        for new, old in zip(net[position], net[base], strict=True)
    ]
