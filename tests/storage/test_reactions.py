"""Event reactions on disk: what goes in comes out, once; old files get the table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.storage import reactions
from grok_sauce.storage.bars import BarStore
from grok_sauce.storage.history_schema import MIGRATIONS
from grok_sauce.storage.reactions import DAY_MS, EventRecord

AT = 1797433200000  # 2026-12-16 10:00 New York
CPI = EventRecord("2026-12-13", "cpi", AT, "CPI m/m", "USD", "high")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    store = BarStore(tmp_path / "history.db", AT / 1000)
    yield store.connection
    store.close()


def keep(file: sqlite3.Connection, *records: EventRecord) -> int:
    return reactions.write(file, {record.key: record for record in records})


def everything(file: sqlite3.Connection) -> list[EventRecord]:
    return list(reactions.read(file, 0, 2**60))


numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
records = st.builds(
    EventRecord,
    week=st.dates().map(str),
    id=st.text(min_size=1),
    time=st.integers(0, 2**45),
    title=st.text(),
    currency=st.sampled_from(["USD", "All"]),
    impact=st.sampled_from(["high", "medium", "low"]),
    cluster=st.none() | st.text(),
    forecast=numbers,
    actual=numbers,
    surprise=numbers,
    unit=st.none() | st.text(),
    gamma=st.none() | st.dictionaries(st.text(), json_values, max_size=3),
    rows=st.dictionaries(st.text(), st.dictionaries(st.text(), json_values), max_size=3),
)


@given(st.lists(records, max_size=4, unique_by=lambda record: record.key))
def test_what_goes_in_comes_out(given_records: list[EventRecord]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(MIGRATIONS[2])

    keep(connection, *given_records)

    assert everything(connection) == sorted(given_records, key=lambda each: (each.time, each.id))
    connection.close()


def test_a_release_is_kept_once_with_its_newest_content(file: sqlite3.Connection) -> None:
    keep(file, CPI)
    keep(file, replace(CPI, surprise=0.1, rows={"SPY": {"before": 600.0}}))

    assert [(r.surprise, r.rows) for r in everything(file)] == [(0.1, {"SPY": {"before": 600.0}})]


def test_none_drops_a_release_and_leaves_its_namesake_of_another_week(
    file: sqlite3.Connection,
) -> None:
    later = replace(CPI, week="2026-12-20", time=AT + 7 * DAY_MS)
    keep(file, CPI, later)

    reactions.write(file, {CPI.key: None})

    assert everything(file) == [later]


def test_reading_takes_a_stretch_of_time_or_one_event(file: sqlite3.Connection) -> None:
    early = replace(CPI, week="2026-12-06", time=AT - 7 * DAY_MS)
    other = replace(CPI, id="ppi", title="PPI m/m")
    euro = replace(CPI, id="eur", currency="EUR")
    keep(file, CPI, early, other, euro)

    assert [r.id for r in reactions.read(file, AT - DAY_MS, AT + 1)] == ["cpi", "eur", "ppi"]
    assert list(reactions.read(file, AT - DAY_MS, AT)) == []
    assert list(reactions.read_title(file, "CPI m/m", "USD", AT + 1)) == [early, CPI]
    assert list(reactions.read_title(file, "CPI m/m", "USD", AT)) == [early]


def test_a_failed_write_keeps_nothing_of_it(file: sqlite3.Connection) -> None:
    broken = replace(CPI, id="b", title=None)  # type: ignore[arg-type]

    with pytest.raises(sqlite3.IntegrityError):
        keep(file, CPI, broken)

    assert everything(file) == []


def test_three_years_are_kept(file: sqlite3.Connection) -> None:
    old = replace(CPI, id="old", time=AT - 1101 * DAY_MS)
    edge = replace(CPI, id="edge", time=AT - 1100 * DAY_MS)
    keep(file, CPI, old, edge)

    assert reactions.prune(file) == 1
    assert [r.id for r in everything(file)] == ["edge", "cpi"]


def test_pruning_an_empty_table_is_nothing(file: sqlite3.Connection) -> None:
    assert reactions.prune(file) == 0


def test_a_file_of_before_gets_the_table_and_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    old = sqlite3.connect(path)
    old.executescript(f"{MIGRATIONS[0]};{MIGRATIONS[1]}; PRAGMA user_version=2;")
    old.execute("INSERT INTO bars VALUES ('SPY', 0, 1, 1, 1, 1, NULL, NULL)")
    old.commit()
    assert reactions.has_table(old) is False
    old.close()

    store = BarStore(path, AT / 1000)

    assert store.counts() == {"SPY": 1}
    assert reactions.has_table(store.connection) is True
    store.close()
