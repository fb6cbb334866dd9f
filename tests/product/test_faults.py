"""The world fails in every way it knows; the dashboard greys, says so once, and comes back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.product.harness import Product, until


def grey(product: Product) -> bool:
    return all(row["stale"] for row in product.rows().values() if row["symbol"] != "DXY")


def edges(product: Product) -> list[str]:
    """The outages and recoveries of the feed as the log tells them, in order."""
    words = ("dxLink: lost", "dxLink: connected")
    return [word[8:] for line in product.text().splitlines() for word in words if word in line]


def test_killed_market_greys_at_once_and_recovers_by_itself(start: Callable[..., Product]) -> None:
    product = start("demo").wait()
    until(product.live, 30, "a live table")

    os.kill(product.market_pid(), signal.SIGKILL)

    until(lambda: grey(product), 3, "grey rows")
    until(product.live, 15, "recovery")
    assert edges(product) == ["connected", "lost", "connected"]
    assert "Traceback" not in product.text()


@pytest.mark.slow
def test_stopped_market_is_noticed_by_its_silence(start: Callable[..., Product]) -> None:
    product = start("demo").wait()
    until(product.live, 30, "a live table")
    market = product.market_pid()

    os.kill(market, signal.SIGSTOP)
    try:
        until(lambda: grey(product), 40, "grey rows after 35 s of silence")
    finally:
        os.kill(market, signal.SIGCONT)

    until(product.live, 70, "recovery within the current backoff step")


@pytest.mark.parametrize("fault", ["cut", "garbage", "drop_column", "full_midway", "nan"])
def test_fault_never_shows_a_wrong_number_and_passes(
    fault: str, start: Callable[..., Product]
) -> None:
    product = start("demo").wait()
    until(product.live, 30, "a live table")
    spy = product.rows()["SPY"]["price"]

    product.fault(**{fault: True})
    until(lambda: product.get("/api/indicator")[0] == 200, 5, "an answer during the fault")
    during = [product.rows()["SPY"]["price"] for _ in range(20)]
    product.fault(**{fault: False})

    until(product.live, 10, "recovery")
    assert all(price is None or abs(price / spy - 1) < 0.05 for price in during)
    assert edges(product) in (["connected"], ["connected", "lost", "connected"])
    assert "Traceback" not in product.text()
