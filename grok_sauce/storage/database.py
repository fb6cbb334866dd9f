"""SQLite files: opened with the same care everywhere, set aside when broken, never deleted."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from grok_sauce.errors import GrokSauceError

BUSY_TIMEOUT: Final = 5.0  # seconds a statement waits for another process's lock
_BROKEN: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class StorageError(GrokSauceError):
    """A database cannot be used: the disk, its rights, or a newer version of the program."""


class Opened(NamedTuple):
    """A connection, and where a damaged file was moved to before (None: it was sound or new)."""

    connection: sqlite3.Connection
    set_aside: Path | None


def open_database(path: Path, migrations: Sequence[str], now: float) -> Opened:
    """A connection to the file at path, made if needed, brought to the newest schema.

    migrations are scripts, the first for version 0 -> 1; PRAGMA user_version counts them.
    Each runs in a transaction of its own. WAL with synchronous=NORMAL: a power cut may cost
    the last second, never the file. A file that fails its check is moved to a dated name
    (now, Unix seconds) beside it and a new one is begun; whoever opens it warns of that, for
    this may run on a native thread, where logging's locks must not be touched.

    The connection may be used from any thread, by one at a time.

    Raises:
        StorageError: not readable or writable, locked, or made by a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return Opened(_open(path, migrations), None)
        except _BrokenDatabase:
            aside = set_aside(path, now)
            return Opened(_open(path, migrations), aside)
    except (sqlite3.Error, OSError) as problem:
        raise StorageError(f"{path} cannot be used: {problem}") from None


def open_reader(path: Path) -> sqlite3.Connection | None:
    """A connection that can only read, beside the writer's; None when there is no file yet.

    Raises:
        StorageError: it cannot be opened.
    """
    if not path.exists():
        return None
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as problem:
        raise StorageError(f"{path} cannot be read: {problem}") from None
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK when anything fails."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def set_aside(path: Path, now: float) -> Path:
    """Move a database and its side files to a name with the date; returns the new path."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    os.replace(path, aside)
    return aside


class _BrokenDatabase(Exception):
    """The file is not a sound database."""


def _open(path: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-512")  # KiB; bars are written once and rarely read
        _check(connection)
        _migrate(connection, path, migrations)
    except sqlite3.DatabaseError as problem:
        connection.close()
        code = getattr(problem, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in _BROKEN:
            raise _BrokenDatabase(str(problem)) from None
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _BrokenDatabase(str(verdict).splitlines()[0])


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise StorageError(
            f"{path} has schema {version}, this version knows {len(migrations)}; "
            "update the program or give another --data folder"
        )
    for number, script in enumerate(migrations[version:], start=version + 1):
        # executescript commits what is open first, so the transaction is part of the script.
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{script};\nPRAGMA user_version={number};\nCOMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
