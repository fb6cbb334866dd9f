"""From a report of gamma exposure to the set of levels a strategy stands on, or why there is none.

read(payload, future, feed, known_at, kept) -> LevelRow | str     a whole set, or the reason
carried(payload, product, now, kept) -> payload                   with a factor that was kept
known(row, score) -> KnownLevels                                  on the future's scale
mark_of(payload, now) -> object                                   when a new set is due
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Any, Final

from grok_sauce.analytics.conversion import Factor, to_future
from grok_sauce.market import sessions
from grok_sauce.market.products import PRODUCTS
from grok_sauce.storage.known_levels import LevelRow
from grok_sauce.strategies.contracts import front, product_of, same_prices
from grok_sauce.strategies.levels import NAMES, KnownLevels, StrikeSums, put_wall, supports

USABLE: Final = frozenset({"live", "closed"})
UNKNOWN: Final = float("nan")
MINUTE: Final = 60.0
WHOLE: Final = 0.9  # share of a live view's options from which its walls count


def is_whole(status: Mapping[str, Any]) -> bool:
    """Have so many options come that a missing strike is unlikely to be the wall?

    A status that counts none is that of a file, which is whole.
    """
    loaded, of = status.get("loaded"), status.get("of")
    return loaded is None or of is None or loaded >= WHOLE * of


def missing(status: Mapping[str, Any]) -> str:
    """How many options have come, in words."""
    return f"{status['loaded']:,} of {status['of']:,} options have arrived"


def mark_of(payload: Mapping[str, Any], now: float) -> object:
    """What makes a new set of this report: the market minute while options trade; else the
    session, its open interest and the contract in front.
    """
    if payload["status"]["state"] == "closed":
        day = sessions.session_date(now).isoformat()
        return "closed", day, payload["oi_date"], (payload["conversion"] or {}).get("contract")
    return int(now // MINUTE)


def read(
    payload: Mapping[str, Any], future: str, feed: str, known_at: float, kept: Factor | None
) -> LevelRow | str:
    """The set of a payload of topic "gex.levels" (per 1 %), whole, else in words what is missing.

    future: "/NQ"; known_at: market time now. kept: the factor in use before, which counts for
    its contract alone, frozen, where the payload has none.
    """
    spot = payload["spot"]
    if not _is_price(spot):
        return "the price of the underlying is not known"
    factor = _factor(payload, future, known_at, kept)
    if isinstance(factor, str):
        return factor
    sums = sums_of(payload)
    wall = put_wall(sums)
    if wall is None:
        return "no open interest of puts is known"
    below, legacy = supports(sums), supports(sums, "legacy")
    if not below:
        return "no gamma of puts below spot is known"
    moved = [to_future(at, factor) for at in (wall, *below, *legacy)]
    if not all(_is_price(at) for at in moved):
        return f"the factor {factor.value:g} does not give prices of {factor.contract}"
    return LevelRow(
        future=future,
        known_at=known_at,
        symbol=payload["symbol"],
        feed=feed,
        as_of=min(known_at, time_of(payload)),
        oi_date=payload["oi_date"],
        spot=float(spot),
        contract=factor.contract,
        kind=factor.kind,
        factor=factor.value,
        factor_at=min(known_at, factor.at),
        frozen=factor.frozen,
        put_wall=float(wall),
        supports=tuple(float(at) for at in below),
        legacy=tuple(float(at) for at in legacy),
    )


def sums_of(payload: Mapping[str, Any]) -> StrikeSums:
    """What the rule reads, of all expiries in the payload's scope."""
    columns: Mapping[str, Sequence[float | None]] = payload["columns"]
    return StrikeSums(
        spot=payload["spot"],
        strikes=[float(at or 0.0) for at in columns["strike"]],
        put_oi=columns["put_oi"],
        put_gex=columns["put_gex"],
        net_gex=columns["net_gex"],
    )


def time_of(payload: Mapping[str, Any]) -> float:
    """When a payload's numbers were true, Unix seconds."""
    return datetime.fromisoformat(payload["as_of"]).timestamp()


def factor_of(row: LevelRow) -> Factor:
    """The factor a set was carried with, as one that is kept."""
    kind = "basis" if row.kind == "basis" else "ratio"
    return Factor(
        row.contract, "basis" if kind == "basis" else "ratio",
        row.factor, row.factor_at, True, UNKNOWN, UNKNOWN,
    )  # fmt: skip


def known(row: LevelRow, score: str = "default") -> KnownLevels:
    """A set in the future's prices, unrounded; score as in the strategy's settings."""
    factor = factor_of(row)
    prices = (row.put_wall, *(row.legacy if score == "legacy" else row.supports))
    named = tuple((name, to_future(at, factor)) for name, at in zip(NAMES, prices, strict=False))
    source = f"{row.symbol} {row.feed}"
    return KnownLevels(row.known_at, source, row.contract, row.factor, row.factor_at, named)


def carried(
    payload: Mapping[str, Any], future: str, now: float, kept: Factor | None
) -> Mapping[str, Any]:
    """The payload, with the kept factor where it has none of its own and that one still counts."""
    factor = _factor(payload, future, now, kept)
    conversion = payload["conversion"]
    if isinstance(factor, str) or (conversion and conversion["value"] is not None):
        return payload
    words = "points added" if factor.kind == "basis" else "multiplied"
    product = product_of(future)
    return {
        **payload,
        "conversion": {
            "contract": factor.contract,
            "kind": factor.kind,
            "value": factor.value,
            "age": max(0.0, time_of(payload) - factor.at),
            "frozen": True,
            "tick": None if product is None else PRODUCTS[product].tick,
            "note": f"{factor.contract} ({words}), kept from before the start",
        },
    }


def _factor(
    payload: Mapping[str, Any], future: str, now: float, kept: Factor | None
) -> Factor | str:
    conversion = payload["conversion"]
    if conversion is not None and conversion["value"] is not None:
        return Factor(
            contract=conversion["contract"],
            kind=conversion["kind"],
            value=conversion["value"],
            at=time_of(payload) - conversion["age"],
            frozen=conversion["frozen"],
            source_price=UNKNOWN,
            future_price=UNKNOWN,
        )
    product = product_of(future)
    wanted = conversion["contract"] if conversion else product and front(product, now)
    if kept is not None and same_prices(kept.contract, wanted):
        return kept
    note = conversion["note"] if conversion else None
    return note or f"no price of {wanted or future} beside {payload['symbol']} is known"


def _is_price(value: Any) -> bool:
    return isinstance(value, (int, float)) and isfinite(value) and value > 0
