"""engine: one writer, ten beats a second, and only what changed is told."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics.gex_live import ANALYTIC as GEX
from grok_sauce.analytics.gex_live import MAX_PAIN
from grok_sauce.analytics.indicator import ANALYTIC as INDICATOR
from grok_sauce.analytics.orb_live import ANALYTIC as ORB
from grok_sauce.analytics.profile_live import ANALYTIC as PROFILE
from grok_sauce.analytics.view import Analytic, View
from grok_sauce.engine import Engine
from grok_sauce.engine.inbox import Inbox
from grok_sauce.errors import SourceError
from grok_sauce.market import sessions
from grok_sauce.market.batches import FIELDS, Batch
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.state import MarketState
from grok_sauce.runtime.clock import ManualClock, RealClock
from grok_sauce.update import Update
from tests.minute_market import Minutes, flat

MINUTE = 60_000
# The rules of the beat are tested with what makes the table; other parts have their own tests.
ANALYTICS = (MAX_PAIN, GEX, INDICATOR)
GROUPS = {"positive": ("SPY",), "neutral": (), "negative": ("QQQ",)}


def quotes(symbol: str, bid: float, ask: float, at: float) -> Batch:
    return Batch("Quote", [symbol], ([bid], [ask]), at)


def trades(at: float, *prints: tuple[str, float, float], kind: str = "Trade") -> Batch:
    """(symbol, price, day volume) in one batch, of today's date."""
    day = sessions.day_id(sessions.new_york_date(at))
    symbols, prices, volumes = (list(column) for column in zip(*prints, strict=True))
    size = len(symbols)
    columns = (prices, volumes, [int(at * 1000)] * size, [day] * size)
    return Batch(kind, symbols, columns, at)


def minute_bars(symbol: str, *bars: tuple[int, float], snapshot: bool = False) -> Batch:
    """(start ms, close) in one batch."""
    rows = [(0, t << 22, t, 1, p, p, p, p, 10.0) for t, p in bars]
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    return Batch("Candle", [f"{symbol}{{=m}}"] * len(rows), columns, 0.0, snapshot)


class Bench:
    """An engine, its clock and everything it said: one list of updates per call."""

    def __init__(
        self,
        clock: ManualClock,
        analytics: Sequence[Analytic] = ANALYTICS,
        groups: Mapping[str, tuple[str, ...]] = GROUPS,
    ) -> None:
        self.clock = clock
        self.calls: list[list[Update]] = []
        self.state = MarketState()
        self.engine = Engine(
            self.state,
            analytics,
            self.publish,
            clock,
            groups=groups,
            price_links=frozenset({"dxLink"}),
        )

    def publish(self, updates: Sequence[Update]) -> None:
        self.calls.append(list(updates))

    @property
    def now(self) -> float:
        return self.clock.market()

    def beat(self, seconds: float = 0.1) -> list[Update]:
        """Let time pass, beat once, and return what was told."""
        self.clock.advance(seconds)
        self.calls.clear()
        self.engine.step()
        assert len(self.calls) <= 1
        return self.calls[0] if self.calls else []

    def told(self, seconds: float = 0.1, topic: str = "indicator.rows") -> dict[str, Any]:
        return {u.key: u.payload for u in self.beat(seconds) if u.topic == topic}


@pytest.fixture
def bench(clock: ManualClock) -> Bench:
    """An engine with SPY and QQQ that has told its first rows."""
    made = Bench(clock)
    made.beat()
    return made


# ---- the beat ---------------------------------------------------------------------------


def test_the_first_beat_tells_every_row(clock: ManualClock) -> None:
    rows = Bench(clock).told()

    assert sorted(rows) == ["QQQ", "SPY"]
    assert rows["SPY"]["status"] == "waiting"


