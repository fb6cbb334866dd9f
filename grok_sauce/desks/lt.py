"""Liquidity Trigger levels: what stands in the front contract's prices, since when, or why not."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from grok_sauce.engine import Engine
from grok_sauce.errors import SourceError
from grok_sauce.feeds.tradingview_messages import SOURCE
from grok_sauce.feeds.tradingview_wants import candles
from grok_sauce.market.candle_close import trading_ms
from grok_sauce.market.instruments import normalise
from grok_sauce.market.lt_levels import LOOKBACKS, LtBook, LtLevels
from grok_sauce.market.times import iso
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import Clock
from grok_sauce.strategies.contracts import FULL_SIZE, same_prices
from grok_sauce.update import Update

TOPIC: Final = "lt.levels"
LOOK: Final = 0.2  # seconds (real) between two looks
KEPT: Final = 200  # levels of closed bars that can be asked for
OLDEST: Final = 2  # bars of trading time after which levels are stale
OFF: Final = (
    "TradingView is off: Liquidity Trigger levels come from there alone. Switch it on in Setup."
)
NOT_CHOSEN: Final = "No symbol of Liquidity Trigger levels is chosen (LT_SYMBOL)."


class LtDesk:
    """Worker "lt". triggers(), why() and report() may be called from any thread.

    page is TradingView's symbol of the levels (None: none is chosen), symbol what it is called
    here, timeframe that of its bars. is_on says whether TradingView is switched on, contract()
    which contract is in front here, reason() what the source says is wrong.
    """

    name = "lt"

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        publish: Callable[[Sequence[Update]], None],
        page: str | None,
        symbol: str | None,
        timeframe: str,
        is_on: Callable[[], bool],
        contract: Callable[[str], str | None],
        reason: Callable[[], str],
    ) -> None:
        self.symbol = symbol
        self.timeframe = timeframe
        self._engine = engine
        self._clock = clock
        self._publish = publish
        self._page = page
        self._key = None if page is None else candles(page, timeframe)
        self._is_on = is_on
        self._contract = contract
        self._reason = reason
        self._lock = threading.Lock()
        self._book = LtBook()
        self._known: deque[LtLevels] = deque(maxlen=KEPT)
        self._seen: LtLevels | None = None
        self._flushed = ""
        self._told: dict[str, Any] | None = None

    # ---- what others ask ----------------------------------------------------------------

    def triggers(self, symbol: str, at: float) -> LtLevels | None:
        """What was known at a moment (Unix seconds, market time); None where why() says why.

        Levels of a bar that had ended by then and that had arrived by then, in prices of the
        front contract; a micro future moves with its full-size one.
        """
        if not self._is_own(symbol):
            return None
        with self._lock:
            for levels in reversed(self._known):
                if levels.at <= at and _end(levels) <= at:
                    return levels
        return None

    def why(self, symbol: str) -> str | None:
        """Why there are no levels of a symbol now; None where there are."""
        if self._page is None or self.symbol is None:
            return NOT_CHOSEN
        if not self._is_own(symbol):
            return f"Liquidity Trigger levels are followed of {self.symbol} alone (LT_SYMBOL)."
        with self._lock:
            if self._known:
                return None
            flushed = self._flushed
        if not self._runs():
            return OFF
        said = self._reason()
        first = flushed or f"No {self.timeframe} bar with levels has closed yet."
        return f"{first} TradingView: {said}." if said else first

    def report(self, symbol: str | None = None) -> dict[str, Any]:
        """What stands now, with its age; levels is None where text says why. See payload().

        Raises:
            SettingsError: no symbol.
            SourceError: there are no levels, and why.
        """
        name = self.symbol if symbol is None else normalise(symbol, "symbol")
        if name is None or (reason := self.why(name)) is not None:
            raise SourceError(NOT_CHOSEN if name is None else reason)
        now = self._clock.market()
        found = self.payload(now)
        with self._lock:
            newest = self._known[-1] if self._known else None
        if newest is None:
            raise SourceError(self.why(name) or "they have just been taken back")
        return {
            **found,
            "age": round(now - _end(newest), 1),
            "known_for": round(now - newest.at, 1),
        }

    def register(self, questions: Questions) -> None:
        """Offer what pages ask."""
        questions.register("lt.levels", self.report)

    def _is_own(self, symbol: str) -> bool:
        own = (self.symbol or "").lstrip("/")
        asked = symbol.lstrip("/")
        same = FULL_SIZE.get(asked, asked) == FULL_SIZE.get(own, own)
        return bool(own) and (symbol == self.symbol or (symbol.startswith("/") and same))

    # ---- the worker ---------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Look for levels until stop is set."""
        while not stop.is_set():
            self.step()
            stop.wait(LOOK)

    def step(self) -> None:
        """Take what is new, drop what no longer holds, tell what changed."""
        if self._page is None or self._key is None or self.symbol is None:
            return
        levels = self._engine.state.lt_levels.get(self._key)
        with self._lock:
            self._flush(levels)
            if levels is not None and levels is not self._seen and self._runs():
                self._take(levels)
            self._seen = levels
        found = self.payload(self._clock.market())
        if found != self._told:
            self._told = found
            self._publish([Update(TOPIC, self.symbol, found)])

    def _runs(self) -> bool:
        """Is the source switched on? Of a recording only its connection tells."""
        return self._is_on() or bool(self._engine.state.link_up(SOURCE))

    def _flush(self, levels: LtLevels | None) -> None:
        """Levels end when the source is switched off, takes them back, or the contract rolls."""
        if not self._runs():
            self._drop("")
            self._seen = None
        elif levels is None and self._seen is not None:
            self._drop("The levels were taken back at a roll; those of the new contract follow.")
        contract = self._contract(self.symbol or "")
        newest = self._known[-1] if self._known else None
        if contract is None or newest is None or newest.contract is None:
            return
        if not same_prices(newest.contract, contract):
            self._drop(f"The levels were of {newest.contract}; {contract} is in front now.")

    def _drop(self, reason: str) -> None:
        if self._known:
            self._flushed = reason
        self._known.clear()
        self._book = LtBook()

    def _take(self, levels: LtLevels) -> None:
        front = self._contract(self.symbol or "")
        told = levels.contract
        if front is not None and told is not None and not same_prices(told, front):
            self._flushed = f"TradingView's levels are of {told}; {front} is in front."
            return
        newest = self._known[-1] if self._known else None
        if newest is not None and told is not None and newest.contract not in (None, told):
            self._drop("")
        if not self._book.take(levels):
            return
        if self._known and self._known[-1].time > levels.time:
            return
        self._flushed = ""
        self._known.append(levels)

    # ---- what is told -------------------------------------------------------------------

    def payload(self, now: float) -> dict[str, Any]:
        """Payload of "lt.levels": levels {"L0": price|None, …} or None with the reason in text.

        state: "live", "stale" (older than two bars of trading), "waiting", "off".
        """
        with self._lock:
            newest = self._known[-1] if self._known else None
        base = {
            "symbol": self.symbol,
            "tradingview_symbol": self._page,
            "timeframe": self.timeframe,
            "lookbacks": list(LOOKBACKS),
            "source": SOURCE,
        }
        if newest is None:
            nothing = dict.fromkeys(("timestamp", "candle_time", "candle_end", "contract"))
            state = "waiting" if self._runs() else "off"
            text = self.why(self.symbol or "")
            return {**base, **nothing, "levels": None, "state": state, "text": text}
        end = _end(newest)
        kind = "future" if (self.symbol or "").startswith("/") else "etf"
        waited = trading_ms(kind, round(end * 1000), round(now * 1000)) / 1000  # type: ignore[arg-type]
        is_stale = waited > (OLDEST * (newest.seconds or 0)) + 60.0
        text = f"No bar has closed since {iso(end)}." if is_stale else None
        if is_stale and not self._engine.state.link_up(SOURCE):
            text = f"TradingView is not connected; these are of {iso(end)}."
        return {
            **base,
            "timestamp": iso(newest.at),
            "candle_time": iso(newest.time / 1000),
            "candle_end": iso(end),
            "contract": newest.contract,
            "levels": {f"L{place}": level for place, level in enumerate(newest.levels)},
            "state": "stale" if is_stale else "live",
            "text": text,
        }


def _end(levels: LtLevels) -> float:
    """When the bar ended, Unix seconds."""
    return levels.time / 1000 + levels.seconds
