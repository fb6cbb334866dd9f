"""Which alerts a page asks for, as the condition of a query."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from grok_sauce.values import dataclass

NEW_YORK: Final = ZoneInfo("America/New_York")
Tab = Literal["log", "dead", "security", "audit"]
TABS: Final[tuple[Tab, ...]] = ("log", "dead", "security", "audit")
PER_PAGE: Final = 50
MOST_PER_PAGE: Final = 200

# What a person should look at: of alerts, and of deliveries.
DEAD_ALERTS: Final = ("unrouted", "invalid")
DEAD_DELIVERIES: Final = ("uncertain", "refused", "expired", "dead")
# Of deliveries the machine still works on.
OPEN_DELIVERIES: Final = ("waiting", "sending", "retry_wait")
# What an alert can be looked for by: its own states, and those of its deliveries it shows.
STATES: Final = (
    "held",
    "released",
    "done",
    "partial",
    "failed",
    "cancelled",
    "duplicate",
    "unrouted",
    "invalid",
    "uncertain",
    "refused",
    "expired",
    "dead",
    "skipped",
)


def sql_list(words: tuple[str, ...]) -> str:
    """Words of our own as the inside of IN (...).

    >>> sql_list(("held", "done"))
    "'held', 'done'"
    """
    return ", ".join(f"'{word}'" for word in words)


DEAD: Final = (
    f"a.seq IN (SELECT seq FROM alert WHERE state IN ({sql_list(DEAD_ALERTS)})"
    f" UNION SELECT alert_seq FROM delivery WHERE state IN ({sql_list(DEAD_DELIVERIES)}))"
)
# A plus before a column keeps SQLite from looking it up in that column's index: the deliveries
# of one alert are few, those of a state or a target are all that ever were.
# Acknowledged, and nothing went wrong since.
SEEN: Final = (
    "(a.acknowledged_ms IS NOT NULL AND NOT EXISTS (SELECT 1 FROM delivery d"
    f" WHERE d.alert_seq = a.seq AND +d.state IN ({sql_list(DEAD_DELIVERIES)})"
    " AND d.settled_ms > a.acknowledged_ms))"
)


@dataclass(frozen=True, slots=True)
class Filters:
    """One question about the log, already checked; None asks for everything.

    day is a New York date, q a part of trade_id, before a seq: only older alerts are wanted.
    state may be one of a delivery (STATES).
    """

    tab: Tab = "log"
    strategy: str | None = None
    ticker: str | None = None
    target: str | None = None
    state: str | None = None
    day: date | None = None
    q: str | None = None
    before: int | None = None
    limit: int = PER_PAGE

    def where(self) -> tuple[str, list[str | int]]:
        """The condition on `alert a`, without `before`, and its parameters."""
        parts: list[str] = []
        values: list[str | int] = []

        def add(text: str, *given: str | int) -> None:
            parts.append(text)
            values.extend(given)

        if self.tab == "dead":
            add(DEAD)
        if self.strategy is not None:
            add("EXISTS (SELECT 1 FROM json_each(a.strategies) WHERE value = ?)", self.strategy)
        if self.ticker is not None:
            add("a.ticker = ?", self.ticker)
        if self.target is not None:
            add("EXISTS (SELECT 1 FROM delivery d WHERE d.alert_seq = a.seq AND +d.target = ?)",
                self.target)  # fmt: skip
        if self.state is not None:
            add("(a.state = ? OR EXISTS (SELECT 1 FROM delivery d WHERE d.alert_seq = a.seq"
                " AND +d.state = ?))", self.state, self.state)  # fmt: skip
        if self.day is not None:
            add("a.wall_ms >= ? AND a.wall_ms < ?", *day_span(self.day))
        if self.q:
            add("a.trade_id LIKE ? ESCAPE '\\'", f"%{_plain(self.q)}%")
        return (" AND ".join(parts) or "1"), values


def day_span(day: date) -> tuple[int, int]:
    """Begin and end of a New York day in milliseconds UTC; 23 or 25 hours where clocks change.

    >>> begin, end = day_span(date(2026, 11, 1))
    >>> (end - begin) / 3_600_000
    25.0
    """
    return _midnight(day), _midnight(day + timedelta(days=1))


def day_of(wall_ms: int) -> date:
    """The New York day of a moment."""
    return datetime.fromtimestamp(wall_ms / 1000, NEW_YORK).date()


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp()) * 1000


def _plain(text: str) -> str:
    """Text with nothing in it that LIKE reads as a sign."""
    for sign in "\\%_":
        text = text.replace(sign, f"\\{sign}")
    return text
