"""Level service: put wall and supports on the future's scale, by the time they became known."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grok_sauce.analytics.conversion import Factor
from grok_sauce.desks import level_sets
from grok_sauce.desks.gex_signal import signal
from grok_sauce.desks.level_file import LevelFile
from grok_sauce.following.chain_watch import FUTURES
from grok_sauce.pollers.cboe_fetch import beside
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.storage.known_levels import LevelRow
from grok_sauce.strategies.contracts import FULL_SIZE, product_of
from grok_sauce.strategies.levels import KnownLevels, Recent
from grok_sauce.update import Update

if TYPE_CHECKING:
    from grok_sauce.analytics.forward import Rates
    from grok_sauce.market.chain import OptionChain

log = logging.getLogger(__name__)

TOPIC: Final = "signal.levels"
LOOK: Final = 0.5  # seconds (real) between two looks of the worker
TOUCH: Final = 60.0  # seconds (real) between two signs that live levels are wanted
WAITING: Final = 600  # sets that may wait for the disk
SETTLED: Final = 60.0  # market seconds in which no more came: then it is all there is


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the service asks of the rest, per underlying.

    cboe: the newest delayed chain; factor: what carries it to its future now; rates: of that
    chain's forwards; touch: keep its live view calculated where it is wanted; score: which
    strength of a strike the strategy's settings choose.
    """

    cboe: Callable[[str], OptionChain | None]
    factor: Callable[[str], Factor | None]
    rates: Callable[[str], Rates]
    touch: Callable[[str], None]
    score: Callable[[], str]


@dataclass(slots=True)
class _Book:
    """What is known of one future's levels."""

    future: str
    symbol: str
    recent: Recent[LevelRow] = field(default_factory=lambda: Recent(lambda row: row.known_at))
    newest: LevelRow | None = None
    told: dict[str, Any] | None = None  # the newest document
    factor: Factor | None = None  # the last good one, also of the run before
    mark: object = None  # of the live set taken last
    missed: object = None  # minute of the failure counted last
    loaded: tuple[int, float] = (-1, 0.0)  # options that had come, and since when so many
    is_live: bool = False  # the live report gave the newest set
    chain: OptionChain | None = None  # Cboe's, looked at last
    problem: str | None = "nothing has arrived yet"