def test_hundred_ticks_in_one_beat_reach_the_page_once(bench: Bench) -> None:
    for cents in range(100):
        bench.engine.put(quotes("SPY", 597.0 + cents / 100, 598.0, bench.now))

    updates = bench.beat()

    assert [(u.topic, u.key, u.payload["bid"]) for u in updates] == [
        ("indicator.rows", "SPY", 597.99)
    ]


def test_the_second_event_of_one_array_is_not_lost(bench: Bench) -> None:
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6), ("QQQ", 510.0, 2e6)))

    rows = bench.told()

    assert {symbol: row["price"] for symbol, row in rows.items()} == {"SPY": 600.0, "QQQ": 510.0}


def test_a_beat_without_news_tells_nothing(bench: Bench) -> None:
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6)))
    bench.beat()

    assert [bench.beat() for _ in range(25)] == [[]] * 25


def test_what_is_told_can_be_read_from_the_state_by_whoever_is_told(clock: ManualClock) -> None:
    state = MarketState()
    seen: list[tuple[float | None, float | None]] = []

    def read(updates: Sequence[Update]) -> None:
        trade = state.trade("SPY")
        seen.extend((trade and trade.price, u.payload["price"]) for u in updates if u.key == "SPY")

    engine = Engine(state, ANALYTICS, read, clock, groups=GROUPS)
    engine.put(trades(clock.market(), ("SPY", 600.0, 1e6)))
    engine.step()

    assert seen == [(600.0, 600.0)]


def test_rows_told_before_are_never_changed_afterwards(bench: Bench) -> None:
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6)))
    first = bench.told()["SPY"]
    kept = json.dumps(first)

    bench.engine.put(trades(bench.now, ("SPY", 601.0, 2e6)))
    bench.beat()

    assert json.dumps(first) == kept


def test_symbols_nobody_shows_cost_no_row(bench: Bench) -> None:
    bench.engine.put(trades(bench.now, *((f".SPY261218C{n}", 1.0, 1.0) for n in range(500))))

    assert bench.beat() == []
    assert bench.state.trade(".SPY261218C7") is not None


# ---- time alone -------------------------------------------------------------------------


def test_a_silent_row_is_told_when_it_ages_and_when_it_is_stale(bench: Bench) -> None:
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6)))
    told = [bench.told(1.0) for _ in range(310)]

    flips = [(n, rows["SPY"]["status"]) for n, rows in enumerate(told) if "SPY" in rows]
    assert flips == [(0, "live"), (59, "aging"), (299, "stale")]
    assert not any("QQQ" in rows for rows in told)


def test_a_link_that_goes_down_greys_all_rows_in_the_next_beat(bench: Bench) -> None:
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6), ("QQQ", 510.0, 1e6)))
    bench.engine.put(Batch("Link", ["dxLink"], ([True],), bench.now))
    bench.beat()

    bench.engine.put(Batch("Link", ["dxLink"], ([False],), bench.now))
    down = bench.told()
    bench.engine.put(Batch("Link", ["dxLink"], ([True],), bench.now))
    bench.engine.put(trades(bench.now, ("SPY", 600.5, 1e6)))
    up = bench.told()

    assert {(row["status"], row["stale"]) for row in down.values()} == {("link_down", True)}
    assert {symbol: row["status"] for symbol, row in up.items()} == {"SPY": "live", "QQQ": "live"}


def test_a_source_of_other_things_that_is_up_keeps_no_row_from_going_grey(bench: Bench) -> None:
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6), ("QQQ", 510.0, 1e6)))
    bench.engine.put(Batch("Link", ["dxLink", "TradingView"], ([True, True],), bench.now))
    bench.beat()

    bench.engine.put(Batch("Link", ["dxLink"], ([False],), bench.now))
    down = bench.told()
    bench.engine.put(Batch("Link", ["TradingView"], ([False],), bench.now))
    bench.engine.put(Batch("Link", ["dxLink"], ([True],), bench.now))
    up = bench.told()

    assert {row["status"] for row in down.values()} == {"link_down"}
    assert {row["status"] for row in up.values()} == {"live"}


