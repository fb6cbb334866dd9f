"""Shared by the tests of strategies: times of New York, candles, levels, LT levels."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.strategies.candle import Candle
from grok_sauce.strategies.levels import NAMES, KnownLevels

DAY = "2026-12-16"
CONTRACT = "/NQH7"
WALL = {"put_wall": 21252.5}
LT = (21250.0, 21240.0, 21225.0, 21190.0, 21300.0)
CASES = json.loads((Path(__file__).parent / "cases.json").read_text(encoding="utf-8"))


def unix(text: str) -> float:
    """A New York time; without a day it is Wednesday 2026-12-16."""
    full = text if "T" in text else f"{DAY}T{text}"
    return datetime.fromisoformat(full).replace(tzinfo=ZoneInfo("America/New_York")).timestamp()


def candle(
    text: str, *prices: float | None, contract: str | None = CONTRACT, seconds: int = 900
) -> Candle:
    values = [float("nan") if price is None else float(price) for price in prices]
    return Candle(round(unix(text) * 1000), *values, 100.0, contract, seconds)


def levels(
    prices: dict[str, float] | None = None, at: str = "12:00", contract: str | None = CONTRACT
) -> KnownLevels:
    found = WALL if prices is None else prices
    ordered = tuple((name, float(found[name])) for name in NAMES if name in found)
    return KnownLevels(unix(at), "QQQ", contract, 41.27, unix(at) - 2, ordered)


def triggers(
    time: str,
    prices: tuple[float | None, ...] = LT,
    contract: str | None = CONTRACT,
    closed: bool = True,
    late: float = 0.0,
) -> LtLevels:
    """LT levels of the 15-minute bar that starts at time, known `late` seconds after its end."""
    start = unix(time)
    at = start + 900 + late
    return LtLevels("CME_MINI:NQ1!", "15m", contract, round(start * 1000), closed, prices, at)


def minutes(text: str, *rows: tuple[float, float, float, float], contract: str = CONTRACT
            ) -> list[Candle]:  # fmt: skip
    """One-minute bars from a time on."""
    start = round(unix(text) * 1000)
    return [
        Candle(start + 60_000 * place, *map(float, row), 10.0, contract, 60)
        for place, row in enumerate(rows)
    ]


@pytest.fixture
def make() -> Any:
    return SimpleNamespace(
        unix=unix, candle=candle, levels=levels, triggers=triggers, minutes=minutes, cases=CASES
    )
