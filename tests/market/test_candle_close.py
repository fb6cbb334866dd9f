"""Closing candles: by the exchange's clock, of one source each, gaps counted, nothing made up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market import sessions
from grok_sauce.market.candle_close import (
    DAY_MS,
    MINUTE_MS,
    QUARTER_MS,
    Closed,
    Minutes,
    close_days,
    close_minutes,
    close_quarters,
    is_trading,
    quarter_end,
    quarter_of,
    trading_ms,
)
from grok_sauce.market.candle_line import LIMITS, CandleLine
from grok_sauce.market.events import Bar

WEDNESDAY = date(2026, 12, 16)
HALF_DAY = date(2026, 11, 27)  # the day after Thanksgiving
HOUR = 60 * MINUTE_MS


def at(hour: int, minute: int = 0, day: date = WEDNESDAY) -> int:
    return round(sessions.instant(day, hour, minute) * 1000)


def bar(time: int, price: float = 100.0, volume: float | None = 10.0) -> Bar:
    return Bar(time, price, price + 2, price - 1, price + 1, volume, 3)


def bars(start: int, count: int, leave: Iterable[int] = ()) -> list[Bar]:
    """Minutes of rising prices; leave are places without a bar."""
    left = set(leave)
    return [
        bar(start + place * MINUTE_MS, 100.0 + place) for place in range(count) if place not in left
    ]


def source(
    found: list[Bar], name: str = "dxLink", contract: str | None = "/NQZ6", **more: object
) -> Minutes:
    known = {"oldest": found[0].time if found else 0, "since": 0, **more}
    return Minutes(name, contract, found, **known)  # type: ignore[arg-type]


def minute_of(time: int) -> Closed:
    return Closed("1m", time, time + MINUTE_MS, 1.0, 1.0, 1.0, 1.0, None, None, "dxLink")


class TestClock:
    def test_a_minute_closes_at_its_end_without_another_print(self) -> None:
        found = [source(bars(at(10), 1))]

        assert close_minutes(found, "future", at(10, 1) - 1) == []
        (closed,) = close_minutes(found, "future", at(10, 1))
        assert (closed.time, closed.end, closed.close) == (at(10), at(10, 1), 101.0)

    def test_a_quarter_closes_at_its_end_though_its_last_minutes_were_quiet(self) -> None:
        found = [source(bars(at(10), 14))]

        assert close_quarters(found, "future", at(10, 15) - 1) == []
        (closed,) = close_quarters(found, "future", at(10, 15))
        assert (closed.open, closed.high, closed.low, closed.close) == (100.0, 115.0, 99.0, 114.0)
        assert (closed.volume, closed.gap) == (140.0, 0)

    def test_nothing_of_the_pause_of_futures_is_a_candle(self) -> None:
        around = bars(at(16, 45), 90)  # to 18:15: quarters before and after the pause

        minutes = close_minutes([source(around)], "future", at(19))
        quarters = close_quarters([source(around)], "future", at(19))

        assert {each.time for each in minutes} == {
            each.time for each in around if not at(17) <= each.time < at(18)
        }
        assert [each.time for each in quarters] == [at(16, 45), at(18)]

    def test_the_pause_is_no_gap_and_neither_is_a_weekend(self) -> None:
        friday, sunday = date(2026, 12, 18), date(2026, 12, 20)

        assert trading_ms("future", at(17), at(18)) == 0
        assert trading_ms("future", at(17, day=friday), at(18, day=sunday)) == 0
        assert trading_ms("future", at(16, 58), at(18, 2)) == 4 * MINUTE_MS

    def test_a_half_day_of_futures_ends_at_a_quarter_past_one(self) -> None:
        around = bars(at(13, day=HALF_DAY), 60)

        quarters = close_quarters([source(around)], "future", at(20, day=HALF_DAY))

        assert [each.time for each in quarters] == [at(13, day=HALF_DAY)]
        assert trading_ms("future", at(13, day=HALF_DAY), at(20, day=HALF_DAY)) == QUARTER_MS

    @pytest.mark.parametrize("day", [WEDNESDAY, HALF_DAY])
    def test_the_closing_auction_of_a_share_belongs_to_the_last_quarter(self, day: date) -> None:
        close = round(sessions.regular(day)[1] * 1000)
        found = [source(bars(close - QUARTER_MS, 16), contract=None)]

        assert quarter_of("etf", close) == close - QUARTER_MS
        assert close_quarters(found, "etf", close) == []
        (closed,) = close_quarters(found, "etf", close + MINUTE_MS)
        assert (closed.time, closed.end) == (close - QUARTER_MS, close + MINUTE_MS)
        assert closed.close == 116.0

    def test_a_future_has_no_auction(self) -> None:
        assert quarter_of("future", at(16)) == at(16)
        assert quarter_end("future", at(15, 45)) == at(16)

    @pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1)])
    def test_the_weekend_on_which_clocks_change_is_no_longer_or_shorter(self, day: date) -> None:
        monday = date.fromordinal(day.toordinal() + 1)
        start, end = at(18, day=day), at(17, day=monday)

        quarters = close_quarters(
            [source(bars(start, (end - start) // MINUTE_MS))], "future", end + HOUR
        )

        friday = date.fromordinal(day.toordinal() - 2)
        assert trading_ms("future", at(16, day=friday), at(19, day=day)) == 2 * HOUR
        assert end - start == 23 * HOUR
        assert [each.time for each in quarters] == list(range(start, end, QUARTER_MS))
        assert {each.volume for each in quarters} == {150.0}

    def test_a_day_closes_with_its_session(self) -> None:
        stamp = sessions.day_id(WEDNESDAY) * DAY_MS
        saturday = sessions.day_id(date(2026, 12, 19)) * DAY_MS

        def closed(kind: str, edge: int) -> list[int]:
            days = [bar(stamp), bar(saturday)]
            found = close_days("dxLink", None, days, kind, edge)  # type: ignore[arg-type]
            return [each.end for each in found]

        assert closed("future", at(17) - 1) == []
        assert closed("future", at(17)) == [at(17)]
        assert closed("etf", at(16)) == [at(16)]


class TestSources:
    def test_the_preferred_source_goes_first_from_when_it_was_there(self) -> None:
        both = bars(at(10), 30)
        dxlink = source(both)
        other = source(both, "TradingView", is_first=True, since=at(10, 10))

        minutes = close_minutes([dxlink, other], "future", at(11))
        quarters = close_quarters([dxlink, other], "future", at(11))

        assert [each.source for each in minutes] == ["dxLink"] * 10 + ["TradingView"] * 20
        assert [each.source for each in quarters] == ["dxLink", "TradingView"]

    def test_a_candle_is_of_one_source_though_another_fell_silent_in_it(self) -> None:
        whole = bars(at(10), 15)
        broken = [Bar(each.time, 900.0, 900.0, 900.0, 900.0, 1.0, 1) for each in whole[:8]]
        quarters = close_quarters(
            [source(whole), source(broken, "TradingView", is_first=True)], "future", at(10, 15)
        )

        (closed,) = quarters
        assert (closed.source, closed.high, closed.volume) == ("dxLink", 116.0, 150.0)

    def test_a_minute_that_one_source_lacks_is_the_other_s(self) -> None:
        minutes = close_minutes(
            [source(bars(at(10), 3)), source(bars(at(10), 3, [1]), "TradingView", is_first=True)],
            "future",
            at(11),
        )

        assert [each.source for each in minutes] == ["TradingView", "dxLink", "TradingView"]

    def test_a_quarter_whose_beginning_is_not_known_is_none(self) -> None:
        found = bars(at(10, 5), 25)

        assert [each.time for each in close_quarters([source(found)], "future", at(11))] == [
            at(10, 15)
        ]


class TestVolumeAndGaps:
    def test_an_unknown_volume_makes_the_sum_unknown(self) -> None:
        found = [*bars(at(10), 14), bar(at(10, 14), volume=None)]

        (closed,) = close_quarters([source(found)], "future", at(10, 15))

        assert closed.volume is None

    def test_minutes_in_a_row_without_a_bar_are_a_gap(self) -> None:
        (quiet,) = close_quarters([source(bars(at(10), 15, [4]))], "future", at(11))
        (torn,) = close_quarters([source(bars(at(10), 15, [4, 5, 6]))], "future", at(11))

        assert (quiet.gap, quiet.volume) == (0, 140.0)
        assert (torn.gap, torn.volume) == (3 * MINUTE_MS, 120.0)

    def test_the_volume_of_an_outage_is_not_known(self) -> None:
        found = source(bars(at(10), 15, [4, 5, 6]), outages=((at(10, 4), at(10, 7)),))

        (closed,) = close_quarters([found], "future", at(11))

        assert closed.volume is None

    def test_an_evening_without_prints_of_a_share_is_no_gap(self) -> None:
        assert trading_ms("etf", at(17), at(19)) == 0
        assert not is_trading("etf", at(3, 59))
        assert is_trading("etf", at(4))


class TestLine:
    def line(self, began: int = at(10), kept: Iterable[Closed] = ()) -> CandleLine:
        return CandleLine("future", began, kept)

    def test_the_past_is_kept_and_not_told(self) -> None:
        change = self.line(at(10)).put(
            close_minutes([source(bars(at(9), 90))], "future", at(10, 5))
        )

        assert len(change.kept) == 65
        assert [each.time for each in change.news] == [at(10, place) for place in range(5)]

    def test_what_is_told_once_is_not_told_again_nor_changed(self) -> None:
        line = self.line()
        line.put(close_minutes([source(bars(at(10), 5))], "future", at(10, 5)))

        late = [bar(at(10, 2), 500.0), *bars(at(10, 5), 1)]
        change = line.put(close_minutes([source(late)], "future", at(10, 6)))

        assert [each.time for each in change.news] == [at(10, 5)]
        assert line.history("1m")[2].open == 102.0

    def test_a_minute_that_comes_after_a_newer_one_is_kept_in_its_place_and_not_told(self) -> None:
        line = self.line()
        line.put(close_minutes([source(bars(at(10), 3, [1]))], "future", at(10, 3)))

        change = line.put(close_minutes([source(bars(at(10), 3))], "future", at(10, 4)))

        assert [each.time for each in change.kept] == [at(10, 1)]
        assert change.news == []
        assert [each.time for each in line.history("1m")] == [at(10), at(10, 1), at(10, 2)]

    def test_what_an_outage_held_up_is_told_late_and_in_order(self) -> None:
        line = self.line()
        line.put(close_minutes([source(bars(at(10), 2))], "future", at(10, 2)))

        change = line.put(close_minutes([source(bars(at(10), 9))], "future", at(10, 9)))

        assert [each.time for each in change.news] == [at(10, place) for place in range(2, 9)]
        assert {each.gap for each in change.news} == {0}

    def test_a_gap_before_a_candle_is_marked(self) -> None:
        line = self.line()
        line.put(close_minutes([source(bars(at(10), 2))], "future", at(10, 2)))

        (after,) = line.put(close_minutes([source(bars(at(10, 12), 1))], "future", at(10, 13))).news

        assert after.gap == 10 * MINUTE_MS

    def test_the_minute_that_ends_a_quarter_goes_before_it(self) -> None:
        found = [source(bars(at(10), 16))]
        closed = [
            *close_quarters(found, "future", at(10, 16)),
            *close_minutes(found, "future", at(10, 16)),
        ]

        news = self.line().put(closed).news

        assert [(each.timeframe, each.end) for each in news[-3:]] == [
            ("1m", at(10, 15)),
            ("15m", at(10, 15)),
            ("1m", at(10, 16)),
        ]

    def test_another_source_is_said_once(self) -> None:
        both = bars(at(10), 4)
        other = source(both, "TradingView", is_first=True, since=at(10, 2))

        news = self.line().put(close_minutes([source(both), other], "future", at(10, 4))).news

        assert [each.switched for each in news] == [None, None, "dxLink", None]

    def test_after_a_restart_in_the_middle_nothing_is_told_twice(self) -> None:
        before = self.line()
        whole = [source(bars(at(10), 30))]
        before.put(close_quarters(whole, "future", at(10, 15)))

        after = self.line(at(10, 20), before.history("15m"))
        change = after.put(close_quarters(whole, "future", at(10, 30)))

        assert [each.time for each in change.news] == [at(10, 15)]
        assert [each.time for each in after.history("15m")] == [at(10), at(10, 15)]
        assert change.news[0].gap == 0

    def test_memory_is_bounded_and_the_newest_stay(self) -> None:
        line = self.line()
        count = LIMITS["1m"] + 500
        start = at(18, day=date(2026, 12, 13))

        line.put([minute_of(start + place * MINUTE_MS) for place in range(count)])

        held = line.history("1m")
        assert len(held) == LIMITS["1m"]
        assert held[-1].time == start + (count - 1) * MINUTE_MS


@given(
    there=st.sets(st.integers(0, 89), min_size=1),
    looks=st.lists(st.integers(0, 100 * 60), min_size=1, max_size=30),
)
def test_however_often_it_looks_each_candle_is_told_once_in_order_by_the_clock(
    there: set[int], looks: list[int]
) -> None:
    """Bars are seen from their first second on; each look sees what had come by then."""
    start = at(10)
    line = CandleLine("future", start)
    told: list[Closed] = []

    for second in [*sorted(looks), 100 * 60]:
        now = start + second * 1000
        seen = [bar(start + place * MINUTE_MS) for place in sorted(there)
                if start + place * MINUTE_MS <= now]  # fmt: skip
        if not seen:
            continue
        sources = [source(seen, oldest=start)]
        news = line.put(
            [*close_minutes(sources, "future", now), *close_quarters(sources, "future", now)]
        ).news
        assert all(each.end <= now for each in news)
        told += news

    minutes = [each.time for each in told if each.timeframe == "1m"]
    quarters = {each.time: each for each in told if each.timeframe == "15m"}
    assert minutes == [start + place * MINUTE_MS for place in sorted(there)]
    assert set(quarters) == {start + place // 15 * QUARTER_MS for place in there}
    for time, each in quarters.items():
        inside = [place for place in there if start + place // 15 * QUARTER_MS == time]
        assert each.volume == 10.0 * len(inside)
