"""What the planner's API answers, made by the planner itself over a small market.

make_plan(**asked) -> dict          a plan as "butterfly.price" answers it
make_candidates() -> dict           three candidates: live, beyond a break-even, settled
without_chain(symbol) -> dict       a plan of a symbol whose options are not there
"""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from grok_sauce.desks.butterfly import ButterflyDesk, Context
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.storage.butterflies import Butterflies
from tests.butterfly_market import FULL, GEX, ROWS, FakeChains

NOW = 1797449527.0  # Wednesday 2026-12-16, 14:32:07 New York


def _desk(folder: Path, clock: ManualClock | None = None) -> ButterflyDesk:
    moment = clock or ManualClock(market=NOW, real=NOW)
    return ButterflyDesk(
        FakeChains(moment),
        Context(ROWS.get, {"SPX": GEX}.get),
        Butterflies(folder / "butterflies.json"),
        lambda updates: None,
        tuple,
        moment,
    )


@functools.cache
def _plan(asked: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        return _desk(Path(folder)).price(**{**FULL, **dict(asked)})


def make_plan(**asked: str) -> dict[str, Any]:
    """A plan of FULL with these parameters changed."""
    return copy.deepcopy(_plan(tuple(sorted(asked.items()))))


def without_chain(symbol: str) -> dict[str, Any]:
    """A plan of a symbol whose options are not there."""
    with TemporaryDirectory() as folder:
        return _desk(Path(folder)).price(symbol=symbol)


@functools.cache
def _candidates() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        desk = _desk(Path(folder))
        for center, side in (("5950", "calls"), ("6010", "puts")):
            desk.save(**{**FULL, "center": center, "side": side})
        found = desk.candidates.marked()
    first, second = found["candidates"]
    settled = {
        **second,
        **{"id": "old1", "expiry": "2026-12-11", "mark": 12.5, "gain": 12.5 - second["entry"]},
        **{"settled": {"spot": 5962.5, "value": 12.5, "at": "2026-12-11T21:00:00+00:00"}},
        **{"spot": 5962.5, "inside": True, "beyond": 0.0, "age": None},
        "gain_dollars": 100 * (12.5 - second["entry"]),
    }
    return {"candidates": [{**first, "id": "abc"}, second, settled], "problem": None}


def make_candidates() -> dict[str, Any]:
    """Three candidates as "butterfly.candidates" answers them."""
    return copy.deepcopy(_candidates())
