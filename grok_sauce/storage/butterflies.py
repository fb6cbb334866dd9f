"""Saved butterfly candidates: a JSON file written whole, the newest first."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from grok_sauce.errors import GrokSauceError, SettingsError
from grok_sauce.storage.files import BrokenFile, read_json, write_json

SCHEMA: Final = 1
MOST: Final = 100
FIELDS: Final = (
    "symbol",  # the user's symbol of the underlying
    "expiry",  # ISO date
    "root",
    "settlement",  # AM or PM
    "center",  # points, as the widths
    "width",
    "width_high",
    "side",  # puts or calls
    "price",  # mid or natural: what entry is
    "quantity",
    "fees",  # $ per contract
    "entry",  # points, as saved
    "multiplier",  # $ per point
    "saved_at",  # ISO-8601 UTC, market time
)

Write = Callable[[Path, Any], None]


class NoSuchCandidate(GrokSauceError):
    """There is no candidate of that id."""


class Butterflies:
    """The candidates of one data folder. Safe to use from any thread.

    write(path, value) writes JSON whole; by default storage.files.write_json. A file that
    cannot be read is left alone: `problem` says why, and nothing is saved over it.
    """

    def __init__(self, path: Path, write: Write = write_json) -> None:
        self._path = path
        self._write = write
        self._lock = threading.Lock()
        self._kept: list[dict[str, Any]] = []
        self.problem: str | None = None
        try:
            self._kept = _checked(read_json(path))
        except (BrokenFile, OSError) as problem:
            self.problem = f"{problem}; move it away to save candidates again"

    def all(self) -> list[dict[str, Any]]:
        """The candidates, newest first: FIELDS, id, and settled {spot, value, at} or None."""
        with self._lock:
            return [dict(each) for each in self._kept]

    def add(self, candidate: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a candidate with exactly FIELDS; the kept one, with its id.

        Raises:
            SettingsError: MOST are kept already, or the file cannot be written.
        """
        kept = {"id": secrets.token_hex(6), **{name: candidate[name] for name in FIELDS}}
        kept["settled"] = None
        with self._lock:
            if len(self._kept) >= MOST:
                raise SettingsError(f"{MOST} candidates are saved; delete one first")
            self._store([kept, *self._kept])
        return dict(kept)

    def remove(self, number: str) -> None:
        """Forget a candidate.

        Raises:
            NoSuchCandidate: there is none of that id.
            SettingsError: the file cannot be written.
        """
        with self._lock:
            left = [each for each in self._kept if each["id"] != number]
            if len(left) == len(self._kept):
                raise NoSuchCandidate("There is no candidate of that id.")
            self._store(left)

    def settle(self, number: str, settled: Mapping[str, Any]) -> None:
        """Note what a candidate settled at, once.

        Raises:
            SettingsError: the file cannot be written.
        """
        with self._lock:
            self._store(
                [
                    {**each, "settled": dict(settled)}
                    if each["id"] == number and each["settled"] is None
                    else each
                    for each in self._kept
                ]
            )

    def _store(self, candidates: list[dict[str, Any]]) -> None:
        if self.problem is not None:
            raise SettingsError(f"not saved: {self.problem}")
        try:
            self._write(self._path, {"schema": SCHEMA, "candidates": candidates})
        except OSError as problem:
            raise SettingsError(f"not saved: {problem.strerror or problem}") from None
        self._kept = candidates


def _checked(document: Any) -> list[dict[str, Any]]:
    """The candidates of a file.

    Raises:
        BrokenFile: it is none of ours, or a newer version's.
    """
    if document is None:
        return []
    wrong = BrokenFile("butterflies.json does not hold candidates of this version")
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise wrong
    candidates = document.get("candidates")
    wanted = {"id", "settled", *FIELDS}
    if not isinstance(candidates, list) or len(candidates) > MOST:
        raise wrong
    if not all(isinstance(each, dict) and set(each) == wanted for each in candidates):
        raise wrong
    return candidates
