"""The feed of a running demo breaks: GEX is called stale at once, ages, and comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.product.browser import Open, Tab
from tests.product.gex_demo import SESSION, gex_demo, report, whole
from tests.product.harness import Product, until

pytestmark = pytest.mark.timeout(300)

SPEED = 100  # a market minute in 0.6 s
REFUSED = 24.0  # seconds without a feed: 40 market minutes
TOO_OLD = 900.0  # market seconds after which greeks do not count


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[Product]:
    """A demo whose market hurries, with all options of its window."""
    product = gex_demo(
        tmp_path,
        *("--start", SESSION, "--speed", str(SPEED)),
        symbols=("SPX",),
        strikes=20,
        table=("SPX",),
    )
    until(lambda: is_live(product), 120, "live GEX of SPX")
    yield product
    product.stop()


def is_live(product: Product) -> dict[str, Any] | None:
    found = whole(product)
    good = found and found["status"]["state"] == "live" and found["coverage"] > 0.95
    return found if good else None


def at(found: dict[str, Any]) -> float:
    """Market time of a report."""
    return datetime.fromisoformat(found["as_of"]).timestamp()


def watch(
    product: Product, is_over: Callable[[list[dict[str, Any]]], bool], seconds: float
) -> list[dict[str, Any]]:
    """Every new report until is_over(all of them)."""
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + seconds
    while not is_over(found):
        assert time.monotonic() < deadline, [(r["as_of"], r["status"]) for r in found[-5:]]
        one = report(product)
        if one and (not found or one["as_of"] != found[-1]["as_of"]):
            found.append(one)
        time.sleep(0.1)
    return found


def assert_honest(found: list[dict[str, Any]]) -> None:
    """What is old is stale, does not count, and makes no number."""
    for one in found:
        age = one["ages"]["greeks"]
        assert one["status"]["state"] == "stale" or age <= TOO_OLD
        assert one["used"] + sum(one["excluded"].values()) == one["contracts"]
        if one["ages"]["greeks_oldest"] <= TOO_OLD:
            assert one["excluded"]["stale"] == 0
        if one["excluded"]["stale"] == one["contracts"]:
            assert one["coverage"] == 0
            assert one["totals"]["net"] is one["call_wall"] is one["put_wall"] is None
            assert one["zero_gamma"]["all"]["flip"] is None


def assert_aged(found: list[dict[str, Any]]) -> None:
    """Coverage stood while the greeks were young, and then fell to nothing."""
    young = [one["coverage"] for one in found if one["ages"]["greeks"] < TOO_OLD / 2]
    assert young
    assert min(young) > 0.9
    coverage = [one["coverage"] for one in found]
    assert coverage == sorted(coverage, reverse=True)
    assert coverage[-1] == 0


def all_old(found: list[dict[str, Any]]) -> bool:
    """20 minutes of market time after the first report, and nothing counts any more."""
    return bool(found) and found[-1]["used"] == 0 and at(found[-1]) - at(found[0]) > 1200


def test_a_cut_is_said_at_once_ages_in_market_time_and_passes(fast: Product) -> None:
    before = report(fast)

    fast.fault(refuse=REFUSED, cut=True)
    cut = time.monotonic()
    first = until(
        lambda: found if (found := report(fast))["status"]["state"] == "stale" else None,
        10,
        "a stale report",
    )
    said_after = time.monotonic() - cut
    aged = watch(fast, all_old, REFUSED - 1 - said_after)
    row = fast.rows()["SPX"]
    back = until(lambda: is_live(fast), 90, "live GEX")

    assert said_after < 5
    assert "The feed is down since" in first["status"]["text"]
    assert "New York; these are the last numbers it gave." in first["status"]["text"]
    assert first["spot_at"] is not None
    assert {one["status"]["state"] for one in aged} == {"stale"}
    assert_honest([first, *aged])
    assert_aged(aged)
    # The spot that is told is the last one that came, with its true age.
    assert len({one["spot"] for one in aged}) == 1
    assert aged[-1]["spot_age"] > 1200
    assert (row["net_gex"], row["zero_gamma"], row["call_wall"]) == (None, None, None)
    assert "feed is down" in row["reasons"]["net_gex"]
    assert row["status"] == "link_down"
    assert back["as_of"] > aged[-1]["as_of"] > before["as_of"]
    assert back["ages"]["greeks"] < TOO_OLD
    assert until(lambda: fast.rows()["SPX"]["net_gex"], 30, "net GEX in the table")
    assert "Traceback" not in fast.text()


def test_a_feed_that_falls_silent_is_stale_before_anybody_notices_the_silence(
    fast: Product,
) -> None:
    fast.fault(half_open="stream")
    aged = watch(fast, all_old, 40)
    fast.fault(half_open=False)
    back = until(lambda: is_live(fast), 120, "live GEX")

    assert_honest(aged)
    assert aged[-1]["status"]["state"] == "stale"
    old = [one for one in aged if one["ages"]["greeks"] > TOO_OLD]
    assert {one["status"]["state"] for one in old} == {"stale"}
    assert back["as_of"] > aged[-1]["as_of"]
    assert "Traceback" not in fast.text()


@pytest.mark.browser
def test_the_page_calls_nothing_live_that_is_old(fast: Product, open_tab: Open) -> None:
    with open_tab() as tab:
        tab.page.goto(fast.url + "/gex/SPX")
        tab.page.wait_for_selector(".bars-chart canvas", timeout=30_000)
        until(lambda: said(tab)["state"] == "live", 30, "the live page")
        live = said(tab)

        fast.fault(refuse=REFUSED, cut=True)
        stale = until(lambda: (s := said(tab))["state"] == "stale" and s, 10, "the stale page")
        tab.page.reload()
        reloaded = said(tab)
        empty = until(lambda: (s := said(tab))["net"] == "–" and s, REFUSED - 3, "dashes")
        back = until(lambda: (s := said(tab))["state"] == "live" and s, 90, "the live page again")

        assert live["line"] == ""
        assert "live end" in live["end"]
        for one in (stale, reloaded, empty):
            assert one["state"] == "stale"
            assert one["line"].startswith("Stale.")
            assert "feed is down since" in one["line"]
            assert one["kind"] == "warning"
            assert "live" not in one["end"]
            assert one["dot"] is False
        assert (empty["flip"], empty["coverage"]) == ("–", "0.0%")
        assert (back["line"], back["dot"]) == ("", True)
        until(lambda: said(tab)["net"] != "–", 30, "numbers")
        assert [error for error in tab.errors if "429" not in error] == []


def said(tab: Tab) -> dict[str, Any]:
    """What the page says of its numbers."""
    found: dict[str, Any] = tab.page.evaluate(
        """() => {
          const part = (name) => document.querySelector(`[data-part="${name}"]`);
          const metric = (name) => document.querySelector(`[data-tile="${name}"] .metric`);
          return {
            state: part('page').dataset.state,
            line: part('line').hidden ? '' : part('line-text').textContent.trim(),
            kind: part('line').dataset.kind,
            end: part('live-end').textContent,
            dot: part('live-end').dataset.live === 'true',
            net: metric('net').textContent,
            flip: metric('flip').textContent,
            coverage: metric('coverage').textContent,
          };
        }"""
    )
    return found
