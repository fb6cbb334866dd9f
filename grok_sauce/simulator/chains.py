"""Which options are listed on a day: roots, expiries, strikes; and the broker's nested chain."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal

from grok_sauce.market.sessions import (
    is_session,
    monthly_expiration,
    next_session,
    previous_session,
)
from grok_sauce.values import dataclass

_DAY: Final = timedelta(days=1)
_DAILIES: Final = 10
MULTIPLIER: Final = 100


@dataclass(frozen=True, slots=True)
class Root:
    """A settlement class: what it lists. weeks and months are how many ahead."""

    name: str
    settlement: Literal["AM", "PM"]
    dailies: bool = False
    weeks: int = 0
    months: int = 0
    month_ends: int = 0


@dataclass(frozen=True, slots=True)
class Book:
    """Options of one underlying. steps: (reach as a part of the price, strike step), inner first.

    ticks: option tick below and from $3.
    """

    underlying: str
    roots: tuple[Root, ...]
    steps: tuple[tuple[float, float], ...]
    ticks: tuple[float, float]
    yields: float
    late: bool = True  # trades until 16:15


@dataclass(frozen=True, slots=True)
class Expiry:
    """One expiration of one root."""

    underlying: str
    root: str
    day: date
    settlement: Literal["AM", "PM"]
    kind: str  # Regular, Weekly, Quarterly, End-Of-Month


_INDEX_STEPS: Final = ((0.05, 5.0), (0.10, 10.0), (0.20, 25.0), (0.40, 100.0))
_NDX_STEPS: Final = ((0.035, 10.0), (0.06, 25.0), (0.15, 100.0), (0.35, 500.0))
_ETF_STEPS: Final = ((0.12, 1.0), (0.35, 5.0))
_CENTS, _NICKELS, _INDEX_TICKS = (0.01, 0.01), (0.01, 0.05), (0.05, 0.10)


def _index(name: str, weekly: str, steps: tuple[tuple[float, float], ...], q: float) -> Book:
    daily = name in ("SPX", "NDX", "RUT")
    roots = (
        Root(name, "AM", months=12),
        Root(weekly, "PM", dailies=daily, weeks=8, months=4, month_ends=4),
    )
    return Book(name, roots, steps, _INDEX_TICKS, q)


def _share(
    name: str, q: float, *, dailies: bool = False, weeks: int = 8, late: bool = True,
    steps: tuple[tuple[float, float], ...] = _ETF_STEPS,
) -> Book:  # fmt: skip
    root = Root(name.replace("/", ""), "PM", dailies, weeks, 9, month_ends=3 if dailies else 0)
    return Book(name, (root,), steps, _CENTS if dailies else _NICKELS, q, late)


_STOCK_STEPS: Final = ((0.15, 2.5), (0.40, 10.0))

BOOKS: Final[dict[str, Book]] = {
    book.underlying: book
    for book in (
        _index("SPX", "SPXW", _INDEX_STEPS, 0.012),
        _index("NDX", "NDXP", _NDX_STEPS, 0.007),
        _index("RUT", "RUTW", ((0.06, 5.0), (0.15, 10.0), (0.35, 50.0)), 0.013),
        _share("SPY", 0.012, dailies=True),
        _share("QQQ", 0.006, dailies=True),
        _share("IWM", 0.012, dailies=True),
        _share("DIA", 0.016),
        _share("GLD", 0.0),
        _share("TLT", 0.042),
        *(
            _share(name, 0.004, late=False, weeks=5, steps=_STOCK_STEPS)
            for name in ("NVDA", "AAPL", "MSFT", "TSLA", "AMZN", "META", "GOOGL", "AMD")
        ),
    )
}
BOOK_OF_ROOT: Final[dict[str, Book]] = {
    root.name: book for book in BOOKS.values() for root in book.roots
}


@lru_cache(maxsize=64)
def expiries(underlying: str, today: date) -> tuple[Expiry, ...]:
    """Listed expirations of an underlying on a New York date, today's among them, by root."""
    book = BOOKS[underlying]
    return tuple(
        Expiry(underlying, root.name, day, root.settlement, kind)
        for root in book.roots
        for day, kind in sorted(_days(root, today).items())
    )


