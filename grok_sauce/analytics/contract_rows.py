"""The contracts behind a report as rows, so that anybody can work its numbers out again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from grok_sauce.analytics.chain_facts import plain
from grok_sauce.analytics.forward import Forward, forwards
from grok_sauce.analytics.gex_lines import Prepared, prepare, reasons
from grok_sauce.analytics.gex_work import Item

HEADER: Final = (
    *("contract", "expiry", "root", "settlement", "settles", "strike", "right", "multiplier"),
    *("oi", "volume", "bid", "ask", "iv", "gamma", "delta", "greeks_age_s", "used", "excluded"),
    *("years", "rate", "dividend_yield", "forward", "spot", "as_of"),
)


def contract_rows(one: Item) -> dict[str, Any]:
    """{symbol, view, as_of, spot, source, header, rows}: exactly the chain that was used.

    gamma and delta are the source's own; years, rate and dividend_yield are those the
    report re-computes gamma with at spot, forward that of the expiry. spot and as_of are the
    report's, the same in every row: a row alone says what it takes. Unknown is None.
    Contracts that count for max pain alone come last, excluded as "outside_window".
    """
    chain = one.chain
    carried = forwards(chain, one.rates, stale=one.stale)
    prepared = prepare(chain, one.rates, carried, stale=one.stale)
    rows = _rows(prepared, carried, reasons(prepared, one.stale))
    if one.held is not None:
        inside = set(chain.contract)
        outside = one.held.take(
            np.array([name not in inside for name in one.held.contract], dtype=np.bool_)
        )
        beyond = prepare(outside, one.rates, carried, stale=one.stale)
        why = ["outside_window" if live else "expired" for live in beyond.live.tolist()]
        rows += _rows(beyond, carried, why)
    return {
        "symbol": chain.symbol,
        "view": one.view,
        "as_of": _iso(chain.as_of),
        "spot": chain.spot,
        "source": chain.source,
        "header": list(HEADER),
        "rows": rows,
    }


def _rows(
    prepared: Prepared, carried: Sequence[Forward | None], excluded: Sequence[str | None]
) -> list[list[Any]]:
    chain = prepared.chain
    settles = [_iso(expiry.settles) for expiry in chain.expiries]
    places = chain.expiry.tolist()
    forward = [None if each is None else each.value for each in carried]
    columns = (
        chain.contract,
        [chain.expiries[place].day.isoformat() for place in places],
        [chain.expiries[place].root for place in places],
        [chain.expiries[place].settlement for place in places],
        [settles[place] for place in places],
        chain.strikes.tolist(),
        ["C" if is_call else "P" for is_call in chain.is_call.tolist()],
        *(plain(getattr(chain, name)) for name in ("multiplier", "oi", "volume")),
        *(plain(getattr(chain, name)) for name in ("bid", "ask", "iv", "gamma", "delta")),
        plain(chain.as_of - chain.greeks_at),
        [use and why is None for use, why in zip(prepared.used.tolist(), excluded, strict=True)],
        excluded,
        plain(np.where(prepared.live, prepared.years, np.nan)),
        plain(prepared.rate),
        plain(prepared.rate - prepared.carry),
        [forward[place] for place in places],
        [chain.spot] * len(chain),
        [_iso(chain.as_of)] * len(chain),
    )
    return [list(row) for row in zip(*columns, strict=True)]


def _iso(moment: float) -> str:
    """As the report writes it, to the millisecond before."""
    whole = datetime.fromtimestamp(math.floor(moment * 1000) / 1000, UTC)
    return whole.isoformat(timespec="milliseconds").replace("+00:00", "Z")
