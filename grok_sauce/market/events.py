"""Market events as clean values, made when somebody reads them: numbers finite, unknown None.

number(x) -> float | None        whole(x) -> int | None        moment(x) -> int | None (ms)
amount(x) -> float | None, tally(x) -> int | None              the same, not negative
Quote.of(symbol, row), Trade.of(symbol, row, extended=False), Summary.of, Profile.of, Greeks.of
take a row of MarketState.last[kind]: the values of FIELDS[kind], then the arrival. Bar.of(row)
takes FIELDS["Candle"] alone and answers None where the row is not a bar.

Times: an exchange's time is int milliseconds since 1970 UTC (`time`), arrival is a Unix time
in seconds of market time (`at`). Day ids are days since 1970-01-01.

Headlines, calendar events and releases are in headlines.py, calendar_week.py, releases.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final, Literal

from grok_sauce.values import dataclass

Row = Sequence[Any]

_NUMBERS: Final = (int, float)

EARLIEST: Final = 631_152_000_000  # 1990-01-01 UTC, ms: nothing we read is older
# 2038-01-19 03:14:07 UTC, ms: the feed's marker rows are stamped 2147483648 s.
LATEST: Final = 2_147_483_647_000


def number(value: object) -> float | None:
    """The value as a finite float; None for "NaN", infinities, text, booleans and None.

    >>> [number(value) for value in (2, 597.5, "NaN", "-Infinity", float("inf"), True, None)]
    [2.0, 597.5, None, None, None, None, None]
    """
    if type(value) is float:  # nearly all of them: ten times a second per row shown
        return value if isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    try:
        clean = float(value)
    except OverflowError:  # an integer beyond any float
        return None
    return clean if isfinite(clean) else None


def whole(value: object) -> int | None:
    """The value as an int if it is a whole number (the wire sends 1200.0 for 1200), else None."""
    clean = number(value)
    if clean is None or not clean.is_integer():
        return None
    return value if type(value) is int else int(clean)  # beyond 2**53 only the int is exact


def moment(value: object) -> int | None:
    """An exchange time in ms; None when not supplied (0) or outside 1990 to 2038."""
    clean = number(value)
    return int(clean) if clean is not None and EARLIEST <= clean < LATEST else None


def tally(value: object) -> int | None:
    """A whole number that cannot be negative (prints in a bar), else None."""
    clean = whole(value)
    return clean if clean is not None and clean >= 0 else None


def _positive(value: object) -> int | None:
    clean = whole(value)
    return clean if clean is not None and clean > 0 else None


def amount(value: object) -> float | None:
    """A number that cannot be negative (a volume, a price); None for what is."""
    clean = number(value)
    return clean if clean is not None and clean >= 0 else None


def _text(value: object) -> str | None:
    """Text that says something; the feed writes a NUL or "NaN" for none."""
    clean = value.strip(" \0") if isinstance(value, str) else ""
    return clean if clean and clean != "NaN" else None


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask. A side that is missing is None, never 0 (a far option may bid a real 0)."""

    symbol: str
    bid: float | None
    ask: float | None
    at: float

    @classmethod
    def of(cls, symbol: str, row: Row) -> Quote:
        """Read a row of state."""
        bid, ask, at = row
        return cls(symbol, number(bid), number(ask), at)

    @property
    def mid(self) -> float | None:
        """Half way between bid and ask; None unless both are there, above 0 and not crossed."""
        if self.bid is None or self.ask is None or not 0 < self.bid <= self.ask:
            return None
        return (self.bid + self.ask) / 2

    @property
    def spread(self) -> float | None:
        """Ask minus bid (negative when crossed); None when a side is missing."""
        return None if self.bid is None or self.ask is None else self.ask - self.bid


@dataclass(frozen=True, slots=True)
class Trade:
    """The last print and the volume so far.

    extended: from TradeETH; day_volume is then the extended hours' alone. Indices have
    no volume.
    """

    symbol: str
    price: float | None
    day_volume: float | None
    time: int | None
    day_id: int | None
    at: float
    extended: bool = False

    @classmethod
    def of(cls, symbol: str, row: Row, extended: bool = False) -> Trade:
        """Read a row of state."""
        price, volume, time, day, at = row
        return cls(
            symbol, number(price), amount(volume), moment(time), _positive(day), at, extended
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """The day: open, high, low, close of the regular session, yesterday's close, open interest.

    day_close is None until the close. open_interest is in contracts, counted the evening before.
    """

    symbol: str
    day_id: int | None
    day_open: float | None
    day_high: float | None
    day_low: float | None
    day_close: float | None
    prev_close: float | None
    prev_volume: float | None
    open_interest: int | None
    at: float

    @classmethod
    def of(cls, symbol: str, row: Row) -> Summary:
        """Read a row of state."""
        day, opening, high, low, close, prev_close, prev_volume, interest, at = row
        return cls(
            symbol,
            _positive(day),
            number(opening),
            number(high),
            number(low),
            number(close),
            number(prev_close),
            amount(prev_volume),
            whole(interest),
            at,
        )


TradingStatus = Literal["ACTIVE", "HALTED"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Name and trading status; trading_status is None where the feed says UNDEFINED."""

    symbol: str
    description: str | None
    trading_status: TradingStatus | None
    status_reason: str | None
    halt_start: int | None
    halt_end: int | None
    at: float

    @classmethod
    def of(cls, symbol: str, row: Row) -> Profile:
        """Read a row of state."""
        description, status, reason, start, end, at = row
        known: TradingStatus | None = status if status in ("ACTIVE", "HALTED") else None
        return cls(symbol, _text(description), known, _text(reason), moment(start), moment(end), at)

    @property
    def is_halted(self) -> bool:
        """True only when the feed says HALTED."""
        return self.trading_status == "HALTED"


@dataclass(frozen=True, slots=True)
class Greeks:
    """The feed's own model of one option, per share.

    volatility is a fraction (0.18 = 18 %), theta per day, vega per volatility point, price
    the option price they belong to, time when they were worked out: a server repeats its last
    ones after each sign-in, however old.
    """

    symbol: str
    price: float | None
    volatility: float | None
    delta: float | None
    gamma: float | None
    theta: float | None
    vega: float | None
    time: int | None
    at: float

    @classmethod
    def of(cls, symbol: str, row: Row) -> Greeks:
        """Read a row of state."""
        price, volatility, delta, gamma, theta, vega, time, at = row
        return cls(
            symbol,
            amount(price),
            amount(volatility),
            number(delta),
            number(gamma),
            number(theta),
            number(vega),
            moment(time),
            at,
        )


@dataclass(frozen=True, slots=True)
class Bar:
    """One candle: time is its start (ms UTC), prices above 0, volume None where there is none."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    count: int | None

    @classmethod
    def of(cls, row: Row) -> Bar | None:
        """Read FIELDS["Candle"]; None for marker rows and nonsense.

        A bar needs a time between 1990 and 2038 and four prices above 0 with
        low <= open, close <= high.

        >>> bar = Bar.of((0, 1, 1797449520000, 12, 597.0, 598.0, 596.5, 597.5, "NaN"))
        >>> bar.close, bar.volume, bar.count
        (597.5, None, 12)
        >>> Bar.of((10, 1, 1797449520000, 0, "NaN", "NaN", "NaN", "NaN", "NaN")) is None
        True
        """
        time = moment(row[2])
        opening, high, low, close = map(number, row[4:8])
        if time is None or opening is None or high is None or low is None or close is None:
            return None
        if not (0 < low <= opening <= high and low <= close <= high):
            return None
        return cls(time, opening, high, low, close, amount(row[8]), tally(row[3]))
