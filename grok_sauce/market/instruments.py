"""Symbols: what users type, what feeds call it, option and candle spellings, roots, futures.

Instrument                                        what a user's symbol is called by sources
normalise(text, field=None) -> str                user symbol; raises SettingsError
provisional(symbol) -> Instrument                 what is known before a source was asked
parse_occ(text), parse_streamer(text) -> OptionTerms(root, expiry, right, strike: Decimal)
    .occ, .streamer, .strike_float                raise BadPayload
candle_symbol(base, period, tho=False) -> str     canonical spelling
CandleSymbol.parse(text) -> CandleSymbol(base, period, attributes); str(), .tho, .seconds
FutureContract.parse(text) -> FutureContract(product, month, year, exchange)
decimals_of(tick, least=2) -> int
ROOTS, AM_ROOTS, roots_of(underlying), underlying_of(root), PRODUCTS, HINTS
"""

from __future__ import annotations

import re
from dataclasses import field
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from grok_sauce.errors import BadPayload, SettingsError
from grok_sauce.market.products import (
    AM_ROOTS,
    HINTS,
    KNOWN,
    MONTHS,
    PRODUCTS,
    ROOTS,
    Kind,
    Product,
)
from grok_sauce.values import dataclass

__all__ = [
    "AM_ROOTS",
    "HINTS",
    "KNOWN",
    "MONTHS",
    "PRODUCTS",
    "ROOTS",
    "CandleSymbol",
    "FutureContract",
    "Instrument",
    "Kind",
    "OptionTerms",
    "Problem",
    "Product",
    "Right",
    "candle_symbol",
    "canonical_period",
    "decimals_of",
    "normalise",
    "parse_occ",
    "parse_streamer",
    "provisional",
    "roots_of",
    "underlying_of",
]

