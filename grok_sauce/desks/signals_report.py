"""What the live strategy says of itself: the state for pages, evaluations, trades, CSV rows."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final, Protocol

from grok_sauce.desks import signals_rows as rows
from grok_sauce.desks.signals_book import Book
from grok_sauce.desks.signals_inputs import Missing
from grok_sauce.desks.signals_run import Run
from grok_sauce.errors import SettingsError
from grok_sauce.market.sessions import instant, new_york
from grok_sauce.market.times import iso
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import Clock
from grok_sauce.settings.strategy import Strategy
from grok_sauce.storage import signals_read as read
from grok_sauce.storage.database import StorageError
from grok_sauce.strategies.candle import LENGTH
from grok_sauce.strategies.evaluation import STRATEGY
from grok_sauce.strategies.hours import session_of
from grok_sauce.update import Update

STATE: Final = "strategy.state"
SHOWN: Final = 40  # evaluations of which every page hears
TRADES: Final = 20  # signals of which every page hears
MOST: Final = 1_000  # evaluations in one answer
EVENING: Final = 18  # New York hour at which the next day's session begins
VOLATILE: Final = ("as_of", "age")


class Reported(Protocol):
    """What is asked of the desk."""

    chosen: Strategy
    refused: str | None

    @property
    def enabled(self) -> bool: ...
    @property
    def by_default(self) -> bool: ...
    @property
    def symbols(self) -> tuple[str, ...]: ...
    @property
    def runs(self) -> Mapping[str, Run]: ...
    @property
    def storage_problem(self) -> str | None: ...
    @property
    def router_problem(self) -> str | None: ...
    @property
    def keep_days(self) -> int: ...


class Report:
    """Reads the file and the runs. newest(topic, key) reads the snapshot."""

    def __init__(
        self, book: Book, clock: Clock, newest: Callable[[str, str], Any], desk: Reported
    ) -> None:
        self._book = book
        self._clock = clock
        self._newest = newest
        self._desk = desk
        self._kept: dict[str, dict[str, Any]] = {}
        self._told: dict[str, dict[str, Any]] = {}

    def register(self, questions: Questions) -> None:
        """Answer "signals.state", "signals.evaluations", "signals.evaluation", "signals.trades"."""
        questions.register("signals.state", self.state)
        questions.register("signals.evaluations", self.evaluations)
        questions.register("signals.evaluation", self.evaluation)
        questions.register("signals.trades", self.trades)

    # ---- the state ------------------------------------------------------------------------

    def updates(self, changed: bool) -> list[Update]:
        """The states that differ from what was told last; changed: read the file again."""
        found = []
        for symbol in self._desk.symbols:
            payload = self._state(symbol, changed)
            if _steady(payload) != _steady(self._told.get(symbol)):
                found.append(Update(STATE, symbol, payload))
                self._told[symbol] = payload
        for gone in self._told.keys() - set(self._desk.symbols):
            del self._told[gone]
            found.append(Update(STATE, gone, None))
        return found

    def refused(self, symbol: str) -> dict[str, Any]:
        """The state where no signals may be told."""
        reason = self._desk.refused or ""
        return rows.blank_state(symbol, self._desk.symbols, f"No signals: {reason}.")

    def state(self, symbol: str | None = None) -> dict[str, Any]:
        """The state of a symbol, of the first that is watched without one.

        Raises:
            SettingsError: the symbol is not watched.
            StorageError: the file cannot be read.
        """
        name = self._watched(symbol)
        if self._desk.refused is not None:
            return self.refused(name)
        return self._state(name, False)

    def _state(self, symbol: str, fresh: bool) -> dict[str, Any]:
        desk, now = self._desk, self._clock.market()
        run = desk.runs.get(symbol)
        price = self._price(symbol, run)
        missing = self._missing(run, now)
        opened = (
            None
            if run is None
            else rows.open_view(run.runner.paper, None if price is None else price["price"])
        )
        state, text = self._word(missing, opened, now)
        why = {each.input: each.text for each in missing}
        levels = None if run is None else run.inputs.levels(now)
        triggers = None if run is None else run.inputs.triggers(now)
        terms = None if run is None else asdict(run.runner.terms)
        return {
            "symbol": symbol,
            "strategy": STRATEGY,
            "name": rows.NAME,
            "symbols": list(desk.symbols),
            "enabled": desk.enabled,
            "by_default": desk.by_default,
            "state": state,
            "text": text,
            "blocked": [each.as_dict() for each in missing],
            "as_of": iso(now),
            "contract": None if run is None or run.newest is None else run.newest.contract,
            "next_close": iso((math.floor(now / LENGTH) + 1) * LENGTH),
            "last": price,
            "levels": rows.levels_view(levels, why.get("levels"), now),
            "lt": rows.triggers_view(triggers, why.get("lt"), now),
            "open": opened,
            **self._filed(symbol, now, fresh),
            "parameters": rows.parameters(desk.chosen),
            "terms": terms,
            "router": {
                "on": desk.chosen.to_router,
                "ticker": desk.chosen.router_ticker,
                "problem": desk.router_problem,
            },
            "keep_days": desk.keep_days,
        }

    def _filed(self, symbol: str, now: float, fresh: bool) -> dict[str, Any]:
        """What the file says; read again when something was stored, and with a new day."""
        day = day_start(now)
        kept = self._kept.get(symbol)
        if kept is None or fresh or kept["day"] != day:
            try:
                kept = self._book.use(lambda file: _read(file, symbol, day))
            except StorageError:
                if kept is None:
                    raise
            self._kept[symbol] = kept
        return {name: value for name, value in kept.items() if name != "day"}

    def _missing(self, run: Run | None, now: float) -> list[Missing]:
        found = []
        if self._desk.storage_problem is not None:
            found.append(Missing("storage", self._desk.storage_problem))
        if run is None:
            return [*found, Missing("candles", "the strategy is starting")]
        return [*found, *run.inputs.missing(self._desk.chosen, run.newest, now)]

    def _word(
        self, missing: list[Missing], opened: Mapping[str, Any] | None, now: float
    ) -> tuple[str, str]:
        if opened is not None:
            return opened["kind"], (
                "In a paper position" if opened["kind"] == "position" else "An order waits"
            )
        if not self._desk.enabled:
            return "off", "Off: candles are judged, nothing is told"
        if session_of(self._desk.chosen, now, "future") is None:
            chosen = self._desk.chosen
            return "outside", f"Outside {chosen.session_start} to {chosen.session_end} New York"
        if missing:
            return "blocked", "Blocked: " + "; ".join(each.text for each in missing)
        return "watching", "Watching, no position"

    def _price(self, symbol: str, run: Run | None) -> dict[str, Any] | None:
        """The newest price: the table's, else the close of the newest bar."""
        row = self._newest("indicator.rows", symbol)
        if row is not None and row.get("price") is not None and not row.get("stale"):
            return {"price": row["price"], "at": row.get("as_of"), "basis": "live"}
        bars = [] if run is None else [bar for bar in (run.minute, run.newest) if bar is not None]
        if not bars:
            return None
        newest = max(bars, key=lambda bar: bar.end)
        return {"price": newest.close, "at": iso(newest.end), "basis": "close"}

    # ---- lists --------------------------------------------------------------------------------

    def evaluations(
        self,
        symbol: str | None = None,
        limit: int = SHOWN,
        before: int | None = None,
        which: str = "all",
    ) -> list[dict[str, Any]]:
        """The newest evaluations, whole: levels, ages, factor, LT list, every verdict."""
        name, most = self._watched(symbol), min(limit, MOST)
        return self._book.use(lambda file: read.evaluations(file, name, most, before, which))

    def evaluation(self, seq: int) -> dict[str, Any] | None:
        """One evaluation by its number; None when it is not kept."""
        return self._book.use(lambda file: read.evaluation(file, seq))

    def trades(self, symbol: str | None = None, limit: int = MOST) -> dict[str, Any]:
        """{signals, sums}: signals with their paper trades, newest first."""
        name, most = self._watched(symbol), min(limit, MOST)

        def work(file: sqlite3.Connection) -> dict[str, Any]:
            found = read.signals(file, name, most)
            return {"signals": [rows.signal_row(x) for x in found], "sums": read.sums(file, name)}

        return self._book.use(work)

    def _watched(self, symbol: str | None) -> str:
        name = self._desk.symbols[0] if symbol is None else symbol
        if name not in self._desk.symbols:
            watched = ", ".join(self._desk.symbols)
            raise SettingsError(f"symbol must be one that is watched: {watched}", "symbol")
        return name


def day_start(now: float) -> float:
    """Start of the trading day: 18:00 New York of this evening or the one before, Unix s."""
    local = new_york(now)
    start = instant(local.date(), EVENING)
    return start if now >= start else instant(new_york(start - 86_400).date(), EVENING)


def _read(file: sqlite3.Connection, symbol: str, day: float) -> dict[str, Any]:
    since = round(day * 1000)
    found = read.evaluations(file, symbol, SHOWN)
    return {
        "day": day,
        "today": {
            "signals": read.signals_since(file, symbol, since),
            **read.sums(file, symbol, since),
        },
        "sums": read.sums(file, symbol),
        "counts": read.counts(file, symbol),
        "evaluations": [rows.line_of(each) for each in found],
        "signals": [rows.signal_row(each) for each in read.signals(file, symbol, TRADES)],
    }


def _steady(payload: dict[str, Any] | None) -> Any:
    """A payload without what changes with the clock alone."""
    if payload is None:
        return None
    plain = {name: value for name, value in payload.items() if name not in VOLATILE}
    for part in ("levels", "lt"):
        plain[part] = {key: value for key, value in payload[part].items() if key not in VOLATILE}
    return plain
