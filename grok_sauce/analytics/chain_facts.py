"""What a chain says of itself: its spot and ages, its expiries, how much of the market it is.

view_label(view), spot_label(chain), is_american(chain) -> what the screens call them
status(chain), ages(chain), scope(chain, oi_whole), expiry_rows(chain), nearest(chain) -> JSON
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any, Final

import numpy as np

from grok_sauce.market import sessions
from grok_sauce.market.chain import THOUSANDTHS, Bools, Floats, OptionChain
from grok_sauce.market.expiries import Expiry, ahead
from grok_sauce.market.products import KNOWN, Kind

# Options on VIX are priced on the VIX future of their expiry: greeks from spot VIX mislead.
NEEDS_FUTURE: Final = frozenset({"VIX"})
_AMERICAN_INDICES: Final = frozenset({"OEX"})
_VIEWS: Final = {"all": "All expiries", "0dte": "0DTE"}
_SPOTS: Final = {
    "trade": "last",
    "extended": "extended hours",
    "mid": "quote mid",
    "delayed": "delayed",
    "close": "close",
}


def kind_of(symbol: str) -> Kind:
    """The kind of an underlying as far as its name tells; a name not known is a share's."""
    if symbol.startswith("/"):
        return "future"
    return KNOWN[symbol][0] if symbol in KNOWN else "equity"


def view_label(view: str) -> str:
    """A view in words.

    >>> [view_label(view) for view in ("all", "0dte", "7d", "2026-12-18")]
    ['All expiries', '0DTE', 'Within 7 days', '2026-12-18']
    >>> view_label("2026-12-16,2026-12-18")
    '2026-12-16, 2026-12-18'
    """
    if view in _VIEWS:
        return _VIEWS[view]
    if view.endswith("d") and view[:-1].isdigit():
        return f"Within {view[:-1]} days"
    return ", ".join(view.split(","))


def cash_closed(chain: OptionChain) -> bool:
    """True for an index outside the hours in which it is calculated."""
    return (
        kind_of(chain.symbol) == "index" and sessions.phase("index", chain.as_of).state == "closed"
    )


def spot_label(chain: OptionChain) -> str | None:
    """What the spot is; None without one."""
    if chain.spot is None:
        return None
    basis, _, contract = chain.spot_basis.partition(":")
    if basis == "futures_implied":
        return f"implied by {contract}"
    if cash_closed(chain):
        return "cash closed"
    return _SPOTS.get(basis, basis)


def is_american(chain: OptionChain) -> bool:
    """True when the options can be exercised early: all but those on most indices."""
    return kind_of(chain.symbol) != "index" or chain.symbol in _AMERICAN_INDICES


def unexpired(chain: OptionChain) -> Bools:
    """Per contract: it has not settled at as_of."""
    alive: Bools = chain.years() > 0
    return alive


def nearest(chain: OptionChain) -> Expiry | None:
    """The expiry with contracts here that settles first among those still ahead."""
    here = _counts(chain)
    left = [each for each, n in zip(chain.expiries, here, strict=True) if n]
    return next(iter(ahead(left, chain.as_of)), None)


def _counts(chain: OptionChain) -> list[int]:
    counts: list[int] = np.bincount(chain.expiry, minlength=len(chain.expiries)).tolist()
    return counts


def expiry_terms(expiry: Expiry, now: float) -> dict[str, Any]:
    """{expiry, root, settlement, dte, witching} at market time now."""
    return {
        "expiry": expiry.day.isoformat(),
        "root": expiry.root,
        "settlement": expiry.settlement,
        "dte": sessions.dte(now, expiry.day),
        "witching": sessions.is_witching(expiry.day),
    }


@lru_cache(maxsize=1024)
def _calendar(day: date) -> tuple[bool, bool]:
    """Is it a monthly expiration, and a witching one?"""
    return sessions.is_monthly(day), sessions.is_witching(day)


