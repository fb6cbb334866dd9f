"""TradingDay: which day's numbers are shown now, and whether a value is of that day."""

from __future__ import annotations

from datetime import date

from grok_sauce.market import sessions
from grok_sauce.market.events import Trade
from grok_sauce.market.products import Kind
from grok_sauce.market.sessions import Phase
from grok_sauce.values import dataclass


@dataclass(frozen=True, slots=True)
class TradingDay:
    """The trading day of a kind of instrument at a moment.

    day: the one under way; before its first trade the coming one of today's date, so that
    yesterday's numbers go at midnight; on a day without a session the last one. number:
    days since 1970-01-01, as the feed counts them; before: the number of the day before.
    """

    kind: Kind
    phase: Phase
    day: date
    number: int
    before: int

    @classmethod
    def of(cls, kind: Kind, now: float) -> TradingDay:
        """now: market time (Unix seconds)."""
        phase = sessions.phase(kind, now)
        day = phase.session_date
        if phase.state == "closed":
            today = sessions.new_york_date(now)
            if sessions.hours(kind, today) is not None:
                day = max(day, today)
        before = sessions.previous_session(day)
        return cls(kind, phase, day, sessions.day_id(day), sessions.day_id(before))

    @property
    def is_pre(self) -> bool:
        """Before the regular open of its own date, trading already."""
        return self.phase.state == "pre"

    @property
    def is_closed(self) -> bool:
        """Nothing trades now."""
        return self.phase.state == "closed"

    def is_before(self, instant: float) -> bool:
        """Whether an instant (Unix seconds) lies before all trading of this day."""
        hours = sessions.hours(self.kind, self.day)
        return hours is not None and instant < hours[0]

    def holds(self, trade: Trade) -> bool:
        """Whether a trade's day volume is this day's; one without a day id goes by its time."""
        if trade.day_id is not None:
            return trade.day_id == self.number
        hours = sessions.hours(self.kind, self.day)
        if trade.time is None or hours is None:
            return False
        return hours[0] <= trade.time / 1000 < hours[1] + 3600
