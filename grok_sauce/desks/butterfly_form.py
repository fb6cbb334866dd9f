"""The planner's form: what was asked, completed from what is listed, and its one canonical text.

read(texts) -> values                       of an address; raises Invalid naming the field
complete(values, listed, spot, now) -> Form raises Unlisted with the sentence to show
Form.key() -> text, read_key(text) -> values
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode

from grok_sauce.errors import GrokSauceError
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.listing import ListedChain, ListedExpiry
from grok_sauce.values import dataclass

FIELDS: Final = (
    "symbol",
    "expiry",
    "root",
    "center",
    "width",
    "width_high",
    "compare",
    "side",
    "price",
    "quantity",
    "fees",
)
# The usual width is this share of spot: 25 points at 6,000, and twice that to compare.
_USUAL: Final = 25 / 6000


_SYMBOL: Final = re.compile(r"/?[A-Z0-9.]{1,12}(/[A-Z0-9]{1,4})?")
_ROOT: Final = re.compile(r"[A-Z0-9.]{1,8}")
# Field -> (lowest, highest, what it is)
_LIMITS: Final = {
    "center": (0.001, 1e6, "points"),
    "width": (0.001, 1e5, "points"),
    "width_high": (0.001, 1e5, "points"),
    "compare": (0.0, 1e5, "points, 0 for none"),
    "fees": (0.0, 100.0, "$ per contract"),
}
_CHOICES: Final = {"side": ("auto", "puts", "calls"), "price": ("mid", "natural")}
_MOST: Final = 1000  # packages


class Invalid(GrokSauceError):
    """A value that cannot be one; field names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Unlisted(GrokSauceError):
    """What was asked for does not exist, in words for the page."""


@dataclass(frozen=True, slots=True)
class Form:
    """One complete request. Points; fees in $ per contract; compare None for no second width."""

    symbol: str
    expiry: Expiry
    center: float
    width: float
    width_high: float
    compare: float | None
    side: Literal["auto", "puts", "calls"]
    price: Literal["mid", "natural"]
    quantity: int
    fees: float

    def query(self) -> dict[str, str]:
        """Its parameters as an address carries them."""
        return {
            "symbol": self.symbol,
            "expiry": self.expiry.day.isoformat(),
            "root": self.expiry.root,
            "center": _text(self.center),
            "width": _text(self.width),
            "width_high": _text(self.width_high),
            "compare": _text(self.compare or 0.0),
            "side": self.side,
            "price": self.price,
            "quantity": str(self.quantity),
            "fees": _text(self.fees),
        }

    def key(self) -> str:
        """The one text of this request: the same for all pages that show it."""
        return urlencode(self.query())

    def strikes(self) -> set[int]:
        """All strikes it needs, both widths, in thousandths."""
        ends = [(self.width, self.width_high)]
        if self.compare is not None:
            ends.append((self.compare, self.compare))
        points = {self.center}
        for low, high in ends:
            points |= {self.center - low, self.center + high}
        return {round(point * 1000) for point in points}


def read(texts: Mapping[str, str]) -> dict[str, Any]:
    """Values of a request's parameters; those that are empty or missing are left out.

    Raises:
        Invalid: naming the field, in words for people.
    """
    found: dict[str, Any] = {}
    for name, text in texts.items():
        if name not in FIELDS:
            raise Invalid(name[:40], f"{ascii(name)[:40]} is not known here.")
        text = text.strip()
        if text:
            found[name] = _value(name, text)
    return found


def read_key(key: str) -> dict[str, Any]:
    """Values of a canonical text.

    Raises:
        Invalid: it is none.
    """
    try:
        pairs = parse_qsl(key, keep_blank_values=True, max_num_fields=len(FIELDS))
    except ValueError:
        raise Invalid("key", "There are too many fields in it.") from None
    return read(dict(pairs))


def _value(name: str, text: str) -> Any:
    if name in _LIMITS:
        return _number(name, text)
    if name in _CHOICES:
        if text not in _CHOICES[name]:
            raise Invalid(name, f"{name} must be {' or '.join(_CHOICES[name])}.")
        return text
    if name == "quantity":
        if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= _MOST:
            raise Invalid(name, f"quantity must be a whole number, 1 to {_MOST:,}.")
        return int(text)
    if name == "expiry":
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise Invalid(name, "expiry must be a date such as 2026-12-18.") from None
    pattern = _SYMBOL if name == "symbol" else _ROOT
    if not pattern.fullmatch(text.upper()):
        raise Invalid(name, f"{name} must be letters and digits, such as SPX.")
    return text.upper()


def _number(name: str, text: str) -> float:
    low, high, unit = _LIMITS[name]
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        value = math.nan
    if not low <= value <= high:  # NaN is within nothing
        raise Invalid(name, f"{name} must be {low:g} to {high:,.0f} {unit}.")
    return round(value, 3)


def complete(asked: Mapping[str, Any], listed: ListedChain, spot: float | None, now: float) -> Form:
    """What was asked, with the usual value for what was not (None or missing).

    The expiry is the next to settle, in the afternoon where a day has both; the center the
    strike nearest spot; the width about 25 points of 6,000 and the one compared twice that,
    both listed. compare 0 asks for none.

    Raises:
        Unlisted: there is no such expiry, or no strike to begin with.
    """
    found = _expiry(asked, listed, now)
    strikes = [strike / 1000 for strike in found.strikes]
    center = asked.get("center")
    if center is None:
        if spot is None:
            raise Unlisted(f"{listed.symbol} has no price yet, so no centre is known.")
        center = min(strikes, key=lambda strike: (abs(strike - spot), strike))
    width = asked.get("width")
    if width is None:
        width = _width(strikes, center, (spot or center) * _USUAL)
    compare = asked.get("compare")
    if compare is None:
        compare = _width(strikes, center, 2 * width)
    high = asked.get("width_high")
    return Form(
        symbol=listed.symbol,
        expiry=found.expiry,
        center=center,
        width=width,
        width_high=width if high is None else high,
        compare=None if compare in (0.0, width) and high in (None, width) else compare or None,
        side=asked.get("side") or "auto",
        price=asked.get("price") or "mid",
        quantity=asked.get("quantity") or 1,
        fees=asked.get("fees") or 0.0,
    )


def _expiry(asked: Mapping[str, Any], listed: ListedChain, now: float) -> ListedExpiry:
    day: date | None = asked.get("expiry")
    root: str | None = asked.get("root")
    found = [
        each
        for each in listed.expiries
        if (day is None or each.expiry.day == day)
        and (root is None or each.expiry.root == root)
        and (day is not None or each.expiry.settles > now)
    ]
    if not found:
        name = root or listed.symbol
        when = "" if day is None else f" that expire on {day:%a} {day.day} {day:%b %Y}"
        raise Unlisted(f"{name} has no listed options{when}.")
    day = found[0].expiry.day
    same = [each for each in found if each.expiry.day == day]
    # The afternoon's is the one day traders mean; the morning's ends the evening before.
    return next((each for each in same if each.expiry.settlement == "PM"), same[0])


def _width(strikes: Sequence[float], center: float, usual: float) -> float:
    """The listed width nearest the usual one; the usual one itself where none is listed."""
    above = {round(strike - center, 3) for strike in strikes if strike > center}
    both = [w for w in above if w in {round(center - s, 3) for s in strikes if s < center}]
    if not both:
        return round(usual, 3)
    return min(both, key=lambda width: (abs(width - usual), width))


def _text(value: float) -> str:
    """A number without forced decimals and without an exponent."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
