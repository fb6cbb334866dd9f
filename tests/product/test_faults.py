"""The world fails in every way it knows; the dashboard greys, says so once, and comes back."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable
from typing import Any

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
@pytest.mark.timeout(600)
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


# Each fault of the embedded market, alone or with the cut after which it is met.
FAULTS = {
    "cut": {"cut": True},
    "cut-again-and-again": {"cut_after": 1.0},
    "latency": {"latency": 0.5, "cut": True},
    "slow": {"slow": 2000, "cut": True},
    "refuse": {"refuse": True, "cut": True},
    "half-open-connect": {"half_open": "connect", "cut": True},
    "garbage-json": {"garbage": "json"},
    "garbage-types": {"garbage": "types"},
    "garbage-truncated": {"garbage": "truncated"},
    "nan": {"nan": "all"},
    "data-first": {"wrong_order": "data_first", "cut": True},
    "auth-state-late": {"wrong_order": "auth_state_late", "cut": True},
    "early-auth": {"early_auth_refusal": True, "cut": True},
    "token-expiry": {"token_expiry": 2.0, "cut": True},
    "full-announced": {"full_midway": "announced"},
    "full-silent": {"full_midway": "silent"},
    "column": {"drop_column": "Trade.price"},
    "rate": {"subscription_rate": True, "cut": True},
    "429": {"http_429": True, "cut": True},
    "502": {"http_5xx": 502, "cut": True},
    "hang": {"http_hang": True, "cut": True},
}
# The world is back, but the client may be in the middle of a wait it was told to keep
# (10 s of calm after "rate is too high", 10 s for an answer of the handshake).
PATIENCE = {"rate": 20.0, "half-open-connect": 20.0, "hang": 30.0, "auth-state-late": 20.0}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_never_shows_a_wrong_number_and_passes(
    name: str, start: Callable[..., Product]
) -> None:
    faults = FAULTS[name]
    product = start("demo").wait()
    until(product.live, 30, "a live table")
    before = {symbol: row["price"] for symbol, row in product.rows().items()}

    product.fault(**faults)
    during: list[dict[str, Any]] = []
    looked = time.monotonic()
    while time.monotonic() - looked < 3.0:
        during += product.rows().values()
        time.sleep(0.1)
    product.fault(**dict.fromkeys(faults, False))

    until(product.live, PATIENCE.get(name, 8.0), "recovery")
    wrong = [
        row
        for row in during
        if row["price"] is not None and abs(row["price"] / before[row["symbol"]] - 1) > 0.03
    ]
    assert wrong == []
    told = edges(product)
    assert all(one != other for one, other in itertools.pairwise(told))  # lost, back, lost, …
    assert told[-1] == "connected"
    assert "Traceback" not in product.text()


def test_refused_token_stops_says_so_and_waits_for_a_person(
    start: Callable[..., Product],
) -> None:
    product = start("demo").wait()
    until(product.live, 30, "a live table")

    product.fault(reject_token=True, cut=True)

    source = until(
        lambda: (s := product.health()["sources"][0])["state"] == "auth_failed" and s, 15, "refusal"
    )
    assert source["mark"] == "down"
    assert product.get("/health")[0] == 503
    assert grey(product)
    product.fault(reject_token=False)
    status, _ = product.send("POST", "/api/sources/dxlink/retry")

    assert status == 202
    until(product.live, 10, "recovery after the retry")
