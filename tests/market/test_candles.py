"""Candle series: keyed by time, the last wins, snapshots replace, nothing is filled in."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market.candles import (
    CandleSeries,
    series_key,
    take_snapshot,
    take_updates,
)
from grok_sauce.market.events import Bar

START = 1_797_431_400_000  # 2026-12-16 09:30 New York, ms
MINUTE = 60_000
BEGIN, END, SNIP, REMOVE = 4, 8, 16, 2

CandleRow = tuple[Any, ...]


def minute_row(n: int, close: float = 100.0, flags: int = 0, volume: Any = 500.0) -> CandleRow:
    """The n-th minute's row as a feed hands it over."""
    return (flags, n, START + n * MINUTE, 7, 100.0, max(101.0, close), 99.0, close, volume)


def end_marker(n: int) -> CandleRow:
    """The empty row that ends a snapshot."""
    return (END | REMOVE, 0, START + n * MINUTE, 0, "NaN", "NaN", "NaN", "NaN", "NaN")


def minute_series(limit: int = 12_000) -> CandleSeries:
    return CandleSeries(MINUTE, limit)


def starts(series: CandleSeries) -> list[int]:
    """Minutes since START of all bars."""
    return [(time - START) // MINUTE for time in series.times]


def test_a_snapshot_that_arrives_newest_first_is_kept_oldest_first() -> None:
    series = minute_series()

    take_snapshot(
        series, [minute_row(2, flags=BEGIN), minute_row(1), minute_row(0), end_marker(-5)], 9.0
    )

    assert starts(series) == [0, 1, 2]
    assert series.snapshot_at == 9.0


def test_the_live_bar_is_replaced_until_the_next_one_opens() -> None:
    series = minute_series()

    take_updates(series, [minute_row(0, 100.5), minute_row(0, 100.75), minute_row(1, 100.25)])

    assert [bar.close for bar in series.bars()] == [100.75, 100.25]
    assert series.last == Bar(START + MINUTE, 100.0, 101.0, 99.0, 100.25, 500.0, 7)


def test_a_late_bar_finds_its_place() -> None:
    series = minute_series()

    take_updates(series, [minute_row(0), minute_row(3), minute_row(1, 100.9)])

    assert starts(series) == [0, 1, 3]
    found = series.bar(START + MINUTE)
    assert found is not None
    assert found.close == 100.9
    assert series.bar(START + 2 * MINUTE) is None


def test_a_snapshot_replaces_what_is_not_older_than_its_oldest_bar() -> None:
    series = minute_series()
    take_updates(series, [minute_row(n, 99.5) for n in range(6)])

    take_snapshot(series, [minute_row(4, 100.5), minute_row(2, 100.5)], 1.0)

    assert starts(series) == [0, 1, 2, 4]
    assert [bar.close for bar in series.bars()] == [99.5, 99.5, 100.5, 100.5]


@pytest.mark.parametrize(
    "rows", [[], [end_marker(0)], [minute_row(0, nan)]], ids=["nothing", "marker", "nonsense"]
)
def test_an_empty_snapshot_says_that_history_was_asked_for(rows: list[CandleRow]) -> None:
    series = minute_series()
    take_updates(series, [minute_row(0)])

    take_snapshot(series, rows, 5.0)

    assert starts(series) == [0]
    assert series.snapshot_at == 5.0


def test_a_removal_takes_the_bar_out_and_an_end_marker_does_not() -> None:
    series = minute_series()
    take_updates(series, [minute_row(0), minute_row(1), minute_row(2)])

    rejected = take_updates(series, [minute_row(1, flags=REMOVE), end_marker(0)])

    assert (starts(series), rejected) == ([0, 2], 0)


def test_nonsense_is_counted_and_kept_out() -> None:
    series = minute_series()
    marker = (0, 0, 2_147_483_648_000, 1, 100.0, 101.0, 99.0, 100.0, 5.0)

    rejected = take_updates(series, [minute_row(0), minute_row(1, -1.0), marker])

    assert (starts(series), rejected) == ([0], 2)


def test_gaps_stay_visible() -> None:
    series = minute_series()
    take_updates(series, [minute_row(0), minute_row(3)])

    missing = series.missing(START, START + 5 * MINUTE)

    assert [(time - START) // MINUTE for time in missing] == [1, 2, 4]
    with pytest.raises(ValueError, match="no fixed length"):
        CandleSeries().missing(START, START + MINUTE)


def test_a_stretch_leaves_out_its_end() -> None:
    series = minute_series()
    take_updates(series, [minute_row(n) for n in range(5)])

    bars = series.bars(START + MINUTE, START + 3 * MINUTE)
    columns = series.columns(START + MINUTE, START + 3 * MINUTE)

    assert [bar.time for bar in bars] == list(columns.times)
    assert [(time - START) // MINUTE for time in columns.times] == [1, 2]
    assert series.bars(START + 4 * MINUTE, START) == []


def test_copied_columns_do_not_move_with_the_series() -> None:
    series = minute_series()
    take_updates(series, [minute_row(0, 100.0)])
    columns = series.columns()

    take_updates(series, [minute_row(0, 100.5), minute_row(1)])

    assert list(columns.closes) == [100.0]


def test_an_unknown_volume_stays_unknown() -> None:
    series = minute_series()

    take_snapshot(series, [minute_row(0, volume="NaN"), minute_row(1, volume=0.0)], 1.0)

    assert [bar.volume for bar in series.bars()] == [None, 0.0]


def test_a_full_series_keeps_its_newest_bars() -> None:
    series = minute_series(limit=3)

    take_updates(series, [minute_row(n) for n in (0, 1, 2, 3, 4)])
    take_updates(series, [minute_row(0)])

    assert starts(series) == [2, 3, 4]
    take_snapshot(series, [minute_row(n) for n in range(10)], 1.0)
    assert starts(series) == [7, 8, 9]


def test_every_change_moves_the_revision() -> None:
    series = minute_series()
    seen = [series.revision]

    for rows in ([minute_row(0)], [minute_row(0, 100.5)], [minute_row(0, flags=REMOVE)]):
        take_updates(series, rows)
        seen.append(series.revision)
    take_snapshot(series, [], 1.0)
    seen.append(series.revision)

    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("symbol", "key"),
    [
        ("SPY{=1m}", ("SPY", "m", False)),
        ("SPY{=m,tho=true}", ("SPY", "m", True)),
        ("/ESZ26:XCME{=5m}", ("/ESZ26:XCME", "5m", False)),
        ("SPY{=d,a=s}", None),
        ("SPY{=m,price=bid}", None),
        ("SPY", None),
    ],
)
def test_a_series_is_found_under_any_spelling(
    symbol: str, key: tuple[str, str, bool] | None
) -> None:
    assert series_key(symbol) == key


@pytest.mark.parametrize(
    ("place", "value"),
    [(2, 2_147_483_648_000), (2, 1), (4, 101.5), (4, 98.5), (5, float("inf")), (6, 0.0)]
    + [(7, 101.5), (7, 98.5), (7, nan), (7, True)],
    ids=["2038", "1970", "open above high", "open below low", "infinite high", "low 0"]
    + ["close above high", "close below low", "nan close", "boolean close"],
)
def test_one_bad_row_of_a_clean_snapshot_is_left_out(place: int, value: Any) -> None:
    rows: list[CandleRow] = [minute_row(n) for n in range(5)]
    bad = list(rows[2])
    bad[place] = value
    rows[2] = tuple(bad)
    series = minute_series()

    rejected = take_snapshot(series, sorted(rows, key=lambda row: row[2]), 1.0)

    assert (starts(series), rejected) == ([0, 1, 3, 4], 1)


def test_a_snapshot_that_repeats_a_time_keeps_the_last_row_given() -> None:
    series = minute_series()

    take_snapshot(series, [minute_row(0), minute_row(1, 100.5), minute_row(1, 100.75)], 1.0)

    assert [bar.close for bar in series.bars()] == [100.0, 100.75]


# ---- against a slow twin ----

prices = st.sampled_from([99.0, 100.0, 100.5, 101, -1.0, 0, "NaN", nan, None, True, "Infinity"])
good = st.floats(99.5, 100.5)
rows_of_any_kind = st.tuples(
    st.sampled_from([0, 0, 0, 0, REMOVE, BEGIN, END, SNIP, END | REMOVE, None]),
    st.just(0),
    st.integers(0, 12).map(lambda n: START + n * MINUTE)
    | st.sampled_from([0, "NaN", 2_147_483_648_000]),
    st.sampled_from([3, 4.0, "NaN", None, -1]),
    good | prices,
    st.just(101.0) | prices,
    st.just(99.0) | prices,
    good | prices,
    st.floats(0, 1e6) | st.sampled_from(["NaN", None, -1.0, 7]),
)
good_rows = st.lists(
    st.integers(0, 40).map(lambda n: minute_row(n, 100.0 + n / 100)), unique_by=lambda row: row[2]
)


def apply_slowly(
    kept: dict[int, Bar], rows: list[CandleRow], snapshot: bool, limit: int
) -> dict[int, Bar]:
    """What the series must hold, a row at a time with a plain dict."""
    fresh: dict[int, Bar] = {}
    for row in rows:
        flags = row[0] or 0
        bar = Bar.of(row)
        if snapshot:
            if not flags & REMOVE and bar is not None:
                fresh[bar.time] = bar
        elif flags & REMOVE:
            if not flags & (BEGIN | END | SNIP):
                kept.pop(row[2], None)
        elif bar is not None:
            kept[bar.time] = bar
            kept = dict(sorted(kept.items())[-limit:])
    if fresh:
        oldest = min(fresh)
        kept = {time: bar for time, bar in kept.items() if time < oldest} | fresh
    return dict(sorted(kept.items())[-limit:])


@given(
    st.lists(
        st.tuples(st.lists(rows_of_any_kind, max_size=12) | good_rows, st.booleans()), max_size=5
    ),
    st.integers(1, 15),
)
def test_a_series_equals_its_slow_twin(
    batches: list[tuple[list[CandleRow], bool]], limit: int
) -> None:
    series = minute_series(limit)
    twin: dict[int, Bar] = {}

    for rows, snapshot in batches:
        twin = apply_slowly(twin, rows, snapshot, limit)
        if snapshot:
            take_snapshot(series, rows, 1.0)
        else:
            take_updates(series, rows)

    assert series.bars() == list(twin.values())


@given(good_rows, st.booleans())
def test_a_clean_snapshot_reads_the_same_forwards_and_backwards(
    rows: list[CandleRow], descending: bool
) -> None:
    ordered = sorted(rows, key=lambda row: row[2], reverse=descending)
    series = minute_series()

    take_snapshot(series, ordered, 1.0)

    assert series.bars() == [
        bar for row in sorted(rows, key=lambda row: row[2]) if (bar := Bar.of(row))
    ]
