"""The watchlist touches only the difference; what is known goes ahead; futures follow the roll."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from grok_sauce.errors import SourceError
from grok_sauce.feeds.subscriptions import BACKFILL, Subscription
from grok_sauce.following.watchlist import OWNER, TICKERS, Watchlist, history_start, weeks_start
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.products import Kind
from grok_sauce.market.sessions import NEW_YORK
from grok_sauce.runtime.clock import ManualClock

DAY = 86400.0


@dataclass
class Outside:
    """The broker's records, the feed's wishes and the state's batches, all recorded."""

    fails: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    wants: list[list[Subscription]] = field(default_factory=list)  # of the table
    owners: dict[str, tuple[list[Subscription], int]] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    front: str = "/ESZ26:XCME"
    requests: int = 0
    meanwhile: Callable[[], object] = lambda: None

    def resolve(self, symbols: Sequence[str]) -> dict[str, Instrument]:
        self.asked += symbols
        self.requests += 1
        if self.fails.intersection(symbols):
            raise SourceError("records are down")
        self.meanwhile()
        return {symbol: self.record(symbol) for symbol in symbols}

    def record(self, symbol: str) -> Instrument:
        if symbol == "DXY":
            return Instrument("DXY", "DXY", "index", problem="not_offered", hint="UUP")
        if symbol.startswith("/"):
            return Instrument(symbol, self.front, "future", contract=self.front[:5])
        if symbol == "ZZZZ":
            return Instrument(symbol, symbol, "unknown", problem="unknown_symbol")
        return Instrument(symbol, symbol, "etf", f"{symbol} fund")

    def want(self, owner: str, entries: Iterable[Subscription], priority: int) -> None:
        self.owners[owner] = (list(entries), priority)
        if owner == OWNER:
            self.wants.append(self.owners[owner][0])

    def streamers(self) -> set[str]:
        return {entry.symbol.partition("{")[0] for entry in self.wants[-1]}


@pytest.fixture
def outside() -> Outside:
    return Outside()


def one_pass(watchlist: Watchlist) -> None:
    """Run until everything is resolved once."""
    stop = threading.Event()
    thread = threading.Thread(target=lambda: watchlist.run(stop), daemon=True)
    thread.start()
    stop.set()
    watchlist._wake.set()
    thread.join(5)
    watchlist._resolve_missing(threading.Event())
    watchlist._announce()


def test_a_plain_symbol_is_subscribed_before_its_record_was_read(
    outside: Outside, clock: ManualClock
) -> None:
    watchlist = Watchlist(outside.resolve, outside.want, outside.batches.append, clock)

    watchlist.set_symbols(["SPY"])

    assert outside.asked == []
    assert outside.streamers() == {"SPY"}
    kinds = [entry.kind for entry in outside.wants[-1]]
    assert kinds == [*TICKERS, "Candle"]


def test_regular_minutes_of_shares_reach_back_two_weeks_before_this_one(
    outside: Outside, clock: ManualClock
) -> None:
    watchlist = Watchlist(outside.resolve, outside.want, outside.batches.append, clock)

    watchlist.set_symbols(["SPY", "VIX", "DXY", "/ES"])

    # Today is Wednesday, 16 December 2026.
    monday = datetime(2026, 11, 30, 9, 30, tzinfo=NEW_YORK).timestamp() * 1000
    assert outside.owners["weeks"] == (
        [Subscription("Candle", "SPY{=m,tho=true}", round(monday))],
        BACKFILL,
    )


def test_a_symbol_that_is_not_offered_is_told_but_not_subscribed(
    outside: Outside, clock: ManualClock
) -> None:
    watchlist = Watchlist(outside.resolve, outside.want, outside.batches.append, clock)

    watchlist.set_symbols(["DXY", "SPY"])
    one_pass(watchlist)

    told = {s: i for b in outside.batches for s, i in zip(b.symbols, b.columns[0], strict=True)}
    assert told["DXY"].problem == "not_offered"
    assert "DXY" not in outside.streamers()


def test_taking_a_symbol_away_leaves_the_others_entries_as_they_were(
    outside: Outside, clock: ManualClock
) -> None:
    watchlist = Watchlist(outside.resolve, outside.want, outside.batches.append, clock)
    watchlist.set_symbols(["SPY", "QQQ"])
    one_pass(watchlist)
    before = [entry for entry in outside.wants[-1] if entry.symbol.startswith("SPY")]
    outside.batches.clear()

    watchlist.set_symbols(["SPY"])

    assert outside.wants[-1] == before
    assert [(b.symbols, b.columns[0]) for b in outside.batches] == [(["QQQ"], [None])]


