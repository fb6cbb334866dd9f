"""Put/call ratios: unknown is not zero, and thin strikes do not fill the table."""

from __future__ import annotations

import numpy as np
import pytest

from grok_sauce.analytics.put_call import PutCall, put_call, ratio, top_strikes, word
from grok_sauce.market.chain import OptionChain

NAN = float("nan")


def of(*contracts: tuple[str, float, float]) -> PutCall:
    """From (side, open interest, volume) rows."""
    sides, oi, volume = zip(*contracts, strict=True) if contracts else ((), (), ())
    is_call = np.array([side == "C" for side in sides], dtype=np.bool_)
    return put_call(is_call, np.array(oi, dtype=float), np.array(volume, dtype=float))


def test_the_worked_example_has_its_ratios(toy_chain: OptionChain) -> None:
    found = put_call(toy_chain.is_call, toy_chain.oi, toy_chain.volume)

    assert found.oi == pytest.approx(0.933852, abs=5e-7)
    assert found.volume == pytest.approx(0.916667, abs=5e-7)
    assert (found.call_oi, found.put_oi) == (25_700, 24_000)
    assert (found.oi_word, found.volume_word) == ("Neutral-Bullish", "Neutral-Bullish")


def test_the_worked_example_has_its_ratio_at_each_strike(toy_chain: OptionChain) -> None:
    calls, puts = toy_chain.oi[toy_chain.is_call], toy_chain.oi[~toy_chain.is_call]

    rows = top_strikes(toy_chain.strikes[toy_chain.is_call], calls, puts)

    assert [row["strike"] for row in rows] == [5900, 5950, 6000, 6050, 6100]
    expected = [6.6667, 2.8, 0.9167, 0.2889, 0.1286]
    assert [row["ratio"] for row in rows] == pytest.approx(expected, abs=5e-5)
    assert (rows[0]["call_oi"], rows[0]["put_oi"]) == (1200, 8000)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "N/A"),
        (0.0, "N/A"),
        (0.699, "Bullish"),
        (0.7, "Neutral-Bullish"),
        (0.999, "Neutral-Bullish"),
        (1.0, "Neutral-Bearish"),
        (1.299, "Neutral-Bearish"),
        (1.3, "Bearish"),
        (9.0, "Bearish"),
    ],
)
def test_a_ratio_is_put_into_the_words_of_the_screens(value: float | None, expected: str) -> None:
    assert word(value) == expected


def test_no_calls_give_no_ratio_rather_than_infinity() -> None:
    found = of(("P", 500, 20), ("C", 0, 0))

    assert found.oi is None
    assert found.volume is None
    assert (found.call_oi, found.put_oi) == (0, 500)


def test_a_side_nobody_told_about_is_unknown_and_not_zero() -> None:
    found = of(("C", 100, NAN), ("P", NAN, 5))

    assert found.put_oi is None
    assert found.oi is None
    assert found.call_volume is None
    assert found.put_volume == 5
    assert found.volume is None


def test_unknown_contracts_are_left_out_of_the_sums() -> None:
    found = of(("C", 100, 1), ("C", NAN, 1), ("P", 150, 1), ("P", NAN, 1))

    assert found.oi == 1.5


def test_nothing_has_no_ratio() -> None:
    assert of() == PutCall(None, None, None, None, None, None)
    assert ratio(1.0, None) is None


def test_thin_strikes_stay_out_of_the_table() -> None:
    strikes = np.array([90.0, 95.0, 100.0])

    rows = top_strikes(strikes, np.array([99.0, 100.0, 0.0]), np.array([9e5, 50.0, 9e5]))

    assert [row["strike"] for row in rows] == [95.0]


def test_the_table_has_ten_rows_and_ties_go_to_the_lower_strike() -> None:
    strikes = np.arange(100.0, 112.0)

    rows = top_strikes(strikes, np.full(12, 200.0), np.full(12, 300.0))

    assert [row["strike"] for row in rows] == list(range(100, 110))
