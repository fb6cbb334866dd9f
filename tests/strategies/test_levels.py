"""Which strikes are levels, which contract is in front, and when levels were known."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from grok_sauce.analytics.conversion import Factor
from grok_sauce.market.sessions import instant
from grok_sauce.strategies import contracts
from grok_sauce.strategies.levels import (
    KnownLevels,
    Recent,
    StrikeSums,
    Timeline,
    of_chain,
    put_wall,
    supports,
)

# Worked by hand: spot 520.40, QQQ to NQ at 21475.25 / 520.40 = 41.266814.
QQQ = Factor("/NQZ6", "ratio", 21475.25 / 520.40, 90.0, False, 520.40, 21475.25)


def sums(
    strikes: tuple[float, ...],
    oi: tuple[float | None, ...] | None = None,
    put: tuple[float | None, ...] | None = None,
    net: tuple[float | None, ...] | None = None,
    spot: float = 520.40,
) -> StrikeSums:
    blank = (None,) * len(strikes)
    return StrikeSums(spot, strikes, oi or blank, put or blank, net or blank)


# ---- put wall ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("oi", "wall"),
    [
        ((10, 50, 20, 5), 515),
        ((10, 20, 20, 90), 530),
        ((40, 40, 30, 1), 515),
        ((None, None, 7, None), 520),
        ((0, 0, 0, 0), None),
        ((None, None, None, None), None),
    ],
    ids=["most", "above spot too", "tied: nearest", "only known ones", "none open", "unknown"],
)
def test_the_put_wall_is_the_strike_with_most_put_oi(oi: Any, wall: float | None) -> None:
    assert put_wall(sums((510, 515, 520, 530), oi=oi)) == wall


def test_two_strikes_as_near_as_each_other_give_the_higher() -> None:
    assert put_wall(sums((515, 525), oi=(9, 9), spot=520)) == 525


# ---- supports ---------------------------------------------------------------------------


def test_the_first_support_is_the_nearest_of_the_strong_ones_not_the_strongest() -> None:
    strikes = (500, 505, 508, 510, 513, 514, 515, 516, 525)
    put = (1.0, 9.0, 16.0, 34.0, 23.0, 2.0, 10.0, 3.0, 99.0)

    assert supports(sums(strikes, put=put)) == (515, 513, 510)


def test_a_strike_at_spot_or_without_exposure_is_no_support() -> None:
    assert supports(sums((510, 515, 520), put=(5, 0, 9), spot=520)) == (510,)
    assert supports(sums((510, 515), put=(None, -1.0))) == ()


def test_of_equally_strong_strikes_the_nearer_stay() -> None:
    strikes = (500, 501, 502, 503, 504, 505)

    assert supports(sums(strikes, put=(1,) * 6)) == (505, 504, 503)


def test_the_legacy_score_adds_contracts_to_dollars() -> None:
    strikes = (500, 505, 508, 510, 513, 514)
    chain = sums(
        strikes,
        oi=(9e4, 1, 1, 1, 1, 1),
        put=(1, 2, 3, 4, 5, 6),
        net=(-10.0, 9e4, -8e4, 7e4, 6e4, 0.5e4),
    )

    assert supports(chain) == (514, 513, 510)
    assert supports(chain, "legacy") == (513, 510, 508)  # 514 is the weakest of six


def test_levels_are_carried_unrounded_with_factor_and_contract() -> None:
    chain = sums((505, 515), oi=(90, 10), put=(1.0, 2.0))

    found = of_chain(chain, QQQ, 100.0, "QQQ")

    assert found.contract == "/NQZ6"
    assert (found.known_at, found.factor_at) == (100.0, 90.0)
    assert [name for name, _ in found.levels] == ["put_wall", "support_1", "support_2"]
    assert dict(found.levels)["support_1"] == pytest.approx(21252.409, abs=0.001)


def test_without_a_factor_levels_are_the_instruments_own() -> None:
    found = of_chain(sums((505, 515), oi=(90, 10)), None, 100.0, "SPY")

    assert (found.levels, found.contract, found.factor) == ((("put_wall", 505.0),), None, None)


# ---- known when -------------------------------------------------------------------------


def test_a_timeline_gives_what_was_known_then() -> None:
    line = Timeline([(30.0, "c"), (10.0, "a"), (20.0, "b"), (20.0, "again")], lambda each: each[0])

    found = [line.at(time) for time in (9.9, 10.0, 19.9, 20.0, 99.0)]

    assert [each and each[1] for each in found] == [None, "a", "a", "again", "c"]


def test_levels_as_json_name_everything() -> None:
    levels = KnownLevels(1.0, "QQQ", "/NQZ6", 41.2, 0.5, (("put_wall", 21000.0),))

    assert levels.as_dict()["levels"] == [["put_wall", 21000.0]]


def test_what_arrives_after_the_close_does_not_hide_what_was_known_at_it() -> None:
    recent = Recent(lambda each: each, span=10.0)
    for second in range(100):
        recent.add(float(second))

    assert [recent.at(time) for time in (98.5, 95.0, 89.0, 88.0)] == [98.0, 95.0, 89.0, None]


def test_the_only_levels_of_the_day_stay_known_however_old() -> None:
    recent = Recent(lambda each: each, span=10.0)

    recent.add(5.0)

    assert (recent.at(4.0), recent.at(90_000.0)) == (None, 5.0)
    recent.add(80_000.0)
    assert recent.at(79_999.0) == 5.0


def test_what_comes_late_is_left_out() -> None:
    recent = Recent(lambda each: each)

    for at in (10.0, 9.0, 10.0):
        recent.add(at)

    assert (recent.at(9.5), recent.at(10.0)) == (None, 10.0)


# ---- contracts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "hour", "front"),
    [
        (date(2026, 12, 11), 16, "/NQZ6"),
        (date(2026, 12, 13), 17, "/NQZ6"),
        (date(2026, 12, 13), 18, "/NQH7"),
        (date(2026, 12, 14), 10, "/NQH7"),
        (date(2026, 12, 31), 20, "/NQH7"),
        (date(2027, 3, 14), 20, "/NQM7"),
        (date(2026, 6, 14), 20, "/NQU6"),
    ],
)
def test_the_front_month_changes_on_the_evening_before_the_monday_of_expiration(
    day: date, hour: int, front: str
) -> None:
    assert contracts.front("NQ", instant(day, hour)) == front


def test_other_products_have_no_rule_here() -> None:
    assert contracts.front("CL", instant(date(2026, 12, 11), 10)) is None


def test_the_rule_agrees_with_the_simulated_exchange() -> None:
    from datetime import timedelta

    from grok_sauce.simulator.futures import front, months

    day = date(2026, 1, 5)
    while day < date(2027, 12, 1):
        simulated = months("ES", day)[front("ES", day)].contract.short
        # Where the third Friday is a holiday the exchange ends on the Thursday: same week.
        assert contracts.front("ES", instant(day, 12)) == simulated, day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("product", "contract", "ordered"),
    [
        ("MNQ", "/NQZ6", "/MNQZ6"),
        ("NQ", "/MNQZ6", "/NQZ6"),
        ("MNQ", "/ESZ6", "/ESZ6"),
        ("MNQ", None, None),
        ("MNQ", "/CLZ6", "/CLZ6"),
    ],
)
def test_the_contract_ordered_is_of_the_chosen_size(
    product: str, contract: str | None, ordered: str | None
) -> None:
    assert contracts.order_contract(product, contract) == ordered


def test_terms_are_those_of_what_is_traded() -> None:
    assert contracts.terms_of("MNQ", "/NQ") == contracts.Terms("MNQ", 0.25, 2)
    assert contracts.terms_of("MNQ", "/ESZ6") == contracts.Terms("ES", 0.25, 50)
    assert contracts.terms_of("MNQ", "SPY") == contracts.Terms("SPY", 0.01, 1.0)
