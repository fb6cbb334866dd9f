"""The work of live GEX: books kept from the state, frozen chains, one report per view.

take_changes(view)                    on the engine's thread, every beat
item(view, key, symbol, name) -> Item what one report needs, copied
run(work) -> {key: payload}           on a thread of its own
nearest_pains(view) -> {symbol: row}  max pain of each underlying's nearest expiry

Needs numpy; loaded with the first chain.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from grok_sauce.analytics import gex_status as says
from grok_sauce.analytics import levels, max_pain
from grok_sauce.analytics.conversion import Factor, FactorKeeper, implied_spot
from grok_sauce.analytics.forward import Rates
from grok_sauce.analytics.gex_live import Work, wishes_of
from grok_sauce.analytics.trading_day import TradingDay
from grok_sauce.analytics.view import View
from grok_sauce.market import sessions
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.chain_book import ChainBook, Spot
from grok_sauce.market.listing import Listing, view_expiries
from grok_sauce.market.state import MarketState
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.market.expiries import Expiry

AGAIN: Final = 60.0  # seconds (real) after which max pain is worked out again in any case
BASIS_OF: Final[frozenset[str]] = frozenset({"SPX", "NDX", "RUT"})  # index and its own future


@dataclass(frozen=True, slots=True)
class Item:
    """One report to make: a chain nobody changes, and what is said beside it."""

    key: str
    view: str
    chain: OptionChain
    rates: Rates
    stale: float
    status: Mapping[str, Any]
    expiries: Callable[[], tuple[dict[str, Any], ...]]
    conversion: Factor | None
    no_conversion: Mapping[str, Any] | None
    alternative: Mapping[str, Any] | None
    previous_close: float | None
    oi_whole: float | None
    held: OptionChain | None = None  # with what is followed outside the window, for max pain


# ---- on the engine's thread -------------------------------------------------------------


def take_changes(view: View) -> None:
    """Bring books and factors up to this beat; cache["news"] names the symbols with changes."""
    cache, state = view.cache, view.state
    books: dict[str, ChainBook] = cache.setdefault("books", {})
    news: set[str] = set()
    for symbol in books.keys() - state.listings.keys():
        del books[symbol]
    for symbol, listing in state.listings.items():
        book = books.get(symbol)
        if book is None or book.listing is not listing:
            book = books[symbol] = _renewed(book, listing)
            news.add(symbol)
        if book.update(state, view.changed) or listing.underlying.streamer in view.changed:
            news.add(symbol)
        _update_factor(view, listing)
    cache["news"] = news


def _renewed(book: ChainBook | None, listing: Listing) -> ChainBook:
    """A book of a new listing; the old one where its contracts are the same."""
    if book is not None and book.has_same_contracts(listing):
        book.listing = listing
        return book
    return ChainBook(listing)


def spot_of(state: MarketState, listing: Listing, now: float, source: str) -> Spot:
    """The underlying's price as it is, with its age; never another instrument's."""
    instrument = listing.underlying
    price = state.price(instrument.streamer, now)
    if price is None or price.value <= 0:
        return Spot(None, "trade", None)
    at = price.at if price.time is None else min(price.at, price.time / 1000)
    basis: str = price.basis
    if instrument.kind == "index" and sessions.phase("index", now).state == "closed":
        basis = "close"
    elif source == "DELAYED":
        basis = "delayed"
    return Spot(price.value, basis, at)


def followed(
    state: MarketState, book: ChainBook, now: float, source: str, expiries: Collection[Expiry]
) -> OptionChain:
    """Everything followed of these expiries, in the window or for one page alone."""
    spot = spot_of(state, book.listing, now, source)
    whole = book.whole(spot, now, source)
    return narrowed(whole, [each for each in whole.expiries if each in expiries])


def _update_factor(view: View, listing: Listing) -> None:
    """Feed the factor of an underlying to its future; a roll begins a new one."""
    future = listing.future
    if future is None or future.contract is None:
        return
    keepers: dict[str, FactorKeeper] = view.cache.setdefault("factors", {})
    keeper = keepers.get(listing.symbol)
    if keeper is None or keeper.contract != future.contract:
        kind = "basis" if listing.symbol in BASIS_OF else "ratio"
        keeper = FactorKeeper(future.contract, "basis" if kind == "basis" else "ratio")
        keepers[listing.symbol] = keeper
        view.cache.setdefault("asked", {})[listing.symbol] = view.now
    quote = view.state.quote(future.streamer)
    price, at = _source_price(view, listing)
    factors = view.cache.setdefault("factor", {})
    factors[listing.symbol] = keeper.update(
        view.now,
        price,
        at,
        None if quote is None else quote.mid,
        None if quote is None else quote.at,
        sessions.phase(listing.underlying.kind, view.now).state == "open",
    )


def _source_price(view: View, listing: Listing) -> tuple[float | None, float | None]:
    """The mid of a share, the value of an index, and when it came."""
    streamer = listing.underlying.streamer
    quote = view.state.quote(streamer) if listing.underlying.kind != "index" else None
    if quote is not None and quote.mid is not None:
        return quote.mid, quote.at
    trade = view.state.trade(streamer)
    return (None, None) if trade is None else (trade.price, trade.at)


def item(view: View, key: str, symbol: str, name: str) -> Item:
    """What a report of one view needs at this moment."""
    listing = view.state.listings.get(symbol)
    if listing is None or listing.gone is not None or not listing.expiries:
        return _cboe_item(view, key, symbol, name, listing)
    book: ChainBook = view.cache["books"][symbol]
    kind = listing.underlying.kind
    spot = spot_of(view.state, listing, view.now, view.source)
    places = listing.places(name, view.now)
    wanted = [listing.expiries[place] for place in places]
    chain = narrowed(book.frozen(spot, view.now, view.source), wanted)
    stale = says.stale_after(kind, view.now)
    factor: Factor | None = view.cache.get("factor", {}).get(symbol)
    return Item(
        key=key,
        view=name,
        chain=chain,
        rates=rates_of(view, symbol),
        stale=stale,
        status=says.live_status(view, listing, name, chain, kind, stale),
        expiries=partial(says.expiry_rows, listing, places, view.now),
        conversion=factor,
        no_conversion=_no_conversion(view, listing) if factor is None else None,
        alternative=_alternative(view, listing, spot, factor),
        previous_close=_previous_close(view, listing),
        oi_whole=_oi_whole(view, symbol),
        held=_held(view, book, spot, wanted),
    )


def _held(view: View, book: ChainBook, spot: Spot, wanted: list[Expiry]) -> OptionChain | None:
    """All followed contracts of these expiries where some are outside the window; else None.

    Max pain asks for all strikes of an expiry, also those that GEX does without.
    """
    expiries = book.listing.expiries
    outside = np.unique(book.expiry[~book.core]).tolist()
    if not any(expiries[place] in wanted for place in outside):
        return None
    return narrowed(book.whole(spot, view.now, view.source), wanted)


def _cboe_item(view: View, key: str, symbol: str, name: str, listing: Listing | None) -> Item:
    """The delayed chain, where the broker has none."""
    whole = view.state.cboe[symbol]
    window = [each for each in whole.expiries if each.settles > view.now][:5]
    wanted = view_expiries(name, whole.expiries, window, view.now)
    ordered = [each for each in whole.expiries if each in wanted]
    chain = narrowed(whole, ordered)
    kind = says.kind_of(listing, symbol)
    return Item(
        key=key,
        view=name,
        chain=chain,
        rates=rates_of(view, symbol),
        stale=says.stale_after(kind, whole.as_of),
        status=says.cboe_status(view, chain, listing),
        expiries=partial(says.cboe_rows, whole, ordered, view.now),
        conversion=None,
        no_conversion=None,
        alternative=None,
        previous_close=None,
        oi_whole=_oi_whole(view, symbol),
    )


def narrowed(chain: OptionChain, wanted: list[Expiry]) -> OptionChain:
    """The contracts of these expiries, with no other expiry in sight."""
    place = {expiry: number for number, expiry in enumerate(wanted)}
    renumber = np.array([place.get(expiry, -1) for expiry in chain.expiries], dtype=np.int64)
    if not len(renumber):
        return chain
    found = chain.take(renumber[chain.expiry] >= 0)
    return replace(found, expiries=tuple(wanted), expiry=renumber[found.expiry])


def rates_of(view: View, symbol: str) -> Rates:
    """Rate and dividend yield of an underlying, from the settings."""
    wished = wishes_of(view).rates
    return Rates(wished.rate, wished.yields.get(symbol, 0.0), wished.source, wished.date)


def _no_conversion(view: View, listing: Listing) -> dict[str, Any] | None:
    """Why levels are not carried to a future although there is one."""
    future = listing.future
    if future is None:
        return None
    asked = view.cache.get("asked", {}).get(listing.symbol, view.now)
    quote = view.state.quote(future.streamer)
    if quote is None and view.now - asked > says.PATIENCE and not view.link_down:
        note = f"No entitlement: no prices of {future.contract} arrive"
    elif quote is None:
        note = f"No price of {future.contract} yet"
    else:
        note = "No pair of prices in trading hours yet"
    return {
        **{"contract": future.contract, "value": None, "age": None, "frozen": True},
        **{"kind": "basis" if listing.symbol in BASIS_OF else "ratio"},
        **{"tick": future.tick, "note": note},
    }


def _alternative(
    view: View, listing: Listing, spot: Spot, factor: Factor | None
) -> dict[str, Any] | None:
    """Where the future says that a closed cash index would be."""
    future = listing.future
    if spot.basis != "close" or factor is None or future is None:
        return None
    quote = view.state.quote(future.streamer)
    if quote is None or quote.mid is None:
        return None
    return {
        "value": implied_spot(quote.mid, factor),
        "basis": f"futures_implied:{factor.contract}",
        "age": max(0.0, view.now - quote.at),
    }


def _previous_close(view: View, listing: Listing) -> float | None:
    """The close before the day shown; another day's record does not count."""
    summary = view.state.summary(listing.underlying.streamer)
    if summary is None:
        return None
    day = TradingDay.of(listing.underlying.kind, view.now)
    if summary.day_id == day.number:
        close = summary.prev_close
    else:
        close = summary.day_close if summary.day_id == day.before else None
    return close if close is not None and close > 0 else None


