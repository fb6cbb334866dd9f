"""Prints and the tape: every trade counted once, under its day, by its aggressor."""

from __future__ import annotations

import doctest
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.market import prints, sessions
from grok_sauce.market.prints import MEMORY, Print, Tape

CALL = ".SPXW261218C6000"
NOON = sessions.instant(date(2026, 12, 16), 12)


def sold_of(index: int, **changes: Any) -> Print:
    one = Print(CALL, index, NOON + index, 4.1, 10.0, 1, False, "NEW")
    return replace(one, **changes)


def fed(*given_prints: Print) -> Tape:
    tape = Tape()
    for one in given_prints:
        tape.put(one)
    return tape


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(prints).failed == 0


def test_sizes_are_summed_by_aggressor_and_unclassified_ones_apart() -> None:
    tape = fed(
        sold_of(1),
        sold_of(2, side=-1, size=4.0),
        sold_of(3, side=0, size=7.0),
        sold_of(4, size=2.0, is_leg=True),
    )

    tally = tape.tally(CALL)

    assert tally is not None
    assert (tally.buy, tally.sell, tally.unclassified) == (12.0, 4.0, 7.0)
    assert (tally.net, tally.traded, tally.legs, tally.prints) == (8.0, 23.0, 2.0, 4)
    assert (tally.first, tally.last) == (NOON + 1, NOON + 4)


def test_a_print_that_comes_twice_counts_once() -> None:
    tape = fed(sold_of(1))

    again = tape.put(sold_of(1))

    assert again is False
    assert tape.tallies[CALL].buy == 10.0


def test_a_correction_replaces_and_a_cancellation_removes_its_print() -> None:
    tape = fed(sold_of(1), sold_of(2), sold_of(1, size=3.0, side=-1, what="CORRECTION"))

    tape.put(sold_of(2, what="CANCEL"))

    assert (tape.tallies[CALL].buy, tape.tallies[CALL].sell) == (0.0, 3.0)
    assert tape.tallies[CALL].prints == 1


def test_a_removed_event_cancels_whatever_its_type_says() -> None:
    row = (0x2, 9, 1797440400000, 4.1, 3.0, "BUY", False, True, "NEW")

    found = Print.of(CALL, row, NOON)

    assert found is not None
    assert found.what == "CANCEL"


def test_a_price_that_is_not_valid_is_unknown_but_its_size_counts() -> None:
    row = (0, 9, 0, 4.1, 3.0, "UNDEFINED", True, False, "NEW")

    found = Print.of(CALL, row, NOON)

    assert found == Print(CALL, 9, NOON, None, 3.0, 0, True, "NEW")


def test_what_trades_in_the_evening_belongs_to_the_next_session() -> None:
    friday = date(2026, 12, 18)
    evening = sessions.instant(friday, 20, 20)
    tape = fed(sold_of(1, time=sessions.instant(friday, 12)), sold_of(2, time=evening, size=1.0))

    assert tape.day == date(2026, 12, 21)
    assert tape.tallies[CALL].buy == 1.0
    assert tape.before is not None
    assert tape.before[0] == friday
    assert tape.before[1][CALL].buy == 10.0


def test_a_late_print_of_the_day_before_does_not_count_today() -> None:
    tape = fed(sold_of(1, time=NOON + 86400))

    assert tape.put(sold_of(2, time=NOON)) is False
    assert tape.tallies[CALL].buy == 10.0


def test_a_correction_of_a_forgotten_print_is_counted_as_lost() -> None:
    tape = fed(*(sold_of(index) for index in range(MEMORY + 5)))

    assert tape.put(sold_of(1, size=1.0, what="CORRECTION")) is False
    assert tape.put(sold_of(2)) is False
    assert tape.tallies[CALL].lost == 1
    assert tape.tallies[CALL].buy == 10.0 * (MEMORY + 5)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 12),
            st.integers(1, 50),
            st.sampled_from((1, 0, -1)),
            st.sampled_from(("NEW", "CORRECTION", "CANCEL")),
        ),
        max_size=60,
    )
)
def test_the_sums_are_those_of_the_prints_that_stand(
    told: list[tuple[int, int, Any, Any]],
) -> None:
    tape, standing = Tape(), {}

    for index, size, side, what in told:
        tape.put(sold_of(index, size=float(size), side=side, what=what))
        if what == "CANCEL":
            standing.pop(index, None)
        elif what == "CORRECTION" or index not in standing:
            standing[index] = (size, side)

    tally = tape.tally(CALL)
    sums = {way: sum(n for n, side in standing.values() if side == way) for way in (1, 0, -1)}
    found = (0, 0, 0) if tally is None else (tally.buy, tally.unclassified, tally.sell)
    assert found == (sums[1], sums[0], sums[-1])
    assert (0 if tally is None else tally.prints) == len(standing)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
        min_size=9,
        max_size=9,
    )
)
def test_no_row_breaks_the_reader(row: list[Any]) -> None:
    found = Print.of(CALL, row, NOON)

    assert found is None or (found.size >= 0 and found.side in (1, 0, -1))
