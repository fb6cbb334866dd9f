"""The week's events as the calendar shows them: actuals by release, surprises, clusters, next.

table(view) -> the payload of topic "calendar.event"
standardised(surprise, past) -> float | None     a surprise in standard deviations of earlier ones
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import stdev
from typing import Any, Final

from grok_sauce.analytics.view import Analytic, View
from grok_sauce.market.calendar_week import (
    CalendarEvent,
    CalendarWeek,
    amount,
    event_ids,
    week_of,
)
from grok_sauce.market.measures import MEASURES, Measure
from grok_sauce.market.releases import JOINS, SLACK, Actual, actual
from grok_sauce.market.sessions import new_york_date
from grok_sauce.market.source_note import SourceNote
from grok_sauce.market.times import iso

SOURCE: Final = "ForexFactory"
LABEL: Final = "Forex Factory"
HOME: Final = ("USD", "All")  # whose next event the header counts down to
STALE: Final = 26 * 3600.0  # seconds since the file was fetched
LEAST_PAST: Final = 8  # surprises before one more is measured in their standard deviations

Row = dict[str, Any]
Past = Mapping[str, Sequence[float]]  # title -> its earlier surprises


def table(view: View) -> dict[str, Any]:
    """{"": payload}; JSON, unknown = None, times ISO-8601 UTC.

    Settings read: "surprises", a mapping from a USD title to its earlier surprises. Nothing
    while neither a file came nor its source has said how it is.
    """
    week, now = view.state.weeks.get(SOURCE), view.now
    notes = (view.state.notes.get("forex_factory"), view.state.notes.get("fred"))
    if week is None and notes[0] is None:
        return {}
    passed = 0 if week is None else sum(_is_over(event, now) for event in week.events)
    is_stale = week is not None and (now - week.fetched > STALE or not week.is_current(now))
    # What the result depends on, whatever the clock says in between. The objects themselves
    # are kept beside it, so that none is mistaken for another of the same id.
    past = view.settings.get("surprises")
    parts = (week, past, *notes, *view.state.releases.values())
    sign = (*map(id, parts), passed, is_stale)
    held = view.cache.get("table")
    if held is None or held[0] != sign:
        held = (sign, parts, _payload(view, week, notes, is_stale))
        view.cache["table"] = held
    return {"": held[2]}


def _is_over(event: CalendarEvent, now: float) -> int:
    """0 before an event, 1 when a source may publish it, 2 when its time has passed."""
    if event.at is None:
        return 0
    return int(now >= event.at) + int(now >= event.at - SLACK)


def _payload(
    view: View,
    week: CalendarWeek | None,
    notes: tuple[SourceNote | None, SourceNote | None],
    is_stale: bool,
) -> Row:
    calendar, fred = notes
    rows = [] if week is None else _rows(view, week, fred)
    following = None if week is None else week.following(view.now, *HOME)
    fetched = (release.fetched for release in view.state.releases.values())
    return {
        "source": LABEL,
        "on": week is not None if calendar is None else calendar.is_on,
        "problem": _problem(week, calendar, view.now),
        "fetched_at": None if week is None else iso(week.fetched),
        "stale": is_stale,
        "week": _span(week),
        "rows_not_read": 0 if week is None else len(week.problems),
        "actuals": {
            "source": "FRED",
            "on": bool(view.state.releases) if fred is None else fred.is_on,
            "problem": None if fred is None else fred.problem,
            "fetched_at": iso(max(fetched, default=None)),
        },
        "events": rows,
        "next": None
        if week is None or following is None
        else rows[week.events.index(following)]["id"],
    }


def _problem(week: CalendarWeek | None, note: SourceNote | None, now: float) -> str | None:
    """Why there is nothing, or why what there is may mislead."""
    if note is not None and note.problem is not None:
        return note.problem
    if week is None:
        return f"{LABEL}’s file has not arrived yet." if note and note.is_on else None
    if week.start is not None and not week.is_current(now):
        today = week_of(new_york_date(now))
        return f"The newest file is of the week of {week.start}, not of {today}."
    return None


def _span(week: CalendarWeek | None) -> Row | None:
    if week is None or week.start is None:
        return None
    return {"from": str(week.start), "to": str(week.start + timedelta(days=6))}


def _rows(view: View, week: CalendarWeek, fred: SourceNote | None) -> list[Row]:
    minutes = Counter(filter(None, map(_minute, week.events)))
    past = view.settings.get("surprises") or {}
    fred_off = None if fred is None or fred.is_on else fred.problem or "FRED is off"
    return [
        _row(view, id, event, minutes, past, fred_off)
        for id, event in zip(event_ids(week), week.events, strict=True)
    ]


def _row(
    view: View,
    id: str,
    event: CalendarEvent,
    minutes: Mapping[str, int],
    past: Past,
    fred_off: str | None,
) -> Row:
    is_holiday = event.impact == "holiday"
    at = None if is_holiday else event.at  # a holiday's clock time means nothing
    found = actual(event, view.state.releases, view.now)
    measure = None if found.measure is None else MEASURES[found.measure]
    has_figures = bool(event.forecast or event.previous)
    minute = _minute(event)
    status = _status(event, found, measure, at, view.now, fred_off is not None)
    why = found.why
    if status == "upcoming" and measure is not None:
        why = "not released yet"
    elif status == "no_source" and measure is not None:
        why = fred_off
    return {
        "id": id,
        "title": event.title,
        "currency": event.currency,
        "impact": event.impact,
        "time": iso(at),
        "day": None if event.day is None else str(event.day),
        "timing": "all_day" if is_holiday else event.timing,
        "all_day": is_holiday or event.timing == "all_day",
        "status": status,
        "has_figures": has_figures,
        **_figures(event, found, measure, past),
        "has_actual_source": measure is not None,
        "why": why if has_figures or measure is not None else None,
        "moved_from": None if is_holiday else iso(event.first_at),
        "cluster": minute if minute is not None and minutes[minute] > 1 else None,
    }


def _status(
    event: CalendarEvent,
    found: Actual,
    measure: Measure | None,
    at: float | None,
    now: float,
    is_fred_off: bool,
) -> str:
    """ "holiday", "unscheduled" (no time), "upcoming", "waiting" (its time has passed, a source
    will have its figure), "released", "no_source" (nobody will tell its figure), "held" (a
    speech: there is no figure)."""
    if event.impact == "holiday":
        return "holiday"
    if found.value is not None:
        return "released"
    if at is None:
        return "unscheduled"
    if now < at:
        return "upcoming"
    if measure is not None and not is_fred_off:
        return "waiting"
    return "no_source" if measure is not None or event.forecast or event.previous else "held"


def _figures(event: CalendarEvent, found: Actual, measure: Measure | None, past: Past) -> Row:
    """Texts as shown, numbers in units or percent, and what one less the other says."""
    forecast, previous = event.forecast_amount, event.previous_amount
    growth = None if measure is None else measure.growth
    surprise = found.surprise
    before = found.before_text
    is_before_new = before is not None and (previous is None or not _same(before, event.previous))
    return {
        "actual": found.text,
        "actual_value": found.value,
        "actual_source": None if found.value is None else f"FRED {found.measure}",
        "actual_revised": found.now_text if found.now_text != found.text else None,
        "period": None if found.period is None else str(found.period),
        "forecast": event.forecast,
        "forecast_value": None if forecast is None else forecast.value,
        "previous": before if is_before_new else event.previous,
        "previous_value": found.before
        if is_before_new
        else (None if previous is None else previous.value),
        "revised_from": event.previous if is_before_new else event.first_previous,
        "unit": _unit(event, measure),
        "surprise": surprise,
        "surprise_z": None
        if surprise is None
        else standardised(surprise, past.get(event.title, ())),
        "past_surprises": len(past.get(event.title, ())) if measure is not None else None,
        "growth": growth,
        "better": None if not surprise or growth is None else surprise * growth > 0,
    }


def _same(text: str, other: str | None) -> bool:
    one, two = amount(text), amount(other)
    return one is not None and two is not None and (one.value, one.unit) == (two.value, two.unit)


def _unit(event: CalendarEvent, measure: Measure | None) -> str | None:
    if measure is not None:
        return measure.unit
    known = event.forecast_amount or event.previous_amount
    return "%" if known is not None and known.unit == "%" else None


def standardised(surprise: float, past: Sequence[float]) -> float | None:
    """A surprise over the standard deviation (n - 1) of the earlier ones of its event.

    None under LEAST_PAST of them, or where they were all the same. Balduzzi, Elton and Green
    (2001), Journal of Financial and Quantitative Analysis 36.

    Worked by hand: -3, -3, -1, -1, 1, 1, 3, 3 have the mean 0 and the squares' sum 40, a
    variance of 40 / 7.

    >>> round(standardised(0.5, [-3.0, -3.0, -1.0, -1.0, 1.0, 1.0, 3.0, 3.0]), 6)
    0.209165
    >>> standardised(0.5, [0.1] * 7) is None
    True
    """
    if len(past) < LEAST_PAST:
        return None
    size = stdev(past)
    return surprise / size if size > 0 else None


def _minute(event: CalendarEvent) -> str | None:
    """What releases of one currency in one minute have in common; None for what is no release.

    A speech without figures begins at its time and says little then; what matters most
    (a statement, a decision) has high impact.
    """
    if event.at is None or event.impact == "holiday":
        return None
    if not (event.forecast or event.previous or event.impact == "high" or _joined(event)):
        return None
    when = datetime.fromtimestamp(event.at, UTC)
    return f"{when:%Y-%m-%dT%H:%MZ}.{event.currency}"


def _joined(event: CalendarEvent) -> bool:
    return event.currency == "USD" and event.title in JOINS


ANALYTIC: Final = Analytic(
    topic="calendar.event",
    needs=frozenset({"CalendarWeek", "Releases", "SourceNote"}),
    every=0.5,
    compute=table,
    sweep=1.0,
)