def _days(root: Root, today: date) -> dict[date, str]:
    found: dict[date, str] = {}
    first = today if is_session(today) else next_session(today)
    if root.dailies:
        found |= {first if n == 0 else next_session(first, n): "Weekly" for n in range(_DAILIES)}
    friday = first + timedelta(days=(4 - first.weekday()) % 7)
    for week in range(root.weeks):
        day = friday + timedelta(days=7 * week)
        day = day if is_session(day) else previous_session(day)
        if day >= today:
            found[day] = "Weekly"
    for ahead in range(max(root.months, root.month_ends) + 1):
        year, month = divmod(today.year * 12 + today.month - 1 + ahead, 12)
        if ahead <= root.month_ends and root.month_ends:
            following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
            last = previous_session(following)
            if last >= today:
                found[last] = "Quarterly" if (month + 1) % 3 == 0 else "End-Of-Month"
        monthly = monthly_expiration(year, month + 1)
        if ahead <= root.months and monthly >= today:
            found[monthly] = "Regular" if root.settlement == "AM" or not _weekly(root) else "Weekly"
    return found


def _weekly(root: Root) -> bool:
    return root.name in ("SPXW", "NDXP", "RUTW")


def strikes(expiry: Expiry, reference: float, today: date) -> list[Decimal]:
    """Listed strikes, ascending, around the reference price: dense near it, wider far out.

    Far expiries list every second strike of the dense part and reach further.
    """
    book = BOOKS[expiry.underlying]
    away = (expiry.day - today).days
    coarse = 1 if away <= 45 else 2 if away <= 120 else 5
    stretch = 1.0 if away <= 3 else 1.25 if away <= 45 else 1.5
    kept: set[Decimal] = set()
    for place, (reach, step) in enumerate(book.steps):
        if away <= 3 and place == len(book.steps) - 1:
            continue  # nobody lists tomorrow's options a third away
        unit = Decimal(str(step)) * (coarse if place == 0 else 1)
        low = int(Decimal(reference * (1 - min(reach * stretch, 0.9))) / unit) + 1
        high = int(Decimal(reference * (1 + reach * stretch)) / unit)
        kept.update(unit * number for number in range(low, high + 1))
    return sorted(strike for strike in kept if strike > 0)


def nested(book: Book, listed: list[tuple[Expiry, list[Decimal]]], today: date) -> dict[str, Any]:
    """The chain in the broker's nested form: {"items": [one per root]}."""
    items = []
    for root in book.roots:
        mine = [pair for pair in listed if pair[0].root == root.name]
        items.append(
            {
                "underlying-symbol": book.underlying,
                "root-symbol": root.name,
                "option-chain-type": "Standard",
                "shares-per-contract": MULTIPLIER,
                "tick-sizes": _tick_sizes(book),
                "deliverables": _deliverables(book, root),
                "expirations": [_expiration(*pair, today) for pair in mine],
            }
        )
    return {"items": items}


def _tick_sizes(book: Book) -> list[dict[str, str]]:
    below, above = book.ticks
    if below == above:
        return [{"value": f"{below}"}]
    return [{"threshold": "3.0", "value": f"{below}"}, {"value": f"{above}"}]


def _deliverables(book: Book, root: Root) -> list[dict[str, Any]]:
    if len(book.roots) > 1:
        return []
    return [
        {
            "root-symbol": root.name,
            "deliverable-type": "Shares",
            "description": f"{MULTIPLIER} shares of {book.underlying}",
            "amount": f"{float(MULTIPLIER)}",
            "symbol": book.underlying,
            "instrument-type": "Equity",
            "percent": "100",
        }
    ]


def _expiration(expiry: Expiry, listed: list[Decimal], today: date) -> dict[str, Any]:
    # Formatted here rather than by OptionTerms: an index has ten thousand of these.
    call = f"{expiry.root:<6}{expiry.day:%y%m%d}C", f".{expiry.root}{expiry.day:%y%m%d}C"
    put = f"{expiry.root:<6}{expiry.day:%y%m%d}P", f".{expiry.root}{expiry.day:%y%m%d}P"
    rows = []
    for strike in listed:
        digits, short = f"{int(strike * 1000):08d}", f"{float(strike):.10g}"
        rows.append(
            {
                "strike-price": f"{float(strike)}",
                "call": call[0] + digits,
                "call-streamer-symbol": call[1] + short,
                "put": put[0] + digits,
                "put-streamer-symbol": put[1] + short,
            }
        )
    return {
        "expiration-type": expiry.kind,
        "expiration-date": expiry.day.isoformat(),
        "days-to-expiration": (expiry.day - today).days,
        "settlement-type": expiry.settlement,
        "strikes": rows,
    }
