"""The one owner of closed candles: of every source, told once, kept over restarts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any, ClassVar, Final

from grok_sauce.desks.candle_keeper import CandleKeeper
from grok_sauce.desks.candle_sources import DXLINK, CandleFollower, CandleSources, Look, bars_of
from grok_sauce.engine import Engine
from grok_sauce.errors import SettingsError
from grok_sauce.market.candle_close import (
    LENGTHS,
    MINUTE_MS,
    Closed,
    close_days,
    close_minutes,
    close_quarters,
)
from grok_sauce.market.candle_line import CandleLine, Change
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import Instrument, normalise
from grok_sauce.market.sessions import instant
from grok_sauce.market.times import iso
from grok_sauce.questions import Questions
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.settings import knob
from grok_sauce.storage import bar_export
from grok_sauce.strategies.candle import Candle
from grok_sauce.update import Update
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

TOPIC: Final = "candle.close"
LOOK: Final = 0.1  # seconds (real) between two looks at the clock
AT_LEAST: Final = 2.0  # seconds (real) until bars are read though no minute has ended
GRACE: Final = 1.0  # seconds after its end in which a candle is still corrected
TRANSIT: Final = 0.6  # seconds of real time the last prints need on their way
DAY_GRACE: Final = 60.0  # of a daily candle: closing auctions print late
DELAY: Final = 16 * 60.0  # seconds that a delayed feed is behind at most
MANY: Final = 500  # bars that are worked through beside the loop

Listener = Callable[[str, str, Candle], None]


@dataclass(frozen=True, slots=True)
class CandleSettings:
    """CANDLE_*: whose candles are kept though nothing else asks for them."""

    ENV: ClassVar[dict[str, str]] = {"symbols": "CANDLE_SYMBOLS"}

    symbols: tuple[str, ...] = knob(("/NQ", "/ES"))

    def __post_init__(self) -> None:
        names = tuple(normalise(name, "CANDLE_SYMBOLS") for name in self.symbols)
        object.__setattr__(self, "symbols", tuple(dict.fromkeys(names)))


class CandleOwner:
    """Worker "candles". want, history, listen and newest may be used from any thread.

    A candle is closed by the clock of the exchange, a second after its end, whether another
    print comes or not; what a source corrects until then is in it, what comes later is not.
    While no source is connected nothing is closed: candles come late then, in order, with what
    the history of the source brings. What has closed never changes and survives a restart.
    """

    name = "candles"

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        sources: CandleSources,
        follower: CandleFollower,
        keeper: CandleKeeper,
        publish: Callable[[Sequence[Update]], None],
        settings: CandleSettings | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._sources = sources
        self._follower = follower
        self._keeper = keeper
        self._publish = publish
        chosen = settings or CandleSettings()
        every = frozenset((symbol, length) for symbol in chosen.symbols for length in LENGTHS)
        self._wanted: dict[str, frozenset[tuple[str, str]]] = {"settings": every}
        self._lock = threading.Lock()
        self._lines: dict[str, CandleLine] = {}
        self._contracts: dict[str, str | None] = {}
        self._listeners: list[Listener] = []
        self._looked_at: float | None = None
        self._minute = -1

    # ---- what others ask ----------------------------------------------------------------

    def want(self, owner: str, wanted: Iterable[tuple[str, str]]) -> None:
        """Replace what `owner` wants: (user symbol, "1m", "15m" or "1d").

        Raises:
            SettingsError: no symbol, or no such timeframe.
        """
        found = set()
        for symbol, timeframe in wanted:
            if timeframe not in LENGTHS:
                raise SettingsError(f"{timeframe!r} is none of {', '.join(LENGTHS)}", "timeframe")
            found.add((normalise(symbol, "symbol"), timeframe))
        with self._lock:
            self._wanted[owner] = frozenset(found)
        self.wake()

    def history(self, symbol: str, timeframe: str) -> list[Candle]:
        """Closed candles that memory holds, ascending; none while nobody wants the symbol."""
        with self._lock:
            line = self._lines.get(symbol)
            held = [] if line is None else line.history(timeframe)
        return [candle_of(each) for each in held]

    def newest(self, symbol: str, timeframe: str) -> Closed | None:
        """The last closed candle with its source and gap."""
        with self._lock:
            line = self._lines.get(symbol)
            return None if line is None else line.newest(timeframe)

    def listen(self, callback: Listener) -> None:
        """Call callback(symbol, timeframe, candle) for each candle that closes from now on.

        In order of their ends, 1m before 15m, once each, on this worker's thread; candles of
        the past are not told. One that comes late because its source was away is told late.
        """
        self._listeners.append(callback)

    def contract(self, symbol: str) -> str | None:
        """The contract whose candles are made now ("/NQZ6"); None for shares and while unknown."""
        return self._contracts.get(symbol)

    def wake(self) -> None:
        """Look at the bars at the next occasion."""
        self._looked_at = None

    def register(self, questions: Questions) -> None:
        """Offer the archive."""
        questions.register("candles.archive", self.archive)

    def archive(self, symbol: str, day: str) -> dict[str, Any]:
        """{name, text, bars} of the session of 18:00 to 16:00 New York that ends on a day.

        One-minute candles as files of bar archives have them, see bar_export.archive.

        Raises:
            SettingsError: nothing is kept of that session, or of the symbol.
            SourceError: the file cannot be read.
        """
        name = normalise(symbol, "symbol")
        last = date.fromisoformat(day)
        evening = instant(last - timedelta(days=1), bar_export.EVENING)
        end = instant(last, bar_export.END)
        found = self._keeper.between(name, "1m", round(evening * 1000), round(end * 1000))
        if not found:
            with self._lock:
                known = ", ".join(sorted(self._lines)) or "none yet"
            raise SettingsError(
                f"no closed minutes of {name} are kept of {day}; candles are made of {known} "
                f"(CANDLE_SYMBOLS)",
                "day",
            )
        series: dict[str, list[Bar]] = {}
        for one in found:
            bar = Bar(one.time, one.open, one.high, one.low, one.close, one.volume, None)
            series.setdefault(one.contract or name, []).append(bar)
        ((file, text),) = concurrency.offload(bar_export.archive, series).items()
        return {"name": file, "text": text, "bars": len(found)}

    # ---- the worker ---------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Close candles until stop is set.

        Raises:
            SourceError: the engine does not answer.
        """
        self.begin()
        try:
            while not stop.wait(LOOK):
                if self._is_due():
                    self.step()
        finally:
            self.end()

    def begin(self) -> None:
        """Before the first step() of somebody who calls it instead of run()."""
        self._keeper.open()
        self.wake()

    def end(self) -> None:
        """After the last one."""
        self._keeper.close()

    def _is_due(self) -> bool:
        now = self._clock.monotonic()
        minute = self._edge(self._clock.market()) // MINUTE_MS
        is_late = self._looked_at is None or now - self._looked_at >= AT_LEAST
        return is_late or minute != self._minute

    def step(self) -> None:
        """Close what has ended by now, keep it, tell it.

        Raises:
            SourceError: the engine does not answer.
        """
        now = self._clock.market()
        self._looked_at, self._minute = self._clock.monotonic(), self._edge(now) // MINUTE_MS
        with self._lock:
            wanted = frozenset[tuple[str, str]]().union(*self._wanted.values())
        symbols = {symbol: (symbol, "1d") in wanted for symbol, _ in sorted(wanted)}
        self._follower.follow(symbols)
        self._set_lines(symbols, now)
        found: list[tuple[str, Closed]] = []
        kept: list[tuple[str, Closed]] = []
        for symbol, change in self._look(now).items():
            kept += [(symbol, one) for one in change.kept]
            found += [(symbol, one) for one in change.news if (symbol, one.timeframe) in wanted]
        if kept:
            self._keeper.put(kept)
        self._keeper.flush()
        found.sort(key=lambda each: (each[1].end, LENGTHS[each[1].timeframe], each[0]))
        self._tell(found)

    def _set_lines(self, symbols: Iterable[str], now: float) -> None:
        """A line for each symbol whose record is known; those nobody wants go."""
        wanted = set(symbols)
        for symbol in sorted(wanted):
            instrument = self._follower.instrument(symbol)
            if instrument is None:
                continue
            before = self._contracts.get(symbol)
            if symbol not in self._lines:
                line = CandleLine(instrument.kind, int(now * 1000), self._keeper.read(symbol))
                with self._lock:
                    self._lines[symbol] = line
                self._sources.forget(instrument)
            elif before != instrument.contract:
                log.info("candles: %s is %s now, was %s", symbol, instrument.contract, before)
            self._contracts[symbol] = instrument.contract
        with self._lock:
            for symbol in self._lines.keys() - wanted:
                del self._lines[symbol]

    def _look(self, now: float) -> dict[str, Change]:
        asked: list[tuple[Instrument, int | None]] = []
        for symbol, line in self._lines.items():
            instrument = self._follower.instrument(symbol)
            if instrument is not None:
                newest = line.newest("15m")
                asked.append((instrument, None if newest is None else newest.time))
        if not asked:
            return {}
        found: dict[str, Change] = {}
        for symbol, look in self._sources.look(asked, now).items():
            line, contract = self._lines[symbol], self._contracts[symbol]
            edges = (self._edge(now), int((now - self._lag() - DAY_GRACE) * 1000))
            if look.bars > MANY:
                closed = concurrency.offload(_closed, look, line.kind, contract, *edges)
            else:
                closed = _closed(look, line.kind, contract, *edges)
            found[symbol] = self._put(line, closed)
        return found

    def _put(self, line: CandleLine, closed: Sequence[Closed]) -> Change:
        """A long history in turns, so that others have theirs."""
        change = Change([], [])
        for place in range(0, len(closed), MANY):
            with self._lock:
                part = line.put(closed[place : place + MANY])
            change.news.extend(part.news)
            change.kept.extend(part.kept)
            if len(closed) > MANY:
                concurrency.sleep(0)
        return change

    def _edge(self, now: float) -> int:
        """What ended by then is closed (ms)."""
        return int((now - self._lag() - max(GRACE, TRANSIT * self._clock.speed)) * 1000)

    def _lag(self) -> float:
        return DELAY if self._engine.source == "DELAYED" else 0.0

    def _tell(self, found: Sequence[tuple[str, Closed]]) -> None:
        if not found:
            return
        self._publish(
            [
                Update(TOPIC, f"{symbol} {one.timeframe}", payload(symbol, one))
                for symbol, one in found
            ]
        )
        for symbol, one in found:
            if one.switched is not None:
                log.info(
                    "candles: %s %s come from %s now, came from %s",
                    *(symbol, one.timeframe, one.source, one.switched),
                )
            candle = candle_of(one)
            for listener in self._listeners:
                try:
                    listener(symbol, one.timeframe, candle)
                except Exception:
                    log.exception("candles: %s %s is not taken", symbol, one.timeframe)


