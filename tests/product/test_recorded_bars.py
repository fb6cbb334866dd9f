"""The demo on recorded SPY bars shows what the file says, at named minutes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from pathlib import Path

import pytest

from tests.product.bar_answers import Row, expected
from tests.product.harness import Product, until

MINUTES = [
    pytest.param("2013-10-11", time(8, 0), id="pre-market"),
    pytest.param("2013-10-11", time(9, 45), id="quarter-of-an-hour-in"),
    pytest.param("2013-10-11", time(12, 30), id="noon"),
    pytest.param("2013-10-11", time(15, 59), id="last-minute"),
    pytest.param("2013-10-08", time(10, 15), id="two-sessions-are-too-few"),
]


@pytest.mark.recorded
@pytest.mark.parametrize(("day", "minute"), MINUTES)
def test_spy_row_agrees_with_the_file(
    day: str, minute: time, start: Callable[..., Product], recordings: Path
) -> None:
    bars = recordings / "spy_1min_2013-10-04_to_11.csv.gz"
    want = expected(bars, day, minute)
    # The clock all but stands: half a minute of real time is a thirtieth of a market second.
    product = start(
        "demo", "--bars", str(bars), "--start", f"{day}T{minute:%H:%M}:00", "--speed", "0.001"
    ).wait()

    row = until(lambda: agrees(product, want), 30, f"agreement with {want}")

    assert row["reasons"].get("rvol") if want.rvol is None else True
    change = None if want.open is None else want.price - want.open
    close = None if want.prev_close is None else want.price - want.prev_close
    assert row["change_price"] == (None if change is None else pytest.approx(change, abs=0.006))
    assert row["change_close"] == (None if close is None else pytest.approx(close, abs=0.006))
    if change is not None and want.open is not None:
        assert row["change_percent"] == pytest.approx(100 * change / want.open, abs=0.004)


def agrees(product: Product, want: Row) -> dict[str, object] | None:
    """The SPY row once it shows the wanted figures; None before."""
    row = product.rows().get("SPY")
    if row is None or row["price"] is None or row["volume"] is None:
        return None
    shown = [row["price"], row["volume"], row["rvol"], row["rvol_day"], row["open"]]
    wanted = [want.price, want.volume, want.rvol, want.rvol_day, want.open]
    # The clock moves a few hundredths of a market second while we look.
    limits = [0.006, 20 + want.volume * 1e-5, 1e-4, 1e-4, 1e-9]
    for have, value, limit in zip(shown, wanted, limits, strict=True):
        if (have is None) != (value is None):
            return None
        if value is not None and abs(have - value) > limit:
            return None
    return dict(row)
