"""Keeps alerts.db small and copied: retention, a nightly backup, the log folded in."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from grok_sauce.alerts import retention
from grok_sauce.alerts.steady import MS, SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.errors import GrokSauceError
from grok_sauce.runtime import concurrency

BEAT: Final = 5.0  # seconds between two looks, and before the first
PAUSE: Final = 0.05  # seconds between two steps of retention, for those who wait to commit
HOUR_UTC: Final = 8  # of the nightly work: 3 or 4 in New York
KEEP_BACKUPS: Final = 7
ROOM: Final = 64 * 1024 * 1024  # bytes a backup must leave free: alerts go first
PATIENCE: Final = 10.0  # seconds a step waits for its commit
_STAMP: Final = "%Y%m%dT%H%M%SZ"


class Upkeep:
    """A worker beside the committer. Its copies are alerts-<UTC time>.db in folder."""

    name = "alert upkeep"

    def __init__(
        self,
        store: Store,
        time: SteadyTime,
        folder: Path,
        beat: float = BEAT,
        keep: retention.Keep = retention.USUAL,
    ) -> None:
        self._store = store
        self._time = time
        self._folder = folder
        self._beat = beat
        self._keep = keep
        self._swept_ms: int | None = None  # when retention last ran
        self.last_backup: Path | None = None

    def run(self, stop: threading.Event) -> None:
        """Fold the log in every few seconds, so that no commit has to, and look what is due.

        Raises:
            GrokSauceError: something due could not be done; the supervisor tries again.
        """
        while not stop.wait(self._beat):
            concurrency.offload(_checkpoint, self._store.path)
            night = last_night(self._time.wall_ms())
            if self._swept_ms is None or self._swept_ms < night:
                self.sweep(stop)
                self._swept_ms = self._time.wall_ms()
            if self.is_backup_due() and not stop.is_set():
                self.backup()

    def is_backup_due(self) -> bool:
        """Is the newest copy older than the last night's hour?"""
        newest = max(concurrency.offload(backups, self._folder), default=None)
        return newest is None or newest[0] < last_night(self._time.wall_ms())

    def backup(self) -> Path:
        """Copy the database as it is now while it is written to; keeps the newest 7 copies.

        Raises:
            GrokSauceError: no room for it, or the copy could not be written or is not sound.
        """
        stamp = datetime.fromtimestamp(self._time.wall_ms() / MS, UTC).strftime(_STAMP)
        to = self._folder / f"alerts-{stamp}.db"
        try:
            concurrency.offload(_copy, self._store.path, to)
        except (sqlite3.Error, OSError) as problem:
            raise GrokSauceError(f"alerts.db could not be copied to {to}: {problem}") from None
        self.last_backup = to
        return to

    def sweep(self, stop: threading.Event) -> int:
        """Delete what was kept long enough, in small steps; how many alerts went.

        Raises:
            StoreBusy: a step could not be committed; the ones before it were.
        """
        now = self._time.now_ms()
        gone, after = 0, 0
        while not stop.is_set():
            seqs = self._old(now, after)
            if not seqs:
                break
            after = seqs[-1]
            gone += self._step(partial(retention.drop_alerts, seqs=seqs))
            stop.wait(PAUSE)
        logs: list[Callable[[sqlite3.Connection], int]] = [
            lambda connection: retention.drop_keys(connection, now),
            lambda connection: retention.drop_rows(
                connection, "security_log", retention.KEEP_SECURITY_ROWS
            ),
            lambda connection: retention.drop_rows(connection, "audit", retention.KEEP_AUDIT_ROWS),
        ]
        for log in logs:
            while not stop.is_set() and self._step(log):
                stop.wait(PAUSE)
        return gone

    def _old(self, now: int, after: int) -> list[int]:
        keep = self._keep
        return self._store.read(
            lambda connection: retention.old_alerts(connection, now, after, keep)
        )

    def _step(self, job: Callable[[sqlite3.Connection], int]) -> int:
        return self._store.write(job, PATIENCE, withdraw=True)


def last_night(wall_ms: int) -> int:
    """The newest HOUR_UTC o'clock that is not after wall_ms, milliseconds UTC."""
    now = datetime.fromtimestamp(wall_ms / MS, UTC)
    hour = now.replace(hour=HOUR_UTC, minute=0, second=0, microsecond=0)
    if hour > now:
        hour -= timedelta(days=1)
    return int(hour.timestamp() * MS)


def backups(folder: Path) -> list[tuple[int, Path]]:
    """The copies in a folder with when they were made (milliseconds UTC), oldest first."""
    found = []
    for path in folder.glob("alerts-*.db"):
        with contextlib.suppress(ValueError):  # somebody else's file stays out of this
            made = datetime.strptime(path.stem.removeprefix("alerts-"), "%Y%m%dT%H%M%S%z")
            found.append((int(made.timestamp() * MS), path))
    return sorted(found)


# In the pool: no events, no locks, no log.


def _connect(path: Path) -> sqlite3.Connection:
    """To a file that is there: none is made."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)


def _checkpoint(path: Path) -> None:
    """Fold what is committed from the log into the file; hinders neither readers nor the writer.

    Busy, or no room: the committer says so, and the log keeps everything.
    """
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(_connect(path)) as one:
        one.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _copy(path: Path, to: Path) -> None:
    """A sound copy under its name, or none at all."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(to.parent).free < path.stat().st_size + ROOM:
        raise OSError("there is too little room on the disk")
    part = to.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        _vacuum_into(path, part)
        _check(part)
        os.chmod(part, 0o600)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, to)
    finally:
        part.unlink(missing_ok=True)
    for _, old in backups(to.parent)[:-KEEP_BACKUPS]:
        old.unlink(missing_ok=True)


def _vacuum_into(path: Path, part: Path) -> None:
    with contextlib.closing(_connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(part),))


def _check(part: Path) -> None:
    with contextlib.closing(_connect(part)) as connection:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise OSError(f"the copy is not sound: {verdict}")
