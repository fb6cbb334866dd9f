"""publishers.gex_history: a minute of gamma exposure reaches the disk once, through one writer."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.publishers import gex_history
from grok_sauce.publishers.gex_history import GexHistory
from grok_sauce.publishers.history import History
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.storage import gex_snapshots
from grok_sauce.storage.bars import BarStore
from grok_sauce.update import Update

FLIP = {"flip": 5990.0, "roots": [5990.0], "n_roots": 1, "reason": None, "degraded": False}


def told(when: float, symbol: str = "SPX", view: str = "all", **values: Any) -> Update:
    """What the engine tells of one symbol."""
    state = values.pop("state", "live")
    payload = {
        "symbol": symbol,
        "as_of": datetime.fromtimestamp(when, UTC).isoformat(),
        "source": "DEMO",
        "status": {"state": state, "text": "", "loaded": 1, "of": 1},
        "oi_date": "2026-12-15",
        "spot": 6000.0,
        "totals": {"call": 2.0, "put": 1.0, "net": 1.0},
        "zero_gamma": dict.fromkeys(("all", "zero_dte", "ex_zero_dte"), FLIP),
        "call_wall": None,
        "put_wall": None,
        "columns": {"strike": [6000.0], "net_gex": [1.0]},
        **values,
    }
    return Update("gex.levels", f"{symbol}:{view}", payload)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[BarStore]:
    opened = BarStore(tmp_path / "history.db", clock.real())
    yield opened
    opened.close()


@pytest.fixture
def minute(clock: ManualClock) -> float:
    """Start of the minute under way, Unix seconds."""
    return clock.market() // 60 * 60


def spots(store: BarStore, symbol: str = "SPX") -> list[float | None]:
    return [levels.spot for levels in gex_snapshots.read_levels(store.connection, symbol, 0, 2**60)]


def test_of_many_beats_in_a_minute_the_first_is_kept(store: BarStore, minute: float) -> None:
    keeper = GexHistory()

    for second in range(0, 180, 2):
        keeper.publish([told(minute + second, spot=float(second))])

    assert keeper.depth == 3
    assert keeper.write(store.connection) == 3
    assert spots(store) == [0.0, 60.0, 120.0]
    assert (keeper.depth, keeper.write(store.connection)) == (0, 0)


def test_symbols_have_minutes_of_their_own_and_other_views_none(
    store: BarStore, minute: float
) -> None:
    keeper = GexHistory()

    keeper.publish(
        [
            told(minute, "SPX", "0dte"),
            told(minute, "SPX"),
            told(minute, "/ES"),
            told(minute, "SPX", "2026-12-18,2026-12-31"),
            Update("gex.levels", "QQQ:all", None),
            Update("indicator.rows", "SPY:all", {"symbol": "SPY"}),
        ]
    )
    keeper.write(store.connection)

    assert [spots(store, symbol) for symbol in ("SPX", "/ES", "QQQ", "SPY")] == [
        [6000.0], [6000.0], [], []
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["loading", "no_chain", "refused"])
def test_what_has_no_numbers_yet_is_not_kept(minute: float, state: str) -> None:
    keeper = GexHistory()

    keeper.publish([told(minute, state=state)])

    assert keeper.depth == 0


def test_a_closed_market_is_kept_once_until_the_open_interest_changes(
    store: BarStore, minute: float
) -> None:
    keeper = GexHistory()

    keeper.publish([told(minute, spot=1.0)])
    for number in range(1, 30):
        keeper.publish([told(minute + 60 * number, state="closed", spot=2.0)])
    keeper.publish([told(minute + 3600, state="closed", spot=3.0, oi_date="2026-12-16")])
    keeper.publish([told(minute + 7200, spot=4.0)])
    keeper.write(store.connection)

    assert spots(store) == [1.0, 2.0, 3.0, 4.0]


def test_a_snapshot_that_is_none_is_said_once_and_stops_nothing(
    store: BarStore, minute: float, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = GexHistory()

    with caplog.at_level(logging.WARNING):
        for number in range(5):
            keeper.publish([told(minute + 60 * number, as_of=None), told(minute, columns={})])
            keeper.publish([told(minute + 60 * number, "SPY", totals=None)])
            keeper.publish([told(minute + 60 * number, "QQQ")])
            keeper.write(store.connection)

    assert len(spots(store, "QQQ")) == 5
    assert spots(store) == []
    assert len(caplog.records) == 1
    assert keeper.refused > 5


def test_minutes_wait_for_a_full_disk_and_the_oldest_go_when_too_many_wait(
    store: BarStore, minute: float
) -> None:
    keeper = GexHistory(limit=3)
    store.connection.execute("PRAGMA query_only=ON")

    for number in range(5):
        keeper.publish([told(minute + 60 * number, spot=float(number))])
        with pytest.raises(sqlite3.OperationalError):
            keeper.write(store.connection)
    store.connection.execute("PRAGMA query_only=OFF")
    keeper.write(store.connection)

    assert spots(store) == [2.0, 3.0, 4.0]
    assert (keeper.dropped, keeper.depth) == (2, 0)


def test_without_a_writer_only_so_many_payloads_wait(minute: float) -> None:
    keeper = GexHistory()

    for number in range(gex_history.RAW + 5):
        keeper.publish([told(minute + 60 * number)])

    assert (keeper.depth, keeper.dropped) == (gex_history.RAW, 5)


def test_history_writes_for_its_tenant_and_prunes_it(
    tmp_path: Path, store: BarStore, clock: ManualClock, minute: float
) -> None:
    keeper = GexHistory()
    owner = History(tmp_path / "history.db", clock, tenants=[keeper])
    days = 86_400.0
    keeper.publish([told(minute - 10 * days - 60 * n, f"S{n}") for n in range(3)])
    for day in range(9, -1, -1):
        keeper.publish([told(minute - day * days)])

    owner.flush(store)

    assert owner.status.events == 13
    assert len(spots(store)) == 10
    assert len(gex_snapshots.dates(store.connection, "SPX")) == gex_snapshots.KEEP_SESSIONS


def test_a_restart_in_the_same_minute_keeps_what_was_kept(store: BarStore, minute: float) -> None:
    first, second = GexHistory(), GexHistory()
    first.publish([told(minute, spot=1.0)])
    first.write(store.connection)

    second.publish([told(minute + 30, spot=2.0)])

    assert second.write(store.connection) == 0
    assert spots(store) == [1.0]