def _closed(look: Look, kind: Any, contract: str | None, edge: int, day_edge: int) -> list[Closed]:
    """Everything of a look that has ended, oldest first."""
    minutes = [each.minutes() for each in look.stretches]
    days = [] if look.days is None else bars_of(look.days)
    found = [
        *close_minutes(minutes, kind, edge),
        *close_quarters(minutes, kind, edge),
        *close_days(DXLINK, contract, days, kind, day_edge),
    ]
    return sorted(found, key=lambda each: each.time)


def candle_of(one: Closed) -> Candle:
    """A closed candle as strategies take it; a day's is 24 hours long there."""
    seconds = LENGTHS[one.timeframe] // 1000
    return Candle(
        one.time, one.open, one.high, one.low, one.close, one.volume, one.contract, seconds
    )


def payload(symbol: str, one: Closed) -> dict[str, Any]:
    """A closed candle as JSON: times ISO-8601 UTC, gap in seconds of trading time."""
    return {
        "symbol": symbol,
        "contract": one.contract,
        "timeframe": one.timeframe,
        "time": iso(one.time / 1000),
        "end": iso(one.end / 1000),
        "open": one.open,
        "high": one.high,
        "low": one.low,
        "close": one.close,
        "volume": one.volume,
        "source": one.source,
        "switched_from": one.switched,
        "gap": one.gap // 1000,
    }