Problem = Literal["not_offered", "no_entitlement", "unknown_symbol"]
Right = Literal["C", "P"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """A user's symbol and what the feed calls it.

    tick is in points, multiplier in $ per point of the future (None: not known, or a
    share). contract is the front month's short name ("/ESZ6"), product its root ("ES").
    problem says why no price can come; hint names a symbol that may stand in.
    """

    symbol: str
    streamer: str
    kind: Kind = "unknown"
    name: str = ""
    tick: float | None = None
    multiplier: float | None = None
    has_options: bool | None = None
    product: str | None = None
    contract: str | None = None
    problem: Problem | None = None
    hint: str | None = None


_UNDERLYING: Final = {root: name for name, roots in ROOTS.items() for root in roots}


def roots_of(underlying: str) -> tuple[str, ...]:
    """Option roots of an underlying: its own name (BRK/B: BRKB) unless listed in ROOTS."""
    return ROOTS.get(underlying) or (underlying.replace("/", ""),)


def underlying_of(root: str) -> str:
    """The underlying of an option root; an unlisted root is its own underlying."""
    return _UNDERLYING.get(root, root)


def decimals_of(tick: float | None, least: int = 2) -> int:
    """Decimals that show a price on this tick exactly, at least `least`.

    >>> [decimals_of(tick) for tick in (0.25, 0.03125, 5e-7, 1.0, None)]
    [2, 5, 7, 2, 2]
    """
    if tick is None:
        return least
    exponent = Decimal(repr(tick)).normalize().as_tuple().exponent
    return max(least, -exponent) if isinstance(exponent, int) else least


# ---- what a user types ------------------------------------------------------------------

_SHARE: Final = re.compile(r"[A-Z][A-Z0-9]{0,9}(?:/[A-Z]{1,3})?")
_ROOT: Final = re.compile(r"/(?=[0-9]*[A-Z])[A-Z0-9]{1,4}")
_LONGEST: Final = 16


def normalise(text: str, field: str | None = None) -> str:
    """A typed symbol in the one spelling used everywhere; field names the setting in errors.

    Blanks around it go, letters become capitals, a share class is written with a slash
    (BRK.B and BRK-B are BRK/B), an index loses the $ or ^ of other platforms. A future is
    its root.

    Raises:
        SettingsError: with the reason in words for whoever typed it.

    >>> [normalise(text) for text in ("  spy ", "/es", "brk.b", "$VIX")]
    ['SPY', '/ES', 'BRK/B', 'VIX']
    """
    if not isinstance(text, str):
        raise SettingsError(f"a symbol must be text, not {type(text).__name__}", field)
    symbol = text.strip()
    if not symbol:
        raise SettingsError("a symbol is empty", field)
    if len(symbol) > _LONGEST:
        raise SettingsError(
            f"{symbol[:_LONGEST]!r}... is too long for a symbol (at most {_LONGEST} characters)",
            field,
        )
    if not symbol.isascii():
        raise SettingsError(f"{symbol!r} has characters that no symbol has", field)
    symbol = symbol.upper()
    if symbol.startswith("/"):
        return _normalise_future(symbol, field)
    if symbol.startswith("."):
        raise SettingsError(f"{symbol!r} is an option; enter its underlying", field)
    if symbol[0] in "$^":
        symbol = symbol[1:]
    symbol = re.sub(r"[.-](?=[A-Z]{1,3}\Z)", "/", symbol)
    if not _SHARE.fullmatch(symbol):
        raise SettingsError(
            f"{text.strip()!r} is not a symbol: write a share or index as SPY, BRK/B or SPX, "
            f"a future as /ES",
            field,
        )
    return symbol


def _normalise_future(symbol: str, field: str | None) -> str:
    if symbol[1:] in PRODUCTS:
        return symbol
    contract = _CONTRACT.fullmatch(symbol)
    if contract:
        raise SettingsError(
            f"{symbol!r} is one contract and expires; enter /{contract[1]}, "
            f"which follows the front month",
            field,
        )
    if not _ROOT.fullmatch(symbol):
        raise SettingsError(f"{symbol!r} is not a future: write its root, as /ES or /VX", field)
    return symbol


def provisional(symbol: str) -> Instrument:
    """What is known of a normalised symbol before any source was asked.

    A future's streamer symbol is not derivable: until it is resolved, streamer repeats
    the user's symbol, which no feed answers to.
    """
    if symbol.startswith("/"):
        product = PRODUCTS.get(symbol[1:])
        if product is None:
            return Instrument(symbol, symbol, "future", product=symbol[1:])
        return Instrument(
            symbol,
            symbol,
            "future",
            product.name,
            product.tick,
            product.multiplier,
            product=symbol[1:],
        )
    kind, name = KNOWN.get(symbol, ("unknown", ""))
    hint = HINTS.get(symbol)
    return Instrument(
        symbol,
        symbol,
        kind,
        name,
        tick=0.01 if kind in ("etf", "equity", "index") else None,
        problem="not_offered" if hint else None,
        hint=hint,
    )


# ---- options ----------------------------------------------------------------------------

_OCC: Final = re.compile(r"([A-Z]{1,6}|[A-Z]{1,5}[0-9]) *([0-9]{6})([CP])([0-9]{8})")
_STREAMER: Final = re.compile(r"\.([A-Z]+[0-9]?)([0-9]{6})([CP])([0-9]+(?:\.[0-9]+)?)")
_THOUSAND: Final = Decimal(1000)


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """Root, expiry, right and exact strike of one listed stock or index option.

    >>> OptionTerms("F", date(2025, 6, 20), "C", Decimal("2.02")).occ
    'F     250620C00002020'
    """

    root: str
    expiry: date
    right: Right
    strike: Decimal

    @property
    def occ(self) -> str:
        """The 21 characters of the OCC: root padded to 6, yymmdd, right, strike x 1000.

        Raises:
            BadPayload: the strike or root does not fit.
        """
        thousandths = self.strike * _THOUSAND
        if thousandths != int(thousandths) or not 0 < thousandths < 10**8 or len(self.root) > 6:
            raise BadPayload(f"{self.root} {self.strike} does not fit an OCC symbol")
        return f"{self.root:<6}{self.expiry:%y%m%d}{self.right}{int(thousandths):08d}"

    @property
    def streamer(self) -> str:
        """dxFeed's spelling: the strike as the shortest decimal."""
        strike = format(self.strike.normalize(), "f")
        return f".{self.root}{self.expiry:%y%m%d}{self.right}{strike}"

    @property
    def strike_float(self) -> float:
        """The strike for formulas."""
        return float(self.strike)


def parse_occ(text: str) -> OptionTerms:
    """Read an OCC symbol. Raises BadPayload when it is none."""
    match = _OCC.fullmatch(text)
    if match is None or (len(text) != 21 and " " in text):
        raise BadPayload(f"{text[:40]!r} is not an OCC option symbol")
    return _terms(text, match[1], match[2], match[3], Decimal(match[4]) / _THOUSAND)


def parse_streamer(text: str) -> OptionTerms:
    """Read a streamer option symbol (not of a futures option). Raises BadPayload."""
    match = _STREAMER.fullmatch(text)
    if match is None:
        raise BadPayload(f"{text[:40]!r} is not a streamer option symbol")
    return _terms(text, match[1], match[2], match[3], Decimal(match[4]))


def _terms(text: str, root: str, day: str, right: str, strike: Decimal) -> OptionTerms:
    try:
        expiry = date(2000 + int(day[:2]), int(day[2:4]), int(day[4:]))
    except ValueError:
        raise BadPayload(f"{text!r} expires on no calendar day") from None
    if strike <= 0:
        raise BadPayload(f"{text!r} has no strike")
    return OptionTerms(root, expiry, "C" if right == "C" else "P", strike)


# ---- futures ----------------------------------------------------------------------------

_CONTRACT: Final = re.compile(r"/([A-Z0-9]{1,4}?)([FGHJKMNQUVXZ])([0-9]{1,2})(?::([A-Z]{4}))?")


@dataclass(frozen=True, slots=True)
class FutureContract:
    """One delivery month: product "ES", month 1..12, full year, exchange or None."""

    product: str
    month: int
    year: int
    exchange: str | None = None

    @classmethod
    def parse(cls, text: str, today: date) -> FutureContract:
        """Read "/ESZ6" or "/ESZ26:XCME"; a one-digit year is the next such year from today's.

        Raises:
            BadPayload: not a contract.

        >>> FutureContract.parse("/ESZ6", date(2026, 11, 20)).year
        2026
        >>> FutureContract.parse("/ESH0", date(2026, 11, 20)).year
        2030
        """
        match = _CONTRACT.fullmatch(text)
        if match is None:
            raise BadPayload(f"{text[:40]!r} is not a futures contract")
        digits = int(match[3])
        ahead = (digits - today.year) % 10
        year = 2000 + digits if len(match[3]) == 2 else today.year + ahead
        return cls(match[1], MONTHS.index(match[2]) + 1, year, match[4])

    @property
    def short(self) -> str:
        """The broker's spelling, one-digit year: "/ESZ6"."""
        return f"/{self.product}{MONTHS[self.month - 1]}{self.year % 10}"

    @property
    def streamer(self) -> str:
        """The feed's spelling "/ESZ26:XCME"; without an exchange "/ESZ26"."""
        suffix = f":{self.exchange}" if self.exchange else ""
        return f"/{self.product}{MONTHS[self.month - 1]}{self.year % 100:02d}{suffix}"


# ---- candles ----------------------------------------------------------------------------

_CANDLE: Final = re.compile(r"([^{}]+)\{=([^{},]+)((?:,[a-z]+=[^{},=]+)*)\}")
_PERIOD: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)?(mo|[tsmhdwoyvp])")
_DEFAULTS: Final = {("price", "last"), ("tho", "false"), ("a", "m")}
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True, slots=True)
class CandleSymbol:
    """A candle symbol in parts: base, canonical period ("m", "5m", "d"), sorted attributes.

    Two spellings of one stream are equal once parsed; str() is the canonical one that
    the feed answers with.

    >>> str(CandleSymbol.parse("SPY{=1d,tho=true}")), CandleSymbol.parse("SPY{=5m}").seconds
    ('SPY{=d,tho=true}', 300)
    """

    base: str
    period: str
    attributes: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def parse(cls, text: str) -> CandleSymbol:
        """Read any spelling. Raises BadPayload when it is not a candle symbol."""
        match = _CANDLE.fullmatch(text)
        if match is None:
            raise BadPayload(f"{text[:60]!r} is not a candle symbol")
        pairs = {
            (pair.partition("=")[0], pair.partition("=")[2]) for pair in match[3].split(",")[1:]
        }
        if len({name for name, _ in pairs}) < len(pairs):
            raise BadPayload(f"{text[:60]!r} says one attribute twice")
        return cls(match[1], canonical_period(match[2]), tuple(sorted(pairs - _DEFAULTS)))

    def __str__(self) -> str:
        rest = "".join(f",{name}={value}" for name, value in self.attributes)
        return f"{self.base}{{={self.period}{rest}}}"

    @property
    def tho(self) -> bool:
        """True for regular trading hours only."""
        return ("tho", "true") in self.attributes

    @property
    def seconds(self) -> int | None:
        """Length of a bar; None where it is not fixed (ticks, months, volume)."""
        match = _PERIOD.fullmatch(self.period)
        if match is None or match[2] not in _SECONDS:
            return None
        length = Decimal(match[1] or 1) * _SECONDS[match[2]]
        return int(length) if length == int(length) else None


def canonical_period(text: str) -> str:
    """A period as the feed spells it: "1m" is "m". Raises BadPayload.

    >>> [canonical_period(text) for text in ("1m", "05m", "1.0d", "mo")]
    ['m', '5m', 'd', 'mo']
    """
    match = _PERIOD.fullmatch(text)
    count = Decimal(match[1] or 1) if match else Decimal(0)
    if match is None or count <= 0:
        raise BadPayload(f"{text[:20]!r} is not a candle period")
    return match[2] if count == 1 else format(count.normalize(), "f") + match[2]


def candle_symbol(base: str, period: str, tho: bool = False) -> str:
    """The canonical spelling of a candle subscription.

    >>> candle_symbol("/ESZ26:XCME", "1m")
    '/ESZ26:XCME{=m}'
    """
    attributes = (("tho", "true"),) if tho else ()
    return str(CandleSymbol(base, canonical_period(period), attributes))
