"""The reactions desk: follows the calendar, measures each release as its horizons pass, tells."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

from grok_sauce.analytics.event_reaction import CLOSED, HORIZONS, MINUTE_MS, iso, reaction, row
from grok_sauce.desks.reactions_book import FOLLOWED, Book
from grok_sauce.desks.reactions_market import EngineMarket, Kept, Market, Seen, joined, span_of
from grok_sauce.engine import Engine
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import Instrument
from grok_sauce.publishers.reactions import ReactionKeeper
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.settings import read_env
from grok_sauce.storage.reactions import DAY_MS, KEEP_DAYS, EventRecord, Key
from grok_sauce.update import Update
from grok_sauce.values import dataclass

TOPIC: Final = "event.reaction"
CALENDAR: Final = "calendar.event"
PAUSE: Final = 1.0  # seconds (real) between two looks
LATER: Final = 30.0  # seconds (real) between two looks at what lacks bars that may still come
MOST: Final = 4  # symbols
HOT: Final = (HORIZONS[-1] + 5) * MINUTE_MS  # after a release its bars may still be corrected
AT_ONCE: Final = 20  # releases whose minutes are copied in one call to the engine


@dataclass(frozen=True, slots=True)
class ReactionSettings:
    """REACTIONS_*: whose reaction is measured."""

    ENV: ClassVar[dict[str, str]] = {"symbols": "REACTIONS_SYMBOLS"}

    symbols: tuple[str, ...] = ()  # of the table; none named: its first four that have prices


class ReactionDesk:
    """A worker; answers "reactions.history".

    table() names the user's symbols in order. Releases come from the payload of
    "calendar.event", minutes from market, what was measured before from kept; what is measured
    goes to keeper. note(sections) hands settings to the engine's analytics: "surprises", the
    earlier surprises of each US event.
    """

    name = "reactions"

    def __init__(
        self,
        market: Market,
        kept: Kept,
        keeper: ReactionKeeper,
        snapshot: Snapshot,
        publish: Callable[[Sequence[Update]], None],
        table: Callable[[], Sequence[str]],
        clock: Clock,
        settings: ReactionSettings | None = None,
        note: Callable[[Mapping[str, Any]], None] = lambda sections: None,
    ) -> None:
        self._market = market
        self._kept = kept
        self._keeper = keeper
        self._snapshot = snapshot
        self._publish = publish
        self._table = table
        self._clock = clock
        self._wished = (settings or ReactionSettings()).symbols
        self._note = note
        self._book: Book | None = None
        self._calendar: Mapping[str, Any] | None = None
        self._symbols: tuple[str, ...] = ()
        self._looked: dict[Key, float] = {}  # release -> when it was looked at, monotonic
        self._came: dict[str, float | None] = {}  # symbol -> arrival of its history
        self._from_file: dict[tuple[Key, str], list[Bar]] = {}
        self._surprises: dict[str, tuple[float, ...]] = {}
        self._gamma_at: dict[Key, float] = {}  # release -> when its exposure was looked for
        self._sign: object = None  # what was told was made of
        self._told: dict[str, Any] | None = None
        self._day: int | None = None

    def register(self, questions: Questions) -> None:
        """Answer what pages ask."""
        questions.register("reactions.history", self.history)

    # ---- answers ------------------------------------------------------------------------

    def history(self, title: str, currency: str = "USD") -> dict[str, Any]:
        """All that is kept of an event's releases, newest first.

        {title, currency, releases: [{id, week, time, cluster, forecast, actual, surprise, unit,
        gamma, rows}]}

        Raises:
            StorageError: the file cannot be read.
        """
        records = self._kept.of_title(title, currency, self._now())
        return {
            "title": title,
            "currency": currency,
            "releases": [_kept_release(record) for record in reversed(records)],
        }

    # ---- the worker ---------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Measure what is due until stop is set.

        Raises:
            StorageError: what was kept cannot be read; nothing is measured over it.
            SourceError: the engine does not answer.
        """
        while not stop.is_set():
            self.step()
            stop.wait(PAUSE)

    def step(self) -> None:
        """One look at the calendar and at every release that may be known better."""
        now = self._now()
        book = self._loaded(now)
        self._follow(book)
        symbols = self._chosen()
        if symbols != self._symbols:
            self._symbols = symbols
            self._looked.clear()
        due = self._due(book, now)
        for start in range(0, len(due), AT_ONCE):
            self._measure(book, due[start : start + AT_ONCE], now)
        self._tell(book, now)

    def _now(self) -> int:
        return int(self._clock.market() * 1000)

    def _loaded(self, now: int) -> Book:
        """The book, with what the file has before anything is put in."""
        if self._book is None:
            book = Book()
            book.load(self._kept.records(now - KEEP_DAYS * DAY_MS, now + FOLLOWED), now)
            self._book = book
        if self._day != now // DAY_MS:
            self._day = now // DAY_MS
            self._book.age(now)
            self._from_file.clear()
        return self._book

    def _follow(self, book: Book) -> None:
        calendar = self._snapshot.get(CALENDAR, "")
        if calendar is None or calendar is self._calendar:
            return
        self._calendar = calendar
        changed, gone = book.follow(calendar)
        self._keeper.keep(changed)
        self._keeper.drop(gone)
        for key in (*(record.key for record in changed), *gone):
            self._looked.pop(key, None)
        surprises = book.surprises()
        if surprises != self._surprises:
            self._surprises = surprises
            self._note({"surprises": surprises})

    def _chosen(self) -> tuple[str, ...]:
        """Symbols in the user's order that have prices."""
        table = list(dict.fromkeys(self._table()))
        wished = [symbol for symbol in self._wished if symbol in table]
        known = ((symbol, self._market.instrument(symbol)) for symbol in wished or table)
        found = [symbol for symbol, instrument in known if _has_prices(instrument)]
        return tuple(found if wished else found[:MOST])

    def _due(self, book: Book, now: int) -> list[EventRecord]:
        """Releases to look at: those of the last hour, and others that lack something."""
        if not self._symbols:
            return []
        at = self._clock.monotonic()
        fresh = self._has_new_history()
        found = []
        for key, record in book.open.items():
            if not now - FOLLOWED <= record.time <= now:
                continue
            looked = self._looked.get(key)
            if looked is None or fresh or now - record.time < HOT:
                is_due = True
            else:
                is_due = at - looked >= LATER and not self._is_complete(record)
            if is_due:
                self._looked[key] = at
                found.append(record)
        return found

    def _has_new_history(self) -> bool:
        """Whether the feed sent bars of the past since the last look."""
        seen = self._market.see(self._symbols, ())
        came = {symbol: each.snapshot_at for symbol, each in seen.items()}
        is_new, self._came = came != self._came, came
        return is_new

    def _is_complete(self, record: EventRecord) -> bool:
        rows = [record.rows.get(symbol) for symbol in self._symbols]
        return all(
            each is not None
            and not each["pending"]
            and all(why == CLOSED for why in each["reasons"].values())
            for each in rows
        )

    # ---- one release ----------------------------------------------------------------------

    def _measure(self, book: Book, records: Sequence[EventRecord], now: int) -> None:
        seen = self._market.see(self._symbols, [record.time for record in records])
        changed = []
        for place, record in enumerate(records):
            rows = dict(record.rows)
            for symbol in self._symbols:
                found = self._row(record, symbol, seen[symbol], place)
                rows[symbol] = better(rows.get(symbol), found)
            known = replace(record, rows=rows, gamma=self._gamma(record, now))
            if known != record:
                book.put(known)
                changed.append(known)
            concurrency.sleep(0)  # dozens at a start: let the others have their turn
        self._keeper.keep(changed)

    def _row(self, record: EventRecord, symbol: str, seen: Seen, place: int) -> dict[str, Any]:
        """What the symbol did, from the state's minutes, and the file's where those begin later."""
        minutes, known_of = seen.minutes[place], seen
        kept = self._kept_minutes(record, symbol, seen)
        if kept:
            minutes = joined(minutes, kept)
            newest = max(kept[-1].time, seen.newest or 0)
            since = min(kept[0].time, seen.since or kept[0].time)
            known_of = replace(seen, since=since, newest=newest)
        known = self._market.known(known_of)
        found = reaction(
            minutes, seen.instrument.kind, record.time / 1000, known, halted=seen.halted
        )
        return row(symbol, found)

    def _kept_minutes(self, record: EventRecord, symbol: str, seen: Seen) -> list[Bar]:
        """Minutes of the file where the state's begin later; read once a release."""
        if seen.since is not None and seen.since <= span_of(record.time)[0]:
            return []
        place = (record.key, symbol)
        if place not in self._from_file:
            found = self._kept.minutes(seen.instrument.streamer, record.time)
            # Minutes after now belong to another run.
            self._from_file[place] = [bar for bar in found if bar.time < self._now()]
        return self._from_file[place]

    def _gamma(self, record: EventRecord, now: int) -> Mapping[str, Any] | None:
        """The exposure before the release, once the minute before it is safe on the disk."""
        settled = record.time + MINUTE_MS + int(3000 * self._clock.speed)
        looked, at = self._gamma_at.get(record.key), self._clock.monotonic()
        is_asked = looked is not None and (at - looked < LATER or now > record.time + HOT)
        if record.gamma is not None or now < settled or is_asked:
            return record.gamma
        self._gamma_at[record.key] = at
        return self._kept.gamma(self._symbols[0], record.time)

    # ---- what is told -------------------------------------------------------------------

    def _tell(self, book: Book, now: int) -> None:
        sign = (book.revision, book.released(now), self._symbols, self._market.source)
        if sign == self._sign:
            return
        self._sign = sign
        told = {
            "source": self._market.source,
            "horizons": list(HORIZONS),
            "symbols": list(self._symbols),
            "events": book.events(now, self._symbols),
            "statistics": book.statistics(now, self._symbols[0] if self._symbols else None),
        }
        if told == self._told:
            return
        self._told = told
        self._publish([Update(TOPIC, "", {**told, "as_of": iso(now / 1000)})])


