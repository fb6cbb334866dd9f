"""A recording drives its symbol exactly; the rest of the market follows."""

from __future__ import annotations

import gzip
import math
import os
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.errors import SettingsError
from grok_sauce.market.sessions import NEW_YORK, instant
from grok_sauce.simulator.bars_file import Bars, read_bars
from grok_sauce.simulator.market import World

THURSDAY, FRIDAY, MONDAY = date(2013, 10, 10), date(2013, 10, 11), date(2013, 10, 14)
HEADER = "time,open,high,low,close,volume\n"


def line(day: date, minute: int, prices: tuple[float, float, float, float], volume: int) -> str:
    moment = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=NEW_YORK)
    return ",".join([moment.isoformat(), *(f"{price:.4f}" for price in prices), str(volume)]) + "\n"


def session(day: date, base: float) -> str:
    """A day with a thin pre-market, every regular minute, an auction and a few late prints."""
    text = ""
    for minute in [*range(250, 570, 7), *range(570, 961), *range(961, 1200, 11)]:
        opened = base + 0.01 * (minute * 13 % 90)
        close = base + 0.01 * ((minute + 1) * 13 % 90)
        high, low = max(opened, close) + 0.07, min(opened, close) - 0.05
        text += line(day, minute, (opened, high, low, close), 100 * (minute * 7 % 50 + 1))
    return text


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bars") / "spy.csv"
    file.write_text(HEADER + session(THURSDAY, 168.0) + session(FRIDAY, 169.5))
    return file


@pytest.fixture(scope="module")
def bars(path: Path) -> Bars:
    return read_bars(path)


@pytest.fixture(scope="module")
def world(bars: Bars) -> World:
    return World(42, bars=bars)


def rows_of(bars: Bars, day: date) -> list[tuple[float, ...]]:
    made = bars.days[day]
    return [
        (int(time) * 1000, *(float(side[number]) for side in made_sides(bars, day)))
        for number, time in enumerate(made.times)
    ]


def made_sides(bars: Bars, day: date):  # type: ignore[no-untyped-def]
    made = bars.days[day]
    return made.open, made.high, made.low, made.close, made.volume


def test_a_file_tells_its_sessions_and_its_ends(bars: Bars) -> None:
    assert bars.sessions == (THURSDAY, FRIDAY)
    assert bars.first == instant(THURSDAY, 4, 10)
    assert bars.last == instant(FRIDAY, 19, 52)
    assert bars.start == instant(FRIDAY, 9, 45)


def test_a_packed_file_reads_like_a_plain_one(path: Path, bars: Bars, tmp_path: Path) -> None:
    packed = tmp_path / "spy.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))

    again = read_bars(packed)

    assert rows_of(again, FRIDAY) == rows_of(bars, FRIDAY)


def test_times_without_an_offset_are_new_yorks(tmp_path: Path) -> None:
    file = tmp_path / "plain.csv"
    file.write_text(HEADER + "2013-10-11T09:30:00,1,1,1,1,100\n")

    assert read_bars(file).first == instant(FRIDAY, 9, 30)


GOOD = "2013-10-11T09:30:00-04:00,168,169,167,168.5,100\n"


