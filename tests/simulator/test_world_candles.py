"""Longer bars against a slow second way of adding up minutes."""

from __future__ import annotations

import math
import time
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.market.sessions import instant, new_york_date, session_date
from grok_sauce.simulator.market import World

NOW = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York
PERIODS = {"2m": 120, "5m": 300, "15m": 900, "30m": 1800, "h": 3600, "2h": 7200, "4h": 14400}
SYMBOLS = ["SPY", "SPX", "UUP", "/ESH27:XCME"]
WORLD = World(42, NOW)


def slow(rows: list[tuple], start_of) -> list[tuple]:  # type: ignore[no-untyped-def, type-arg]
    """Put minutes together one by one; start_of(time_ms) is the start of the longer bar."""
    made: dict[int, list[float]] = {}
    for time_ms, count, opened, high, low, close, volume in rows:
        bar = made.setdefault(start_of(time_ms), [0, opened, high, low, close, 0.0])
        bar[0] += count
        bar[2], bar[3] = max(bar[2], high), min(bar[3], low)
        bar[4] = close
        bar[5] += volume
    return [(start, *bar) for start, bar in sorted(made.items())]


def same(one: list[tuple], other: list[tuple]) -> bool:  # type: ignore[type-arg]
    return len(one) == len(other) and all(
        left == right or (math.isnan(left) and math.isnan(right))
        for a, b in zip(one, other, strict=True)
        for left, right in zip(a, b, strict=True)
    )


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(SYMBOLS),
    st.sampled_from(sorted(PERIODS)),
    st.booleans(),
    st.floats(NOW - 3 * 86400, NOW + 86400),
)
def test_longer_bars_are_made_of_minutes(symbol: str, period: str, tho: bool, until: float) -> None:
    step = PERIODS[period] * 1000
    start = int((until - 2 * 86400) * 1000) // step * step
    minutes = WORLD.candles(symbol, "m", tho, start, until)

    bars = WORLD.candles(symbol, period, tho, start, until)

    assert same(bars, slow(minutes, lambda time_ms: time_ms // step * step))


@settings(deadline=None, max_examples=12)
@given(st.sampled_from(SYMBOLS), st.booleans(), st.floats(NOW - 2 * 86400, NOW + 86400))
def test_days_are_made_of_the_minutes_of_their_session(
    symbol: str, tho: bool, until: float
) -> None:
    kind = "future" if symbol.startswith("/") else "equity"
    minutes = WORLD.candles(symbol, "m", tho, int((until - 12 * 86400) * 1000), until)

    def stamp(time_ms: int) -> int:
        day = session_date(time_ms / 1000, kind)
        return (day.toordinal() - date(1970, 1, 1).toordinal()) * 86_400_000

    bars = WORLD.candles(symbol, "d", tho, int((until - 8 * 86400) * 1000), until)

    assert bars
    assert same(bars, [bar for bar in slow(minutes, stamp) if bar[0] >= bars[0][0]])


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(SYMBOLS), st.floats(NOW - 5 * 86400, NOW + 5 * 86400))
def test_bars_are_sound_and_join_on(symbol: str, until: float) -> None:
    rows = WORLD.candles(symbol, "m", False, int((until - 86400) * 1000), until)

    assert all(low <= min(o, c) <= max(o, c) <= high for _, _, o, high, low, c, _ in rows)
    assert all(count >= 1 for _, count, *_ in rows)
    assert all(row[0] % 60_000 == 0 for row in rows)
    for before, after in pairwise(rows):
        assert after[0] > before[0]
        if after[0] == before[0] + 60_000 and before[0] / 1000 + 60 <= until:
            assert after[2] == pytest.approx(before[5], abs=1e-9)
    assert not rows or rows[-1][0] <= until * 1000


def test_five_sessions_of_twenty_symbols_come_within_a_second() -> None:
    world = World(5, NOW)
    symbols = [record["symbol"] for record in world.equities("S") + world.equities("I")][:4]
    symbols += [
        "QQQ",
        "XLF",
        "XLP",
        "XLU",
        "TIP",
        "GLD",
        "TLT",
        "UUP",
        "NVDA",
        "AAPL",
        "MSFT",
        "TSLA",
    ]
    symbols += ["AMZN", "META", "AMD", "VIX"]

    began = time.process_time()
    bars = [world.candles(each, "m", False, int((NOW - 6.6 * 86400) * 1000), NOW)
            for each in symbols]  # fmt: skip
    took = time.process_time() - began

    assert sum(map(len, bars)) > 60_000
    assert took < 2.0  # a third of that on an idle machine


def test_eight_sessions_of_minutes_and_sixty_of_days_are_there() -> None:
    minutes = WORLD.candles("TLT", "m", False, 0, NOW)
    days = WORLD.candles("TLT", "d", True, 0, NOW)

    assert len({new_york_date(row[0] / 1000) for row in minutes}) > 8
    assert len(days) > 60


def test_days_differ_in_volume() -> None:
    volumes = [row[6] for row in WORLD.candles("SPY", "d", True, 0, NOW)][:-1]

    mean = sum(volumes) / len(volumes)
    spread = (sum((volume / mean - 1) ** 2 for volume in volumes) / len(volumes)) ** 0.5
    assert 0.1 < spread < 0.8


def test_a_session_is_busy_at_its_ends() -> None:
    day = date(2026, 12, 15)
    minutes = WORLD.candles("SPY", "30m", True, int(instant(day, 9, 30) * 1000), instant(day, 16))

    volumes = [row[6] for row in minutes]
    assert volumes[0] > 1.5 * volumes[6]
    assert volumes[12] > 1.2 * volumes[6]


@pytest.mark.parametrize("period", ["mo", "13m", "t", "", "w"])
def test_periods_that_are_not_served_are_empty(period: str) -> None:
    assert WORLD.candles("SPY", period, False, 0, NOW) == []


def test_a_candle_symbol_tells_its_live_bar() -> None:
    event = WORLD.event("Candle", "SPY{=5m,tho=true}")

    row = WORLD.candles("SPY", "5m", True, 0, WORLD.now)[-1]
    assert (event["time"], event["count"], event["open"], event["high"]) == row[:4]
    assert (event["low"], event["close"], event["volume"]) == row[4:]
    assert event["index"] == (row[0] // 1000) << 32
    assert event["eventFlags"] == 0