def test_at_midnight_yesterdays_numbers_go_though_nothing_came(bench: Bench) -> None:
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6)))
    assert bench.told()["SPY"]["volume"] == 1e6

    midnight = datetime(2026, 12, 17, tzinfo=sessions.NEW_YORK).timestamp()
    bench.clock.set_market(midnight - 1)
    before = bench.told(0.9)
    after = bench.told(1.1)

    assert before["SPY"]["volume"] == 1e6
    assert (after["SPY"]["volume"], after["SPY"]["price"]) == (None, 600.0)


def test_the_pre_market_shows_its_own_volume(clock: ManualClock) -> None:
    clock.set_market(datetime(2026, 12, 16, 7, 0, tzinfo=sessions.NEW_YORK).timestamp())
    bench = Bench(clock)
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1234.0), kind="TradeETH"))

    row = bench.told()["SPY"]

    assert (row["price_basis"], row["volume"], row["status"]) == ("extended", 1234.0, "live")


# ---- the user's symbols -----------------------------------------------------------------


def test_changing_symbols_tells_what_came_and_went_and_leaves_the_rest_alone(bench: Bench) -> None:
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6), ("GLD", 245.0, 1e6)))
    bench.beat()

    bench.engine.set_symbols({"positive": ("SPY",), "neutral": ("GLD",), "negative": ()})
    told = bench.told()

    assert told["QQQ"] is None
    assert told["GLD"]["price"] == 245.0
    assert "SPY" not in told


def test_an_event_of_a_symbol_that_was_just_removed_does_no_harm(bench: Bench) -> None:
    bench.engine.set_symbols({"positive": ("SPY",)})
    bench.engine.put(trades(bench.now, ("QQQ", 510.0, 1e6)))

    assert bench.told() == {"QQQ": None}
    assert bench.engine.problems == {}


def test_a_symbol_moved_to_another_group_is_told_in_its_new_colour(bench: Bench) -> None:
    bench.engine.set_symbols({"positive": ("SPY", "QQQ")})

    told = bench.told()

    assert {symbol: row["text_color"] for symbol, row in told.items()} == {"QQQ": "orange"}


def test_a_future_is_shown_once_its_contract_is_known(clock: ManualClock) -> None:
    bench = Bench(clock, groups={"positive": ("/ES",)})
    bench.beat()
    contract = Instrument("/ES", "/ESZ26:XCME", "future", "E-mini S&P 500", 0.25)

    bench.engine.put(Batch("Instrument", ["/ES"], ([contract],), bench.now))
    bench.engine.put(trades(bench.now, ("/ESZ26:XCME", 6043.5, 1e6)))
    first = bench.told()
    bench.engine.put(trades(bench.now, ("/ESZ26:XCME", 6043.75, 1e6)))
    second = bench.told()

    assert (first["/ES"]["price"], second["/ES"]["price"]) == (6043.5, 6043.75)
    assert second["/ES"]["direction"] == 1


def test_the_source_label_changes_every_row(bench: Bench) -> None:
    bench.engine.set_source("DELAYED")
    assert {row["source"] for row in bench.told().values()} == {"DELAYED"}

    bench.engine.set_source("DELAYED")
    assert bench.told() == {}


# ---- analytics --------------------------------------------------------------------------


def analytic(
    topic: str, compute: Callable[[Any], Mapping[str, Any]], needs: str = "Trade", **more: Any
) -> Analytic:
    return Analytic(topic, frozenset({needs}), more.pop("every", 0.0), compute, **more)


