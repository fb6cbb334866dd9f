"""A long butterfly as a package of quotes: which side, its legs, its debit, what it pays, refusals.

priced(outlook, terms) -> Package
curves(package, prices) -> (at expiry, today)      profit or loss in $ at these spots
"""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np

from grok_sauce.analytics.black_scholes import DAYS, Array, black_scholes
from grok_sauce.analytics.butterfly_payoff import Outcome, Wings, outcome
from grok_sauce.analytics.expiry_outlook import Outlook
from grok_sauce.market.chain import THOUSANDTHS, Expiry
from grok_sauce.values import dataclass

Side = Literal["puts", "calls"]
CONTRACTS: Final = (1, -2, 1)  # bought and sold in one package
SIDES: Final[tuple[Side, ...]] = ("puts", "calls")


@dataclass(frozen=True, slots=True)
class Terms:
    """What to price: strikes center - width_low, center, center + width_high, in points.

    price: the debit that profit, loss and break-evens are worked out from: "mid", or
    "natural" (bought at the ask, sold at the bid). side "auto" takes the cheaper of puts and
    calls. quantity counts packages of four contracts; fee is in $ per contract, one way.
    """

    expiry: Expiry
    center: float
    width_low: float
    width_high: float
    side: Literal["auto", "puts", "calls"] = "auto"
    price: Literal["mid", "natural"] = "mid"
    quantity: int = 1
    fee: float = 0.0

    @property
    def strikes(self) -> tuple[float, float, float]:
        """Low, center, high in points, to the thousandth."""
        ends = self.center - self.width_low, self.center, self.center + self.width_high
        low, center, high = (round(each * THOUSANDTHS) / THOUSANDTHS for each in ends)
        return low, center, high

    def wings(self, side: Side) -> Wings:
        """The payoff of one side's package."""
        return Wings(*self.strikes, side == "calls")


@dataclass(frozen=True, slots=True)
class Legs:
    """The three legs of one side in order of strike, NaN unknown.

    rows are positions in the expiry's contracts, -1 where the contract is not followed;
    quoted_at is when each was quoted last (Unix seconds). delta
    and gamma are per point of the underlying, theta in points per day, of one contract held.
    """

    side: Side
    rows: tuple[int, int, int]
    bid: Array
    ask: Array
    mid: Array
    quoted_at: Array
    vol: Array
    delta: Array
    gamma: Array
    theta: Array

    @property
    def natural(self) -> float:
        """Points paid when the wings are bought at the ask and the body is sold at the bid."""
        return float(self.ask[0] - 2 * self.bid[1] + self.ask[2])

    @property
    def selling(self) -> float:
        """Points received when the package is sold at once: its bid."""
        return float(self.bid[0] - 2 * self.ask[1] + self.bid[2])

    @property
    def middle(self) -> float:
        """Points between the two."""
        return float(np.dot(CONTRACTS, self.mid))


@dataclass(frozen=True, slots=True)
class Package:
    """A butterfly as priced. legs None: no side could be chosen. refusal: why there is no
    outcome, in words; outcome and debit (points) are None then.
    """

    terms: Terms
    outlook: Outlook
    legs: Legs | None
    side_text: str
    debit: float | None
    multiplier: float | None
    outcome: Outcome | None
    refusal: str | None


