"""The week's events as values: times as they are known, figures as text and as numbers.

amount(text) -> Amount | None                    "85K" is 85,000, "0.3%" is 0.3 %
CalendarEvent, CalendarWeek, week_of(day) -> date        weeks begin on Sunday in New York
changes(before, after) -> list[Change]           what moved, came, went or was filled in
carried(before, after) -> CalendarWeek           after, knowing what it said first
event_ids(week) -> tuple[str, ...]               names that stay while times move in the week
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

from grok_sauce.market.sessions import new_york_date
from grok_sauce.values import dataclass

Impact = Literal["high", "medium", "low", "holiday"]
Timing = Literal["time", "all_day", "tentative", "unknown"]
ChangeKind = Literal["moved", "added", "removed", "forecast", "previous", "impact"]

_LONGEST_NAME: Final = 80  # characters of a title in an id
SCALES: Final = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
_AMOUNT: Final = re.compile(
    r"(?P<bound>[<>])?(?P<number>[+-]?(?:\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.(?P<places>\d{1,9}))?)"
    r"(?P<scale>[KMBT]?)(?P<unit>%?)(?:\|(?P<second>\d{1,6}(?:\.\d{1,6})?))?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure of the calendar.

    value: in units (85K is 85000.0) or, with unit "%", in percent. scale and places are how
    it was written, bound is "<" or ">" where only that is known. second: an auction's
    bid-to-cover, whose yield in percent is the value.
    """

    text: str
    value: float
    unit: Literal["", "%"]
    scale: float = 1.0
    places: int = 0
    bound: Literal["", "<", ">"] = ""
    second: float | None = None

    def like(self, value: float) -> str:
        """Another value written in this one's manner.

        >>> found = amount("85K")
        >>> found.like(92400.0) if found else None
        '92K'
        """
        letter = next((name for name, size in SCALES.items() if size == self.scale), "")
        figure = f"{value / self.scale:.{self.places}f}"
        if not float(figure):
            figure = figure.removeprefix("-")
        return f"{figure}{letter}{self.unit if self.second is None else ''}"


@lru_cache(maxsize=2048)  # each is read a few times per row
def amount(text: str | None) -> Amount | None:
    """The figure a text means; None for none, and for what is no figure ("6-0-3", "Pass").

    >>> [found and (found.value, found.unit) for found in map(amount, ("-1.5M", "<0.1%", ""))]
    [(-1500000.0, ''), (0.1, '%'), None]
    >>> amount("2.73|3.1")
    Amount(text='2.73|3.1', value=2.73, unit='%', scale=1.0, places=2, bound='', second=3.1)
    """
    found = _AMOUNT.fullmatch((text or "").strip())
    if found is None:
        return None
    scale = SCALES[found["scale"].upper()]
    second = None if found["second"] is None else float(found["second"])
    bound: Literal["", "<", ">"] = "<" if found["bound"] == "<" else ">" if found["bound"] else ""
    return Amount(
        found[0],
        float(found["number"].replace(",", "")) * scale,
        "%" if found["unit"] or second is not None else "",
        scale,
        len(found["places"] or ""),
        bound,
        second,
    )


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One line of the calendar.

    currency: "USD", "EUR", ... or "All". at: Unix seconds, None unless timing is "time". day:
    the New York date, None where the calendar gave none. ordinal: 0 for the first of this
    title, currency and day. url counts for nothing in comparisons: only one form has it.
    first_at and first_previous: what an earlier file of the week said first, None while that
    has not changed (see carried).
    """

    title: str
    currency: str
    at: float | None
    day: date | None
    timing: Timing
    impact: Impact
    forecast: str | None
    previous: str | None
    ordinal: int = 0
    url: str | None = field(default=None, compare=False)
    first_at: float | None = field(default=None, compare=False)
    first_previous: str | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, str, date | None, int]:
        """What stays the same while times and figures are edited."""
        return self.title, self.currency, self.day, self.ordinal

    @property
    def forecast_amount(self) -> Amount | None:
        """The forecast as a number; None for none."""
        return amount(self.forecast)

    @property
    def previous_amount(self) -> Amount | None:
        """The previous value as a number; None for none."""
        return amount(self.previous)


@dataclass(frozen=True, slots=True)
class CalendarWeek:
    """One file: its events by time, those without a time at the end of their day.

    start: the Sunday, New York; None for a file without a dated event. fetched: market time
    of the answer. problems: rows that could not be read, each naming its field.
    """

    events: tuple[CalendarEvent, ...]
    start: date | None
    fetched: float
    problems: tuple[str, ...] = ()

    def of(self, *currencies: str) -> tuple[CalendarEvent, ...]:
        """The events of these currencies: of("USD"), of("USD", "All")."""
        return tuple(event for event in self.events if event.currency in currencies)

    def is_current(self, now: float) -> bool:
        """Is this the file of the week that `now` lies in?"""
        return self.start == week_of(new_york_date(now))

    def following(self, now: float, *currencies: str) -> CalendarEvent | None:
        """The next event with a time after now, holidays left out; of all currencies unless named.

        A holiday's clock time means nothing.
        """
        chosen = self.of(*currencies) if currencies else self.events
        return next(
            (
                event
                for event in chosen
                if event.at is not None and event.at > now and event.impact != "holiday"
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two files of a week; before is None for "added", after for "removed"."""

    kind: ChangeKind
    before: CalendarEvent | None
    after: CalendarEvent | None


