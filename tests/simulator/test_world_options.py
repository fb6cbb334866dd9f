"""Options of the simulated market: listed, priced and quoted like the real ones."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.analytics.black_scholes import price
from grok_sauce.market.instruments import parse_occ, parse_streamer
from grok_sauce.market.sessions import YEAR, instant, is_monthly, is_session, settlement
from grok_sauce.simulator.chains import BOOKS, Expiry, expiries, strikes
from grok_sauce.simulator.futures import RATE
from grok_sauce.simulator.market import World
from grok_sauce.simulator.surface import atm_vol, implied_vol

NOW = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York
DAY = date(2026, 12, 16)
WORLD = World(42, NOW)
PRESETS = ["SPX", "NDX", "SPY", "QQQ", "IWM", "DIA"]


def expirations(underlying: str, root: str) -> list[dict]:  # type: ignore[type-arg]
    items = WORLD.chain(underlying)["items"]
    return next(item for item in items if item["root-symbol"] == root)["expirations"]


def near(underlying: str, root: str, place: int = 0) -> dict:  # type: ignore[type-arg]
    """The strike nearest spot of an expiration."""
    spot = WORLD.price(underlying)
    rows = expirations(underlying, root)[place]["strikes"]
    return min(rows, key=lambda row: abs(float(row["strike-price"]) - spot))


@pytest.mark.parametrize("underlying", PRESETS)
def test_a_chain_has_the_brokers_shape(underlying: str) -> None:
    for item in WORLD.chain(underlying)["items"]:
        assert item["underlying-symbol"] == underlying
        assert item["shares-per-contract"] == 100
        assert item["option-chain-type"] == "Standard"
        days = [expiration["expiration-date"] for expiration in item["expirations"]]
        assert days == sorted(set(days))
        for expiration in item["expirations"]:
            day = date.fromisoformat(expiration["expiration-date"])
            assert is_session(day)
            assert expiration["days-to-expiration"] == (day - DAY).days >= 0
            assert expiration["settlement-type"] in ("AM", "PM")
            prices = [float(row["strike-price"]) for row in expiration["strikes"]]
            assert prices == sorted(set(prices))
            assert prices[0] < WORLD.price(underlying) < prices[-1]


@pytest.mark.parametrize("underlying", PRESETS)
def test_symbols_of_a_chain_say_their_own_terms(underlying: str) -> None:
    for item in WORLD.chain(underlying)["items"]:
        for expiration in item["expirations"][::4]:
            for row in expiration["strikes"][::17]:
                for right, side in (("C", "call"), ("P", "put")):
                    terms = parse_occ(row[side])
                    assert terms == parse_streamer(row[f"{side}-streamer-symbol"])
                    assert terms.streamer == row[f"{side}-streamer-symbol"]
                    assert terms.occ == row[side]
                    assert terms.root == item["root-symbol"]
                    assert terms.right == right
                    assert float(terms.strike) == float(row["strike-price"])
                    assert terms.expiry.isoformat() == expiration["expiration-date"]


def test_an_index_has_a_morning_root_and_an_afternoon_root() -> None:
    spx, spxw = expirations("SPX", "SPX"), expirations("SPX", "SPXW")

    assert {each["settlement-type"] for each in spx} == {"AM"}
    assert {each["settlement-type"] for each in spxw} == {"PM"}
    assert all(is_monthly(date.fromisoformat(each["expiration-date"])) for each in spx)
    third_friday = "2026-12-18"
    assert third_friday in [each["expiration-date"] for each in spx]
    assert third_friday in [each["expiration-date"] for each in spxw]


@pytest.mark.parametrize("underlying, root", [("SPX", "SPXW"), ("NDX", "NDXP"), ("SPY", "SPY"),
                                              ("QQQ", "QQQ"), ("IWM", "IWM")])  # fmt: skip
def test_ten_sessions_have_an_expiry_each(underlying: str, root: str) -> None:
    days = [each["expiration-date"][5:] for each in expirations(underlying, root)[:10]]

    assert days == ["12-16", "12-17", "12-18", "12-21", "12-22",
                    "12-23", "12-24", "12-28", "12-29", "12-30"]  # fmt: skip


def test_kinds_of_expiry_are_told_apart() -> None:
    kinds = {each["expiration-date"]: each["expiration-type"]
             for each in expirations("SPY", "SPY")}  # fmt: skip

    assert kinds["2026-12-16"] == "Weekly"
    assert kinds["2026-12-18"] == "Regular"
    assert kinds["2026-12-31"] == "Quarterly"
    assert kinds["2027-01-29"] == "End-Of-Month"


def test_sixty_strikes_each_side_are_there_for_the_nearest_expiries() -> None:
    for underlying, root in (("SPX", "SPXW"), ("NDX", "NDXP"), ("SPY", "SPY"), ("QQQ", "QQQ")):
        spot = WORLD.price(underlying)
        for expiration in expirations(underlying, root)[:5]:
            prices = [float(row["strike-price"]) for row in expiration["strikes"]]
            assert sum(price > spot for price in prices) >= 60
            assert sum(price < spot for price in prices) >= 60


@pytest.mark.parametrize("symbol", ["DXY", "VIX", "UUP", "NOSUCH", "/ES"])
def test_what_has_no_options_has_no_chain(symbol: str) -> None:
    assert WORLD.chain(symbol) is None


@pytest.mark.parametrize(
    "symbol",
    [".SPXW261218C6003", ".SPXW261219C6000", ".SPXW251218C6000", ".SPXW261218C6000.0", ".ZZZ1C1",
     ".SPX261216C6000"],
    ids=["odd strike", "Saturday", "expired", "spelling", "no option", "no such expiry"],
)  # fmt: skip
def test_contracts_that_are_not_listed_are_silent(symbol: str) -> None:
    assert not WORLD.serves(symbol)
    assert WORLD.event("Greeks", symbol) is None
    assert WORLD.event("Quote", symbol) is None
    assert WORLD.event("Summary", symbol) is None


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(PRESETS),
    st.integers(0, 60),
    st.floats(0, 1),
    st.booleans(),
    st.floats(instant(DAY, 9, 31), instant(DAY, 15, 55)),
)
def test_prices_and_greeks_agree_with_an_independent_library(
    underlying: str, number: int, along: float, is_call: bool, now: float
) -> None:
    vollib = pytest.importorskip("vollib.black_scholes_merton")
    oracle = pytest.importorskip("vollib.black_scholes_merton.greeks.analytical")
    world = World(42, now)
    listed = expiries(underlying, DAY)
    expiry = listed[number % len(listed)]
    rows = next(
        each["strikes"]
        for item in world.chain(underlying)["items"]
        for each in item["expirations"]
        if (item["root-symbol"], each["expiration-date"]) == (expiry.root, str(expiry.day))
    )
    row = rows[int(along * (len(rows) - 1))]
    symbol = row["call-streamer-symbol" if is_call else "put-streamer-symbol"]

    greeks = world.event("Greeks", symbol)

    at = greeks["time"] / 1000
    years = (settlement(expiry.day, expiry.settlement) - at) / YEAR
    terms = (
        "c" if is_call else "p", world._spot(underlying, at), float(row["strike-price"]),
        years, RATE, greeks["volatility"], BOOKS[underlying].yields,
    )  # fmt: skip
    assert now - 25 <= at <= now
    assert greeks["price"] == pytest.approx(vollib.black_scholes_merton(
        terms[0], *terms[1:5], terms[5], terms[6]), abs=2e-3)  # fmt: skip
    assert greeks["delta"] == pytest.approx(oracle.delta(*terms), abs=2e-4)
    assert greeks["gamma"] == pytest.approx(oracle.gamma(*terms), rel=2e-3, abs=1e-9)
    assert greeks["vega"] == pytest.approx(oracle.vega(*terms), rel=2e-3, abs=1e-6)
    assert greeks["theta"] == pytest.approx(oracle.theta(*terms), rel=2e-3, abs=1e-3)
    assert greeks["rho"] == pytest.approx(oracle.rho(*terms), rel=2e-3, abs=1e-4)


@pytest.mark.parametrize("underlying", PRESETS)
def test_quotes_lie_around_the_model_on_the_tick(underlying: str) -> None:
    below, above = BOOKS[underlying].ticks
    for item in WORLD.chain(underlying)["items"]:
        for row in item["expirations"][1]["strikes"][::9]:
            for side in ("call-streamer-symbol", "put-streamer-symbol"):
                quote, fair = (WORLD.event(kind, row[side]) for kind in ("Quote", "Greeks"))
                bid, ask = quote["bidPrice"], quote["askPrice"]
                tick = below if fair["price"] < 3 else above
                assert 0 <= bid <= fair["price"] <= ask
                assert bid < ask
                assert bid / tick == pytest.approx(round(bid / tick), abs=1e-6)
                assert ask / tick == pytest.approx(round(ask / tick), abs=1e-6)
                trade = WORLD.event("Trade", row[side])
                assert trade is None or bid <= trade["price"] <= ask


@pytest.mark.parametrize("underlying", PRESETS)
def test_calls_and_puts_keep_parity(underlying: str) -> None:
    spot, book = WORLD.price(underlying), BOOKS[underlying]
    for root in book.roots:
        for expiration in expirations(underlying, root.name)[1:4]:
            day = date.fromisoformat(expiration["expiration-date"])
            years = (settlement(day, root.settlement) - NOW) / YEAR
            for row in expiration["strikes"]:
                strike = float(row["strike-price"])
                if abs(strike / spot - 1) > 0.02:
                    continue
                call, put = (
                    WORLD.price(row[f"{side}-streamer-symbol"]) for side in ("call", "put")
                )
                forward = strike + math.exp(RATE * years) * (call - put)
                fair = spot * math.exp((RATE - book.yields) * years)
                assert forward == pytest.approx(fair, rel=1e-3)


@pytest.mark.parametrize("days", [0, 1, 7, 30, 180, 365])
@pytest.mark.parametrize("vix", [12.0, 18.0, 40.0])
def test_the_smile_allows_no_free_lunch(days: int, vix: float) -> None:
    years = (days + 0.3) / 365
    deviation = float(atm_vol("SPX", vix, years)) * years**0.5
    grid = np.linspace(6000 * math.exp(-9 * deviation), 6000 * math.exp(6 * deviation), 800)
    vol = implied_vol("SPX", 6000.0, grid, years, vix)

    calls = price(6000.0, grid, years, vol, True)

    slopes = np.diff(calls) / np.diff(grid)
    assert (slopes <= 1e-9).all()
    assert (slopes >= -1 - 1e-9).all()
    assert (np.diff(slopes) >= -1e-11).all()


def test_puts_are_dearer_than_calls_and_far_expiries_calmer_than_panic() -> None:
    strikes_ = np.array([5700.0, 6000.0, 6300.0])

    smile = implied_vol("SPX", 6000.0, strikes_, 30 / 365, 18.0)
    panic = implied_vol("SPX", 6000.0, strikes_, 30 / 365, 60.0)
    far = implied_vol("SPX", 6000.0, strikes_, 2.0, 60.0)

    assert smile[0] > smile[1] > smile[2]
    assert 0.14 < smile[1] < 0.19
    assert panic[1] > far[1] > smile[1]


def test_open_interest_has_round_peaks_and_more_puts_and_stands_still_all_day() -> None:
    world = World(42, NOW)
    totals = {"C": 0, "P": 0}
    by_strike: dict[float, int] = {}
    for row in expirations("SPX", "SPX")[2]["strikes"]:
        for right, side in (("C", "call"), ("P", "put")):
            symbol = row[f"{side}-streamer-symbol"]
            before = world.event("Summary", symbol)["openInterest"]
            assert isinstance(before, int)
            totals[right] += before
            strike = float(row["strike-price"])
            by_strike[strike] = by_strike.get(strike, 0) + before
    symbol = near("SPX", "SPX", 2)["call-streamer-symbol"]
    morning = world.event("Summary", symbol)
    world.advance(instant(DAY, 23, 59))
    evening = world.event("Summary", symbol)
    world.advance(instant(date(2026, 12, 17), 8))
    tomorrow = world.event("Summary", symbol)

    assert 1.1 < totals["P"] / totals["C"] < 3
    middle = {strike: number for strike, number in by_strike.items() if 5700 < strike < 6300}
    hundreds = [number for strike, number in middle.items() if strike % 100 == 0]
    rest = [number for strike, number in middle.items() if strike % 25]
    assert sum(hundreds) / len(hundreds) > 3 * sum(rest) / len(rest)
    assert morning["openInterest"] == evening["openInterest"]
    assert tomorrow["openInterest"] != morning["openInterest"]


def test_volume_grows_through_the_day_and_starts_anew() -> None:
    symbol = near("SPY", "SPY", 2)["put-streamer-symbol"]
    seen = []
    for hour in range(10, 17):
        world = World(42, NOW)
        world.now = instant(DAY, hour)
        seen.append(world.event("Trade", symbol)["dayVolume"])
    today = world.event("Trade", symbol)
    world.now = instant(date(2026, 12, 17), 9, 31)
    tomorrow = world.event("Trade", symbol)
    world.now = instant(date(2026, 12, 17), 12)

    assert seen == sorted(seen)
    assert seen[0] > 0
    assert len(set(seen)) == len(seen)
    assert tomorrow["dayId"] == today["dayId"] + 1
    assert tomorrow["dayVolume"] < world.event("Trade", symbol)["dayVolume"] / 20


def test_watched_options_are_repriced_near_the_money_first() -> None:
    world = World(42, NOW)
    rows = expirations("SPX", "SPXW")[1]["strikes"]
    money = near("SPX", "SPXW", 1)["call-streamer-symbol"]
    far = rows[0]["put-streamer-symbol"]
    for symbol in (money, far):
        world.watch("Greeks", symbol)
        world.watch("Quote", symbol)
    told = {money: 0, far: 0}

    for step in range(1, 601):
        for kind, symbol in world.advance(NOW + step / 10):
            told[symbol] += kind == "Greeks"

    assert 40 <= told[money] <= 70
    assert 1 <= told[far] <= 6
    world.unwatch("Greeks", money)
    world.unwatch("Quote", money)
    assert all(symbol == far for _, symbol in world.advance(NOW + 90))


def test_greeks_follow_the_spot_within_two_seconds() -> None:
    world = World(42, NOW)
    symbol = near("SPX", "SPXW", 0)["call-streamer-symbol"]

    for step in range(0, 120, 7):
        world.advance(NOW + step)
        assert world.now - world.event("Greeks", symbol)["time"] / 1000 <= 2.0


def test_repricing_can_be_slowed_for_fast_days() -> None:
    world = World(42, NOW)
    world.option_seconds = 24.0
    symbol = near("SPX", "SPXW", 0)["call-streamer-symbol"]
    world.watch("Greeks", symbol)

    told = sum(bool(world.advance(NOW + step)) for step in range(1, 241))

    assert 8 <= told <= 13


def test_options_stand_still_at_night() -> None:
    world = World(42, instant(DAY, 16, 20))
    symbol = near("SPX", "SPXW", 1)["call-streamer-symbol"]
    for kind in ("Greeks", "Quote", "Trade"):
        world.watch(kind, symbol)
    world.advance(instant(DAY, 16, 21))

    assert world.advance(instant(DAY, 23)) == set()
    assert world.event("Greeks", symbol)["time"] <= instant(DAY, 16, 15) * 1000


def test_an_expired_contract_goes_silent_the_day_after() -> None:
    world = World(42, NOW)
    symbol = near("SPX", "SPXW", 0)["call-streamer-symbol"]
    assert world.serves(symbol)
    world.watch("Greeks", symbol)

    world.advance(instant(date(2026, 12, 17), 10))

    assert not world.serves(symbol)
    assert world.event("Greeks", symbol) is None
    assert world.advance(instant(date(2026, 12, 17), 11)) == set()


def test_events_of_options_are_a_function_of_time_alone() -> None:
    symbols = [near("SPX", "SPXW", place)["put-streamer-symbol"] for place in (0, 3, 9)]
    walked, jumped = World(42, NOW), World(42, NOW)
    for symbol in symbols:
        walked.watch("Greeks", symbol)
    for step in range(400):
        walked.advance(NOW + step * 0.7)
    jumped.now = walked.now

    for symbol in symbols:
        for kind in ("Greeks", "Quote", "Trade"):
            assert walked.event(kind, symbol) == jumped.event(kind, symbol) or kind == "Trade"
            assert (walked.event(kind, symbol) is None) == (jumped.event(kind, symbol) is None)


def test_a_thousand_watched_contracts_cost_little() -> None:
    import time

    world = World(42, NOW)
    spot, count = world.price("SPX"), 0
    for expiration in expirations("SPX", "SPXW")[:5]:
        for row in expiration["strikes"]:
            if abs(float(row["strike-price"]) - spot) < 300:
                for side in ("call", "put"):
                    for kind in ("Greeks", "Trade"):
                        world.watch(kind, row[f"{side}-streamer-symbol"])
                    count += 1
    world.advance(NOW + 1)

    began = time.process_time()
    for step in range(200):
        world.advance(NOW + 1 + step / 20)
    took = time.process_time() - began

    assert count > 1000
    assert took < 2.0  # of ten market seconds; a tenth of a second on an idle machine


@pytest.mark.parametrize("underlying", sorted(BOOKS))
def test_every_book_lists_strikes_on_both_sides(underlying: str) -> None:
    spot = WORLD.price(underlying)
    for expiry in expiries(underlying, DAY):
        listed = [float(strike) for strike in strikes(expiry, spot, DAY)]
        assert listed[0] < spot < listed[-1]
        assert all(strike > 0 for strike in listed)


@settings(deadline=None, max_examples=80)
@given(st.dates(date(2024, 1, 1), date(2028, 12, 31)), st.sampled_from(sorted(BOOKS)))
def test_expiries_are_sessions_ahead_whatever_the_day(today: date, underlying: str) -> None:
    listed = expiries(underlying, today)

    assert len({(each.root, each.day) for each in listed}) == len(listed)
    assert all(isinstance(each, Expiry) and each.day >= today for each in listed)
    assert all(is_session(each.day) for each in listed)
    assert any(each.kind == "Regular" for each in listed)


def test_prints_of_a_watched_contract_make_up_what_its_volume_grew_by() -> None:
    world = World(42, NOW)
    streamer = near("SPX", "SPXW")["call-streamer-symbol"]
    for kind in ("Trade", "TimeAndSale"):
        world.watch(kind, streamer)
    world.advance(NOW + 1)
    before = world.event("Trade", streamer)["dayVolume"]

    found = []
    for second in range(2, 240):
        if ("TimeAndSale", streamer) in world.advance(NOW + second):
            found.append(world.event("TimeAndSale", streamer))

    assert (
        sum(each["size"] for each in found) == world.event("Trade", streamer)["dayVolume"] - before
    )
    assert len(found) > 20
    indices = [each["index"] for each in found]
    assert indices == sorted(set(indices))
    assert {each["aggressorSide"] for each in found} == {"BUY", "SELL", "UNDEFINED"}
    for each in found:
        at = {"BUY": each["askPrice"], "SELL": each["bidPrice"]}.get(each["aggressorSide"])
        assert each["price"] == (each["price"] if at is None else at)


def test_what_traded_before_anybody_asked_is_no_print() -> None:
    world = World(42, NOW)
    streamer = near("SPX", "SPXW")["call-streamer-symbol"]
    world.watch("TimeAndSale", streamer)

    changed = world.advance(NOW + 1)

    assert ("TimeAndSale", streamer) not in changed
    assert world.event("TimeAndSale", streamer) is None
