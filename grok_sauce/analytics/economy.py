"""The US figures as a page shows them: value, period, release, revision; topic "fred.release"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from grok_sauce.analytics.view import Analytic, View
from grok_sauce.market.measures import MEASURES, Measure
from grok_sauce.market.releases import Observation, Release
from grok_sauce.market.sessions import instant
from grok_sauce.market.source_note import SourceNote
from grok_sauce.market.times import iso

NAME: Final = "fred"  # in MarketState.notes
WAITING: Final = "The source has not answered yet."

Row = dict[str, Any]


def row(measure: Measure, release: Release | None, now: float) -> Row:
    """One measure as JSON; unknown is None and said in note.

    value, previous: in units, not thousands (percent where unit begins with "%"); shown and
    previous_shown as the publisher writes them. period: first day of what the value is of.
    released_at: the release's day and usual time, None where FRED's calendar does not reach
    back to it; updated_at: when FRED's series last changed. late: FRED is behind its
    publisher by rule.
    """
    latest = None if release is None else release.latest
    before = None if release is None else release.previous
    return {
        "key": measure.key,
        "title": measure.name,
        "unit": measure.unit,
        "transformation": measure.transformation,
        "value": None if latest is None else latest.value,
        "shown": _shown(measure, latest),
        "period": None if latest is None else latest.period.isoformat(),
        "rhythm": measure.rhythm,
        "released_at": None if release is None else iso(_released(release, now)),
        "updated_at": None if release is None else iso(release.updated),
        "fetched_at": None if release is None else iso(release.fetched),
        "previous": None if before is None else before.value,
        "previous_shown": _shown(measure, before),
        "previous_period": None if before is None else before.period.isoformat(),
        "previous_revised_from": _revised_from(release, before),
        "next_release": None if release is None else iso(release.next_at(now)),
        "late": measure.late is not None,
        "note": measure.late if latest is not None else _missing(measure, release),
        "impact": measure.impact,
    }


def _shown(measure: Measure, seen: Observation | None) -> str | None:
    return None if seen is None or seen.value is None else measure.shown(seen.value)


def _released(release: Release, now: float) -> float | None:
    """The newest release time that has come and that the series has changed since."""
    clock = release.measure.clock
    times = [at for day in release.dates if (at := instant(day, *clock)) <= now]
    newest = max(times, default=None)
    if newest is None or release.updated is None or release.updated < newest - 3600:
        return None
    return newest


def _revised_from(release: Release | None, before: Observation | None) -> float | None:
    """What the period before was, where its value was changed while it was watched."""
    if release is None or before is None:
        return None
    return next((each.before for each in release.revisions if each.period == before.period), None)


def _missing(measure: Measure, release: Release | None) -> str:
    if release is None:
        return "FRED has not been asked for this series yet"
    return measure.late or "FRED has no value of this series"


def table(releases: Mapping[str, Release], note: SourceNote | None, now: float) -> dict[str, Any]:
    """The payload: {source, on, problem, fetched_at, next_call_at, series}."""
    fetched = max((release.fetched for release in releases.values()), default=None)
    problem = None if note is None else note.problem
    if problem is None and fetched is None:
        problem = WAITING
    return {
        "source": "FRED" if note is None else note.label,
        "on": note is None or note.is_on,
        "problem": problem,
        "fetched_at": iso(fetched),
        "next_call_at": iso(None if note is None else note.next_call),
        "series": [row(measure, releases.get(key), now) for key, measure in MEASURES.items()],
    }


def compute(view: View) -> dict[str, Any]:
    """The payload under key ""."""
    return {"": table(view.state.releases, view.state.notes.get(NAME), view.now)}


ANALYTIC: Final = Analytic(
    topic="fred.release",
    needs=frozenset({"Releases", "SourceNote"}),
    every=1.0,
    compute=compute,
    sweep=60.0,  # a release's time comes without anything being sent
)
