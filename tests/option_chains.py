"""Option chains for tests, built from rows that name only what matters.

chain_of(rows, spot=6000.0, as_of=AS_OF, ...) -> OptionChain      one dict per contract
toy_chain() -> OptionChain      the five strikes that all worked examples are computed on
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np

from grok_sauce.analytics import black_scholes
from grok_sauce.market import sessions
from grok_sauce.market.chain import ARRAYS, Expiry, OptionChain

EXPIRY = date(2026, 12, 21)
# Five days before the options of EXPIRY settle, to the second: Wednesday, 16:00 New York.
AS_OF = sessions.settlement(EXPIRY, "PM") - 5 * 86400.0

TOY_SPOT, TOY_YEARS, TOY_RATE, TOY_YIELD = 6000.0, 5 / 365, 0.045, 0.012
# strike, iv, call oi, put oi, call volume, put volume
TOY = (
    (5900, 0.170, 1200, 8000, 300, 5000),
    (5950, 0.158, 2500, 7000, 1500, 6000),
    (6000, 0.147, 6000, 5500, 9000, 8500),
    (6050, 0.138, 9000, 2600, 8000, 1200),
    (6100, 0.132, 7000, 900, 4000, 200),
)

_GREEKS = ("iv", "delta", "gamma", "theta", "vega")
_TERMS = {"strike", "right", "expiry", "root", "settlement", "contract"}
_NUMBERS = tuple(name for name in ARRAYS if name not in ("expiry", "strike", "is_call"))


def chain_of(
    rows: Iterable[Mapping[str, Any]],
    *,
    symbol: str = "SPX",
    spot: float | None = TOY_SPOT,
    spot_basis: str = "trade",
    spot_at: float | None = None,
    as_of: float = AS_OF,
    source: str = "LIVE",
    listed: int | None = None,
    oi_date: date | None = None,
) -> OptionChain:
    """A chain of these contracts, in this order.

    A row needs strike (points) and right ("C" or "P"). expiry (date or ISO text), root and
    settlement are 2026-12-21, "SPXW" and "PM" unless given; multiplier is 100. Other columns
    are unknown unless given. What is given arrived at as_of unless greeks_at, quote_at or
    oi_at say otherwise. spot_at is as_of unless given. Expiries stand in order of settlement.
    """
    rows = list(rows)
    for row in rows:
        if unknown := set(row) - _TERMS - set(_NUMBERS):
            raise ValueError(f"no such columns: {sorted(unknown)}")
    terms = [_expiry(row) for row in rows]
    expiries = tuple(sorted(set(terms), key=lambda each: (each.settles, each.root)))
    filled = [_numbers(row, as_of) for row in rows]
    columns: dict[str, Any] = {
        name: np.array([row[name] for row in filled], dtype=np.float64) for name in _NUMBERS
    }
    return OptionChain(
        symbol=symbol,
        spot=spot,
        spot_basis=spot_basis,
        spot_at=as_of if spot_at is None and spot is not None else spot_at,
        as_of=as_of,
        source=source,
        expiries=expiries,
        listed=len(expiries) if listed is None else listed,
        oi_date=oi_date or sessions.previous_session(sessions.new_york_date(as_of)),
        contract=tuple(
            row.get("contract", _occ(row, expiry)) for row, expiry in zip(rows, terms, strict=True)
        ),
        expiry=np.array([expiries.index(expiry) for expiry in terms], dtype=np.int64),
        strike=np.array([round(row["strike"] * 1000) for row in rows], dtype=np.int64),
        is_call=np.array([row["right"] == "C" for row in rows], dtype=np.bool_),
        **columns,
    )


def toy_chain(**changes: Any) -> OptionChain:
    """The toy chain of the worked examples: spot 6000, 5/365 years, r 4.5 %, q 1.2 %.

    Two-sided quotes 0.20 wide stand around the model's prices; greeks are the model's.
    changes are arguments of chain_of.
    """
    return chain_of(toy_rows(), **changes)


def toy_rows() -> list[dict[str, Any]]:
    """One row per contract of the toy chain: call and put of 5900, 5950, ... 6100."""
    rows = []
    for strike, vol, call_oi, put_oi, call_volume, put_volume in TOY:
        for right, oi, volume in (("C", call_oi, call_volume), ("P", put_oi, put_volume)):
            value = black_scholes.black_scholes(
                TOY_SPOT, strike, TOY_YEARS, vol, right == "C", TOY_RATE, TOY_YIELD
            )
            rows.append(
                {
                    "strike": strike,
                    "right": right,
                    "oi": oi,
                    "volume": volume,
                    "bid": float(value.price) - 0.1,
                    "ask": float(value.price) + 0.1,
                    "iv": vol,
                    "delta": float(value.delta),
                    "gamma": float(value.gamma),
                    "theta": float(value.theta) / black_scholes.DAYS,
                    "vega": float(value.vega) / black_scholes.POINT,
                }
            )
    return rows


def _expiry(row: Mapping[str, Any]) -> Expiry:
    day = row.get("expiry", EXPIRY)
    if isinstance(day, str):
        day = date.fromisoformat(day)
    return Expiry(day, row.get("root", "SPXW"), row.get("settlement", "PM"))


def _occ(row: Mapping[str, Any], expiry: Expiry) -> str:
    return f"{expiry.root}{expiry.day:%y%m%d}{row['right']}{round(row['strike'] * 1000):08d}"


def _numbers(row: Mapping[str, Any], as_of: float) -> dict[str, float]:
    """All float columns of one contract; times are as_of where something has arrived."""
    given = {name: row[name] for name in _NUMBERS if row.get(name) is not None}
    arrived = {
        "greeks_at": any(name in given for name in _GREEKS),
        "quote_at": "bid" in given or "ask" in given,
        "oi_at": "oi" in given,
    }
    times = {name: as_of if known else math.nan for name, known in arrived.items()}
    return {**dict.fromkeys(_NUMBERS, math.nan), "multiplier": 100.0, **times, **given}
