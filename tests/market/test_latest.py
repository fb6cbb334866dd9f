"""Latest against a dictionary of tuples, which it stands in for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.market import latest
from grok_sauce.market.latest import Latest

BATCHES = st.lists(
    st.tuples(
        st.lists(
            st.tuples(st.sampled_from("ABCDEF"), st.integers(), st.floats(allow_nan=False)),
            max_size=7,
        ),
        st.floats(0, 1e9),
        st.sampled_from(["", "A", "F"]),
    ),
    max_size=40,
)


@given(BATCHES)
def test_it_reads_as_a_dictionary_of_the_newest_rows(batches: list[object]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latest, "LEAST", 5)  # so that outdated rows are thrown out often
        kept, twin = Latest(2), {}
        kept._room = 5

        for rows, at, gone in batches:  # type: ignore[misc]
            symbols = [row[0] for row in rows]
            kept.put(symbols, ([row[1] for row in rows], [row[2] for row in rows]), at)
            for symbol, one, two in rows:
                twin[symbol] = (one, two, at)
            kept.discard(gone)
            twin.pop(gone, None)

            assert kept == twin
            assert list(kept) == list(twin)
            assert len(kept) == len(twin)


def test_symbols_that_are_not_there_are_missing() -> None:
    kept = Latest(1)
    kept.put(["SPY"], ([600.42],), 7.0)

    assert kept["SPY"] == (600.42, 7.0)
    assert kept.get("QQQ") is None
    assert "QQQ" not in kept
    with pytest.raises(KeyError):
        kept["QQQ"]


def test_outdated_rows_do_not_pile_up() -> None:
    kept = Latest(1)

    for price in range(100 * latest.LEAST):
        kept.put(["SPY", "QQQ"], ([price, -price],), 1.0)

    assert len(kept._columns[0]) <= latest.LEAST
    assert kept["QQQ"] == (1 - 100 * latest.LEAST, 1.0)
