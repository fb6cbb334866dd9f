"""What is said of live GEX numbers: live or not, what is missing, which expiries there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np

from grok_sauce.analytics import chain_facts
from grok_sauce.analytics.view import View
from grok_sauce.market import sessions
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.listing import GONE, Listing
from grok_sauce.market.products import Kind

STALE: Final = 900.0  # seconds of options trading after which greeks do not count any more
LATE: Final = 900.0  # options on indices and ETFs trade a quarter of an hour longer
ENOUGH: Final = 0.5  # share of a view's contracts that must have come before it is shown
PATIENCE: Final = 30.0  # seconds after which what was asked for and never came is not to be had
CBOE_STALE: Final = 1800.0


def options_hours(kind: Kind, now: float) -> tuple[float, float]:
    """(open, close) of the options session under way, else of the last one."""
    day = sessions.new_york_date(now)
    if not sessions.is_session(day) or sessions.regular(day)[0] > now:
        day = sessions.previous_session(day)
    opening, close = sessions.regular(day)
    return opening, close + (LATE if kind in ("index", "etf") else 0.0)


def stale_after(kind: Kind, now: float) -> float:
    """Seconds by the clock in which options traded for 900 s: more while the market rests.

    On a Sunday the greeks of Friday's last quarter of an hour are the newest there are; at
    09:35 those of yesterday's last ten minutes still are.
    """
    opening, close = options_hours(kind, now)
    if now > close:
        return STALE + (now - close)
    traded = now - opening
    if traded >= STALE:
        return STALE
    _, before = options_hours(kind, opening - 1.0)
    return now - (before - (STALE - traded))


def is_closed(kind: Kind, now: float) -> bool:
    """Do these options not trade now?"""
    return now > options_hours(kind, now)[1]


def live_status(
    view: View, listing: Listing, name: str, chain: OptionChain, kind: Kind, stale: float
) -> dict[str, Any]:
    """{state, text, loaded, of} of a view of followed options."""
    loaded = int(np.count_nonzero(np.isfinite(chain.greeks_at) & np.isfinite(chain.oi_at)))
    short = listing.short.get(name)
    note = "" if short is None else f" {short[1]:,} of {short[0]:,} lines fit: {short[2]}."
    state, text = _state(view, listing, chain, kind, stale, loaded)
    waits = _not_followed(listing, name, view.now) if state in ("live", "closed") else ""
    if waits:
        state, text = "loading", waits
    return {"state": state, "text": (text + note).strip(), "loaded": loaded, "of": len(chain)}


def _not_followed(listing: Listing, name: str, now: float) -> str:
    """What a view lacks until its expiries have been asked for, which takes a second; "": none.

    Until then its numbers would be those of the expiries that other views brought.
    """
    places = listing.places(name, now)
    followed = sum(place in listing.whole for place in places)
    return "" if followed == len(places) else f"{followed} of {len(places)} expiries are followed."


def _state(
    view: View, listing: Listing, chain: OptionChain, kind: Kind, stale: float, loaded: int
) -> tuple[str, str]:
    symbol = listing.symbol
    if not chain.expiries:
        return "no_chain", _none_in_view(listing, view.now)
    if view.link_down and loaded:
        return "stale", f"The feed is down{_since(view)}; these are the last numbers it gave."
    if chain.spot is None:
        return "loading", f"The price of {symbol} has not arrived."
    if not len(chain) or loaded < ENOUGH * len(chain):
        return "loading", f"{loaded:,} of {len(chain):,} options have arrived."
    if is_closed(kind, view.now):
        day = sessions.new_york(options_hours(kind, view.now)[1])
        return "closed", f"Closed: as of {day:%A %Y-%m-%d %H:%M} New York."
    ages = chain.as_of - chain.greeks_at
    if float(np.nanmedian(ages)) > stale:
        return "stale", "Most greeks are older than 15 minutes."
    return "live", ""


def _since(view: View) -> str:
    """When the last of the links went down, on New York's clock."""
    changed = [view.state.link_changed_at(source) for source in view.links]
    known = [at for at in changed if at is not None]
    return f" since {sessions.new_york(max(known)):%H:%M:%S} New York" if known else ""


def _none_in_view(listing: Listing, now: float) -> str:
    place = listing.nearest(now)
    if place is None:
        return f"All listed options of {listing.symbol} have settled."
    day = listing.expiries[place].day
    return f"No expiry in this view; the next one is {day} ({sessions.dte(now, day)} days)."


def expiry_rows(
    listing: Listing, places: Collection[int], now: float
) -> tuple[dict[str, Any], ...]:
    """All listed expiries that are still ahead, for the chooser."""
    return tuple(
        {
            **chain_facts.expiry_terms(expiry, now),
            "monthly": sessions.is_monthly(expiry.day),
            "contracts": listing.listed[place],
            "in_view": place in places,
            "subscribed": place in listing.whole,
        }
        for place, expiry in enumerate(listing.expiries)
        if expiry.settles > now
    )


# ---- Cboe's chain -----------------------------------------------------------------------


def kind_of(listing: Listing | None, symbol: str) -> Kind:
    """The kind of an underlying, as far as it is known."""
    return chain_facts.kind_of(symbol) if listing is None else listing.underlying.kind


def cboe_status(view: View, chain: OptionChain, listing: Listing | None) -> dict[str, Any]:
    """{state, text, loaded, of} of the delayed chain that stands in for the broker's."""
    kind = kind_of(listing, chain.symbol)
    why = "" if listing is None or listing.gone is None else f" {GONE[listing.gone]}."
    at = f"{sessions.new_york(chain.as_of):%Y-%m-%d %H:%M} New York"
    text = f"Cboe's delayed chain of {at}.{why}"
    state = "live"
    if not len(chain):
        state, text = "no_chain", f"No expiry in this view. {text}"
    elif is_closed(kind, view.now):
        state = "closed"
    elif view.now - chain.as_of > CBOE_STALE:
        state = "stale"
    loaded = int(np.count_nonzero(np.isfinite(chain.oi)))
    return {"state": state, "text": text, "loaded": loaded, "of": len(chain)}


def cboe_rows(
    whole: OptionChain, wanted: Sequence[Expiry], now: float
) -> tuple[dict[str, Any], ...]:
    """All expiries of the file that are still ahead, for the chooser."""
    rows = []
    for row, expiry in zip(chain_facts.expiry_rows(whole), sorted_ahead(whole, now), strict=False):
        rows.append({**row, "in_view": expiry in wanted, "subscribed": True})
    return tuple(rows)


def sorted_ahead(whole: OptionChain, now: float) -> list[Expiry]:
    """As chain_facts lists them."""
    return sorted(
        (each for each in whole.expiries if each.settles > now),
        key=lambda each: (each.settles, each.root),
    )