def reaction_desk(
    engine: Engine,
    path: Path,
    keeper: ReactionKeeper,
    snapshot: Snapshot,
    publish: Callable[[Sequence[Update]], None],
    table: Callable[[], Sequence[str]],
    clock: Clock,
    environ: Mapping[str, str],
) -> ReactionDesk:
    """The desk over the engine's state and the history file at path."""
    settings = read_env(ReactionSettings, environ)
    market, kept = EngineMarket(engine, clock), Kept(path)
    return ReactionDesk(
        market, kept, keeper, snapshot, publish, table, clock, settings, engine.set_settings
    )


def better(before: Mapping[str, Any] | None, found: dict[str, Any]) -> dict[str, Any]:
    """Of two measurements of one release the newer, except where it lost what was known.

    Bars leave the state after some days, and a feed that begins anew has none for a while.
    """
    if before is None or before["before"] is None:
        return found
    if found["before"] is None:
        return dict(before)
    moves = dict(found["moves"])
    lost = [name for name, move in before["moves"].items() if move and moves[name] is None]
    moves.update({name: before["moves"][name] for name in lost})
    for name, move in moves.items():
        old = before["moves"][name]
        if move and old and move["volume_ratio"] is None and move["price"] == old["price"]:
            moves[name] = {**move, "volume_ratio": old["volume_ratio"]}
    return {
        **found,
        **{
            name: before[name] if found[name] is None else found[name]
            for name in ("drift_15", "drift_30")
        },
        "moves": moves,
        "pending": [minutes for minutes in found["pending"] if str(minutes) not in lost],
        "reasons": {name: why for name, why in found["reasons"].items() if name not in lost},
    }


def _has_prices(instrument: Instrument) -> bool:
    is_root = instrument.kind == "future" and instrument.contract is None
    return instrument.problem is None and bool(instrument.streamer) and not is_root


def _kept_release(record: EventRecord) -> dict[str, Any]:
    plain: Iterable[str] = ("id", "week", "cluster", "forecast", "actual", "surprise", "unit")
    return {
        **{name: getattr(record, name) for name in plain},
        "time": iso(record.time / 1000),
        "gamma": record.gamma,
        "rows": list(record.rows.values()),
    }
