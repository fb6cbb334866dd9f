"""A tree of strategies, tickers and ports from a file into data/routing.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from grok_sauce.alerts.ledger import Ledger
from grok_sauce.alerts.routing_file import FILE_NAME, RoutingFile
from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.alerts.targets import TargetGuard
from grok_sauce.errors import SettingsError, StartupError
from grok_sauce.runtime.clock import RealClock

WHO: Final = "config import"
DATABASE: Final = "alerts.db"


def is_tree(document: Any) -> bool:
    """Whether a document is an alert server's config.json or an exported routing.json."""
    return (
        isinstance(document, Mapping)
        and "schema" not in document
        and isinstance(document.get("strategies"), Mapping)
    )


def import_tree(
    document: Any, data: Path, settings: AlertSettings, own_port: int, dry_run: bool
) -> list[str]:
    """Put a tree into the data folder; what changes, in words. dry_run writes nothing.

    Raises:
        SettingsError: the document is no good tree, the tree that is there cannot be read, or
            a router works on this folder, which alone may write the file then.
    """
    clock = RealClock()
    time = SteadyTime(clock)
    guard = TargetGuard(lambda: {own_port, settings.router_port}, settings.target_hosts)
    path = data / FILE_NAME
    if dry_run:
        return _open(path, time, guard, None, settings).import_document(document, dry_run=True)
    # Owning the database says that no router runs here, and the audit is in it.
    store = Store(data / DATABASE, time)
    try:
        data.mkdir(parents=True, exist_ok=True)
        store.open()
    except (StartupError, OSError) as problem:
        raise SettingsError(
            f"{FILE_NAME} is not changed: {problem}. While a router runs, import on its page "
            f"/strategies."
        ) from None
    try:
        routing = _open(path, time, guard, Ledger(store, time), settings)
        return routing.import_document(document, dry_run=False, who=WHO)
    finally:
        store.close()


def _open(
    path: Path, time: SteadyTime, guard: TargetGuard, ledger: Ledger | None, settings: AlertSettings
) -> RoutingFile:
    """The routing file; without a ledger it is only looked at, and not made."""

    def audit(who: str, what: str, detail: str) -> None:
        if ledger is not None:
            ledger.audit(who, what, detail)

    routing = RoutingFile(path, time, guard, audit, target_path=settings.target_path)
    if ledger is not None or path.exists():
        routing.load()
    return routing
