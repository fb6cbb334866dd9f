"""Rows of any Cboe file as columns: symbols read, sentinels made unknown, one OptionChain made.

Columns(source)                      .add(symbol, row), .fill(name, values, rows), .chain(...)
Head(symbol, spot, at, generated)    what a file says of the underlying

A value that cannot be is refused with its row and column (BadPayload); one that says "not
known" becomes NaN, so that whoever sums counts the contract as left out.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np

from grok_sauce.errors import BadPayload
from grok_sauce.market.chain import THOUSANDTHS, Expiry, Floats, OptionChain
from grok_sauce.market.instruments import AM_ROOTS, underlying_of
from grok_sauce.market.sessions import is_session, new_york_date, previous_session, regular
from grok_sauce.values import dataclass

MULTIPLIER: Final = 100.0  # $ per point of every standard stock or index option
NUMBERS: Final = ("bid", "ask", "volume", "iv", "delta", "gamma", "oi", "theta", "vega")
_TAIL: Final = 15  # YYMMDD, C or P, eight digits
_HIGHEST_IV: Final = 20.0  # 2000 %; beyond it a solver has run away
_HIGHEST_GAMMA: Final = 10.0
_TYPICAL_IV: Final = 8.0  # half of all contracts above 800 %: these are percent, not fractions
_SPOT_REACH: Final = 4.0  # spot is at most so many times off the strikes


@dataclass(frozen=True, slots=True)
class Head:
    """What a file says of its underlying. Times are Unix seconds.

    symbol: the user's, "" to take it from the roots. at: the underlying's time, generated: when
    the file was made, both None where the file does not say.
    """

    symbol: str
    spot: float
    at: float | None
    generated: float | None = None


class Columns:
    """Contracts of one file as they are read; row numbers are the file's, for messages.

    >>> columns = Columns("a file")
    >>> columns.add("SPXW261218C06000000", 7)
    >>> columns.add("SPXW261218C06000000", 9)
    Traceback (most recent call last):
    grok_sauce.errors.BadPayload: a file, row 9: SPXW261218C06000000 is there twice, first in row 7
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._contracts: dict[str, int] = {}  # symbol -> row
        self._keys: dict[str, int] = {}  # root and date as written -> place in _expiries
        self._expiries: list[Expiry] = []
        self._expiry = array("q")
        self._strike = array("q")
        self._is_call = array("b")
        self._numbers = {name: array("d") for name in NUMBERS}

    def __len__(self) -> int:
        return len(self._contracts)

    def wrong(self, row: int, column: str, text: str) -> BadPayload:
        """An error that says where."""
        where = f", {column}" if column else ""
        return BadPayload(f"{self.source}, row {row}{where}: {text}")

    def add(self, symbol: str, row: int, column: str = "") -> None:
        """Take one contract's symbol; its numbers follow with fill()."""
        key, side, digits = symbol[:-9], symbol[-9:-8], symbol[-8:]
        place = self._keys.get(key)
        if place is None:
            place = self._keys[key] = self._expiry_of(symbol, row, column)
        if side not in ("C", "P") or not (digits.isascii() and digits.isdigit()):
            raise self.wrong(row, column, f"{symbol[:40]!r} is no option symbol")
        strike = int(digits)
        if not strike:
            raise self.wrong(row, column, f"{symbol} has no strike")
        first = self._contracts.setdefault(symbol, row)
        if len(self._contracts) == len(self._strike):
            raise self.wrong(row, column, f"{symbol} is there twice, first in row {first}")
        self._expiry.append(place)
        self._strike.append(strike)
        self._is_call.append(side == "C")

    def _expiry_of(self, symbol: str, row: int, column: str) -> int:
        root, day = symbol[:-_TAIL], symbol[-_TAIL:-9]
        good = root.isascii() and root.isalnum() and root.upper() == root and len(root) <= 6
        if not (good and day.isascii() and day.isdigit() and len(day) == 6):
            raise self.wrong(row, column, f"{symbol[:40]!r} is no option symbol")
        try:
            expires = date(2000 + int(day[:2]), int(day[2:4]), int(day[4:]))
        except ValueError:
            raise self.wrong(row, column, f"{symbol} expires on no calendar day") from None
        self._expiries.append(Expiry(expires, root, "AM" if root in AM_ROOTS else "PM"))
        return len(self._expiries) - 1

    def fill(self, name: str, values: Sequence[Any], rows: Sequence[int], column: str = "") -> None:
        """Append values of one column (numbers, or None for unknown) for the newest contracts."""
        kept = self._numbers[name]
        for value, row in zip(values, rows, strict=True):
            if type(value) is float or type(value) is int:
                try:
                    kept.append(value)
                except OverflowError:
                    kept.append(np.inf)
            elif value is None:
                kept.append(np.nan)
            else:
                raise self.wrong(row, column or name, f"{str(value)[:40]!r} is no number")

    # ---- the whole -----------------------------------------------------------------------

    def chain(self, head: Head, as_of: float | None = None, provider: str = "CBOE") -> OptionChain:
        """The chain at as_of (unless given: at the file's time).

        Raises:
            BadPayload: no contracts, several underlyings, no time, or a spot or volatilities
                that do not go with the strikes.
        """
        if not self._contracts:
            raise BadPayload(f"{self.source}: holds no options")
        symbol = head.symbol or self._underlying()
        at = head.at if as_of is None else as_of
        if at is None:
            raise BadPayload(
                f"{self.source}: says no time that can be read; give it with --as-of, "
                f"such as --as-of 2026-11-20T16:15 (New York)"
            )
        known = at if head.at is None else min(head.at, at)
        expiry, expiries = self._sorted_expiries()
        strike = np.array(self._strike, dtype=np.int64)
        if not self.spot_fits(head.spot):
            raise BadPayload(
                f"{self.source}: a price of {head.spot:g} does not go with strikes from "
                f"{strike.min() / THOUSANDTHS:g} to {strike.max() / THOUSANDTHS:g}"
            )
        cleaned = self._cleaned()
        count = len(self._contracts)
        standard = np.array([each.root.isalpha() for each in expiries])
        when = np.full(count, known)
        return OptionChain(
            symbol=symbol,
            spot=head.spot,
            spot_basis=_basis(known),
            spot_at=known,
            as_of=at,
            source=provider,
            expiries=expiries,
            listed=len(expiries),
            oi_date=_oi_date(known, head.generated),
            contract=tuple(self._contracts),
            expiry=expiry,
            strike=strike,
            is_call=np.array(self._is_call, dtype=np.bool_),
            multiplier=np.where(standard[expiry], MULTIPLIER, np.nan),
            greeks_at=when,
            quote_at=when,
            oi_at=when,
            **cleaned,
        )

    def _underlying(self) -> str:
        """Whose options these are; QQQ1 is an adjusted QQQ."""
        roots = {each.root.rstrip("0123456789").lstrip("0123456789") for each in self._expiries}
        found = sorted({underlying_of(root) for root in roots})
        if len(found) != 1:
            raise BadPayload(f"{self.source}: holds options of {', '.join(found)}, not of one")
        return found[0]

    def _sorted_expiries(self) -> tuple[Any, tuple[Expiry, ...]]:
        ordered = sorted(range(len(self._expiries)), key=lambda place: self._expiries[place])
        rank = np.empty(len(ordered), dtype=np.int64)
        rank[ordered] = np.arange(len(ordered))
        return rank[np.array(self._expiry)], tuple(self._expiries[place] for place in ordered)

    def spot_fits(self, spot: float) -> bool:
        """Does a price go with the strikes? One read with the wrong decimal sign does not."""
        if not self._strike:
            return spot > 0
        low, high = min(self._strike) / THOUSANDTHS, max(self._strike) / THOUSANDTHS
        return low / _SPOT_REACH <= spot <= high * _SPOT_REACH

    def _cleaned(self) -> dict[str, Floats]:
        found = {name: np.array(values) for name, values in self._numbers.items()}
        for values in found.values():
            values[~np.isfinite(values)] = np.nan
        _keep(found["bid"], found["bid"] >= 0)
        _keep(found["ask"], found["ask"] >= 0)
        _keep(found["iv"], (found["iv"] > 0) & (found["iv"] <= _HIGHEST_IV))
        _keep(found["delta"], np.abs(found["delta"]) <= 1.0)
        _keep(found["gamma"], (found["gamma"] >= 0) & (found["gamma"] <= _HIGHEST_GAMMA))
        _keep(found["theta"], found["theta"] > -999.0)
        _keep(found["vega"], found["vega"] >= 0)
        for name, column in (("oi", "open interest"), ("volume", "volume")):
            _keep(found[name], found[name] >= 0)
            self._check_whole(found[name], column)
        self._check_volatilities()
        return found

    def _check_whole(self, values: Floats, column: str) -> None:
        broken = np.flatnonzero(values % 1 > 0)  # NaN is not above 0
        if len(broken):
            place = int(broken[0])
            row = list(self._contracts.values())[place]
            raise self.wrong(row, column, f"{values[place]:g} is no whole number of contracts")

    def _check_volatilities(self) -> None:
        given = np.array(self._numbers["iv"])
        given = given[np.isfinite(given) & (given > 0)]
        if len(given) and float(np.median(given)) > _TYPICAL_IV:
            raise BadPayload(
                f"{self.source}: implied volatilities around {np.median(given):g} are no "
                f"fractions of 1"
            )


def _keep(values: Floats, good: Any) -> None:
    """Make unknown in place what is not good."""
    values[~good] = np.nan


def _basis(at: float) -> str:
    """A price of after the close is the close's; before it is a quarter of an hour old."""
    day = new_york_date(at)
    return "close" if not is_session(day) or at >= regular(day)[1] else "delayed"


def _oi_date(at: float, generated: float | None) -> date | None:
    """The evening whose open interest a file holds; None where it may be this one or the next.

    It is taken over once in the night. A file made later than the day of its prices, or
    before that day's opening, can hold either.
    """
    day = new_york_date(at)
    made = at if generated is None else generated
    if not is_session(day) or new_york_date(made) != day or at < regular(day)[0]:
        return None
    return previous_session(day)
