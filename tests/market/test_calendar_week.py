"""The week's values: figures as numbers, the next event, what changed between two files."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market.calendar_week import (
    CalendarEvent,
    CalendarWeek,
    amount,
    carried,
    changes,
    event_ids,
    in_order,
    start_of,
    week_of,
)
from grok_sauce.market.sessions import instant

DAY = date(2026, 12, 9)


def event(
    title: str = "CPI m/m",
    hour: int | None = 10,
    day: date | None = DAY,
    currency: str = "USD",
    forecast: str | None = "0.3%",
) -> CalendarEvent:
    at = None if hour is None or day is None else instant(day, hour)
    timing = "time" if at is not None else "all_day" if day is not None else "unknown"
    return CalendarEvent(title, currency, at, day, timing, "high", forecast, "0.2%")  # type: ignore[arg-type]


def week(*events: CalendarEvent) -> CalendarWeek:
    ordered = in_order(events)
    return CalendarWeek(ordered, start_of(ordered), 0.0)


@pytest.mark.parametrize(
    "text, value, unit",
    [
        ("85K", 85_000.0, ""), ("0.3%", 0.3, "%"), ("-1.5M", -1.5e6, ""), ("740B", 7.4e11, ""),
        ("54.0", 54.0, ""), ("2.59T", 2.59e12, ""), ("+0.1%", 0.1, "%"), ("<0.1%", 0.1, "%"),
        ("1.25M", 1.25e6, ""), ("256k", 256_000.0, ""), ("1,234", 1234.0, ""), ("-45", -45.0, ""),
    ],
)  # fmt: skip
def test_a_figure_is_a_number_with_a_unit(text: str, value: float, unit: str) -> None:
    found = amount(text)

    assert found is not None
    assert (found.value, found.unit) == (pytest.approx(value), unit)


@pytest.mark.parametrize(
    "text", [None, "", " ", "Pass", "6-0-3", "N/A", "0.3%%", "1e5", "nan", "٣"]
)
def test_what_is_no_figure_is_none(text: str | None) -> None:
    assert amount(text) is None


@pytest.mark.parametrize(
    "like, value, text",
    [("85K", 92_400.0, "92K"), ("0.3%", -0.04, "0.0%"), ("7.44M", 7_391_000.0, "7.39M"),
     ("54.0", 52.26, "52.3"), ("2.73|3.1", 2.8, "2.80"), ("-1.5M", 2e5, "0.2M")],
)  # fmt: skip
def test_another_value_is_written_in_a_figures_manner(like: str, value: float, text: str) -> None:
    found = amount(like)

    assert found is not None
    assert found.like(value) == text


@given(st.text(max_size=15))
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    found = amount(text)

    assert found is None or abs(found.value) < 1e30


@given(st.integers(-(10**6), 10**6), st.integers(0, 3), st.sampled_from(["", "K", "M", "B", "T"]))
def test_a_figure_written_in_its_own_manner_is_itself(n: int, places: int, scale: str) -> None:
    text = f"{n / 10**places:.{places}f}{scale}"
    found = amount(text)

    assert found is not None
    assert amount(found.like(found.value)) is not None
    assert found.like(found.value) == (text if float(n) else text.removeprefix("-"))


def test_weeks_begin_on_sunday() -> None:
    assert [week_of(date(2026, 12, day)) for day in (5, 6, 12, 13)] == [
        date(2026, 11, 29), date(2026, 12, 6), date(2026, 12, 6), date(2026, 12, 13),
    ]  # fmt: skip


def test_the_next_event_has_a_time_and_is_no_holiday() -> None:
    holiday = replace(event("Bank Holiday", 8), impact="holiday")
    held = week(event("Late", 14), event("All day", None), holiday, event("ZEW", 9, currency="EUR"))
    now = instant(DAY, 7)

    assert held.following(now) == held.of("EUR")[0]
    assert held.following(now, "USD", "All").title == "Late"  # type: ignore[union-attr]
    assert held.following(instant(DAY, 15)) is None
    assert [found.title for found in held.of("USD")] == ["Bank Holiday", "Late", "All day"]


def test_a_file_says_whose_week_it_is() -> None:
    held = week(event(), event(day=None), event(day=date(2026, 12, 5)), event(day=DAY, hour=11))

    assert held.start == date(2026, 12, 6)
    assert held.is_current(instant(date(2026, 12, 6), 0))
    assert not held.is_current(instant(date(2026, 12, 13), 0))
    assert week().start is None


def test_moves_edits_arrivals_and_departures_are_told_apart() -> None:
    before = week(event("GDT", 9), event("CPI m/m", 8), event("Auction", 13), event("Gone", 12),
                  event("Filled", 15, forecast=None))  # fmt: skip
    after = week(event("GDT", 10), event("CPI m/m", 8, forecast="0.4%"),
                 event("Auction", 13, day=date(2026, 12, 10)), event("Speech", 16),
                 event("Filled", 15))  # fmt: skip

    found = {
        (change.kind, (change.after or change.before).title) for change in changes(before, after)
    }  # type: ignore[union-attr]

    assert found == {
        ("moved", "GDT"), ("forecast", "CPI m/m"), ("moved", "Auction"), ("added", "Speech"),
        ("removed", "Gone"), ("forecast", "Filled"),
    }  # fmt: skip


def test_two_weeks_are_not_compared() -> None:
    other = week(event(day=date(2026, 12, 16)))

    assert changes(week(event()), other) == []
    assert changes(other, other) == []


@given(st.lists(st.builds(event, st.sampled_from(["A", "B"]), st.sampled_from([None, 8, 9])),
                max_size=6))  # fmt: skip
def test_a_file_has_no_changes_against_itself_and_no_key_twice(events: list[CalendarEvent]) -> None:
    held = week(*events)

    assert changes(held, held) == []
    assert len({found.key for found in held.events}) == len(events)


def test_an_event_keeps_its_id_when_its_time_moves_within_the_week() -> None:
    before = week(event(hour=10), event("PPI m/m", hour=11))
    after = week(event(hour=14), event("PPI m/m", hour=11))
    on_another_day = week(event(day=date(2026, 12, 11)), event("PPI m/m", hour=11))

    assert event_ids(before) == ("2026-12-06.USD.cpi-m-m.1", "2026-12-06.USD.ppi-m-m.1")
    assert set(event_ids(after)) == set(event_ids(on_another_day)) == set(event_ids(before))


def test_events_of_one_name_are_numbered_and_titles_alike_stay_apart() -> None:
    same = week(event("Fed Speaks", 9), event("Fed Speaks", 15), event("Fed-Speaks!", 16))
    other = week(event("Fed Speaks", 9, currency="EUR"))

    assert [id.rpartition(".")[2] for id in event_ids(same)] == ["1", "2", "3"]
    assert event_ids(other) == ("2026-12-06.EUR.fed-speaks.1",)


def test_a_newer_file_remembers_the_first_time_and_previous_value_until_they_are_back() -> None:
    first = week(event(hour=10))
    moved = carried(first, week(replace(event(hour=11), previous="0.1%")))
    moved_again = carried(moved, week(replace(event(hour=12), previous="0.0%")))
    back = carried(moved_again, week(event(hour=10)))

    assert (moved.events[0].first_at, moved.events[0].first_previous) == (
        instant(DAY, 10),
        "0.2%",
    )
    assert (moved_again.events[0].first_at, moved_again.events[0].first_previous) == (
        instant(DAY, 10),
        "0.2%",
    )
    assert (back.events[0].first_at, back.events[0].first_previous) == (None, None)


def test_no_move_is_claimed_where_another_event_of_the_name_came_or_the_week_is_another() -> None:
    speech = event("Fed Speaks", 15)
    more = carried(week(speech), week(event("Fed Speaks", 9), speech))
    later = carried(week(speech), week(replace(speech, day=date(2026, 12, 16), at=speech.at)))

    assert [each.first_at for each in (*more.events, *later.events)] == [None, None, None]


names = st.sampled_from(["CPI m/m", "CPI  M/M", "Fed Speaks", "---", "中国 PMI", "x" * 200])


@given(st.lists(st.tuples(names, st.integers(0, 23), st.integers(6, 12)), max_size=20))
def test_ids_are_one_for_each_event_and_fit_an_address(rows: list[tuple[str, int, int]]) -> None:
    found = week(*(event(name, hour, date(2026, 12, day)) for name, hour, day in rows))

    ids = event_ids(found)

    assert len(set(ids)) == len(found.events)
    assert all(len(id) < 120 and not set(id) & set(' /?#&%<>"') for id in ids)
    assert carried(found, found) == found
