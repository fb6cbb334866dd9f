"""Chain watch: which options are listed, and which of them the feed follows right now."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Final, Protocol

from grok_sauce.errors import SourceError, SourceRefused
from grok_sauce.feeds.subscriptions import (
    NEAREST,
    PRESET,
    PRINTS,
    VIEW,
    Shortfall,
    Subscription,
)
from grok_sauce.following.chain_plan import Need, Plan, plan_of
from grok_sauce.following.views import Views
from grok_sauce.market.batches import Batch
from grok_sauce.market.expiries import ahead
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.listing import GONE, Gone, ListedChain, Listing
from grok_sauce.market.window import Anchors
from grok_sauce.runtime.backoff import Backoff
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.settings.document import Gex
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

PAUSE: Final = 1.0  # seconds (real) between two looks at spot, views and the calendar
FIRST_RETRY: Final = 15.0
LAST_RETRY: Final = 600.0
# Underlying -> the future its levels are carried over to, and that tells of its spot at night.
FUTURES: Final = {
    **{"SPX": "/ES", "SPY": "/ES", "NDX": "/NQ", "QQQ": "/NQ"},
    **{"RUT": "/RTY", "IWM": "/RTY", "DIA": "/YM"},
}


class Feed(Protocol):
    """What is asked of the feed."""

    def want(self, owner: str, subscriptions: Iterable[Subscription], priority: int) -> None:
        """Replace what an owner wants."""

    def drop(self, owner: str) -> None:
        """The owner wants nothing any more."""

    @property
    def shortfalls(self) -> tuple[Shortfall, ...]:
        """Owners that did not get all they want."""


class Broker(Protocol):
    """What is asked of the broker; each may raise SourceError or SourceRefused."""

    def listed(self, symbol: str) -> ListedChain:
        """All options of an underlying, fetched now."""

    def front_month(self, symbol: str) -> Instrument:
        """The future a root such as "/ES" stands for now."""

    def day_of(self, now: float) -> str:
        """Names the span of market time for which one chain is good."""


class Market(Protocol):
    """What is asked of the market state."""

    def instrument(self, symbol: str) -> Instrument:
        """What a user's symbol stands for, as far as it is known."""

    def prices(self, streamers: Sequence[str]) -> Mapping[str, float | None]:
        """About where each is now. Raises SourceError when nobody answers."""


@dataclass(slots=True)
class _Book:
    """One underlying: its chain, and what was told of it last."""

    symbol: str
    chain: ListedChain | None = None
    day: str | None = None
    gone: Gone | None = None
    detail: str = ""
    retry_at: float = 0.0  # monotonic
    backoff: Backoff = field(default_factory=lambda: Backoff(FIRST_RETRY, LAST_RETRY))
    anchors: Anchors = field(default_factory=Anchors)
    future: Instrument | None = None
    plan: Plan | None = None
    owners: frozenset[str] = frozenset()
    listing: Listing | None = None


