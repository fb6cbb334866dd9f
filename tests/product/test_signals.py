"""The demo at speed gives a signal by the rules: on the page, as a notice, in the router."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.product.harness import Product, until

# On this afternoon of this market the candle that closes at 14:45 falls through support 1.
MARKET = ("--seed", "42", "--start", "2026-12-16T13:52:00-05:00", "--speed", "30")
PATIENCE = 240  # seconds: 53 minutes of the market take 106, more on a busy machine
TREE = {
    "strategies": {
        "Recoil": {"accounts": {}, "mode": "live", "tickers": {"GEX_RECOIL": {"ports": [9060]}}}
    }
}


def read(product: Product, path: str) -> dict[str, Any]:
    status, body = product.get(path)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def state(product: Product) -> dict[str, Any]:
    found: dict[str, Any] = read(product, "/api/signals")["signals"]
    return found


@pytest.mark.timeout(330)
def test_a_seeded_afternoon_signals_on_the_page_as_a_notice_and_in_the_router(
    tmp_path: Path,
) -> None:
    chosen = {"schema": 1, "gex": {"symbols": ["QQQ"]}, "strategy": {"to_router": True}}
    (tmp_path / "settings.json").write_text(json.dumps(chosen), encoding="utf-8")
    (tmp_path / "data" / "demo").mkdir(parents=True)
    (tmp_path / "data" / "demo" / "routing.json").write_text(json.dumps(TREE), encoding="utf-8")
    product = Product(tmp_path, "demo", *MARKET)
    try:
        product.wait()
        found = until(lambda: state(product)["signals"], PATIENCE, "a signal")

        signal = found[-1]
        now = state(product)
        assert (now["enabled"], now["by_default"]) == (True, True)
        assert signal["level_name"] in ("put_wall", "support_1", "support_2", "support_3")
        assert signal["stop"] < signal["price"] < signal["level"]
        whole = read(product, f"/api/signals/evaluations/{signal['seq']}")
        assert whole["result"] == "signal"
        assert whole["candle"]["close"] == signal["price"]
        assert whole["lt"]["prices"]
        assert whole["levels"]["contract"] == whole["candle"]["contract"]

        def notice() -> Any:
            told = read(product, "/api/notices")["notices"]
            return [each for each in told if each["rule"] == "signal"]

        assert "Signal: buy" in until(notice, 30, "the notice")[0]["title"]

        def alert() -> Any:
            rows = read(product, "/api/alerts")["rows"]
            return [row for row in rows if row["ticker"] == "GEX_RECOIL"]

        assert until(alert, 30, "the alert")
        sent = until(
            lambda: [
                post
                for each in state(product)["signals"]
                for post in each["posts"]
                if post["state"] == "taken"
            ],
            30,
            "the router's answer",
        )
        assert sent[0]["kind"] == "open"
    finally:
        product.process.terminate()
        product.process.wait(timeout=15)