@pytest.mark.parametrize(
    "text, where",
    [
        ("", "line 1"),
        ("time,o,h,l,c,v\n" + GOOD, "line 1"),
        (HEADER, "no bars"),
        (HEADER + "2013-10-11T09:30:00-04:00,168,169,167,168.5\n", "line 2: 5 columns"),
        (HEADER + "yesterday,168,169,167,168.5,100\n", "line 2, time"),
        (HEADER + GOOD + GOOD, "line 3, time"),
        (HEADER + GOOD.replace("09:30:00", "09:30:07"), "line 2, time"),
        (HEADER + GOOD.replace("2013-10-11", "2013-10-12"), "line 2, time"),
        (HEADER + GOOD.replace("09:30", "02:30"), "line 2, time"),
        (HEADER + GOOD.replace(",168,", ",x,"), "line 2, open"),
        (HEADER + GOOD.replace(",168,", ",nan,"), "line 2, open"),
        (HEADER + GOOD.replace(",168,", ",0,"), "line 2, open"),
        (HEADER + GOOD.replace(",100", ",-1"), "line 2, volume"),
        (HEADER + GOOD.replace(",169,", ",168.2,"), "line 2, high"),
        (HEADER + GOOD.replace(",167,", ",168.2,"), "line 2, low"),
    ],
    ids=["empty", "header", "no bars", "columns", "time", "repeated", "seconds", "Saturday",
         "night", "word", "nan", "zero", "negative", "high", "low"],
)  # fmt: skip
def test_a_broken_file_is_refused_by_file_and_line(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "broken.csv"
    file.write_text(text)

    with pytest.raises(SettingsError, match=where) as caught:
        read_bars(file)

    assert "broken.csv" in str(caught.value)
    assert caught.value.field


def test_a_missing_file_and_a_torn_packed_one_are_refused(tmp_path: Path) -> None:
    torn = tmp_path / "torn.csv.gz"
    torn.write_bytes(gzip.compress(b"time,open" * 100)[:40])

    for file in (tmp_path / "none.csv", torn):
        with pytest.raises(SettingsError, match=file.name):
            read_bars(file)


def test_a_replay_starts_in_the_last_session_at_a_quarter_to_ten(world: World) -> None:
    assert World(42, bars=world.bars).now == instant(FRIDAY, 9, 45)


@settings(deadline=None, max_examples=60)
@given(st.integers(240 * 60, 1205 * 60), st.sampled_from([THURSDAY, FRIDAY]))
def test_closed_minutes_are_the_files(world: World, bars: Bars, second: int, day: date) -> None:
    now = instant(day, 0) + second
    world.now = now
    expected = [
        row for each in bars.sessions for row in rows_of(bars, each) if row[0] / 1000 + 60 <= now
    ]

    rows = world.candles("SPY", "m", False, 0, now)

    closed = [(row[0], *row[2:]) for row in rows if row[0] / 1000 + 60 <= now]
    assert closed == expected
    assert len(rows) - len(closed) in (0, 1)


@settings(deadline=None, max_examples=60)
@given(st.floats(570 * 60, 960 * 60 + 59.9))
def test_day_volume_is_the_files_up_to_now(world: World, bars: Bars, second: float) -> None:
    now = world.now = instant(FRIDAY, 0) + second
    opening = instant(FRIDAY, 9, 30)
    expected = 0.0
    for time_ms, *_, volume in rows_of(bars, FRIDAY):
        if time_ms / 1000 >= opening:
            expected += volume * min(1.0, max(0.0, (now - time_ms / 1000) / 60))

    trade = world.event("Trade", "SPY")

    assert trade["dayVolume"] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    "clock, lowest, highest",
    [((8, 0), 0, 480), ((12, 0), 0, 570), ((16, 1), 0, 570), ((18, 0), 0, 1080)],
    ids=["pre-market", "session", "close", "after hours"],
)
def test_extended_volume_is_that_of_the_bars_around_the_session(
    world: World, bars: Bars, clock: tuple[int, int], lowest: int, highest: int
) -> None:
    now = world.now = instant(FRIDAY, *clock)
    edges = instant(FRIDAY, 9, 30) * 1000, instant(FRIDAY, 16, 1) * 1000
    expected = sum(
        row[5]
        for row in rows_of(bars, FRIDAY)
        if not edges[0] <= row[0] < edges[1] and row[0] / 1000 + 60 <= now
    )

    late = world.event("TradeETH", "SPY")

    assert late["dayVolume"] == expected


def test_the_live_minute_moves_inside_its_bar(world: World, bars: Bars) -> None:
    start = instant(FRIDAY, 10, 17)
    bar = next(row for row in rows_of(bars, FRIDAY) if row[0] == start * 1000)
    seen = []

    for tenth in range(600):
        world.now = start + tenth / 10
        seen.append(world.price("SPY"))

    assert seen[0] == bar[1]
    assert max(seen) == bar[2]
    assert min(seen) == bar[3]
    assert seen[-1] == bar[4]


