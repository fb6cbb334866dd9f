"""Small Cboe files made up from a seed, in the shapes Cboe sends, with answers worked out slowly.

`python -m tests.made_chains` writes tests/answers/chains/ anew: a JSON body of an index with an
AM and a PM root, a quote-table CSV of an ETF, and answers.json, what slow_twin.py says of both
(with the day's expiry, and without it as of the file's own time). Taken after the close like
most such files, so that the day's expiry is still in them.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests import slow_twin

FOLDER: Final = Path(__file__).parent / "answers" / "chains"
JSON_NAME, CSV_NAME = "index_chain.json", "etf_quotedata.csv"
TODAY: Final = date(2026, 10, 14)
# The underlying's last trade, New York; everything of TODAY has settled by then.
TAKEN: Final = datetime(2026, 10, 14, 16, 14, 58, tzinfo=slow_twin.NEW_YORK)
INDEX_SPOT, ETF_SPOT = 6021.37, 598.42
RATE, DIVIDENDS = 0.039, 0.012
INDEX_EXPIRIES: Final = (
    ("SPXW", date(2026, 10, 14)),
    ("SPX", date(2026, 10, 16)),
    ("SPXW", date(2026, 10, 16)),
    ("SPXW", date(2026, 11, 20)),
)
ETF_EXPIRIES: Final = (("QQQ", date(2026, 10, 14)), ("QQQ", date(2026, 10, 23)))


class Option(NamedTuple):
    """One made contract, rounded as Cboe rounds."""

    name: str
    day: date
    right: str
    strike: float
    bid: float
    ask: float
    iv: float
    delta: float
    gamma: float
    oi: int
    volume: int


def _cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _model(
    spot: float, strike: float, years: float, vol: float, right: str
) -> tuple[float, float, float]:
    """Price, delta, gamma of Black-Scholes-Merton."""
    sign = 1 if right == "C" else -1
    spread = vol * math.sqrt(years)
    d1 = (math.log(spot / strike) + (RATE - DIVIDENDS) * years) / spread + 0.5 * spread
    carried, discount = math.exp(-DIVIDENDS * years), math.exp(-RATE * years)
    delta = sign * carried * _cdf(sign * d1)
    price = spot * delta - sign * strike * discount * _cdf(sign * (d1 - spread))
    gamma = carried * math.exp(-0.5 * d1 * d1) / math.sqrt(2 * math.pi) / (spot * spread)
    return price, delta, gamma


def options(
    chance: random.Random, spot: float, root: str, day: date, step: float, count: int
) -> Iterator[Option]:
    """Calls and puts of one expiry on count strikes around spot."""
    row = slow_twin.Row(root, day, "C", 0, 0, 0, 0.0, 0.0)
    years = max(3600.0, (slow_twin.settles(row) - TAKEN).total_seconds()) / (365 * 86400)
    settled = slow_twin.settles(row) <= TAKEN
    centre = round(spot / step)
    for strike in ((centre + n) * step for n in range(-(count // 2), count - count // 2)):
        skew = math.log(strike / spot)
        vol = round(0.15 - 0.45 * skew + 1.1 * skew * skew, 4)
        for right in "CP":
            price, delta, gamma = _model(spot, strike, years, vol, right)
            # Puts are held below spot, calls above, more puts than calls: the usual picture.
            away = abs(skew - (0.012 if right == "C" else -0.012)) / 0.02
            size = 4000 * math.exp(-away) * (1.3 if right == "P" else 1.0)
            interest = int(size * (0.25 + chance.random())) if chance.random() > 0.08 else 0
            no_vol = chance.random() < 0.06
            half = 0.05 if price < 3 else 0.2
            yield Option(
                f"{root}{day:%y%m%d}{right}{round(strike * 1000):08d}",
                day,
                right,
                strike,
                max(0.0, round(price - half, 2)),
                round(price + half, 2),
                0.0 if no_vol else vol,
                round(delta, 4),
                # A chain taken after the close still holds what has settled, with wild gammas.
                min(0.4, round(gamma, 4)) if settled else round(gamma, 4),
                interest,
                int(interest * chance.random()),
            )


def index_json() -> dict[str, Any]:
    """A `delayed_quotes/options/_SPX.json` body."""
    chance = random.Random(20261014)
    made = [
        option
        for root, day in INDEX_EXPIRIES
        for option in options(chance, INDEX_SPOT, root, day, 25.0, 15)
    ]
    chance.shuffle(made)
    rows = [
        {
            "option": each.name, "bid": each.bid, "bid_size": 5.0, "ask": each.ask,
            "ask_size": 7.0, "iv": each.iv, "open_interest": float(each.oi),
            "volume": float(each.volume), "delta": each.delta, "gamma": each.gamma,
            "theta": -0.5, "rho": 0.1, "vega": 1.0, "theo": round((each.bid + each.ask) / 2, 4),
            "change": 0.0, "open": 0.0, "high": 0.0, "low": 0.0, "tick": "no_change",
            "last_trade_price": 0.0, "last_trade_time": None, "percent_change": 0.0,
            "prev_day_close": 1.07499998807907,
        }
        for each in made
    ]  # fmt: skip
    return {
        "timestamp": "2026-10-14 20:30:21",
        "symbol": "_SPX",
        "data": {
            "symbol": "^SPX", "security_type": "index", "exchange_id": 0,
            "current_price": INDEX_SPOT, "price_change": 12.5, "price_change_percent": 0.208,
            "bid": 0.0, "ask": 0.0, "bid_size": 0, "ask_size": 0, "open": 6010.0, "high": 6030.2,
            "low": 6001.9, "close": INDEX_SPOT, "prev_day_close": 6008.87, "volume": 0,
            "iv30": 15.2, "iv30_change": 0.0, "iv30_change_percent": 0.0, "seqno": 1,
            "last_trade_time": "2026-10-14T16:14:58", "tick": "up",
            "options": rows,
        },
    }  # fmt: skip


def etf_csv() -> str:
    """A `quotedata.csv`, one row a strike with calls on the left."""
    chance = random.Random(61)
    sides = "Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"
    lines = [
        "",
        f"Invesco QQQ Trust,Last: {ETF_SPOT},Change:  1.15",
        '"Date: October 14, 2026 at 4:14 PM EDT",Bid: 598.41,Ask: 598.43,'
        'Size: 3*4,"Volume: 41,202,118"',
        f"Expiration Date,Calls,{sides},Strike,Puts,{sides}",
    ]
    for root, day in ETF_EXPIRIES:
        made = list(options(chance, ETF_SPOT, root, day, 2.5, 25))
        for call, put in zip(made[::2], made[1::2], strict=True):
            cells = [f"{day:%a %b %d %Y}", *_cells(call), f"{call.strike:.2f}", *_cells(put)]
            lines.append(",".join(cells))
    return "\n".join([*lines, ""])


def _cells(option: Option) -> list[str]:
    numbers = (0, 0, option.bid, option.ask, option.volume, option.iv, option.delta, option.gamma)
    return [option.name, *(f"{number:g}" for number in numbers), str(option.oi)]


def all_answers(folder: Path) -> dict[str, Any]:
    """What the slow twin says of both files, with and without what has settled."""
    found = {}
    for name in (JSON_NAME, CSV_NAME):
        chain = slow_twin.read(folder / name, TODAY)
        alive = slow_twin.unexpired(chain, TAKEN)
        pooled = {
            day.isoformat(): slow_twin.pooled_max_pain(chain, day)
            for day in sorted({row.day for row in chain.rows})
        }
        found[name] = {
            "before_the_close": slow_twin.answers(chain),
            "as_of_the_file": slow_twin.answers(alive),
            "pooled_max_pain": pooled,
        }
    return found


def write(folder: Path) -> None:
    """All three files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON_NAME).write_text(json.dumps(index_json(), separators=(",", ":")) + "\n")
    (folder / CSV_NAME).write_text(etf_csv())
    (folder / "answers.json").write_text(json.dumps(all_answers(folder), indent=1) + "\n")


if __name__ == "__main__":
    write(FOLDER)
