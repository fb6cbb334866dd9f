"""MarketState: the latest of everything, the price by its rule, what changed, what is dropped."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market import state as state_module
from grok_sauce.market.batches import FIELDS, Batch
from grok_sauce.market.events import Quote
from grok_sauce.market.instruments import Instrument, Kind
from grok_sauce.market.listing import Listing
from grok_sauce.market.state import TICKERS, MarketState

OPEN = 1_797_449_527.0  # Wednesday 2026-12-16, 14:32:07 New York
PRE_MARKET = OPEN - 6.5 * 3600  # 08:02:07
NIGHT = OPEN + 9 * 3600  # 23:32:07


def events(kind: str, rows: dict[str, Sequence[Any]], at: float, snapshot: bool = False) -> Batch:
    """One event per symbol; a short row is filled with None."""
    width = len(FIELDS[kind])
    filled = [(*row, *[None] * (width - len(row))) for row in rows.values()]
    return Batch(kind, list(rows), tuple(zip(*filled, strict=True)), at, snapshot)


def trade(price: Any, at: float, kind: str = "Trade", symbol: str = "SPY", age: float = 0) -> Batch:
    """A print `age` seconds before it arrived."""
    return events(kind, {symbol: (price, 5e6, int((at - age) * 1000), 20803)}, at)


def quote(bid: Any, ask: Any, at: float, symbol: str = "SPY") -> Batch:
    return events("Quote", {symbol: (bid, ask)}, at)


def state_of(*batches: Batch, kind: Kind = "etf", symbol: str = "SPY") -> MarketState:
    state = MarketState()
    state.apply(Batch("Instrument", [symbol], ([Instrument(symbol, symbol, kind)],), 0.0))
    for batch in batches:
        state.apply(batch)
    return state


# ---- the latest of everything ----


def test_the_last_event_of_a_symbol_wins_inside_a_batch_too() -> None:
    state = MarketState()
    columns = ([1.0, 5.0, 2.0], [1.5, 5.5, "NaN"])

    state.apply(Batch("Quote", ["SPY", "QQQ", "SPY"], columns, 7.0))

    assert state.quote("SPY") == Quote("SPY", 2.0, None, 7.0)
    assert state.last["Quote"]["SPY"] == (2.0, "NaN", 7.0)
    assert state.take_changed() == {"SPY", "QQQ"}
    assert state.take_changed() == set()


@pytest.mark.parametrize("name", ["quote", "trade", "trade_eth", "summary", "profile", "greeks"])
def test_nothing_is_known_before_the_first_event(name: str) -> None:
    assert getattr(MarketState(), name)("SPY") is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [("Quote", "quote"), ("Trade", "trade"), ("TradeETH", "trade_eth"), ("Summary", "summary")]
    + [("Profile", "profile"), ("Greeks", "greeks")],
)
def test_each_kind_is_read_as_its_own_value(kind: str, name: str) -> None:
    state = MarketState()

    state.apply(events(kind, {"SPY": ()}, 3.0))

    value = getattr(state, name)("SPY")
    assert (value.symbol, value.at) == ("SPY", 3.0)


def test_every_field_of_a_kind_reaches_its_name() -> None:
    state = MarketState()
    state.apply(events("Summary", {"SPY": (20803, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7)}, 9.0))
    state.apply(events("Greeks", {"O": (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1_797_449_526_500)}, 9.0))

    day, greeks = state.summary("SPY"), state.greeks("O")

    assert day is not None
    assert greeks is not None
    assert (day.day_id, day.day_open, day.day_high, day.day_low) == (20803, 1.0, 2.0, 3.0)
    assert (day.day_close, day.prev_close, day.prev_volume, day.open_interest) == (4.0, 5.0, 6.0, 7)
    assert (greeks.price, greeks.volatility, greeks.delta, greeks.gamma) == (1.0, 2.0, 3.0, 4.0)
    assert (greeks.theta, greeks.vega) == (5.0, 6.0)


def test_what_is_not_understood_is_counted_and_harms_nothing() -> None:
    state = state_of(quote(597.0, 598.0, OPEN))

    state.apply(Batch("Underlying", ["SPY"], ([1],), OPEN))
    state.apply(Batch("Quote", ["SPY", "QQQ"], ([1.0], [2.0]), OPEN))
    state.apply(Batch("Trade", ["SPY"], ([1.0],), OPEN))
    state.apply(Batch("Candle", ["SPY{=m,price=bid}"], tuple([0] for _ in FIELDS["Candle"]), OPEN))
    state.apply(Batch("Candle", ["SPY{=m}"], tuple(["NaN"] for _ in FIELDS["Candle"]), OPEN))

    assert state.ignored == {
        "kind Underlying": 1,
        "shape of Quote": 2,
        "shape of Trade": 1,
        "candle symbol": 1,
        "no bar": 1,
    }
    assert state.quote("SPY") == Quote("SPY", 597.0, 598.0, OPEN)
    assert state.quote("QQQ") is None


def test_links_remember_when_they_changed() -> None:
    state = MarketState()
    assert (state.link_up("dxLink"), state.link_changed_at("dxLink")) == (None, None)

    for up, at in ((True, 1.0), (True, 2.0), (False, 3.0), (False, 4.0)):
        state.apply(Batch("Link", ["dxLink"], ([up],), at))

    assert (state.link_up("dxLink"), state.link_changed_at("dxLink")) == (False, 3.0)


def test_a_rolled_future_moves_to_its_new_contract() -> None:
    state = MarketState()
    old = Instrument("/ES", "/ESZ26:XCME", "future", contract="/ESZ6")
    new = Instrument("/ES", "/ESH27:XCME", "future", contract="/ESH7")

    for at, instrument in enumerate((old, new)):
        state.apply(Batch("Instrument", ["/ES"], ([instrument],), at))

    assert state.instruments == {"/ES": new}
    assert state.instrument_of("/ESZ26:XCME") is None
    assert state.instrument_of("/ESH27:XCME") == new
    assert state.take_changed() == {"/ESZ26:XCME", "/ESH27:XCME"}


def test_a_symbol_no_longer_wanted_has_no_instrument() -> None:
    state = state_of()

    state.apply(Batch("Instrument", ["SPY"], ([None],), 1.0))

    assert (state.instruments, state.instrument_of("SPY")) == ({}, None)


# ---- candles ----


def candle_batch(symbol: str, *times: int, snapshot: bool = False) -> Batch:
    rows = [(0, n, time, 1, 10.0, 11.0, 9.0, 10.5, 100.0) for n, time in enumerate(times)]
    return Batch("Candle", [symbol] * len(rows), tuple(zip(*rows, strict=True)), OPEN, snapshot)


MINUTES = [1_797_449_400_000 + n * 60_000 for n in range(4)]


def test_candles_are_found_whatever_their_spelling() -> None:
    state = MarketState()

    state.apply(candle_batch("SPY{=1m}", MINUTES[1], MINUTES[0], snapshot=True))
    state.apply(candle_batch("SPY{=m}", MINUTES[2]))
    state.apply(candle_batch("SPY{=1m,tho=true}", MINUTES[3]))

    series, regular = state.candles("SPY", "m"), state.candles("SPY", "m", tho=True)
    assert series is not None
    assert regular is not None
    assert list(series.times) == MINUTES[:3]
    assert list(regular.times) == MINUTES[3:]
    assert series.period_ms == 60_000
    assert state.candles("SPY", "5m") is None
    assert state.take_changed() == {"SPY"}


def test_a_batch_of_many_candle_symbols_replaces_each_from_its_own_oldest_bar() -> None:
    state = MarketState()
    for symbol in ("SPY{=m}", "QQQ{=m}"):
        state.apply(candle_batch(symbol, *MINUTES[:2]))
    both = [
        (symbol, time) for symbol, time in zip(["SPY{=m}", "QQQ{=m}"], MINUTES[:2], strict=True)
    ]
    rows = [(0, 1, time, 1, 20.0, 21.0, 19.0, 20.5, 1.0) for _, time in both]

    state.apply(Batch("Candle", [s for s, _ in both], tuple(zip(*rows, strict=True)), OPEN, True))

    spy, qqq = state.candles("SPY", "m"), state.candles("QQQ", "m")
    assert spy is not None
    assert qqq is not None
    assert list(zip(spy.times, spy.closes, strict=True)) == [(MINUTES[0], 20.5)]
    assert list(zip(qqq.times, qqq.closes, strict=True)) == [(MINUTES[0], 10.5), (MINUTES[1], 20.5)]


# ---- the price ----


def test_the_newer_print_by_exchange_time_is_the_price() -> None:
    state = state_of(trade(597.0, OPEN), trade(596.0, OPEN + 1, "TradeETH", age=7200))

    price = state.price("SPY", OPEN + 1)

    assert price is not None
    assert (price.value, price.basis, price.at) == (597.0, "trade", OPEN)
    assert price.time == OPEN * 1000


def test_a_print_of_the_extended_hours_is_marked() -> None:
    state = state_of(
        trade(597.0, PRE_MARKET, age=16 * 3600), trade(598.5, PRE_MARKET, "TradeETH", age=2)
    )

    price = state.price("SPY", PRE_MARKET)

    assert price is not None
    assert (price.value, price.basis) == (598.5, "extended")


def test_prints_without_exchange_time_are_ordered_by_arrival() -> None:
    state = state_of(
        events("Trade", {"SPY": (597.0, 1.0, 0, 0)}, OPEN - 5),
        events("TradeETH", {"SPY": (596.0, 1.0, "NaN", 0)}, OPEN - 9),
    )

    price = state.price("SPY", OPEN)

    assert price is not None
    assert (price.value, price.basis, price.time) == (597.0, "trade", None)


@pytest.mark.parametrize(
    ("lag", "value", "basis"), [(60.0, 597.0, "trade"), (60.5, 600.5, "mid")], ids=["60 s", "above"]
)
def test_in_session_a_mid_replaces_a_much_older_print(lag: float, value: float, basis: str) -> None:
    state = state_of(trade(597.0, OPEN - lag), quote(600.0, 601.0, OPEN))

    price = state.price("SPY", OPEN)

    assert price is not None
    assert (price.value, price.basis) == (value, basis)


def test_an_old_print_of_a_snapshot_gives_way_once_the_feed_proves_real_time() -> None:
    state = state_of(trade(597.0, OPEN, age=900), quote(600.0, 601.0, OPEN))
    before = state.price("SPY", OPEN)

    state.apply(trade(500.0, OPEN, symbol="QQQ", age=1))
    state.apply(quote(499.0, 501.0, OPEN, symbol="QQQ"))
    other = state.price("QQQ", OPEN)
    after = state.price("SPY", OPEN)

    assert before is not None
    assert other is not None
    assert after is not None
    assert (before.basis, other.basis, after.basis) == ("trade", "trade", "mid")


def test_a_delayed_feed_still_shows_its_prints() -> None:
    state = state_of(kind="etf")
    for second in range(0, 600, 30):
        state.apply(trade(597.0, OPEN + second, age=900))
        state.apply(quote(600.0, 601.0, OPEN + second + 1))

        price = state.price("SPY", OPEN + second + 1)

        assert price is not None
        assert (price.value, price.basis) == (597.0, "trade")


@pytest.mark.parametrize("now", [PRE_MARKET, NIGHT], ids=["pre-market", "night"])
def test_out_of_session_an_old_print_stands(now: float) -> None:
    state = state_of(trade(597.0, now - 3600), quote(600.0, 601.0, now))

    price = state.price("SPY", now)

    assert price is not None
    assert (price.value, price.basis) == (597.0, "trade")


def test_what_never_traded_shows_its_mid_at_any_hour() -> None:
    state = state_of(quote(600.0, 601.0, NIGHT))

    price = state.price("SPY", NIGHT)

    assert price is not None
    assert (price.value, price.basis, price.at, price.time) == (600.5, "mid", NIGHT, None)


def test_a_halted_symbol_keeps_its_last_print() -> None:
    state = state_of(
        trade(597.0, OPEN - 900),
        quote(590.0, 610.0, OPEN),
        events("Profile", {"SPY": ("SPDR", "HALTED")}, OPEN),
    )

    price = state.price("SPY", OPEN)

    assert price is not None
    assert (price.value, price.basis) == (597.0, "trade")


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "known by name"])
def test_a_cash_index_is_never_its_composite_quote(announced: bool) -> None:
    state = MarketState()
    if announced:
        state.apply(Batch("Instrument", ["SPX"], ([Instrument("SPX", "SPX", "index")],), 0.0))
    state.apply(quote(5442.37, 5576.76, OPEN, "SPX"))
    assert state.price("SPX", OPEN) is None

    state.apply(trade(5528.75, OPEN - 600, symbol="SPX"))

    price = state.price("SPX", OPEN)
    assert price is not None
    assert (price.value, price.basis) == (5528.75, "trade")


@pytest.mark.parametrize(
    "batch",
    [trade(0.0, OPEN), trade("NaN", OPEN), quote(0.0, 0.05, OPEN), quote(601.0, 600.0, OPEN)],
    ids=["price 0", "NaN", "one-sided", "crossed"],
)
def test_no_price_is_made_of_nothing(batch: Batch) -> None:
    assert state_of(batch).price("SPY", OPEN) is None


def test_a_future_may_trade_below_zero() -> None:
    state = state_of(trade(-37.63, OPEN, symbol="/CL"), kind="future", symbol="/CL")

    price = state.price("/CL", OPEN)

    assert price is not None
    assert price.value == -37.63


def test_the_direction_is_that_of_the_last_change() -> None:
    state = state_of()
    directions = []

    for value in (597.0, 597.0, 598.0, 598.0, 597.5, 597.5):
        state.apply(trade(value, OPEN))
        price = state.price("SPY", OPEN)
        assert price is not None
        directions.append(price.direction)

    assert directions == [0, 0, 1, 1, -1, -1]


def test_a_mid_and_a_print_have_no_direction_between_them() -> None:
    state = state_of(trade(597.0, OPEN - 100))
    state.price("SPY", OPEN - 100)
    state.apply(quote(600.0, 601.0, OPEN))

    price = state.price("SPY", OPEN)

    assert price is not None
    assert (price.basis, price.direction) == ("mid", 0)


def test_the_age_is_that_of_the_newest_price_event() -> None:
    state = state_of(
        quote(597.0, 598.0, OPEN - 5),
        trade(597.5, OPEN - 2),
        events("Summary", {"SPY": ()}, OPEN),
    )

    assert state.arrived("SPY") == OPEN - 2
    assert state.age("SPY", OPEN) == 2.0
    assert state.age("SPY", OPEN - 60) == 0.0
    assert state.age("QQQ", OPEN) is None


# ---- memory ----


def test_a_forgotten_symbol_leaves_nothing_behind() -> None:
    state = state_of(
        trade(597.0, OPEN), quote(597.0, 598.0, OPEN), candle_batch("SPY{=m}", *MINUTES)
    )
    state.price("SPY", OPEN)

    state.forget("SPY")

    assert not any(state.last.values())
    assert state.candles("SPY", "m") is None
    assert state.take_changed() == set()
    state.apply(trade(598.0, OPEN))
    price = state.price("SPY", OPEN)
    assert price is not None
    assert price.direction == 0


def test_only_what_is_wanted_is_retained() -> None:
    state = state_of(
        trade(597.0, OPEN), trade(500.0, OPEN, symbol="QQQ"), candle_batch("IWM{=m}", *MINUTES)
    )

    assert state.retain({"SPY"}) == 2

    assert state.trade("SPY") is not None
    assert (state.trade("QQQ"), state.candles("IWM", "m")) == (None, None)


# ---- against a slow twin ----

SYMBOLS = ["SPY", "QQQ", ".SPXW261218C6000", "/ESZ26:XCME"]
wire = st.none() | st.floats(0, 1000) | st.sampled_from(["NaN", "Infinity", 0, 12, True])


@st.composite
def ticker_batches(draw: st.DrawFn) -> Batch:
    kind = draw(st.sampled_from(TICKERS))
    symbols = draw(st.lists(st.sampled_from(SYMBOLS), max_size=6))
    columns = tuple(
        draw(st.lists(wire, min_size=len(symbols), max_size=len(symbols))) for _ in FIELDS[kind]
    )
    return Batch(kind, symbols, columns, draw(st.floats(0, 1e9)))


class Names(list[str]):
    """A list that can be watched being freed."""

    __hash__ = object.__hash__  # type: ignore[assignment]


among = st.frozensets(st.sampled_from([*SYMBOLS, "DIA"]))


@given(st.lists(ticker_batches() | st.none() | among, max_size=12), st.integers(0, 3))
def test_what_changed_among_some_is_what_changed_and_is_one_of_them(
    steps: list[Batch | frozenset[str] | None], touched: int
) -> None:
    changed: set[str] = set()

    with patch.object(state_module, "TOUCHED", touched):
        state = MarketState()
        for step in [*steps, None]:
            if isinstance(step, Batch):
                state.apply(step)
                changed |= set(step.symbols)
            else:
                expected = changed if step is None else changed & step
                assert state.take_changed(step) == expected
                changed = set()

    assert state.take_changed() == set()


def test_candles_and_instruments_are_among_what_changed() -> None:
    state = state_of(candle_batch("SPY{=m}", *MINUTES), quote(597.0, 598.0, OPEN, symbol="QQQ"))
    contract = Instrument("/ES", "/ESZ26:XCME", "future")
    state.apply(Batch("Instrument", ["/ES"], ([contract],), OPEN))

    assert state.take_changed(frozenset({"SPY", "/ESZ26:XCME", "IWM"})) == {"SPY", "/ESZ26:XCME"}
    assert state.take_changed() == set()


def test_what_nobody_asks_for_does_not_pile_up() -> None:
    state = MarketState()
    alive = weakref.WeakSet[Names]()

    for _ in range(3 * state_module.TOUCHED):
        names = Names(["SPY", "QQQ"])
        alive.add(names)
        state.apply(Batch("Quote", names, ([1.0, 2.0], [3.0, 4.0]), OPEN))
    del names

    assert len(alive) <= state_module.TOUCHED
    assert state.take_changed() == {"SPY", "QQQ"}
    assert not alive


@given(st.lists(ticker_batches() | st.none(), max_size=8))
def test_the_state_equals_its_twin_fed_event_by_event(batches: list[Batch | None]) -> None:
    state = MarketState()
    twin: dict[str, dict[str, tuple[Any, ...]]] = {kind: {} for kind in TICKERS}
    changed: set[str] = set()
    count = 0

    for batch in batches:
        if batch is None:
            assert state.take_changed() == changed
            changed = set()
            continue
        state.apply(batch)
        for place, symbol in enumerate(batch.symbols):
            row = tuple(column[place] for column in batch.columns)
            twin[batch.kind][symbol] = (*row, batch.at)
            changed.add(symbol)
            count += 1

    assert state.last == twin
    assert state.take_changed() == changed
    assert (state.events, state.ignored) == (count, {})


@given(st.lists(ticker_batches(), max_size=6), st.sampled_from(SYMBOLS))
def test_a_price_is_a_clean_number_from_the_feed(batches: list[Batch], symbol: str) -> None:
    state = MarketState()
    for batch in batches:
        state.apply(batch)

    price = state.price(symbol, OPEN)

    if price is not None:
        found = state.quote(symbol), state.trade(symbol), state.trade_eth(symbol)
        shown = {found[0].mid} if found[0] else set()
        shown |= {print_.price for print_ in found[1:] if print_}
        assert price.value in shown
        assert 0 < price.value <= 1000


# ---- whole values of other sources ----


@pytest.mark.parametrize(
    ("kind", "name"),
    [("CboeChain", "cboe"), ("Headlines", "headlines"), ("CalendarWeek", "weeks")]
    + [("Releases", "releases")],
)
def test_the_newest_whole_value_of_a_name_is_kept_until_it_is_taken_back(
    kind: str, name: str
) -> None:
    state = MarketState()
    first, second = object(), object()

    state.apply(Batch(kind, ["A", "B"], ([first, first],), 1.0))
    state.apply(Batch(kind, ["A"], ([second],), 2.0))
    kept = dict(getattr(state, name))
    state.apply(Batch(kind, ["A"], ([None],), 3.0))

    assert kept == {"A": second, "B": first}
    assert getattr(state, name) == {"B": first}
    assert not state.ignored


# ---- prints ----

CALL = ".SPXW261216C6000"


def printed(*rows: tuple[int, float, str], at: float = OPEN) -> Batch:
    """Prints of one call: (index, contracts, aggressor)."""
    filled = [
        (0, index, int(at * 1000), 4.1, size, side, False, True, "NEW")
        for index, size, side in rows
    ]
    return Batch("TimeAndSale", [CALL] * len(rows), tuple(zip(*filled, strict=True)), at)


def test_every_print_of_a_batch_counts_and_one_that_comes_again_does_not() -> None:
    state = MarketState()

    state.apply(printed((1, 5.0, "BUY"), (2, 3.0, "SELL"), (3, 2.0, "BUY")))
    state.apply(printed((3, 2.0, "BUY"), (4, 1.0, "UNDEFINED")))

    today, before = state.tape.at(OPEN)
    assert (today[CALL].buy, today[CALL].sell, today[CALL].unclassified) == (7.0, 3.0, 1.0)
    assert before is None
    assert state.events == 5


def test_prints_remember_the_open_interest_that_was_published_then() -> None:
    state = MarketState()
    state.apply(events("Summary", {CALL: (None,) * 7 + (1200,)}, OPEN))

    state.apply(printed((1, 5.0, "BUY")))
    state.apply(events("Summary", {CALL: (None,) * 7 + (1450,)}, OPEN + 64_000))

    tomorrow, before = state.tape.at(OPEN + 70_000)
    assert tomorrow == {}
    assert before is not None
    assert before[1][CALL].opening == 1200


def test_a_row_that_is_no_print_is_counted_as_ignored() -> None:
    state = MarketState()

    state.apply(printed((1, "NaN", "BUY")))  # type: ignore[arg-type]

    assert state.tape.tallies == {}
    assert state.ignored["no print"] == 1


def test_sums_of_a_contract_that_nobody_follows_are_dropped() -> None:
    state = MarketState()
    spx = Instrument("SPX", "SPX", "index")
    for streamers in ((CALL,), ()):
        listing = Listing("SPX", spx, streamers=streamers)
        state.apply(Batch("Chain", ["SPX"], ([listing],), OPEN))
        state.apply(Batch("Chain", ["SPY"], ([None],), OPEN))
        if streamers:
            state.apply(printed((1, 5.0, "BUY")))
            assert state.tape.tallies[CALL].buy == 5.0

    assert state.tape.tallies == {}
