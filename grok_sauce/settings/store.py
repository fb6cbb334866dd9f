"""settings.json on disk: read, checked, written whole with its last versions kept, by one owner."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from grok_sauce.errors import SettingsError
from grok_sauce.settings.document import Settings, as_document, changes, merge, validate
from grok_sauce.settings.migrate import migrate

log = logging.getLogger(__name__)

VERSIONS: Final = 5
MAX_BYTES: Final = 1_000_000
MISSING: Final = "none"  # the revision of a file that is not there

Write = Callable[[Path, bytes], None]
Changed = Callable[[Settings, Settings], None]


class SettingsConflict(SettingsError):
    """The file changed since it was read; nothing was written."""


def write_whole(path: Path, data: bytes) -> None:
    """A new file beside path, flushed, moved over it: a reader sees all of old or new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()  # a link keeps pointing where its owner made it point
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
    try:
        with open(temporary, "xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def parse(data: bytes) -> Any:
    """The JSON value of a file's bytes; duplicate keys and NaN are refused.

    Raises:
        SettingsError: it is not JSON of a sensible size and depth.
    """
    if len(data) > MAX_BYTES:
        raise SettingsError(f"{len(data)} bytes are too many for settings, at most {MAX_BYTES}")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            raise SettingsError("a key is there twice in one object; keep one of them")
        return found

    def constant(name: str) -> Any:
        raise SettingsError(f"{name} is not JSON")

    try:
        return json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=pairs, parse_constant=constant
        )
    except (ValueError, RecursionError) as problem:
        raise SettingsError(f"not JSON: {str(problem)[:120]}") from None


