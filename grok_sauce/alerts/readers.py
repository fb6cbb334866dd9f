"""Connections that only read alerts.db, a few at a time, beside its one writer."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from grok_sauce.runtime import concurrency
from grok_sauce.storage import database
from grok_sauce.values import dataclass

T = TypeVar("T")

READERS: Final = 4  # a slow page must not keep the dispatcher waiting


@dataclass(slots=True)
class _Reader:
    connection: sqlite3.Connection | None = None


class Readers:
    """A small pool; each read is a transaction of its own and sees one state of the file."""

    def __init__(self, path: Path, busy_ms: int) -> None:
        self._path = path
        self._busy_ms = busy_ms
        self._gate = threading.Semaphore(READERS)
        self._idle: list[_Reader] = []
        self._closed = False

    def read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """What job(connection) returns, from a native thread under green threads.

        Raises:
            database.StorageError, sqlite3.Error: the file cannot be read.
        """
        with self._gate:
            if self._closed:
                raise database.StorageError("the alert store is closed")
            reader = self._idle.pop() if self._idle else _Reader()
            try:
                value: T = concurrency.offload(self._read, reader, job)
                return value
            finally:
                self._give_back(reader)

    def close(self) -> None:
        """Close what is idle; what is being read is closed by its reader."""
        self._closed = True
        while self._idle:
            concurrency.offload(_shut, self._idle.pop())

    def _give_back(self, reader: _Reader) -> None:
        if self._closed:
            concurrency.offload(_shut, reader)
        else:
            self._idle.append(reader)

    def _read(self, reader: _Reader, job: Callable[[sqlite3.Connection], T]) -> T:
        if reader.connection is None:
            reader.connection = self._open()
        try:
            reader.connection.execute("BEGIN")
            value = job(reader.connection)
        except sqlite3.Error:
            _shut(reader)  # a new one finds out what is wrong
            raise
        except BaseException:
            reader.connection.execute("ROLLBACK")
            raise
        reader.connection.execute("ROLLBACK")
        return value

    def _open(self) -> sqlite3.Connection:
        connection = database.open_reader(self._path)
        if connection is None:
            raise database.StorageError("there is no file yet")
        connection.execute(f"PRAGMA busy_timeout={self._busy_ms}")
        return connection


def _shut(reader: _Reader) -> None:
    if reader.connection is not None:
        reader.connection.close()
        reader.connection = None
