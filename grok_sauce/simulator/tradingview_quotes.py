"""A quote session of the embedded TradingView: snapshots, then changed fields only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from grok_sauce.simulator.desk import Desk, Key
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.tradingview_chart import Say, clean
from grok_sauce.simulator.tradingview_symbols import Listed, find

_KINDS: Final = ("Quote", "Trade", "TradeETH", "Summary")
_EVERY: Final = 0.25  # seconds between two changes of a symbol


class QuoteSession:
    """say(method, *args) sends; delay() is how many seconds behind prices are shown."""

    def __init__(
        self, name: str, desk: Desk, faults: Faults, say: Say, delay: Callable[[], int]
    ) -> None:
        self.name = name
        self.fields: tuple[str, ...] = ()
        self.symbols: dict[str, Listed] = {}
        self._desk, self._faults, self._say, self._delay = desk, faults, say, delay
        self._told: dict[str, dict[str, Any]] = {}
        self._sent = 0.0

    def add(self, names: Sequence[str]) -> None:
        """quote_add_symbols: the whole of each, then quote_completed."""
        for name in names:
            listed = find(self._desk, name)
            if listed is None:
                told = {"n": name, "s": "error", "errmsg": "no_such_symbol", "v": {}}
                self._say("qsd", self.name, told)
                continue
            if name not in self.symbols:
                self.symbols[name] = listed
                self._desk.watch(self._keys(listed))
            self._told.pop(name, None)
            self._tell(name)
            self._say("quote_completed", self.name, name)

    def remove(self, names: Sequence[str]) -> None:
        """quote_remove_symbols."""
        for name in names:
            listed = self.symbols.pop(name, None)
            if listed is not None:
                self._told.pop(name, None)
                self._desk.unwatch(self._keys(listed))

    def close(self) -> None:
        """Stop watching."""
        self.remove(list(self.symbols))

    def beat(self, changed: frozenset[Key], now: float) -> bool:
        """Tell what changed; False when that must wait."""
        moved = [
            name
            for name, listed in self.symbols.items()
            if any(key in changed for key in self._keys(listed))
        ]
        if not moved:
            return True
        if now - self._sent < _EVERY:
            return False
        self._sent = now
        for name in moved:
            self._tell(name)
        return True

    def _keys(self, listed: Listed) -> list[Key]:
        return [(kind, listed.streamer) for kind in _KINDS]

    def _tell(self, name: str) -> None:
        values = self._values(self.symbols[name])
        asked = {key: value for key, value in values.items() if key in self.fields}
        before = self._told.get(name, {})
        news = {k: v for k, v in asked.items() if k not in before or before[k] != v}
        self._told[name] = asked
        if news:
            self._say("qsd", self.name, {"n": name, "s": "ok", "v": news})

    def _values(self, listed: Listed) -> dict[str, Any]:
        delay = self._delay()
        mode = f"delayed_streaming_{delay}" if delay else "streaming"
        values: dict[str, Any] = {
            "update_mode": mode,
            "short_name": listed.info["name"],
            "pro_name": listed.name,
            "type": listed.kind,
            "current_session": "market",
        }
        values |= self._late(listed, delay) if delay else self._live(listed)
        last, before = values.get("lp"), values.get("prev_close_price")
        if last is not None and before:
            values["ch"] = round(last - before, 6)
            values["chp"] = round((last - before) / before * 100, 2)
        return values

    def _live(self, listed: Listed) -> dict[str, Any]:
        quote, trade, extended, summary = (
            self._desk.events(kind, [listed.streamer])[0] or {} for kind in _KINDS
        )
        newest = max(trade, extended, key=lambda event: event.get("time") or 0)
        made = {
            "lp": newest.get("price"),
            "lp_time": int(newest["time"] // 1000) if newest.get("time") else None,
            "volume": newest.get("dayVolume"),
            "bid": quote.get("bidPrice"),
            "ask": quote.get("askPrice"),
            "open_price": summary.get("dayOpenPrice"),
            "high_price": summary.get("dayHighPrice"),
            "low_price": summary.get("dayLowPrice"),
            "prev_close_price": summary.get("prevDayClosePrice"),
        }
        if self._faults.flag("nan"):
            return dict.fromkeys(made)
        return {name: value if name == "lp_time" else clean(value) for name, value in made.items()}

    def _late(self, listed: Listed, delay: int) -> dict[str, Any]:
        until = self._desk.now() - delay
        asked = (listed.streamer, "m", False, int((until - 3 * 86_400) * 1000), until)
        rows = self._desk.ask("candles", *asked)
        if not rows or self._faults.flag("nan"):
            return {"lp": None, "lp_time": None, "bid": None, "ask": None}
        return {"lp": clean(rows[-1][5]), "lp_time": int(until), "volume": clean(rows[-1][6])}
