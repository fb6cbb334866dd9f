"""storage.bars: one-minute bars in, the same bars out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.market.events import Bar
from grok_sauce.storage import bars
from grok_sauce.storage.bars import BarStore

NOW = 1797449527.0
MINUTE = 60_000


def at(text: str) -> int:
    """A New York wall time in ms."""
    return int(
        datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).timestamp() * 1000
    )


def bar_row(symbol: str, time: int, volume: float | None = 10.0, close: float = 2.0) -> bars.BarRow:
    return (symbol, time, 1.5, 3.0, 1.0, close, volume, 4)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BarStore]:
    opened = BarStore(tmp_path / "history.db", NOW)
    yield opened
    opened.close()


def test_bars_come_back_by_symbol_and_range_in_order(store: BarStore) -> None:
    start = at("2026-12-16T09:30")
    store.write([bar_row("SPY", start + MINUTE * n) for n in (2, 0, 1, 3)])
    store.write([bar_row("/ESZ26:XCME", start)])

    found = store.bars("SPY", start, start + 3 * MINUTE)

    assert found == [Bar(start + MINUTE * n, 1.5, 3.0, 1.0, 2.0, 10.0, 4) for n in range(3)]
    assert store.counts() == {"SPY": 4, "/ESZ26:XCME": 1}


def test_a_corrected_bar_replaces_the_old_and_the_same_bar_costs_no_write(store: BarStore) -> None:
    start = at("2026-12-16T09:30")
    store.write([bar_row("SPY", start, close=2.0)])

    assert store.write([bar_row("SPY", start, close=2.5)]) == 1
    assert store.write([bar_row("SPY", start, close=2.5)]) == 0
    assert [bar.close for bar in store.bars("SPY", 0, start + 1)] == [2.5]


def test_an_unknown_volume_stays_unknown(store: BarStore) -> None:
    start = at("2026-12-16T09:30")
    store.write([bar_row("VIX", start, volume=None)])

    assert [bar.volume for bar in store.bars("VIX", start, start + 1)] == [None]
    assert store.write([bar_row("VIX", start, volume=None)]) == 0
    assert store.write([bar_row("VIX", start, volume=0.0)]) == 1


def test_one_bad_bar_keeps_the_whole_batch_out(store: BarStore) -> None:
    start = at("2026-12-16T09:30")
    bad = ("SPY", start + MINUTE, None, 1.0, 1.0, 1.0, None, None)

    with pytest.raises(sqlite3.IntegrityError):
        store.write([bar_row("SPY", start), bad])  # type: ignore[list-item]

    assert store.counts() == {}


def test_pruning_keeps_the_newest_days_and_the_evening_a_futures_day_begins_with(
    store: BarStore,
) -> None:
    days = ["2026-12-11T12:00", "2026-12-14T12:00", "2026-12-15T12:00", "2026-12-16T12:00"]
    store.write([bar_row("SPY", at(day)) for day in days])
    store.write(
        [bar_row("/ES", at(evening)) for evening in ("2026-12-13T17:59", "2026-12-13T18:00")]
    )

    gone = store.prune(keep_sessions=3)

    assert gone == 2
    assert [bar.time for bar in store.bars("SPY", 0, 2**60)] == [at(day) for day in days[1:]]
    assert [bar.time for bar in store.bars("/ES", 0, 2**60)] == [at("2026-12-13T18:00")]


def test_pruning_nothing_when_there_are_few_days(store: BarStore) -> None:
    store.write([bar_row("SPY", at("2026-12-16T12:00"))])

    assert store.prune(keep_sessions=60) == 0
    assert store.counts() == {"SPY": 1}


def test_averages_are_per_minute_since_each_open_and_count_only_sessions_with_bars(
    store: BarStore,
) -> None:
    opens = [at("2026-03-06T09:30"), at("2026-03-09T09:30"), at("2026-03-10T09:30")]
    store.write([bar_row("SPY", opens[0], 100.0), bar_row("SPY", opens[0] + MINUTE, 40.0)])
    store.write([bar_row("SPY", opens[1], 300.0), bar_row("SPY", opens[1] - MINUTE, 9e9)])
    connection = sqlite3.connect(store.path)

    found = bars.average_by_minute(connection, "SPY", opens, 3)

    assert found == [200.0, 20.0, 0.0]
    assert bars.average_by_minute(connection, "QQQ", opens, 3) is None
    connection.close()


def test_averages_of_something_without_volume_are_unknown(store: BarStore) -> None:
    start = at("2026-12-16T09:30")
    store.write([bar_row("VIX", start, None)])
    connection = sqlite3.connect(store.path)

    assert bars.average_by_minute(connection, "VIX", [start], 3) is None
    connection.close()


stored = st.lists(
    st.tuples(
        st.sampled_from(["SPY", "/ESZ26:XCME", "BRK/B"]),
        st.integers(0, 30).map(lambda minute: 1_797_000_000_000 + minute * MINUTE),
        st.integers(1, 9).map(float),
        st.none() | st.integers(0, 9).map(float),
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(batches=st.lists(stored, max_size=4))
def test_the_store_is_a_table_by_symbol_and_time(
    batches: list[list[tuple[str, int, float, float | None]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    store = BarStore(tmp_path_factory.mktemp("bars") / "history.db", NOW)
    expected: dict[tuple[str, int], tuple[float, float | None]] = {}

    for batch in batches:
        store.write([(s, t, close, close, close, close, v, None) for s, t, close, v in batch])
        expected.update({(s, t): (close, v) for s, t, close, v in batch})

    for symbol in ("SPY", "/ESZ26:XCME", "BRK/B"):
        found = {bar.time: (bar.close, bar.volume) for bar in store.bars(symbol, 0, 2**60)}
        assert found == {time: value for (name, time), value in expected.items() if name == symbol}
    store.close()