def test_analytics_run_in_listed_order_and_one_that_raises_stops_no_other(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    order: list[str] = []

    def fails(view: View) -> dict[str, Any]:
        order.append("first")
        raise ZeroDivisionError("by hand")

    def works(view: View) -> dict[str, Any]:
        order.append("second")
        return {"SPY": len(order)}

    bench = Bench(clock, [analytic("gex.levels", fails), analytic("orb.breakout", works)])

    with caplog.at_level(logging.ERROR):
        told = [bench.beat()]
        for _ in range(5):
            bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6)))
            told.append(bench.beat())

    assert order == ["first", "second"] * 6
    assert all([u.topic for u in updates] == ["orb.breakout"] for updates in told)
    assert bench.engine.problems == {"gex.levels": "ZeroDivisionError: by hand"}
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info


def test_an_analytic_that_works_again_is_no_problem_any_more_and_misses_nothing(
    clock: ManualClock,
) -> None:
    views: list[View] = []

    def compute(view: View) -> dict[str, Any]:
        views.append(view)
        if len(views) == 2:
            raise ValueError("once")
        return {symbol: len(views) for symbol in view.symbols}

    bench = Bench(clock, [analytic("orb.breakout", compute)])
    bench.beat()
    for symbol in ("SPY", "QQQ"):
        bench.engine.put(trades(bench.now, (symbol, 600.0, 1e6)))
        bench.beat()

    assert bench.engine.problems == {}
    assert [(view.all, view.symbols) for view in views] == [
        (True, ("SPY", "QQQ")),
        (False, ("SPY",)),
        (True, ("SPY", "QQQ")),
    ]


def test_an_analytic_runs_only_after_what_it_needs_and_not_too_often(clock: ManualClock) -> None:
    runs: list[float] = []

    def compute(view: View) -> dict[str, Any]:
        runs.append(view.now)
        return {}

    bench = Bench(clock, [analytic("gex.levels", compute, needs="Greeks", every=1.0)])
    start = bench.now + 0.1
    bench.beat()
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6)))
    bench.beat(5.0)
    assert len(runs) == 1

    for _ in range(20):
        bench.engine.put(Batch("Greeks", ["X"], tuple([0.1] for _ in FIELDS["Greeks"]), bench.now))
        bench.beat(0.25)

    assert [round(run - start, 2) for run in runs[1:]] == [5.25, 6.25, 7.25, 8.25, 9.25]


def test_a_payload_of_none_and_one_that_is_missing_both_take_the_key_away(
    clock: ManualClock,
) -> None:
    answers: list[dict[str, Any]] = [{"a": 1, "b": 2}, {"a": None}, {"a": None}]
    bench = Bench(clock, [analytic("orb.breakout", lambda view: answers.pop(0), sweep=0.0)])

    told = [bench.beat() for _ in range(3)]

    assert [sorted((u.key, u.payload is None) for u in updates) for updates in told] == [
        [("a", False), ("b", False)],
        [("a", True), ("b", True)],
        [],
    ]


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = RealClock().monotonic() + seconds
    pause = threading.Event()
    while not condition() and RealClock().monotonic() < deadline:
        pause.wait(0.005)
    return condition()


def test_a_heavy_analytic_gets_a_frozen_copy_on_another_thread_and_the_beat_goes_on(
    clock: ManualClock,
) -> None:
    gate, threads, inputs = threading.Event(), [], []

    def compute(prices: tuple[float, ...]) -> dict[str, Any]:
        threads.append(threading.get_ident())
        inputs.append(prices)
        gate.wait(10)
        return {"SPY": sum(prices)}

    def freeze(view: View) -> tuple[float, ...]:
        trade = view.state.trade("SPY")
        return () if trade is None or trade.price is None else (trade.price,)

    heavy = analytic("gex.levels", compute, heavy=True, freeze=freeze)
    bench = Bench(clock, [heavy, *ANALYTICS])
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6)))
    bench.beat()
    bench.engine.put(trades(bench.now, ("SPY", 601.0, 1e6)))
    meanwhile = bench.beat()
    gate.set()

    found: list[Update] = []

    def answered() -> bool:
        found.extend(u for u in bench.beat() if u.topic == "gex.levels")
        return len(found) == 2

    assert wait_for(answered)
    assert [u.topic for u in meanwhile] == ["indicator.rows"]
    assert threading.get_ident() not in threads
    assert inputs == [(600.0,), (601.0,)]
    assert [u.payload for u in found] == [600.0, 601.0]


