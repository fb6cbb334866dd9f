"""analytics.rvol against the definition, a slow twin, committed answers and a recording."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics import rvol
from grok_sauce.market import sessions

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = ROOT / "tests" / "answers"
MINUTE = 60_000
NAN = float("nan")


def read_bars(text: str) -> tuple[list[int], list[float]]:
    """Starts (ms) and volumes of a file of one-minute bars."""
    rows = list(csv.DictReader(io.StringIO(text)))
    times = [int(datetime.fromisoformat(row["time"]).timestamp() * 1000) for row in rows]
    return times, [float(row["volume"]) for row in rows]


def regular_window(day: date) -> tuple[int, int]:
    opening, close = sessions.regular(day)
    return int(opening * 1000), int(close - opening) // 60 + 1


def pre_window(day: date) -> tuple[int, int]:
    start, opening = sessions.extended(day)[0], sessions.regular(day)[0]
    return int(start * 1000), int(opening - start) // 60


def flat(*curves: Sequence[float]) -> rvol.Base:
    return rvol.Base(tuple(tuple(curve) for curve in curves))


def test_the_worked_example_gives_a_quarter_of_the_day_and_more_than_usual_by_now() -> None:
    # By 10:15 (45 minutes): 1.9, 2.1, 2.0, 1.6, 2.4 m of days that end at 10 m on average.
    by_now = [1.9e6, 2.1e6, 2.0e6, 1.6e6, 2.4e6]
    days = [9e6, 11e6, 10e6, 8e6, 12e6]
    history = flat(
        *(
            [early * minute / 45 for minute in range(45)]
            + [early + (full - early) * minute / 346 for minute in range(347)]
            for early, full in zip(by_now, days, strict=True)
        )
    )

    time_form = rvol.time_rvol(2.6e6, history, 45.0)
    day_form = rvol.day_rvol(2.6e6, history)

    assert time_form.value == pytest.approx(1.30)
    assert day_form.value == pytest.approx(0.26)
    assert (time_form.reason, day_form.reason) == (None, None)


def test_two_sessions_give_no_number_but_a_reason() -> None:
    start, minutes = 1_800_000_000_000, 3
    day = 86_400_000
    times = [start - day * back + MINUTE * minute for back in (2, 1) for minute in range(3)]

    history = rvol.base(times, [5.0] * 6, [(start - day, minutes), (start - 2 * day, minutes)])

    assert rvol.time_rvol(9.0, history, 2.0) == rvol.Rvol(None, "RVOL needs 3 sessions, 2 loaded")
    assert rvol.day_rvol(9.0, history) == rvol.Rvol(None, "RVOL needs 3 sessions, 2 loaded")
    assert history.average is None


@pytest.mark.parametrize("nothing", [None, NAN], ids=["None", "NaN"])
def test_an_index_without_volume_has_no_rvol(nothing: float | None) -> None:
    windows = [(1_800_000_000_000 - 86_400_000 * back, 3) for back in (1, 2, 3, 4)]
    times = sorted(start + MINUTE * minute for start, _ in windows for minute in range(3))

    history = rvol.base(times, [nothing] * len(times), windows)

    assert rvol.time_rvol(None, history, 2.0) == rvol.Rvol(None, rvol.NO_VOLUME)


def test_nothing_traded_in_the_history_gives_no_number() -> None:
    history = flat([0.0, 0.0, 5.0], [0.0, 0.0, 5.0], [0.0, 0.0, 5.0])

    assert rvol.time_rvol(100.0, history, 1.0).value is None
    assert "Nothing traded" in str(rvol.time_rvol(100.0, history, 1.0).reason)
    assert rvol.day_rvol(100.0, history).value == pytest.approx(20.0)


def test_no_volume_today_is_unknown_and_zero_volume_is_zero() -> None:
    history = flat([0.0, 2.0], [0.0, 2.0], [0.0, 2.0])

    assert rvol.time_rvol(None, history, 1.0) == rvol.Rvol(None, rvol.NOTHING_TODAY)
    assert rvol.time_rvol(0.0, history, 1.0).value == 0.0


def test_before_the_open_there_is_no_ratio() -> None:
    history = flat([0.0, 2.0], [0.0, 2.0], [0.0, 2.0])

    assert rvol.time_rvol(5.0, history, 0.0).value is None


def test_inside_a_minute_the_history_is_taken_on_a_straight_line() -> None:
    history = flat([0.0, 60.0, 180.0], [0.0, 60.0, 180.0], [0.0, 60.0, 180.0])

    # 1 minute 15 s: 60 + a quarter of 120 = 90.
    assert rvol.time_rvol(45.0, history, 1.25).value == pytest.approx(0.5)


def test_a_half_day_enters_only_with_the_minutes_it_has() -> None:
    long = [0.0, 10.0, 20.0, 30.0, 40.0]
    history = flat(long, long, long, [0.0, 50.0, 100.0])

    assert rvol.time_rvol(30.0, history, 2.0).value == pytest.approx(30 / 40)
    assert rvol.time_rvol(30.0, history, 3.0).value == pytest.approx(30 / 30)
    assert rvol.day_rvol(55.0, history).value == pytest.approx(55 / 55)


def test_when_half_days_leave_fewer_than_three_sessions_it_says_so() -> None:
    long = [0.0, 10.0, 20.0, 30.0]
    history = flat(long, long, [0.0, 50.0])

    answer = rvol.time_rvol(30.0, history, 2.0)

    assert answer == rvol.Rvol(None, "RVOL needs 3 sessions that long, 2 loaded")


def test_after_the_close_the_whole_session_stays_the_measure() -> None:
    history = flat([0.0, 10.0, 20.0], [0.0, 10.0, 20.0], [0.0, 10.0, 20.0])

    assert rvol.time_rvol(30.0, history, 500.0) == rvol.day_rvol(30.0, history)


def test_the_closing_auction_is_regular_and_the_minute_after_it_is_not() -> None:
    day = date(2026, 12, 16)
    start, minutes = regular_window(day)
    times = [start, start + 389 * MINUTE, start + 390 * MINUTE, start + 391 * MINUTE]

    curve = rvol.session_curve(times, [1.0, 10.0, 100.0, 1000.0], start, minutes)

    assert curve is not None
    assert (curve[0], curve[1], curve[389], curve[390], curve[391]) == (0, 1, 1, 11, 111)
    assert len(curve) == 392


def test_today_and_the_pre_market_never_enter_the_regular_mean() -> None:
    days = [date(2026, 12, day) for day in (10, 11, 14, 15)]
    times, volumes = [], []
    for day in [*days, date(2026, 12, 16)]:
        start, minutes = regular_window(day)
        times += [start - MINUTE] + [start + MINUTE * minute for minute in range(minutes)]
        volumes += [1e9] + [2.0 if day in days else 7e9] * minutes

    history = rvol.base(times, volumes, [regular_window(day) for day in reversed(days)])

    assert history.average == pytest.approx(2.0 * 391)


@pytest.mark.parametrize(
    "days, today",
    [
        (["2026-03-04", "2026-03-05", "2026-03-06"], "2026-03-09"),
        (["2026-10-28", "2026-10-29", "2026-10-30"], "2026-11-02"),
    ],
    ids=["clocks go forward", "clocks go back"],
)
def test_the_same_minute_since_the_open_is_compared_over_a_change_of_the_clocks(
    days: list[str], today: str
) -> None:
    earlier = [date.fromisoformat(day) for day in days]
    times, volumes = [], []
    for day in earlier:
        start, minutes = regular_window(day)
        times += [start + MINUTE * minute for minute in range(minutes)]
        volumes += [float(minute) for minute in range(minutes)]
    start, _ = regular_window(date.fromisoformat(today))

    history = rvol.base(times, volumes, [regular_window(day) for day in reversed(earlier)])
    ten_fifteen = datetime.fromisoformat(f"{today}T10:15").replace(tzinfo=sessions.NEW_YORK)
    minutes_in = (ten_fifteen.timestamp() * 1000 - start) / MINUTE
    answer = rvol.time_rvol(sum(range(45)), history, minutes_in)

    assert minutes_in == 45
    assert answer.value == pytest.approx(1.0)


def test_a_session_that_was_loaded_in_part_is_left_out() -> None:
    days = [date(2026, 12, day) for day in (9, 10, 11, 14, 15)]
    times, volumes = [], []
    for day in days:
        start, minutes = regular_window(day)
        present = range(120) if day == days[2] else range(minutes)
        times += [start + MINUTE * minute for minute in present]
        volumes += [1.0] * len(present)

    history = rvol.base(times, volumes, [regular_window(day) for day in reversed(days)])

    assert [curve[-1] for curve in history.curves] == [391.0] * 4


def test_a_thin_instrument_keeps_its_sessions_though_all_have_holes() -> None:
    days = [date(2026, 12, day) for day in (11, 14, 15)]
    starts = [regular_window(day)[0] for day in days]
    times = [start + MINUTE * minute for start in starts for minute in (0, 100, 200)]

    history = rvol.base(times, [4.0] * 9, [regular_window(day) for day in reversed(days)])

    assert history.average == pytest.approx(12.0)


def test_only_the_newest_five_sessions_count() -> None:
    windows = [(1_800_000_000_000 - 86_400_000 * back, 2) for back in range(1, 9)]
    times = sorted(start + MINUTE * minute for start, _ in windows for minute in range(2))
    volumes = [100.0] * 6 + [1.0] * 10

    history = rvol.base(times, volumes, windows)

    assert len(history.curves) == 5
    assert history.average == pytest.approx(2.0)


def test_bar_rvol_compares_one_minute_with_the_same_minute() -> None:
    history = flat([0.0, 10.0, 40.0], [0.0, 10.0, 40.0], [0.0, 10.0, 40.0])

    assert rvol.bar_rvol(60.0, history, 1).value == pytest.approx(2.0)
    assert rvol.bar_rvol(60.0, history, 2).value is None
    assert rvol.bar_rvol(None, history, 1).value is None


def test_committed_answers_of_exact_fractions_are_met() -> None:
    times, volumes = read_bars(
        gzip.decompress((ANSWERS / "minute_bars.csv.gz").read_bytes()).decode()
    )
    answers = json.loads((ANSWERS / "minute_bars.json").read_text())
    today = date.fromisoformat(answers["today"])
    earlier = reversed(sessions.sessions_before(today, 5))
    days = list(earlier)
    bases = {
        True: rvol.base(times, volumes, [pre_window(day) for day in days], gap=None),
        False: rvol.base(times, volumes, [regular_window(day) for day in days]),
    }

    for moment in answers["moments"]:
        is_pre = moment["time"] < "09:30"
        start, minutes = (pre_window if is_pre else regular_window)(today)
        now = datetime.fromisoformat(f"{today}T{moment['time']}").replace(tzinfo=sessions.NEW_YORK)
        since = min((now.timestamp() * 1000 - start) / MINUTE, minutes)

        found = rvol.time_rvol(moment["volume"], bases[is_pre], since)
        whole = rvol.day_rvol(moment["volume"], bases[is_pre])

        assert found.value == pytest.approx(moment["rvol"], rel=1e-12), moment["time"]
        assert whole.value == pytest.approx(moment["rvol_day"], rel=1e-12), moment["time"]
        assert bases[is_pre].average == pytest.approx(moment["average"], rel=1e-12)


def test_the_committed_bars_and_answers_are_what_their_tool_makes() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "minute_bars.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (run.returncode, run.stdout.strip()) == (0, "same")


def slow_mean(
    days: list[dict[int, float]], lengths: list[int], minutes: float
) -> tuple[float | None, float | None]:
    """(mean so far, mean of whole days) by the words of the definition."""
    reached = [day for day, length in zip(days, lengths, strict=True) if minutes <= length]
    sums = [
        math.fsum(volume * min(1.0, max(0.0, minutes - minute)) for minute, volume in day.items())
        for day in reached
    ]
    so_far = math.fsum(sums) / len(sums) if len(sums) >= 3 else None
    whole = math.fsum(math.fsum(day.values()) for day in days) / len(days)
    return so_far, whole


day_volumes = st.dictionaries(st.integers(0, 19), st.integers(0, 10_000).map(float), min_size=1)


@settings(max_examples=150, deadline=None)
@given(
    days=st.lists(day_volumes, min_size=3, max_size=5),
    shorter=st.integers(0, 4),
    minutes=st.floats(0.01, 20.0),
    volume=st.integers(0, 1_000_000),
)
def test_the_fast_and_the_slow_way_agree(
    days: list[dict[int, float]], shorter: int, minutes: float, volume: int
) -> None:
    lengths = [20] * len(days)
    if shorter < len(days):
        lengths[shorter] = 10
        days[shorter] = {minute % 10: amount for minute, amount in days[shorter].items()}
    starts = [1_800_000_000_000 - 86_400_000 * (back + 1) for back in range(len(days))]
    bars = sorted(
        (start + MINUTE * minute, amount)
        for start, day in zip(starts, days, strict=True)
        for minute, amount in day.items()
    )

    history = rvol.base(
        [time for time, _ in bars],
        [amount for _, amount in bars],
        list(zip(starts, lengths, strict=True)),
    )
    so_far, whole = slow_mean(days, lengths, minutes)

    for answer, mean in (
        (rvol.time_rvol(volume, history, minutes), so_far),
        (rvol.day_rvol(volume, history), whole),
    ):
        if mean is None or mean == 0:
            assert answer.value is None
            assert answer.reason
        else:
            assert answer.value == pytest.approx(volume / mean, rel=1e-9)


@pytest.mark.recorded
def test_on_recorded_bars_the_last_day_is_compared_with_the_four_before() -> None:
    folder = os.environ.get("GROK_SAUCE_RECORDINGS")
    file = Path(folder or "/nowhere") / "spy_1min_2013-10-04_to_11.csv.gz"
    if not file.exists():
        pytest.skip("recorded: spy_1min_2013-10-04_to_11.csv.gz is not here")
    text = gzip.decompress(file.read_bytes()).decode()
    times, volumes = read_bars(text)
    today = date(2013, 10, 11)
    days = sessions.sessions_before(today, 5)

    history = rvol.base(times, volumes, [regular_window(day) for day in reversed(days)])

    # The same from the text of the file: wall clock 09:30 to 16:00 inclusive.
    rows = [line.split(",") for line in text.splitlines()[1:]]
    inside = [
        (row[0][:10], row[0][11:16], int(row[5]))
        for row in rows
        if "09:30" <= row[0][11:16] <= "16:00"
    ]
    whole = [sum(v for d, _, v in inside if d == str(day)) for day in days]
    early = [sum(v for d, t, v in inside if d == str(day) and t < "10:15") for day in days]
    now = sum(v for d, t, v in inside if d == str(today) and t < "10:15")
    assert rvol.day_rvol(now, history).value == pytest.approx(now / (sum(whole) / 5))
    assert rvol.time_rvol(now, history, 45.0).value == pytest.approx(now / (sum(early) / 5))
