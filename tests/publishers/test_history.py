"""publishers.history: closed minutes reach the disk once, and come back at the next start."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.errors import SettingsError
from grok_sauce.market.batches import Batch
from grok_sauce.market.events import Bar
from grok_sauce.market.state import MarketState
from grok_sauce.publishers import history
from grok_sauce.publishers.history import History, HistorySettings, play_back
from grok_sauce.runtime.clock import ManualClock, RealClock
from grok_sauce.settings import read_env
from grok_sauce.storage.bars import BarStore
from grok_sauce.update import Update

MINUTE = 60_000


def candles(
    *bars: tuple[str, int, float], period: str = "m", snapshot: bool = False, flags: int = 0
) -> Batch:
    """(symbol, start ms, close) as one batch."""
    rows = [(flags, t << 22, t, 3, p, p + 1, p - 1, p, 50.0) for _, t, p in bars]
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    symbols = [f"{symbol}{{={period}}}" for symbol, _, _ in bars]
    return Batch("Candle", symbols, columns, 0.0, snapshot)


def closed(symbol: str, time: int, close: float, **more: Any) -> Update:
    payload = {"symbol": symbol, "time": time, "volume": 7.0, **more}
    payload |= dict.fromkeys(("open", "high", "low", "close"), close)
    return Update("candle.close", symbol, payload)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def store(path: Path, clock: ManualClock) -> Iterator[BarStore]:
    opened = BarStore(path, clock.real())
    yield opened
    opened.close()


@pytest.fixture
def minute(clock: ManualClock) -> int:
    """Start of the minute under way, in ms."""
    return int(clock.market()) // 60 * MINUTE


def times(store: BarStore, symbol: str = "SPY") -> list[int]:
    return [bar.time for bar in store.bars(symbol, 0, 2**60)]


def test_a_minute_is_written_when_it_has_ended_with_its_last_content(
    path: Path, store: BarStore, clock: ManualClock, minute: int
) -> None:
    keeper = History(path, clock)
    keeper.put(candles(("SPY", minute, 600.0)))
    keeper.put(candles(("SPY", minute, 601.0)))

    keeper.flush(store)
    assert times(store) == []
    clock.advance(60)
    keeper.flush(store)

    assert store.bars("SPY", 0, 2**60) == [Bar(minute, 601.0, 602.0, 600.0, 601.0, 50.0, 3)]
    assert keeper.depth == 0


def test_a_snapshot_of_a_source_is_kept_but_only_one_minute_bars_of_all_hours(
    path: Path, store: BarStore, clock: ManualClock, minute: int
) -> None:
    keeper = History(path, clock)
    old = [("SPY", minute - MINUTE * n, 600.0) for n in range(2, 6)]
    keeper.put(candles(*old, snapshot=True))
    keeper.put(candles(("SPY", minute - 10 * MINUTE, 600.0), period="5m"))
    keeper.put(candles(("SPY", minute - 20 * MINUTE, 600.0), period="m,tho=true"))
    keeper.put(candles(("SPY", minute - 30 * MINUTE, 600.0), flags=0x02))
    keeper.put(Batch("Quote", ["SPY"], ([1.0], [2.0]), 0.0))

    keeper.flush(store)

    assert times(store) == sorted(time for _, time, _ in old)


def test_closed_minutes_of_the_engine_are_kept_under_the_feeds_name(
    path: Path, store: BarStore, clock: ManualClock, minute: int
) -> None:
    keeper = History(path, clock)

    keeper.publish(
        [
            Update("indicator.rows", "SPY", {"symbol": "SPY"}),
            closed("/ES", minute - 2 * MINUTE, 6000.0, streamer="/ESZ26:XCME", count=9),
            closed("SPY", minute - 2 * MINUTE, 600.0),
        ]
    )
    keeper.flush(store)

    assert store.counts() == {"/ESZ26:XCME": 1, "SPY": 1}
    assert [bar.count for bar in store.bars("/ESZ26:XCME", 0, 2**60)] == [9]


def test_a_minute_told_both_ways_is_kept_once(
    path: Path, store: BarStore, clock: ManualClock, minute: int
) -> None:
    keeper = History(path, clock)
    keeper.put(candles(("SPY", minute - 2 * MINUTE, 600.0)))
    keeper.publish([closed("SPY", minute - 2 * MINUTE, 600.0)])

    keeper.flush(store)
    keeper.flush(store)

    assert store.counts() == {"SPY": 1}


def test_a_late_correction_of_a_closed_minute_replaces_it(
    path: Path, store: BarStore, clock: ManualClock, minute: int
) -> None:
    keeper = History(path, clock)
    keeper.put(candles(("SPY", minute - 2 * MINUTE, 600.0)))
    keeper.flush(store)

    keeper.put(candles(("SPY", minute - 2 * MINUTE, 605.0)))
    keeper.flush(store)

    assert [bar.close for bar in store.bars("SPY", 0, 2**60)] == [605.0]


class FullDisk:
    """A store whose writes fail until told otherwise."""

    def __init__(self, store: BarStore) -> None:
        self.store = store
        self.is_full = True

    def write(self, rows: Any) -> int:
        if self.is_full:
            raise sqlite3.OperationalError("database or disk is full")
        return self.store.write(rows)

    def prune(self, keep: int) -> int:
        return 0


def test_a_full_disk_is_said_once_and_nothing_is_lost_when_there_is_room_again(
    path: Path,
    store: BarStore,
    clock: ManualClock,
    minute: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keeper, disk = History(path, clock), FullDisk(store)
    keeper.put(candles(("SPY", minute - 3 * MINUTE, 600.0), ("SPY", minute - 2 * MINUTE, 601.0)))

    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            keeper.flush(disk)  # type: ignore[arg-type]
    assert keeper.status.state == "backoff"
    assert "full" in keeper.status.detail
    assert len(caplog.records) == 1
    assert keeper.depth == 2

    disk.is_full = False
    keeper.flush(disk)  # type: ignore[arg-type]

    assert keeper.status.state == "live"
    assert times(store) == [minute - 3 * MINUTE, minute - 2 * MINUTE]


def test_while_the_disk_is_full_only_so_many_bars_wait_and_the_rest_is_counted(
    path: Path, store: BarStore, clock: ManualClock, minute: int
) -> None:
    keeper, disk = History(path, clock, limit=10), FullDisk(store)

    for number in range(30):
        keeper.put(candles(("SPY", minute - (40 - number) * MINUTE, 600.0)))
        keeper.flush(disk)  # type: ignore[arg-type]
    assert keeper.depth == 10
    disk.is_full = False
    keeper.flush(disk)  # type: ignore[arg-type]

    assert keeper.dropped == 20
    assert times(store) == [minute - (40 - number) * MINUTE for number in range(20, 30)]


def test_without_a_worker_the_queue_is_bounded(path: Path, clock: ManualClock, minute: int) -> None:
    keeper = History(path, clock, limit=10)

    for number in range(30):
        keeper.put(candles(("SPY", minute - number * MINUTE, 600.0)))

    assert (keeper.depth, keeper.dropped) == (10, 20)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = RealClock().monotonic() + seconds
    pause = threading.Event()
    while not condition() and RealClock().monotonic() < deadline:
        pause.wait(0.01)
    return condition()


def test_the_worker_flushes_when_it_is_stopped(
    path: Path, clock: ManualClock, minute: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "FLUSH", 3600.0)
    keeper, stop = History(path, clock), threading.Event()
    thread = threading.Thread(target=keeper.run, args=(stop,))
    thread.start()
    assert wait_until(lambda: keeper.status.state == "live")
    keeper.put(candles(("SPY", minute - 2 * MINUTE, 600.0)))

    stop.set()
    thread.join(10)

    assert not thread.is_alive()
    assert [batch.symbols for batch in play_back(path, clock.market())] == [["SPY{=m}"]]


def test_a_damaged_file_is_set_aside_said_and_begun_anew(
    path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"no rows at all\n" * 400)
    keeper, stop = History(path, clock), threading.Event()
    stop.set()

    with caplog.at_level(logging.WARNING):
        keeper.run(stop)

    assert len(list(path.parent.glob("history.db.damaged-*Z"))) == 1
    assert "was damaged" in caplog.text
    assert "was damaged" in str(keeper.status.last_error)


def test_a_file_that_cannot_be_opened_ends_the_worker_with_the_reason(
    path: Path, clock: ManualClock
) -> None:
    path.mkdir()
    keeper = History(path, clock)

    with pytest.raises(Exception, match="cannot be used"):
        keeper.run(threading.Event())

    assert keeper.status.state == "backoff"


def test_what_was_kept_is_played_back_as_a_snapshot_the_state_understands(
    path: Path, store: BarStore, clock: ManualClock, minute: int
) -> None:
    rows = [
        ("SPY", minute - MINUTE * n, 600.0, 602.0, 599.0, 601.0, None if n == 3 else 10.0 * n, n)
        for n in range(1, 6)
    ]
    store.write(rows)
    store.write([("QQQ", minute - MINUTE, 500.0, 500.0, 500.0, 500.0, 1.0, None)])
    state = MarketState()

    for batch in play_back(path, clock.market()):
        state.apply(batch)

    series = state.candles("SPY", "m")
    assert series is not None
    assert series.bars() == [Bar(*row[1:]) for row in reversed(rows)]
    assert series.snapshot_at == clock.market()
    assert not state.ignored


def test_play_back_is_limited_to_the_last_days_the_past_and_the_symbols_asked_for(
    path: Path, store: BarStore, clock: ManualClock, minute: int
) -> None:
    day = 86_400_000
    rows = [(minute - 30 * day, "SPY"), (minute - day, "SPY"), (minute + day, "SPY")]
    store.write([(s, t, 1.0, 1.0, 1.0, 1.0, 1.0, 1) for t, s in [*rows, (minute - day, "OLD")]])

    batches = list(play_back(path, clock.market(), ["SPY", "NEW"]))

    assert [(batch.symbols, batch.columns[2]) for batch in batches] == [
        (["SPY{=m}"], [minute - day])
    ]


def test_without_a_file_nothing_is_played_back_and_none_is_made(
    path: Path, clock: ManualClock
) -> None:
    assert list(play_back(path, clock.market())) == []
    assert not path.exists()


def test_a_damaged_file_is_not_played_back(
    path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"no rows at all\n" * 400)

    with caplog.at_level(logging.WARNING):
        assert list(play_back(path, clock.market())) == []

    assert "is not played back" in caplog.text


def test_a_long_history_is_written_in_several_transactions_and_whole(
    path: Path,
    store: BarStore,
    clock: ManualClock,
    minute: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 100)
    keeper = History(path, clock)
    for symbol in ("SPY", "QQQ", "GLD"):
        old = [(symbol, minute - MINUTE * n, 600.0) for n in range(1, 91)]
        keeper.put(candles(*old, snapshot=True))

    clock.advance(2)
    keeper.flush(store)

    assert store.counts() == {"GLD": 90, "QQQ": 90, "SPY": 90}
    assert keeper.depth == 0


def test_a_failure_half_way_keeps_what_was_not_written(
    path: Path,
    store: BarStore,
    clock: ManualClock,
    minute: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 1)
    keeper, disk = History(path, clock), FullDisk(store)
    written: list[int] = []

    def write(rows: Any) -> int:
        written.append(store.write(rows))
        disk.is_full = len(written) == 2
        if disk.is_full:
            disk.write = FullDisk.write.__get__(disk)  # type: ignore[method-assign]
        return written[-1]

    disk.write = write  # type: ignore[method-assign]
    for number in (5, 4, 3, 2):
        keeper.put(candles(("SPY", minute - MINUTE * number, 600.0 + number)))
    keeper.flush(disk)  # type: ignore[arg-type]
    assert (len(times(store)), keeper.depth, keeper.status.state) == (2, 2, "backoff")

    disk.is_full = False
    keeper.flush(disk)  # type: ignore[arg-type]

    assert [bar.close for bar in store.bars("SPY", 0, 2**60)] == [605.0, 604.0, 603.0, 602.0]


def test_how_many_days_are_kept_is_a_knob_with_limits() -> None:
    assert read_env(HistorySettings, {}).sessions == 60
    assert read_env(HistorySettings, {"HISTORY_SESSIONS": "250"}).sessions == 250
    with pytest.raises(SettingsError, match="HISTORY_SESSIONS must be a whole number from 10"):
        read_env(HistorySettings, {"HISTORY_SESSIONS": "5"})
