"""The book of event reactions: releases that are followed, those of the past, and their payload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import isfinite
from typing import Any, Final

from grok_sauce.analytics.event_reaction import HORIZONS, iso
from grok_sauce.analytics.event_statistics import (
    Past,
    Regime,
    growth,
    scaled,
    statistics,
)
from grok_sauce.market.calendar_week import week_of
from grok_sauce.market.sessions import new_york_date
from grok_sauce.storage.reactions import DAY_MS, KEEP_DAYS, EventRecord, Key
from grok_sauce.values import dataclass

FOLLOWED: Final = 12 * DAY_MS  # ms a release stays open for bars that come late
CURRENCIES: Final = frozenset({"USD", "All"})  # whose releases are measured


@dataclass(frozen=True, slots=True)
class Brief:
    """A release of the past, in short: what statistics need of it."""

    time: int
    title: str
    currency: str
    cluster: str | None
    surprise: float | None
    regime: Regime | None
    percents: Mapping[str, Mapping[int, float | None]]  # by symbol

    @classmethod
    def of(cls, record: EventRecord) -> Brief:
        return cls(
            record.time,
            record.title,
            record.currency,
            record.cluster,
            record.surprise,
            (record.gamma or {}).get("regime"),
            {symbol: _percents(row) for symbol, row in record.rows.items()},
        )

    def past(self, symbol: str | None) -> Past:
        """As statistics of one symbol see it."""
        percents = self.percents.get(symbol or "", {})
        return Past(self.cluster is not None, self.surprise, self.regime, percents)


class Book:
    """Releases by (week, id); on the desk's thread alone. `now` is market time in Unix ms."""

    def __init__(self) -> None:
        self.open: dict[Key, EventRecord] = {}  # what may still change
        self._past: list[Brief] = []
        self._listed: list[Key] = []  # of the calendar as it is now
        self.revision = 0  # grows with each change

    def load(self, records: Iterable[EventRecord], now: int) -> None:
        """Take what the file has, before anything else.

        What was measured later than now belongs to another run.
        """
        for record in records:
            is_past = record.time <= now
            self.open[record.key] = record if is_past else replace(record, gamma=None, rows={})
        self.age(now)

    def age(self, now: int) -> None:
        """Close what nothing can be learned of any more, and forget what is very old."""
        listed = set(self._listed)
        for key, record in list(self.open.items()):
            if record.time < now - FOLLOWED and key not in listed:
                self._past.append(Brief.of(record))
                del self.open[key]
        self._past = [each for each in self._past if each.time >= now - KEEP_DAYS * DAY_MS]
        self.revision += 1

    # ---- the calendar -------------------------------------------------------------------

    def follow(self, calendar: Mapping[str, Any]) -> tuple[list[EventRecord], list[Key]]:
        """Take a payload of "calendar.event".

        Returns releases that are new or different, and the keys of those that are none any
        more: announced for the week, nothing measured, and gone from it. One that moved to
        another minute is measured anew.
        """
        rows = [row for row in calendar.get("events") or () if _is_release(row)]
        changed, listed = [], []
        for row in rows:
            if row["currency"] not in CURRENCIES:
                continue
            record = _record(row)
            listed.append(record.key)
            before = self.open.get(record.key)
            if before is not None and before.time == record.time:
                record = replace(record, gamma=before.gamma, rows=before.rows)
            if record != before:
                self.open[record.key] = record
                changed.append(record)
        self._listed = listed
        self.revision += 1
        return changed, self._withdrawn(calendar, set(listed))

    def _withdrawn(self, calendar: Mapping[str, Any], listed: set[Key]) -> list[Key]:
        """Drop what the calendar no longer has, of the weeks it tells of."""
        weeks = {week for week, _ in listed}
        told = {str(row.get("id")) for row in calendar.get("events") or ()}
        gone = [
            key
            for key, record in self.open.items()
            if key[0] in weeks
            and key not in listed
            # A minute it was moved away from measured nothing; what a shorter file lacks stays.
            and (key[1] in told or not any(_is_measured(row) for row in record.rows.values()))
        ]
        for key in gone:
            del self.open[key]
        return gone

    def put(self, record: EventRecord) -> None:
        """Take a release as it is known now."""
        self.open[record.key] = record
        self.revision += 1

    def released(self, now: int) -> int:
        """How many of the calendar's releases have been."""
        records = (self.open.get(key) for key in self._listed)
        return sum(record is not None and record.time <= now for record in records)

    # ---- what is told -------------------------------------------------------------------

    def events(self, now: int, symbols: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Releases of the calendar that have been, by id."""
        records = [self.open[key] for key in self._listed if key in self.open]
        past = self._surprises()
        return {
            record.id: _event(record, symbols, past.get((record.title, record.currency), ()))
            for record in records
            if record.time <= now
        }

    def statistics(self, now: int, symbol: str | None) -> list[dict[str, Any]]:
        """What the calendar's releases did before, those of now included, in one symbol.

        One entry an event, and one a group of events that come in one minute this week and
        have come so before: its `titles` are several.
        """
        titles: dict[tuple[str, str], None] = {}
        groups: dict[str, list[str]] = {}
        for record in (self.open[key] for key in self._listed if key in self.open):
            titles[record.title, record.currency] = None
            if record.cluster is not None:
                groups.setdefault(record.cluster, []).append(record.title)
        briefs = [each for each in self._briefs() if each.time <= now]
        found = [
            _entry([title], currency, symbol, [b for b in briefs if _is(b, title, currency)])
            for title, currency in titles
        ]
        sets = dict.fromkeys(tuple(sorted(set(group))) for group in groups.values())
        return found + [
            _entry(list(names), None, symbol, _whole(briefs, names), together=True)
            for names in sets
            if len(names) > 1
        ]

    def surprises(self) -> dict[str, tuple[float, ...]]:
        """Surprises of US releases before the ones that the calendar has now, by title."""
        first: dict[str, int] = {}
        for record in (self.open[key] for key in self._listed if key in self.open):
            if record.currency == "USD":
                first[record.title] = min(record.time, first.get(record.title, record.time))
        found = {
            title: tuple(s for time, s in pairs if time < first[title])
            for (title, currency), pairs in self._surprises().items()
            if currency == "USD" and title in first
        }
        return {title: values for title, values in found.items() if values}

    def _briefs(self) -> list[Brief]:
        found = [*self._past, *map(Brief.of, self.open.values())]
        return sorted(found, key=lambda each: each.time)

    def _surprises(self) -> dict[tuple[str, str], list[tuple[int, float]]]:
        """(time, surprise) of all releases that had one, by event."""
        found: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for each in self._briefs():
            if each.surprise is not None:
                found.setdefault((each.title, each.currency), []).append((each.time, each.surprise))
        return found


def _percents(row: Mapping[str, Any]) -> dict[int, float | None]:
    moves = row.get("moves") or {}
    return {h: (moves.get(str(h)) or {}).get("percent") for h in HORIZONS}


def _is_measured(row: Mapping[str, Any]) -> bool:
    return any(value is not None for value in _percents(row).values())


def _is(brief: Brief, title: str, currency: str) -> bool:
    return (brief.title, brief.currency) == (title, currency)


def _whole(briefs: Iterable[Brief], titles: Sequence[str]) -> list[Brief]:
    """One release a cluster that was made of exactly these events.

    They share one reaction; a surprise of the group is nobody's.
    """
    minutes: dict[str, list[Brief]] = {}
    for each in briefs:
        if each.cluster is not None:
            minutes.setdefault(each.cluster, []).append(each)
    return [
        replace(group[0], surprise=None)
        for group in minutes.values()
        if sorted({each.title for each in group}) == list(titles)
    ]


def _entry(
    titles: list[str],
    currency: str | None,
    symbol: str | None,
    briefs: Sequence[Brief],
    together: bool = False,
) -> dict[str, Any]:
    surprises = [each.surprise for each in briefs if each.surprise is not None]
    spread = scaled(None, surprises)
    return {
        "title": " + ".join(titles),
        "titles": titles,
        "currency": currency,
        "symbol": symbol,
        **statistics([each.past(symbol) for each in briefs], together),
        "surprises": {"n": spread.n, "sd": spread.sd},
    }


def _event(
    record: EventRecord, symbols: Sequence[str], past: Sequence[tuple[int, float]]
) -> dict[str, Any]:
    """One release as it is published."""
    spread = scaled(record.surprise, [s for time, s in past if time < record.time])
    return {
        "time": iso(record.time / 1000),
        "title": record.title,
        "currency": record.currency,
        "impact": record.impact,
        "cluster": record.cluster,
        "rows": [record.rows[symbol] for symbol in symbols if symbol in record.rows],
        "gamma": record.gamma,
        "surprise": record.surprise,
        "unit": record.unit,
        "surprise_z": spread.z,
        "surprise_sd": spread.sd,
        "surprise_n": spread.n,
        "growth": growth(record.title, record.currency),
    }


# ---- rows of the calendar ---------------------------------------------------------------


def _is_release(row: Mapping[str, Any]) -> bool:
    """Something that happens at a minute; a holiday's or a tentative event's time is none."""
    is_timed = row.get("time") is not None and not row.get("all_day")
    return is_timed and row.get("impact") != "holiday"


def _time(row: Mapping[str, Any]) -> int:
    return round(datetime.fromisoformat(row["time"]).timestamp() * 1000)


def _record(row: Mapping[str, Any]) -> EventRecord:
    time = _time(row)
    return EventRecord(
        week=week_of(new_york_date(time / 1000)).isoformat(),
        id=row["id"],
        time=time,
        title=row["title"],
        currency=row["currency"],
        impact=row["impact"],
        cluster=row.get("cluster"),
        forecast=_number(row.get("forecast_value")),
        actual=_number(row.get("actual_value")),
        # The calendar's own: it knows of bounds and of units that do not compare.
        surprise=_number(row.get("surprise")),
        unit=row.get("unit"),
    )


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and isfinite(value) else None