def week_of(day: date) -> date:
    """The Sunday at or before a day.

    >>> week_of(date(2026, 8, 7)), week_of(date(2026, 8, 9))
    (datetime.date(2026, 8, 2), datetime.date(2026, 8, 9))
    """
    return day - timedelta(days=(day.weekday() + 1) % 7)


def in_order(events: Iterable[CalendarEvent]) -> tuple[CalendarEvent, ...]:
    """By time, otherwise as given, with their ordinals."""
    last = date.max

    def place(event: CalendarEvent) -> tuple[date, float]:
        return event.day or last, float("inf") if event.at is None else event.at

    counts: dict[tuple[str, str, date | None], int] = {}
    ordered = []
    for event in sorted(events, key=place):
        same = event.title, event.currency, event.day
        counts[same] = counts.get(same, -1) + 1
        ordered.append(replace(event, ordinal=counts[same]))
    return tuple(ordered)


def start_of(events: Sequence[CalendarEvent]) -> date | None:
    """The week most of the dated events lie in; the earlier of two with as many."""
    counts: dict[date, int] = {}
    for event in events:
        if event.day is not None:
            week = week_of(event.day)
            counts[week] = counts.get(week, 0) + 1
    return min(counts, key=lambda week: (-counts[week], week), default=None)


def changes(before: CalendarWeek, after: CalendarWeek) -> list[Change]:
    """What happened between two files of the same week; nothing for files of two weeks.

    An event that left one day and came on another is "moved" when it is the only one of its
    title and currency on either side.
    """
    if before.start != after.start:
        return []
    old = {event.key: event for event in before.events}
    new = {event.key: event for event in after.events}
    found: list[Change] = []
    for key, event in new.items():
        earlier = old.get(key)
        if earlier is not None:
            found += _edits(earlier, event)
    gone = [event for key, event in old.items() if key not in new]
    come = [event for key, event in new.items() if key not in old]
    for event in come:
        name = event.title, event.currency
        same = [other for other in come if (other.title, other.currency) == name]
        left = [other for other in gone if (other.title, other.currency) == name]
        if len(same) == len(left) == 1:
            gone.remove(left[0])
            found.append(Change("moved", left[0], event))
            found += _edits(left[0], event)[1:]
        else:
            found.append(Change("added", None, event))
    return found + [Change("removed", event, None) for event in gone]


def carried(before: CalendarWeek | None, after: CalendarWeek) -> CalendarWeek:
    """The newer file, with what earlier files of the same week said first of each event.

    Where one file has more events of a name than the other, which of them moved is not known
    and nothing is claimed.
    """
    if before is None or before.start != after.start:
        return after
    counts = [Counter(map(_name, week.events)) for week in (before, after)]
    old = dict(zip(event_ids(before), before.events, strict=True))
    events = []
    for id, event in zip(event_ids(after), after.events, strict=True):
        earlier, name = old.get(id), _name(event)
        if earlier is not None and counts[0][name] == counts[1][name]:
            event = _remembering(earlier, event)
        events.append(event)
    return replace(after, events=tuple(events))


def _remembering(earlier: CalendarEvent, event: CalendarEvent) -> CalendarEvent:
    at = earlier.at if earlier.first_at is None else earlier.first_at
    previous = earlier.previous if earlier.first_previous is None else earlier.first_previous
    return replace(
        event,
        first_at=None if event.at is None or at == event.at else at,
        first_previous=None if event.previous is None or previous == event.previous else previous,
    )


def event_ids(week: CalendarWeek) -> tuple[str, ...]:
    """A name for each event: week, currency, title, and which of that title it is.

    It stays the same while times and figures are edited and holds across weeks and restarts.

    >>> at = CalendarEvent("CPI m/m", "USD", None, date(2026, 12, 9), "all_day", "high", None, None)
    >>> event_ids(CalendarWeek((at,), date(2026, 12, 6), 0.0))
    ('2026-12-06.USD.cpi-m-m.1',)
    """
    counts: Counter[tuple[str, str]] = Counter()
    found = []
    for event in week.events:
        name = _name(event)
        counts[name] += 1
        start = "undated" if week.start is None else str(week.start)
        found.append(f"{start}.{name[0]}.{name[1]}.{counts[name]}")
    return tuple(found)


def _name(event: CalendarEvent) -> tuple[str, str]:
    """Currency, and the title as letters and digits with dashes."""
    words = "".join(each if each.isalnum() else " " for each in event.title.lower()).split()
    return event.currency, "-".join(words)[:_LONGEST_NAME].strip("-") or "event"


def _edits(before: CalendarEvent, after: CalendarEvent) -> list[Change]:
    """The differences of one event, a move first."""
    compared: tuple[tuple[ChangeKind, bool], ...] = (
        (
            "moved",
            (before.at, before.day, before.timing) != (after.at, after.day, after.timing),
        ),
        ("forecast", before.forecast != after.forecast),
        ("previous", before.previous != after.previous),
        ("impact", before.impact != after.impact),
    )
    return [Change(kind, before, after) for kind, differs in compared if differs]