class ChainWatch:
    """A worker: fetches option chains and keeps the feed following the right window of them.

    Chains of GEX symbols and of open views are followed with Greeks, open interest and
    volume in a window around spot; of every other table symbol the open interest of the
    nearest expiry is, for max pain. One chain that cannot be fetched does not hold up
    another; it is asked again later, and what was known of it stays.

    warm() is called once before the first options are followed.
    """

    name = "chains"

    def __init__(
        self,
        broker: Broker,
        feed: Feed,
        sink: Callable[[Batch], None],
        market: Market,
        views: Views,
        clock: Clock,
        status: SourceStatus | None = None,
        warm: Callable[[], None] = lambda: None,
    ) -> None:
        self._broker = broker
        self._feed = feed
        self._sink = sink
        self._market = market
        self._views = views
        self._clock = clock
        self.status = status or SourceStatus("chains", "Option chains")
        self._warm: Callable[[], None] | None = warm
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._gex = Gex()
        self._table: tuple[str, ...] = ()
        self._packages: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._books: dict[str, _Book] = {}
        self._shortfalls: tuple[Shortfall, ...] = ()

    # ---- from any thread ----------------------------------------------------------------

    def set_gex(self, chosen: Gex) -> None:
        """Follow these symbols, this many strikes and expiries from now on."""
        self._gex = chosen
        self._wake.set()

    def set_table(self, symbols: Sequence[str]) -> None:
        """The table's symbols: each with options gets its max pain."""
        self._table = tuple(dict.fromkeys(symbols))
        self._wake.set()

    def want_quotes(self, owner: str, symbol: str, contracts: Iterable[str]) -> None:
        """Follow these contracts (streamer symbols) of an underlying with quotes as well.

        Replaces what the owner wanted before; no contracts: nothing any more. They are
        in the listing within a second, and in no sum of GEX unless they were before.
        """
        wanted = tuple(dict.fromkeys(contracts))
        with self._lock:
            self._packages.pop(owner, None)
            if wanted:
                self._packages[owner] = (symbol, wanted)
        self._wake.set()

    def wake(self) -> None:
        """Look again now: views changed."""
        self._wake.set()

    def chain(self, symbol: str) -> ListedChain | None:
        """Everything listed of an underlying; None while its chain is not there."""
        book = self._books.get(symbol)
        return None if book is None else book.chain

    # ---- the worker ---------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Fetch, choose and follow until stop is set.

        Raises:
            SourceRefused: the broker refuses us; the user must act.
            SourceError: the engine does not answer.
        """
        while not stop.is_set():
            self._wake.clear()
            if self.step():
                continue  # another chain waits to be fetched
            for _ in range(round(PAUSE / 0.25)):
                if self._wake.wait(0.25) or stop.is_set():
                    break

    def step(self) -> bool:
        """One look: at most one chain is fetched; True when another one should be."""
        self._views.sweep()
        needs = self._needs()
        for symbol in [symbol for symbol in self._books if symbol not in needs]:
            self._let_go(self._books.pop(symbol))
        for symbol in needs:
            self._books.setdefault(symbol, _Book(symbol))
        fetched = self._fetch_one(needs)
        if self._feed.shortfalls != self._shortfalls:
            self._shortfalls = self._feed.shortfalls
        prices = self._market.prices([self._instrument(symbol).streamer for symbol in needs])
        for symbol, need in needs.items():
            self._follow(self._books[symbol], need, prices)
        self._report()
        return fetched and self._next_due(needs) is not None

    def _needs(self) -> dict[str, Need]:
        """What is wanted of each underlying, the most urgent first."""
        gex, table = self._gex, self._table
        with self._lock:
            packages = dict(self._packages)
        found: dict[str, Need] = {}
        for view in self._views.kept():
            if view.page == "gex":
                need = found.setdefault(view.symbol, Need())
                found[view.symbol] = replace(need, views=(*need.views, view.view))
        for owner, (symbol, contracts) in packages.items():
            need = found.setdefault(symbol, Need())
            found[symbol] = replace(need, packages=(*need.packages, (owner, contracts)))
        for symbol in gex.symbols:
            found[symbol] = replace(found.get(symbol, Need()), is_preset=True)
        for symbol in table:
            if _has_max_pain(self._instrument(symbol)):
                found[symbol] = replace(found.get(symbol, Need()), is_table=True)
        return {
            symbol: replace(need, each_side=gex.strikes_each_side, expiries=gex.expiries)
            for symbol, need in found.items()
        }

    def _instrument(self, symbol: str) -> Instrument:
        return self._market.instrument(symbol)

    # ---- fetching -----------------------------------------------------------------------

    def _next_due(self, needs: Iterable[str]) -> _Book | None:
        day, now = self._broker.day_of(self._clock.market()), self._clock.monotonic()
        for symbol in needs:
            book = self._books[symbol]
            if book.day != day and now >= book.retry_at:
                return book
        return None

    def _fetch_one(self, needs: Iterable[str]) -> bool:
        book = self._next_due(needs)
        if book is None:
            return False
        day = self._broker.day_of(self._clock.market())
        instrument = self._instrument(book.symbol)
        if instrument.kind == "future":
            book.day, book.gone = day, "future_options"
            return True
        try:
            if instrument.problem != "not_offered" and instrument.has_options is not False:
                chain = self._broker.listed(book.symbol)
            else:
                chain = ListedChain(book.symbol, ())
            book.future = self._future_of(book)
        except SourceRefused:
            raise
        except SourceError as problem:
            self._not_answered(book, problem)
            return True
        book.chain, book.day, book.detail = chain, day, ""
        book.gone = None if chain.expiries else "no_options"
        book.backoff.reset()
        if book.symbol == "VIX":
            book.gone = "vix_needs_future"
        self.status.events += sum(listed.contracts for listed in chain.expiries)
        return True

    def _not_answered(self, book: _Book, problem: SourceError) -> None:
        """Keep what is known of it, and ask again later."""
        book.retry_at = self._clock.monotonic() + book.backoff.next()
        if book.detail != str(problem):
            log.warning("chain of %s: %s", book.symbol, problem)
        book.detail = str(problem)
        if book.chain is None:
            book.gone = "not_answered"
        self.status.failed(f"{book.symbol}: {problem}", self._clock.real())

    def _future_of(self, book: _Book) -> Instrument | None:
        root = FUTURES.get(book.symbol)
        if root is None:
            return None
        found = self._broker.front_month(root)
        return found if found.contract is not None else None

    # ---- following ----------------------------------------------------------------------

    def _follow(self, book: _Book, need: Need, prices: Mapping[str, float | None]) -> None:
        """Tell the state and the feed what is followed, where that changed."""
        instrument = self._instrument(book.symbol)
        now = self._clock.market()
        if book.chain is not None:
            book.anchors.forget(frozenset(ahead((e.expiry for e in book.chain.expiries), now)))
        spot = prices.get(instrument.streamer)
        found = plan_of(
            book.chain, need, instrument, book.future, spot, now, book.anchors, book.plan
        )
        listing = replace(
            found.listing,
            gone=book.gone,
            detail=book.detail,
            short=self._short(book.symbol),
        )
        if listing != book.listing:
            if listing.streamers and self._warm is not None:
                self._warm()
                self._warm = None
            book.listing = listing
            # Told first, wanted then: no event of a contract may come before its listing.
            self._sink(Batch("Chain", [book.symbol], ([listing],), now))
        if found is not book.plan:
            for owner in book.owners - found.wants.keys():
                self._feed.drop(owner)
            for owner, subscriptions in found.wants.items():
                if book.plan is None or book.plan.wants.get(owner) != subscriptions:
                    self._feed.want(owner, subscriptions, _priority(owner))
            book.plan, book.owners = found, frozenset(found.wants)

    def _let_go(self, book: _Book) -> None:
        for owner in book.owners:
            self._feed.drop(owner)
        self._sink(Batch("Chain", [book.symbol], ([None],), self._clock.market()))

    def _short(self, symbol: str) -> dict[str, tuple[int, int, str]]:
        """By view: subscriptions asked, given, and what is used up."""
        found = {}
        for short in self._shortfalls:
            kind, _, rest = short.owner.partition(":")
            owner, _, view = rest.partition(":")
            if owner == symbol and kind in ("gex", "view", "pain"):
                name = {"gex": "all", "pain": "max_pain"}.get(kind, view)
                found[name] = (short.asked, short.given, short.reason)
        return found

    # ---- what is said of it -------------------------------------------------------------

    def _report(self) -> None:
        books = self._books.values()
        waiting = [book.symbol for book in books if book.chain is None and book.gone is None]
        failing = [book.symbol for book in books if book.detail]
        contracts = sum(len(book.listing) for book in books if book.listing is not None)
        parts = [f"{sum(1 for book in books if book.chain)} chains, {contracts:,} options followed"]
        if failing:
            parts.append(f"not answered: {', '.join(failing)}")
        for book in books:
            for view, (asked, given, why) in (book.listing.short if book.listing else {}).items():
                parts.append(f"{book.symbol} {view}: {given:,} of {asked:,} lines ({why})")
        self.status.detail = "; ".join(parts)
        self.status.state = "backoff" if failing else "connecting" if waiting else "live"


def _has_max_pain(instrument: Instrument) -> bool:
    return instrument.kind != "future" and instrument.problem not in (
        "not_offered",
        "unknown_symbol",
    )


def _priority(owner: str) -> int:
    kind = owner.partition(":")[0]
    return {"gex": PRESET, "pain": NEAREST, "tape": PRINTS}.get(kind, VIEW)


def reason_of(listing: Listing | None) -> str | None:
    """Why an underlying's options cannot be shown, in words; None where they can."""
    if listing is None or listing.gone is None:
        return None
    return GONE[listing.gone] + (f" ({listing.detail})" if listing.detail else "")
