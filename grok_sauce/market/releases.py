"""US releases as FRED has them, and how an actual value is joined to an event of the calendar.

Observation, Release                       what FRED answered for a measure
JOINS[event title] -> Join                 which measure tells an event's figure, of which period
actual(event, releases, now) -> Actual     the figure, or why there is none

Never by a title's likeness or by nearness in time: an event has its release, period included.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from grok_sauce.market.calendar_week import Amount, CalendarEvent, amount
from grok_sauce.market.measures import MICHIGAN, Measure, Rhythm
from grok_sauce.market.sessions import instant, new_york
from grok_sauce.values import dataclass

SLACK: Final = 600.0  # seconds a source may publish before its time

CONFERENCE_BOARD: Final = "the Conference Board's index is not on FRED"
_AVERAGE: Final = "FRED has the month's average rate, not the decision"
_ISM: Final = "ISM's indices are not on FRED"


@dataclass(frozen=True, slots=True)
class Observation:
    """One row: the first day of its period (a weekly one's last day), and its value.

    value None: FRED writes "." (a holiday, not filled in yet). In units, not thousands.
    """

    period: date
    value: float | None


@dataclass(frozen=True, slots=True)
class Revision:
    """A value that FRED has changed while we looked: what it was and is."""

    period: date
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Release:
    """One measure as FRED has it now.

    observations: newest first. updated: Unix time at which FRED's series last changed, None
    where it did not say. fetched: market time of the answer. release: FRED's id of the
    release. dates: its days around now, New York. late: why it is behind, None when it is not.
    """

    measure: Measure
    observations: tuple[Observation, ...]
    updated: float | None
    fetched: float
    release: int | None = None
    dates: tuple[date, ...] = ()
    revisions: tuple[Revision, ...] = ()

    @property
    def late(self) -> str | None:
        """Why the newest value is not the newest there is."""
        return self.measure.late

    @property
    def latest(self) -> Observation | None:
        """The newest row that has a value."""
        return next((row for row in self.observations if row.value is not None), None)

    @property
    def previous(self) -> Observation | None:
        """The row with a value before the latest."""
        rows = [row for row in self.observations if row.value is not None]
        return rows[1] if len(rows) > 1 else None

    def of(self, period: date) -> Observation | None:
        """The row of a period; None when FRED has none."""
        return next((row for row in self.observations if row.period == period), None)

    def first(self, period: date) -> float | None:
        """The value of a period that was seen first; None where it has not changed since."""
        return next((each.before for each in self.revisions if each.period == period), None)

    def next_at(self, now: float) -> float | None:
        """When the next release is expected: its day at the usual time; None when not known."""
        times = (instant(day, *self.measure.clock) for day in self.dates)
        return min((at for at in times if at > now), default=None)


@dataclass(frozen=True, slots=True)
class Join:
    """Where an event's figure is: measure None says why it is nowhere.

    lag: how many periods before the event's own the figure is of (CPI in June tells of May:
    1). again: releases of the same period follow each other (GDP), so that only an update
    of the series after the event proves the figure.
    """

    measure: str | None
    lag: int = 1
    again: bool = False
    why: str | None = None


JOINS: Final[dict[str, Join]] = {
    "CPI m/m": Join("CPIAUCSL:pch"),
    "CPI y/y": Join("CPIAUCNS:pc1"),
    "Core CPI m/m": Join("CPILFESL:pch"),
    "Non-Farm Employment Change": Join("PAYEMS:chg"),
    "Unemployment Rate": Join("UNRATE:lin"),
    "Average Hourly Earnings m/m": Join("CES0500000003:pch"),
    "Unemployment Claims": Join("ICSA:lin"),
    "Advance GDP q/q": Join("A191RL1Q225SBEA:lin", again=True),
    "Prelim GDP q/q": Join("A191RL1Q225SBEA:lin", again=True),
    "Final GDP q/q": Join("A191RL1Q225SBEA:lin", again=True),
    "Core PCE Price Index m/m": Join("PCEPILFE:pch"),
    "Personal Spending m/m": Join("PCE:pch"),
    "PPI m/m": Join("PPIFIS:pch"),
    "Core PPI m/m": Join("PPIFES:pch"),
    "Retail Sales m/m": Join("RSAFS:pch"),
    "Core Retail Sales m/m": Join("RSFSXMV:pch"),
    "JOLTS Job Openings": Join("JTSJOL:lin", lag=2),
    "Industrial Production m/m": Join("INDPRO:pch"),
    "Housing Starts": Join("HOUST:lin"),
    "Prelim UoM Consumer Sentiment": Join(None, why=MICHIGAN),
    "Revised UoM Consumer Sentiment": Join(None, why=MICHIGAN),
    "Prelim UoM Inflation Expectations": Join(None, why=MICHIGAN),
    "Revised UoM Inflation Expectations": Join(None, why=MICHIGAN),
    "CB Consumer Confidence": Join(None, why=CONFERENCE_BOARD),
    "ISM Manufacturing PMI": Join(None, why=_ISM),
    "ISM Manufacturing Prices": Join(None, why=_ISM),
    "ISM Services PMI": Join(None, why=_ISM),
    "Federal Funds Rate": Join(None, why=_AVERAGE),
}


@dataclass(frozen=True, slots=True)
class Actual:
    """An event's released figure, or why there is none.

    value: as first released as far as was seen, rounded as its publisher rounds, in units or
    percent; exact: as FRED's arithmetic has it. text: in the manner of the event's forecast.
    surprise: value less forecast, None without a forecast or across different units. revised:
    the period's value changed later; now is then its newest, exact, and now_text as text.
    before: the period before as FRED has it by now, rounded, and before_text in the manner of
    the event's previous; None where releases of one period follow each other.
    """

    value: float | None
    exact: float | None = None
    text: str | None = None
    period: date | None = None
    measure: str | None = None
    surprise: float | None = None
    revised: bool = False
    why: str | None = None
    now: float | None = None
    now_text: str | None = None
    before: float | None = None
    before_text: str | None = None


def period_of(rhythm: Rhythm, day: date, lag: int) -> date:
    """The first day of the period `lag` before the one of a day, as FRED dates it.

    Weekly: claims published on a Thursday are of the week that ended on the Saturday before,
    and FRED dates them with that Saturday.

    >>> period_of("monthly", date(2026, 1, 14), 1), period_of("quarterly", date(2026, 7, 30), 1)
    (datetime.date(2025, 12, 1), datetime.date(2026, 4, 1))
    >>> period_of("weekly", date(2026, 8, 6), 1)
    datetime.date(2026, 8, 1)
    """
    if rhythm == "daily":
        return day - timedelta(days=lag)
    if rhythm == "weekly":
        return day - timedelta(days=(day.weekday() + 1) % 7 + 1 + 7 * (lag - 1))  # a Saturday
    step = 3 if rhythm == "quarterly" else 1
    months = day.year * 12 + (day.month - 1) // step * step - lag * step
    return date(months // 12, months % 12 + 1, 1)


def actual(event: CalendarEvent, releases: Mapping[str, Release], now: float) -> Actual:
    """The figure an event released, from what FRED has by now; releases by Measure.key."""
    join = JOINS.get(event.title) if event.currency == "USD" else None
    if join is None:
        return Actual(None, why="no source of actual values has this event")
    if join.measure is None:
        return Actual(None, why=join.why)
    if event.at is None or event.day is None:
        return Actual(None, measure=join.measure, why="the calendar gives no time of release")
    if now < event.at - SLACK:
        return Actual(None, measure=join.measure, why="not released yet")
    release = releases.get(join.measure)
    if release is None:
        return Actual(None, measure=join.measure, why="FRED has not answered")
    measure = release.measure
    period = period_of(measure.rhythm, event.day, join.lag)
    row = release.of(period)
    waiting = _waiting(event.at, event.day, join, release, row)
    if row is None or row.value is None or waiting is not None:
        return Actual(None, period=period, measure=measure.key, why=waiting)
    first = release.first(period) if not join.again else None
    exact = row.value if first is None else first
    value = _rounded(exact, measure)
    forecast = event.forecast_amount or event.previous_amount
    is_same = _is_same_unit(forecast, measure)
    expected = amount(event.forecast) if is_same else None
    like = forecast if is_same else None
    told = None if join.again else release.of(period_of(measure.rhythm, event.day, join.lag + 1))
    before = None if told is None or told.value is None else _rounded(told.value, measure)
    is_revised = any(revision.period == period for revision in release.revisions)
    return Actual(
        value,
        exact,
        _text(value, like, measure),
        period,
        measure.key,
        None if expected is None or expected.bound else round(value - expected.value, 9),
        is_revised,
        now=row.value if is_revised else None,
        now_text=_text(_rounded(row.value, measure), like, measure) if is_revised else None,
        before=before,
        before_text=None if before is None else _text(before, _previous(event, measure), measure),
    )


def _rounded(value: float, measure: Measure) -> float:
    return float(round(value / measure.scale, measure.places)) * measure.scale


def _is_same_unit(found: Amount | None, measure: Measure) -> bool:
    return found is not None and (found.unit == "%") == measure.unit.startswith("%")


def _previous(event: CalendarEvent, measure: Measure) -> Amount | None:
    found = event.previous_amount
    return found if _is_same_unit(found, measure) else None


def _text(value: float, like: Amount | None, measure: Measure) -> str:
    return measure.shown(value) if like is None else like.like(value)


def _waiting(
    at: float, day: date, join: Join, release: Release, row: Observation | None
) -> str | None:
    """Why FRED's row is not yet this event's; None when it is."""
    if release.updated is not None and release.updated < at - SLACK:
        return f"FRED has not got it yet (last changed {new_york(release.updated):%Y-%m-%d %H:%M})"
    if row is None or row.value is None:
        return "FRED has no value of this period yet"
    if release.updated is None and join.again:
        return "FRED does not say which of several releases its value is of"
    if release.dates and day not in release.dates and join.again:
        return "FRED's calendar has no release on this day"
    return None
