"""What a row of the indicator table says of its symbol's options, and why where it says nothing."""

from __future__ import annotations

from typing import Any, Final

from grok_sauce.analytics.view import View
from grok_sauce.market import sessions
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.listing import GONE, Listing

NO_OPTIONS: Final = GONE["no_options"]
NO_FUTURES: Final = GONE["future_options"]
NO_CHAIN: Final = "No option chain loaded"
EXPIRY_FIELDS: Final = ("dte", "witching", "expiry")
LEVELS: Final = ("zero_gamma", "call_wall", "put_wall")
GEX_FIELDS: Final = ("net_gex", *LEVELS, *(f"{name}_distance" for name in LEVELS))


def option_fields(
    view: View, instrument: Instrument, price: float | None, reasons: dict[str, str]
) -> dict[str, Any]:
    """max_pain, dte, witching and expiry of the expiry that settles next; net_gex ($ per 1 %),
    zero_gamma, walls and their distances from the price in percent, of the symbol's view "all".

    Each None has its sentence in reasons.
    """
    row: dict[str, Any] = dict.fromkeys(("max_pain", *EXPIRY_FIELDS, *GEX_FIELDS))
    listing = view.state.listings.get(instrument.symbol)
    why = _why_none(instrument, listing)
    place = None if listing is None else listing.nearest(view.now)
    if listing is not None and place is not None:
        expiry = listing.expiries[place]
        row["expiry"] = expiry.day.isoformat()
        row["dte"] = sessions.dte(view.now, expiry.day)
        row["witching"] = sessions.is_witching(expiry.day)
        why = "No open interest received yet"
        pain = view.results.get("max_pain.levels", {}).get(instrument.symbol)
        if pain is not None and pain["expiry"] == row["expiry"]:
            row["max_pain"] = pain["strike"]
    row |= _levels(view, instrument.symbol, price)
    known = f"{instrument.symbol}:all" in view.results.get("gex.levels", {})
    for name in ("max_pain", *EXPIRY_FIELDS):
        if row[name] is None:
            reasons[name] = why
    for name in GEX_FIELDS:
        if row[name] is None:
            reasons[name] = _why_no_level(view, instrument.symbol) if known else _not_kept(why)
    return row


def _why_none(instrument: Instrument, listing: Listing | None) -> str:
    if instrument.kind == "future":
        return NO_FUTURES
    if instrument.has_options is False:
        return NO_OPTIONS
    if listing is not None and listing.gone is not None and not listing.expiries:
        return NO_OPTIONS if listing.gone == "vix_needs_future" else GONE[listing.gone]
    return NO_CHAIN


def _not_kept(why: str) -> str:
    return why if why in (NO_FUTURES, NO_OPTIONS, NO_CHAIN) else "Not among the GEX symbols"


def _levels(view: View, symbol: str, price: float | None) -> dict[str, Any]:
    """Of the newest report; nothing where it says that its numbers do not count now."""
    payload = view.results.get("gex.levels", {}).get(f"{symbol}:all")
    if payload is None or payload["status"]["state"] not in ("live", "closed"):
        return {}
    found = {
        "net_gex": payload["totals"]["net"],
        "zero_gamma": payload["zero_gamma"]["all"]["flip"],
        "call_wall": payload["call_wall"],
        "put_wall": payload["put_wall"],
    }
    for name in LEVELS:
        level = found[name]
        if level is not None and price:
            found[f"{name}_distance"] = (level / price - 1) * 100
    return found


def _why_no_level(view: View, symbol: str) -> str:
    payload = view.results["gex.levels"][f"{symbol}:all"]
    status = payload["status"]
    if status["state"] not in ("live", "closed"):
        return str(status["text"])
    return str(payload["zero_gamma"]["all"]["reason"] or "Nothing on this side")
