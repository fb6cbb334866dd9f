"""Candle events into whole snapshots and clean bars; dxlink.md section 6."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Any, Final

from grok_sauce.errors import BadPayload
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import CandleSymbol
from grok_sauce.values import dataclass

TX_PENDING: Final = 0x01
REMOVE_EVENT: Final = 0x02
SNAPSHOT_BEGIN: Final = 0x04
SNAPSHOT_END: Final = 0x08
SNAPSHOT_SNIP: Final = 0x10

# Some servers send no marks: history that pauses for so long is complete (seconds).
QUIET: Final = 3.0
# A bar starts neither before electronic records nor more than two days ahead; markers of
# the year 2038 have been seen.
EARLIEST_MS: Final = 315_532_800_000  # 1980-01-01
AHEAD_MS: Final = 2 * 86_400_000
MOST_ROWS: Final = 100_000  # held back for one symbol; a server that never ends stops here

Row = tuple[Any, ...]  # the columns of FIELDS["Candle"]
_FLAGS, _INDEX, _TIME, _COUNT, _OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = range(9)


@dataclass(frozen=True, slots=True)
class SnapshotDone:
    """A candle snapshot is complete. bars may be 0: the server has nothing.

    first, last: start of the oldest and newest bar (Unix ms), None without bars.
    snipped: older history exists but will not come. guessed: no end mark came.
    """

    symbol: str
    bars: int
    first: int | None
    last: int | None
    snipped: bool
    guessed: bool


@dataclass(slots=True)
class _Stream:
    """One candle symbol. waiting: since the subscription, or since BEGIN, until the end mark."""

    since: int = 0  # asked from, Unix ms
    asked: float = 0.0  # monotonic time of the subscription
    waiting: bool = True
    rows: list[Row] = field(default_factory=list)
    times: set[int] = field(default_factory=set)
    heard: float | None = None  # monotonic time of the last event with a new time


@dataclass(slots=True)
class _Known:
    """What was delivered of one symbol, Unix ms: asked from, newest bar, the one before it."""

    since: int
    newest: int
    complete: int

    def add(self, time: int) -> None:
        if time > self.newest:
            self.complete, self.newest = self.newest, time


class CandleHistory:
    """What is known of each candle symbol across connections: where to ask from next time."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def start(self, symbol: str, wanted: int) -> int:
        """Where to ask from: the last complete bar when all before it is known, else wanted."""
        known = self._known.get(symbol)
        if known is None or known.since > wanted:
            return wanted
        return max(wanted, known.complete)

    def snapshot(self, symbol: str, since: int, bars: Sequence[int]) -> None:
        """A whole snapshot, asked for from `since`, was handed over: starts, ascending."""
        for time in bars:
            known = self._known.setdefault(symbol, _Known(since, time, time))
            known.since = min(known.since, since)
            known.add(time)

    def live(self, symbol: str, time: int) -> None:
        """A live bar was handed over; it counts only after a snapshot."""
        known = self._known.get(symbol)
        if known is not None:
            known.add(time)

    def forget(self, symbol: str) -> None:
        """The symbol is no longer followed, so later bars will be missing."""
        self._known.pop(symbol, None)


