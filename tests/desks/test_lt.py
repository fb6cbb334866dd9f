"""Liquidity Trigger levels: what stands at a moment, when it ends, and why there is nothing."""

from __future__ import annotations

from datetime import date

import pytest

from grok_sauce.desks.lt import NOT_CHOSEN, OFF, LtDesk
from grok_sauce.engine import Engine
from grok_sauce.errors import SourceError
from grok_sauce.market import sessions
from grok_sauce.market.batches import Batch
from grok_sauce.market.lt_levels import LtLevels
from grok_sauce.market.state import MarketState
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.update import Update

DAY = date(2027, 1, 13)
PAGE = "CME_MINI:NQ1!"
KEY = "TV:CME_MINI:NQ1!{=15m}"
PRICES = (21250.0, 21240.0, None, 21225.0, 21190.0, 21300.0, None)


def moment(hour: int, minute: int = 0, second: int = 0) -> float:
    return sessions.instant(DAY, hour, minute) + second


class Bench:
    """A desk over an engine that is stepped by hand."""

    def __init__(self, clock: ManualClock, page: str | None = PAGE) -> None:
        clock.advance(moment(10) - clock.market())
        self.clock = clock
        self.engine = Engine(MarketState(), (), lambda updates: None, clock)
        self.told: list[Update] = []
        self.is_on = True
        self.contract: str | None = "/NQH7"
        self.trouble = ""
        self.desk = LtDesk(
            self.engine,
            clock,
            self.told.extend,
            page,
            "/NQ" if page else None,
            "15m",
            lambda: self.is_on,
            lambda symbol: self.contract,
            lambda: self.trouble,
        )

    def levels(
        self,
        start: float,
        contract: str | None = "/NQH7",
        prices: tuple[float | None, ...] = PRICES,
    ) -> LtLevels:
        now = self.clock.market()
        found = LtLevels(PAGE, "15m", contract, round(start * 1000), True, prices, now)
        self.put(found)
        return found

    def put(self, found: LtLevels | None) -> None:
        self.engine.put(Batch("LtLevels", [KEY], ([found],), self.clock.market()))
        self.engine.step()
        self.desk.step()

    def link(self, up: bool) -> None:
        self.engine.put(Batch("Link", ["TradingView"], ([up],), self.clock.market()))
        self.engine.step()
        self.desk.step()

    def to(self, at: float) -> None:
        self.clock.advance(at - self.clock.market())
        self.desk.step()


@pytest.fixture
def bench(clock: ManualClock) -> Bench:
    made = Bench(clock)
    made.link(True)
    return made


def test_levels_of_a_closed_bar_stand_from_when_they_came(bench: Bench) -> None:
    bench.to(moment(10, 15, 3))
    found = bench.levels(moment(10))

    assert bench.desk.triggers("/NQ", moment(10, 15, 3)) is found
    assert bench.desk.triggers("/NQ", moment(10, 15, 2)) is None  # not known yet
    assert bench.desk.why("/NQ") is None


def test_what_was_known_at_a_moment_is_answered_later_too(bench: Bench) -> None:
    bench.to(moment(10, 15, 3))
    first = bench.levels(moment(10))
    bench.to(moment(10, 30, 3))
    second = bench.levels(moment(10, 15))

    assert bench.desk.triggers("/NQ", moment(10, 20)) is first
    assert bench.desk.triggers("/NQ", moment(10, 30, 3)) is second


def test_the_payload_names_bar_contract_and_empty_slots(bench: Bench) -> None:
    bench.to(moment(10, 15, 3))
    bench.levels(moment(10))

    update = bench.told[-1]
    assert (update.topic, update.key) == ("lt.levels", "/NQ")
    assert update.payload == {
        "symbol": "/NQ", "tradingview_symbol": PAGE, "timeframe": "15m", "source": "TradingView",
        "lookbacks": [8, 13, 34, 55, 144, 377, 610],
        "timestamp": "2027-01-13T15:15:03Z", "candle_time": "2027-01-13T15:00:00Z",
        "candle_end": "2027-01-13T15:15:00Z", "contract": "/NQH7",
        "levels": {"L0": 21250.0, "L1": 21240.0, "L2": None, "L3": 21225.0, "L4": 21190.0,
                   "L5": 21300.0, "L6": None},
        "state": "live", "text": None,
    }  # fmt: skip


