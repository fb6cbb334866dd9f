"""chain_book: columns kept by difference say what the state says, and nothing old as new."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market import sessions
from grok_sauce.market.batches import FIELDS, Batch
from grok_sauce.market.chain_book import ChainBook, Spot, as_floats
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.instruments import provisional
from grok_sauce.market.listing import Listing
from grok_sauce.market.state import MarketState

NOW = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York
TODAY = sessions.day_id(date(2026, 12, 16))
EXPIRIES = (Expiry(date(2026, 12, 16), "SPXW", "PM"), Expiry(date(2026, 12, 18), "SPX", "AM"))
STREAMERS = (".SPXW261216C6000", ".SPXW261216P6000", ".SPX261218C6050", ".SPXW261216C7000")


def listing(**changes: Any) -> Listing:
    terms: dict[str, Any] = {
        "symbol": "SPX",
        "underlying": provisional("SPX"),
        "expiries": EXPIRIES,
        "listed": (300, 200),
        "window": (0, 1),
        "whole": frozenset({0, 1}),
        "streamers": STREAMERS,
        "expiry": (0, 0, 1, 0),
        "strike": (6_000_000, 6_000_000, 6_050_000, 7_000_000),
        "is_call": (True, False, True, True),
        "multiplier": (100.0, 100.0, None, 100.0),
        "core": (True, True, True, False),
    }
    return Listing(**{**terms, **changes})


def state_with(one: Listing) -> MarketState:
    state = MarketState()
    state.apply(Batch("Chain", ["SPX"], ([one],), NOW))
    return state


def tell(state: MarketState, kind: str, streamer: str, at: float = NOW, **values: Any) -> None:
    columns = tuple([values.get(name)] for name in FIELDS[kind])
    state.apply(Batch(kind, [streamer], columns, at))


def greeks(state: MarketState, streamer: str, iv: Any, at: float = NOW, **more: Any) -> None:
    values = {"volatility": iv, "gamma": 0.004, "delta": 0.5, **more}
    tell(state, "Greeks", streamer, at, **values)


SPOT = Spot(6001.5, "trade", NOW - 1)


def test_a_frozen_chain_has_what_the_feed_said_and_nan_for_what_it_did_not() -> None:
    one = listing()
    state = state_with(one)
    greeks(state, STREAMERS[0], 0.147)
    tell(state, "Summary", STREAMERS[0], NOW - 9, openInterest=1200, dayId=TODAY)
    tell(state, "Trade", STREAMERS[0], price=3.0, dayVolume=900.0, dayId=TODAY)
    tell(state, "Quote", STREAMERS[0], NOW - 2, bidPrice=2.9, askPrice=3.1)
    book = ChainBook(one)

    book.update(state, set())
    chain = book.frozen(SPOT, NOW, "DEMO")

    assert chain.contract == ("SPXW261216C06000000", "SPXW261216P06000000", "SPX261218C06050000")
    assert (chain.oi[0], chain.volume[0], chain.iv[0], chain.gamma[0]) == (1200, 900, 0.147, 0.004)
    assert (chain.bid[0], chain.ask[0], chain.quote_at[0]) == (2.9, 3.1, NOW - 2)
    assert (chain.greeks_at[0], chain.oi_at[0]) == (NOW, NOW - 9)
    assert np.isnan([chain.oi[1], chain.volume[1], chain.iv[1], chain.multiplier[2]]).all()
    assert (chain.oi_date, chain.listed) == (date(2026, 12, 15), 2)


def test_a_contract_followed_for_one_page_alone_is_in_no_sum() -> None:
    one = listing()
    book = ChainBook(one)
    book.update(state_with(one), set())

    assert "SPXW261216C07000000" not in book.frozen(SPOT, NOW, "DEMO").contract
    assert "SPXW261216C07000000" in book.whole(SPOT, NOW, "DEMO").contract


def test_greeks_that_a_server_repeats_at_sign_in_are_as_old_as_it_says() -> None:
    one = listing()
    state = state_with(one)
    friday = NOW - 2 * 86400
    greeks(state, STREAMERS[0], 0.15, NOW, time=int(friday * 1000))
    greeks(state, STREAMERS[1], 0.15, NOW, time=0)
    book = ChainBook(one)
    book.update(state, set())

    real = book.frozen(SPOT, NOW, "LIVE").greeks_at
    delayed = book.frozen(SPOT, NOW, "DELAYED").greeks_at

    assert real[:2].tolist() == [friday, NOW]
    assert delayed[:2].tolist() == [NOW, NOW]


def test_volume_of_another_day_is_none_of_today() -> None:
    one = listing()
    state = state_with(one)
    tell(state, "Trade", STREAMERS[0], dayVolume=500.0, dayId=TODAY - 1)
    tell(state, "Trade", STREAMERS[1], dayVolume=70.0, dayId=TODAY)
    book = ChainBook(one)
    book.update(state, set())

    assert book.frozen(SPOT, NOW, "DEMO").volume[:2].tolist() == [0.0, 70.0]


@pytest.mark.parametrize(
    ("day_ids", "evening"),
    [
        ((TODAY, TODAY, TODAY - 1), date(2026, 12, 15)),
        ((TODAY - 1, TODAY - 1, TODAY), date(2026, 12, 14)),
        (("NaN", 0, None), None),
    ],
    ids=["today's", "not published yet", "unknown"],
)
def test_open_interest_carries_the_evening_of_its_count(
    day_ids: tuple[Any, ...], evening: date | None
) -> None:
    one = listing()
    state = state_with(one)
    for streamer, day in zip(STREAMERS, day_ids, strict=False):
        tell(state, "Summary", streamer, openInterest=5, dayId=day)
    book = ChainBook(one)
    book.update(state, set())

    assert book.frozen(SPOT, NOW, "DEMO").oi_date == evening


def test_only_contracts_that_changed_are_read_again() -> None:
    one = listing()
    state = state_with(one)
    book = ChainBook(one)
    book.update(state, set())
    greeks(state, STREAMERS[0], 0.2)
    greeks(state, STREAMERS[1], 0.3)

    read = book.update(state, {STREAMERS[0], "SPY"})

    assert read == 1
    chain = book.frozen(SPOT, NOW, "DEMO")
    assert chain.iv[0] == 0.2
    assert np.isnan(chain.iv[1])


def test_a_frozen_chain_does_not_change_with_the_book() -> None:
    one = listing()
    state = state_with(one)
    greeks(state, STREAMERS[0], 0.2)
    book = ChainBook(one)
    book.update(state, set())
    chain = book.frozen(SPOT, NOW, "DEMO")

    greeks(state, STREAMERS[0], 0.9)
    book.update(state, {STREAMERS[0]})

    assert chain.iv[0] == 0.2


def test_what_nobody_follows_any_more_is_forgotten() -> None:
    one = listing()
    state = state_with(one)
    greeks(state, STREAMERS[0], 0.2)
    greeks(state, STREAMERS[1], 0.2)
    less = listing(
        streamers=STREAMERS[1:2],
        **{"expiry": (0,), "strike": (6_000_000,), "is_call": (False,)},
        **{"multiplier": (100.0,), "core": (True,)},
    )

    state.apply(Batch("Chain", ["SPX"], ([less],), NOW))

    assert set(state.last["Greeks"]) == {STREAMERS[1]}


def test_the_underlying_of_a_listing_is_known_until_the_listing_goes() -> None:
    one = listing()
    state = state_with(one)
    known = state.instrument_of("SPX")

    state.apply(Batch("Chain", ["SPX"], ([None],), NOW))

    assert known == provisional("SPX")
    assert state.instrument_of("SPX") is None
    assert state.listings == {}


wire = st.sampled_from([None, "NaN", "Infinity", "-Infinity", "text", True, 10**400]) | st.floats()
steps = st.lists(
    st.tuples(
        st.sampled_from(["Greeks", "Summary", "Trade", "Quote"]),
        st.sampled_from(STREAMERS),
        wire,
        st.booleans(),
    ),
    max_size=25,
)


@given(steps)
def test_a_book_kept_by_difference_equals_one_read_anew(steps: list[Any]) -> None:
    one = listing()
    state = state_with(one)
    kept = ChainBook(one)
    changed: set[str] = set()
    for number, (kind, streamer, value, look) in enumerate(steps):
        values = dict.fromkeys(FIELDS[kind], value)
        tell(state, kind, streamer, NOW + number, **values)
        changed.add(streamer)
        if look:
            kept.update(state, changed)
            changed = set()
    kept.update(state, changed)
    fresh = ChainBook(one)
    fresh.update(state, set())

    left, right = (book.whole(SPOT, NOW + 60, "DEMO") for book in (kept, fresh))

    for name in ("oi", "volume", "bid", "ask", "iv", "gamma", "greeks_at", "quote_at", "oi_at"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
        assert not np.isinf(getattr(left, name)).any()


def test_what_is_no_number_is_nan() -> None:
    found = as_floats([1, 2.5, None, "NaN", "Infinity", float("-inf"), "text"])

    assert found[:2].tolist() == [1.0, 2.5]
    assert np.isnan(found[2:]).all()
