"""The butterfly planner's answer: a package priced and described as one JSON object.

price(chain, forward, terms) -> dict
describe(package) -> dict                  the same of a package priced already
curve(packages, low, high) -> dict         the payoff picture of one or two packages
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, inf
from typing import Any, Final

import numpy as np

from grok_sauce.analytics.butterfly_package import (
    CONTRACTS,
    Legs,
    Package,
    Terms,
    curves,
    priced,
)
from grok_sauce.analytics.density import lognormal_below
from grok_sauce.analytics.expiry_outlook import HasForward, outlook
from grok_sauce.market.chain import OptionChain

__all__ = ["Terms", "curve", "describe", "price"]

MOST_POINTS: Final = 250  # of a payoff picture
_STEPS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0)


def price(chain: OptionChain, forward: HasForward | None, terms: Terms) -> dict[str, Any]:
    """A package of these terms as describe() says it, from the quotes of the chain.

    forward is the forward of that expiry (analytics.forward), None while it has none.
    """
    return describe(priced(outlook(chain, terms.expiry, forward), terms))


def describe(package: Package) -> dict[str, Any]:
    """A package as JSON: points unless said otherwise, unknown is None.

    strikes [low, center, high]; side, side_text; legs (see _leg); package {quantity, bid, ask,
    mid, natural, delta, gamma, theta}: quotes of one package, greeks of all of them, theta
    per day; debit (the price the rest is worked out from), debit_mid, debit_natural, and the
    same per package in $ (debit_mid_dollars, ...); multiplier; fees ($, all contracts, one
    way); max_profit, max_loss ($ after fees, the loss positive); profit_per_risk;
    break_even_low, break_even_high (before fees; None with a known max_profit: that side
    gains all the way); spot_to_low, spot_to_high {points, em} (em: in standard deviations
    left); probability {smile, one_iv, clamped}; oldest_quote (s); refusal: a sentence, and
    reasons {field: sentence} for what else is unknown.
    """
    terms, legs, found = package.terms, package.legs, package.outcome
    size = package.multiplier
    fees = terms.fee * 4 * terms.quantity
    profit = loss = None
    if found is not None and size is not None:
        profit = found.max_profit * size * terms.quantity - fees
        loss = found.max_loss * size * terms.quantity + fees
    rows = [] if legs is None else [_leg(package, legs, place) for place in range(3)]
    ages = [row["age"] for row in rows]
    middle = natural = None
    if legs is not None and package.refusal is None:
        middle, natural = _known(legs.middle), _known(legs.natural)
    odds, why = _odds(package)
    return {
        "strikes": list(terms.strikes),
        "side": None if legs is None else legs.side,
        "side_text": package.side_text,
        "legs": rows,
        "package": _package(package),
        "debit": package.debit,
        "debit_mid": middle,
        "debit_natural": natural,
        "debit_mid_dollars": _times(middle, size),
        "debit_natural_dollars": _times(natural, size),
        "multiplier": size,
        "fees": fees,
        "max_profit": profit,
        "max_loss": loss,
        "profit_per_risk": profit / loss if profit is not None and loss else None,
        "break_even_low": None if found is None else found.break_even_low,
        "break_even_high": None if found is None else found.break_even_high,
        "spot_to_low": _distance(package, None if found is None else found.break_even_low),
        "spot_to_high": _distance(package, None if found is None else found.break_even_high),
        "probability": odds,
        "oldest_quote": None if None in ages or not ages else max(ages),
        "refusal": package.refusal,
        "reasons": {} if package.refusal else {**why, **_greek_reasons(package)},
    }


def _leg(package: Package, legs: Legs, place: int) -> dict[str, Any]:
    """One leg: quantity is signed and counts contracts; greeks are those of all of them."""
    rows, row = package.outlook.rows, legs.rows[place]
    strike = package.terms.strikes[place]
    held = CONTRACTS[place] * package.terms.quantity
    here = row >= 0
    at = _known(float(rows.quote_at[row])) if here else None
    spot = rows.spot
    return {
        "quantity": held,
        "right": "P" if legs.side == "puts" else "C",
        "strike": strike,
        "contract": rows.contract[row] if here else None,
        "from_spot": None if spot is None else strike - spot,
        "bid": _known(legs.bid[place]),
        "ask": _known(legs.ask[place]),
        "mid": _known(legs.mid[place]),
        "iv": _known(legs.vol[place]),
        "delta": _known(legs.delta[place] * held),
        "gamma": _known(legs.gamma[place] * held),
        "theta": _known(legs.theta[place] * held),
        "volume": _known(rows.volume[row]) if here else None,
        "oi": _known(rows.oi[row]) if here else None,
        "age": None if at is None else max(0.0, rows.as_of - at),
    }


def _package(package: Package) -> dict[str, Any]:
    legs, quantity = package.legs, package.terms.quantity
    if legs is None:
        return {"quantity": quantity, **dict.fromkeys(("bid", "ask", "mid", "natural",
                "delta", "gamma", "theta"))}  # fmt: skip
    return {
        "quantity": quantity,
        "bid": _known(legs.selling),
        "ask": _known(legs.natural),
        "mid": _known(legs.middle),
        "natural": _known(legs.natural),
        **{
            name: _known(float(np.dot(CONTRACTS, getattr(legs, name))) * quantity)
            for name in ("delta", "gamma", "theta")
        },
    }


def _odds(package: Package) -> tuple[dict[str, Any], dict[str, str]]:
    """Chance to settle between the break-evens, from the smile and from one volatility."""
    unknown = {"smile": None, "one_iv": None, "clamped": None}
    view, found = package.outlook, package.outcome
    if found is None:
        return unknown, {}
    low = -inf if found.break_even_low is None else found.break_even_low
    high = inf if found.break_even_high is None else found.break_even_high
    reasons = {}
    smile = clamped = None
    if view.settling is None:
        reasons["probability.smile"] = view.no_settling or ""
    else:
        smile = view.settling.between(low, high)
        clamped = view.settling.clamped
        if smile is None:
            reasons["probability.smile"] = "A break-even lies beyond the quoted strikes."
        elif clamped:
            reasons["probability.clamped"] = (
                f"The quotes allow some arbitrage: the density is levelled by up to {clamped:.1%}."
            )
    one = None
    if view.forward is None or view.atm_iv is None:
        reasons["probability.one_iv"] = "No volatility is known around the forward."
    else:
        terms = view.forward.value, view.atm_iv, view.years
        one = max(0.0, lognormal_below(high, *terms) - lognormal_below(low, *terms))
    return {"smile": smile, "one_iv": one, "clamped": clamped}, reasons


def _distance(package: Package, level: float | None) -> dict[str, Any]:
    spot, sigma = package.outlook.rows.spot, package.outlook.sigma
    if level is None or spot is None:
        return {"points": None, "em": None}
    points = level - spot
    return {"points": points, "em": abs(points) / sigma if sigma else None}


def _greek_reasons(package: Package) -> dict[str, str]:
    if package.legs is None or np.isfinite(package.legs.delta).all():
        return {}
    return {"greeks": "A strike has no volatility, so its greeks are not known."}


def curve(packages: Sequence[Package], low: float, high: float) -> dict[str, Any]:
    """{x, step, lines: [{expiry, today}, ...]}: $ of one package before fees, None if refused.

    x runs from low to high in whole steps, at most MOST_POINTS of them; each strike of the
    packages is one of its points when strikes are multiples of the step.
    """
    step = next((each for each in _STEPS if (high - low) / each <= MOST_POINTS), _STEPS[-1])
    x = step * np.arange(floor(low / step), ceil(high / step) + 1, dtype=np.float64)
    lines = []
    for package in packages:
        at_expiry, today = curves(package, x)
        lines.append(
            {
                "expiry": None if at_expiry is None else at_expiry.round(6).tolist(),
                "today": None if today is None else today.round(6).tolist(),
            }
        )
    return {"x": x.round(6).tolist(), "step": step, "lines": lines}


def _known(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _times(value: float | None, size: float | None) -> float | None:
    return None if value is None or size is None else value * size
