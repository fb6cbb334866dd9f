"""Options of the simulated market: found by symbol, priced when looked at, told when changed."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.errors import BadPayload
from grok_sauce.market.instruments import parse_streamer
from grok_sauce.market.sessions import day_id, is_session, new_york_date, regular
from grok_sauce.simulator.chains import (
    BOOK_OF_ROOT,
    BOOKS,
    Book,
    Expiry,
    expiries,
    nested,
    strikes,
)
from grok_sauce.simulator.events import Event, head, index_of
from grok_sauce.simulator.interest import share_of_day
from grok_sauce.simulator.slices import Slice, Terms, World

Places = NDArray[np.int64]

KINDS: Final = ("Quote", "Trade", "Summary", "Greeks", "Profile")
_LATE: Final = 900.0  # index and ETF options trade a quarter of an hour longer
_KEEP: Final = 400  # slices in memory
_DAY: Final = timedelta(days=1)
_NAN: Final = math.nan


class Options:
    """One door to all options.

    spot(underlying, instant) and vix(instant) give prices; reference(underlying, day) the
    close before a day, around which that day's strikes are listed; is_open(day) the
    world's trading days. unit is the shortest time between two pricings of a contract.
    """

    def __init__(
        self,
        seed: int,
        spot: Callable[[str, float], float | None],
        vix: Callable[[float], float | None],
        reference: Callable[[str, date], float | None],
        is_open: Callable[[date], bool],
    ) -> None:
        self.unit = 1.0
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
                known = terms.root in BOOK_OF_ROOT and terms.streamer == streamer
                self._places[streamer] = (
                    (terms.root, terms.expiry, terms.strike, terms.right) if known else None
                )
        return self._places[streamer]

    def _slice(self, root: str, day: date, today: date) -> Slice | None:
        key = (root, day, today)
        if key in self._slices:
            self._slices.move_to_end(key)
            return self._slices[key]
        book = BOOK_OF_ROOT[root]
        wanted = [
            each
            for each in expiries(book.underlying, today)
            if each.root == root and each.day == day
        ]
        made = self._make(book, wanted[0], today) if wanted else None
        self._slices[key] = made
        while len(self._slices) > _KEEP:
            self._slices.popitem(last=False)
        return made

    def _make(self, book: Book, expiry: Expiry, today: date) -> Slice | None:
        reference = self._reference(book.underlying, today)
        vix = self._reference("VIX", today)
        if reference is None or vix is None:
            return None
        listed = tuple(strikes(expiry, reference, today))
        return Slice(Terms(expiry, book, listed, reference, today, vix, self._seed))

    def chain(self, underlying: str, now: float) -> dict[str, Any] | None:
        """The nested chain of a New York date; None without listed options."""
        today = new_york_date(now)
        known = self._chains.get(underlying)
        if known is not None and known[0] == today:
            return known[1]
        reference = self._reference(underlying, today) if underlying in BOOKS else None
        if reference is None:
            return None
        listed = [
            (expiry, strikes(expiry, reference, today)) for expiry in expiries(underlying, today)
        ]
        chain = nested(underlying, listed, today)
        self._chains[underlying] = (today, chain)
        return chain

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
            self._clocks[book.underlying] = self._last_open(book, now, day)
        return self._clocks[book.underlying]

    def _last_open(self, book: Book, now: float, day: date) -> tuple[float, date]:
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

        def world(instant: float) -> World | None:
            spot, vix = self._spot(underlying, instant), self._vix(instant)
            return None if spot is None or vix is None else World(spot, vix)

        return at, session, part.refresh(at, self.unit, world)

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
            return event | self._summary(part, place, session)
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
            return event | self._greeks(part, place)
        if kind == "Quote":
            return event | self._quote(part, place)
        traded = self._day_volume(part, place, at, session)
        return event | self._trade(part, place, traded, session) if traded else None

    def _greeks(self, part: Slice, place: int) -> Event:
        time_ms = int(part.priced_at[place] * 1000)
        columns = part.columns
        return {
            "eventFlags": 0,
            "index": index_of(time_ms),
            "time": time_ms,
            "sequence": 0,
            "price": float(columns["price"][place]),
            "volatility": float(columns["vol"][place]),
            "delta": float(columns["delta"][place]),
            "gamma": float(columns["gamma"][place]),
            "theta": float(columns["theta"][place]),
            "rho": float(columns["rho"][place]),
            "vega": float(columns["vega"][place]),
        }

    def _quote(self, part: Slice, place: int) -> Event:
        size = 1 + place * 7919 % 97
        return {
            "sequence": 0,
            "timeNanoPart": 0,
            "bidTime": 0,
            "bidExchangeCode": "C",
            "bidPrice": float(part.columns["bid"][place]),
            "bidSize": float(size),
            "askTime": 0,
            "askExchangeCode": "C",
            "askPrice": float(part.columns["ask"][place]),
            "askSize": float(1 + size * 31 % 89),
        }

    def _trade(self, part: Slice, place: int, traded: float, session: date) -> Event:
        bid, ask = float(part.columns["bid"][place]), float(part.columns["ask"][place])
        at_ask = bid == 0.0 or (int(traded) * 2654435761 + place) % 7 < 4
        return {
            "time": int(part.priced_at[place] * 1000),
            "timeNanoPart": 0,
            "sequence": 0,
            "exchangeCode": "C",
            "price": ask if at_ask else bid,
            "change": _NAN,
            "size": float(1 + int(traded) % 10),
            "dayId": day_id(session),
            "dayVolume": traded,
            "dayTurnover": _NAN,
            "tickDirection": "UNDEFINED",
            "extendedTradingHours": False,
        }

    def _summary(self, part: Slice, place: int, session: date) -> Event:
        return {
            "dayId": day_id(session),
            "dayOpenPrice": _NAN,
            "dayHighPrice": _NAN,
            "dayLowPrice": _NAN,
            "dayClosePrice": _NAN,
            "dayClosePriceType": "REGULAR",
            "prevDayId": 0,
            "prevDayClosePrice": _NAN,
            "prevDayClosePriceType": "REGULAR",
            "prevDayVolume": _NAN,
            "openInterest": int(part.open_interest[place]),
        }

    def _elapsed(self, part: Slice, at: float, session: date) -> float:
        opening, close = self._hours(part.terms.book, session)
        return share_of_day((at - opening) / (close - opening))

    def _day_volume(self, part: Slice, place: int, at: float, session: date) -> float:
        whole = float(part.volumes(session)[place])
        return float(math.floor(whole * self._elapsed(part, at, session)))

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
            whose = {
                "Greeks": touched,
                "Quote": part.requoted,
                "Trade": part.newly_traded(session, self._elapsed(part, at, session)),
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