def priced(view: Outlook, terms: Terms) -> Package:
    """Choose the side, take its quotes, work the outcome out or say why not."""
    refusal = _not_listed(view, terms)
    sides = {side: _legs(view, terms, side) for side in SIDES}
    legs, side_text = _choose(sides, terms)
    if refusal is not None:
        side_text = ""  # whatever it says of quotes is not the reason
    elif legs is None:
        refusal = side_text
    if legs is None and terms.side == "auto" and refusal is not None:
        legs = sides["puts"] if terms.center <= _middle(view) else sides["calls"]
    debit = None
    if refusal is None and legs is not None:
        debit = legs.middle if terms.price == "mid" else legs.natural
        refusal = None if np.isfinite(debit) else f"N{_missing(legs, terms)[1:]}."
    multiplier = _multiplier(view, legs)
    if refusal is None and multiplier is None:
        refusal = "The three contracts do not have one known size."
    result = None
    if refusal is None and legs is not None and debit is not None:
        result = outcome(terms.wings(legs.side), debit)
        if result is None:
            refusal = _no_fit(terms.wings(legs.side), debit)
    kept = debit if result is not None else None
    return Package(terms, view, legs, side_text, kept, multiplier, result, refusal)


def _middle(view: Outlook) -> float:
    if view.forward is not None:
        return view.forward.value
    return float("inf") if view.rows.spot is None else view.rows.spot


def _not_listed(view: Outlook, terms: Terms) -> str | None:
    """Why these terms cannot be bought at all."""
    if view.years <= 0:
        return f"{expiry_name(terms.expiry)} has settled."
    low, center, high = terms.strikes
    for strike in (center, low, high):
        if strike in view.strikes:
            continue
        if not len(view.strikes):
            return f"No strikes are known for {expiry_name(terms.expiry)}."
        place = int(np.searchsorted(view.strikes, strike))
        near = [number(each) for each in view.strikes[max(0, place - 1) : place + 1]]
        return (
            f"{number(strike)} is not listed for {expiry_name(terms.expiry)}; "
            f"nearest: {' and '.join(near)}."
        )
    if terms.width_low <= 0 or terms.width_high <= 0:
        return "A width must be above 0."
    return None


def _legs(view: Outlook, terms: Terms, side: Side) -> Legs:
    rows = view.rows
    places = []
    for strike in terms.strikes:
        here = (rows.strike == round(strike * THOUSANDTHS)) & (rows.is_call == (side == "calls"))
        found = np.flatnonzero(here)
        places.append(int(found[0]) if len(found) else -1)
    chosen = np.array(places)

    def column(values: Array) -> Array:
        if not len(values):
            return np.full(3, np.nan)
        return np.where(chosen >= 0, values[chosen], np.nan)

    # No bid is a quote too: nobody pays for that option now. No ask is none.
    bid, ask = column(rows.bid), column(rows.ask)
    fits = (bid >= 0) & (ask > 0) & (ask >= bid)
    bid, ask = np.where(fits, bid, np.nan), np.where(fits, ask, np.nan)
    vols = np.array(
        [view.vol(k) if k in view.strikes else np.nan for k in terms.strikes], dtype=np.float64
    )
    value = _value(view, vols, terms.strikes, side == "calls")
    return Legs(
        side,
        (places[0], places[1], places[2]),
        bid,
        ask,
        (bid + ask) / 2,
        column(rows.quote_at),
        vols,
        value[1],
        value[2],
        value[3] / DAYS,
    )


def _value(
    view: Outlook, vols: Array, strikes: tuple[float, ...], is_call: bool, spot: Any = None
) -> tuple[Array, Array, Array, Array]:
    """Price, delta, gamma, theta a year of contracts at these strikes; NaN without a forward.

    The spot is the one the forward implies, so that an old cash index moves nothing.
    """
    if view.forward is None:
        nothing = np.full(3, np.nan)
        return nothing, nothing, nothing, nothing
    rate, dividend_yield = view.forward.rate, view.forward.dividend_yield
    if dividend_yield is None:  # no spot is known: the forward stands for it
        dividend_yield = rate
    if spot is None:
        spot = view.forward.value * np.exp((dividend_yield - rate) * view.years)
    found = black_scholes(spot, strikes, view.years, vols, is_call, rate, dividend_yield)
    return found.price, found.delta, found.gamma, found.theta


