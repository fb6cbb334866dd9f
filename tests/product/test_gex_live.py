"""Live GEX in the demo: a chain is followed by itself, moves with spot, and can be checked."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.product.harness import Product, until

SESSION = "2026-12-16T10:30"
WEEKEND = "2026-12-19T12:00"


def levels(product: Product, symbol: str = "SPX", **query: str) -> dict[str, Any]:
    """The newest report, {} while there is none."""
    status, body = product.get(f"/api/gex/{symbol}?{urllib.parse.urlencode(query)}", timeout=30)
    found: dict[str, Any] = json.loads(body) if status == 200 else {}
    return found


def covered(product: Product, symbol: str = "SPX", **query: str) -> dict[str, Any] | None:
    """A report of nearly all that is followed."""
    found = levels(product, symbol, **query)
    return found if (found.get("coverage") or 0.0) > 0.9 else None


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_spx_is_followed_by_itself_and_its_levels_move_with_spot(
    mode: str, start: Callable[..., Product]
) -> None:
    product = start("demo", "--start", SESSION, mode=mode).wait()

    first = until(lambda: covered(product), 60, "GEX of SPX")
    later = until(
        lambda: found if (found := levels(product))["spot"] != first["spot"] else None,
        30,
        "another spot",
    )

    assert first["source"] == "DEMO"
    assert first["status"]["state"] == "live"
    assert first["used"] > 1000
    assert first["scope"]["expiries"] == 5
    assert first["spot"] > first["put_wall"] or first["put_wall"] is None
    flip, net = first["zero_gamma"]["all"]["flip"], first["totals"]["net"]
    assert flip is None or (net > 0) is (first["spot"] > flip)
    assert later["totals"]["net"] != first["totals"]["net"]
    assert later["as_of"] > first["as_of"]
    row = until(lambda: (r := product.rows()["SPY"])["max_pain"] and r, 60, "max pain of SPY")
    assert (row["dte"], row["expiry"], row["witching"]) == (0, "2026-12-16", False)
    assert "Traceback" not in product.text()


def test_a_cut_feed_is_said_at_once_and_comes_back(start: Callable[..., Product]) -> None:
    product = start("demo", "--start", SESSION).wait()
    until(lambda: covered(product), 60, "GEX of SPX")

    product.fault(refuse=4.0, cut=True)
    cut = until(
        lambda: found if (found := levels(product))["status"]["state"] == "stale" else None,
        20,
        "a stale report",
    )
    back = until(
        lambda: found if (found := levels(product))["status"]["state"] == "live" else None,
        60,
        "a live report",
    )

    assert "feed is down" in cut["status"]["text"]
    assert back["as_of"] > cut["as_of"]


def test_on_a_weekend_the_last_sessions_levels_stand(start: Callable[..., Product]) -> None:
    product = start("demo", "--start", WEEKEND).wait()

    found = until(lambda: covered(product), 60, "GEX of SPX")

    assert found["status"]["state"] == "closed"
    assert "Friday 2026-12-18 16:15" in found["status"]["text"]
    assert found["spot_label"] == "cash closed"
    assert found["nearest"]["expiry"] == "2026-12-21"
    assert all(row["expiry"] > "2026-12-19" for row in found["max_pain"])


def test_a_view_outside_the_window_is_fetched_when_somebody_asks(
    start: Callable[..., Product],
) -> None:
    product = start("demo", "--start", SESSION).wait()
    until(lambda: covered(product), 60, "GEX of SPX")

    found = until(lambda: covered(product, expiry="2027-01-15"), 90, "the January expiry")

    assert {row["expiry"] for row in found["max_pain"]} == {"2027-01-15"}
    assert {row["settlement"] for row in found["max_pain"]} == {"AM", "PM"}


def test_net_gex_can_be_worked_out_again_from_the_contracts(
    start: Callable[..., Product],
) -> None:
    product = start("demo", "--start", SESSION).wait()
    until(lambda: covered(product), 60, "GEX of SPX")

    status, body = product.get("/api/chain/SPX.csv", timeout=30)
    report = levels(product)

    assert status == 200
    lines = [line for line in body.decode().splitlines() if line and not line.startswith("#")]
    header = lines[0].split(",")
    rows = [dict(zip(header, line.split(","), strict=True)) for line in lines[1:]]
    used = [row for row in rows if row["used"] in ("true", "True", "1")]
    years, iv, strike, oi, size, rate, dividends = (
        np.array([float(row[name]) for row in used])
        for name in ("years", "iv", "strike", "oi", "multiplier", "rate", "dividend_yield")
    )
    spot = report["spot"]
    first = (np.log(spot / strike) + (rate - dividends + iv**2 / 2) * years) / iv / years**0.5
    density = np.exp(-dividends * years - first**2 / 2) / (2 * np.pi) ** 0.5
    gex = density / (spot * iv * years**0.5) * oi * size * spot**2 * 0.01
    calls = np.array([row["right"] == "C" for row in used])
    assert len(used) > 1000
    # The report is a moment younger than the contracts.
    assert gex[calls].sum() == pytest.approx(report["totals"]["call"], rel=0.02)
    assert gex[~calls].sum() == pytest.approx(report["totals"]["put"], rel=0.02)
