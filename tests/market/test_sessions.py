"""Sessions, phases, expiries and settlement on New York's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market import holidays, sessions
from grok_sauce.market.instruments import Kind

KINDS: list[Kind] = ["equity", "etf", "index", "future", "unknown"]
# From 2008-01-02 to 2030-12-01.
INSTANTS = st.floats(1_199_250_000.0, 1_922_313_600.0)


def unix(text: str) -> float:
    """A New York wall time as a Unix time, by its stated UTC offset."""
    return datetime.fromisoformat(text).timestamp()


# ---- hours and daylight saving ----


@pytest.mark.parametrize(
    ("day", "opening", "close"),
    [
        (date(2026, 3, 6), "2026-03-06T14:30Z", "2026-03-06T21:00Z"),
        (date(2026, 3, 9), "2026-03-09T13:30Z", "2026-03-09T20:00Z"),
        (date(2026, 10, 30), "2026-10-30T13:30Z", "2026-10-30T20:00Z"),
        (date(2026, 11, 2), "2026-11-02T14:30Z", "2026-11-02T21:00Z"),
        (date(2026, 11, 27), "2026-11-27T14:30Z", "2026-11-27T18:00Z"),
    ],
    ids=["winter", "after spring forward", "summer", "after fall back", "half day"],
)
def test_the_regular_session_keeps_new_york_time(day: date, opening: str, close: str) -> None:
    assert sessions.regular(day) == (unix(opening), unix(close))


@pytest.mark.parametrize(
    ("day", "start", "end"),
    [
        (date(2026, 12, 16), "2026-12-16T04:00-05:00", "2026-12-16T20:00-05:00"),
        (date(2026, 12, 24), "2026-12-24T04:00-05:00", "2026-12-24T17:00-05:00"),
    ],
    ids=["full day", "half day"],
)
def test_extended_hours_end_early_on_half_days(day: date, start: str, end: str) -> None:
    assert sessions.extended(day) == (unix(start), unix(end))


@pytest.mark.parametrize(
    "day", [date(2026, 12, 25), date(2026, 12, 19)], ids=["holiday", "Saturday"]
)
def test_a_closed_day_has_no_hours(day: date) -> None:
    with pytest.raises(ValueError, match="not a session"):
        sessions.regular(day)
    with pytest.raises(ValueError, match="not a session"):
        sessions.extended(day)
    assert sessions.hours("etf", day) is None


def test_a_future_trades_an_hour_less_or_more_over_the_change_of_clocks() -> None:
    spring = sessions.hours("future", date(2026, 3, 9))
    plain = sessions.hours("future", date(2026, 3, 10))

    assert spring == (unix("2026-03-08T18:00-04:00"), unix("2026-03-09T17:00-04:00"))
    assert plain is not None
    assert plain[1] - plain[0] == 23 * 3600


# ---- phases ----


@pytest.mark.parametrize(
    ("at", "state", "ends", "following", "day"),
    [
        ("2026-12-16T03:59:59-05:00", "closed", "2026-12-16T04:00-05:00", "pre", 15),
        ("2026-12-16T04:00-05:00", "pre", "2026-12-16T09:30-05:00", "open", 16),
        ("2026-12-16T09:30-05:00", "open", "2026-12-16T16:00-05:00", "after", 16),
        ("2026-12-16T16:00-05:00", "after", "2026-12-16T20:00-05:00", "closed", 16),
        ("2026-12-16T20:00-05:00", "closed", "2026-12-17T04:00-05:00", "pre", 16),
        ("2026-12-19T12:00-05:00", "closed", "2026-12-21T04:00-05:00", "pre", 18),
        ("2026-12-24T12:59-05:00", "open", "2026-12-24T13:00-05:00", "after", 24),
        ("2026-12-24T17:00-05:00", "closed", "2026-12-28T04:00-05:00", "pre", 24),
    ],
)
def test_a_share_goes_through_its_day(
    at: str, state: str, ends: str, following: str, day: int
) -> None:
    phase = sessions.phase("etf", unix(at))

    assert (phase.state, phase.next_state) == (state, following)
    assert phase.ends == unix(ends)
    assert phase.session_date == date(2026, 12, day)


@pytest.mark.parametrize(
    ("at", "state", "ends"),
    [
        ("2026-12-16T09:29-05:00", "closed", "2026-12-16T09:30-05:00"),
        ("2026-12-16T12:00-05:00", "open", "2026-12-16T16:00-05:00"),
        ("2026-12-18T16:00-05:00", "closed", "2026-12-21T09:30-05:00"),
    ],
)
def test_an_index_knows_regular_hours_only(at: str, state: str, ends: str) -> None:
    phase = sessions.phase("index", unix(at))

    assert (phase.state, phase.ends) == (state, unix(ends))


@pytest.mark.parametrize(
    ("at", "state", "ends", "day"),
    [
        ("2026-12-18T16:59-05:00", "open", "2026-12-18T17:00-05:00", 18),
        ("2026-12-18T17:00-05:00", "closed", "2026-12-20T18:00-05:00", 18),
        ("2026-12-20T18:00-05:00", "open", "2026-12-21T17:00-05:00", 21),
        ("2026-12-21T17:30-05:00", "closed", "2026-12-21T18:00-05:00", 21),
        ("2026-12-21T18:00-05:00", "open", "2026-12-22T17:00-05:00", 22),
        ("2026-12-24T13:20-05:00", "closed", "2026-12-27T18:00-05:00", 24),
    ],
    ids=["Friday", "weekend", "Sunday evening", "pause", "evening", "Christmas on a Friday"],
)
def test_a_future_trades_around_the_clock_with_its_pause(
    at: str, state: str, ends: str, day: int
) -> None:
    phase = sessions.phase("future", unix(at))

    assert (phase.state, phase.ends) == (state, unix(ends))
    assert phase.session_date == date(2026, 12, day)


def test_a_future_trades_until_13_on_thanksgiving_while_shares_rest() -> None:
    noon = unix("2026-11-26T12:00-05:00")

    future, share = sessions.phase("future", noon), sessions.phase("equity", noon)

    assert (future.state, future.ends) == ("open", unix("2026-11-26T13:00-05:00"))
    assert (share.state, share.holiday) == ("closed", "Thanksgiving Day")
    assert future.holiday == "Thanksgiving Day"
    assert share.session_date == date(2026, 11, 25)


def test_a_half_day_is_announced_before_it_begins() -> None:
    assert sessions.phase("equity", unix("2026-11-27T02:00-05:00")).half_day
    assert not sessions.phase("equity", unix("2026-11-30T12:00-05:00")).half_day


@given(st.sampled_from(KINDS), INSTANTS)
def test_a_phase_ends_in_its_next_one(kind: Kind, now: float) -> None:
    phase = sessions.phase(kind, now)

    after = sessions.phase(kind, phase.ends)

    assert phase.ends > now
    assert after.state == phase.next_state
    assert sessions.phase(kind, phase.ends - 0.001).state == phase.state
    assert phase.next_state != phase.state
    assert after.session_date >= phase.session_date


@given(st.sampled_from(KINDS), INSTANTS)
def test_the_session_date_is_the_last_one_begun(kind: Kind, now: float) -> None:
    day = sessions.session_date(now, kind)

    span = sessions.hours(kind, day)
    following = next(
        hours
        for n in range(1, 15)
        if (hours := sessions.hours(kind, day + timedelta(days=n))) is not None
    )

    assert span is not None
    assert span[0] <= now < following[0]


# ---- days ----


def test_sessions_before_a_day_skip_what_is_closed() -> None:
    before = sessions.sessions_before(date(2026, 11, 30), 3)

    assert before == [date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 27)]
    assert sessions.previous_session(date(2026, 11, 30), 3) == date(2026, 11, 24)
    assert sessions.next_session(date(2026, 11, 25)) == date(2026, 11, 27)
    assert sessions.sessions_before(date(2026, 11, 30), 0) == []


@given(st.dates(date(2008, 2, 1), date(2030, 11, 30)), st.integers(1, 15))
def test_stepping_back_and_forth_returns(day: date, n: int) -> None:
    before = sessions.previous_session(day, n)

    assert sessions.sessions_before(day, n)[0] == before
    assert len(sessions.sessions_before(day, n)) == n
    assert all(sessions.is_session(other) for other in sessions.sessions_before(day, n))
    again = sessions.next_session(before, n)
    assert again == (day if sessions.is_session(day) else sessions.next_session(day))


def test_a_step_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sessions.previous_session(date(2026, 11, 30), 0)
    with pytest.raises(ValueError, match="at least 1"):
        sessions.next_session(date(2026, 11, 30), 0)


@pytest.mark.parametrize(
    ("at", "minute", "before_open"),
    [
        ("2026-12-16T03:59-05:00", None, None),
        ("2026-12-16T04:00-05:00", None, 0),
        ("2026-12-16T09:29:59-05:00", None, 329),
        ("2026-12-16T09:30-05:00", 0, 330),
        ("2026-12-16T10:15:30-05:00", 45, 330),
        ("2026-12-16T18:00-05:00", 390, 330),
        ("2026-12-24T18:00-05:00", 210, 330),
        ("2026-12-25T12:00-05:00", None, None),
    ],
)
def test_minutes_count_from_the_open(at: str, minute: int | None, before_open: int | None) -> None:
    assert sessions.minute_of_session(unix(at)) == minute
    assert sessions.minute_of_session(unix(at), before_open=True) == before_open


@given(st.dates(date(1971, 1, 1), date(2100, 1, 1)))
def test_a_day_id_counts_days_since_1970(day: date) -> None:
    assert sessions.day_of(sessions.day_id(day)) == day
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    assert sessions.day_id(day) == int(noon // 86400)


# ---- expiries ----


# Standard monthly expirations of the OCC's published expiration calendars.
@pytest.mark.parametrize(
    ("expiry", "witching"),
    [
        (date(2008, 3, 20), True),
        (date(2019, 4, 18), False),
        (date(2022, 4, 14), False),
        (date(2025, 3, 21), True),
        (date(2025, 9, 19), True),
        (date(2025, 10, 17), False),
        (date(2026, 3, 20), True),
        (date(2026, 6, 18), True),
        (date(2026, 9, 18), True),
        (date(2026, 12, 18), True),
        (date(2027, 6, 17), True),
    ],
)
def test_monthly_expirations_move_off_closed_fridays(expiry: date, witching: bool) -> None:
    assert sessions.monthly_expiration(expiry.year, expiry.month) == expiry
    assert sessions.is_monthly(expiry)
    assert sessions.is_witching(expiry) is witching


@pytest.mark.parametrize(
    "day",
    [date(2025, 3, 28), date(2026, 6, 19), date(2026, 12, 17), date(2026, 12, 25)],
    ids=["fourth Friday", "closed third Friday", "Thursday before an open Friday", "Christmas"],
)
def test_other_days_are_not_witching(day: date) -> None:
    assert not sessions.is_witching(day)


@given(st.dates(date(2008, 1, 1), date(2030, 12, 31)))
def test_a_month_has_one_monthly_expiration(day: date) -> None:
    expiry = sessions.monthly_expiration(day.year, day.month)
    month = [date(day.year, day.month, 1) + timedelta(days=n) for n in range(28)]

    assert [other for other in month if sessions.is_monthly(other)] == [expiry]
    assert 15 <= sessions.third_friday(day.year, day.month).day <= 21
    assert sessions.is_session(expiry)


@pytest.mark.parametrize(
    ("at", "days"),
    [
        ("2026-12-16T00:00-05:00", 2),
        ("2026-12-16T23:59-05:00", 2),
        ("2026-12-18T20:30-05:00", 0),
        ("2026-12-19T00:00-05:00", -1),
    ],
)
def test_dte_counts_new_york_dates(at: str, days: int) -> None:
    assert sessions.dte(unix(at), date(2026, 12, 18)) == days


@pytest.mark.parametrize(
    ("expiry", "kind", "settles"),
    [
        (date(2026, 12, 18), "PM", "2026-12-18T16:00-05:00"),
        (date(2026, 12, 18), "AM", "2026-12-18T09:30-05:00"),
        (date(2026, 11, 27), "PM", "2026-11-27T13:00-05:00"),
        (date(2026, 7, 17), "PM", "2026-07-17T16:00-04:00"),
        (date(2013, 10, 19), "PM", "2013-10-18T16:00-04:00"),
        (date(2031, 12, 19), "PM", "2031-12-19T16:00-05:00"),
    ],
    ids=["PM", "AM", "half day", "summer", "dated on a Saturday", "beyond the table"],
)
def test_options_settle_at_their_instant(
    expiry: date, kind: sessions.Settlement, settles: str
) -> None:
    assert sessions.settlement(expiry, kind) == unix(settles)


def test_years_are_act_365_with_the_time_of_day() -> None:
    settles = sessions.settlement(date(2026, 12, 18))

    assert sessions.years_to(settles, unix("2026-12-18T12:30-05:00")) == 3.5 / 24 / 365
    assert sessions.years_to(settles, unix("2026-12-13T16:00-05:00")) == 5 / 365
    assert sessions.years_to(settles, settles) == 0
    assert sessions.years_to(settles, settles + 1) < 0


def test_am_settled_options_end_six_and_a_half_hours_earlier() -> None:
    day = date(2026, 12, 18)

    assert sessions.settlement(day, "PM") - sessions.settlement(day, "AM") == 6.5 * 3600


def test_the_nearest_expiry_rolls_when_it_settles() -> None:
    listed: list[tuple[date, sessions.Settlement]] = [
        (date(2026, 12, 21), "PM"),
        (date(2026, 12, 18), "PM"),
        (date(2026, 12, 18), "AM"),
    ]

    found = [
        sessions.nearest_expiry(listed, unix(f"2026-12-18T{at}-05:00"))
        for at in ("09:29", "09:30", "15:59", "16:00")
    ]

    assert found == [
        (date(2026, 12, 18), "AM"),
        (date(2026, 12, 18), "PM"),
        (date(2026, 12, 18), "PM"),
        (date(2026, 12, 21), "PM"),
    ]
    assert sessions.nearest_expiry(listed, unix("2026-12-21T16:00-05:00")) is None


# ---- futures' holidays against another calendar ----


@pytest.mark.filterwarnings("ignore:Series.values:Warning")
def test_equity_index_futures_keep_their_holidays() -> None:
    calendars = pytest.importorskip("exchange_calendars")
    cme = calendars.get_calendar("CMES", start="2008-01-01", end="2030-12-31")
    theirs = {
        day.date(): close.timestamp() for day, close in zip(cme.sessions, cme.closes, strict=True)
    }
    # That calendar has no Juneteenth, and takes whole days for exceptional closures.
    compared = [
        day
        for day, reason in holidays.CLOSURES.items()
        if not reason.startswith(("Juneteenth", "Mourning", "Hurricane"))
    ]

    spans = {day: sessions.hours("future", day) for day in compared}

    assert {day: span and span[1] for day, span in spans.items()} == {
        day: theirs.get(day) for day in compared
    }


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2026, 6, 19), "2026-06-19T13:00-04:00"),
        (date(2025, 1, 9), "2025-01-09T09:30-05:00"),
        (date(2026, 11, 27), "2026-11-27T13:15-05:00"),
    ],
    ids=["Juneteenth", "a day of mourning", "half day"],
)
def test_futures_end_early_on_other_days(day: date, end: str) -> None:
    span = sessions.hours("future", day)

    assert span is not None
    assert span[1] == unix(end)


def test_weekdays_outside_the_table_look_like_sessions() -> None:
    assert sessions.is_session(date(2031, 1, 2))
    assert not sessions.is_session(date(2031, 1, 4))
    assert holidays.closure(date(2031, 7, 4)) is None