def test_a_report_says_how_old_they_are(bench: Bench) -> None:
    bench.to(moment(10, 15, 3))
    bench.levels(moment(10))
    bench.to(moment(10, 20))

    found = bench.desk.report("/nq")

    assert (found["age"], found["known_for"]) == (300.0, 297.0)


def test_what_does_not_change_is_told_once(bench: Bench) -> None:
    bench.to(moment(10, 15, 3))
    bench.levels(moment(10))
    told = len(bench.told)

    bench.to(moment(10, 16))
    bench.to(moment(10, 29))

    assert len(bench.told) == told


def test_a_micro_future_has_the_levels_of_its_full_size_one(bench: Bench) -> None:
    found = bench.levels(moment(9, 45))

    assert bench.desk.triggers("/MNQ", moment(10)) is found
    assert bench.desk.triggers("/ES", moment(10)) is None
    assert "of /NQ alone" in str(bench.desk.why("/ES"))


def test_levels_of_the_contract_before_go_when_another_is_in_front(bench: Bench) -> None:
    bench.levels(moment(9, 45))

    bench.contract = "/NQM7"
    bench.desk.step()

    assert bench.desk.triggers("/NQ", moment(10)) is None
    assert bench.told[-1].payload["levels"] is None
    assert "/NQH7; /NQM7 is in front" in bench.told[-1].payload["text"]


def test_levels_of_another_contract_than_the_one_in_front_are_not_taken(bench: Bench) -> None:
    bench.levels(moment(9, 45), "/NQM7")

    assert bench.desk.triggers("/NQ", moment(10)) is None
    assert "are of /NQM7; /NQH7 is in front" in str(bench.desk.why("/NQ"))


def test_what_the_source_takes_back_at_a_roll_is_gone(bench: Bench) -> None:
    bench.levels(moment(9, 45))

    bench.put(None)

    assert bench.desk.triggers("/NQ", moment(10)) is None
    assert "taken back at a roll" in bench.told[-1].payload["text"]


def test_switched_off_there_is_a_reason_and_never_a_number(bench: Bench) -> None:
    bench.levels(moment(9, 45))
    bench.is_on = False
    bench.link(False)

    payload = bench.told[-1].payload
    assert (payload["state"], payload["levels"], payload["text"]) == ("off", None, OFF)
    assert bench.desk.triggers("/NQ", moment(10)) is None
    with pytest.raises(SourceError, match="TradingView is off"):
        bench.desk.report()


def test_switched_on_again_the_next_bar_counts(bench: Bench) -> None:
    bench.levels(moment(9, 45))
    bench.is_on = False
    bench.link(False)
    bench.is_on = True
    bench.link(True)

    found = bench.levels(moment(9, 45))

    assert bench.desk.triggers("/NQ", moment(10)) is found


def test_before_the_first_bar_it_says_what_the_source_says(bench: Bench) -> None:
    assert "has closed yet" in str(bench.desk.why("/NQ"))

    bench.trouble = "study_not_auth"
    bench.desk.step()

    assert "TradingView: study_not_auth." in bench.told[-1].payload["text"]


def test_levels_two_bars_old_are_stale_by_trading_time(bench: Bench) -> None:
    bench.to(moment(16, 45, 3))
    bench.levels(moment(16, 30))

    bench.to(moment(18, 10))  # the pause from 17:00 to 18:00 is no trading: 25 minutes so far
    assert bench.told[-1].payload["state"] == "live"

    bench.to(moment(18, 17))
    assert bench.told[-1].payload["state"] == "stale"
    assert bench.told[-1].payload["levels"]["L0"] == 21250.0


def test_a_source_that_is_away_is_named_when_levels_are_stale(bench: Bench) -> None:
    bench.levels(moment(9, 45))
    bench.link(False)

    bench.to(moment(10, 45))

    assert "not connected" in bench.told[-1].payload["text"]


def test_without_a_symbol_nothing_is_told(clock: ManualClock) -> None:
    bench = Bench(clock, None)

    bench.desk.step()

    assert bench.told == []
    assert bench.desk.why("/NQ") == NOT_CHOSEN
