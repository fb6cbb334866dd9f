"""The level service where it stands: from a chain in the engine to the answer of /gex/levels."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.analytics.conversion import Factor
from grok_sauce.desks import level_joint
from grok_sauce.desks.half_terms import Files, Process
from grok_sauce.market.batches import Batch
from grok_sauce.market_half import MarketHalf
from grok_sauce.questions import Unavailable
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.storage import database, known_levels

FACTOR = 21475.25 / 520.40
Delayed = Callable[[float], Any]


@pytest.fixture
def qqq_file(chain_of: Callable[..., Any]) -> Delayed:
    """qqq_file(as_of): a chain of QQQ as Cboe's file gives it."""
    common = {"root": "QQQ", "expiry": "2026-12-18", "iv": 0.2, "volume": 10.0}
    rows = [
        {**common, "strike": at, "right": right, "oi": oi}
        for at, oi in ((505, 9000.0), (510, 3000.0), (515, 1200.0), (525, 800.0))
        for right in "PC"
    ]
    return lambda as_of: chain_of(
        rows, symbol="QQQ", spot=520.4, as_of=as_of, source="CBOE", oi_date=date(2026, 12, 15)
    )


def made_half(tmp_path: Path, clock: ManualClock) -> MarketHalf:
    files = Files(
        data=tmp_path / "data",
        settings=tmp_path / "settings.json",
        keep=tmp_path / "kept",
        env=tmp_path / "env",
    )
    secrets = {"CLIENT_SECRET": "demo", "REFRESH_TOKEN": "demo", "GEX_SYMBOL": "QQQ"}
    return MarketHalf(files, secrets, clock, False, Process(dict, dict, str))


@pytest.fixture
def half(tmp_path: Path, clock: ManualClock) -> Iterator[MarketHalf]:
    """Only its engine runs."""
    built, stop = made_half(tmp_path, clock), threading.Event()
    thread = threading.Thread(target=built.engine.run, args=(stop,), daemon=True)
    thread.start()
    yield built
    stop.set()
    thread.join(10)


def put_chain(half: MarketHalf, chain: Any) -> None:
    half.engine.put(Batch("CboeChain", ["QQQ"], ([chain],), chain.as_of))
    deadline = time.monotonic() + 30
    while half.engine.state.cboe.get("QQQ") is not chain:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def put_factor(half: MarketHalf, at: float) -> None:
    factor = Factor("/NQH7", "ratio", FACTOR, at, False, 520.4, 21475.25)
    half.engine.call(
        lambda: half.engine.kept("gex.levels").setdefault("factor", {}).update(QQQ=factor)
    )


def test_cboes_chain_in_the_engine_is_what_gex_levels_tells_and_what_is_kept(
    half: MarketHalf, qqq_file: Delayed, clock: ManualClock, tmp_path: Path
) -> None:
    service = half.signals.levels
    service._begin()
    put_chain(half, qqq_file(clock.market() - 900))
    put_factor(half, clock.market() - 1)

    service.step()

    found = service.known("/NQ", clock.market())
    assert found is not None
    assert (found.source, found.known_at) == ("QQQ cboe", clock.market())
    told = half.questions.ask("gex.e80", timeout=30.0)
    assert not isinstance(told, Unavailable), told
    assert told["definition"]["feed"] == "cboe"
    assert told["definition"]["as_of"] < told["definition"]["known_at"]
    assert half.snapshot.get("signal.levels", "QQQ")["timestamp"] == told["timestamp"]
    path = tmp_path / "data" / known_levels.FILE
    reader = database.open_reader(path)
    assert reader is not None
    with closing(reader):
        row = known_levels.newest(reader, "/NQ", "QQQ", clock.market())
    assert row is not None
    assert (row.feed, row.put_wall) == ("cboe", 505.0)
    half.signals.levels._file.close()  # type: ignore[union-attr]


def test_cboe_is_asked_for_what_signals_stand_on_besides_setups_symbols(half: MarketHalf) -> None:
    half.gex.also_cboe(("RUT",))

    assert "RUT" in list(half.gex._cboe_symbols())


def test_a_refresh_waits_for_the_chain_it_asked_for(
    half: MarketHalf, qqq_file: Delayed, clock: ManualClock
) -> None:
    chain = qqq_file(clock.market() - 900)
    asked: list[str] = []

    class Poller:
        def ask_now(self, symbol: str) -> bool:
            asked.append(symbol)
            threading.Timer(0.05, put_chain, (half, chain)).start()
            return True

    found = level_joint.fetch(Poller(), half.engine, clock, "QQQ")  # type: ignore[arg-type]

    assert (found, asked) == (True, ["QQQ"])
    assert half.engine.state.cboe["QQQ"] is chain


def test_a_refresh_that_cboe_does_not_answer_ends(half: MarketHalf, clock: ManualClock) -> None:
    class Deaf:
        def ask_now(self, symbol: str) -> bool:
            clock.advance(level_joint.PATIENCE)
            return True

    class Resting:
        def ask_now(self, symbol: str) -> bool:
            return False

    for poller in (Deaf(), Resting()):
        assert not level_joint.fetch(poller, half.engine, clock, "QQQ")  # type: ignore[arg-type]
