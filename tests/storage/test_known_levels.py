"""Levels by the time they were known, as they are kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.storage import database, known_levels
from grok_sauce.storage.known_levels import DAY, KEEP_DAYS, LevelRow

AT = 1797449527.25


def made_row(known_at: float, future: str = "/NQ", symbol: str = "QQQ") -> LevelRow:
    return LevelRow(
        future, known_at, symbol, "dxlink", known_at - 2, "2026-12-15", 520.4, "/NQH7", "ratio",
        41.26681398923905, known_at - 3, True, 505.0, (515.0, 513.0), (),
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "levels.db"
    with closing(database.open_database(path, known_levels.MIGRATIONS, AT).connection) as found:
        yield found


def test_a_set_comes_back_as_it_was(file: sqlite3.Connection) -> None:
    row = made_row(AT)

    assert known_levels.add(file, [row]) == 1
    assert known_levels.newest(file, "/NQ", "QQQ", AT) == row


def test_of_two_sets_of_one_moment_the_first_stays(file: sqlite3.Connection) -> None:
    other = replace(made_row(AT), put_wall=1.0)

    assert known_levels.add(file, [made_row(AT), other]) == 1
    assert known_levels.newest(file, "/NQ", "QQQ", AT) == made_row(AT)


@given(times=st.lists(st.integers(0, 50), unique=True), asked=st.integers(-1, 51))
def test_the_newest_is_never_one_that_was_not_known_yet(times: list[int], asked: int) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        memory.executescript(known_levels.MIGRATIONS[0])
        known_levels.add(memory, [made_row(float(at)) for at in times])
        known_levels.add(memory, [made_row(at + 0.5, "/ES", "SPY") for at in times])

        found = known_levels.newest(memory, "/NQ", "QQQ", float(asked))

        earlier = [at for at in times if at <= asked]
        assert (None if found is None else found.known_at) == max(earlier, default=None)
        listed = [row.known_at for row in known_levels.between(memory, "/NQ", 5.0, 20.0)]
        assert listed == sorted(at for at in times if 5 <= at < 20)


def test_another_underlyings_sets_are_apart(file: sqlite3.Connection) -> None:
    known_levels.add(file, [made_row(AT), made_row(AT + 1, symbol="NDX")])

    assert known_levels.newest(file, "/NQ", "QQQ", AT + 9) == made_row(AT)
    assert known_levels.newest(file, "/NQ", "SPX", AT + 9) is None
    assert known_levels.futures(file) == ["/NQ"]


def test_the_newest_document_replaces_the_one_before(file: sqlite3.Connection) -> None:
    known_levels.tell(file, "QQQ", AT, {"spot": 1.0})
    known_levels.tell(file, "QQQ", AT + 1, {"spot": None})

    assert known_levels.last_told(file, "QQQ", AT + 1) == (AT + 1, {"spot": None})
    assert known_levels.last_told(file, "QQQ", AT) is None  # of another run's time to come
    assert known_levels.last_told(file, "SPY", AT + 1) is None


def test_very_old_sets_go(file: sqlite3.Connection) -> None:
    known_levels.add(file, [made_row(AT), made_row(AT + DAY)])

    assert known_levels.prune(file, AT + KEEP_DAYS * DAY + 1) == 1
    assert known_levels.newest(file, "/NQ", "QQQ", AT + 2 * DAY) == made_row(AT + DAY)