def test_a_heavy_analytic_with_nothing_due_leaves_what_was_told(clock: ManualClock) -> None:
    due = [(597.0,), None, None]
    heavy = analytic(
        "gex.levels", lambda frozen: {"SPY": frozen[0]}, heavy=True, freeze=lambda _: due.pop(0)
    )
    bench = Bench(clock, [heavy])
    found: list[Update] = []

    def is_told() -> bool:
        found.extend(bench.beat())
        return bool(found)

    assert wait_for(is_told)
    for price in (598.0, 599.0):
        bench.engine.put(trades(bench.now, ("SPY", price, 1e6)))
        found += bench.beat()

    assert due == []
    assert [u.payload for u in found] == [597.0]


def test_a_heavy_analytic_that_fails_is_marked(clock: ManualClock) -> None:
    def compute(nothing: tuple[()]) -> dict[str, Any]:
        raise ValueError("no chain")

    heavy = analytic("gex.levels", compute, heavy=True, freeze=lambda view: ())
    bench = Bench(clock, [heavy])
    bench.beat()

    def is_marked() -> bool:
        bench.beat()
        return bool(bench.engine.problems)

    assert wait_for(is_marked)
    assert bench.engine.problems == {"gex.levels": "ValueError: no chain"}


def test_a_heavy_analytic_without_a_way_to_freeze_is_refused() -> None:
    with pytest.raises(ValueError, match="freeze"):
        analytic("gex.levels", lambda view: {}, heavy=True)


def test_a_publisher_that_raises_does_not_stop_the_engine(clock: ManualClock) -> None:
    told: list[int] = []

    def publish(updates: Sequence[Update]) -> None:
        told.append(len(updates))
        if len(told) == 1:
            raise OSError("gone")

    engine = Engine(MarketState(), ANALYTICS, publish, clock, groups=GROUPS)
    engine.step()
    assert engine.problems == {"publish": "OSError: gone"}

    engine.put(trades(clock.market(), ("SPY", 600.0, 1e6)))
    engine.step()

    assert told == [2, 1]
    assert engine.problems == {}


# ---- closed minutes ---------------------------------------------------------------------


def closes(updates: Sequence[Update]) -> list[tuple[str, int, float]]:
    return [
        (u.key, u.payload["time"], u.payload["close"]) for u in updates if u.topic == "candle.close"
    ]


@pytest.fixture
def start(bench: Bench) -> int:
    """Start of the minute under way (ms); it has 53 s left, less the first beat."""
    return int(bench.now) // 60 * MINUTE


def test_a_minute_is_told_once_when_the_exchanges_clock_has_closed_it(
    bench: Bench, start: int
) -> None:
    bench.engine.put(minute_bars("SPY", (start, 600.0)))
    bench.engine.put(minute_bars("SPY", (start, 601.0)))
    told = [closes(bench.beat(1.0)) for _ in range(70)]

    assert [found for found in told if found] == [[("SPY", start, 601.0)]]
    assert told.index([("SPY", start, 601.0)]) == 53  # 14:33:01, a second after the minute's end


def test_the_payload_of_a_closed_minute_names_its_prices_and_volume(
    bench: Bench, start: int
) -> None:
    bench.engine.put(minute_bars("SPY", (start, 600.0), (start + MINUTE, 601.0)))

    (update,) = [u for u in bench.beat() if u.topic == "candle.close"]

    assert update.key == "SPY"
    assert update.payload == {
        "symbol": "SPY",
        "streamer": "SPY",
        "timeframe": "1m",
        "time": start,
        **dict.fromkeys(("open", "high", "low", "close"), 600.0),
        "volume": 10.0,
        "count": 1,
    }


