"""Small Cboe bodies in the shapes of life, to be changed one thing at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest

OPTION = {
    "bid": 9.4, "bid_size": 1.0, "ask": 9.6, "ask_size": 2.0, "iv": 0.151, "open_interest": 120.0,
    "volume": 30.0, "delta": 0.51, "gamma": 0.0123, "theta": -1.2, "rho": 0.1, "vega": 1.4,
    "theo": 9.5, "change": 0.0, "open": 0.0, "high": 0.0, "low": 0.0, "tick": "up",
    "last_trade_price": 9.5, "last_trade_time": None, "percent_change": 0.0,
    "prev_day_close": 1.07499998807907,
}  # fmt: skip
HEADER = (
    "Expiration Date,Calls,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest,Strike,"
    "Puts,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"
)


class CboeBodies:
    """Makers of bodies; rows are replaceable."""

    HEADER = HEADER

    @staticmethod
    def option(symbol: str, **changed: Any) -> dict[str, Any]:
        return {"option": symbol, **OPTION, **changed}

    @staticmethod
    def document(options: list[dict[str, Any]] | None = None, **changed: Any) -> dict[str, Any]:
        """A `_SPX.json` of Wednesday 2026-12-16, 14:17:03 New York; changed are data fields."""
        if options is None:
            options = [
                CboeBodies.option("SPXW261216C06000000"),
                CboeBodies.option("SPXW261216P06000000"),
                CboeBodies.option("SPX261218C06000000"),
                CboeBodies.option("SPXW261218P06050000"),
            ]
        data = {
            "symbol": "^SPX", "security_type": "index", "exchange_id": 5,
            "current_price": 6012.4, "bid": 0.0, "ask": 0.0, "close": 6012.4,
            "prev_day_close": 6000.0, "volume": 0, "iv30": 15.2, "seqno": 1,
            "last_trade_time": "2026-12-16T14:17:03", "tick": "down", "options": options,
            **changed,
        }  # fmt: skip
        return {"timestamp": "2026-12-16 19:32:00", "data": data, "symbol": "_SPX"}

    @staticmethod
    def body(options: list[dict[str, Any]] | None = None, **changed: Any) -> bytes:
        return json.dumps(CboeBodies.document(options, **changed)).encode()

    @staticmethod
    def row(strike: float, day: str = "Fri Dec 18 2026", root: str = "QQQ261218") -> list[str]:
        """22 cells as exported: bid 9.4/8.4, ask 9.6/8.6, OI 120/1275."""
        digits = f"{round(strike * 1000):08d}"
        call = [f"{root}C{digits}", "9.5", "0.12", "9.4", "9.6", "30", "0.151", "0.51"]
        put = [f"{root}P{digits}", "8.5", "-0.2", "8.4", "8.6", "0", "0.162", "-0.49"]
        return [day, *call, "0.0123", "120", f"{strike:.2f}", *put, "0.0121", "1275"]

    @staticmethod
    def rows() -> list[list[str]]:
        return [CboeBodies.row(strike) for strike in (515.0, 520.0, 522.5, 525.0)]

    @staticmethod
    def csv(
        rows: list[list[str]] | None = None,
        date: str = "December 16, 2026 at 2:32 PM EST",
        last: str = "522.30",
        header: str = HEADER,
    ) -> bytes:
        lines = [
            "",
            f'"Invesco QQQ Trust, Series 1",Last: {last},Change:  0.51',
            f'"Date: {date}",Bid: 522.29,Ask: 522.31,Size: 18*3,"Volume: 28,253,899"',
            header,
        ]
        for row in CboeBodies.rows() if rows is None else rows:
            lines.append(",".join(f'"{cell}"' if "," in cell else cell for cell in row))
        return ("\r\n".join(lines) + "\r\n").encode()


@pytest.fixture(scope="session")
def bodies() -> type[CboeBodies]:
    return CboeBodies
