"""The whole dashboard on a Redis server: heard by redis-cli, obeyed, and none the worse without."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.product.harness import MODES, Product, until
from tests.redis_server import RedisServer


def start(folder: Path, mode: str, url: str, *arguments: str, **env: str) -> Product:
    folder.mkdir(exist_ok=True)
    # One chain more than the levels need would only take its time.
    chosen = {"schema": 1, "gex": {"symbols": ["QQQ"]}}
    (folder / "settings.json").write_text(json.dumps(chosen), encoding="utf-8")
    env = {"REDIS_URL": url, "REDIS_IN_DEMO": "1", **env}
    return Product(folder, "demo", *arguments, mode=mode, **env)


def source(product: Product, name: str = "redis") -> dict[str, Any]:
    report = product.health()
    return next(each for each in report["sources"] if each["name"] == name)


def end(product: Product) -> None:
    product.process.terminate()
    product.process.wait(timeout=15)


class Ears:
    """redis-cli on all channels; the newest message of each."""

    def __init__(self, server: RedisServer, *channels: str) -> None:
        self.newest: dict[str, dict[str, Any]] = {}
        self._process: subprocess.Popen[str] = server.subscriber(*channels)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while self._process.stdout.readline().strip() == "message":
            channel = self._process.stdout.readline().strip()
            self.newest[channel] = json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.wait(timeout=10)


@pytest.mark.parametrize("mode", MODES)
def test_the_demo_is_heard_and_obeys_and_outlives_its_server(mode: str, tmp_path: Path) -> None:
    with RedisServer() as server:
        product = start(tmp_path, mode, server.url)
        ears = Ears(server, "price.update", "service.health", "gex.levels")
        try:
            product.wait()
            until(lambda: source(product)["state"] == "live", 30, "the connection")
            until(lambda: {"price.update", "service.health"} <= set(ears.newest), 60, "news")
            price = ears.newest["price.update"]["data"]
            assert price["source"] == "DEMO"
            assert price["close"] > 0
            until(lambda: server.cli("GET", "price.update:/NQ"), 60, "the future's price")
            future = json.loads(server.cli("GET", "price.update:/NQ"))
            assert future["baseSymbol"] == "NQ"
            assert future["low"] <= future["close"] <= future["high"]
            assert ears.newest["service.health"]["data"]["connected"]["redis"] is True
            assert source(product)["rate"] is not None

            def refreshed() -> Any:
                server.cli("PUBLISH", "gex.refresh", '{"force": true}')
                return ears.newest.get("gex.levels")

            levels = until(refreshed, 90, "levels")["data"]
            assert levels["symbol"] == "QQQ"
            assert levels["put_wall"] < levels["call_wall"]
            assert source(product, "redis-commands")["state"] == "live"

            server.stop()
            until(lambda: source(product)["state"] == "backoff", 30, "the outage")
            assert product.get("/health")[0] == 200
            assert product.get("/indicator")[0] == 200
            server.start()
            until(lambda: source(product)["state"] == "live", 30, "the recovery")
        finally:
            ears.close()
            end(product)

    lines = product.text().splitlines()
    assert len([line for line in lines if "everything else goes on" in line]) == 1
    assert len([line for line in lines if "redis: back after" in line]) == 1
    assert not [line for line in lines if "Traceback" in line]


def test_a_demo_that_is_not_asked_to_tells_nothing(tmp_path: Path) -> None:
    with RedisServer() as server:
        product = start(tmp_path, "eventlet", server.url, REDIS_IN_DEMO="")
        try:
            product.wait()

            assert source(product)["mark"] == "off"
            assert "REDIS_IN_DEMO" in source(product)["detail"]
            assert server.cli("CLIENT", "LIST").count("name=grok-sauce") == 0
        finally:
            end(product)


@pytest.mark.slow
@pytest.mark.timeout(330)
def test_a_signal_of_the_page_is_read_by_redis_cli(tmp_path: Path) -> None:
    # On this afternoon of this market the candle that closes at 14:45 falls through support 1.
    market = ("--seed", "42", "--start", "2026-12-16T13:52:00-05:00", "--speed", "30")
    with RedisServer() as server:
        product = start(tmp_path, "eventlet", server.url, *market)
        ears = Ears(server, "trade.signal", "candle.close")
        try:
            product.wait()
            told = until(lambda: ears.newest.get("trade.signal"), 240, "a signal")["data"]

            shown = json.loads(product.get("/api/signals")[1])["signals"]["signals"]
            candle = ears.newest["candle.close"]["data"]
        finally:
            ears.close()
            end(product)

    same = next(each for each in shown if each["id"] == told["id"])
    assert (told["price"], told["stop_loss"]) == (same["price"], same["stop"])
    assert told["stopLoss"] == told["stop_loss"] < told["price"] < told["take_profit"]
    assert told["expires_at"] > told["time"]
    assert candle["timeframe"] == "15m"
