"""Everything that is listed has sound bars and quotes, whatever the seed, the start, the time."""

from __future__ import annotations

import math
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.market.products import Kind
from grok_sauce.market.sessions import (
    day_id,
    instant,
    is_session,
    regular,
    session_date,
    sessions_before,
)
from grok_sauce.simulator.bars_file import Bars, DayBars
from grok_sauce.simulator.candles import PERIODS
from grok_sauce.simulator.catalogue import ASSETS, FUTURES
from grok_sauce.simulator.market import World

SHARES: Final = sorted(ASSETS)
LISTED: Final = [*SHARES, *(f"/{product}" for product in sorted(FUTURES))]
# In winter time, in summer time, on a half day, on a weekend after the clocks changed.
STARTS: Final = [
    instant(date(2026, 12, 16), 14, 32),
    instant(date(2024, 7, 3), 12, 20),
    instant(date(2026, 11, 27), 11, 5),
    instant(date(2025, 3, 9), 20, 15),
]
# Seed, start, what is recorded (the index falls when the market rises).
WAYS: Final = [
    *((seed, start, "") for seed, start in zip((42, 1, 7, 2**31), STARTS, strict=True)),
    (42, STARTS[0], "VIX"),
    (1, STARTS[1], "SPY"),
    (7, STARTS[2], "GLD"),
    (3, STARTS[3], "SPY"),
]


def recording(symbol: str, start: float) -> Bars:
    """Two sessions that end with the one of start, a bar a minute, around the asset's anchor."""
    asset = ASSETS[symbol]
    today = session_date(start)
    days = [*sessions_before(today, 1), *([today] if is_session(today) else [])]
    made = {}
    for day in days:
        opening, close = (int(edge) for edge in regular(day))
        times = np.arange(opening, close, 60, dtype=np.int64)
        level = asset.anchor * (1 + 0.01 * np.sin(np.arange(len(times) + 1) / 40))
        opened, closed = np.round(level[:-1], 2), np.round(level[1:], 2)
        high, low = np.maximum(opened, closed) + 0.02, np.minimum(opened, closed) - 0.01
        volume = np.full(len(times), 500.0)
        made[day] = DayBars(times, opened, np.round(high, 2), np.round(low, 2), closed, volume)
    return Bars(symbol, made)


@lru_cache(maxsize=len(WAYS))
def world_of(seed: int, start: float, recorded: str) -> World:
    return World(seed, start, recording(recorded, start) if recorded else None)


@lru_cache(maxsize=2000)
def streamer(world: World, symbol: str) -> str:
    """The feed's name: of a future the nearest contract's."""
    if not symbol.startswith("/"):
        return symbol
    return str(world.futures(symbol[1:])[0]["streamer-symbol"])


def tick_of(symbol: str) -> float:
    return (FUTURES[symbol[1:]] if symbol.startswith("/") else ASSETS[symbol]).tick


def has_volume(symbol: str) -> bool:
    return symbol.startswith("/") or ASSETS[symbol].volume is not None


def unsound(rows: list[tuple[Any, ...]], tick: float, volume: bool) -> list[tuple[Any, ...]]:
    """The rows that can be no bars."""
    if not rows:
        return []
    table = np.array(rows, dtype=np.float64)
    _, count, opened, high, low, close, traded = table.T
    on_tick = np.abs(table[:, 2:6] / tick - np.round(table[:, 2:6] / tick)) < 1e-5
    good = (
        (low > 0)
        & (low <= np.minimum(opened, close))
        & (np.maximum(opened, close) <= high)
        & np.isfinite(high)
        & on_tick.all(axis=1)
        & (count >= 1)
        & ((traded >= 0) if volume else np.isnan(traded))
    )
    return [rows[place] for place in np.flatnonzero(~good)]


