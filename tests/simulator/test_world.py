"""The simulated market agrees with itself at any time, for any seed."""

from __future__ import annotations

import math
from datetime import date
from functools import lru_cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.errors import SettingsError
from grok_sauce.market.sessions import day_id, day_of, instant, new_york_date, phase
from grok_sauce.simulator.market import World

# Wednesday 2026-12-16, 14:32:07 New York.
NOW = 1797449527.0
DAY = date(2026, 12, 16)
DEFAULTS = ["SPY", "XLF", "XLP", "QQQ", "BITO", "XLU", "IYR", "GLD", "TLT", "TIP", "VIX", "UUP"]
SHARES = ["SPY", "QQQ", "TIP", "UUP", "NVDA", "BRK/B"]
INDICES = ["SPX", "NDX", "RUT", "VIX"]
FUTURES = ["/ESH27:XCME", "/CLG27:XNYM", "/ZNH27:XCBT", "/VXF27:XCBF"]

# Two weeks with Thanksgiving, its half day and a change of the front month.
instants = st.floats(instant(date(2026, 11, 20), 0), instant(date(2026, 12, 4), 0))
seeds = st.integers(0, 3)


@lru_cache(maxsize=8)
def world_of(seed: int) -> World:
    return World(seed, instant(date(2026, 11, 20), 12))


def at(seed: int, now: float) -> World:
    """A world moved to an instant; any event is a function of the time alone."""
    world = world_of(seed)
    world.now = now
    return world


