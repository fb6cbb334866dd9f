"""TradingView's symbols in the embedded market: exchange, name, and what trades behind them."""

from __future__ import annotations

import re
from typing import Any, Final

from grok_sauce.simulator.desk import Desk
from grok_sauce.values import dataclass

_FORM: Final = re.compile(r"([A-Z0-9_]{1,20}):([A-Z0-9._!/]{1,20})")
_FUTURE: Final = re.compile(r"([A-Z0-9]{1,4}?)(?:[12]!|([FGHJKMNQUVXZ])([0-9]{4}))")
_STREAMER: Final = re.compile(r"/([A-Z0-9]+)([FGHJKMNQUVXZ])([0-9]{2})(?::[A-Z]+)?")
# Exchange as TradingView writes it -> as the broker's records do.
_FUTURES: Final = {
    "CME_MINI": "CME", "CME": "CME", "CBOT": "CME", "CBOT_MINI": "CME", "NYMEX": "CME",
    "NYMEX_MINI": "CME", "COMEX": "CME", "COMEX_MINI": "CME", "CBOE": "CFE",
}  # fmt: skip
_SHARES: Final = frozenset({"NASDAQ", "NYSE", "AMEX", "CBOE", "TVC", "SP", "BATS", "DJ"})
_OTHERS: Final = {"BITSTAMP:BTCUSD": "BTC"}  # crypto follows its future here


@dataclass(frozen=True, slots=True)
class Listed:
    """A symbol that is offered. contract is TradingView's ("NQZ2026"), None for no future."""

    name: str
    streamer: str
    description: str
    kind: str
    tick: float
    contract: str | None = None

    @property
    def info(self) -> dict[str, Any]:
        """What symbol_resolved says of it."""
        exchange, _, short = self.name.partition(":")
        scale = 1
        while round(self.tick * scale, 9) != int(round(self.tick * scale, 9)):
            scale *= 10
        found: dict[str, Any] = {
            "name": short,
            "full_name": self.name,
            "pro_name": self.name,
            "exchange": exchange,
            "description": self.description,
            "type": self.kind,
            "session": "1700-1600" if self.kind == "futures" else "0930-1600",
            "timezone": "America/Chicago" if self.kind == "futures" else "America/New_York",
            "minmov": round(self.tick * scale),
            "pricescale": scale,
        }
        if self.contract is not None:
            found["front_contract"] = self.contract
        return found


def find(desk: Desk, text: str) -> Listed | None:
    """What a symbol stands for today; None for what is not offered."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    exchange, short = form.groups()
    if text in _OTHERS:
        return _future(desk, text, _OTHERS[text], None, "crypto")
    future = _FUTURE.fullmatch(short) if exchange in _FUTURES else None
    if future is not None:
        month = f"{future[2]}{future[3]}" if future[2] else None
        return _future(desk, text, future[1], month, "futures")
    record = desk.ask("equity", short.replace(".", "/")) if exchange in _SHARES else None
    if record is None:
        return None
    kind = "index" if record.get("is-index") else "stock"
    streamer = str(record.get("streamer-symbol") or record["symbol"])
    return Listed(text, streamer, str(record.get("description", "")), kind, 0.01)


def _future(desk: Desk, text: str, product: str, month: str | None, kind: str) -> Listed | None:
    """The contract of a month ("Z2026"), or the one in front."""
    records: list[dict[str, Any]] = desk.ask("futures", product)
    second = text.endswith("2!")
    for place, record in enumerate(records):
        streamer = str(record["streamer-symbol"])
        parts = _STREAMER.fullmatch(streamer)
        if parts is None:
            continue
        contract = f"{parts[1]}{parts[2]}20{parts[3]}"
        front = bool(record.get("next-active-month" if second else "active-month", place == 0))
        if contract == f"{product}{month}" if month else front:
            about = record.get("future-product") or {}
            told = contract if kind == "futures" else None
            name = str(about.get("description", product))
            return Listed(text, streamer, name, kind, float(record.get("tick-size", 0.25)), told)
    return None
