"""Liquidity Trigger levels: rows as the study sends them, counts as the strategy takes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload
from grok_sauce.market.batches import Batch
from grok_sauce.market.lt_levels import (
    LOOKBACKS,
    SLOTS,
    LtBook,
    LtLevels,
    front_contract,
    levels_of,
)
from grok_sauce.market.state import MarketState

BAR = 1750000500
# The worked example of the strategy (market maths, section 17): five levels, two slots empty.
EXAMPLE = (21250.0, 21240.0, None, 21225.0, 21190.0, 21300.0, None)


def lt(time: int = BAR * 1000, **more: Any) -> LtLevels:
    made = LtLevels("CME_MINI:NQ1!", "15m", "/NQZ6", time, True, EXAMPLE, 0.0)
    return replace(made, **more)


def row(*levels: Any) -> list[Any]:
    values: list[Any] = [BAR, 0, 0, 0, 0]
    for level in levels:
        values += [level, 3]
    return values


def test_the_seven_levels_stand_at_every_second_place_from_the_fifth() -> None:
    time, levels = levels_of(row(1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5))

    assert time == BAR * 1000
    assert levels == (1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5)
    assert SLOTS == (5, 7, 9, 11, 13, 15, 17)
    assert LOOKBACKS == (8, 13, 34, 55, 144, 377, 610)


@pytest.mark.parametrize(
    "nothing", [1e100, 1e99, -1e100, None, "NaN", 0, -5.0, True, float("nan"), float("inf"), {}]
)
def test_an_empty_slot_is_no_level_whatever_stands_in_it(nothing: Any) -> None:
    _, levels = levels_of(row(nothing, 2.5, 3.5, 4.5, 5.5, 6.5, nothing))

    assert levels == (None, 2.5, 3.5, 4.5, 5.5, 6.5, None)


def test_the_last_counter_may_be_missing_but_no_level() -> None:
    whole = row(1, 2, 3, 4, 5, 6, 7)

    assert levels_of(whole[:18])[1][-1] == 7
    with pytest.raises(BadPayload, match="17 values, not 18"):
        levels_of(whole[:17])


@pytest.mark.parametrize("time", [None, "now", -1, 1e100, 0, float("nan"), 10**400])
def test_a_row_without_a_time_is_refused(time: Any) -> None:
    with pytest.raises(BadPayload, match="no time"):
        levels_of([time, *row(1, 2, 3, 4, 5, 6, 7)[1:]])


@given(st.lists(st.one_of(st.none(), st.floats(), st.integers(), st.text(), st.booleans())))
def test_any_row_is_levels_above_zero_or_refused(values: list[Any]) -> None:
    try:
        _, levels = levels_of(values)
    except BadPayload:
        return

    assert len(levels) == 7
    assert all(level is None or 0 < level < 1e99 for level in levels)


def test_levels_below_the_entry_are_three_and_below_the_gex_level_four() -> None:
    assert lt().below(21246.25) == 3
    assert lt().below(21252.50) == 4
    assert lt().above(21252.50) == 1


def test_a_level_at_the_price_is_neither_below_nor_above() -> None:
    assert lt().below(21240.0) == 2
    assert lt().above(21240.0) == 2


def test_how_far_levels_are_behind_is_counted_in_bars() -> None:
    assert lt().behind(BAR * 1000) == 0
    assert lt().behind((BAR + 2 * 900) * 1000) == 2
    assert lt(timeframe="1mo").behind(BAR * 1000) is None


@pytest.mark.parametrize(
    "told, ours",
    [
        ("NQZ2026", "/NQZ6"),
        ("CME_MINI:ESH2027", "/ESH7"),
        ("6EM2027", "/6EM7"),
        ("NQ1!", None),
        ("NQZ6", None),
        (None, None),
        (7, None),
    ],
)
def test_a_contract_is_written_as_the_broker_does(told: Any, ours: str | None) -> None:
    assert front_contract(told) == ours


class TestBook:
    def test_levels_of_a_bar_under_way_are_not_kept(self) -> None:
        book = LtBook()

        assert not book.take(lt(closed=False))
        assert book.get("CME_MINI:NQ1!", "15m") is None

    def test_the_newest_bar_wins_and_a_correction_of_it_too(self) -> None:
        book = LtBook()
        book.take(lt(BAR * 1000 + 900_000))

        assert not book.take(lt(BAR * 1000))
        assert book.take(lt(BAR * 1000 + 900_000, levels=(None,) * 7))
        kept = book.get("CME_MINI:NQ1!", "15m")
        assert kept is not None
        assert kept.levels == (None,) * 7

    def test_a_roll_drops_the_contract_before_and_keeps_it_out(self) -> None:
        book = LtBook()
        book.roll("CME_MINI:NQ1!", "/NQZ6")
        book.take(lt())

        assert book.roll("CME_MINI:NQ1!", "/NQH7")
        assert book.get("CME_MINI:NQ1!", "15m") is None
        assert not book.take(lt(BAR * 1000 + 900_000))
        assert book.take(lt(BAR * 1000 + 900_000, contract="/NQH7"))

    def test_a_roll_to_the_same_contract_drops_nothing(self) -> None:
        book = LtBook()
        book.take(lt())

        assert not book.roll("CME_MINI:NQ1!", "/NQZ6")
        assert not book.roll("CME_MINI:NQ1!", "/NQZ6")
        assert book.get("CME_MINI:NQ1!", "15m") == lt()

    def test_levels_that_do_not_say_their_contract_go_with_the_roll(self) -> None:
        book = LtBook()
        book.roll("CME_MINI:NQ1!", "/NQZ6")
        book.take(lt(contract=None))

        assert book.roll("CME_MINI:NQ1!", "/NQH7")
        assert book.get("CME_MINI:NQ1!", "15m") is None

    def test_other_symbols_and_timeframes_are_left_alone(self) -> None:
        book = LtBook()
        book.take(lt(symbol="CME_MINI:ES1!", contract="/ESZ6"))
        book.take(lt(timeframe="5m"))

        book.roll("CME_MINI:ES1!", "/ESH7")

        assert book.get("CME_MINI:ES1!", "15m") is None
        assert book.get("CME_MINI:NQ1!", "5m") is not None


def test_the_state_keeps_the_newest_levels_and_lets_them_go() -> None:
    state = MarketState()
    key = "TV:CME_MINI:NQ1!{=15m}"

    state.apply(Batch("LtLevels", [key], ([lt()],), 0.0))
    assert state.lt_levels == {key: lt()}
    state.apply(Batch("LtLevels", [key], ([None],), 0.0))

    assert state.lt_levels == {}
    assert not state.ignored