def is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def same(one: object, other: object) -> bool:
    """Equality of events in which NaN equals NaN."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other or (is_nan(one) and is_nan(other))


def everything(world: World) -> list[object]:
    return [
        world.event(kind, symbol)
        for symbol in [*SHARES, *INDICES, *FUTURES]
        for kind in ("Quote", "Trade", "TradeETH", "Summary", "Profile")
    ]


def test_the_same_seed_and_start_make_the_same_market() -> None:
    one, other = World(7, NOW), World(7, NOW)

    assert same(dict(enumerate(everything(one))), dict(enumerate(everything(other))))
    assert one.candles("SPY", "5m", False, 0, NOW) == other.candles("SPY", "5m", False, 0, NOW)


def test_another_seed_makes_another_market() -> None:
    assert World(7, NOW).price("SPY") != World(8, NOW).price("SPY")


def test_the_order_of_questions_does_not_matter() -> None:
    walked, jumped = World(3, NOW), World(3, NOW)

    for second in range(0, 4000, 250):
        walked.advance(NOW + second)
        walked.candles("QQQ", "m", False, 0, walked.now)
    jumped.advance(NOW + 3750)

    assert same(dict(enumerate(everything(walked))), dict(enumerate(everything(jumped))))


def test_a_market_without_start_or_bars_is_refused() -> None:
    with pytest.raises(SettingsError, match="start"):
        World(1)


@pytest.mark.parametrize("symbol", DEFAULTS)
def test_every_default_symbol_but_the_dollar_index_has_a_price(symbol: str) -> None:
    world = World(42, NOW)

    assert world.serves(symbol)
    assert world.price(symbol) > 0
    assert world.event("Quote", symbol) is not None


@pytest.mark.parametrize("symbol", ["DXY", "NOSUCH", "/ESZ26", "/ESZ6:XCME", "/QQZ26:XCME", ".X"])
def test_what_the_feed_does_not_offer_is_silent(symbol: str) -> None:
    world = World(42, NOW)

    assert not world.serves(symbol)
    assert world.price(symbol) is None
    for kind in ("Quote", "Trade", "TradeETH", "Summary", "Profile", "Greeks", "Candle"):
        world.watch(kind, symbol)
        assert world.event(kind, symbol) is None
    assert world.candles(symbol, "m", False, 0, NOW) == []
    assert world.advance(NOW + 60) == set()


@pytest.mark.parametrize("seed", range(6))
def test_prices_are_those_of_the_year(seed: int) -> None:
    world = World(seed, NOW)

    assert 5700 < world.price("SPX") < 6300
    assert 12 < world.price("VIX") < 27
    assert 85 < world.price("TLT") < 95


@settings(deadline=None, max_examples=60)
@given(seeds, instants, st.sampled_from(SHARES + FUTURES))
def test_a_quote_brackets_the_last_price_on_the_tick(seed: int, now: float, symbol: str) -> None:
    world = at(seed, now)

    quote, last = world.event("Quote", symbol), world.price(symbol)

    assert quote["bidPrice"] <= last <= quote["askPrice"]
    assert 0 < quote["askPrice"] - quote["bidPrice"] < 0.01 * last
    assert quote["bidSize"] >= 1
    assert quote["askSize"] >= 1


@settings(deadline=None, max_examples=60)
@given(seeds, instants, st.sampled_from(SHARES + INDICES + FUTURES))
def test_the_day_holds_its_prices(seed: int, now: float, symbol: str) -> None:
    world = at(seed, now)

    summary, trade = world.event("Summary", symbol), world.event("Trade", symbol)

    high, low, opened = (summary[f"day{side}Price"] for side in ("High", "Low", "Open"))
    if summary["dayId"] == trade["dayId"]:
        assert low <= trade["price"] <= high
        assert low <= opened <= high
    else:  # before the open the last trade is the day's before
        assert is_nan(high)
        assert is_nan(low)
        assert is_nan(opened)
        assert trade["dayId"] == summary["prevDayId"]
        assert trade["price"] == summary["prevDayClosePrice"]
        assert same(trade["dayVolume"], summary["prevDayVolume"])
    assert isinstance(summary["openInterest"], int)


@settings(deadline=None, max_examples=40)
@given(seeds, instants, st.floats(0, 30_000), st.sampled_from(SHARES + FUTURES))
def test_day_volume_never_falls_within_a_day(
    seed: int, now: float, later: float, symbol: str
) -> None:
    world = at(seed, now)
    kinds = ("Trade", "TradeETH") if symbol in SHARES else ("Trade",)
    before = {kind: world.event(kind, symbol) for kind in kinds}

    world.now = now + later

    for kind in kinds:
        after = world.event(kind, symbol)
        if after["dayId"] == before[kind]["dayId"]:
            assert after["dayVolume"] >= before[kind]["dayVolume"]
        else:
            assert after["dayId"] > before[kind]["dayId"]
        assert after["time"] >= before[kind]["time"]


@settings(deadline=None, max_examples=40)
@given(seeds, instants, st.sampled_from(SHARES))
def test_candles_of_the_day_add_up_to_its_volumes(seed: int, now: float, symbol: str) -> None:
    world = at(seed, now)
    trade, late = world.event("Trade", symbol), world.event("TradeETH", symbol)

    day = max(trade["dayId"], late["dayId"])
    since = int(instant(day_of(day), 0) * 1000)
    regular = world.candles(symbol, "m", True, since, now)
    every = world.candles(symbol, "m", False, since, now)

    if trade["dayId"] == day:
        assert sum(row[6] for row in regular) == trade["dayVolume"]
        assert regular[-1][5] == trade["price"]
    if late["dayId"] == day:
        outside = sum(row[6] for row in every) - sum(row[6] for row in regular)
        assert outside == late["dayVolume"]


@settings(deadline=None, max_examples=40)
@given(seeds, instants, st.sampled_from(SHARES + INDICES + FUTURES))
def test_trade_is_silent_when_its_session_is_over(seed: int, now: float, symbol: str) -> None:
    world = at(seed, now)
    world.watch("Trade", symbol)
    kind = "index" if symbol in INDICES else "future" if symbol in FUTURES else "equity"
    state = phase(kind, now)
    quiet = state.state != "open" and phase(kind, now - 1000).state != "open"
    ends = min(now + 600, state.ends)

    changed = [world.advance(now + step * (ends - now) / 20) for step in range(1, 20)]

    world.unwatch("Trade", symbol)
    if quiet:
        assert not any(changed)
    elif state.state == "open" and ends - now > 500 and phase("equity", now).state == "open":
        assert any(changed)  # at night a future may well rest for ten minutes


def test_shares_trade_in_their_own_event_before_the_open() -> None:
    world = World(42, instant(DAY, 8))
    world.watch("Trade", "SPY")
    world.watch("TradeETH", "SPY")

    changed = set().union(*(world.advance(instant(DAY, 8) + 10 * step) for step in range(1, 30)))

    assert changed == {("TradeETH", "SPY")}
    late, frozen = world.event("TradeETH", "SPY"), world.event("Trade", "SPY")
    assert late["extendedTradingHours"]
    assert late["dayId"] == day_id(DAY) == frozen["dayId"] + 1
    assert late["dayVolume"] > 0


def test_nothing_moves_on_a_closed_day() -> None:
    saturday = instant(date(2026, 12, 19), 11)
    world = World(42, saturday)
    for symbol in [*SHARES, *INDICES]:
        for kind in ("Quote", "Trade", "TradeETH", "Summary", "Profile"):
            world.watch(kind, symbol)

    changed = set().union(*(world.advance(saturday + 600 * step) for step in range(1, 60)))

    assert changed == set()
    assert world.event("Summary", "SPY")["dayId"] == day_id(date(2026, 12, 18))
    assert not is_nan(world.event("Summary", "SPY")["dayClosePrice"])


def test_liquid_symbols_tick_several_times_a_second_and_slow_ones_about_once() -> None:
    world = World(42, NOW)
    for symbol in ("SPY", "QQQ", "TIP", "UUP"):
        world.watch("Trade", symbol)
    ticks = dict.fromkeys(("SPY", "QQQ", "TIP", "UUP"), 0)

    for step in range(1, 601):
        for _, symbol in world.advance(NOW + step / 10):
            ticks[symbol] += 1

    assert ticks["SPY"] / 60 > 3
    assert ticks["QQQ"] / 60 > 3
    assert 0.4 < ticks["TIP"] / 60 < 2
    assert 0.4 < ticks["UUP"] / 60 < 2


def test_prices_live_are_those_that_the_history_says_later() -> None:
    minute = NOW // 60 * 60 + 60
    world = World(42, minute)
    world.watch("Trade", "SPY")
    seen = [world.event("Trade", "SPY")["price"]]

    for step in range(1, 600):
        if ("Trade", "SPY") in world.advance(minute + step / 10):
            seen.append(world.event("Trade", "SPY")["price"])
    live = world.candles("SPY", "m", True, int(minute * 1000), world.now)
    world.advance(minute + 3600)
    bar = world.candles("SPY", "m", True, int(minute * 1000), world.now)[0]

    assert (seen[0], max(seen), min(seen), seen[-1]) == bar[2:6]
    assert live[-1][0] == bar[0]
    assert live[-1][2:6] == bar[2:6]
    assert live[-1][6] <= bar[6]


def test_the_index_and_its_fund_and_its_future_move_together() -> None:
    world = World(42, NOW)
    for step in range(60):
        world.advance(NOW + step * 60)
        spx = world.price("SPX")

        assert world.price("SPY") * 10 == pytest.approx(spx, rel=0.003)
        assert world.price("QQQ") * 41.07 == pytest.approx(world.price("NDX"), rel=0.003)
        assert world.price("IWM") * 10.067 == pytest.approx(world.price("RUT"), rel=0.003)
        assert world.price("DIA") * 100 == pytest.approx(world.price("DJI"), rel=0.003)
        assert 20 < world.price("/ESH27:XCME") - spx < 70
        assert world.price("/MESH27:XCME") == pytest.approx(world.price("/ESH27:XCME"), abs=4)


def test_volatility_rises_when_shares_fall() -> None:
    world = World(42, NOW)
    moves = {}
    for symbol in ("SPX", "VIX"):
        closes = [row[5] for row in world.candles(symbol, "30m", True, 0, NOW)]
        moves[symbol] = [later / now - 1 for now, later in pairwise(closes)]

    count = min(map(len, moves.values()))
    against = [
        spx * vix for spx, vix in zip(moves["SPX"][:count], moves["VIX"][:count], strict=True)
    ]

    assert sum(product < 0 for product in against) > 0.7 * count


@pytest.mark.parametrize("symbol", INDICES)
def test_an_index_has_no_volume_no_sizes_and_a_wide_quote(symbol: str) -> None:
    world = World(42, NOW)
    trade, quote = world.event("Trade", symbol), world.event("Quote", symbol)

    assert is_nan(trade["size"])
    assert is_nan(trade["dayVolume"])
    assert is_nan(quote["bidSize"])
    assert is_nan(quote["askSize"])
    assert quote["bidPrice"] < trade["price"] * 0.99 < trade["price"] < quote["askPrice"]
    assert world.event("TradeETH", symbol) is None
    assert is_nan(world.event("Summary", symbol)["prevDayVolume"])
    assert all(is_nan(row[6]) for row in world.candles(symbol, "d", True, 0, NOW))


def test_the_close_is_known_once_the_closing_auction_is_over() -> None:
    world = World(42, instant(DAY, 15, 59))
    assert is_nan(world.event("Summary", "SPY")["dayClosePrice"])

    world.advance(instant(DAY, 16, 1))

    summary = world.event("Summary", "SPY")
    assert summary["dayClosePrice"] == world.event("Trade", "SPY")["price"]
    auction = world.candles("SPY", "m", True, 0, world.now)[-1]
    assert auction[0] == instant(DAY, 16) * 1000
    day = world.event("Trade", "SPY")["dayVolume"]
    assert 0.03 < auction[6] / day < 0.2


def test_a_halted_symbol_says_so_and_stands_still_until_it_resumes() -> None:
    world = World(42, NOW)
    for kind in ("Trade", "Profile"):
        world.watch(kind, "GME")
    world.halt("GME")
    world.advance(NOW + 1)
    price = world.price("GME")

    moved = world.advance(NOW + 900)

    assert moved == set()
    assert world.price("GME") == price
    assert world.event("Profile", "GME")["tradingStatus"] == "HALTED"
    assert world.event("Profile", "GME")["haltStartTime"] == NOW * 1000
    assert world.candles("GME", "m", False, 0, world.now)[-1][0] <= NOW * 1000
    world.resume("GME")
    assert ("Profile", "GME") in world.advance(NOW + 901)
    assert world.event("Profile", "GME")["tradingStatus"] == "ACTIVE"


def test_days_pass_at_speed_without_a_break() -> None:
    world = World(42, instant(DAY, 15, 55))
    for symbol in ("SPY", "SPX", "/ESH27:XCME"):
        for kind in ("Trade", "TradeETH", "Summary"):
            world.watch(kind, symbol)
    days = set()

    for step in range(1, 3 * 288):
        for kind, symbol in world.advance(instant(DAY, 15, 55) + 300 * step):
            event = world.event(kind, symbol)
            if event is not None:
                days.add((kind, symbol, event["dayId"]))

    today = day_id(DAY)
    for symbol in ("SPY", "SPX", "/ESH27:XCME"):
        assert {("Summary", symbol, today + ahead) for ahead in (0, 1, 2)} <= days
    assert new_york_date(world.now) == date(2026, 12, 19)


def test_the_half_day_closes_at_one() -> None:
    half = date(2026, 11, 27)
    world = World(42, instant(half, 13, 2))

    assert not is_nan(world.event("Summary", "SPY")["dayClosePrice"])
    assert world.candles("SPY", "m", True, 0, world.now)[-1][0] == instant(half, 13) * 1000
    world.advance(instant(half, 18))
    assert world.candles("SPY", "m", False, 0, world.now)[-1][0] < instant(half, 17) * 1000


def test_today_exists_whenever_the_world_starts() -> None:
    world = World(42, NOW)

    first = world.candles("SPY", "m", False, int(instant(DAY, 0) * 1000), NOW)

    assert first[0][0] <= instant(DAY, 4, 2) * 1000
    assert len(first) > 600
    assert world.event("Trade", "SPY")["dayVolume"] > 1e6


def test_unwatched_symbols_are_not_reported() -> None:
    world = World(42, NOW)
    world.watch("Trade", "SPY")
    world.watch("Quote", "SPY")
    world.watch("Candle", "QQQ{=1m}")
    assert world.advance(NOW + 5) == {("Trade", "SPY"), ("Quote", "SPY"), ("Candle", "QQQ{=1m}")}

    world.unwatch("Trade", "SPY")
    world.unwatch("Candle", "QQQ{=1m}")

    assert world.advance(NOW + 10) == {("Quote", "SPY")}


def test_records_of_shares_speak_the_brokers_language() -> None:
    world = World(42, NOW)

    spx, brk = world.equity("SPX"), world.equity("BRK/B")

    assert spx["is-index"]
    assert spx["streamer-symbol"] == "SPX"
    assert brk["symbol"] == "BRK/B"
    assert not brk["is-etf"]
    assert world.equity("NOSUCH") is None
    assert world.equity("DXY") is None


@pytest.mark.parametrize(
    "text, found",
    [("NV", "NVDA"), ("nvd", "NVDA"), ("gold", "GLD"), ("BRK", "BRK/B"), ("S", "SPX")],
    ids=["beginning", "small letters", "word of the name", "share class", "one letter"],
)
def test_a_search_finds_by_symbol_and_by_name(text: str, found: str) -> None:
    results = [record["symbol"] for record in World(42, NOW).equities(text)]

    assert found in results
    assert len(results) == len(set(results))


def test_an_empty_search_finds_nothing() -> None:
    assert World(42, NOW).equities(" ") == []
    assert World(42, NOW).equities("QZX") == []


def test_a_snapshot_repeats_the_events_and_leaves_out_what_is_unknown() -> None:
    world = World(42, NOW)

    index, share = world.market_data("index", "SPX"), world.market_data("equity", "SPY")

    assert float(index["last"]) == world.event("Trade", "SPX")["price"]
    assert "volume" not in index
    assert "bid-size" not in index
    assert float(share["volume"]) == world.event("Trade", "SPY")["dayVolume"]
    assert float(share["prev-close"]) == world.event("Summary", "SPY")["prevDayClosePrice"]
    assert "close" not in share
    assert world.market_data("equity", "DXY") is None


@pytest.mark.parametrize(
    "hour, state",
    [(3, "Closed"), (8, "Pre-market"), (11, "Open"), (17, "Extended"), (21, "Closed")],
)
def test_the_session_is_named_as_the_broker_names_it(hour: int, state: str) -> None:
    session = World(42, instant(DAY, hour)).session()

    assert session["state"] == state
    assert session["open-at"] == "2026-12-16T14:30:00.000Z"
    assert session["close-at-ext"] == "2026-12-17T01:00:00.000Z"
    assert session["next-session"]["session-date"] == "2026-12-17"
