"""docs/redis.md: its program runs as printed, and it names what there is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

from grok_sauce.desks.redis_commands import COMMANDS, LARGEST
from grok_sauce.desks.redis_shapes import (
    CANDLES,
    LEVELS_LIFE,
    LT_LIFE,
    PRICE_LIFE,
    SIGNALS,
    channels,
)
from grok_sauce.runtime.clock import ManualClock
from tests.redis_server import RedisServer

PAGE = (Path(__file__).parents[1] / "docs" / "redis.md").read_text("utf-8")


def test_the_printed_program_hears_a_signal_once() -> None:
    found = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 1
    signal = {"channel": "trade.signal", "data": {"id": "a", "symbol": "NQ", "price": 21246.25}}
    candle = {"channel": "candle.close", "data": {"symbol": "/NQ", "close": 21250.5}}

    with RedisServer() as server:
        program = found[0].replace("redis://127.0.0.1:6379/0", server.url)
        assert program != found[0]
        listener = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
        )
        try:
            deadline = time.monotonic() + 20
            while server.cli("PUBSUB", "NUMSUB", "trade.signal").split() != ["trade.signal", "1"]:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            for said in (signal, signal, candle):
                server.cli("PUBLISH", str(said["channel"]), json.dumps(said))
            assert listener.stdout is not None
            lines = [listener.stdout.readline().strip() for _ in range(2)]
        finally:
            listener.kill()
            listener.wait(timeout=10)

    assert lines == ["trade.signal NQ 21246.25", "candle.close /NQ 21250.5"]


def test_every_channel_and_command_is_on_the_page() -> None:
    made = channels(("QQQ",), lambda: None, ManualClock().market)
    rows = re.findall(r"^\| (`[a-z., `]+) \|", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z.]+)`", row)}

    assert named == {channel.name for channel in made} | set(COMMANDS)


def test_the_limits_on_the_page_are_those_of_the_program() -> None:
    told = " ".join(PAGE.split())

    assert f"`price.update:<symbol>` for {PRICE_LIFE} s" in told
    assert f"`lt.levels:<symbol>` for {LT_LIFE // 60} minutes" in told
    assert f"`gex_levels_latest` for {LEVELS_LIFE // 3600} hours" in told
    assert f"{CANDLES} wait" in told
    assert f"{SIGNALS} wait" in told
    assert f"over {LARGEST:,} bytes" in told