def test_the_day_opens_and_closes_as_recorded(world: World, bars: Bars) -> None:
    world.now = instant(FRIDAY, 11)
    friday = world.event("Summary", "SPY")
    world.now = instant(THURSDAY, 11)
    thursday = world.event("Summary", "SPY")

    recorded = {row[0]: row for row in rows_of(bars, THURSDAY) + rows_of(bars, FRIDAY)}
    assert friday["dayOpenPrice"] == recorded[instant(FRIDAY, 9, 30) * 1000][1]
    assert friday["prevDayClosePrice"] == recorded[instant(THURSDAY, 16) * 1000][4]
    assert math.isnan(thursday["prevDayClosePrice"])
    assert math.isnan(thursday["prevDayVolume"])
    assert world.event("Trade", "SPY") is not None


def test_nothing_was_traded_before_the_first_session(world: World) -> None:
    world.now = instant(THURSDAY, 4, 12)

    assert world.event("Trade", "SPY") is None
    assert world.event("TradeETH", "SPY") is not None


def test_daily_bars_are_those_of_the_file(world: World, bars: Bars) -> None:
    world.now = instant(FRIDAY, 21)
    rows = world.candles("SPY", "d", True, 0, world.now)

    assert [row[0] for row in rows] == [
        int(instant(day, 12) // 86400 * 86400) * 1000 for day in bars.sessions
    ]
    regular = [
        row
        for row in rows_of(bars, THURSDAY)
        if instant(THURSDAY, 9, 30) * 1000 <= row[0] <= instant(THURSDAY, 16) * 1000
    ]
    assert rows[0][2:] == (
        regular[0][1],
        max(row[2] for row in regular),
        min(row[3] for row in regular),
        regular[-1][4],
        sum(row[5] for row in regular),
    )


def test_the_others_follow_the_recording(world: World) -> None:
    for minute in range(0, 360, 20):
        now = world.now = instant(FRIDAY, 9, 45) + minute * 60
        spy = world.price("SPY")

        assert world.price("SPX") == pytest.approx(spy * 10.019, rel=1e-3)
        assert world.price("/ESZ13:XCME") == pytest.approx(spy * 10.03, rel=0.01)
        assert world.event("Quote", "SPY")["bidPrice"] <= spy
        assert 400 < world.price("QQQ") < 650
    assert len(world.candles("QQQ", "d", True, 0, now)) > 10


def test_after_the_recording_the_market_is_closed(world: World) -> None:
    world.now = instant(MONDAY, 11)
    world.watch("Trade", "SPY")
    world.watch("Trade", "QQQ")

    changed = world.advance(instant(MONDAY, 12))

    assert changed == set()
    assert world.candles("SPY", "m", False, 0, world.now)[-1][0] == world.bars.last * 1000
    world.unwatch("Trade", "SPY")
    world.unwatch("Trade", "QQQ")


def test_any_symbol_can_be_recorded(path: Path) -> None:
    world = World(1, bars=read_bars(path, "ABCD"))

    assert world.serves("ABCD")
    assert world.equity("ABCD")["symbol"] == "ABCD"
    assert 169 < world.price("ABCD") < 171
    assert world.price("SPY") > 400


def test_a_recorded_fund_moves_its_index(path: Path) -> None:
    world = World(1, bars=read_bars(path, "QQQ"))

    assert world.price("NDX") == pytest.approx(world.price("QQQ") * 41.07, rel=1e-3)


@pytest.mark.recorded
def test_the_recorded_week_is_replayed_to_the_last_share() -> None:
    folder = os.environ.get("GROK_SAUCE_RECORDINGS", "")
    file = Path(folder) / "spy_1min_2013-10-04_to_11.csv.gz"
    if not folder or not file.exists():
        pytest.skip(f"recording {file.name} is not here")
    bars = read_bars(file)
    world = World(42, instant(FRIDAY, 20), bars)

    rows = world.candles("SPY", "m", False, 0, world.now)

    assert len(rows) == 4839
    assert [(row[0], *row[2:]) for row in rows] == [
        row for day in bars.sessions for row in rows_of(bars, day)
    ]
    assert [len(bars.days[day].times) for day in bars.sessions] == [711, 828, 828, 813, 883, 776]
    assert world.event("Summary", "SPY")["dayOpenPrice"] == 168.90
    assert world.event("Summary", "SPY")["dayClosePrice"] == 170.24
    assert world.event("Summary", "SPY")["prevDayClosePrice"] == 169.07
