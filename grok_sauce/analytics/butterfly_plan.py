"""What /butterfly shows of one request: two widths side by side, presets, picture, forward.

plan(chain, listed, forward, choice, marks) -> dict         JSON, unknown is None
strikes_around(strikes, center) -> (equal, low, high)       the widths that are listed
nearest(strikes, level) -> strike | None
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from grok_sauce.analytics.butterfly import Terms, curve, describe
from grok_sauce.analytics.butterfly_package import Package, expiry_name, number, priced
from grok_sauce.analytics.expiry_outlook import HasForward, Outlook, outlook
from grok_sauce.market import sessions
from grok_sauce.market.chain import THOUSANDTHS, OptionChain
from grok_sauce.market.expiries import Expiry
from grok_sauce.values import dataclass

MOST_WIDTHS: Final = 40  # offered in a list
_ROOM: Final = 0.6  # of the widest width, left free beside the outer strikes of the picture
_FARTHEST: Final = 3.0  # widest widths that the picture reaches from the center at most


@dataclass(frozen=True, slots=True)
class Choice:
    """The request: terms of the chosen butterfly and the width compared with it (None: none)."""

    terms: Terms
    compare: float | None


@dataclass(frozen=True, slots=True)
class Marks:
    """Levels that presets and the picture name, points, None unknown."""

    zero_gamma: float | None = None
    max_pain: float | None = None


def plan(
    chain: OptionChain,
    listed: Sequence[int],
    forward: HasForward | None,
    choice: Choice,
    marks: Marks,
) -> dict[str, Any]:
    """Everything that follows from quotes: chosen and compared as butterfly.describe(), curve as
    butterfly.curve() with band {low, high} (one standard deviation around the forward),
    forward, forward_basis, atm_iv, straddle, sigma, expiry, presets, widths, steps.

    listed are the strikes of the expiry in thousandths.
    """
    terms = choice.terms
    view = outlook(chain, terms.expiry, forward, listed)
    chosen = priced(view, terms)
    packages = [chosen]
    if choice.compare is not None:
        side = terms.side if chosen.legs is None else chosen.legs.side
        other = replace(
            terms, width_low=choice.compare, width_high=choice.compare, side=side
        )  # the same side: two widths differ in nothing else
        packages.append(priced(view, other))
    strikes = [strike / THOUSANDTHS for strike in listed] or view.strikes.tolist()
    equal, _, high = strikes_around(strikes, terms.center)
    return {
        "expiry": expiry_facts(terms.expiry, chain.as_of),
        "chosen": describe(chosen),
        "compared": describe(packages[1]) if len(packages) > 1 else None,
        "curve": _picture(packages, view, marks),
        "forward": None if view.forward is None else view.forward.value,
        "forward_basis": None if view.forward is None else view.forward.basis,
        "rate": None if view.forward is None else view.forward.rate,
        "atm_iv": view.atm_iv,
        "straddle": view.straddle,
        "sigma": view.sigma,
        "presets": _presets(strikes, chain.spot, marks),
        "widths": equal,
        "widths_high": high,
        "steps": _steps(strikes, terms.center),
    }


def expiry_facts(expiry: Expiry, now: float) -> dict[str, Any]:
    """One settlement class in the words and numbers of the form."""
    return {
        "day": expiry.day.isoformat(),
        "root": expiry.root,
        "settlement": expiry.settlement,
        "name": expiry_name(expiry),
        "settles_ms": round(expiry.settles * 1000),
        "left": expiry.settles - now,
        "dte": sessions.dte(now, expiry.day),
        "witching": sessions.is_witching(expiry.day),
    }


def nearest(strikes: Sequence[float], level: float | None) -> float | None:
    """The listed strike nearest a level, the lower of two; None without either."""
    if level is None or not strikes:
        return None
    return min(strikes, key=lambda strike: (abs(strike - level), strike))


def strikes_around(
    strikes: Sequence[float], center: float
) -> tuple[list[float], list[float], list[float]]:
    """Widths for which strikes are listed: on both sides, below, above; the narrow ones first.

    >>> strikes_around([90, 95, 100, 105, 115], 100)
    ([5], [5, 10], [5, 15])
    """
    low = sorted(_tidy(center - each) for each in strikes if each < center)
    high = sorted(_tidy(each - center) for each in strikes if each > center)
    both = set(high)
    return [each for each in low if each in both][:MOST_WIDTHS], low, high[:MOST_WIDTHS]


def _tidy(width: float) -> float:
    """To the thousandth, where strikes live."""
    return round(width, 3)


def _steps(strikes: Sequence[float], center: float) -> str | None:
    """Where strikes lie around the center, in words: "steps of 5 to 6,300"."""
    place = next((index for index, strike in enumerate(strikes) if strike >= center), None)
    if place is None or not 0 < place < len(strikes) - 1:
        return None
    step = _tidy(strikes[place + 1] - strikes[place])
    last = place
    while last + 1 < len(strikes) and _tidy(strikes[last + 1] - strikes[last]) == step:
        last += 1
    return f"steps of {number(step)} to {number(strikes[last])}"


def _presets(strikes: Sequence[float], spot: float | None, marks: Marks) -> list[dict[str, Any]]:
    """Centers by name: each is the listed strike nearest a level."""
    levels = (("Spot", spot), ("Flip", marks.zero_gamma), ("Max pain", marks.max_pain))
    return [
        {"name": name, "level": level, "strike": nearest(strikes, level)} for name, level in levels
    ]


def _picture(packages: Sequence[Package], view: Outlook, marks: Marks) -> dict[str, Any]:
    """The payoff picture from outside the widest wings or the expected move to the other side."""
    ends = [package.terms.strikes for package in packages]
    center = packages[0].terms.center
    widest = max(high - low for low, _, high in ends) / 2
    low = min(end[0] for end in ends) - _ROOM * widest
    high = max(end[2] for end in ends) + _ROOM * widest
    band: dict[str, float | None] = {"low": None, "high": None}
    points = [view.rows.spot, marks.zero_gamma]
    if view.forward is not None and view.sigma is not None:
        band = {"low": view.forward.value - view.sigma, "high": view.forward.value + view.sigma}
        points += [view.forward.value - 1.1 * view.sigma, view.forward.value + 1.1 * view.sigma]
    reach = _FARTHEST * widest
    for point in points:
        if point is not None:
            low = min(low, max(point, center - reach))
            high = max(high, min(point, center + reach))
    return {**curve(packages, max(low, 0.0), high), "band": band}
