"""One owner of a folder at a time: a lock the system takes back when its holder dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from grok_sauce.errors import StartupError


class FolderLock:
    """Held until release() or the end of the process, kill -9 included.

    name is the lock's file: parts that share a folder and write different files in it each
    have their own.
    """

    def __init__(self, folder: Path, name: str = "lock") -> None:
        self._folder = folder
        self._name = name
        self._descriptor: int | None = None

    def take(self) -> None:
        """Make the folder if need be, check that it can be written, and hold it.

        Raises:
            StartupError: not writable, or another process holds it.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder / self._name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as problem:
            raise StartupError(
                f"the data folder {self._folder} cannot be written "
                f"({problem.strerror or problem}); give another with --data"
            ) from None
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            raise StartupError(
                f"another process uses the data folder {self._folder}; "
                f"stop it, or give --data and --settings of its own to this one"
            ) from None
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go; the file stays, the lock does not."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int) -> None:
    """Take an exclusive lock without waiting; OSError when somebody has it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
