"""When a change is one: edges with hysteresis and a pause, so that hovering is no flood."""

from __future__ import annotations

import math
from typing import Final

GAP: Final = 900.0  # seconds without live facts after which they begin anew
JUMP: Final = 0.005  # of its value: a level that leaps is another level, nothing crossed it
HOLD: Final = 60.0  # seconds a wall must stay where it went


class Crossing:
    """One price and one level. A side counts once the price is a band past the level.

    What was told last is compared with where the price is: an edge inside the pause is
    told after it, if it still holds. A level that moved to another strike starts anew;
    with follows it may drift (zero gamma does), and its drift across the price counts.
    """

    __slots__ = ("_at", "_fired", "_follows", "_level", "told")

    def __init__(self, follows: bool = False) -> None:
        self._follows = follows
        self._level: float | None = None
        self._at = -math.inf
        self._fired = -math.inf
        self.told = 0  # side last told, or found at the start: 1 above, -1 below

    def step(self, level: float | None, price: float, band: float, now: float, pause: float) -> int:
        """1 when the price is newly above, -1 newly below, else 0. now and pause in seconds."""
        if level is None:
            return 0
        before, self._level = self._level, level
        if before is None or now - self._at > GAP or self._is_other(before, level):
            self.told = 0
        self._at = now
        side = (price > level + band) - (price < level - band)
        if not side or side == self.told:
            return 0
        if not self.told:
            self.told = side
            return 0
        if now - self._fired < pause:
            return 0
        self.told, self._fired = side, now
        return side

    def _is_other(self, before: float, level: float) -> bool:
        if self._follows:
            return abs(level - before) > JUMP * abs(before)
        return level != before


class Shift:
    """A level that stands at one strike for long: tells when it has moved and stayed."""

    __slots__ = ("_at", "_fired", "_seen", "_since", "told")

    def __init__(self) -> None:
        self.told: float | None = None
        self._seen: float | None = None
        self._since = 0.0
        self._at = -math.inf
        self._fired = -math.inf

    def step(self, value: float | None, now: float, pause: float) -> tuple[float, float] | None:
        """(old, new) when the value has been new for HOLD seconds; else None."""
        if value is None:
            return None
        is_anew = self.told is None or now - self._at > GAP
        self._at = now
        if is_anew:
            self.told = value
        if value != self._seen:
            self._seen, self._since = value, now
        if self.told is None or value == self.told:
            return None
        if now - self._since < HOLD or now - self._fired < pause:
            return None
        old, self.told, self._fired = self.told, value, now
        return old, value


class Rise:
    """A count that should be zero: tells when it has grown past what was told."""

    __slots__ = ("_fired", "told")

    def __init__(self) -> None:
        self.told: int | None = None
        self._fired = -math.inf

    def step(self, count: int, now: float) -> bool:
        """True when it has grown; a count found at the start is not told, growth is."""
        if self.told is None or count < self.told:
            self.told = count
        if count == self.told or now - self._fired < HOLD:
            return False
        self.told, self._fired = count, now
        return True


class Trouble:
    """Something that is down and comes back. Down at first sight is not told, nor its end."""

    __slots__ = ("_began", "_hold", "_known", "is_down", "lasted", "told")

    def __init__(self, hold: float) -> None:
        self._hold = hold
        self._known = False  # seen in order once: what was down before that is no news
        self._began = 0.0
        self.is_down = False
        self.told = False
        self.lasted = 0.0  # seconds of the outage that ended last

    def step(self, is_down: bool, now: float) -> str | None:
        """ "down" once it has been for `hold` seconds, "back" when that ends, else None."""
        if not is_down:
            self._known, self.is_down = True, False
            if not self.told:
                return None
            self.told, self.lasted = False, now - self._began
            return "back"
        if not self.is_down:
            self.is_down, self._began = True, now
        if not self._known or self.told or now - self._began < self._hold:
            return None
        self.told = True
        return "down"
