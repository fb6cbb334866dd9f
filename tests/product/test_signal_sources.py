"""TradingView, closed candles and Liquidity Trigger levels in the running product."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.demo_market import DemoMarket
from grok_sauce.desks.half_terms import Files, Process
from grok_sauce.market_half import MarketHalf
from grok_sauce.update import Update
from tests.product.harness import MODES, Product, until


def tradingview(product: Product) -> dict[str, Any]:
    found = product.health()["sources"]
    return next(each for each in found if each["name"] == "tradingview")


def levels(product: Product) -> tuple[int, dict[str, Any]]:
    status, body = product.get("/lt/levels")
    return status, json.loads(body)


@pytest.mark.parametrize("mode", MODES)
def test_the_demo_has_levels_whatever_account_the_user_has(
    start: Callable[..., Product], mode: str
) -> None:
    product = start(
        "demo", "--speed", "10", mode=mode,
        TRADINGVIEW_JWT_TOKEN="users.own.token", TRADINGVIEW_SOCKET="ws://127.0.0.1:1/x",
        TRADINGVIEW_SESSIONID="users-own",
    ).wait()  # fmt: skip

    until(lambda: levels(product)[0] == 200, 60, "the levels")
    _, found = levels(product)

    assert found["symbol"] == "/NQ"
    assert found["contract"].startswith("/NQ")
    assert 0 not in found["levels"].values()
    assert any(found["levels"].values())
    assert found["age"] >= 0
    source = tradingview(product)
    assert (source["state"], source["required"]) == ("live", False)
    assert "switched on by the demo" in source["detail"]
    saved = json.loads((product.folder / "settings.json").read_text())
    assert saved["sources"]["tradingview"]["enabled"] is False
    assert "users" not in product.text()


def test_the_switch_of_setup_takes_effect_while_it_runs(start: Callable[..., Product]) -> None:
    product = start("demo", "--speed", "10").wait()
    until(lambda: levels(product)[0] == 200, 60, "the levels")

    def save(enabled: bool) -> None:
        revision = json.loads(product.get("/api/settings")[1])["revision"]
        sources = {"tradingview": {"enabled": enabled}}
        body = {"revision": revision, "settings": {"sources": sources}}
        assert product.send("PUT", "/api/settings", body)[0] == 200

    save(True)
    assert tradingview(product)["state"] == "live"
    save(False)
    until(lambda: tradingview(product)["state"] == "off", 15, "TradingView switched off")
    status, answer = until(
        lambda: (found := levels(product))[0] == 404 and found, 10, "no more levels"
    )
    assert (status, answer["error"]["code"]) == (404, "no_levels")
    assert "TradingView is off" in answer["error"]["message"]
    assert "unofficial" not in answer["error"]["message"]
    save(True)
    until(lambda: tradingview(product)["state"] == "live", 20, "TradingView switched on again")
    until(lambda: levels(product)[0] == 200, 60, "levels again")


@pytest.fixture
def market() -> Iterator[DemoMarket]:
    made = DemoMarket(["--seed", "42", "--speed", "20", "--start", "2026-12-16T10:11"])
    try:
        yield made
    finally:
        made.close()


def test_quarters_of_two_futures_close_beside_each_other(
    market: DemoMarket, tmp_path: Path
) -> None:
    address = market.open()
    environ = {
        "CLIENT_SECRET": "demo", "REFRESH_TOKEN": "demo", "TASTY_API_BASE": address.http,
        "CANDLE_SYMBOLS": "/NQ,/MNQ", **address.services,
    }  # fmt: skip
    files = Files(tmp_path / "data", tmp_path / "s.json", tmp_path / "kept", tmp_path / "env")
    mode = {"name": "DEMO", "detail": "", "seed": 42}
    process = Process(lambda: mode, dict, lambda: "")
    half = MarketHalf(files, environ, address.clock, True, process)
    heard: list[dict[str, Any]] = []

    def hear(updates: Sequence[Update]) -> None:
        heard.extend(each.payload for each in updates if each.key.endswith((" 1m", " 15m")))

    half.publishers.append(hear)
    half.start()
    try:
        until(
            lambda: (
                {"/NQ", "/MNQ"}
                <= {
                    each["symbol"]
                    for each in [*heard]
                    if each["timeframe"] == "15m" and each["time"] >= "2026-12-16T15:00:00Z"
                }
            ),
            120,
            "closed quarters of both",
        )
        desk = half.signals.triggers
        triggers = until(lambda: desk.triggers("/MNQ", address.clock.market()), 60, "LT levels")
    finally:
        half.close()

    for symbol in ("/NQ", "/MNQ"):
        own = [each for each in heard if each["symbol"] == symbol]
        assert {each["contract"] for each in own} == {f"{symbol}H7"}
        for length in ("1m", "15m"):
            times = [each["time"] for each in own if each["timeframe"] == length]
            assert times == sorted(set(times)), "each once, in order"
        minutes = half.signals.candles.history(symbol, "1m")
        quarter = half.signals.candles.newest(symbol, "15m")
        assert quarter is not None
        page = "TV:CME_MINI:NQ1!" if quarter.source == "TradingView" else f"{symbol}H27:XCME"
        series = half.engine.state.candles(page, "m")
        assert series is not None
        inside = [one for one in minutes if quarter.time <= one.time < quarter.end]
        bars = series.bars(quarter.time, quarter.end)
        # What came later than its grace on a busy machine is in the quarter alone, and the
        # last of it in the source's bars alone; nothing is ever counted twice.
        told = sum(one.volume or 0.0 for one in inside)
        assert quarter.volume is not None
        assert told <= quarter.volume <= sum(bar.volume or 0.0 for bar in bars)
        assert quarter.open == inside[0].open
        assert quarter.high >= max(one.high for one in inside)
        assert quarter.low <= min(one.low for one in inside)
    assert {each["source"] for each in heard if each["symbol"] == "/MNQ"} == {"dxLink"}
    assert {each["source"] for each in heard if each["symbol"] == "/NQ"} & {"TradingView"}
    assert triggers.symbol == "CME_MINI:NQ1!"
