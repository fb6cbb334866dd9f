"""A router's parts over a real database in a folder, with an operator that notes its orders."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jsonschema import Draft202012Validator

from grok_sauce.alerts.ledger import Ledger
from grok_sauce.alerts.report import Live, Report
from grok_sauce.alerts.routing_file import RoutingFile
from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.alerts.targets import TargetGuard
from grok_sauce.alerts.tokens import Tokens
from grok_sauce.errors import SettingsError
from grok_sauce.runtime.clock import Clock
from grok_sauce.web.app import OPENAPI
from tests.alerts.ledger_kit import a_new, an_alert

FILE: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
TREE = {
    "strategies": {
        "Momentum": {
            "accounts": {},
            "mode": "live",
            "tickers": {"NQ": {"ports": [9060]}, "ES": {"ports": ["9061", 9060]}},
        }
    }
}


class NotedOperator:
    """Does what changes the ledger, notes the rest; "late" and "gone" are turned down."""

    def __init__(self, ledger: Ledger) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._ledger = ledger

    def pause(self, on: bool, who: str) -> None:
        self.calls.append(("pause", on, who))
        self._ledger.switch("paused", "1" if on else None, who)

    def dry(self, on: bool, who: str) -> None:
        self.calls.append(("dry", on, who))
        self._ledger.switch("dry", "1" if on else None, who)

    def cancel(self, id: str, who: str) -> None:
        self.calls.append(("cancel", id, who))
        self._ledger.cancel([int(id[1:])], "operator", who)

    def decide(
        self,
        id: str,
        delivery: int,
        decision: str,
        who: str,
        qty: int | None = None,
        confirm_late: bool = False,
    ) -> None:
        self.calls.append(("decide", id, delivery, decision, who, qty, confirm_late))
        if decision == "send" and not confirm_late:
            raise SettingsError("It is older than its freshness limit.", "confirm_late")

    def replay(
        self,
        ids: Sequence[str] | None,
        who: str,
        mode: str,
        confirm_late: bool,
        between: tuple[int, int] | None = None,
        target: str | None = None,
    ) -> dict[str, Any]:
        self.calls.append(("replay", ids, who, mode, confirm_late, between, target))
        return {"replayed": 1, "refused": [{"id": "a9", "reason": "it is held"}]}

    def acknowledge(self, ids: Sequence[str], who: str) -> int:
        self.calls.append(("acknowledge", list(ids), who))
        return self._ledger.acknowledge(ids, who)

    def daily_pause(self, strategy: str, who: str) -> None:
        self.calls.append(("daily_pause", strategy, who))
        if strategy != "Momentum":
            raise SettingsError("strategy: there is no such strategy", "strategy")

    def test(self, strategy: str, ticker: str, port: int, who: str) -> dict[str, Any]:
        self.calls.append(("test", strategy, ticker, port, who))
        return {"ok": False, "text": "connection refused", "ms": 1.5, "status": None}


class Half:
    """What web is handed as deps.alerts."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.settings = AlertSettings()
        self.time = SteadyTime(clock)
        self.store = Store(folder / "alerts.db", self.time)
        self.store.open()
        self.ledger = Ledger(self.store, self.time)
        self.tokens = Tokens(self.ledger, self.time, self.settings)
        self.tokens.first_start(folder)
        self.routing = RoutingFile(
            folder / "routing.json", self.time, TargetGuard(own_ports=set), self.ledger.audit
        )
        self.routing.load()
        self.routing.import_document(TREE, dry_run=False, who="test")
        live = Live(token_file=lambda: self.tokens.file)
        self.report = Report(self.store, self.routing, self.time, live=live)
        self.operator = NotedOperator(self.ledger)
        self.intake = SimpleNamespace(answer=self.answer)
        self.posts: list[Any] = []
        self.turned_away: list[tuple[str, str]] = []

    def answer(self, post: Any) -> Any:
        """What intake would say; notes the post."""
        self.posts.append(post)
        return SimpleNamespace(
            status=200,
            document={"status": "success", "message": "Alert queued", "id": "a1"},
            headers=(),
        )

    def audit(self, who: str, what: str, detail: str) -> None:
        self.ledger.audit(who, what, detail)

    def refused(self, address: str, what: str) -> None:
        self.turned_away.append((address, what))

    def audited(self) -> list[tuple[str, str, str]]:
        """(who, what, detail), newest first, but for the tree's own import."""
        rows = self.report.audit()
        return [(row["who"], row["what"], row["detail"]) for row in rows if row["who"] != "test"]

    def turn_away(self, address: str, what: str) -> None:
        """Note a refused request, in the database when this returns."""
        self.ledger.security(address, what)
        self.store.write(lambda connection: None)

    def receive(self, id: str, **changes: Any) -> int:
        """Store an alert received now; its seq."""
        now = self.time.now_ms()
        alert = changes.pop("alert", None) or an_alert(changes.pop("ticker", "NQ"))
        values = {"wall_ms": self.time.wall_ms(), "alert": alert, **changes}
        return self.ledger.receive(a_new(id, now, **values)).seq


def problems(method: str, path: str, answer: Any) -> list[str]:
    """Where an answer differs from the documented one."""
    documented = FILE["paths"][path][method.lower()]["responses"]
    if str(answer.status_code) not in documented:
        return [f"{method} {path} answered {answer.status_code}, which is not documented"]
    schema = documented[str(answer.status_code)]["content"]["application/json"]["schema"]
    return misfits(schema, answer.get_json())


def misfits(schema: Any, value: Any) -> list[str]:
    """Where a value differs from a schema of the file."""
    validator = Draft202012Validator({**schema, "components": FILE["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def named(name: str) -> dict[str, str]:
    """A schema of the file by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def rule_of(path: str) -> str:
    """The documented path of an address with an alert's id in it."""
    return re.sub(r"^/api/alerts/a[0-9]+", "/api/alerts/{id}", path)
