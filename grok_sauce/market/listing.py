"""Listing: which options of an underlying exist, and which of them are followed now.

read_nested(symbol, data) -> ListedChain     the broker's nested chain; raises BadPayload
ListedChain(symbol, expiries, non_standard)  everything listed, the next to settle first
Listing                                      what is followed, as columns: state.listings[symbol]
view_expiries(view, expiries, window, now)   the expiries a view's name means
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, TypeVar

from grok_sauce.errors import BadPayload
from grok_sauce.market import sessions
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.instruments import Instrument
from grok_sauce.values import dataclass

T = TypeVar("T")
# Why nothing can be followed, and what a page says of it.
Gone = Literal["no_options", "not_answered", "vix_needs_future", "future_options"]
GONE: Final[dict[Gone, str]] = {
    "no_options": "No listed options",
    "not_answered": "The broker's option chain was not answered",
    "vix_needs_future": (
        "Options on VIX are priced on the VIX future of their expiry, not on spot VIX"
    ),
    "future_options": "Options on futures are not followed",
}
WITHIN: Final = {"0dte": 0, "7d": 7, "30d": 30}  # views by calendar days to expiry


@dataclass(frozen=True, slots=True)
class ListedExpiry:
    """One settlement class with its strikes, ascending, in thousandths of a point.

    calls and puts are streamer symbols, one per strike, None where that side is not listed.
    multiplier is $ per point, None where the broker does not say.
    """

    expiry: Expiry
    multiplier: float | None
    strikes: tuple[int, ...]
    calls: tuple[str | None, ...]
    puts: tuple[str | None, ...]

    @property
    def contracts(self) -> int:
        """How many are listed."""
        return 2 * len(self.strikes) - self.calls.count(None) - self.puts.count(None)

    def nearest(self, price: float) -> int:
        """Place of the first strike at or above a price in points."""
        return bisect_left(self.strikes, price * 1000)


@dataclass(frozen=True, slots=True)
class ListedChain:
    """All standard options of an underlying; non_standard counts the adjusted ones left out."""

    symbol: str
    expiries: tuple[ListedExpiry, ...]
    non_standard: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """What is followed of one underlying, as columns of equal length, one entry a contract.

    symbol is the user's, underlying its instrument, future what its levels are converted to.
    expiries are all that are listed, the next to settle first, listed their contracts.
    window names (by place in expiries) what view "all" means, whole those whose window of
    strikes is followed with Greeks, open interest and volume.

    Per contract: streamers, expiry (place in expiries), strike (thousandths), is_call,
    multiplier, core: it belongs to the window of strikes that GEX is made of; others are
    followed for max pain or for one page's package.

    gone says why nothing can be followed, detail in whose words. short: subscriptions asked,
    given and why, per view name, where the feed has no room for all.
    """

    symbol: str
    underlying: Instrument
    expiries: tuple[Expiry, ...] = ()
    listed: tuple[int, ...] = ()
    window: tuple[int, ...] = ()
    whole: frozenset[int] = frozenset()
    streamers: tuple[str, ...] = ()
    expiry: tuple[int, ...] = ()
    strike: tuple[int, ...] = ()
    is_call: tuple[bool, ...] = ()
    multiplier: tuple[float | None, ...] = ()
    core: tuple[bool, ...] = ()
    future: Instrument | None = None
    gone: Gone | None = None
    detail: str = ""
    short: Mapping[str, tuple[int, int, str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.streamers)

    def places(self, view: str, now: float) -> tuple[int, ...]:
        """Places of the unsettled expiries that a view's name means, listed or followed or not."""
        wanted = view_expiries(view, self.expiries, [self.expiries[i] for i in self.window], now)
        return tuple(place for place, expiry in enumerate(self.expiries) if expiry in wanted)

    def only(self, place: int) -> Listing:
        """The followed contracts of one expiry alone; places stay what they are."""
        here = [number for number, own in enumerate(self.expiry) if own == place]

        def pick(column: tuple[T, ...]) -> tuple[T, ...]:
            return tuple(column[number] for number in here)

        return replace(
            self,
            streamers=pick(self.streamers),
            expiry=pick(self.expiry),
            strike=pick(self.strike),
            is_call=pick(self.is_call),
            multiplier=pick(self.multiplier),
            core=pick(self.core),
        )

    def nearest(self, now: float) -> int | None:
        """Place of the expiry that settles next; None when all have settled."""
        for place, expiry in enumerate(self.expiries):
            if expiry.settles > now:
                return place
        return None


