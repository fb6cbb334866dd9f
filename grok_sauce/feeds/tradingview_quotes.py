"""The quote session: changed fields merged into whole quotes, and whether they are delayed."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from grok_sauce.feeds.tradingview_frames import message
from grok_sauce.feeds.tradingview_messages import Delayed, Output, refusal, table
from grok_sauce.feeds.tradingview_wants import streamer
from grok_sauce.market.events import number
from grok_sauce.market.products import Kind
from grok_sauce.market.sessions import phase

ASKED: Final = (
    "lp", "lp_time", "ch", "chp", "volume", "bid", "ask", "open_price", "high_price", "low_price",
    "prev_close_price", "update_mode", "current_session", "status", "type", "short_name",
)  # fmt: skip
# Our kind of batch -> the fields it is made of, in the order of FIELDS; None: not told.
_MADE_OF: Final[dict[str, tuple[str | None, ...]]] = {
    "Quote": ("bid", "ask"),
    "Trade": ("lp", "volume", "lp_time", None),
    "Summary": (
        None, "open_price", "high_price", "low_price", None, "prev_close_price", None, None,
    ),
}  # fmt: skip
# Exchanges whose hours are known; elsewhere an old price proves nothing.
_FUTURES: Final = ("CME", "CBOT", "NYMEX", "COMEX")
_SHARES: Final = frozenset({"NASDAQ", "NYSE", "AMEX", "ARCA", "BATS"})
_GRACE: Final = 30.0  # seconds a connection may show old prices
_SECONDS: Final = re.compile(r"delayed\D*([0-9]{1,6})?")


def kind_of(symbol: str) -> Kind:
    """What trades on the symbol's exchange; "unknown" where the hours are not known here."""
    exchange = symbol.partition(":")[0]
    if exchange.startswith(_FUTURES):
        return "future"
    return "equity" if exchange in _SHARES else "unknown"


class QuoteSession:
    """One quote session with all symbols. late: seconds behind that count as delayed."""

    def __init__(self, session: str, late: float) -> None:
        self.session = session
        self.symbols: list[str] = []
        self._late = late
        self._values: dict[str, dict[str, Any]] = {}
        self._since: dict[str, float] = {}  # monotonic
        self._told: dict[str, str] = {}  # why a symbol counts as delayed

    def open(self) -> list[str]:
        """The texts that make the session."""
        return [
            message("quote_create_session", self.session),
            message("quote_set_fields", self.session, *ASKED),
        ]

    def add(self, symbol: str, now: float) -> list[str]:
        """Follow one more."""
        self.symbols.append(symbol)
        self._since[symbol] = now
        return [
            message("quote_add_symbols", self.session, symbol),
            message("quote_fast_symbols", self.session, *self.symbols),
        ]

    def remove(self, symbol: str) -> list[str]:
        """Follow one less."""
        self.symbols.remove(symbol)
        for kept in (self._values, self._since, self._told):
            kept.pop(symbol, None)
        texts = [message("quote_remove_symbols", self.session, symbol)]
        if self.symbols:
            texts.append(message("quote_fast_symbols", self.session, *self.symbols))
        return texts

    @property
    def delayed(self) -> dict[str, str]:
        """Symbols that are behind the market, and how that is known."""
        return dict(self._told)

    def data(self, args: list[Any], at: float) -> Output | None:
        """qsd: merge what changed; None when it has not the documented shape."""
        given = args[1] if len(args) > 1 and isinstance(args[1], dict) else {}
        name, values = _name(given.get("n")), given.get("v")
        if name is None or not isinstance(values, dict | None):
            return None
        if name not in self.symbols:
            return Output()  # of a symbol just removed
        if given.get("s") == "error":
            said = [given.get("errmsg") or given.get("error") or "not offered"]
            return Output(events=[refusal("quote_error", name, said)])
        known = self._values.setdefault(name, {})
        known.update(values or {})
        out = Output()
        for kind, fields in _MADE_OF.items():
            if values and any(field in values for field in fields if field):
                row = tuple(None if field is None else _of(known, field) for field in fields)
                out.batches.append(table(kind, streamer(name), [row], at, False))
        if "update_mode" in (values or {}):
            self._mode(name, str(known["update_mode"]), out)
        return out

    def _mode(self, name: str, mode: str, out: Output) -> None:
        match = _SECONDS.search(mode)
        if match is None:
            self._told.pop(name, None)
        elif name not in self._told:
            self._told[name] = mode
            seconds = float(match[1]) if match[1] else None
            out.events.append(Delayed(name, seconds, f"it is sent as {mode[:40]!r}"))

    def overdue(self, at: float, now: float) -> list[Delayed]:
        """Symbols whose last price has become old while their market is open, once each."""
        found = []
        for name, values in self._values.items():
            seconds, kind = number(values.get("lp_time")), kind_of(name)
            if seconds is None or name in self._told or kind == "unknown":
                continue
            behind = at - seconds
            if behind > self._late and now - self._since.get(name, now) > _GRACE:
                hours = phase(kind, at)
                if hours.state == "open" and phase(kind, at - self._late).state == "open":
                    self._told[name] = "old"
                    found.append(Delayed(name, behind, f"its last price is {behind:.0f} s old"))
        return found


def _of(values: dict[str, Any], field: str) -> Any:
    value = number(values.get(field))
    if value is None:
        return None
    return int(value * 1000) if field == "lp_time" else value


def _name(text: object) -> str | None:
    """A symbol as asked for; it may come back as ={"symbol": ...}."""
    if not isinstance(text, str):
        return None
    if not text.startswith("="):
        return text
    try:
        inside = orjson.loads(text[1:])
    except ValueError:
        return None
    name = inside.get("symbol") if isinstance(inside, dict) else None
    return name if isinstance(name, str) else None