def test_history_that_is_loaded_is_no_news(bench: Bench, start: int) -> None:
    old = [(start - MINUTE * n, 600.0) for n in range(400, 0, -1)]
    bench.engine.put(minute_bars("SPY", *old, snapshot=True))

    assert closes(bench.beat()) == []


def test_minutes_missed_while_the_link_was_down_are_told_in_order_when_they_come(
    bench: Bench, start: int
) -> None:
    bench.engine.put(minute_bars("SPY", (start, 600.0)))
    bench.beat(300)
    gap = [(start + MINUTE * n, 600.0 + n) for n in range(-3, 5)]

    bench.engine.put(minute_bars("SPY", *gap, snapshot=True))
    told = closes(bench.beat())

    assert [time for _, time, _ in told] == [start + MINUTE * n for n in range(1, 5)]


def test_a_correction_of_a_minute_already_told_is_not_a_second_close(
    bench: Bench, start: int
) -> None:
    bench.engine.put(minute_bars("SPY", (start, 600.0), (start + MINUTE, 601.0)))
    assert len(closes(bench.beat())) == 1

    bench.engine.put(minute_bars("SPY", (start, 605.0)))

    assert closes(bench.beat()) == []


@settings(max_examples=60, deadline=None)
@given(
    feed=st.lists(
        st.tuples(st.integers(0, 6), st.floats(0.0, 40.0), st.booleans()), min_size=1, max_size=40
    )
)
def test_each_minute_is_told_at_most_once_and_in_order(
    feed: list[tuple[int, float, bool]],
) -> None:
    clock = ManualClock(market=1797449520.0)
    bench = Bench(clock, ())
    bench.beat(0.0)
    start = 1797449520 * 1000
    told: list[int] = []

    for minute, seconds, is_snapshot in feed:
        bench.engine.put(minute_bars("SPY", (start + MINUTE * minute, 600.0), snapshot=is_snapshot))
        told += [time for _, time, _ in closes(bench.beat(seconds))]

    assert told == sorted(set(told))


# ---- inbox ------------------------------------------------------------------------------


def test_above_its_limit_the_inbox_keeps_the_newest_of_every_symbol() -> None:
    inbox, state = Inbox(limit=100), MarketState()
    once = Batch("Summary", ["SPY"], tuple([float(n + 1)] for n in range(8)), 1.0)
    inbox.put(once)

    for number in range(500):
        inbox.put(quotes(f"S{number % 7}", float(number), number + 1.0, float(number)))
    depth = inbox.depth
    for batch in inbox.drain():
        state.apply(batch)

    assert depth < 120
    assert state.summary("SPY") is not None
    bids = [quote.bid for n in range(7) if (quote := state.quote(f"S{n}"))]
    assert sorted(bids) == [float(number) for number in range(493, 500)]  # type: ignore[type-var]
    assert inbox.conflated > 0
    assert (inbox.dropped, inbox.depth) == (0, 0)


def test_candles_are_kept_whole_when_tickers_have_to_be_folded() -> None:
    inbox = Inbox(limit=10)
    for number in range(40):
        inbox.put(minute_bars("SPY", (MINUTE * number + 1797449520000, 600.0)))
        inbox.put(quotes("SPY", 1.0, 2.0, float(number)))

    kept = [batch for batch in inbox.drain() if batch.kind == "Candle"]

    assert [batch.columns[2][0] for batch in kept] == [
        MINUTE * number + 1797449520000 for number in range(40)
    ]
    assert inbox.dropped == 0


def test_what_is_dropped_at_last_is_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inbox = Inbox(limit=10)

    with caplog.at_level(logging.ERROR):
        for number in range(80):
            inbox.put(minute_bars("SPY", (MINUTE * number, 600.0)))

    assert (inbox.depth, inbox.dropped) == (50, 30)
    assert len(caplog.records) == 1


ticks = st.tuples(
    st.sampled_from(["Quote", "Trade"]),
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 99)), min_size=1, max_size=6),
)