class CandleSnapshots:
    """Holds snapshots back until they are whole; passes live bars on at once.

    Only bars that can be true come out: prices above 0 and finite, none outside low to
    high, a sane time; counts and volumes are numbers or None. `rejected` counts the others (end
    marks are none of them). A bar that is taken back later comes out with REMOVE_EVENT, its
    index and time, and no values.
    """

    def __init__(self, history: CandleHistory | None = None) -> None:
        self._history = history or CandleHistory()
        self._streams: dict[str, _Stream] = {}
        self._names: dict[str, str] = {}  # as the server writes it -> canonical
        self.rejected = 0
        self.strangers = 0

    def in_progress(self, now: float) -> int:
        """Snapshots that are on their way: not whole, and heard of or asked for just now."""
        return sum(
            stream.waiting
            and now - (stream.asked if stream.heard is None else stream.heard) < QUIET
            for stream in self._streams.values()
        )

    def expect(self, symbol: str, since: int, now: float = 0.0) -> int:
        """A canonical symbol is asked for (again): what comes next is its snapshot.

        since is where history is wanted from; the answer where to ask from (both Unix ms):
        later, when all before it was delivered already. now is monotonic.
        """
        self._streams[symbol] = _Stream(since, now)
        return self._history.start(symbol, since)

    def forget(self, symbol: str) -> None:
        """The symbol was removed; late events of it are dropped."""
        self._streams.pop(symbol, None)
        self._history.forget(symbol)

    def clear(self) -> None:
        """Forget all: the channel is gone."""
        self._streams.clear()

    def take(self, batch: Batch, now: float) -> tuple[list[Batch], list[SnapshotDone]]:
        """Work in one decoded batch; now is monotonic. Returns what is ready."""
        live: list[tuple[str, Row]] = []
        done: list[SnapshotDone] = []
        ready: list[Batch] = []

        def flush() -> None:
            if live:
                ready.append(_batch(live, batch.at, snapshot=False))
                live.clear()

        for name, row in zip(batch.symbols, zip(*batch.columns, strict=True), strict=True):
            symbol = self._canonical(name)
            stream = self._streams.get(symbol)
            if stream is None:
                self.strangers += 1
                continue
            flags = row[_FLAGS] if type(row[_FLAGS]) is int else 0
            if flags & SNAPSHOT_BEGIN:
                stream.waiting = True
                stream.rows.clear()
                stream.times.clear()
            self._keep(stream, row, flags, batch.at, now)
            # END first: the end mark is often a row to be removed.
            if stream.waiting and flags & (SNAPSHOT_END | SNAPSHOT_SNIP):
                stream.waiting = False
                flush()
                self._finish(symbol, stream, flags, batch.at, ready, done)
            elif not stream.waiting and not flags & TX_PENDING:
                for kept in stream.rows:
                    live.append((symbol, kept))
                    if not kept[_FLAGS]:
                        self._history.live(symbol, kept[_TIME])
                stream.rows.clear()
        flush()
        return ready, done

    def tick(self, at: float, now: float) -> tuple[list[Batch], list[SnapshotDone]]:
        """Close snapshots whose history paused; at is market time, now monotonic."""
        ready: list[Batch] = []
        done: list[SnapshotDone] = []
        for symbol, stream in self._streams.items():
            if stream.waiting and stream.heard is not None and now - stream.heard >= QUIET:
                stream.waiting = False
                self._finish(symbol, stream, None, at, ready, done)
        return ready, done

    def _canonical(self, name: str) -> str:
        known = self._names.get(name)
        if known is None:
            try:
                known = str(CandleSymbol.parse(name))
            except BadPayload:
                known = name  # nobody asked for it, so it will be a stranger
            if len(self._names) > 10_000:  # a server that makes names up
                self._names.clear()
            self._names[name] = known
        return known

    def _keep(self, stream: _Stream, row: Row, flags: int, at: float, now: float) -> None:
        time = row[_TIME]
        if type(time) in (int, float) and stream.waiting and time not in stream.times:
            stream.times.add(time)
            stream.heard = now
        if flags & REMOVE_EVENT:
            if flags & (SNAPSHOT_END | SNAPSHOT_SNIP):
                return  # the end mark stands at the time asked from, where a bar may be too
            if stream.waiting and row[_INDEX] is not None:
                stream.rows = [kept for kept in stream.rows if kept[_INDEX] != row[_INDEX]]
            elif not stream.waiting and type(time) is int and _is_sane(time, at):
                stream.rows.append((REMOVE_EVENT, row[_INDEX], time, *[None] * 6))
            return
        bar = clean(row, at)
        if bar is not None and len(stream.rows) < MOST_ROWS:
            stream.rows.append(bar)
        elif not flags & (SNAPSHOT_END | SNAPSHOT_SNIP):
            self.rejected += 1

    def _finish(
        self,
        symbol: str,
        stream: _Stream,
        flags: int | None,
        at: float,
        ready: list[Batch],
        done: list[SnapshotDone],
    ) -> None:
        """Hand over a snapshot: oldest first, of each time the newest word."""
        bars = sorted({row[_TIME]: row for row in stream.rows}.items())
        stream.rows.clear()
        stream.times.clear()
        if bars:
            self._history.snapshot(symbol, stream.since, [time for time, _ in bars])
            ready.append(_batch([(symbol, row) for _, row in bars], at, snapshot=True))
        done.append(
            SnapshotDone(
                symbol,
                len(bars),
                bars[0][0] if bars else None,
                bars[-1][0] if bars else None,
                bool(flags and flags & SNAPSHOT_SNIP),
                flags is None,
            )
        )


def clean(row: Sequence[Any], at: float) -> Row | None:
    """A row of FIELDS["Candle"] fit to be kept; None when it is no bar. at: market time.

    Prices become floats, count and volume floats or None, the flags 0 (they are spent),
    an index that is no whole number None.

    >>> clean((4, 7, 1797449520000, 3, 5.0, 6, 5, 5.5, "NaN"), at=1797449527.0)
    (0, 7, 1797449520000, 3.0, 5.0, 6.0, 5.0, 5.5, None)
    >>> clean((10, 7, 1797449520000, 0, "NaN", "NaN", "NaN", "NaN", 0), at=1797449527.0) is None
    True
    """
    time = row[_TIME]
    if type(time) is float and time.is_integer():
        time = int(time)
    if type(time) is not int or not _is_sane(time, at):
        return None
    prices = [_positive(value) for value in row[_OPEN : _CLOSE + 1]]
    first, high, low, last = prices
    if first is None or high is None or low is None or last is None:
        return None
    if not low <= min(first, last) <= max(first, last) <= high:
        return None
    index = row[_INDEX] if type(row[_INDEX]) is int else None
    return (
        0,
        index,
        time,
        _amount(row[_COUNT]),
        first,
        high,
        low,
        last,
        _amount(row[_VOLUME]),
    )


def _is_sane(time: int, at: float) -> bool:
    return EARLIEST_MS <= time <= at * 1000 + AHEAD_MS


def _positive(value: Any) -> float | None:
    if type(value) in (float, int) and 0 < value < float("inf"):
        return float(value)
    return None


def _amount(value: Any) -> float | None:
    if type(value) in (float, int) and 0 <= value < float("inf"):
        return float(value)
    return None


def _batch(rows: Iterable[tuple[str, Row]], at: float, snapshot: bool) -> Batch:
    symbols, bars = zip(*rows, strict=True)
    return Batch("Candle", symbols, tuple(zip(*bars, strict=True)), at, snapshot)
