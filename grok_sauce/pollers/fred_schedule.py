"""When a series is asked for: at its release, often until it has come, seldom else; pure.

due(now, last, interval, times, updated) -> float      the next request after one at `last`
times(days, clock) -> tuple[float, ...]                release days at their usual time
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from grok_sauce.market.releases import SLACK
from grok_sauce.market.sessions import instant

HOT: Final = 20 * 60.0  # after a release: FRED has it within minutes at best
HOT_STEP: Final = 60.0
WATCH: Final = 24 * 3600.0  # after a release that has not come: asked every interval
UNSAID: Final = 2 * 3600.0  # the same where FRED does not say when the series changed
REST: Final = 12 * 3600.0  # without a release: revisions
BLIND: Final = 3600.0  # while its calendar is not known
DATES: Final = 24 * 3600.0  # between two looks at a release's days
STALE: Final = 48 * 3600.0


def times(days: Iterable[date], clock: tuple[int, int]) -> tuple[float, ...]:
    """When a release of these days is expected: FRED tells days, the clock is the usual one."""
    return tuple(sorted(instant(day, *clock) for day in days))


def due(
    now: float,
    last: float | None,
    interval: float,
    releases: tuple[float, ...],
    updated: float | None,
) -> float:
    """The market time of the next request; at most now when it is due.

    releases: expected times, ascending; none when they are not known. updated: when the
    series last changed, as FRED said.
    """
    if last is None:
        return now
    if not releases:
        return last + max(interval, BLIND)
    found = last + REST
    following = next((at for at in releases if at > last), None)
    if following is not None:
        found = min(found, following)
    before = max((at for at in releases if at <= last), default=None)
    if before is not None and not has_come(before, updated):
        patience = WATCH if updated is not None else UNSAID
        if last < before + patience:
            step = min(HOT_STEP, interval) if last < before + HOT else interval
            found = min(found, last + step)
    return found


def has_come(release: float, updated: float | None) -> bool:
    """Has the series changed with this release?"""
    return updated is not None and updated >= release - SLACK