@settings(max_examples=100, deadline=None)
@given(limit=st.integers(0, 12), feed=st.lists(ticks, max_size=25))
def test_folding_never_changes_the_state_that_comes_out(
    limit: int, feed: list[tuple[str, list[tuple[str, int]]]]
) -> None:
    plain, folded, inbox = MarketState(), MarketState(), Inbox(limit)

    for place, (kind, events) in enumerate(feed):
        symbols = [symbol for symbol, _ in events]
        columns = tuple([value + n for _, value in events] for n in range(len(FIELDS[kind])))
        batch = Batch(kind, symbols, columns, float(place))
        plain.apply(batch)
        inbox.put(batch)
    for batch in inbox.drain():
        folded.apply(batch)

    assert folded.last == plain.last


def test_a_batch_of_a_wrong_shape_stops_nothing(bench: Bench) -> None:
    bench.engine.put(Batch("Quote", ["SPY", "QQQ"], ([1.0], [2.0]), bench.now))
    bench.engine.put(Batch("Nonsense", ["SPY"], ([1.0],), bench.now))
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6)))

    assert bench.told()["SPY"]["price"] == 600.0


# ---- the worker -------------------------------------------------------------------------


class Running:
    """An engine on a thread of its own in real time."""

    def __init__(self, beat: float = 0.1) -> None:
        self.calls: list[tuple[float, list[Update]]] = []
        self.clock = RealClock()
        self.engine = Engine(
            MarketState(), ANALYTICS, self.publish, self.clock, groups=GROUPS, beat=beat
        )
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.engine.run, args=(self.stop,))

    def publish(self, updates: Sequence[Update]) -> None:
        self.calls.append((self.clock.monotonic(), list(updates)))

    def __enter__(self) -> Running:
        self.thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


def test_the_worker_beats_at_most_every_beat_and_stops_when_asked() -> None:
    with Running(beat=0.05) as running:
        began = running.clock.monotonic()
        for number in range(400):
            running.engine.put(quotes("SPY", 597.0 + number, 1000.0, running.clock.market()))
            running.stop.wait(0.001)
        took = running.clock.monotonic() - began
        assert wait_for(lambda: running.engine.metrics()["depth"] == 0)
        last = running.engine.call(lambda: running.engine.state.quote("SPY"))

    assert last is not None
    assert last.bid == 996.0
    assert 2 <= len(running.calls) <= took / 0.05 + 3


def test_a_call_runs_on_the_engines_thread_and_answers() -> None:
    with Running() as running:
        thread = running.engine.call(threading.get_ident)
        nested = running.engine.call(lambda: running.engine.call(lambda: 42))

        with pytest.raises(KeyError, match="missing"):
            running.engine.call(lambda: {}["missing"])
        assert thread == running.thread.ident
        assert nested == 42


def test_a_call_that_nobody_answers_ends_in_time(clock: ManualClock) -> None:
    engine = Engine(MarketState(), ANALYTICS, lambda updates: None, clock)

    with pytest.raises(SourceError, match="no answer within"):
        engine.call(lambda: 1, timeout=0.02)