class SettingsStore:
    """One settings file and who may change it.

    keep: the folder of earlier versions (NAME.1 is the newest). write(path, data) puts a
    file there whole; under eventlet hand in one that offloads. changed(old, new) is told
    after each save, in the saver's thread, outside the lock. secrets() says which secrets
    of `.env` are set ({NAME: bool}), for read().

    problem is a sentence for a banner while the file on disk cannot be used: then the
    last good version is in force and the file stays untouched until somebody saves, who
    has seen that sentence; what it held is then kept beside the versions.
    """

    def __init__(
        self,
        path: Path,
        keep: Path,
        write: Write = write_whole,
        changed: Changed | None = None,
        secrets: Callable[[], Mapping[str, bool]] = dict,
    ) -> None:
        self.path = path
        self.keep = keep
        self.problem: str | None = None
        self.notices: tuple[str, ...] = ()
        self.changed = changed
        self._write = write
        self._secrets = secrets
        self._lock = threading.RLock()
        self._settings = Settings()
        self._revision = MISSING

    @property
    def settings(self) -> Settings:
        """What is in force."""
        return self._settings

    @property
    def revision(self) -> str:
        """Names the file's content as last seen; a save must give it back."""
        return self._revision

    def load(self) -> Settings:
        """Read the file. Missing: defaults are written. Broken: the last good version counts."""
        with self._lock:
            self.problem, self.notices = None, ()
            try:
                data = self._data()
                if data is None:
                    self._settings = Settings()
                    self._put(self._settings)
                    return self._settings
                self._revision = _revision(data)
                document, notices = migrate(parse(data))
                self._settings = validate(document)
                self.notices = tuple(notices)
            except SettingsError as problem:
                self._fall_back(f"{problem}")
            except OSError as problem:
                self._fall_back(f"{problem.strerror or problem}")
            return self._settings

    def read(self) -> dict[str, Any]:
        """For a page: {settings, revision, problem, notices, secrets}. Edits by hand count."""
        self.refresh()
        with self._lock:
            return {
                "settings": as_document(self._settings),
                "revision": self._revision,
                "problem": self.problem,
                "notices": list(self.notices),
                "secrets": dict(self._secrets()),
            }

    def refresh(self) -> None:
        """Take over what somebody wrote into the file since it was last seen."""
        with self._lock:
            old = self._settings
            try:
                data = self._data()
            except OSError:
                return  # the next save says so; what is in force stays
            if data is None or _revision(data) == self._revision:
                return
            new = self.load()
        if new != old and self.changed is not None:
            self.changed(old, new)

    def save(self, settings: Any, revision: Any) -> dict[str, Any]:
        """Put the keys given over what is in force, check, write: {settings, revision, changes}.

        settings may be a whole document or only its changed parts; a list is replaced whole.

        Raises:
            SettingsConflict: the file is not the one that revision names.
            SettingsError: with field = the path of what is wrong, or the disk refused.
        """
        with self._lock:
            old = self._settings
            new = validate(merge(as_document(old), settings))
            lines = changes(old, new)
            self._check_revision(revision)
            if lines or self.problem is not None or self._revision == MISSING or self.notices:
                lines += self._keep_broken()
                self._put(new)
            self._settings, self.problem, self.notices = new, None, ()
            answer = {
                "settings": as_document(new),
                "revision": self._revision,
                "changes": lines,
            }
        if new != old and self.changed is not None:
            self.changed(old, new)
        return answer

    def import_document(self, document: Any, dry_run: bool = True) -> dict[str, Any]:
        """What an exported or old document would change, and unless dry_run, change it.

        Gives {settings, revision, changes, notices}. Raises as save().
        """
        migrated, notices = migrate(document)
        if not isinstance(migrated, dict) or not migrated:
            raise SettingsError("an import must be an object with settings; nothing was changed")
        with self._lock:
            if dry_run:
                new = validate(merge(as_document(self._settings), migrated))
                lines = changes(self._settings, new)
                found = {"settings": as_document(new), "revision": self._revision, "changes": lines}
                return {**found, "notices": notices}
            revision = self._revision
        return {**self.save(migrated, revision), "notices": notices}

    def _data(self) -> bytes | None:
        try:
            with open(self.path, "rb") as file:
                return file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None

    def _check_revision(self, revision: Any) -> None:
        try:
            data = self._data()
        except OSError as problem:
            raise SettingsError(f"not saved: {self.path.name} cannot be read: {problem}") from None
        now = MISSING if data is None else _revision(data)
        if revision != now:
            raise SettingsConflict(
                f"not saved: {self.path.name} changed on disk or on another page since it was "
                f"read; load it again"
            )

    def _put(self, settings: Settings) -> None:
        """Write, keeping what was there; the disk's refusal becomes the user's message."""
        data = (json.dumps(as_document(settings), indent=2, allow_nan=False) + "\n").encode()
        try:
            before = self._data()
            if before is not None and self.problem is None:
                self._keep_version(before)
            self._write(self.path, data)
        except OSError as problem:
            text = f"not saved: {self.path.name}: {problem.strerror or problem}"
            raise SettingsError(text) from None
        self._revision = _revision(data)

    def _keep_version(self, content: bytes) -> None:
        self.keep.mkdir(parents=True, exist_ok=True)
        kept = self._kept()
        for newer, older in zip(reversed(kept[:-1]), reversed(kept[1:]), strict=True):
            with contextlib.suppress(FileNotFoundError):
                os.replace(newer, older)
        self._write(kept[0], content)

    def _kept(self) -> list[Path]:
        return [self.keep / f"{self.path.name}.{number}" for number in range(1, VERSIONS + 1)]

    def _keep_broken(self) -> list[str]:
        """Copy a file that could not be used before it is replaced; says where it went."""
        if self.problem is None or not self.path.is_file():
            return []
        target = self.keep / f"{self.path.name}.broken-{self._revision[:8]}"
        try:
            self._write(target, self.path.read_bytes())
        except OSError as problem:
            raise SettingsError(f"not saved: {target}: {problem.strerror or problem}") from None
        return [f"the file that could not be read is kept as {target.name}"]

    def _fall_back(self, reason: str) -> None:
        """Take the newest kept version that is good, else the defaults, and say so."""
        self._settings = Settings()
        source = "the defaults are"
        for candidate in self._kept():
            try:
                document, _ = migrate(parse(candidate.read_bytes()))
                self._settings = validate(document)
            except (OSError, SettingsError):
                continue
            source = "the last good version is"
            break
        self.problem = (
            f"{self.path.name} cannot be used: {reason}. Until it is mended {source} in force."
        )
        log.warning("%s", self.problem)


def _revision(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