def test_records_that_are_down_stop_no_known_symbol_and_are_asked_again(
    outside: Outside, clock: ManualClock
) -> None:
    outside.fails = {"/ES"}
    watchlist = Watchlist(outside.resolve, outside.want, outside.batches.append, clock)
    watchlist.set_symbols(["/ES", "SPY", "QQQ"])

    with pytest.raises(SourceError, match="records are down"):
        watchlist.run(threading.Event())
    before = outside.streamers()
    outside.fails = set()
    one_pass(watchlist)

    assert before == {"SPY", "QQQ"}
    assert outside.streamers() == {"/ESZ26:XCME", "SPY", "QQQ"}
    assert outside.asked.count("/ES") >= 2
    assert outside.asked.count("QQQ") == 1


def test_a_symbol_nobody_knows_takes_no_place_among_the_candles(
    outside: Outside, clock: ManualClock
) -> None:
    watchlist = Watchlist(outside.resolve, outside.want, outside.batches.append, clock)
    watchlist.set_symbols(["ZZZZ"])

    one_pass(watchlist)

    assert [entry.kind for entry in outside.wants[-1]] == [*TICKERS]


def test_two_hundred_shares_are_one_request(outside: Outside, clock: ManualClock) -> None:
    watchlist = Watchlist(outside.resolve, outside.want, outside.batches.append, clock)
    watchlist.set_symbols([f"A{number}" for number in range(200)])

    one_pass(watchlist)

    assert outside.requests == 1


def test_a_list_that_changes_while_it_is_read_is_not_read_to_its_end(
    outside: Outside, clock: ManualClock
) -> None:
    watchlist = Watchlist(outside.resolve, outside.want, outside.batches.append, clock)
    watchlist.set_symbols(["SPY", "/ES", "/NQ", "/VX"])
    outside.meanwhile = lambda: watchlist.set_symbols(["SPY", "/CL"])

    one_pass(watchlist)

    assert outside.asked == ["SPY", "/CL"]


def test_futures_are_resolved_again_on_a_new_new_york_day(
    outside: Outside, clock: ManualClock
) -> None:
    watchlist = Watchlist(outside.resolve, outside.want, outside.batches.append, clock)
    watchlist.set_symbols(["/ES", "SPY"])
    watchlist._roll_day()
    one_pass(watchlist)
    outside.front = "/ESH27:XCME"

    clock.advance(DAY)
    watchlist._roll_day()
    one_pass(watchlist)

    assert outside.streamers() == {"/ESH27:XCME", "SPY"}
    assert outside.asked.count("SPY") == 1


@pytest.mark.parametrize(
    ("now", "kind", "start"),
    [
        ("2026-11-20T12:00", "etf", "2026-11-13T04:00"),
        ("2026-11-21T12:00", "etf", "2026-11-13T04:00"),  # Saturday shows Friday
        ("2026-11-26T12:00", "etf", "2026-11-18T04:00"),  # Thanksgiving shows Wednesday
        ("2026-11-02T12:00", "etf", "2026-10-26T04:00"),  # the clocks went back the day before
        ("2026-11-20T12:00", "future", "2026-11-12T18:00"),
        ("2026-11-22T18:30", "future", "2026-11-12T18:00"),
    ],
)
def test_five_sessions_before_the_day_shown_are_asked_whole(
    now: str, kind: Kind, start: str
) -> None:
    def instant(text: str) -> float:
        return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()

    assert history_start(instant(now), kind) == instant(start) * 1000


@pytest.mark.parametrize(
    ("now", "start"),
    [
        ("2026-11-16T12:00", "2026-11-02T09:30"),
        ("2026-11-22T18:30", "2026-11-02T09:30"),  # Sunday shows Friday
        ("2026-01-30T12:00", "2026-01-12T09:30"),
        ("2026-02-04T12:00", "2026-01-20T09:30"),  # that Monday was a holiday
    ],
)
def test_weeks_begin_with_their_first_session(now: str, start: str) -> None:
    def instant(text: str) -> float:
        return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()

    assert weeks_start(instant(now)) == instant(start) * 1000


def test_candles_are_asked_from_the_pre_market_of_five_sessions_back(clock: ManualClock) -> None:
    # Wednesday 16 December 2026: five sessions back is Wednesday 9 December, 04:00 New York.
    assert history_start(clock.market()) == 1_796_806_800_000
