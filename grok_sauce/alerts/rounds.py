"""One transaction for many writes: the half of the committer that runs in the pool.

Nothing here touches an event, a lock of threading or a log: under green threads a native
thread must not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from grok_sauce.values import dataclass

Job = Callable[[sqlite3.Connection], Any]


@dataclass(frozen=True, slots=True)
class Together:
    """A job that costs less with others of its kind: do(connection, items) -> their values.

    Those that wait one behind the other are done at once. If that raises they are done one by
    one, so that a bad item fails alone: do() must come to the same either way.
    """

    do: Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]
    item: Any

    def __call__(self, connection: sqlite3.Connection) -> Any:
        return self.do(connection, [self.item])[0]


# What makes the store as a whole fail, not the write that met it; in words for the banner.
_SENTENCES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the file or its folder cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the file or its folder cannot be written",
    sqlite3.SQLITE_PERM: "the file or its folder cannot be written",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_BUSY: "another program holds the file",
    sqlite3.SQLITE_LOCKED: "another program holds the file",
    sqlite3.SQLITE_PROTOCOL: "another program holds the file",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: a restart sets it aside and begins a new one",
    sqlite3.SQLITE_NOTADB: "the file is damaged: a restart sets it aside and begins a new one",
}
_HELD: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one write came to: its value, or what it raised (its own part is undone)."""

    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """What a transaction came to. answers is empty when nothing of it was kept.

    trouble is the sentence of what ails the store, None while it is well; again says that no
    write was begun, so that all of them may be tried once more.
    """

    answers: tuple[Answer, ...] = ()
    trouble: str | None = None
    again: bool = False


def trouble_of(error: BaseException) -> str | None:
    """The sentence when an error ails the whole store; None when only its write is at fault."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else _SENTENCES.get(code & 0xFF)


def commit(connection: sqlite3.Connection, jobs: Sequence[Job]) -> Round:
    """Run every job in a savepoint of its own inside one transaction.

    A job that raises is undone alone. When the store itself fails (no room, no right, damage)
    nothing of the round is kept: no job ever runs twice.
    """
    try:
        _roll_back(connection)  # of a round that could not even be undone
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        held = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in _HELD
        return Round(trouble=trouble_of(error) or str(error), again=held)
    try:
        answers = tuple(_all(connection, jobs))
        connection.execute("COMMIT")
    except _Undone as undone:
        _roll_back(connection)
        return Round(trouble=undone.sentence)
    except sqlite3.Error as error:
        _roll_back(connection)
        return Round(trouble=trouble_of(error) or str(error))
    except BaseException:
        _roll_back(connection)
        raise
    return Round(answers)


class _Undone(Exception):
    """The store failed under a job; what the round did is rolled back or has to be."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def _all(connection: sqlite3.Connection, jobs: Sequence[Job]) -> Iterator[Answer]:
    for do, group in groupby(jobs, lambda job: job.do if isinstance(job, Together) else None):
        some = list(group)
        if do is not None and len(some) > 1:
            items = [job.item for job in some if isinstance(job, Together)]
            answer = _one(connection, do, items)
            if answer.error is None:
                yield from map(Answer, answer.value)
                continue
        for job in some:
            yield _one(connection, job)


def _one(connection: sqlite3.Connection, job: Callable[..., Any], *args: Any) -> Answer:
    connection.execute("SAVEPOINT one")
    try:
        value = job(connection, *args)
    except Exception as error:
        sentence = trouble_of(error)
        # SQLite ends the whole transaction itself when it finds no room.
        if sentence is not None or not connection.in_transaction:
            raise _Undone(sentence or str(error)) from error
        connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        return Answer(error=error)
    connection.execute("RELEASE one")
    return Answer(value)


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def touch(connection: sqlite3.Connection) -> None:
    """The smallest write there is: it changes nothing, and fails where others would."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version={version}")


def probe(connection: sqlite3.Connection) -> str | None:
    """Can something be written again? Writes 16 KiB and takes them back; None when it went."""
    try:
        with_room = "CREATE TABLE IF NOT EXISTS store_probe (filler BLOB)"
        for statement in (
            *("BEGIN IMMEDIATE", with_room, "INSERT INTO store_probe VALUES (zeroblob(16384))"),
            *("COMMIT", "DROP TABLE store_probe"),
        ):
            connection.execute(statement)
    except sqlite3.Error as error:
        _roll_back(connection)
        return trouble_of(error) or str(error)
    return None
