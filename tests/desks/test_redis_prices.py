"""Prices of the strategy's futures for Redis: their front month, of today, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grok_sauce.desks.chart_follow import Doors
from grok_sauce.desks.redis_prices import PRICES, RedisPrices
from grok_sauce.errors import SourceError
from grok_sauce.feeds.subscriptions import Subscription
from grok_sauce.market import sessions
from grok_sauce.market.batches import FIELDS, Batch
from grok_sauce.market.instruments import Instrument, provisional
from grok_sauce.market.state import MarketState
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.update import Update

FRONT = "/NQZ26:XCME"
DAY = 86_400.0


class Site:
    """The desk on a state that the test fills, and what it asked for and told."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.state = MarketState()
        self.told: list[Update] = []
        self.wanted: list[Sequence[Subscription]] = []
        self.asked: list[str] = []
        self.table: tuple[str, ...] = ()
        self.record: Instrument | None = replace(
            provisional("/NQ"), streamer=FRONT, contract="/NQZ6"
        )
        self.refuses = False
        doors = Doors(
            want=lambda owner, wanted, priority: self.wanted.append(wanted),
            resolve=self._resolve,
            publish=lambda updates: None,
            table=lambda: self.table,
            gex_symbols=tuple,
            bars=Path("none"),
        )
        engine: Any = SimpleNamespace(state=self.state, source="LIVE")
        self.desk = RedisPrices(engine, clock, doors, lambda: ("/NQ",), self.told.extend)

    def _resolve(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        self.asked += symbols
        if self.refuses:
            raise SourceError("the broker is away")
        return {} if self.record is None else {"/NQ": self.record}

    def say(self, kind: str, **values: Any) -> None:
        """One event of the front month."""
        columns = tuple([values.get(name)] for name in FIELDS[kind])
        self.state.apply(Batch(kind, [FRONT], columns, self.clock.market()))

    def row(self) -> dict[str, Any]:
        self.told.clear()
        self.desk.step()
        [update] = self.told
        assert (update.topic, update.key) == (PRICES, "/NQ")
        found: dict[str, Any] = update.payload
        return found


@pytest.fixture
def site(clock: ManualClock) -> Site:
    return Site(clock)


def today(site: Site) -> int:
    return sessions.day_id(sessions.phase("future", site.clock.market()).session_date)


def test_the_front_month_is_followed_and_told(site: Site) -> None:
    site.desk.step()
    site.say("Trade", price=21246.25, dayVolume=1234.0, dayId=today(site))
    site.say("Quote", bidPrice=21246.0, askPrice=21246.5)
    site.say(
        "Summary", dayId=today(site), dayOpenPrice=21200.0, dayHighPrice=21260.0,
        dayLowPrice=21190.0, prevDayClosePrice=21180.5,
    )  # fmt: skip

    row = site.row()

    assert {each.symbol for each in site.wanted[-1]} == {FRONT}
    assert {each.kind for each in site.wanted[-1]} == {"Quote", "Trade", "Summary"}
    assert row == {
        "price": 21246.25, "price_basis": "trade", "open": 21200.0, "day_high": 21260.0,
        "day_low": 21190.0, "prev_close": 21180.5, "volume": 1234.0, "bid": 21246.0,
        "ask": 21246.5, "as_of": "2026-12-16T19:32:07.000Z", "source": "LIVE", "status": "live",
    }  # fmt: skip


def test_numbers_of_another_day_are_not_told_as_todays(site: Site) -> None:
    site.desk.step()
    site.say("Trade", price=21246.25, dayVolume=1234.0, dayId=today(site) - 1)
    site.say("Summary", dayId=today(site) - 1, dayOpenPrice=1.0, dayClosePrice=21180.5)

    row = site.row()

    assert (row["open"], row["volume"], row["prev_close"]) == (None, None, 21180.5)


def test_before_the_first_trade_nothing_is_told(site: Site) -> None:
    site.desk.step()
    site.say("Quote", bidPrice=21246.0, askPrice=21246.5)

    site.desk.step()

    assert site.told == []


@pytest.mark.parametrize("age, status", [(59.0, "live"), (61.0, "aging"), (301.0, "stale")])
def test_an_old_price_says_so(site: Site, age: float, status: str) -> None:
    site.desk.step()
    site.say("Trade", price=21246.25, dayId=today(site))

    site.clock.advance(age)

    assert site.row()["status"] == status


def test_what_the_table_has_is_left_to_the_table(site: Site) -> None:
    site.table = ("SPY", "/NQ")

    site.desk.step()

    assert (site.asked, site.wanted, site.told) == ([], [], [])


@pytest.mark.parametrize("problem", ["no_entitlement", "not_offered"])
def test_one_that_may_not_be_read_is_not_told(site: Site, problem: Any) -> None:
    assert site.record is not None
    site.record = replace(site.record, problem=problem)

    site.desk.step()

    assert (site.wanted, site.told) == ([], [])


def test_a_broker_that_is_away_is_asked_again_in_a_while(site: Site) -> None:
    site.refuses = True
    site.desk.step()
    site.desk.step()
    early = len(site.asked)
    site.clock.advance(16.0)
    site.refuses = False

    site.desk.step()

    assert (early, len(site.asked)) == (1, 2)
    assert site.wanted


def test_each_day_the_front_month_is_looked_up_anew(site: Site) -> None:
    site.desk.step()
    assert site.record is not None
    site.record = replace(site.record, streamer="/NQH27:XCME")

    site.clock.advance(DAY)
    site.desk.step()

    assert {each.symbol for each in site.wanted[-1]} == {"/NQH27:XCME"}