class LevelService:
    """Worker "levels", a publisher to be heard, and what strategies ask.

    symbols: underlyings in order of preference; of two with one future the first counts. Live
    reports count while there are any, else Cboe's delayed chain where its numbers are newer
    than the last set. path: where sets are kept, None to keep none. refused: why this process
    may tell none.
    """

    name = "levels"

    def __init__(
        self,
        symbols: Sequence[str],
        inputs: Inputs,
        clock: Clock,
        publish: Callable[[Sequence[Update]], None],
        path: Path | None,
        refused: str | None = None,
    ) -> None:
        self._inputs = inputs
        self._clock = clock
        self._publish = publish
        self._file = None if path is None else LevelFile(path, clock)
        self._refused = refused
        self.status = SourceStatus("levels", "Signal levels")
        self.status.facts |= {"successes": 0, "failures": 0}
        self._lock = threading.Lock()
        self._books: dict[str, _Book] = {}
        for symbol in symbols:
            future = FUTURES.get(symbol)
            if future is not None:
                self._books.setdefault(future, _Book(future, symbol))
        self._by_key = {f"{book.symbol}:all": book for book in self._books.values()}
        self._rows: deque[LevelRow] = deque(maxlen=WAITING)
        self._to_tell: dict[str, dict[str, Any]] = {}
        self._touched = -TOUCH

    # ---- what others ask ----------------------------------------------------------------

    def symbols(self) -> tuple[str, ...]:
        """The underlyings followed, one a future."""
        return tuple(book.symbol for book in self._books.values())

    def known(self, symbol: str, at: float) -> KnownLevels | None:
        """The newest set known at a Unix time (market) on the scale of a future ("/NQ", "/MNQ").

        None when none was. Moments longer ago than five minutes are looked up in what is kept.

        Raises:
            StorageError: what is kept cannot be read.
        """
        book = self._of_future(symbol)
        if book is None or self._refused is not None:
            return None
        with self._lock:
            row = book.recent.at(at)
        if row is None and self._file is not None:
            row = self._file.newest(book.future, book.symbol, at)
        return None if row is None else level_sets.known(row, self._inputs.score())

    def why(self, symbol: str) -> str | None:
        """Why there are no levels of a future now; None when there are."""
        book = self._of_future(symbol)
        if self._refused is not None:
            return self._refused
        if book is None:
            told = ", ".join(f"{b.symbol} for {b.future}" for b in self._books.values()) or "none"
            return f"no underlying is followed for {symbol}: GEX_SYMBOL has {told}"
        return book.problem if book.newest is None else None

    def state(self, symbol: str) -> dict[str, Any] | None:
        """What the newest set is, for pages; None when nothing is followed for that future.

        {future, symbol, problem, known_at, age, feed, as_of, oi_date, contract, kind, factor,
        factor_at, frozen}: times Unix seconds; from known_at on None while there is no set.
        """
        book = self._of_future(symbol)
        if book is None:
            return None
        row = book.newest
        names = ("feed", "as_of", "oi_date", "contract", "kind", "factor", "factor_at", "frozen")
        return {
            "future": book.future,
            "symbol": book.symbol,
            "problem": self._refused or book.problem,
            "known_at": None if row is None else row.known_at,
            "age": None if row is None else max(0.0, self._clock.market() - row.known_at),
            **{name: getattr(row, name, None) for name in names},
        }

    def told(self, symbol: str) -> dict[str, Any] | None:
        """The newest document of an underlying, see level_document; None when there is none."""
        book = self._of_symbol(symbol)
        return None if book is None or self._refused is not None else book.told

    def is_live(self, symbol: str) -> bool:
        """Whether an underlying's newest set is of its live report, which goes on."""
        book = self._of_symbol(symbol)
        return book is not None and book.is_live

    def carried(self, symbol: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """A report of an underlying, with the kept factor where it has none."""
        book = self._of_symbol(symbol)
        if book is None:
            return payload
        return level_sets.carried(payload, book.future, self._clock.market(), book.factor)

    def look(self, symbol: str) -> None:
        """Take Cboe's newest chain of an underlying at once, where it counts."""
        book = self._of_symbol(symbol)
        if book is not None and self._refused is None:
            self._look_at_cboe(book)

    def _of_future(self, symbol: str) -> _Book | None:
        product = product_of(symbol)
        return None if product is None else self._books.get(f"/{FULL_SIZE.get(product, product)}")

    def _of_symbol(self, symbol: str) -> _Book | None:
        return next((book for book in self._books.values() if book.symbol == symbol), None)

    # ---- live reports -------------------------------------------------------------------

    def hear(self, updates: Sequence[Update]) -> None:
        """A publisher: take the live reports, the first of each market minute. Never raises."""
        if self._refused is not None:
            return
        for update in updates:
            book = self._by_key.get(update.key) if update.topic == "gex.levels" else None
            if book is None:
                continue
            if update.payload is None:
                book.is_live, book.mark = False, None
                book.problem = f"the options of {book.symbol} are not followed"
                continue
            try:
                self._take(book, update.payload)
            except (KeyError, TypeError, ValueError) as problem:
                log.exception("a report of %s", book.symbol)
                self._missed(book, f"the report is not one ({type(problem).__name__})")

    def _take(self, book: _Book, payload: Mapping[str, Any]) -> None:
        status, now = payload["status"], self._clock.market()
        if payload["source"] == "CBOE":
            book.is_live, book.mark = False, None
            return  # a stand-in for the broker's chain; _look_at_cboe has the whole of it
        if status["state"] not in level_sets.USABLE:
            book.is_live, book.mark = False, None
            book.problem = status["text"] or f"the chain of {book.symbol} is {status['state']}"
            return
        mark = level_sets.mark_of(payload, now)
        if mark == book.mark:
            return
        if not self._is_whole(book, status, now):
            book.problem = level_sets.missing(status)
            return
        found = level_sets.read(payload, book.future, "dxlink", now, book.factor)
        if isinstance(found, str):
            book.is_live = False
            self._missed(book, found)
            return
        book.mark, book.is_live = mark, True
        self._learn(book, found, payload)

    def _is_whole(self, book: _Book, status: Mapping[str, Any], now: float) -> bool:
        """Has so much come that a missing strike cannot be the wall, or will no more come?"""
        if status["loaded"] != book.loaded[0]:
            book.loaded = status["loaded"], now
        return level_sets.is_whole(status) or now - book.loaded[1] >= SETTLED

    # ---- Cboe ---------------------------------------------------------------------------

    def _look_at_cboe(self, book: _Book) -> None:
        """Levels of the delayed chain, while no live report gives any and it is newer."""
        chain = self._inputs.cboe(book.symbol)
        if chain is None or chain is book.chain or book.is_live:
            return
        if book.newest is not None and book.newest.as_of >= chain.as_of:
            return
        factor = self._inputs.factor(book.symbol)
        if factor is None and book.factor is None:
            book.problem = f"no price of {book.future} beside {book.symbol} is known"
            return
        book.chain = chain
        made = beside(cboe_report, chain, self._inputs.rates, factor)
        now = self._clock.market()
        payload = level_sets.carried(made, book.future, now, book.factor)
        found = level_sets.read(payload, book.future, "cboe", now, book.factor)
        if isinstance(found, str):
            self._missed(book, found)
            return
        self._learn(book, found, payload)

    # ---- both ---------------------------------------------------------------------------

    def _learn(self, book: _Book, row: LevelRow, payload: Mapping[str, Any]) -> None:
        told = signal(payload, from_cache=False, feed=row.feed, known_at=row.known_at)
        with self._lock:
            book.recent.add(row)
            book.newest, book.told, book.problem = row, told, None
            book.factor = level_sets.factor_of(row)
            self._rows.append(row)
            self._to_tell[book.symbol] = told
        self.status.facts["successes"] = self._count("successes")
        self.status.events += 1
        self.status.last_event = self._clock.real()

    def _missed(self, book: _Book, reason: str) -> None:
        """A set that should have been and was not: counted once a market minute."""
        minute = int(self._clock.market() // level_sets.MINUTE)
        is_new = reason != book.problem
        book.problem = reason
        if book.missed == minute:
            return
        book.missed = minute
        self.status.facts["failures"] = self._count("failures")
        if is_new:
            self.status.failed(f"{book.symbol}: {reason}", self._clock.real())

    def _count(self, name: str) -> int:
        return int(self.status.facts[name] or 0) + 1

    # ---- what is kept -------------------------------------------------------------------

    def _begin(self) -> None:
        """Go on from the sets of the run before, with their age."""
        if self._file is None or not self._file.open():
            return
        now = self._clock.market()
        for book in self._books.values():
            row = self._file.newest(book.future, book.symbol, now)
            told = self._file.told(book.symbol, now)
            with self._lock:
                if row is None or book.newest is not None:
                    continue
                book.newest, book.factor = row, level_sets.factor_of(row)
                book.recent.add(row)
                if told is not None:
                    book.told = {**told, "from_cache": True}

    def _write(self) -> None:
        if self._file is None or not self._rows:
            return
        with self._lock:
            rows = list(self._rows)
            told = {
                book.symbol: (book.newest.known_at, book.told)
                for book in self._books.values()
                if book.newest is not None and book.told is not None
            }
        if not self._file.write(rows, told):
            return
        with self._lock:
            written = set(map(id, rows))
            while self._rows and id(self._rows[0]) in written:
                self._rows.popleft()

    # ---- the worker ---------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Tell, keep and fall back until stop is set, then keep once more."""
        if self._refused is not None or not self._books:
            self.status.state = "off"
            self.status.detail = self._refused or "GEX_SYMBOL names nothing that has a future"
            stop.wait()
            return
        self._begin()
        while not stop.is_set():
            self.step()
            stop.wait(LOOK)
        self._write()
        if self._file is not None:
            self._file.close()

    def step(self) -> None:
        """One look."""
        if self._clock.monotonic() - self._touched >= TOUCH:
            self._touched = self._clock.monotonic()
            for book in self._books.values():
                self._inputs.touch(book.symbol)
        for book in self._books.values():
            self._look_at_cboe(book)
        with self._lock:
            told, self._to_tell = self._to_tell, {}
        if told:
            self._publish([Update(TOPIC, symbol, found) for symbol, found in told.items()])
        self._write()
        self._tell()

    def _tell(self) -> None:
        rows = [book.newest for book in self._books.values() if book.newest is not None]
        problems = [book for book in self._books.values() if book.problem is not None]
        status = self.status
        status.state = "live" if not problems else "stale" if rows else "connecting"
        facts = status.facts
        counts = f"{facts['successes']:,} sets taken, {facts['failures']:,} failed"
        status.detail = "; ".join([*map(self._words, self._books.values()), counts])
        if self._file is not None and self._file.problem is not None:
            status.detail += f"; not kept: {self._file.problem}"

    def _words(self, book: _Book) -> str:
        row, problem = book.newest, book.problem
        if row is None:
            return f"{book.future}: {problem}"
        age = max(0, round((self._clock.market() - row.known_at) / 60))
        frozen = ", factor frozen" if row.frozen else ""
        text = f"{book.future}: {row.symbol} by {row.feed}, known {age}m ago{frozen}"
        return text if problem is None else f"{text}; no newer: {problem}"


def cboe_report(
    chain: OptionChain, rates: Callable[[str], Rates], factor: Factor | None
) -> Mapping[str, Any]:
    """The report of a whole delayed chain, all expiries. CPU work: keep it off the loop."""
    from grok_sauce.analytics import gex_status, levels

    kind = gex_status.kind_of(None, chain.symbol)
    closed = gex_status.is_closed(kind, chain.as_of)
    return levels.report(
        chain,
        rates(chain.symbol),
        conversion=factor,
        status={"state": "closed" if closed else "live", "text": "Cboe's delayed chain."},
        stale=gex_status.stale_after(kind, chain.as_of),
    )
