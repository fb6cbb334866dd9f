"""The plan for one underlying: which contracts are followed, who asks the feed for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final

from grok_sauce.feeds.subscriptions import Subscription
from grok_sauce.market import sessions
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.listing import ListedChain, ListedExpiry, Listing, view_expiries
from grok_sauce.market.window import QUOTES_EACH_SIDE, QUOTES_SLACK, Anchors, slack_of
from grok_sauce.values import dataclass

UNDERLYING: Final = ("Quote", "Trade", "TradeETH", "Summary", "Profile")
GREEKS: Final = ("Greeks", "Summary", "Trade")
# Prints (TimeAndSale) are followed of this many expiries, today's and the next, whose estimates
# the next morning judges, and of so many strikes to either side of the money.
PRINT_EXPIRIES: Final = 2
PRINT_STRIKES: Final = 15
# Rates less dividends, a year: a forward is about this far above spot. Quotes are followed on
# both sides of it, so that a percent more or less does not matter.
CARRY: Final = 0.025


@dataclass(frozen=True, slots=True)
class Need:
    """What is wanted of one underlying.

    is_preset: its window, always. views: names of those open. packages: (owner, streamer
    symbols) of contracts that a page wants to the cent. is_table: max pain of its nearest
    expiry. each_side and expiries: size of a window.
    """

    is_preset: bool = False
    is_table: bool = False
    views: tuple[str, ...] = ()
    packages: tuple[tuple[str, tuple[str, ...]], ...] = ()
    each_side: int = 60
    expiries: int = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """wants: owner -> subscriptions, most needed first. basis: what it was made of."""

    basis: tuple[object, ...]
    listing: Listing
    wants: Mapping[str, tuple[Subscription, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Cut:
    """The strikes followed of one expiry: places of the window and of those with quotes."""

    place: int
    strikes: range
    quotes: range
    middle: int


def plan_of(
    chain: ListedChain | None,
    need: Need,
    underlying: Instrument,
    future: Instrument | None,
    spot: float | None,
    now: float,
    anchors: Anchors,
    before: Plan | None = None,
) -> Plan:
    """The plan at market time now; `before` itself where nothing changed.

    Without a spot only the underlying is asked for: windows are cut around it.
    """
    expiries = chain.expiries if chain is not None else ()
    names = [listed.expiry for listed in expiries]
    unsettled = [place for place, expiry in enumerate(names) if expiry.settles > now]
    window = tuple(unsettled[: need.expiries])
    in_window = {names[place] for place in window}
    asked: dict[str, tuple[int, ...]] = {}
    if need.is_preset:
        asked[f"gex:{underlying.symbol}"] = window
    for view in need.views:
        wanted = view_expiries(view, names, in_window, now)
        places = tuple(place for place in unsettled if names[place] in wanted)
        asked[f"view:{underlying.symbol}:{view}"] = places
    if underlying.symbol == "VIX":
        asked = {}  # refused: its options hang on its futures
    cuts: dict[int, _Cut] = {}
    if spot is not None:
        for place in sorted({place for places in asked.values() for place in places}):
            cuts[place] = _cut(expiries[place], place, need.each_side, spot, now, anchors)
    pain = unsettled[0] if need.is_table and unsettled else None
    basis = (
        *(id(chain), need, underlying, future, window, pain),
        *(tuple(asked.items()), tuple(cuts.values())),
    )
    if before is not None and before.basis == basis:
        return before
    return Plan(
        basis,
        _listing(chain, need, underlying, future, window, cuts, pain),
        _wants(expiries, need, underlying, future, asked, cuts, pain),
    )


def _cut(
    listed: ListedExpiry, place: int, each_side: int, spot: float, now: float, anchors: Anchors
) -> _Cut:
    strikes = anchors.around(listed, spot, each_side, slack_of(each_side))
    years = sessions.years_to(listed.expiry.settles, now)
    forward = spot * (1 + CARRY * years)
    quotes = anchors.around(listed, forward, QUOTES_EACH_SIDE, QUOTES_SLACK)
    return _Cut(place, strikes, quotes, (strikes.start + strikes.stop) // 2)


def _listing(
    chain: ListedChain | None,
    need: Need,
    underlying: Instrument,
    future: Instrument | None,
    window: tuple[int, ...],
    cuts: Mapping[int, _Cut],
    pain: int | None,
) -> Listing:
    expiries = chain.expiries if chain is not None else ()
    rows: dict[str, tuple[int, int, bool, float | None, bool]] = {}
    for place, cut in cuts.items():
        for strike in cut.strikes:
            _take(rows, expiries[place], place, strike, True)
    if pain is not None:
        for strike in range(len(expiries[pain].strikes)):
            _take(rows, expiries[pain], pain, strike, False)
    packaged = {streamer for _, contracts in need.packages for streamer in contracts}
    if packaged - rows.keys():
        for place, listed in enumerate(expiries):
            if packaged.isdisjoint(listed.calls) and packaged.isdisjoint(listed.puts):
                continue
            for strike in range(len(listed.strikes)):
                if listed.calls[strike] in packaged or listed.puts[strike] in packaged:
                    _take(rows, listed, place, strike, False)
    columns = tuple(zip(*rows.values(), strict=True)) or ((),) * 5
    return Listing(
        symbol=underlying.symbol,
        underlying=underlying,
        expiries=tuple(listed.expiry for listed in expiries),
        listed=tuple(listed.contracts for listed in expiries),
        window=window,
        whole=frozenset(cuts),
        streamers=tuple(rows),
        expiry=columns[0],
        strike=columns[1],
        is_call=columns[2],
        multiplier=columns[3],
        core=columns[4],
        future=future,
    )


def _take(
    rows: dict[str, tuple[int, int, bool, float | None, bool]],
    listed: ListedExpiry,
    place: int,
    strike: int,
    core: bool,
) -> None:
    for streamer, is_call in ((listed.calls[strike], True), (listed.puts[strike], False)):
        if streamer is not None and streamer not in rows:
            rows[streamer] = (place, listed.strikes[strike], is_call, listed.multiplier, core)


def _wants(
    expiries: Sequence[ListedExpiry],
    need: Need,
    underlying: Instrument,
    future: Instrument | None,
    asked: Mapping[str, tuple[int, ...]],
    cuts: Mapping[int, _Cut],
    pain: int | None,
) -> dict[str, tuple[Subscription, ...]]:
    """Subscriptions by owner: near expiries before far ones, near strikes before far ones."""
    base = [Subscription(kind, underlying.streamer) for kind in UNDERLYING]
    if future is not None:
        base.append(Subscription("Quote", future.streamer))
    wants: dict[str, tuple[Subscription, ...]] = {}
    for owner, places in asked.items():
        found = list(base)
        for place in places:
            if place in cuts:
                found += _window_wants(expiries[place], cuts[place])
        wants[owner] = tuple(found)
    for owner, contracts in need.packages:
        wants[f"package:{underlying.symbol}:{owner}"] = (
            *base,
            *(Subscription(kind, each) for each in contracts for kind in (*GREEKS, "Quote")),
        )
    if need.is_preset:
        prints = _print_wants(expiries, cuts)
        if prints:
            wants[f"tape:{underlying.symbol}"] = prints
    if pain is not None:
        listed = expiries[pain]
        both = zip(listed.calls, listed.puts, strict=True)
        wants[f"pain:{underlying.symbol}"] = tuple(
            Subscription("Summary", each) for pair in both for each in pair if each is not None
        )
    return wants


def _print_wants(
    expiries: Sequence[ListedExpiry], cuts: Mapping[int, _Cut]
) -> tuple[Subscription, ...]:
    found = []
    for place in sorted(cuts)[:PRINT_EXPIRIES]:
        cut, listed = cuts[place], expiries[place]
        for strike in sorted(cut.strikes, key=lambda each: abs(each - cut.middle)):
            if abs(strike - cut.middle) > PRINT_STRIKES:
                break
            for streamer in (listed.calls[strike], listed.puts[strike]):
                if streamer is not None:
                    found.append(Subscription("TimeAndSale", streamer))
    return tuple(found)


def _window_wants(listed: ListedExpiry, cut: _Cut) -> list[Subscription]:
    found = []
    for strike in sorted(cut.strikes, key=lambda place: abs(place - cut.middle)):
        kinds = (*GREEKS, "Quote") if strike in cut.quotes else GREEKS
        for streamer in (listed.calls[strike], listed.puts[strike]):
            if streamer is not None:
                found += [Subscription(kind, streamer) for kind in kinds]
    return found