def _oi_whole(view: View, symbol: str) -> float | None:
    """Open interest of all unsettled contracts where Cboe's file knows it."""
    whole = view.state.cboe.get(symbol)
    if whole is None:
        return None
    kept = view.cache.setdefault("whole", {})
    known = kept.get(symbol)
    if known is None or known[0] is not whole:
        oi = whole.oi[whole.settles() > view.now]
        total = float(oi[oi > 0].sum())
        known = kept[symbol] = (whole, total if total > 0 else None)
    found: float | None = known[1]
    return found


def nearest_pains(view: View) -> dict[str, Any]:
    """Max pain of the expiry that settles next, per underlying whose open interest is followed.

    A row is worked out again on new open interest, and each minute, because of two strikes that
    tie the one nearer to spot counts.
    """
    kept: dict[str, _Pain] = view.cache.setdefault("pains", {})
    found: dict[str, Any] = {}
    for symbol, listing in view.state.listings.items():
        place = listing.nearest(view.now)
        if place is None or place not in listing.expiry:
            continue
        one = kept.get(symbol)
        if one is None or one.listing is not listing or one.place != place:
            one = kept[symbol] = _Pain(listing, place, ChainBook(listing.only(place)))
        is_new = one.book.update(view.state, view.changed, ("Summary",))
        if is_new or view.real - one.at >= AGAIN:
            one.row, one.at = _pain_row(view, one), view.real
        if one.row is not None:
            found[symbol] = one.row
    for gone in kept.keys() - found.keys():
        del kept[gone]
    return found


