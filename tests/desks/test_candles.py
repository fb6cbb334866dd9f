"""The owner of closed candles over a real engine, a manual clock and feeds that are not there."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from grok_sauce.desks.candle_keeper import CandleKeeper, candle_file
from grok_sauce.desks.candle_sources import CandleFollower, CandleSources
from grok_sauce.desks.candles import CandleOwner, CandleSettings
from grok_sauce.desks.chart_follow import Doors
from grok_sauce.engine import Engine
from grok_sauce.errors import SettingsError
from grok_sauce.feeds.subscriptions import Subscription
from grok_sauce.market import sessions
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import Instrument, provisional
from grok_sauce.market.state import MarketState
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.storage.closed_candles import CandleStore
from grok_sauce.strategies.candle import Candle
from grok_sauce.update import Update

WEDNESDAY = date(2027, 1, 13)
MINUTE = 60_000
STREAMERS = {"/NQ": "/NQZ26:XCME", "/MNQ": "/MNQZ26:XCME", "/ES": "/ESZ26:XCME"}


def moment(hour: int, minute: int = 0, second: float = 0.0, day: date = WEDNESDAY) -> float:
    return sessions.instant(day, hour, minute) + second


def ms(hour: int, minute: int = 0, day: date = WEDNESDAY) -> int:
    return round(moment(hour, minute, day=day) * 1000)


def candles(
    streamer: str, start: int, prices: Sequence[float], snapshot: bool, at: float, period: str = "m"
) -> Batch:
    count = len(prices)
    times = [start + place * MINUTE for place in range(count)]
    columns = (
        [0] * count, times, times, [1] * count, list(prices), [p + 2 for p in prices],
        [p - 1 for p in prices], [p + 1 for p in prices], [10.0] * count,
    )  # fmt: skip
    return Batch("Candle", [f"{streamer}{{={period}}}"] * count, columns, at, snapshot)


class Market:
    """A world of two sources with their owner; step() is one look of the owner."""

    def __init__(self, folder: Path, clock: ManualClock, symbols: tuple[str, ...] = ("/NQ",)):
        self.clock = clock
        self.published: list[Update] = []
        self.told: list[tuple[str, str, Candle]] = []
        self.wanted: dict[str, Sequence[Subscription]] = {}
        self.pages: dict[str, str] = {}
        self.contracts = {"CME_MINI:NQ1!": "/NQZ6"}
        self.engine = Engine(MarketState(), (), lambda updates: None, clock)
        self.found = threading.Event()
        doors = Doors(
            self._want, self._resolve, self.published.extend, tuple, tuple, folder / "history.db"
        )
        self.keeper = CandleKeeper(candle_file(folder, False), clock)
        self.owner = CandleOwner(
            self.engine,
            clock,
            CandleSources(self.engine, clock, lambda: self.pages, self.contracts.get),
            CandleFollower(self.engine, clock, doors, self.found.set),
            self.keeper,
            self.published.extend,
            CandleSettings(symbols),
        )
        self.owner.listen(lambda *heard: self.told.append(heard))
        self.keeper.open()

    def _want(self, owner: str, wanted: Sequence[Subscription], priority: int) -> None:
        self.wanted[owner] = wanted

    def _resolve(self, symbols: Sequence[str]) -> dict[str, Instrument]:
        found = {}
        for symbol in symbols:
            streamer = STREAMERS.get(symbol)
            if streamer is None:
                found[symbol] = provisional(symbol)
                continue
            product = symbol[1:]
            found[symbol] = Instrument(
                symbol, streamer, "future", product=product, contract=f"/{product}Z6"
            )
        return found

    def link(self, up: bool, name: str = "dxLink") -> None:
        self.engine.put(Batch("Link", [name], ([up],), self.clock.market()))
        self.engine.step()

    def bars(
        self, start: int, prices: Sequence[float], symbol: str = "/NQ", snapshot: bool = False
    ) -> None:
        streamer = STREAMERS.get(symbol, symbol)
        self.engine.put(candles(streamer, start, prices, snapshot, self.clock.market()))
        self.engine.step()

    def step(self, to: float | None = None) -> list[tuple[str, str, int]]:
        """Look once, at a moment if one is given: (symbol, timeframe, start) told in it."""
        if to is not None:
            self.clock.advance(to - self.clock.market())
        before = len(self.told)
        done: list[bool] = []

        def look() -> None:
            self.owner.step()
            done.append(True)

        looking = threading.Thread(target=look)
        looking.start()
        while looking.is_alive():
            self.engine.step()
            looking.join(0.002)
        assert done, "the look failed"
        return [(symbol, length, one.time) for symbol, length, one in self.told[before:]]

    def begin(self, history: int = 30, symbols: Sequence[str] = ("/NQ",)) -> None:
        """Connected, with a history of so many minutes to 10:00, at 10:00:30."""
        self.clock.advance(moment(10, 0, 30) - self.clock.market())
        self.step()
        assert self.found.wait(5.0)
        self.step()
        self.link(True)
        for symbol in symbols:
            start = ms(10) - history * MINUTE
            self.bars(start, [100.0] * (history + 1), symbol, snapshot=True)
        self.step()


@pytest.fixture
def market(tmp_path: Path, clock: ManualClock) -> Market:
    clock.advance(moment(9) - clock.market())
    return Market(tmp_path, clock)


def test_minutes_and_days_of_the_front_contract_are_asked_of_the_feed(market: Market) -> None:
    market.begin()

    wanted = {each.symbol: each for each in market.wanted["candles"]}

    assert set(wanted) == {"/NQZ26:XCME{=m}", "/NQZ26:XCME{=d}"}
    assert all(each.from_time is not None for each in wanted.values())


def test_history_is_there_and_is_not_told(market: Market) -> None:
    market.begin()

    minutes, quarters = market.owner.history("/NQ", "1m"), market.owner.history("/NQ", "15m")

    assert [each.time for each in minutes] == [ms(9, 30) + n * MINUTE for n in range(30)]
    assert [(each.time, each.volume) for each in quarters] == [(ms(9, 30), 150.0), (ms(9, 45), 150)]
    assert {each.contract for each in minutes + quarters} == {"/NQZ6"}
    assert market.told == []


def test_a_candle_closes_a_second_after_its_end_though_no_print_comes(market: Market) -> None:
    market.begin()

    assert market.step(moment(10, 1, 0.5)) == []
    assert market.step(moment(10, 1, 1.1)) == [("/NQ", "1m", ms(10))]
    (update,) = market.published
    assert (update.topic, update.key) == ("candle.close", "/NQ 1m")
    assert update.payload == {
        "symbol": "/NQ", "contract": "/NQZ6", "timeframe": "1m",
        "time": "2027-01-13T15:00:00Z", "end": "2027-01-13T15:01:00Z",
        "open": 100.0, "high": 102.0, "low": 99.0, "close": 101.0, "volume": 10.0,
        "source": "dxLink", "switched_from": None, "gap": 0,
    }  # fmt: skip


def test_a_correction_in_the_second_after_the_end_is_in_it_and_a_later_one_is_not(
    market: Market,
) -> None:
    market.begin()
    market.clock.advance(moment(10, 1, 0.6) - market.clock.market())
    market.bars(ms(10), [200.0])
    market.step(moment(10, 1, 1.1))

    market.bars(ms(10), [300.0])
    market.step(moment(10, 1, 3))

    assert [one.open for _, _, one in market.told] == [200.0]
    assert market.owner.history("/NQ", "1m")[-1].open == 200.0


def test_the_minute_is_told_before_the_quarter_that_ends_with_it(market: Market) -> None:
    market.begin()
    market.bars(ms(10, 1), [100.0] * 14)

    told = market.step(moment(10, 15, 1.1))

    assert told[-2:] == [("/NQ", "1m", ms(10, 14)), ("/NQ", "15m", ms(10))]


def test_while_the_only_source_is_away_nothing_is_closed_and_then_it_comes_in_order(
    market: Market,
) -> None:
    market.begin()
    market.bars(ms(10, 1), [100.0] * 10)
    market.step(moment(10, 11, 1.1))
    market.told.clear()
    market.link(False)

    assert market.step(moment(10, 16)) == []

    market.link(True)
    assert market.step(moment(10, 16, 5)) == []  # its history has not come
    market.bars(ms(9, 30), [100.0] * 47, snapshot=True)
    told = market.step(moment(10, 16, 6))
    minutes = [time for _, length, time in told if length == "1m"]
    assert minutes == [ms(10, 11) + n * MINUTE for n in range(5)]
    assert ("/NQ", "15m", ms(10)) in told
    assert all(update.payload["gap"] == 0 for update in market.published)


def test_what_an_outage_took_is_a_gap_and_its_volume_is_not_known(market: Market) -> None:
    market.begin()
    market.bars(ms(10, 1), [100.0] * 5)
    market.step(moment(10, 6, 1.1))
    market.link(False)
    market.step(moment(10, 10))
    market.link(True)
    market.bars(ms(10, 10), [100.0] * 5, snapshot=True)  # the feed has no more

    market.step(moment(10, 15, 1.1))

    quarter = market.published[-1].payload
    assert (quarter["timeframe"], quarter["gap"], quarter["volume"]) == ("15m", 240, None)


def test_with_tradingview_there_candles_are_its_own_and_the_switch_is_said(market: Market) -> None:
    market.begin()
    market.pages["/NQ"] = "CME_MINI:NQ1!"
    market.bars(ms(10, 1), [100.0] * 30)
    market.clock.advance(moment(10, 7) - market.clock.market())
    market.link(True, "TradingView")
    market.bars(ms(9, 30), [500.0] * 70, "TV:CME_MINI:NQ1!", snapshot=True)

    market.step(moment(10, 31, 1.1))

    minutes = {u.payload["time"][11:16]: u.payload for u in market.published
               if u.payload["timeframe"] == "1m"}  # fmt: skip
    quarters = [u.payload for u in market.published if u.payload["timeframe"] == "15m"]
    assert {each["source"] for time, each in minutes.items() if time < "15:07"} == {"dxLink"}
    assert {each["source"] for time, each in minutes.items() if time >= "15:07"} == {"TradingView"}
    assert minutes["15:07"]["switched_from"] == "dxLink"
    assert [(each["source"], each["open"]) for each in quarters] == [
        ("dxLink", 100.0),
        ("TradingView", 500.0),
    ]


def test_tradingview_with_another_contract_in_front_is_not_mixed_in(market: Market) -> None:
    market.begin()
    market.pages["/NQ"] = "CME_MINI:NQ1!"
    market.contracts["CME_MINI:NQ1!"] = "/NQH7"
    market.link(True, "TradingView")
    market.bars(ms(9, 30), [500.0] * 70, "TV:CME_MINI:NQ1!", snapshot=True)

    market.step(moment(10, 1, 1.1))

    assert {update.payload["source"] for update in market.published} == {"dxLink"}


def test_two_futures_of_one_index_do_not_disturb_each_other(
    tmp_path: Path, clock: ManualClock
) -> None:
    clock.advance(moment(9) - clock.market())
    market = Market(tmp_path, clock, ("/NQ", "/MNQ"))
    market.begin(symbols=("/NQ", "/MNQ"))
    for place in range(1, 15):  # as they come: one, then the other
        market.bars(ms(10, place), [100.0 + place])
        market.bars(ms(10, place), [200.0 + place], "/MNQ")

    market.step(moment(10, 15, 1.1))

    for symbol, price in (("/NQ", 114.0), ("/MNQ", 214.0)):
        own = [one for name, length, one in market.told if (name, length) == (symbol, "15m")]
        assert [(each.contract, each.close) for each in own] == [(f"{symbol}Z6", price + 1)]
        assert len([name for name, length, _ in market.told if (name, length) == (symbol, "1m")])


def test_what_has_closed_survives_a_restart_and_is_not_told_again(
    tmp_path: Path, clock: ManualClock
) -> None:
    clock.advance(moment(9) - clock.market())
    first = Market(tmp_path, clock)
    first.begin()
    first.bars(ms(10, 1), [100.0] * 15)
    first.step(moment(10, 15, 2))
    first.keeper.close()

    second = Market(tmp_path, clock)
    second.step(moment(10, 20))
    assert second.found.wait(5.0)
    second.step()

    assert [each.time for each in second.owner.history("/NQ", "15m")][-1] == ms(10)
    assert len(second.owner.history("/NQ", "1m")) == 45
    second.link(True)
    second.bars(ms(9), [999.0] * 91, snapshot=True)
    told = second.step(moment(10, 30, 2))
    assert [time for _, length, time in told if length == "15m"] == [ms(10, 15)]
    assert second.owner.history("/NQ", "15m")[-2].open == 100.0  # what closed stays as it was
    assert second.told[0][2].time == ms(10, 20)


def test_a_demo_begins_empty(tmp_path: Path, clock: ManualClock) -> None:
    CandleStore(candle_file(tmp_path, False), clock.real()).close()

    assert not candle_file(tmp_path, True).exists()


def test_a_session_is_an_archive_file_with_its_contract(market: Market) -> None:
    market.begin()

    found = market.owner.archive("/nq", "2027-01-13")

    lines = found["text"].splitlines()
    assert found["name"] == "NQ_1m_2027-01-13.csv"
    assert lines[0] == (
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol"
    )
    assert lines[1].startswith("2027-01-13T14:30:00.000000000Z,33,1,")
    assert lines[1].endswith(",100.00,102.00,99.00,101.00,10,NQZ6")
    assert len(lines) == 31


def test_an_archive_of_nothing_says_of_whom_there_is_one(market: Market) -> None:
    market.begin()

    with pytest.raises(SettingsError, match=r"no closed minutes of /ES are kept.*made of /NQ"):
        market.owner.archive("/ES", "2027-01-13")


def test_a_listener_that_fails_stops_nobody(market: Market) -> None:
    def fail(symbol: str, timeframe: str, candle: Candle) -> None:
        raise RuntimeError("no")

    market.begin()
    market.owner.listen(fail)
    after: list[str] = []
    market.owner.listen(lambda symbol, timeframe, candle: after.append(timeframe))

    market.step(moment(10, 1, 1.1))

    assert after == ["1m"]


def test_wishes_are_checked_and_replaced(market: Market) -> None:
    with pytest.raises(SettingsError, match="5m"):
        market.owner.want("x", [("/ES", "5m")])

    market.owner.want("x", [("/ES", "15m")])
    market.begin()
    market.found.clear()
    market.step()
    assert "/ESZ26:XCME{=m}" in {each.symbol for each in market.wanted["candles"]}

    market.owner.want("x", [])
    market.step()
    assert "/ESZ26:XCME{=m}" not in {each.symbol for each in market.wanted["candles"]}


def test_a_delayed_feed_closes_candles_when_they_can_have_come(market: Market) -> None:
    market.engine.set_source("DELAYED")
    market.engine.step()
    market.begin()

    assert market.step(moment(10, 5)) == []
    assert [time for _, _, time in market.step(moment(10, 17, 2))] == [ms(10)]
