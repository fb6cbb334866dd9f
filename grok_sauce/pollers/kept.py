"""The newest body of a source on disk with what came beside it: what a restart begins with."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any, Final

from grok_sauce.settings import write_whole
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A body, and the wall time (Unix) at which it was fetched. more: what came beside it."""

    body: bytes
    fetched: float
    more: dict[str, Any]


class BodyStore:
    """folder/NAME.kept: one line of JSON about the body, then the body as it came.

    folder None keeps nothing. A disk that refuses costs a warning, never the answer.
    """

    def __init__(self, folder: Path | None, who: str) -> None:
        self._folder = folder
        self._who = who
        self._refused = False

    def _path(self, name: str) -> Path | None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be a file's name")
        return None if self._folder is None else self._folder / f"{name}.kept"

    def keep(self, name: str, body: bytes, fetched: float, **more: Any) -> None:
        """Write a body that was read; fetched is wall time."""
        path = self._path(name)
        if path is None:
            return
        head = json.dumps({"fetched": fetched, "more": more}, allow_nan=False)
        try:
            write_whole(path, head.encode() + b"\n" + body)
            self._refused = False
        except OSError as problem:
            if not self._refused:
                log.warning("%s: %s not kept: %s", self._who, name, problem)
            self._refused = True

    def load(self, name: str) -> Kept | None:
        """What was kept under a name; None without a usable file."""
        path = self._path(name)
        if path is None:
            return None
        try:
            head, _, body = path.read_bytes().partition(b"\n")
            found = json.loads(head)
            return Kept(body, float(found["fetched"]), dict(found["more"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as problem:
            log.warning("%s: %s is of no use: %s", self._who, path.name, problem)
            return None
