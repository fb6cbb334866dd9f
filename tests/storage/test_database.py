"""storage.database: schema steps, and files that are damaged, newer or not writable."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from grok_sauce.storage import database

NOW = 1797449527.0  # 2026-12-16 19:32:07 UTC
ONE = "CREATE TABLE things (name TEXT PRIMARY KEY)"
TWO = "ALTER TABLE things ADD COLUMN size INTEGER"


def version(connection: sqlite3.Connection) -> int:
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def test_a_new_file_gets_every_schema_step_and_write_ahead_logging(tmp_path: Path) -> None:
    connection = database.open_database(tmp_path / "new" / "a.db", [ONE, TWO], NOW).connection

    assert version(connection) == 2
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.execute("INSERT INTO things VALUES ('x', 1)")
    connection.close()


def test_an_older_file_gets_only_the_steps_it_lacks_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    connection = database.open_database(path, [ONE], NOW).connection
    connection.execute("INSERT INTO things VALUES ('kept')")
    connection.close()

    connection = database.open_database(path, [ONE, TWO], NOW).connection

    assert version(connection) == 2
    assert connection.execute("SELECT name, size FROM things").fetchall() == [("kept", None)]
    connection.close()


def test_a_schema_step_that_fails_leaves_the_file_at_the_step_before(tmp_path: Path) -> None:
    path = tmp_path / "a.db"

    with pytest.raises(database.StorageError, match="cannot be used"):
        database.open_database(path, [ONE, "CREATE TABLE more (x); NONSENSE"], NOW)

    connection = database.open_database(path, [ONE], NOW).connection
    assert version(connection) == 1
    assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")][:1] == [
        "things"
    ]
    connection.close()


def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    database.open_database(path, [ONE, TWO], NOW).connection.close()

    with pytest.raises(database.StorageError, match="schema 2, this version knows 1"):
        database.open_database(path, [ONE], NOW)

    assert [entry.name for entry in tmp_path.glob("*damaged*")] == []


@pytest.mark.parametrize("damage", ["not a database", "a torn page"])
def test_a_damaged_file_is_set_aside_with_its_date_and_a_new_one_is_begun(
    tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "a.db"
    if damage == "not a database":
        path.write_bytes(b"these are no rows\n" * 500)
    else:
        connection = database.open_database(path, [ONE], NOW).connection
        connection.executemany(
            "INSERT INTO things VALUES (?)", [(f"{number:0200}",) for number in range(500)]
        )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(os.urandom(8192))
    before = path.read_bytes()

    connection, aside = database.open_database(path, [ONE], NOW)

    assert aside == tmp_path / "a.db.damaged-20261216T193207Z"
    assert aside.read_bytes() == before
    assert connection.execute("SELECT COUNT(*) FROM things").fetchone() == (0,)
    connection.close()


def test_a_second_damaged_file_of_one_second_does_not_replace_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for number in range(2):
        path.write_bytes(b"broken %d\n" % number * 200)
        database.open_database(path, [ONE], NOW).connection.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)

    kept = sorted(entry.read_bytes()[:8] for entry in tmp_path.glob("*damaged*Z*"))
    assert kept == [b"broken 0", b"broken 1"]


def test_a_folder_in_its_place_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.mkdir()

    with pytest.raises(database.StorageError, match=r"a\.db cannot be used"):
        database.open_database(path, [ONE], NOW)


def test_a_reader_sees_what_is_written_while_it_is_open_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "a b#c.db"
    writer = database.open_database(path, [ONE], NOW).connection
    reader = database.open_reader(path)

    writer.execute("INSERT INTO things VALUES ('x')")

    assert reader is not None
    assert reader.execute("SELECT name FROM things").fetchall() == [("x",)]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("INSERT INTO things VALUES ('y')")
    reader.close()
    writer.close()


def test_a_reader_of_no_file_is_none_and_makes_none(tmp_path: Path) -> None:
    assert database.open_reader(tmp_path / "a.db") is None
    assert list(tmp_path.iterdir()) == []