def expiry_rows(chain: OptionChain) -> list[dict[str, Any]]:
    """All expiries the chain knows that are still ahead, the next first, for a chooser."""
    counts = dict(zip(chain.expiries, _counts(chain), strict=True))
    today = sessions.new_york_date(chain.as_of)
    rows = []
    for expiry in ahead(chain.expiries, chain.as_of):
        monthly, witching = _calendar(expiry.day)
        rows.append(
            {
                "expiry": expiry.day.isoformat(),
                "root": expiry.root,
                "settlement": expiry.settlement,
                "dte": (expiry.day - today).days,
                "monthly": monthly,
                "witching": witching,
                "contracts": counts[expiry],
                "in_view": counts[expiry] > 0,
                "subscribed": counts[expiry] > 0,
            }
        )
    return rows


def scope(chain: OptionChain, oi_whole: float | None) -> dict[str, Any]:
    """{expiries, of, strike_low, strike_high, oi_share} of the contracts that are not settled.

    oi_whole: open interest of the whole market in this underlying, None while not known.
    """
    alive = unexpired(chain)
    strikes, oi = chain.strike[alive], chain.oi[alive]
    known = oi[~np.isnan(oi)]
    return {
        "expiries": len(np.unique(chain.expiry[alive])),
        "of": chain.listed,
        "strike_low": int(strikes.min()) / THOUSANDTHS if len(strikes) else None,
        "strike_high": int(strikes.max()) / THOUSANDTHS if len(strikes) else None,
        "oi_share": float(known.sum()) / oi_whole if oi_whole and len(known) else None,
    }


def ages(chain: OptionChain) -> dict[str, Any]:
    """Seconds since spot, greeks (median and oldest) and quotes (median); the OI's evening."""
    alive = unexpired(chain)
    greeks = chain.as_of - chain.greeks_at[alive]
    quotes = chain.as_of - chain.quote_at[alive]
    return {
        "spot": None if chain.spot_at is None else chain.as_of - chain.spot_at,
        "greeks": _median(greeks),
        "greeks_oldest": _largest(greeks),
        "quotes": _median(quotes),
        "oi_date": None if chain.oi_date is None else chain.oi_date.isoformat(),
    }


def _median(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def _largest(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.max()) if len(known) else None


def status(chain: OptionChain) -> dict[str, Any]:
    """{state, text, loaded, of}: is there enough for numbers, and if not, why.

    loaded counts the contracts whose open interest and volatility (or gamma) are known.
    """
    has_greeks = ~np.isnan(chain.iv) | ~np.isnan(chain.gamma)
    loaded = int(np.count_nonzero(~np.isnan(chain.oi) & has_greeks))
    state, text = _state(chain, loaded)
    return {"state": state, "text": text, "loaded": loaded, "of": len(chain)}


def _state(chain: OptionChain, loaded: int) -> tuple[str, str]:
    symbol = chain.symbol
    if symbol in NEEDS_FUTURE:
        return "refused", (
            f"Options on {symbol} are priced on the future of their expiry, not on spot {symbol}: "
            "no greeks, GEX or zero gamma from spot (vix_needs_future)."
        )
    if not unexpired(chain).any():
        return "no_chain", f"No options of {symbol} that have not settled."
    if chain.spot is None:
        return "loading", f"The price of {symbol} has not arrived."
    if not loaded:
        return "loading", f"Open interest and greeks of {symbol} have not arrived."
    if cash_closed(chain):
        return "closed", f"Cash closed: {symbol} is not calculated now."
    if sessions.phase(kind_of(symbol), chain.as_of).state == "closed":
        return "closed", "The market is closed."
    return "live", ""


def plain(values: Floats) -> list[float | None]:
    """An array as JSON: what is not finite is None.

    >>> plain(np.array([1.0, np.nan, np.inf]))
    [1.0, None, None]
    """
    listed: list[float | None] = values.tolist()
    for place in np.flatnonzero(~np.isfinite(values)).tolist():
        listed[place] = None
    return listed
