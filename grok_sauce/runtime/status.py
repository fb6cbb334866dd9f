"""What a source says of itself: written by its worker, read by the header, /status and /health."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from grok_sauce.values import dataclass

State = Literal["connecting", "live", "stale", "backoff", "auth_failed", "off"]


@dataclass(slots=True)
class SourceStatus:
    """One source. Plain attributes with one writer each; times are Unix seconds of real time.

    events counts what it delivered since the start (the reader makes a rate of it).
    """

    name: str
    label: str
    state: State = "connecting"
    detail: str = ""
    last_event: float | None = None
    events: int = 0
    reconnects: int = 0
    errors: int = 0
    last_error: str | None = None
    last_error_at: float | None = None
    next_try: float | None = None
    required: bool = False  # /health is 503 while a required source is not live
    facts: dict[str, str | int | float | bool | None] = field(default_factory=dict)

    def failed(self, message: str, at: float) -> None:
        """Note an error without changing the state."""
        self.errors += 1
        self.last_error = message
        self.last_error_at = at
