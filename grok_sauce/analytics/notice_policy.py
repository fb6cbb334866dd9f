"""When a notice may make itself heard: quiet hours, so many an hour, the rest in a digest."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from grok_sauce.analytics.notice_text import clock, tame
from grok_sauce.analytics.notices import Notice, is_quiet
from grok_sauce.settings.notices import Notices

HOUR: Final = 3600.0
MOST_HELD: Final = 200  # what waits for a digest; the oldest are only counted
MOST_LINES: Final = 40  # of a digest


class Gate:
    """One way out. Urgent notices have an allowance of their own, as large as the usual one.

    sent: real times of what went out in the last hour; held: what waits for a digest, oldest
    first. Both are given again after a restart.
    """

    def __init__(self, sent: Iterable[float] = (), held: Iterable[Notice] = ()) -> None:
        self._sent = deque(sent)
        self._urgent: deque[float] = deque()
        self.held = deque(held)
        self._since: float | None = None  # real time from which a digest's pause counts
        self._was_quiet = False

    def admit(self, notice: Notice, chosen: Notices, market: float, real: float) -> bool:
        """True when it goes out now; else it is kept for a digest."""
        urgent = notice.severity == "urgent"
        quiet = quiet_now(chosen, market) and not (urgent and chosen.quiet.urgent)
        sent = self._urgent if urgent else self._sent
        while sent and not real - HOUR < sent[0] <= real:
            sent.popleft()
        if not quiet and len(sent) < chosen.per_hour:
            sent.append(real)
            return True
        if self._since is None:
            self._since = real
        self.held.append(notice)
        while len(self.held) > MOST_HELD:
            self.held.popleft()
        return False

    def digest(self, chosen: Notices, market: float, real: float) -> list[Notice]:
        """What was held back, when its time has come: after the pause, or with the morning."""
        quiet = quiet_now(chosen, market)
        ended, self._was_quiet = self._was_quiet and not quiet, quiet
        if not self.held or quiet:
            return []
        since = -math.inf if self._since is None else self._since
        if not ended and 0 <= real - since < chosen.digest * 60.0:
            return []
        found = list(self.held)
        self.held.clear()
        self._since = None
        return found


def quiet_now(chosen: Notices, market: float) -> bool:
    """Are these quiet hours?"""
    quiet = chosen.quiet
    return quiet.enabled and is_quiet(market, quiet.start, quiet.end)


def digest_text(notices: Sequence[Notice]) -> tuple[str, str]:
    """(title, text) of a digest; the newest lines when there are too many for one message."""
    first = clock(min(one.at for one in notices))
    many = len(notices)
    title = f"{many} notice{'' if many == 1 else 's'} since {first}"
    lines = [f"{clock(one.at)}  {tame(one.title)}" for one in notices[-MOST_LINES:]]
    if many > MOST_LINES:
        lines.insert(0, f"{many - MOST_LINES} earlier ones are on the page Setup.")
    return title, "\n".join(lines)
