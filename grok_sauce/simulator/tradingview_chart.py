"""A chart session of the embedded TradingView: one symbol, one series, one kind of study."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import isfinite
from typing import Any, Final

from grok_sauce.simulator import candle_symbols, tradingview_study
from grok_sauce.simulator.desk import Desk, Key
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.tradingview_symbols import Listed, find

# Resolution on the wire -> period of the market's bars. Others are refused.
PERIODS: Final = {
    "1": "m", "3": "3m", "5": "5m", "15": "15m", "30": "30m", "60": "h", "120": "2h",
    "240": "4h", "1D": "d", "D": "d",
}  # fmt: skip
MOST: Final = 5000  # bars of a series
ANSWER: Final = 0.1  # seconds until a series or study is there
EVERY: Final = 0.3  # seconds between two changes of a bar

Say = Callable[..., None]
Later = Callable[[float, Callable[[], None]], None]


def clean(value: Any) -> float | None:
    """A number fit for JSON; None for NaN and for what is none."""
    return float(value) if isinstance(value, (int, float)) and isfinite(value) else None


class ChartSession:
    """One chart session. say(method, *args) sends, later(seconds, call) waits.

    delay() is how many seconds behind the market this connection is shown things.
    """

    def __init__(
        self,
        name: str,
        desk: Desk,
        faults: Faults,
        say: Say,
        later: Later,
        delay: Callable[[], int],
    ) -> None:
        self.name = name
        self.dead = False
        self._desk, self._faults = desk, faults
        self._say, self._later, self._delay = say, later, delay
        self._symbols: dict[str, Listed] = {}
        self._listed: Listed | None = None
        self._candle: candle_symbols.CandleSymbol | None = None
        self._series = ""
        self._study = ""
        self._complete = False
        self._bars: list[list[float | None]] = []
        self._first = 0  # index of bars[0]
        self._sent = 0.0

    def close(self) -> None:
        """Stop watching."""
        self.dead = True
        if self._candle is not None:
            self._desk.unwatch([("Candle", self._candle.text)])
            self._candle = None

    # ---- what a client asks -------------------------------------------------------------

    def resolve(self, args: list[Any]) -> None:
        """resolve_symbol [cs, id, ={...}]"""
        name, text = str(args[1]), str(args[2])
        try:
            asked = json.loads(text[1:]) if text.startswith("=") else {"symbol": text}
        except ValueError:
            asked = {}
        listed = find(self._desk, str(asked.get("symbol", ""))) if isinstance(asked, dict) else None
        if listed is None:
            self._say("symbol_error", self.name, name, "invalid symbol")
            return
        self._symbols[name] = listed
        info = dict(listed.info)
        if self._delay():
            info["delay"] = self._delay()
        self._say("symbol_resolved", self.name, name, info)

    def create_series(self, args: list[Any]) -> None:
        """create_series [cs, sds, s1, id, resolution, count, ""]"""
        series, turn, symbol, resolution, count = args[1:6]
        if self._series or self._faults.text("tradingview") == "critical":
            told = f"method: create_series. args: {json.dumps(args[1:6])}"
            self._say("critical_error", self.name, "exceed limit of series in the session", told)
            self.close()
            return
        self._series = str(series)
        listed = self._symbols.get(str(symbol))
        period = PERIODS.get(str(resolution))
        if listed is None or period is None or self._faults.text("tradingview") == "series":
            self._series = ""
            why = "symbol is not resolved" if listed is None else "resolve error"
            self._say("series_error", self.name, series, turn, why)
            return
        self._listed = listed
        self._candle = candle_symbols.parse(f"{listed.streamer}{{={period}}}")
        if self._candle is not None:
            self._desk.watch([("Candle", self._candle.text)])
        self._say("series_loading", self.name, series, turn)
        wanted = count if type(count) is int and 0 < count <= MOST else 300
        self._later(ANSWER, lambda: self._load(str(turn), wanted))

    def create_study(self, args: list[Any], paid: bool) -> None:
        """create_study [cs, st, turn, sds, Script@tv-scripting-101!, {inputs}]"""
        study, turn, series, script, inputs = args[1:6]
        given = inputs if isinstance(inputs, dict) else {}
        fault = self._faults.text("tradingview")
        why = ""
        if series != self._series or not self._complete:
            why = "the series is not completed"
        elif self._study or fault == "studies":
            why = "The maximum number of studies per chart has been reached"
        elif not paid or fault == "study":
            why = f"study_not_auth:{script}"
        elif given.get("pineId") not in tradingview_study.SCRIPTS or not given.get("text"):
            why = "wrong inputs of the script"
        if why:
            self._say("study_error", self.name, study, turn, {"error": why})
            return
        self._study = str(study)
        self._say("study_loading", self.name, study, turn)
        self._later(ANSWER, lambda: self._load_study(str(turn)))

    def remove_study(self, args: list[Any]) -> None:
        """remove_study [cs, st]"""
        if str(args[1]) == self._study:
            self._study = ""

    def remove_series(self, args: list[Any]) -> None:
        """remove_series [cs, sds]: it still counts, as in life."""
        self._complete = False
        self._study = ""

    # ---- what it is told ----------------------------------------------------------------

    def _load(self, turn: str, count: int) -> None:
        if self._candle is None:
            return
        length = self._candle.seconds
        since = self._desk.now() - length * count * 2.2 - 5 * 86_400
        self._bars = [self._bar(row) for row in self._rows(int(since * 1000))][-count:]
        rows = [{"i": place, "v": bar} for place, bar in enumerate(self._bars)]
        part = {"s": rows, "ns": {"d": "", "indexes": "nochange"}, "t": turn}
        self._say("timescale_update", self.name, {self._series: part})
        mode = f"delayed_streaming_{self._delay()}" if self._delay() else "streaming"
        self._say("series_completed", self.name, self._series, mode, turn)
        self._complete = True

    def _load_study(self, turn: str) -> None:
        if not self._study or self._listed is None:
            return
        rows = tradingview_study.rows(self._bars, self._listed.tick)
        self._say("du", self.name, {self._study: self._study_part(rows, self._first)})
        self._say("study_completed", self.name, self._study, turn)

    def beat(self, changed: frozenset[Key], now: float) -> bool:
        """Tell what became of the last bars; False when the change must wait."""
        if self._candle is None or not self._complete or self.dead:
            return True
        if ("Candle", self._candle.text) not in changed:
            return True
        if now - self._sent < EVERY:
            return False
        self._sent = now
        last = float(self._bars[-1][0] or 0) if self._bars else 0.0
        fresh = [self._bar(row) for row in self._rows(int(last * 1000))]
        fresh = [bar for bar in fresh if float(bar[0] or 0) >= last]
        if not fresh:
            return True
        if self._bars and fresh[0][0] == self._bars[-1][0]:
            self._bars.pop()
        start = len(self._bars)
        self._bars += fresh
        rows = [{"i": self._first + start + n, "v": bar} for n, bar in enumerate(fresh)]
        parts: dict[str, Any] = {self._series: {"s": rows, "ns": {"d": "", "indexes": []}}}
        if self._study and self._listed is not None:
            found = tradingview_study.rows(self._bars, self._listed.tick, start)
            parts[self._study] = self._study_part(found, self._first + start)
        self._say("du", self.name, parts)
        self._trim()
        return True

    def _trim(self) -> None:
        excess = len(self._bars) - 2 * MOST
        if excess > 0:
            del self._bars[:excess]
            self._first += excess

    def _study_part(self, rows: list[list[float]], first: int) -> dict[str, Any]:
        listed = [{"i": first + place, "v": row} for place, row in enumerate(rows)]
        return {"st": listed, "ns": {"d": "", "indexes": []}, "t": "st1"}

    def _rows(self, from_ms: int) -> list[Any]:
        candle = self._candle
        if candle is None:
            return []
        if not self._delay():
            return self._desk.candles(candle, from_ms)
        until = self._desk.now() - self._delay()
        asked = (candle.base, candle.period, candle.tho, from_ms, until)
        return list(self._desk.ask("candles", *asked))

    def _bar(self, row: Any) -> list[float | None]:
        prices = [None if self._faults.flag("nan") else clean(price) for price in row[2:7]]
        return [row[0] // 1000, *prices]
