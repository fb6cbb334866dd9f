"""What a polled source says of itself, as the market state keeps it beside what it delivered."""

from __future__ import annotations

from grok_sauce.values import dataclass


@dataclass(frozen=True, slots=True)
class QuotaNote:
    """Calls of a plan: how many of the window's are used, and how many searches may use now.

    next_at is when a search may be made, 0 while one may: polls keep some calls for themselves.
    """

    used: int
    limit: int
    window: float  # seconds
    left: int
    next_at: float  # market time


@dataclass(frozen=True, slots=True)
class SourceNote:
    """One source now. All times are market time (Unix seconds).

    is_on: it is switched on and has what it needs. problem: a sentence for the page, why it
    is off or what is wrong with it; None while nothing is. next_call: when it is asked next,
    None when it is not. every: seconds between two calls, None where they have no rhythm.
    """

    name: str
    label: str
    is_on: bool
    problem: str | None = None
    next_call: float | None = None
    every: float | None = None
    quota: QuotaNote | None = None