def off_grid(rows: list[tuple[Any, ...]], period: str) -> list[int]:
    """Starts that do not ascend or are no start of a bar of that period."""
    step = PERIODS[period] * 1000
    falls = [after[0] for before, after in pairwise(rows) if after[0] <= before[0]]
    return [row[0] for row in rows if row[0] % step] + falls


@pytest.mark.parametrize(("seed", "start", "recorded"), WAYS)
def test_every_symbols_bars_can_be_true(seed: int, start: float, recorded: str) -> None:
    world = world_of(seed, start, recorded)
    since = int((start - 5 * 86_400) * 1000)

    for symbol in LISTED:
        name = streamer(world, symbol)
        minutes = world.candles(name, "m", False, since, start)
        days = world.candles(name, "d", True, since, start)

        for period, rows in (("m", minutes), ("d", days)):
            # A recorded index brings volumes of its own.
            volume = has_volume(symbol) or symbol == recorded
            assert unsound(rows, tick_of(symbol), volume) == [], f"{symbol} {period}"
            assert off_grid(rows, period) == [], f"{symbol} {period}"
            assert rows or symbol == recorded, f"{symbol} {period}"


@settings(deadline=None, max_examples=60)
@given(
    way=st.sampled_from(WAYS),
    symbol=st.sampled_from(LISTED),
    period=st.sampled_from(sorted(PERIODS)),
    tho=st.booleans(),
    later=st.floats(-4 * 86_400, 4 * 86_400),
    back=st.integers(0, 4 * 86_400),
)
def test_bars_of_any_period_at_any_time_can_be_true(
    way: tuple[int, float, str], symbol: str, period: str, tho: bool, later: float, back: int
) -> None:
    world = world_of(*way)
    until = way[1] + later

    rows = world.candles(streamer(world, symbol), period, tho, int((until - back) * 1000), until)

    assert unsound(rows, tick_of(symbol), has_volume(symbol) or symbol == way[2]) == []
    assert off_grid(rows, period) == []
    assert not rows or rows[-1][0] <= until * 1000


@settings(deadline=None, max_examples=150)
@given(
    way=st.sampled_from(WAYS),
    symbol=st.sampled_from(LISTED),
    later=st.floats(0, 86_400),
)
def test_what_is_quoted_traded_and_summed_up_agrees_with_the_bars(
    way: tuple[int, float, str], symbol: str, later: float
) -> None:
    world = world_of(*way)
    world.now = now = way[1] + later
    name = streamer(world, symbol)

    quote, trade, summary = (world.event(kind, name) for kind in ("Quote", "Trade", "Summary"))
    live = world.event("Candle", f"{name}{{=m}}")

    assert (quote is None) == (live is None)
    if quote is None or live is None:
        return
    assert 0 < quote["bidPrice"] <= live["close"] <= quote["askPrice"]
    assert live["close"] == world.price(name)
    if trade is None or summary is None or trade["dayId"] != summary["dayId"]:
        return
    assert summary["dayLowPrice"] <= trade["price"] <= summary["dayHighPrice"]
    assert summary["dayLowPrice"] <= summary["dayOpenPrice"] <= summary["dayHighPrice"]
    minutes = today(world, name, trade["dayId"], now)
    assert minutes[-1][5] == trade["price"]
    assert minutes[0][2] == summary["dayOpenPrice"]
    assert max(row[3] for row in minutes) == summary["dayHighPrice"]
    assert min(row[4] for row in minutes) == summary["dayLowPrice"]
    if has_volume(symbol) or symbol == way[2]:
        assert math.fsum(row[6] for row in minutes) == trade["dayVolume"]
    else:
        assert math.isnan(trade["dayVolume"])


def today(world: World, name: str, number: int, now: float) -> list[tuple[Any, ...]]:
    """The regular minutes of the trading day with that number."""
    kind: Kind = "future" if name.startswith("/") else "equity"
    rows = world.candles(name, "m", True, int((now - 6 * 86_400) * 1000), now)
    return [row for row in rows if day_id(session_date(row[0] / 1000, kind)) == number]
