"""The economy's figures: units, periods, revisions, releases, and why one is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from grok_sauce.analytics import economy
from grok_sauce.analytics.view import View
from grok_sauce.market.batches import Batch
from grok_sauce.market.measures import MEASURES, MICHIGAN
from grok_sauce.market.releases import Observation, Release, Revision
from grok_sauce.market.source_note import SourceNote
from grok_sauce.market.state import MarketState


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


# Payrolls of August 2026's first Friday, released 08:30 New York (12:30 UTC).
NOW = at("2026-08-07T14:00:00")
PAYROLLS = Release(
    MEASURES["PAYEMS:chg"],
    (
        Observation(date(2026, 7, 1), None),
        Observation(date(2026, 6, 1), 92_000.0),
        Observation(date(2026, 5, 1), 139_000.0),
    ),
    at("2026-08-07T12:31:00"),
    NOW - 60,
    50,
    (date(2026, 8, 7), date(2026, 9, 4)),
    (Revision(date(2026, 5, 1), 144_000.0, 139_000.0),),
)


def test_a_figure_comes_in_units_and_as_its_publisher_writes_it() -> None:
    row = economy.row(PAYROLLS.measure, PAYROLLS, NOW)

    assert (row["value"], row["shown"], row["period"]) == (92_000.0, "92K", "2026-06-01")
    assert (row["previous"], row["previous_shown"]) == (139_000.0, "139K")
    assert row["previous_revised_from"] == 144_000.0
    assert row["released_at"] == "2026-08-07T12:30:00Z"
    assert row["next_release"] == "2026-09-04T12:30:00Z"
    assert (row["late"], row["note"], row["impact"]) == (False, None, "high")


def test_a_release_that_the_series_has_not_caught_up_with_is_no_release() -> None:
    old = replace(PAYROLLS, updated=at("2026-07-03T12:31:00"))

    assert economy.row(old.measure, old, NOW)["released_at"] is None
    assert economy.row(old.measure, replace(old, updated=None), NOW)["released_at"] is None


def test_what_is_late_by_rule_says_so_beside_its_value() -> None:
    measure = MEASURES["UMCSENT:lin"]
    release = Release(measure, (Observation(date(2026, 6, 1), 61.2),), None, NOW)

    row = economy.row(measure, release, NOW)

    assert (row["value"], row["late"], row["note"]) == (61.2, True, MICHIGAN)


@pytest.mark.parametrize("release", [None, replace(PAYROLLS, observations=())])
def test_a_missing_value_is_none_with_a_reason(release: Release | None) -> None:
    row = economy.row(PAYROLLS.measure, release, NOW)

    assert [row[name] for name in ("value", "shown", "period", "previous")] == [None] * 4
    assert row["note"]


def test_the_table_has_every_measure_in_order_and_says_how_the_source_is() -> None:
    state = MarketState()
    state.apply(Batch("Releases", ["PAYEMS:chg"], ([PAYROLLS],), NOW))
    note = SourceNote("fred", "FRED", False, "FRED is off: no key, add FRED_API_KEY to .env.")
    state.apply(Batch("SourceNote", ["fred"], ([note],), NOW))

    found: dict[str, Any] = economy.compute(View(state, NOW, {}, ()))[""]

    json.dumps(found, allow_nan=False)
    assert [row["key"] for row in found["series"]] == list(MEASURES)
    assert [row["key"] for row in found["series"] if row["value"] is not None] == ["PAYEMS:chg"]
    assert (found["on"], found["problem"]) == (False, note.problem)
    assert found["fetched_at"] == "2026-08-07T13:59:00Z"


def test_before_anything_came_it_waits() -> None:
    found = economy.compute(View(MarketState(), NOW, {}, ()))[""]

    assert (found["on"], found["problem"]) == (True, economy.WAITING)
    assert (found["fetched_at"], found["next_call_at"]) == (None, None)