def _choose(sides: dict[Side, Legs], terms: Terms) -> tuple[Legs | None, str]:
    """The legs to price and the sentence that says why these."""
    if terms.side != "auto":
        return sides[terms.side], f"{terms.side.capitalize()}, as chosen."
    # What is lost at most, so that unequal wings compare too: for equal ones it is the debit.
    cost = {}
    for side, legs in sides.items():
        if np.isfinite(legs.natural):
            wings = terms.wings(side)
            cost[side] = legs.natural - min(wings.below, wings.above)
    if not cost:
        return None, f"N{_missing(sides['puts'], terms)[1:]}, {_missing(sides['calls'], terms)}."
    best: Side = min(cost, key=lambda side: round(cost[side], 6))
    other: Side = "calls" if best == "puts" else "puts"
    if len(cost) == 1:
        return sides[best], f"{best.capitalize()}: {_missing(sides[other], terms)}."
    wings = terms.wings(best)
    what = "natural" if wings.below == wings.above else "at most lost, natural:"
    text = f"{best.capitalize()}: {what} {cost[best]:,.2f}"
    if f"{cost[best]:.2f}" == f"{cost[other]:.2f}":
        return sides[best], f"{text}, the same for {other}."
    return sides[
        best
    ], f"{text} against {cost[other]:,.2f} for {other}. By parity both cost the same."


def _missing(legs: Legs, terms: Terms) -> str:
    """Which legs cannot be priced, and whether they ever could."""
    lacking = ~np.isfinite(legs.mid)
    names = [number(strike) for strike, lacks in zip(terms.strikes, lacking, strict=True) if lacks]
    which = f"the {' and '.join(names)} {'put' if legs.side == 'puts' else 'call'}"
    if not np.isfinite(legs.quoted_at[lacking]).any():
        return f"no quote of {which} has come yet"
    return f"no two-sided quote for {which}"


def _no_fit(wings: Wings, debit: float) -> str:
    if wings.below == wings.above:
        return f"Quotes do not fit: debit {_signed(debit)} for width {number(wings.peak)}."
    return (
        f"Quotes do not fit: debit {_signed(debit)}, it pays between "
        f"{_signed(min(wings.below, wings.above))} and {number(wings.peak)}."
    )


def number(value: float) -> str:
    """A strike or width without forced decimals.

    >>> number(6050.0), number(597.5)
    ('6,050', '597.5')
    """
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def expiry_name(expiry: Expiry) -> str:
    """An expiry in words, never without root and settlement.

    >>> from datetime import date
    >>> expiry_name(Expiry(date(2026, 12, 18), "SPXW", "PM"))
    'SPXW Fri 18 Dec PM'
    """
    return f"{expiry.root} {expiry.day:%a} {expiry.day.day} {expiry.day:%b} {expiry.settlement}"


def _signed(value: float) -> str:
    return f"{value:,.2f}".replace("-", "\u2212")


def _multiplier(view: Outlook, legs: Legs | None) -> float | None:
    if legs is None or -1 in legs.rows:
        return None
    sizes = {float(view.rows.multiplier[place]) for place in legs.rows}
    size = sizes.pop() if len(sizes) == 1 else float("nan")
    return size if np.isfinite(size) else None


def curves(package: Package, prices: Array) -> tuple[Array | None, Array | None]:
    """Profit or loss of one package in $ before fees: at expiry and if the spot were there now.

    Today's value keeps each strike's volatility. None where the package has no outcome, or
    a strike no volatility.
    """
    if package.debit is None or package.legs is None or package.multiplier is None:
        return None, None
    wings = package.terms.wings(package.legs.side)
    at_expiry = (wings.payoff(prices) - package.debit) * package.multiplier
    worth, _, _, _ = _value(
        package.outlook, package.legs.vol, package.terms.strikes, wings.is_call, prices[:, None]
    )
    today = (worth @ np.array(CONTRACTS, dtype=np.float64) - package.debit) * package.multiplier
    return at_expiry, today if np.isfinite(today).all() else None