def test_a_posted_call_that_raises_is_logged_and_the_next_one_runs(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[int] = []
    bench.engine.post(lambda: 1 / 0)
    bench.engine.post(lambda: done.append(1))

    with caplog.at_level(logging.ERROR):
        bench.beat()

    assert done == [1]
    assert "ZeroDivisionError" in caplog.text


def test_metrics_count_beats_and_events(bench: Bench) -> None:
    bench.engine.put(trades(bench.now, ("SPY", 600.0, 1e6), ("QQQ", 510.0, 2e6)))
    waiting = bench.engine.metrics()["depth"]
    bench.beat()

    metrics = bench.engine.metrics()

    assert waiting == 2
    assert (metrics["beats"], metrics["applied"], metrics["depth"]) == (2, 2, 0)
    assert metrics["p50"] is not None
    assert metrics["p99"] is not None


def test_before_the_first_beat_there_is_no_duration(clock: ManualClock) -> None:
    metrics = Bench(clock).engine.metrics()

    assert (metrics["beats"], metrics["p50"], metrics["p99"]) == (0, None, None)


def test_the_day_of_the_fixture_is_a_session(clock: ManualClock) -> None:
    assert sessions.session_date(clock.market()) == date(2026, 12, 16)


BOTH_MODES = """
import sys, threading
from pathlib import Path
from grok_sauce.runtime import concurrency
concurrency.patch(sys.argv[1])
from grok_sauce.analytics.indicator import ANALYTIC as INDICATOR
from grok_sauce.engine import Engine
from grok_sauce.market.batches import Batch
from grok_sauce.market.state import MarketState
from grok_sauce.publishers.history import History, play_back
from grok_sauce.runtime.clock import RealClock

clock, stop, path = RealClock(), threading.Event(), Path(sys.argv[2])
history = History(path, clock)
rows = []
engine = Engine(
    MarketState(), (INDICATOR,), lambda updates: (rows.extend(updates), history.publish(updates)),
    clock, groups={"positive": ("SPY",)},
)
threads = [concurrency.spawn(worker.run, stop) for worker in (engine, history)]
minute = int(clock.market()) // 60 * 60_000
times = [minute - 60_000 * n for n in range(3, 0, -1)]
columns = [[0] * 3, times, times, [1] * 3, *[[600.0] * 3] * 4, [5.0] * 3]
batch = Batch("Candle", ["SPY{=m}"] * 3, tuple(columns), clock.market(), True)
engine.put(batch)
history.put(batch)
engine.put(Batch("Quote", ["SPY"], ([599.0], [601.0]), clock.market()))
price = engine.call(lambda: engine.state.price("SPY", clock.market()).value)
ticks = 0
for _ in range(30):
    concurrency.sleep(0.05)  # the loop goes on beside the disk
    ticks += 1
stop.set()
for thread in threads:
    thread.join(5)
bars = sum(len(batch.symbols) for batch in play_back(path, clock.market() + 5))
ends = [thread.is_alive() for thread in threads]
print(price, ticks, bars, ends, {update.topic for update in rows}, engine.problems)
"""


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_engine_and_history_run_in_both_modes(mode: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", BOTH_MODES, mode, str(tmp_path / "history.db")],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).resolve().parents[1],
        check=False,
    )

    assert run.stdout.strip() == "600.0 30 3 [False, False] {'indicator.rows'} {}", run.stderr


def test_settings_that_are_not_given_stay_as_they_are(clock: ManualClock) -> None:
    seen: list[dict[str, Any]] = []

    def compute(view: View) -> dict[str, Any]:
        seen.append(dict(view.settings))
        return {}

    bench = Bench(clock, [analytic("orb.breakout", compute)])
    bench.engine.set_settings({"gex": 1, "orb": 2})
    bench.beat()
    bench.engine.set_settings({"orb": 3})
    bench.beat()

    assert seen[-1] == {"gex": 1, "orb": 3}


def test_profiles_and_ranges_are_told_through_the_beat(clock: ManualClock) -> None:
    market = Minutes()
    market.put([*flat("2026-12-15 09:30", 391), *flat("2026-12-16 09:30", 300)])
    bench = Bench(clock, [PROFILE, ORB], {"positive": ("SPY",)})
    bench.engine.state = market.state
    told: dict[str, Any] = {}

    def beat() -> bool:
        told.update({update.topic: update.payload for update in bench.beat()})
        return set(told) == {"profile.levels", "orb.breakout"} and (
            told["orb.breakout"]["ranges"][0]["width_atr"] is not None
        )

    assert wait_for(beat)

    assert told["profile.levels"]["spans"]["day"]["bars"] == 300
    assert told["orb.breakout"]["ranges"][0]["state"] == "inside"
    assert bench.engine.problems == {}
