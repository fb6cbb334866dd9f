"""Cboe's delayed file about the simulated market: a quarter of an hour ago, as JSON text.

Made expiration by expiration, so that nobody waits long for the market in between.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

import numpy as np

from grok_sauce.market.sessions import YEAR, new_york
from grok_sauce.simulator.events import Event
from grok_sauce.simulator.futures import RATE
from grok_sauce.simulator.slices import Slice
from grok_sauce.simulator.surface import atm_vol

DELAY: Final = 15 * 60 + 26.0  # seconds, as measured on the real one
_MADE: Final = 20.0  # seconds before the request at which the file was generated
_MONTH: Final = 30 / 365  # years; what iv30 looks at
_UNSOLVED: Final = 0.02  # points of time value below which no volatility can be solved for


class Moment(NamedTuple):
    """What stood at an instant: spot, volatility index, the day's summary, volume's share."""

    symbol: str
    kind: str
    at: float
    session: date
    spot: float
    vix: float
    summary: Event
    elapsed: float


def head(moment: Moment, now: float) -> dict[str, Any]:
    """Everything of the document but the options; iv30 is in percent."""
    index = moment.kind == "index"
    spot, before = round(moment.spot, 4), _number(moment.summary.get("prevDayClosePrice"))
    change = spot - before if before else 0.0
    side = 0.0 if index else 0.01
    data = {
        "symbol": f"^{moment.symbol}" if index else moment.symbol,
        "security_type": {"index": "index", "etf": "etf"}.get(moment.kind, "stock"),
        "exchange_id": 0,
        "current_price": spot,
        "price_change": round(change, 4),
        "price_change_percent": round(100 * change / before, 4) if before else 0.0,
        "bid": 0.0 if index else round(spot - side, 4),
        "ask": 0.0 if index else round(spot + side, 4),
        "bid_size": 0 if index else 3,
        "ask_size": 0 if index else 5,
        "open": _number(moment.summary.get("dayOpenPrice")),
        "high": _number(moment.summary.get("dayHighPrice")),
        "low": _number(moment.summary.get("dayLowPrice")),
        "close": spot,
        "prev_day_close": before,
        "volume": 0,
        "iv30": round(100 * float(atm_vol(moment.symbol, moment.vix, _MONTH)), 3),
        "iv30_change": 0.0,
        "iv30_change_percent": 0.0,
        "seqno": int(moment.at * 1000),
        "last_trade_time": _wall(moment.at),
        "tick": "no_change",
    }
    made = datetime.fromtimestamp(now - _MADE, UTC)
    name = f"_{moment.symbol}" if index else moment.symbol.replace("/", "")
    return {"timestamp": f"{made:%Y-%m-%d %H:%M:%S}", "data": data, "symbol": name}


def rows(part: Slice, moment: Moment) -> Iterator[str]:
    """The options of one expiration, each as a JSON object; greeks to four decimals."""
    columns = {name: np.nan_to_num(values) for name, values in part.columns.items()}
    volatility = np.where(_is_solvable(part, moment), columns["vol"], 0.0)
    interest = np.nan_to_num(part.open_interest.astype(np.float64)).tolist()
    traded = np.floor(part.volumes(moment.session) * moment.elapsed).tolist()
    table = zip(
        *(columns[name].tolist() for name in ("bid", "ask")),
        np.round(volatility, 4).tolist(),
        interest,
        traded,
        *(
            np.round(columns[name], 4).tolist()
            for name in ("delta", "gamma", "theta", "rho", "vega", "price")
        ),
        strict=True,
    )
    stem = f"{part.expiry.root}{part.expiry.day:%y%m%d}"
    strikes, half = part.strikes.tolist(), len(part.strikes) // 2
    when = json.dumps(_wall(moment.at - 60))
    for place, row in enumerate(table):
        right = "C" if place < half else "P"
        if not part.is_listed(place):
            continue
        bid, ask, vol, oi, volume, delta, gamma, theta, rho, vega, theo = row
        last = (ask or bid) if volume else 0.0
        yield (
            f'{{"option":"{stem}{right}{round(strikes[place] * 1000):08d}","bid":{bid},'
            f'"bid_size":{float(place % 60)},"ask":{ask},"ask_size":{float(1 + place % 80)},'
            f'"iv":{vol},"open_interest":{oi},"volume":{volume},"delta":{delta},"gamma":{gamma},'
            f'"theta":{theta},"rho":{rho},"vega":{vega},"theo":{theo},"change":0.0,"open":0.0,'
            f'"high":0.0,"low":0.0,"tick":"no_change","last_trade_price":{last},'
            f'"last_trade_time":{when if volume else "null"},"percent_change":0.0,'
            f'"prev_day_close":0.0}}'
        )


def _is_solvable(part: Slice, moment: Moment) -> Any:
    """False where the price is all intrinsic value: the real file says volatility 0 there."""
    years = max(part.settles - moment.at, 60.0) / YEAR
    forward = moment.spot * math.exp((RATE - part.terms.book.yields) * years)
    sign = np.where(part.is_call, 1.0, -1.0)
    intrinsic = sign * (forward - part.strikes) * math.exp(-RATE * years)
    return ~((intrinsic > 0) & (part.columns["price"] - intrinsic < _UNSOLVED))


def _wall(at: float) -> str:
    return f"{new_york(at):%Y-%m-%dT%H:%M:%S}"


def _number(value: Any) -> float:
    """Cboe writes 0 for what it does not know."""
    return float(value) if isinstance(value, int | float) and value == value else 0.0