def occ_of(expiry: Expiry, strike: int, is_call: bool) -> str:
    """The OCC symbol without blanks; strike in thousandths.

    >>> occ_of(Expiry(date(2026, 12, 18), "SPXW", "PM"), 6_000_500, True)
    'SPXW261218C06000500'
    """
    return f"{expiry.root}{expiry.day:%y%m%d}{'C' if is_call else 'P'}{strike:08d}"


# ---- views ------------------------------------------------------------------------------


def view_expiries(
    view: str, expiries: Iterable[Expiry], window: Collection[Expiry], now: float
) -> frozenset[Expiry]:
    """The unsettled expiries among `expiries` that a view means at market time now.

    "all": the window that is followed by default. "0dte", "7d", "30d": expiring within so many
    calendar days of today's New York date. Else ISO dates joined by commas: every settlement
    class of these days.
    """
    ahead = [expiry for expiry in expiries if expiry.settles > now]
    if view == "all":
        return frozenset(expiry for expiry in ahead if expiry in window)
    if view in WITHIN:
        most = WITHIN[view]
        return frozenset(expiry for expiry in ahead if sessions.dte(now, expiry.day) <= most)
    days = set(view.split(","))
    return frozenset(expiry for expiry in ahead if expiry.day.isoformat() in days)


# ---- the broker's nested chain ----------------------------------------------------------


def read_nested(symbol: str, data: Any) -> ListedChain:
    """Read the `data` member of a nested option chain; items may be empty.

    Adjusted roots (option-chain-type other than Standard) are counted and left out. A strike
    or expiration that cannot be read is left out; a chain of which none can be is refused.

    Raises:
        BadPayload: not the documented shape.
    """
    items = data.get("items") if isinstance(data, Mapping) else None
    if not isinstance(items, list):
        raise BadPayload(f"the option chain of {symbol} has no list of items")
    found: dict[Expiry, dict[int, list[str | None]]] = {}
    multipliers: dict[Expiry, float | None] = {}
    non_standard = seen = 0
    for item in items:
        if not isinstance(item, Mapping):
            continue
        root = item.get("root-symbol")
        expirations = item.get("expirations")
        if not isinstance(root, str) or not isinstance(expirations, list):
            continue
        standard = item.get("option-chain-type", "Standard") == "Standard"
        for expiration in expirations:
            strikes = _list(expiration, "strikes")
            seen += len(strikes)
            if not standard:
                non_standard += 2 * len(strikes)
                continue
            expiry = _expiry(root, expiration)
            if expiry is not None:
                multipliers.setdefault(expiry, _multiplier(item.get("shares-per-contract")))
                _take_strikes(strikes, found.setdefault(expiry, {}))
    expiries = [
        _listed(expiry, multipliers[expiry], found[expiry])
        for expiry in sorted(found, key=lambda each: (each.settles, each.root))
        if found[expiry]
    ]
    if seen and not expiries and not non_standard:
        raise BadPayload(f"no strike of the option chain of {symbol} can be read")
    return ListedChain(symbol, tuple(expiries), non_standard)


def _list(value: Any, name: str) -> Sequence[Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else ()


def _expiry(root: str, expiration: Mapping[str, Any]) -> Expiry | None:
    settlement = expiration.get("settlement-type")
    try:
        day = date.fromisoformat(str(expiration.get("expiration-date")))
    except ValueError:
        return None
    if settlement == "AM":
        return Expiry(day, root, "AM")
    return Expiry(day, root, "PM") if settlement == "PM" else None


def _multiplier(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < 1e6 else None


def _take_strikes(strikes: Sequence[Any], into: dict[int, list[str | None]]) -> None:
    for strike in strikes:
        if not isinstance(strike, Mapping):
            continue
        try:
            thousandths = Decimal(str(strike.get("strike-price"))) * 1000
            exact = int(thousandths)
        except (InvalidOperation, ValueError, OverflowError):
            continue
        if exact != thousandths or not 0 < exact < 10**8:
            continue  # no OCC symbol can say it
        sides = into.setdefault(exact, [None, None])
        for side, name in enumerate(("call-streamer-symbol", "put-streamer-symbol")):
            streamer = strike.get(name)
            if isinstance(streamer, str) and streamer.startswith("."):
                sides[side] = streamer


def _listed(
    expiry: Expiry, multiplier: float | None, strikes: Mapping[int, Sequence[str | None]]
) -> ListedExpiry:
    ordered = sorted(strike for strike, sides in strikes.items() if any(sides))
    return ListedExpiry(
        expiry,
        multiplier,
        tuple(ordered),
        tuple(strikes[strike][0] for strike in ordered),
        tuple(strikes[strike][1] for strike in ordered),
    )
