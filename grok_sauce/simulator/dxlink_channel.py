"""One FEED channel of a dxLink connection: its settings, its subscriptions, what is due."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from grok_sauce.simulator import dxlink_events as events
from grok_sauce.simulator.candle_symbols import CandleSymbol
from grok_sauce.simulator.desk import CANDLE_CAP, BarRow, Desk, Key
from grok_sauce.simulator.faults import Faults
from grok_sauce.values import dataclass

PriceNote = Callable[[str, float], None]  # (streamer symbol, price) as it goes to a client

SNAPSHOT_BEGIN: Final = 4
SNAPSHOT_END: Final = 8
SNAPSHOT_SNIP: Final = 16
END_MARKER: Final = SNAPSHOT_END | 2  # SNAPSHOT_END and REMOVE_EVENT
EMPTY_SNAPSHOT: Final = 4 | 8 | 2
SLICE: Final = 250  # events worked out in one go, so that other connections get their turn
_EARLY: Final = 0.005  # seconds a flush may come before its time: beats are not exact


@dataclass(slots=True)
class Subscription:
    """One entry. candle is set for Candle; from_ms None means without history."""

    candle: CandleSymbol | None = None
    from_ms: int | None = None
    last: BarRow | None = None  # newest bar sent


@dataclass(frozen=True, slots=True)
class Setup:
    """What FEED_SETUP asked for; None leaves a wish as it is."""

    period: float | None
    format: str | None
    fields: Mapping[str, tuple[str, ...]]


def message(kind: str, channel: int, **members: Any) -> str:
    """One protocol message as text."""
    return json.dumps({"type": kind, "channel": channel, **members}, separators=(",", ":"))


class Channel:
    """State of one channel; every method returns the texts to send, in order.

    contract AUTO and HISTORY give candles their snapshot; TICKER and STREAM only the
    bar that is under way. STREAM is not held back by the aggregation period.
    """

    def __init__(
        self, number: int, contract: str, desk: Desk, faults: Faults, prices: PriceNote
    ) -> None:
        self.number = number
        self.contract = contract
        self.subscriptions: dict[Key, Subscription] = {}
        self._desk = desk
        self._faults = faults
        self._prices = prices
        self._period = 0.1
        self._format = "FULL"  # the protocol's default
        self._switched: str | None = None  # format forced by a fault
        self._wanted: dict[str, tuple[str, ...]] = {}
        self._announced: dict[str, tuple[str, ...]] = {}
        self._waiting: dict[Key, None] = {}  # snapshots to send, in order
        self._dirty: set[Key] = set()
        self._fresh: set[Key] = set()  # got their snapshot less than a period ago
        self._fresh_until = 0.0
        self._next = 0.0
        self._late: deque[str] = deque()  # configurations held back by a fault

    @property
    def candles(self) -> int:
        """How many Candle entries there are."""
        return sum(1 for entry in self.subscriptions.values() if entry.candle)

    @property
    def busy(self) -> bool:
        """Whether snapshots are still to be sent."""
        return bool(self._waiting)

    # --- what the client asks ------------------------------------------------------------

    def configure(self, setup: Setup) -> list[str]:
        """Merge a FEED_SETUP and answer with the configuration in force."""
        if setup.period is not None:
            self._period = setup.period
        if setup.format is not None:
            self._format = setup.format
        self._wanted.update(setup.fields)
        again = [kind for kind in setup.fields if kind in self._announced]
        changed = {k: self._fields(k) for k in again if self._fields(k) != self._announced[k]}
        return [self._config(changed)]

    def add(self, key: Key, entry: Subscription) -> None:
        """Subscribe; an entry that is there already is replaced and gets its snapshot again."""
        self.remove(key)
        self.subscriptions[key] = entry
        if key[0] not in events.EVENT_FIELDS:
            return  # a type this market has nothing of: silent for ever
        self._waiting[key] = None
        self._desk.watch([key])

    def remove(self, key: Key) -> None:
        """Unsubscribe at once; an absent entry is fine."""
        entry = self.subscriptions.pop(key, None)
        if entry is None or key[0] not in events.EVENT_FIELDS:
            return
        self._waiting.pop(key, None)
        self._dirty.discard(key)
        self._fresh.discard(key)
        self._desk.unwatch([key])

    def clear(self) -> None:
        """Unsubscribe from everything."""
        for key in list(self.subscriptions):
            self.remove(key)

    def announce(self, kinds: Iterable[str]) -> list[str]:
        """The field lists of types that were not described yet, as the server will send them."""
        new = {kind: self._fields(kind) for kind in kinds if kind not in self._announced}
        if not new:
            return []
        text = self._config(new)
        if self._faults.text("wrong_order") == "data_first":
            self._late.append(text)
            return []
        return [text]

    # --- what the market does ------------------------------------------------------------

    def note(self, changed: frozenset[Key]) -> None:
        """Remember what moved; it goes out when the aggregation period is over."""
        self._dirty |= self.subscriptions.keys() & changed

    def snapshots(self, now: float) -> list[str]:
        """The next slice of first values; now is monotonic."""
        taken: list[Key] = []
        while self._waiting and len(taken) < SLICE:
            key = next(iter(self._waiting))
            del self._waiting[key]
            taken.append(key)
            if self.subscriptions[key].candle:
                break  # thousands of bars: enough for one turn
        self._dirty.difference_update(taken)
        self._fresh.update(taken)
        self._fresh_until = now + self._period
        # Of a stream of prints there is nothing to tell before the next one.
        first = [k for k in taken if not self.subscriptions[k].candle and k[0] != "TimeAndSale"]
        texts = self._send(first)
        for key in taken:
            if self.subscriptions[key].candle:
                texts += self._candle_snapshot(key[1], self.subscriptions[key])
        return texts

    def due(self, now: float) -> list[str]:
        """The changes of the period that ended, one event per symbol; now is monotonic."""
        texts = self._switch()
        if not self._dirty or now + _EARLY < self._next:
            return texts
        if now + _EARLY >= self._fresh_until:
            self._fresh.clear()
        ready = self._dirty - self._fresh - self._waiting.keys()
        self._dirty &= self._fresh  # their period began with the snapshot
        self._next = now + (0.0 if self.contract == "STREAM" else self._period)
        return texts + self._send(sorted(ready))

    # --- how it is written ---------------------------------------------------------------

    def _fields(self, kind: str) -> tuple[str, ...]:
        fields = self._wanted.get(kind) or events.EVENT_FIELDS[kind]
        dropped = self._faults.text("drop_column")
        if dropped:
            fields = tuple(f for f in fields if dropped not in (f, f"{kind}.{f}"))
        return fields

    def _config(self, new: Mapping[str, tuple[str, ...]]) -> str:
        self._announced.update(new)
        members: dict[str, Any] = {
            "dataFormat": self._switched or self._format,
            "aggregationPeriod": self._period,
        }
        if new:
            members["eventFields"] = {kind: list(fields) for kind, fields in new.items()}
        return message("FEED_CONFIG", self.number, **members)

    def _switch(self) -> list[str]:
        """Obey the fault that changes the format under way, and one that drops a column."""
        mode = self._faults.text("full_midway")
        forced = "FULL" if mode and self._format == "COMPACT" and self._announced else None
        texts: list[str] = []
        if forced != self._switched:
            self._switched = forced
            if mode != "silent":
                texts.append(self._config({}))
        stale = {k: self._fields(k) for k, f in self._announced.items() if self._fields(k) != f}
        if stale:
            texts.append(self._config(stale))
        return texts

    def _send(self, keys: list[Key]) -> list[str]:
        by_kind: dict[str, list[str]] = {}
        for kind, symbol in keys:
            by_kind.setdefault(kind, []).append(symbol)
        texts: list[str] = []
        for kind, symbols in by_kind.items():
            if kind == "Candle":
                for symbol in symbols:
                    texts += self._candle_update(symbol, self.subscriptions[(kind, symbol)])
                continue
            found = zip(symbols, self._desk.events(kind, symbols), strict=True)
            told = [(symbol, event) for symbol, event in found if event is not None]
            if kind in ("Trade", "TradeETH"):
                for symbol, event in told:
                    self._prices(symbol, event["price"])
            texts += self._data(kind, told)
        return texts

    def _data(self, kind: str, told: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
        """Events of one type as frames."""
        blank = self._faults.text("nan") in ("all", kind)
        fields = self._announced.get(kind) or self._fields(kind)
        as_full = (self._switched or self._format) == "FULL"
        write = events.full if as_full else events.compact
        pieces: list[str] = []
        for symbol, event in told:
            whole = events.complete(kind, symbol, event)
            pieces.append(write(fields, events.blanked(whole) if blank else whole))
        texts = events.frames(self.number, None if as_full else kind, pieces)
        if self._late and texts:
            texts += [*self._late]
            self._late.clear()
        return texts

    def _candle_snapshot(self, symbol: str, entry: Subscription) -> list[str]:
        """Newest bar first with BEGIN, then older ones, then the end marker (or SNIP)."""
        assert entry.candle is not None
        if entry.from_ms is None or self.contract in ("TICKER", "STREAM"):
            return self._candle_update(symbol, entry)
        bars = self._desk.candles(entry.candle, entry.from_ms)
        if not bars:
            empty = _marker(entry.from_ms, EMPTY_SNAPSHOT)
            return self._data("Candle", [(symbol, empty)])
        cut = len(bars) > CANDLE_CAP
        rows = [_bar(bar, 0) for bar in reversed(bars[-CANDLE_CAP:])]
        rows[0]["eventFlags"] = SNAPSHOT_BEGIN
        if cut:
            rows[-1]["eventFlags"] |= SNAPSHOT_SNIP
        elif rows[-1]["time"] == entry.from_ms:
            rows[-1]["eventFlags"] |= SNAPSHOT_END  # a mark would have this bar's identity
        else:
            rows.append(_marker(entry.from_ms, END_MARKER))
        entry.last = bars[-1]
        return self._data("Candle", [(symbol, row) for row in rows])

    def _candle_update(self, symbol: str, entry: Subscription) -> list[str]:
        """The bar under way, and those that closed since, oldest first."""
        assert entry.candle is not None
        since = entry.last[0] if entry.last else int((self._desk.now() - 5 * 86400) * 1000)
        bars = self._desk.candles(entry.candle, since)
        news = [bar for bar in bars if entry.last is None or bar != entry.last]
        if entry.last is None:
            news = news[-1:]
        if not news:
            return []
        entry.last = news[-1]
        return self._data("Candle", [(symbol, _bar(bar, 0)) for bar in news])


def _index(time_ms: int) -> int:
    """The identity of a time-series event (reference: seconds, milliseconds, sequence)."""
    seconds, millis = divmod(time_ms, 1000)
    return (seconds << 32) | (millis << 22)


def _bar(row: BarRow, flags: int) -> dict[str, Any]:
    time_ms, count, first, high, low, close, volume = row
    return {
        "eventFlags": flags,
        "index": _index(time_ms),
        "time": time_ms,
        "count": count,
        "open": first,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
    }


def _marker(time_ms: int, flags: int) -> dict[str, Any]:
    return {"eventFlags": flags, "index": _index(time_ms), "time": time_ms, "count": 0}
