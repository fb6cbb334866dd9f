"""What pages ask of the studies: the very chain of the GEX report, worked out beside the loop."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grok_sauce.analytics.conversion import Factor
from grok_sauce.analytics.forward import Rates
from grok_sauce.desks.studies import AGAIN, StudiesDesk
from grok_sauce.errors import SettingsError, SourceError
from grok_sauce.market import sessions
from grok_sauce.market.batches import Batch
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import Instrument
from grok_sauce.market.listing import Listing
from grok_sauce.market.state import MarketState
from grok_sauce.publishers.gex_history import GexHistory
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.runtime.concurrency import spawn
from grok_sauce.storage.bars import BarStore
from grok_sauce.update import Update
from tests.option_chains import AS_OF, TOY_RATE, TOY_YIELD


def instrument(symbol: str, **terms: Any) -> Instrument:
    values = {
        **dict.fromkeys(("tick", "multiplier", "has_options", "product", "contract")),
        **{"symbol": symbol, "streamer": symbol, "kind": "index", "name": symbol},
        **{"problem": None, "hint": None, **terms},
    }
    return Instrument(**values)


class FakeEngine:
    """State and what the GEX analytic keeps; calls run at once."""

    def __init__(self, chain: OptionChain | None) -> None:
        self.state = MarketState()
        es = instrument("/ES", streamer="/ESZ26:XCME", kind="future", multiplier=50.0)
        self.state.listings["SPX"] = Listing("SPX", instrument("SPX"), future=es)
        self.calls = 0
        factor = Factor("/ESZ6", "basis", 30.0, AS_OF, False, 6000.0, 6030.0)
        item = SimpleNamespace(chain=chain, rates=Rates(TOY_RATE, TOY_YIELD), conversion=factor)
        self._used = {} if chain is None else {"SPX:all": item}

    def kept(self, topic: str) -> dict[str, Any]:
        assert topic == "gex.levels"
        return {"used": self._used}

    def call(self, fn: Any) -> Any:
        self.calls += 1
        return fn()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AS_OF)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def desk_of(engine: FakeEngine, path: Path, clock: ManualClock) -> StudiesDesk:
    found: Any = engine
    return StudiesDesk(found, path, clock, lambda: ("SPX",))


def rows(found: dict[str, Any]) -> dict[str, Any]:
    return {row["key"]: row for row in found["studies"]}


def test_it_answers_by_the_name_pages_ask_for(
    toy_chain: OptionChain, path: Path, clock: ManualClock
) -> None:
    questions = Questions(spawn)
    desk_of(FakeEngine(toy_chain), path, clock).register(questions)

    found = questions.ask("studies", {"symbol": "spx"}, 5.0)

    assert found["symbol"] == "SPX"
    assert found["future"] == "/ESZ6"
    assert rows(found)["vanna"]["value"] == pytest.approx(669.874, rel=1e-3)


def test_an_answer_is_given_again_for_a_while(
    toy_chain: OptionChain, path: Path, clock: ManualClock
) -> None:
    engine = FakeEngine(toy_chain)
    desk = desk_of(engine, path, clock)

    first, again = desk.studies("SPX"), desk.studies("SPX")
    clock.advance(AGAIN)
    later = desk.studies("SPX")

    assert first is again
    assert later is not first
    assert engine.calls == 2


@pytest.mark.parametrize(
    ("symbol", "text"),
    [("TSLA", "GEX symbols only"), ("SPX", "the chain of SPX is loading")],
    ids=["not followed", "not there yet"],
)
def test_what_has_no_chain_is_refused_with_the_reason(
    path: Path, clock: ManualClock, symbol: str, text: str
) -> None:
    desk = desk_of(FakeEngine(None), path, clock)

    with pytest.raises((SettingsError, SourceError), match=text):
        desk.studies(symbol)


def test_the_vix_comes_from_its_minute_bars(
    toy_chain: OptionChain, path: Path, clock: ManualClock
) -> None:
    engine = FakeEngine(toy_chain)
    start = int(AS_OF - 3000) * 1000
    values = [
        (0, place, start + place * 60_000, 1, 18.0, 18.0, 18.0, 18.0, 0.0) for place in range(50)
    ]
    columns = tuple(zip(*values, strict=True))
    engine.state.apply(Batch("Candle", ["VIX{=m}"] * 50, columns, AS_OF))

    found = rows(desk_of(engine, path, clock).studies("SPX"))["vix_slope"]

    assert (found["word"], found["value"], found["reason"]) == ("flat", 0.0, None)


def test_kept_walls_and_bars_of_sessions_before_today_make_the_wall_study(
    toy_chain: OptionChain, path: Path, clock: ManualClock
) -> None:
    """One session in which the price came to the call wall and fell back."""
    day = sessions.previous_session(sessions.new_york_date(AS_OF))
    opening = sessions.regular(day)[0]
    keeper, store = GexHistory(), BarStore(path, clock.real())
    keeper.publish([Update("gex.levels", "SPX:all", _payload(opening + 65))])
    keeper.write(store.connection)
    prices = [6000.0, 6000.0, 6025.0, 6049.0, 6030.0, 6010.0]
    bars = [
        Bar(int(opening + 60 * place) * 1000, price, price, price, price, None, None)
        for place, price in enumerate(prices)
    ]
    store.write([("SPX", *_values(bar)) for bar in bars])
    store.close()

    found = rows(desk_of(FakeEngine(toy_chain), path, clock).studies("SPX"))["walls"]

    told = {each["label"]: each["value"] for each in found["facts"]}
    assert found["n"] == 1
    assert (told["Sessions"], told["Bounced"]) == (1.0, 1.0)
    assert found["reason"] == "1 decided touch in 1 session; 30 are needed"


def _values(bar: Bar) -> tuple[Any, ...]:
    return bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count


def _payload(at: float) -> dict[str, Any]:
    flip = {"flip": 5990.0}
    return {
        "symbol": "SPX",
        "as_of": sessions.new_york(at).isoformat(),
        "source": "LIVE",
        "status": {"state": "live", "text": "", "loaded": 1, "of": 1},
        "spot": 6000.0,
        "totals": {"call": 2.0, "put": 1.0, "net": 1.0},
        "zero_gamma": {"all": flip, "zero_dte": None, "ex_zero_dte": flip},
        "call_wall": 6050.0,
        "put_wall": None,
        "columns": {"strike": [6000.0], "net_gex": [1.0]},
    }


def test_prints_of_the_day_come_under_the_chains_names_for_contracts(
    toy_chain: OptionChain, path: Path, clock: ManualClock
) -> None:
    engine = FakeEngine(toy_chain)
    expiry = toy_chain.expiries[0]
    streamer = ".SPXW261221C6000"
    engine.state.listings["SPX"] = Listing(
        "SPX",
        instrument("SPX"),
        expiries=(expiry,),
        streamers=(streamer,),
        expiry=(0,),
        strike=(6_000_000,),
        is_call=(True,),
        multiplier=(100.0,),
        core=(True,),
    )
    row = (0, 7, int(AS_OF * 1000) - 5000, 42.5, 300.0, "BUY", False, True, "NEW")
    engine.state.apply(Batch("TimeAndSale", [streamer], tuple([value] for value in row), AS_OF - 5))

    found = rows(desk_of(engine, path, clock).studies("SPX"))

    assert found["flow_oi"]["n"] == 1
    assert found["flow_oi"]["value"] == float(toy_chain.oi.sum()) + 300
    told = {each["label"]: each["value"] for each in found["delta_flow"]["facts"]}
    assert told["Delta taken"] == pytest.approx(300 * 0.51 * 100, rel=0.02)
