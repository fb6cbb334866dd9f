"""Questions to FRED: a series, its release, a release's days; the key is kept out of errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, ClassVar, Final

from grok_sauce.errors import BadPayload, SourceError, SourceRefused
from grok_sauce.http import Answer, Http, HttpStatus
from grok_sauce.market.measures import Measure
from grok_sauce.market.releases import Observation
from grok_sauce.market.sessions import new_york_date
from grok_sauce.pollers.fred_parse import (
    WHO,
    parse_dates,
    parse_observations,
    parse_release,
    parse_updated,
    refusal,
)
from grok_sauce.settings import knob
from grok_sauce.values import dataclass

ROWS: Final = 14  # a year of months, and one
PAST, AHEAD = timedelta(days=14), timedelta(days=60)  # release days around now


@dataclass(frozen=True, slots=True)
class FredSettings:
    """FRED_*: the key and where FRED is. Toggle and interval are in settings.json."""

    ENV: ClassVar[dict[str, str]] = {
        "key": "FRED_API_KEY",
        "base": "FRED_API_BASE",
        "largest": "FRED_MAX_BYTES",
    }

    key: str = knob("", secret=True)  # empty: no FRED
    base: str = knob("https://api.stlouisfed.org", url=True)
    largest: int = knob(1_000_000, low=50_000, high=64_000_000)  # bytes of one answer


class TooOften(SourceError):
    """FRED answers 429: 120 requests a minute were made with this key."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One answer for a measure: rows newest first, when the series changed, and the body."""

    observations: tuple[Observation, ...]
    updated: float | None
    body: bytes


class FredSource:
    """Asks FRED.

    All raise SourceRefused (the key), TooOften, BadPayload (not as documented, or FRED
    refuses the question), SourceError (no answer, or trouble at their side).
    """

    def __init__(self, settings: FredSettings, http: Http) -> None:
        self._settings = settings
        self._http = http

    def observations(self, measure: Measure) -> Observed:
        """The newest rows of a measure, transformed by FRED."""
        answer = self._get(
            "series/observations",
            {
                "series_id": measure.series,
                "units": measure.units,
                "sort_order": "desc",
                "limit": ROWS,
            },
        )
        updated = parse_updated(answer.headers.get("last-modified"))
        return Observed(parse_observations(answer.body, measure), updated, answer.body)

    def release_of(self, series: str) -> int:
        """The id of the release a series belongs to."""
        return parse_release(self._get("series/release", {"series_id": series}).body)[0]

    def dates(self, release: int, now: float) -> tuple[date, ...]:
        """Days of a release from two weeks before now to two months after, New York."""
        today = new_york_date(now)
        answer = self._get(
            "release/dates",
            {
                "release_id": release,
                "include_release_dates_with_no_data": "true",
                "realtime_start": str(today - PAST),
                "realtime_end": "9999-12-31",
                "sort_order": "asc",
                "limit": 1000,
            },
        )
        return tuple(
            day for day in parse_dates(answer.body) if today - PAST <= day <= today + AHEAD
        )

    def _get(self, path: str, params: Mapping[str, Any]) -> Answer:
        # FRED takes its key in the address only; Http shows addresses without their query.
        sent = {**params, "file_type": "json", "api_key": self._settings.key}
        try:
            return self._http.get(
                f"{self._settings.base.rstrip('/')}/fred/{path}",
                params=sent,
                headers={"Accept": "application/json"},
                limit=self._settings.largest,
            )
        except HttpStatus as problem:
            raise self._refusal(problem) from None

    def _refusal(self, problem: HttpStatus) -> Exception:
        said = refusal(problem.answer.body)
        if self._settings.key:
            said = said.replace(self._settings.key, "***")
        if problem.status == 429:
            return TooOften(f"{WHO}: asked too often (429)")
        if "api_key" in said or problem.status in (401, 403):
            return SourceRefused(f"{WHO} refuses the key; correct FRED_API_KEY in .env: {said}")
        if problem.status >= 500:
            return SourceError(f"{WHO}: {problem.answer.url} answered {problem.status}")
        return BadPayload(f"{WHO}: {said or problem.status}")
