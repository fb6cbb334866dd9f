"""Years to settlement of a chain's contracts: settlements, half days, clock changes, 0DTE.

Instants are written in UTC, worked out from New York's offsets by hand: UTC-5 in winter,
UTC-4 from 8 March to 1 November 2026.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics.black_scholes import gamma
from grok_sauce.analytics.forward import Forward, Rates, forwards
from grok_sauce.analytics.implied_volatility import MIN_YEARS, implied_vol
from grok_sauce.analytics.skew import smile
from grok_sauce.market import sessions
from grok_sauce.market.chain import Expiry, OptionChain, ahead
from tests import option_chains

ChainOf = Callable[..., OptionChain]
YEAR = 31_536_000.0
HOUR = 3600.0


def utc(text: str) -> float:
    return datetime.fromisoformat(text + "+00:00").timestamp()


def hours_left(chain_of: ChainOf, now: str, expiry: str, **terms: Any) -> float:
    """Hours from a UTC time to settlement, as the chain counts its years."""
    chain = chain_of(
        [{"strike": 100, "right": "C", "expiry": expiry} | terms], as_of=utc(now), oi_date=date.min
    )
    return float(chain.years()[0]) * YEAR / HOUR


@pytest.mark.parametrize(
    "now, expiry, settlement, expected",
    [
        ("2026-12-16T21:00", "2026-12-21", "PM", 120.0),
        ("2026-12-16T21:00", "2026-12-21", "AM", 113.5),
        ("2026-12-18T14:29", "2026-12-18", "AM", 1 / 60),
        ("2026-12-18T14:30", "2026-12-18", "AM", 0.0),
        ("2026-12-18T14:30", "2026-12-18", "PM", 6.5),
        ("2026-07-15T20:00", "2026-07-16", "PM", 24.0),
        ("2026-11-27T14:30", "2026-11-27", "PM", 3.5),
        ("2026-11-27T14:00", "2026-11-27", "AM", 0.5),
        ("2026-12-24T17:59", "2026-12-24", "PM", 1 / 60),
        ("2026-12-24T18:00", "2026-12-24", "PM", 0.0),
        ("2026-03-06T21:00", "2026-03-09", "PM", 71.0),
        ("2026-03-06T21:00", "2026-03-09", "AM", 64.5),
        ("2026-03-08T06:59", "2026-03-09", "PM", 37.0 + 1 / 60),
        ("2026-03-08T07:00", "2026-03-09", "PM", 37.0),
        ("2026-10-30T20:00", "2026-11-02", "PM", 73.0),
        ("2026-10-30T20:00", "2026-11-02", "AM", 66.5),
        ("2026-11-01T05:30", "2026-11-02", "PM", 39.5),
        ("2026-11-01T06:30", "2026-11-02", "PM", 38.5),
        ("2026-12-18T21:30", "2026-12-18", "PM", -0.5),
    ],
    ids=[
        "five days", "five days to the open", "a minute to the open", "at the open", "0DTE open",
        "a day in summer", "half day", "half day to the open", "half day's last minute",
        "half day's close", "over the lost hour", "over the lost hour to the open",
        "a minute before the lost hour", "after the lost hour", "over the hour gained",
        "over the hour gained to the open", "01:30 for the first time",
        "01:30 for the second time", "half an hour ago",
    ],
)  # fmt: skip
def test_hours_to_settlement(
    chain_of: ChainOf, now: str, expiry: str, settlement: str, expected: float
) -> None:
    root = {"AM": "SPX", "PM": "SPXW"}[settlement]

    got = hours_left(chain_of, now, expiry, settlement=settlement, root=root)

    assert got == pytest.approx(expected, abs=1e-7)


def test_five_days_are_five_three_hundred_sixty_fifths_to_the_last_bit(
    toy_chain: OptionChain,
) -> None:
    assert set(toy_chain.years().tolist()) == {5 / 365}


def test_am_and_pm_of_a_third_friday_are_six_and_a_half_hours_apart(chain_of: ChainOf) -> None:
    terms = {"strike": 6000, "right": "C", "expiry": "2026-12-18"}
    chain = chain_of([terms | {"root": "SPX", "settlement": "AM"}, terms])

    am, pm = chain.years()

    assert (pm - am) * YEAR == pytest.approx(6.5 * HOUR, abs=1e-6)
    assert [expiry.settlement for expiry in ahead(chain.expiries, chain.as_of)] == ["AM", "PM"]


def test_an_expiry_moved_by_a_holiday_settles_on_the_session_before(chain_of: ChainOf) -> None:
    # Good Friday 2026 is 3 April; an expiry dated on it settles on Thursday at 16:00.
    assert hours_left(chain_of, "2026-04-02T19:00", "2026-04-03") == pytest.approx(1.0)


@pytest.mark.parametrize("left", [6.5 * HOUR, HOUR, 61.0, 60.0, 1.0, 0.001])
def test_todays_expiry_is_never_a_whole_day(chain_of: ChainOf, left: float) -> None:
    settles = sessions.settlement(date(2026, 12, 18), "PM")
    chain = chain_of([{"strike": 6000, "right": "C", "expiry": "2026-12-18"}], as_of=settles - left)

    assert chain.years()[0] * YEAR == pytest.approx(left, abs=1e-6)
    assert sessions.dte(chain.as_of, date(2026, 12, 18)) == 0
    assert ahead(chain.expiries, chain.as_of) == list(chain.expiries)


def test_at_its_settlement_an_expiry_is_no_longer_ahead(chain_of: ChainOf) -> None:
    chain = chain_of([{"strike": 6000, "right": "C"}])

    assert ahead(chain.expiries, chain.expiries[0].settles) == []


def test_the_worked_example_of_a_flattened_0dte_holds(chain_of: ChainOf) -> None:
    years = hours_left(chain_of, "2026-12-18T17:30", "2026-12-18") * HOUR / YEAR

    real, business_day, day = gamma(6000, 6000, [years, 1 / 252, 1 / 365], 0.15, 0.045, 0.012)

    assert real == pytest.approx(0.0221756, abs=5e-8)
    assert business_day == pytest.approx(0.0070351, abs=5e-8)
    assert day == pytest.approx(0.0084674, abs=5e-8)
    assert real / business_day == pytest.approx(3.2, abs=0.05)


def test_the_floor_is_sixty_seconds_for_forward_volatility_and_smile(chain_of: ChainOf) -> None:
    rows = [
        {"strike": 6000, "right": "C", "bid": 0.9, "ask": 1.1},
        {"strike": 6000, "right": "P", "bid": 0.9, "ask": 1.1},
    ]
    settles = chain_of(rows).expiries[0].settles
    found = {}
    for left in (120, 60, 30, 1):
        chain = chain_of(rows, as_of=settles - left)
        (forward,) = forwards(chain, Rates(0.045, 0.012))
        found[left] = smile(chain, 0, forward)

    years = {left: each.years for left, each in found.items() if each}
    vols = {left: float(each.otm_iv[0]) for left, each in found.items() if each}
    minute = MIN_YEARS * YEAR
    assert minute == pytest.approx(60, abs=1e-12)
    assert years == {120: pytest.approx(120 / YEAR), 60: MIN_YEARS, 30: MIN_YEARS, 1: MIN_YEARS}
    assert vols[30] == vols[1] == pytest.approx(vols[60], rel=1e-9)
    assert vols[120] == pytest.approx(vols[60] / math.sqrt(2), rel=1e-6)


def test_a_volatility_and_its_gamma_use_the_same_time(chain_of: ChainOf) -> None:
    # Priced at 15 % with 90 minutes left, inverted with the chain's own years.
    settles = sessions.settlement(date(2026, 12, 18), "PM")
    rows = [{"strike": 6000, "right": "C", "expiry": "2026-12-18"}]
    years = float(chain_of(rows, as_of=settles - 5400).years()[0])
    price = 2 * 6000 * (0.5 * math.erfc(-0.15 * math.sqrt(5400 / YEAR) / 2 / math.sqrt(2)) - 0.5)

    assert float(implied_vol(price, 6000, 6000, years, True)) == pytest.approx(0.15, rel=1e-11)


@given(st.dates(date(2024, 1, 2), date(2028, 12, 29)), st.floats(0, 400 * 86400))
def test_years_fall_by_exactly_the_time_that_passes(day: date, before: float) -> None:
    expiry = Expiry(day, "SPXW", "PM")
    as_of = expiry.settles - before
    rows = [{"strike": 100, "right": "P", "expiry": day}]

    now, later = (
        option_chains.chain_of(rows, as_of=at, oi_date=date.min).years()[0]
        for at in (as_of, as_of + 3600)
    )

    assert (now - later) * YEAR == pytest.approx(3600, abs=1e-4)
    assert now * YEAR == pytest.approx(before, abs=1e-4)


@given(st.dates(date(2024, 1, 2), date(2028, 12, 29)))
def test_a_settlement_is_at_1600_or_1300_or_0930_on_new_yorks_clock(day: date) -> None:
    pm, am = (
        sessions.new_york(Expiry(day, root, kind).settles)
        for root, kind in (("SPXW", "PM"), ("SPX", "AM"))
    )

    assert (pm.hour, pm.minute) in {(16, 0), (13, 0)}
    assert (am.hour, am.minute) == (9, 30)
    assert pm.date() == am.date() <= day
    assert day - pm.date() <= timedelta(days=4)


def test_contracts_of_several_expiries_each_have_their_own_years(chain_of: ChainOf) -> None:
    days = ["2026-12-23", "2026-12-17", "2026-12-21", "2026-12-17"]
    chain = chain_of([{"strike": 100, "right": "C", "expiry": day} for day in days])

    assert np.allclose(chain.years() * 365, [7, 1, 5, 1], rtol=1e-14)


def test_a_forward_of_an_am_expiry_is_carried_to_the_morning(chain_of: ChainOf) -> None:
    terms = {"strike": 6000, "right": "C", "expiry": "2026-12-18"}
    chain = chain_of([terms | {"root": "SPX", "settlement": "AM"}, terms])

    am, pm = forwards(chain, Rates(0.05, 0.0))

    assert isinstance(am, Forward)
    assert isinstance(pm, Forward)
    assert math.log(pm.value / am.value) * YEAR / 0.05 == pytest.approx(6.5 * HOUR, rel=1e-6)
