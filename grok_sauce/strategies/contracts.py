"""Which contract of an index future is followed on a day, and how its prices and dollars count.

front(product, at) -> "/NQZ6"                  by rule; None for a product without one here
same_prices("/MNQZ6", "/NQZ6") -> True         a micro moves with its full-size contract
order_contract("MNQ", "/NQZ6") -> "/MNQZ6"     what is ordered when candles are of another size
terms_of(contract, product) -> Terms(name, tick, multiplier)
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from grok_sauce.errors import BadPayload
from grok_sauce.market.instruments import FutureContract
from grok_sauce.market.products import PRODUCTS
from grok_sauce.market.sessions import new_york, third_friday
from grok_sauce.values import dataclass

FULL_SIZE: Final = {"MNQ": "NQ", "MES": "ES", "M2K": "RTY", "MYM": "YM"}
INDEX: Final = frozenset(FULL_SIZE) | frozenset(FULL_SIZE.values())
QUARTERS: Final = (3, 6, 9, 12)
EVENING: Final = 18  # New York hour at which the next day's session begins
CENT: Final = 0.01


@dataclass(frozen=True, slots=True)
class Terms:
    """What a point is worth: tick in points, multiplier in $ per point and contract."""

    name: str
    tick: float
    multiplier: float


def front(product: str, at: float) -> str | None:
    """The contract of a stock index future that is followed at a Unix time.

    Quarter months; from the Monday of the week of a month's third Friday the next one is
    followed, beginning with the session of the evening before (Sunday 18:00 New York).
    None for products that roll otherwise.

    >>> from grok_sauce.market.sessions import instant
    >>> front("NQ", instant(date(2026, 12, 13), 17)), front("NQ", instant(date(2026, 12, 13), 18))
    ('/NQZ6', '/NQH7')
    """
    if product not in INDEX:
        return None
    local = new_york(at)
    day = local.date() + timedelta(days=1) if local.hour >= EVENING else local.date()
    return _front(product, day)


@lru_cache(maxsize=4096)
def _front(product: str, day: date) -> str:
    year = day.year
    while True:
        for month in QUARTERS:
            friday = third_friday(year, month)
            if day < friday - timedelta(days=4):
                return FutureContract(product, month, year).short
        year += 1


def parse(contract: str) -> FutureContract | None:
    """A contract in any spelling ("NQZ6", "/NQZ26:XCME"); None for what is none.

    The decade of a one-digit year is not told; months are compared by their short names.
    """
    text = contract.strip().upper()
    try:
        return FutureContract.parse("/" + text.lstrip("/"), date(2020, 1, 1))
    except BadPayload:
        return None


def product_of(symbol: str) -> str | None:
    """The product of a contract or a root: "NQ" of "/NQZ6", "NQ" and "/NQ"; None for shares.

    >>> product_of("/MNQZ6"), product_of("nq"), product_of("SPY")
    ('MNQ', 'NQ', None)
    """
    root = symbol.strip().upper().lstrip("/")
    if root in PRODUCTS:
        return root
    contract = parse(root)
    return contract.product if contract and contract.product in PRODUCTS else None


@lru_cache(maxsize=4096)
def same_prices(one: str | None, other: str | None) -> bool:
    """Whether two contracts trade at the same price: same month, and the same index.

    >>> same_prices("/MNQZ6", "/NQZ6"), same_prices("/NQZ6", "/NQH7"), same_prices(None, None)
    (True, False, True)
    """
    if one is None or other is None:
        return one is other
    if one == other:
        return True
    left, right = parse(one), parse(other)
    return left is not None and right is not None and _full(left.short) == _full(right.short)


def _full(short: str) -> str:
    product = short[1:-2]
    return f"{FULL_SIZE.get(product, product)}{short[-2:]}"


def order_contract(product: str, contract: str | None) -> str | None:
    """The contract to order for candles of another: its month in the product's size.

    Another index's product, or no contract: the candles' own.

    >>> order_contract("MNQ", "/NQZ6"), order_contract("MNQ", "/ESZ6"), order_contract("MNQ", None)
    ('/MNQZ6', '/ESZ6', None)
    """
    found = parse(contract) if contract else None
    if found is None or not _family(product, found.product):
        return contract
    return f"/{product}{found.short[-2:]}"


def _family(one: str, other: str) -> bool:
    return FULL_SIZE.get(one, one) == FULL_SIZE.get(other, other)


def terms_of(contract: str, symbol: str) -> Terms:
    """Terms under which paper trades count: the chosen contract's when it is of the same
    index as the candles' symbol, else the symbol's own; a share: a cent, $1 a point.

    >>> terms_of("MNQ", "/NQ"), terms_of("MNQ", "SPY").multiplier
    (Terms(name='MNQ', tick=0.25, multiplier=2), 1.0)
    """
    product = product_of(symbol)
    if product is None:
        return Terms(symbol, CENT, 1.0)
    name = contract if _family(contract, product) else product
    return Terms(name, PRODUCTS[name].tick, PRODUCTS[name].multiplier)
