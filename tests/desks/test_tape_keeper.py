"""The day's sums of prints outlive a restart, and a bad file costs no more than the sums."""

from __future__ import annotations

import json
import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.desks.tape_keeper import TapeKeeper
from grok_sauce.market import sessions
from grok_sauce.market.prints import Print
from grok_sauce.market.state import MarketState

CALL = ".SPXW261216C6000"
NOON = sessions.instant(date(2026, 12, 16), 12)


class FakeEngine:
    """A state; calls run at once."""

    def __init__(self) -> None:
        self.state = MarketState()

    def call(self, fn: Any) -> Any:
        return fn()


def printed(engine: FakeEngine, index: int, size: float, at: float = NOON) -> None:
    engine.state.tape.put(Print(CALL, index, at, 4.1, size, 1, False, "NEW"))


def keeper(engine: FakeEngine, path: Path, every: float = 30.0) -> TapeKeeper:
    found: Any = engine
    return TapeKeeper(found, path, every)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prints.json"


def test_the_sums_of_today_and_of_the_session_before_come_back(path: Path) -> None:
    first, second = FakeEngine(), FakeEngine()
    printed(first, 1, 5.0, NOON - 86_400)
    printed(first, 2, 7.0)
    first.state.tape.tallies[CALL].opening = 1200
    keeper(first, path).save()

    keeper(second, path).load()

    assert second.state.tape.at(NOON) == first.state.tape.at(NOON)
    assert second.state.tape.tallies[CALL].opening == 1200
    printed(second, 3, 1.0)
    assert second.state.tape.tallies[CALL].buy == 8.0


def test_a_day_that_is_over_comes_back_as_the_one_before(path: Path) -> None:
    first, second = FakeEngine(), FakeEngine()
    printed(first, 1, 5.0)
    keeper(first, path).save()

    keeper(second, path).load()
    today, before = second.state.tape.at(NOON + 86_400)

    assert today == {}
    assert before is not None
    assert (before[0], before[1][CALL].buy) == (date(2026, 12, 16), 5.0)


def test_prints_that_came_first_are_not_written_over(path: Path) -> None:
    first, second = FakeEngine(), FakeEngine()
    printed(first, 1, 5.0)
    keeper(first, path).save()
    printed(second, 2, 9.0)

    keeper(second, path).load()

    assert second.state.tape.tallies[CALL].buy == 9.0


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "7",
        '{"format": 2}',
        '{"format": 1, "day": "today", "tallies": {}, "before": null}',
        '{"format": 1, "day": "2026-12-16", "tallies": {"A": [1, 2]}, "before": null}',
        '{"format": 1, "day": "2026-12-16", "tallies": {"A": ["x",0,0,0,1,0,0,0,null]},'
        ' "before": null}',
        '{"format": 1, "day": "2026-12-16", "tallies": [], "before": null}',
    ],
)
def test_a_file_that_cannot_be_used_leaves_the_tape_empty(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    engine = FakeEngine()

    keeper(engine, path).load()

    assert engine.state.tape.day is None
    assert engine.state.tape.tallies == {}


def test_nothing_is_written_while_nothing_changed(path: Path) -> None:
    engine = FakeEngine()
    one = keeper(engine, path)

    one.save()
    assert not path.exists()
    printed(engine, 1, 5.0)
    one.save()
    path.unlink()
    one.save()

    assert not path.exists()


def test_it_writes_by_itself_until_it_is_stopped(path: Path) -> None:
    engine, stop = FakeEngine(), threading.Event()
    printed(engine, 1, 5.0)
    thread = threading.Thread(target=keeper(engine, path, 0.01).run, args=(stop,))
    thread.start()

    for _ in range(500):
        if path.exists():
            break
        threading.Event().wait(0.01)
    stop.set()
    thread.join(5)

    assert json.loads(path.read_text("utf-8"))["tallies"][CALL][0] == 5.0
    assert not thread.is_alive()


def test_a_disk_that_refuses_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    engine = FakeEngine()
    one = keeper(engine, tmp_path / "file" / "prints.json")
    printed(engine, 1, 5.0)

    one.save()
    one.save()

    assert sum("cannot be written" in each.message for each in caplog.records) == 1
