"""Options of the simulated market: found by symbol, priced when looked at, told when changed."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.errors import BadPayload
from grok_sauce.market.instruments import parse_streamer
from grok_sauce.market.sessions import is_session, new_york_date, regular
from grok_sauce.simulator import option_events
from grok_sauce.simulator.chains import (
    BOOK_OF_ROOT,
    BOOKS,
    Book,
    Expiry,
    expiries,
    nested,
    strikes,
)
from grok_sauce.simulator.events import Event, head
from grok_sauce.simulator.interest import share_of_day
from grok_sauce.simulator.recorded_chain import RecordedChain
from grok_sauce.simulator.slices import Slice, Terms, World

Places = NDArray[np.int64]

KINDS: Final = ("Quote", "Trade", "Summary", "Greeks", "Profile", "TimeAndSale")
_LATE: Final = 900.0  # index and ETF options trade a quarter of an hour longer
_KEEP: Final = 400  # slices in memory
_DAY: Final = timedelta(days=1)


class Options:
    """One door to all options.

    spot(underlying, instant) and vix(instant) give prices; reference(underlying, day) the
    close before a day, around which that day's strikes are listed; is_open(day) the
    world's trading days. unit is the shortest time between two pricings of a contract.
    recorded replaces what would be listed of its underlying.
    """

    def __init__(
        self,
        seed: int,
        spot: Callable[[str, float], float | None],
        vix: Callable[[float], float | None],
        reference: Callable[[str, date], float | None],
        is_open: Callable[[date], bool],
        recorded: RecordedChain | None = None,
    ) -> None:
        self.unit = 1.0
        self._recorded = recorded
        self._seed = seed
        self._spot = spot
        self._vix = vix
        self._reference = reference
        self._is_open = is_open
        self._slices: OrderedDict[tuple[str, date, date], Slice | None] = OrderedDict()
        self._places: dict[str, tuple[str, date, Decimal, str] | None] = {}
        self._watched: dict[tuple[str, date], dict[str, set[str]]] = {}
        # Watched symbols of an expiration and kind, and their places in its slice today.
        self._columns: dict[tuple[str, date, str], tuple[date, list[str], Places]] = {}
        self._moment: tuple[float, date] = (math.nan, date.min)
        self._clocks: dict[str, tuple[float, date]] = {}  # by underlying, at self._moment
        self._chains: dict[str, tuple[date, dict[str, Any]]] = {}
        self._today: date | None = None

    # ---- finding -------------------------------------------------------------------------

    def find(self, streamer: str, now: float) -> tuple[Slice, int] | None:
        """The slice of a contract and its place in it; None when it is not listed today."""
        terms = self._terms_of(streamer)
        if terms is None:
            return None
        root, day, strike, right = terms
        part = self._slice(root, day, self._date(now))
        place = part.index(strike, right) if part else None
        return None if part is None or place is None else (part, place)

    def _terms_of(self, streamer: str) -> tuple[str, date, Decimal, str] | None:
        if streamer not in self._places:
            if len(self._places) > 60_000:
                self._places.clear()
            try:
                terms = parse_streamer(streamer)
            except BadPayload:
                self._places[streamer] = None
            else:
                known = self._book_of(terms.root) is not None and terms.streamer == streamer
                self._places[streamer] = (
                    (terms.root, terms.expiry, terms.strike, terms.right) if known else None
                )
        return self._places[streamer]

    def _slice(self, root: str, day: date, today: date) -> Slice | None:
        key = (root, day, today)
        if key in self._slices:
            self._slices.move_to_end(key)
            return self._slices[key]
        made = self._make(root, day, today)
        self._slices[key] = made
        while len(self._slices) > _KEEP:
            self._slices.popitem(last=False)
        return made

    def book(self, underlying: str) -> Book | None:
        """What is listed of an underlying; None without options."""
        if self._recorded is not None and underlying == self._recorded.book.underlying:
            return self._recorded.book
        return BOOKS.get(underlying)

    def _book_of(self, root: str) -> Book | None:
        if self._recorded is not None and root in self._recorded.roots:
            return self._recorded.book
        known = BOOK_OF_ROOT.get(root)
        book = None if known is None else self.book(known.underlying)
        return book if book is known else None  # a recording lists its roots, all of them

    def _make(self, root: str, day: date, today: date) -> Slice | None:
        book = self._book_of(root)
        if book is None:
            return None
        reference = self._reference(book.underlying, today)
        vix = self._reference("VIX", today)
        if reference is None or vix is None:
            return None
        for expiry in self._expiries(book, today):
            if expiry.root == root and expiry.day == day:
                return self._slice_of(book, expiry, reference, today, vix)
        return None

    def _slice_of(
        self, book: Book, expiry: Expiry, reference: float, today: date, vix: float
    ) -> Slice:
        listed = tuple(self._strikes(book, expiry, reference, today))
        terms = Terms(expiry, book, listed, reference, today, vix, self._seed)
        recorded = self._recorded
        if recorded is not None and book is recorded.book:
            return recorded.slice(terms)
        return Slice(terms)

    def _expiries(self, book: Book, today: date) -> Iterable[Expiry]:
        if self._recorded is not None and book is self._recorded.book:
            return self._recorded.expiries(today)
        return expiries(book.underlying, today)

    def _strikes(self, book: Book, expiry: Expiry, reference: float, today: date) -> list[Decimal]:
        if self._recorded is not None and book is self._recorded.book:
            return self._recorded.strikes(expiry)
        return strikes(expiry, reference, today)

    def chain(self, underlying: str, now: float) -> dict[str, Any] | None:
        """The nested chain of a New York date; None without listed options."""
        today = new_york_date(now)
        known = self._chains.get(underlying)
        if known is not None and known[0] == today:
            return known[1]
        book = self.book(underlying)
        reference = None if book is None else self._reference(underlying, today)
        if book is None or reference is None:
            return None
        listed = [
            (expiry, self._strikes(book, expiry, reference, today))
            for expiry in self._expiries(book, today)
        ]
        chain = nested(book, listed, today)
        self._chains[underlying] = (today, chain)
        return chain

    def past(self, underlying: str, at: float) -> Iterator[Slice]:
        """All expirations as they were priced at an instant, one at a time; live ones stay."""
        book, today = self.book(underlying), new_york_date(at)
        reference = None if book is None else self._reference(underlying, today)
        vix = self._reference("VIX", today)
        if book is None or reference is None or vix is None:
            return
        moment, _ = self.last_open(book, at, today)
        for expiry in self._expiries(book, today):
            part = self._slice_of(book, expiry, reference, today, vix)
            part.refresh(moment, self.unit, lambda instant: self._world(underlying, instant))
            yield part

    # ---- time ----------------------------------------------------------------------------

    def _hours(self, book: Book, day: date) -> tuple[float, float]:
        opening, close = regular(day)
        return opening, close + (_LATE if book.late else 0.0)

    def _date(self, now: float) -> date:
        """New York's date; remembered, because thousands of contracts ask at one instant."""
        if self._moment[0] != now:
            self._moment = (now, new_york_date(now))
            self._clocks.clear()
        return self._moment[1]

    def clock(self, book: Book, now: float) -> tuple[float, date]:
        """The last instant up to now at which these options traded, and its session."""
        day = self._date(now)
        if book.underlying not in self._clocks:
            self._clocks[book.underlying] = self.last_open(book, now, day)
        return self._clocks[book.underlying]

    def last_open(self, book: Book, now: float, day: date) -> tuple[float, date]:
        """The last instant up to now, a time of day, at which a book traded; its session."""
        for _ in range(30):
            if is_session(day) and self._is_open(day):
                opening, close = self._hours(book, day)
                if now >= opening:
                    return min(now, close), day
            day -= _DAY
        return now, day

    def _fresh(self, part: Slice, now: float) -> tuple[float, date, Any]:
        at, session = self.clock(part.terms.book, now)
        underlying = part.expiry.underlying
        touched = part.refresh(at, self.unit, lambda instant: self._world(underlying, instant))
        return at, session, touched

    def _world(self, underlying: str, instant: float) -> World | None:
        spot, vix = self._spot(underlying, instant), self._vix(instant)
        return None if spot is None or vix is None else World(spot, vix)

    # ---- events --------------------------------------------------------------------------

    def event(self, kind: str, streamer: str, now: float) -> Event | None:
        """The current event of a contract; None when silent."""
        found = self.find(streamer, now) if kind in KINDS else None
        if found is None:
            return None
        part, place = found
        at, session, _ = self._fresh(part, now)
        event = head(kind, streamer)
        if kind == "Summary":
            return event | option_events.summary(part, place, session)
        if kind == "Profile":
            return event | {
                "description": f"{part.expiry.underlying} option",
                "tradingStatus": "ACTIVE",
                "shortSaleRestriction": "UNDEFINED",
                "statusReason": "",
                "haltStartTime": 0,
                "haltEndTime": 0,
            }
        if kind == "Greeks":
            return event | option_events.greeks(part, place)
        if kind == "Quote":
            return event | option_events.quote(part, place)
        if kind == "TimeAndSale":
            return (
                event | option_events.time_and_sale(part, place) if part.printed_at[place] else None
            )
        traded = self._day_volume(part, place, at, session)
        return event | option_events.trade(part, place, traded, session) if traded else None

    def elapsed(self, book: Book, at: float, session: date) -> float:
        """Part of a session's volume traded by an instant."""
        opening, close = self._hours(book, session)
        return share_of_day((at - opening) / (close - opening))

    def _day_volume(self, part: Slice, place: int, at: float, session: date) -> float:
        whole = float(part.volumes(session)[place])
        return float(math.floor(whole * self.elapsed(part.terms.book, at, session)))

    # ---- watching ------------------------------------------------------------------------

    def watch(self, kind: str, streamer: str) -> None:
        """Report changes of this contract's events of this kind."""
        terms = self._terms_of(streamer)
        if terms is not None and kind in KINDS:
            kinds = self._watched.setdefault(terms[:2], {})
            kinds.setdefault(kind, set()).add(streamer)
            self._columns.pop((*terms[:2], kind), None)

    def unwatch(self, kind: str, streamer: str) -> None:
        """Stop reporting."""
        terms = self._terms_of(streamer)
        if terms is None:
            return
        kinds = self._watched.get(terms[:2], {})
        kinds.get(kind, set()).discard(streamer)
        self._columns.pop((*terms[:2], kind), None)
        if not any(kinds.values()):
            self._watched.pop(terms[:2], None)

    def advance(self, now: float) -> set[tuple[str, str]]:
        """Re-price what is watched and due; which (kind, symbol) changed."""
        changed: set[tuple[str, str]] = set()
        today = self._date(now)
        rolled = self._today not in (None, today)
        self._today = today
        if rolled:  # yesterday's strikes, open interest and places are of no use any more
            self._slices.clear()
            self._columns.clear()
        for (root, day), kinds in self._watched.items():
            part = self._slice(root, day, today)
            if part is None:
                continue
            if rolled:
                changed.update(("Summary", streamer) for streamer in kinds.get("Summary", ()))
            at, session, touched = self._fresh(part, now)
            if touched is None:
                continue
            elapsed = self.elapsed(part.terms.book, at, session)
            traded = part.newly_traded(session, elapsed, at)
            whose = {
                "Greeks": touched,
                "Quote": part.requoted,
                "Trade": traded,
                "TimeAndSale": traded & (part.printed_at == at),
            }
            for kind, mask in whose.items():
                if kinds.get(kind):
                    streamers, places = self._places_of(part, kind, kinds[kind])
                    found = np.flatnonzero(mask[places]).tolist()
                    changed.update((kind, streamers[number]) for number in found)
        return changed

    def _places_of(self, part: Slice, kind: str, watched: set[str]) -> tuple[list[str], Places]:
        key, today = (part.expiry.root, part.expiry.day, kind), part.terms.today
        known = self._columns.get(key)
        if known is None or known[0] != today:
            pairs = []
            for streamer in watched:
                terms = self._terms_of(streamer)
                place = part.index(terms[2], terms[3]) if terms else None
                if place is not None:
                    pairs.append((streamer, place))
            places = np.array([place for _, place in pairs], dtype=np.int64)
            known = self._columns[key] = (today, [streamer for streamer, _ in pairs], places)
        return known[1], known[2]
