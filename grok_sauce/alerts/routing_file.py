"""data/routing.json: read, watched, edited and written whole by one owner."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from grok_sauce.alerts.routing import Route, RoutingTree, StrategyView
from grok_sauce.alerts.routing_document import TARGET_PATH, Document, empty
from grok_sauce.alerts.steady import MS, SteadyTime
from grok_sauce.alerts.targets import Target, TargetGuard
from grok_sauce.alerts.tree_edits import apply, changes
from grok_sauce.errors import GrokSauceError, SettingsError
from grok_sauce.runtime.concurrency import offload
from grok_sauce.settings import SettingsConflict, parse
from grok_sauce.storage.files import versions, write_json, write_private

log = logging.getLogger(__name__)

FILE_NAME: Final = "routing.json"
VERSIONS: Final = 10
MAX_BYTES: Final = 1_000_000
LOOK_EVERY_MS: Final = 1000
MISSING: Final = "none"  # the revision of a file that is not there
BY_HAND: Final = "file"  # who changed it, in the audit

Audit = Callable[[str, str, str], None]  # who, what, detail
Stamp = tuple[int, int, int]


class RoutingFile:
    """The routing tree in force, and whoever may change it.

    audit(who, what, detail) is told of every change in words. path of the targets is
    target_path. on_rename(old, new) hears of renamed strategies. lookup() and the readers
    notice, at most once a second, that somebody edited the file; a file that cannot be used
    changes nothing but `problem`.
    """

    def __init__(
        self,
        path: Path,
        time: SteadyTime,
        guard: TargetGuard,
        audit: Audit,
        *,
        target_path: str = TARGET_PATH,
        on_rename: Callable[[str, str], None] | None = None,
    ) -> None:
        self.path = path
        self._time = time
        self._guard = guard
        self._audit = audit
        self._target_path = target_path
        self._on_rename = on_rename
        self._good = path.with_name(f"{path.name}.good")
        self._lock = threading.RLock()
        self._tree = RoutingTree({"strategies": {}}, target_path)
        self._is_known = False  # False: no good document was ever found
        self._revision = MISSING
        self._stamp: Stamp | None = None
        self._problem: str | None = None
        self._notes: tuple[str, ...] = ()
        self._look_ms = 0
        self._untold: list[str] = []

    # ---- reading -----------------------------------------------------------------------------

    def load(self) -> None:
        """Read the file. Missing on a first start: it is made. Bad: the last good copy counts."""
        with self._lock:
            try:
                data = self._read()
                self._revision = MISSING if data is None else _revision(data)
                if data is not None:
                    # What was in force when the process ended: an edit since then is told.
                    with contextlib.suppress(OSError, SettingsError):
                        self._enforce_copy(self._good)
                    self._untold = self._take(data)
                elif self._good.exists() or versions(self.path):
                    self._fall_back("it is not there")
                else:
                    self._put(empty())
            except (SettingsError, OSError) as problem:
                self._fall_back(_words(problem))
            self._look_ms = self._time.now_ms() + LOOK_EVERY_MS

    def lookup(self, ticker: str) -> Route | None:
        """Where alerts of a ticker go now; None when no target matches it."""
        self.refresh()
        return self._tree.lookup(ticker)

    @property
    def tree(self) -> Document:
        """The document in force. To be read only."""
        self.refresh()
        return self._tree.document

    @property
    def revision(self) -> str:
        """Names the content of the file; an edit must give it back."""
        self.refresh()
        return self._revision

    @property
    def problem(self) -> str | None:
        """What a banner says, None when all is well."""
        return " ".join(self.problems()) or None

    def problems(self) -> list[str]:
        """Sentences: why the file cannot be used, and where the tree contradicts itself."""
        self.refresh()
        return [*([] if self._problem is None else [self._problem]), *self._notes]

    def routes(self) -> list[Route]:
        """Every route in force."""
        self.refresh()
        return self._tree.routes()

    def strategies(self) -> list[StrategyView]:
        """The tree for a page."""
        self.refresh()
        return self._tree.strategies()

    def strategy(self, name: str) -> StrategyView | None:
        """One strategy of the tree."""
        return next((each for each in self.strategies() if each.name == name), None)

    def targets(self) -> dict[str, Target]:
        """Every target by its id."""
        self.refresh()
        return self._tree.targets()

    def effective(self, strategy: str, ticker: str) -> dict[str, Any]:
        """Every option in force for a ticker of a strategy; {} when it is there no more."""
        self.refresh()
        try:
            return self._tree.effective(strategy, ticker)
        except KeyError:
            return {}

    def versions(self) -> list[dict[str, int]]:
        """Earlier contents: [{n, at_ms}], newest first; at_ms (wall) is when it was replaced."""
        found = []
        for path in offload(versions, self.path):
            try:
                at_ms = int(path.stat().st_mtime * MS)
            except OSError:
                continue  # shifted on meanwhile
            found.append({"n": int(path.suffix[1:]), "at_ms": at_ms})
        return found

    def export(self) -> Document:
        """A copy of the document, for a file of its own."""
        return copy.deepcopy(self.tree)

    def refresh(self, now: bool = False) -> None:
        """Take over what somebody wrote into the file; looks once a second, or now."""
        at_ms = self._time.now_ms()
        if not now and at_ms < self._look_ms:
            return
        with self._lock:
            if not now and at_ms < self._look_ms:
                return  # another thread looked while this one waited
            self._look_ms = at_ms + LOOK_EVERY_MS
            said, self._untold = self._untold, []
            if now or self._problem is not None or self._stamp_of_file() != self._stamp:
                said += self._take_over()
        if said:
            self._note(BY_HAND, "routing.json edited by hand", said)

    # ---- changing ----------------------------------------------------------------------------

    def edit(self, op: Mapping[str, Any], who: str, revision: object) -> list[str]:
        """Do one operation (tree_edits.apply, or restore{n}); what changed, in words.

        Raises:
            SettingsConflict: field "revision": the file is not the one that revision names.
            SettingsError: with the field that is wrong, or the disk refused.
        """
        if op.get("op") == "restore":
            return self.restore(op.get("n"), who, revision)
        with self._lock:
            self._check_revision(revision)
            if not self._is_known:
                raise SettingsError(f"not saved: {self._problem}")
            document, said = apply(self._tree.document, op, self._guard)
            tree = RoutingTree(document, self._target_path)
            if said:
                self._save(tree)
        if said:
            self._note(who, f"routing: {op['op']}", said)
        if op["op"] == "rename_strategy" and said and self._on_rename is not None:
            try:
                self._on_rename(str(op["name"]), str(op["to"]))
            except GrokSauceError as problem:
                log.warning("renamed, but not everybody could be told: %s", problem)
        return said

    def save(self, tree: Any, who: str, revision: object, what: str = "saved") -> list[str]:
        """Put a whole document in force and on disk; what changed, in words. Raises as edit()."""
        checked = self._checked(tree)
        with self._lock:
            self._check_revision(revision)
            said = changes(self._tree.document, checked.document)
            if said or self._problem is not None:
                self._save(checked)
        if said:
            self._note(who, f"routing: {what}", said)
        return said

    def restore(self, n: object, who: str, revision: object) -> list[str]:
        """Put version n (1 is the newest) back in force. Raises as edit()."""
        found = {each["n"] for each in self.versions()}
        if isinstance(n, bool) or not isinstance(n, int) or n not in found:
            raise SettingsError("n: there is no such version", "n")
        try:
            document = parse(_read_bytes(self.path.with_name(f"{self.path.name}.{n}")) or b"")
        except (SettingsError, OSError) as problem:
            raise SettingsError(f"n: version {n} cannot be used: {_words(problem)}", "n") from None
        return self.save(document, who, revision, f"version {n} restored")

    def import_document(
        self, document: Any, dry_run: bool = True, who: str = "import"
    ) -> list[str]:
        """Replace the tree by an exported one or an old server's config.json; what changes.

        A document without `routing` leaves the defaults and targets in force. dry_run tells
        and writes nothing. Raises as edit(), without a revision to give.
        """
        checked = self._checked(document)
        routing = self.tree.get("routing")
        if "routing" not in checked.document and routing is not None:
            checked = self._checked({**checked.document, "routing": routing})
        if dry_run:
            return changes(self.tree, checked.document)
        self.refresh(now=True)
        return self.save(checked.document, who, self._revision, "imported")

    # ---- inside: the lock is held ------------------------------------------------------------

    def _checked(self, document: Any) -> RoutingTree:
        """A document from outside: copied, checked, and every target allowed now."""
        if not isinstance(document, dict):
            raise SettingsError("the document must be an object with strategies", "document")
        try:
            data = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, TypeError, RecursionError):
            raise SettingsError("the document is not JSON that a file can hold") from None
        tree = RoutingTree(parse(data), self._target_path)
        for target in tree.targets().values():
            self._guard.check(target, f"strategies: {target.id}")
        return tree

    def _check_revision(self, revision: object) -> None:
        self.refresh(now=True)
        if revision != self._revision:
            raise SettingsConflict(
                f"not saved: {self.path.name} changed on disk or on another page since it was "
                f"read; load it again",
                "revision",
            )

    def _save(self, tree: RoutingTree) -> None:
        try:
            self._put(tree.document)
        except (OSError, UnicodeError) as problem:
            raise SettingsError(f"not saved: {self.path.name}: {_words(problem)}") from None

    def _put(self, document: Document) -> None:
        """Write, then put in force; what was there stays as a version."""
        tree = RoutingTree(document, self._target_path)
        if len(json.dumps(document, indent=2)) >= MAX_BYTES:
            raise SettingsError(f"not saved: more than {MAX_BYTES} bytes are too many for a tree")
        offload(write_json, self.path, document, VERSIONS, True)  # for the owner alone
        data = _read_bytes(self.path) or b""
        self._revision, self._stamp = _revision(data), self._stamp_of_file()
        self._enforce(tree, data)

    def _take(self, data: bytes) -> list[str]:
        """Put what the file holds in force; what that changed, in words."""
        tree = RoutingTree(parse(data), self._target_path)
        said = changes(self._tree.document, tree.document) if self._is_known else []
        self._enforce(tree, data)
        return said

    def _enforce(self, tree: RoutingTree, data: bytes) -> None:
        self._tree, self._problem, self._is_known = tree, None, True
        self._notes = (*tree.notes, *self._doubts(tree))
        try:
            if _read_bytes(self._good) != data:
                offload(write_private, self._good, data)
        except OSError as problem:
            log.warning("%s: no copy kept: %s", self._good.name, _words(problem))

    def _doubts(self, tree: RoutingTree) -> list[str]:
        """Targets nothing may be sent to as things are now; the rest of the tree works."""
        found = []
        for target in tree.targets().values():
            try:
                self._guard.check(target, target.id)
            except SettingsError as problem:
                found.append(f"{problem}.")
        return found

    def _read(self) -> bytes | None:
        """The file's bytes, and its stamp from before: a write in between is seen next time."""
        self._stamp = self._stamp_of_file()
        return _read_bytes(self.path)

    def _take_over(self) -> list[str]:
        """The file may have changed: use it, or say why not and leave in force what is."""
        try:
            data = self._read()
            revision = MISSING if data is None else _revision(data)
            if data is None:
                self._revision = revision
                self._complain("it is not there", "what was in force stays in force")
                return []
            if revision == self._revision and self._problem is None:
                return []
            self._revision = revision
            return self._take(data)
        except (SettingsError, OSError) as problem:
            stays = "what was in force stays in force"
            self._complain(_words(problem), stays if self._is_known else _NOTHING)
            return []

    def _fall_back(self, reason: str) -> None:
        """At the start: the copy of what was last in force, else the newest version that works."""
        for candidate in (self._good, *versions(self.path)):
            try:
                self._enforce_copy(candidate)
            except (OSError, SettingsError):
                continue
            self._complain(reason, f"the last good copy is in force ({candidate.name})")
            return
        self._complain(reason, _NOTHING)

    def _enforce_copy(self, path: Path) -> None:
        tree = RoutingTree(parse(_read_bytes(path) or b""), self._target_path)
        self._tree, self._is_known = tree, True
        self._notes = (*tree.notes, *self._doubts(tree))

    def _complain(self, reason: str, then: str) -> None:
        problem = f"{self.path.name} cannot be used: {reason}. Until it is mended {then}."
        if problem != self._problem:
            log.warning("%s", problem)
        self._problem = problem

    def _stamp_of_file(self) -> Stamp | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _note(self, who: str, what: str, said: list[str]) -> None:
        """Audit a change that is made already; a busy store must not undo it."""
        detail = "; ".join(said)
        log.info("%s by %s: %s", what, who, detail)
        try:
            self._audit(who, what, detail)
        except GrokSauceError as problem:
            log.warning("not in the audit (%s): %s by %s: %s", problem, what, who, detail)


_NOTHING: Final = "alerts are stored and sent nowhere; no earlier copy works either"


def _read_bytes(path: Path) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None


def _revision(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _words(problem: Exception) -> str:
    if isinstance(problem, OSError):
        return problem.strerror or str(problem)
    return str(problem)