@dataclass(slots=True)
class _Pain:
    """What is kept of one underlying's nearest expiry."""

    listing: Listing
    place: int
    book: ChainBook
    row: dict[str, Any] | None = None
    at: float = -AGAIN


def _pain_row(view: View, one: _Pain) -> dict[str, Any] | None:
    spot = spot_of(view.state, one.listing, view.now, view.source)
    chain = one.book.whole(spot, view.now, view.source)
    row = next(iter(max_pain.per_expiry(chain, view.now)), None)
    if row is None:
        return None
    known = int(np.count_nonzero(np.isfinite(chain.oi)))
    date = None if chain.oi_date is None else chain.oi_date.isoformat()
    return {
        **{"symbol": one.listing.symbol, **row},
        **{"oi_date": date, "known": known, "of": len(chain)},
    }


# ---- on a thread of its own -------------------------------------------------------------


def run(work: Work) -> dict[str, Any]:
    """A payload per item; the chain each was made of stays in work.used."""
    found = {}
    for one in work.items:
        found[one.key] = payload(one)
        work.used[one.key] = one
    return found


def payload(one: Item, gamma: Any = "model") -> dict[str, Any]:
    """The report of one view, with what only the live side knows."""
    held = one.held
    made = levels.report(
        one.chain,
        one.rates,
        gamma=gamma,
        conversion=one.conversion,
        oi_whole=one.oi_whole,
        view=one.view,
        previous_close=one.previous_close,
        spot_alternative=one.alternative,
        status=one.status,
        stale=one.stale,
        pains=None if held is None else max_pain.per_expiry(held, held.as_of),
    )
    if one.no_conversion is not None:
        made["conversion"] = dict(one.no_conversion)
    return {**made, "expiries": list(one.expiries())}
