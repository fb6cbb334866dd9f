"""Values read from raw rows: numbers are finite or None, whatever the wire held."""

from __future__ import annotations

import json
from math import isfinite, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market.batches import FIELDS
from grok_sauce.market.events import (
    Bar,
    Greeks,
    Profile,
    Quote,
    Summary,
    Trade,
    amount,
    moment,
    number,
    tally,
    whole,
)
from grok_sauce.market.prints import Print

TIME = 1_797_449_520_000  # 2026-12-16 14:32:00 New York
WIRE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.sampled_from(["NaN", "Infinity", "-Infinity", "", "12.5", "null"])
    | st.text(max_size=5)
    | st.lists(st.integers(), max_size=2)
)


@given(WIRE)
def test_a_number_is_a_finite_float_or_none(value: Any) -> None:
    clean = number(value)

    assert clean is None or (type(clean) is float and isfinite(clean))


@given(WIRE)
def test_a_number_is_none_for_everything_that_is_not_a_number(value: Any) -> None:
    clean = number(value)

    if isinstance(value, bool) or not isinstance(value, int | float):
        assert clean is None


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_a_finite_number_keeps_its_value(value: float) -> None:
    assert number(value) == value


@given(WIRE)
def test_whole_amount_tally_and_moment_keep_their_promises(value: Any) -> None:
    found = whole(value), amount(value), tally(value), moment(value)

    assert found[0] is None or (type(found[0]) is int and found[0] == value)
    assert found[1] is None or found[1] >= 0
    assert found[2] is None or (type(found[2]) is int and found[2] >= 0)
    assert found[3] is None or 631_152_000_000 <= found[3] < 2_147_483_647_000


def test_a_whole_number_beyond_floats_is_kept_exactly() -> None:
    assert whole(2**53 + 1) == 2**53 + 1
    assert whole(1200.0) == 1200
    assert whole(0.5) is None


@pytest.mark.parametrize(
    "value",
    [0, -1, "NaN", None, 2_147_483_648_000, 1_797_449_520],
    ids=["not supplied", "negative", "NaN", "null", "marker of 2038", "seconds"],
)
def test_a_time_that_means_nothing_is_unknown(value: Any) -> None:
    assert moment(value) is None


def test_a_far_option_may_bid_a_real_zero_and_a_missing_side_is_none() -> None:
    quote = Quote.of(".SPY261218C900", (0.0, 0.05, 1.5))

    assert (quote.bid, quote.ask) == (0.0, 0.05)
    assert Quote.of(".SPY261218C900", ("NaN", 0.05, 1.5)).bid is None
    assert quote.mid is None
    assert quote.spread == 0.05
    assert quote.at == 1.5


@pytest.mark.parametrize(
    ("bid", "ask", "mid"),
    [(597.0, 598.0, 597.5), (598.0, 597.0, None), ("NaN", 598.0, None), (597.0, None, None)],
    ids=["two sides", "crossed", "no bid", "no ask"],
)
def test_a_mid_needs_two_sides_in_order(bid: Any, ask: Any, mid: float | None) -> None:
    assert Quote.of("SPY", (bid, ask, 0.0)).mid == mid


def test_an_index_trade_has_a_price_and_no_volume() -> None:
    trade = Trade.of("SPX", (5528.75, "NaN", TIME, 20803, 7.0))

    assert trade == Trade("SPX", 5528.75, None, TIME, 20803, 7.0)


def test_a_trade_without_time_or_day_says_so() -> None:
    trade = Trade.of("SPY", (597.0, 5e6, 0, 0, 7.0), extended=True)

    assert (trade.time, trade.day_id, trade.extended) == (None, None, True)


def test_a_summary_before_the_open_knows_only_yesterday() -> None:
    summary = Summary.of("SPY", (20803, "NaN", "NaN", "NaN", "NaN", 596.1, 6.1e7, 1200.0, 3.0))

    assert (summary.day_open, summary.day_close, summary.prev_close) == (None, None, 596.1)
    assert summary.open_interest == 1200
    assert type(summary.open_interest) is int


@pytest.mark.parametrize(
    ("status", "read", "halted"),
    [("HALTED", "HALTED", True), ("ACTIVE", "ACTIVE", False), ("UNDEFINED", None, False)],
)
def test_a_profile_is_halted_only_when_the_feed_says_so(
    status: str, read: str | None, halted: bool
) -> None:
    profile = Profile.of("SPY", ("SPDR S&P 500", status, "\0", 0, TIME, 3.0))

    assert (profile.trading_status, profile.is_halted) == (read, halted)
    assert (profile.status_reason, profile.halt_start, profile.halt_end) == (None, None, TIME)


def test_greeks_of_an_illiquid_contract_are_unknown() -> None:
    greeks = Greeks.of(".SPY261218C680", (2.5, 0.18, *("NaN",) * 3, -0.02, 1_797_449_526_500, 3.0))

    assert (greeks.volatility, greeks.delta, greeks.gamma, greeks.vega) == (0.18, None, None, -0.02)


@pytest.mark.parametrize("kind", sorted(FIELDS))
@given(values=st.lists(WIRE, min_size=9, max_size=9))
def test_no_row_of_any_kind_can_hold_what_json_cannot_say(kind: str, values: list[Any]) -> None:
    row = (*values[: len(FIELDS[kind])], 1.0)
    readers = {
        "Quote": Quote.of,
        "Trade": Trade.of,
        "TradeETH": Trade.of,
        "Summary": Summary.of,
        "Profile": Profile.of,
        "Greeks": Greeks.of,
        "Candle": lambda _, bar: Bar.of(bar[:-1]),
        "TimeAndSale": lambda symbol, row: Print.of(symbol, row[:-1], row[-1]),
    }

    value = readers[kind]("X", row)

    fields = {} if value is None else {name: getattr(value, name) for name in value.__slots__}
    assert json.dumps(fields, allow_nan=False)


BAR = (0, 1, TIME, 12, 597.0, 598.0, 596.5, 597.5, 1e4)


def test_a_bar_is_read_with_its_start_and_count() -> None:
    assert Bar.of(BAR) == Bar(TIME, 597.0, 598.0, 596.5, 597.5, 1e4, 12)


@pytest.mark.parametrize(
    ("place", "value"),
    [(2, 0), (2, 2_147_483_648_000), (4, "NaN"), (5, 596.9), (6, 0.0), (6, 597.2), (7, -1.0)]
    + [(7, nan), (5, "Infinity"), (7, 598.5)],
    ids=["no time", "2038", "no open", "high under open", "low 0", "low above open", "negative"]
    + ["nan close", "infinite high", "close above high"],
)
def test_nonsense_is_no_bar(place: int, value: Any) -> None:
    row = list(BAR)
    row[place] = value

    assert Bar.of(row) is None


@pytest.mark.parametrize("volume", ["NaN", None, -5.0])
def test_a_bar_without_volume_keeps_its_prices(volume: Any) -> None:
    bar = Bar.of((*BAR[:-1], volume))

    assert bar is not None
    assert (bar.close, bar.volume) == (597.5, None)
