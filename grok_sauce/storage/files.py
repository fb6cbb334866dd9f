"""Files written whole: a reader sees the old content or the new, never half of one."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import Any, Final

from grok_sauce.errors import GrokSauceError

log = logging.getLogger(__name__)

VERSIONS: Final = 5  # earlier contents kept beside a settings file: name.1 is the newest
PRIVATE: Final = 0o600
SHARED: Final = 0o644


class BrokenFile(GrokSauceError):
    """A file is there but holds no JSON; it is left as it is for whoever wrote it."""


def write_private(path: Path, data: bytes) -> None:
    """Write data to path whole, readable by the owner alone from its first byte on.

    For secrets and token caches. Raises OSError when the disk is full or not writable;
    the old content is then still there.
    """
    _write_whole(path, data, PRIVATE)


def make_private(path: Path, data: bytes) -> None:
    """As write_private, unless the file is there already: then that one stays.

    Of two processes that make it at the same moment one does, and both read the same.
    """
    made = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.made")
    _write_whole(made, data, PRIVATE)
    try:
        os.link(made, path)
    except FileExistsError:
        log.debug("%s is there already", path.name)
    except OSError:  # a file system without links
        if not path.exists():
            os.replace(made, path)
    finally:
        made.unlink(missing_ok=True)


def write_json(path: Path, value: Any, keep: int = VERSIONS, private: bool = False) -> None:
    """Write value as indented JSON, whole; the `keep` contents before it stay as path.1 … path.N.

    Nothing moves when the content is what the file holds already. Raises ValueError for
    NaN and Infinity, which are not JSON, and OSError as write_private.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    data = text.encode("utf-8")
    try:
        before: bytes | None = path.read_bytes()
    except FileNotFoundError:
        before = None
    if before == data:
        return
    mode = PRIVATE if private else SHARED
    if before is not None and keep > 0:
        _keep_version(path, before, keep, mode)
    _write_whole(path, data, mode)


def read_json(path: Path) -> Any:
    """The value a file holds, None when there is no such file.

    Raises:
        BrokenFile: it is not UTF-8 JSON.
        OSError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise BrokenFile(f"{path} is not JSON ({problem})") from None


def versions(path: Path) -> list[Path]:
    """Earlier contents of a file that are still there, newest first."""
    found = []
    for candidate in path.parent.glob(f"{path.name}.*"):
        number = candidate.name[len(path.name) + 1 :]
        if number.isdecimal():
            found.append((int(number), candidate))
    return [candidate for _, candidate in sorted(found)]


def read_last_good(path: Path) -> tuple[Any, Path | None]:
    """The newest kept version that is JSON, and its path; (None, None) when there is none."""
    for candidate in versions(path):
        try:
            return read_json(candidate), candidate
        except (BrokenFile, OSError) as problem:
            log.warning("%s: not usable either: %s", candidate, problem)
    return None, None


def _keep_version(path: Path, content: bytes, keep: int, mode: int) -> None:
    """Shift name.1 to name.2 and so on, then write the content as name.1."""
    kept = [path.with_name(f"{path.name}.{number}") for number in range(1, keep + 1)]
    for older, newer in zip(reversed(kept), reversed(kept[:-1]), strict=False):
        with contextlib.suppress(FileNotFoundError):
            os.replace(newer, older)
    for candidate in versions(path):
        if candidate not in kept:
            candidate.unlink(missing_ok=True)
    _write_whole(kept[0], content, mode)


def _write_whole(path: Path, data: bytes, mode: int) -> None:
    """New file beside path, flushed to the disk, moved over it; gone again on any failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A link keeps pointing where its owner made it point.
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def _sync_directory(folder: Path) -> None:
    """Make the move itself durable, where the system lets a folder be opened (not Windows)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError as problem:
        log.debug("%s: folder not flushed: %s", folder, problem)
    finally:
        os.close(descriptor)
