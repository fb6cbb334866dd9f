"""What pages ask of kept gamma exposure: a day over one axis, a minute, the last levels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.desks.gex_history import GexHistoryDesk
from grok_sauce.desks.half_terms import Files, Process
from grok_sauce.errors import SettingsError
from grok_sauce.market_half import MarketHalf
from grok_sauce.publishers.gex_history import GexHistory
from grok_sauce.questions import Questions, Unavailable
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.runtime.concurrency import spawn
from grok_sauce.storage.bars import BarStore
from grok_sauce.storage.database import StorageError
from grok_sauce.update import Update

OPEN = 1797431400.0  # 2026-12-16 09:30 New York
MINUTE = 60_000
Keep = Callable[..., None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def keep(path: Path, clock: ManualClock) -> Keep:
    """keep((minutes after the open, {strike: net}), ...): as the engine told them."""

    def told(*minutes: tuple[float, dict[float, float | None]], symbol: str = "SPX") -> None:
        keeper, store = GexHistory(), BarStore(path, clock.real())
        for after, net in minutes:
            flip = {"flip": 5990.0 + after}
            payload = {
                "symbol": symbol,
                "as_of": datetime.fromtimestamp(OPEN + 60 * after, UTC).isoformat(),
                "source": "DEMO",
                "status": {"state": "live", "text": "", "loaded": 1, "of": 1},
                "spot": 6000.0 + after,
                "totals": {"call": 2.0, "put": 1.0, "net": 1.0},
                "zero_gamma": {"all": flip, "zero_dte": None, "ex_zero_dte": flip},
                "call_wall": 6050.0,
                "put_wall": None,
                "columns": {"strike": list(net), "net_gex": list(net.values())},
            }
            keeper.publish([Update("gex.levels", f"{symbol}:all", payload)])
        keeper.write(store.connection)
        store.close()

    return told


@pytest.fixture
def desk(path: Path, clock: ManualClock) -> GexHistoryDesk:
    return GexHistoryDesk(path, clock.market)


def test_minutes_with_different_windows_are_told_over_one_axis(
    keep: Keep, desk: GexHistoryDesk
) -> None:
    keep(
        (0, {5995.0: 1.4, 6000.0: -2.6}),
        (5, {6000.0: None, 6005.0: 7.0}),
        (6, {5995.0: 3.4, 6000.0: -3.0}),
    )

    found = desk.history("spx")

    start = int(OPEN * 1000)
    assert (found["symbol"], found["date"], found["view"]) == ("SPX", "2026-12-16", "all")
    assert found["unit"] == "usd_per_1pct"
    assert found["dates"] == ["2026-12-16"]
    assert found["minutes"] == [start, start + 5 * MINUTE, start + 6 * MINUTE]
    assert found["strikes"] == [5995.0, 6000.0, 6005.0]
    assert found["net"] == [[1, -3, None], [None, None, 7], [3, -3, None]]
    assert found["spot"] == [6000.0, 6005.0, 6006.0]
    assert found["zero_gamma"] == [5990.0, 5995.0, 5996.0]
    assert found["zero_gamma_0dte"] == [None] * 3
    assert (found["call_wall"], found["put_wall"]) == ([6050.0] * 3, [None] * 3)


def test_changes_are_worked_out_before_anything_is_rounded(
    keep: Keep, desk: GexHistoryDesk
) -> None:
    keep((0, {6000.0: 1.5}), (30, {6000.0: 1.75}), (35, {6000.0: 2.0}))

    change = desk.history("SPX")["change"]

    assert (change["since_open"], change["five"], change["hour"]) == ([0.5], [0.25], [None])
    assert change["since"]["five"] == int(OPEN * 1000) + 30 * MINUTE


def test_the_newest_session_is_told_unless_another_is_asked_for(
    keep: Keep, desk: GexHistoryDesk
) -> None:
    keep((-24 * 60, {6000.0: 1.0}), (0, {6000.0: 2.0}))

    newest, before = desk.history("SPX"), desk.history("SPX", date="2026-12-15")
    none = desk.history("SPX", date="2026-12-14")

    assert (newest["net"], before["net"], none["net"]) == ([[2]], [[1]], [])
    assert newest["dates"] == before["dates"] == none["dates"] == ["2026-12-15", "2026-12-16"]
    assert (none["date"], none["minutes"], none["change"]["five"]) == ("2026-12-14", [], [])


def test_a_minute_and_the_last_come_back_as_they_were_told(
    keep: Keep, desk: GexHistoryDesk
) -> None:
    keep((0, {6000.0: 1.0}), (1, {6000.0: 2.0}))
    start = int(OPEN * 1000)

    first, last = desk.minute("SPX", start + 59_999), desk.last("spx")

    assert first is not None
    assert last is not None
    assert (first["spot"], last["spot"]) == (6000.0, 6001.0)
    assert last["columns"] == {"strike": [6000.0], "net_gex": [2.0]}
    assert desk.minute("SPX", start + 2 * MINUTE) is None
    assert desk.last("SPY") is None


def test_minutes_of_a_later_market_time_are_of_another_run(
    keep: Keep, desk: GexHistoryDesk, clock: ManualClock
) -> None:
    keep((0, {6000.0: 1.0}), (2 * 24 * 60, {6000.0: 2.0}))
    later = int((OPEN + 2 * 86_400) * 1000)

    assert desk.history("SPX")["dates"] == ["2026-12-16"]
    assert desk.minute("SPX", later) is None
    last = desk.last("SPX")
    assert last is not None
    assert last["spot"] == 6000.0
    clock.set_market(OPEN + 3 * 86_400)
    assert desk.history("SPX")["dates"] == ["2026-12-16", "2026-12-18"]


def test_without_a_file_or_its_tables_nothing_is_kept_yet(path: Path, desk: GexHistoryDesk) -> None:
    before = desk.history("SPX")
    path.write_bytes(b"")  # a database without a table
    after = desk.history("SPX")

    assert before == after
    assert (before["date"], before["minutes"], before["dates"]) == (None, [], [])
    assert desk.last("SPX") is None
    assert desk.minute("SPX", 0) is None


def test_a_damaged_file_is_said_to_be_one(path: Path, desk: GexHistoryDesk) -> None:
    path.write_bytes(b"not a database " * 300)

    with pytest.raises(StorageError, match="cannot be read"):
        desk.last("SPX")


@pytest.mark.parametrize(
    "asked, field",
    [
        ({"symbol": "S P"}, "symbol"),
        ({"symbol": "SPX", "view": "0dte"}, "view"),
        ({"symbol": "SPX", "date": "20261216"}, "date"),
        ({"symbol": "SPX", "date": "2026-02-30"}, "date"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_name(
    desk: GexHistoryDesk, asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        desk.history(**asked)

    assert caught.value.field == field


def test_questions_reach_the_desk(keep: Keep, desk: GexHistoryDesk) -> None:
    keep((0, {6000.0: 1.0}))
    questions = Questions(spawn)

    desk.register(questions)

    assert questions.ask("gex.history", {"symbol": "SPX"})["net"] == [[1]]
    assert questions.ask("gex.last", {"symbol": "SPX"})["spot"] == 6000.0
    assert questions.ask("gex.minute", {"symbol": "SPX", "at_ms": 0}) is None
    assert isinstance(questions.ask("gex.last", {"symbol": "?"}), Unavailable)


def test_what_the_market_half_tells_can_be_asked_for_after_a_restart(
    tmp_path: Path, clock: ManualClock
) -> None:
    files = Files(tmp_path, tmp_path / "settings.json", tmp_path / "kept", tmp_path / "env")
    before, after = (
        MarketHalf(files, {}, clock, False, Process(dict, dict, str)) for _ in range(2)
    )
    flip = {"flip": 5990.0}
    payload = {
        "symbol": "SPX",
        "as_of": datetime.fromtimestamp(OPEN, UTC).isoformat(),
        "source": "LIVE",
        "status": {"state": "live", "text": "", "loaded": 1, "of": 1},
        "spot": 6000.0,
        "totals": {"call": 2.0, "put": 1.0, "net": 1.0},
        "zero_gamma": {"all": flip, "zero_dte": None, "ex_zero_dte": flip},
        "call_wall": None,
        "put_wall": None,
        "columns": {"strike": [6000.0], "net_gex": [7.0]},
    }

    before.publish([Update("gex.levels", "SPX:all", payload)])
    store = BarStore(before.history.path, clock.real())
    before.history.flush(store)
    store.close()

    assert after.questions.ask("gex.history", {"symbol": "SPX"})["net"] == [[7]]
    assert after.questions.ask("gex.last", {"symbol": "SPX"}) == payload
    assert {"gex.e80", "gex.minute"} <= set(after.questions.names())
    assert "gex.refresh" in after.controls.names()
