"""Charts: candles answered, candles told live, and kept subscribed while somebody looks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from grok_sauce.analytics import indicator
from grok_sauce.analytics.chart_bars import DAY_MS, TIMEFRAMES
from grok_sauce.analytics.view import View
from grok_sauce.desks.chart_candles import Asked, CandleReader, Tails, has_regular_days, read
from grok_sauce.desks.chart_follow import ChartFollower, Doors
from grok_sauce.desks.chart_levels import compact
from grok_sauce.engine import Engine
from grok_sauce.errors import SettingsError
from grok_sauce.following.views import Views
from grok_sauce.market.instruments import Instrument, normalise
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.update import Update

TOPIC: Final = "chart.bar"
PAGE: Final = "chart"
PAUSE: Final = 0.5  # seconds (real) between two looks at the candles that are followed
LAST: Final = 3  # candles in an update: a page that missed more asks again
PATIENCE: Final = 4.0  # seconds a question waits for candles that were just asked for
HEAD: Final = (  # of the table's row
    *("name", "kind", "price", "price_basis", "decimals", "open", "prev_close", "volume"),
    *("change_close", "change_close_percent", "as_of", "stale", "status", "source", "hint"),
)


class ChartDesk:
    """A worker, and who answers "chart.candles" and "chart.open".

    Views of the page "chart" (symbol, timeframe) are kept in views: from the first browser that
    follows one until a while after the last has left, the symbol's quotes, minutes and days are
    subscribed, whether it is in the table or not.
    """

    name = "charts"

    def __init__(
        self, engine: Engine, views: Views, snapshot: Snapshot, clock: Clock, doors: Doors
    ) -> None:
        self._engine = engine
        self._views = views
        self._snapshot = snapshot
        self._clock = clock
        self._doors = doors
        self._reader = CandleReader(engine, doors.bars)
        self._tails = Tails(self._reader)
        self._wake = threading.Event()
        self._follower = ChartFollower(engine, clock, doors, self._wake.set)
        self._told: dict[str, Any] = {}  # room -> what it was made of
        self._cache: dict[Any, Any] = {}

    def register(self, questions: Questions) -> None:
        """Offer the answers."""
        questions.register("chart.candles", self.candles)
        questions.register("chart.open", self.opened)

    # ---- answers ------------------------------------------------------------------------

    def candles(
        self,
        symbol: str,
        timeframe: str,
        hours: str = "regular",
        start: int | None = None,
        end: int | None = None,
        limit: int = 400,
    ) -> dict[str, Any]:
        """Candles, see chart_candles.read, with the symbol's head; waits for those just asked for.

        start, end: ms. Candles older than what is kept are asked of the feed as far as memory
        holds them; deeper says whether more can be.

        Raises:
            SettingsError: no symbol, or as many views are open as there may be.
        """
        name = normalise(symbol, "symbol")
        asked = Asked(timeframe, hours, start, end, limit)
        self._touch(name, timeframe)
        found = self._answer(name, asked)
        edge = end if start is None else start
        if self._is_waiting(found):
            found = self._patient(name, asked, lambda now: not self._is_waiting(now))
        elif edge is not None and timeframe != "1d" and not found["more"]:
            before = found["first"]
            if before is not None and edge <= before + DAY_MS and self._deepen(name):
                found = self._patient(
                    name, asked, lambda now: now["first"] is not None and now["first"] < before
                )
        return found

    def opened(
        self, symbol: str, timeframe: str, hours: str = "regular", limit: int = 400
    ) -> dict[str, Any]:
        """What a page opens with: as candles(), at once, whatever is there by now."""
        name = normalise(symbol, "symbol")
        self._touch(name, timeframe)
        return self._answer(name, Asked(timeframe, hours, limit=limit))

    def _touch(self, symbol: str, timeframe: str) -> None:
        """Ask the feed for what the table has not asked for already."""
        if timeframe == "1d" or symbol not in self._doors.table():
            self._views.touch(PAGE, symbol, timeframe)
            self._wake.set()

    def _answer(self, symbol: str, asked: Asked) -> dict[str, Any]:
        instrument = self._follower.instrument(symbol)
        now_ms = int(self._clock.market() * 1000)
        found = read(self._reader, instrument, asked, now_ms)
        head = self._head(symbol, instrument)
        found["more"] = found["more"] or (
            bool(found["bars"]) and asked.timeframe != "1d" and self._follower.can_deepen(symbol)
        )
        return {
            **head,
            "timeframe": asked.timeframe,
            "hours": asked.hours,
            "at_ms": now_ms,
            **found,
            "gex": self._gex(symbol),
        }

    @staticmethod
    def _is_waiting(found: Mapping[str, Any]) -> bool:
        if found["status"] in ("not_offered", "unknown_symbol", "no_entitlement"):
            return False
        if found["timeframe"] == "1d":
            return bool(found["basis"] == "aggregated")
        return not found["bars"] and found["first"] is None

    def _deepen(self, symbol: str) -> bool:
        """Want older minutes of a symbol for a while; False when memory holds no more."""
        if not self._follower.deepen(symbol):
            return False
        self._views.touch(PAGE, symbol, "1m")
        self._wake.set()
        return True

    def _patient(
        self, symbol: str, asked: Asked, is_enough: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        deadline = self._clock.monotonic() + PATIENCE
        while True:
            concurrency.sleep(0.2)
            found = self._answer(symbol, asked)
            if is_enough(found) or self._clock.monotonic() >= deadline:
                return found

    # ---- what stands at the head --------------------------------------------------------

    def _head(self, symbol: str, instrument: Instrument) -> dict[str, Any]:
        """Price and state, as the table says them."""
        row = self._row(symbol)
        return {
            "symbol": symbol,
            "contract": instrument.contract,
            **{name: row[name] for name in HEAD},
        }

    def _row(self, symbol: str) -> Mapping[str, Any]:
        kept: Mapping[str, Any] | None = self._snapshot.get("indicator.rows", symbol)
        if kept is not None:
            return kept

        def work() -> dict[str, Any]:
            state = self._engine.state
            if state.link_up("dxLink") is None:
                links: frozenset[str] = frozenset()
            else:
                links = frozenset({"dxLink"})
            view = View(
                state=state,
                now=self._clock.market(),
                groups={"neutral": (symbol,)},
                symbols=(symbol,),
                source=self._engine.source,
                links=links,
                cache=self._cache,
            )
            return indicator.rows(view)[0]

        return self._engine.call(work)

    def _gex(self, symbol: str) -> dict[str, Any]:
        payload = self._snapshot.get("gex.levels", f"{symbol}:all")
        return compact(symbol, payload, self._doors.gex_symbols())

    # ---- live ---------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Keep subscriptions with the views, and tell pages of each move, until stop is set."""
        while not stop.is_set():
            self.step()
            self._wake.wait(PAUSE)
            self._wake.clear()
            stop.wait(0.05)

    def step(self) -> None:
        """One look at everything that is kept."""
        kept = [each for each in self._views.kept() if each.page == PAGE]
        live: dict[str, tuple[str, str]] = {}
        symbols: dict[str, bool] = {}  # symbol -> are its days wanted
        for each in kept:
            if each.view not in TIMEFRAMES or not _is_normal(each.symbol):
                continue  # one text a request: others would be rooms of their own
            symbols[each.symbol] = symbols.get(each.symbol, False) or each.view == "1d"
            if each.watched:
                live[f"{each.symbol}:{each.view}"] = (each.symbol, each.view)
        self._follower.follow(symbols)
        self._tails.keep(
            {(self._follower.instrument(symbol).streamer, name) for symbol, name in live.values()}
        )
        updates = [Update(TOPIC, room, None) for room in self._told if room not in live]
        self._told = {room: basis for room, basis in self._told.items() if room in live}
        for room, (symbol, timeframe) in live.items():
            payload = self._payload(symbol, timeframe)
            if self._told.get(room) != payload:
                self._told[room] = payload
                updates.append(Update(TOPIC, room, payload))
            concurrency.sleep(0)
        if updates:
            self._doors.publish(updates)

    def _payload(self, symbol: str, timeframe: str) -> dict[str, Any]:
        """The newest candles of all hours and what the page shows beside them."""
        instrument = self._follower.instrument(symbol)
        now_ms = int(self._clock.market() * 1000)
        found = self._tails.tail(instrument, timeframe, LAST, now_ms)
        first = self._reader.first(instrument.streamer, timeframe, has_regular_days(instrument))
        return {
            **self._head(symbol, instrument),
            "timeframe": timeframe,
            "bars": found["bars"],
            "extended": found["extended"],
            "vwaps": found["vwap"],
            "vwap": _bands(found["vwap"]),
            "vwap_regular": _bands(found["vwap_regular"]),
            "loaded": first,
            "gex": self._gex(symbol),
        }


def _bands(found: Sequence[list[float] | None] | None) -> dict[str, float] | None:
    """The newest average with its bands of one and two standard deviations."""
    newest = found[-1] if found else None
    if newest is None:
        return None
    value, width = newest
    return {
        "value": value,
        "upper1": value + width,
        "lower1": value - width,
        "upper2": value + 2 * width,
        "lower2": value - 2 * width,
    }


def _is_normal(symbol: str) -> bool:
    try:
        return normalise(symbol) == symbol
    except SettingsError:
        return False
