"""What pages and the API show of the alert half: the log, one alert, the numbers, the tree."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from grok_sauce.alerts import report_csv, report_detail, report_numbers, report_rows, report_tree
from grok_sauce.alerts.report_filters import STATES, Filters
from grok_sauce.alerts.routing import Route, StrategyView
from grok_sauce.alerts.steady import SteadyTime

T = TypeVar("T")

PATH: Final = "/webhook/"
MASK: Final = "••••"
MOST: Final = 200  # newest entries of the security log and the audit
CHOICES: Final = 300  # values offered by one filter
_LOGS: Final = {
    "security": "SELECT wall_ms AS at_ms, address, what, detail FROM security_log"
    " ORDER BY id DESC LIMIT ?",
    "audit": "SELECT wall_ms AS at_ms, who, what, detail FROM audit ORDER BY id DESC LIMIT ?",
}


class ReadsStore(Protocol):
    """store.Store, as far as it is read; jobs run on a native thread."""

    def read(self, job: Callable[[sqlite3.Connection], T]) -> T: ...


class ReadsRouting(Protocol):
    """routing_file.RoutingFile, as far as it is read."""

    @property
    def revision(self) -> str: ...
    def problems(self) -> Sequence[str]: ...
    def versions(self) -> Sequence[Mapping[str, int]]: ...
    def strategies(self) -> Sequence[StrategyView]: ...
    def targets(self) -> Mapping[str, Any]: ...
    def lookup(self, ticker: str) -> Route | None: ...


@dataclass(frozen=True)
class Live:
    """What the tables do not have; every part is asked anew each time.

    breakers gives {target, next_probe_ms} of those that are open; lamps by target id
    {lamp, lamp_text, checked_ms, next_probe_ms}; paused_until when a strategy that is paused
    today goes on. All times are wall-clock milliseconds. rejected_hour counts also what the
    security log has no room for.
    """

    guards: Callable[[], Sequence[str]] = tuple
    breakers: Callable[[], Sequence[dict[str, Any]]] = tuple
    problems: Callable[[], Sequence[str]] = tuple
    rejected_hour: Callable[[], int] = int
    lamps: Callable[[], report_tree.Lamps] = dict
    paused_until: Callable[[str], int | None] = field(default=lambda strategy: None)
    token_file: Callable[[], Path | None] = field(default=lambda: None)


class Report:
    """Reads; changes nothing. Every method may be called from any thread of the mode.

    alarm is the number of waiting alerts and deliveries that is too many. All methods raise
    what store.read raises.
    """

    def __init__(
        self,
        store: ReadsStore,
        routing: ReadsRouting,
        time: SteadyTime,
        *,
        alarm: int = 5000,
        live: Live | None = None,
    ) -> None:
        self._store = store
        self._routing = routing
        self._time = time
        self._alarm = alarm
        self._live = live or Live()
        self._named: tuple[str, dict[str, str]] | None = None

    # ---- the log -------------------------------------------------------------------------

    def page(self, filters: Filters) -> dict[str, Any]:
        """{rows, total, more, numbers, filters, day} of one page of the log, newest first.

        Under the tabs "security" and "audit" the rows are those of their logs.
        """
        answer: dict[str, Any] = {"rows": [], "total": 0, "more": False}
        if filters.tab in _LOGS:
            rows = self._log(filters.tab)
            answer = {"rows": rows, "total": len(rows), "more": False}
        else:
            found = self._store.read(lambda connection: report_rows.find(connection, filters))
            answer = {"rows": self._shape(found), "total": found.total, "more": found.more}
        answer["numbers"] = self.numbers()
        answer["filters"] = self._choices()
        answer["day"] = None if filters.day is None else filters.day.isoformat()
        return answer

    def csv(self, filters: Filters) -> Iterator[str]:
        """The alerts that fit, all pages of them, as CSV text in pieces."""

        def read(asked: Filters) -> tuple[list[dict[str, Any]], bool]:
            found = self._store.read(lambda connection: report_rows.find(connection, asked))
            return self._shape(found), found.more

        return report_csv.lines(read, filters)

    def row(self, seq: int) -> dict[str, Any] | None:
        """ROW of one alert, None when there is none of that seq."""
        return next(iter(self.rows([seq])), None)

    def rows(self, seqs: Iterable[int]) -> list[dict[str, Any]]:
        """ROWs of some alerts (200 at most), newest first; those that are gone are left out."""
        wanted = list(seqs)
        found = self._store.read(lambda connection: report_rows.find_alerts(connection, wanted))
        return self._shape(found)

    def newest(self, count: int) -> list[dict[str, Any]]:
        """ROWs of the newest alerts: what pages are told of when the process starts."""
        filters = Filters(limit=count)
        return self._shape(self._store.read(lambda each: report_rows.find(each, filters)))

    def knows(self, id: str) -> bool:
        """Whether there is an alert of that id."""
        found = self._store.read(lambda connection: report_detail.seq_of(connection, id))
        return found is not None

    def detail(self, id: str) -> dict[str, Any] | None:
        """DETAIL of one alert, None when there is none of that id."""
        one = self._store.read(lambda connection: report_detail.find_one(connection, id))
        return None if one is None else report_detail.detail(one, self._shape(one.found)[0])

    def security(self) -> list[dict[str, Any]]:
        """What was turned away, newest first: {at_ms, address, what, detail}."""
        return self._log("security")

    def audit(self) -> list[dict[str, Any]]:
        """Who changed what, newest first: {at_ms, who, what, detail}."""
        return self._log("audit")

    # ---- numbers and tree ----------------------------------------------------------------

    def numbers(self) -> dict[str, Any]:
        """NUMBERS: what waits, what needs a person, how long deliveries take, what is wrong."""
        wall = self._time.wall_ms()
        counted = self._store.read(lambda connection: report_numbers.count(connection, wall))
        problems = list(self._live.problems())
        problems += [
            each for each in self._routing.problems() if not any(each in text for text in problems)
        ]
        return report_numbers.numbers(
            counted,
            self._time.now_ms(),
            alarm=self._alarm,
            guards=self._live.guards(),
            breakers=self._live.breakers(),
            problems=problems,
            rejected_hour=self._live.rejected_hour(),
        )

    def tree(self) -> dict[str, Any]:
        """TREE: strategies, tickers and ports with their options and what became of them."""
        views = self._routing.strategies()
        tickers = report_tree.tickers_of(views)
        past = self._store.read(lambda each: report_tree.find_past(each, tickers))
        return {
            "revision": self._routing.revision,
            "problem": " ".join(self._routing.problems()) or None,
            "versions": [dict(each) for each in self._routing.versions()],
            "webhook": {"path": PATH, "masked": MASK, "token_file": self.token_file()},
            "strategies": report_tree.strategies(
                views, past, self._live.lamps(), self._live.paused_until
            ),
        }

    def token_file(self) -> str | None:
        """Where the first token lies, None when that file is gone."""
        path = self._live.token_file()
        return str(path) if path is not None and path.is_file() else None

    # ---- parts ---------------------------------------------------------------------------

    def _shape(self, found: report_rows.Found) -> list[dict[str, Any]]:
        revision = self._routing.revision
        if self._named is None or self._named[0] != revision:
            self._named = (revision, report_tree.target_names(self._routing.strategies()))
        names = self._named[1]
        return report_rows.shape(
            found, self._time.now_ms(), lambda target: names.get(target, ""), self._pending
        )

    def _pending(self, ticker: str) -> list[str]:
        route = self._routing.lookup(ticker)
        return [] if route is None else [each.id for each in route.destinations]

    def _log(self, name: str) -> list[dict[str, Any]]:
        found = self._store.read(lambda each: report_rows.rows(each, _LOGS[name], (MOST,)))
        return [dict(row) for row in found]

    def _choices(self) -> dict[str, list[str]]:
        """What each filter offers: what the tree names, and what the log has beside it."""
        views = self._routing.strategies()
        kept = self._store.read(_values)
        return {
            "strategies": _merged((each.name for each in views), kept["strategies"]),
            "tickers": _merged(report_tree.tickers_of(views), kept["tickers"]),
            "targets": _merged(self._routing.targets(), kept["targets"]),
            "states": list(STATES),
        }


def _values(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Tickers, targets and strategies the log has; each step jumps to the next value."""
    found = {}
    for name, table, column in (
        ("tickers", "alert", "ticker"),
        ("targets", "delivery", "target"),
        ("strategies", "alert", "strategies"),
    ):
        if name == "strategies":
            sql = (
                f"SELECT DISTINCT value FROM (SELECT {column} FROM {table} ORDER BY seq DESC"
                f" LIMIT 2000), json_each({column}) ORDER BY value LIMIT ?"
            )
        else:
            sql = (
                f"WITH RECURSIVE each(v) AS (SELECT min({column}) FROM {table} UNION ALL"
                f" SELECT (SELECT min({column}) FROM {table} WHERE {column} > v) FROM each"
                f" WHERE v IS NOT NULL) SELECT v FROM each WHERE v IS NOT NULL LIMIT ?"
            )
        found[name] = [str(row[0]) for row in connection.execute(sql, (CHOICES,))]
    return found


def _merged(first: Iterable[str], more: Iterable[str]) -> list[str]:
    names = dict.fromkeys(first)
    return [*names, *sorted(set(more) - names.keys())]
