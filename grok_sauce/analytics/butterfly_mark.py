"""Saved butterflies against the market now: mark, gain, where spot is; and what they settled at.

mark(candidate, chain) -> dict              chain None: no quotes of it are known
settled_value(candidate, price) -> float    points paid
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from grok_sauce.analytics.butterfly_package import Terms, expiry_name, priced
from grok_sauce.analytics.butterfly_payoff import outcome
from grok_sauce.analytics.expiry_outlook import outlook
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.expiries import Expiry


def terms_of(candidate: Mapping[str, Any]) -> Terms:
    """The terms a candidate was saved with, marked at mid."""
    day = date.fromisoformat(candidate["expiry"])
    return Terms(
        Expiry(day, candidate["root"], candidate["settlement"]),
        candidate["center"],
        candidate["width"],
        candidate["width_high"],
        candidate["side"],
        "mid",
        candidate["quantity"],
        candidate["fees"],
    )


def settled_value(candidate: Mapping[str, Any], price: float) -> float:
    """Points a package paid when its underlying settled at price."""
    terms = terms_of(candidate)
    return float(terms.wings(candidate["side"]).payoff(price))


def mark(candidate: Mapping[str, Any], chain: OptionChain | None) -> dict[str, Any]:
    """A candidate as saved, with what it is worth now; unknown is None, reason says why.

    name; break_even_low, break_even_high of the entry; mark, gain (points), gain_dollars
    (all packages, before fees); spot, inside (between the break-evens), beyond (points
    outside, negative below); age of the oldest quote (s).
    """
    terms = terms_of(candidate)
    settled = candidate["settled"]
    found = outcome(terms.wings(candidate["side"]), candidate["entry"])
    low = None if found is None else found.break_even_low
    high = None if found is None else found.break_even_high
    value, age, reason, spot = None, None, None, None
    if settled is not None:
        value, spot, reason = settled["value"], settled["spot"], settled.get("reason")
    elif chain is None:
        reason = "No quotes of this expiry are followed."
    else:
        value, age, reason = _now(chain, terms)
        spot = chain.spot
    gain = None if value is None else value - candidate["entry"]
    size = candidate["multiplier"] * candidate["quantity"]
    return {
        **candidate,
        "name": expiry_name(terms.expiry),
        "break_even_low": low,
        "break_even_high": high,
        "mark": value,
        "gain": gain,
        "gain_dollars": None if gain is None else gain * size,
        "spot": spot,
        **_place(spot, low, high),
        "age": age,
        "reason": reason,
    }


def _now(chain: OptionChain, terms: Terms) -> tuple[float | None, float | None, str | None]:
    """Mark in points, age of its oldest quote, or why there is none."""
    package = priced(outlook(chain, terms.expiry, None), terms)
    if package.debit is None or package.legs is None:
        return None, None, package.refusal
    rows = package.outlook.rows
    oldest = min(float(rows.quote_at[place]) for place in package.legs.rows)
    age = chain.as_of - oldest
    return package.debit, max(0.0, age) if age == age else None, None


def _place(spot: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    if spot is None:
        return {"inside": None, "beyond": None}
    if low is not None and spot < low:
        return {"inside": False, "beyond": spot - low}
    if high is not None and spot > high:
        return {"inside": False, "beyond": spot - high}
    return {"inside": True, "beyond": 0.0}
