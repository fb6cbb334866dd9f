"""Tokens that the embedded market gives out and takes back: access (REST) and streamer."""

from __future__ import annotations

import secrets
import threading
from typing import Final

from grok_sauce.runtime.clock import Clock
from grok_sauce.simulator.faults import Faults

DEMO: Final = "demo"  # client secret, refresh token and streamer token that are always known
ACCESS_LIFE: Final = 900.0  # seconds
STREAMER_LIFE: Final = 86400.0  # seconds


class Tokens:
    """Issues and checks tokens; lives are in real seconds and may be cut by a fault."""

    def __init__(self, clock: Clock, faults: Faults, access_life: float = ACCESS_LIFE) -> None:
        self.access_life = access_life
        self._clock = clock
        self._faults = faults
        self._lock = threading.Lock()
        self._access: dict[str, float] = {}  # token -> monotonic time of issue
        self._streamer: dict[str, float] = {}

    def new_access(self) -> str:
        """A fresh access token."""
        return self._issue(self._access, self.access_life)

    def new_streamer(self) -> str:
        """A fresh streamer token."""
        return self._issue(self._streamer, STREAMER_LIFE)

    def access_is_good(self, token: str) -> bool:
        """Whether a Bearer token was given out here and is still alive."""
        return self._is_good(self._access, token, self.access_life)

    def streamer_is_good(self, token: str) -> bool:
        """Whether AUTH may pass with this token."""
        if self._faults.flag("reject_token"):
            return False
        return token == DEMO or self._is_good(self._streamer, token, STREAMER_LIFE)

    def _life(self, usual: float) -> float:
        cut = self._faults.number("token_expiry")
        return min(usual, cut) if cut else usual

    def _issue(self, table: dict[str, float], life: float) -> str:
        now = self._clock.monotonic()
        token = secrets.token_urlsafe(24)
        with self._lock:
            for old in [t for t, born in table.items() if now - born > life]:
                del table[old]
            table[token] = now
        return token

    def _is_good(self, table: dict[str, float], token: str, usual: float) -> bool:
        with self._lock:
            born = table.get(token)
        return born is not None and self._clock.monotonic() - born < self._life(usual)
