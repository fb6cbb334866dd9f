"""Candles by session from one-minute bars; numbers worked out by hand or by vwap() whole."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from datetime import date
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as some

from grok_sauce.analytics import chart_bars
from grok_sauce.analytics.chart_bars import MINUTE_MS, STEPS, Known
from grok_sauce.analytics.vwap import typical, vwap
from grok_sauce.market import sessions
from grok_sauce.market.candles import Columns

DAY = date(2026, 12, 16)  # a Wednesday
OPEN = round(sessions.instant(DAY, 9, 30) * 1000)
HALF_DAY = date(2026, 11, 27)


def minutes(starts: Iterable[int], volume: float = 100.0, price: float = 600.0) -> Columns:
    """Flat minutes of one price and volume, each one cent above the one before."""
    times = list(starts)
    prices = [price + place / 100 for place in range(len(times))]
    return Columns(
        array("q", times),
        array("d", prices),
        array("d", [each + 0.5 for each in prices]),
        array("d", [each - 0.5 for each in prices]),
        array("d", [each + 0.1 for each in prices]),
        array("d", [volume] * len(times)),
        array("q", [1] * len(times)),
    )


def every_minute(start: int, count: int) -> list[int]:
    return [start + place * MINUTE_MS for place in range(count)]


def at(hour: int, minute: int = 0, day: date = DAY) -> int:
    return round(sessions.instant(day, hour, minute) * 1000)


WHOLE = Known(0, 0)


def test_a_session_of_shares_is_78_candles_of_five_minutes_with_the_auction_in_the_last() -> None:
    columns = minutes(every_minute(OPEN, 391))

    found = chart_bars.candles(columns, "etf", STEPS["5m"], WHOLE)

    assert len(found.bars) == 78
    assert found.bars[0][:1] == [OPEN]
    assert found.bars[-1][0] == at(15, 55)
    assert found.bars[0][5] == 500.0
    assert found.bars[-1][5] == 600.0  # 15:55 to 15:59 and the auction's 16:00
    assert sum(bar[5] or 0 for bar in found.bars) == 39_100.0
    assert found.bars[-1][4] == columns.closes[-1]


def test_a_candle_has_the_first_open_the_extremes_and_the_last_close() -> None:
    columns = minutes(every_minute(OPEN, 15))

    bar = chart_bars.candles(columns, "etf", STEPS["15m"], WHOLE).bars[0]

    assert bar == [OPEN, 600.0, pytest.approx(600.64), 599.5, pytest.approx(600.24), 1500.0]


def test_pre_market_and_after_hours_are_told_apart_and_have_no_vwap() -> None:
    columns = minutes([at(9, 28), at(9, 29), at(9, 30), at(15, 59), at(16, 0), at(16, 1)])

    found = chart_bars.candles(columns, "etf", STEPS["5m"], WHOLE)

    assert [bar[0] for bar in found.bars] == [at(9, 25), at(9, 30), at(15, 55), at(16, 0)]
    assert found.extended == [True, False, False, True]
    assert [each is None for each in found.session] == [True, False, False, True]
    assert [bar[0] for bar in found.only_regular().bars] == [at(9, 30), at(15, 55)]


def test_the_last_candle_of_a_half_day_starts_before_one() -> None:
    opening = at(9, 30, HALF_DAY)
    columns = minutes(every_minute(opening, 211))

    found = chart_bars.candles(columns, "etf", STEPS["15m"], WHOLE)

    assert len(found.bars) == 14
    assert found.bars[-1][0] == at(12, 45, HALF_DAY)


def test_vwap_starts_anew_each_session_and_is_that_of_all_its_minutes() -> None:
    after = date(2026, 12, 17)
    first = every_minute(OPEN, 390)
    columns = minutes([*first, *every_minute(at(9, 30, after), 30)])
    points = [
        (typical(columns.highs[place], columns.lows[place], columns.closes[place]), 100.0)
        for place in range(390, 420)
    ]

    found = chart_bars.candles(columns, "etf", STEPS["5m"], WHOLE)

    whole, own = vwap(points), found.session[-1]
    assert whole is not None
    assert own is not None
    assert (own.price, own.deviation) == (
        pytest.approx(whole.price),
        pytest.approx(whole.deviation),
    )
    assert found.session[78] == found.regular[78]
    assert found.days[77] == DAY
    assert found.days[78] == after


def test_the_vwap_of_a_future_counts_from_the_evening_and_another_from_the_morning() -> None:
    evening = at(18, 0, date(2026, 12, 15))
    columns = minutes([*every_minute(evening, 60), *every_minute(OPEN, 10)])

    found = chart_bars.candles(columns, "future", STEPS["5m"], WHOLE)

    assert found.days[0] == DAY
    last, morning = found.session[-1], found.regular[-1]
    assert last is not None
    assert morning is not None
    assert last.volume == 7000.0
    assert morning.volume == 1000.0
    assert found.regular[0] is None
    assert found.extended[0] is True
    assert found.extended[-1] is False


def test_an_index_has_no_volume_and_no_vwap() -> None:
    found = chart_bars.candles(minutes(every_minute(OPEN, 10), nan), "index", MINUTE_MS, WHOLE)

    assert [bar[5] for bar in found.bars] == [None] * 10
    assert found.session == [None] * 10


def test_a_session_whose_beginning_is_not_known_has_no_vwap_and_makes_no_day() -> None:
    late = minutes(every_minute(at(11, 0), 60))
    known = Known(at(11, 0), None)

    found = chart_bars.candles(late, "etf", STEPS["5m"], known)

    assert len(found.bars) == 12
    assert found.session == [None] * 12
    assert chart_bars.days(late, "etf", known) == []


def test_a_session_that_begins_late_because_nobody_traded_has_one() -> None:
    late = minutes(every_minute(at(11, 0), 60))

    found = chart_bars.candles(late, "etf", STEPS["5m"], Known(at(4), at(4)))

    assert found.session[0] is not None


def test_days_of_shares_are_their_regular_hours_stamped_as_the_feed_stamps_them() -> None:
    columns = minutes([at(9, 0), *every_minute(OPEN, 391), at(17, 0)])

    found = chart_bars.days(columns, "etf", WHOLE)

    assert found == [
        [
            sessions.day_id(DAY) * 86_400_000,
            columns.opens[1],
            columns.highs[391],
            columns.lows[1],
            columns.closes[391],
            39_100.0,
        ]
    ]


def test_the_day_of_a_future_begins_the_evening_before() -> None:
    evening = at(18, 0, date(2026, 12, 15))
    columns = minutes([*every_minute(evening, 30), *every_minute(OPEN, 30), at(16, 30)])

    (day,) = chart_bars.days(columns, "future", WHOLE)

    assert day[0] == sessions.day_id(DAY) * 86_400_000
    assert day[1] == columns.opens[0]
    assert day[5] == 6100.0


def test_regular_hours_without_candles_are_gaps_and_no_bar_is_made_for_them() -> None:
    kept = [*every_minute(OPEN, 60), *every_minute(at(10, 50), 10)]
    columns = minutes(kept)
    times = [
        int(bar[0] or 0) for bar in chart_bars.candles(columns, "etf", STEPS["5m"], WHOLE).bars
    ]

    found = chart_bars.gaps(times, "etf", STEPS["5m"], at(11, 2))

    assert found == [(at(10, 30), at(10, 50))]
    assert len(times) == 14


def test_a_session_without_any_candle_is_one_gap() -> None:
    monday, wednesday = date(2026, 12, 14), DAY
    times = [*every_minute(at(9, 30, monday), 390), *every_minute(at(9, 30, wednesday), 5)]

    found = chart_bars.gaps(times, "etf", MINUTE_MS, at(9, 35))

    tuesday = date(2026, 12, 15)
    assert found == [(at(9, 30, tuesday), at(16, 0, tuesday))]


def test_two_quiet_minutes_are_no_gap() -> None:
    times = [OPEN, OPEN + 3 * MINUTE_MS, OPEN + 4 * MINUTE_MS]

    assert chart_bars.gaps(times, "etf", MINUTE_MS, OPEN + 6 * MINUTE_MS) == []


@given(
    some.sets(some.integers(0, 960), min_size=1, max_size=200),
    some.sampled_from(["1m", "5m", "15m"]),
)
def test_candles_keep_every_minute_once(places: set[int], timeframe: str) -> None:
    columns = minutes(at(4) + place * MINUTE_MS for place in sorted(places))
    inside = [time for time in columns.times if time < at(20)]

    found = chart_bars.candles(columns, "etf", STEPS[timeframe], WHOLE)

    times = [bar[0] for bar in found.bars]
    assert times == sorted(set(times))  # type: ignore[type-var]
    assert sum(bar[5] or 0 for bar in found.bars) == 100.0 * len(inside)
    assert all((bar[3] or 0) <= (bar[1] or 0) <= (bar[2] or 0) for bar in found.bars)
    assert len(found.bars) == len(found.extended) == len(found.session) == len(found.days)


@given(
    some.sets(some.integers(0, 960), min_size=1, max_size=120),
    some.sampled_from(["etf", "future"]),
    some.integers(0, 120),
)
def test_minutes_that_come_one_after_the_other_make_the_same_candles(
    places: set[int], kind: str, cut: int
) -> None:
    columns = minutes(at(4) + place * MINUTE_MS for place in sorted(places))
    cut = min(cut, len(columns.times))
    parts = [Columns(*(each[:cut] for each in columns)), Columns(*(each[cut:] for each in columns))]
    whole = chart_bars.candles(columns, kind, STEPS["5m"], WHOLE)  # type: ignore[arg-type]

    builder = chart_bars.Builder(kind, STEPS["5m"], WHOLE)  # type: ignore[arg-type]
    builder.feed(parts[0])
    before = len(builder.found.bars)
    fork = builder.fork(4)
    fork.feed(parts[1])

    assert len(builder.found.bars) == before  # a fork leaves what it came from alone
    assert fork.found.tail(3) == whole.tail(len(fork.found.tail(3).bars))
    builder.feed(parts[1])
    assert builder.found == whole
