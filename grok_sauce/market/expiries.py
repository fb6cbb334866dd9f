"""Expiry: one settlement class of an underlying's options, and which of them are still ahead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple

from grok_sauce.market import sessions


class Expiry(NamedTuple):
    """One settlement class: AM and PM of one day are two expiries, and so are two roots."""

    day: date
    root: str
    settlement: Literal["AM", "PM"]

    @property
    def settles(self) -> float:
        """The instant it settles, Unix seconds."""
        return sessions.settlement(self.day, self.settlement)


def ahead(expiries: Iterable[Expiry], now: float) -> list[Expiry]:
    """Expiries that have not settled at market time now, the next first."""
    return sorted(
        (expiry for expiry in expiries if expiry.settles > now),
        key=lambda expiry: (expiry.settles, expiry.root),
    )
